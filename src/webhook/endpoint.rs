//! An endpoint that events are delivered to: one place, one identity of ours, one set of secrets.
//!
//! An attempt is one request over mutual TLS, sent once, with the three headers of Standard Webhooks. A redirection is not
//! followed: it is an answer like any other that is not 2xx. Of an answer only its status and `Retry-After` are read; what it
//! says is bounded, and forgotten.

use crate::audit::AttemptRecorded;
use crate::clock::UnixMillis;
use crate::guard::EventCurrent;
use crate::protect::ProtectedEvent;
use crate::webhook::outbox::Destination;
use crate::webhook::outbox::Opened;
use crate::webhook::schedule::Heard;
use crate::webhook::schedule::retry_after_ms;
use crate::webhook::signature::WEBHOOK_ID;
use crate::webhook::signature::WEBHOOK_SIGNATURE;
use crate::webhook::signature::WEBHOOK_TIMESTAMP;
use crate::webhook::signature::sign;
use crate::webhook::signing_secrets::SigningSecrets;
use crate::wire::Connect;
use crate::wire::ConnectFault;
use crate::wire::Connection;
use crate::wire::ExchangeFaultKind;
use crate::wire::Request;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use http::header;
use std::sync::Arc;

/// The largest body of an endpoint's answer, in bytes: nobody reads it.
pub const ANSWER_MAX_BYTES: usize = 16 * 1024;

/// Where the deliveries of one destination go.
pub struct Endpoint {
    destination: Destination,
    /// Path and query.
    target: Box<str>,
    secrets: SigningSecrets,
    wire: Arc<dyn Connect>,
}

/// A connection to an endpoint over which nothing of the event has been sent.
#[must_use = "a line that is not used goes back to nobody"]
pub struct Line<'e> {
    endpoint: &'e Endpoint,
    connection: Box<dyn Connection>,
}

/// Proof that an endpoint gave one whole answer; only [`Line::send`] makes one.
#[derive(Clone, Copy, Debug)]
#[must_use = "what was answered decides whether an event was delivered"]
pub struct Answered(Heard);

/// Why an attempt has no answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AttemptFault {
    /// What is to be sent is not what was recorded, permitted and asked for last: a fault of this program.
    #[error("the event is not the recorded one")]
    Mismatch,
    /// No whole answer came.
    #[error("{0}")]
    Exchange(ExchangeFaultKind),
}

impl Endpoint {
    /// The endpoint of a destination at `target`, a path, reached over `wire`. Each of `secrets` signs; without any, nothing is
    /// signed.
    #[must_use]
    pub fn new(
        destination: Destination,
        target: Box<str>,
        secrets: impl Into<SigningSecrets>,
        wire: Arc<dyn Connect>,
    ) -> Self {
        Self { destination, target, secrets: secrets.into(), wire }
    }

    /// Whom it belongs to.
    #[must_use]
    pub const fn destination(&self) -> &Destination {
        &self.destination
    }

    /// Makes sure of a connection. Only for an attempt that is on record; nothing is sent.
    ///
    /// # Errors
    /// [`ConnectFault`].
    pub async fn open(&self, _recorded: &AttemptRecorded) -> Result<Line<'_>, ConnectFault> {
        let connection = self.wire.connect().await?;
        Ok(Line { endpoint: self, connection })
    }
}

impl Line<'_> {
    /// Sends the event, signed at `now`, once, and reads the whole answer.
    ///
    /// # Errors
    /// [`AttemptFault`].
    pub async fn send(
        self,
        opened: &Opened,
        protected: ProtectedEvent,
        recorded: &AttemptRecorded,
        current: EventCurrent,
        now: UnixMillis,
    ) -> Result<Answered, AttemptFault> {
        let Self { endpoint, connection } = self;
        let Destination { direction, partner } = &endpoint.destination;
        let belongs = recorded.digest() == protected.digest()
            && recorded.receipt() == current.receipt()
            && recorded.receipt() == opened.receipt()
            && opened.destination() == &endpoint.destination
            && (protected.partner(), protected.direction()) == (partner, *direction);
        if !belongs {
            return Err(AttemptFault::Mismatch);
        }
        let fields = endpoint.fields(opened, &protected, now).ok_or(AttemptFault::Mismatch)?;
        let request = Request {
            method: Method::POST,
            target: endpoint.target.clone(),
            fields,
            body: protected.body().clone(),
            leaving: Some(Box::new(current.into_departure())),
        };
        let response = connection.exchange(request).await.map_err(|fault| AttemptFault::Exchange(fault.kind))?;
        let asked = response.fields.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
        let heard = Heard { status: response.status, retry_after_ms: asked.and_then(|text| retry_after_ms(text, now)) };
        if let Some(spent) = response.spent.filter(|_| heard.status.is_success()) {
            spent.give_back();
        }
        Ok(Answered(heard))
    }
}

impl Endpoint {
    /// The fields of an attempt; `None` only for a value that no header can hold, which none of ours is.
    fn fields(
        &self,
        opened: &Opened,
        protected: &ProtectedEvent,
        now: UnixMillis,
    ) -> Option<Vec<(HeaderName, HeaderValue)>> {
        let (id, at) = (opened.message(), now.seconds());
        let mut fields = vec![
            (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (WEBHOOK_ID, HeaderValue::try_from(id.as_str()).ok()?),
            (WEBHOOK_TIMESTAMP, HeaderValue::from(at.get())),
        ];
        let secrets = self.secrets.in_force();
        if !secrets.is_empty() {
            let signature = sign(secrets.iter(), id, at, protected.body());
            fields.push((WEBHOOK_SIGNATURE, HeaderValue::try_from(signature).ok()?));
        }
        Some(fields)
    }
}

impl Answered {
    /// What was answered.
    #[must_use]
    pub const fn heard(self) -> Heard {
        self.0
    }
}

impl AttemptFault {
    /// The stable word for the record.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Mismatch => "mismatch",
            Self::Exchange(kind) => kind.word(),
        }
    }
}

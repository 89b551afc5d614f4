//! One partner and a line to it.

use crate::audit::Recorded;
use crate::clock::UnixMillis;
use crate::crypto::PublishedKeys;
use crate::crypto::purposed_jwks;
use crate::guard::Admitted;
use crate::guard::Current;
use crate::model::Direction;
use crate::model::PartnerName;
use crate::model::TreeHead;
use crate::partner::answer::Answer;
use crate::partner::fault::PartnerFault;
use crate::partner::fault::SendFault;
use crate::partner::signature::sign;
use crate::partner::token::Voucher;
use crate::protect::Protected;
use crate::wire::Connect;
use crate::wire::Connection;
use crate::wire::Request;
use http::HeaderName;
use http::HeaderValue;
use http::header;
use std::sync::Arc;

/// Where the partner is told the trace of a command (W3C Trace Context §3.2).
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The receipt that the partner gets: the id by which our record knows this command as the partner's.
const RECEIPT_ID: HeaderName = HeaderName::from_static("receipt-id");

/// What the tokens for a partner say, and what signs them and the requests.
pub struct PartnerSettings {
    /// The partner.
    pub name: PartnerName,
    /// The claim `iss`.
    pub issuer: Box<str>,
    /// The claim `aud`.
    pub audience: Box<str>,
    /// The claim `client_id`.
    pub client_id: Box<str>,
    /// What signs them.
    pub keys: PublishedKeys,
    /// The longest that one is valid, in seconds.
    pub lifetime_s: u64,
    /// What signs the requests.
    pub signing: PublishedKeys,
}

impl PartnerSettings {
    /// What the partner verifies tokens and requests with, keys that will sign later included, as JWKS.
    #[must_use]
    pub fn jwks(&self) -> String {
        partner_jwks(&self.keys, &self.signing)
    }
}

/// The keys of a partner's tokens and of the requests to it, as JWKS; each says which of the two it is for.
#[must_use]
pub fn partner_jwks(tokens: &PublishedKeys, requests: &PublishedKeys) -> String {
    purposed_jwks(&[("token", tokens), ("request", requests)])
}

/// A partner: its tokens, and the connections to it.
pub struct Partner {
    settings: Arc<PartnerSettings>,
    wire: Arc<dyn Connect>,
}

/// A connection to the partner over which nothing of the command has been sent.
///
/// For what is on record there is one:
/// ```
/// use portcullis::{audit::Recorded, partner::{Line, Partner, PartnerFault}, policy::Permit};
/// async fn open(partner: &Partner, permit: &Permit, recorded: &Recorded) -> Result<Line, PartnerFault> {
///     partner.open(recorded).await
/// }
/// ```
/// For what is permitted alone there is none:
/// ```compile_fail
/// use portcullis::{audit::Recorded, partner::{Line, Partner, PartnerFault}, policy::Permit};
/// async fn open(partner: &Partner, permit: &Permit, recorded: &Recorded) -> Result<Line, PartnerFault> {
///     partner.open(permit).await
/// }
/// ```
#[must_use = "a line that is not used goes back to nobody"]
pub struct Line {
    connection: Box<dyn Connection>,
    settings: Arc<PartnerSettings>,
}

impl Partner {
    /// A partner that is reached over `wire`.
    #[must_use]
    pub const fn new(settings: Arc<PartnerSettings>, wire: Arc<dyn Connect>) -> Self {
        Self { settings, wire }
    }

    /// Mints the token of one command. It ends with the command's `max_age`, and tells what of our record can be `seen`.
    ///
    /// # Errors
    /// [`PartnerFault::TooOld`], [`PartnerFault::Signing`].
    pub fn mint(
        &self,
        protected: &Protected,
        admitted: &Admitted,
        seen: Option<&TreeHead>,
        now: UnixMillis,
    ) -> Result<Voucher, PartnerFault> {
        self.settings.mint(protected, admitted.good_until(), seen, now.seconds())
    }

    /// The keys that the partner is told of.
    #[must_use]
    pub fn jwks(&self) -> String {
        self.settings.jwks()
    }

    /// Why no connection could be made now: our own certificate there, or a list about the partner's, is not in force.
    #[must_use]
    pub fn lapsed(&self) -> Option<PartnerFault> {
        self.wire.lapsed().map(PartnerFault::Unreachable)
    }

    /// Makes sure of a connection. Only for what is on record; nothing is sent.
    ///
    /// # Errors
    /// [`PartnerFault::Unreachable`].
    pub async fn open(&self, _recorded: &Recorded) -> Result<Line, PartnerFault> {
        let connection = self.wire.connect().await.map_err(PartnerFault::Unreachable)?;
        Ok(Line { connection, settings: Arc::clone(&self.settings) })
    }
}

impl Line {
    /// Signs the command as it is, sends it, once, and reads the whole answer. Nothing is tried again.
    ///
    /// # Errors
    /// [`SendFault`] tells whether bytes may have left.
    pub async fn send(
        self,
        voucher: Voucher,
        protected: Protected,
        recorded: &Recorded,
        current: Current,
    ) -> Result<Answer, SendFault> {
        let belongs = protected.direction() == Direction::Outbound
            && recorded.digest() == protected.digest()
            && voucher.command() == protected.digest()
            && recorded.partner() == protected.partner()
            && recorded.partner() == &self.settings.name
            && recorded.receipt() == current.receipt();
        if !belongs {
            return Err(SendFault::Mismatch);
        }
        let outgoing = protected.into_outgoing();
        let mut fields = outgoing.fields;
        if let Some(media_type) = outgoing.content_type {
            fields.push((header::CONTENT_TYPE, media_type));
        }
        let mut bearer =
            HeaderValue::try_from(format!("Bearer {}", voucher.token())).map_err(|_| SendFault::Unwritable)?;
        bearer.set_sensitive(true);
        fields.push((header::AUTHORIZATION, bearer));
        let receipt = HeaderValue::try_from(voucher.jti()).map_err(|_| SendFault::Unwritable)?;
        fields.push((RECEIPT_ID, receipt));
        let signed_at = current.at().seconds();
        let leaving = current.into_departure().map(|departure| Box::new(departure) as Box<dyn Send + Sync>);
        let mut request =
            Request { method: outgoing.method, target: outgoing.target, fields, body: outgoing.body, leaving };
        let key = self.settings.signing.first();
        sign(&mut request, self.connection.authority(), key, signed_at, voucher.expires_at())
            .map_err(|_| SendFault::Unsigned)?;
        request.fields.push((header::ACCEPT, outgoing.accept));
        if let Some(trace) = voucher.trace() {
            let value = HeaderValue::try_from(trace.to_string()).map_err(|_| SendFault::Unwritable)?;
            request.fields.push((TRACEPARENT, value));
        }
        let response = self.connection.exchange(request).await.map_err(|fault| match fault.may_have_left {
            true => SendFault::Unknown(fault.kind),
            false => SendFault::Unwritable,
        })?;
        Ok(Answer::new(response))
    }
}

//! The backend as a partner's operation reaches it: one exchange, one whole answer, by the same proofs as the other way round.
//!
//! The backend knows by the connection that it is the gateway who asks, and by a field of ours for which partner. No token
//! goes with it: that of the partner was for the gateway.

use crate::audit::Recorded;
use crate::guard::Current;
use crate::model::Direction;
use crate::partner::answer::Answer;
use crate::partner::fault::PartnerFault;
use crate::partner::fault::SendFault;
use crate::protect::Protected;
use crate::wire::Connect;
use crate::wire::Connection;
use crate::wire::Request;
use http::HeaderName;
use http::HeaderValue;
use http::header;
use std::sync::Arc;

/// For which partner is asked, by the name in its contract.
const PARTNER: HeaderName = HeaderName::from_static("portcullis-partner");

/// The receipt under which it is on record: the partner is told the same one.
const RECEIPT: HeaderName = HeaderName::from_static("receipt-id");

/// The backend, and the connections to it.
pub struct Backend {
    wire: Arc<dyn Connect>,
}

/// A connection to the backend over which nothing of the request has been sent.
///
/// What was asked about a last time is sent:
/// ```
/// use portcullis::{audit::Recorded, guard::Current, partner::BackendLine, protect::Protected};
/// async fn carry(line: BackendLine, sent: Protected, recorded: &Recorded, current: Current) {
///     let _answer = line.send(sent, recorded, current).await;
/// }
/// ```
/// What is on record alone is not:
/// ```compile_fail
/// use portcullis::{audit::Recorded, guard::Current, partner::BackendLine, protect::Protected};
/// async fn carry(line: BackendLine, sent: Protected, recorded: &Recorded, current: Current) {
///     let _answer = line.send(sent, recorded, recorded).await;
/// }
/// ```
#[must_use = "a line that is not used goes back to nobody"]
pub struct BackendLine {
    connection: Box<dyn Connection>,
}

impl Backend {
    /// The backend that is reached over `wire`.
    #[must_use]
    pub const fn new(wire: Arc<dyn Connect>) -> Self {
        Self { wire }
    }

    /// Makes sure of a connection. Only for what is on record; nothing is sent.
    ///
    /// # Errors
    /// [`PartnerFault::Unreachable`].
    pub async fn open(&self, _recorded: &Recorded) -> Result<BackendLine, PartnerFault> {
        let connection = self.wire.connect().await.map_err(PartnerFault::Unreachable)?;
        Ok(BackendLine { connection })
    }
}

impl BackendLine {
    /// Sends what a partner asks, once, and reads the whole answer. Nothing is tried again.
    ///
    /// # Errors
    /// [`SendFault`] tells whether bytes may have left.
    pub async fn send(self, protected: Protected, recorded: &Recorded, current: Current) -> Result<Answer, SendFault> {
        let belongs = protected.direction() == Direction::Inbound
            && recorded.digest() == protected.digest()
            && recorded.partner() == protected.partner()
            && recorded.receipt() == current.receipt();
        if !belongs {
            return Err(SendFault::Mismatch);
        }
        let told = |text: &str| HeaderValue::try_from(text).map_err(|_| SendFault::Unwritable);
        let (partner, receipt) = (told(protected.partner().as_str())?, told(&recorded.receipt().to_string())?);
        let outgoing = protected.into_outgoing();
        let mut fields = outgoing.fields;
        if let Some(media_type) = outgoing.content_type {
            fields.push((header::CONTENT_TYPE, media_type));
        }
        fields.extend([(header::ACCEPT, outgoing.accept), (PARTNER, partner), (RECEIPT, receipt)]);
        let leaving = current.into_departure().map(|departure| Box::new(departure) as Box<dyn Send + Sync>);
        let request =
            Request { method: outgoing.method, target: outgoing.target, fields, body: outgoing.body, leaving };
        let response = self.connection.exchange(request).await.map_err(|fault| match fault.may_have_left {
            true => SendFault::Unknown(fault.kind),
            false => SendFault::Unwritable,
        })?;
        Ok(Answer::new(response))
    }
}

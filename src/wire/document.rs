//! One question to a place that answers with a document: 200, and of a media type that is known. What stands in it, whoever asked
//! reads.

use crate::wire::exchange::Connect;
use crate::wire::exchange::Response;
use crate::wire::fault::ConnectFault;
use crate::wire::fault::ExchangeFaultKind;
use crate::wire::request::Request;
use crate::wire::said::is_of_type;
use http::StatusCode;

/// Why no document came. Holds nothing that came from outside.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum DocumentFault {
    /// There was no connection.
    #[error("{0}")]
    Connect(ConnectFault),
    /// There was no whole answer within limits and time.
    #[error("{0}")]
    Exchange(ExchangeFaultKind),
    /// The answer was not 200: a redirect, too, is followed by nobody.
    #[error("the answer is {0}, not 200")]
    Status(u16),
    /// The answer is said to be something else than what was asked for, or is coded.
    #[error("the answer is of another media type")]
    MediaType,
}

impl DocumentFault {
    /// The stable word for metrics and the log.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Connect(fault) => fault.word(),
            Self::Exchange(kind) => kind.word(),
            Self::Status(_) => "status",
            Self::MediaType => "media-type",
        }
    }
}

/// Asks `server` once, for a document of one of these media types.
///
/// # Errors
/// [`DocumentFault`].
pub async fn document(server: &dyn Connect, request: Request, types: &[&str]) -> Result<Response, DocumentFault> {
    let connection = server.connect().await.map_err(DocumentFault::Connect)?;
    let answer = connection.exchange(request).await.map_err(|fault| DocumentFault::Exchange(fault.kind))?;
    if answer.status != StatusCode::OK {
        return Err(DocumentFault::Status(answer.status.as_u16()));
    }
    if !is_of_type(&answer.fields, types) {
        return Err(DocumentFault::MediaType);
    }
    Ok(answer)
}

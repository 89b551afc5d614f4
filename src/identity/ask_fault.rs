//! Why an issuer did not say what a token is. Holds nothing that came from outside.

use crate::wire::ConnectFault;
use crate::wire::ExchangeFaultKind;

/// Why there is no answer that may be relied on.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AskFault {
    /// So many questions are under way that no further one is asked.
    #[error("too many questions are under way")]
    Busy,
    /// Nobody asks any more: the gateway goes down.
    #[error("nobody asks any more")]
    Ended,
    /// All in all it took longer than a request waits.
    #[error("the answer took too long")]
    Late,
    /// Our assertion could not be signed.
    #[error("the assertion could not be signed")]
    Signing,
    /// There was no connection.
    #[error("{0}")]
    Connect(ConnectFault),
    /// There was no whole answer within limits and time.
    #[error("{0}")]
    Exchange(ExchangeFaultKind),
    /// The answer was not 200: we are no client there, or it leads elsewhere, where nobody follows.
    #[error("the answer is {0}, not 200")]
    Status(u16),
    /// The answer is said to be something else than JSON, or is coded.
    #[error("the answer is of another media type")]
    MediaType,
    /// The answer is not a strict JSON object that says by a boolean whether the token is active (RFC 7662 §2.2).
    #[error("the answer does not say whether the token is active")]
    Malformed,
}

impl AskFault {
    /// The stable word for metrics and the log.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::Ended => "ended",
            Self::Late => "late",
            Self::Signing => "signing",
            Self::Connect(fault) => fault.word(),
            Self::Exchange(kind) => kind.word(),
            Self::Status(_) => "status",
            Self::MediaType => "media-type",
            Self::Malformed => "answer-malformed",
        }
    }
}

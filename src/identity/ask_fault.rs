//! Why an issuer did not say what a token is. Holds nothing that came from outside.

use crate::wire::DocumentFault;

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
    /// There was no answer of 200 in JSON.
    #[error(transparent)]
    Document(#[from] DocumentFault),
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
            Self::Document(fault) => fault.word(),
            Self::Malformed => "answer-malformed",
        }
    }
}

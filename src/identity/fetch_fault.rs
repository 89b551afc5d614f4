//! Why an issuer's keys did not come. Holds nothing that came from outside.

use crate::crypto::KeySetError;
use crate::telemetry::KEY_ELSEWHERE;
use crate::wire::DocumentFault;

/// Why a set did not come, or was refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum FetchFault {
    /// There was no answer of 200 in JSON.
    #[error(transparent)]
    Document(#[from] DocumentFault),
    /// The document about the issuer is none.
    #[error("the document about the issuer is malformed")]
    Metadata,
    /// The document is about another issuer.
    #[error("the document is about another issuer")]
    Issuer,
    /// The document names a place that is not configured.
    #[error("the document names a place that is not configured")]
    Host,
    /// The set is none that may be used.
    #[error("{0}")]
    Keys(KeySetError),
    /// A key of the set is one of ours, or another issuer's.
    #[error("a key of the set serves another purpose here")]
    KeyElsewhere,
}

impl FetchFault {
    /// The stable word for metrics and the log.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Document(fault) => fault.word(),
            Self::Metadata => "metadata-malformed",
            Self::Issuer => "issuer-mismatch",
            Self::Host => "host-not-configured",
            Self::Keys(_) => "key-set-refused",
            Self::KeyElsewhere => KEY_ELSEWHERE,
        }
    }
}

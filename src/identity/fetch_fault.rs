//! Why an issuer's keys did not come. Holds nothing that came from outside.

use crate::crypto::KeySetError;
use crate::telemetry::KEY_ELSEWHERE;
use crate::wire::ConnectFault;
use crate::wire::ExchangeFaultKind;

/// Why a set did not come, or was refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum FetchFault {
    /// There was no connection.
    #[error("{0}")]
    Connect(ConnectFault),
    /// There was no whole answer within limits and time.
    #[error("{0}")]
    Exchange(ExchangeFaultKind),
    /// The answer was not 200: a redirect, too, is followed by nobody.
    #[error("the answer is {0}, not 200")]
    Status(u16),
    /// The answer is said to be something else than JSON or a set of keys, or is coded.
    #[error("the answer is of another media type")]
    MediaType,
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
            Self::Connect(fault) => fault.word(),
            Self::Exchange(kind) => kind.word(),
            Self::Status(_) => "status",
            Self::MediaType => "media-type",
            Self::Metadata => "metadata-malformed",
            Self::Issuer => "issuer-mismatch",
            Self::Host => "host-not-configured",
            Self::Keys(_) => "key-set-refused",
            Self::KeyElsewhere => KEY_ELSEWHERE,
        }
    }
}

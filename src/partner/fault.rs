//! Why nothing was sent to the partner, or no valid answer came from it.

use crate::wire::ConnectFault;
use crate::wire::DocumentFault;
use crate::wire::ExchangeFaultKind;

/// Why a command does not even begin to leave.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PartnerFault {
    /// There is no connection.
    #[error("the partner cannot be reached: {0}")]
    Unreachable(ConnectFault),
    /// The token for it would be expired when it is made: the command is too old.
    #[error("the command is too old for a token")]
    TooOld,
    /// The token cannot be signed.
    #[error("the partner's token cannot be signed")]
    Signing,
    /// None came from the partner's authorisation server.
    #[error("the partner's token did not come: {0}")]
    Token(TokenFault),
}

/// Why no token came from a partner's authorisation server, or none that is used. Holds nothing that came from there.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TokenFault {
    /// The contract names no right for the operation, and no scope narrows a token either.
    #[error("the operation has no right that a token could be narrowed to")]
    NoRight,
    /// Our assertion cannot be signed, or the request cannot be written.
    #[error("the request for it cannot be made")]
    Request,
    /// There was no answer of 200 in JSON.
    #[error(transparent)]
    Document(DocumentFault),
    /// It did not come in the time that there is.
    #[error("it took too long")]
    Timeout,
    /// Whoever fetched it has ended without it.
    #[error("the fetch broke off")]
    BrokenOff,
    /// The server refuses us: the answer is a fault of ours (RFC 6749 §5.2).
    #[error("the server refuses with {0}")]
    Refused(u16),
    /// The answer is none of a token endpoint (RFC 6749 §5.1).
    #[error("the answer is malformed")]
    Malformed,
    /// The token is used in a way that is not ours.
    #[error("the token is of another type than `Bearer`")]
    TokenType,
    /// The server does not say how long the token is valid.
    #[error("the token has no end")]
    Endless,
    /// The token is valid for longer than `max_lifetime`, or not at all.
    #[error("the token is valid for too long, or not at all")]
    Lifetime,
    /// The token is good for something else than was asked for.
    #[error("the token grants something else than was asked for")]
    Wider,
}

/// Why a command has no valid answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SendFault {
    /// The proofs are of different exchanges, or the record is of other bytes. Nothing was sent.
    #[error("the proofs do not belong together")]
    Mismatch,
    /// The request cannot be written as HTTP. Nothing was sent.
    #[error("the request cannot be written")]
    Unwritable,
    /// The request cannot be signed. Nothing was sent.
    #[error("the request cannot be signed")]
    Unsigned,
    /// Bytes may have left, and no valid answer came.
    #[error("no valid answer: {0}")]
    Unknown(ExchangeFaultKind),
}

impl SendFault {
    /// Whether a byte of the command may have left. `false` only if certainly none has.
    #[must_use]
    pub const fn may_have_left(self) -> bool {
        matches!(self, Self::Unknown(_))
    }

    /// The stable word for the record.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Mismatch => "proofs-mismatch",
            Self::Unwritable => "unwritable",
            Self::Unsigned => "unsigned",
            Self::Unknown(kind) => kind.word(),
        }
    }
}

impl PartnerFault {
    /// The stable word for the record.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unreachable(fault) => fault.word(),
            Self::TooOld => "too-old",
            Self::Signing => "signing",
            Self::Token(fault) => fault.word(),
        }
    }
}

/// A token endpoint tells a fault of ours by its status.
impl From<DocumentFault> for TokenFault {
    fn from(fault: DocumentFault) -> Self {
        match fault {
            DocumentFault::Status(status @ (400 | 401 | 403)) => Self::Refused(status),
            other => Self::Document(other),
        }
    }
}

impl TokenFault {
    /// The stable word for metrics and the log.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::NoRight => "right-missing",
            Self::Request => "request",
            Self::Document(fault) => fault.word(),
            Self::Timeout => "timeout",
            Self::BrokenOff => "fetch-broke-off",
            Self::Refused(_) => "client-refused",
            Self::Malformed => "answer-malformed",
            Self::TokenType => "token-type",
            Self::Endless => "no-expiry",
            Self::Lifetime => "lifetime",
            Self::Wider => "grant-differs",
        }
    }
}

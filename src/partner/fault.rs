//! Why nothing was sent to the partner, or no valid answer came from it.

use crate::wire::ConnectFault;
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
        }
    }
}

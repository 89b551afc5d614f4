//! Why the guard refuses. Variants name the fault and hold nothing of the request.

use crate::crypto::Distrust;
use crate::guard::age::AgeFault;
use crate::guard::kind::RevocationKind;
use crate::guard::ledger::LedgerFault;
use crate::guard::rate::RateFault;
use crate::guard::revocation::StoreFault;
use crate::model::Epoch;

/// Why a command is not admitted, or its key not bound.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum GuardFault {
    /// Its subject, device, session or token is revoked.
    #[error("the caller is revoked")]
    Revoked,
    /// Its peer's certificate is revoked here.
    #[error("the peer's certificate is revoked")]
    CertificateRevoked,
    /// Its operation is stopped.
    #[error("the operation is stopped")]
    OperationRevoked,
    /// Its partner is stopped.
    #[error("the partner is stopped")]
    PartnerRevoked,
    /// Its tenant, or that of the thing, is stopped.
    #[error("the tenant is stopped")]
    TenantRevoked,
    /// The clock shows less than it has shown before.
    #[error("the clock shows less than it has shown before")]
    ClockBehind,
    /// It comes too fast, or no rate can be kept for it.
    #[error(transparent)]
    Rate(#[from] RateFault),
    /// Its user was not authenticated as the operation demands, or too long ago.
    #[error("the user must be authenticated anew")]
    StepUpNeeded,
    /// It has no time where one is demanded, more than one, one that is no date, or another one than its proof.
    #[error("the command's time is missing or no date")]
    CommandTimeInvalid,
    /// It is older than its operation allows.
    #[error("the command is older than its operation allows")]
    CommandTooOld,
    /// It is dated further ahead than clocks may differ.
    #[error("the command is dated in the future")]
    CommandFromFuture,
    /// The client assertion was used before, or may have been.
    #[error("the client assertion was used before")]
    AssertionReplayed,
    /// No further client assertion can be remembered, or the store does not keep it.
    #[error("no further client assertion can be remembered")]
    AssertionsFull,
    /// Its proof of possession needs a nonce of this run, or has another one.
    #[error("the proof needs a nonce of this run")]
    ProofNonce,
    /// Its proof of possession was used before.
    #[error("the proof was used before")]
    ProofReplayed,
    /// Its proof of possession is so old that it may have been used and forgotten.
    #[error("the proof may have been used before")]
    ProofStale,
    /// No further proof of possession can be remembered.
    #[error("no further proof can be remembered")]
    ProofsFull,
    /// The operation demands an idempotency key and there is none, or it is malformed.
    #[error("the idempotency key is missing or malformed")]
    IdempotencyKeyInvalid,
    /// The key stands for another body.
    #[error("the idempotency key was used with another body")]
    IdempotencyKeyReused,
    /// The first command with this key is still running.
    #[error("the first command with this idempotency key is still running")]
    IdempotencyInProgress,
    /// No further key can be remembered.
    #[error("no further idempotency key can be remembered")]
    IdempotencyFull,
}

/// Why a command that is on record may not leave after all.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Withdrawn {
    /// Its subject, device, session or token was revoked meanwhile.
    #[error("the caller was revoked")]
    Revoked,
    /// The peer's certificate was revoked here meanwhile.
    #[error("the certificate was revoked")]
    CertificateRevoked,
    /// A right of the token that policy was shown was revoked meanwhile.
    #[error("a right of the token was revoked")]
    GrantRevoked,
    /// The operation was stopped meanwhile.
    #[error("the operation was stopped")]
    OperationRevoked,
    /// The partner was stopped meanwhile.
    #[error("the partner was stopped")]
    PartnerRevoked,
    /// The tenant, or that of the thing, was stopped meanwhile.
    #[error("the tenant was stopped")]
    TenantRevoked,
    /// The peer's certificate expired meanwhile.
    #[error("the peer's certificate expired")]
    PeerExpired,
    /// The peer's certificate was revoked meanwhile.
    #[error("the peer's certificate was revoked")]
    PeerRevoked,
    /// The listener trusts the peer's certificate no longer.
    #[error("the peer is trusted no longer")]
    PeerUntrusted,
    /// The token expired meanwhile.
    #[error("the token expired")]
    TokenExpired,
    /// It grew older than its operation allows.
    #[error("the command grew too old")]
    TooOld,
    /// Another bundle is in force than the one that permitted it.
    #[error("another bundle is in force")]
    BundleChanged,
    /// Another directory is in force than the one by which it was permitted.
    #[error("another directory is in force")]
    DirectoryChanged,
    /// The clock shows less than it has shown before.
    #[error("the clock shows less than it has shown before")]
    ClockBehind,
    /// A right of the token that policy was shown is outside of its time.
    #[error("a right of the token is outside of its time")]
    RightNotNow,
    /// The token that was minted for the partner expired meanwhile.
    #[error("the token for the partner expired")]
    PartnerTokenExpired,
}

/// Why a revocation is not known to be in force and to last.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RevokeFault {
    /// It is in force all the same, until the process ends.
    #[error("in force since epoch {epoch}, but not stored: {fault}")]
    NotStored {
        /// The epoch that it began.
        epoch: Epoch,
        /// Why it is not stored.
        fault: StoreFault,
    },
    /// It is in force and stored, but a command that was looked at before has not left in time: it may leave yet.
    #[error("in force since epoch {epoch}, but an older command may still leave")]
    Departing {
        /// The epoch that it began.
        epoch: Epoch,
    },
    /// It was not taken and is not in force: as many are in force, or wait for the store, as may be.
    #[error("not in force: there are too many revocations")]
    Full,
}

impl Withdrawn {
    /// The stable word for records, kebab-case.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Revoked => "revoked",
            Self::CertificateRevoked => "certificate-revoked",
            Self::GrantRevoked => "grant-revoked",
            Self::OperationRevoked => "operation-revoked",
            Self::PartnerRevoked => "partner-revoked",
            Self::TenantRevoked => "tenant-revoked",
            Self::PeerExpired => "peer-expired",
            Self::PeerRevoked => "peer-revoked",
            Self::PeerUntrusted => "peer-untrusted",
            Self::TokenExpired => "token-expired",
            Self::TooOld => "too-old",
            Self::BundleChanged => "bundle-changed",
            Self::DirectoryChanged => "directory-changed",
            Self::ClockBehind => "clock-behind",
            Self::RightNotNow => "right-not-now",
            Self::PartnerTokenExpired => "partner-token-expired",
        }
    }
}

/// Of a grant there is none: a right that is revoked is no right, and policy decides by what is left.
impl From<RevocationKind> for GuardFault {
    fn from(kind: RevocationKind) -> Self {
        match kind {
            RevocationKind::Subject
            | RevocationKind::Device
            | RevocationKind::Session
            | RevocationKind::Token
            | RevocationKind::Grant => Self::Revoked,
            RevocationKind::Certificate => Self::CertificateRevoked,
            RevocationKind::Operation => Self::OperationRevoked,
            RevocationKind::Partner => Self::PartnerRevoked,
            RevocationKind::Tenant => Self::TenantRevoked,
        }
    }
}

impl From<RevocationKind> for Withdrawn {
    fn from(kind: RevocationKind) -> Self {
        match kind {
            RevocationKind::Subject | RevocationKind::Device | RevocationKind::Session | RevocationKind::Token => {
                Self::Revoked
            }
            RevocationKind::Certificate => Self::CertificateRevoked,
            RevocationKind::Grant => Self::GrantRevoked,
            RevocationKind::Operation => Self::OperationRevoked,
            RevocationKind::Partner => Self::PartnerRevoked,
            RevocationKind::Tenant => Self::TenantRevoked,
        }
    }
}

impl From<Distrust> for Withdrawn {
    fn from(distrust: Distrust) -> Self {
        match distrust {
            Distrust::OutOfTime => Self::PeerExpired,
            Distrust::Revoked => Self::PeerRevoked,
            Distrust::Untrusted => Self::PeerUntrusted,
        }
    }
}

impl From<AgeFault> for GuardFault {
    fn from(fault: AgeFault) -> Self {
        match fault {
            AgeFault::Invalid => Self::CommandTimeInvalid,
            AgeFault::FromTheFuture => Self::CommandFromFuture,
            AgeFault::TooOld => Self::CommandTooOld,
        }
    }
}

impl From<LedgerFault> for GuardFault {
    fn from(fault: LedgerFault) -> Self {
        match fault {
            LedgerFault::Reused => Self::IdempotencyKeyReused,
            LedgerFault::InProgress => Self::IdempotencyInProgress,
            LedgerFault::Full => Self::IdempotencyFull,
        }
    }
}

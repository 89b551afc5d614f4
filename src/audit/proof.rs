//! The proofs of this room: [`Recorded`], a durable intent; [`Noted`], a durable note; [`Concluded`], what a door may
//! write.

use crate::audit::facts::KeyDigests;
use crate::audit::segment::Place;
use crate::model::Epoch;
use crate::model::OperationId;
use crate::model::PartnerName;
use crate::model::Reason;
use crate::model::Receipt;
use crate::model::Reply;
use crate::model::Sha256;

/// Proof that the intent of an exchange is durable; only [`Log::intent`](crate::audit::Log::intent) makes one, and
/// [`Log::outcome`](crate::audit::Log::outcome) takes it, so that an intent has one outcome.
#[derive(Debug)]
#[must_use = "an intent must have an outcome"]
pub struct Recorded {
    pub(super) receipt: Receipt,
    pub(super) partner: PartnerName,
    pub(super) operation: OperationId,
    pub(super) digest: Sha256,
    pub(super) epoch: Epoch,
    pub(super) bundle: Sha256,
    pub(super) key: Option<KeyDigests>,
}

/// Proof that a note is durable.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct Noted {
    pub(super) receipt: Receipt,
    pub(super) place: Place,
}

/// What a door may write: an answer whose end is on record, or the neutral problem that it could not be recorded. Only
/// this room makes one.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct Concluded {
    pub(super) receipt: Receipt,
    pub(super) reason: Reason,
    pub(super) reply: Reply,
    pub(super) place: Option<Place>,
}

impl Recorded {
    /// The receipt.
    #[must_use]
    pub const fn receipt(&self) -> Receipt {
        self.receipt
    }

    /// The partner for whom the recorded request is protected.
    #[must_use]
    pub const fn partner(&self) -> &PartnerName {
        &self.partner
    }

    /// The operation.
    #[must_use]
    pub const fn operation(&self) -> &OperationId {
        &self.operation
    }

    /// The digest of the only bytes that may leave under this record.
    #[must_use]
    pub const fn digest(&self) -> Sha256 {
        self.digest
    }

    /// The epoch that the exchange saw.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The bundle that judged it.
    #[must_use]
    pub const fn bundle(&self) -> Sha256 {
        self.bundle
    }

    /// The idempotency key that became durable with it.
    #[must_use]
    pub const fn key(&self) -> Option<KeyDigests> {
        self.key
    }
}

impl Noted {
    /// The receipt of the facts that were noted.
    #[must_use]
    pub const fn receipt(&self) -> Receipt {
        self.receipt
    }

    /// The answer of the one who asked for what was noted.
    pub fn conclude(self, reason: Reason, reply: Reply) -> Concluded {
        Concluded { receipt: self.receipt, reason, reply, place: Some(self.place) }
    }
}

impl Concluded {
    /// The receipt that goes with the answer.
    #[must_use]
    pub const fn receipt(&self) -> Receipt {
        self.receipt
    }

    /// Why the exchange ended, as the caller was told: for metrics. `not-recordable` and `outcome-unknown` where the
    /// record could not be made durable.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        self.reason
    }

    /// Where the record lies; `None` where there is none. Under it the answer can be recalled, if it was kept.
    #[must_use]
    pub const fn place(&self) -> Option<Place> {
        self.place
    }

    /// The answer.
    #[must_use]
    pub const fn reply(&self) -> &Reply {
        &self.reply
    }

    /// The answer, for the door that writes it.
    #[must_use]
    pub fn into_reply(self) -> Reply {
        self.reply
    }
}

//! Events on record: [`EventRecorded`], one that was taken and may be queued, and [`AttemptRecorded`], an attempt to deliver
//! one, which may be sent. What became of an attempt is a [`Delivery`], for [`Log::note`](crate::audit::Log::note).

use crate::audit::facts::Facts;
use crate::audit::fault::AuditFault;
use crate::audit::log::Log;
use crate::audit::proof::Concluded;
use crate::audit::record;
use crate::clock::UnixMillis;
use crate::model::DeliveryState;
use crate::model::Direction;
use crate::model::EventName;
use crate::model::PartnerName;
use crate::model::Reason;
use crate::model::Receipt;
use crate::model::Reply;
use crate::model::Sha256;
use crate::policy::EventPermit;
use crate::protect::ProtectedEvent;

/// Proof that it is durably on record that an event was taken; only [`Log::event`] makes one. Without it nothing is queued.
///
/// What was permitted and protected is recorded:
/// ```
/// use portcullis::{audit::{AuditFault, EventRecorded, Facts, Log}, clock::UnixMillis, contract::RebuiltEvent};
/// use portcullis::{policy::EventPermit, protect::ProtectedEvent};
/// # type Taken = Result<EventRecorded, AuditFault>;
/// async fn take(l: &Log, p: &EventPermit, o: &ProtectedEvent, e: &RebuiltEvent, f: &Facts, now: UnixMillis) -> Taken {
///     l.event(p, o, f, now).await
/// }
/// ```
/// What was rebuilt and not protected is not:
/// ```compile_fail
/// use portcullis::{audit::{AuditFault, EventRecorded, Facts, Log}, clock::UnixMillis, contract::RebuiltEvent};
/// use portcullis::{policy::EventPermit, protect::ProtectedEvent};
/// # type Taken = Result<EventRecorded, AuditFault>;
/// async fn take(l: &Log, p: &EventPermit, o: &ProtectedEvent, e: &RebuiltEvent, f: &Facts, now: UnixMillis) -> Taken {
///     l.event(p, e, f, now).await
/// }
/// ```
#[derive(Debug)]
#[must_use = "an event on record is queued, or its sender is told that it is not"]
pub struct EventRecorded {
    receipt: Receipt,
    bundle: Sha256,
}

/// Proof that an attempt to deliver is durably on record; only [`Log::attempt`] makes one. Without it nothing is sent.
#[derive(Debug)]
#[must_use = "without this proof nothing is sent"]
pub struct AttemptRecorded {
    receipt: Receipt,
    digest: Sha256,
}

/// What became of a delivery, for the record.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Whom it goes to or comes from.
    pub partner: PartnerName,
    /// The event.
    pub event: EventName,
    /// Which way it goes.
    pub direction: Direction,
    /// How it stands.
    pub state: DeliveryState,
    /// How many attempts there were.
    pub attempt: u64,
    /// The endpoint's status, where an answer came.
    pub status: Option<u16>,
    /// Why, from a closed list of ours.
    pub detail: Option<&'static str>,
}

impl Log {
    /// Puts on record that an event was taken. When this returns, it is on the disk; else nothing may be queued.
    ///
    /// # Errors
    /// [`AuditFault`]; the way answers with [`Log::unrecorded`].
    pub async fn event(
        &self,
        permit: &EventPermit,
        protected: &ProtectedEvent,
        facts: &Facts,
        now: UnixMillis,
    ) -> Result<EventRecorded, AuditFault> {
        self.record(facts, |line| record::event(line, permit, protected, facts, None, now), now).await?;
        if let Some(told) = facts.command {
            self.told(told, now);
        }
        Ok(EventRecorded { receipt: facts.receipt, bundle: facts.bundle })
    }

    /// Puts on record that an event is sent, for the `attempt`th time. When this returns, it is on the disk; else
    /// nothing may be sent.
    ///
    /// # Errors
    /// [`AuditFault`].
    pub async fn attempt(
        &self,
        permit: &EventPermit,
        protected: &ProtectedEvent,
        facts: &Facts,
        attempt: u64,
        now: UnixMillis,
    ) -> Result<AttemptRecorded, AuditFault> {
        self.record(facts, |line| record::event(line, permit, protected, facts, Some(attempt), now), now).await?;
        Ok(AttemptRecorded { receipt: facts.receipt, digest: protected.digest() })
    }
}

impl EventRecorded {
    /// The receipt, which goes with the event until it is delivered.
    #[must_use]
    pub const fn receipt(&self) -> Receipt {
        self.receipt
    }

    /// The bundle that judged it.
    #[must_use]
    pub const fn bundle(&self) -> Sha256 {
        self.bundle
    }

    /// A recorded event in no log, for the tests of rooms that demand one.
    #[cfg(test)]
    pub const fn for_test(receipt: Receipt, bundle: Sha256) -> Self {
        Self { receipt, bundle }
    }

    /// The answer of the one who brought the event.
    pub fn conclude(self, reason: Reason, reply: Reply) -> Concluded {
        Concluded { receipt: self.receipt, reason, reply, kept_at: None }
    }
}

impl AttemptRecorded {
    /// The receipt of the event.
    #[must_use]
    pub const fn receipt(&self) -> Receipt {
        self.receipt
    }

    /// The digest of the only bytes that may leave under this record.
    #[must_use]
    pub const fn digest(&self) -> Sha256 {
        self.digest
    }
}

//! Events and revocations: whose rights an event speaks of, and whether it may still leave.
//!
//! An event to the partner about somebody who is revoked goes no further, unless it tells that rights have ended
//! (`narrows`): that one must arrive. What comes from a partner has happened, and is told the backend whoever it is about;
//! but not while that partner is stopped: whoever stops it no longer takes its word.
//!
//! While a partner is stopped nothing goes to it, and while a tenant is, nothing about it but what narrows. That purges
//! nothing: it waits, for a stop is lifted one day.

use crate::audit::AttemptRecorded;
use crate::contract::RebuiltEvent;
use crate::guard::current::Basis;
use crate::guard::departures::Departure;
use crate::guard::fault::GuardFault;
use crate::guard::fault::Withdrawn;
use crate::guard::kind::RevocationKind;
use crate::guard::revocation::Revocable;
use crate::guard::standing::Guard;
use crate::model::Direction;
use crate::model::IdentifierKind;
use crate::model::PartnerName;
use crate::model::Receipt;
use crate::model::Sha256;
use crate::model::TenantId;

/// Under which keyed digests an event's persons could be revoked. Holds nothing that names anybody.
#[derive(Clone, Debug)]
pub struct EventRevocable {
    tenant: TenantId,
    digests: Vec<Sha256>,
    /// To whom it goes; `None` where that is the backend.
    partner: Option<PartnerName>,
    narrows: bool,
}

/// Proof that nothing was withdrawn just before an event's first byte; only [`Guard::current_event`] makes one.
///
/// ```
/// use portcullis::{audit::{AttemptRecorded, EventRecorded}, guard::{Basis, EventCurrent, EventRevocable, Guard, Withdrawn}};
/// # type Asked = Result<EventCurrent, Withdrawn>;
/// fn ask(g: &Guard, attempt: &AttemptRecorded, taken: &EventRecorded, who: &EventRevocable, b: Basis) -> Asked {
///     g.current_event(attempt, who, b, b)
/// }
/// ```
/// That the event was taken is no record of the attempt:
/// ```compile_fail
/// use portcullis::{audit::{AttemptRecorded, EventRecorded}, guard::{Basis, EventCurrent, EventRevocable, Guard, Withdrawn}};
/// # type Asked = Result<EventCurrent, Withdrawn>;
/// fn ask(g: &Guard, attempt: &AttemptRecorded, taken: &EventRecorded, who: &EventRevocable, b: Basis) -> Asked {
///     g.current_event(taken, who, b, b)
/// }
/// ```
#[derive(Debug)]
#[must_use = "without this proof nothing is sent"]
pub struct EventCurrent {
    receipt: Receipt,
    departure: Departure,
}

impl Guard {
    /// Whom of an event a revocation could mean, in the tenant of the thing that it is about.
    #[must_use]
    pub fn event_revocable(&self, event: &RebuiltEvent, tenant: &TenantId) -> EventRevocable {
        let declared = event.event();
        let arrives_in_any_case = declared.narrows || declared.direction == Direction::Inbound;
        let persons = if arrives_in_any_case { Vec::new() } else { event.persons() };
        let kind = |of| match of {
            IdentifierKind::User => Some(RevocationKind::Subject),
            IdentifierKind::Device => Some(RevocationKind::Device),
            IdentifierKind::Car
            | IdentifierKind::House
            | IdentifierKind::Door
            | IdentifierKind::Barrier
            | IdentifierKind::Tenant
            | IdentifierKind::Request => None,
        };
        let digests =
            persons.iter().filter_map(|(of, id)| Some(self.revocations.digest(kind(*of)?, id.expose()))).collect();
        let to_partner = declared.direction != Direction::Inbound;
        let partner = to_partner.then(|| event.contract().partner().clone());
        EventRevocable { tenant: tenant.clone(), digests, partner, narrows: declared.narrows }
    }

    /// Whether any of them is revoked.
    #[must_use]
    pub fn is_event_revoked(&self, who: &EventRevocable) -> bool {
        self.is_digest_revoked(&who.digests, &who.tenant)
    }

    /// Whether its partner is stopped, or its tenant, unless it narrows.
    #[must_use]
    pub fn is_event_stopped(&self, who: &EventRevocable) -> bool {
        let Some(partner) = &who.partner else { return false };
        let stopped = |kind, name: &str| self.revocations.is_stopped(kind, name, &who.tenant);
        stopped(RevocationKind::Partner, partner.as_str()) || !who.narrows && stopped(RevocationKind::Tenant, "")
    }

    /// Admits an event of `partner` about what stands in `tenant`.
    ///
    /// # Errors
    /// [`GuardFault::PartnerRevoked`] while it is stopped there.
    pub fn admit_event(&self, partner: &PartnerName, tenant: &TenantId) -> Result<(), GuardFault> {
        let stopped = self.revocations.is_stopped(RevocationKind::Partner, partner.as_str(), tenant);
        if stopped { Err(GuardFault::PartnerRevoked) } else { Ok(()) }
    }

    /// Whether any of these digests, which an outbox has kept, is revoked in `tenant`.
    #[must_use]
    pub fn is_digest_revoked(&self, digests: &[Sha256], tenant: &TenantId) -> bool {
        let who = Revocable { tenant: Some(tenant.clone()), digests: digests.to_vec() };
        self.revocations.is_revoked(&who)
    }

    /// Asks again whether the recorded attempt, judged by `then`, may leave, while `in_force` is what is judged by now.
    ///
    /// # Errors
    /// [`Withdrawn::Revoked`], [`Withdrawn::PartnerRevoked`] where it is stopped, [`Withdrawn::BundleChanged`],
    /// [`Withdrawn::DirectoryChanged`].
    pub fn current_event(
        &self,
        recorded: &AttemptRecorded,
        who: &EventRevocable,
        then: Basis,
        in_force: Basis,
    ) -> Result<EventCurrent, Withdrawn> {
        // First registered, then looked at: a revocation that the look misses waits for this attempt to have left.
        let departure = self.departures.begin();
        if self.is_event_revoked(who) {
            return Err(Withdrawn::Revoked);
        }
        if self.is_event_stopped(who) {
            return Err(Withdrawn::PartnerRevoked);
        }
        if then.bundle != in_force.bundle {
            return Err(Withdrawn::BundleChanged);
        }
        if then.directory != in_force.directory {
            return Err(Withdrawn::DirectoryChanged);
        }
        Ok(EventCurrent { receipt: recorded.receipt(), departure })
    }
}

impl EventRevocable {
    /// The digests, for the outbox: a revocation of one of them purges the delivery.
    #[must_use]
    pub fn digests(&self) -> &[Sha256] {
        &self.digests
    }
}

impl EventCurrent {
    /// The receipt of the record that it was asked for; the sender compares it.
    #[must_use]
    pub const fn receipt(&self) -> Receipt {
        self.receipt
    }

    /// What is dropped with the first bytes that leave, and no later: revocations wait for it.
    pub fn into_departure(self) -> Departure {
        self.departure
    }
}

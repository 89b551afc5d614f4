//! Lifting: giving back what a revocation took. Narrowing is one order; widening is two persons' work.
//!
//! One proposes, another confirms exactly the same within `lift_confirm_ms` ([`two_persons`](crate::guard::two_persons)). A
//! proposal is for what is in force at that moment: whoever revokes the same again in between ends it.
//!
//! What is agreed gets an epoch of its own, is put on record, then ended in the store, and only then in memory. If anything
//! fails on the way the revocation stays in force here. Should the process die between store and memory, the next start
//! finds it lifted, as two persons wanted and as the record says.

use crate::audit::Noted;
use crate::clock::UnixMillis;
use crate::guard::kind::Revocation;
use crate::guard::revocation::LiftedRevocation;
use crate::guard::revocation::StoreFault;
use crate::guard::revocation::StoredRevocation;
use crate::guard::standing::Guard;
use crate::guard::two_persons::Disagreement;
use crate::model::Epoch;
use crate::model::PersonName;

/// Proof that two different persons want the same revocation lifted; only [`Guard::agree_to_lift`] makes one.
#[derive(Debug)]
#[must_use = "nothing is lifted yet"]
pub struct Agreed {
    revocation: Revocation,
    since: Epoch,
    proposed_by: PersonName,
    confirmed_by: PersonName,
}

/// A lifting that is about to be recorded and done: it has its epoch, and nothing is lifted yet.
#[derive(Debug)]
#[must_use = "nothing is lifted yet"]
pub struct Lifting {
    agreed: Agreed,
    lifted: LiftedRevocation,
}

/// Why nothing is lifted.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum LiftFault {
    /// Exactly this is not revoked.
    #[error("this is not revoked")]
    NotInForce,
    /// Nobody has proposed exactly this, or too long ago, or it was revoked again since.
    #[error("nobody has proposed to lift this")]
    NotProposed,
    /// The one who proposed it confirms it.
    #[error("another person must confirm this")]
    SamePerson,
    /// As many proposals wait as may.
    #[error("too many proposals wait")]
    TooMany,
    /// The store did not do it; it stays in force, and on a store that hung it may be lifted after a restart.
    #[error("not lifted here: {0}")]
    NotStored(StoreFault),
}

impl Guard {
    /// Notes that `by` wants this lifted; tells until when another person may confirm it. The same proposed again replaces
    /// the proposal before.
    ///
    /// # Errors
    /// [`LiftFault::NotInForce`], [`LiftFault::TooMany`].
    pub fn propose_lift(
        &self,
        revocation: &Revocation,
        by: &PersonName,
        now: UnixMillis,
    ) -> Result<UnixMillis, LiftFault> {
        let since = self.revocations.in_force_since(revocation).ok_or(LiftFault::NotInForce)?;
        let about = (self.revocation_digest(revocation), revocation.tenant.clone());
        self.liftings.propose(about, since, by, now).ok_or(LiftFault::TooMany)
    }

    /// Confirms as `by` what another person has proposed. The proposal is used up; one's own stays.
    ///
    /// # Errors
    /// [`LiftFault::NotProposed`], [`LiftFault::SamePerson`].
    pub fn agree_to_lift(&self, revocation: Revocation, by: &PersonName, now: UnixMillis) -> Result<Agreed, LiftFault> {
        let since = self.revocations.in_force_since(&revocation);
        let about = (self.revocation_digest(&revocation), revocation.tenant.clone());
        let (meant, proposed_by) = self.liftings.confirm(&about, by, now)?;
        if since != Some(meant) {
            return Err(LiftFault::NotProposed);
        }
        Ok(Agreed { revocation, since: meant, proposed_by, confirmed_by: by.clone() })
    }

    /// Gives a lifting its epoch. What is not stored yet is stored first, so that it cannot come back later.
    ///
    /// # Errors
    /// [`LiftFault::NotStored`]; [`LiftFault::NotProposed`] where it was revoked again, or lifted, since.
    pub async fn begin_lift(&self, agreed: Agreed) -> Result<Lifting, LiftFault> {
        self.store_pending().await.map_err(LiftFault::NotStored)?;
        let lifted = self.revocations.lifting(&agreed.revocation, agreed.since);
        lifted.map(|lifted| Lifting { agreed, lifted }).ok_or(LiftFault::NotProposed)
    }

    /// Lifts what is on record: ended in the store, then here.
    ///
    /// # Errors
    /// [`LiftFault::NotStored`]; [`LiftFault::NotProposed`] where it was revoked again since. It is in force then.
    pub async fn lift(&self, lifting: Lifting, _on_record: &Noted) -> Result<Epoch, LiftFault> {
        let Lifting { agreed, lifted } = lifting;
        let ended = self.store.lift(lifted.clone()).await.map_err(LiftFault::NotStored)?;
        match ended && self.revocations.end(agreed.revocation.kind, &lifted) {
            true => Ok(lifted.epoch),
            false => Err(LiftFault::NotProposed),
        }
    }

    /// Whether exactly this is in force.
    #[must_use]
    pub fn is_in_force(&self, revocation: &Revocation) -> bool {
        self.revocations.in_force_since(revocation).is_some()
    }

    /// What is in force and began after `after`, in the order of epochs, at most so many: what is stored, and what is not
    /// stored yet.
    ///
    /// # Errors
    /// [`StoreFault`].
    pub async fn revocations_after(
        &self,
        after: Epoch,
        at_most: usize,
    ) -> Result<Vec<(StoredRevocation, bool)>, StoreFault> {
        let mut page: Vec<_> = self.store.page(after, at_most).await?.into_iter().map(|entry| (entry, true)).collect();
        for entry in self.revocations.pending() {
            let stored = page.iter().any(|(known, _)| known.digest == entry.digest && known.tenant == entry.tenant);
            if entry.epoch > after && !stored {
                page.push((entry, false));
            }
        }
        page.sort_by_key(|(entry, _)| entry.epoch);
        page.truncate(at_most);
        Ok(page)
    }
}

impl From<Disagreement> for LiftFault {
    fn from(fault: Disagreement) -> Self {
        match fault {
            Disagreement::NotProposed => Self::NotProposed,
            Disagreement::SamePerson => Self::SamePerson,
        }
    }
}

impl Agreed {
    /// Who proposed it.
    #[must_use]
    pub const fn proposed_by(&self) -> &PersonName {
        &self.proposed_by
    }

    /// Who confirmed it: another person.
    #[must_use]
    pub const fn confirmed_by(&self) -> &PersonName {
        &self.confirmed_by
    }
}

impl Lifting {
    /// Who wants it.
    pub const fn agreed(&self) -> &Agreed {
        &self.agreed
    }

    /// The epoch that it makes, for the record.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.lifted.epoch
    }
}

#[cfg(test)]
mod tests;

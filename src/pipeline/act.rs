//! The way of an act: what a person orders of the gateway itself, at an admin door.
//!
//! Whether the person has the role comes first. Each act ends on record with person, role and door, taken or refused:
//! narrowing after it is in force, widening before; refusals that come too fast in sums. Whoever acts too often is refused, but
//! for revocations. Acts about persons stand in `persons.rs`. Reading what is revoked, or the bundle in force, is no act and leaves no
//! record.

use crate::audit::Administered;
use crate::audit::By;
use crate::audit::Facts;
use crate::audit::Handle;
use crate::audit::Note;
use crate::audit::Noted;
use crate::bundle::Bundle;
use crate::clock::UnixMillis;
use crate::crypto;
use crate::guard::LiftFault;
use crate::guard::OrderedBy;
use crate::guard::Revocation;
use crate::guard::RevocationKind;
use crate::guard::StoredRevocation;
use crate::model::Actor;
use crate::model::Epoch;
use crate::model::Reason;
use crate::model::Receipt;
use crate::model::Role;
use crate::model::Sha256;
use crate::model::Stranger;
use crate::model::Ticket;
use crate::pipeline::gate::Gate;
use crate::pipeline::known;
use crate::pipeline::known::unknown_name;
use crate::pipeline::persons::PersonOrder;
use crate::pipeline::refusal::Refusal;
use crate::pipeline::revocation::RevocationOrder;
use std::sync::Arc;

/// Revocations that are told at once; who wants more asks for those after the last.
pub const PAGE_MAX: usize = 128;

/// What somebody orders.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Act {
    /// From now on it has no rights.
    Revoke(RevocationOrder),
    /// It should have its rights again; another person has to confirm that.
    ProposeLift(RevocationOrder),
    /// Confirms what another person proposed.
    ConfirmLift(RevocationOrder),
    /// Which handle stands for a person in records, and why somebody asks.
    Subject(PersonOrder, Ticket),
    /// Nobody should know any more for whom a handle stands; another person has to confirm that.
    ProposeErase(PersonOrder),
    /// Confirms what another person proposed.
    ConfirmErase(PersonOrder),
    /// What is in force and began after an epoch.
    List(Epoch),
    /// The files of the bundle in force.
    Bundle,
}

/// How an act ended.
#[derive(Debug)]
pub struct ActReply {
    /// What was done; or why that much cannot be said.
    pub outcome: Result<Acted, ActRefusal>,
    /// The record's receipt; `None` where nothing is recorded.
    pub receipt: Option<Receipt>,
}

/// What was done.
#[derive(Debug)]
pub enum Acted {
    /// In force since this epoch, stored and recorded.
    Revoked(Epoch),
    /// Another person may confirm it until then.
    Proposed(UnixMillis),
    /// Lifted in this epoch.
    Lifted(Epoch),
    /// The handle of a person.
    Identified(Handle),
    /// Nobody knows any more for whom this handle stood.
    Erased(Handle),
    /// What is in force, and whether there is more.
    Listed(Vec<Listed>, bool),
    /// The bundle in force, whose files are told.
    Bundle(Arc<Bundle>),
}

/// Why nothing was done, or not all.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ActRefusal {
    /// Why.
    pub reason: Reason,
    /// What may have been meant, where a name is not known.
    pub near: Option<Box<str>>,
}

/// A revocation as it is told to people: of a person's it shows that it is one, and no more.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Listed {
    /// What it is.
    pub revocation: StoredRevocation,
    /// The operation or partner that is stopped, if it is one of those that are known.
    pub name: Option<Box<str>>,
    /// Whether it is known to be stored.
    pub stored: bool,
}

impl Gate {
    /// Carries out what `by` orders.
    pub async fn act(&self, act: Act, by: &Actor) -> ActReply {
        let reply = match self.paced(&act, by) {
            Err((word, role, reason)) => {
                self.refused(&self.facts_of(by, role), Administered::of(word, reason, None)).await
            }
            Ok(()) => match act {
                Act::List(after) => return self.list(after, by).await,
                Act::Bundle => return self.bundle(by),
                Act::Revoke(order) => self.revoke(order, by).await,
                Act::ProposeLift(order) => self.propose(order, by).await,
                Act::ConfirmLift(order) => self.confirm(order, by).await,
                Act::Subject(order, ticket) => self.subject(order, ticket, by).await,
                Act::ProposeErase(order) => self.propose_erase(order, by).await,
                Act::ConfirmErase(order) => self.erase(order, by).await,
            },
        };
        self.core.metrics.concluded(reply.outcome.as_ref().err().map_or(Reason::Done, |refusal| refusal.reason));
        reply
    }

    /// Whether `by` may act once more now. What narrows is never refused for that, and what leaves no record is not counted.
    fn paced(&self, act: &Act, by: &Actor) -> Result<(), (&'static str, Role, Reason)> {
        let (word, role) = match act {
            Act::Revoke(_) | Act::List(_) | Act::Bundle => return Ok(()),
            Act::ProposeLift(_) => ("propose-lift", Role::Lifter),
            Act::ConfirmLift(_) => ("lift", Role::Lifter),
            Act::Subject(..) => ("subject", Role::Investigator),
            Act::ProposeErase(_) => ("propose-erase", Role::Eraser),
            Act::ConfirmErase(_) => ("erase", Role::Eraser),
        };
        let paced = self.core.guard.pace_act(&by.person, self.core.clock.steady());
        paced.map_err(|fault| (word, role, Refusal::from(fault).reason))
    }

    async fn revoke(&self, order: RevocationOrder, by: &Actor) -> ActReply {
        let mut facts = self.facts_of(by, Role::Operator);
        let revocation = match self.meant("revoke", order, by, Role::Operator, &facts).await {
            Ok(revocation) => revocation,
            Err(refused) => return refused,
        };
        if let Some(unknown) = unknown_name(&self.core.snapshot.load(), &revocation) {
            let noted = Administered::of("revoke", Reason::NameUnknown, None);
            let mut reply = self.refused(&facts, noted).await;
            reply.outcome = reply.outcome.map_err(|refusal| ActRefusal { near: unknown.near, ..refusal });
            return reply;
        }
        // For a person there is always room.
        let carried = self.carry_out(&mut facts, revocation, OrderedBy::Operator).await;
        let lasting = carried.filter(|carried| carried.stored && carried.noted.is_some());
        let outcome = lasting.map(|carried| Acted::Revoked(carried.epoch)).ok_or(Reason::NotLasting);
        ActReply { outcome: outcome.map_err(ActRefusal::from), receipt: Some(facts.receipt) }
    }

    async fn propose(&self, order: RevocationOrder, by: &Actor) -> ActReply {
        const ACT: &str = "propose-lift";
        let facts = self.facts_of(by, Role::Lifter);
        let revocation = match self.meant(ACT, order, by, Role::Lifter, &facts).await {
            Ok(revocation) => revocation,
            Err(refused) => return refused,
        };
        let now = self.core.clock.now();
        match self.core.guard.propose_lift(&revocation, &by.person, now) {
            Ok(until) => {
                let noted = Administered { until: Some(until), ..self.about(ACT, Reason::Done, &revocation) };
                match self.noted(&facts, noted).await {
                    Some(_) => ActReply { outcome: Ok(Acted::Proposed(until)), receipt: Some(facts.receipt) },
                    None => ActReply::unrecorded(&facts),
                }
            }
            Err(fault) => self.refused(&facts, self.about(ACT, fault.into(), &revocation)).await,
        }
    }

    /// Widens: agreed by two, on record, ended in the store, and then here.
    async fn confirm(&self, order: RevocationOrder, by: &Actor) -> ActReply {
        const ACT: &str = "lift";
        let facts = self.facts_of(by, Role::Lifter);
        let revocation = match self.meant(ACT, order, by, Role::Lifter, &facts).await {
            Ok(revocation) => revocation,
            Err(refused) => return refused,
        };
        let about = self.about(ACT, Reason::Done, &revocation);
        let guard = &self.core.guard;
        let agreed = guard.agree_to_lift(revocation, &by.person, self.core.clock.now());
        let proposed_by = agreed.as_ref().ok().map(|agreed| agreed.proposed_by().clone());
        let about = Administered { proposed_by, ..about };
        let lifting = match agreed {
            Ok(agreed) => guard.begin_lift(agreed).await,
            Err(fault) => Err(fault),
        };
        let lifting = match lifting {
            Ok(lifting) => lifting,
            Err(fault) => return self.refused(&facts, Administered { reason: fault.into(), ..about }).await,
        };
        let noted = Administered { epoch: Some(lifting.epoch()), ..about };
        let Some(on_record) = self.noted(&facts, noted.clone()).await else { return ActReply::unrecorded(&facts) };
        match guard.lift(lifting, &on_record).await {
            Ok(epoch) => ActReply { outcome: Ok(Acted::Lifted(epoch)), receipt: Some(facts.receipt) },
            // What the record before announced has not come about; this one says so.
            Err(fault) => {
                let facts = self.facts_of(by, Role::Lifter);
                self.refused(&facts, Administered { reason: fault.into(), ..noted }).await
            }
        }
    }

    /// Whoever has any role may look.
    async fn list(&self, after: Epoch, by: &Actor) -> ActReply {
        let told = |outcome| ActReply { outcome, receipt: None };
        if by.roles.is_empty() {
            return told(Err(Reason::RoleMissing.into()));
        }
        let guard = &self.core.guard;
        let Ok(mut page) = guard.revocations_after(after, PAGE_MAX + 1).await else {
            return told(Err(Reason::NotLasting.into()));
        };
        let more = page.len() > PAGE_MAX;
        page.truncate(PAGE_MAX);
        let names = self.names();
        let listed = page.into_iter().map(|(revocation, stored)| {
            let named = names.iter().find(|(digest, _)| *digest == revocation.digest);
            Listed { name: named.map(|(_, name)| name.as_str().into()), revocation, stored }
        });
        told(Ok(Acted::Listed(listed.collect(), more)))
    }

    /// Whoever has any role may look.
    fn bundle(&self, by: &Actor) -> ActReply {
        let outcome = match by.roles.is_empty() {
            true => Err(Reason::RoleMissing.into()),
            false => Ok(Acted::Bundle(Arc::clone(&self.core.snapshot.load().bundle))),
        };
        ActReply { outcome, receipt: None }
    }

    /// What can be stopped by name, under the digests that stand for it.
    fn names(&self) -> Vec<(Sha256, String)> {
        let snapshot = self.core.snapshot.load();
        let operations = known::operations(&snapshot).into_iter().map(|name| (RevocationKind::Operation, name));
        let partners = known::partners(&snapshot).into_iter().map(|name| (RevocationKind::Partner, name));
        let digest = |kind, name: &str| {
            let revocation = Revocation { kind, tenant: None, value: Stranger::new(name) };
            self.core.guard.revocation_digest(&revocation)
        };
        operations.chain(partners).map(|(kind, name)| (digest(kind, &name), name)).collect()
    }

    pub(super) fn facts_of(&self, by: &Actor, role: Role) -> Facts {
        let core = &self.core;
        let bundle = core.snapshot.load().bundle.digest();
        let mut facts = Facts::new(Receipt::new(crypto::random()), core.guard.epoch(), bundle);
        facts.by = Some(By { person: by.person.clone(), role, door: by.door });
        facts
    }

    /// What an order means, if `by` has the role for it.
    async fn meant(
        &self,
        act: &'static str,
        order: RevocationOrder,
        by: &Actor,
        role: Role,
        facts: &Facts,
    ) -> Result<Revocation, ActReply> {
        if !by.roles.contains(&role) {
            return Err(self.refused(facts, Administered::of(act, Reason::RoleMissing, None)).await);
        }
        match order.meant() {
            Ok(revocation) => Ok(revocation),
            Err(_) => Err(self.refused(facts, Administered::of(act, Reason::BodyInvalid, None)).await),
        }
    }

    fn about(&self, act: &'static str, reason: Reason, revocation: &Revocation) -> Administered {
        let about = (revocation.kind.word(), self.core.guard.revocation_digest(revocation));
        Administered { tenant: revocation.tenant.clone(), ..Administered::of(act, reason, Some(about)) }
    }

    pub(super) async fn noted(&self, facts: &Facts, administered: Administered) -> Option<Noted> {
        self.log.note(facts, Note::Admin(administered), self.core.clock.now()).await.ok()
    }

    /// Records a refusal, and tells it even where it could not be recorded: nothing was done.
    pub(super) async fn refused(&self, facts: &Facts, administered: Administered) -> ActReply {
        let reason = administered.reason;
        let receipt = self.log.refused_act(facts, administered, self.core.clock.now()).await.ok();
        ActReply { outcome: Err(reason.into()), receipt }
    }
}

impl ActReply {
    /// Nothing takes effect that is not on record.
    pub(super) fn unrecorded(facts: &Facts) -> Self {
        Self { outcome: Err(Reason::NotRecordable.into()), receipt: Some(facts.receipt) }
    }
}

impl From<Reason> for ActRefusal {
    fn from(reason: Reason) -> Self {
        Self { reason, near: None }
    }
}

impl From<LiftFault> for Reason {
    fn from(fault: LiftFault) -> Self {
        match fault {
            LiftFault::NotInForce => Self::LiftNotInForce,
            LiftFault::NotProposed => Self::LiftNotProposed,
            LiftFault::SamePerson => Self::LiftSamePerson,
            LiftFault::TooMany => Self::LiftsFull,
            LiftFault::NotStored(_) => Self::LiftNotStored,
        }
    }
}

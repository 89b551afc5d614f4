//! May this event go on? Asked when it is accepted, and again before each attempt to deliver it.
//!
//! The principal is whoever tells it: `Backend::"<the name in its certificate>"` for an event to the partner, `Partner::"<name>"`
//! for one that comes from it. The resource is the thing that it is about. There is no token: what policies may look at is the
//! event's own values, who tells it and what for.

use crate::clock::UnixMillis;
use crate::clock::UnixSeconds;
use crate::contract::RebuiltEvent;
use crate::identity::Caller;
use crate::identity::KnownPartner;
use crate::json::Value;
use crate::model::ActionName;
use crate::model::Direction;
use crate::model::Located;
use crate::model::PartnerName;
use crate::model::TenantId;
use crate::policy::Decision;
use crate::policy::Judgement;
use crate::policy::Policies;
use crate::policy::PolicyFault;
use crate::policy::question::Bearer;
use crate::policy::question::Question;
use crate::webhook::Opened;
use std::sync::Arc;

/// Proof that policy permits an event to go on; only an Allow without any policy error makes one.
///
/// What was rebuilt is decided about:
/// ```
/// use portcullis::{clock::UnixMillis, contract::RebuiltEvent, model::Located};
/// use portcullis::policy::{EventPermit, Policies, PolicyFault, Sender};
/// # type Decided = Result<EventPermit, PolicyFault>;
/// fn decide(p: &Policies, s: Sender<'_>, e: &RebuiltEvent, l: &Located, now: UnixMillis) -> Decided {
///     p.decide_event(s, e, l, now)
/// }
/// ```
/// Bytes are not:
/// ```compile_fail
/// use portcullis::{clock::UnixMillis, contract::RebuiltEvent, model::Located};
/// use portcullis::policy::{EventPermit, Policies, PolicyFault, Sender};
/// # type Decided = Result<EventPermit, PolicyFault>;
/// fn decide(p: &Policies, s: Sender<'_>, e: &RebuiltEvent, l: &Located, now: UnixMillis) -> Decided {
///     p.decide_event(s, &e.as_taken(), l, now)
/// }
/// ```
#[derive(Clone, Debug)]
#[must_use = "without this proof nothing is protected, recorded or queued"]
pub struct EventPermit {
    decision: Arc<Decision>,
    located: Arc<Located>,
}

/// Who tells an event, by the name in its certificate. Made of a proof of who that is.
#[derive(Clone, Copy, Debug)]
pub struct Sender<'a> {
    name: &'a str,
    /// The partner; `None` where it is the backend.
    partner: Option<&'a PartnerName>,
}

/// One question about an event, as plain values; what it yields is no proof.
pub struct EventQuestion<'a> {
    /// Which way it goes.
    pub direction: Direction,
    /// The partner whom it goes to or comes from.
    pub partner: &'a PartnerName,
    /// The action.
    pub action: &'a ActionName,
    /// What the contract says it is for.
    pub purpose: &'a str,
    /// The name in the certificate of who tells it.
    pub peer: &'a str,
    /// The thing that it is about.
    pub located: &'a Located,
    /// The time; without one nothing holds that ends some day.
    pub now: Option<UnixSeconds>,
    /// A validated value of its data by name.
    pub request: &'a dyn Fn(&str) -> Option<&'a Value>,
}

impl<'a> Sender<'a> {
    /// Whoever brought what the outbox has kept since.
    #[must_use]
    pub fn of_opened(opened: &'a Opened) -> Self {
        let destination = opened.destination();
        let partner = match destination.direction {
            Direction::Outbound => None,
            Direction::Inbound => Some(&destination.partner),
        };
        Self { name: opened.peer(), partner }
    }

    /// The partner at its own door.
    #[must_use]
    pub fn of_partner(partner: &'a KnownPartner) -> Self {
        Self { name: partner.peer().name(), partner: Some(partner.name()) }
    }

    /// Whoever is at the door.
    #[must_use]
    pub fn of_caller(caller: &'a Caller) -> Self {
        Self { name: caller.peer().name(), partner: None }
    }

    /// Whether an event of `partner`'s contract that goes this way is one that this sender may tell at all.
    fn tells(self, direction: Direction, partner: &PartnerName) -> bool {
        match direction {
            Direction::Outbound => self.partner.is_none(),
            Direction::Inbound => self.partner == Some(partner),
        }
    }
}

impl Policies {
    /// Asks whether this event may go on, at `now`.
    ///
    /// `located` is what the directory knows of the event's own resource; of any other the answer is a deny, and so it is of an
    /// event that is not `sender`'s to tell: the backend's to a partner, the partner's own to the backend.
    ///
    /// # Errors
    /// [`PolicyFault::Denied`], [`PolicyFault::Errored`].
    pub fn decide_event(
        &self,
        sender: Sender<'_>,
        event: &RebuiltEvent,
        located: &Located,
        now: UnixMillis,
    ) -> Result<EventPermit, PolicyFault> {
        let (declared, partner) = (event.event(), event.contract().partner());
        if located.resource != *event.resource() || !sender.tells(declared.direction, partner) {
            return Err(PolicyFault::Denied(Box::default()));
        }
        let request = |name: &str| event.value(name);
        let judgement = self.judge_event(&EventQuestion {
            direction: declared.direction,
            partner,
            action: &declared.action,
            purpose: declared.purpose.as_str(),
            peer: sender.name,
            located,
            now: Some(now.seconds()),
            request: &request,
        });
        let decision = judgement.into_permission()?;
        Ok(EventPermit { decision: Arc::new(decision), located: Arc::new(located.clone()) })
    }

    /// Judges one question about an event. An action or an entity type that the schema lacks is a deny.
    pub fn judge_event(&self, question: &EventQuestion<'_>) -> Judgement {
        let EventQuestion { direction, partner, action, purpose, peer, located, now, request } = *question;
        let given = self.types.given_event(direction, peer, partner, located);
        let (Some(found), Some(given)) = (self.action(action.as_str()), given) else {
            return Judgement::Denies(Decision::default());
        };
        // Nothing that a token says is offered to an event's action, so nobody's stands here.
        let question = Question {
            partner: Some(partner),
            action,
            purpose,
            peer,
            bearer: Bearer::default(),
            grants: Vec::new(),
            right: None,
            located,
            now: None,
            age_seconds: None,
            request,
        };
        self.put(found, given, now, |plan| plan.build(&question, &self.types))
    }
}

impl EventPermit {
    /// What was decided, for the record.
    #[must_use]
    pub fn decision(&self) -> &Decision {
        &self.decision
    }

    /// The thing it was decided about.
    #[must_use]
    pub const fn located(&self) -> &Arc<Located> {
        &self.located
    }

    /// The tenant in which the thing stands.
    #[must_use]
    pub fn tenant(&self) -> &TenantId {
        &self.located.tenant
    }

    /// A permit for the tests of rooms that demand one.
    #[cfg(test)]
    pub fn for_test(located: Located) -> Self {
        Self { decision: Arc::default(), located: Arc::new(located) }
    }
}

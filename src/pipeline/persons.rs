//! Acts about persons: going from a person to the handle that stands for them in records, and erasing who a handle stands
//! for.
//!
//! The first is an act of a named role and is on record before the handle is told. The way back does not exist. The second
//! takes two persons; it is on record before it is done, and once more when it is done. No record holds an identifier, or a
//! digest of one: after an erasure that would lead from the person to the handle.

use crate::audit::Administered;
use crate::audit::Handle;
use crate::audit::Note;
use crate::audit::ReIdentified;
use crate::guard::EraseFault;
use crate::guard::VALUE_MAX_BYTES;
use crate::model::Actor;
use crate::model::IdentifierKind;
use crate::model::Reason;
use crate::model::Role;
use crate::model::Sha256;
use crate::model::Stranger;
use crate::model::Ticket;
use crate::pipeline::act::ActReply;
use crate::pipeline::act::Acted;
use crate::pipeline::gate::Gate;

/// The longest issuer, in bytes.
const ISSUER_MAX_BYTES: usize = 256;

/// Somebody, or something of somebody's, that may have a handle.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PersonOrder {
    kind: IdentifierKind,
    issuer: Stranger,
    value: Stranger,
}

/// Why nobody is meant.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PersonFault {
    /// Not a user, a device or a car.
    #[error("only users, devices and cars have handles")]
    Kind,
    /// Empty, too long, or with control characters.
    #[error("the issuer is empty, longer than 256 bytes, or has control characters")]
    Issuer,
    /// Empty, too long, or with control characters.
    #[error("the identifier is empty, longer than 256 bytes, or has control characters")]
    Value,
}

impl PersonOrder {
    /// The user, device or car that the tokens of `issuer` name so.
    ///
    /// # Errors
    /// [`PersonFault`].
    pub fn new(kind: IdentifierKind, issuer: Stranger, value: Stranger) -> Result<Self, PersonFault> {
        if !kind.must_equal_a_claim() {
            return Err(PersonFault::Kind);
        }
        let plain = |text: &str, at_most| (1..=at_most).contains(&text.len()) && !text.chars().any(char::is_control);
        if !plain(issuer.expose(), ISSUER_MAX_BYTES) {
            return Err(PersonFault::Issuer);
        }
        if !plain(value.expose(), VALUE_MAX_BYTES) {
            return Err(PersonFault::Value);
        }
        Ok(Self { kind, issuer, value })
    }

    /// What kind of person.
    #[must_use]
    pub const fn kind(&self) -> IdentifierKind {
        self.kind
    }

    /// Whose tokens name them.
    #[must_use]
    pub const fn issuer(&self) -> &Stranger {
        &self.issuer
    }

    /// How.
    #[must_use]
    pub const fn value(&self) -> &Stranger {
        &self.value
    }
}

impl Gate {
    /// From a person to the handle: looked for, on record, and only then told.
    pub(super) async fn subject(&self, order: PersonOrder, ticket: Ticket, by: &Actor) -> ActReply {
        let mut facts = self.facts_of(by, Role::Investigator);
        let ended = match by.roles.contains(&Role::Investigator) {
            true => self.handle_of(&order).await.map(|(_, handle)| handle),
            false => Err(Reason::RoleMissing),
        };
        let told = ended.as_ref().ok().copied();
        facts.note_handle(order.kind, told);
        let reason = ended.err().unwrap_or(Reason::Done);
        let note = Note::ReIdentified(ReIdentified { person: order.kind, ticket, reason });
        let noted = self.log.note(&facts, note, self.core.clock.now()).await;
        match (told, noted) {
            (Some(handle), Ok(noted)) => {
                ActReply { outcome: Ok(Acted::Identified(handle)), receipt: Some(noted.receipt()) }
            }
            (Some(_), Err(_)) => ActReply::unrecorded(&facts),
            // Nobody was told anything: a refusal is told also where it could not be recorded.
            (None, noted) => ActReply { outcome: Err(reason.into()), receipt: noted.ok().map(|noted| noted.receipt()) },
        }
    }

    pub(super) async fn propose_erase(&self, order: PersonOrder, by: &Actor) -> ActReply {
        let mut facts = self.facts_of(by, Role::Eraser);
        let noted =
            |reason| Administered { person: Some(order.kind), ..Administered::of("propose-erase", reason, None) };
        let (person, handle) = match self.meant_person(&order, by).await {
            Ok(found) => found,
            Err(reason) => return self.refused(&facts, noted(reason)).await,
        };
        facts.note_handle(order.kind, Some(handle));
        match self.core.guard.propose_erasure(person, &by.person, self.core.clock.now()) {
            Ok(until) => {
                let noted = Administered { until: Some(until), ..noted(Reason::Done) };
                match self.noted(&facts, noted).await {
                    Some(noted) => ActReply { outcome: Ok(Acted::Proposed(until)), receipt: Some(noted.receipt()) },
                    None => ActReply::unrecorded(&facts),
                }
            }
            Err(fault) => self.refused(&facts, noted(fault.into())).await,
        }
    }

    /// Forgets who a handle stands for: agreed by two, on record, erased, and that it was on record again.
    pub(super) async fn erase(&self, order: PersonOrder, by: &Actor) -> ActReply {
        let mut facts = self.facts_of(by, Role::Eraser);
        let noted = |reason| Administered { person: Some(order.kind), ..Administered::of("erase", reason, None) };
        let (person, handle) = match self.meant_person(&order, by).await {
            Ok(found) => found,
            Err(reason) => return self.refused(&facts, noted(reason)).await,
        };
        facts.note_handle(order.kind, Some(handle));
        let agreed = match self.core.guard.agree_to_erase(person, &by.person, self.core.clock.now()) {
            Ok(agreed) => agreed,
            Err(fault) => return self.refused(&facts, noted(fault.into())).await,
        };
        let about = Administered { proposed_by: Some(agreed.proposed_by().clone()), ..noted(Reason::Done) };
        let Some(on_record) = self.noted(&facts, about.clone()).await else { return ActReply::unrecorded(&facts) };
        let erased = self.core.handles.erase(&agreed, &on_record).await;
        // A record of its own: until it stands there, what the one before announced may have been cut short.
        let mut after = self.facts_of(by, Role::Eraser);
        after.note_handle(order.kind, Some(handle));
        match erased {
            Ok(_) => {
                let _ = self.noted(&after, Administered { act: "erased", ..about }).await;
                ActReply { outcome: Ok(Acted::Erased(handle)), receipt: Some(on_record.receipt()) }
            }
            Err(_) => self.refused(&after, Administered { reason: Reason::EraseNotStored, ..about }).await,
        }
    }

    /// The digest and the handle of somebody who is to be erased, if `by` has the role for it.
    async fn meant_person(&self, order: &PersonOrder, by: &Actor) -> Result<(Sha256, Handle), Reason> {
        match by.roles.contains(&Role::Eraser) {
            true => self.handle_of(order).await,
            false => Err(Reason::RoleMissing),
        }
    }

    async fn handle_of(&self, order: &PersonOrder) -> Result<(Sha256, Handle), Reason> {
        let person = self.core.handles.digest(order.kind, order.issuer.expose(), &order.value);
        let found = self.core.handles.find(person).await.map_err(|_| Reason::NotRecordable)?;
        found.map(|handle| (person, handle)).ok_or(Reason::SubjectUnknown)
    }
}

impl From<EraseFault> for Reason {
    fn from(fault: EraseFault) -> Self {
        match fault {
            EraseFault::NotProposed => Self::EraseNotProposed,
            EraseFault::SamePerson => Self::EraseSamePerson,
            EraseFault::TooMany => Self::ErasuresFull,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_a_user_a_device_or_a_car_by_an_issuer_and_a_value_of_256_bytes_at_most() {
        let of =
            |kind, issuer: &str, value: &str| PersonOrder::new(kind, Stranger::new(issuer), Stranger::new(value)).err();
        for kind in IdentifierKind::ALL {
            let expected = (!kind.must_equal_a_claim()).then_some(PersonFault::Kind);
            assert_eq!(of(kind, "https://issuer.example", "ivanov"), expected, "{kind:?}");
        }
        let (user, longest, longer) = (IdentifierKind::User, "x".repeat(256), "x".repeat(257));
        assert_eq!(of(user, &longest, &longest), None);
        for wrong in ["", "a\nb", "a\u{7f}", &longer] {
            assert_eq!(of(user, wrong, "ivanov"), Some(PersonFault::Issuer), "{wrong:?}");
            assert_eq!(of(user, "issuer", wrong), Some(PersonFault::Value), "{wrong:?}");
        }
    }
}

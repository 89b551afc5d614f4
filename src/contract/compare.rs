//! Two versions of a contract, compared by what they let cross: the contract as a whole, its operations and its events.
//!
//! Compared is what was compiled, so that descriptions, the order of operations, references and other spellings of one thing make
//! no difference. Operations and events are the same by their names. One rule rates them all: *narrower* is a difference only if
//! every message that passes the newer version passes the older one too, with no more of it crossing. What a message must bring is
//! told apart from what it may bring: a required parameter that is new both lets a value cross (wider) and stops whoever does not
//! bring it (narrower). What a name is bound to (action, resource, purpose, partner) is compared for being the same, and if it is
//! not, nothing is derived.
//!
//! Shapes are `compare_shape.rs`'s, leaves `compare_leaf.rs`'s.

use crate::contract::event::Event;
use crate::contract::operation::Contract;
use crate::contract::operation::Idempotency;
use crate::contract::operation::Operation;
use crate::contract::period;
use crate::contract::tell;
use crate::model::Authentication;
use crate::model::ChangeKind;
use crate::model::Difference;
use crate::model::Direction;
use crate::model::Rating;
use std::sync::Arc;

/// Everything in which two versions of the contract with one partner differ; `None` is a contract that is not there.
#[must_use]
pub fn compare(old: Option<&Contract>, new: Option<&Contract>) -> Vec<Difference> {
    let Some(contract) = new.or(old) else { return Vec::new() };
    let mut found = Comparison::at(format!("contract {}", contract.partner));
    let described = |contract: &Contract| format!("{} in {}", contract.recipient, contract.country);
    match (old, new) {
        (Some(old), Some(new)) => found.contract(old, new),
        (None, Some(_)) => {
            let meaning = "data may cross to a partner, and from it, with whom there was no contract";
            found.push(ChangeKind::Contract, Rating::Widens, None, Some(described(contract)), meaning);
        }
        (Some(_), None) => {
            let meaning = "nothing crosses to this partner or from it any more";
            found.push(ChangeKind::Contract, Rating::Narrows, Some(described(contract)), None, meaning);
        }
        (None, None) => {}
    }
    found.operations(old.map(|old| &*old.operations), new.map(|new| &*new.operations));
    found.events(old.map(|old| &*old.events), new.map(|new| &*new.events));
    found.differences
}

/// What was found so far, and where we are.
pub(super) struct Comparison {
    differences: Vec<Difference>,
    place: Vec<Box<str>>,
    /// Which way the values go that are being compared.
    pub(super) to_partner: bool,
}

impl Comparison {
    fn at(place: String) -> Self {
        Self { differences: Vec::new(), place: vec![place.into()], to_partner: true }
    }

    /// Notes a difference here.
    pub(super) fn push(
        &mut self,
        kind: ChangeKind,
        rating: Rating,
        old: Option<String>,
        new: Option<String>,
        meaning: &'static str,
    ) {
        self.differences.push(Difference { kind, rating, place: self.place.clone(), old, new, meaning, example: None });
    }

    /// Gives the difference that was noted last an example.
    pub(super) fn with_example(&mut self, example: Option<String>) {
        if let Some(last) = self.differences.last_mut() {
            last.example = example;
        }
    }

    /// Compares something within this place.
    pub(super) fn within(&mut self, step: impl Into<Box<str>>, compare: impl FnOnce(&mut Self)) {
        self.place.push(step.into());
        compare(self);
        self.place.pop();
    }

    /// Compares something deeper in a body, where the place is a JSON pointer.
    pub(super) fn below(&mut self, step: &str, compare: impl FnOnce(&mut Self)) {
        let above = self.place.pop().unwrap_or_default();
        // A body's own place is a word, below which the pointer begins.
        let (keep, pointer) = if above.starts_with('/') { (None, &*above) } else { (Some(above.clone()), "") };
        let depth = self.place.len();
        self.place.extend(keep);
        self.place.push(format!("{pointer}/{step}").into());
        compare(self);
        self.place.truncate(depth);
        self.place.push(above);
    }

    /// What is bound to a name and not the same: nothing can be said of what follows.
    fn same<T: PartialEq>(
        &mut self,
        kind: ChangeKind,
        values: (&T, &T),
        told: impl Fn(&T) -> String,
        meaning: &'static str,
    ) {
        let (old, new) = values;
        if old != new {
            self.push(kind, Rating::Underived, Some(told(old)), Some(told(new)), meaning);
        }
    }

    /// An upper bound, without which there is none.
    pub(super) fn at_most<T: PartialOrd>(
        &mut self,
        kind: ChangeKind,
        (old, new): (Option<T>, Option<T>),
        told: impl Fn(&T) -> String,
        (wider, narrower): (&'static str, &'static str),
    ) {
        let rating = match (&old, &new) {
            (Some(old), Some(new)) if new > old => Rating::Widens,
            (Some(old), Some(new)) if new < old => Rating::Narrows,
            (Some(_), None) => Rating::Widens,
            (None, Some(_)) => Rating::Narrows,
            (Some(_), Some(_)) | (None, None) => return,
        };
        let meaning = if rating == Rating::Widens { wider } else { narrower };
        self.push(kind, rating, old.as_ref().map(&told), new.as_ref().map(&told), meaning);
    }

    fn contract(&mut self, old: &Contract, new: &Contract) {
        let mut other = |kind, old: &str, new: &str, meaning| {
            if old != new {
                self.push(kind, Rating::Widens, Some(old.to_owned()), Some(new.to_owned()), meaning);
            }
        };
        other(ChangeKind::Recipient, &old.recipient, &new.recipient, "the data goes to another recipient");
        other(ChangeKind::Country, &old.country, &new.country, "the data goes to another country");
        self.retention(&old.retention, &new.retention);
    }

    fn retention(&mut self, old: &str, new: &str) {
        if old == new {
            return;
        }
        let (rating, meaning) = match period::compare(old, new) {
            period::Order::Longer => (Rating::Widens, "the recipient keeps the data for longer"),
            period::Order::Shorter => (Rating::Narrows, "the recipient keeps the data for less long"),
            period::Order::Equal => (Rating::Neutral, "both are the same time"),
            period::Order::Unknown => (Rating::Underived, "which of the two is longer depends on the month or year"),
        };
        self.push(ChangeKind::Retention, rating, Some(old.to_owned()), Some(new.to_owned()), meaning);
    }

    fn operations(&mut self, old: Option<&[Operation]>, new: Option<&[Operation]>) {
        let (old, new) = (old.unwrap_or_default(), new.unwrap_or_default());
        for operation in old {
            let same = new.iter().find(|other| other.id == operation.id);
            self.within(format!("operation {}", operation.id), |this| match same {
                Some(other) => this.operation(operation, other),
                None => {
                    let meaning = "nobody can ask for it any more";
                    this.push(ChangeKind::Operation, Rating::Narrows, Some(tell::operation(operation)), None, meaning);
                }
            });
        }
        for operation in new.iter().filter(|operation| old.iter().all(|other| other.id != operation.id)) {
            self.within(format!("operation {}", operation.id), |this| {
                let meaning = "whom the policies permit may ask for it, and all that it declares may cross";
                this.push(ChangeKind::Operation, Rating::Widens, None, Some(tell::operation(operation)), meaning);
            });
        }
    }

    fn operation(&mut self, old: &Operation, new: &Operation) {
        let to_other = "the partner is asked for something else under this name";
        self.same(ChangeKind::Method, (&old.method, &new.method), ToString::to_string, to_other);
        self.same(ChangeKind::Path, (&old.path, &new.path), ToString::to_string, to_other);
        let judged = "other policies judge it";
        self.same(ChangeKind::Action, (&old.action, &new.action), ToString::to_string, judged);
        let about = "it is judged by, and done to, another thing";
        self.same(ChangeKind::Resource, (&old.resource, &new.resource), tell::resource, about);
        let direction = |direction: &Direction| direction.word().to_owned();
        self.same(ChangeKind::Direction, (&old.direction, &new.direction), direction, "it goes the other way");
        self.actuates(old, new);
        self.ages(old, new);
        self.authentication(&old.authentication, &new.authentication);
        self.idempotency(old.idempotency.as_ref(), new.idempotency.as_ref());
        let used = "the data is used for something else, and policies are told so";
        self.same(ChangeKind::Purpose, (&old.purpose, &new.purpose), ToString::to_string, used);
        let basis = "the data crosses for another reason";
        self.same(ChangeKind::LegalBasis, (&old.legal_basis, &new.legal_basis), ToString::to_string, basis);
        self.right(old, new);
        if !old.bodies.is_empty() && !new.bodies.is_empty() {
            let sizes = (Some(old.body_max_bytes), Some(new.body_max_bytes));
            let told = |bytes: &u64| format!("{bytes} bytes");
            self.at_most(ChangeKind::Limits, sizes, told, ("longer bodies cross", "longer bodies are refused"));
        }
        if old.records != new.records {
            let (old, new) = (old.records.as_ref().map(tell::records), new.records.as_ref().map(tell::records));
            let meaning = "another list of the answer is the one that may speak of persons";
            self.push(ChangeKind::Records, Rating::Underived, old, new, meaning);
        }
        let scope = |scope: &Option<Arc<str>>| scope.as_deref().unwrap_or("none").to_owned();
        let asked = "tokens of the partner need another scope for it";
        self.same(ChangeKind::Scope, (&old.scope, &new.scope), scope, asked);
        self.to_partner = new.direction == Direction::Outbound;
        self.requests(old, new);
        self.to_partner = !self.to_partner;
        self.answers(old, new);
        self.to_partner = true;
    }

    fn actuates(&mut self, old: &Operation, new: &Operation) {
        if old.actuates != new.actuates {
            let meaning = match (old.actuates, new.actuates) {
                (Some(_), None) => "no session token, age or idempotency key is demanded of it for moving something",
                (_, Some(_)) => "it moves something, or something else",
                (None, None) => "it moves nothing",
            };
            let told = |operation: &Operation| operation.actuates.map(tell::actuates);
            self.push(ChangeKind::Actuates, Rating::Widens, told(old), told(new), meaning);
        }
        if old.lets_people_out != new.lets_people_out {
            let told = |operation: &Operation| operation.lets_people_out.then(|| "egress".to_owned());
            let meaning = "another statement is made about people's way out, which must not depend on the gateway";
            self.push(ChangeKind::LifeSafety, Rating::Underived, told(old), told(new), meaning);
        }
    }

    fn ages(&mut self, old: &Operation, new: &Operation) {
        let told = |seconds: &u64| format!("{seconds} s");
        let meanings = ("an older command is obeyed", "an older command is refused");
        self.at_most(ChangeKind::MaxAge, (old.max_age_s, new.max_age_s), told, meanings);
    }

    fn authentication(&mut self, old: &Authentication, new: &Authentication) {
        if old == new {
            return;
        }
        let (rating, meaning) = match (new.is_at_least(old), old.is_at_least(new)) {
            (true, true) => (Rating::Neutral, "users are asked for the same in another order"),
            (true, false) => (Rating::Narrows, "users who were authenticated long ago, or by less, are refused"),
            (false, true) => (Rating::Widens, "users who were authenticated longer ago, or by less, are let through"),
            (false, false) => (Rating::Underived, "users must have been authenticated in another way"),
        };
        let told = |one: &Authentication| (!one.demands_nothing()).then(|| tell::authentication(one));
        self.push(ChangeKind::Authentication, rating, told(old), told(new), meaning);
    }

    fn idempotency(&mut self, old: Option<&Idempotency>, new: Option<&Idempotency>) {
        if old == new {
            return;
        }
        let (rating, meaning) = match (old, new) {
            (Some(_), None) => (Rating::Widens, "a command that comes twice is done twice"),
            (None, Some(_)) => (Rating::Narrows, "a request without such a key is refused"),
            _ => (Rating::Underived, "what tells two commands apart stands elsewhere"),
        };
        let (old, new) = (old.map(tell::idempotency), new.map(tell::idempotency));
        self.push(ChangeKind::Idempotency, rating, old, new, meaning);
    }

    /// Policies see the token's rights for an operation, and only those that it wants: a right makes none necessary.
    fn right(&mut self, old: &Operation, new: &Operation) {
        if old.right == new.right {
            return;
        }
        let meaning = match (&old.right, &new.right) {
            (None, _) => "policies see rights of the token for it, and the partner is told of them",
            (Some(_), None) => "policies see no right of the token for it any more",
            (Some(_), Some(_)) => "policies see other rights of the token for it",
        };
        let rating = if old.right.is_none() { Rating::Widens } else { Rating::Underived };
        let told = |operation: &Operation| operation.right.as_ref().map(tell::right);
        self.push(ChangeKind::Right, rating, told(old), told(new), meaning);
    }

    fn events(&mut self, old: Option<&[Event]>, new: Option<&[Event]>) {
        let (old, new) = (old.unwrap_or_default(), new.unwrap_or_default());
        for event in old {
            let same = new.iter().find(|other| other.name == event.name);
            self.within(format!("event {}", event.name), |this| match same {
                Some(other) => this.event(event, other),
                None => {
                    let meaning = "no such event crosses any more";
                    this.push(ChangeKind::Event, Rating::Narrows, Some(tell::event(event)), None, meaning);
                }
            });
        }
        for event in new.iter().filter(|event| old.iter().all(|other| other.name != event.name)) {
            self.within(format!("event {}", event.name), |this| {
                let meaning = "where the policies permit it, it crosses with all that it declares";
                this.push(ChangeKind::Event, Rating::Widens, None, Some(tell::event(event)), meaning);
            });
        }
    }

    fn event(&mut self, old: &Event, new: &Event) {
        self.same(ChangeKind::Action, (&old.action, &new.action), ToString::to_string, "other policies judge it");
        let about = "it is judged as being about another thing";
        self.same(ChangeKind::Resource, (&old.resource, &new.resource), tell::resource, about);
        let direction = |direction: &Direction| direction.word().to_owned();
        self.same(ChangeKind::Direction, (&old.direction, &new.direction), direction, "it goes the other way");
        if old.narrows != new.narrows {
            let (rating, meaning) = match new.narrows {
                true => (Rating::Widens, "it goes out also when the person that it is about is revoked"),
                false => (Rating::Narrows, "it goes out no more when the person that it is about is revoked"),
            };
            let told = |event: &Event| Some(event.narrows.to_string());
            self.push(ChangeKind::Narrows, rating, told(old), told(new), meaning);
        }
        let used = "the data is used for something else, and policies are told so";
        self.same(ChangeKind::Purpose, (&old.purpose, &new.purpose), ToString::to_string, used);
        let basis = "the data crosses for another reason";
        self.same(ChangeKind::LegalBasis, (&old.legal_basis, &new.legal_basis), ToString::to_string, basis);
        self.to_partner = new.direction == Direction::Outbound;
        self.within("data", |this| this.envelope(&old.envelope, &new.envelope));
        self.to_partner = true;
    }
}

//! Two versions of what a request, an answer or an event may look like: parameters, forms of a body, answers, and schemas down to
//! their leaves.
//!
//! Closed world makes this simple: what is not declared does not cross, so that whatever is added lets more cross and whatever is
//! taken away lets less. What had to be there is told apart: where it goes, a message without it passes that was stopped before.
//! Two schemas of different kinds are not compared any further.

use crate::contract::compare::Comparison;
use crate::contract::event::DATA;
use crate::contract::operation::AnswerShape;
use crate::contract::operation::Form;
use crate::contract::operation::Operation;
use crate::contract::schema::Array;
use crate::contract::schema::Choice;
use crate::contract::schema::Kinds;
use crate::contract::schema::List;
use crate::contract::schema::Map;
use crate::contract::schema::Object;
use crate::contract::schema::Parameter;
use crate::contract::schema::Schema;
use crate::contract::tell;
use crate::json::Kind;
use crate::model::ChangeKind;
use crate::model::Rating;
use http::HeaderName;
use std::collections::BTreeSet;

/// Something that a message may have, under a name: a parameter, a header, a property, a body.
struct Named<'s, T> {
    name: &'s str,
    /// Whether a message without it is refused.
    required: bool,
    thing: &'s T,
}

impl Comparison {
    /// What a request of an operation may have.
    pub(super) fn requests(&mut self, old: &Operation, new: &Operation) {
        self.parameters("path", &by_name(&old.path_parameters), &by_name(&new.path_parameters));
        self.parameters("query", &by_name(&old.query_parameters), &by_name(&new.query_parameters));
        self.parameters("header", &by_field(&old.header_parameters), &by_field(&new.header_parameters));
        self.within("request", |this| {
            this.forms(&old.bodies, &new.bodies, tell::object, |this, old, new| this.object(old, new));
        });
    }

    /// What may come back.
    pub(super) fn answers(&mut self, old: &Operation, new: &Operation) {
        for answer in &old.answers {
            let same = new.answers.iter().find(|other| other.status == answer.status);
            self.within(format!("answer {}", answer.status.as_u16()), |this| match same {
                Some(other) => this.answer(answer, other),
                None => {
                    let meaning = "such an answer reaches nobody any more";
                    this.push(ChangeKind::Answer, Rating::Narrows, Some(tell::answer(answer)), None, meaning);
                }
            });
        }
        for answer in new.answers.iter().filter(|answer| old.answers.iter().all(|old| old.status != answer.status)) {
            self.within(format!("answer {}", answer.status.as_u16()), |this| {
                let meaning = "such an answer reaches the caller, with all that it declares";
                this.push(ChangeKind::Answer, Rating::Widens, None, Some(tell::answer(answer)), meaning);
            });
        }
    }

    fn answer(&mut self, old: &AnswerShape, new: &AnswerShape) {
        self.parameters("header", &by_field(&old.fields), &by_field(&new.fields));
        self.forms(&old.bodies, &new.bodies, tell::schema, |this, old, new| this.schema(old, new));
    }

    /// What an event may have: of its envelope, `type` is its name and `timestamp` always there.
    pub(super) fn envelope(&mut self, old: &Object, new: &Object) {
        for member in &old.members {
            match new.member(&member.name) {
                Some((_, other)) if &*member.name == DATA => self.schema(&member.schema, &other.schema),
                Some((_, other)) => {
                    self.below(&tell::step(&member.name), |this| this.schema(&member.schema, &other.schema));
                }
                // The compiler takes no event without one of the three.
                None => {}
            }
        }
    }

    fn parameters(&mut self, part: &str, old: &[Named<'_, Parameter>], new: &[Named<'_, Parameter>]) {
        self.within(part, |this| this.members(old, new, tell::parameter, |this, old, new| this.parameter(old, new)));
    }

    fn parameter(&mut self, old: &Parameter, new: &Parameter) {
        match (&old.list, &new.list) {
            (None, None) => {}
            (Some(old), Some(new)) => self.list(old, new),
            _ => {
                let meaning = "it is one value on one side and a list on the other";
                let told = (Some(tell::parameter(old)), Some(tell::parameter(new)));
                self.push(ChangeKind::Type, Rating::Underived, told.0, told.1, meaning);
            }
        }
        self.leaf(&old.leaf, &new.leaf);
    }

    fn list(&mut self, old: &List, new: &List) {
        self.counts((old.min_items, new.min_items), (old.max_items, new.max_items));
        self.unique(old.unique, new.unique);
    }

    /// Compares what stands under names: added, taken away, demanded, and whatever `compare` finds.
    fn members<T>(
        &mut self,
        old: &[Named<'_, T>],
        new: &[Named<'_, T>],
        told: impl Fn(&T) -> String,
        compare: impl Fn(&mut Self, &T, &T),
    ) {
        for named in old {
            let same = new.iter().find(|other| other.name == named.name);
            self.below(&tell::step(named.name), |this| match same {
                Some(other) => {
                    this.required(Some(named.required), Some(other.required));
                    compare(this, named.thing, other.thing);
                }
                None => {
                    let meaning = "it does not cross any more";
                    this.push(ChangeKind::Field, Rating::Narrows, Some(told(named.thing)), None, meaning);
                    this.required(Some(named.required), None);
                }
            });
        }
        for named in new.iter().filter(|named| old.iter().all(|other| other.name != named.name)) {
            self.below(&tell::step(named.name), |this| {
                let meaning = "it may cross, which it could not";
                this.push(ChangeKind::Field, Rating::Widens, None, Some(told(named.thing)), meaning);
                this.required(None, Some(named.required));
            });
        }
    }

    /// Whether something must be there; `None` if it cannot be there at all.
    fn required(&mut self, old: Option<bool>, new: Option<bool>) {
        let (demanded, demands) = (old == Some(true), new == Some(true));
        let (rating, meaning) = match (demanded, demands) {
            (true, false) => (Rating::Widens, "without it a message passes, and was stopped before"),
            (false, true) => (Rating::Narrows, "without it a message is stopped"),
            (true, true) | (false, false) => return,
        };
        let told = |required: Option<bool>| {
            required.map(|required| if required { "required".to_owned() } else { "optional".to_owned() })
        };
        self.push(ChangeKind::Required, rating, told(old), told(new), meaning);
    }

    /// The forms of a body, by media type. Where there is one form at least, a body is required.
    fn forms<S>(
        &mut self,
        old: &[Form<S>],
        new: &[Form<S>],
        told: impl Fn(&S) -> String,
        compare: impl Fn(&mut Self, &S, &S),
    ) {
        let type_of = |form: &Form<S>| form.media_type.to_str().unwrap_or_default().to_owned();
        let described = |form: &Form<S>| Some(format!("{}: {}", type_of(form), told(&form.schema)));
        for form in old {
            match new.iter().find(|other| other.media_type == form.media_type) {
                Some(other) if old.len() == 1 && new.len() == 1 => {
                    self.within("body", |this| compare(this, &form.schema, &other.schema));
                }
                Some(other) => {
                    self.within(format!("body {}", type_of(form)), |this| compare(this, &form.schema, &other.schema));
                }
                None => {
                    let meaning = "a body of this form does not cross any more";
                    self.push(ChangeKind::Body, Rating::Narrows, described(form), None, meaning);
                }
            }
        }
        for form in new.iter().filter(|form| old.iter().all(|other| other.media_type != form.media_type)) {
            let meaning = "a body of this form may cross, which it could not";
            self.push(ChangeKind::Body, Rating::Widens, None, described(form), meaning);
        }
        if old.is_empty() != new.is_empty() {
            self.required((!old.is_empty()).then_some(true), (!new.is_empty()).then_some(true));
        }
    }

    /// Any two schemas.
    pub(super) fn schema(&mut self, old: &Schema, new: &Schema) {
        match (old, new) {
            (Schema::Nullable(old), Schema::Nullable(new)) => self.schema(old, new),
            (Schema::Nullable(inner), other) => {
                self.push(ChangeKind::Null, Rating::Narrows, tell::null(), None, "`null` is refused");
                self.schema(inner, other);
            }
            (other, Schema::Nullable(inner)) => {
                self.push(ChangeKind::Null, Rating::Widens, None, tell::null(), "`null` passes too");
                self.schema(other, inner);
            }
            (Schema::Object(old), Schema::Object(new)) => self.object(old, new),
            (Schema::Array(old), Schema::Array(new)) => self.array(old, new),
            (Schema::Leaf(old), Schema::Leaf(new)) => self.leaf(old, new),
            (Schema::Map(old), Schema::Map(new)) => self.map(old, new),
            (Schema::Choice(old), Schema::Choice(new)) => self.choice(old, new),
            (Schema::Kinds(old), Schema::Kinds(new)) => self.kinds(old, new),
            _ => {
                let meaning = "it is another kind of value";
                let told = (Some(tell::schema(old)), Some(tell::schema(new)));
                self.push(ChangeKind::Type, Rating::Underived, told.0, told.1, meaning);
            }
        }
    }

    fn object(&mut self, old: &Object, new: &Object) {
        self.members(&properties(old), &properties(new), tell::schema, |this, old, new| this.schema(old, new));
        let common = |object: &Object, other: &Object| -> Vec<String> {
            let members = object.members.iter().filter(|member| other.member(&member.name).is_some());
            members.map(|member| member.name.to_string()).collect()
        };
        let (before, after) = (common(old, new), common(new, old));
        if before != after {
            let meaning = "the same properties are written in another order, which means nothing in JSON";
            let told = (Some(before.join(", ")), Some(after.join(", ")));
            self.push(ChangeKind::Order, Rating::Neutral, told.0, told.1, meaning);
        }
    }

    fn array(&mut self, old: &Array, new: &Array) {
        self.counts((old.min_items, new.min_items), (old.max_items, new.max_items));
        self.unique(old.unique, new.unique);
        self.below("*", |this| this.schema(&old.items, &new.items));
    }

    fn map(&mut self, old: &Map, new: &Map) {
        self.counts((old.min_members, new.min_members), (old.max_members, new.max_members));
        self.below("*#", |this| {
            this.rule(&old.names_rule, &new.names_rule);
            this.text(&old.names, &new.names);
        });
        self.below("*", |this| this.schema(&old.values, &new.values));
    }

    fn choice(&mut self, old: &Choice, new: &Choice) {
        if old.property != new.property {
            let meaning = "another property tells which one it is";
            let told = (Some(old.property.to_string()), Some(new.property.to_string()));
            self.push(ChangeKind::Choice, Rating::Underived, told.0, told.1, meaning);
            return;
        }
        // Several values may tell one branch, which is then compared once.
        let mut compared: BTreeSet<(*const Object, *const Object)> = BTreeSet::new();
        for (value, branch) in old.told() {
            match new.branch(value) {
                Some(other) if compared.insert((branch, other)) => {
                    self.below(&format!("({})", tell::step(value)), |this| this.object(branch, other));
                }
                Some(_) => {}
                None => {
                    let meaning = "this branch does not cross any more";
                    let told = tell::branch(&old.property, value, branch);
                    self.push(ChangeKind::Choice, Rating::Narrows, Some(told), None, meaning);
                }
            }
        }
        for (value, branch) in new.told().filter(|(value, _)| old.branch(value).is_none()) {
            let meaning = "this branch may cross, which it could not";
            let told = tell::branch(&new.property, value, branch);
            self.push(ChangeKind::Choice, Rating::Widens, None, Some(told), meaning);
        }
    }

    fn kinds(&mut self, old: &Kinds, new: &Kinds) {
        let of = |kind: Kind, schema: &Schema| Some(format!("{kind}: {}", tell::schema(schema)));
        for (kind, branch) in &old.branches {
            match new.of(*kind) {
                Some(other) => self.below(&format!("({kind})"), |this| this.schema(branch, other)),
                None => {
                    let meaning = "values of this kind are refused";
                    self.push(ChangeKind::Type, Rating::Narrows, of(*kind, branch), None, meaning);
                }
            }
        }
        for (kind, branch) in new.branches.iter().filter(|(kind, _)| old.of(*kind).is_none()) {
            let meaning = "values of this kind pass too";
            self.push(ChangeKind::Type, Rating::Widens, None, of(*kind, branch), meaning);
        }
    }

    fn counts(&mut self, least: (usize, usize), most: (usize, usize)) {
        let told = |count: &usize| format!("at most {count}");
        let most = (Some(most.0), Some(most.1));
        self.at_most(ChangeKind::Count, most, told, ("more of them pass", "fewer of them pass"));
        self.at_least(ChangeKind::Count, least, "at least", ("fewer of them pass too", "too few of them are refused"));
    }

    /// A lower bound; 0 is none.
    pub(super) fn at_least(
        &mut self,
        kind: ChangeKind,
        (old, new): (usize, usize),
        word: &str,
        (wider, narrower): (&'static str, &'static str),
    ) {
        let (rating, meaning) = match old.cmp(&new) {
            std::cmp::Ordering::Greater => (Rating::Widens, wider),
            std::cmp::Ordering::Less => (Rating::Narrows, narrower),
            std::cmp::Ordering::Equal => return,
        };
        let told = |bound: usize| (bound > 0).then(|| format!("{word} {bound}"));
        self.push(kind, rating, told(old), told(new), meaning);
    }

    fn unique(&mut self, old: bool, new: bool) {
        let (rating, meaning) = match (old, new) {
            (true, false) => (Rating::Widens, "equal elements pass too"),
            (false, true) => (Rating::Narrows, "equal elements are refused"),
            (true, true) | (false, false) => return,
        };
        let told = |unique: bool| unique.then(|| "no two equal".to_owned());
        self.push(ChangeKind::Unique, rating, told(old), told(new), meaning);
    }
}

fn by_name(parameters: &[Parameter]) -> Vec<Named<'_, Parameter>> {
    parameters.iter().map(|one| Named { name: &one.name, required: one.required, thing: one }).collect()
}

/// Header fields, whose names have no case.
fn by_field(fields: &[(HeaderName, Parameter)]) -> Vec<Named<'_, Parameter>> {
    fields.iter().map(|(name, one)| Named { name: name.as_str(), required: one.required, thing: one }).collect()
}

fn properties(object: &Object) -> Vec<Named<'_, Schema>> {
    object.members.iter().map(|one| Named { name: &one.name, required: one.required, thing: &one.schema }).collect()
}

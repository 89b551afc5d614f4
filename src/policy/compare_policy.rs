//! Two versions of each policy: its effect, its scope, and its conditions as a set of parts all of which must hold.
//!
//! A policy matches less if its scope lies within the other's and its parts are those of the other and more. A permit that
//! matches less narrows; a forbid that does widens. That holds while no part can fail: where arithmetic or an extension could,
//! nothing is derived, since what fails denies. Whether a part follows from another is not asked.

use crate::model::ChangeKind;
use crate::model::Difference;
use crate::model::Rating;
use crate::policy::compile::Named;
use cedar_policy::Effect;
use cedar_policy::Policy;
use serde_json::Value;
use std::collections::BTreeMap;
use std::collections::BTreeSet;

/// Annotations that nothing decides by.
const FOR_PEOPLE: &[&str] = &["id", "reason"];

/// Operators of Cedar that stand in an expression which may fail while it is evaluated, though it was validated.
const MAY_FAIL: &[&str] = &["+", "-", "*", "neg"];

/// Those which never do. What is in neither list is an extension, or newer than this.
const SAFE: &[&str] = &[
    "Value",
    "Var",
    "Slot",
    "!",
    "==",
    "!=",
    "in",
    "<",
    "<=",
    ">",
    ">=",
    "&&",
    "||",
    "contains",
    "containsAll",
    "containsAny",
    "isEmpty",
    ".",
    "has",
    "like",
    "is",
    "if-then-else",
    "Set",
    "Record",
];

/// A policy, read.
pub(super) struct Read {
    text: String,
    forbids: bool,
    /// Principal, action and resource, as Cedar's JSON of policies has them.
    scope: [Value; 3],
    /// What all must hold, each as canonical text.
    parts: BTreeSet<String>,
    /// Whether no part can fail.
    safe: bool,
    until: Option<String>,
    annotations: BTreeMap<String, String>,
    pub(super) names: Names,
}

/// The entities that a policy names.
pub(super) struct Names {
    pub(super) forbids: bool,
    pub(super) scope: BTreeSet<String>,
    pub(super) conditions: BTreeSet<String>,
}

/// How one set of requests lies to another.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Within {
    Equal,
    /// The newer lies within the older.
    Smaller,
    /// The older lies within the newer.
    Larger,
    Unknown,
}

/// All policies by their `@id`.
pub(super) fn read(named: &Named) -> BTreeMap<String, Read> {
    named.list.iter().map(|(policy, _)| (policy.id().to_string(), Read::of(policy))).collect()
}

pub(super) fn compare(old: &BTreeMap<String, Read>, new: &BTreeMap<String, Read>, found: &mut Vec<Difference>) {
    let ids: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for id in ids {
        let mut push = |kind, rating, old: Option<&Read>, new: Option<&Read>, meaning| {
            let text = |read: Option<&Read>| read.map(|read| read.text.clone());
            let place = vec!["policies".into(), id.as_str().into()];
            found.push(Difference { kind, rating, place, old: text(old), new: text(new), meaning, example: None });
        };
        match (old.get(id), new.get(id)) {
            (None, Some(read)) => {
                let (rating, meaning) = match read.forbids {
                    false => (Rating::Widens, "a permit more"),
                    true => (Rating::Narrows, "a forbid more"),
                };
                push(ChangeKind::Policy, rating, None, Some(read), meaning);
            }
            (Some(read), None) => {
                let (rating, meaning) = match (read.forbids, read.safe) {
                    (true, _) => (Rating::Widens, "a forbid less"),
                    (false, true) => (Rating::Narrows, "a permit less"),
                    (false, false) => (Rating::Underived, "a permit less, which could fail, and what fails denies"),
                };
                push(ChangeKind::Policy, rating, Some(read), None, meaning);
            }
            (Some(one), Some(other)) => {
                if let Some((rating, meaning)) = one.changed(other) {
                    push(ChangeKind::Policy, rating, Some(one), Some(other), meaning);
                } else if one.annotations != other.annotations {
                    let meaning = "what is written above it for people; nothing decides by it";
                    push(ChangeKind::Annotation, Rating::Neutral, Some(one), Some(other), meaning);
                }
            }
            (None, None) => {}
        }
    }
}

impl Read {
    fn of(policy: &Policy) -> Self {
        // What parsed has a JSON form; were there none, the policy would be equal to no other.
        let json = policy.to_json().unwrap_or_else(|_| Value::String(policy.to_string()));
        let member = |name: &str| json.get(name).cloned().unwrap_or(Value::Null);
        let scope = [member("principal"), member("action"), member("resource")];
        let forbids = policy.effect() == Effect::Forbid;
        let (mut parts, mut conditions, mut scoped) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let mut safe = json.is_object();
        scope.iter().for_each(|constraint| uids(constraint, &mut scoped));
        for condition in json.get("conditions").and_then(Value::as_array).into_iter().flatten() {
            let body = condition.get("body").unwrap_or(&Value::Null);
            let unless = condition.get("kind").and_then(Value::as_str) != Some("when");
            flatten(body, unless, &mut parts);
            uids(body, &mut conditions);
            safe &= cannot_fail(body);
        }
        let annotations = policy.annotations().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        let until = policy.annotation("until").map(str::to_owned);
        let names = Names { forbids, scope: scoped, conditions };
        Self { text: policy.to_string(), forbids, scope, parts, safe, until, annotations, names }
    }

    /// What follows from this policy becoming `new`; `None` if nothing does.
    fn changed(&self, new: &Self) -> Option<(Rating, &'static str)> {
        let known = |read: &Self| -> Vec<(String, String)> {
            let decisive = |key: &String| !FOR_PEOPLE.contains(&key.as_str()) && key != "until";
            read.annotations
                .iter()
                .filter(|(key, _)| decisive(key))
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect()
        };
        let scopes = self.scope.iter().zip(&new.scope).map(|(old, new)| lies(old, new));
        let parts = match (self.parts.is_subset(&new.parts), new.parts.is_subset(&self.parts)) {
            (true, true) => Within::Equal,
            (true, false) => Within::Smaller,
            (false, true) => Within::Larger,
            (false, false) => Within::Unknown,
        };
        let until = match (&self.until, &new.until) {
            (old, new) if old == new => Within::Equal,
            (None, Some(_)) => Within::Smaller,
            (Some(_), None) => Within::Larger,
            // Both are days of one spelling, which sorts as they follow one another.
            (Some(old), Some(new)) if new < old => Within::Smaller,
            _ => Within::Larger,
        };
        let whole = scopes.chain([parts, until]).fold(Within::Equal, Within::and);
        let lint = known(self) != known(new);
        match (self.forbids, new.forbids, whole) {
            (false, false, Within::Equal) | (true, true, Within::Equal) if lint => {
                Some((Rating::Underived, "another annotation stands above it"))
            }
            (false, false, Within::Equal) | (true, true, Within::Equal) => None,
            _ if !self.safe || !new.safe => {
                Some((Rating::Underived, "it matches other requests, and what of it can fail denies"))
            }
            (false, true, _) => Some((Rating::Narrows, "it permitted, and forbids now")),
            (true, false, _) => Some((Rating::Widens, "it forbade, and permits now")),
            (false, false, Within::Smaller) => Some((Rating::Narrows, "it permits under more conditions")),
            (false, false, Within::Larger) => Some((Rating::Widens, "it permits under fewer conditions")),
            (true, true, Within::Smaller) => Some((Rating::Widens, "it forbids under more conditions, so less")),
            (true, true, Within::Larger) => Some((Rating::Narrows, "it forbids under fewer conditions, so more")),
            (_, _, Within::Unknown) => Some((Rating::Underived, "it matches other requests")),
        }
    }
}

impl Within {
    /// Of two things that must both hold.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Equal, other) => other,
            (one, Self::Equal) => one,
            (one, other) if one == other => one,
            _ => Self::Unknown,
        }
    }
}

/// Takes a condition apart into what must hold; `not` says that it must not hold itself.
fn flatten(body: &Value, not: bool, parts: &mut BTreeSet<String>) {
    // `unless { a || b }` says of each that it must not hold.
    let operator = if not { "||" } else { "&&" };
    if let Some(both) = body.get(operator) {
        for side in ["left", "right"] {
            flatten(both.get(side).unwrap_or(&Value::Null), not, parts);
        }
    } else if let (false, Some(inner)) = (not, body.get("!").and_then(|inner| inner.get("arg"))) {
        flatten(inner, true, parts);
    } else {
        parts.insert(if not { format!("! {body}") } else { body.to_string() });
    }
}

/// How one constraint of a scope lies to another of the same variable.
fn lies(old: &Value, new: &Value) -> Within {
    match (old == new, covers(old, new), covers(new, old)) {
        (true, ..) | (false, true, true) => Within::Equal,
        (false, true, false) => Within::Smaller,
        (false, false, true) => Within::Larger,
        (false, false, false) => Within::Unknown,
    }
}

/// Whether whatever `inner` lets through, `outer` does too. `false` where that is not seen at once.
fn covers(outer: &Value, inner: &Value) -> bool {
    let op = |constraint: &Value| constraint.get("op").and_then(Value::as_str).unwrap_or_default().to_owned();
    let entities = |constraint: &Value| -> BTreeSet<String> {
        let one = constraint.get("entity").into_iter();
        let many = constraint.get("entities").and_then(Value::as_array).into_iter().flatten();
        one.chain(many).map(Value::to_string).collect()
    };
    let kind = |constraint: &Value| constraint.get("entity_type").cloned();
    let above = |constraint: &Value| constraint.get("in").and_then(|within| within.get("entity")).map(Value::to_string);
    let (within, inside) = (entities(outer), entities(inner));
    match (op(outer).as_str(), op(inner).as_str()) {
        ("All", _) => true,
        ("==", "==") => within == inside,
        // An entity is in itself.
        ("in", "==" | "in") => !inside.is_empty() && inside.is_subset(&within),
        ("in", "is") => above(inner).is_some_and(|above| within.contains(&above)),
        ("is", "is") => kind(outer) == kind(inner) && (above(outer).is_none() || above(outer) == above(inner)),
        ("is", "==") => {
            let of = inner.get("entity").and_then(|entity| entity.get("type")).cloned();
            above(outer).is_none() && of.is_some() && of == kind(outer)
        }
        _ => false,
    }
}

/// Every entity that an expression or a constraint names, spelt as policies spell it.
fn uids(value: &Value, found: &mut BTreeSet<String>) {
    if let (Some(kind), Some(id)) = (value.get("type").and_then(Value::as_str), value.get("id").and_then(Value::as_str))
    {
        found.insert(format!("{kind}::{id:?}"));
    }
    match value {
        Value::Array(items) => items.iter().for_each(|item| uids(item, found)),
        Value::Object(members) => members.values().for_each(|member| uids(member, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Whether nothing in an expression, which was validated, can fail.
fn cannot_fail(expression: &Value) -> bool {
    let Some(members) = expression.as_object() else { return false };
    members.iter().all(|(operator, operands)| {
        if MAY_FAIL.contains(&operator.as_str()) || !SAFE.contains(&operator.as_str()) {
            return false;
        }
        match operator.as_str() {
            "Value" | "Var" | "Slot" => true,
            "Set" => operands.as_array().is_some_and(|items| items.iter().all(cannot_fail)),
            "Record" => operands.as_object().is_some_and(|members| members.values().all(cannot_fail)),
            _ => operands.as_object().is_some_and(|members| {
                let operand = |name: &str| matches!(name, "left" | "right" | "arg" | "if" | "then" | "else" | "in");
                members.iter().filter(|(name, _)| operand(name)).all(|(_, operand)| cannot_fail(operand))
            }),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Diagnostics;
    use crate::diagnostic::Source;
    use crate::policy::compile::read_policies;

    fn all(text: &str) -> BTreeMap<String, Read> {
        let mut faults = Diagnostics::new();
        let named = read_policies(&[Source::new("test.cedar", text)], &mut faults);
        let read = read(&named);
        faults.or_fail(read).unwrap_or_else(|faults| panic!("{faults}"))
    }

    fn one(effect_and_scope: &str, conditions: &str) -> String {
        format!("@id(\"p\") @reason(\"r\") {effect_and_scope} {conditions};")
    }

    fn rated(old: &str, new: &str) -> Vec<Rating> {
        let mut found = Vec::new();
        compare(&all(old), &all(new), &mut found);
        found.iter().map(|difference| difference.rating).collect()
    }

    #[test]
    fn a_condition_more_narrows_a_permit_and_widens_a_forbid() {
        use Rating::Narrows;
        use Rating::Underived;
        use Rating::Widens;
        for (old, new, permit, forbid) in [
            ("when { context.a }", "when { context.a } when { context.b }", Narrows, Widens),
            ("when { context.a }", "when { context.b && context.a }", Narrows, Widens),
            ("when { context.a && context.b }", "when { context.a }", Widens, Narrows),
            ("unless { context.a }", "unless { context.a || context.b }", Narrows, Widens),
            ("unless { context.a || context.b }", "unless { context.b }", Widens, Narrows),
            ("when { !(context.a || context.b) }", "unless { context.a }", Widens, Narrows),
            ("when { context.a }", "unless { context.a }", Underived, Underived),
            ("when { context.a || context.b }", "when { context.a }", Underived, Underived),
            ("unless { context.a && context.b }", "unless { context.a }", Underived, Underived),
            ("when { context.n < 5 }", "when { context.n < 4 }", Underived, Underived),
            ("when { context.n + 1 < 5 }", "when { context.n + 1 < 5 } when { context.a }", Underived, Underived),
            ("when { context.a }", "when { context.a } when { ip(\"::1\").isLoopback() }", Underived, Underived),
        ] {
            let scope = "(principal, action, resource)";
            assert_eq!(
                rated(&one(&format!("permit {scope}"), old), &one(&format!("permit {scope}"), new)),
                [permit],
                "{old} → {new}"
            );
            assert_eq!(
                rated(&one(&format!("forbid {scope}"), old), &one(&format!("forbid {scope}"), new)),
                [forbid],
                "{old} → {new}"
            );
        }
    }

    #[test]
    fn a_scope_within_another_narrows_a_permit() {
        for (outer, inner) in [
            ("principal, action, resource", "principal, action, resource in House::\"1\""),
            ("principal, action, resource", "principal is User, action, resource"),
            ("principal is User, action, resource", "principal == User::\"a\", action, resource"),
            ("principal is User, action, resource", "principal is User in Role::\"a\", action, resource"),
            ("principal in Role::\"a\", action, resource", "principal == Role::\"a\", action, resource"),
            ("principal in Role::\"a\", action, resource", "principal is User in Role::\"a\", action, resource"),
            (
                "principal, action in [Action::\"a\", Action::\"b\"], resource",
                "principal, action == Action::\"b\", resource",
            ),
            (
                "principal, action in [Action::\"a\", Action::\"b\"], resource",
                "principal, action in [Action::\"b\"], resource",
            ),
        ] {
            let permit = |scope: &str| one(&format!("permit ({scope})"), "");
            assert_eq!(rated(&permit(outer), &permit(inner)), [Rating::Narrows], "{outer} {inner}");
            assert_eq!(rated(&permit(inner), &permit(outer)), [Rating::Widens], "{outer} {inner}");
        }
        let apart = (
            "permit (principal in Role::\"a\", action, resource)",
            "permit (principal in Role::\"b\", action, resource)",
        );
        assert_eq!(rated(&one(apart.0, ""), &one(apart.1, "")), [Rating::Underived]);
        let both = ("permit (principal, action, resource)", "permit (principal is User, action, resource)");
        assert_eq!(
            rated(&one(both.0, "when { context.a }"), &one(both.1, "")),
            [Rating::Underived],
            "one more, one less"
        );
    }

    #[test]
    fn effects_ends_and_words_for_people_are_told_apart() {
        let scope = "(principal, action, resource)";
        let (permit, forbid) = (one(&format!("permit {scope}"), ""), one(&format!("forbid {scope}"), ""));
        assert_eq!(rated(&permit, &forbid), [Rating::Narrows]);
        assert_eq!(rated(&forbid, &permit), [Rating::Widens]);
        assert_eq!(rated("", &permit), [Rating::Widens]);
        assert_eq!(rated("", &forbid), [Rating::Narrows]);
        assert_eq!(rated(&permit, ""), [Rating::Narrows]);
        assert_eq!(rated(&forbid, ""), [Rating::Widens]);
        assert_eq!(
            rated(&permit, &format!("// a comment\n{}", permit.replace("(\"r\")", "(\"other\")"))),
            [Rating::Neutral]
        );
        assert_eq!(rated(&permit, &format!("// a comment\n\n{permit}")), []);
        let until = |day: &str| permit.replace("@reason", &format!("@until(\"{day}\") @reason"));
        assert_eq!(rated(&until("2027-01-31"), &until("2027-02-01")), [Rating::Widens]);
        assert_eq!(rated(&until("2027-01-31"), &until("2026-12-31")), [Rating::Narrows]);
        assert_eq!(rated(&until("2027-01-31"), &permit), [Rating::Widens]);
        assert_eq!(rated(&permit, &until("2027-01-31")), [Rating::Narrows]);
        let failing = one(&format!("permit {scope}"), "when { context.n * 2 > 1 }");
        assert_eq!(rated(&failing, ""), [Rating::Underived], "what fails denies");
    }
}

//! Policies as an explanation shows them: each clause with what it saw, the nearest first, and a change in words.

use crate::bundle::Bundle;
use crate::diagnostic::Source;
use crate::model::Recordable;
use crate::policy::Change;
use crate::policy::Fact;
use crate::policy::Move;
use crate::policy::Origin;
use crate::policy::Policies;
use crate::policy::PolicyText;
use crate::policy::Uid;
use crate::policy::Weighed;
use crate::policy::WeighedClause;
use crate::policy::WeighedPolicy;
use crate::workbench::explain::ChangeView;
use crate::workbench::explain::ClauseLine;
use crate::workbench::explain::PolicyLine;
use crate::workbench::explain::PolicyView;
use crate::workbench::explain::shown;
use std::collections::BTreeMap;

/// What a policy does if it holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Effect {
    /// It permits.
    Permit,
    /// It forbids.
    Forbid,
}

/// What clauses read, as it may be shown.
#[derive(Default)]
pub(super) struct Seen {
    /// By the name that clauses and records give it.
    pub(super) values: BTreeMap<String, String>,
    /// The names whose values speak of a person.
    pub(super) persons: Vec<String>,
    /// Whether what is not among the values was not there; else it is not known.
    pub(super) complete: bool,
}

/// The decision that was taken.
pub(super) struct Taken<'a> {
    pub(super) allow: bool,
    pub(super) policies: Vec<&'a str>,
}

impl Effect {
    /// The word in a policy.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Permit => "permit",
            Self::Forbid => "forbid",
        }
    }
}

impl Seen {
    pub(super) fn insert(&mut self, name: &str, value: &Fact, recordable: Recordable) {
        if recordable != Recordable::Value {
            self.persons.push(name.to_owned());
        }
        self.values.insert(name.to_owned(), shown::shown(value, recordable));
    }

    fn of(&self, name: &str) -> String {
        match self.values.get(name) {
            Some(value) => value.clone(),
            None if self.complete => "absent".to_owned(),
            None => "not on record".to_owned(),
        }
    }
}

/// The policies of an action as they are shown.
pub(super) fn view(bundle: &Bundle, action: &str, weighed: &Weighed, seen: &Seen, taken: &Taken<'_>) -> PolicyView {
    let policies = bundle.policies();
    let (namespace, places) = (policies.namespace(), places(bundle));
    let mut lines: Vec<PolicyLine> =
        weighed.policies.iter().map(|policy| line(policy, (&namespace, &places), seen, taken)).collect();
    // Stable: within one rank in the order of the files.
    lines.sort_by_key(|line| rank(line, taken.allow));
    let change = weighed.change.as_ref().filter(|_| !taken.allow).map(|change| in_words(change, policies, action));
    PolicyView { action: action.to_owned(), policies: lines, change, sought: !taken.allow }
}

/// What decided first; then what holds or errs; then, of a refusal, the permits; and of equals what came nearest.
fn rank(line: &PolicyLine, allow: bool) -> (bool, bool, bool, usize) {
    let held = matches!(line.holds, "true" | "error");
    (!line.determines, !held, !allow && line.effect == Effect::Forbid, line.failing().count())
}

/// Where each policy stands in its bundle.
fn places(bundle: &Bundle) -> BTreeMap<String, String> {
    let files: Vec<(&str, &Source)> = bundle.files().filter(|(path, _)| path.ends_with(".cedar")).collect();
    let sources: Vec<Source> = files.iter().map(|(_, source)| (*source).clone()).collect();
    let place = |text: &PolicyText| {
        let (path, _) = files.iter().find(|(_, source)| source.path() == text.source.path())?;
        Some((text.id.clone(), format!("{path}:{}", text.place.line)))
    };
    PolicyText::read(&sources).iter().filter_map(place).collect()
}

fn line(
    policy: &WeighedPolicy,
    (namespace, places): (&str, &BTreeMap<String, String>),
    seen: &Seen,
    taken: &Taken<'_>,
) -> PolicyLine {
    PolicyLine {
        id: (*policy.id).to_owned(),
        place: places.get(&*policy.id).cloned().unwrap_or_default(),
        effect: if policy.forbids { Effect::Forbid } else { Effect::Permit },
        reason: (*policy.reason).to_owned(),
        holds: policy.holds.word(),
        determines: taken.policies.contains(&&*policy.id),
        clauses: policy.clauses.iter().map(|one| clause(one, namespace, seen)).collect(),
    }
}

fn clause(clause: &WeighedClause, namespace: &str, seen: &Seen) -> ClauseLine {
    let reads_person = clause.reads.iter().any(|name| seen.persons.contains(name));
    ClauseLine {
        text: shown::clause(&clause.text, namespace, reads_person),
        truth: clause.truth.word(),
        saw: clause.reads.iter().map(|name| (name.clone(), seen.of(name))).collect(),
    }
}

/// A change as a person would say it.
fn in_words(change: &Change, policies: &Policies, action: &str) -> ChangeView {
    let moves = change.moves.iter().map(|one| match one {
        Move::Attribute { name, from, to } => {
            let recordable = policies.recordable(action, name).unwrap_or(Recordable::Nothing);
            let origin = Origin::of(name).word();
            match (from, to) {
                (Some(Fact::Set(from)), Some(Fact::Set(to))) => {
                    let other = |one: &[Fact], other: &[Fact]| {
                        Fact::Set(one.iter().filter(|element| !other.contains(element)).cloned().collect())
                    };
                    let told = |word, set: Fact| match &set {
                        Fact::Set(elements) if elements.is_empty() => None,
                        _ => Some(format!("{word} {}", shown::shown(&set, recordable))),
                    };
                    let both = [told("also", other(to, from)), told("without", other(from, to))];
                    let both: Vec<String> = both.into_iter().flatten().collect();
                    format!("{name} {} ({origin})", both.join(", "))
                }
                _ => {
                    let value = |fact: &Option<Fact>| match fact {
                        Some(fact) => shown::shown(fact, recordable),
                        None => "absent".to_owned(),
                    };
                    format!("{name} {} instead of {} ({origin})", value(to), value(from))
                }
            }
        }
        Move::Principal { into, out_of } => {
            let all = |uids: &[Uid]| uids.iter().map(shown::entity).collect::<Vec<_>>().join(", ");
            let told = |word: &str, uids: &[Uid]| (!uids.is_empty()).then(|| format!("{word} {}", all(uids)));
            let both: Vec<String> = [told("in", into), told("not in", out_of)].into_iter().flatten().collect();
            format!("the caller {} ({})", both.join(", "), Origin::Token.word())
        }
    });
    ChangeView { by: (*change.by).to_owned(), moves: moves.collect() }
}

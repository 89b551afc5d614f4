//! Two versions of what policies are made of, compared by meaning: policies by their `@id`, constants, and the Cedar schema.
//!
//! What a changed policy does to decisions in general is a question for a prover. Here is derived only what its parts say: a
//! condition more or less, a scope that lies within the other. The rest is not derived, and counts as wider; the decision table of
//! the workbench shows beside it what became of the cases of the tests.

use crate::diagnostic::Diagnostics;
use crate::diagnostic::Source;
use crate::model::ChangeKind;
use crate::model::Difference;
use crate::model::Rating;
use crate::policy::compare_policy;
use crate::policy::compare_policy::Names;
use crate::policy::compare_policy::Read;
use crate::policy::compare_schema;
use crate::policy::compile;
use crate::policy::constants;
use std::collections::BTreeMap;
use std::collections::BTreeSet;

/// The files of one version, which has compiled.
pub struct PolicyFiles<'a> {
    /// `cedar/schema.cedarschema`.
    pub schema: &'a Source,
    /// `cedar/*.cedar`.
    pub policies: Vec<Source>,
    /// `cedar/constants.json`, if there is one.
    pub constants: Option<&'a Source>,
}

/// Everything in which two versions differ.
///
/// # Errors
/// Where a file does not parse, which one that has compiled does.
pub fn compare(old: &PolicyFiles<'_>, new: &PolicyFiles<'_>) -> Result<Vec<Difference>, Diagnostics> {
    let mut faults = Diagnostics::new();
    let schemas = (compile::read_schema(old.schema, &mut faults), compile::read_schema(new.schema, &mut faults));
    let before = compare_policy::read(&compile::read_policies(&old.policies, &mut faults));
    let after = compare_policy::read(&compile::read_policies(&new.policies, &mut faults));
    let mut found = Vec::new();
    if let (Some(old), Some(new)) = schemas {
        compare_schema::compare(&old, &new, &mut found);
    }
    compare_constants(old.constants, new.constants, (&before, &after), &mut found);
    compare_policy::compare(&before, &after, &mut found);
    faults.or_fail(found)
}

/// What stands directly in what, in either version, and which policies say its name.
fn compare_constants(
    old: Option<&Source>,
    new: Option<&Source>,
    policies: (&BTreeMap<String, Read>, &BTreeMap<String, Read>),
    found: &mut Vec<Difference>,
) {
    let listed = |source: Option<&Source>| source.map(|source| constants::listed(source.text())).unwrap_or_default();
    let (old, new) = (listed(old), listed(new));
    let names: Vec<&Names> = policies.0.values().chain(policies.1.values()).map(|read| &read.names).collect();
    let uids: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for uid in uids {
        let (before, after) = (old.get(uid), new.get(uid));
        let mut push = |rating, old: Option<String>, new: Option<String>, meaning| {
            let place = vec!["cedar/constants.json".into(), uid.as_str().into()];
            found.push(Difference { kind: ChangeKind::Constant, rating, place, old, new, meaning, example: None });
        };
        let alone = |parents: Option<&BTreeSet<String>>| parents.is_some_and(BTreeSet::is_empty);
        match (before, after) {
            (None, Some(_)) if alone(after) => {
                push(Rating::Neutral, None, Some("no parents".to_owned()), "a name that stands in nothing");
            }
            (Some(_), None) if alone(before) => {
                push(Rating::Neutral, Some("no parents".to_owned()), None, "a name that stood in nothing");
            }
            _ => {}
        }
        let (before, after) = (before.cloned().unwrap_or_default(), after.cloned().unwrap_or_default());
        for parent in after.difference(&before) {
            let (rating, meaning) = added(&named(parent, &new, &names));
            push(rating, None, Some(format!("in {parent}")), meaning);
        }
        for parent in before.difference(&after) {
            let (rating, meaning) = removed(&named(parent, &old, &names));
            push(rating, Some(format!("in {parent}")), None, meaning);
        }
    }
}

/// How policies speak of a constant, or of something that it stands in.
#[derive(Default)]
struct Spoken {
    by_permits: bool,
    by_forbids: bool,
    /// Within a condition, where a negation may turn it round.
    in_conditions: bool,
}

fn named(parent: &str, all: &BTreeMap<String, BTreeSet<String>>, names: &[&Names]) -> Spoken {
    let mut above: BTreeSet<&str> = BTreeSet::new();
    let mut next = vec![parent];
    while let Some(uid) = next.pop() {
        if above.insert(uid) {
            next.extend(all.get(uid).into_iter().flatten().map(String::as_str));
        }
    }
    let mut spoken = Spoken::default();
    for names in names {
        let in_scope = names.scope.iter().any(|uid| above.contains(uid.as_str()));
        spoken.by_permits |= in_scope && !names.forbids;
        spoken.by_forbids |= in_scope && names.forbids;
        spoken.in_conditions |= names.conditions.iter().any(|uid| above.contains(uid.as_str()));
    }
    spoken
}

const fn added(spoken: &Spoken) -> (Rating, &'static str) {
    match spoken {
        Spoken { by_permits: true, .. } => (Rating::Widens, "what a permit says of the one holds for the other too"),
        Spoken { in_conditions: true, .. } => (Rating::Underived, "conditions of policies speak of it"),
        Spoken { by_forbids: true, .. } => (Rating::Narrows, "only forbids speak of it, and they hold for more"),
        _ => (Rating::Underived, "no policy speaks of it by name"),
    }
}

const fn removed(spoken: &Spoken) -> (Rating, &'static str) {
    match spoken {
        Spoken { by_forbids: true, .. } => {
            (Rating::Widens, "what a forbid says of the one holds for the other no more")
        }
        Spoken { in_conditions: true, .. } => (Rating::Underived, "conditions of policies speak of it"),
        Spoken { by_permits: true, .. } => (Rating::Narrows, "only permits speak of it, and they hold for less"),
        _ => (Rating::Underived, "no policy speaks of it by name"),
    }
}

//! Two bundles, compared by meaning: what may cross and who may do what, before and after.
//!
//! Contracts, policies, schema and constants are compared by their own rooms, requirements here (`compare_requirements.rs`). What
//! policies decide is shown by a table of cases (`compare_table.rs`), which proves nothing about what it does not hold: a policy
//! whose change no row shows is told as that. Other evidence, such as a proof or the recorded past played again, would stand
//! beside the table: it reads two bundles and adds differences of kind `decision`.

use crate::bundle::Bundle;
use crate::clock::Clock;
use crate::contract;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use crate::diagnostic::Source;
use crate::model::ChangeKind;
use crate::model::Difference;
use crate::model::PartnerName;
use crate::model::Rating;
use crate::model::Sha256;
use crate::policy;
use crate::policy::PolicyFiles;
use crate::workbench::compare_requirements;
use crate::workbench::compare_table;
use crate::workbench::compare_table::Table;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

const REQUIREMENTS: &str = "requirements.yaml";
const SCHEMA: &str = "cedar/schema.cedarschema";
const CONSTANTS: &str = "cedar/constants.json";

/// What two bundles differ in.
#[derive(Debug)]
pub struct Comparison {
    /// The older bundle's digest.
    pub old: Sha256,
    /// The newer one's.
    pub new: Sha256,
    /// Every difference: those that widen first, then in the order of the files.
    pub differences: Vec<Difference>,
    /// How many cases were played on both.
    pub table: Table,
    /// The policies whose change no case of the table shows, by their `@id`.
    pub unshown: Vec<String>,
}

/// What a comparison comes to. Each has an exit code in `docs/policy-changes.md`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// Nothing widens, and the tests show every policy that changed.
    Narrower,
    /// Nothing widens, and a policy changed in a way that no test shows.
    NotShown,
    /// Something widens, or may.
    Wider,
}

/// Compares two bundles. Plays at most so many cases on both: those of either bundle's tests, and what comes of mixing their
/// callers and requests. `clock` times the plays; what comes of them, their own clocks say.
///
/// # Errors
/// Where the tests of one cannot be read, or a case cannot be set up.
pub fn compare(
    old: &Arc<Bundle>,
    new: &Arc<Bundle>,
    max_rows: usize,
    clock: &dyn Clock,
) -> Result<Comparison, Diagnostics> {
    let mut differences = contracts(old, new);
    differences.extend(requirements(old, new)?);
    let policies = policy::compare(&files(old)?, &files(new)?)?;
    let changed = changed_policies(&policies);
    differences.extend(policies);
    tell_ages(new, &mut differences);
    let texts = same_meaning(old, new, &differences);
    differences.extend(texts);
    let shown = compare_table::compare(old, new, max_rows, clock)?;
    let unshown = changed.into_iter().filter(|id| !shown.policies.contains(id)).collect();
    differences.extend(shown.differences);
    differences.sort_by_key(|difference| difference.rating);
    Ok(Comparison { old: old.digest(), new: new.digest(), differences, table: shown.table, unshown })
}

impl Comparison {
    /// What it comes to.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match (self.differences.iter().any(|one| one.rating.widens()), self.unshown.is_empty()) {
            (true, _) => Verdict::Wider,
            (false, false) => Verdict::NotShown,
            (false, true) => Verdict::Narrower,
        }
    }

    /// How many differences have a rating.
    #[must_use]
    pub fn count(&self, rating: Rating) -> usize {
        self.differences.iter().filter(|one| one.rating == rating).count()
    }
}

fn contracts(old: &Bundle, new: &Bundle) -> Vec<Difference> {
    let partners: BTreeSet<&PartnerName> =
        old.contracts().chain(new.contracts()).map(|contract| contract.partner()).collect();
    let of = |bundle: &'_ Bundle, partner: &PartnerName| bundle.contract(partner).cloned();
    let differences = |partner: &&PartnerName| {
        let (old, new) = (of(old, partner), of(new, partner));
        contract::compare(old.as_deref(), new.as_deref())
    };
    partners.iter().flat_map(differences).collect()
}

fn requirements(old: &Bundle, new: &Bundle) -> Result<Vec<Difference>, Diagnostics> {
    match (file(old, REQUIREMENTS), file(new, REQUIREMENTS)) {
        (Some(old), Some(new)) => compare_requirements::compare(old, new),
        // A bundle without them does not compile.
        _ => Ok(Vec::new()),
    }
}

fn file<'b>(bundle: &'b Bundle, path: &str) -> Option<&'b Source> {
    bundle.files().find(|(known, _)| *known == path).map(|(_, source)| source)
}

fn files(bundle: &Bundle) -> Result<PolicyFiles<'_>, Diagnostics> {
    let missing = || Diagnostic::without_file("missing-file", "the bundle has no schema");
    let schema = file(bundle, SCHEMA).ok_or_else(missing)?;
    let policies = bundle.files().filter(|(path, _)| is_policies(path)).map(|(_, source)| source.clone()).collect();
    Ok(PolicyFiles { schema, policies, constants: file(bundle, CONSTANTS) })
}

fn is_policies(path: &str) -> bool {
    path.starts_with("cedar/") && std::path::Path::new(path).extension().is_some_and(|ending| ending == "cedar")
}

/// The ids of policies that match other requests than before, or may.
fn changed_policies(differences: &[Difference]) -> Vec<String> {
    let changed = differences.iter().filter(|one| one.kind == ChangeKind::Policy && one.rating != Rating::Neutral);
    changed.filter_map(|one| one.place.last()).map(ToString::to_string).collect()
}

/// An operation that gets a `max_age` tells policies how old a command is, and a permit may have waited for that.
fn tell_ages(new: &Bundle, differences: &mut [Difference]) {
    let read = new.files().any(|(path, source)| is_policies(path) && source.text().contains("ageSeconds"));
    for one in differences.iter_mut().filter(|one| one.kind == ChangeKind::MaxAge && one.old.is_none() && read) {
        one.rating = Rating::Underived;
        one.meaning = "an older command is refused, and policies that look at `ageSeconds` are told it from now on";
    }
}

/// Files whose text differs and whose meaning does not; and the files of the tests, which decide nothing.
fn same_meaning(old: &Bundle, new: &Bundle, differences: &[Difference]) -> Vec<Difference> {
    let texts = |bundle: &'_ Bundle| -> BTreeMap<String, String> {
        bundle.files().map(|(path, source)| (path.to_owned(), source.text().to_owned())).collect()
    };
    let (before, after) = (texts(old), texts(new));
    let paths: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let mut found = Vec::new();
    for path in paths.into_iter().filter(|path| before.get(*path) != after.get(*path)) {
        let at = place_of(path);
        let (kind, meaning) = match at.as_deref() {
            None => (ChangeKind::Tests, "the tests decide nothing"),
            Some(at) if differences.iter().any(|one| one.place.first().is_some_and(|first| **first == *at)) => continue,
            Some(_) => (ChangeKind::Text, "another text with the same meaning"),
        };
        let told = |texts: &BTreeMap<String, String>| texts.get(path).map(|text| format!("{} bytes", text.len()));
        let place = vec![path.as_str().into()];
        let (old, new) = (told(&before), told(&after));
        found.push(Difference { kind, rating: Rating::Neutral, place, old, new, meaning, example: None });
    }
    found
}

/// How the place of a difference in a file begins; `None` for the tests.
fn place_of(path: &str) -> Option<String> {
    if path.starts_with("tests/") {
        return None;
    }
    if is_policies(path) {
        return Some("policies".to_owned());
    }
    let contract = path.strip_prefix("contracts/").and_then(|name| name.strip_suffix(".openapi.yaml"));
    Some(contract.map_or_else(|| path.to_owned(), |partner| format!("contract {partner}")))
}

#[cfg(test)]
mod tests;

//! The decision table: cases played on two bundles, and what of it comes out otherwise.
//!
//! Its rows are the cases of either bundle's tests, and beside them each of their callers asking for each of their requests, as
//! far as the bound reaches. A row goes the whole way, by the very gate that serves: what the older bundle stops and the newer one
//! lets through is wider, whichever file it comes from. The table shows; it proves nothing about what is not in it.

use crate::bundle::Bundle;
use crate::clock::Clock;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use crate::model::ChangeKind;
use crate::model::Difference;
use crate::model::Direction;
use crate::model::Rating;
use crate::workbench::case::Asks;
use crate::workbench::case::Case;
use crate::workbench::played::Played;
use crate::workbench::run::Ran;
use crate::workbench::run::run;
use crate::workbench::stage::Stage;
use crate::workbench::stage::StageFault;
use crate::workbench::suite::Suite;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

/// How large the table was.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Table {
    /// Rows that were played on both bundles.
    pub rows: usize,
    /// Rows beyond the bound, which were not played.
    pub left_out: usize,
    /// Rows that come out otherwise.
    pub changed: usize,
}

/// What the table shows.
pub(super) struct Shown {
    pub(super) differences: Vec<Difference>,
    /// The policies that determine a row otherwise than before.
    pub(super) policies: BTreeSet<String>,
    pub(super) table: Table,
}

/// What came of a row on one bundle.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Outcome {
    allowed: bool,
    reason: &'static str,
    policies: Vec<String>,
    errors: Vec<String>,
}

/// Rows that come out otherwise in one way.
struct Flip {
    difference: Difference,
    rows: usize,
}

/// Plays at most so many rows on both bundles.
///
/// # Errors
/// Where the cases of a bundle cannot be read, or none can be set up.
pub(super) fn compare(
    old: &Arc<Bundle>,
    new: &Arc<Bundle>,
    max_rows: usize,
    clock: &dyn Clock,
) -> Result<Shown, Diagnostics> {
    let cases = cases(old, new)?;
    let (rows, left_out) = rows(&cases, max_rows);
    let mut shown = Shown { differences: Vec::new(), policies: BTreeSet::new(), table: Table::default() };
    shown.table.left_out = left_out;
    if rows.is_empty() {
        return Ok(shown);
    }
    let stages = (stage(old)?, stage(new)?);
    let mut flips: BTreeMap<(String, String, String), Flip> = BTreeMap::new();
    let played = (run(&stages.0, &rows, clock), run(&stages.1, &rows, clock));
    for (row, (before, after)) in rows.iter().zip(played.0.into_iter().zip(played.1)) {
        let (before, after) = (outcome(before)?, outcome(after)?);
        if before == after {
            continue;
        }
        shown.table.changed += 1;
        if (&before.policies, &before.errors) != (&after.policies, &after.errors) {
            let ids = [before.policies.clone(), after.policies.clone(), before.errors.clone(), after.errors.clone()];
            let both = ids.into_iter().flatten();
            shown.policies.extend(both);
        }
        if before.allowed != after.allowed {
            let key = (asked(row), before.told(), after.told());
            let flip =
                flips.entry(key).or_insert_with(|| Flip { difference: difference(row, &before, &after), rows: 0 });
            flip.rows += 1;
        }
    }
    shown.table.rows = rows.len();
    shown.differences = flips.into_values().map(Flip::counted).collect();
    Ok(shown)
}

/// The cases of both bundles, each once.
fn cases(old: &Arc<Bundle>, new: &Arc<Bundle>) -> Result<Vec<Case>, Diagnostics> {
    let suites = [Suite::read(&old.tests(), old)?, Suite::read(&new.tests(), new)?];
    let mut seen = BTreeSet::new();
    let all = suites.iter().flat_map(Suite::cases);
    Ok(all.filter(|case| seen.insert(spelled(case))).cloned().collect())
}

/// All that a case says but its name and what it expects.
fn spelled(case: &Case) -> String {
    format!("{:?} {:?} {}", case.caller, case.asks, around(case))
}

/// What is true around a request.
fn around(case: &Case) -> String {
    let answer = format!("{:?}", case.answer);
    format!("{:?} {} {:?} {answer}", case.at, case.directory.digest(), case.revoked)
}

/// The cases, and their callers with each other's requests: as many as the bound allows, spread evenly; and how many more there
/// would be.
fn rows(cases: &[Case], max_rows: usize) -> (Vec<Case>, usize) {
    let mut callers: Vec<&Case> = Vec::new();
    let mut requests: BTreeMap<String, &Case> = BTreeMap::new();
    for case in cases {
        if callers.iter().all(|known| known.caller != case.caller) {
            callers.push(case);
        }
        requests.entry(format!("{:?} {}", case.asks, around(case))).or_insert(case);
    }
    let mut mixed: Vec<Case> = Vec::new();
    let pairs = requests.values().flat_map(|request| callers.iter().map(move |caller| (*caller, *request)));
    let wanted: Vec<(&Case, &Case)> = pairs.filter(|(caller, request)| caller.caller != request.caller).collect();
    let room = max_rows.saturating_sub(cases.len());
    let step = wanted.len().div_ceil(room.max(1)).max(1);
    for (caller, request) in wanted.iter().step_by(step).take(room) {
        let name = format!("{}, asked by the caller of “{}”", request.name, caller.name);
        mixed.push(Case { name, caller: caller.caller.clone(), ..(*request).clone() });
    }
    let left_out = cases.len().saturating_sub(max_rows) + (wanted.len() - mixed.len());
    (cases.iter().take(max_rows).cloned().chain(mixed).collect(), left_out)
}

fn stage(bundle: &Arc<Bundle>) -> Result<Stage, Diagnostics> {
    Stage::of(Arc::clone(bundle)).map_err(|fault| not_played("the stage", &fault))
}

/// What comes of a row; where the bundle has no contract with the partner, nobody is let through.
fn outcome(ran: Ran<'_>) -> Result<Outcome, Diagnostics> {
    match ran.outcome {
        Ok((played, _)) => Ok(Outcome::of(played)),
        Err(StageFault::Partner) => {
            Ok(Outcome { allowed: false, reason: "no contract", policies: Vec::new(), errors: Vec::new() })
        }
        // A revocation of an operation that only the other bundle has: here it stops nothing, and nothing is asked.
        Err(StageFault::Revocation) => {
            Ok(Outcome { allowed: false, reason: "not known here", policies: Vec::new(), errors: Vec::new() })
        }
        Err(fault) => Err(not_played(&ran.case.name, &fault)),
    }
}

fn not_played(name: &str, fault: &StageFault) -> Diagnostics {
    Diagnostic::without_file("case-not-played", format!("{name}: {fault}")).into()
}

impl Outcome {
    fn of(played: Played) -> Self {
        let (policies, errors) = played.decision.map(|told| (told.policies, told.errors)).unwrap_or_default();
        Self { allowed: played.allowed, reason: played.reason.code(), policies, errors }
    }

    /// For people.
    fn told(&self) -> String {
        let by = |ids: &[String]| if ids.is_empty() { String::new() } else { format!(" by {}", ids.join(", ")) };
        match self.allowed {
            true => format!("allowed{}", by(&self.policies)),
            false => format!("refused ({}){}", self.reason, by(&self.policies)),
        }
    }
}

fn difference(row: &Case, before: &Outcome, after: &Outcome) -> Difference {
    let (rating, meaning) = match after.allowed {
        true => (Rating::Widens, "what was stopped is let through"),
        false => (Rating::Narrows, "what was let through is stopped"),
    };
    Difference {
        kind: ChangeKind::Decision,
        rating,
        place: vec!["tests".into(), asked(row).into()],
        old: Some(before.told()),
        new: Some(after.told()),
        meaning,
        example: Some(format!("{}: {}", row.name, who(row))),
    }
}

impl Flip {
    fn counted(mut self) -> Difference {
        if let (2.., Some(example)) = (self.rows, &mut self.difference.example) {
            example.push_str(&format!("; and {} more such", self.rows - 1));
        }
        self.difference
    }
}

/// What is asked for, in words.
fn asked(row: &Case) -> String {
    match &row.asks {
        Asks::Request { partner, direction: Direction::Inbound, method, target, .. } => {
            format!("{method} {target} by {partner}")
        }
        Asks::Request { partner, method, target, .. } => format!("{method} {target} towards {partner}"),
        Asks::Event { partner, direction: Direction::Outbound, .. } => format!("an event to {partner}"),
        Asks::Event { partner, direction: Direction::Inbound, .. } => format!("an event from {partner}"),
    }
}

/// Who asks, and when, in words.
fn who(row: &Case) -> String {
    let token = row.caller.token.as_ref().map_or_else(
        || "without a token".to_owned(),
        |token| {
            let tenant = token.tenant.as_deref().unwrap_or("no tenant");
            let roles = if token.roles.is_empty() { "no role".to_owned() } else { token.roles.join(", ") };
            format!("{} ({roles}; {tenant})", token.subject)
        },
    );
    format!("{token} by {} at {}", row.caller.peer, row.at)
}

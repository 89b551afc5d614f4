//! Coverage on one screen: the sums, and what is missing, the worst first.

use crate::cli::output::plain;
use crate::model::Reason;
use crate::workbench::Coverage;
use crate::workbench::OperationCoverage;
use crate::workbench::PolicyCoverage;
use std::fmt::Write as _;

/// The most lines of what is missing: with the sums above it, one screen.
const LINES_MAX: usize = 32;

/// Everything, for a terminal.
pub(super) fn screen(coverage: &Coverage) -> String {
    let mut out = String::new();
    let (seen, wanted) = coverage.counts();
    let _ = writeln!(out, "{} %: {seen} of {wanted} are exercised by {} cases", coverage.percent(), coverage.cases);
    for (what, (seen, wanted)) in sums(coverage) {
        let _ = writeln!(out, "{seen:6} of {wanted:<5} {what}");
    }
    let _ = writeln!(out, "{:6} of {:<5} reasons, which are not counted", coverage.reasons.len(), Reason::ALL.len());
    let missing = missing(coverage);
    if !missing.is_empty() {
        out.push_str("\nmissing:\n");
    }
    for line in missing.iter().take(LINES_MAX) {
        let _ = writeln!(out, "  {line}");
    }
    if missing.len() > LINES_MAX {
        let _ = writeln!(out, "  and {} more: `--format json` and `--html` have all", missing.len() - LINES_MAX);
    }
    out
}

/// What there is of each kind, seen and wanted.
pub(super) fn sums(coverage: &Coverage) -> [(&'static str, (usize, usize)); 5] {
    let add = |(a, b): (usize, usize), (c, d): (usize, usize)| (a + c, b + d);
    let policies = coverage.policies.iter().filter(|policy| policy.may_match);
    let policies = policies.fold((0, 0), |sum, policy| add(sum, (usize::from(policy.determined > 0), 1)));
    let clauses = coverage.policies.iter().flat_map(|policy| &policy.clauses);
    let clauses = clauses.fold((0, 0), |sum, clause| add(sum, clause.counts()));
    let of = |is_event: bool| {
        let all = coverage.operations.iter().filter(move |one| one.is_event == is_event);
        all.flat_map(|one| one.cases).fold((0, 0), |sum, cases| add(sum, (usize::from(cases > 0), 1)))
    };
    let values = coverage.operations.iter().flat_map(|one| &one.values);
    let values = values.fold((0, 0), |sum, (_, times)| add(sum, (usize::from(*times > 0), 1)));
    [
        ("policies determine a decision", policies),
        ("clauses are true, and false", clauses),
        ("operations are let through, and refused", of(false)),
        ("events are let through, and refused", of(true)),
        ("values are carried by what is let through", values),
    ]
}

/// One line for whatever misses something; policies of which most is missing first, then operations.
fn missing(coverage: &Coverage) -> Vec<String> {
    let lacks = |(seen, wanted): (usize, usize)| wanted - seen;
    let mut policies: Vec<&PolicyCoverage> =
        coverage.policies.iter().filter(|policy| lacks(policy.counts()) > 0).collect();
    policies.sort_by_key(|policy| std::cmp::Reverse(lacks(policy.counts())));
    let mut operations: Vec<&OperationCoverage> =
        coverage.operations.iter().filter(|one| lacks(one.counts()) > 0).collect();
    operations.sort_by_key(|one| std::cmp::Reverse(lacks(one.counts())));
    let policies = policies.into_iter().flat_map(of_policy);
    policies.chain(operations.into_iter().map(of_operation)).collect()
}

fn of_policy(policy: &PolicyCoverage) -> Vec<String> {
    let file = plain(&policy.source.path().display().to_string());
    let mut lines = Vec::new();
    if policy.may_match && policy.determined == 0 {
        let how = match (policy.matched, policy.in_scope) {
            (0, 0) => "no case comes into its scope",
            (0, _) => "never matches",
            _ => "matches, and never determines a decision",
        };
        lines.push(format!("{file}:{}: {}: {how}", policy.place.line, plain(&policy.id)));
    }
    for one in &policy.clauses {
        let ([yes, no, _], [want_true, want_false]) = (one.seen, one.wanted);
        let never = match (want_true && yes == 0, want_false && no == 0) {
            (true, true) => "never reached",
            (true, false) => "never true",
            (false, true) => "never false",
            (false, false) => continue,
        };
        lines.push(format!("{file}:{}: `{}` {never}", one.clause.place.line, plain(&one.clause.text)));
    }
    lines
}

fn of_operation(one: &OperationCoverage) -> String {
    let [through, refused] = one.cases;
    let mut lacks = Vec::new();
    if through == 0 {
        lacks.push("none is let through".to_owned());
    }
    if refused == 0 {
        lacks.push("none is refused".to_owned());
    }
    let values: Vec<String> = one.values.iter().filter(|(_, times)| *times == 0).map(|(name, _)| plain(name)).collect();
    if through > 0 && !values.is_empty() {
        lacks.push(format!("never with {}", values.join(", ")));
    }
    format!("{} {}: {}", plain(&one.partner), plain(&one.name), lacks.join("; "))
}

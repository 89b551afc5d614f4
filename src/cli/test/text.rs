//! Results for people: what failed, difference by difference, and one line about all.

use crate::cli::output::plain;
use crate::cli::test::Results;
use crate::workbench::Difference;
use crate::workbench::Played;
use crate::workbench::Ran;
use std::fmt::Write;

/// A value as long as this goes on a line of its own.
const SHORT: usize = 60;

pub(super) fn written(results: &Results<'_>) -> String {
    let mut out = String::new();
    for ran in results.ran.iter().filter(|ran| !ran.passed()) {
        failure(&mut out, ran);
    }
    let (all, failed) = (results.ran.len(), results.failed());
    let (seconds, millis) = (results.took.as_secs(), results.took.subsec_millis());
    let word = if all == 1 { "case" } else { "cases" };
    let _ = match failed {
        0 => writeln!(out, "{all} {word} passed in {seconds}.{millis:03} s"),
        _ => writeln!(out, "{failed} of {all} {word} failed, in {seconds}.{millis:03} s"),
    };
    out
}

fn failure(out: &mut String, ran: &Ran<'_>) {
    let (case, file) = (ran.case, ran.case.source.path().display().to_string());
    let _ = writeln!(out, "failed: {}\n  --> {}:{}", plain(&case.name), plain(&file), case.place.line);
    match &ran.outcome {
        Err(fault) => {
            let _ = writeln!(out, "  it cannot be played: {fault}");
        }
        Ok((played, differences)) => {
            differences.iter().for_each(|one| difference(out, one));
            let _ = writeln!(out, "  on record: {}", on_record(played));
        }
    }
    out.push('\n');
}

fn difference(out: &mut String, difference: &Difference) {
    let Difference { at, wanted, got } = difference;
    let (at, wanted, got) = (plain(at), plain(wanted), plain(got));
    let _ = if wanted.chars().count().max(got.chars().count()) < SHORT {
        writeln!(out, "  {at}: wanted {wanted}, got {got}")
    } else {
        writeln!(out, "  {at}:\n    wanted {wanted}\n    got    {got}")
    };
}

/// What the record says in one line, so that whoever reads it knows where the way ended.
fn on_record(played: &Played) -> String {
    let mut told = played.reason.code().to_owned();
    if let Some(detail) = &played.detail {
        let _ = write!(told, " ({})", plain(detail));
    }
    if let Some(decision) = &played.decision {
        let by = match decision.policies.as_slice() {
            [] => "no policy".to_owned(),
            policies => policies.iter().map(|id| plain(id)).collect::<Vec<_>>().join(", "),
        };
        let _ = write!(told, "; {} by {by}", if decision.allow { "permitted" } else { "denied" });
        if !decision.errors.is_empty() {
            let erred = decision.errors.iter().map(|id| plain(id)).collect::<Vec<_>>().join(", ");
            let _ = write!(told, "; not evaluated: {erred}");
        }
    }
    told
}

//! `portcullis coverage`: how much of a bundle its cases exercise.

mod html;
mod lcov;
mod text;

use crate::bundle::Bundle;
use crate::cli::output::Ending;
use crate::cli::output::Format;
use crate::cli::output::json_text;
use crate::cli::output::say;
use crate::clock::SystemClock;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use crate::json::Object;
use crate::json::Value;
use crate::limits::Limits;
use crate::workbench::Coverage;
use crate::workbench::OperationCoverage;
use crate::workbench::PolicyCoverage;
use crate::workbench::Rehearsal;
use clap::Args;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

/// Tells how much of a bundle its test cases exercise: policies, clauses, operations, values, events, reasons.
///
/// A policy counts when it determines a decision, a clause when it was found true and when it was found false, an operation
/// or an event when one was let through and when one was refused, a value when something was let through with it. What the
/// contracts make impossible is not counted. docs/policy-tests.md says more.
///
/// Exit codes: 0 told, 1 less than `--fail-under`, 2 it could not be measured.
#[derive(Args)]
#[command(after_help = "Examples:\n  portcullis coverage --fail-under 90\n  \
                  portcullis coverage --html coverage.html --lcov coverage.info policies-next")]
pub(super) struct Arguments {
    /// The folder of the bundle
    #[arg(value_name = "BUNDLE", default_value = "policies")]
    bundle: PathBuf,
    /// The least that will do, in hundredths
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    fail_under: Option<u8>,
    /// Writes one page beside it
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Writes what editors and CI show beside the lines of the policies, in the format of lcov
    #[arg(long, value_name = "FILE")]
    lcov: Option<PathBuf>,
    /// For whom the result is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(super) fn execute(arguments: &Arguments) -> Result<Ending, Diagnostics> {
    let bundle = Arc::new(Bundle::load(&arguments.bundle, &Limits::default())?);
    let coverage = Coverage::of(&Rehearsal::of(bundle, &SystemClock::new())?);
    if let Some(file) = &arguments.html {
        write(file, &html::page(&coverage))?;
    }
    if let Some(file) = &arguments.lcov {
        write(file, &lcov::tracefile(&coverage))?;
    }
    match arguments.format {
        Format::Text => say(&text::screen(&coverage)),
        Format::Json => say(&json(&coverage)),
    }
    let least = arguments.fail_under.map_or(0, usize::from);
    Ok(if coverage.percent() < least { Ending::FoundSomething } else { Ending::Done })
}

fn write(file: &Path, text: &str) -> Result<(), Diagnostics> {
    fs::write(file, text).map_err(|error| {
        let message = format!("`{}` cannot be written: {error}", file.display());
        Diagnostic::without_file("unwritable-file", message).help("name a file in a folder that is there").into()
    })
}

fn json(coverage: &Coverage) -> String {
    let (seen, wanted) = coverage.counts();
    let reasons: Vec<Value> = coverage.reasons.iter().map(|reason| reason.code().into()).collect();
    json_text(&object(vec![
        ("percent", count(coverage.percent())),
        ("seen", count(seen)),
        ("wanted", count(wanted)),
        ("cases", count(coverage.cases)),
        ("policies", coverage.policies.iter().map(policy).collect::<Vec<Value>>().into()),
        ("operations", coverage.operations.iter().map(operation).collect::<Vec<Value>>().into()),
        ("reasons", reasons.into()),
    ]))
}

fn policy(policy: &PolicyCoverage) -> Value {
    let clauses = policy.clauses.iter().map(|one| {
        let ([yes, no, erred], [want_true, want_false]) = (one.seen, one.wanted);
        object(vec![
            ("text", one.clause.text.as_str().into()),
            ("line", one.clause.place.line.into()),
            ("column", one.clause.place.column.into()),
            ("true", count(yes)),
            ("false", count(no)),
            ("errors", count(erred)),
            ("may_be_true", want_true.into()),
            ("may_be_false", want_false.into()),
        ])
    });
    object(vec![
        ("id", policy.id.as_str().into()),
        ("file", policy.source.path().display().to_string().into()),
        ("line", policy.place.line.into()),
        ("determined", count(policy.determined)),
        ("matched", count(policy.matched)),
        ("in_scope", count(policy.in_scope)),
        ("may_match", policy.may_match.into()),
        ("clauses", clauses.collect::<Vec<Value>>().into()),
    ])
}

fn operation(one: &OperationCoverage) -> Value {
    let [through, refused] = one.cases;
    let values =
        one.values.iter().map(|(name, times)| object(vec![("name", name.as_str().into()), ("cases", count(*times))]));
    object(vec![
        ("partner", one.partner.as_str().into()),
        ("name", one.name.as_str().into()),
        ("kind", if one.is_event { "event" } else { "operation" }.into()),
        ("let_through", count(through)),
        ("refused", count(refused)),
        ("values", values.collect::<Vec<Value>>().into()),
    ])
}

fn object(members: Vec<(&'static str, Value)>) -> Value {
    members.into_iter().collect::<Object>().into()
}

fn count(number: usize) -> Value {
    u32::try_from(number).unwrap_or(u32::MAX).into()
}

#[cfg(test)]
mod tests;

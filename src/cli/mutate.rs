//! `portcullis mutate`: which faults in the policies the cases would not notice.

use crate::bundle::Bundle;
use crate::cli::output::Ending;
use crate::cli::output::Format;
use crate::cli::output::json_text;
use crate::cli::output::plain;
use crate::cli::output::say;
use crate::clock::SystemClock;
use crate::diagnostic::Diagnostics;
use crate::json::Object;
use crate::json::Value;
use crate::limits::Limits;
use crate::workbench::Marked;
use crate::workbench::Mutation;
use crate::workbench::Rehearsal;
use crate::workbench::Survivor;
use clap::Args;
use std::fmt::Write as _;
use std::io::IsTerminal;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

/// Puts small faults into the policies, one at a time, and tells which of them no test case notices.
///
/// Each policy is taken out and turned round; each element of its scope is taken out or widened; each clause of its
/// conditions is taken as true, as false and as its opposite; numbers and comparisons are moved by one. A fault is noticed when
/// what some case expects would not come about. docs/policy-tests.md says what is done and what counts.
///
/// Exit codes: 0 every fault that may matter is noticed, 1 some are not, 2 it could not be tried.
#[derive(Args)]
#[command(after_help = "Examples:\n  portcullis mutate\n  portcullis mutate --format json policies-next")]
pub(super) struct Arguments {
    /// The folder of the bundle
    #[arg(value_name = "BUNDLE", default_value = "policies")]
    bundle: PathBuf,
    /// How many faults may stay unnoticed
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    fail_over: usize,
    /// For whom the result is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(super) fn execute(arguments: &Arguments) -> Result<Ending, Diagnostics> {
    let bundle = Arc::new(Bundle::load(&arguments.bundle, &Limits::default())?);
    let rehearsal = Rehearsal::of(bundle, &SystemClock::new())?;
    let mutation = Mutation::of(&rehearsal, &mut progress());
    match arguments.format {
        Format::Text => say(&text(&mutation, rehearsal.cases())),
        Format::Json => say(&json(&mutation, rehearsal.cases())),
    }
    let is_too_much = mutation.survivors.len() > arguments.fail_over;
    Ok(if is_too_much { Ending::FoundSomething } else { Ending::Done })
}

/// Tells a terminal, in steps of one in a hundred, how far it has come.
fn progress() -> impl FnMut(usize, usize) {
    let (mut told, is_seen) = (usize::MAX, std::io::stderr().is_terminal());
    move |done, all| {
        let percent = (done * 100).checked_div(all).unwrap_or(100);
        if is_seen && percent != told {
            told = percent;
            let mut out = std::io::stderr();
            let _ = write!(out, "\r{percent:3} % of {all} mutants");
            if done == all {
                let _ = write!(out, "\r\x1b[K");
            }
            let _ = out.flush();
        }
    }
}

fn text(mutation: &Mutation, cases: usize) -> String {
    let mut out = String::new();
    for survivor in &mutation.survivors {
        tell(&mut out, survivor);
    }
    let by_schema = mutation.same.iter().filter(|same| same.by_schema).count();
    let by_contracts = mutation.same.len() - by_schema;
    let _ = writeln!(out, "{} mutants before {cases} cases", mutation.total());
    let _ = writeln!(out, "{:6} noticed", mutation.killed);
    let _ = writeln!(out, "{:6} refused by Cedar's validator: they could not be loaded", mutation.refused);
    let _ = writeln!(out, "{by_schema:6} no question can tell from the policy: the schema lets none be asked");
    let _ = writeln!(out, "{by_contracts:6} no question can tell from the policy while the contracts are as they are");
    let _ = writeln!(out, "{:6} not noticed", mutation.survivors.len());
    out
}

fn tell(out: &mut String, survivor: &Survivor) {
    let mutant = &survivor.mutant;
    let place = mutant.clause.place;
    let _ = writeln!(
        out,
        "{}:{}:{}: `{}` in {}: {}",
        plain(&mutant.source.path().display().to_string()),
        place.line,
        place.column,
        plain(&mutant.clause.text),
        plain(&mutant.policy),
        plain(&mutant.change)
    );
    let _ = writeln!(out, "    {}", plain(line(mutant)));
    let _ = writeln!(out, "  it takes {}", plain(&survivor.wants));
    if survivor.in_scope == 0 {
        let _ = writeln!(out, "  no case comes into the policy's scope at all");
    } else if !survivor.met_by.is_empty() {
        let named: Vec<String> = survivor.met_by.iter().map(|name| format!("`{}`", plain(name))).collect();
        let _ = writeln!(out, "  {} would, but expects nothing that tells: give it `policies`", named.join(", "));
    }
    out.push('\n');
}

/// The line of the file, without the space around it.
fn line(mutant: &Marked) -> &str {
    let number = usize::try_from(mutant.clause.place.line).unwrap_or_default();
    mutant.source.text().lines().nth(number.saturating_sub(1)).unwrap_or_default().trim()
}

fn json(mutation: &Mutation, cases: usize) -> String {
    let mutant = |mutant: &Marked| -> Vec<(&'static str, Value)> {
        vec![
            ("policy", mutant.policy.as_str().into()),
            ("file", mutant.source.path().display().to_string().into()),
            ("line", mutant.clause.place.line.into()),
            ("column", mutant.clause.place.column.into()),
            ("text", mutant.clause.text.as_str().into()),
            ("change", mutant.change.as_str().into()),
        ]
    };
    let object = |members: Vec<(&'static str, Value)>| Value::from(members.into_iter().collect::<Object>());
    let survivors = mutation.survivors.iter().map(|survivor| {
        let mut members = mutant(&survivor.mutant);
        let met_by: Vec<Value> = survivor.met_by.iter().map(|name| name.as_str().into()).collect();
        members.push(("wants", survivor.wants.as_str().into()));
        members.push(("in_scope", count(survivor.in_scope)));
        members.push(("met_by", met_by.into()));
        object(members)
    });
    let same = mutation.same.iter().map(|same| {
        let mut members = mutant(same);
        members.push(("by", if same.by_schema { "schema" } else { "contracts" }.into()));
        object(members)
    });
    json_text(&object(vec![
        ("cases", count(cases)),
        ("mutants", count(mutation.total())),
        ("noticed", count(mutation.killed)),
        ("refused", count(mutation.refused)),
        ("same", same.collect::<Vec<Value>>().into()),
        ("not_noticed", survivors.collect::<Vec<Value>>().into()),
    ]))
}

fn count(number: usize) -> Value {
    u32::try_from(number).unwrap_or(u32::MAX).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Place;
    use crate::diagnostic::Source;
    use crate::diagnostic::hides;
    use crate::policy::Clause;

    #[test]
    fn what_survives_is_told_with_its_line_and_hides_nothing() {
        let hostile = "\x1b[31m\u{202e}`x`\r";
        let source = Source::new(format!("p{hostile}.cedar"), format!("one\n  when {{ \"{hostile}\" }}\n"));
        let mutant = Marked {
            policy: format!("id{hostile}"),
            source,
            clause: Clause { text: hostile.into(), place: Place { line: 2, column: 10 } },
            change: format!("always true{hostile}"),
            by_schema: false,
        };
        let survivor =
            Survivor { mutant: mutant.clone(), wants: hostile.into(), met_by: vec![hostile.into()], in_scope: 1 };
        let mutation = Mutation { killed: 3, refused: 2, same: vec![mutant], survivors: vec![survivor] };
        for told in [text(&mutation, 9), json(&mutation, 9)] {
            assert!(!told.chars().any(|c| c != '\n' && hides(c)), "{told:?}");
        }
        let told = text(&mutation, 9);
        assert!(
            told.contains(":2:10:") && told.contains("when {") && told.contains("7 mutants before 9 cases"),
            "{told}"
        );
        let told: serde_json::Value = serde_json::from_str(&json(&mutation, 9)).unwrap();
        assert_eq!(told["not_noticed"][0]["text"], hostile);
        assert_eq!((&told["mutants"], &told["same"][0]["by"]), (&7.into(), &"contracts".into()));
    }
}

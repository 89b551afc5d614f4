//! Results as JUnit XML, in the form that CI systems agree on: a suite for each file, a case for each case.

use crate::cli::output::markup;
use crate::cli::test::Results;
use crate::workbench::Ran;
use std::fmt::Write;
use std::time::Duration;

pub(super) fn written(results: &Results<'_>) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let (all, failed) = (results.ran.len(), results.failed());
    let _ = writeln!(
        out,
        "<testsuites name=\"portcullis\" tests=\"{all}\" failures=\"{failed}\" time=\"{}\">",
        seconds(results.took)
    );
    let mut rest = results.ran.as_slice();
    while let Some(first) = rest.first() {
        let file = first.case.source.path();
        let length = rest.iter().take_while(|ran| ran.case.source.path() == file).count();
        let (of_file, others) = rest.split_at_checked(length).unwrap_or((rest, &[]));
        suite(&mut out, &file.display().to_string(), of_file);
        rest = others;
    }
    out.push_str("</testsuites>\n");
    out
}

fn suite(out: &mut String, file: &str, ran: &[Ran<'_>]) {
    let (file, failed) = (escaped(file), ran.iter().filter(|ran| !ran.passed()).count());
    let took = ran.iter().map(|ran| ran.took).sum();
    let _ = writeln!(
        out,
        "  <testsuite name=\"{file}\" tests=\"{}\" failures=\"{failed}\" time=\"{}\">",
        ran.len(),
        seconds(took)
    );
    for ran in ran {
        let (name, line, took) = (escaped(&ran.case.name), ran.case.place.line, seconds(ran.took));
        let _ = write!(
            out,
            "    <testcase name=\"{name}\" classname=\"{file}\" file=\"{file}\" line=\"{line}\" time=\"{took}\""
        );
        if ran.passed() {
            out.push_str("/>\n");
            continue;
        }
        let told = match &ran.outcome {
            Err(fault) => vec![fault.to_string()],
            Ok((_, differences)) => {
                differences.iter().map(|one| format!("{}: wanted {}, got {}", one.at, one.wanted, one.got)).collect()
            }
        };
        let message = escaped(told.first().map_or("", String::as_str));
        let lines = told.iter().map(|line| escaped(line)).collect::<Vec<_>>().join("\n");
        let _ = writeln!(out, ">\n      <failure message=\"{message}\">{lines}</failure>\n    </testcase>");
    }
    out.push_str("  </testsuite>\n");
}

/// Text as it may stand in XML: what moves cursors or hides is spelled out, which leaves no character that XML 1.0 §2.2 has not;
/// noncharacters neither.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in markup(text).chars() {
        match c {
            '\u{fffe}' | '\u{ffff}' => out.extend(c.escape_unicode()),
            other => out.push(other),
        }
    }
    out
}

fn seconds(took: Duration) -> String {
    format!("{}.{:06}", took.as_secs(), took.subsec_micros())
}

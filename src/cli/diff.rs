//! `portcullis diff`: what one bundle lets happen that another does not; the older one lies in a folder, or is in force at a
//! running gateway.

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use crate::bundle::Bundle;
use crate::cli::diff_markdown;
use crate::cli::diff_text;
use crate::cli::live::Live;
use crate::cli::output::DocumentFormat;
use crate::cli::output::Ending;
use crate::cli::output::json_text;
use crate::cli::output::say;
use crate::clock::SystemClock;
use crate::diagnostic::Diagnostics;
use crate::json::Object;
use crate::json::Value;
use crate::limits::Limits;
use crate::model::Difference;
use crate::model::Rating;
use crate::workbench::Comparison;
use crate::workbench::Verdict;
use crate::workbench::compare;

/// The most cases that are played on both bundles unless it is said otherwise.
pub(super) const DEFAULT_CASES: usize = 2_000;

/// Compares two bundles: what may cross and who may do what, before and after.
///
/// Every difference is rated: `widens`, `narrows` or `neutral`. What is not derived counts as wider, and is told as `widens (not derived)`. Policies are compared by their conditions, and by playing the cases of both bundles, and each caller of them with each request, on both: docs/policy-changes.md says how to read it.
///
/// Exit codes: 0 nothing widens and the tests show every policy that changed, 1 something widens, or a policy changed and no test shows it, 2 a bundle does not load, the gateway does not tell its own, or a case could not be played.
#[derive(Args)]
#[command(
    allow_missing_positional = true,
    after_help = "Examples:\n  portcullis diff policies-live policies\n  \
                  portcullis diff --format markdown policies-live policies\n  \
                  portcullis diff --since-live --admin /run/portcullis/admin.sock policies"
)]
pub(super) struct Arguments {
    /// The folder of the older bundle
    #[arg(value_name = "OLD", required_unless_present = "since_live", conflicts_with_all = ["since_live", "admin"])]
    old: Option<PathBuf>,
    /// The folder of the newer bundle
    #[arg(value_name = "NEW")]
    new: PathBuf,
    #[command(flatten)]
    live: Live,
    /// For whom the result is written
    #[arg(long, value_enum, default_value_t = DocumentFormat::Text)]
    format: DocumentFormat,
    /// The most cases that are played on both bundles, mixed ones included
    #[arg(long, value_name = "COUNT", default_value_t = DEFAULT_CASES)]
    cases: usize,
}

pub(super) fn execute(arguments: &Arguments) -> Result<Ending, Diagnostics> {
    let new = load(&arguments.new)?;
    let old = match arguments.live.bundle()? {
        Some(live) => Arc::new(live),
        // The command line has seen to it that there is the one or the other.
        None => load(arguments.old.as_deref().unwrap_or(&arguments.new))?,
    };
    let found = compare(&old, &new, arguments.cases, &SystemClock::new())?;
    say(&match arguments.format {
        DocumentFormat::Text => diff_text::written(&found),
        DocumentFormat::Json => json(&found),
        DocumentFormat::Markdown => diff_markdown::written(&found),
    });
    Ok(match found.verdict() {
        Verdict::Narrower => Ending::Done,
        Verdict::Wider | Verdict::NotShown => Ending::FoundSomething,
    })
}

fn load(folder: &Path) -> Result<Arc<Bundle>, Diagnostics> {
    Bundle::load(folder, &Limits::default()).map(Arc::new)
}

fn json(found: &Comparison) -> String {
    let number = |number: usize| Value::from(u32::try_from(number).unwrap_or(u32::MAX));
    let counts: Object = Rating::ALL.iter().map(|rating| (rating.key(), number(found.count(*rating)))).collect();
    let table = found.table;
    let table: Object = [("rows", table.rows), ("changed", table.changed), ("left_out", table.left_out)]
        .map(|(key, count)| (key, number(count)))
        .into_iter()
        .collect();
    let verdict = match found.verdict() {
        Verdict::Narrower => "nothing-widens",
        Verdict::NotShown => "not-shown",
        Verdict::Wider => "widens",
    };
    let texts = |texts: &[String]| Value::from(texts.iter().map(|text| text.as_str().into()).collect::<Vec<Value>>());
    let members: [(&str, Value); 8] = [
        ("old", found.old.to_string().into()),
        ("new", found.new.to_string().into()),
        ("verdict", verdict.into()),
        ("summary", texts(&found.summary())),
        ("counts", counts.into()),
        ("table", table.into()),
        ("not_shown", texts(&found.unshown)),
        ("differences", found.differences.iter().map(difference).collect::<Vec<_>>().into()),
    ];
    json_text(&Value::from(members.into_iter().collect::<Object>()))
}

fn difference(one: &Difference) -> Value {
    let text = |text: Option<&String>| text.map_or(Value::Null, |text| text.as_str().into());
    let place: Vec<Value> = one.place.iter().map(|step| (&**step).into()).collect();
    let members: [(&str, Value); 7] = [
        ("kind", one.kind.word().into()),
        ("rating", one.rating.key().into()),
        ("place", place.into()),
        ("old", text(one.old.as_ref())),
        ("new", text(one.new.as_ref())),
        ("meaning", one.meaning.into()),
        ("example", text(one.example.as_ref())),
    ];
    members.into_iter().collect::<Object>().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ChangeKind;
    use crate::model::Sha256;
    use crate::workbench::Table;

    /// What would act in a terminal, in HTML, in Markdown or in a merge request's comments.
    const HOSTILE: &str = "a|b\x1b[31m\u{202e}<script>alert(1)</script>`x`**b** [l](http://evil.example) @all #1 !2 ~l\n\n# head\n```\n| - |&lt;";

    fn hostile() -> Comparison {
        let one = |kind, rating| Difference {
            kind,
            rating,
            place: vec!["policies".into(), HOSTILE.into()],
            old: Some(HOSTILE.to_owned()),
            new: Some(format!("{HOSTILE} and more")),
            meaning: "it matches other requests",
            example: Some(HOSTILE.to_owned()),
        };
        Comparison {
            old: Sha256::new([1; 32]),
            new: Sha256::new([2; 32]),
            differences: vec![
                one(ChangeKind::Field, Rating::Widens),
                one(ChangeKind::Policy, Rating::Underived),
                one(ChangeKind::Decision, Rating::Narrows),
                one(ChangeKind::Text, Rating::Neutral),
            ],
            table: Table { rows: 3, left_out: 1, changed: 2 },
            unshown: vec![HOSTILE.to_owned()],
        }
    }

    #[test]
    fn nothing_in_a_file_moves_the_cursor_or_turns_a_line() {
        for text in [diff_text::written(&hostile()), hostile().words().join("\n")] {
            let hides = text.chars().find(|c| *c != '\n' && crate::diagnostic::hides(*c));
            assert_eq!(hides, None, "{text}");
            assert!(text.contains(r"a|b\u{1b}[31m\u{202e}<script>"), "{text}");
        }
    }

    #[test]
    fn json_holds_everything_as_it_is() {
        let text = json(&hostile());
        assert_eq!(text.matches('\n').count(), 1, "one line");
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["verdict"], "widens");
        assert_eq!(value["counts"]["not-derived"], 1);
        assert_eq!(value["differences"][0]["place"][1], HOSTILE);
        assert_eq!(value["differences"][3]["rating"], "neutral");
        assert_eq!(value["not_shown"][0], HOSTILE);
        assert_eq!(value["table"]["left_out"], 1);
    }

    #[test]
    fn markdown_of_hostile_texts_is_text() {
        let written = diff_markdown::written(&hostile());
        let hides = written.chars().find(|c| *c != '\n' && crate::diagnostic::hides(*c));
        assert_eq!(hides, None, "{written}");
        let mut fenced: Option<String> = None;
        for line in written.lines() {
            let ticks: String = line.chars().take_while(|c| *c == '`').collect();
            match &fenced {
                Some(fence) if *fence == line => fenced = None,
                Some(_) => {}
                None if ticks.len() >= 3 => fenced = Some(ticks),
                None => {
                    for evil in ["<script", "](http", "**b**", "@all", " #1", "!2", "~l", "`x`", "&lt;"] {
                        assert!(!line.contains(evil), "{evil}: {line}");
                    }
                    assert!(!line.starts_with("# head"), "{line}");
                    if line.starts_with('|') {
                        assert_eq!(line.matches('|').count(), 6, "{line}");
                    }
                }
            }
        }
        assert_eq!(fenced, None, "every fence closes: {written}");
        assert!(written.contains("&#64;all"), "{written}");
    }
}

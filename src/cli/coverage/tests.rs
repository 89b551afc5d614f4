//! What each output says, of names that would like to be more than text.

use super::*;
use crate::diagnostic::Place;
use crate::diagnostic::Source;
use crate::diagnostic::hides;
use crate::model::Reason;
use crate::policy::Clause;
use crate::workbench::ClauseCoverage;

const HOSTILE: &str = "\x1b[31m\u{202e}<script>alert('x')</script>\"&\r\nend_of_record";

fn clause(line: u32, seen: [usize; 3], wanted: [bool; 2]) -> ClauseCoverage {
    ClauseCoverage { clause: Clause { text: HOSTILE.into(), place: Place { line, column: 3 } }, seen, wanted }
}

/// Two policies in one file, and one operation: three of nine are exercised.
fn sample(text: &str) -> Coverage {
    let source = Source::new(format!("{text}.cedar"), "\n\n\n\n\n\n\n");
    let policy = |line, determined, clauses| PolicyCoverage {
        id: text.to_owned(),
        source: source.clone(),
        place: Place { line, column: 1 },
        determined,
        matched: determined,
        in_scope: 4,
        may_match: true,
        clauses,
    };
    Coverage {
        cases: 4,
        policies: vec![
            policy(2, 1, vec![clause(3, [3, 0, 0], [true, true]), clause(4, [0, 0, 0], [true, true])]),
            policy(6, 0, vec![clause(7, [2, 0, 0], [false, false])]),
        ],
        operations: vec![OperationCoverage {
            partner: text.to_owned(),
            name: text.to_owned(),
            is_event: false,
            cases: [1, 0],
            values: vec![(format!("body /{text}"), 0)],
        }],
        reasons: [Reason::PolicyDenied].into_iter().collect(),
    }
}

#[test]
fn the_screen_tells_the_sums_and_what_is_missing_and_hides_nothing() {
    let told = text::screen(&sample(HOSTILE));
    assert!(told.starts_with("33 %: 3 of 9 are exercised by 4 cases\n"), "{told}");
    for wanted in ["never false", "never reached", ":6: ", "never matches", "none is refused; never with body /"] {
        assert!(told.contains(wanted), "{wanted} in {told}");
    }
    assert!(!told.chars().any(|c| c != '\n' && hides(c)), "{told:?}");
}

#[test]
fn the_json_holds_what_there_is() {
    let text = json(&sample(HOSTILE));
    assert!(!text.trim_end().chars().any(hides), "{text:?}");
    let told: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&told["percent"], &told["wanted"]), (&33.into(), &9.into()));
    assert_eq!(told["policies"][0]["clauses"][0]["text"], HOSTILE);
    assert_eq!(told["policies"][0]["clauses"][0]["true"], 3);
    assert_eq!(told["operations"][0]["refused"], 0);
    assert_eq!(told["reasons"][0], "policy-denied");
}

#[test]
fn the_page_has_no_markup_but_its_own() {
    let page = html::page(&sample(HOSTILE));
    assert!(!page.contains("<script") && page.contains("&lt;script&gt;alert(&#39;x&#39;)"), "{page}");
    assert!(!page.chars().any(|c| c != '\n' && hides(c)), "{page:?}");
    assert!(page.contains("default-src 'none'"));
    // Every element that opens closes, and there are no others than those of the page.
    let mut open: Vec<&str> = Vec::new();
    for tag in page.split('<').skip(1).filter_map(|rest| rest.split(['>', ' ']).next()) {
        match tag.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name)),
            None if ["!doctype", "meta"].contains(&tag) => {}
            None => {
                let known = "html head title style body h1 h2 h3 p table tr th td code";
                assert!(known.split(' ').any(|known| known == tag), "{tag}");
                open.push(tag);
            }
        }
    }
    assert_eq!(open, [""; 0]);
}

/// The records of a tracefile by file, held against what the format wants (geninfo(1)).
fn parsed(text: &str) -> Vec<Vec<(String, Vec<String>)>> {
    let (mut records, mut record) = (Vec::new(), Vec::new());
    for line in text.lines() {
        if line == "end_of_record" {
            records.push(std::mem::take(&mut record));
            continue;
        }
        let (key, values) = line.split_once(':').unwrap();
        record.push((key.to_owned(), values.split(',').map(str::to_owned).collect::<Vec<_>>()));
    }
    assert!(record.is_empty(), "a record does not end");
    records
}

#[test]
fn the_tracefile_is_read_by_who_knows_lcov() {
    let text = lcov::tracefile(&sample("plain"));
    let records = parsed(&text);
    assert_eq!(records.len(), 1);
    let of = |key: &str| -> Vec<String> {
        records[0].iter().filter(|(known, _)| known == key).map(|(_, values)| values.join(",")).collect()
    };
    assert_eq!(of("SF"), ["plain.cedar"]);
    assert_eq!(
        (of("FN"), of("FNDA")),
        (vec!["2,plain".into(), "6,plain".into()], vec!["1,plain".into(), "0,plain".into()])
    );
    assert_eq!(of("BRDA"), ["3,0,0,3", "3,0,1,0", "4,1,0,-", "4,1,1,-", "7,0,0,2", "7,0,1,0"]);
    assert_eq!(of("DA"), ["2,4", "3,3", "4,0", "6,4", "7,2"]);
    let sums = ["FNF", "FNH", "BRF", "BRH", "LF", "LH"].map(|key| of(key).join(" "));
    assert_eq!(sums, ["2", "1", "6", "2", "5", "4"]);
    // A name cannot end a record, nor begin a line.
    let hostile = lcov::tracefile(&sample(HOSTILE));
    assert_eq!(hostile.lines().count(), text.lines().count());
    assert!(!hostile.chars().any(|c| c != '\n' && hides(c)), "{hostile:?}");
}

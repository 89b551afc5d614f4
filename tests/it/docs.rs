//! The documents are true to the code: every reason, problem type, limit, metric, word of a contract and load error
//! stands in its table, and the tables name nothing that does not exist.

use portcullis::limits;
use portcullis::limits::Limit;
use portcullis::model::DataClass;
use portcullis::model::IdentifierKind;
use portcullis::model::Protection;
use portcullis::model::Reason;
use portcullis::problem::ProblemType;
use portcullis::telemetry::METRICS;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const TIMES: &[(&str, u64)] = &[("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000)];
const SIZES: &[(&str, u64)] = &[("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];

fn document(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name)).unwrap()
}

/// The cells of every row of the table that begins with this head.
fn table(text: &str, head: &str) -> Vec<Vec<String>> {
    let (_, rest) = text.split_once(head).unwrap_or_else(|| panic!("no table {head:?}"));
    let rows = rest.lines().skip(1).take_while(|line| line.starts_with('|')).skip(1);
    rows.map(|row| row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()).collect()
}

fn words(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// A number as `gateway.yaml` would write it: in the largest unit that holds it whole.
fn in_units(number: u64, units: &[(&str, u64)]) -> String {
    let whole = units.iter().rev().find(|(_, factor)| number > 0 && number.is_multiple_of(*factor));
    let (unit, factor) = whole.unwrap_or(&units[0]);
    format!("{}{unit}", number / factor)
}

fn written(limit: &Limit, number: u64) -> String {
    match limit.name {
        name if name.ends_with("_ms") => in_units(number, TIMES),
        name if name.ends_with("_s") => in_units(number * 1_000, TIMES),
        name if name.contains("bytes") => in_units(number, SIZES),
        _ => number.to_string(),
    }
}

#[test]
fn every_problem_type_is_explained_with_its_status() {
    let rows = table(&document("errors.md"), "| type | status |");
    let documented: Vec<_> = rows.iter().map(|row| (row[0].clone(), row[1].clone())).collect();
    let wanted = ProblemType::ALL.iter().map(|kind| (format!("`{}`", kind.slug()), kind.status().as_str().to_owned()));
    assert_eq!(documented.iter().cloned().collect::<BTreeSet<_>>(), wanted.collect::<BTreeSet<_>>());
    assert_eq!(documented.len(), ProblemType::ALL.len(), "none twice");
}

#[test]
fn every_reason_is_explained_and_leads_to_a_problem_type() {
    let rows = table(&document("errors.md"), "| code | problem type |");
    let documented: Vec<_> = rows.iter().map(|row| row[0].trim_matches('`')).collect();
    assert_eq!(documented, Reason::ALL.iter().map(|reason| reason.code()).collect::<Vec<_>>());
    for row in &rows {
        let known = |slug: &str| ProblemType::ALL.iter().any(|kind| kind.slug() == slug);
        assert!(row[1] == "none" || words(&row[1]).count() > 0 && words(&row[1]).all(known), "{row:?}");
    }
}

#[test]
fn every_limit_is_listed_with_default_bounds_and_what_lies_beyond() {
    let rows = table(&document("operations.md"), "| key | default | bounds |");
    assert_eq!(rows.len(), limits::TABLE.len());
    for (row, limit) in rows.iter().zip(limits::TABLE) {
        let bounds = format!("{} to {}", written(limit, limit.low), written(limit, limit.high));
        let wanted = [format!("`{}`", limit.name), written(limit, limit.default), bounds, limit.beyond.to_owned()];
        assert_eq!([&row[0], &row[1], &row[2], &row[4]], [&wanted[0], &wanted[1], &wanted[2], &wanted[3]]);
    }
}

#[test]
fn every_metric_is_listed_with_its_labels() {
    let rows = table(&document("operations.md"), "| name | labels |");
    assert_eq!(rows.len(), METRICS.len());
    for (row, metric) in rows.iter().zip(METRICS) {
        assert_eq!(
            (row[0].trim_matches('`'), words(&row[1]).collect::<Vec<_>>()),
            (metric.name, metric.labels.to_vec())
        );
        assert_eq!(row[2], metric.help.trim_end_matches('.'), "{}", metric.name);
    }
}

#[test]
fn every_word_of_a_contract_is_explained() {
    let text = document("contract.md");
    let first = |head| -> Vec<String> {
        table(&text, head).iter().flat_map(|row| words(&row[0]).map(str::to_owned).collect::<Vec<_>>()).collect()
    };
    assert_eq!(first("| `class` |"), DataClass::ALL.map(DataClass::word));
    let kinds: BTreeSet<_> = first("| `of` |").into_iter().collect();
    assert_eq!(kinds, IdentifierKind::ALL.map(|kind| kind.word().to_owned()).into());
    assert_eq!(first("| `protect` |"), Protection::ALL.map(Protection::word));
}

/// The codes of load errors in `src/contract`, as they stand in the calls that report them.
fn codes_of_contracts() -> BTreeSet<String> {
    let room = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/contract");
    let mut codes = BTreeSet::new();
    for entry in fs::read_dir(room).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() || entry.ends_with("tests.rs") {
            continue;
        }
        let text = fs::read_to_string(entry).unwrap();
        let text = text.split("#[cfg(test)]").next().unwrap_or_default();
        for call in text.split("fault(").skip(1).chain(text.split("refuse(").skip(1)) {
            if let Some(code) = call.trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next()) {
                codes.insert(code.to_owned());
            }
        }
    }
    codes
}

#[test]
fn every_load_error_of_a_contract_is_explained() {
    let rows = table(&document("contract.md"), "| code | the contract");
    let documented: BTreeSet<String> =
        rows.iter().flat_map(|row| words(&row[0]).map(str::to_owned).collect::<Vec<_>>()).collect();
    let missing: Vec<_> = codes_of_contracts().difference(&documented).cloned().collect();
    assert!(codes_of_contracts().len() > 40, "the calls are found");
    assert!(missing.is_empty(), "not in docs/contract.md: {missing:?}");
}

//! The documents are true to the code: every reason, problem type, limit, metric, word of a contract and load error
//! stands in its table, and the tables name nothing that does not exist. Nor does a document cite a test that is not there.

use portcullis::bundle::Bundle;
use portcullis::contract::Format;
use portcullis::limits;
use portcullis::limits::Limit;
use portcullis::model::ChangeKind;
use portcullis::model::DataClass;
use portcullis::model::IdentifierKind;
use portcullis::model::Protection;
use portcullis::model::Rating;
use portcullis::model::Reason;
use portcullis::policy;
use portcullis::problem::ProblemType;
use portcullis::telemetry::METRICS;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const TIMES: &[(&str, u64)] = &[("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000)];
const SIZES: &[(&str, u64)] = &[("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];

/// How the answer to a past fault may begin where it is no test.
const RELIED_ON: &str = "**Relied on**";
const ANSWERS: [&str; 4] = ["**Cannot**", RELIED_ON, "**Not yet**", "**Open**"];

fn file(path: &str) -> String {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path));
    text.unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn document(name: &str) -> String {
    file(&format!("docs/{name}"))
}

/// The cells of every row of the table that begins with this head.
fn table(text: &str, head: &str) -> Vec<Vec<String>> {
    let (_, rest) = text.split_once(head).unwrap_or_else(|| panic!("no table {head:?}"));
    rows_below(rest)
}

/// The cells of every row of all tables that begin with this head.
fn tables(text: &str, head: &str) -> Vec<Vec<String>> {
    let rows: Vec<_> = text.split(head).skip(1).flat_map(rows_below).collect();
    assert!(!rows.is_empty(), "no table {head:?}");
    rows
}

/// The rows of a table; `rest` is what comes behind the beginning of its head.
fn rows_below(rest: &str) -> Vec<Vec<String>> {
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
        let name = format!("`{}`", limit.name);
        let default = written(limit, limit.default);
        let wanted = [name.as_str(), &default, &bounds, limit.beyond, limit.source];
        assert_eq!([&row[0], &row[1], &row[2], &row[4], &row[5]].map(String::as_str), wanted);
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
    assert_eq!(first("| `format` |"), Format::ALL.map(Format::word));
    let kinds: BTreeSet<_> = first("| `of` |").into_iter().collect();
    assert_eq!(kinds, IdentifierKind::ALL.map(|kind| kind.word().to_owned()).into());
    assert_eq!(first("| `protect` |"), Protection::ALL.map(Protection::word));
}

#[test]
fn every_attribute_that_a_policy_may_look_at_is_explained() {
    let rows = table(&document("bundle.md"), "| attribute of `context` |");
    let documented: Vec<&str> = rows.iter().flat_map(|row| words(&row[0])).collect();
    assert_eq!(documented, policy::context_attributes().collect::<Vec<_>>());
}

#[test]
fn every_operation_of_the_sample_is_in_its_table_with_its_partner_and_its_right() {
    let limits = portcullis::limits::Limits::default();
    let bundle = Bundle::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("policies"), &limits).unwrap();
    let rows = table(&document("bundle.md"), "| operation | partner |");
    let told =
        |row: &Vec<String>| [0, 1, 3].map(|cell| words(&row[cell]).map(str::to_owned).collect::<Vec<_>>().join(" "));
    let documented: BTreeSet<_> = rows.iter().map(told).collect();
    let declared = bundle.contracts().flat_map(|contract| {
        contract.operations().iter().map(|operation| {
            let right = operation.right.as_ref().map(|right| format!("{} {}", right.kind.word(), right.action));
            [operation.id.to_string(), contract.partner().to_string(), right.unwrap_or_default()]
        })
    });
    assert_eq!(documented, declared.collect());
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

/// The tests that a text cites as `file::name`.
fn cited(text: &str) -> Vec<(&str, &str)> {
    let places = text.lines().flat_map(words).filter_map(|word| word.split_once("::"));
    places.filter(|(path, _)| path.ends_with(".rs")).collect()
}

/// Whether a function of that name in this file stands below an attribute that makes it a test.
fn is_test(path: &str, name: &str) -> bool {
    let text = file(path);
    let lines: Vec<&str> = text.lines().map(str::trim_start).collect();
    let declares = |line: &str| {
        let function = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ");
        function.and_then(|rest| rest.strip_prefix(name)).is_some_and(|rest| rest.starts_with('('))
    };
    lines.iter().enumerate().any(|(at, line)| {
        let mut above = lines[..at].iter().rev().take_while(|line| line.starts_with("#["));
        declares(line) && above.any(|line| line.contains("test"))
    })
}

#[test]
fn every_test_that_a_document_cites_exists() {
    for name in ["past-faults.md", "strictness.md", "threat-model.md"] {
        let text = document(name);
        let places = cited(&text);
        let missing: Vec<_> = places.iter().filter(|(path, test)| !is_test(path, test)).collect();
        assert!(places.len() > 60, "docs/{name} cites {} tests", places.len());
        assert!(missing.is_empty(), "docs/{name} cites what is no test: {missing:?}");
    }
    assert!(is_test("tests/it/docs.rs", "every_test_that_a_document_cites_exists"));
    assert!(!is_test("tests/it/docs.rs", "every_test_that_a_document"), "a part of a name is no name");
    assert!(!is_test("tests/it/docs.rs", "document"), "a function is no test");
}

#[test]
fn every_claim_of_the_readme_and_about_http_and_tls_names_its_tests() {
    let (readme, text) = (file("README.md"), document("strictness.md"));
    let bold = readme.lines().filter_map(|line| line.strip_prefix("- **")?.split_once("**"));
    let claims: BTreeSet<String> = bold.map(|(claim, _)| claim.trim_end_matches('.').to_owned()).collect();
    let rows = tables(&text, "| claim | exactly | shown by |");
    let shown: BTreeSet<String> = rows.iter().map(|row| row[0].clone()).collect();
    assert_eq!(claims, shown);
    for row in rows.iter().chain(&tables(&text, "| claim | shown by |")) {
        assert!(!cited(row.last().unwrap()).is_empty(), "{row:?}");
    }
}

#[test]
fn every_file_that_the_readme_leads_to_is_there_and_so_is_every_package_that_setup_installs() {
    let (readme, setup) = (file("README.md"), file("scripts/setup"));
    let links = readme.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
    let missing: Vec<_> = links
        .filter(|link| !link.starts_with("https://"))
        .filter(|link| !Path::new(env!("CARGO_MANIFEST_DIR")).join(link).exists())
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
    let (_, installed) = setup.split_once("missing_packages() {").unwrap();
    let printed = installed.split("\n}").next().unwrap().split("printf '").skip(1);
    let packages: BTreeSet<&str> = printed.flat_map(|rest| rest.split('\'').next().unwrap().split(' ')).collect();
    let (_, told) = readme.split_once("which installs with apt-get").unwrap();
    let told: BTreeSet<&str> = words(told.lines().next().unwrap()).collect();
    assert_eq!(packages.into_iter().filter(|name| !name.is_empty()).collect::<BTreeSet<_>>(), told);
}

#[test]
fn every_past_fault_has_its_id_once_and_its_answer() {
    let rows = tables(&document("past-faults.md"), "| id | product | year |");
    assert!(rows.len() >= 60, "{} past faults", rows.len());
    let ids: BTreeSet<&str> = rows.iter().map(|row| row[0].as_str()).collect();
    assert_eq!(ids.len(), rows.len(), "an id stands twice");
    for row in &rows {
        let [id, product, year, fault, class, here] = row.as_slice() else { panic!("not six cells: {row:?}") };
        assert!(["CVE-", "GHSA-", "RUSTSEC-", "VSV"].iter().any(|list| id.starts_with(list)), "{row:?}");
        assert!(!product.is_empty() && year.parse::<u16>().is_ok(), "{row:?}");
        assert!(fault.ends_with('.') && !class.is_empty(), "{row:?}");
        let answered = ANSWERS.iter().any(|word| here.starts_with(word)) || !cited(here).is_empty();
        assert!(answered, "neither a test nor a reason: {row:?}");
    }
}

/// The versions at which a crate is locked, as numbers.
fn locked(lock: &str, name: &str) -> Vec<Vec<u64>> {
    let entry = format!("name = \"{name}\"\nversion = \"");
    lock.split(entry.as_str()).skip(1).filter_map(|rest| rest.split('"').next()).map(numbers).collect()
}

fn numbers(version: &str) -> Vec<u64> {
    version.split('.').map(|part| part.parse().unwrap()).collect()
}

#[test]
fn what_a_past_fault_relies_on_is_locked_at_that_version_or_a_later_one() {
    let (lock, text) = (file("Cargo.lock"), document("past-faults.md"));
    let rows = tables(&text, "| id | product | year |");
    let relying: Vec<_> = rows.iter().filter(|row| row[5].starts_with(RELIED_ON)).collect();
    assert!(!relying.is_empty());
    for row in relying {
        let (name, least) = words(&row[5]).find_map(|word| word.split_once(' ')).expect("a crate and its version");
        let versions = locked(&lock, name);
        assert!(!versions.is_empty(), "{name} is not locked: {row:?}");
        assert!(versions.iter().all(|version| *version >= numbers(least)), "{name} {versions:?}: {row:?}");
    }
}

#[test]
fn every_threat_and_failure_is_answered_by_a_test_or_said_to_be_not_covered() {
    let text = document("threat-model.md");
    let threats = tables(&text, "| asset | what they do |");
    let failures = tables(&text, "| what fails | what happens |");
    for row in threats.iter().chain(&failures) {
        let shown = row.last().unwrap();
        assert!(shown.starts_with("**Not covered**") || !cited(shown).is_empty(), "{row:?}");
    }
    let assets: BTreeSet<String> = table(&text, "| asset | |").iter().map(|row| row[0].clone()).collect();
    let threatened: BTreeSet<String> = threats.iter().map(|row| row[0].clone()).collect();
    assert_eq!(assets, threatened, "every asset is threatened, and nothing else is");
}

#[test]
fn every_kind_and_rating_of_a_change_stands_in_the_page_that_says_how_to_read_it() {
    let page = document("policy-changes.md");
    let kinds: Vec<String> =
        table(&page, "| kind | what differs |").into_iter().map(|row| row[0].replace('`', "")).collect();
    assert_eq!(kinds, ChangeKind::ALL.map(ChangeKind::word));
    let ratings: Vec<String> = table(&page, "| rating |").into_iter().map(|row| row[0].replace('`', "")).collect();
    assert_eq!(ratings, Rating::ALL.map(Rating::word));
    let code = |word: &str| format!("`{word}`");
    assert!(page.contains(&code(Rating::Underived.key())), "how machines read it");
}

//! Each filter finds what it names and nothing else, an outcome together with its intent.

use crate::audit::Cursor;
use crate::audit::Facts;
use crate::audit::Outcome;
use crate::audit::OutcomeState;
use crate::audit::Selected;
use crate::audit::Selection;
use crate::audit::Thing;
use crate::audit::Walk;
use crate::audit::Wanted;
use crate::audit::record;
use crate::audit::record::Written;
use crate::audit::segment;
use crate::audit::tests::harness::*;
use crate::model::Name;
use crate::model::Reason;
use std::fs;
use std::path::Path;

fn told(directory: &Path, wanted: Wanted) -> Vec<Selected> {
    let mut selection = Selection::new(wanted);
    let walk = Walk::new(directory.to_owned(), Cursor::START);
    walk.filter_map(|walked| selection.take(&walked.unwrap()).unwrap()).collect()
}

/// Kind and last byte of the receipt of what is found.
fn found(directory: &Path, wanted: Wanted) -> Vec<String> {
    let number = |told: &Selected| {
        told.record.receipt().map(|receipt| (1..=9).find(|number| receipt == super::harness::receipt(*number)).unwrap())
    };
    told(directory, wanted).iter().map(|told| format!("{} {}", told.record.kind(), number(told).unwrap_or(0))).collect()
}

fn texts(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// Two commands that cross one another, of which the first is done and the other unknown, a refusal, a repetition of the first,
/// and a gap.
fn log() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let name = |text| Name::new(text).unwrap();
    let facts = |number: u8| Facts {
        operation: Some(name("openGate")),
        partner: Some(name("parkline")),
        tenant: Some(name("south")),
        ..facts(number, None)
    };
    let outcome = |state, reason| Outcome::new(state, reason);
    let mut lines = Written::default();
    record::intent(&mut lines, &permit(), &protected(), &facts(1), NOW);
    record::intent(&mut lines, &permit(), &protected(), &facts(2), NOW.plus(1));
    record::outcome(&mut lines, receipt(1), &outcome(OutcomeState::Done, Reason::Done), None, NOW.plus(2));
    record::refusal(&mut lines, &facts(3), Reason::Revoked, None, NOW.plus(3));
    record::outcome(&mut lines, receipt(2), &outcome(OutcomeState::Unknown, Reason::OutcomeUnknown), None, NOW.plus(4));
    record::refusal(&mut lines, &facts(4), Reason::IdempotencyReplayed, Some(receipt(1)), NOW.plus(5));
    record::gap(&mut lines, 7, NOW.plus(6));
    fs::write(segment::path(folder.path(), 1), lines.bytes()).unwrap();
    folder
}

#[test]
fn each_filter_finds_what_it_names_and_outcomes_with_their_intents() {
    let log = log();
    let all = ["intent 1", "intent 2", "outcome 1", "refusal 3", "outcome 2", "repeat 4", "gap 0"];
    let commands = ["intent 1", "intent 2", "outcome 1", "outcome 2"];
    let others = ["refusal 3", "repeat 4"];
    let handle = |number: u8| vec![facts(number, None).subject.unwrap().to_string()];
    let thing = |text: &str| vec![Thing::parse(text).unwrap()];
    let wanted = Wanted::default;
    let cases: Vec<(&str, Wanted, &[&str])> = vec![
        ("nothing", wanted(), &all),
        ("receipt", Wanted { receipt: Some(receipt(1)), ..wanted() }, &["intent 1", "outcome 1", "repeat 4"]),
        ("receipt of another", Wanted { receipt: Some(receipt(9)), ..wanted() }, &[]),
        ("handle", Wanted { handles: handle(2), ..wanted() }, &["intent 2", "outcome 2"]),
        (
            "handles",
            Wanted { handles: [handle(2), handle(3)].concat(), ..wanted() },
            &["intent 2", "refusal 3", "outcome 2"],
        ),
        ("device", Wanted { devices: handle(2), ..wanted() }, &[]),
        ("car", Wanted { cars: handle(2), ..wanted() }, &[]),
        ("operation", Wanted { operations: texts(&["openDoor"]), ..wanted() }, &commands),
        ("another operation", Wanted { operations: texts(&["openGate"]), ..wanted() }, &others),
        ("a part of an operation", Wanted { operations: texts(&["openDo"]), ..wanted() }, &[]),
        ("event", Wanted { events: texts(&["openGate"]), ..wanted() }, &["refusal 3"]),
        ("partner", Wanted { partners: texts(&["smarthome"]), ..wanted() }, &commands),
        ("tenant of the thing", Wanted { tenants: texts(&["north"]), ..wanted() }, &commands),
        ("tenant of the caller", Wanted { tenants: texts(&["south"]), ..wanted() }, &all[..6]),
        ("peer", Wanted { peers: texts(&["spiffe://prop.example/backend"]), ..wanted() }, &all[..6]),
        ("thing", Wanted { resources: thing("house-1/door-2"), ..wanted() }, &commands),
        ("thing by its last part", Wanted { resources: thing("door-2"), ..wanted() }, &commands),
        ("all in a thing", Wanted { resources: thing("house-1"), ..wanted() }, &commands),
        ("thing with its type", Wanted { resources: thing("Door:house-1/door-2"), ..wanted() }, &commands),
        ("thing of another type", Wanted { resources: thing("Barrier:house-1/door-2"), ..wanted() }, &[]),
        ("another thing", Wanted { resources: thing("house-2/door-2"), ..wanted() }, &[]),
        ("reason", Wanted { reasons: texts(&["done"]), ..wanted() }, &["outcome 1"]),
        (
            "reasons",
            Wanted { reasons: texts(&["outcome-unknown", "revoked"]), ..wanted() },
            &["refusal 3", "outcome 2"],
        ),
        ("kind", Wanted { kinds: texts(&["intent"]), ..wanted() }, &["intent 1", "intent 2"]),
        ("since", Wanted { since: Some(NOW.plus(4)), ..wanted() }, &["outcome 2", "repeat 4", "gap 0"]),
        ("until", Wanted { until: Some(NOW.plus(1)), ..wanted() }, &["intent 1"]),
        (
            "all at once",
            Wanted {
                operations: texts(&["openDoor"]),
                reasons: texts(&["done"]),
                since: Some(NOW.plus(2)),
                until: Some(NOW.plus(3)),
                ..wanted()
            },
            &["outcome 1"],
        ),
        (
            "all at once, a millisecond too early",
            Wanted {
                operations: texts(&["openDoor"]),
                until: Some(NOW.plus(2)),
                reasons: texts(&["done"]),
                ..wanted()
            },
            &[],
        ),
    ];
    for (name, wanted, expected) in cases {
        assert_eq!(found(log.path(), wanted), expected, "{name}");
    }
}

#[test]
fn an_outcome_tells_what_it_is_the_outcome_of() {
    let log = log();
    let done = told(log.path(), Wanted { reasons: texts(&["done"]), ..Wanted::default() });
    let [done] = done.as_slice() else { panic!("one outcome") };
    assert_eq!((done.text("operation"), done.text("state")), (Some("openDoor"), Some("done")));
    assert_eq!(done.record.text("operation"), None);
}

#[test]
fn a_sum_of_refusals_is_found_by_each_of_its_reasons() {
    let folder = tempfile::tempdir().unwrap();
    let line = br#"{"v":2,"kind":"refusals","time":"2023-11-14T22:13:20.123Z","count":3,"reasons":{"revoked":2,"rate-peer":1}"#;
    let line = [line.as_slice(), record::SUM_OPENS, &record::sum(line), record::SUM_CLOSES].concat();
    fs::write(segment::path(folder.path(), 1), line).unwrap();
    let of = |reason: &str| found(folder.path(), Wanted { reasons: texts(&[reason]), ..Wanted::default() }).len();
    assert_eq!((of("revoked"), of("rate-peer"), of("rate-tenant")), (1, 1, 0));
}

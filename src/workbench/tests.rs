//! The sample's cases on the stage, and what is wrong with a case.

mod measures;

use crate::bundle::Bundle;
use crate::clock::SystemClock;
use crate::diagnostic::Source;
use crate::limits::Limits;
use crate::policy::Judgement;
use crate::workbench::Ran;
use crate::workbench::Stage;
use crate::workbench::Suite;
use crate::workbench::held_against;
use crate::workbench::run;
use std::path::Path;
use std::sync::Arc;

fn sample() -> Arc<Bundle> {
    crate::crypto::install_provider().unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    Arc::new(Bundle::load(&folder, &Limits::default()).unwrap())
}

#[test]
fn every_case_of_the_sample_comes_out_as_it_expects() {
    let bundle = sample();
    let suite = Suite::read(&bundle.tests(), &bundle).unwrap();
    assert!(suite.cases().len() > 100);
    let stage = Stage::of(bundle).unwrap();
    let ran = run(&stage, suite.cases(), &SystemClock::new());
    let told = |ran: &Ran<'_>| match &ran.outcome {
        Ok((played, differences)) => {
            format!("{}: {:?} {differences:#?}\n{:#?}", ran.case.name, played.reply, played.records)
        }
        Err(fault) => format!("{}: {fault}", ran.case.name),
    };
    let failed: Vec<String> = ran.iter().filter(|ran| !ran.passed()).map(told).collect();
    assert!(failed.is_empty(), "{} of {}:\n{}", failed.len(), ran.len(), failed.join("\n\n"));
    assert!(ran.iter().map(|ran| &ran.case.name).eq(suite.cases().iter().map(|case| &case.name)));
    for ran in &ran {
        let Ok((played, _)) = &ran.outcome else { continue };
        // What was asked is what is on record, and is judged again as it was.
        if let (Some(asked), Some(decision)) = (played.asked.first(), &played.decision) {
            let judgement = asked.judgement();
            assert_eq!(matches!(judgement, Judgement::Permits(_)), decision.allow, "{}", ran.case.name);
            assert_eq!(stage.bundle().policies().ask_again(asked), *judgement, "{}", ran.case.name);
        }
        // Whoever is refused behind a permit has no decision on record; nobody has one on record who was not judged.
        assert!(played.decision.is_none() || !played.asked.is_empty(), "{}", ran.case.name);
    }
}

/// The sample's bases, and a file of cases beside them.
fn beside_bases(cases: &str) -> Vec<Source> {
    let bases = include_str!("../../policies/tests/bases.yaml");
    vec![Source::new("tests/bases.yaml", bases), Source::new("tests/page.yaml", cases)]
}

#[test]
fn every_example_of_the_page_of_cases_is_played() {
    let bundle = sample();
    let stage = Stage::of(Arc::clone(&bundle)).unwrap();
    let page = include_str!("../../docs/policy-tests.md");
    let examples: Vec<&str> = page.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert_eq!(examples.len(), 4);
    for example in examples {
        let suite = Suite::read(&beside_bases(example), &bundle).unwrap();
        for ran in run(&stage, suite.cases(), &SystemClock::new()) {
            let differences = ran.outcome.map(|(_, differences)| differences);
            assert_eq!(differences, Ok(Vec::new()), "{}", ran.case.name);
        }
    }
}

/// A case of one operation, with something in it that is wrong.
fn wrong(case: &str) -> Vec<(&'static str, u32, Option<String>)> {
    let written = format!("version: 1\ncases:\n  - name: one\n    extends: resident\n{case}");
    let faults = Suite::read(&beside_bases(&written), &sample()).map(|suite| suite.cases().len()).unwrap_err();
    faults.iter().map(|fault| (fault.code, fault.place.line, fault.help.clone())).collect()
}

#[test]
fn what_is_wrong_with_a_case_is_told_with_its_line_and_what_was_meant() {
    let good = "    request: {operation: readDoor, path: {houseId: house-1, doorId: door-1}}\n    expect: {outcome: refused}\n";
    let instead = |from: &str, to: &str| wrong(&good.replace(from, to));
    let meant = |near: &str| Some(format!("did you mean `{near}`?"));
    for (from, to, code, line, help) in [
        ("readDoor", "readDor", "unknown-operation", 5, meant("readDoor")),
        ("doorId: door-1", "door: door-1", "missing-key", 5, Some("add `doorId:` to `path`".to_owned())),
        ("refused}", "refused, reason: policy-deny}", "unknown-reason", 6, meant("policy-denied")),
        ("refused}", "refused, policies: [door-at-onse]}", "unknown-policy", 6, meant("door-at-once")),
        ("refused", "denied", "unknown-word", 6, None),
        ("expect", "expects", "unknown-key", 6, meant("expect")),
        ("request", "revoked: []\n    requests", "unknown-key", 6, meant("request")),
        ("request", "time: soon\n    request", "not-an-instant", 5, None),
        ("request", "time: 2026-10-25T02:30 Europe/Berlin\n    request", "not-an-instant", 5, None),
        ("request", "caller: {token: {age: 5 minutes}}\n    request", "not-a-time-span", 5, None),
        ("readDoor", "\"${which}\"", "unknown-value", 5, None),
        ("expect", "matrix: {a: [1, 2]}\n    expect", "unused-value", 6, None),
        ("expect", "matrix: {a: []}\n    expect", "empty-matrix", 6, None),
        ("refused}", "refused, caller: {body: {pseudonym: {person: x}}}}", "not-a-pseudonym", 6, None),
        ("}}\n", "}, body: {pseudonym: {user: x}}}\n", "not-a-pseudonym", 5, None),
        ("expect", "event: {partner: smarthome, name: access.granted}\n    expect", "not-one-thing", 3, None),
    ] {
        let told = instead(from, to);
        let found =
            told.iter().any(|(known, at, hint)| (*known, *at) == (code, line) && (help.is_none() || *hint == help));
        assert!(found && told.iter().all(|(_, at, hint)| *at > 0 && hint.is_some()), "{to}: {told:?}");
    }
}

#[test]
fn bases_and_names_are_known_once_over_all_files_and_a_base_does_not_extend_itself() {
    let codes = |cases: &str| -> Vec<&'static str> {
        let faults = Suite::read(&beside_bases(cases), &sample()).map(|suite| suite.cases().len()).unwrap_err();
        faults.iter().map(|fault| fault.code).collect()
    };
    let one = "{name: one, extends: backend, revocation: {kind: subject, value: x}, expect: {outcome: allowed}}";
    assert_eq!(codes(&format!("version: 1\ncases: [{one}, {one}]\n")), ["twice"]);
    assert_eq!(codes("version: 1\nbases: {friday: {}}\n"), ["twice"]);
    let circle = "version: 1\nbases: {a: {extends: b}, b: {extends: a}}\ncases: [{name: one, extends: a}]\n";
    assert_eq!(codes(circle), ["base-circle"]);
    assert_eq!(codes("version: 1\ncases: [{name: one, extends: frieday}]\n"), ["unknown-base"]);
    assert_eq!(codes("version: 1\ncases: [{name: one, name: two}]\n"), ["yaml-syntax"]);
}

#[test]
fn every_difference_is_told_with_its_place() {
    let bundle = sample();
    let stage = Stage::of(Arc::clone(&bundle)).unwrap();
    let cases = "version: 1\ncases:\n  - name: one\n    extends: resident\n    caller: {token: {rights: [{type: door_access, \
                 actions: [see], house: house-1}]}}\n    request: {operation: readDoor, path: {houseId: house-1, doorId: \
                 door-1}}\n    answer: {status: 200, body: {state: open, battery: 5}}\n    expect:\n      outcome: refused\n      \
                 reason: policy-denied\n      policies: [door-at-once]\n      partner: {method: PUT, path: /x, body: {a: 1}, \
                 token: {sub: me}, headers: {x-a: b}}\n      caller: {status: 404, problem: not-found, headers: {x-a: b}, \
                 body: {state: closed, more: [1]}}\n";
    let suite = Suite::read(&beside_bases(cases), &bundle).unwrap();
    let played = stage.play(&suite.cases()[0]).unwrap();
    let differences = held_against(&suite.cases()[0], &played).unwrap();
    let told: Vec<&str> = differences.iter().map(|one| one.at.as_str()).collect();
    assert_eq!(
        told,
        [
            "outcome",
            "reason",
            "policies",
            "partner.method",
            "partner.path",
            "partner.headers.x-a",
            "partner.body",
            "partner.token.sub",
            "caller.status",
            "caller.problem",
            "caller.headers.x-a",
            "caller.body/state",
            "caller.body/more",
            "caller.body/battery",
        ]
    );
    let state = &differences[11];
    assert_eq!((state.wanted.as_str(), state.got.as_str()), ("\"closed\"", "\"open\""));
}

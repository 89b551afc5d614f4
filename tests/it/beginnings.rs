//! `portcullis init` and `new`: a bundle from nothing, and one thing more in it, each of which passes at once.

use crate::harness::told_by;
use portcullis::bundle::Bundle;
use portcullis::limits::Limits;
use portcullis::workbench::Stage;
use portcullis::workbench::Suite;
use portcullis::workbench::held_against;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

const GATE: [&str; 9] = [
    "new",
    "operation",
    "openGate",
    "--partner",
    "gates.example",
    "--path",
    "/v1/houses/{houseId}/gates/{gateId}/open",
    "--resource",
    "barrier",
];

/// All files of a bundle.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let bundle = Bundle::load(folder, &Limits::default()).unwrap_or_else(|faults| panic!("{faults}"));
    bundle.files().map(|(path, source)| (path.to_owned(), source.text().to_owned())).collect()
}

/// Plays every case of the bundle; the names of those that do not hold.
fn failing(folder: &Path) -> Vec<String> {
    let bundle = Arc::new(Bundle::load(folder, &Limits::default()).unwrap_or_else(|faults| panic!("{faults}")));
    let suite = Suite::read(&bundle.tests(), &bundle).unwrap_or_else(|faults| panic!("{faults}"));
    let stage = Stage::of(Arc::clone(&bundle)).unwrap();
    let fails = suite.cases().iter().filter(|case| !held_against(case, &stage.play(case).unwrap()).unwrap().is_empty());
    fails.map(|case| case.name.to_string()).collect()
}

/// What a file has that it did not have before, as one block, where all else is as it was.
fn block_added(before: &str, after: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let head = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let tail = old.len() - head;
    assert_eq!(old[head..], new[new.len() - tail..], "nothing else has changed");
    new[head..new.len() - tail].join("\n")
}

#[test]
fn a_new_bundle_passes_at_once_and_so_does_each_thing_that_is_added_to_it() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("policies");
    let dir = folder.to_str().unwrap();
    let (code, out, err) = told_by(&["init", dir, "--partner", "gates.example"]);
    assert_eq!((code, err.as_str(), out.lines().count()), (0, "", 5));
    let begun = files(&folder);
    assert_eq!(failing(&folder), [""; 0]);

    let with_bundle = |words: &[&str]| told_by(&[words, &["--bundle", dir]].concat());
    let (code, out, err) = with_bundle(&[&GATE[..], &["--moves"]].concat());
    assert_eq!((code, err.as_str(), out.lines().count()), (0, "", 2));
    let grown = files(&folder);
    let contract = "contracts/gates.example.openapi.yaml";
    let added = block_added(&begun[contract], &grown[contract]);
    assert!(
        added.starts_with("  /v1/houses/{houseId}/gates/{gateId}/open:\n    post:\n      operationId: openGate"),
        "{added}"
    );
    assert!(
        added.contains("        actuates: barrier\n        max_age: 10s\n        idempotency: header\n"),
        "{added}"
    );
    let schema = "cedar/schema.cedarschema";
    assert!(block_added(&begun[schema], &grown[schema]).contains("  action openGate appliesTo {"));
    assert_eq!(failing(&folder), [""; 0], "nobody may do it, and nothing else has changed");

    let new_test = ["new", "test", "not without a right", "--operation", "openGate", "--file", "doors"];
    assert_eq!(with_bundle(&new_test).0, 0);
    assert_eq!(failing(&folder), [""; 0], "it is refused, as the case says");
    let (code, _, err) = with_bundle(&[
        "new",
        "policy",
        "open-granted-gate",
        "--operation",
        "openGate",
        "--role",
        "resident",
        "--file",
        "doors",
    ]);
    assert_eq!((code, err.as_str()), (0, ""));
    let permitted = files(&folder);
    let policy = block_added(&begun["cedar/doors.cedar"], &permitted["cedar/doors.cedar"]);
    assert!(
        policy.contains("when { context.grantedBarriers.contains(resource) || resource in context.grantedHouses };"),
        "{policy}"
    );
    assert_eq!(failing(&folder), [""; 0], "still not without a right");

    // A second method of the same path stands beside the first.
    let read = [
        "new",
        "operation",
        "readGate",
        "--partner",
        "gates.example",
        "--method",
        "get",
        "--path",
        "/v1/houses/{houseId}/gates/{gateId}/open",
        "--resource",
        "barrier",
        "--right",
        "see",
    ];
    assert_eq!(with_bundle(&read).0, 0);
    let both = files(&folder);
    let added = block_added(&permitted[contract], &both[contract]);
    assert!(added.starts_with("    get:\n      operationId: readGate"), "{added}");
}

#[test]
fn nothing_is_overwritten_and_what_would_not_compile_is_not_written() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("policies");
    let dir = folder.to_str().unwrap();
    assert_eq!(told_by(&["init", dir, "--partner", "gates.example"]).0, 0);
    let begun = files(&folder);
    let (code, _, err) = told_by(&["init", dir]);
    assert!(code == 2 && err.contains("error[not-empty]"), "{err}");
    let with_bundle = |words: &[&str]| told_by(&[words, &["--bundle", dir]].concat());
    let refused = |words: &[&str], told: &str| {
        let (code, out, err) = with_bundle(words);
        assert_eq!((code, out.as_str()), (2, ""), "{words:?}");
        assert!(err.contains(told), "{words:?}: {err}");
        assert_eq!(files(&folder), begun, "{words:?}");
    };
    let gate = |at: usize, word: &'static str| {
        let mut words = GATE;
        words[at] = word;
        words
    };
    refused(&gate(2, "openDoor"), "error[twice]");
    refused(&gate(4, "parkline"), "error[unknown-partner]");
    refused(&gate(6, "/v1/gates/{gateId}"), "error[path-template]");
    refused(&gate(6, "/v1/houses/{a}/doors/{b}/open"), "error[overlapping-paths]");
    refused(&[&gate(8, "house")[..], &["--moves"]].concat(), "error[");
    refused(&["new", "policy", "x", "--operation", "openDor", "--role", "resident"], "did you mean `openDoor`?");
    refused(&["new", "policy", "open-granted-door", "--operation", "openDoor", "--role", "resident"], "error[");
    refused(&["new", "test", "x", "--operation", "openDoor", "--extends", "nobody"], "error[");
}

#[test]
fn the_sample_bundle_takes_one_thing_more_and_keeps_every_comment() {
    let place = tempfile::tempdir().unwrap();
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    let folder = place.path().join("policies");
    for (path, text) in files(&sample) {
        fs::create_dir_all(folder.join(&path).parent().unwrap()).unwrap();
        fs::write(folder.join(&path), text).unwrap();
    }
    let before = files(&folder);
    let dir = folder.to_str().unwrap();
    let (code, _, err) = told_by(&[
        "new",
        "operation",
        "lockDoor",
        "--partner",
        "smarthome",
        "--path",
        "/v1/houses/{houseId}/doors/{doorId}/lock",
        "--resource",
        "door",
        "--moves",
        "--bundle",
        dir,
    ]);
    assert_eq!((code, err.as_str()), (0, ""));
    let (code, _, err) =
        told_by(&["new", "policy", "lock-own-door", "--operation", "lockDoor", "--role", "resident", "--bundle", dir]);
    assert_eq!((code, err.as_str()), (0, ""));
    let after = files(&folder);
    let changed: Vec<&str> =
        after.iter().filter(|(path, text)| before.get(*path) != Some(*text)).map(|(path, _)| path.as_str()).collect();
    assert_eq!(changed, ["cedar/doors.cedar", "cedar/schema.cedarschema", "contracts/smarthome.openapi.yaml"]);
    for path in changed {
        block_added(&before[path], &after[path]);
    }
}

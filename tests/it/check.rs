//! `portcullis check`: what a start would refuse is told beside the gateway that runs, all at once, and nothing is touched.

use crate::harness::Process;
use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::told_by;
use crate::harness::until;
use serde_json::Value;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::SystemTime;

fn check(stage: &Stage, more: &[&str]) -> (i32, String, String) {
    let file = stage.configuration();
    told_by(&[&["check", "--config", file.to_str().unwrap()], more].concat())
}

fn codes(stage: &Stage, more: &[&str]) -> (i32, BTreeSet<String>) {
    let (code, out, err) = check(stage, &[&["--format", "json"], more].concat());
    assert_eq!(err, "");
    let told: Value = serde_json::from_str(&out).unwrap();
    let faults = told["faults"].as_array().unwrap();
    assert_eq!(told["would_start"], faults.is_empty());
    assert_eq!(told["lints"], serde_json::json!([]), "{out}");
    assert!(faults.iter().all(|fault| fault["help"].is_string()), "{out}");
    (code, faults.iter().map(|fault| fault["code"].as_str().unwrap().to_owned()).collect())
}

/// Every file below a folder with its size and the time of its last change; but SQLite's `-shm`, which is no file but memory
/// that all share who read the store.
fn files(folder: &Path) -> BTreeMap<String, (u64, SystemTime)> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap()) {
        let (path, metadata) = (entry.path(), entry.metadata().unwrap());
        if metadata.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_none_or(|kind| kind != "sqlite-shm") {
            found.insert(path.display().to_string(), (metadata.len(), metadata.modified().unwrap()));
        }
    }
    found
}

#[test]
fn beside_a_running_gateway_a_good_configuration_is_good_and_nothing_is_touched() {
    let stage = Stage::new();
    assert_eq!(check(&stage, &[]), (0, "it would start\n".to_owned(), String::new()), "before there is store or log");
    let gateway = Served::on(&stage);
    // Nothing more comes once a checkpoint covers all that the start wrote: one record begins the segment.
    let all = || stage.records().len() as u64 + 1;
    until("a checkpoint of everything", || gateway.gate().log().checkpoint().unwrap().size() == all());
    let before = files(&stage.path("state"));
    assert_eq!(check(&stage, &[]), (0, "it would start\n".to_owned(), String::new()));
    assert_eq!(files(&stage.path("state")), before);
    drop(gateway);
    let before = files(&stage.path("state"));
    assert_eq!(codes(&stage, &[]), (0, BTreeSet::new()));
    assert_eq!(files(&stage.path("state")), before, "nor after it has ended");
}

#[test]
fn a_torn_log_is_no_fault_and_is_left_to_the_start() {
    let stage = Stage::new();
    Process::on(&stage).kill();
    let newest = stage.path("state/audit/segment-0000000001.jsonl");
    let bytes = fs::read(&newest).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    fs::write(&newest, [&bytes[..=end], b"{\"v\":2,\"kind\":\"int"].concat()).unwrap();
    let before = files(&stage.path("state"));
    assert_eq!(codes(&stage, &[]), (0, BTreeSet::new()));
    assert_eq!(files(&stage.path("state")), before);
    drop(Served::on(&stage));
    assert!(stage.path("state/audit/segment-0000000001.torn").exists(), "the start cuts it");
}

#[test]
fn everything_that_a_start_would_refuse_is_told_at_once() {
    let stage = Stage::new();
    drop(Served::on(&stage));
    stage.edit("gateway.yaml", "address: \"127.0.0.1:0\"\n    tls", "address: \"192.0.2.1:0\"\n    tls");
    stage.edit("directory.yaml", "tenants:", "tenantz:");
    stage.edit("policies/cedar/doors.cedar", "permit", "permitt");
    stage.edit("gateway.yaml", "limits: {", "limits: {connections_max: 1000000, ");
    fs::write(stage.path("pki/store.key"), "ab".repeat(32)).unwrap();
    let segment = stage.path("state/audit/segment-0000000001.jsonl");
    let text = fs::read(&segment).unwrap();
    fs::write(stage.path("state/audit/segment-0000000002.jsonl"), &text).unwrap();
    fs::write(&segment, [b"no record\n", text.as_slice()].concat()).unwrap();
    let (code, found) = codes(&stage, &[]);
    assert_eq!(code, 1);
    let wanted = ["address-not-bound", "unknown-key", "too-few-descriptors", "unusable"].map(str::to_owned);
    assert!(found.is_superset(&wanted.into()), "{found:?}");
    let (code, out, err) = check(&stage, &[]);
    assert_eq!((code, out.as_str()), (1, ""));
    for told in ["192.0.2.1", "gateway.yaml:", "directory.yaml:", "doors.cedar:", "another key", "segment-0000000002"] {
        assert!(err.contains(told), "{told} is not in: {err}");
    }
}

#[test]
fn another_bundle_is_checked_in_place_of_the_configured_one_also_where_the_configuration_has_faults() {
    let stage = Stage::new();
    let other = stage.path("other");
    let good = stage.path("policies");
    let copied = std::process::Command::new("cp").arg("-r").args([&good, &other]).status().unwrap();
    assert!(copied.success());
    let (good, other) = (good.to_str().unwrap(), other.to_str().unwrap());
    assert_eq!(codes(&stage, &[other]).0, 0);
    stage.edit("other/requirements.yaml", "environment: development", "environment: production");
    assert_eq!(codes(&stage, &[other]), (1, ["requirement-undercut".to_owned()].into()));
    assert_eq!(codes(&stage, &[good]).0, 0);
    stage.edit("other/cedar/doors.cedar", "permit", "permitt");
    stage.edit("gateway.yaml", "audit: {directory: state/audit", "audit: {directory: state/nowhere");
    let (code, found) = codes(&stage, &[other]);
    assert!(code == 1 && found.contains("missing-file") && found.len() > 1, "{found:?}");
    let (code, _, err) = told_by(&["check", "--config", "/nowhere/gateway.yaml"]);
    assert_eq!(code, 2);
    assert!(err.starts_with("error[unreadable-file]: "), "{err}");
}

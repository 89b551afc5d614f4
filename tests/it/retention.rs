//! Retention at a running gateway: old segments go to the archive and leave, on record; and a full or foreign archive changes
//! nothing but a notice.

use crate::harness::Command;
use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::told_by;
use crate::harness::until;
use portcullis::clock::Clock;
use portcullis::clock::ManualClock;
use portcullis::clock::SystemClock;
use portcullis::clock::UnixMillis;
use portcullis::crypto::sha256;
use std::fs;
use std::io::Read;
use std::sync::Arc;

/// A stage whose log has two segments of three days ago, and which keeps them for two.
fn stage() -> Stage {
    let stage = Stage::new();
    let then = UnixMillis::new(SystemClock::new().now().get() - 3 * 86_400_000);
    for _ in 0..3 {
        drop(Served::by(&stage, Arc::new(ManualClock::new(then))));
    }
    fs::create_dir(stage.path("state/archive")).unwrap();
    stage.edit("gateway.yaml", "audit: {", "audit: {retention: {age: 2d, archive: {directory: state/archive}}, ");
    stage
}

fn segment(stage: &Stage, number: u64) -> std::path::PathBuf {
    stage.path(&format!("state/audit/segment-{number:010}.jsonl"))
}

#[test]
fn old_segments_go_to_the_archive_on_record_and_the_log_goes_on_without_them() {
    let stage = stage();
    let first = fs::read(segment(&stage, 1)).unwrap();
    let gateway = Served::on(&stage);
    until("two segments go", || gateway.metric("portcullis_audit_removed_total") == 2);
    assert_eq!(gateway.metric("portcullis_audit_archived_total"), 2);
    assert!(!segment(&stage, 1).exists() && !segment(&stage, 2).exists() && segment(&stage, 3).exists());
    // Unpacked by another hand.
    let packed = stage.path("state/archive/segment-0000000001.jsonl.gz");
    let output = std::process::Command::new("gzip").args(["-dc"]).arg(&packed).output().unwrap();
    assert!(output.status.success() && output.stdout == first, "it is what it was");
    let told: Vec<_> = stage.records().into_iter().filter(|record| record.text("kind") == "archive").collect();
    assert_eq!(told.len(), 2);
    let archived = told[0].get("archived");
    assert_eq!((&archived["segment"], &archived["from"]), (&1.into(), &0.into()));
    assert_eq!(archived["to"], first.iter().filter(|byte| **byte == b'\n').count());
    assert_eq!(archived["sha256"], sha256(&first).to_string());
    // That they are gone is no disturbance, and nothing of it is a fault.
    Command::new(&stage).told(&stage, gateway.address).is(200, "");
    assert_eq!(gateway.not_ready(), "");
    drop(gateway);

    // Neither a start nor `check` needs them; put beside the rest they lead to it.
    let gateway = Served::on(&stage);
    Command::new(&stage).told(&stage, gateway.address).is(200, "");
    drop(gateway);
    let config = stage.path("gateway.yaml");
    let (code, out, err) = told_by(&["check", "--config", config.to_str().unwrap()]);
    assert_eq!(code, 0, "{out}{err}");
}

#[test]
fn segments_that_are_unpacked_beside_the_rest_verify_with_it_from_the_first_record_on() {
    let stage = stage();
    let gateway = Served::on(&stage);
    until("two segments go", || gateway.metric("portcullis_audit_removed_total") == 2);
    Command::new(&stage).told(&stage, gateway.address).is(200, "");
    drop(gateway);
    // As the page about the archive says it: the log's folder copied, and the archive unpacked into that.
    let copy = stage.path("state/copy");
    fs::create_dir(&copy).unwrap();
    let paste = |line: &str| {
        let mut shell = std::process::Command::new("sh");
        let output = shell.args(["-ec", line]).current_dir(stage.path("state")).output().unwrap();
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    };
    paste("cp -r audit/. copy; cp -r archive/. copy; gunzip -k copy/*.gz");
    let verified = |folder: &str| {
        let (folder, key) = (stage.path(folder), stage.path("state/audit/log.vkey"));
        let [folder, key] = [&folder, &key].map(|path| path.to_str().unwrap());
        told_by(&["audit", "verify", folder, "--key", key, "--format", "json"])
    };
    let (code, out, err) = verified("state/audit");
    let rest: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert!(code == 0 && rest["from"].as_u64() > Some(0), "{out}{err}");
    let (code, out, err) = verified("state/copy");
    let whole: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &whole["from"], &whole["first_segment"]), (0, &0.into(), &1.into()), "{out}{err}");
    assert_eq!((&whole["size"], &whole["attested"]), (&rest["size"], &rest["attested"]));
    assert_eq!(whole["segments"].as_u64().unwrap(), rest["segments"].as_u64().unwrap() + 2);
    assert!(whole["checkpoints"].as_u64() > rest["checkpoints"].as_u64(), "those of the archive are looked at too");
    assert!(whole["tiles"].as_u64() > rest["tiles"].as_u64(), "and so are its tiles");
    let begun = fs::read_dir(stage.path("state/archive/tile/0/000.p")).unwrap().next().unwrap().unwrap().file_name();
    let tile = copy.join("tile/0/000.p").join(&begun);
    let good = fs::read(&tile).unwrap();
    let mut changed = good.clone();
    changed[0] ^= 1;
    fs::write(&tile, changed).unwrap();
    let (code, out, _) = verified("state/copy");
    assert!(code == 1 && out.contains("tile/0/000.p/"), "{out}");
    fs::write(&tile, good).unwrap();
    // A byte of the archive that was changed, and a segment that is missing, are found.
    let first = copy.join("segment-0000000001.jsonl");
    let mut bytes = fs::read(&first).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&first, bytes).unwrap();
    let (code, out, _) = verified("state/copy");
    assert!(code == 1 && out.contains("segment-0000000001.jsonl"), "{out}");
    paste(
        "rm copy/segment-0000000001.jsonl; gunzip -k copy/segment-0000000001.jsonl.gz; rm copy/segment-0000000002.jsonl",
    );
    assert_eq!(verified("state/copy").0, 1, "one that is missing in the midst");
}

#[test]
fn tiles_that_are_lost_with_their_segments_come_back_from_the_archive_at_the_next_start() {
    let stage = stage();
    let gateway = Served::on(&stage);
    until("two segments go", || gateway.metric("portcullis_audit_removed_total") == 2);
    drop(gateway);
    fs::remove_dir_all(stage.path("state/audit/tile")).unwrap();
    let gateway = Served::on(&stage);
    Command::new(&stage).told(&stage, gateway.address).is(200, "");
    until("tiles", || stage.path("state/audit/tile/0").is_dir());
    assert!(gateway.not_ready().is_empty() && !gateway.metrics().contains("audit-unattested\"} 1"));
    assert_eq!(gateway.metric("portcullis_audit_tile_failures_total"), 0);
    drop(gateway);
    let (folder, key) = (stage.path("state/audit"), stage.path("state/audit/log.vkey"));
    let [folder, key] = [&folder, &key].map(|path| path.to_str().unwrap());
    let (code, out, err) = told_by(&["audit", "verify", folder, "--key", key, "--format", "json"]);
    let told: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert!(code == 0 && told["tiles"].as_u64() > Some(0), "{out}{err}");
}

#[test]
fn an_archive_that_holds_something_else_or_takes_nothing_is_told_and_nothing_goes() {
    let stage = stage();
    let other = stage.path("state/archive/segment-0000000001.jsonl.gz");
    fs::write(&other, b"another gateway's").unwrap();
    let gateway = Served::on(&stage);
    let noticed = || gateway.metrics().contains("portcullis_notice{notice=\"archive-failed\"} 1");
    until("it is noticed", noticed);
    assert_eq!(gateway.not_ready(), "", "it is no reason not to serve");
    assert!((1..=3).all(|number| segment(&stage, number).exists()));
    assert_eq!(fs::read(&other).unwrap(), b"another gateway's");
    // Once it is out of the way, it goes on by itself.
    fs::rename(&other, stage.path("state/aside")).unwrap();
    until("the first one goes", || !segment(&stage, 1).exists());
    until("it is over", || !noticed());
    let mut magic = [0; 2];
    fs::File::open(&other).unwrap().read_exact(&mut magic).unwrap();
    assert_eq!(magic, [0x1f, 0x8b]);
}

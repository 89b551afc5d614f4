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

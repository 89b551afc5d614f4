//! What cannot be put on record is not done: a log that fails, hangs or has no room, in this process and in one of its own.

use crate::harness::Command;
use crate::harness::Deeds;
use crate::harness::Process;
use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::ops_page;
use crate::harness::until;
use portcullis::devkit::Misbehaviour;
use portcullis::limits::TABLE;
use rustix::process::Pid;
use rustix::process::Resource;
use rustix::process::Rlimit;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

/// What a disk may fail in.
type Failing = fn(&Deeds) -> &AtomicBool;
const APPENDING: Failing = |deeds| &deeds.fails_to_append;
const SYNCING: Failing = |deeds| &deeds.fails_to_sync;

/// Commands on a disk that begins to fail, and ends.
fn refused_where(failing: Failing) {
    let (stage, deeds) = (Stage::new(), Arc::new(Deeds::default()));
    let gateway = Served::on_disk(&stage, &deeds);
    let (first, second) = (Command::new(&stage), Command::new(&stage));
    assert_eq!(gateway.not_ready(), "");
    failing(&deeds).store(true, Ordering::SeqCst);
    first.again().told(&stage, gateway.address).is(503, "unavailable");
    assert!(gateway.not_ready().contains("audit-failed"), "{}", gateway.not_ready());
    let counted = "portcullis_refusals_total{reason=\"not-recordable\"} 1\n";
    assert!(gateway.metrics().contains(counted), "counted like every refusal");
    // It is opened anew as often as that fails.
    until("an attempt to open it anew", || deeds.failed() >= 3);
    first.again().told(&stage, gateway.address).is(503, "unavailable");
    second.again().told(&stage, gateway.address).is(503, "unavailable");
    assert_eq!((stage.partner.total_actuations(), gateway.metric("portcullis_audit_reopened_total")), (0, 0));

    failing(&deeds).store(false, Ordering::SeqCst);
    until("readiness", || gateway.not_ready().is_empty());
    first.again().told(&stage, gateway.address).is(200, "");
    second.again().told(&stage, gateway.address).is(200, "");
    assert_eq!((stage.partner.total_actuations(), gateway.metric("portcullis_audit_reopened_total")), (2, 1));
    drop(gateway);
    let records = stage.records();
    let recovery = records.iter().find(|record| record.text("kind") == "recovery").unwrap();
    assert_eq!(recovery.text("state"), "reopened");
    let story = ["intent", "outcome done done", "intent", "outcome done done"];
    assert_eq!(stage.story(), story, "nothing of what was refused is on record");
    let lost: u64 = records.iter().filter_map(|record| record.get("lost").as_u64()).sum();
    assert_eq!(lost, 3);

    let gateway = Served::on(&stage);
    Command::new(&stage).told(&stage, gateway.address).is(200, "");
    first.again().told(&stage, gateway.address).is(200, "");
    assert_eq!(stage.partner.total_actuations(), 3, "its answer was kept");
}

#[test]
fn where_writing_the_intent_fails_nothing_is_sent_until_the_log_is_open_again() {
    refused_where(APPENDING);
}

#[test]
fn where_syncing_the_intent_fails_nothing_is_sent_until_the_log_is_open_again() {
    refused_where(SYNCING);
}

#[test]
fn an_intent_that_becomes_durable_too_late_sends_nothing_and_its_key_is_free() {
    let (stage, deeds) = (Stage::new(), Arc::new(Deeds::default()));
    stage.limit("record_timeout_ms: 50ms");
    let gateway = Served::on_disk(&stage, &deeds);
    let hanging = deeds.hang();
    let command = Command::new(&stage);
    command.again().told(&stage, gateway.address).is(503, "unavailable");
    hanging.until_it_hangs();
    until("audit-overdue", || gateway.not_ready().contains("audit-overdue"));
    hanging.release();
    until("readiness", || gateway.not_ready().is_empty());
    drop(gateway);
    stage.assert_nothing_was_sent();
    assert_eq!(stage.story(), ["intent", "outcome not-sent not-recordable"]);

    stage.edit("gateway.yaml", "record_timeout_ms: 50ms", "record_timeout_ms: 10s");
    let gateway = Served::on(&stage);
    command.again().told(&stage, gateway.address).is(200, "");
    assert_eq!(stage.partner.total_actuations(), 1);
}

#[test]
fn while_the_disk_hangs_what_comes_is_refused_at_once_and_served_again_when_it_goes_on() {
    let by_default = TABLE.iter().find(|row| row.name == "record_timeout_ms").unwrap().default;
    assert!(by_default + 50 <= 250, "so that nobody waits for longer than a quarter of a second");
    let (stage, deeds) = (Stage::new(), Arc::new(Deeds::default()));
    stage.limit("record_timeout_ms: 100ms");
    let gateway = Served::on_disk(&stage, &deeds);
    let hanging = deeds.hang();
    Command::new(&stage).told(&stage, gateway.address).is(503, "unavailable");
    hanging.until_it_hangs();
    until("audit-overdue", || gateway.not_ready().contains("audit-overdue"));
    let waiting = || {
        let (_, status) = ops_page(gateway.ops, "/-/status");
        let status: serde_json::Value = serde_json::from_str(&status).unwrap();
        status["queues"].as_array().unwrap().iter().find(|queue| queue["name"] == "audit-records").unwrap()["waiting"]
            .clone()
    };
    let before = waiting();
    for _ in 0..20 {
        Command::new(&stage).told(&stage, gateway.address).is(503, "unavailable");
        Command::new(&stage).bearing("nonsense".to_owned()).told(&stage, gateway.address).is(503, "unavailable");
    }
    assert_eq!(waiting(), before, "none was waited for: all were refused before they could be queued, still hung");
    assert!(gateway.not_ready().contains("audit-overdue"));
    hanging.release();
    until("readiness", || gateway.not_ready().is_empty());
    Command::new(&stage).told(&stage, gateway.address).is(200, "");
    drop(gateway);
    assert_eq!(stage.partner.total_actuations(), 1);
    let lost: u64 = stage.records().iter().filter_map(|record| record.get("lost").as_u64()).sum();
    assert_eq!(lost, 40, "and each was counted and told");
}

#[test]
fn an_effect_that_cannot_be_recorded_is_told_as_unknown_and_never_repeated() {
    for failing in [APPENDING, SYNCING] {
        let (stage, deeds) = (Stage::new(), Arc::new(Deeds::default()));
        let gateway = Served::on_disk(&stage, &deeds);
        let command = Command::new(&stage);
        stage.partner.behave(Misbehaviour::HangBeforeAnswer);
        let call = command.begin(&stage, gateway.address);
        stage.partner_until(|partner| partner.hanging == 1);
        failing(&deeds).store(true, Ordering::SeqCst);
        stage.partner.behave_well();
        stage.partner.release();
        call.told().is(504, "outcome-unknown");
        command.again().told(&stage, gateway.address).is(503, "unavailable");
        drop(gateway);

        // Whether the outcome's bytes are there after a failed sync, nobody can say; twice it is not sent either way.
        let gateway = Served::on(&stage);
        let again = command.again().told(&stage, gateway.address);
        assert!(matches!(again.0, 504 | 200), "{again:?}");
        assert_eq!((stage.partner.total_actuations(), stage.partner.progress().requests), (1, 1));
    }
}

#[test]
fn a_process_whose_log_can_grow_no_further_sends_nothing() {
    let stage = Stage::new();
    // The system also signals that the limit is reached, which would end the process: what counts here is the error.
    let process = Process::after("trap '' XFSZ", &stage);
    let (before, behind) = (Command::new(&stage), Command::new(&stage));
    before.again().told(&stage, process.address).is(200, "");
    let nothing = Rlimit { current: Some(0), maximum: Some(0) };
    let id = Pid::from_raw(i32::try_from(process.id()).unwrap());
    rustix::process::prlimit(id, Resource::Fsize, nothing).unwrap();
    behind.again().told(&stage, process.address).is(503, "unavailable");
    before.again().told(&stage, process.address).is(503, "unavailable");
    let (status, ready) = ops_page(process.ops, "/readyz");
    assert!(status == 503 && ready.contains("audit-failed"), "{ready}");
    assert_eq!((stage.partner.total_actuations(), stage.partner.progress().requests), (1, 1));
    process.kill();

    let process = Process::on(&stage);
    before.again().told(&stage, process.address).is(200, "");
    assert_eq!(stage.partner.total_actuations(), 1, "what was recorded is known");
    behind.again().told(&stage, process.address).is(200, "");
    assert_eq!(stage.partner.total_actuations(), 2, "what was refused was not done");
}

//! Store and log carry the same epoch: a store of yesterday does not serve beside the log of today, and once it is reconciled
//! it refuses whom the lost one refused, and nobody else.

use crate::harness::Command;
use crate::harness::Process;
use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::told_by;
use crate::harness::until;
use portcullis::clock::Clock;
use portcullis::clock::ManualClock;
use portcullis::clock::SystemClock;
use portcullis::model::Actor;
use portcullis::model::AdminDoor;
use portcullis::model::Epoch;
use portcullis::model::PersonName;
use portcullis::model::Role;
use portcullis::model::Stranger;
use portcullis::pipeline::Act;
use portcullis::pipeline::Acted;
use portcullis::pipeline::RevocationKind;
use portcullis::pipeline::RevocationOrder;
use portcullis::store::log_seen;
use rusqlite::Connection;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const SUBJECT: (RevocationKind, &str) = (RevocationKind::Subject, "resident-ivanov");
const DEVICE: (RevocationKind, &str) = (RevocationKind::Device, "phone-of-ivanov");
const SESSION: (RevocationKind, &str) = (RevocationKind::Session, "session-of-ivanov");

fn act(stage: &Stage, gateway: &Served, person: &str, act: Act) -> Acted {
    let person = PersonName::new(person).unwrap();
    let by = Actor { person, roles: Role::ALL.into(), door: AdminDoor::Socket };
    let gate = gateway.gate();
    stage.wait(async { gate.act(act, &by).await }).outcome.unwrap()
}

fn order((kind, value): (RevocationKind, &str)) -> RevocationOrder {
    RevocationOrder { kind, tenant: None, value: Stranger::new(value) }
}

fn revoke(stage: &Stage, gateway: &Served, what: (RevocationKind, &str)) {
    assert!(matches!(act(stage, gateway, "ivanov", Act::Revoke(order(what))), Acted::Revoked(_)));
}

fn lift(stage: &Stage, gateway: &Served, what: (RevocationKind, &str)) {
    assert!(matches!(act(stage, gateway, "ivanov", Act::ProposeLift(order(what))), Acted::Proposed(_)));
    assert!(matches!(act(stage, gateway, "petrova", Act::ConfirmLift(order(what))), Acted::Lifted(_)));
}

/// What is in force, by kind and digest.
fn in_force(stage: &Stage, gateway: &Served) -> Vec<String> {
    let Acted::Listed(listed, false) = act(stage, gateway, "ivanov", Act::List(Epoch::default())) else { panic!() };
    let told = listed.iter().map(|one| format!("{} {}", one.revocation.kind.word(), one.revocation.digest));
    let mut told: Vec<_> = told.collect();
    told.sort();
    told
}

fn status(stage: &Stage, gateway: &Served) -> u16 {
    stage.wait(Command::new(stage).give(&stage.backend(gateway.address))).unwrap().status
}

/// Why a start by the stage's configuration is refused.
fn start_refused(stage: &Stage, code: &str) -> String {
    let started = Served::try_on(stage);
    let said = started.err().expect("a start that is refused").to_string();
    assert!(said.starts_with(&format!("error[{code}]: ")) && said.contains("help: "), "{said}");
    said
}

/// The same, and that `check` says it too.
fn refusal(stage: &Stage, code: &str) -> String {
    let (said, head) = (start_refused(stage, code), format!("error[{code}]: "));
    let (ended, out, err) = told_by(&["check", "--config", &path(stage, "gateway.yaml")]);
    assert!(ended != 0 && err.contains(&head), "{out}{err}");
    said
}

fn reconcile(stage: &Stage, options: &[&str]) -> (i32, String, String) {
    told_by(&[&["store", "reconcile", "--config", &path(stage, "gateway.yaml")], options].concat())
}

fn path(stage: &Stage, name: &str) -> String {
    stage.path(name).to_str().unwrap().to_owned()
}

/// A copy of the store as it lies there, which no gateway has.
fn keep_store(stage: &Stage, name: &str) {
    assert!(!stage.path("state/store.sqlite-wal").exists(), "all of it is in the file");
    fs::copy(stage.path("state/store.sqlite"), stage.path(name)).unwrap();
}

fn put_back(stage: &Stage, name: &str) {
    for ending in ["-wal", "-shm"] {
        let _ = fs::remove_file(stage.path(&format!("state/store.sqlite{ending}")));
    }
    fs::copy(stage.path(name), stage.path("state/store.sqlite")).unwrap();
}

#[test]
fn whoever_is_revoked_today_stays_refused_when_the_store_of_yesterday_is_put_back() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    revoke(&stage, &gateway, SUBJECT);
    drop(gateway);
    keep_store(&stage, "yesterday.sqlite");

    let gateway = Served::on(&stage);
    revoke(&stage, &gateway, DEVICE);
    revoke(&stage, &gateway, SESSION);
    lift(&stage, &gateway, SUBJECT);
    lift(&stage, &gateway, SESSION);
    revoke(&stage, &gateway, SESSION);
    let (_, _, err) = reconcile(&stage, &[]);
    assert!(err.starts_with("error[unusable]: ") && err.contains("is in use by another process"), "{err}");
    lift(&stage, &gateway, SESSION);
    let (today, epoch) = (in_force(&stage, &gateway), gateway.gate().core().guard.epoch());
    assert_eq!(today.len(), 1, "the device: {today:?}");
    drop(gateway);

    put_back(&stage, "yesterday.sqlite");
    let said = refusal(&stage, "store-older-than-log");
    assert!(said.contains("portcullis store reconcile"), "{said}");
    assert_eq!(fs::read(stage.path("state/store.sqlite")).unwrap(), fs::read(stage.path("yesterday.sqlite")).unwrap());
    let (code, text, _) = reconcile(&stage, &["--dry-run"]);
    assert!(code == 1 && text.contains("missing: 3 revocations and 3 liftings since epoch "), "{text}");
    refusal(&stage, "store-older-than-log");
    let (code, text, _) = reconcile(&stage, &["--format", "json"]);
    let told: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, &told["replayed"]), (0, &true.into()));
    let words: Vec<_> = told["changes"].as_array().unwrap().iter().map(|one| one["change"].as_str().unwrap()).collect();
    assert_eq!(words, ["revoked", "revoked", "lifted", "lifted", "revoked", "lifted"], "in their order");
    let (code, text, _) = reconcile(&stage, &[]);
    assert!(code == 0 && text.starts_with("nothing is missing"), "{text}");

    let gateway = Served::on(&stage);
    assert_eq!(in_force(&stage, &gateway), today, "what was in force, and nothing else");
    assert!(gateway.gate().core().guard.epoch() > epoch, "the epoch does not go back");
    assert_eq!(status(&stage, &gateway), 403, "revoked today");
    lift(&stage, &gateway, DEVICE);
    assert_eq!(status(&stage, &gateway), 200, "the subject that was lifted stays lifted");
}

#[test]
fn what_was_in_force_and_never_stored_is_in_force_after_a_crash_without_anybody_doing_anything() {
    let stage = Stage::new();
    let process = Process::on(&stage);
    let other = Connection::open(stage.path("state/store.sqlite")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let order = br#"{"kind":"device","value":"phone-of-ivanov","tenant":"north"}"#;
    let backend = stage.backend(process.address);
    let fields = [("Content-Type", "application/json")];
    let answer = stage.wait(backend.call("POST", "/-/revocations", &fields, order)).unwrap();
    assert_eq!(answer.status, 503, "it is in force, and will perhaps not last: {}", answer.text());
    process.kill();
    other.execute_batch("ROLLBACK").unwrap();
    drop(other);
    let stored = stage.records().iter().any(|record| record.get("revoked")["stored"] == true);
    assert!(!stored, "the store was not there to take it");

    let gateway = Served::on(&stage);
    assert_eq!(status(&stage, &gateway), 403);
    drop(gateway);
    let replayed = || {
        let records = stage.records();
        records.iter().filter(|record| *record.get("replayed") == 1).count()
    };
    assert_eq!(replayed(), 1, "and it is on record");
    // From the store alone.
    let gateway = Served::on(&stage);
    assert_eq!((status(&stage, &gateway), replayed()), (403, 1));
}

#[test]
fn a_store_is_not_reconciled_with_a_log_that_cannot_tell_all_since() {
    let stage = Stage::new();
    drop(Served::on(&stage));
    keep_store(&stage, "yesterday.sqlite");
    for _ in 0..2 {
        let gateway = Served::on(&stage);
        revoke(&stage, &gateway, DEVICE);
    }
    put_back(&stage, "yesterday.sqlite");
    let second = stage.path("state/audit/segment-0000000002.jsonl");
    let whole = fs::read(&second).unwrap();

    fs::remove_file(&second).unwrap();
    let said = start_refused(&stage, "store-older-than-log");
    assert!(said.contains("segment 2 of the log is not there"), "{said}");
    let (code, _, err) = reconcile(&stage, &[]);
    assert!(code == 2 && err.contains("segment 2 of the log is not there"), "{err}");

    let mut spoiled = whole.clone();
    let at = whole.len() / 2;
    spoiled[at] ^= 1;
    fs::write(&second, spoiled).unwrap();
    let (code, _, err) = reconcile(&stage, &[]);
    assert!(code == 2 && err.contains("is damaged at byte"), "{err}");
    assert_eq!(fs::read(stage.path("state/store.sqlite")).unwrap(), fs::read(stage.path("yesterday.sqlite")).unwrap());

    fs::write(&second, whole).unwrap();
    assert_eq!(reconcile(&stage, &[]).0, 0);
    assert_eq!(status(&stage, &Served::on(&stage)), 403);
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for file in fs::read_dir(from).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file()) {
        fs::copy(&file, to.join(file.file_name().unwrap())).unwrap();
    }
}

#[test]
fn a_log_of_yesterday_beside_the_store_of_today_is_refused_unless_it_is_said_that_the_log_is_lost() {
    let stage = Stage::new();
    drop(Served::on(&stage));
    let [log, yesterday, today] = ["state/audit", "yesterday", "today"].map(|name| stage.path(name));
    copy_folder(&log, &yesterday);
    let clock = Arc::new(ManualClock::new(SystemClock::new().now()));
    let gateway = Served::by(&stage, Arc::clone(&clock) as Arc<dyn Clock>);
    assert_eq!(status(&stage, &gateway), 200);
    clock.advance(Duration::from_secs(61));
    let seen = || log_seen(&stage.path("state/store.sqlite")).unwrap();
    until("the store has seen the log", || seen().is_some());
    drop(gateway);
    drop(Served::on(&stage));

    fs::rename(&log, &today).unwrap();
    copy_folder(&yesterday, &log);
    let said = refusal(&stage, "log-older-than-store");
    assert!(said.contains("the log ends after "), "{said}");
    fs::remove_dir_all(&log).unwrap();
    fs::create_dir(&log).unwrap();
    refusal(&stage, "log-older-than-store");
    fs::remove_dir_all(&log).unwrap();
    fs::rename(&today, &log).unwrap();
    drop(Served::on(&stage));

    fs::remove_dir_all(&log).unwrap();
    copy_folder(&yesterday, &log);
    assert_eq!(reconcile(&stage, &["--forget-log", "--dry-run"]).0, 0);
    refusal(&stage, "log-older-than-store");
    assert_eq!(reconcile(&stage, &["--forget-log"]).0, 0);
    assert_eq!(status(&stage, &Served::on(&stage)), 200);
}

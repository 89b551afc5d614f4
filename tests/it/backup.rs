//! The drill: a backup under load, somebody is revoked, the store is lost. What is restored must refuse them, too; and what
//! would not is refused.

use crate::harness::Command;
use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::told_by;
use crate::harness::until;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

const DEVICE: &str = "phone-of-ivanov";

fn revoke(stage: &Stage, gateway: &Served, device: &str) {
    let order = format!(r#"{{"kind":"device","value":"{device}","tenant":"north"}}"#);
    let fields = [("Content-Type", "application/json")];
    let backend = stage.backend(gateway.address);
    let answer = stage.wait(backend.call("POST", "/-/revocations", &fields, order.as_bytes())).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
}

fn path(stage: &Stage, name: &str) -> String {
    stage.path(name).to_str().unwrap().to_owned()
}

fn back_up(stage: &Stage, name: &str) -> (i32, String, String) {
    told_by(&["backup", "--config", &path(stage, "gateway.yaml"), &path(stage, name)])
}

fn restore(stage: &Stage, name: &str, options: &[&str]) -> (i32, String, String) {
    let (config, folder) = (path(stage, "gateway.yaml"), path(stage, name));
    told_by(&[&["restore", "--config", &config], options, &[&folder]].concat())
}

#[track_caller]
fn refused(stage: &Stage, name: &str, options: &[&str], code: &str, why: &str) {
    let store = || fs::read(stage.path("state/store.sqlite")).ok();
    let before = store();
    let (ended, out, err) = restore(stage, name, options);
    assert_eq!((ended, out.as_str()), (2, ""), "{err}");
    assert!(err.starts_with(&format!("error[{code}]: ")) && err.contains(why) && err.contains("\n  help: "), "{err}");
    assert!(store() == before, "the store is as it was");
}

fn lose_the_store(stage: &Stage) {
    for ending in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(stage.path(&format!("state/store.sqlite{ending}")));
    }
}

/// What becomes of the resident's command at a gateway that starts now.
fn starts_and_answers(stage: &Stage) -> (u16, u64) {
    let gateway = Served::on(stage);
    let answer = stage.wait(Command::new(stage).give(&stage.backend(gateway.address))).unwrap();
    (answer.status, gateway.gate().core().guard.epoch().get())
}

#[test]
fn the_drill_of_backup_and_restore() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    revoke(&stage, &gateway, "phone-of-sidorov");
    // Yesterday: under load.
    std::thread::scope(|scope| {
        let load = scope.spawn(|| {
            for _ in 0..40 {
                Command::new(&stage).told(&stage, gateway.address).is(200, "");
            }
        });
        let (code, out, err) = back_up(&stage, "yesterday");
        assert_eq!((code, err.as_str()), (0, ""));
        assert!(out.contains(", 1 revocations\n"), "{out}");
        load.join().unwrap();
    });
    assert!(back_up(&stage, "yesterday").2.starts_with("error[destination-exists]: "), "none is written over");
    for (name, mode) in [("yesterday", 0o700), ("yesterday/store.sqlite", 0o600)] {
        assert_eq!(fs::metadata(stage.path(name)).unwrap().permissions().mode() & 0o777, mode, "{name}");
    }

    // Today: revoked, and a backup that knows it; then the store is lost.
    revoke(&stage, &gateway, DEVICE);
    assert_eq!(stage.wait(Command::new(&stage).give(&stage.backend(gateway.address))).unwrap().status, 403);
    assert_eq!(back_up(&stage, "today").0, 0);
    let epoch = gateway.gate().core().guard.epoch().get();
    refused(&stage, "today", &["--force"], "unusable", "is in use by another process");
    drop(gateway);
    refused(&stage, "today", &[], "store-exists", "there is a store");
    lose_the_store(&stage);
    refused(&stage, "yesterday", &[], "older-than-revocations", "1 revocations and 0 liftings");
    refused(&stage, "yesterday", &["--force"], "older-than-revocations", "give their rights back");
    let (code, out, err) = restore(&stage, "today", &[]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.contains("2 revocations in force; 0 revocations and 0 liftings were taken from the log"), "{out}");
    let (status, now) = starts_and_answers(&stage);
    assert_eq!(status, 403, "revoked today, and refused");
    assert!(now >= epoch, "the epoch does not go back: {now} after {epoch}");

    // Only yesterday's is left: the log knows the rest.
    let (code, out, _) = restore(&stage, "yesterday", &["--force", "--complete"]);
    assert_eq!(code, 0);
    assert!(out.contains("2 revocations in force; 1 revocations and 0 liftings were taken from the log"), "{out}");
    assert!(stage.path("state/store.sqlite.replaced").exists(), "what was there is kept");
    let (status, later) = starts_and_answers(&stage);
    assert_eq!(status, 403);
    assert!(later >= now, "the epoch does not go back: {later} after {now}");
}

#[test]
fn a_backup_of_a_gateway_that_was_killed_holds_what_lay_in_its_log_only() {
    let stage = Stage::new();
    let process = crate::harness::Process::on(&stage);
    let order = format!(r#"{{"kind":"device","value":"{DEVICE}","tenant":"north"}}"#);
    let fields = [("Content-Type", "application/json")];
    let backend = stage.backend(process.address);
    let answer = stage.wait(backend.call("POST", "/-/revocations", &fields, order.as_bytes())).unwrap();
    assert_eq!(answer.status, 200);
    process.kill();
    assert!(fs::metadata(stage.path("state/store.sqlite-wal")).is_ok_and(|wal| wal.len() > 0), "not in the file yet");
    let (code, out, err) = back_up(&stage, "after");
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.contains(", 1 revocations\n"), "{out}");
    assert_eq!(restore(&stage, "after", &["--force"]).0, 0);
    assert_eq!(starts_and_answers(&stage).0, 403);
}

#[test]
fn what_is_no_whole_backup_of_this_gateway_is_not_restored() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    assert_eq!(back_up(&stage, "first").0, 0);
    revoke(&stage, &gateway, DEVICE);
    drop(gateway);
    drop(Served::on(&stage));
    assert_eq!(back_up(&stage, "good").0, 0);
    lose_the_store(&stage);
    let spoil = |name: &str, spoil: &dyn Fn(&Path)| {
        let folder = stage.path(name);
        fs::create_dir(&folder).unwrap();
        for file in ["store.sqlite", "backup.json"] {
            fs::copy(stage.path(&format!("good/{file}")), folder.join(file)).unwrap();
        }
        spoil(&folder);
    };
    let write = |path: &Path, from: &str, to: &str| {
        let text = fs::read_to_string(path).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(path, text.replace(from, to)).unwrap();
    };
    spoil("without", &|folder| fs::remove_file(folder.join("backup.json")).unwrap());
    refused(&stage, "without", &[], "unusable", "backup.json");
    spoil("newer", &|folder| write(&folder.join("backup.json"), "\"version\":1", "\"version\":2"));
    refused(&stage, "newer", &[], "unusable", "version");
    let torn = |folder: &Path| {
        let copy = folder.join("store.sqlite");
        let bytes = fs::read(&copy).unwrap();
        fs::write(&copy, &bytes[..bytes.len() - 4_096]).unwrap();
    };
    spoil("torn", &torn);
    refused(&stage, "torn", &[], "copy-changed", "digest");
    // Somebody who makes the digest fit, or a disk that lies.
    spoil("damaged", &|folder| {
        torn(folder);
        let digest = |name: &str| portcullis::crypto::sha256(&fs::read(stage.path(name)).unwrap()).to_string();
        write(&folder.join("backup.json"), &digest("good/store.sqlite"), &digest("damaged/store.sqlite"));
    });
    refused(&stage, "damaged", &[], "unusable", "damaged");
    let key = fs::read(stage.path("pki/store.key")).unwrap();
    fs::write(stage.path("pki/store.key"), "ab".repeat(32)).unwrap();
    refused(&stage, "good", &[], "unusable", "another key");
    fs::write(stage.path("pki/store.key"), key).unwrap();

    // The log must be the one beside which it was made, and whole since then.
    let audit = stage.path("state/audit");
    fs::rename(&audit, stage.path("state/away")).unwrap();
    fs::create_dir(&audit).unwrap();
    refused(&stage, "good", &[], "unusable", "the log ends after 0 records");
    fs::remove_dir(&audit).unwrap();
    fs::rename(stage.path("state/away"), &audit).unwrap();
    let second = audit.join("segment-0000000002.jsonl");
    fs::rename(&second, stage.path("state/second")).unwrap();
    refused(&stage, "first", &["--complete"], "unusable", "segment 2 of the log is not there");
    fs::rename(stage.path("state/second"), &second).unwrap();
    assert_eq!(restore(&stage, "good", &[]).0, 0);
    assert_eq!(starts_and_answers(&stage).0, 403);
}

#[test]
fn a_backup_tells_where_the_log_stood() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    assert_eq!(back_up(&stage, "one").0, 0);
    let manifest: Value = serde_json::from_str(&fs::read_to_string(stage.path("one/backup.json")).unwrap()).unwrap();
    assert_eq!((&manifest["version"], &manifest["log"]["segment"]), (&1.into(), &1.into()));
    assert_eq!(manifest["log"]["epoch"], manifest["store"]["epoch"]);
    assert_eq!(manifest["store"]["epoch"], gateway.gate().core().guard.epoch().get());
    let segment = fs::read(stage.path("state/audit/segment-0000000001.jsonl")).unwrap();
    let offset = usize::try_from(manifest["log"]["offset"].as_u64().unwrap()).unwrap();
    assert_eq!((segment[offset - 1], segment[offset]), (b'\n', 0), "behind the last whole record");
}

#[test]
fn a_backup_with_its_log_is_enough_to_go_on_elsewhere_and_beside_an_older_log_it_is_refused() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    let back_up = |name: &str| {
        let config = path(&stage, "gateway.yaml");
        let (code, out, err) = told_by(&["backup", "--with-log", "--config", &config, &path(&stage, name)]);
        assert!(code == 0 && out.contains("segments of the log, "), "{out}{err}");
    };
    let attested = || {
        let note = fs::read_to_string(stage.path("state/audit/checkpoint")).unwrap_or_default();
        note.lines().nth(1).map_or(0, |size| size.parse::<u64>().unwrap())
    };
    until("a checkpoint", || attested() > 0);
    back_up("first");
    let before = attested();
    revoke(&stage, &gateway, DEVICE);
    until("a checkpoint that covers it", || attested() > before + 1);
    std::thread::scope(|scope| {
        let load = scope.spawn(|| {
            for _ in 0..10 {
                Command::new(&stage).told(&stage, gateway.address).is(403, "forbidden");
            }
        });
        back_up("second");
        load.join().unwrap();
    });
    drop(gateway);

    // The machine is lost.
    let log = stage.path("state/audit");
    fs::remove_dir_all(&log).unwrap();
    lose_the_store(&stage);
    fs::rename(stage.path("first/audit"), &log).unwrap();
    refused(&stage, "second", &[], "unusable", "the log ends after ");
    fs::remove_dir_all(&log).unwrap();
    fs::rename(stage.path("second/audit"), &log).unwrap();
    let (code, out, err) = restore(&stage, "second", &[]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert_eq!(starts_and_answers(&stage).0, 403);
}

//! Other versions: each file says of which it is, and is refused where that is not known; what a release begins to refuse is
//! a warning first, told by `check` and by the log, and keeps nobody from starting.

use crate::harness::Command;
use crate::harness::Process;
use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::told_by;
use portcullis::crypto::sha256_joined;
use rusqlite::Connection;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Sets a file's mode.
fn mode(stage: &Stage, name: &str, mode: u32) {
    fs::set_permissions(stage.path(name), fs::Permissions::from_mode(mode)).unwrap();
}

/// How `check` ends, and what it says in JSON.
fn checked(stage: &Stage) -> (i32, Value) {
    let file = stage.configuration();
    let (code, out, _) = told_by(&["check", "--format", "json", "--config", file.to_str().unwrap()]);
    (code, serde_json::from_str(&out).unwrap())
}

fn codes(told: &Value) -> Vec<&str> {
    told.as_array().unwrap().iter().map(|fault| fault["code"].as_str().unwrap()).collect()
}

#[test]
fn a_warning_is_told_by_check_and_by_the_log_and_keeps_nobody_from_starting() {
    let stage = Stage::new();
    mode(&stage, "pki/store.key", 0o660);
    let (code, told) = checked(&stage);
    assert_eq!((code, &told["would_start"]), (0, &Value::Bool(true)));
    assert_eq!((codes(&told["faults"]), codes(&told["warnings"])), (vec![], vec!["group-writable-key"]));
    assert!(told["warnings"][0]["help"].as_str().unwrap().contains("the next release refuses it"));
    let (code, out, err) = told_by(&["check", "--config", stage.configuration().to_str().unwrap()]);
    assert_eq!((code, out.as_str()), (0, "it would start\n"));
    assert!(err.starts_with("warning[group-writable-key]: ") && err.contains("gateway.yaml:"), "{err}");

    let mut process = Process::on(&stage);
    Command::new(&stage).told(&stage, process.address).is(200, "");
    // Another one appears while it runs.
    mode(&stage, "pki/gateway.key", 0o620);
    stage.edit("pki/gateway.pem", "-----END CERTIFICATE-----", "-----END CERTIFICATE-----\n");
    let hangup = std::process::Command::new("kill").args(["-HUP", &process.id().to_string()]).status().unwrap();
    assert!(hangup.success());
    process.until("are in force");
    process.terminate();
    let (_, log) = process.ended();
    let warned: Vec<&String> = log.iter().filter(|line| line.contains("\"code\":\"group-writable-key\"")).collect();
    // The store's key at the start, then both.
    assert_eq!(warned.len(), 3, "{}", log.join("\n"));
    assert!(warned.iter().all(|line| line.contains("\"level\":\"WARN\"") && line.contains("\"line\":")), "{warned:?}");
    mode(&stage, "pki/store.key", 0o640);
    mode(&stage, "pki/gateway.key", 0o600);
    assert_eq!(codes(&checked(&stage).1["warnings"]), [""; 0]);
}

#[test]
fn an_error_beside_a_warning_refuses_and_both_are_told() {
    let stage = Stage::new();
    mode(&stage, "pki/store.key", 0o660);
    mode(&stage, "pki/pseudonym.key", 0o604);
    let (code, told) = checked(&stage);
    assert_eq!((code, &told["would_start"]), (1, &Value::Bool(false)));
    assert_eq!(codes(&told["faults"]), ["world-accessible-key"]);
    assert_eq!(codes(&told["warnings"]), ["group-writable-key"]);
}

#[test]
fn a_file_of_a_version_that_is_not_known_is_refused_at_its_line() {
    for (file, code) in [
        ("gateway.yaml", "out-of-bounds"),
        ("directory.yaml", "out-of-bounds"),
        ("policies/requirements.yaml", "out-of-bounds"),
    ] {
        for version in ["0", "2"] {
            let stage = Stage::new();
            stage.edit(file, "version: 1", &format!("version: {version}"));
            let (ended, told) = checked(&stage);
            assert_eq!((ended, codes(&told["faults"])), (1, vec![code]), "{file} of version {version}");
            assert!(told["faults"][0]["file"].as_str().unwrap().ends_with(file), "{told}");
            assert!(told["faults"][0]["line"].as_u64().is_some(), "{told}");
        }
    }
}

#[test]
fn a_store_of_a_newer_version_is_refused_untouched_and_one_of_this_version_goes_on() {
    let stage = Stage::new();
    drop(Served::on(&stage));
    let store = stage.path("state/store.sqlite");
    let version = |set: Option<i64>| {
        let connection = Connection::open(&store).unwrap();
        if let Some(version) = set {
            connection.pragma_update(None, "user_version", version).unwrap();
        }
        connection.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0)).unwrap()
    };
    let known = version(None);
    assert!(known >= 1);
    version(Some(known + 1));
    let (ended, told) = checked(&stage);
    assert_eq!((ended, codes(&told["faults"])), (1, vec!["unusable"]));
    assert!(told["faults"][0]["message"].as_str().unwrap().contains("has schema"), "{told}");
    let (ended, _, err) = told_by(&["run", "--config", stage.configuration().to_str().unwrap()]);
    assert!(ended == 2 && err.contains("has schema"), "{err}");
    assert_eq!(version(None), known + 1, "it was not touched");
    version(Some(known));
    drop(Served::on(&stage));
}

#[test]
fn a_log_with_a_record_of_another_version_is_refused_and_says_of_which() {
    let stage = Stage::new();
    drop(Served::on(&stage));
    assert!(stage.records().iter().all(|record| record.get("v") == 2));
    let segment = stage.path("state/audit/segment-0000000001.jsonl");
    let text = fs::read(&segment).unwrap();
    let ends: Vec<usize> = (0..text.len()).filter(|at| text[*at] == b'\n').collect();
    let summed = |bytes: &[u8]| sha256_joined(&[bytes]).to_string().get(..16).unwrap().to_owned();
    // The first record and one behind it, as another version would have written them; and with a sum that is made otherwise.
    for (start, end) in [(0, ends[0]), (ends[0] + 1, ends[1])] {
        for version in ["1", "3"] {
            for before in [&b"\0"[..], b""] {
                if start > 0 && before.is_empty() {
                    continue;
                }
                let record = std::str::from_utf8(&text[start..end]).unwrap();
                let (body, _) = record.rsplit_once(",\"sum\":\"").unwrap();
                assert!(body.starts_with("{\"v\":2,"), "{body}");
                let body = body.replacen("{\"v\":2,", &format!("{{\"v\":{version},"), 1);
                let sum = summed(&[before, body.as_bytes()].concat());
                let changed = format!("{body},\"sum\":\"{sum}\"}}");
                assert_eq!(changed.len(), end - start);
                let whole = [&text[..start], changed.as_bytes(), &text[end..]].concat();
                fs::write(&segment, &whole).unwrap();
                let (ended, told) = checked(&stage);
                assert_eq!((ended, codes(&told["faults"])), (1, vec!["log-of-another-version"]), "{told}");
                let message = told["faults"][0]["message"].as_str().unwrap();
                let wanted = format!("holds records of version {version}, and this program writes and reads version 2");
                assert!(message.contains(&wanted), "{message}");
                let (ended, _, err) = told_by(&["run", "--config", stage.configuration().to_str().unwrap()]);
                assert!(ended == 2 && err.contains(&wanted) && err.contains("begin a new log"), "{err}");
                assert_eq!(fs::read(&segment).unwrap(), whole, "it was not touched");
                let folder = stage.path("state/audit");
                let (ended, _, err) = told_by(&["audit", "show", "--audit", folder.to_str().unwrap()]);
                assert!(ended == 2 && err.matches(&wanted).count() == 1, "{ended} {err}");
            }
        }
    }
    fs::write(&segment, text).unwrap();
    assert_eq!(checked(&stage).0, 0);
}

#[test]
fn the_page_names_every_file_that_has_a_version_and_every_warning() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/upgrade.md")).unwrap();
    let rows = |head: &str| -> BTreeSet<String> {
        let (_, rest) = page.split_once(head).unwrap();
        let rows = rest.lines().skip(2).take_while(|line| line.starts_with('|'));
        rows.map(|row| row.split('|').nth(1).unwrap().trim().trim_matches('`').to_owned()).collect()
    };
    let files = ["gateway.yaml", "directory.yaml", "policies/requirements.yaml", "the store", "the audit log"];
    assert_eq!(rows("| file | where |"), files.map(str::to_owned).into());
    // A warning is made by `as_warning`, of a fault whose code stands before it.
    let mut codes = BTreeSet::new();
    let mut folders = vec![root.join("src")];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            let product = text.split("#[cfg(test)]").next().unwrap();
            for (at, _) in product.match_indices(".as_warning()") {
                let code = product.split_at(at).0.rsplit_once("fault(\"").unwrap().1.split('"').next().unwrap();
                codes.insert(code.to_owned());
            }
        }
    }
    assert!(!codes.is_empty());
    assert_eq!(rows("| warning | since |"), codes);
}

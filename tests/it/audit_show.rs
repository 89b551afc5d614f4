//! `portcullis audit show` and `audit stats` over the log of a gateway that runs: what an investigator asks is found, in its
//! order, by the record as it stands, with nobody's name; what comes is followed; what is damaged is said and passed.

use crate::examples::done;
use crate::examples::shell;
use crate::harness::Command;
use crate::harness::Record;
use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::page;
use crate::harness::shell_blocks;
use crate::harness::told_by;
use portcullis::crypto::decode_base64url;
use serde_json::Value;
use std::fs;
use std::io::BufRead;
use std::io::BufReader;
use std::path::Path;
use std::process::Child;
use std::process::Stdio;

const OTHER_DOOR: &str = "/v1/houses/house-1/doors/door-2/open";

fn log(stage: &Stage) -> String {
    stage.path("state/audit").display().to_string()
}

/// What `audit show` tells: exit code and lines.
#[track_caller]
fn shown(log: &str, arguments: &[&str]) -> (i32, Vec<String>) {
    let (code, out, err) = told_by(&[&["audit", "show", "--audit", log], arguments].concat());
    assert_eq!(err, "");
    assert!(!out.contains("ivanov") && !out.contains("eyJ"), "{out}");
    (code, out.lines().map(str::to_owned).collect())
}

/// Gives a command, and tells its receipt.
#[track_caller]
fn receipt(stage: &Stage, gateway: &Served, command: &Command, status: u16) -> String {
    let answer = stage.wait(command.give(&stage.backend(gateway.address))).unwrap();
    assert_eq!(answer.status, status, "{}", answer.text());
    answer.header("receipt-id").unwrap().to_owned()
}

/// The records of the log as they stand in its files.
fn lines(log: &str) -> Vec<String> {
    let mut files: Vec<_> = fs::read_dir(log).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|kind| kind == "jsonl"));
    files.sort();
    let text = |path: &_| String::from_utf8(fs::read(path).unwrap()).unwrap().trim_end_matches('\0').to_owned();
    files.iter().flat_map(|path| text(path).lines().map(str::to_owned).collect::<Vec<_>>()).collect()
}

#[test]
fn who_opened_a_door_by_which_right_is_found_beside_a_gateway_that_runs_and_nobody_is_named() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    let (log, good) = (log(&stage), Command::new(&stage));
    let opened = receipt(&stage, &gateway, &good, 200);
    let refused = receipt(&stage, &gateway, &Command::new(&stage).to(OTHER_DOOR), 404);
    let again = receipt(&stage, &gateway, &good, 200);
    let records: Vec<Record> = stage.records();
    let intent = records.iter().find(|record| record.text("receipt") == opened).unwrap();
    let subject = intent.text("subject").to_owned();

    let (code, rows) = shown(&log, &["--resource", "house-1/door-1", "--since", "1h"]);
    let cells = |row: &String| row.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(code, 0);
    assert_eq!(cells(&rows[0]), ["time", "kind", "what", "how", "thing", "who", "policies", "receipt"]);
    let told: Vec<_> = rows[1..].iter().map(|row| cells(row)[1..].join(" ")).collect();
    let by = format!("Door:house-1/door-1 {subject}");
    let policy = intent.get("decision")["policies"][0].as_str().unwrap();
    assert_eq!(
        told,
        [
            format!("intent openDoor allow {by} {policy} {opened}"),
            format!("outcome openDoor done {by} {policy} {opened}"),
            format!("repeat openDoor idempotency-replayed {by} {policy} {again}"),
        ],
        "{rows:#?}"
    );

    // The whole story of a receipt, with what tells of it; and every member of it.
    let (code, page) = shown(&log, &["--receipt", &opened]);
    let heads: Vec<_> = page.iter().filter(|line| line.starts_with("20")).map(|line| cells(line)[1].clone()).collect();
    assert_eq!((code, heads), (0, ["intent", "outcome", "repeat"].map(str::to_owned).to_vec()), "{page:#?}");
    for member in ["decision.inputs.grantedDoors", "epoch", "bundle", "protected", "micros.decide"] {
        assert!(page.iter().any(|line| line.trim_start().starts_with(member)), "{member}: {page:#?}");
    }

    // To machines each record as it stands.
    let (code, json) = shown(&log, &["--receipt", &opened, "--format", "json"]);
    let wanted: Vec<String> = lines(&log).into_iter().filter(|line| line.contains(&opened)).collect();
    assert_eq!((code, json), (0, wanted));

    for (arguments, receipts) in [
        (vec!["--reason", "policy-denied"], vec![&refused]),
        (vec!["--handle", &subject, "--kind", "refusal"], vec![&refused]),
        (vec!["--operation", "openDoor", "--last", "2"], vec![&refused, &again]),
        (vec!["--kind", "outcome", "--partner", "smarthome", "--tenant", "north"], vec![&opened]),
        (vec!["--reason", "revoked"], vec![]),
        (vec!["--resource", "house-1/door-1", "--until", "2026-01-01", "--tz", "Europe/Moscow"], vec![]),
    ] {
        let (code, json) = shown(&log, &[&arguments[..], &["--format", "json"]].concat());
        let found: Vec<Value> = json.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        let found: Vec<&str> = found.iter().map(|record| record["receipt"].as_str().unwrap()).collect();
        assert_eq!(found, receipts, "{arguments:?}");
        assert_eq!(code, i32::from(receipts.is_empty()), "{arguments:?}");
    }
    assert_eq!(shown(&log, &["--reason", "revoked"]), (1, vec!["no record of the log fits".to_owned()]));
    let moscow = shown(&log, &["--kind", "outcome", "--tz", "Europe/Moscow"]).1;
    assert!(moscow[1].contains("+03:00  outcome"), "{moscow:?}");

    let (code, out, err) = told_by(&["audit", "stats", "--audit", &log, "--format", "json"]);
    let stats: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, err.as_str()), (0, ""));
    let reasons = serde_json::json!({"done": 1, "idempotency-replayed": 1, "policy-denied": 1});
    assert_eq!(stats["operations"], serde_json::json!([{"operation": "openDoor", "count": 3, "reasons": reasons}]));
    assert_eq!(stats["records"], lines(&log).len());
    let (code, out, _) = told_by(&["audit", "stats", "--audit", &log]);
    assert!(code == 0 && out.contains("\nby hour (# done, - refused, . other)\n"), "{out}");

    // The resident's own values were there to be told: in the token.
    let payload = decode_base64url(good.token.unwrap().split('.').nth(1).unwrap()).unwrap();
    assert!(String::from_utf8(payload).unwrap().contains("ivanov"));
}

#[test]
fn the_page_for_investigators_is_followed_as_it_stands() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    let opened = receipt(&stage, &gateway, &Command::new(&stage), 200);
    let refused = receipt(&stage, &gateway, &Command::new(&stage).to(OTHER_DOOR), 404);
    gateway.shutdown();
    fs::copy(stage.path("state/audit/log.vkey"), stage.path("log.vkey")).unwrap();
    let verifier = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/check_proof.py");
    let programs = Path::new(env!("CARGO_BIN_EXE_portcullis")).parent().unwrap().display();
    let mut told = String::new();
    for block in shell_blocks(&page("docs/audit.md")) {
        let mut block = block.replace("r-aebagbafaydqqcikbmga2dqpca", &opened).replace("docs/check_proof.py", verifier);
        if block.contains("-1042.tlog-proof") {
            // Which leaf it is cannot be known before.
            let names =
                fs::read_dir(stage.path("")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
            let proof = names.filter(|name| name.ends_with(".tlog-proof")).max().unwrap();
            block = block.replace(&format!("{opened}-1042.tlog-proof"), &proof);
        }
        told.push_str(&done(&shell(&stage.path(""), &format!("export PATH={programs}:$PATH\n{block}"))));
    }
    // Who, by which right, and what became of it; then every member, and what the policies say to it.
    let rows: Vec<&str> = told.lines().filter(|line| line.ends_with(&opened)).collect();
    let subject =
        stage.records().iter().find(|record| record.text("receipt") == opened).unwrap().text("subject").to_owned();
    assert!(rows.len() >= 2 && rows[0].contains("+03:00  intent") && rows[1].contains("  outcome "), "{told}");
    assert!(rows[..2].iter().all(|row| row.contains(&subject) && row.contains("open-granted-door")), "{told}");
    assert!(!told.contains(&refused), "that was another door: {told}");
    for part in ["  decision.inputs.grantedDoors ", ": proved\n", "let through: done (step 10, the end)"] {
        assert!(told.contains(part), "{part} in: {told}");
    }
}

fn follow(log: &str, arguments: &[&str]) -> Child {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_portcullis"));
    command.args(["audit", "show", "--audit", log, "--follow", "--format", "json"]).args(arguments);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

#[test]
fn what_comes_is_followed_until_ctrl_c_or_until_nobody_reads_any_more() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    let log = log(&stage);
    let before = receipt(&stage, &gateway, &Command::new(&stage), 200);
    let mut child = follow(&log, &["--operation", "openDoor", "--last", "1"]);
    let mut told = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut next = || {
        let record: Value = serde_json::from_str(&told.next().unwrap()).unwrap();
        (record["kind"].as_str().unwrap().to_owned(), record["receipt"].as_str().unwrap().to_owned())
    };
    assert_eq!(next(), ("outcome".to_owned(), before));
    for _ in 0..3 {
        let after = receipt(&stage, &gateway, &Command::new(&stage), 200);
        assert_eq!([next(), next()], [("intent".to_owned(), after.clone()), ("outcome".to_owned(), after)]);
    }
    let sent = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    assert_eq!((child.wait().unwrap().code(), told.count()), (Some(0), 0));

    let mut child = follow(&log, &["--last", "1"]);
    let mut told = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    told.read_line(&mut line).unwrap();
    assert!(line.starts_with("{\"v\":2,"));
    drop(told);
    receipt(&stage, &gateway, &Command::new(&stage), 200);
    assert_eq!(child.wait().unwrap().code(), Some(0), "it ends with the pipe");
}

/// A copy of a log whose segments hold `cut` records each.
fn copy_in_segments(log: &str, cut: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (number, lines) in lines(log).chunks(cut).enumerate() {
        write(folder.path(), number + 1, &(lines.join("\n") + "\n"));
    }
    folder
}

fn write(folder: &Path, number: usize, text: &str) {
    fs::write(folder.join(format!("segment-{number:010}.jsonl")), text).unwrap();
}

#[test]
fn damage_is_said_with_its_place_and_what_stands_behind_it_is_shown_all_the_same() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    let receipts: Vec<_> = (0..4).map(|_| receipt(&stage, &gateway, &Command::new(&stage), 200)).collect();
    gateway.shutdown();
    let copy = copy_in_segments(&log(&stage), 3);
    let log = copy.path().display().to_string();
    let outcomes = |arguments: &[&str]| {
        let line = ["audit", "show", "--audit", &log, "--kind", "outcome", "--format", "json"];
        let (code, out, err) = told_by(&[&line[..], arguments].concat());
        let found: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let found = found.iter().map(|record| record["receipt"].as_str().unwrap().to_owned());
        (code, found.collect::<Vec<_>>(), err)
    };
    assert_eq!(outcomes(&[]), (0, receipts.clone(), String::new()));
    let first = fs::read_to_string(copy.path().join("segment-0000000001.jsonl")).unwrap();
    write(copy.path(), 1, &first.replacen("\"kind\":\"start\"", "\"kind\":\"stray\"", 1));
    let (code, found, err) = outcomes(&[]);
    assert_eq!((code, &found), (1, &receipts));
    assert!(err.starts_with("error[audit-log]: ") && err.contains("-0000000001.jsonl` is damaged at byte "), "{err}");
    fs::remove_file(copy.path().join("segment-0000000002.jsonl")).unwrap();
    let (code, found, err) = outcomes(&["--last", "1"]);
    assert_eq!((code, found.as_slice()), (1, &receipts[3..]), "{err}");
    let (code, found, err) = outcomes(&[]);
    assert!(code == 1 && found.len() < 4 && err.contains("segment 2 of the log is not there"), "{err}");
    let (code, out, err) = told_by(&["audit", "show", "--audit", "/nowhere/\u{1b}[2J"]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("error[audit-log]: `/nowhere/\\u{1b}[2J` cannot be used"), "{err}");
}

//! Outsiders are witnesses of the log without doing anything: a partner by the tokens of its commands, and who asks for it by
//! `/-/checkpoint`. What they saw is held against the log by what verifies logs, which shares no code with what writes them.

use crate::harness::Command;
use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::ops_page;
use crate::harness::page;
use crate::harness::told_by;
use crate::harness::until;
use portcullis::crypto::Jws;
use portcullis::devkit::AUTHORITY;
use portcullis::evidence::Checkpoint;
use portcullis::evidence::Frontier;
use portcullis::evidence::VerifierKey;
use portcullis::evidence::base64_of_hash;
use portcullis::evidence::leaf_hash;
use serde_json::Value;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command as Program;
use std::process::Output;
use std::process::Stdio;

/// What the log of a stage is called.
const LOG_ORIGIN: &str = "gateway.prop.example/audit";

/// The root of the first records of a log that has one segment.
pub fn root(stage: &Stage, size: u64) -> String {
    let bytes = fs::read(stage.path("state/audit/segment-0000000001.jsonl")).unwrap();
    let mut tree = Frontier::new(0, Vec::new()).unwrap();
    for line in bytes.split(|byte| *byte == b'\n').take(usize::try_from(size).unwrap()) {
        assert!(line.first() == Some(&b'{'), "so many are there");
        tree.push(leaf_hash(line), |_, _| ());
    }
    base64_of_hash(&tree.root())
}

/// The claim of the last token that the partner received.
fn claim(stage: &Stage) -> Value {
    let last = stage.partner.raw().pop().unwrap();
    let text = String::from_utf8(last.bytes).unwrap();
    let (_, token) = text.rsplit_once("Bearer ").unwrap();
    let jws = Jws::split(token.lines().next().unwrap()).unwrap();
    serde_json::from_slice::<Value>(jws.payload()).unwrap()["audit_log"].clone()
}

#[test]
fn a_partner_sees_with_each_command_how_far_the_record_has_come_and_so_does_who_asks_the_ops_listener() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    let key = VerifierKey::parse(fs::read_to_string(stage.path("state/audit/log.vkey")).unwrap().trim()).unwrap();
    let newest = || {
        let (status, note) = ops_page(gateway.ops, "/-/checkpoint");
        assert_eq!(status, 200, "{note}");
        Checkpoint::verified(note.as_bytes(), &key, LOG_ORIGIN).unwrap()
    };
    let mut last = 0;
    for _ in 0..2 {
        let answer = stage.wait(Command::new(&stage).give(&stage.backend(gateway.address))).unwrap();
        assert_eq!(answer.status, 200);
        let seen = claim(&stage);
        let size = seen["size"].as_u64().unwrap();
        assert!(seen["origin"] == LOG_ORIGIN && size >= last, "{seen}");
        assert_eq!(seen["root"], root(&stage, size));
        last = size;
        // The command's own records are covered by the next one.
        until("a checkpoint of the command", || newest().size > size);
        let shown = newest();
        assert_eq!(base64_of_hash(&shown.root), root(&stage, shown.size));
        last = last.max(shown.size);
    }
}

/// The program that the page gives to partners, with the gateway's name leading to this address.
fn keeping(stage: &Stage, at: SocketAddr, file: &Path) -> Output {
    let page = page("docs/audit.md");
    let (_, rest) = page.split_once("```python\n").unwrap();
    let (program, _) = rest.split_once("\n```\n").unwrap();
    let (host, port) = (at.ip(), at.port());
    let led = format!(
        "import socket\nreal = socket.create_connection\n\
         socket.create_connection = lambda _, *more, **named: real((\"{host}\", {port}), *more, **named)\n{program}\n"
    );
    let pki = |name: &str| stage.path(&format!("pki/{name}"));
    let mut python = Program::new("python3");
    python.args(["-c", &led, AUTHORITY]).arg(pki("gateway-authority.pem"));
    python.arg(pki("partner-client.pem")).arg(pki("partner-client.key")).arg(file);
    python.stdin(Stdio::null()).output().unwrap()
}

/// Some commands, and their records under a checkpoint.
fn goes_on(stage: &Stage, gateway: &Served, commands: usize) {
    for _ in 0..commands {
        Command::new(stage).told(stage, gateway.address).is(200, "");
    }
    let size = || gateway.metric("portcullis_audit_checkpoint_records");
    let before = size();
    until("a checkpoint of them", || size() > before || size() >= stage.records().len() as u64);
}

#[test]
fn a_partner_that_keeps_checkpoints_finds_a_log_that_was_written_anew_under_the_key() {
    let stage = Stage::new();
    let (log, key, seen) = (stage.path("state/audit"), stage.path("kept.vkey"), stage.path("seen"));
    let gateway = Served::on(&stage);
    fs::copy(log.join("log.vkey"), &key).unwrap();
    let recorded = stage.records().len();
    for _ in 0..3 {
        goes_on(&stage, &gateway, 2);
        let kept = keeping(&stage, gateway.partners.unwrap(), &seen);
        assert!(kept.status.success(), "{}", String::from_utf8_lossy(&kept.stderr));
    }
    let notes = fs::read_to_string(&seen).unwrap();
    assert_eq!(notes.matches(LOG_ORIGIN).count(), 6, "three notes, each with its name and its signature's: {notes}");
    let unsaid =
        stage.records().iter().skip(recorded).filter(|record| record.text("peer").contains("smarthome")).count();
    assert_eq!(unsaid, 0, "who asks for it stands in no record");
    drop(gateway);
    let verified = |more: &[&str]| {
        let known = ["audit", "verify", log.to_str().unwrap(), "--key", key.to_str().unwrap(), "--format", "json"];
        let (code, out, err) = told_by(&[&known, more].concat());
        assert_eq!(err, "");
        let told: Value = serde_json::from_str(&out).unwrap();
        let codes = told["findings"].as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap().to_owned());
        (code, codes.collect::<Vec<_>>(), told["seen"].as_u64())
    };
    let by_the_partner = ["--seen", seen.to_str().unwrap()];
    assert_eq!(verified(&by_the_partner), (0, vec![], Some(3)));

    // Somebody with root and the key writes the history of these doors anew: shorter, and then as long as it was.
    let begin_anew = |commands: usize| {
        for gone in ["state/audit", "state/store"] {
            let place = stage.path(gone);
            if place.is_dir() {
                fs::remove_dir_all(&place).unwrap();
                fs::create_dir(&place).unwrap();
            }
        }
        for entry in fs::read_dir(stage.path("state")).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_file() {
                fs::remove_file(entry).unwrap();
            }
        }
        let gateway = Served::on(&stage);
        goes_on(&stage, &gateway, commands);
    };
    begin_anew(1);
    assert_eq!(verified(&[]), (0, vec![], Some(0)), "by itself it is in order");
    let (code, codes, _) = verified(&by_the_partner);
    assert!(code == 1 && codes.iter().all(|code| code.starts_with("seen-")) && !codes.is_empty(), "{codes:?}");
    begin_anew(12);
    assert_eq!(verified(&[]), (0, vec![], Some(0)));
    assert_eq!(verified(&by_the_partner), (1, vec!["seen-other".to_owned(); 3], Some(3)));
}

#[test]
fn a_partner_is_told_the_checkpoint_by_its_certificate_alone_and_a_stranger_nothing() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    let caller = stage.caller(gateway.partners);
    let asked =
        |method: &str, path: &str, fields: &[(&str, &str)]| stage.wait(caller.call(method, path, fields, b"")).unwrap();
    let told = asked("GET", "/-/checkpoint", &[("Authorization", "Bearer nonsense")]);
    assert_eq!((told.status, told.header("content-type")), (200, Some("text/plain; charset=utf-8")), "{}", told.text());
    let key = VerifierKey::parse(fs::read_to_string(stage.path("state/audit/log.vkey")).unwrap().trim()).unwrap();
    let shown = Checkpoint::verified(told.text().as_bytes(), &key, LOG_ORIGIN).unwrap();
    assert_eq!(base64_of_hash(&shown.root), root(&stage, shown.size));
    for (method, path, status) in
        [("POST", "/-/checkpoint", 405), ("GET", "/-/checkpoint/", 404), ("GET", "/-/checkpoint?a=b", 400)]
    {
        assert_eq!(asked(method, path, &[]).status, status, "{method} {path}");
    }
    // No entry bundle, no tile, no record.
    for path in ["/-/tile/0/000", "/-/tile/entries/000", "/tile/0/000", "/-/segment-0000000001.jsonl", "/log.vkey"] {
        assert_eq!(asked("GET", path, &[]).status, 404, "{path}");
    }
    let at_backends = stage.wait(stage.backend(gateway.address).call("GET", "/-/checkpoint", &[], b"")).unwrap();
    assert_eq!(at_backends.status, 404, "it is told to partners alone");
}

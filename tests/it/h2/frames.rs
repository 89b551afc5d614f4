//! Sequences of frames, written by another library of HTTP/2 (`frames.py`): each meets its fate, and the fence holds.

use crate::harness::Scene;
use portcullis::devkit::AUTHORITY;
use serde_json::Value;
use serde_json::json;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Write;
use std::process::Command;
use std::process::Stdio;

/// Debian's own, which has the library.
const PYTHON: &str = "/usr/bin/python3";

const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/h2/frames.py");

/// How many sequences the table must have.
const AT_LEAST: usize = 60;

#[test]
fn every_sequence_of_frames_meets_its_fate() {
    let scene = Scene::within("h2_streams_max: 4, idle_timeout_ms: 1s, body_timeout_ms: 1s");
    let mut client = Command::new(PYTHON)
        .args([PROGRAM, &scene.gateway.address.to_string(), AUTHORITY])
        .arg(scene.stage.path("pki"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut orders, reports) = (client.stdin.take().unwrap(), BufReader::new(client.stdout.take().unwrap()));
    let mut reports = reports.lines();
    let (mut sequences, mut astray) = (0, Vec::new());
    loop {
        let command = scene.command();
        let fields: Vec<_> =
            command.fields().into_iter().map(|(name, value)| json!([name.to_lowercase(), value])).collect();
        let body = String::from_utf8(command.body.clone()).unwrap();
        writeln!(orders, "{}", json!({"target": command.target, "fields": fields, "body": body})).unwrap();
        let report = reports.next().expect("the client goes on").unwrap();
        let report: Value = serde_json::from_str(&report).unwrap();
        let Some(name) = report["name"].as_str() else { break };
        if report["met"] != report["expected"] {
            astray.push(report.to_string());
        }
        if report["met"].as_str().is_some_and(|fate| fate.contains("200")) {
            scene.notes();
        }
        scene.passes_after(name);
        sequences += 1;
    }
    assert!(astray.is_empty(), "{}", astray.join("\n"));
    assert!(client.wait().unwrap().success());
    assert!(sequences >= AT_LEAST, "{sequences}");
}

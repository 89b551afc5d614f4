//! Outsiders are witnesses of the log without doing anything: a partner by the tokens of its commands, and who asks for it by
//! `/-/checkpoint`. What they saw is held against the log by what verifies logs, which shares no code with what writes them.

use crate::harness::Command;
use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::ops_page;
use crate::harness::until;
use portcullis::crypto::Jws;
use portcullis::evidence::Checkpoint;
use portcullis::evidence::Frontier;
use portcullis::evidence::VerifierKey;
use portcullis::evidence::base64_of_hash;
use portcullis::evidence::leaf_hash;
use serde_json::Value;
use std::fs;

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

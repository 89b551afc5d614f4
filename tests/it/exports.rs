//! Streams out: records go to syslog, OTLP and files while the gateway works, in order, each at least once, and nothing is lost
//! whatever becomes of either side. What came is held against the log itself, read as a stranger does.

mod collector;
mod files;
mod rsyslog;
mod syslog;

use crate::harness::Command;
use crate::harness::Deed;
use crate::harness::Lot;
use crate::harness::Receiver;
use crate::harness::Record;
use crate::harness::Stage;
use crate::harness::counted_messages;
use crate::harness::export_identity;
use crate::harness::ops_page;
use crate::harness::until;
use portcullis::evidence;
use portcullis::evidence::VerifierKey;
use serde_json::Value;
use std::fs;
use std::io::BufRead;
use std::io::BufReader;
use std::net::SocketAddr;

/// The TLS part of a destination that the partner's authority signs, with a certificate of our own.
const TLS: &str = "tls: {ca: pki/partner-authority.pem, certificate: pki/export.pem, key: pki/export.key}";

/// Writes destinations into the stage's configuration, and the certificate that they show.
fn exporting(stage: &Stage, exports: &[String]) {
    export_identity(stage);
    let key = "checkpoint_key: pki/checkpoint.key";
    stage.edit("gateway.yaml", key, &format!("{key}, exports: [{}]", exports.join(", ")));
}

fn to_syslog(name: &str, address: SocketAddr, format: &str) -> String {
    format!(
        "{{name: {name}, syslog: {{address: \"{address}\", server_name: partner.example, {TLS}, format: {format}}}}}"
    )
}

fn to_otlp(name: &str, address: SocketAddr) -> String {
    format!("{{name: {name}, otlp: {{url: \"https://{address}/v1/logs\", server_name: partner.example, {TLS}}}}}")
}

fn to_file(name: &str, path: &str, format: &str) -> String {
    format!("{{name: {name}, file: {{path: {path}, format: {format}}}}}")
}

/// How a destination stands, as `/-/status` tells.
fn stand(ops: SocketAddr, name: &str) -> Value {
    let status: Value = serde_json::from_str(&ops_page(ops, "/-/status").1).unwrap();
    let exports = status["exports"].as_array().unwrap();
    exports.iter().find(|one| one["name"] == name).unwrap_or_else(|| panic!("no {name} in {exports:?}")).clone()
}

/// Every line of the log, those that a segment begins with too: the leaves of its tree, read as a stranger does.
fn leaves(stage: &Stage) -> Vec<Record> {
    let mut files: Vec<_> =
        fs::read_dir(stage.path("state/audit")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|kind| kind == "jsonl"));
    files.sort();
    let lines = files.iter().flat_map(|path| {
        let mut bytes = Vec::new();
        BufReader::new(fs::File::open(path).unwrap()).read_until(0, &mut bytes).unwrap();
        bytes.pop_if(|byte| *byte == 0);
        let text = String::from_utf8(bytes).unwrap();
        let whole = text.rsplit_once('\n').map_or(String::new(), |(whole, _)| whole.to_owned());
        whole.lines().map(|line| Record(serde_json::from_str(line).unwrap())).collect::<Vec<_>>()
    });
    lines.collect()
}

/// Waits until a destination has every record that is in the log now. Nothing else may be written meanwhile.
#[track_caller]
fn caught_up(stage: &Stage, ops: SocketAddr, name: &str) {
    until(&format!("{name} has everything"), || {
        let index = stand(ops, name)["place"].as_str().unwrap().rsplit(':').next().unwrap().parse::<usize>().unwrap();
        index >= leaves(stage).len()
    });
}

/// Good commands, each with a key of its own.
fn commands(stage: &Stage, gateway: SocketAddr, count: usize) {
    for _ in 0..count {
        Command::new(stage).told(stage, gateway).is(200, "");
    }
}

/// A record as it came, by its number in the log.
#[derive(Clone, Debug)]
struct Came {
    index: usize,
    record: Record,
}

/// What one batch held: its records, and the checkpoint behind them.
struct Batch {
    records: Vec<Came>,
    checkpoint: String,
}

/// Fails unless what came is every record of the log: in order, none left out, and again only from a place that had been kept.
#[track_caller]
fn is_the_whole_log(stage: &Stage, batches: &[Batch]) {
    let records = leaves(stage);
    let key = VerifierKey::parse(fs::read_to_string(stage.path("state/audit/log.vkey")).unwrap().trim()).unwrap();
    let mut next = 0;
    for batch in batches {
        let (Some(first), Some(last)) = (batch.records.first(), batch.records.last()) else { panic!("an empty batch") };
        assert!(first.index <= next, "{} to {} is left out", next, first.index);
        for (came, index) in batch.records.iter().zip(first.index..) {
            assert_eq!(came.index, index, "in order");
            let members = came.record.0.as_object().unwrap();
            for (name, value) in members {
                assert_eq!(Some(value), records[index].0.get(name), "{name} of record {index}");
            }
            assert!(members.len() >= 3, "{members:?}");
        }
        let note = evidence::Checkpoint::verified(batch.checkpoint.as_bytes(), &key, key.name()).unwrap();
        assert!(note.size > last.index as u64, "the checkpoint covers what it came with");
        next = next.max(last.index + 1);
    }
    assert_eq!(next, records.len(), "everything came");
}

/// How many records came more than once.
fn repeated(batches: &[Batch]) -> usize {
    let (mut next, mut repeated) = (0, 0);
    for came in batches.iter().flat_map(|batch| &batch.records) {
        repeated += usize::from(came.index < next);
        next = next.max(came.index + 1);
    }
    repeated
}

/// What lines of JSON hold, as the format `jsonl` writes them.
fn batches_of_lines(text: &str) -> Vec<Batch> {
    let (mut batches, mut records) = (Vec::new(), Vec::new());
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        match line.get("checkpoint") {
            Some(note) => {
                let checkpoint = note.as_str().unwrap().to_owned();
                batches.push(Batch { records: std::mem::take(&mut records), checkpoint });
            }
            None => {
                let index = usize::try_from(line["log"]["index"].as_u64().unwrap()).unwrap();
                records.push(Came { index, record: Record(line["record"].clone()) });
            }
        }
    }
    assert!(records.is_empty(), "{} records without a checkpoint", records.len());
    batches
}

/// A record in a syslog message of RFC 5424, or the note of a checkpoint.
fn in_message(message: &str) -> Result<Came, String> {
    let mut header = message.splitn(8, ' ');
    let (priority, time) = (header.next().unwrap(), header.next().unwrap());
    assert!(priority.starts_with('<') && priority.ends_with(">1"), "{message}");
    let (host, app, process, kind) = (header.next().unwrap(), header.next(), header.next(), header.next().unwrap());
    assert_eq!((host, app, process), ("gateway.prop.example", Some("portcullis"), Some("-")), "{message}");
    let (_, data) = message.split_once("[log@32473 ").unwrap();
    let number = |name: &str| data.split_once(&format!("{name}=\"")).unwrap().1.split('"').next().unwrap().parse().ok();
    let text: Value =
        serde_json::from_str(message.rsplit_once("] {").map(|(_, json)| format!("{{{json}")).unwrap().as_str())
            .unwrap();
    if kind == "checkpoint" {
        return Err(text["checkpoint"].as_str().unwrap().to_owned());
    }
    let mut members = text.as_object().unwrap().clone();
    members.insert("kind".into(), kind.into());
    members.insert("time".into(), time.into());
    Ok(Came { index: number("index").unwrap(), record: Record(Value::Object(members)) })
}

/// What syslog messages hold.
fn batches_of_messages<'m>(messages: impl IntoIterator<Item = &'m str>) -> Vec<Batch> {
    let (mut batches, mut records) = (Vec::new(), Vec::new());
    for message in messages {
        match in_message(message) {
            Ok(came) => records.push(came),
            Err(checkpoint) => batches.push(Batch { records: std::mem::take(&mut records), checkpoint }),
        }
    }
    assert!(records.is_empty(), "{} records without a checkpoint", records.len());
    batches
}

fn batches_of_lots(lots: &[Lot]) -> Vec<Batch> {
    let of_lot = |lot: &Lot| {
        let messages = counted_messages(&lot.bytes);
        let batches = batches_of_messages(messages.iter().map(String::as_str));
        assert_eq!(batches.len(), 1, "a connection is one batch");
        batches
    };
    lots.iter().flat_map(of_lot).collect()
}

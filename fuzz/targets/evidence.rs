//! What a stranger reads of the audit log: notes, proofs, segments. Each has one spelling, and nobody signed it here.

use portcullis::crypto::sha256_joined;
use portcullis::evidence::ConsistencyProof;
use portcullis::evidence::NOTE_MAX_BYTES;
use portcullis::evidence::Note;
use portcullis::evidence::Progress;
use portcullis::evidence::Proof;
use portcullis::evidence::Question;
use portcullis::evidence::Seen;
use portcullis::evidence::VerifierKey;
use portcullis::evidence::examine;
use serde_json::Value;
use std::fs;
use std::sync::LazyLock;
use tempfile::TempDir;

pub const NOTE_WORDS: &[&str] =
    &["\n\n", "\n", "— ", "PeterNeumann", "x08go", "==", "=", " ", "+", "\u{a0}", "0", "18446744073709551616"];

pub const PROOF_WORDS: &[&str] = &[
    "c2sp.org/tlog-proof@v1\n",
    "portcullis/tlog-consistency@v1\n",
    "extra ",
    "index ",
    "\n\n",
    "\n",
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
    "=",
    "0",
];

pub const SEGMENT_WORDS: &[&str] = &[
    "\n",
    "\0",
    "{\"v\":2,\"kind\":\"intent\"",
    "\"kind\":\"segment\"",
    ",\"v\":1",
    "\"v\":2",
    ",\"time\":\"2026-11-27T10:00:00.000Z\"",
    ",\"salt\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"",
    ",\"sum\":\"0000000000000000\"",
    "[[[[[[[[[[[[[[[[",
    "\u{ffff}",
    "\\ud800",
    "1e400",
    "null",
];

/// The key of the tests of Go's `sumdb/note`, and the only text that it is known to have signed.
const KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const SIGNED: &str =
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";

static WORLD: LazyLock<(VerifierKey, TempDir)> =
    LazyLock::new(|| (VerifierKey::parse(KEY).unwrap(), tempfile::tempdir().unwrap()));

/// A signed note.
pub fn note(data: &[u8]) -> bool {
    let Ok(note) = Note::parse(data) else { return false };
    let whole = std::str::from_utf8(data).expect("a note is text");
    assert!(whole.len() <= NOTE_MAX_BYTES && !whole.contains(|c: char| c < ' ' && c != '\n'));
    let rest = whole.strip_prefix(note.text()).expect("the text comes first");
    let lines = rest.strip_prefix('\n').expect("a blank line").strip_suffix('\n').expect("an end");
    assert!(note.text().ends_with('\n') && !lines.contains("\n\n"));
    for line in lines.split('\n') {
        let parts: Vec<&str> = line.split(' ').collect();
        assert!(
            matches!(parts.as_slice(), ["—", name, signature] if !name.is_empty() && signature.len() >= 8),
            "{line}"
        );
    }
    assert!(note.verify(&WORLD.0).is_err() || note.text() == SIGNED, "a forged note");
    if let Ok(checkpoint) = note.unverified_checkpoint() {
        let root = portcullis::evidence::base64_of_hash(&checkpoint.root);
        assert_eq!(note.text(), format!("{}\n{}\n{root}\n", checkpoint.origin, checkpoint.size), "one spelling");
    }
    true
}

/// A proof of either kind.
pub fn proof(data: &[u8]) -> bool {
    if ConsistencyProof::is_one(data) {
        let Ok(proof) = ConsistencyProof::parse(data) else { return false };
        assert_eq!(proof.text().as_bytes(), data, "one spelling");
        assert!(proof.check(&WORLD.0).is_err(), "nobody signed it");
        return true;
    }
    let Ok(proof) = Proof::parse(data) else { return false };
    assert_eq!(proof.text().as_bytes(), data, "one spelling");
    assert!(proof.check(&WORLD.0).is_err(), "nobody signed it");
    true
}

/// Records without their ends; a run adds sums that are right, and a header before them.
pub fn segment(data: &[u8]) -> bool {
    let (key, folder) = &*WORLD;
    let ended = |body: &[u8]| {
        let digits = sha256_joined(&[&[0], body]).to_string();
        [body, b",\"sum\":\"", digits.get(..16).unwrap().as_bytes(), b"\"}\n"].concat()
    };
    let header = "{\"v\":2,\"kind\":\"segment\",\"time\":\"2026-11-27T10:00:00.000Z\",\"salt\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\",\"segment\":1,\"origin\":\"PeterNeumann\",\"size\":0,\"root\":\"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\",\"frontier\":[]";
    let bodies: Vec<&[u8]> = data.split(|byte| *byte == b'\n').filter(|body| !body.is_empty()).collect();
    let lines: Vec<u8> = std::iter::once(header.as_bytes()).chain(bodies.iter().copied()).flat_map(ended).collect();
    fs::write(folder.path().join("segment-0000000001.jsonl"), lines).unwrap();
    let question = Question { directory: folder.path(), key, origin: "PeterNeumann", progress: &Progress::default() };
    let report = examine(&question, Seen::default()).expect("files that can be read");
    assert!(report.attested.is_none() && report.unattested() == report.size, "nobody signed it");
    let whole = usize::try_from(report.size).unwrap();
    // Whatever was taken for a record is one to another parser, also where the log ends early.
    for body in bodies.iter().take(whole.saturating_sub(1)) {
        let line = ended(body);
        let other: Value = serde_json::from_slice(&line).expect("JSON to another parser");
        assert_eq!(other["v"], 2, "{other}");
        assert!(other["kind"].is_string() && other["kind"] != "segment", "{other}");
        assert_eq!(other["salt"].as_str().map(str::len), Some(43), "{other}");
        assert_eq!(other["sum"].as_str().map(str::len), Some(16), "{other}");
    }
    whole == bodies.len() + 1 && report.torn.is_none() && whole > 1
}

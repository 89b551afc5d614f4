//! A log written by `docs/audit-format.md`, by the plainest means: hashes of the whole, sums of whole lines, no state.
//!
//! Its files are held in memory, so that a test can do to them what it likes, and are then written into a folder.

use crate::evidence::Progress;
use crate::evidence::Question;
use crate::evidence::Report;
use crate::evidence::Seen;
use crate::evidence::VerifierKey;
use crate::evidence::examine;
use aws_lc_rs::signature::Ed25519KeyPair;
use aws_lc_rs::signature::KeyPair;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::Digest;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

pub(crate) type Hash = [u8; 32];

pub(crate) const ORIGIN: &str = "gateway.test.example/audit";

/// The files of a log by their names.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// A log that is being written.
pub(crate) struct Forge {
    pair: Ed25519KeyPair,
    origin: String,
    /// The lines of each segment, without line feeds.
    pub(crate) segments: Vec<Vec<String>>,
    /// The notes beside each segment.
    notes: Vec<Vec<String>>,
}

pub(crate) fn sha256(pieces: &[&[u8]]) -> Hash {
    let mut hasher = sha2::Sha256::new();
    pieces.iter().for_each(|piece| hasher.update(piece));
    hasher.finalize().into()
}

pub(crate) fn leaf(line: &str) -> Hash {
    sha256(&[&[0], line.as_bytes()])
}

/// The root, by its definition.
pub(crate) fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => sha256(&[]),
        [one] => *one,
        more => {
            let half = more.len().next_power_of_two() / 2;
            sha256(&[&[1], &root(&more[..half]), &root(&more[half..])])
        }
    }
}

/// The roots of the maximal perfect subtrees.
fn frontier(leaves: &[Hash]) -> Vec<String> {
    let (mut left, mut found) = (leaves, Vec::new());
    while !left.is_empty() {
        let (tree, rest) = left.split_at(1 << left.len().ilog2());
        found.push(STANDARD.encode(root(tree)));
        left = rest;
    }
    found
}

/// A line with its sum.
pub(crate) fn summed(body: &str) -> String {
    let digits: String = sha256(&[&[0], body.as_bytes()])[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{body},\"sum\":\"{digits}\"}}")
}

/// The same line with something else in it, and a sum that is right.
pub(crate) fn changed(line: &str, from: &str, to: &str) -> String {
    assert!(line.contains(from), "{line} has no {from}");
    let (body, _) = line.rsplit_once(",\"sum\"").unwrap();
    summed(&body.replacen(from, to, 1))
}

impl Forge {
    /// A log of its own key.
    pub(crate) fn new(seed: u8) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
        Self { pair, origin: ORIGIN.to_owned(), segments: Vec::new(), notes: Vec::new() }
    }

    /// Three segments of a few records each, and checkpoints in between, at the ends and at the end.
    pub(crate) fn small() -> Self {
        let mut forge = Self::new(7);
        for segment in 0..3 {
            forge.segment();
            for number in 0..3 {
                forge.record(&format!(",\"receipt\":\"r-{segment}{number}\""));
                if number == 1 {
                    forge.checkpoint();
                }
            }
            forge.checkpoint();
        }
        forge
    }

    pub(crate) fn key(&self) -> VerifierKey {
        VerifierKey::parse(&self.vkey()).unwrap()
    }

    pub(crate) fn vkey(&self) -> String {
        let key = [&[1], self.pair.public_key().as_ref()].concat();
        let id: String = self.key_id().iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{}+{id}+{}", self.origin, STANDARD.encode(key))
    }

    fn key_id(&self) -> [u8; 4] {
        let id = sha256(&[self.origin.as_bytes(), b"\n\x01", self.pair.public_key().as_ref()]);
        id[..4].try_into().unwrap()
    }

    pub(crate) fn leaves(&self) -> Vec<Hash> {
        self.segments.iter().flatten().map(|line| leaf(line)).collect()
    }

    pub(crate) fn size(&self) -> usize {
        self.segments.iter().map(Vec::len).sum()
    }

    /// Begins a segment.
    pub(crate) fn segment(&mut self) {
        let leaves = self.leaves();
        let (number, size, root) = (self.segments.len() + 1, leaves.len(), STANDARD.encode(root(&leaves)));
        let frontier = frontier(&leaves).iter().map(|hash| format!("\"{hash}\"")).collect::<Vec<_>>().join(",");
        let body = format!(
            "{},\"segment\":{number},\"origin\":\"{}\",\"size\":{size},\"root\":\"{root}\",\"frontier\":[{frontier}],\"epoch\":0",
            self.head("segment"),
            self.origin
        );
        self.segments.push(vec![summed(&body)]);
        self.notes.push(Vec::new());
    }

    /// Writes a record with these further members.
    pub(crate) fn record(&mut self, members: &str) {
        let line = summed(&format!("{}{members}", self.head("intent")));
        self.segments.last_mut().unwrap().push(line);
    }

    fn head(&self, kind: &str) -> String {
        let salt = URL_SAFE_NO_PAD.encode(sha256(&[&self.size().to_be_bytes()]));
        format!("{{\"v\":2,\"kind\":\"{kind}\",\"time\":\"2026-11-27T10:00:00.000Z\",\"salt\":\"{salt}\"")
    }

    /// Signs all that is there.
    pub(crate) fn checkpoint(&mut self) {
        let note = self.signed(&self.leaves());
        self.notes.last_mut().unwrap().push(note);
    }

    /// A checkpoint over these leaves.
    pub(crate) fn signed(&self, leaves: &[Hash]) -> String {
        self.note(leaves.len(), &root(leaves))
    }

    pub(crate) fn note(&self, size: usize, root: &Hash) -> String {
        let text = format!("{}\n{size}\n{}\n", self.origin, STANDARD.encode(root));
        let signature = [self.key_id().as_slice(), self.pair.sign(text.as_bytes()).as_ref()].concat();
        format!("{text}\n— {} {}\n", self.origin, STANDARD.encode(signature))
    }

    /// Segments, checkpoints and the newest checkpoint, as they are after a stop.
    pub(crate) fn files(&self) -> Files {
        let mut files = Files::new();
        for (at, (lines, notes)) in self.segments.iter().zip(&self.notes).enumerate() {
            let name = format!("segment-{:010}", at + 1);
            let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
            files.insert(format!("{name}.jsonl"), text.into_bytes());
            if !notes.is_empty() {
                files.insert(format!("{name}.checkpoints"), notes.join("\n").into_bytes());
            }
        }
        if let Some(newest) = self.notes.iter().flatten().last() {
            files.insert("checkpoint".to_owned(), newest.clone().into_bytes());
        }
        files
    }

    /// The tiles over all that is there, by their definition.
    pub(crate) fn tiles(&self) -> Files {
        let (mut level, mut hashes, mut files) = (0, self.leaves(), Files::new());
        while !hashes.is_empty() {
            for (number, tile) in hashes.chunks(256).enumerate() {
                assert!(number < 1000);
                let partial = if tile.len() < 256 { format!(".p/{}", tile.len()) } else { String::new() };
                files.insert(format!("tile/{level}/{number:03}{partial}"), tile.concat());
            }
            let full = hashes.chunks_exact(256).map(root).collect();
            (level, hashes) = (level + 1, full);
        }
        files
    }
}

/// Writes files, and makes a folder hold nothing else.
pub(crate) fn write(folder: &Path, files: &Files) {
    for (name, bytes) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

/// What the verifier says of a folder.
pub(crate) fn examined(folder: &Path, key: &VerifierKey, seen: Seen) -> Report {
    let question = Question { directory: folder, key, origin: ORIGIN, progress: &Progress::default() };
    examine(&question, seen).unwrap()
}

/// What the verifier says of files.
pub(crate) fn verdict(files: &Files, key: &VerifierKey) -> Report {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), files);
    examined(folder.path(), key, Seen::default())
}

/// The codes of what was found, each once.
pub(crate) fn codes(report: &Report) -> Vec<&'static str> {
    let mut codes: Vec<&str> = report.findings.iter().map(|finding| finding.wrong.code()).collect();
    codes.dedup();
    codes
}

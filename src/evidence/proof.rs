//! Proofs as files: that a record stands in a log (C2SP tlog-proof), and that one checkpoint goes on from another.
//!
//! Both are text, hold the signed checkpoints that they lead to, and need nothing else but the log's public key. There is one
//! spelling of each: a file in which a byte was changed proves nothing.

use crate::evidence::note::Checkpoint;
use crate::evidence::note::NOTE_MAX_BYTES;
use crate::evidence::note::NoteFault;
use crate::evidence::note::VerifierKey;
use crate::evidence::note::base64_of_hash;
use crate::evidence::note::decimal;
use crate::evidence::note::hash_of_base64;
use crate::evidence::record;
use crate::evidence::record::LINE_MAX_BYTES;
use crate::evidence::record::RecordFault;
use crate::evidence::tree::is_consistent;
use crate::evidence::tree::is_included;
use crate::evidence::tree::leaf_hash;
use crate::json::Value;
use crate::model::Sha256;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The longest proof, in bytes: the longest record in base64, and what stands around it.
pub const PROOF_MAX_BYTES: usize = LINE_MAX_BYTES / 3 * 4 + NOTE_MAX_BYTES * 2;
/// The most hashes of a path: as many as a tree can have levels.
const PATH_MAX: usize = 64;

const INCLUSION: &str = "c2sp.org/tlog-proof@v1\n";
const CONSISTENCY: &str = "portcullis/tlog-consistency@v1\n";

/// That a record stands in a log.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Proof {
    /// The record as it stands there.
    pub data: Vec<u8>,
    /// Its number, from 0.
    pub index: u64,
    /// The inclusion path.
    pub path: Vec<Sha256>,
    /// The checkpoint under which it stands, as a signed note.
    pub checkpoint: String,
}

/// That a log goes on from how it was.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConsistencyProof {
    /// The proof of RFC 6962 §2.1.2.
    pub path: Vec<Sha256>,
    /// The earlier checkpoint, as a signed note.
    pub first: String,
    /// The later one.
    pub second: String,
}

/// What a proof proves.
#[derive(Debug)]
pub struct Proved {
    /// The checkpoint under which the record stands.
    pub checkpoint: Checkpoint,
    /// The record.
    pub record: Value,
}

/// Why a file proves nothing.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ProofFault {
    /// It is no proof of this form.
    #[error("it is no proof: its form is not that of C2SP tlog-proof, with the record in `extra`")]
    Form,
    /// A checkpoint in it is none of this log's.
    #[error("its checkpoint does not hold: {0}")]
    Checkpoint(NoteFault),
    /// What stands in it is no record.
    #[error("what it is about is no record of a log: {0}")]
    Record(RecordFault),
    /// The path leads elsewhere.
    #[error("the record does not stand at this place under this checkpoint")]
    NotIncluded,
    /// The later checkpoint does not go on from the earlier one.
    #[error("the later checkpoint does not go on from the earlier one")]
    NotConsistent,
}

impl ProofFault {
    /// A word for machines.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Form => "no-proof",
            Self::Checkpoint(_) => "no-checkpoint-of-this-log",
            Self::Record(_) => "no-record",
            Self::NotIncluded => "not-included",
            Self::NotConsistent => "not-consistent",
        }
    }
}

impl Proof {
    /// Reads a proof. Nothing is checked but its form.
    ///
    /// # Errors
    /// [`ProofFault::Form`].
    pub fn parse(bytes: &[u8]) -> Result<Self, ProofFault> {
        let text = text(bytes)?.strip_prefix(INCLUSION).ok_or(ProofFault::Form)?;
        let (extra, rest) = text.split_once('\n').ok_or(ProofFault::Form)?;
        let (index, rest) = rest.split_once('\n').ok_or(ProofFault::Form)?;
        let data = extra.strip_prefix("extra ").and_then(|data| STANDARD.decode(data).ok()).ok_or(ProofFault::Form)?;
        let index = index.strip_prefix("index ").and_then(decimal).ok_or(ProofFault::Form)?;
        let (path, checkpoint) = path(rest)?;
        Ok(Self { data, index, path, checkpoint: checkpoint.to_owned() })
    }

    /// The text of the file.
    #[must_use]
    pub fn text(&self) -> String {
        let head = format!("{INCLUSION}extra {}\nindex {}\n", STANDARD.encode(&self.data), self.index);
        format!("{head}{}\n{}", lines(&self.path), self.checkpoint)
    }

    /// Checks it against the public key of the log.
    ///
    /// # Errors
    /// [`ProofFault`]; then it proves nothing.
    pub fn check(&self, key: &VerifierKey) -> Result<Proved, ProofFault> {
        let checkpoint = verified(&self.checkpoint, key)?;
        if !is_included(&leaf_hash(&self.data), self.index, checkpoint.size, &self.path, &checkpoint.root) {
            return Err(ProofFault::NotIncluded);
        }
        record::check(&self.data).map_err(|fault| ProofFault::Record(fault.why))?;
        let record = record::value(&self.data).ok_or(ProofFault::Form)?;
        Ok(Proved { checkpoint, record })
    }
}

impl ConsistencyProof {
    /// Whether a file says that it is one.
    #[must_use]
    pub fn is_one(bytes: &[u8]) -> bool {
        bytes.starts_with(CONSISTENCY.as_bytes())
    }

    /// Reads a proof. Nothing is checked but its form.
    ///
    /// # Errors
    /// [`ProofFault::Form`].
    pub fn parse(bytes: &[u8]) -> Result<Self, ProofFault> {
        let text = text(bytes)?.strip_prefix(CONSISTENCY).ok_or(ProofFault::Form)?;
        let (path, notes) = path(text)?;
        // A checkpoint's text has no blank line in it, so the second one ends the first note.
        let (signed, rest) = notes.split_once("\n\n").ok_or(ProofFault::Form)?;
        let (signatures, second) = rest.split_once("\n\n").ok_or(ProofFault::Form)?;
        Ok(Self { path, first: format!("{signed}\n\n{signatures}\n"), second: second.to_owned() })
    }

    /// The text of the file.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{CONSISTENCY}{}\n{}\n{}", lines(&self.path), self.first, self.second)
    }

    /// Checks it against the public key of the log; gives the earlier checkpoint and the later one.
    ///
    /// # Errors
    /// [`ProofFault`]; then it proves nothing.
    pub fn check(&self, key: &VerifierKey) -> Result<(Checkpoint, Checkpoint), ProofFault> {
        let (first, second) = (verified(&self.first, key)?, verified(&self.second, key)?);
        let holds = is_consistent((first.size, &first.root), (second.size, &second.root), &self.path);
        if holds { Ok((first, second)) } else { Err(ProofFault::NotConsistent) }
    }
}

fn text(bytes: &[u8]) -> Result<&str, ProofFault> {
    if bytes.len() > PROOF_MAX_BYTES {
        return Err(ProofFault::Form);
    }
    std::str::from_utf8(bytes).map_err(|_| ProofFault::Form)
}

fn verified(note: &str, key: &VerifierKey) -> Result<Checkpoint, ProofFault> {
    Checkpoint::verified(note.as_bytes(), key, key.name()).map_err(ProofFault::Checkpoint)
}

/// Hashes up to a blank line, and what follows it.
fn path(mut text: &str) -> Result<(Vec<Sha256>, &str), ProofFault> {
    let mut path = Vec::new();
    loop {
        let (line, rest) = text.split_once('\n').ok_or(ProofFault::Form)?;
        if line.is_empty() {
            return Ok((path, rest));
        }
        if path.len() == PATH_MAX {
            return Err(ProofFault::Form);
        }
        path.push(hash_of_base64(line).ok_or(ProofFault::Form)?);
        text = rest;
    }
}

fn lines(path: &[Sha256]) -> String {
    path.iter().map(|hash| base64_of_hash(hash) + "\n").collect()
}

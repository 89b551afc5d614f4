//! What outsiders saw of a log: its size and root at one moment.
//!
//! A file holds any number of them, one after the other: signed notes, with blank lines between them as one likes, and lines
//! of JSON with `origin`, `size` and `root`, as the partner's token carries them (other members are passed over: it is
//! evidence, not an order).

use crate::evidence::finding::Finding;
use crate::evidence::finding::Wrong;
use crate::evidence::note::Checkpoint;
use crate::evidence::note::NOTE_MAX_BYTES;
use crate::evidence::note::Note;
use crate::evidence::note::NoteFault;
use crate::evidence::note::VerifierKey;
use crate::evidence::note::hash_of_base64;
use crate::json;
use crate::json::Value;
use crate::model::Sha256;
use std::io;
use std::io::BufRead;
use std::io::Read;
use std::path::Path;
use std::path::PathBuf;

/// The most that one file may hold.
const CLAIMS_MAX: usize = 4_000_000;

/// A size and a root at which a log was seen.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Claim {
    pub(super) size: u64,
    pub(super) root: Sha256,
    /// Where it stands.
    pub(super) file: PathBuf,
    pub(super) offset: u64,
    /// Whether it is the log's own newest checkpoint.
    pub(super) is_own: bool,
}

/// What a file of such claims holds about one log.
#[derive(Debug, Default)]
pub struct Seen {
    pub(super) claims: Vec<Claim>,
    /// How many are about other logs.
    pub(super) others: u64,
    pub(super) findings: Vec<Finding>,
}

/// Why a file of claims cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SeenFault {
    /// The system says why.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// What stands there is neither.
    #[error("at byte {offset} is neither a signed checkpoint nor a line of JSON with `origin`, `size` and `root`")]
    Form {
        /// Where it begins.
        offset: u64,
    },
    /// There are too many.
    #[error("it holds more than {CLAIMS_MAX} claims: divide it")]
    TooMany,
    /// None is about this log.
    #[error("it holds nothing about the log that was asked for, and {others} claims about others")]
    OtherLogs {
        /// How many.
        others: u64,
    },
}

impl Claim {
    pub(super) fn finding(&self, wrong: Wrong) -> Finding {
        Finding { file: self.file.clone(), offset: self.offset, wrong }
    }
}

impl Seen {
    /// Reads what `from`, the content of `file`, says about the log called `origin`.
    ///
    /// # Errors
    /// [`SeenFault`]; a claim that cannot be read could be the one that matters.
    pub fn read(file: &Path, mut from: impl BufRead, key: &VerifierKey, origin: &str) -> Result<Self, SeenFault> {
        let (mut seen, mut offset) = (Self::default(), 0);
        loop {
            let (began, mut text) = (offset, Vec::new());
            let mut blank = false;
            // A note has a blank line within; the next one, or the end, or a line of JSON, ends it.
            loop {
                let held = text.len();
                let peeked = from.fill_buf()?.first().copied();
                if peeked.is_none() || (peeked == Some(b'{') && held > 0) {
                    break;
                }
                offset += (&mut from).take(NOTE_MAX_BYTES as u64 + 1).read_until(b'\n', &mut text)? as u64;
                let line = text.get(held..).unwrap_or_default();
                match line {
                    b"\n" if held == 0 || blank => {
                        text.truncate(held);
                        break;
                    }
                    b"\n" => blank = true,
                    _ if text.first() == Some(&b'{') => break,
                    _ if text.len() > NOTE_MAX_BYTES => return Err(SeenFault::Form { offset: began }),
                    _ => {}
                }
            }
            if text.is_empty() {
                if offset == began {
                    break;
                }
                continue;
            }
            seen.take(file, began, &text, key, origin)?;
        }
        if seen.claims.is_empty() && seen.findings.is_empty() {
            return Err(SeenFault::OtherLogs { others: seen.others });
        }
        Ok(seen)
    }

    /// Adds what another file holds.
    pub fn join(&mut self, mut other: Self) {
        self.claims.append(&mut other.claims);
        self.others += other.others;
        self.findings.append(&mut other.findings);
    }

    fn take(
        &mut self,
        file: &Path,
        offset: u64,
        text: &[u8],
        key: &VerifierKey,
        origin: &str,
    ) -> Result<(), SeenFault> {
        let wrong = SeenFault::Form { offset };
        let (checkpoint, signed) = if text.starts_with(b"{") {
            (claim(text).ok_or(wrong)?, Ok(()))
        } else {
            let note = Note::parse(text).ok();
            let checkpoint = note.as_ref().and_then(|note| note.unverified_checkpoint().ok());
            let (Some(note), Some(checkpoint)) = (note, checkpoint) else { return Err(wrong) };
            (checkpoint, note.verify(key))
        };
        if &*checkpoint.origin != origin {
            self.others += 1;
            return Ok(());
        }
        if self.claims.len() == CLAIMS_MAX {
            return Err(SeenFault::TooMany);
        }
        let Checkpoint { size, root, .. } = checkpoint;
        let claim = Claim { size, root, file: file.to_owned(), offset, is_own: false };
        self.findings.extend(signed.err().map(|fault: NoteFault| claim.finding(Wrong::SeenUnsigned(fault))));
        self.claims.push(claim);
        Ok(())
    }
}

/// A claim as the partner's token carries it.
fn claim(text: &[u8]) -> Option<Checkpoint> {
    let value = json::parse(text, json::Limits::default()).ok()?;
    let text = |name| value.get(name).and_then(Value::as_str);
    let size = value.get("size")?.as_integer().and_then(|size| u64::try_from(size).ok())?;
    Some(Checkpoint { origin: text("origin")?.into(), size, root: text("root").and_then(hash_of_base64)? })
}

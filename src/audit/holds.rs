//! Whether a log still holds what a checkpoint vouches for that somebody kept elsewhere: the store, or a backup.
//!
//! The log's own newest checkpoint lies in its directory, and goes back with it when an older copy is put in its place. One that
//! was kept elsewhere does not. The segment in which it was made is hashed from its own head up to the checkpoint's size; equal
//! roots say that the log is the same one up to there, and has come at least as far.

use crate::audit::archive::first_line;
use crate::audit::checkpoint::Checkpoint;
use crate::audit::fault::AuditOpenError;
use crate::audit::read::Line;
use crate::audit::read::Lines;
use crate::audit::record::Head;
use crate::audit::recover::io_at;
use crate::audit::segment;
use crate::audit::tree::leaf_hash;
use crate::crypto::NoteSigner;
use async_trait::async_trait;
use std::fs;
use std::path::Path;

/// Where the newest checkpoint is kept that somebody besides the log has seen.
#[async_trait]
pub trait SeenStore: Send + Sync {
    /// The note that was kept last.
    async fn last_seen(&self) -> Result<Option<String>, SeenFault>;

    /// Keeps a note in the place of the one before; durable when it returns.
    async fn keep_seen(&self, note: String) -> Result<(), SeenFault>;
}

/// The checkpoint cannot be kept, or read.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the store could not read or write the checkpoint of the log")]
pub struct SeenFault;

/// Why a log does not hold what a checkpoint vouches for.
#[derive(Debug, thiserror::Error)]
pub enum HoldsFault {
    /// The log cannot be read, or is damaged.
    #[error(transparent)]
    Open(#[from] AuditOpenError),
    /// The checkpoint is of another log, or by another key.
    #[error("the checkpoint is not by `audit.checkpoint_key` for `audit.origin`")]
    NotOurs,
    /// The log has not come so far.
    #[error("the log ends after {size} records, and had {attested}")]
    Older {
        /// The records that are there.
        size: u64,
        /// Those that there were.
        attested: u64,
    },
    /// Other records stand there.
    #[error("the log does not hold the first {attested} records that it had")]
    Another {
        /// How many they were.
        attested: u64,
    },
    /// The segments of that time are gone.
    #[error("the segments of the time of the checkpoint are not there")]
    Gone,
}

/// Whether the log in `directory` holds what this note vouches for. Nothing is written; a gateway may be at work.
///
/// # Errors
/// [`HoldsFault`].
pub fn holds(directory: &Path, signer: &NoteSigner, note: &str) -> Result<(), HoldsFault> {
    let kept = Checkpoint::read(signer, note).map_err(|_| HoldsFault::NotOurs)?;
    let attested = kept.size();
    let numbers = segment::numbers(directory).map_err(io_at(directory))?;
    let mut any = false;
    for number in numbers.into_iter().rev() {
        let path = segment::path(directory, number);
        let line = first_line(&path).map_err(io_at(&path))?;
        // Made ahead, or what a crash left of the first batch.
        let Some((_, line)) = Lines::new(&line).next() else { continue };
        let damaged = || AuditOpenError::Damaged { path: path.clone(), offset: 0 };
        let head = Line::parse(line).and_then(|line| line.head()).ok_or_else(damaged)?;
        if head.tree.size() > attested {
            any = true;
            continue;
        }
        let (size, same) = follow(&path, head, &kept)?;
        return match (size < attested, same) {
            (true, _) => Err(HoldsFault::Older { size, attested }),
            (false, true) => Ok(()),
            (false, false) => Err(HoldsFault::Another { attested }),
        };
    }
    match (any, attested) {
        (_, 0) => Ok(()),
        (true, _) => Err(HoldsFault::Gone),
        (false, _) => Err(HoldsFault::Older { size: 0, attested }),
    }
}

/// How far a segment leads towards the checkpoint, and whether to its root.
fn follow(path: &Path, head: Head, kept: &Checkpoint) -> Result<(u64, bool), AuditOpenError> {
    let bytes = fs::read(path).map_err(io_at(path))?;
    let mut tree = head.tree;
    let mut lines = Lines::new(&bytes);
    while tree.size() < kept.size() {
        let Some((_, line)) = lines.next() else { break };
        tree.append(leaf_hash(line));
    }
    Ok((tree.size(), tree.root() == kept.root()))
}

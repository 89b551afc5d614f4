//! What can go wrong: while recording, while opening the log, and while reading an answer back.

use crate::audit::checkpoint::NotOurs;
use crate::audit::read::other_version;
use crate::audit::record::VERSION;
use std::io;
use std::path::Path;
use std::path::PathBuf;

/// Why a record is not durable. Whatever it was to cover is refused: 503, and nothing is sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AuditFault {
    /// It did not become durable in time. It may still do so; then a record that nothing was sent follows it.
    #[error("the record did not become durable in time")]
    Deadline,
    /// The log is closed: writing or syncing failed, or a file is not what it was. Tried again until it can be opened anew.
    #[error("the audit log is closed until it can be opened again")]
    Failed,
    /// There is no space for a further segment, and what is left of this one is for the outcomes of what is open. Tried again
    /// with every batch.
    #[error("there is no space for the audit log")]
    Full,
    /// So much waits to be written, or the disk has been at one write for so long, that no more is taken.
    #[error("too many records wait to be written, or for too long")]
    Busy,
}

/// Why the log cannot be opened, for the operator.
#[derive(Debug, thiserror::Error)]
pub enum AuditOpenError {
    /// The directory or a file in it cannot be made, read, written or synced.
    #[error("`{}` cannot be used", .path.display())]
    Io {
        /// Which one.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// Another process has this log open.
    #[error("`{}` is in use by another process", .path.display())]
    InUse {
        /// The lock's file.
        path: PathBuf,
    },
    /// A whole record is missing or changed in the midst of others. A torn tail is no such thing; it is cut.
    #[error("`{}` is damaged at byte {offset}", .path.display())]
    Damaged {
        /// The segment.
        path: PathBuf,
        /// The first byte that is not part of a whole record.
        offset: u64,
    },
    /// A record is of another version than this program writes and reads.
    #[error("`{}` holds records of version {version}, and this program writes and reads version {}", .path.display(), VERSION)]
    OtherVersion {
        /// The segment.
        path: PathBuf,
        /// What the record says.
        version: u64,
    },
    /// The log ends before what its checkpoint vouches for: records that were attested are gone.
    #[error("`{}` vouches for {attested} records, and the log ends after {size}", .path.display())]
    Shortened {
        /// The file of the checkpoint.
        path: PathBuf,
        /// The records that are there.
        size: u64,
        /// Those that were.
        attested: u64,
    },
    /// The records are not those that the checkpoint vouches for, or that a segment follows upon.
    #[error("`{}` is not of the records that stand before it", .path.display())]
    Changed {
        /// The checkpoint, or the segment that does not follow.
        path: PathBuf,
    },
    /// There are records, and no checkpoint vouches for them.
    #[error("`{}` is not there, though the log has {size} records", .path.display())]
    NoCheckpoint {
        /// Where it would lie.
        path: PathBuf,
        /// The records.
        size: u64,
    },
    /// The log has another name, or its checkpoint another key.
    #[error("`{}` is of a log with another {what}", .path.display())]
    OtherLog {
        /// The checkpoint or the segment.
        path: PathBuf,
        /// What differs, and what in the configuration says so.
        what: &'static str,
    },
    /// The newest checkpoint is none.
    #[error("`{}` is no checkpoint", .path.display())]
    MalformedCheckpoint {
        /// Its file.
        path: PathBuf,
    },
    /// The thread that writes cannot be started.
    #[error("the audit log's thread cannot be started")]
    Thread(#[source] io::Error),
}

impl AuditOpenError {
    /// What stands at `offset` of the segment in `path`, and begins with `line`, is no record that can be read here.
    pub(super) fn unreadable(path: &Path, offset: u64, line: &[u8]) -> Self {
        let path = path.to_owned();
        match other_version(line) {
            Some(version) => Self::OtherVersion { path, version },
            None => Self::Damaged { path, offset },
        }
    }

    /// The note in `path` is not of this log.
    pub(super) fn checkpoint(path: &Path, why: NotOurs) -> Self {
        let path = path.to_owned();
        match why {
            NotOurs::Malformed => Self::MalformedCheckpoint { path },
            NotOurs::Origin => Self::OtherLog { path, what: ORIGIN },
            NotOurs::Key => Self::OtherLog { path, what: "key than `audit.checkpoint_key`" },
        }
    }
}

/// What another log's name is.
pub(super) const ORIGIN: &str = "name than `audit.origin`";

/// Why a recorded answer cannot be given again.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RecallFault {
    /// The file cannot be read there.
    #[error("the record cannot be read")]
    Unreadable,
    /// It was not read in time, or too many wait for theirs.
    #[error("the record was not read in time")]
    Late,
    /// What stands there is not the outcome of this receipt, or it kept no answer.
    #[error("the record holds no answer of this receipt")]
    NotThere,
    /// The seal does not open.
    #[error("the recorded answer does not open")]
    Sealed,
}

//! What is wrong with a log, and where: file, byte, words, and what to do.

use crate::evidence::note::NoteFault;
use crate::evidence::record::RecordFault;
use std::path::PathBuf;

/// One thing that is wrong.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// The file.
    pub file: PathBuf,
    /// The first byte of it that is not as it must be, from 0; of what is missing, where it should be.
    pub offset: u64,
    /// What.
    pub wrong: Wrong,
}

/// What can be wrong.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Wrong {
    /// A line is no record.
    #[error("this is no record: {0}")]
    Record(RecordFault),
    /// A segment does not begin with its header.
    #[error("a segment begins with its header, and this record is none")]
    NoHeader,
    /// A header in the middle.
    #[error("a header stands within the segment")]
    SecondHeader,
    /// The header names another segment.
    #[error("the header is that of segment {told}")]
    Number {
        /// What it says.
        told: u64,
    },
    /// The header, or a checkpoint, is of another log.
    #[error("this is of another log: its origin is not the one that was asked for")]
    Origin,
    /// The header contradicts itself.
    #[error("the header's root is not the one that its frontier makes")]
    HeaderRoot,
    /// The header does not fit what comes before.
    #[error("the header says that {told} records come before it, and there are {there}")]
    Start {
        /// What it says.
        told: u64,
        /// What is there.
        there: u64,
    },
    /// The header was written behind other records.
    #[error("the records before this segment are not those behind which it was begun")]
    StartRoot,
    /// What was signed is not what is there.
    #[error(
        "among the records {from} to {to} (counted from 0) is one that is not what was signed: the root at {size} is another"
    )]
    Rewritten {
        /// The first that may be it.
        from: u64,
        /// The last.
        to: u64,
        /// At which size the root was signed.
        size: u64,
    },
    /// Signed records are gone.
    #[error("the records end here, at {there}, and {signed} were signed")]
    Missing {
        /// How many there are.
        there: u64,
        /// How many were signed.
        signed: u64,
    },
    /// A note among the checkpoints is none of this log's.
    #[error("this is no checkpoint of this log: {0}")]
    Checkpoint(NoteFault),
    /// Checkpoints that do not grow, or that are not of this segment.
    #[error("a checkpoint of {size} records cannot stand here: those of a segment grow, and lie in it")]
    Order {
        /// Its size.
        size: u64,
    },
    /// The last checkpoint of a segment is not whole, and cannot be one that was being written.
    #[error("the last checkpoint is not whole")]
    TornCheckpoint,
    /// Nothing is signed.
    #[error("there is no checkpoint: nothing of this log is signed")]
    NoCheckpoint,
    /// A segment is gone.
    #[error("segment {number} is not there, and later ones are")]
    NoSegment {
        /// Its number.
        number: u64,
    },
    /// No segment at all.
    #[error("no segment of a log is here")]
    Nothing,
    /// A segment without records before one with records.
    #[error("this segment holds no record, and a later one does")]
    Unused,
    /// Something behind the records of a segment that is finished.
    #[error("behind the last record is something that is neither a record nor zeros")]
    Behind,
    /// A tile of another length than its name says.
    #[error("the tile is not as long as its name says")]
    TileLength,
    /// A tile with another hash than the tree.
    #[error("a hash of the tile is not the one that the log has there")]
    Tile,
    /// The log has another root than an outsider saw.
    #[error("at {size} records the log was seen with another root: it is not the log that was seen")]
    SeenOther {
        /// At which size.
        size: u64,
    },
    /// The log is shorter than an outsider saw it.
    #[error("the log was seen with {size} records, and {there} are here")]
    SeenLonger {
        /// As it was seen.
        size: u64,
        /// What is there.
        there: u64,
    },
    /// The records by which what was seen could be checked are gone.
    #[error("the log was seen with {size} records, and those before {from} are not here: this cannot be checked")]
    SeenBefore {
        /// As it was seen.
        size: u64,
        /// The first record that is there.
        from: u64,
    },
    /// What was seen bears no signature of this key.
    #[error("the checkpoint that was seen is not signed by this key: {0}")]
    SeenUnsigned(NoteFault),
}

impl Wrong {
    /// A word for machines.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Record(_) => "no-record",
            Self::NoHeader => "no-header",
            Self::SecondHeader => "second-header",
            Self::Number { .. } => "other-segment",
            Self::Origin => "other-log",
            Self::HeaderRoot => "header-root",
            Self::Start { .. } => "header-size",
            Self::StartRoot => "header-tree",
            Self::Rewritten { .. } => "rewritten",
            Self::Missing { .. } => "records-missing",
            Self::Checkpoint(_) => "no-checkpoint-of-this-log",
            Self::Order { .. } => "checkpoint-order",
            Self::TornCheckpoint => "torn-checkpoint",
            Self::NoCheckpoint => "nothing-signed",
            Self::NoSegment { .. } => "segment-missing",
            Self::Nothing => "no-log",
            Self::Unused => "unused-segment",
            Self::Behind => "behind-records",
            Self::TileLength => "tile-length",
            Self::Tile => "tile",
            Self::SeenOther { .. } => "seen-other",
            Self::SeenLonger { .. } => "seen-longer",
            Self::SeenBefore { .. } => "seen-before",
            Self::SeenUnsigned(_) => "seen-unsigned",
        }
    }

    /// What to do about it.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Record(_) | Self::Behind => {
                "keep the file as it is, and compare this place with a copy: a disk turns single bits, a person whole lines"
            }
            Self::NoHeader | Self::SecondHeader | Self::Number { .. } | Self::Start { .. } | Self::StartRoot => {
                "segments were exchanged, shortened or lost: compare with a copy, and with what the exports hold"
            }
            Self::Origin => "is this the directory, and the key, of the gateway that is meant?",
            Self::HeaderRoot | Self::Rewritten { .. } => {
                "somebody changed records and made their sums anew: keep all files, and compare with a copy and the exports"
            }
            Self::Missing { .. } => {
                "the end of the log was cut off after it was signed: look for a copy that is longer"
            }
            Self::Checkpoint(_) | Self::TornCheckpoint => {
                "if it is the key that is wrong, all checkpoints are told like this; else this one was changed"
            }
            Self::Order { .. } => "checkpoints were moved between files: compare with a copy",
            Self::NoCheckpoint => {
                "a gateway signs within a second of its first record: look for `checkpoint` in a copy"
            }
            Self::NoSegment { .. } | Self::Unused => {
                "bring it back from the archive or a copy; only the oldest ones may be gone"
            }
            Self::Nothing => "name the directory that `audit.directory` names in the gateway's configuration",
            Self::TileLength | Self::Tile => {
                "the records are what was signed; only who fetches tiles is misled by this file"
            }
            Self::SeenOther { .. } => {
                "the log was written anew after it was seen; what is signed now is no proof of what was"
            }
            Self::SeenLonger { .. } => "the log was cut off, or is an older copy: look for the one that is longer",
            Self::SeenBefore { .. } => "bring the older segments back from the archive, and verify them together",
            Self::SeenUnsigned(_) => "it was made under another key, or not by a gateway: ask who has it from where",
        }
    }
}

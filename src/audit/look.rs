//! Looking at a log from outside, also while a gateway writes it: whether a start would take it, how far it has come, and
//! which revocations it holds since some place. Nothing is written, locked or mended.
//!
//! For `portcullis check`, `backup` and `restore`: a store is as good as the log beside it says.

use crate::audit::fault::AuditOpenError;
use crate::audit::read::Line;
use crate::audit::read::Lines;
use crate::audit::record::Kind;
use crate::audit::recover;
use crate::audit::recover::io_at;
use crate::audit::segment;
use crate::clock::UnixMillis;
use crate::model::Epoch;
use crate::model::Sha256;
use crate::model::TenantId;
use std::fs;
use std::path::Path;

/// How far a log has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Position {
    /// The newest segment that holds records.
    pub segment: u64,
    /// The bytes of its whole records.
    pub offset: u64,
    /// The epoch of the newest record that tells one.
    pub epoch: Epoch,
}

/// A revocation as a record tells it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RecordedRevocation {
    /// `subject`, `device`, `session` or `token`.
    pub kind: String,
    /// Whose, as the keyed digest under which the store holds it.
    pub digest: Sha256,
    /// Within which tenant; `None` for all.
    pub tenant: Option<TenantId>,
    /// The epoch that it made.
    pub epoch: Epoch,
    /// When it was recorded.
    pub at: UnixMillis,
}

/// What a log holds since a position.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Since {
    /// The revocations, in their order.
    pub revocations: Vec<RecordedRevocation>,
    /// The highest epoch that any record tells.
    pub epoch: Epoch,
}

/// Why a log cannot tell what happened since a position.
#[derive(Debug, thiserror::Error)]
pub enum SinceFault {
    /// It cannot be read, or is damaged.
    #[error(transparent)]
    Open(#[from] AuditOpenError),
    /// A segment of that time is not there.
    #[error("segment {segment} of the log is not there")]
    Gone {
        /// Its number.
        segment: u64,
    },
    /// It ends before that position: it is another log, or an older copy of it.
    #[error("the log ends before the place at which the backup was made")]
    Behind,
}

/// Reads a log back as a start at `now` would, and changes nothing.
///
/// # Errors
/// What keeps a start from taking it, but for another process that has it open.
pub fn examine(directory: &Path, now: UnixMillis) -> Result<(), AuditOpenError> {
    recover::look_back(directory, now).map(|_| ())
}

/// How far a log has come; `None` where it holds no record yet.
///
/// # Errors
/// It cannot be read.
pub fn position(directory: &Path) -> Result<Option<Position>, AuditOpenError> {
    let mut numbers = segment::numbers(directory).map_err(io_at(directory))?;
    let mut end = None;
    while let Some(number) = numbers.pop() {
        let path = segment::path(directory, number);
        let bytes = fs::read(&path).map_err(io_at(&path))?;
        let mut lines = Lines::new(&bytes);
        let records: Vec<&[u8]> = lines.by_ref().map(|(_, line)| line).collect();
        if !records.is_empty() && end.is_none() {
            end = Some((number, lines.offset as u64));
        }
        let epoch = records.iter().rev().find_map(|line| Line::parse(line)?.epoch());
        if let (Some((segment, offset)), Some(epoch)) = (end, epoch) {
            return Ok(Some(Position { segment, offset, epoch }));
        }
    }
    Ok(end.map(|(segment, offset)| Position { segment, offset, epoch: Epoch::default() }))
}

/// What the log holds behind `position`, or in all where there is none.
///
/// # Errors
/// [`SinceFault`], also where a segment between that place and the end is missing: what it held could be a revocation.
pub fn since(directory: &Path, position: Option<Position>) -> Result<Since, SinceFault> {
    let numbers = segment::numbers(directory).map_err(io_at(directory))?;
    let (first, offset) = position.map_or((1, 0), |position| (position.segment, position.offset));
    let last = numbers.last().copied().unwrap_or_default();
    if position.is_some() && last < first {
        return Err(SinceFault::Behind);
    }
    let mut found = Since::default();
    for number in first..=last {
        if !numbers.contains(&number) {
            return Err(SinceFault::Gone { segment: number });
        }
        let path = segment::path(directory, number);
        let bytes = fs::read(&path).map_err(io_at(&path))?;
        let mut lines = Lines::new(&bytes);
        for (at, bytes) in lines.by_ref() {
            if number == first && (at as u64) < offset {
                continue;
            }
            let damaged = || AuditOpenError::Damaged { path: path.clone(), offset: at as u64 };
            found.take(&Line::parse(bytes).ok_or_else(damaged)?).ok_or_else(damaged)?;
        }
        if number == first && (lines.offset as u64) < offset {
            return Err(SinceFault::Behind);
        }
    }
    Ok(found)
}

impl Since {
    /// Takes what matters of a record; `None` if it is a revocation that does not tell what it must.
    fn take(&mut self, line: &Line) -> Option<()> {
        self.epoch = self.epoch.max(line.epoch().unwrap_or_default());
        if line.kind == Kind::Revocation {
            let revocation = line.revocation()?;
            self.epoch = self.epoch.max(revocation.epoch);
            self.revocations.push(revocation);
        }
        Some(())
    }
}

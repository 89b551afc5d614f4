//! Looking at a log from outside, also while a gateway writes it: whether a start would take it, and how far it has come.
//! Nothing is written, locked or mended.
//!
//! For `portcullis check`, `backup` and `restore`: a store is as good as the log beside it says.

use crate::audit::fault::AuditOpenError;
use crate::audit::read::Line;
use crate::audit::read::Lines;
use crate::audit::recover;
use crate::audit::recover::io_at;
use crate::audit::segment;
use crate::clock::UnixMillis;
use crate::crypto::NoteSigner;
use crate::model::Epoch;
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

/// Reads a log back as a start at `now` would, and changes nothing.
///
/// # Errors
/// What keeps a start from taking it, but for another process that has it open.
pub fn examine(directory: &Path, signer: &NoteSigner, now: UnixMillis) -> Result<(), AuditOpenError> {
    recover::look_back(directory, signer, now).map(|_| ())
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

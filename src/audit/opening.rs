//! Beginning a log: the directory for this process alone, and its first segment.

use crate::audit::fault::AuditOpenError;
use crate::audit::outcome::Outcome;
use crate::audit::outcome::OutcomeState;
use crate::audit::record;
use crate::audit::record::Head;
use crate::audit::record::Written;
use crate::audit::recover::Found;
use crate::audit::recover::io_at;
use crate::audit::segment;
use crate::audit::storage::Disk;
use crate::audit::writer::Segment;
use crate::clock::UnixMillis;
use crate::model::Reason;
use std::fs::File;
use std::fs::TryLockError;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

/// Keeps other processes out of the directory. The lock lives as long as the writer.
pub(super) fn lock(directory: &Path) -> Result<File, AuditOpenError> {
    let path = directory.join("lock");
    let file =
        File::options().write(true).create(true).truncate(false).mode(0o600).open(&path).map_err(io_at(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(AuditOpenError::InUse { path }),
        Err(TryLockError::Error(source)) => Err(AuditOpenError::Io { path, source }),
    }
}

/// Begins the segment of this process with its head and what recovery has to say, durably. Adds both to the tree that was found.
pub(super) fn begin_segment(
    disk: &mut dyn Disk,
    directory: &Path,
    origin: &str,
    found: &mut Found,
    now: UnixMillis,
    rotates_at: Duration,
) -> Result<Segment, AuditOpenError> {
    let path = segment::path(directory, found.next);
    let mut storage = disk.create(found.next).map_err(io_at(&path))?;
    let mut lines = Written::default();
    let head = Head { number: found.next, origin: origin.to_owned(), tree: found.tree.clone(), epoch: found.epoch };
    record::segment(&mut lines, &head, now);
    if found.cut.is_some() || !found.unknown.is_empty() {
        let recovery = record::Recovery { unknown: found.unknown.len() as u64, cut: found.cut, reopened: false };
        record::recovery(&mut lines, recovery, now);
    }
    let unknown = Outcome::new(OutcomeState::Unknown, Reason::OutcomeUnknown);
    for receipt in &found.unknown {
        record::outcome(&mut lines, *receipt, &unknown, None, now);
    }
    storage.append(lines.bytes()).and_then(|()| storage.sync()).map_err(io_at(&path))?;
    let before = found.tree.clone();
    found.tree.append_all(lines.leaves());
    let used = found.cut.is_some() || !found.unknown.is_empty();
    Ok(Segment {
        number: found.next,
        storage,
        end: lines.bytes().len() as u64,
        head: Written::default(),
        used,
        before,
        rotates_at,
    })
}

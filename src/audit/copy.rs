//! Copying a log beside a running gateway: its segments as far as they are whole, and its checkpoints.
//!
//! What vouches for records is copied before the records, which only grow: so the copy holds at least what its checkpoints say. A
//! torn tail is left out, as a start would cut it. The tiles are not copied; they are hashes of what is.

use crate::audit::fault::AuditOpenError;
use crate::audit::queue::BATCH_MAX_BYTES;
use crate::audit::read::Lines;
use crate::audit::recover::io_at;
use crate::audit::recover::is_zero;
use crate::audit::recover::torn_bytes;
use crate::audit::segment;
use std::fs;
use std::fs::DirBuilder;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// What was copied.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct CopiedLog {
    /// Segments.
    pub segments: u64,
    /// Bytes of their records.
    pub bytes: u64,
}

/// Copies the log in `directory` to the new folder `to`, for its owner alone.
///
/// # Errors
/// [`AuditOpenError`] about either; also where the log is damaged.
pub fn copy(directory: &Path, to: &Path) -> Result<CopiedLog, AuditOpenError> {
    DirBuilder::new().mode(0o700).create(to).map_err(io_at(to))?;
    let lists = segment::checkpoint_lists(directory).map_err(io_at(directory))?;
    for path in lists.into_iter().chain(["checkpoint", "log.vkey"].map(|name| directory.join(name))) {
        match fs::read(&path) {
            Ok(bytes) => write(to, &path, &bytes)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(io_at(&path)(error)),
        }
    }
    let mut copied = CopiedLog::default();
    let mut newest = true;
    for number in segment::numbers(directory).map_err(io_at(directory))?.into_iter().rev() {
        let path = segment::path(directory, number);
        let bytes = match fs::read(&path) {
            // The oldest one has gone to the archive meanwhile; those before it went earlier.
            Err(error) if error.kind() == io::ErrorKind::NotFound && !newest => break,
            read => read.map_err(io_at(&path))?,
        };
        let mut lines = Lines::new(&bytes);
        lines.by_ref().for_each(drop);
        let end = lines.offset;
        let tail = bytes.get(end..).unwrap_or_default();
        let torn = newest && torn_bytes(tail) <= BATCH_MAX_BYTES;
        if !torn && !is_zero(tail) {
            return Err(AuditOpenError::Damaged { path, offset: end as u64 });
        }
        if end > 0 {
            write(to, &path, bytes.get(..end).unwrap_or_default())?;
            newest = false;
            copied.segments += 1;
            copied.bytes += end as u64;
        }
    }
    File::open(to).and_then(|folder| folder.sync_all()).map_err(io_at(to))?;
    Ok(copied)
}

/// Writes a file of the same name, durably.
fn write(to: &Path, like: &Path, bytes: &[u8]) -> Result<(), AuditOpenError> {
    let path = to.join(like.file_name().unwrap_or_default());
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(io_at(&path))
}

//! Where bytes become durable: the narrow face of a disk, and the disk itself.
//!
//! Tests put a faulty disk behind it. The writer never asks twice after an error: what a descriptor says after a failed
//! `fdatasync` means nothing, the kernel may have dropped the pages and forgotten the fault.

use std::io;
use std::path::PathBuf;

/// One open segment. Calls block.
pub trait Storage: Send {
    /// Writes at the end.
    ///
    /// # Errors
    /// What the system says; afterwards the segment is not used again.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Makes everything appended so far durable.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    fn sync(&mut self) -> io::Result<()>;

    /// Ends the segment: nothing more will be appended. What was written ahead of use is given back. Called off the
    /// writer's thread; whether it works decides nothing.
    fn finish(self: Box<Self>) {}
}

/// Makes segments. Calls block; they come from one thread of its own, ahead of need.
pub trait Disk: Send {
    /// Makes the segment of this number, written ahead so that syncing it later changes no metadata.
    ///
    /// # Errors
    /// What the system says; nothing is left behind then.
    fn create(&mut self, number: u64) -> io::Result<Box<dyn Storage>>;
}

/// Segments as files of a directory.
#[derive(Debug)]
pub struct FileDisk {
    pub(super) directory: PathBuf,
    pub(super) segment_bytes: u64,
}

//! Writing past the kernel's cache.
//!
//! A record is read again seldom or never, but is waited for at once. `pwrite` and `fdatasync` copy it into the cache, mark the
//! page, and write it from there; a direct write that is synchronised by itself (`O_DIRECT` and `RWF_DSYNC`, open(2) and
//! pwritev2(2)) gives the disk the very bytes, and returns when they are durable, as after `fdatasync`. It takes whole blocks at
//! block boundaries, from memory that begins at one: so what stands in the last block already is written once more with what
//! comes behind it, as the cache does with its pages, and zeros follow up to the end of the block, which are there anyway.
//!
//! Not every file system takes such writes (tmpfs did not until Linux 6.6). That is found out when the file is filled with zeros
//! for the first time; it is written through the cache then.

use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::io::ReadWriteFlags;
use std::fs::File;
use std::io;
use std::io::IoSlice;

/// What is written at once begins at a multiple of this, is as long as one, and lies in memory at one: no disk asks for more.
pub(super) const BLOCK_BYTES: usize = 4096;
/// The zeros that are written at once; a write that is larger would hold up the commits that come meanwhile.
const FILL_BYTES: usize = 256 * 1024;

/// What is written to a file behind what stands there: the last block of it, which goes once more with what follows.
pub(super) struct Direct {
    blocks: Blocks,
}

/// Memory of whole blocks.
struct Blocks {
    bytes: Vec<u8>,
    /// Where in `bytes` the first block begins.
    at: usize,
}

impl Direct {
    /// Fills a new file with at least so many zeros, durably, and makes it ready to be written from its beginning; `None` where
    /// its file system takes no such writes, and the file is to be written as any other.
    pub(super) fn fill(file: &File, bytes: u64) -> io::Result<Option<Self>> {
        let flags = rustix::fs::fcntl_getfl(file)?;
        let filled = rustix::fs::fcntl_setfl(file, flags | OFlags::DIRECT).map_err(io::Error::from);
        match filled.and_then(|()| fill(file, bytes)) {
            Ok(()) => Ok(Some(Self { blocks: Blocks::holding(BLOCK_BYTES) })),
            Err(error) if is_unable(&error) => {
                rustix::fs::fcntl_setfl(file, flags)?;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Writes behind what was written, which ends at `end`; durable when this returns.
    pub(super) fn append(&mut self, file: &File, end: u64, bytes: &[u8]) -> io::Result<()> {
        let begins = end - end % BLOCK_BYTES as u64;
        // Less than a block.
        let kept = usize::try_from(end - begins).unwrap_or_default();
        let used = kept + bytes.len();
        let blocks = self.blocks.with(kept, used.next_multiple_of(BLOCK_BYTES));
        let (_, behind) = blocks.split_at_mut(kept);
        let (fresh, zeros) = behind.split_at_mut(bytes.len());
        fresh.copy_from_slice(bytes);
        zeros.fill(0);
        write(file, blocks, begins)?;
        let last = used - used % BLOCK_BYTES;
        blocks.copy_within(last..used, 0);
        Ok(())
    }
}

impl Blocks {
    fn holding(length: usize) -> Self {
        let bytes = vec![0; length + BLOCK_BYTES];
        // It is a vector of bytes: each place of it can be reached.
        let at = bytes.as_ptr().align_offset(BLOCK_BYTES).min(BLOCK_BYTES);
        Self { bytes, at }
    }

    /// As many bytes of it; its first `kept` are what they were.
    fn with(&mut self, kept: usize, length: usize) -> &mut [u8] {
        if self.bytes.len() < self.at + length {
            let mut larger = Self::holding(length.next_power_of_two());
            larger.all(kept).copy_from_slice(self.all(kept));
            *self = larger;
        }
        self.all(length)
    }

    fn all(&mut self, length: usize) -> &mut [u8] {
        self.bytes.get_mut(self.at..self.at + length).unwrap_or_default()
    }
}

fn fill(file: &File, bytes: u64) -> io::Result<()> {
    let mut zeros = Blocks::holding(FILL_BYTES);
    let bytes = bytes.next_multiple_of(BLOCK_BYTES as u64);
    let mut at = 0;
    while at < bytes {
        let length = usize::try_from(bytes - at).unwrap_or(FILL_BYTES).min(FILL_BYTES);
        write(file, zeros.all(length), at)?;
        at += length as u64;
    }
    Ok(())
}

fn write(file: &File, blocks: &[u8], at: u64) -> io::Result<()> {
    let mut done = 0;
    while let Some(rest) = blocks.get(done..).filter(|rest| !rest.is_empty()) {
        match rustix::io::pwritev2(file, &[IoSlice::new(rest)], at + done as u64, ReadWriteFlags::DSYNC) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => done += written,
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Whether the kernel or the file system says that it does no such thing.
fn is_unable(error: &io::Error) -> bool {
    let said = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(said, Some(Errno::INVAL | Errno::OPNOTSUPP | Errno::NOSYS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::fs;

    const FILLED: u64 = 256 * 1024;

    /// A file on the disk that the tests have, written directly; `None` where that takes no such writes.
    fn filled() -> Option<(tempfile::NamedTempFile, Direct)> {
        let file = tempfile::NamedTempFile::new().unwrap();
        let direct = Direct::fill(file.as_file(), FILLED).unwrap()?;
        Some((file, direct))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        /// Lengths around a block and around what the memory holds.
        #[test]
        fn what_is_appended_stands_there_in_order_and_zeros_behind_it(
            lengths in prop::collection::vec(
                prop_oneof![1..200_usize, 4_000..4_200_usize, 8_190..8_195_usize, 20_000..20_001_usize],
                1..12,
            ),
        ) {
            let Some((file, mut direct)) = filled() else { return Ok(()) };
            let mut expected = Vec::new();
            for (number, length) in (1..).zip(lengths) {
                let bytes = vec![number; length];
                direct.append(file.as_file(), expected.len() as u64, &bytes).unwrap();
                expected.extend(bytes);
                let found = fs::read(file.path()).unwrap();
                prop_assert_eq!(&found[..expected.len()], expected.as_slice());
                prop_assert!(found[expected.len()..].iter().all(|byte| *byte == 0));
                prop_assert_eq!(found.len() as u64, FILLED.max(expected.len().next_multiple_of(BLOCK_BYTES) as u64));
            }
        }
    }

    #[test]
    fn a_file_is_filled_up_to_the_end_of_a_block() {
        for (bytes, filled) in
            [(1, 4096), (4096, 4096), (4097, 8192), (FILL_BYTES as u64 + 1, FILL_BYTES as u64 + 4096)]
        {
            let file = tempfile::NamedTempFile::new().unwrap();
            if Direct::fill(file.as_file(), bytes).unwrap().is_some() {
                assert_eq!(file.as_file().metadata().unwrap().len(), filled);
            }
        }
    }

    /// A pipe takes bytes and has no places: a system that is asked says so.
    #[test]
    fn what_takes_no_such_writes_is_told_from_what_fails() {
        let (_end, pipe) = io::pipe().unwrap();
        let pipe = File::from(std::os::fd::OwnedFd::from(pipe));
        assert!(Direct::fill(&pipe, 1).is_err(), "it is no file at all");
        for unable in [Errno::INVAL, Errno::OPNOTSUPP, Errno::NOSYS] {
            assert!(is_unable(&unable.into()));
        }
        for failed in [Errno::IO, Errno::NOSPC, Errno::ROFS, Errno::BADF] {
            assert!(!is_unable(&failed.into()));
        }
    }
}

//! Where bytes become durable: the narrow face of a disk, and the disk itself.
//!
//! Tests put a faulty disk behind it. The writer never asks twice after an error: what a descriptor says after a failed
//! `fdatasync` means nothing, since the kernel may have dropped the pages and forgotten the fault.
//!
//! A file is filled with zeros and synced before it is used. Overwriting written blocks changes neither size nor
//! allocation, so that `fdatasync` (POSIX.1-2017: data, and only that metadata without which it cannot be read back)
//! commits nothing to the file system's journal. Where the file system takes it, the cache is passed by
//! ([`direct`](crate::audit::direct)).

use crate::audit::direct::Direct;
use crate::audit::recover;
use crate::audit::segment;
use crate::audit::watch::Placed;
use crate::model::AnswerPlace;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::Read;
use std::io::Seek;
use std::io::SeekFrom;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;

/// One open segment. Calls block.
pub trait Storage: Send {
    /// Writes at the end; it may be durable then.
    ///
    /// # Errors
    /// What the system says; afterwards the segment is not used again.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Makes everything appended so far durable.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    fn sync(&mut self) -> io::Result<()>;

    /// Which file it is, for the watch; `None` where nothing has a name that it could lose.
    ///
    /// # Errors
    /// What the system says.
    fn placed(&self) -> io::Result<Option<Placed>>;

    /// Ends the segment: nothing more will be appended, and what was written ahead of use can be given back. Called off
    /// the writer's thread; whether it works decides nothing.
    fn finish(self: Box<Self>) {}
}

/// Makes segments. Calls block; they come from a thread of their own, ahead of need.
pub trait Disk: Send {
    /// Makes the segment of this number, which does not exist yet.
    ///
    /// # Errors
    /// What the system says; nothing is left behind then.
    fn create(&mut self, number: u64) -> io::Result<Box<dyn Storage>>;

    /// Opens the segment of this number anew, by its name, makes it end behind `end`, durably, and reads it back from the
    /// disk, not from memory. What lay behind is kept aside.
    ///
    /// # Errors
    /// What the system says; it may have been done in part, and can be done again.
    fn reopen(&mut self, number: u64, end: u64) -> io::Result<Reopened>;

    /// Takes away the segment of this number, in which nothing was ever acknowledged, if there is one.
    ///
    /// # Errors
    /// What the system says.
    fn discard(&mut self, number: u64) -> io::Result<()>;

    /// What reads its segments back, for another thread.
    fn reader(&self) -> Box<dyn Reads>;
}

/// A segment that was opened anew.
#[derive(Debug)]
pub struct Reopened {
    /// All of it.
    pub bytes: Vec<u8>,
    /// How many bytes that are no zeros lay behind.
    pub cut_bytes: u64,
    /// Which file it is.
    pub placed: Option<Placed>,
}

/// Reads segments back. Calls block.
pub trait Reads: Send {
    /// The bytes at this place.
    ///
    /// # Errors
    /// What the system says.
    fn read(&mut self, place: AnswerPlace) -> io::Result<Vec<u8>>;
}

/// Opening fails where a link stands under the name.
pub(super) const O_NOFOLLOW: i32 = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();

/// Segments as files of a directory.
#[derive(Debug)]
pub struct FileDisk {
    directory: PathBuf,
    segment_bytes: u64,
}

struct FileReads {
    directory: PathBuf,
}

struct FileStorage {
    file: File,
    end: u64,
    /// Writes past the cache, where the file system takes that.
    direct: Option<Direct>,
}

impl FileDisk {
    /// Segments of `segment_bytes` in `directory`, which exists.
    #[must_use]
    pub const fn new(directory: PathBuf, segment_bytes: u64) -> Self {
        Self { directory, segment_bytes }
    }

    fn fill(&self, path: &Path) -> io::Result<FileStorage> {
        let mut file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)?;
        let direct = Direct::fill(&file, self.segment_bytes)?;
        if direct.is_none() {
            fill(&mut file, self.segment_bytes)?;
        }
        file.sync_all()?;
        File::open(&self.directory)?.sync_all()?;
        Ok(FileStorage { file, end: 0, direct })
    }
}

/// Zeros, through the cache.
fn fill(file: &mut File, bytes: u64) -> io::Result<()> {
    let zeros = vec![0; 256 * 1024];
    let mut left = bytes;
    file.rewind()?;
    while left > 0 {
        let length = usize::try_from(left).unwrap_or(usize::MAX).min(zeros.len());
        file.write_all(zeros.get(..length).unwrap_or_default())?;
        left -= length as u64;
    }
    Ok(())
}

impl Disk for FileDisk {
    fn create(&mut self, number: u64) -> io::Result<Box<dyn Storage>> {
        let path = segment::path(&self.directory, number);
        match self.fill(&path) {
            Ok(storage) => Ok(Box::new(storage)),
            Err(error) => {
                // Half a segment takes the space that may be lacking. One that was there before is not ours to remove.
                if error.kind() != io::ErrorKind::AlreadyExists {
                    let _ = std::fs::remove_file(&path);
                }
                Err(error)
            }
        }
    }

    fn reopen(&mut self, number: u64, end: u64) -> io::Result<Reopened> {
        let path = segment::path(&self.directory, number);
        let mut file = OpenOptions::new().read(true).write(true).custom_flags(O_NOFOLLOW).open(&path)?;
        if file.metadata()?.len() < end {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it is shorter than what was acknowledged"));
        }
        let mut tail = Vec::new();
        file.seek(SeekFrom::Start(end))?;
        // A place that cannot be read any more goes with the cut.
        let _ = file.read_to_end(&mut tail);
        let torn = recover::torn_bytes(&tail);
        if torn > 0 {
            recover::keep_aside(&path.with_extension("torn"), tail.get(..torn).unwrap_or_default())?;
        }
        // Cutting makes the last block dirty again, so that what a write that failed did to it is mended by this one.
        file.set_len(end)?;
        file.sync_all()?;
        File::open(&self.directory)?.sync_all()?;
        rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed)?;
        let mut bytes = Vec::with_capacity(usize::try_from(end).unwrap_or_default());
        file.seek(SeekFrom::Start(0))?;
        file.read_to_end(&mut bytes)?;
        Ok(Reopened { bytes, cut_bytes: torn as u64, placed: Some(Placed::of(&file.metadata()?)) })
    }

    fn discard(&mut self, number: u64) -> io::Result<()> {
        match std::fs::remove_file(segment::path(&self.directory, number)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn reader(&self) -> Box<dyn Reads> {
        Box::new(FileReads { directory: self.directory.clone() })
    }
}

impl Reads for FileReads {
    fn read(&mut self, place: AnswerPlace) -> io::Result<Vec<u8>> {
        let file = File::open(segment::path(&self.directory, place.segment))?;
        let mut bytes = vec![0; usize::try_from(place.length).unwrap_or_default()];
        file.read_exact_at(&mut bytes, place.offset)?;
        Ok(bytes)
    }
}

impl Storage for FileStorage {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.direct {
            Some(direct) => direct.append(&self.file, self.end, bytes)?,
            None => self.file.write_all_at(bytes, self.end)?,
        }
        self.end += bytes.len() as u64;
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        // What was written past the cache was durable when it was.
        if self.direct.is_some() { Ok(()) } else { self.file.sync_data() }
    }

    fn placed(&self) -> io::Result<Option<Placed>> {
        self.file.metadata().map(|found| Some(Placed::of(&found)))
    }

    fn finish(self: Box<Self>) {
        // Zeros that stay are no harm: readers stop at them.
        let _ = self.file.set_len(self.end).and_then(|()| self.file.sync_all());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pipe takes bytes and cannot make them durable: only the system itself can know that.
    #[test]
    fn a_sync_is_one_that_the_system_is_asked_for() {
        let (_end, pipe) = io::pipe().unwrap();
        let mut on_a_pipe = FileStorage { file: File::from(std::os::fd::OwnedFd::from(pipe)), end: 0, direct: None };
        let refused = on_a_pipe.sync().unwrap_err();
        assert_eq!(refused.raw_os_error(), Some(rustix::io::Errno::INVAL.raw_os_error()));
        let mut on_a_file = FileStorage { file: tempfile::tempfile().unwrap(), end: 0, direct: None };
        on_a_file.append(b"a").unwrap();
        on_a_file.sync().unwrap();
    }
}

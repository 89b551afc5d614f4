//! One segment read forward, line by line, without ever holding more of it than a line and a chunk. Nothing is written, locked
//! or mended; a writer may be at work.
//!
//! A line ends with a line feed and holds no zero byte, since JSON text escapes those. So whatever stands where a record may
//! still come (zeros written ahead, half a line, pages that the kernel has not all copied yet) ends the reading without a look
//! at what lies behind, and is read anew the next time.

use crate::audit::queue::BATCH_MAX_BYTES;
use crate::audit::read::is_whole;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// How much is read at once.
const CHUNK_BYTES: usize = 256 * 1024;

/// A segment, and the place in it up to which it is read.
pub(super) struct Forward {
    file: File,
    /// Where the next line begins.
    offset: u64,
    /// Bytes of the file from `offset` less `taken` on.
    buffer: Vec<u8>,
    /// How many bytes of the buffer are read.
    taken: usize,
}

impl Forward {
    /// Opens a segment at a place where a line begins.
    pub(super) fn open(path: &Path, offset: u64) -> io::Result<Self> {
        Ok(Self { file: File::open(path)?, offset, buffer: Vec::new(), taken: 0 })
    }

    /// Where the next line begins; after the last one, the first byte that is not part of a whole record.
    pub(super) const fn offset(&self) -> u64 {
        self.offset
    }

    /// Whether a line begins at the place, as far as can be seen: a line feed stands before it.
    pub(super) fn begins_a_line(&self) -> io::Result<bool> {
        let Some(before) = self.offset.checked_sub(1) else { return Ok(true) };
        let mut byte = [0];
        Ok(self.file.read_at(&mut byte, before)? == 1 && byte == *b"\n")
    }

    /// The next line with its line feed, if a whole record stands there now. Where none does, it is looked for anew with the
    /// next call.
    pub(super) fn next(&mut self) -> io::Result<Option<&[u8]>> {
        match self.next_length()? {
            Some(length) => {
                let start = self.taken;
                self.taken += length;
                self.offset += length as u64;
                Ok(self.buffer.get(start..self.taken))
            }
            None => {
                self.forget();
                Ok(None)
            }
        }
    }

    /// How many bytes stand behind the last whole record, up to the last that is not zero; nothing in a segment that ends as it
    /// should. Reads all that is left.
    pub(super) fn rest(&mut self) -> io::Result<u64> {
        self.forget();
        let (mut at, mut last) = (0, 0);
        loop {
            self.buffer.resize(CHUNK_BYTES, 0);
            let read = self.file.read_at(&mut self.buffer, self.offset + at)?;
            let chunk = self.buffer.get(..read).unwrap_or_default();
            if let Some(found) = chunk.iter().rposition(|byte| *byte != 0) {
                last = at + found as u64 + 1;
            }
            if read == 0 {
                self.forget();
                return Ok(last);
            }
            at += read as u64;
        }
    }

    /// Goes on to the next place at which a whole record begins behind a line feed, past whatever stands before it; `false` where
    /// there is none up to the end.
    pub(super) fn pass(&mut self) -> io::Result<bool> {
        self.forget();
        loop {
            let unread = self.buffer.get(self.taken..).unwrap_or_default();
            let feed = unread.iter().position(|byte| *byte == b'\n');
            let passed = feed.map_or(unread.len(), |feed| feed + 1);
            self.taken += passed;
            self.offset += passed as u64;
            if feed.is_some() && self.next_length()?.is_some() {
                return Ok(true);
            }
            if feed.is_none() && !self.fill()? {
                return Ok(false);
            }
        }
    }

    fn next_length(&mut self) -> io::Result<Option<usize>> {
        let mut searched = 0;
        loop {
            let unread = self.buffer.get(self.taken..).unwrap_or_default();
            let end = unread.iter().skip(searched).position(|byte| matches!(byte, b'\n' | 0));
            if let Some(length) = end.map(|end| searched + end + 1) {
                return Ok(unread.get(..length).filter(|line| is_whole(line)).map(<[u8]>::len));
            }
            searched = unread.len();
            if searched > BATCH_MAX_BYTES || !self.fill()? {
                return Ok(None);
            }
        }
    }

    /// Reads one more chunk; `false` at the end of the file.
    fn fill(&mut self) -> io::Result<bool> {
        self.buffer.drain(..self.taken);
        self.taken = 0;
        let unread = self.buffer.len();
        self.buffer.resize(unread + CHUNK_BYTES, 0);
        let into = self.buffer.get_mut(unread..).unwrap_or_default();
        let read = self.file.read_at(into, self.offset + unread as u64)?;
        self.buffer.truncate(unread + read);
        Ok(read > 0)
    }

    /// What was read too early may have changed by the next time.
    fn forget(&mut self) {
        self.buffer.clear();
        self.taken = 0;
    }
}

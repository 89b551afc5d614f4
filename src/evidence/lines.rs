//! The lines of a segment, one at a time: as much memory as the longest of them takes.
//!
//! Behind the lines come zeros that were written ahead. Where a line should begin and a zero stands, the lines have ended.

use crate::evidence::record::LINE_MAX_BYTES;
use std::io;
use std::io::Read;

/// How much is read at once.
const CHUNK_BYTES: usize = 256 * 1024;

/// Reads the lines of a segment.
pub(super) struct Lines<R> {
    from: R,
    buffer: Vec<u8>,
    /// What of the buffer is read and not given out yet.
    start: usize,
    end: usize,
    /// The place in the file of what begins at `start`.
    offset: u64,
}

/// What comes next.
pub(super) enum Next<'b> {
    /// A line, without its line feed, and where it begins.
    Line(u64, &'b [u8]),
    /// No further line: zeros, or nothing.
    End(u64),
    /// Something that no line feed ends, or none that is near enough. It is not taken.
    Unended(u64),
}

/// What follows the lines.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Rest {
    /// The first byte that is no zero.
    pub(super) first: Option<u64>,
    /// One past the last.
    pub(super) end: u64,
}

impl<R: Read> Lines<R> {
    pub(super) fn new(from: R) -> Self {
        Self { from, buffer: vec![0; CHUNK_BYTES], start: 0, end: 0, offset: 0 }
    }

    /// The next line.
    pub(super) fn next(&mut self) -> io::Result<Next<'_>> {
        let mut looked = 0;
        loop {
            let held = self.buffer.get(self.start..self.end).unwrap_or_default();
            if held.first() == Some(&0) {
                return Ok(Next::End(self.offset));
            }
            let found = held.get(looked..).unwrap_or_default().iter().position(|byte| *byte == b'\n');
            if let Some(length) = found.map(|at| looked + at) {
                let (offset, from) = (self.offset, self.start);
                self.start += length + 1;
                self.offset += length as u64 + 1;
                return Ok(Next::Line(offset, self.buffer.get(from..from + length).unwrap_or_default()));
            }
            looked = held.len();
            if looked > LINE_MAX_BYTES {
                return Ok(Next::Unended(self.offset));
            }
            if !self.fill()? {
                return Ok(if looked == 0 { Next::End(self.offset) } else { Next::Unended(self.offset) });
            }
        }
    }

    /// Reads what is left, to its end.
    pub(super) fn rest(mut self) -> io::Result<Rest> {
        let mut rest = Rest { first: None, end: self.offset };
        loop {
            let held = self.buffer.get(self.start..self.end).unwrap_or_default();
            if let Some(at) = held.iter().position(|byte| *byte != 0) {
                rest.first.get_or_insert(self.offset + at as u64);
            }
            if let Some(at) = held.iter().rposition(|byte| *byte != 0) {
                rest.end = self.offset + at as u64 + 1;
            }
            self.offset += held.len() as u64;
            self.start = self.end;
            if !self.fill()? {
                return Ok(rest);
            }
        }
    }

    /// Reads more behind what is held; `false` at the end of the file.
    fn fill(&mut self) -> io::Result<bool> {
        self.buffer.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        if self.buffer.len() - self.end < CHUNK_BYTES / 2 {
            self.buffer.resize((self.buffer.len() * 2).min(LINE_MAX_BYTES + 2 * CHUNK_BYTES), 0);
        }
        loop {
            match self.from.read(self.buffer.get_mut(self.end..).unwrap_or_default()) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => {
                    let read = read?;
                    self.end += read;
                    return Ok(read > 0);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives bytes in small pieces, as a file that grows does.
    struct Pieces<'b>(&'b [u8], usize);

    impl Read for Pieces<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let length = self.1.min(self.0.len()).min(into.len());
            let (now, later) = self.0.split_at(length);
            into[..length].copy_from_slice(now);
            self.0 = later;
            Ok(length)
        }
    }

    fn read(bytes: &[u8], piece: usize) -> (Vec<(u64, usize)>, u64, bool, Rest) {
        let mut lines = Lines::new(Pieces(bytes, piece));
        let mut found = Vec::new();
        let (end, whole) = loop {
            match lines.next().unwrap() {
                Next::Line(offset, line) => found.push((offset, line.len())),
                Next::End(offset) => break (offset, true),
                Next::Unended(offset) => break (offset, false),
            }
        };
        (found, end, whole, lines.rest().unwrap())
    }

    #[test]
    fn lines_end_at_zeros_or_at_the_end_and_what_follows_is_told() {
        for piece in [1, 2, 7, 1000] {
            let nothing = |end| Rest { first: None, end };
            assert_eq!(read(b"ab\n\ncd\n", piece), (vec![(0, 2), (3, 0), (4, 2)], 7, true, nothing(7)));
            assert_eq!(read(b"ab\n\0\0\0", piece), (vec![(0, 2)], 3, true, nothing(3)));
            assert_eq!(read(b"", piece), (vec![], 0, true, nothing(0)));
            assert_eq!(read(b"\0", piece), (vec![], 0, true, nothing(0)));
            assert_eq!(read(b"ab\ncd", piece), (vec![(0, 2)], 3, false, Rest { first: Some(3), end: 5 }));
            assert_eq!(read(b"ab\n\0\0x\0y\0", piece), (vec![(0, 2)], 3, true, Rest { first: Some(5), end: 8 }));
        }
    }

    #[test]
    fn a_line_of_16_mib_is_read_and_a_longer_one_is_not() {
        let mut long = vec![b'a'; LINE_MAX_BYTES];
        long.push(b'\n');
        assert_eq!(read(&long, usize::MAX).0, [(0, LINE_MAX_BYTES)]);
        let longer = vec![b'a'; LINE_MAX_BYTES + 2 * CHUNK_BYTES];
        let (lines, end, whole, _) = read(&longer, usize::MAX);
        assert_eq!((lines.len(), end, whole), (0, 0, false));
    }
}

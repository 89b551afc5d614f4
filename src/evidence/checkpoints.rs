//! The checkpoints of a segment, in their order: signed notes with one blank line between them.
//!
//! They are read one at a time. Where a gateway is at work, or was cut off, the last one may not be whole; whether that is so,
//! or whether a byte of it was changed, is told by what [`Torn`] holds.

use crate::evidence::note::Checkpoint;
use crate::evidence::note::NOTE_MAX_BYTES;
use crate::evidence::note::NoteFault;
use crate::evidence::note::VerifierKey;
use crate::evidence::note::decimal;
use std::io;
use std::io::BufRead;
use std::io::Read;

/// Reads checkpoints one after the other.
pub(super) struct Checkpoints<'k, R> {
    from: R,
    key: &'k VerifierKey,
    origin: &'k str,
    offset: u64,
}

/// What comes next.
pub(super) enum Next {
    /// A checkpoint whose signature fits, and where its note begins.
    Checkpoint(u64, Checkpoint),
    /// A note that is none.
    Wrong(u64, NoteFault),
    /// The file ends within a note.
    Torn(Torn),
    /// The file ends.
    End,
}

/// The beginning of a note, at the end of the file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Torn {
    /// Where it begins.
    pub(super) offset: u64,
    /// The size that it tells, if it comes so far.
    pub(super) size: Option<u64>,
}

impl<'k, R: BufRead> Checkpoints<'k, R> {
    pub(super) const fn new(from: R, key: &'k VerifierKey, origin: &'k str) -> Self {
        Self { from, key, origin, offset: 0 }
    }

    pub(super) fn next(&mut self) -> io::Result<Next> {
        let began = self.offset;
        let (mut note, mut text_ended) = (Vec::new(), false);
        loop {
            let from = note.len();
            let left = NOTE_MAX_BYTES + 1 - from;
            let read = (&mut self.from).take(left as u64).read_until(b'\n', &mut note)?;
            self.offset += read as u64;
            let line = note.get(from..).unwrap_or_default();
            match line {
                b"" if from == 0 => return Ok(Next::End),
                // The end of the file stands for the blank line, if what stands before is whole.
                b"" if text_ended && note.ends_with(b"\n") && from > 0 => break,
                b"\n" if text_ended => {
                    note.truncate(from);
                    break;
                }
                b"\n" => text_ended = true,
                _ if line.ends_with(b"\n") => {}
                _ if note.len() > NOTE_MAX_BYTES => return Ok(Next::Wrong(began, NoteFault::TooLong)),
                _ => return Ok(Next::Torn(self.torn(began, &note))),
            }
        }
        Ok(match Checkpoint::verified(&note, self.key, self.origin) {
            Ok(checkpoint) => Next::Checkpoint(began, checkpoint),
            // A text and its blank line, and the file ends: no signature came any more.
            Err(_) if note.ends_with(b"\n\n") => Next::Torn(self.torn(began, &note)),
            Err(fault) => Next::Wrong(began, fault),
        })
    }

    /// What the beginning of a note tells; one of another origin tells nothing of ours.
    fn torn(&self, offset: u64, note: &[u8]) -> Torn {
        let mut lines = note.split_inclusive(|byte| *byte == b'\n').filter_map(|line| line.strip_suffix(b"\n"));
        let is_ours = lines.next().is_none_or(|origin| origin == self.origin.as_bytes());
        let size = lines.next().and_then(|size| decimal(std::str::from_utf8(size).ok()?));
        Torn { offset, size: if is_ours { size } else { Some(0) } }
    }
}

//! Walking over the records of a log, from a place on, in their order, also while a gateway writes it.
//!
//! The walk holds no more than a line and a chunk. It ends where the log ends for now, at zeros written ahead, half a line or a
//! torn tail, and goes on from there when it is asked again. It leaves a segment only when a later one has begun, because then
//! nothing is added to this one any more, and only when nothing stands behind its last record; so no record is passed over.
//! Older segments may be gone.
//!
//! **What is damage.** In a segment that is no longer written: any byte behind the last whole record that is not zero. In the
//! one in use the same bytes may be a record that is being written, or what a crash left and the next start cuts; they are
//! damage where a record must stand: below the size of the log's own checkpoint, or of the one that bounds the walk. A header
//! that counts other than the walk has counted is damage too.
//!
//! What is read may not be durable yet, and gone after a crash. What an outsider is told goes only as far as a checkpoint
//! ([`Walk::up_to`]), which covers nothing that is not durable.

use crate::audit::fault::AuditOpenError;
use crate::audit::find::FoundRecord;
use crate::audit::forward::Forward;
use crate::audit::read;
use crate::audit::read::Line;
use crate::audit::recover::io_at;
use crate::audit::segment;
use std::fmt;
use std::fs;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::path::PathBuf;
use std::str::FromStr;

/// The file in the directory of a log that holds its newest checkpoint.
const CHECKPOINT: &str = "checkpoint";

/// What may be a record of another version is looked at as far as that: a segment's first one is shorter.
const TOLD_WITHIN_BYTES: usize = 64 * 1024;

/// The place of a record in a log: `segment:offset:index` as text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Cursor {
    /// The number of the segment.
    pub segment: u64,
    /// The byte in the segment at which the record begins.
    pub offset: u64,
    /// Which leaf of the tree it is, counted from 0.
    pub index: u64,
}

/// A record on the walk.
pub struct Walked {
    /// Where it stands.
    pub at: Cursor,
    /// Where the next one will stand.
    pub after: Cursor,
    path: PathBuf,
    line: Vec<u8>,
}

/// The records of a log from a place on. After `None` it may be asked again; after a fault it has
/// ended, unless it is told to [`pass`](Self::pass) it.
pub struct Walk {
    directory: PathBuf,
    cursor: Cursor,
    /// The segment of the cursor, read up to it.
    open: Option<Forward>,
    /// The size of a tree beyond which it does not go.
    bound: Option<u64>,
    /// Whether the cursor's index has been counted, or only a header can tell it.
    counted: bool,
    /// The fault that has ended it.
    stuck: Option<Stuck>,
}

/// Why a walk does not go on.
#[derive(Clone, Copy)]
enum Stuck {
    Damaged,
    Gone,
    Miscounted,
    Unreadable,
}

/// What keeps a walk from going on.
#[derive(Debug, thiserror::Error)]
pub enum WalkFault {
    /// The log cannot be read, or is damaged.
    #[error(transparent)]
    Open(#[from] AuditOpenError),
    /// The segment of the cursor is not there, or one between others.
    #[error("segment {segment} of the log is not there")]
    Gone {
        /// Its number.
        segment: u64,
    },
    /// No record ends at the cursor: it is another log, or an older copy of it, or the end of it was cut after a crash.
    #[error("`{cursor}` is no place of this log")]
    Astray {
        /// The cursor.
        cursor: Cursor,
    },
    /// A segment says that another number of records lies before it than does.
    #[error("segment {segment} of the log counts {told} records before it, and there are {counted}")]
    Miscounted {
        /// Its number.
        segment: u64,
        /// What its header says.
        told: u64,
        /// What the walk has counted.
        counted: u64,
    },
}

/// A text is no cursor.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a cursor is `segment:offset:index`, three whole numbers")]
pub struct NoCursor;

impl Walk {
    /// Walks over the log of `directory` from `cursor` on. Nothing is opened yet.
    #[must_use]
    pub const fn new(directory: PathBuf, cursor: Cursor) -> Self {
        let counted = cursor.segment != 0;
        Self { directory, cursor, open: None, bound: None, counted, stuck: None }
    }

    /// Walks from the first record of a segment on, whichever leaf that is.
    #[must_use]
    pub const fn from_segment(directory: PathBuf, segment: u64) -> Self {
        let cursor = Cursor { segment, ..Cursor::START };
        Self { directory, cursor, open: None, bound: None, counted: false, stuck: None }
    }

    /// Goes only as far as a tree of this size, which a checkpoint says there is: where a record is not found below it, the log
    /// is damaged.
    #[must_use]
    pub const fn up_to(mut self, size: u64) -> Self {
        self.bound(size);
        self
    }

    /// The same, for a walk under way.
    pub const fn bound(&mut self, size: u64) {
        self.bound = Some(size);
    }

    /// Where the next record will stand.
    #[must_use]
    pub const fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// After a fault: goes on with the next whole record behind it, for whoever wants to see what is left of a damaged log.
    /// `false` where there is none. The leaves are counted rightly again from the next segment on.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn pass(&mut self) -> Result<bool, WalkFault> {
        let goes_on = match self.stuck {
            None => true,
            Some(Stuck::Unreadable) => false,
            Some(Stuck::Miscounted) => {
                self.begin(self.cursor.segment);
                true
            }
            Some(Stuck::Gone) => self.pass_segment()?,
            Some(Stuck::Damaged) => {
                let path = self.path();
                match self.open.as_mut().map(|forward| (forward.pass(), forward.offset())) {
                    Some((Ok(true), offset)) => {
                        self.cursor.offset = offset;
                        true
                    }
                    Some((Err(error), _)) => return Err(io_at(&path)(error).into()),
                    Some((Ok(false), _)) | None => self.later_has_begun()? && self.pass_segment()?,
                }
            }
        };
        if goes_on {
            self.stuck = None;
        }
        Ok(goes_on)
    }

    /// Goes on to the next segment that is there.
    fn pass_segment(&mut self) -> Result<bool, WalkFault> {
        let next = segments(&self.directory)?.into_iter().find(|number| *number > self.cursor.segment);
        if let Some(next) = next {
            self.begin(next);
        }
        Ok(next.is_some())
    }

    /// Goes to the beginning of a segment, whichever leaf that is.
    fn begin(&mut self, segment: u64) {
        self.cursor = Cursor { segment, offset: 0, index: self.cursor.index };
        self.open = None;
        self.counted = false;
    }

    fn step(&mut self) -> Result<Option<Walked>, WalkFault> {
        loop {
            if !self.open()? || self.is_at_bound() {
                return Ok(None);
            }
            if let Some(walked) = self.read()? {
                return Ok(Some(walked));
            }
            // In this order: what a checkpoint covers stands in this segment or in a later one that has begun, and what was
            // added here before that one had begun is read now.
            let must_be_there = self.is_covered();
            let later = self.later_has_begun()?;
            if let Some(walked) = self.read()? {
                return Ok(Some(walked));
            }
            if later && self.rest()? == 0 {
                self.open = None;
                self.cursor = Cursor { segment: self.cursor.segment + 1, offset: 0, index: self.cursor.index };
                continue;
            }
            if later || must_be_there {
                return Err(self.damaged());
            }
            // A segment of another version may look like one that was not begun, where that makes its sums otherwise.
            if self.cursor.offset == 0
                && let other @ WalkFault::Open(AuditOpenError::OtherVersion { .. }) = self.damaged()
            {
                return Err(other);
            }
            // By the next time a start may have cut this segment, or begun it anew.
            self.open = None;
            return Ok(None);
        }
    }

    /// Opens the segment of the cursor; `false` where it has not begun yet.
    fn open(&mut self) -> Result<bool, WalkFault> {
        if self.open.is_some() {
            return Ok(true);
        }
        if self.cursor.segment == 0 {
            let numbers = segments(&self.directory)?;
            let Some(first) = numbers.first() else { return Ok(false) };
            self.cursor.segment = *first;
        }
        let path = self.path();
        let mut forward = match Forward::open(&path, self.cursor.offset) {
            Ok(forward) => forward,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return self.is_gone(),
            Err(error) => return Err(io_at(&path)(error).into()),
        };
        if !forward.begins_a_line().map_err(io_at(&path))? {
            return Err(WalkFault::Astray { cursor: self.cursor });
        }
        if !self.counted
            && self.cursor.offset == 0
            && let Some(line) = forward.next().map_err(io_at(&path))?
        {
            self.cursor.index = read::leaves_before(line).unwrap_or_default();
            self.counted = true;
            forward = Forward::open(&path, 0).map_err(io_at(&path))?;
        }
        self.open = Some(forward);
        Ok(true)
    }

    /// What it means that the cursor's segment is not there: it was removed, or has not begun yet, which is `false`.
    fn is_gone(&mut self) -> Result<bool, WalkFault> {
        let gone = self.cursor.offset > 0 || self.later_has_begun()?;
        if gone && !self.counted {
            // The oldest one was removed just now; another one is the oldest.
            self.cursor.segment = 0;
            return self.open();
        }
        if gone { Err(WalkFault::Gone { segment: self.cursor.segment }) } else { Ok(false) }
    }

    fn read(&mut self) -> Result<Option<Walked>, WalkFault> {
        let path = self.path();
        let Some(forward) = &mut self.open else { return Ok(None) };
        let Some(line) = forward.next().map_err(io_at(&path))? else { return Ok(None) };
        let line = line.to_vec();
        let at = self.cursor;
        let told = if at.offset == 0 { read::leaves_before(&line) } else { None };
        if let Some(told) = told.filter(|told| *told != at.index) {
            return Err(WalkFault::Miscounted { segment: at.segment, told, counted: at.index });
        }
        let after = Cursor { segment: at.segment, offset: forward.offset(), index: at.index + 1 };
        self.cursor = after;
        self.counted = true;
        Ok(Some(Walked { at, after, path, line }))
    }

    fn rest(&mut self) -> Result<u64, WalkFault> {
        let path = self.path();
        let rest = self.open.as_mut().map_or(Ok(0), Forward::rest);
        Ok(rest.map_err(io_at(&path))?)
    }

    /// Whether a record stands, or stood, at the cursor.
    fn is_covered(&self) -> bool {
        let size = self.bound.max(checkpointed(&self.directory));
        size.is_some_and(|size| self.counted && size > self.cursor.index)
    }

    fn is_at_bound(&self) -> bool {
        self.bound.is_some_and(|size| self.counted && self.cursor.index >= size)
    }

    /// Whether anything was ever written to a later segment. Its file alone says nothing: it is made ahead.
    fn later_has_begun(&self) -> Result<bool, WalkFault> {
        for number in segments(&self.directory)?.into_iter().filter(|number| *number > self.cursor.segment) {
            let path = segment::path(&self.directory, number);
            match begins_with_zero(&path) {
                Ok(true) => {}
                Ok(false) => return Ok(true),
                // A start has removed it, which had not been used.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(io_at(&path)(error).into()),
            }
        }
        Ok(false)
    }

    fn damaged(&self) -> WalkFault {
        let (path, offset) = (self.path(), self.cursor.offset);
        let mut line = vec![0; TOLD_WITHIN_BYTES];
        let read = File::open(&path).and_then(|file| file.read_at(&mut line, offset)).unwrap_or_default();
        AuditOpenError::unreadable(&path, offset, line.get(..read).unwrap_or_default()).into()
    }

    fn path(&self) -> PathBuf {
        segment::path(&self.directory, self.cursor.segment)
    }
}

impl Iterator for Walk {
    type Item = Result<Walked, WalkFault>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.stuck.is_some() {
            return None;
        }
        let stepped = self.step();
        self.stuck = stepped.as_ref().err().map(|fault| match fault {
            WalkFault::Open(AuditOpenError::Damaged { .. } | AuditOpenError::OtherVersion { .. }) => Stuck::Damaged,
            WalkFault::Gone { .. } => Stuck::Gone,
            WalkFault::Miscounted { .. } => Stuck::Miscounted,
            WalkFault::Open(_) | WalkFault::Astray { .. } => Stuck::Unreadable,
        });
        stepped.transpose()
    }
}

impl Walked {
    /// Which leaf of the tree it is, counted from 0.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.at.index
    }

    /// Its bytes, which are the data of its leaf: the line without its line feed.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.line.strip_suffix(b"\n").unwrap_or(&self.line)
    }

    /// What it says.
    ///
    /// # Errors
    /// It is whole, and no record of a version known here.
    pub fn record(&self) -> Result<FoundRecord, AuditOpenError> {
        let damaged = || AuditOpenError::unreadable(&self.path, self.at.offset, &self.line);
        Line::parse(&self.line).map(FoundRecord::from).ok_or_else(damaged)
    }
}

impl Cursor {
    /// Before the oldest record that is there.
    pub const START: Self = Self { segment: 0, offset: 0, index: 0 };
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.segment, self.offset, self.index)
    }
}

/// Reads what `Display` writes, and nothing else.
impl FromStr for Cursor {
    type Err = NoCursor;

    fn from_str(text: &str) -> Result<Self, NoCursor> {
        let mut numbers = text.split(':').map(|digits| digits.parse().ok());
        let mut number = || numbers.next().flatten().ok_or(NoCursor);
        let cursor = Self { segment: number()?, offset: number()?, index: number()? };
        if cursor.to_string() == text { Ok(cursor) } else { Err(NoCursor) }
    }
}

/// The numbers of the segments that are there, in their order; the newest may be made ahead and not have begun.
///
/// # Errors
/// The directory cannot be read.
pub fn segments(directory: &Path) -> Result<Vec<u64>, WalkFault> {
    Ok(segment::numbers(directory).map_err(io_at(directory))?)
}

/// The size that the log's newest checkpoint tells. Nobody has verified it: it is asked only whether something is missing.
fn checkpointed(directory: &Path) -> Option<u64> {
    fs::read_to_string(directory.join(CHECKPOINT)).ok()?.lines().nth(1)?.parse().ok()
}

/// An empty file counts as one of zeros.
fn begins_with_zero(path: &Path) -> io::Result<bool> {
    let mut byte = [0];
    let read = File::open(path)?.read_at(&mut byte, 0)?;
    Ok(read == 0 || byte == [0])
}

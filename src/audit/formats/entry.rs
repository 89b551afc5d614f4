//! What is written: a record with its place, and a checkpoint with what it covers.

use crate::audit::find::FoundRecord;
use crate::audit::walk::Cursor;
use crate::audit::walk::Walked;
use crate::clock::UnixMillis;

/// A record, and where it stands in which log.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'r> {
    /// The record.
    pub record: &'r FoundRecord,
    /// Its bytes as they stand in the log. A line feed behind them is no part of it.
    pub line: &'r [u8],
    /// The log's origin, for instance `gateway.prop.example/audit`.
    pub origin: &'r str,
    /// Its place there.
    pub at: Cursor,
}

/// A checkpoint at the end of a batch: everything before it in the log is covered by its signature.
#[derive(Clone, Copy, Debug)]
pub struct Covered<'r> {
    /// The log's origin.
    pub origin: &'r str,
    /// How many records it covers.
    pub size: u64,
    /// The root of their tree, in base64.
    pub root: &'r str,
    /// The whole signed note, its line feeds included.
    pub note: &'r str,
    /// When the batch was made.
    pub at: UnixMillis,
}

impl<'r> Entry<'r> {
    /// A record on a walk; `record` is what [`Walked::record`] gave.
    #[must_use]
    pub fn of(walked: &'r Walked, record: &'r FoundRecord, origin: &'r str) -> Self {
        Self { record, line: walked.bytes(), origin, at: walked.at }
    }
}

impl<'r> Covered<'r> {
    /// Takes a checkpoint apart (C2SP tlog-checkpoint); `None` if the note is none. Whether its signature is good is not asked:
    /// who receives it has the key from elsewhere.
    #[must_use]
    pub fn of_note(note: &'r str, at: UnixMillis) -> Option<Self> {
        let (text, signatures) = note.split_once("\n\n")?;
        let mut lines = text.split('\n');
        let (origin, size, root) = (lines.next()?, lines.next()?, lines.next()?);
        let is_number = size == "0" || !size.starts_with('0') && size.bytes().all(|byte| byte.is_ascii_digit());
        let is_whole = is_number && !origin.is_empty() && signatures.starts_with("\u{2014} ") && note.ends_with('\n');
        is_whole.then_some(Self { origin, size: size.parse().ok()?, root, note, at })
    }
}

/// The host of an origin, as far as it can stand in a syslog header: `gateway.prop.example` of `gateway.prop.example/audit`.
pub(super) fn host(origin: &str) -> &str {
    origin.split('/').next().unwrap_or_default()
}

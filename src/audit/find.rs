//! Finding what stands in a log under one receipt, also while a gateway writes it. Nothing is written, locked or mended.
//!
//! Segments are read from the newest backwards, until the record that begins the receipt's story is found; what
//! ended it stands behind. A torn tail of the newest segment is what a crash, or a gateway at work, leaves there, and is passed
//! over as a start would cut it. Any other byte that is no record is damage, which is told: a record may have stood there.

use crate::audit::fault::AuditOpenError;
use crate::audit::forward::Forward;
use crate::audit::queue::BATCH_MAX_BYTES;
use crate::audit::read::Line;
use crate::audit::record::Kind;
use crate::audit::recover::io_at;
use crate::audit::segment;
use crate::clock::UnixMillis;
use crate::json::Value;
use crate::model::Receipt;
use std::path::Path;

/// What a log holds under one receipt: at least one record, in the order of the log.
#[derive(Debug)]
pub struct Found {
    /// The records.
    pub records: Vec<FoundRecord>,
    /// Where the log is damaged, in a segment that was read.
    pub damaged: Option<AuditOpenError>,
}

/// A record as it stands in the log. It holds no plaintext of a person, since no record does.
pub struct FoundRecord {
    kind: Kind,
    time: UnixMillis,
    value: Value,
}

/// Why nothing is found under a receipt.
#[derive(Debug, thiserror::Error)]
pub enum FindFault {
    /// The log cannot be read, or is damaged where the record may have stood.
    #[error(transparent)]
    Open(#[from] AuditOpenError),
    /// The log is whole, and has no such record.
    #[error("no record of the log has this receipt")]
    Unknown,
}

/// Looks for a receipt in the log of `directory`.
///
/// # Errors
/// [`FindFault`]; where a damaged log holds the record all the same, it is given.
pub fn find(directory: &Path, receipt: Receipt) -> Result<Found, FindFault> {
    let mut numbers = segment::numbers(directory).map_err(io_at(directory))?;
    let wanted = receipt.to_string();
    let mut found = Vec::new();
    let mut damaged = None;
    let mut newest = true;
    while let Some(number) = numbers.pop() {
        let path = segment::path(directory, number);
        let mut lines = Forward::open(&path, 0).map_err(io_at(&path))?;
        let mut here: Vec<FoundRecord> = Vec::new();
        while let Some(line) = lines.next().map_err(io_at(&path))? {
            let line = if holds(line, &wanted) { Line::parse(line) } else { None };
            // What a partner's event tells of the command stands under a receipt of its own.
            let is_of_it = |line: &Line| line.receipt == Some(receipt) || line.command == Some(receipt);
            here.extend(line.filter(is_of_it).map(FoundRecord::from));
        }
        let rest = lines.rest().map_err(io_at(&path))?;
        if newest && lines.offset() == 0 && rest == 0 {
            // Made ahead, and not used yet.
            continue;
        }
        let is_torn = newest && rest <= BATCH_MAX_BYTES as u64;
        if rest > 0 && !is_torn {
            damaged = Some(AuditOpenError::Damaged { path, offset: lines.offset() });
        }
        newest = false;
        here.append(&mut found);
        found = here;
        if found.iter().any(|record| record.begins() && record.text("receipt") == Some(&wanted)) {
            break;
        }
    }
    match (found.is_empty(), damaged) {
        (false, damaged) => Ok(Found { records: found, damaged }),
        (true, Some(damage)) => Err(damage.into()),
        (true, None) => Err(FindFault::Unknown),
    }
}

/// The words of all kinds of record.
pub fn kinds() -> impl Iterator<Item = &'static str> {
    Kind::words()
}

/// Whether a line names the receipt: cheaper than parsing it.
fn holds(line: &[u8], receipt: &str) -> bool {
    line.windows(receipt.len()).any(|window| window == receipt.as_bytes())
}

impl FoundRecord {
    /// The word of its kind, for instance `intent` or `refusal`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        self.kind.word()
    }

    /// The words of all kinds that there are.
    pub fn kinds() -> impl Iterator<Item = &'static str> {
        Kind::ALL.into_iter().map(Kind::word)
    }

    /// Its kind.
    pub(super) const fn of_kind(&self) -> Kind {
        self.kind
    }

    /// When it was made.
    #[must_use]
    pub const fn time(&self) -> UnixMillis {
        self.time
    }

    /// All of its members, as `record.rs` lists them.
    #[must_use]
    pub const fn value(&self) -> &Value {
        &self.value
    }

    /// A member.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.value.get(name)
    }

    /// A member that is text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    /// The receipt that it stands under.
    #[must_use]
    pub fn receipt(&self) -> Option<Receipt> {
        self.text("receipt").and_then(Receipt::parse)
    }

    /// Whether it tells how the story of its receipt began, and not only how it went on.
    #[must_use]
    pub const fn begins(&self) -> bool {
        !matches!(self.kind, Kind::Outcome | Kind::Delivery)
    }
}

impl From<Line> for FoundRecord {
    fn from(line: Line) -> Self {
        Self { kind: line.kind, time: line.time, value: line.into_value() }
    }
}

/// Its kind and time: the members may be many.
impl std::fmt::Debug for FoundRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {}", self.kind(), self.time)
    }
}

//! What a log tells of who is revoked: revocations and liftings, in the order of their epochs.
//!
//! Two ask. A backup asks what happened since the place at which it was made ([`since`]). A store asks what it has not seen
//! ([`unseen`]), by the last epoch that it knows: a start compares the two, and `portcullis store reconcile` makes good what
//! is missing.
//!
//! **What proves that a store is older than its log**, and not merely behind it: a start on record stored its epoch before
//! its record, and a revocation that is recorded as `stored` was. Whichever is above what the store knows, the store knew
//! once. An epoch alone proves nothing: it also grows with a revocation that the store did not take, and with a lifting that
//! did not come about.
//!
//! A lifting is on record before it is done. Where it is not done after all, a second record with the same `made` says so.

use crate::audit::fault::AuditOpenError;
use crate::audit::look::Position;
use crate::audit::queue::BATCH_MAX_BYTES;
use crate::audit::read::Line;
use crate::audit::read::Lines;
use crate::audit::read::kind_word;
use crate::audit::read::other_version;
use crate::audit::record::Kind;
use crate::audit::recover::io_at;
use crate::audit::recover::is_zero;
use crate::audit::recover::torn_bytes;
use crate::audit::segment;
use crate::clock::UnixMillis;
use crate::json::Value;
use crate::model::Epoch;
use crate::model::Reason;
use crate::model::Sha256;
use crate::model::TenantId;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

/// Where a record that tells an epoch tells it: before anything whose length a stranger chooses.
const EPOCH_WITHIN_BYTES: usize = 256;

/// A change of what is revoked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum RecordedChange {
    /// It has no rights from then on.
    Revoked(RecordedRevocation),
    /// It has its rights again.
    Lifted(RecordedLifting),
}

/// A revocation as a record tells it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RecordedRevocation {
    /// The word of its kind, for instance `subject`.
    pub kind: String,
    /// Whose, as the keyed digest under which the store holds it.
    pub digest: Sha256,
    /// Within which tenant; `None` for all.
    pub tenant: Option<TenantId>,
    /// The epoch that it made.
    pub epoch: Epoch,
    /// When it was recorded.
    pub at: UnixMillis,
    /// Whether it was stored by then.
    pub stored: bool,
}

/// A lifting as records tell it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RecordedLifting {
    /// The word of the revocation's kind.
    pub kind: String,
    /// Whose revocation ended.
    pub digest: Sha256,
    /// Within which tenant it held.
    pub tenant: Option<TenantId>,
    /// The epoch that the lifting made.
    pub epoch: Epoch,
    /// When it was recorded.
    pub at: UnixMillis,
}

/// What a log holds since a place.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Since {
    /// What changed, in the order of epochs.
    pub changes: Vec<RecordedChange>,
    /// The highest epoch that any record tells.
    pub epoch: Epoch,
}

/// What a log holds that a store has not seen.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Unseen {
    /// What changed, in the order of epochs, each of them above the store's.
    pub changes: Vec<RecordedChange>,
    /// The highest epoch that any record tells.
    pub epoch: Epoch,
    /// Whether a gateway has started with an epoch above the store's.
    pub started: bool,
}

/// Why a log cannot tell what happened.
#[derive(Debug, thiserror::Error)]
pub enum SinceFault {
    /// It cannot be read, or is damaged.
    #[error(transparent)]
    Open(#[from] AuditOpenError),
    /// A segment of that time is not there.
    #[error("segment {segment} of the log is not there")]
    Gone {
        /// Its number.
        segment: u64,
    },
    /// It ends before that position: it is another log, or an older copy of it.
    #[error("the log ends before the place at which the backup was made")]
    Behind,
}

/// What the log holds behind `position`, or in all where there is none.
///
/// # Errors
/// [`SinceFault`], also where a segment between that place and the end is missing: what it held could be a revocation.
pub fn since(directory: &Path, position: Option<Position>) -> Result<Since, SinceFault> {
    let numbers = segment::numbers(directory).map_err(io_at(directory))?;
    let (first, offset) = position.map_or((1, 0), |position| (position.segment, position.offset));
    let last = numbers.last().copied().unwrap_or_default();
    if position.is_some() && last < first {
        return Err(SinceFault::Behind);
    }
    let mut told = Vec::new();
    let mut newest = true;
    for number in (first..=last).rev() {
        if numbers.binary_search(&number).is_err() {
            return Err(SinceFault::Gone { segment: number });
        }
        let from = if number == first { offset } else { 0 };
        let segment = Told::read(segment::path(directory, number), from, newest)?;
        if segment.end < from {
            return Err(SinceFault::Behind);
        }
        newest &= segment.is_unused();
        told.push(segment);
    }
    let (changes, epoch) = joined(told);
    Ok(Since { changes, epoch })
}

/// What the log holds that a store which knows everything up to `seen` does not know.
///
/// Segments are read from the newest backwards, until one begins with an epoch that the store has seen.
///
/// # Errors
/// [`SinceFault`], also where a segment in which something unseen could stand is not there.
pub fn unseen(directory: &Path, seen: Epoch) -> Result<Unseen, SinceFault> {
    let mut numbers = segment::numbers(directory).map_err(io_at(directory))?;
    let mut told: Vec<Told> = Vec::new();
    let mut newest = true;
    let mut next = None;
    let mut reached = false;
    while let Some(number) = numbers.pop().filter(|_| !reached) {
        if let Some(missing) = next.filter(|next| *next != number) {
            return Err(SinceFault::Gone { segment: missing });
        }
        let segment = Told::read(segment::path(directory, number), 0, newest)?;
        newest &= segment.is_unused();
        reached = segment.begins.is_some_and(|begins| begins <= seen);
        told.push(segment);
        next = Some(number.saturating_sub(1));
    }
    if let Some(missing) = next.filter(|next| *next > 0 && !reached) {
        return Err(SinceFault::Gone { segment: missing });
    }
    let started = told.iter().any(|segment| segment.started > seen);
    let (mut changes, epoch) = joined(told);
    changes.retain(|change| change.epoch() > seen);
    Ok(Unseen { changes, epoch, started })
}

impl Unseen {
    /// Whether the store once knew what it does not know now.
    #[must_use]
    pub fn is_forgotten(&self) -> bool {
        self.started || self.changes.iter().any(|change| matches!(change, RecordedChange::Revoked(one) if one.stored))
    }
}

impl RecordedChange {
    /// The epoch that it made.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        match self {
            Self::Revoked(one) => one.epoch,
            Self::Lifted(one) => one.epoch,
        }
    }
}

/// What one segment tells.
struct Told {
    changes: Vec<RecordedChange>,
    /// The liftings that did not come about, by the epochs that they would have made.
    undone: Vec<Epoch>,
    /// The highest epoch.
    epoch: Epoch,
    /// The highest epoch of a start.
    started: Epoch,
    /// An epoch that no earlier segment is above.
    begins: Option<Epoch>,
    /// Behind the last whole record.
    end: u64,
}

impl Told {
    /// Reads a segment from an offset on. The newest one may end in what a crash left, which a start cuts off.
    fn read(path: PathBuf, from: u64, newest: bool) -> Result<Self, SinceFault> {
        let bytes = fs::read(&path).map_err(io_at(&path))?;
        let (changes, undone) = (Vec::new(), Vec::new());
        let zero = Epoch::default();
        let mut told = Self { changes, undone, epoch: zero, started: zero, begins: None, end: 0 };
        let mut lines = Lines::new(&bytes);
        for (at, line) in lines.by_ref() {
            let damaged = || AuditOpenError::unreadable(&path, at as u64, line);
            let kind = kind_of(line).ok_or_else(damaged)?;
            if at as u64 >= from {
                told.take(kind, line).ok_or_else(damaged)?;
            }
        }
        told.end = lines.offset as u64;
        let tail = bytes.get(lines.offset..).unwrap_or_default();
        let torn = newest && torn_bytes(tail) <= BATCH_MAX_BYTES;
        if other_version(tail).is_some() || !torn && !is_zero(tail) {
            return Err(AuditOpenError::unreadable(&path, told.end, tail).into());
        }
        Ok(told)
    }

    /// Takes what matters of a record; `None` if it does not tell what it must.
    fn take(&mut self, kind: Kind, line: &[u8]) -> Option<()> {
        let told = epoch_of(line).unwrap_or_default();
        self.epoch = self.epoch.max(told);
        match kind {
            Kind::Segment => {
                let head = Line::parse(line)?.head()?;
                self.epoch = self.epoch.max(head.epoch);
                self.begins_with(head.epoch);
            }
            Kind::Start => {
                self.started = self.started.max(told);
                self.begins_with(told);
            }
            Kind::Revocation => {
                let revocation = Line::parse(line)?.revocation()?;
                self.epoch = self.epoch.max(revocation.epoch);
                self.changes.push(RecordedChange::Revoked(revocation));
            }
            Kind::Admin => {
                let line = Line::parse(line)?;
                if let Some(lifting) = line.lifting() {
                    self.epoch = self.epoch.max(lifting.epoch);
                    match line.reason() {
                        Some(Reason::Done) => self.changes.push(RecordedChange::Lifted(lifting)),
                        _ => self.undone.push(lifting.epoch),
                    }
                }
            }
            _ => {}
        }
        Some(())
    }

    fn begins_with(&mut self, epoch: Epoch) {
        self.begins = Some(self.begins.map_or(epoch, |begins| begins.min(epoch)));
    }

    const fn is_unused(&self) -> bool {
        self.end == 0
    }
}

/// All segments' changes in the order of their epochs, without liftings that did not come about; and the highest epoch.
fn joined(told: Vec<Told>) -> (Vec<RecordedChange>, Epoch) {
    let epoch = told.iter().map(|segment| segment.epoch).max().unwrap_or_default();
    let undone: Vec<Epoch> = told.iter().flat_map(|segment| segment.undone.iter().copied()).collect();
    let mut changes: Vec<RecordedChange> = told.into_iter().flat_map(|segment| segment.changes).collect();
    changes.retain(|change| !matches!(change, RecordedChange::Lifted(one) if undone.contains(&one.epoch)));
    // Records of one time may stand in the file a little out of order; epochs never do.
    changes.sort_by_key(RecordedChange::epoch);
    (changes, epoch)
}

/// The kind of a whole line, without reading all of it.
fn kind_of(line: &[u8]) -> Option<Kind> {
    kind_word(line).and_then(|(word, _)| Kind::of_word(std::str::from_utf8(word).ok()?))
}

/// The epoch that a whole line tells. Within a text no quote stands unescaped, so that the name is found nowhere else.
fn epoch_of(line: &[u8]) -> Option<Epoch> {
    const NAME: &[u8] = b",\"epoch\":";
    let head = line.get(..EPOCH_WITHIN_BYTES.min(line.len()))?;
    let at = head.windows(NAME.len()).position(|window| window == NAME)?;
    let digits = line.get(at + NAME.len()..)?;
    let length = digits.iter().position(|byte| !byte.is_ascii_digit())?;
    std::str::from_utf8(digits.get(..length)?).ok()?.parse().ok().map(Epoch::new)
}

impl Line {
    /// What a revocation's record tells of it.
    fn revocation(&self) -> Option<RecordedRevocation> {
        let revoked = self.get("revoked")?;
        let (kind, digest, tenant) = about(revoked)?;
        Some(RecordedRevocation {
            kind,
            digest,
            tenant,
            epoch: epoch_in(revoked, "epoch")?,
            at: self.time,
            stored: revoked.get("stored").and_then(Value::as_boolean)?,
        })
    }

    /// What the record of a lifting tells of it, whether it came about or not; `None` of any other act.
    fn lifting(&self) -> Option<RecordedLifting> {
        self.get("act").and_then(Value::as_str).filter(|act| *act == "lift")?;
        let (kind, digest, tenant) = about(self.get("about")?)?;
        Some(RecordedLifting { kind, digest, tenant, epoch: epoch_in(self.value(), "made")?, at: self.time })
    }
}

/// Kind, digest and tenant.
fn about(value: &Value) -> Option<(String, Sha256, Option<TenantId>)> {
    let text = |name| value.get(name).and_then(Value::as_str);
    let tenant = match value.get("tenant") {
        Some(tenant) => Some(TenantId::new(tenant.as_str()?).ok()?),
        None => None,
    };
    Some((text("kind")?.to_owned(), text("digest").and_then(Sha256::from_hex)?, tenant))
}

fn epoch_in(value: &Value, name: &str) -> Option<Epoch> {
    value.get(name)?.as_integer().and_then(|number| u64::try_from(number).ok()).map(Epoch::new)
}

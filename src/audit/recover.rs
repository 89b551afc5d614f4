//! Reading the log back at start: cutting a torn tail, finding intents without outcome, and the idempotency keys of the
//! last 24 hours.
//!
//! **A torn tail** is what a crash leaves of the last batch: its blocks reach the disk in any order, so that whole
//! records may follow a hole. None of them was ever acknowledged, since a batch is begun only when the one before it is
//! durable. So the newest segment is cut after the last whole record before the first byte that is none; what is cut off
//! is kept aside as `segment-NNNNNNNNNN.torn`. Bytes further behind than a batch can reach, or in an older segment, are
//! no torn tail but damage: the log is then not opened, since keys that are forgotten could move a door twice.
//!
//! **An intent without outcome** is marked unknown, also where its bytes certainly did not leave (its waiter had given
//! up): the log cannot know, and unknown is never sent again.
//!
//! **The tree** is restored from the head of the newest segment and the records behind it. Segments that are read must follow upon
//! one another, and the newest checkpoint must vouch for these very records ([`chain`](crate::audit::chain)); before that is
//! known, nothing is cut.
//!
//! Segments are read from the newest backwards until one begins earlier than a day before the last process's last
//! segment; an exchange takes seconds, so every open intent lies there. One that began so early does not end it where an older
//! one began within that day: then the clock was wrong for a while, and keys of today lie behind it. (What was recorded under a
//! clock that was a day behind counts as that old.)

use crate::audit::archive::HEAD_MAX_BYTES;
use crate::audit::chain::Chain;
use crate::audit::chain::Segment;
use crate::audit::checkpoint;
use crate::audit::checkpoint::Checkpoint;
use crate::audit::facts::KeyDigests;
use crate::audit::fault::AuditOpenError;
use crate::audit::outcome::OutcomeState;
use crate::audit::queue::BATCH_MAX_BYTES;
use crate::audit::read::Line;
use crate::audit::read::Lines;
use crate::audit::read::other_version;
use crate::audit::receipts::Owner;
use crate::audit::receipts::PastReceipt;
use crate::audit::receipts::ReceiptState;
use crate::audit::receipts::TokenOf;
use crate::audit::record::Kind;
use crate::audit::segment;
use crate::audit::tree::Tree;
use crate::audit::tree::leaf_hash;
use crate::clock::UnixMillis;
use crate::crypto::NoteSigner;
use crate::limits::REMEMBERED_MS;
use crate::model::AnswerPlace;
use crate::model::Epoch;
use crate::model::PastOutcome;
use crate::model::Reason;
use crate::model::Receipt;
use std::collections::HashMap;
use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;

/// Records of one time may stand in the file a little out of order.
pub(super) const DISORDER_MS: u64 = 60_000;

/// What opening the log found.
#[derive(Debug, Default)]
pub struct Recovered {
    /// The commands with an idempotency key of the last 24 hours, in the order of their intents. One of which nothing
    /// was sent, and that kept no answer, is not among them: it may be given again.
    pub past: Vec<PastCommand>,
    /// How many intents had no outcome and are marked unknown now.
    pub unknown: usize,
    /// How many bytes of a torn tail were cut off (and kept aside).
    pub cut_bytes: u64,
    /// When the last record was written; `None` where there is none.
    pub last: Option<UnixMillis>,
    /// The latest time that a record bears which was read: later than the last one's where the clock was set back.
    pub latest: Option<UnixMillis>,
}

/// A command of the past that has an idempotency key.
#[derive(Clone, Copy, Debug)]
pub struct PastCommand {
    /// The key and what it is bound to.
    pub key: KeyDigests,
    /// The receipt of the first request with this key.
    pub receipt: Receipt,
    /// When its intent was recorded.
    pub at: UnixMillis,
    /// What became of it.
    pub outcome: PastOutcome,
}

/// What was found in the directory.
pub(super) struct Found {
    pub(super) recovered: Recovered,
    /// All commands, by receipt, in the order of their intents.
    pub(super) receipts: Vec<PastReceipt>,
    /// The intents without outcome, in their order.
    pub(super) unknown: Vec<Receipt>,
    /// The torn segment and the bytes cut off it.
    pub(super) cut: Option<(u64, u64)>,
    /// The number of the segment to begin.
    pub(super) next: u64,
    /// The tree of all records.
    pub(super) tree: Tree,
    /// The highest epoch that they tell.
    pub(super) epoch: Epoch,
}

impl Found {
    /// What is found where nothing was ever written.
    pub(super) fn nothing() -> Self {
        Self {
            recovered: Recovered::default(),
            receipts: Vec::new(),
            unknown: Vec::new(),
            cut: None,
            next: 1,
            tree: Tree::default(),
            epoch: Epoch::default(),
        }
    }
}

/// What matters of one record.
pub(super) enum Event {
    Intent { receipt: Receipt, at: UnixMillis, owner: Owner, token: Option<TokenOf>, key: Option<KeyDigests> },
    Outcome { receipt: Receipt, at: UnixMillis, past: Option<PastOutcome>, state: OutcomeState, reason: Reason },
    Told { command: Receipt, at: UnixMillis, state: OutcomeState },
}

/// One step of putting in order what a crash left; nothing is touched before the log is found to be whole.
enum Mending {
    Remove(PathBuf),
    KeepAside(PathBuf, Vec<u8>),
    Cut(PathBuf, u64),
}

/// Whether what a crash left is put in order.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Mend {
    Yes,
    No,
}

/// Reads the log back, and cuts a torn tail.
pub(super) fn read_back(directory: &Path, signer: &NoteSigner, now: UnixMillis) -> Result<Found, AuditOpenError> {
    read(directory, signer, now, Mend::Yes)
}

/// The same, and changes nothing.
pub(super) fn look_back(directory: &Path, signer: &NoteSigner, now: UnixMillis) -> Result<Found, AuditOpenError> {
    read(directory, signer, now, Mend::No)
}

fn read(directory: &Path, signer: &NoteSigner, now: UnixMillis, mend: Mend) -> Result<Found, AuditOpenError> {
    let attested = checkpoint::newest(directory, signer)?;
    let mut chain = Chain::new(directory, signer.name(), attested.as_ref());
    let mut numbers = segment::numbers(directory).map_err(io_at(directory))?;
    let (mut segments, mut mending) = (Vec::new(), Vec::new());
    let (mut cut, mut horizon) = (None, None);
    let latest = now.get().saturating_add(DISORDER_MS);
    let (mut next, mut last, mut latest_told) = (1, None, None);
    while let Some(number) = numbers.pop() {
        let path = segment::path(directory, number);
        let bytes = fs::read(&path).map_err(io_at(&path))?;
        let newest = horizon.is_none();
        if newest && is_zero(&bytes) {
            // Made ahead and never used.
            mending.push(Mending::Remove(path));
            continue;
        }
        let read = read_segment(&path, number, &bytes, attested.as_ref())?;
        let tail = bytes.get(read.end..).unwrap_or_default();
        if newest {
            // One without a whole record is begun anew.
            next = if read.end == 0 { number } else { number + 1 };
            cut = end_newest(&path, number, read.end, tail, &mut mending)?;
        } else if !is_zero(tail) || read.end == 0 {
            return Err(AuditOpenError::Damaged { path, offset: read.end as u64 });
        }
        last = last.or(read.ended);
        latest_told = latest_told.max(read.latest);
        let began = read.began.unwrap_or(now);
        let until = *horizon.get_or_insert(began.get().min(now.get()).saturating_sub(REMEMBERED_MS + DISORDER_MS));
        segments.push(chain.link(&path, read)?);
        let is_today = |older: &u64| began_at(directory, *older).is_some_and(|at| (until..=latest).contains(&at.get()));
        if began.get() < until && chain.is_attested() && !numbers.iter().any(is_today) {
            break;
        }
    }
    let (tree, epoch) = chain.end()?;
    if mend == Mend::Yes {
        mending.into_iter().try_for_each(Mending::done)?;
        mend_list(directory, signer)?;
    }
    let (past, receipts, unknown) = replay(segments.into_iter().rev().flatten(), now);
    let cut_bytes = cut.map_or(0, |(_, bytes)| bytes);
    let recovered = Recovered { past, unknown: unknown.len(), cut_bytes, last, latest: latest_told };
    Ok(Found { recovered, receipts, unknown, cut, next, tree, epoch })
}

/// When a segment began, as its first record says; `None` where it says nothing that can be read.
fn began_at(directory: &Path, number: u64) -> Option<UnixMillis> {
    let file = File::open(segment::path(directory, number)).ok()?;
    let mut line = Vec::new();
    BufReader::new(file.take(HEAD_MAX_BYTES)).read_until(b'\n', &mut line).ok()?;
    Line::parse(&line).map(|line| line.time)
}

/// What a segment tells.
fn read_segment(
    path: &Path,
    number: u64,
    bytes: &[u8],
    attested: Option<&Checkpoint>,
) -> Result<Segment, AuditOpenError> {
    let mut read = Segment::default();
    // Another version may make sums otherwise: its records would count as torn, and be cut.
    if other_version(bytes).is_some() {
        return Err(AuditOpenError::unreadable(path, 0, bytes));
    }
    let mut lines = Lines::new(bytes);
    for (offset, bytes) in lines.by_ref() {
        // A whole line that says nothing here was written by another version: not ours to pass over.
        let unreadable = || AuditOpenError::unreadable(path, offset as u64, bytes);
        let line = Line::parse(bytes).ok_or_else(unreadable)?;
        if offset == 0 {
            let head = line.head().filter(|head| head.number == number).ok_or_else(unreadable)?;
            read.tree = head.tree.clone();
            read.began = Some(line.time);
            read.epoch = head.epoch;
            read.take_root(attested);
            read.head = Some(head);
        }
        let length = u32::try_from(bytes.len()).map_err(|_| unreadable())?;
        read.ended = Some(line.time);
        read.latest = read.latest.max(Some(line.time));
        read.tree.append(leaf_hash(bytes));
        read.take_root(attested);
        read.epoch = read.epoch.max(line.epoch().unwrap_or_default());
        read.events.extend(event(&line, AnswerPlace { segment: number, offset: offset as u64, length }));
    }
    read.end = lines.offset;
    Ok(read)
}

fn event(line: &Line, place: AnswerPlace) -> Option<Event> {
    let receipt = line.receipt?;
    match line.kind {
        Kind::Intent => {
            let (owner, token) = (Owner::of(line.peer()), line.token());
            Some(Event::Intent { receipt, at: line.time, owner, token, key: line.key })
        }
        Kind::Event => {
            line.command.zip(line.told()).map(|(command, state)| Event::Told { command, at: line.time, state })
        }
        Kind::Outcome => Some(Event::Outcome {
            receipt,
            at: line.time,
            past: past_outcome(line, place),
            state: line.state.unwrap_or(OutcomeState::Unknown),
            reason: line.reason().unwrap_or(Reason::OutcomeUnknown),
        }),
        _ => None,
    }
}

/// What a repeated key finds: the kept answer, nothing (nothing was sent), or that nobody knows.
fn past_outcome(line: &Line, place: AnswerPlace) -> Option<PastOutcome> {
    match line.state {
        Some(OutcomeState::Unknown) | None => Some(PastOutcome::Unknown),
        Some(_) if line.has_answer() => Some(PastOutcome::Answered(place)),
        Some(OutcomeState::NotSent | OutcomeState::Withdrawn) => None,
        Some(OutcomeState::Done | OutcomeState::Refused) => Some(PastOutcome::Unknown),
    }
}

/// Joins outcomes to intents: the remembered keys, all commands, and the intents that are still open, which are unknown as of
/// now.
fn replay(events: impl Iterator<Item = Event>, now: UnixMillis) -> (Vec<PastCommand>, Vec<PastReceipt>, Vec<Receipt>) {
    let remembered_from = now.get().saturating_sub(REMEMBERED_MS);
    let mut past: Vec<Option<PastCommand>> = Vec::new();
    let mut receipts: Vec<PastReceipt> = Vec::new();
    // What partners told of commands, whose events may stand on either side of the outcome.
    let mut told: HashMap<Receipt, (OutcomeState, UnixMillis)> = HashMap::new();
    // Each open intent with its place among all, and in `past` if it has a key.
    let mut open: HashMap<Receipt, (usize, Option<usize>)> = HashMap::new();
    for event in events {
        match event {
            Event::Intent { receipt, at, owner, token, key } => {
                let key = key.filter(|_| at.get() >= remembered_from);
                open.insert(receipt, (receipts.len(), key.map(|_| past.len())));
                let ended = Some((OutcomeState::Unknown, Reason::OutcomeUnknown, now));
                let state = ReceiptState { recorded: at, ended, told: None };
                receipts.push(PastReceipt { receipt, owner, token, state });
                past.extend(key.map(|key| Some(PastCommand { key, receipt, at, outcome: PastOutcome::Unknown })));
            }
            Event::Told { command, at, state } => {
                told.entry(command).or_insert((state, at));
            }
            Event::Outcome { receipt, at, past: found, state, reason } => {
                let Some((order, index)) = open.remove(&receipt) else { continue };
                if let Some(known) = receipts.get_mut(order) {
                    known.state.ended = Some((state, reason, at));
                }
                if let Some(command) = index.and_then(|index| past.get_mut(index)) {
                    *command = command.zip(found).map(|(command, outcome)| PastCommand { outcome, ..command });
                }
            }
        }
    }
    for PastReceipt { receipt, state, .. } in receipts.iter_mut().filter(|_| !told.is_empty()) {
        state.told = told.get(receipt).copied();
    }
    let mut unknown: Vec<(usize, Receipt)> = open.into_iter().map(|(receipt, (order, _))| (order, receipt)).collect();
    unknown.sort_unstable_by_key(|(order, _)| *order);
    let unknown = unknown.into_iter().map(|(_, receipt)| receipt).collect();
    (past.into_iter().flatten().collect(), receipts, unknown)
}

/// What is to be done to end the newest segment after its last whole record. Gives its number and the bytes to be cut off, if
/// it is torn.
fn end_newest(
    path: &Path,
    number: u64,
    end: usize,
    tail: &[u8],
    mending: &mut Vec<Mending>,
) -> Result<Option<(u64, u64)>, AuditOpenError> {
    let torn = torn_bytes(tail);
    if torn > BATCH_MAX_BYTES {
        return Err(AuditOpenError::Damaged { path: path.to_owned(), offset: end as u64 });
    }
    if torn > 0 {
        mending.push(Mending::KeepAside(path.with_extension("torn"), tail.get(..torn).unwrap_or_default().to_vec()));
    }
    if end == 0 {
        mending.push(Mending::Remove(path.to_owned()));
    } else if !tail.is_empty() {
        mending.push(Mending::Cut(path.to_owned(), end as u64));
    }
    Ok((torn > 0).then_some((number, torn as u64)))
}

/// Cuts a torn note off the newest list of checkpoints.
fn mend_list(directory: &Path, signer: &NoteSigner) -> Result<(), AuditOpenError> {
    let Some(list) = segment::checkpoint_lists(directory).map_err(io_at(directory))?.pop() else { return Ok(()) };
    let (_, end) = checkpoint::listed(&list, signer)?;
    match fs::metadata(&list).map_err(io_at(&list))?.len() == end {
        true => Ok(()),
        false => Mending::Cut(list, end).done(),
    }
}

impl Mending {
    fn done(self) -> Result<(), AuditOpenError> {
        match self {
            Self::Remove(path) => fs::remove_file(&path).and_then(|()| sync_folder_of(&path)).map_err(io_at(&path)),
            Self::KeepAside(path, bytes) => keep_aside(&path, &bytes).map_err(io_at(&path)),
            Self::Cut(path, end) => {
                let cut = || {
                    let file = OpenOptions::new().write(true).open(&path)?;
                    file.set_len(end)?;
                    file.sync_all()?;
                    sync_folder_of(&path)
                };
                cut().map_err(io_at(&path))
            }
        }
    }
}

fn sync_folder_of(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

pub(super) fn keep_aside(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// How many bytes of a tail are no zeros that were written ahead.
pub(super) fn torn_bytes(tail: &[u8]) -> usize {
    tail.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)
}

pub(super) fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

/// Names the file that an error of the system concerns.
pub(super) fn io_at(path: &Path) -> impl FnOnce(io::Error) -> AuditOpenError + use<> {
    let path: PathBuf = path.to_owned();
    move |source| AuditOpenError::Io { path, source }
}

//! The log, as the ways use it.
//!
//! A caller writes the line of its record itself, into a buffer of its thread, hands it to the queue, and waits until the
//! writer has made it durable.
//!
//! **Late records.** An intent whose waiter gives up at the deadline may still become durable. Nothing is sent under it:
//! no [`Recorded`] was handed out. An outcome `not-sent` is queued behind it at once, so that on disk the two follow one
//! another. Should the process die between them, recovery finds an intent without outcome and marks it unknown, which
//! errs to the safe side: the same idempotency key is then never sent a second time. A caller who is dropped while it
//! waits is treated the same, and a [`Recorded`] that is dropped without an outcome leaves the outcome `unknown`.

use crate::audit::answer;
use crate::audit::desk::Desk;
use crate::audit::desk::Wait;
use crate::audit::facts::Facts;
use crate::audit::fault::AuditFault;
use crate::audit::fault::AuditOpenError;
use crate::audit::fault::RecallFault;
use crate::audit::outcome::Note;
use crate::audit::outcome::Outcome;
use crate::audit::outcome::OutcomeState;
use crate::audit::proof::Concluded;
use crate::audit::proof::Noted;
use crate::audit::proof::Recorded;
use crate::audit::queue::OnDone;
use crate::audit::queue::Queue;
use crate::audit::queue::Urgency;
use crate::audit::read;
use crate::audit::read::Line;
use crate::audit::record;
use crate::audit::record::Kind;
use crate::audit::recover;
use crate::audit::recover::Found;
use crate::audit::recover::Recovered;
use crate::audit::recover::io_at;
use crate::audit::segment;
use crate::audit::storage::Disk;
use crate::audit::storage::FileDisk;
use crate::audit::writer;
use crate::audit::writer::AtWork;
use crate::audit::writer::Ended;
use crate::audit::writer::Segment;
use crate::audit::writer::Writer;
use crate::clock::Clock;
use crate::clock::UnixMillis;
use crate::crypto::Sealer;
use crate::crypto::SecretKey;
use crate::model::AnswerPlace;
use crate::model::Reason;
use crate::model::Receipt;
use crate::model::Reply;
use crate::policy::Permit;
use crate::problem::Problem;
use crate::problem::ProblemType;
use crate::protect::Protected;
use crate::telemetry::Metrics;
use std::cell::RefCell;
use std::fs::File;
use std::fs::TryLockError;
use std::os::unix::fs::FileExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Where the log lies and how long a record may take.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The directory of the segments. It exists: a mistyped name must not begin an empty log.
    pub directory: PathBuf,
    /// How long a caller waits for a record to become durable.
    pub deadline: Duration,
    /// The size of a segment in bytes.
    pub segment_bytes: u64,
}

/// The size of a segment in bytes, unless a test wants smaller ones.
pub const SEGMENT_BYTES: u64 = 64 * 1024 * 1024;

/// Capacity that a thread's line keeps after a long record.
const KEPT_LINE_BYTES: usize = 64 * 1024;

thread_local! {
    /// The line that this thread writes, so that a record allocates nothing in steady state.
    static LINE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// The audit log. Clones share it, and its desk; see [`Log::at_own_desk`].
#[derive(Clone)]
pub struct Log {
    shared: Arc<Shared>,
    desk: Arc<Desk>,
}

struct Shared {
    queue: Arc<Queue>,
    settings: Settings,
    sealer: Sealer,
    lost: Arc<AtomicU64>,
    at_work: Arc<AtWork>,
    metrics: Arc<Metrics>,
    ended: Arc<Ended>,
}

impl Log {
    /// Opens the log, recovers what an earlier process left, and starts the thread that writes. Blocks on files.
    ///
    /// # Errors
    /// [`AuditOpenError`] names the file.
    pub fn open(
        settings: Settings,
        key: &SecretKey,
        clock: Arc<dyn Clock>,
        metrics: Arc<Metrics>,
    ) -> Result<(Self, Recovered), AuditOpenError> {
        let disk = FileDisk::new(settings.directory.clone(), settings.segment_bytes);
        Self::open_on(Box::new(disk), settings, key, clock, metrics)
    }

    /// [`open`](Self::open) with another disk behind it, for tests that make it fail. What was written before is read
    /// from files all the same.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_on(
        mut disk: Box<dyn Disk>,
        settings: Settings,
        key: &SecretKey,
        clock: Arc<dyn Clock>,
        metrics: Arc<Metrics>,
    ) -> Result<(Self, Recovered), AuditOpenError> {
        let lock = lock(&settings.directory)?;
        let found = recover::read_back(&settings.directory, clock.now())?;
        let segment = begin_segment(disk.as_mut(), &settings.directory, &found, clock.now())?;
        let queue = Arc::new(Queue::default());
        let lost = Arc::new(AtomicU64::new(0));
        let at_work = Arc::new(AtWork::default());
        let writer = Writer {
            queue: Arc::clone(&queue),
            segment,
            segment_bytes: settings.segment_bytes,
            lost: Arc::clone(&lost),
            at_work: Arc::clone(&at_work),
            clock,
            metrics: Arc::clone(&metrics),
            linger_until: Duration::ZERO,
        };
        let ended = writer::start(writer, disk, lock).map_err(AuditOpenError::Thread)?;
        let sealer = Sealer::new(&key.derive("audit answers"));
        let shared = Arc::new(Shared { queue, settings, sealer, lost, at_work, metrics, ended });
        Ok((Self { shared, desk: Arc::default() }, found.recovered))
    }

    /// The same log with a desk of its own, for one more runtime: a batch wakes each desk once.
    #[must_use]
    pub fn at_own_desk(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), desk: Arc::default() }
    }

    /// Makes the intent durable. When this returns, `fdatasync` has succeeded; else nothing may be sent.
    ///
    /// # Errors
    /// [`AuditFault`]; the way answers with [`Log::unrecorded`].
    pub async fn intent(
        &self,
        permit: &Permit,
        protected: &Protected,
        facts: &Facts,
        now: UnixMillis,
    ) -> Result<Recorded, AuditFault> {
        let (wait, bell) = self.desk.open();
        let write = |line: &mut Vec<u8>| record::intent(line, permit, protected, facts, now);
        self.submit(write, OnDone::Ring(bell), Urgency::MayWait, now)?;
        // From here on the record may become durable: however this future ends, an outcome follows.
        let mut recorded = Recorded::new(protected, facts, self.clone(), now);
        match self.durable(wait).await {
            Ok(_) => {
                recorded.leave_as(OutcomeState::Unknown);
                Ok(recorded)
            }
            Err(AuditFault::Deadline) => Err(AuditFault::Deadline),
            Err(fault @ (AuditFault::Failed | AuditFault::Full | AuditFault::Busy)) => {
                // Not in the log, or in one that takes no outcome any more.
                recorded.forget();
                Err(fault)
            }
        }
    }

    /// Makes the outcome durable, then lets the answer go. If it cannot be made durable, the caller is told that the
    /// outcome is unknown: nobody is told of an effect that is not on record.
    pub async fn outcome(&self, mut recorded: Recorded, outcome: Outcome, reply: Reply, now: UnixMillis) -> Concluded {
        let receipt = recorded.receipt();
        let keeps = recorded.key().is_some() && outcome.state != OutcomeState::Unknown;
        let answer = outcome.keep.as_ref().filter(|_| keeps);
        let sealed = answer.and_then(|answer| answer::seal(&self.shared.sealer, receipt, answer));
        let (wait, bell) = self.desk.open();
        let write = |line: &mut Vec<u8>| record::outcome(line, receipt, &outcome, sealed.as_deref(), now);
        let submitted = self.submit(write, OnDone::Ring(bell), Urgency::Closes, now);
        recorded.forget();
        let durable = match submitted {
            Ok(()) => self.durable(wait).await,
            Err(fault) => Err(fault),
        };
        match durable {
            Ok(place) => {
                let kept_at = sealed.is_some().then_some(place);
                Concluded { receipt, reason: outcome.reason, reply, kept_at }
            }
            Err(_) => problem(receipt, Reason::OutcomeUnknown, ProblemType::OutcomeUnknown),
        }
    }

    /// Records a refusal, then lets its answer go. If it cannot be recorded: 503, and counted.
    pub async fn refusal(&self, facts: &Facts, reason: Reason, reply: Reply, now: UnixMillis) -> Concluded {
        let write = |line: &mut Vec<u8>| record::refusal(line, facts, reason, None, now);
        match self.record(write, now).await {
            Ok(_) => Concluded { receipt: facts.receipt, reason, reply, kept_at: None },
            Err(fault) => self.unrecorded(facts, fault),
        }
    }

    /// Records that the recorded answer of the command `first` is given again, then lets it go. If that cannot be
    /// recorded: 503, and the answer may be asked for once more.
    pub async fn repeat(&self, facts: &Facts, first: Receipt, reply: Reply, now: UnixMillis) -> Concluded {
        let reason = Reason::IdempotencyReplayed;
        let write = |line: &mut Vec<u8>| record::refusal(line, facts, reason, Some(first), now);
        match self.record(write, now).await {
            Ok(_) => Concluded { receipt: facts.receipt, reason, reply, kept_at: None },
            Err(fault) => self.unrecorded(facts, fault),
        }
    }

    /// Records what belongs to no outbound operation.
    ///
    /// # Errors
    /// [`AuditFault`].
    pub async fn note(&self, facts: &Facts, note: Note, now: UnixMillis) -> Result<Noted, AuditFault> {
        let write = |line: &mut Vec<u8>| record::note(line, facts, &note, now);
        self.record(write, now).await.map(|_| Noted { receipt: facts.receipt })
    }

    /// The answer to a request whose record could not be made durable: 503, nothing was done. Counted; what was not even
    /// taken is also told by a gap record once the log works again.
    pub fn unrecorded(&self, facts: &Facts, fault: AuditFault) -> Concluded {
        self.shared.metrics.refusal_unrecorded();
        if matches!(fault, AuditFault::Busy | AuditFault::Full) {
            self.shared.lost.fetch_add(1, Ordering::Relaxed);
        }
        problem(facts.receipt, Reason::NotRecordable, ProblemType::Unavailable)
    }

    /// The answer where the task of an exchange died after its intent: 504, outcome unknown. Writes nothing itself: the
    /// [`Recorded`] that died with the task did.
    pub fn abandoned(&self, receipt: Receipt) -> Concluded {
        problem(receipt, Reason::OutcomeUnknown, ProblemType::OutcomeUnknown)
    }

    /// Reads back the answer that an outcome kept, and what the outcome was. Blocks on a file.
    ///
    /// # Errors
    /// [`RecallFault`]; the outcome then counts as unknown.
    pub fn recorded_answer(&self, place: AnswerPlace, receipt: Receipt) -> Result<(OutcomeState, Reply), RecallFault> {
        let bytes = self.shared.read(place).map_err(|_| RecallFault::Unreadable)?;
        if !read::is_whole(&bytes) {
            return Err(RecallFault::Unreadable);
        }
        let line = Line::parse(&bytes).ok_or(RecallFault::Unreadable)?;
        if line.kind != Kind::Outcome || line.receipt != Some(receipt) {
            return Err(RecallFault::NotThere);
        }
        let (state, sealed) = line.state.zip(line.sealed_answer()).ok_or(RecallFault::NotThere)?;
        answer::open(&self.shared.sealer, receipt, &sealed).map(|reply| (state, reply)).ok_or(RecallFault::Sealed)
    }

    /// Whether records are taken: `false` once writing has failed. For `/readyz`.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.shared.queue.is_open()
    }

    /// Whether a batch has been under way for longer than a record may take, at `now` by the steady clock: the disk hangs,
    /// and until it goes on nothing is let through. For `/readyz`.
    #[must_use]
    pub fn is_overdue(&self, now: Duration) -> bool {
        self.shared.at_work.is_longer_than(self.shared.settings.deadline, now)
    }

    /// Closes an intent that its way left without an outcome. Nobody waits for that record.
    pub(super) fn close(&self, receipt: Receipt, state: OutcomeState, now: UnixMillis) {
        let reason = match state {
            OutcomeState::NotSent => Reason::NotRecordable,
            _ => Reason::OutcomeUnknown,
        };
        let outcome = Outcome::new(state, reason);
        // If the log has failed, recovery closes it.
        let write = |line: &mut Vec<u8>| record::outcome(line, receipt, &outcome, None, now);
        let _ = self.submit(write, OnDone::Nobody, Urgency::Closes, now);
    }

    async fn record(&self, write: impl FnOnce(&mut Vec<u8>), now: UnixMillis) -> Result<AnswerPlace, AuditFault> {
        let (wait, bell) = self.desk.open();
        self.submit(write, OnDone::Ring(bell), Urgency::MayWait, now)?;
        self.durable(wait).await
    }

    async fn durable(&self, wait: Wait) -> Result<AnswerPlace, AuditFault> {
        tokio::time::timeout(self.shared.settings.deadline, wait).await.unwrap_or(Err(AuditFault::Deadline))
    }

    fn submit(
        &self,
        write: impl FnOnce(&mut Vec<u8>),
        on_done: OnDone,
        urgency: Urgency,
        now: UnixMillis,
    ) -> Result<(), AuditFault> {
        LINE.with_borrow_mut(|line| {
            line.clear();
            write(line);
            self.shared.queue.submit(line, on_done, urgency)?;
            self.tell_gap(line, now);
            line.shrink_to(KEPT_LINE_BYTES);
            Ok(())
        })
    }

    /// Records how many records were lost, if any were; now that one was taken, this one will be too.
    fn tell_gap(&self, line: &mut Vec<u8>, now: UnixMillis) {
        if self.shared.lost.load(Ordering::Relaxed) == 0 {
            return;
        }
        let lost = self.shared.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            line.clear();
            record::gap(line, lost, now);
            let _ = self.shared.queue.submit(line, OnDone::Gap(lost), Urgency::Closes);
        }
    }
}

impl Shared {
    fn read(&self, place: AnswerPlace) -> std::io::Result<Vec<u8>> {
        let file = File::open(segment::path(&self.settings.directory, place.segment))?;
        let mut bytes = vec![0; usize::try_from(place.length).unwrap_or_default()];
        file.read_exact_at(&mut bytes, place.offset)?;
        Ok(bytes)
    }
}

/// Lets the writer finish what waits, at most as long as one record may take. Blocks.
impl Drop for Shared {
    fn drop(&mut self) {
        self.queue.stop();
        self.ended.wait(self.settings.deadline);
    }
}

fn problem(receipt: Receipt, reason: Reason, kind: ProblemType) -> Concluded {
    Concluded { receipt, reason, reply: Problem::from(kind).reply(receipt), kept_at: None }
}

/// Keeps other processes out of the directory. The lock lives as long as the writer.
fn lock(directory: &Path) -> Result<File, AuditOpenError> {
    let path = directory.join("lock");
    let file =
        File::options().write(true).create(true).truncate(false).mode(0o600).open(&path).map_err(io_at(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(AuditOpenError::InUse { path }),
        Err(TryLockError::Error(source)) => Err(AuditOpenError::Io { path, source }),
    }
}

/// Begins the segment of this process with what recovery has to say, durably.
fn begin_segment(
    disk: &mut dyn Disk,
    directory: &Path,
    found: &Found,
    now: UnixMillis,
) -> Result<Segment, AuditOpenError> {
    let path = segment::path(directory, found.next);
    let mut storage = disk.create(found.next).map_err(io_at(&path))?;
    let mut lines = Vec::new();
    if found.cut.is_some() || !found.unknown.is_empty() {
        let recovery = record::Recovery { unknown: found.unknown.len() as u64, cut: found.cut };
        record::recovery(&mut lines, recovery, now);
    }
    let unknown = Outcome::new(OutcomeState::Unknown, Reason::OutcomeUnknown);
    for receipt in &found.unknown {
        record::outcome(&mut lines, *receipt, &unknown, None, now);
    }
    if !lines.is_empty() {
        storage.append(&lines).and_then(|()| storage.sync()).map_err(io_at(&path))?;
    }
    Ok(Segment { number: found.next, storage, end: lines.len() as u64 })
}

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
//!
//! **A disk that hangs.** A record waits for its deadline once, less what its way has waited for the store before. When a batch is under way for longer than that, what would
//! open something is refused at once; outcomes are still queued, and waited for at least [`PATIENT_TIMEOUT`], because what they
//! tell has happened.
//!
//! **Lost records.** What finds no room is counted and told later; [`losses`](crate::audit::losses) says how.

use crate::audit::answer;
use crate::audit::answer::AnswerKey;
use crate::audit::answer::RecordedAnswer;
use crate::audit::archive::Archived;
use crate::audit::attest::Attested;
use crate::audit::attest::Attester;
use crate::audit::attest::Tip;
use crate::audit::checkpoint::Checkpoint;
use crate::audit::company::Company;
use crate::audit::desk::Desk;
use crate::audit::desk::Wait;
use crate::audit::facts::Facts;
use crate::audit::fault::AuditFault;
use crate::audit::fault::AuditOpenError;
use crate::audit::fault::RecallFault;
use crate::audit::flood::Flood;
use crate::audit::flood::RefusalRates;
use crate::audit::losses::Losses;
use crate::audit::losses::Part;
use crate::audit::opening::begin_segment;
use crate::audit::opening::lock;
use crate::audit::outcome::Administered;
use crate::audit::outcome::Note;
use crate::audit::outcome::Outcome;
use crate::audit::outcome::OutcomeState;
use crate::audit::proof::Concluded;
use crate::audit::proof::Noted;
use crate::audit::proof::Recorded;
use crate::audit::queue::Closed;
use crate::audit::queue::NotTaken;
use crate::audit::queue::OnDone;
use crate::audit::queue::Queue;
use crate::audit::read;
use crate::audit::read::Line;
use crate::audit::reader::Reader;
use crate::audit::receipts::ReceiptState;
use crate::audit::receipts::Receipts;
use crate::audit::receipts::TokenOf;
use crate::audit::receipts::Told;
use crate::audit::record;
use crate::audit::record::Kind;
use crate::audit::record::Written;
use crate::audit::recover;
use crate::audit::recover::Found;
use crate::audit::recover::Recovered;
use crate::audit::recover::io_at;
use crate::audit::reopen::Reopening;
use crate::audit::space::Space;
use crate::audit::space::SpaceLeft;
use crate::audit::storage::Disk;
use crate::audit::storage::FileDisk;
use crate::audit::watch::Disturbance;
use crate::audit::watch::Watch;
use crate::audit::writer;
use crate::audit::writer::AtWork;
use crate::audit::writer::Ended;
use crate::audit::writer::Writer;
use crate::clock::Clock;
use crate::clock::UnixMillis;
use crate::crypto::NoteSigner;
use crate::crypto::Sealer;
use crate::crypto::SecretKey;
use crate::model::AnswerPlace;
use crate::model::PartnerName;
use crate::model::Reason;
use crate::model::Receipt;
use crate::model::Reply;
use crate::model::Stranger;
use crate::policy::Permit;
use crate::problem::Problem;
use crate::problem::ProblemType;
use crate::protect::Protected;
use crate::telemetry::Metrics;
use std::cell::RefCell;
use std::collections::HashSet;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Where the log lies and how long a record may take.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The directory of the segments. It exists: a mistyped name must not begin an empty log.
    pub directory: PathBuf,
    /// Where segments go once they are old, if any do: tiles that are missing here come from there.
    pub archive: Option<PathBuf>,
    /// Signs checkpoints; its name is the log's.
    pub signer: Arc<NoteSigner>,
    /// How long a caller waits for a record to become durable.
    pub deadline: Duration,
    /// The size of a segment in bytes.
    pub segment_bytes: u64,
    /// Bytes of each segment that only what narrows and short outcomes may use.
    pub reserve_bytes: u64,
    /// The age at which a segment ends.
    pub segment_age: Duration,
    /// How many refusals of one peer are recorded one by one.
    pub refusal_rates: RefusalRates,
    /// How many commands are remembered by receipt.
    pub receipts_max: u64,
    /// For how long, from their intents on, in milliseconds.
    pub receipts_ms: u64,
}

/// How long an outcome, a kept answer and what the gateway has to say of itself are waited for at least.
const PATIENT_TIMEOUT: Duration = Duration::from_secs(1);

/// Capacity that a thread's line keeps after a long record.
const KEPT_LINE_BYTES: usize = 64 * 1024;

thread_local! {
    /// The line that this thread writes, so that a record allocates nothing in steady state.
    static LINE: RefCell<Written> = RefCell::new(Written::default());
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
    reader: Reader,
    flood: Flood,
    receipts: Receipts,
    losses: Arc<Losses>,
    at_work: Arc<AtWork>,
    watch: Arc<Watch>,
    space: Arc<Space>,
    attested: Arc<Attested>,
    /// For what is recorded when a proof is dropped; everywhere else `now` is an argument.
    clock: Arc<dyn Clock>,
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
        disk: Box<dyn Disk>,
        settings: Settings,
        key: &SecretKey,
        clock: Arc<dyn Clock>,
        metrics: Arc<Metrics>,
    ) -> Result<(Self, Recovered), AuditOpenError> {
        let lock = lock(&settings.directory)?;
        let found = recover::read_back(&settings.directory, &settings.signer, clock.now())?;
        let attest = |attested: &Arc<Attested>, first: &Tip| {
            let (signer, directory) = (Arc::clone(&settings.signer), settings.directory.clone());
            let (attested, clock, metrics) = (Arc::clone(attested), Arc::clone(&clock), Arc::clone(&metrics));
            let attester = Attester::new(signer, directory, attested, clock, metrics);
            let attester = attester.with_archive(settings.archive.clone());
            // Ends before the lock is given back.
            attester.start(first).map(|attesting| (attesting, lock))
        };
        Self::begin(disk, settings.clone(), key, Arc::clone(&clock), Arc::clone(&metrics), found, attest)
    }

    /// A log that begins anew on a disk of its own, on which nothing was ever written and which no other process has: the
    /// memory of the workbench. Records are written, awaited and read back as in any other; there are no checkpoints.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn begin_on(
        disk: Box<dyn Disk>,
        settings: Settings,
        key: &SecretKey,
        clock: Arc<dyn Clock>,
        metrics: Arc<Metrics>,
    ) -> Result<Self, AuditOpenError> {
        Self::begin(disk, settings, key, clock, metrics, Found::nothing(), |_, _| Ok(())).map(|(log, _)| log)
    }

    /// Goes on behind what was found. What `attest` gives is held for as long as something may be written.
    fn begin<G: Send + 'static>(
        mut disk: Box<dyn Disk>,
        settings: Settings,
        key: &SecretKey,
        clock: Arc<dyn Clock>,
        metrics: Arc<Metrics>,
        mut found: Found,
        attest: impl FnOnce(&Arc<Attested>, &Tip) -> Result<G, (PathBuf, io::Error)>,
    ) -> Result<(Self, Recovered), AuditOpenError> {
        let origin = settings.signer.name().as_str().to_owned();
        let space = Arc::new(Space::new(settings.segment_bytes, Arc::clone(&metrics)));
        let watch = Watch::over(&settings.directory, Arc::clone(&space), Arc::clone(&clock), Arc::clone(&metrics));
        let watch = watch.map_err(io_at(&settings.directory))?;
        let rotates_at = clock.steady().saturating_add(settings.segment_age);
        let segment = begin_segment(disk.as_mut(), &settings.directory, &origin, &mut found, clock.now(), rotates_at)?;
        watch.begins(segment.number, segment.storage.placed().map_err(io_at(&settings.directory))?);
        watch.durable(segment.end);
        let watch = Arc::new(watch);
        let attested = Arc::new(Attested::default());
        let first = Tip { segment: segment.number, tree: found.tree.clone(), end: segment.end, ended: false };
        let guard = attest(&attested, &first).map_err(|(path, source)| AuditOpenError::Io { path, source })?;
        let queue = Arc::new(Queue::default());
        let losses = Arc::new(Losses::default());
        let at_work = Arc::new(AtWork::default());
        let writer = Writer {
            queue: Arc::clone(&queue),
            segment,
            segment_bytes: settings.segment_bytes,
            reserve_bytes: settings.reserve_bytes,
            segment_age: settings.segment_age,
            open: HashSet::new(),
            tree: found.tree,
            epoch: found.epoch,
            origin,
            attested: Arc::clone(&attested),
            losses: Arc::clone(&losses),
            at_work: Arc::clone(&at_work),
            watch: Arc::clone(&watch),
            clock: Arc::clone(&clock),
            metrics: Arc::clone(&metrics),
            company: Company::default(),
            starved: false,
            reopening: Reopening::default(),
        };
        let reader = Reader::start(disk.reader()).map_err(AuditOpenError::Thread)?;
        let flood = Flood::new(settings.refusal_rates);
        let receipts = Receipts::new(settings.receipts_max, settings.receipts_ms, found.receipts);
        let ended = writer::start(writer, disk, guard).map_err(AuditOpenError::Thread)?;
        let closing = Arc::clone(&queue);
        watch.start(move || closing.close(Closed::Disturbed)).map_err(AuditOpenError::Thread)?;
        let sealer = Sealer::new(&key.derive("audit answers"));
        let shared = Arc::new(Shared {
            queue,
            settings,
            sealer,
            reader,
            flood,
            receipts,
            losses,
            at_work,
            watch,
            space,
            attested,
            clock,
            metrics,
            ended,
        });
        Ok((Self { shared, desk: Arc::default() }, found.recovered))
    }

    /// The same log with a desk of its own, for one more runtime: a batch wakes each desk once.
    #[must_use]
    pub fn at_own_desk(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), desk: Arc::default() }
    }

    /// Makes the intent durable. When this returns, it is on the disk; else nothing may be sent.
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
        let write = |line: &mut Written| record::intent(line, permit, protected, facts, now);
        self.submit(write, Part::Opens(facts.receipt), OnDone::Ring(bell), now)?;
        // From here on the record may become durable: however this future ends, an outcome follows.
        let mut recorded = Recorded::new(protected, facts, self.clone());
        let token = facts.partner_token.as_ref().map(|jti| TokenOf::new(protected.partner().as_str(), jti));
        self.shared.receipts.begun(facts.receipt, facts.peer.as_deref(), token, now);
        match self.durable_within(self.left_to(facts), wait).await {
            Ok(_) => {
                recorded.leave_as(OutcomeState::Unknown);
                Ok(recorded)
            }
            Err(AuditFault::Deadline) => Err(AuditFault::Deadline),
            Err(fault @ (AuditFault::Failed | AuditFault::Full | AuditFault::Busy)) => {
                // Not in the log, or in one that takes no outcome any more.
                recorded.forget();
                self.shared.receipts.never_was(facts.receipt);
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
        let sealed = answer.and_then(|answer| match recorded.answers() {
            Some(key) => answer::seal(&key.sealer(), receipt, answer),
            None => answer::seal(&self.shared.sealer, receipt, answer),
        });
        let (wait, bell) = self.desk.open();
        let write = |line: &mut Written| record::outcome(line, receipt, &outcome, sealed.as_deref(), now);
        let submitted = self.submit(write, Part::Closes(receipt), OnDone::Ring(bell), now);
        recorded.forget();
        let durable = match submitted {
            Ok(()) => self.durable_within(self.shared.settings.patience(), wait).await,
            Err(fault) => Err(fault),
        };
        match durable {
            Ok(place) => {
                self.shared.receipts.ended(receipt, outcome.state, outcome.reason, now);
                let kept_at = sealed.is_some().then_some(place);
                Concluded { receipt, reason: outcome.reason, reply, kept_at }
            }
            Err(_) => {
                self.shared.receipts.ended(receipt, OutcomeState::Unknown, Reason::OutcomeUnknown, now);
                problem(receipt, Reason::OutcomeUnknown, ProblemType::OutcomeUnknown)
            }
        }
    }

    /// Records a refusal, then lets its answer go. If it cannot be recorded: 503, and counted. One that comes too fast is
    /// recorded in a sum, with the next [`tell_sums`](Self::tell_sums); its answer has the receipt of that record.
    pub async fn refusal(&self, facts: &Facts, reason: Reason, problem: &Problem, now: UnixMillis) -> Concluded {
        if !self.is_open() {
            return self.unrecorded(facts);
        }
        if let Some(receipt) = self.shared.flood.sums_up(facts, reason, now) {
            return Concluded { receipt, reason, reply: problem.reply(receipt), kept_at: None };
        }
        let write = |line: &mut Written| record::refusal(line, facts, reason, None, now);
        match self.record(facts, write, now).await {
            Ok(_) => {
                let receipt = facts.receipt;
                Concluded { receipt, reason, reply: problem.reply(receipt), kept_at: None }
            }
            Err(_) => self.unrecorded(facts),
        }
    }

    /// Hands the sums of refusals to the writer: once a second, and before the end. Waits for nothing; one that finds no
    /// room is told as a gap.
    pub fn tell_sums(&self, now: UnixMillis) {
        if self.is_overdue(self.shared.clock.steady()) {
            // They would be refused, and keep until the disk goes on.
            return;
        }
        for sum in self.shared.flood.take() {
            // One may have come since the clock was asked.
            let now = now.max(sum.until);
            let write = |line: &mut Written| record::refusals(line, &sum, now);
            // What is not taken has been counted.
            let _ = self.submit(write, Part::Alone(sum.count()), OnDone::Nobody, now);
        }
    }

    /// Records that the recorded answer of the command `first` is given again, then lets it go. If that cannot be
    /// recorded: 503, and the answer may be asked for once more.
    pub async fn repeat(&self, facts: &Facts, first: Receipt, reply: Reply, now: UnixMillis) -> Concluded {
        let reason = Reason::IdempotencyReplayed;
        let write = |line: &mut Written| record::refusal(line, facts, reason, Some(first), now);
        match self.record(facts, write, now).await {
            Ok(_) => Concluded { receipt: facts.receipt, reason, reply, kept_at: None },
            Err(_) => self.unrecorded(facts),
        }
    }

    /// Records what belongs to no outbound operation.
    ///
    /// # Errors
    /// [`AuditFault`].
    pub async fn note(&self, facts: &Facts, note: Note, now: UnixMillis) -> Result<Noted, AuditFault> {
        let write = |line: &mut Written| record::note(line, facts, &note, now);
        let (wait, bell) = self.desk.open();
        let part = if note.narrows() { Part::Narrows } else { Part::Alone(1) };
        self.submit(write, part, OnDone::Ring(bell), now)?;
        let patience = if note.is_of_a_request() { self.left_to(facts) } else { self.shared.settings.patience() };
        self.durable_within(patience, wait).await.map(|_| Noted { receipt: facts.receipt })
    }

    /// Records that a person's act was refused, and gives the receipt of that. One that comes too fast is recorded in a sum, as
    /// refusals of peers are.
    ///
    /// # Errors
    /// [`AuditFault`].
    pub async fn refused_act(&self, facts: &Facts, act: Administered, now: UnixMillis) -> Result<Receipt, AuditFault> {
        if self.is_open()
            && let Some(receipt) = self.shared.flood.sums_up(facts, act.reason, now)
        {
            return Ok(receipt);
        }
        self.note(facts, Note::Admin(act), now).await.map(|noted| noted.receipt())
    }

    /// The answer to who asks for what is published, which is not recorded: it is the same for everybody, and changes nothing.
    pub fn published(&self, facts: &Facts, reply: Reply) -> Concluded {
        Concluded { receipt: facts.receipt, reason: Reason::Done, reply, kept_at: None }
    }

    /// The answer to a request whose record could not be made durable: 503, nothing was done. Counted; a record that was
    /// lost is also told by a gap record once the log works again.
    pub fn unrecorded(&self, facts: &Facts) -> Concluded {
        self.unrecorded_as(facts, Reason::NotRecordable, ProblemType::Unavailable)
    }

    /// The answer to a revocation whose record could not be made durable: 503, but it is in force.
    pub fn revoked_unrecorded(&self, facts: &Facts) -> Concluded {
        self.unrecorded_as(facts, Reason::NotLasting, ProblemType::NotLasting)
    }

    fn unrecorded_as(&self, facts: &Facts, reason: Reason, kind: ProblemType) -> Concluded {
        self.shared.metrics.refusal_unrecorded();
        problem(facts.receipt, reason, kind)
    }

    /// The answer where the task of an exchange died after its intent: 504, outcome unknown. Writes nothing itself: the
    /// [`Recorded`] that died with the task did.
    pub fn abandoned(&self, receipt: Receipt) -> Concluded {
        problem(receipt, Reason::OutcomeUnknown, ProblemType::OutcomeUnknown)
    }

    /// Reads back the answer that an outcome kept, and what the outcome was; `key` is that of the persons of the exchange.
    ///
    /// # Errors
    /// [`RecallFault`], also where the disk takes longer than an outcome is waited for; the outcome then counts as unknown.
    pub async fn recorded_answer(
        &self,
        place: AnswerPlace,
        receipt: Receipt,
        key: Option<&AnswerKey>,
    ) -> Result<RecordedAnswer, RecallFault> {
        let read = tokio::time::timeout(self.shared.settings.patience(), self.shared.reader.read(place));
        let bytes = read.await.unwrap_or(Err(RecallFault::Late))?;
        if !read::is_whole(&bytes) {
            return Err(RecallFault::Unreadable);
        }
        let line = Line::parse(&bytes).ok_or(RecallFault::Unreadable)?;
        if line.kind != Kind::Outcome || line.receipt != Some(receipt) {
            return Err(RecallFault::NotThere);
        }
        let (state, sealed) = line.state.zip(line.sealed_answer()).ok_or(RecallFault::NotThere)?;
        let reply = match key {
            Some(key) => answer::open(&key.sealer(), receipt, &sealed),
            None => answer::open(&self.shared.sealer, receipt, &sealed),
        };
        let reply = reply.ok_or(RecallFault::Sealed)?;
        Ok(RecordedAnswer::new(state, reply))
    }

    /// What is known at `now` of the command of this receipt, which must be this peer's: `None` where it is another's, or
    /// nobody's, or long ago.
    #[must_use]
    pub fn receipt(&self, receipt: Receipt, peer: &str, now: UnixMillis) -> Option<ReceiptState> {
        self.shared.receipts.of(receipt, peer, now)
    }

    /// The newest checkpoint that is durable: what may be shown to outsiders. `None` in memory alone.
    #[must_use]
    pub fn checkpoint(&self) -> Option<Arc<Checkpoint>> {
        self.shared.attested.newest()
    }

    /// Whether records have waited for a checkpoint for seconds, at `now` by the steady clock: signing or writing it fails, or
    /// hangs. For `/readyz`, as a notice.
    #[must_use]
    pub fn is_unattested(&self, now: Duration) -> bool {
        self.shared.attested.is_late(now)
    }

    /// The command that a partner names by the `jti` of its token, if it is remembered; nobody else's.
    #[must_use]
    pub fn command_of(&self, partner: &PartnerName, jti: &Stranger) -> Option<Receipt> {
        self.shared.receipts.of_token(TokenOf::new(partner.as_str(), jti.expose()))
    }

    /// What an event tells is on record.
    pub(super) fn told(&self, told: Told, now: UnixMillis) {
        if let Told { command, state: Some(state) } = told {
            self.shared.receipts.told(command, state, now);
        }
    }

    /// Whether records are taken.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.shared.queue.is_open()
    }

    /// Why no records are taken, if so.
    #[must_use]
    pub fn closed(&self) -> Option<Closed> {
        self.shared.queue.closed()
    }

    /// Which file of the log is not what it was, if one is. For `/-/status`.
    #[must_use]
    pub fn disturbance(&self) -> Option<Disturbance> {
        self.shared.watch.disturbance()
    }

    /// What space is left for the log, once that was measured. For `/-/status` and `/readyz`.
    #[must_use]
    pub fn space(&self) -> Option<SpaceLeft> {
        self.shared.space.left()
    }

    /// Takes note that so many bytes of records are still to be exported, and stay until then.
    pub fn unexported(&self, bytes: u64) {
        self.shared.space.unexported(bytes);
    }

    /// How long a record may take to become durable, and a way wait for disks before it has an effect.
    #[must_use]
    pub fn deadline(&self) -> Duration {
        self.shared.settings.deadline
    }

    /// How many records wait for the thread that writes, and how many bytes they are. For `/-/status`.
    #[must_use]
    pub fn waiting(&self) -> (usize, usize) {
        self.shared.queue.waiting()
    }

    /// Whether a batch has been under way for longer than a record may take, at `now` by the steady clock: the disk hangs,
    /// and until it goes on nothing is let through. For `/readyz`.
    #[must_use]
    pub fn is_overdue(&self, now: Duration) -> bool {
        self.shared.at_work.is_longer_than(self.shared.settings.deadline, now)
    }

    /// A segment is archived, and about to be removed: that its file goes is no disturbance.
    pub fn segment_goes(&self, archived: &Archived) {
        self.shared.watch.goes(archived.segment);
    }

    /// Closes an intent that its way left without an outcome. Nobody waits for that record.
    pub(super) fn close(&self, receipt: Receipt, state: OutcomeState) {
        let now = self.shared.clock.now();
        let reason = match state {
            OutcomeState::NotSent => Reason::NotRecordable,
            _ => Reason::OutcomeUnknown,
        };
        let outcome = Outcome::new(state, reason);
        self.shared.receipts.ended(receipt, state, reason, now);
        // If the log is closed, it is told when that is open again, or recovery tells it.
        let write = |line: &mut Written| record::outcome(line, receipt, &outcome, None, now);
        let _ = self.submit(write, Part::Closes(receipt), OnDone::Nobody, now);
    }

    pub(super) async fn record(
        &self,
        facts: &Facts,
        write: impl FnOnce(&mut Written),
        now: UnixMillis,
    ) -> Result<AnswerPlace, AuditFault> {
        let (wait, bell) = self.desk.open();
        self.submit(write, Part::Alone(1), OnDone::Ring(bell), now)?;
        self.durable_within(self.left_to(facts), wait).await
    }

    /// How long a record of a way is still waited for that has waited for disks before.
    fn left_to(&self, facts: &Facts) -> Duration {
        self.deadline().saturating_sub(facts.waited)
    }

    async fn durable_within(&self, patience: Duration, wait: Wait) -> Result<AnswerPlace, AuditFault> {
        tokio::time::timeout(patience, wait).await.unwrap_or(Err(AuditFault::Deadline))
    }

    /// Hands a record to the writer; what is not taken is counted, and told later.
    fn submit(
        &self,
        write: impl FnOnce(&mut Written),
        part: Part,
        on_done: OnDone,
        now: UnixMillis,
    ) -> Result<(), AuditFault> {
        if part.can_be_refused() && self.is_overdue(self.shared.clock.steady()) {
            return Err(self.lost(NotTaken { fault: AuditFault::Busy, part }));
        }
        LINE.with_borrow_mut(|line| {
            line.clear(KEPT_LINE_BYTES);
            write(line);
            let taken = self.shared.queue.submit(line, part, on_done).map_err(|not_taken| self.lost(not_taken));
            if taken.is_ok() {
                self.tell_losses(line, now);
            }
            line.clear(KEPT_LINE_BYTES);
            taken
        })
    }

    fn lost(&self, NotTaken { fault, part }: NotTaken) -> AuditFault {
        self.shared.metrics.audit_records_lost(part.weight());
        self.shared.losses.add(part);
        fault
    }

    /// Records what was lost, if anything was; now that one record was taken, this will probably be too.
    fn tell_losses(&self, line: &mut Written, now: UnixMillis) {
        let Some(loss) = self.shared.losses.take() else { return };
        line.clear(KEPT_LINE_BYTES);
        record::gap(line, loss.records, now);
        let unknown = Outcome::new(OutcomeState::Unknown, Reason::OutcomeUnknown);
        loss.unclosed.iter().for_each(|receipt| record::outcome(line, *receipt, &unknown, None, now));
        if let Err(not_taken) = self.shared.queue.submit(line, Part::Tells(loss), OnDone::Nobody) {
            self.lost(not_taken);
        }
    }
}

impl Settings {
    /// How long is waited for what cannot be refused any more.
    fn patience(&self) -> Duration {
        self.deadline.max(PATIENT_TIMEOUT)
    }
}

/// Lets the writer finish what waits, at most as long as an outcome is waited for. Blocks.
impl Drop for Shared {
    fn drop(&mut self) {
        self.watch.stop();
        self.queue.stop();
        self.ended.wait(self.settings.patience());
    }
}

fn problem(receipt: Receipt, reason: Reason, kind: ProblemType) -> Concluded {
    Concluded { receipt, reason, reply: Problem::from(kind).reply(receipt), kept_at: None }
}

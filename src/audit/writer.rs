//! The thread that writes: what waits is one batch and one durable write.
//!
//! **Company.** Commits that follow one another wait a moment for those whom the last one let go
//! ([`company`](crate::audit::company)), so that they become fewer and larger instead of eating the time in which callers are
//! served.
//!
//! A second thread makes the next segment while the present one is in use, and finishes the last one; making 64 MiB of
//! zeros durable must not hold up a commit.
//!
//! **The tree.** What is durable is folded into the tree, whose leaves the callers have hashed, and told to the thread that signs
//! checkpoints ([`attest`](crate::audit::attest)). A segment begins with a record that tells the tree before it; it is written
//! with the first batch of its segment.
//!
//! **Failure.** When writing or syncing fails, nobody knows what the disk holds, and asking the descriptor again proves
//! nothing. The log is closed then: every record waiting or yet to come fails, until it could be opened anew
//! ([`reopen`](crate::audit::reopen)). When only the *next* segment cannot be made (no space), nothing is in doubt: records
//! are refused, and the attempt is made again with the next batch.
//!
//! **Reserve.** Every intent on record is owed an outcome. So [`CLOSING_BYTES`] of the segment in use stay free for each one
//! that is open; and beside them a reserve for revocations and for what settles a delivery, which are told after they have
//! happened. Both are written blocks already, which a full disk cannot take away. Where a batch would use them up and there is
//! no further segment, only what they are for is written. An outcome that is longer than its share (it keeps an answer) and
//! does not fit counts as lost, and is told as unknown later.

use crate::audit::attest::Attested;
use crate::audit::attest::Leaves;
use crate::audit::attest::Tip;
use crate::audit::company::Company;
use crate::audit::desk;
use crate::audit::fault::AuditFault;
use crate::audit::losses::Losses;
use crate::audit::losses::Part;
use crate::audit::queue::Batch;
use crate::audit::queue::Closed;
use crate::audit::queue::OnDone;
use crate::audit::queue::Queue;
use crate::audit::queue::Room;
use crate::audit::queue::Taken;
use crate::audit::record;
use crate::audit::record::Head;
use crate::audit::record::Written;
use crate::audit::reopen::Anew;
use crate::audit::reopen::Given;
use crate::audit::reopen::Reopening;
use crate::audit::storage::Disk;
use crate::audit::storage::Storage;
use crate::audit::tree::Tree;
use crate::audit::watch::Watch;
use crate::clock::Clock;
use crate::model::AnswerPlace;
use crate::model::Epoch;
use crate::model::Receipt;
use crate::telemetry::Metrics;
use parking_lot::Condvar;
use parking_lot::Mutex;
use std::cell::Cell;
use std::collections::HashSet;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::Sender;
use std::sync::mpsc::TryRecvError;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

/// Before an old segment is ended after all, where there was no next one.
const ROTATION_PAUSE: Duration = Duration::from_mins(1);

/// Bytes kept free for the outcome of each open intent: more than any has that keeps no answer.
pub(super) const CLOSING_BYTES: u64 = 1024;

/// The longest head of a segment but for the log's name and the hashes in it, and what each hash takes.
const HEAD_BYTES: u64 = 1024;
const HASH_BYTES: usize = 72;

/// A segment in use.
pub(super) struct Segment {
    pub(super) number: u64,
    pub(super) storage: Box<dyn Storage>,
    /// Bytes written.
    pub(super) end: u64,
    /// Its first record, where that is still to be written, with what comes first.
    pub(super) head: Written,
    /// Whether there is anything behind that record.
    pub(super) used: bool,
    /// The tree before that record.
    pub(super) before: Tree,
    /// When it ends though there is room in it, by the steady clock.
    pub(super) rotates_at: Duration,
}

/// What the writer works with.
pub(super) struct Writer {
    pub(super) queue: Arc<Queue>,
    pub(super) segment: Segment,
    pub(super) segment_bytes: u64,
    /// Bytes of it for what narrows.
    pub(super) reserve_bytes: u64,
    /// The age at which it ends.
    pub(super) segment_age: Duration,
    /// The intents on record that have no outcome yet.
    pub(super) open: HashSet<Receipt>,
    /// All durable records.
    pub(super) tree: Tree,
    /// The highest epoch that they tell.
    pub(super) epoch: Epoch,
    /// The log's name.
    pub(super) origin: String,
    /// Where it tells how far the log is durable.
    pub(super) attested: Arc<Attested>,
    pub(super) losses: Arc<Losses>,
    pub(super) at_work: Arc<AtWork>,
    pub(super) watch: Arc<Watch>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) metrics: Arc<Metrics>,
    /// What the next commit waits for.
    pub(super) company: Company,
    /// Whether there was no space for the next segment when it was last tried.
    pub(super) starved: bool,
    /// How often it could not be opened again.
    pub(super) reopening: Reopening,
}

/// Since when the writer has been at the batch that it writes now.
#[derive(Default)]
pub(super) struct AtWork(Mutex<Option<Duration>>);

/// Tells when the writer has ended.
#[derive(Default)]
pub(super) struct Ended(Mutex<bool>, Condvar);

/// The thread that makes segments ahead.
pub(super) struct Maker {
    orders: Sender<Order>,
    made: Receiver<io::Result<Box<dyn Storage>>>,
    given: Receiver<io::Result<Given>>,
    /// Whether a segment was ordered and not taken.
    owes: Cell<bool>,
}

/// The thread that makes segments is gone.
struct Died;

/// Closes the queue when the writer ends, also by a panic: nobody shall wait for a thread that is gone.
struct FailOnEnd(Arc<Queue>);

pub(super) enum Order {
    Make(u64),
    Finish(Box<dyn Storage>),
    Anew(Anew),
}

/// Starts both threads.
pub(super) fn start(writer: Writer, disk: Box<dyn Disk>, guard: impl Send + 'static) -> io::Result<Arc<Ended>> {
    let ended = Arc::new(Ended::default());
    let (orders, ordered) = channel();
    let (making, made) = channel();
    let (giving, given) = channel();
    let maker = thread::Builder::new().name("audit-segments".to_owned());
    let maker = maker.spawn(move || make_segments(disk, &ordered, &making, &giving))?;
    let end = Arc::clone(&ended);
    thread::Builder::new().name("audit-writer".to_owned()).spawn(move || {
        let last = FailOnEnd(Arc::clone(&writer.queue));
        writer.run(Maker { orders, made, given, owes: Cell::new(false) });
        drop(last);
        // Nobody makes segments any more when the directory is given free.
        let _ = maker.join();
        drop(guard);
        end.tell();
    })?;
    Ok(ended)
}

fn make_segments(
    mut disk: Box<dyn Disk>,
    orders: &Receiver<Order>,
    made: &Sender<io::Result<Box<dyn Storage>>>,
    given: &Sender<io::Result<Given>>,
) {
    for order in orders {
        match order {
            // The writer is gone when nobody takes what was made; then the orders end too.
            Order::Make(number) => drop(made.send(disk.create(number))),
            Order::Finish(storage) => storage.finish(),
            Order::Anew(anew) => drop(given.send(anew.done(disk.as_mut()))),
        }
    }
}

impl Writer {
    fn run(mut self, mut maker: Maker) {
        maker.order(Order::Make(self.segment.number + 1));
        let mut batch = Batch::default();
        let awaited = |writer: &Self| writer.company.awaited(writer.clock.steady());
        loop {
            let closed = self.queue.closed().is_some();
            match self.queue.take(&mut batch, closed, self.patience(closed), self.room(), || awaited(&self)) {
                Taken::End => break,
                // It has just been closed: what waits is told first, and then there is a pause.
                Taken::Nothing if self.queue.closed().is_some() != closed => continue,
                Taken::Nothing if closed => {
                    self.try_to_reopen(&mut maker);
                    continue;
                }
                Taken::Nothing => {
                    if self.rotate_if_old(&maker).is_err() {
                        self.queue.close(Closed::Failed);
                    }
                    continue;
                }
                Taken::Batch => {}
            }
            self.at_work.set(Some(self.clock.steady()));
            let closed = self.queue.closed().is_some();
            let result = if closed { Err(AuditFault::Failed) } else { self.commit(&mut batch, &maker) };
            self.at_work.set(None);
            if result == Err(AuditFault::Failed) {
                self.queue.close(Closed::Failed);
            }
            self.tell(&mut batch, result);
            batch.clear();
        }
        if self.queue.closed().is_none() {
            maker.order(Order::Finish(self.segment.storage));
        }
    }

    /// What a batch may take, so that a segment that is begun for it holds all of it.
    fn room(&self) -> Room {
        let head = HEAD_BYTES + (self.origin.len() + self.tree.frontier().len() * HASH_BYTES) as u64;
        let kept_free = self.open.len() as u64 * CLOSING_BYTES + self.reserve_bytes;
        let bytes = self.segment_bytes.saturating_sub(head + kept_free);
        Room { bytes, for_outcome: CLOSING_BYTES }
    }

    /// How long nothing is to be done but to wait for records.
    fn patience(&self, closed: bool) -> Duration {
        if closed {
            return self.reopening.pause();
        }
        if !self.segment.used {
            return Duration::MAX;
        }
        self.segment.rotates_at.saturating_sub(self.clock.steady())
    }

    /// Goes on to the next segment where this one is old enough and holds anything.
    fn rotate_if_old(&mut self, maker: &Maker) -> Result<(), AuditFault> {
        let now = self.clock.steady();
        if self.segment.used && now >= self.segment.rotates_at && !self.next_segment(maker)? {
            // There is none yet; this one has room.
            self.segment.rotates_at = now.saturating_add(ROTATION_PAUSE);
        }
        Ok(())
    }

    /// Makes a batch durable, but for what there is no space for; gives the offset of its first byte.
    fn commit(&mut self, batch: &mut Batch, maker: &Maker) -> Result<u64, AuditFault> {
        self.rotate_if_old(maker)?;
        self.make_room(batch, maker)?;
        let start = self.segment.behind_head();
        if batch.bytes.is_empty() {
            return Ok(start);
        }
        let began = self.clock.steady();
        let written = self.segment.write(&batch.bytes);
        if let Err(error) = written {
            self.metrics.audit_sync_failed();
            tracing::error!(%error, "the audit log has failed; nothing is let through until it is open again");
            return Err(AuditFault::Failed);
        }
        let written = batch.entries.iter().filter(|entry| !entry.refused);
        let records = u32::try_from(written.count()).unwrap_or(u32::MAX);
        let ended = self.clock.steady();
        let took = ended.saturating_sub(began);
        self.company.committed(records, took, ended);
        self.metrics.audit_synced(records, took);
        self.add_to_tree(batch);
        self.watch.durable(self.segment.end);
        for entry in batch.entries.iter().filter(|entry| !entry.refused) {
            match &entry.part {
                Part::Alone(_) | Part::Narrows => {}
                Part::Opens(receipt) => {
                    self.open.insert(*receipt);
                }
                Part::Closes(receipt) => {
                    self.open.remove(receipt);
                }
                Part::Tells(loss) => self.open.retain(|receipt| !loss.unclosed.contains(receipt)),
            }
        }
        Ok(start)
    }

    /// Goes on to the next segment if this one has no room for the batch, and where there is none leaves out of the batch what
    /// nothing is kept free for.
    fn make_room(&mut self, batch: &mut Batch, maker: &Maker) -> Result<(), AuditFault> {
        if self.has_room(batch) {
            return Ok(());
        }
        if self.segment.used && self.next_segment(maker)? && self.has_room(batch) {
            return Ok(());
        }
        self.keep_what_may(batch);
        Ok(())
    }

    /// Whether the segment takes the batch, and then the outcome of every intent that is open, and the reserve.
    fn has_room(&self, batch: &Batch) -> bool {
        let (mut opened, mut closed) = (0_u64, 0_u64);
        for entry in &batch.entries {
            match &entry.part {
                Part::Opens(_) => opened += 1,
                Part::Closes(receipt) if self.open.contains(receipt) => closed += 1,
                Part::Alone(_) | Part::Narrows | Part::Closes(_) | Part::Tells(_) => {}
            }
        }
        let open = (self.open.len() as u64 + opened).saturating_sub(closed);
        let kept_free = open * CLOSING_BYTES + self.reserve_bytes;
        self.segment.behind_head() + batch.bytes.len() as u64 + kept_free <= self.segment_bytes
    }

    /// Takes all out of the batch but what narrows, and the outcomes, as long as they leave enough room for those still to come.
    fn keep_what_may(&self, batch: &mut Batch) {
        let mut room = self.segment_bytes.saturating_sub(self.segment.behind_head());
        let mut open = self.open.len() as u64;
        let mut kept = Vec::new();
        let mut rest = batch.bytes.as_slice();
        for entry in &mut batch.entries {
            let length = usize::try_from(entry.length).unwrap_or(usize::MAX);
            let (line, after) = rest.split_at_checked(length).unwrap_or_default();
            rest = after;
            let closes = matches!(&entry.part, Part::Closes(receipt) if self.open.contains(receipt));
            let length = u64::from(entry.length);
            let owed = if closes { open.saturating_sub(1) } else { open } * CLOSING_BYTES;
            let beside = if closes && length > CLOSING_BYTES { self.reserve_bytes } else { 0 };
            if (closes || entry.part == Part::Narrows) && length + owed + beside <= room {
                kept.extend_from_slice(line);
                room -= length;
                open -= u64::from(closes);
            } else {
                if matches!(entry.part, Part::Closes(_)) && !closes {
                    // Its intent is not on record either: nothing is lost with it.
                    entry.part = Part::Alone(0);
                }
                entry.refused = true;
            }
        }
        batch.bytes = kept;
    }

    /// Goes on to the next segment, which usually has long been made; `false` if there is none. Waits for one that is being
    /// made, but not on a full disk: there what closes an intent would wait for an attempt that fails.
    fn next_segment(&mut self, maker: &Maker) -> Result<bool, AuditFault> {
        let next = self.segment.number + 1;
        let Some(made) = maker.made(!self.starved).map_err(|_| AuditFault::Failed)? else { return Ok(false) };
        self.starved = made.is_err();
        match made {
            Ok(storage) => {
                // Before the last one is finished, and so becomes shorter.
                self.watch.begins(next, storage.placed().map_err(|_| AuditFault::Failed)?);
                self.attested.ended();
                let segment = self.begun(next, storage);
                let full = std::mem::replace(&mut self.segment, segment);
                maker.order(Order::Finish(full.storage));
                maker.order(Order::Make(next + 1));
                Ok(true)
            }
            Err(error) => {
                tracing::error!(%error, "there is no further segment of the audit log; nothing is let through");
                maker.order(Order::Make(next));
                Ok(false)
            }
        }
    }

    /// The segment of this number, of which nothing is written yet.
    pub(super) fn begun(&self, number: u64, storage: Box<dyn Storage>) -> Segment {
        let rotates_at = self.clock.steady().saturating_add(self.segment_age);
        let (head, before) = (self.head(number), self.tree.clone());
        Segment { number, storage, end: 0, head, used: false, before, rotates_at }
    }

    /// The first record of the segment of this number, which begins now.
    fn head(&self, number: u64) -> Written {
        let mut line = Written::default();
        let head = Head { number, origin: self.origin.clone(), tree: self.tree.clone(), epoch: self.epoch };
        record::segment(&mut line, &head, self.clock.now());
        line
    }

    /// The batch is durable, and so is the head of its segment.
    fn add_to_tree(&mut self, batch: &Batch) {
        let before = self.tree.size();
        let mut leaves = Vec::with_capacity(batch.leaves.len() + 1);
        leaves.extend_from_slice(std::mem::take(&mut self.segment.head).leaves());
        leaves.extend(batch.kept_leaves());
        self.tree.append_all(&leaves);
        self.epoch = self.epoch.max(batch.epoch);
        self.attested.reached(self.tip(), Leaves::new(before, leaves), self.clock.steady());
    }

    /// How far the log is durable.
    pub(super) fn tip(&self) -> Tip {
        Tip { segment: self.segment.number, tree: self.tree.clone(), end: self.segment.end, ended: false }
    }

    /// Tells everybody concerned what became of the batch.
    fn tell(&self, batch: &mut Batch, result: Result<u64, AuditFault>) {
        let segment = self.segment.number;
        let mut ahead = 0;
        desk::ring(batch.entries.drain(..).filter_map(|entry| {
            let start = if entry.refused { result.and(Err(AuditFault::Full)) } else { result };
            let place = start.map(|start| AnswerPlace { segment, offset: start + ahead, length: entry.length });
            match place {
                Ok(_) => ahead += u64::from(entry.length),
                Err(fault) => {
                    self.metrics.audit_records_lost(entry.part.weight());
                    // An outcome whose intent is not on record either: nothing is lost with it but itself.
                    let owed = matches!(&entry.part, Part::Closes(receipt) if self.open.contains(receipt));
                    match entry.part {
                        Part::Closes(_) if fault == AuditFault::Failed && !owed => self.losses.add(Part::Alone(1)),
                        part => self.losses.add(part),
                    }
                }
            }
            match entry.on_done {
                OnDone::Ring(bell) => Some((bell, place)),
                OnDone::Nobody => None,
            }
        }));
    }
}

impl Segment {
    /// Where the first byte behind what is written, and the head if that is not, will lie.
    fn behind_head(&self) -> u64 {
        self.end + self.head.bytes().len() as u64
    }

    /// Makes these bytes durable, behind the head if that is still to be written.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if !self.head.bytes().is_empty() {
            self.storage.append(self.head.bytes())?;
        }
        self.storage.append(bytes)?;
        self.storage.sync()?;
        self.end = self.behind_head() + bytes.len() as u64;
        self.used = true;
        Ok(())
    }
}

impl Drop for FailOnEnd {
    fn drop(&mut self) {
        self.0.close(Closed::Failed);
    }
}

impl Maker {
    /// Orders are lost only when the thread has died; then no segment comes, and the log fails closed.
    pub(super) fn order(&self, order: Order) {
        if matches!(order, Order::Make(_)) {
            self.owes.set(true);
        }
        let _ = self.orders.send(order);
    }

    /// The segment that was ordered; `None` where it is not made yet, and is not waited for.
    fn made(&self, waits: bool) -> Result<Option<io::Result<Box<dyn Storage>>>, Died> {
        let made = match self.made.try_recv() {
            Err(TryRecvError::Empty) if !waits => return Ok(None),
            Err(TryRecvError::Empty) => self.made.recv().map_err(|_| Died)?,
            Err(TryRecvError::Disconnected) => return Err(Died),
            Ok(made) => made,
        };
        self.owes.set(false);
        Ok(Some(made))
    }

    /// Has the log opened anew; a segment that was made before is not used.
    pub(super) fn anew(&self, anew: Anew) -> io::Result<Given> {
        let died = |Died| io::Error::other("the thread that makes segments has died");
        if self.owes.get() {
            drop(self.made(true).map_err(died)?);
        }
        self.order(Order::Anew(anew));
        self.given.recv().map_err(|_| died(Died))?
    }
}

impl AtWork {
    fn set(&self, since: Option<Duration>) {
        *self.0.lock() = since;
    }

    /// Whether one batch has taken longer than `at_most`, at `now` by the steady clock.
    pub(super) fn is_longer_than(&self, at_most: Duration, now: Duration) -> bool {
        self.0.lock().is_some_and(|since| now.saturating_sub(since) > at_most)
    }
}

impl Ended {
    fn tell(&self) {
        *self.0.lock() = true;
        self.1.notify_all();
    }

    /// Waits for the end, at most so long: a disk that hangs must not keep the process from ending.
    pub(super) fn wait(&self, at_most: Duration) {
        let mut ended = self.0.lock();
        self.1.wait_while_for(&mut ended, |ended| !*ended, at_most);
    }
}

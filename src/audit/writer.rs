//! The thread that writes: what waits is one batch, one write, one `fdatasync`.
//!
//! **Company.** A commit costs the kernel far more than a record costs us. A commit that comes right upon another waits
//! for company: as long as the last one took for each record that it held, at most [`LINGER_MAX`], counted from its end.
//! So one caller alone never waits, and where many call, commits become fewer and larger instead of eating the time in
//! which the callers are served.
//!
//! A pause before a commit, as long as the last one took, was tried while more records waited: at 5,000 and at 7,000
//! records a second it saved neither commits nor processor time, and only made the slowest hundredth slower. Records
//! that come in while the disk works are company enough.
//!
//! A second thread makes the next segment while the present one is in use, and finishes the last one; making 64 MiB of
//! zeros durable must not hold up a commit.
//!
//! **Failure.** When writing or syncing fails, nobody knows what the disk holds, and asking the descriptor again proves
//! nothing. The log is closed then: every record waiting or yet to come fails, until the process is started anew and
//! recovery reads what is really there. When only the *next* segment cannot be made (no space), nothing is in doubt: the
//! batch is refused, and the attempt is made again with the next.

use crate::audit::desk;
use crate::audit::fault::AuditFault;
use crate::audit::queue::Batch;
use crate::audit::queue::OnDone;
use crate::audit::queue::Queue;
use crate::audit::storage::Disk;
use crate::audit::storage::Storage;
use crate::clock::Clock;
use crate::model::AnswerPlace;
use crate::telemetry::Metrics;
use parking_lot::Condvar;
use parking_lot::Mutex;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::Sender;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

/// The longest that a record waits for company. With the commit itself far below any deadline of a record.
const LINGER_MAX: Duration = Duration::from_millis(1);

/// A segment in use.
pub(super) struct Segment {
    pub(super) number: u64,
    pub(super) storage: Box<dyn Storage>,
    /// Bytes written.
    pub(super) end: u64,
}

/// What the writer works with.
pub(super) struct Writer {
    pub(super) queue: Arc<Queue>,
    pub(super) segment: Segment,
    pub(super) segment_bytes: u64,
    /// Records that were lost, to be told in a gap record.
    pub(super) lost: Arc<AtomicU64>,
    pub(super) at_work: Arc<AtWork>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) metrics: Arc<Metrics>,
    /// Steady time until which the next commit waits for company.
    pub(super) linger_until: Duration,
}

/// Since when the writer has been at the batch that it writes now.
#[derive(Default)]
pub(super) struct AtWork(Mutex<Option<Duration>>);

/// Tells when the writer has ended.
#[derive(Default)]
pub(super) struct Ended(Mutex<bool>, Condvar);

/// The thread that makes segments ahead.
struct Maker {
    orders: Sender<Order>,
    made: Receiver<io::Result<Box<dyn Storage>>>,
}

/// Closes the queue when the writer ends, also by a panic: nobody shall wait for a thread that is gone.
struct FailOnEnd(Arc<Queue>);

enum Order {
    Make(u64),
    Finish(Box<dyn Storage>),
}

/// Starts both threads.
pub(super) fn start(writer: Writer, disk: Box<dyn Disk>, guard: impl Send + 'static) -> io::Result<Arc<Ended>> {
    let ended = Arc::new(Ended::default());
    let (orders, ordered) = channel();
    let (making, made) = channel();
    let maker = thread::Builder::new().name("audit-segments".to_owned());
    let maker = maker.spawn(move || make_segments(disk, &ordered, &making))?;
    let end = Arc::clone(&ended);
    thread::Builder::new().name("audit-writer".to_owned()).spawn(move || {
        let last = FailOnEnd(Arc::clone(&writer.queue));
        writer.run(Maker { orders, made });
        drop(last);
        // Nobody makes segments any more when the directory is given free.
        let _ = maker.join();
        drop(guard);
        end.tell();
    })?;
    Ok(ended)
}

fn make_segments(mut disk: Box<dyn Disk>, orders: &Receiver<Order>, made: &Sender<io::Result<Box<dyn Storage>>>) {
    for order in orders {
        match order {
            // The writer is gone when nobody takes what was made; then the orders end too.
            Order::Make(number) => drop(made.send(disk.create(number))),
            Order::Finish(storage) => storage.finish(),
        }
    }
}

impl Writer {
    fn run(mut self, maker: Maker) {
        maker.order(Order::Make(self.segment.number + 1));
        let mut batch = Batch::default();
        let mut failed = false;
        let linger = |writer: &Self| writer.linger_until.saturating_sub(writer.clock.steady());
        while self.queue.take(&mut batch, || linger(&self)) {
            self.at_work.set(Some(self.clock.steady()));
            let result = if failed { Err(AuditFault::Failed) } else { self.commit(&batch, &maker) };
            self.at_work.set(None);
            if result == Err(AuditFault::Failed) && !failed {
                failed = true;
                self.queue.fail();
            }
            self.tell(&mut batch, result);
            batch.clear();
        }
        maker.order(Order::Finish(self.segment.storage));
    }

    /// Makes a batch durable; gives the offset of its first byte.
    fn commit(&mut self, batch: &Batch, maker: &Maker) -> Result<u64, AuditFault> {
        let length = batch.bytes.len() as u64;
        if self.segment.end > 0 && self.segment.end + length > self.segment_bytes {
            self.next_segment(maker)?;
        }
        let began = self.clock.steady();
        let written = self.segment.storage.append(&batch.bytes).and_then(|()| self.segment.storage.sync());
        if let Err(error) = written {
            self.metrics.audit_sync_failed();
            tracing::error!(%error, "the audit log has failed; nothing is let through until a restart");
            return Err(AuditFault::Failed);
        }
        let records = u32::try_from(batch.entries.len()).unwrap_or(u32::MAX);
        let ended = self.clock.steady();
        let took = ended.saturating_sub(began);
        self.linger_until = ended.saturating_add(took.saturating_mul(records).min(LINGER_MAX));
        self.metrics.audit_synced(records, took);
        let start = self.segment.end;
        self.segment.end += length;
        Ok(start)
    }

    /// Goes on to the next segment, which usually has long been made.
    fn next_segment(&mut self, maker: &Maker) -> Result<(), AuditFault> {
        let next = self.segment.number + 1;
        match maker.made.recv() {
            Ok(Ok(storage)) => {
                let full = std::mem::replace(&mut self.segment, Segment { number: next, storage, end: 0 });
                maker.order(Order::Finish(full.storage));
                maker.order(Order::Make(next + 1));
                Ok(())
            }
            Ok(Err(error)) => {
                tracing::error!(%error, "there is no further segment of the audit log; nothing is let through");
                maker.order(Order::Make(next));
                Err(AuditFault::Full)
            }
            Err(_) => Err(AuditFault::Failed),
        }
    }

    /// Tells everybody concerned what became of the batch.
    fn tell(&self, batch: &mut Batch, result: Result<u64, AuditFault>) {
        let segment = self.segment.number;
        let mut ahead = 0;
        desk::ring(batch.entries.drain(..).filter_map(|entry| {
            let place = result.map(|start| AnswerPlace { segment, offset: start + ahead, length: entry.length });
            ahead += u64::from(entry.length);
            match entry.on_done {
                OnDone::Ring(bell) => return Some((bell, place)),
                OnDone::Gap(lost) if place.is_err() => drop(self.lost.fetch_add(lost, Ordering::Relaxed)),
                OnDone::Gap(_) | OnDone::Nobody => {}
            }
            None
        }));
    }
}

impl Drop for FailOnEnd {
    fn drop(&mut self) {
        self.0.fail();
    }
}

impl Maker {
    /// Orders are lost only when the thread has died; then no segment comes, and the log fails closed.
    fn order(&self, order: Order) {
        let _ = self.orders.send(order);
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

//! What waits to be written: the bytes of whole records one after the other, their hashes as leaves, and who waits for each.
//!
//! Leaves are hashed by the callers' threads, so that the writer only folds them into the tree.
//!
//! Callers copy their bytes in; the writer exchanges the whole queue for an empty one, so that neither allocates in
//! steady state. Where much waits because the disk hangs, records that open something are refused first, and those that
//! close an intent have a reserve of their own; so memory is bounded, and what was begun can still be ended.

use crate::audit::company::Awaited;
use crate::audit::desk::Bell;
use crate::audit::fault::AuditFault;
use crate::audit::losses::Part;
use crate::audit::record;
use crate::audit::record::Written;
use crate::model::Epoch;
use crate::model::Sha256;
use parking_lot::Condvar;
use parking_lot::Mutex;
use std::time::Duration;

/// Bytes that may wait before records that close nothing are refused.
const OPEN_BYTES: usize = 4 * 1024 * 1024;
/// Bytes that may wait at all, and therefore the most that one batch holds.
pub(super) const BATCH_MAX_BYTES: usize = 48 * 1024 * 1024;
/// Capacity that a queue keeps after a burst.
const KEPT_BYTES: usize = 1024 * 1024;

/// The queue between callers and the writer.
#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    filled: Condvar,
}

#[derive(Default)]
struct State {
    batch: Batch,
    closed: Option<Closed>,
    stopped: bool,
    /// The writer waits, and must be woken once so many records do.
    wakes_at: Option<usize>,
}

/// Why the log takes no records.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Closed {
    /// Writing failed.
    Failed,
    /// One of its files is not what it was.
    Disturbed,
}

/// What the writer's wait ended with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Taken {
    /// Records to be written.
    Batch,
    /// Time passed, or the log was closed, and nothing waits.
    Nothing,
    /// The log ends, and nothing is left.
    End,
}

/// What a batch may take of a segment: so many bytes, of which each intent leaves some to its outcome.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    pub(super) bytes: u64,
    pub(super) for_outcome: u64,
}

/// Records that are written together.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) bytes: Vec<u8>,
    pub(super) entries: Vec<Entry>,
    /// The leaves of all entries, in their order.
    pub(super) leaves: Vec<Sha256>,
    /// The highest epoch that they tell.
    pub(super) epoch: Epoch,
}

/// One record of a batch.
pub(super) struct Entry {
    pub(super) length: u32,
    /// How many records it is: one, but where several are told together.
    pub(super) records: usize,
    pub(super) part: Part,
    pub(super) on_done: OnDone,
    /// The writer has found no space for it.
    pub(super) refused: bool,
}

/// Who cares when a record is done.
pub(super) enum OnDone {
    /// A caller waits.
    Ring(Bell),
    /// Nobody waits.
    Nobody,
}

/// Why a record is not taken, and the record's part, so that its loss can be told.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct NotTaken {
    pub(super) fault: AuditFault,
    pub(super) part: Part,
}

/// How much may wait before a record of this part is refused.
const fn max_bytes(part: &Part) -> usize {
    match part {
        Part::Alone(_) | Part::Opens(_) => OPEN_BYTES,
        Part::Narrows | Part::Closes(_) | Part::Tells(_) => BATCH_MAX_BYTES,
    }
}

impl Queue {
    /// Adds a record, or several as one.
    ///
    /// # Errors
    /// [`AuditFault::Failed`] where the log is closed, [`AuditFault::Busy`] when too much waits.
    pub(super) fn submit(&self, lines: &Written, part: Part, on_done: OnDone) -> Result<(), NotTaken> {
        let (bytes, leaves) = (lines.bytes(), lines.leaves());
        let epoch = record::epoch_of(bytes).unwrap_or_default();
        let mut state = self.state.lock();
        if state.closed.is_some() || state.stopped {
            return Err(NotTaken { fault: AuditFault::Failed, part });
        }
        let length = u32::try_from(bytes.len());
        let (Ok(length), true) = (length, state.batch.bytes.len() + bytes.len() <= max_bytes(&part)) else {
            return Err(NotTaken { fault: AuditFault::Busy, part });
        };
        state.batch.bytes.extend_from_slice(bytes);
        state.batch.leaves.extend_from_slice(leaves);
        state.batch.epoch = state.batch.epoch.max(epoch);
        state.batch.entries.push(Entry { length, records: leaves.len(), part, on_done, refused: false });
        let waiting = state.batch.entries.len();
        if state.wakes_at.take_if(|many| waiting >= *many).is_some() {
            self.filled.notify_one();
        }
        Ok(())
    }

    /// Waits until something waits, then for company as `awaited` says, and takes all of it into `batch`, which is empty, or as
    /// much as `room` is for. Waits no longer than `patience`, and not where the log is closed and the writer, by
    /// `knows_closed`, has not heard of it.
    pub(super) fn take(
        &self,
        batch: &mut Batch,
        knows_closed: bool,
        patience: Duration,
        room: Room,
        awaited: impl FnOnce() -> Awaited,
    ) -> Taken {
        let mut state = self.state.lock();
        state.wakes_at = Some(1);
        let goes_on = |state: &mut State| {
            state.batch.entries.is_empty() && !state.stopped && state.closed.is_some() == knows_closed
        };
        self.filled.wait_while_for(&mut state, goes_on, patience);
        state.wakes_at = None;
        if state.batch.entries.is_empty() {
            return if state.stopped { Taken::End } else { Taken::Nothing };
        }
        let Awaited { time, many } = awaited();
        let is_alone = |state: &mut State| state.batch.entries.len() < many && !state.stopped;
        if !time.is_zero() && is_alone(&mut state) {
            state.wakes_at = Some(many);
            self.filled.wait_while_for(&mut state, is_alone, time);
            state.wakes_at = None;
        }
        std::mem::swap(&mut state.batch, batch);
        if let Some(beyond) = batch.split_beyond(&room) {
            state.batch = beyond;
        }
        Taken::Batch
    }

    /// Takes nothing more; what waits is still handed to the writer, to be told. The first cause stays.
    pub(super) fn close(&self, cause: Closed) {
        self.state.lock().closed.get_or_insert(cause);
        self.filled.notify_one();
    }

    /// Takes records again.
    pub(super) fn reopen(&self) {
        self.state.lock().closed = None;
    }

    /// Why nothing is taken, if so.
    pub(super) fn closed(&self) -> Option<Closed> {
        self.state.lock().closed
    }

    /// Lets the writer end once nothing waits.
    pub(super) fn stop(&self) {
        self.state.lock().stopped = true;
        self.filled.notify_one();
    }

    /// How many records wait, and how many bytes they are.
    pub(super) fn waiting(&self) -> (usize, usize) {
        let state = self.state.lock();
        (state.batch.entries.len(), state.batch.bytes.len())
    }

    /// Whether records are taken.
    pub(super) fn is_open(&self) -> bool {
        let state = self.state.lock();
        state.closed.is_none() && !state.stopped
    }
}

impl Room {
    /// What this record takes of it.
    const fn taken_by(&self, entry: &Entry) -> u64 {
        let owed = if matches!(entry.part, Part::Opens(_)) { self.for_outcome } else { 0 };
        entry.length as u64 + owed
    }
}

impl Batch {
    /// Keeps the first records that fit together, one at least, and gives the others, if there are any: what was not written ahead
    /// of use would else be refused as if the disk were full, although the segment after this one takes it.
    fn split_beyond(&mut self, room: &Room) -> Option<Self> {
        // Mostly all of it fits, whatever it is.
        if self.bytes.len() as u64 + self.entries.len() as u64 * room.for_outcome <= room.bytes {
            return None;
        }
        let (mut left, mut kept, mut bytes, mut leaves) = (room.bytes, 0, 0, 0);
        for entry in &self.entries {
            let Some(rest) = left.checked_sub(room.taken_by(entry)).or((kept == 0).then_some(0)) else { break };
            left = rest;
            kept += 1;
            bytes += usize::try_from(entry.length).unwrap_or(usize::MAX);
            leaves += entry.records;
        }
        if kept == self.entries.len() {
            return None;
        }
        let mut others = Self {
            entries: self.entries.split_off(kept),
            bytes: self.bytes.split_off(bytes.min(self.bytes.len())),
            leaves: self.leaves.split_off(leaves.min(self.leaves.len())),
            epoch: Epoch::default(),
        };
        self.epoch = self.told_epoch();
        others.epoch = others.told_epoch();
        Some(others)
    }

    /// The highest epoch that its records tell.
    fn told_epoch(&self) -> Epoch {
        let mut rest = self.bytes.as_slice();
        let told = self.entries.iter().filter_map(|entry| {
            let (own, after) = rest.split_at_checked(usize::try_from(entry.length).ok()?)?;
            rest = after;
            record::epoch_of(own)
        });
        told.max().unwrap_or_default()
    }

    /// Empties the batch and keeps its memory, unless a burst has made it large.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(KEPT_BYTES);
        self.entries.clear();
        self.leaves.clear();
        self.epoch = Epoch::default();
    }

    /// The leaves of what was not refused.
    pub(super) fn kept_leaves(&self) -> impl Iterator<Item = Sha256> {
        let mut rest = self.leaves.as_slice();
        self.entries.iter().flat_map(move |entry| {
            let (own, after) = rest.split_at_checked(entry.records).unwrap_or_default();
            rest = after;
            let kept = if entry.refused { &[] } else { own };
            kept.iter().copied()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Receipt;

    const ALONE: Part = Part::Alone(1);
    const CLOSES: Part = Part::Closes(Receipt::new([1; 16]));
    const ENDLESS: Room = Room { bytes: u64::MAX, for_outcome: 0 };

    fn take(queue: &Queue, batch: &mut Batch) -> Taken {
        queue.take(batch, false, Duration::MAX, ENDLESS, Awaited::default)
    }

    #[test]
    fn a_writer_that_waits_is_told_when_time_has_passed_and_when_the_log_is_closed() {
        let (queue, mut batch) = (Queue::default(), Batch::default());
        assert_eq!(queue.take(&mut batch, false, Duration::from_millis(1), ENDLESS, Awaited::default), Taken::Nothing);
        queue.close(Closed::Failed);
        assert_eq!(take(&queue, &mut batch), Taken::Nothing);
        assert_eq!(queue.take(&mut batch, true, Duration::from_millis(1), ENDLESS, Awaited::default), Taken::Nothing);
    }

    /// Were it otherwise, the test would not end: nobody waits for an hour.
    #[test]
    fn a_writer_that_waits_for_company_goes_on_once_as_many_as_it_waits_for_are_there() {
        const HOUR: Duration = Duration::from_hours(1);
        let queue = Queue::default();
        let submit = || queue.submit(&Written::of(b"\n"), ALONE, OnDone::Nobody).unwrap();
        submit();
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| {
                let mut batch = Batch::default();
                queue.take(&mut batch, false, Duration::MAX, ENDLESS, || Awaited { time: HOUR, many: 3 });
                batch.entries.len()
            });
            // Until it has met the first and waits for two more.
            while queue.state.lock().wakes_at != Some(3) && !writer.is_finished() {
                std::thread::yield_now();
            }
            submit();
            assert_eq!(queue.state.lock().wakes_at, Some(3), "two are not three");
            submit();
            assert_eq!(writer.join().unwrap(), 3);
        });
        submit();
        let mut batch = Batch::default();
        queue.take(&mut batch, false, Duration::MAX, ENDLESS, || Awaited { time: HOUR, many: 1 });
        assert_eq!(batch.entries.len(), 1, "one is all that it waits for");
    }

    #[test]
    fn records_wait_up_to_a_limit_and_those_that_close_an_intent_up_to_another() {
        let queue = Queue::default();
        let submit = |line: &[u8], part| queue.submit(&Written::of(line), part, OnDone::Nobody);
        let busy = |part| Err(NotTaken { fault: AuditFault::Busy, part });
        let half = vec![b'a'; OPEN_BYTES / 2];
        assert_eq!(submit(&half, ALONE), Ok(()));
        assert_eq!(submit(&half, ALONE), Ok(()));
        assert_eq!(submit(b"\n", ALONE), busy(ALONE));
        assert_eq!(submit(b"\n", Part::Opens(Receipt::new([1; 16]))), busy(Part::Opens(Receipt::new([1; 16]))));
        assert_eq!(submit(b"\n", CLOSES), Ok(()));
        let reserve = vec![b'a'; BATCH_MAX_BYTES - OPEN_BYTES - 1];
        assert_eq!(submit(&reserve, CLOSES), Ok(()));
        assert_eq!(submit(b"\n", CLOSES), busy(CLOSES));
        assert_eq!(queue.waiting(), (4, BATCH_MAX_BYTES));
        let mut batch = Batch::default();
        assert_eq!(take(&queue, &mut batch), Taken::Batch);
        assert_eq!((batch.bytes.len(), batch.entries.len()), (BATCH_MAX_BYTES, 4));
        assert_eq!(queue.waiting(), (0, 0));
        assert_eq!(submit(b"\n", ALONE), Ok(()), "there is room again");
    }

    #[test]
    fn a_batch_takes_what_its_segment_has_room_for_and_not_one_record_more() {
        let opens = || Part::Opens(Receipt::new([1; 16]));
        // Three records of ten bytes, of which the second is owed an outcome of five.
        for (bytes, kept) in [(35, 3), (34, 2), (25, 2), (24, 1), (10, 1), (9, 1), (0, 1)] {
            let (queue, mut batch) = (Queue::default(), Batch::default());
            for part in [ALONE, opens(), CLOSES] {
                queue.submit(&Written::of(b"0123456789"), part, OnDone::Nobody).unwrap();
            }
            let room = Room { bytes, for_outcome: 5 };
            let mut taken = Vec::new();
            while queue.waiting().0 > 0 {
                assert_eq!(queue.take(&mut batch, false, Duration::MAX, room, Awaited::default), Taken::Batch);
                let records: usize = batch.entries.iter().map(|entry| entry.records).sum();
                assert_eq!((batch.bytes.len(), batch.leaves.len()), (10 * batch.entries.len(), records));
                taken.push(batch.entries.len());
                batch.clear();
            }
            assert_eq!((taken[0], taken.iter().sum::<usize>()), (kept, 3), "{bytes}");
        }
    }

    #[test]
    fn a_stopped_queue_is_emptied_before_the_writer_ends() {
        let queue = Queue::default();
        queue.submit(&Written::of(b"\n"), ALONE, OnDone::Nobody).unwrap();
        queue.stop();
        let failed = Err(NotTaken { fault: AuditFault::Failed, part: CLOSES });
        assert_eq!(queue.submit(&Written::of(b"\n"), CLOSES, OnDone::Nobody), failed);
        let mut batch = Batch::default();
        assert_eq!(take(&queue, &mut batch), Taken::Batch);
        batch.clear();
        assert_eq!(take(&queue, &mut batch), Taken::End);
    }
}

//! Where callers wait for their records: one wake-up per batch and runtime, not one per caller.
//!
//! Waking a task from another thread costs a system call each time, and the task then waits in the runtime's queue for
//! strangers, which is asked last. So the writer, when a batch is done, marks every waiting slot of a desk and wakes a
//! single caller, and none while the last one has not come round. That one, polled on its own runtime, wakes the others
//! there, which costs next to nothing; so does any caller who happens to be polled before. If the one who was woken is
//! dropped instead of polled, its drop does the same. (One who keeps a wait and neither polls nor drops it holds up its
//! desk: a record is awaited at once, or not at all.)
//!
//! Each runtime has a desk of its own. Sharing one works too, but then the waking crosses threads again.

use crate::audit::fault::AuditFault;
use crate::model::AnswerPlace;
use parking_lot::Mutex;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;

/// The callers of one runtime that wait for records.
#[derive(Default)]
pub(super) struct Desk(Mutex<Slots>);

#[derive(Default)]
struct Slots {
    slots: Vec<Slot>,
    free: Vec<usize>,
    /// Callers whose records are done and who were not woken yet.
    to_wake: Vec<(usize, Waker)>,
    /// The caller whom the writer has woken and who has not come round yet.
    called: Option<usize>,
}

enum Slot {
    Free,
    /// The caller waits; no waker until it has been polled.
    Waiting(Option<Waker>),
    /// The caller went away before the record was done.
    Abandoned,
    Done(Result<AnswerPlace, AuditFault>),
}

/// A caller's wait for one record. Dropped early, it leaves the record to itself.
#[must_use = "the record is durable only once this is ready"]
pub(super) struct Wait {
    desk: Arc<Desk>,
    slot: Option<usize>,
}

/// The writer's side of a wait. Dropped without being rung (the record was not taken, or the writer is gone), it says so.
pub(super) struct Bell {
    desk: Arc<Desk>,
    slot: Option<usize>,
}

impl Desk {
    /// A slot for one record: the caller's side and the writer's.
    pub(super) fn open(self: &Arc<Self>) -> (Wait, Bell) {
        let mut desk = self.0.lock();
        let slot = desk.free.pop().unwrap_or(desk.slots.len());
        match desk.slots.get_mut(slot) {
            Some(place) => *place = Slot::Waiting(None),
            None => desk.slots.push(Slot::Waiting(None)),
        }
        (Wait { desk: Arc::clone(self), slot: Some(slot) }, Bell { desk: Arc::clone(self), slot: Some(slot) })
    }

    fn wake_one(&self) {
        let mut desk = self.0.lock();
        if desk.called.is_some() {
            return;
        }
        let Some((slot, waker)) = desk.to_wake.pop() else { return };
        desk.called = Some(slot);
        drop(desk);
        waker.wake();
    }
}

impl Bell {
    /// Marks the record as done. Nobody is woken yet: see [`ring`].
    fn mark(&mut self, result: Result<AnswerPlace, AuditFault>) {
        let mut desk = self.desk.0.lock();
        let Some(slot) = self.slot.take() else { return };
        let Some(place) = desk.slots.get_mut(slot) else { return };
        match std::mem::replace(place, Slot::Done(result)) {
            Slot::Waiting(waker) => desk.to_wake.extend(waker.map(|waker| (slot, waker))),
            Slot::Abandoned | Slot::Free | Slot::Done(_) => desk.give_back(slot),
        }
    }
}

impl Drop for Bell {
    fn drop(&mut self) {
        if self.slot.is_some() {
            self.mark(Err(AuditFault::Failed));
            self.desk.wake_one();
        }
    }
}

/// Ends the waits of a whole batch, then wakes one caller of each desk concerned.
pub(super) fn ring(done: impl Iterator<Item = (Bell, Result<AnswerPlace, AuditFault>)>) {
    let mut desks: Vec<Arc<Desk>> = Vec::new();
    for (mut bell, result) in done {
        bell.mark(result);
        if !desks.iter().any(|desk| Arc::ptr_eq(desk, &bell.desk)) {
            desks.push(Arc::clone(&bell.desk));
        }
    }
    desks.iter().for_each(|desk| desk.wake_one());
}

impl Slots {
    /// Whom a caller who comes round, polled or dropped, must wake.
    fn come_round(&mut self, slot: Option<usize>) -> Vec<(usize, Waker)> {
        if self.called == slot {
            self.called = None;
        }
        std::mem::take(&mut self.to_wake)
    }

    fn give_back(&mut self, slot: usize) {
        if let Some(place) = self.slots.get_mut(slot) {
            *place = Slot::Free;
            self.free.push(slot);
        }
    }
}

impl Future for Wait {
    type Output = Result<AnswerPlace, AuditFault>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let mut desk = this.desk.0.lock();
        let others = desk.come_round(this.slot);
        let result = match this.slot.and_then(|slot| desk.slots.get_mut(slot)) {
            Some(Slot::Done(result)) => Poll::Ready(*result),
            Some(Slot::Waiting(waker)) => {
                match waker {
                    Some(waker) => waker.clone_from(context.waker()),
                    None => *waker = Some(context.waker().clone()),
                }
                Poll::Pending
            }
            // Polled after it was ready, which nobody does.
            Some(Slot::Free | Slot::Abandoned) | None => Poll::Ready(Err(AuditFault::Failed)),
        };
        if let (Poll::Ready(_), Some(slot)) = (&result, this.slot.take_if(|_| result.is_ready())) {
            desk.give_back(slot);
        }
        drop(desk);
        others.into_iter().for_each(|(_, waker)| waker.wake());
        result
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        let mut desk = self.desk.0.lock();
        let others = desk.come_round(self.slot);
        if let Some(slot) = self.slot {
            match desk.slots.get_mut(slot) {
                Some(place @ Slot::Waiting(_)) => *place = Slot::Abandoned,
                Some(Slot::Done(_)) => desk.give_back(slot),
                Some(Slot::Free | Slot::Abandoned) | None => {}
            }
        }
        drop(desk);
        others.into_iter().for_each(|(_, waker)| waker.wake());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;
    use std::sync::atomic::Ordering;
    use std::task::Wake;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    const PLACE: AnswerPlace = AnswerPlace { segment: 1, offset: 2, length: 3 };

    fn polled(wait: &mut Wait, count: &Arc<Count>) -> Poll<Result<AnswerPlace, AuditFault>> {
        Pin::new(wait).poll(&mut Context::from_waker(&Waker::from(Arc::clone(count))))
    }

    #[test]
    fn a_batch_wakes_one_caller_who_wakes_the_others() {
        let desk = Arc::new(Desk::default());
        let counts: Vec<Arc<Count>> = (0..5).map(|_| Arc::default()).collect();
        let (mut waits, bells): (Vec<Wait>, Vec<Bell>) = (0..5).map(|_| desk.open()).unzip();
        for (wait, count) in waits.iter_mut().zip(&counts) {
            assert!(polled(wait, count).is_pending());
        }
        ring(bells.into_iter().map(|bell| (bell, Ok(PLACE))));
        let woken: Vec<usize> = (0..5).filter(|index| counts[*index].0.load(Ordering::SeqCst) == 1).collect();
        assert_eq!(woken.len(), 1, "one wake-up crosses threads");
        assert_eq!(polled(&mut waits[woken[0]], &counts[woken[0]]), Poll::Ready(Ok(PLACE)));
        assert!(counts.iter().all(|count| count.0.load(Ordering::SeqCst) == 1), "the others follow");
    }

    #[test]
    fn while_the_one_who_was_woken_has_not_come_round_no_other_is_woken_from_outside() {
        let desk = Arc::new(Desk::default());
        let counts: Vec<Arc<Count>> = (0..4).map(|_| Arc::default()).collect();
        let (mut waits, mut bells): (Vec<Wait>, Vec<Bell>) = (0..4).map(|_| desk.open()).unzip();
        for (wait, count) in waits.iter_mut().zip(&counts) {
            assert!(polled(wait, count).is_pending());
        }
        let woken = |count: usize| (0..4).filter(|index| counts[*index].0.load(Ordering::SeqCst) == 1).count() == count;
        ring(std::iter::once((bells.remove(0), Ok(PLACE))));
        ring(std::iter::once((bells.remove(0), Ok(PLACE))));
        assert!(woken(1));
        // Someone else is polled first, and wakes those who are done; the first is on the way already.
        assert!(polled(&mut waits[3], &counts[3]).is_pending());
        assert!(woken(2));
        ring(std::iter::once((bells.remove(0), Ok(PLACE))));
        assert!(woken(2));
        assert!(polled(&mut waits[0], &counts[0]).is_ready());
        assert!(woken(3));
        ring(std::iter::once((bells.remove(0), Ok(PLACE))));
        assert!(woken(4), "the next is woken from outside again");
    }

    #[test]
    fn a_caller_who_is_dropped_instead_of_polled_still_wakes_the_others() {
        let desk = Arc::new(Desk::default());
        let counts: Vec<Arc<Count>> = (0..3).map(|_| Arc::default()).collect();
        let (mut waits, bells): (Vec<Wait>, Vec<Bell>) = (0..3).map(|_| desk.open()).unzip();
        for (wait, count) in waits.iter_mut().zip(&counts) {
            assert!(polled(wait, count).is_pending());
        }
        ring(bells.into_iter().map(|bell| (bell, Ok(PLACE))));
        let first = (0..3).find(|index| counts[*index].0.load(Ordering::SeqCst) == 1).unwrap();
        drop(waits.remove(first));
        assert!(counts.iter().all(|count| count.0.load(Ordering::SeqCst) == 1));
    }

    #[test]
    fn slots_are_used_again_whether_the_caller_waited_or_went_away() {
        let desk = Arc::new(Desk::default());
        for round in 0..10 {
            let (mut wait, bell) = desk.open();
            let (gone, late) = desk.open();
            drop(gone);
            ring([(bell, Ok(PLACE)), (late, Err(AuditFault::Failed))].into_iter());
            assert_eq!(polled(&mut wait, &Arc::default()), Poll::Ready(Ok(PLACE)), "{round}");
            drop(wait);
            let (done, bell) = desk.open();
            ring(std::iter::once((bell, Ok(PLACE))));
            drop(done);
        }
        assert_eq!(desk.0.lock().slots.len(), 2);
    }
}

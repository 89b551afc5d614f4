//! What was lost and is still to be told: records that could not be taken, and the intents that want an outcome for it.
//!
//! Nothing vanishes without a trace. A record that the queue has no room for, or the disk no space, is counted here; with
//! the next one that is taken a gap record tells the number, and each intent whose outcome was among the lost gets one that
//! says `unknown`: that is all that is on record. If the telling is lost too, it comes back here.
//!
//! What comes while the log is closed is counted here, too, and told once it is open again; if the process ends before, the
//! next start marks intents without outcome by itself.

use crate::model::Receipt;
use parking_lot::Mutex;
use std::collections::HashSet;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

/// Outcomes that are told at once, so that one telling stays below half a mebibyte.
const TOLD_AT_ONCE: usize = 1_000;

/// What a record is to the log, and what is lost with it.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Part {
    /// It stands alone, for so many requests.
    Alone(u64),
    /// It tells of what has happened and takes rights away or settles something; the reserve is for it.
    Narrows,
    /// It opens an exchange, whose outcome must have room when it comes.
    Opens(Receipt),
    /// It is the outcome of this intent.
    Closes(Receipt),
    /// It tells of what was lost before.
    Tells(Loss),
}

/// Records that were lost.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct Loss {
    /// How many.
    pub(super) records: u64,
    /// The intents whose outcomes were among them.
    pub(super) unclosed: Vec<Receipt>,
}

/// All that is still to be told.
#[derive(Default)]
pub(super) struct Losses {
    /// Whether there is anything, so that who records something need not take the lock.
    any: AtomicBool,
    loss: Mutex<Loss>,
}

impl Part {
    /// Whether nothing has happened yet that it tells of.
    pub(super) const fn can_be_refused(&self) -> bool {
        matches!(self, Self::Alone(_) | Self::Opens(_))
    }

    /// How many records were lost with it, for the metric: what was counted before is not counted again.
    pub(super) const fn weight(&self) -> u64 {
        match self {
            Self::Alone(requests) => *requests,
            Self::Narrows | Self::Opens(_) | Self::Closes(_) => 1,
            Self::Tells(_) => 0,
        }
    }
}

impl Losses {
    /// Takes note of a record that was lost.
    pub(super) fn add(&self, part: Part) {
        let mut loss = self.loss.lock();
        let records = match part {
            Part::Alone(requests) => requests,
            Part::Narrows | Part::Opens(_) => 1,
            Part::Closes(receipt) => {
                loss.unclosed.push(receipt);
                1
            }
            Part::Tells(Loss { records, unclosed }) => {
                loss.unclosed.extend(unclosed);
                records
            }
        };
        loss.records = loss.records.saturating_add(records);
        self.any.store(true, Ordering::Release);
    }

    /// Forgets those whose intent is not on record either: `open` are all that are and have no outcome.
    pub(super) fn keep_unclosed(&self, open: &HashSet<Receipt>) {
        self.loss.lock().unclosed.retain(|receipt| open.contains(receipt));
    }

    /// Takes what is to be told, if anything is.
    pub(super) fn take(&self) -> Option<Loss> {
        if !self.any.load(Ordering::Acquire) {
            return None;
        }
        let mut loss = self.loss.lock();
        let rest = loss.unclosed.len().saturating_sub(TOLD_AT_ONCE);
        let unclosed = loss.unclosed.split_off(rest);
        self.any.store(rest > 0, Ordering::Release);
        let records = std::mem::take(&mut loss.records);
        (records > 0 || !unclosed.is_empty()).then_some(Loss { records, unclosed })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_is_told_once_and_comes_back_if_the_telling_is_lost() {
        let (losses, receipt) = (Losses::default(), |number| Receipt::new([number; 16]));
        assert_eq!(losses.take(), None);
        for part in [Part::Alone(5), Part::Opens(receipt(1)), Part::Closes(receipt(2))] {
            losses.add(part);
        }
        let loss = losses.take().unwrap();
        assert_eq!(loss, Loss { records: 7, unclosed: vec![receipt(2)] });
        assert_eq!(losses.take(), None);
        losses.add(Part::Closes(receipt(3)));
        losses.add(Part::Tells(loss));
        assert_eq!(losses.take(), Some(Loss { records: 8, unclosed: vec![receipt(3), receipt(2)] }));
    }

    #[test]
    fn more_than_can_be_told_at_once_is_told_in_turn() {
        let losses = Losses::default();
        for _ in 0..=TOLD_AT_ONCE {
            losses.add(Part::Closes(Receipt::new([0; 16])));
        }
        let told = || losses.take().map(|loss| (loss.records, loss.unclosed.len()));
        assert_eq!(told(), Some((TOLD_AT_ONCE as u64 + 1, TOLD_AT_ONCE)));
        assert_eq!(told(), Some((0, 1)));
        assert_eq!(told(), None);
    }
}

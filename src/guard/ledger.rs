//! The ledger of idempotency keys: which command each key stands for and what became of it, for 24 hours.
//!
//! A key goes one way: *reserved* while the exchange is still being checked, *running* from the moment its intent is
//! durable, then *settled* for 24 hours counted from the intent. Invariants:
//!
//! - Two requests never hold the same key: the second learns what the first is about.
//! - A reservation that is dropped releases its key; a running command that is dropped is settled as unknown. From the
//!   intent on a key is never free again before its 24 hours have passed.
//! - Nothing is evicted to make room. When `max_keys` are held and none has expired, further keys are refused.
//!
//! Durability is the log's: the intent record carries key and body digest, and recovery fills the ledger again. Digests
//! are keyed, so neither the ledger nor the log holds a key or a body that could be guessed. No clock is read here.

use crate::audit::Recorded;
use crate::clock::UnixMillis;
use crate::limits::REMEMBERED_MS;
use crate::model::PastOutcome;
use crate::model::Receipt;
use crate::model::Sha256;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

/// Parts of the ledger, each under a lock of its own; a power of two.
const SHARDS: usize = 16;
/// How many expired keys a call removes from one shard, so that no request pays for all of them.
const SWEPT_AT_ONCE: usize = 64;

/// All keys that are held.
pub struct Ledger {
    shards: [Mutex<Shard>; SHARDS],
    held: AtomicU64,
    max_keys: u64,
}

/// A key of the last 24 hours, as recovery found it in the log.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LedgerEntry {
    /// The key's digest, as the intent recorded it.
    pub key: Sha256,
    /// The body's digest, as the intent recorded it.
    pub body: Sha256,
    /// The intent's receipt.
    pub receipt: Receipt,
    /// The intent's time.
    pub at: UnixMillis,
    /// What became of it.
    pub outcome: PastOutcome,
}

/// What a key stood for when it was presented.
#[derive(Debug)]
#[must_use = "a dropped reservation is released"]
pub enum Presented {
    /// Nothing: it now stands for this command.
    Reserved(Reservation),
    /// A command that has ended, with the receipt of its intent.
    Past(Receipt, PastOutcome),
}

/// Why a key cannot be reserved.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum LedgerFault {
    /// It stands for another body.
    #[error("the key was used with another body")]
    Reused,
    /// Its first command has not ended.
    #[error("the first command with this key is still running")]
    InProgress,
    /// As many keys are held as may be.
    #[error("no further key can be remembered")]
    Full,
}

/// A key held for one command that has no intent yet. Dropping it releases the key.
///
/// ```
/// use portcullis::{audit::Recorded, clock::UnixMillis, guard::{Reservation, Running}};
/// fn commit(reservation: Reservation, recorded: &Recorded, at: UnixMillis) -> Running {
///     reservation.commit(recorded, at)
/// }
/// ```
/// Only a durable intent commits it:
/// ```compile_fail
/// use portcullis::{audit::Recorded, clock::UnixMillis, guard::{Reservation, Running}};
/// fn commit(reservation: Reservation, recorded: &Recorded, at: UnixMillis) -> Running {
///     reservation.commit(&recorded.receipt(), at)
/// }
/// ```
#[must_use = "a dropped reservation is released"]
pub struct Reservation {
    held: Held,
}

/// A key whose command has a durable intent. Dropping it settles the command as unknown.
#[must_use = "a dropped running command is settled as unknown"]
pub struct Running {
    held: Held,
    receipt: Receipt,
    at: UnixMillis,
}

/// The one hold on a key that is in progress. It ends when it is dropped, which nothing can keep from happening.
struct Held {
    ledger: Arc<Ledger>,
    key: Sha256,
    body: Sha256,
    /// What the key will stand for then; `None`: nothing.
    becomes: Option<State>,
}

#[derive(Default)]
struct Shard {
    entries: HashMap<Sha256, Entry>,
    /// Settled keys in the order in which they were settled, each with its last millisecond.
    expiries: VecDeque<(UnixMillis, Sha256)>,
}

#[derive(Clone, Copy)]
struct Entry {
    body: Sha256,
    state: State,
}

#[derive(Clone, Copy)]
enum State {
    /// A live [`Reservation`] or [`Running`] holds the key; it does not expire.
    InProgress,
    Settled {
        receipt: Receipt,
        outcome: PastOutcome,
        until: UnixMillis,
    },
}

impl Ledger {
    /// A ledger that holds at most `max_keys` and begins with what recovery found.
    ///
    /// Recovered keys are held even beyond `max_keys`: forgetting one would let a command happen twice.
    #[must_use]
    pub fn new(max_keys: u64, recovered: Vec<LedgerEntry>, now: UnixMillis) -> Arc<Self> {
        let ledger = Self { shards: Default::default(), held: AtomicU64::new(0), max_keys };
        let mut recovered = recovered;
        recovered.sort_by_key(|entry| entry.at);
        for LedgerEntry { key, body, receipt, at, outcome } in recovered {
            let until = at.plus(REMEMBERED_MS);
            if until < now {
                continue;
            }
            let mut shard = ledger.shard(&key).lock();
            let state = State::Settled { receipt, outcome, until };
            if shard.entries.insert(key, Entry { body, state }).is_none() {
                ledger.held.fetch_add(1, Ordering::Relaxed);
            }
            shard.expiries.push_back((until, key));
        }
        Arc::new(ledger)
    }

    /// Reserves `key` for a command with this body, or tells what the key stands for already.
    ///
    /// # Errors
    /// [`LedgerFault`]; another body is [`LedgerFault::Reused`] also while the first command runs.
    pub fn present(self: &Arc<Self>, key: Sha256, body: Sha256, now: UnixMillis) -> Result<Presented, LedgerFault> {
        self.sweep(self.shard(&key), now);
        if self.held.load(Ordering::Relaxed) >= self.max_keys {
            self.shards.iter().for_each(|shard| self.sweep(shard, now));
        }
        let mut shard = self.shard(&key).lock();
        match shard.entries.get(&key).filter(|entry| !entry.has_expired(now)) {
            Some(entry) if entry.body != body => return Err(LedgerFault::Reused),
            Some(Entry { state: State::InProgress, .. }) => return Err(LedgerFault::InProgress),
            Some(Entry { state: State::Settled { receipt, outcome, .. }, .. }) => {
                return Ok(Presented::Past(*receipt, *outcome));
            }
            None => {}
        }
        // An expired entry that no sweep has reached yet is replaced, and stays counted.
        if !shard.entries.contains_key(&key) && !self.count_one_more() {
            return Err(LedgerFault::Full);
        }
        shard.entries.insert(key, Entry { body, state: State::InProgress });
        let held = Held { ledger: Arc::clone(self), key, body, becomes: None };
        Ok(Presented::Reserved(Reservation { held }))
    }

    /// How many keys are held, for a gauge.
    #[must_use]
    pub fn held(&self) -> u64 {
        self.held.load(Ordering::Relaxed)
    }

    fn shard(&self, key: &Sha256) -> &Mutex<Shard> {
        let [first, ..] = *key.as_bytes();
        #[expect(clippy::indexing_slicing, reason = "an index modulo the length of the array")]
        &self.shards[usize::from(first) % SHARDS]
    }

    fn count_one_more(&self) -> bool {
        let below = |held| (held < self.max_keys).then_some(held + 1);
        self.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, below).is_ok()
    }

    /// Removes some keys that have expired.
    fn sweep(&self, shard: &Mutex<Shard>, now: UnixMillis) {
        let mut shard = shard.lock();
        for _ in 0..SWEPT_AT_ONCE {
            let Some((_, key)) = shard.expiries.pop_front_if(|(until, _)| *until < now) else { return };
            // The key may have been reserved anew since.
            if shard.entries.get(&key).is_some_and(|entry| entry.has_expired(now)) {
                shard.entries.remove(&key);
                self.held.fetch_sub(1, Ordering::Relaxed);
            }
        }
    }

    fn end(&self, held: &Held) {
        let mut shard = self.shard(&held.key).lock();
        if let Some(state) = held.becomes {
            if let State::Settled { until, .. } = state {
                shard.expiries.push_back((until, held.key));
            }
            shard.entries.insert(held.key, Entry { body: held.body, state });
        } else if shard.entries.remove(&held.key).is_some() {
            self.held.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Entry {
    fn has_expired(&self, now: UnixMillis) -> bool {
        matches!(self.state, State::Settled { until, .. } if until < now)
    }
}

impl Reservation {
    /// The key's digest, for the intent record.
    #[must_use]
    pub const fn key_digest(&self) -> Sha256 {
        self.held.key
    }

    /// The body's digest, for the intent record.
    #[must_use]
    pub const fn body_digest(&self) -> Sha256 {
        self.held.body
    }

    /// From here on the key is this command's for 24 hours after `at`, the intent's time.
    pub fn commit(self, recorded: &Recorded, at: UnixMillis) -> Running {
        self.run(recorded.receipt(), at)
    }

    pub(super) fn run(self, receipt: Receipt, at: UnixMillis) -> Running {
        let mut running = Running { held: self.held, receipt, at };
        running.end_as(PastOutcome::Unknown);
        running
    }
}

impl Running {
    /// The receipt of the intent.
    #[must_use]
    pub const fn receipt(&self) -> Receipt {
        self.receipt
    }

    /// Says how the command ended.
    pub fn settle(mut self, outcome: PastOutcome) {
        self.end_as(outcome);
    }

    fn end_as(&mut self, outcome: PastOutcome) {
        let until = self.at.plus(REMEMBERED_MS);
        self.held.becomes = Some(State::Settled { receipt: self.receipt, outcome, until });
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.ledger.end(self);
    }
}

impl fmt::Debug for Reservation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reservation({})", self.key_digest())
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Running({})", self.receipt)
    }
}

#[cfg(test)]
mod tests;

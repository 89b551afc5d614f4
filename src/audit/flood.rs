//! Refusals that come too fast: recorded one by one up to a rate for each peer, and beyond it in sums.
//!
//! Whoever has a client certificate can be refused as often as it likes; that must not fill the disk. Each peer has two
//! buckets of tokens, one for refusals before its caller is known and one for those after, since the callers of many
//! people come through one peer. A person whose acts on the gateway itself are refused has one, too. A refusal that finds a token is recorded in full. One that finds none is added to a sum
//! of that bucket, which is written with the next tick. The sum has a receipt from the beginning, and all in it are given
//! that one, whatever the reason: a receipt for each reason would tell "you may not" from "there is none". Nothing is
//! uncounted: a sum that finds no room in the log is told by a gap record.
//!
//! Memory is bounded: peers whose buckets are full again are forgotten, and where even so there are [`PEERS_MAX`], all
//! others share one bucket and its sums. `now` is an argument; a clock that goes back gives nothing.

use crate::audit::facts::By;
use crate::audit::facts::Facts;
use crate::clock::UnixMillis;
use crate::crypto::random;
use crate::model::PersonName;
use crate::model::Reason;
use crate::model::Receipt;
use crate::model::Sha256;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::collections::HashMap;
use std::sync::Arc;

/// Peers that have buckets of their own; there are as many as our own authority has certified.
const PEERS_MAX: usize = 4_096;

/// Parts of a token: what one millisecond brings at a rate of one a minute.
const TOKEN: u64 = 60_000;

/// How many refusals of one peer are recorded one by one, in a minute.
#[derive(Clone, Copy, Debug)]
pub struct RefusalRates {
    /// Before the caller is known.
    pub unknown_per_minute: u64,
    /// After.
    pub known_per_minute: u64,
}

/// Buckets and sums.
pub(super) struct Flood {
    rates: RefusalRates,
    state: Mutex<State>,
}

/// Refusals that are recorded together.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Sum {
    /// What everybody in it was given.
    pub(super) receipt: Receipt,
    /// The name in the certificate; `None` where there is none, or where it stands for many peers.
    pub(super) peer: Option<Arc<str>>,
    /// The certificate's thumbprint; `None` where it stands for many peers.
    pub(super) certificate: Option<Sha256>,
    /// The person who acted, with the role and the door of the first act; `None` where it was none.
    pub(super) by: Option<By>,
    /// How many there are of each reason.
    pub(super) reasons: BTreeMap<Reason, u64>,
    /// When the first was refused.
    pub(super) from: UnixMillis,
    /// When the last was.
    pub(super) until: UnixMillis,
}

#[derive(Default)]
struct State {
    buckets: HashMap<Key, Bucket>,
    sums: HashMap<Key, Sum>,
}

/// Whose refusals; without a certificate and a person, everybody's who has no bucket of their own.
#[derive(Clone, Eq, Hash, PartialEq)]
struct Key {
    certificate: Option<Sha256>,
    person: Option<PersonName>,
    known: bool,
}

struct Bucket {
    parts: u64,
    at: UnixMillis,
}

impl Flood {
    pub(super) fn new(rates: RefusalRates) -> Self {
        Self { rates, state: Mutex::default() }
    }

    /// Adds a refusal to a sum, if it comes too fast to be recorded in full. Gives the receipt of the sum.
    pub(super) fn sums_up(&self, facts: &Facts, reason: Reason, now: UnixMillis) -> Option<Receipt> {
        let mut state = self.state.lock();
        let person = facts.by.as_ref().map(|by| by.person.clone());
        let mut key = Key { certificate: facts.certificate, person, known: facts.caller_known };
        if !state.has_place_for(&key, &self.rates, now) {
            (key.certificate, key.person) = (None, None);
        }
        let rate = self.rates.of(key.known);
        let bucket = state.buckets.entry(key.clone()).or_insert_with(|| Bucket::full(rate, now));
        if bucket.take(rate, now) {
            return None;
        }
        let peer = key.certificate.and_then(|_| facts.peer.clone());
        let by = facts.by.clone().filter(|_| key.person.is_some());
        let certificate = key.certificate;
        let sum = state.sums.entry(key).or_insert_with(|| Sum {
            receipt: Receipt::new(random()),
            peer,
            certificate,
            by,
            reasons: BTreeMap::new(),
            from: now,
            until: now,
        });
        *sum.reasons.entry(reason).or_default() += 1;
        sum.until = sum.until.max(now);
        Some(sum.receipt)
    }

    /// Takes all sums, to be written; the oldest first.
    pub(super) fn take(&self) -> Vec<Sum> {
        let sums = std::mem::take(&mut self.state.lock().sums);
        let mut sums: Vec<Sum> = sums.into_values().collect();
        sums.sort_by_key(|sum| sum.from);
        sums
    }
}

impl Sum {
    /// How many refusals it stands for.
    pub(super) fn count(&self) -> u64 {
        self.reasons.values().fold(0, |sum, count| sum.saturating_add(*count))
    }
}

impl State {
    /// Whether there is a bucket of this key, or may be one.
    fn has_place_for(&mut self, key: &Key, rates: &RefusalRates, now: UnixMillis) -> bool {
        if self.buckets.len() >= PEERS_MAX && !self.buckets.contains_key(key) {
            self.buckets.retain(|key, bucket| !bucket.is_full(rates.of(key.known), now));
        }
        self.buckets.len() < PEERS_MAX || self.buckets.contains_key(key)
    }
}

impl RefusalRates {
    const fn of(&self, known: bool) -> u64 {
        if known { self.known_per_minute } else { self.unknown_per_minute }
    }
}

impl Bucket {
    const fn full(rate: u64, at: UnixMillis) -> Self {
        Self { parts: capacity(rate), at }
    }

    /// Takes a token, if there is one.
    fn take(&mut self, rate: u64, now: UnixMillis) -> bool {
        self.parts = self.parts_at(rate, now);
        self.at = self.at.max(now);
        match self.parts.checked_sub(TOKEN) {
            Some(rest) => {
                self.parts = rest;
                true
            }
            None => false,
        }
    }

    fn is_full(&self, rate: u64, now: UnixMillis) -> bool {
        self.parts_at(rate, now) >= capacity(rate)
    }

    fn parts_at(&self, rate: u64, now: UnixMillis) -> u64 {
        let brought = now.get().saturating_sub(self.at.get()).saturating_mul(rate);
        self.parts.saturating_add(brought).min(capacity(rate))
    }
}

/// A bucket holds what a minute brings.
const fn capacity(rate: u64) -> u64 {
    rate.saturating_mul(TOKEN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::sha256;
    use crate::model::AdminDoor;
    use crate::model::Epoch;
    use crate::model::Role;

    const NOW: UnixMillis = UnixMillis::new(1_700_000_000_000);
    const RATES: RefusalRates = RefusalRates { unknown_per_minute: 6, known_per_minute: 10 };

    fn facts(peer: usize, known: bool) -> Facts {
        let facts = Facts::new(Receipt::new([1; 16]), Epoch::new(1), sha256(b"bundle"));
        let certificate = Some(sha256(&peer.to_be_bytes()));
        Facts { peer: Some(format!("peer {peer}").into()), certificate, caller_known: known, ..facts }
    }

    /// How many of `count` refusals are recorded one by one.
    fn in_full(flood: &Flood, facts: &Facts, count: usize, now: UnixMillis) -> usize {
        (0..count).filter(|_| flood.sums_up(facts, Reason::TokenMissing, now).is_none()).count()
    }

    #[test]
    fn each_peer_has_its_rate_and_another_for_callers_who_are_known() {
        let flood = Flood::new(RATES);
        assert_eq!(in_full(&flood, &facts(1, false), 20, NOW), 6);
        assert_eq!(in_full(&flood, &facts(1, true), 20, NOW), 10);
        assert_eq!(in_full(&flood, &facts(2, false), 20, NOW), 6, "one peer's flood takes nothing from another");
        assert_eq!(in_full(&flood, &facts(1, false), 1, NOW.plus(9_999)), 0);
        assert_eq!(in_full(&flood, &facts(1, false), 5, NOW.plus(10_000)), 1, "six a minute are one in ten seconds");
        assert_eq!(
            in_full(&flood, &facts(1, false), 5, UnixMillis::new(0)),
            0,
            "a clock that goes back brings nothing"
        );
        assert_eq!(in_full(&flood, &facts(1, false), 20, NOW.plus(3_600_000)), 6, "and an hour no more than a minute");
    }

    #[test]
    fn what_is_not_recorded_in_full_is_in_one_sum_of_its_peer_whose_receipt_does_not_tell_the_reason() {
        let flood = Flood::new(RATES);
        let one = facts(1, false);
        let receipts: Vec<_> =
            (0..9).map(|tick| flood.sums_up(&one, Reason::TokenMissing, NOW.plus(tick))).skip(6).collect();
        assert!(receipts.iter().all(|receipt| receipt.is_some() && *receipt == receipts[0]));
        assert_eq!(flood.sums_up(&one, Reason::PolicyDenied, NOW.plus(9)), receipts[0]);
        assert_eq!(in_full(&flood, &facts(2, false), 8, NOW.plus(10)), 6);
        let sums = flood.take();
        assert_eq!(sums.len(), 2);
        let expected = Sum {
            receipt: receipts[0].unwrap(),
            peer: Some("peer 1".into()),
            certificate: one.certificate,
            by: None,
            reasons: BTreeMap::from([(Reason::TokenMissing, 3), (Reason::PolicyDenied, 1)]),
            from: NOW.plus(6),
            until: NOW.plus(9),
        };
        assert_eq!((&sums[0], sums[0].count()), (&expected, 4));
        assert_eq!((sums[1].count(), sums[1].peer.as_deref()), (2, Some("peer 2")));
        assert!(flood.take().is_empty(), "each is written once");
        let next = flood.sums_up(&one, Reason::TokenMissing, NOW.plus(11));
        assert!(next.is_some() && next != receipts[0], "what comes afterwards is another sum");
    }

    #[test]
    fn a_person_whose_acts_are_refused_has_a_bucket_and_a_sum_under_their_name() {
        let flood = Flood::new(RATES);
        let of = |person| {
            let by = By { person: PersonName::new(person).unwrap(), role: Role::Lifter, door: AdminDoor::Socket };
            Facts { by: Some(by), ..Facts::new(Receipt::new([1; 16]), Epoch::new(1), sha256(b"bundle")) }
        };
        assert_eq!(in_full(&flood, &of("petrova"), 20, NOW), 6);
        assert_eq!(in_full(&flood, &of("sidorov"), 6, NOW), 6);
        let sums = flood.take();
        let [sum] = &sums[..] else { panic!("one") };
        assert_eq!((sum.count(), &sum.by, sum.certificate), (14, &of("petrova").by, None));
    }

    #[test]
    fn however_many_peers_there_are_memory_is_bounded_and_each_refusal_counted() {
        let flood = Flood::new(RATES);
        let peers = PEERS_MAX + 100;
        let full: usize = (0..peers).map(|peer| in_full(&flood, &facts(peer, false), 8, NOW)).sum();
        assert!(flood.state.lock().buckets.len() <= PEERS_MAX + 1);
        let sums = flood.take();
        assert!(sums.len() <= PEERS_MAX + 1);
        let summed: u64 = sums.iter().map(Sum::count).sum();
        assert_eq!((full as u64) + summed, (peers * 8) as u64);
        assert!(sums.iter().any(|sum| sum.certificate.is_none() && sum.peer.is_none()), "the others share one");
        let later = NOW.plus(60_000);
        assert_eq!(in_full(&flood, &facts(peers, false), 8, later), 6, "who has been quiet is forgotten");
        assert!(flood.state.lock().buckets.len() < 10);
    }
}

//! Rates: how often one peer, subject, device, object or tenant may ask, how often one peer may revoke, bring an event or be
//! told what is on record already, and how often one person may act on the gateway itself.
//!
//! Each thing has a bucket that holds as many requests as its limit names, and fills up again within the limit's second,
//! minute or hour. A bucket is one number, the moment at which it will be full again (the generic cell rate algorithm, ITU-T
//! I.371 annex A): so one that is full again needs no memory at all, and is forgotten. Invariants:
//!
//! - Nothing is ever evicted to make room: a bucket that is forgotten early is a fresh allowance. When `keys_max` buckets of
//!   one kind are held and none of those looked at is full again, further things of that kind are refused.
//! - The narrow is asked before the wide (subject, device, object, tenant): who is at their own limit takes nothing from
//!   what they share with others. An object is counted for each tenant by itself, so that no tenant can use up another's.
//! - Only a digest is held, keyed anew at each start; nothing here names anybody.
//!
//! Buckets are asked about in steady time, which is an argument: setting the clock neither stops nor frees anybody.

use crate::clock::seconds_up;
use crate::limits::Limits;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::collections::VecDeque;
use std::hash::BuildHasher;
use std::hash::Hash;
use std::hash::RandomState;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Parts of a table, each under a lock of its own; a power of two.
const SHARDS: usize = 16;
/// How many buckets each call looks at, whether they are full again; twice what it can add, so that a table shrinks.
const SWEPT_AT_ONCE: usize = 2;
/// How many it looks at in each shard where the table is full.
const SWEPT_WHEN_FULL: usize = 16;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// Whose bucket was empty.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RateOf {
    /// The peer of the connection.
    Peer,
    /// The person.
    Subject,
    /// The app instance.
    Device,
    /// The thing that the request is about.
    Object,
    /// The management company.
    Tenant,
    /// A peer that revokes.
    Revocations,
    /// A peer that is told again what is on record already, or asks for tokens.
    Answers,
    /// A peer that brings events, or versions of the directory.
    Events,
    /// A person who acts on the gateway itself.
    Acts,
}

/// Why a request comes too fast.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RateFault {
    /// The bucket is empty; in so many whole seconds it holds one request again.
    #[error("too many requests")]
    TooFast(RateOf, u64),
    /// As many buckets are held as may be, and this thing has none.
    #[error("no further rate can be kept")]
    Full,
}

/// Proof that a peer was not too fast; only [`Guard::pace`](crate::guard::Guard::pace) makes one, and admission takes it.
#[derive(Debug)]
#[must_use = "without this proof nothing is admitted"]
pub struct Paced {
    /// The peer's key.
    pub(super) peer: u64,
    /// Steady time at which it was asked.
    pub(super) at: Duration,
}

/// What is counted in one request, once its caller is known.
pub(super) struct Counted<'c> {
    pub(super) issuer: &'c str,
    pub(super) tenant: Option<&'c str>,
    pub(super) subject: Option<&'c str>,
    pub(super) device: Option<&'c str>,
    /// Partner, kind, and the parts of the id; empty where the object does not stand in the path.
    pub(super) object: &'c [&'c str],
}

/// All buckets.
pub(super) struct Rates {
    keys: RandomState,
    peer: Meter,
    subject: Meter,
    device: Meter,
    object: Meter,
    tenant: Meter,
    revocations: Meter,
    answers: Meter,
    events: Meter,
    acts: Meter,
}

/// The buckets of one kind of thing.
struct Meter {
    of: RateOf,
    /// Nanoseconds in which one request comes back.
    interval: u64,
    /// Nanoseconds in which an empty bucket fills.
    depth: u64,
    keys_max: u64,
    held: AtomicU64,
    shards: [Mutex<Shard>; SHARDS],
}

#[derive(Default)]
struct Shard {
    /// By key, the steady nanosecond at which the bucket is full again.
    full_at: HashMap<u64, u64>,
    /// Each key once, in the order in which they are looked at.
    turns: VecDeque<u64>,
}

impl Rates {
    pub(super) fn new(limits: &Limits) -> Self {
        let meter = |of, requests, within| Meter::new(of, requests, within, limits.rate_keys_max);
        Self {
            keys: RandomState::new(),
            peer: meter(RateOf::Peer, limits.peer_rate_per_second, SECOND),
            subject: meter(RateOf::Subject, limits.subject_rate_per_minute, MINUTE),
            device: meter(RateOf::Device, limits.device_rate_per_minute, MINUTE),
            object: meter(RateOf::Object, limits.object_rate_per_minute, MINUTE),
            tenant: meter(RateOf::Tenant, limits.tenant_rate_per_second, SECOND),
            revocations: meter(RateOf::Revocations, limits.peer_revocations_per_hour, HOUR),
            answers: meter(RateOf::Answers, limits.peer_answers_per_minute, MINUTE),
            events: meter(RateOf::Events, limits.peer_events_per_minute, MINUTE),
            acts: meter(RateOf::Acts, limits.person_acts_per_minute, MINUTE),
        }
    }

    /// Counts a request of `peer`, of whom nothing but the certificate is known yet.
    pub(super) fn pace(&self, peer: &str, now: Duration) -> Result<Paced, RateFault> {
        let key = self.key(peer);
        self.peer.take(key, now)?;
        Ok(Paced { peer: key, at: now })
    }

    /// Whether `paced` was given to this peer.
    pub(super) fn is_of(&self, paced: &Paced, peer: &str) -> bool {
        paced.peer == self.key(peer)
    }

    /// Counts a request of a known caller; what is not there is not counted.
    pub(super) fn count(&self, who: &Counted<'_>, now: Duration) -> Result<(), RateFault> {
        if let Some(subject) = who.subject {
            self.subject.take(self.key((who.issuer, who.tenant, subject)), now)?;
        }
        if let Some(device) = who.device {
            self.device.take(self.key((who.issuer, who.tenant, device)), now)?;
        }
        if !who.object.is_empty() {
            self.object.take(self.key((who.tenant, who.object)), now)?;
        }
        self.tenant.take(self.key(who.tenant), now)
    }

    /// Counts a revocation that `peer` orders.
    pub(super) fn count_revocation(&self, peer: &str, now: Duration) -> Result<(), RateFault> {
        self.revocations.take(self.key(peer), now)
    }

    /// Counts what `peer` is told again.
    pub(super) fn count_answer(&self, peer: &str, now: Duration) -> Result<(), RateFault> {
        self.answers.take(self.key(peer), now)
    }

    /// Counts an event that `peer` brings.
    pub(super) fn count_event(&self, peer: &str, now: Duration) -> Result<(), RateFault> {
        self.events.take(self.key(peer), now)
    }

    /// Counts an act of `person`.
    pub(super) fn count_act(&self, person: &str, now: Duration) -> Result<(), RateFault> {
        self.acts.take(self.key(person), now)
    }

    fn key(&self, of: impl Hash) -> u64 {
        self.keys.hash_one(of)
    }
}

impl Meter {
    fn new(of: RateOf, requests: u64, within: Duration, keys_max: u64) -> Self {
        let interval = nanos(within).checked_div(requests).unwrap_or(u64::MAX);
        let depth = interval.saturating_mul(requests);
        Self { of, interval, depth, keys_max, held: AtomicU64::new(0), shards: Default::default() }
    }

    /// Takes one request out of a bucket.
    fn take(&self, key: u64, now: Duration) -> Result<(), RateFault> {
        let now = nanos(now);
        let shard = self.shard(key);
        if self.take_known(&mut shard.lock(), key, now)? {
            return Ok(());
        }
        if self.held.load(Ordering::Relaxed) >= self.keys_max {
            self.shards.iter().for_each(|shard| self.sweep(&mut shard.lock(), SWEPT_WHEN_FULL, now));
        }
        let mut shard = shard.lock();
        // Between the two looks another request may have brought the same key.
        if self.take_known(&mut shard, key, now)? {
            return Ok(());
        }
        if !self.count_one_more() {
            return Err(RateFault::Full);
        }
        shard.full_at.insert(key, now.saturating_add(self.interval));
        shard.turns.push_back(key);
        Ok(())
    }

    /// Takes one out of a bucket that is held; `false` where there is none, which is to say: a full one.
    fn take_known(&self, shard: &mut Shard, key: u64, now: u64) -> Result<bool, RateFault> {
        self.sweep(shard, SWEPT_AT_ONCE, now);
        let Some(full_at) = shard.full_at.get_mut(&key) else { return Ok(false) };
        let then = (*full_at).max(now).saturating_add(self.interval);
        let latest = now.saturating_add(self.depth);
        if then > latest {
            return Err(RateFault::TooFast(self.of, seconds_up(Duration::from_nanos(then - latest))));
        }
        *full_at = then;
        Ok(true)
    }

    /// Looks at the next `count` buckets of a shard, and forgets those that are full again.
    fn sweep(&self, shard: &mut Shard, count: usize, now: u64) {
        for _ in 0..count.min(shard.turns.len()) {
            let Some(key) = shard.turns.pop_front() else { return };
            if shard.full_at.get(&key).is_some_and(|full_at| *full_at > now) {
                shard.turns.push_back(key);
            } else {
                shard.full_at.remove(&key);
                self.held.fetch_sub(1, Ordering::Relaxed);
            }
        }
    }

    fn count_one_more(&self) -> bool {
        let below = |held| (held < self.keys_max).then_some(held + 1);
        self.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, below).is_ok()
    }

    fn shard(&self, key: u64) -> &Mutex<Shard> {
        let [first, ..] = key.to_le_bytes();
        #[expect(clippy::indexing_slicing, reason = "an index modulo the length of the array")]
        &self.shards[usize::from(first) % SHARDS]
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Duration = Duration::from_secs(1_000);

    fn meter(requests: u64, keys_max: u64) -> Meter {
        Meter::new(RateOf::Subject, requests, MINUTE, keys_max)
    }

    #[test]
    fn a_bucket_holds_its_limit_and_not_one_more_and_fills_up_again() {
        let meter = meter(60, 10);
        let at = |millis| START + Duration::from_millis(millis);
        for _ in 0..60 {
            assert_eq!(meter.take(7, START), Ok(()));
        }
        assert_eq!(meter.take(7, START), Err(RateFault::TooFast(RateOf::Subject, 1)));
        assert_eq!(meter.take(7, at(999)), Err(RateFault::TooFast(RateOf::Subject, 1)));
        assert_eq!(meter.take(7, at(1_000)), Ok(()), "one request came back");
        assert!(meter.take(7, at(1_000)).is_err());
        assert_eq!(meter.take(8, at(1_000)), Ok(()), "another's bucket is another");
        let full = at(120_000);
        assert_eq!((0..61).filter(|_| meter.take(7, full).is_ok()).count(), 60, "never more than the bucket holds");
    }

    #[test]
    fn who_is_told_to_wait_is_told_long_enough_and_not_a_second_too_long() {
        for requests in [1, 2, 7, 60, 1_000] {
            let meter = meter(requests, 10);
            while meter.take(7, START).is_ok() {}
            let Err(RateFault::TooFast(_, wait)) = meter.take(7, START) else { panic!("not empty") };
            assert!(wait >= 1);
            assert!(wait == 1 || meter.take(7, START + Duration::from_secs(wait - 1)).is_err(), "{requests}");
            assert_eq!(meter.take(7, START + Duration::from_secs(wait)), Ok(()), "{requests}");
        }
    }

    #[test]
    fn a_full_table_refuses_strangers_serves_those_it_knows_and_evicts_nobody() {
        let meter = meter(60, 100);
        for key in 0..100 {
            assert_eq!(meter.take(key, START), Ok(()));
            assert_eq!(meter.take(key, START), Ok(()));
        }
        assert_eq!(meter.take(100, START), Err(RateFault::Full), "one key more than may be held");
        for key in 0..100 {
            assert_eq!((0..100).filter(|_| meter.take(key, START).is_ok()).count(), 58, "nobody's count began anew");
        }
        let later = START + Duration::from_secs(59);
        assert_eq!(meter.take(100, later), Err(RateFault::Full));
        let later = START + Duration::from_secs(60);
        assert_eq!(meter.take(100, later), Ok(()), "whose bucket is full again needs no place");
        assert!(meter.held.load(Ordering::Relaxed) < 100);
    }

    #[test]
    fn a_table_that_strangers_filled_shrinks_as_others_ask() {
        let meter = meter(60, 1_000_000);
        for key in 0..10_000 {
            meter.take(key, START).unwrap();
        }
        let later = START + MINUTE;
        for key in 10_000..20_000 {
            meter.take(key, later + Duration::from_secs(key)).unwrap();
        }
        assert!(meter.held.load(Ordering::Relaxed) < 100, "{:?}", meter.held);
    }

    #[test]
    fn threads_that_ask_at_once_get_together_what_one_would_get() {
        let meter = meter(1_000, 10);
        let passed = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let taken = (0..500).filter(|_| meter.take(7, START).is_ok()).count();
                    passed.fetch_add(taken as u64, Ordering::Relaxed);
                });
            }
        });
        assert_eq!(passed.into_inner(), 1_000);
    }

    #[test]
    fn each_kind_of_thing_has_a_limit_of_its_own() {
        let limits = Limits {
            peer_rate_per_second: 9,
            subject_rate_per_minute: 2,
            device_rate_per_minute: 3,
            object_rate_per_minute: 4,
            tenant_rate_per_second: 5,
            peer_revocations_per_hour: 1,
            peer_answers_per_minute: 6,
            peer_events_per_minute: 8,
            person_acts_per_minute: 7,
            ..Limits::default()
        };
        // Each row changes, from one request to the next, all but what it is about.
        let of = |kind: RateOf| {
            let rates = Rates::new(&limits);
            let fresh: Vec<String> = (0..20).map(|number| number.to_string()).collect();
            let passed = fresh.iter().map(|fresh| {
                let of = |this, same: &'static str| if kind == this { same } else { fresh.as_str() };
                let object = ["smarthome", "Door", of(RateOf::Object, "door")];
                let who = Counted {
                    issuer: "issuer",
                    tenant: Some(if kind == RateOf::Object { "north" } else { of(RateOf::Tenant, "north") }),
                    subject: Some(of(RateOf::Subject, "ivanov")),
                    device: Some(of(RateOf::Device, "phone")),
                    object: &object,
                };
                let who = match kind {
                    RateOf::Subject | RateOf::Device => Counted { tenant: Some("north"), ..who },
                    _ => who,
                };
                rates.count(&who, START)
            });
            let passed: Vec<_> = passed.collect();
            let first = passed.iter().position(Result::is_err).unwrap();
            (first, passed[first])
        };
        assert_eq!(of(RateOf::Subject), (2, Err(RateFault::TooFast(RateOf::Subject, 30))));
        assert_eq!(of(RateOf::Device), (3, Err(RateFault::TooFast(RateOf::Device, 20))));
        assert_eq!(of(RateOf::Object), (4, Err(RateFault::TooFast(RateOf::Object, 15))));
        assert_eq!(of(RateOf::Tenant), (5, Err(RateFault::TooFast(RateOf::Tenant, 1))));
        let rates = Rates::new(&limits);
        assert_eq!((0..20).filter(|_| rates.pace("backend", START).is_ok()).count(), 9);
        assert!(rates.pace("other", START).is_ok());
        assert_eq!(rates.count_revocation("backend", START), Ok(()));
        let fault = RateFault::TooFast(RateOf::Revocations, 3_600);
        assert_eq!(rates.count_revocation("backend", START), Err(fault));
        assert_eq!(rates.count_revocation("other", START), Ok(()));
        assert_eq!((0..20).filter(|_| rates.count_answer("backend", START).is_ok()).count(), 6);
        assert_eq!(rates.count_answer("other", START), Ok(()));
        assert_eq!((0..20).filter(|_| rates.count_event("backend", START).is_ok()).count(), 8);
        assert_eq!(rates.count_event("other", START), Ok(()));
        assert_eq!((0..20).filter(|_| rates.count_act("petrova", START).is_ok()).count(), 7);
        assert_eq!(rates.count_act("sidorov", START), Ok(()));
    }

    #[test]
    fn a_tenant_uses_up_neither_anothers_objects_nor_anothers_subjects_of_the_same_name() {
        let limits = Limits { object_rate_per_minute: 1, subject_rate_per_minute: 1, ..Limits::default() };
        let rates = Rates::new(&limits);
        let object = ["smarthome", "Door", "house-1", "door-1"];
        let of = |tenant, subject, object| {
            let who = Counted { issuer: "issuer", tenant: Some(tenant), subject: Some(subject), device: None, object };
            rates.count(&who, START).is_ok()
        };
        assert!(of("south", "a", &object[..]) && !of("south", "b", &object[..]) && !of("south", "a", &[]));
        assert!(of("north", "a", &object[..]));
        let other = ["smarthome", "Door", "house-1,", "door-1"];
        assert!(of("south", "c", &other[..]), "parts are told apart");
    }

    #[test]
    fn who_is_at_their_own_limit_takes_nothing_from_their_tenant() {
        let limits = Limits { subject_rate_per_minute: 1, tenant_rate_per_second: 2, ..Limits::default() };
        let rates = Rates::new(&limits);
        let of = |subject| {
            let who =
                Counted { issuer: "issuer", tenant: Some("north"), subject: Some(subject), device: None, object: &[] };
            rates.count(&who, START)
        };
        assert!(of("greedy").is_ok());
        for _ in 0..100 {
            assert!(matches!(of("greedy"), Err(RateFault::TooFast(RateOf::Subject, _))));
        }
        assert_eq!(of("modest"), Ok(()));
        assert!(matches!(of("third"), Err(RateFault::TooFast(RateOf::Tenant, _))));
    }
}

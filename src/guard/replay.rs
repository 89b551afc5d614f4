//! Proofs of possession are used once (RFC 9449 §11.1): the guard remembers each, by the key's thumbprint and `jti`, for as
//! long as its age would let it pass.
//!
//! What it remembers it remembers in memory, and that this is enough is the point of this file. Invariants:
//!
//! - A proof that an earlier run may have taken is not taken by its `iat` alone: only one that is dated after all that could
//!   have been taken before the start (the start, to the whole second, and the most skew towards the future that can be
//!   configured, since the earlier run may have granted more than this one), or was made with a nonce of this run, which no
//!   earlier proof can hold.
//! - Nothing is evicted to make room. When as many are held as may be, and none has run out, further ones are refused.
//! - What was forgotten stays refused, also after the wall clock was set back: a proof that is older than the newest one
//!   forgotten is nobody's.
//!
//! Another gateway remembers for itself; `docs/identity.md` tells what a second node means. No clock is read here.

use crate::clock::UnixMillis;
use crate::clock::UnixSeconds;
use crate::crypto::sha256_joined;
use crate::guard::fault::GuardFault;
use crate::guard::nonce::NonceStanding;
use crate::guard::nonce::Nonces;
use crate::guard::standing::Guard;
use crate::identity::Proof;
use crate::limits::Limits;
use crate::limits::TABLE;
use crate::model::Sha256;
use crate::model::Stranger;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::collections::HashSet;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

/// Parts of the memory, each under a lock of its own; a power of two.
const SHARDS: usize = 16;
/// How many proofs that have run out a call forgets of one shard, so that no request pays for all of them.
const FORGOTTEN_AT_ONCE: u64 = 64;

/// Proof that a proof of possession came for the first time; only [`Guard::admit_proof`] makes one.
///
/// ```
/// use portcullis::{clock::UnixMillis, guard::{FirstUse, Guard, GuardFault}, identity::Proof};
/// fn first(guard: &Guard, proof: &Proof, now: UnixMillis) -> Result<FirstUse, GuardFault> {
///     guard.admit_proof(proof, now)
/// }
/// ```
/// A key by itself has proven nothing:
/// ```compile_fail
/// use portcullis::{clock::UnixMillis, guard::{FirstUse, Guard, GuardFault}, identity::Proof};
/// fn first(guard: &Guard, proof: &Proof, now: UnixMillis) -> Result<FirstUse, GuardFault> {
///     Ok(FirstUse(proof.key()))
/// }
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use = "without this proof the exchange ends here"]
pub struct FirstUse(Sha256);

impl FirstUse {
    /// The thumbprint of the key that was proven.
    #[must_use]
    pub const fn key(&self) -> Sha256 {
        self.0
    }
}

/// The proofs that were taken, and from when on proofs are taken without a nonce.
pub(super) struct Proofs {
    shards: [Mutex<Shard>; SHARDS],
    held: AtomicU64,
    max: u64,
    age_s: u64,
    /// The last second of which an earlier run may have taken a proof.
    before_start: UnixSeconds,
    /// By how much a proof may have been dated ahead when an earlier run took it.
    most_skew_s: u64,
    pub(super) nonces: Nonces,
}

/// What whoever looks at the gateway is told of proofs of possession.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ProofsSeen {
    /// Proofs that are remembered.
    pub held: u64,
    /// How many may be.
    pub max: u64,
    /// Proofs that are dated up to this second need a nonce of this run.
    pub nonces_until: UnixSeconds,
    /// For how many seconds a nonce is good.
    pub nonce_s: u64,
}

#[derive(Default)]
struct Shard {
    seen: HashSet<Sha256>,
    /// The same by the second of their `iat`.
    by_time: BTreeMap<u64, Vec<Sha256>>,
    /// Proofs dated before this second may have been forgotten.
    horizon: u64,
}

impl Proofs {
    /// Nothing seen yet, by a gateway that starts at `started`.
    pub(super) fn new(limits: &Limits, started: UnixMillis) -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::default()),
            held: AtomicU64::new(0),
            max: limits.proofs_max,
            age_s: limits.proof_age_s,
            before_start: started.seconds().plus(most_skew_s(limits)),
            most_skew_s: most_skew_s(limits),
            nonces: Nonces::new(limits.proof_nonce_s),
        }
    }

    /// An earlier run may have taken proofs until `last`, by a clock that was set back since.
    pub(super) fn begin_after(&mut self, last: UnixMillis) {
        self.before_start = self.before_start.max(last.seconds().plus(self.most_skew_s));
    }

    /// What whoever looks at the gateway is told of proofs.
    pub(super) fn seen(&self) -> ProofsSeen {
        ProofsSeen {
            held: self.held(),
            max: self.max,
            nonces_until: self.before_start,
            nonce_s: self.nonces.lifetime_s(),
        }
    }

    /// How many proofs are held.
    fn held(&self) -> u64 {
        self.held.load(Ordering::Relaxed)
    }

    fn take(&self, proof: &Proof, now: UnixSeconds) -> Result<(), GuardFault> {
        let nonce = proof.nonce().map(|nonce| self.nonces.standing(nonce.expose(), now));
        match nonce {
            Some(NonceStanding::Newest | NonceStanding::Older) => {}
            // Whoever sends a nonce means it to be asked, also where none is needed (RFC 9449 §4.3).
            Some(NonceStanding::Foreign) => return Err(GuardFault::ProofNonce),
            None if proof.issued_at() > self.before_start => {}
            None => return Err(GuardFault::ProofNonce),
        }
        let id = sha256_joined(&[proof.key().as_bytes(), proof.id().as_bytes()]);
        if self.held() >= self.max {
            self.shards.iter().for_each(|shard| self.forget(&mut shard.lock(), now));
        }
        let mut shard = self.shard(&id).lock();
        self.forget(&mut shard, now);
        if proof.issued_at().get() < shard.horizon {
            return Err(GuardFault::ProofStale);
        }
        if shard.seen.contains(&id) {
            return Err(GuardFault::ProofReplayed);
        }
        // Counted before it is remembered, so that two at once do not both take the last place.
        let room = |held| (held < self.max).then_some(held + 1);
        self.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room).map_err(|_| GuardFault::ProofsFull)?;
        shard.seen.insert(id);
        shard.by_time.entry(proof.issued_at().get()).or_default().push(id);
        Ok(())
    }

    /// Forgets some of what its age would no longer let pass at `now`, and remembers that it may have.
    fn forget(&self, shard: &mut Shard, now: UnixSeconds) {
        shard.horizon = shard.horizon.max(now.get().saturating_sub(self.age_s));
        let mut forgotten: u64 = 0;
        while let Some(mut first) = shard.by_time.first_entry() {
            if *first.key() >= shard.horizon || forgotten >= FORGOTTEN_AT_ONCE {
                break;
            }
            match first.get_mut().pop() {
                Some(id) => {
                    shard.seen.remove(&id);
                    forgotten += 1;
                }
                None => drop(first.remove()),
            }
        }
        self.held.fetch_sub(forgotten, Ordering::Relaxed);
    }

    fn shard(&self, id: &Sha256) -> &Mutex<Shard> {
        let [first, ..] = id.as_bytes();
        let [zero, ..] = &self.shards;
        self.shards.get(usize::from(*first) % SHARDS).unwrap_or(zero)
    }
}

/// The most seconds that a proof may have been dated ahead when an earlier run took it.
fn most_skew_s(limits: &Limits) -> u64 {
    let row = TABLE.iter().find(|row| row.name == "clock_skew_s");
    row.map_or(limits.clock_skew_s, |row| row.high)
}

impl Guard {
    /// Takes a proof of possession that its verifier has found good at `now`, if it comes for the first time.
    ///
    /// # Errors
    /// [`GuardFault::ProofNonce`] where it needs a nonce of this run: it brings another one, or none and is dated no later
    /// than what an earlier run may have taken. [`GuardFault::ProofReplayed`]; [`GuardFault::ProofStale`] where it may have been
    /// forgotten; [`GuardFault::ProofsFull`].
    pub fn admit_proof(&self, proof: &Proof, now: UnixMillis) -> Result<FirstUse, GuardFault> {
        self.proofs.take(proof, now.seconds()).map(|()| FirstUse(proof.key()))
    }

    /// What whoever looks at the gateway is told of proofs.
    #[must_use]
    pub fn proofs_seen(&self) -> ProofsSeen {
        self.proofs.seen()
    }

    /// A nonce for whoever needs one, or may need one soon.
    #[must_use]
    pub fn nonce(&self, now: UnixMillis) -> String {
        self.proofs.nonces.newest(now.seconds())
    }

    /// The nonce to be offered to whoever uses nonces and brought this one, while it is good and a newer one is given out.
    #[must_use]
    pub fn newer_nonce(&self, nonce: Option<&Stranger>, now: UnixMillis) -> Option<String> {
        let standing = self.proofs.nonces.standing(nonce?.expose(), now.seconds());
        (standing == NonceStanding::Older).then(|| self.nonce(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::sha256;

    const START: u64 = 1_790_000_000;
    const SKEW: u64 = 5;
    /// The most that can be configured.
    const MOST_SKEW: u64 = 60;
    const AGE: u64 = 60;

    fn proofs(max: u64) -> Proofs {
        let limits =
            Limits { proofs_max: max, proof_age_s: AGE, clock_skew_s: SKEW, proof_nonce_s: 120, ..Limits::default() };
        // Half a second past the whole one.
        Proofs::new(&limits, UnixMillis::new(START * 1_000 + 500))
    }

    fn proof(key: &str, id: &str, issued_at: u64, nonce: Option<&str>) -> Proof {
        Proof::for_test(sha256(key.as_bytes()), id, UnixSeconds::new(issued_at), nonce)
    }

    fn taken(proofs: &Proofs, proof: &Proof, now: u64) -> Option<GuardFault> {
        proofs.take(proof, UnixSeconds::new(now)).err()
    }

    #[test]
    fn a_proof_is_taken_once_by_key_and_id_whatever_else_it_says() {
        let proofs = proofs(100);
        let now = START + 100;
        assert_eq!(taken(&proofs, &proof("key", "id", now, None), now), None);
        assert_eq!(taken(&proofs, &proof("key", "id", now, None), now), Some(GuardFault::ProofReplayed));
        assert_eq!(taken(&proofs, &proof("key", "id", now - 1, None), now), Some(GuardFault::ProofReplayed));
        let nonce = proofs.nonces.newest(UnixSeconds::new(now));
        assert_eq!(taken(&proofs, &proof("key", "id", now, Some(&nonce)), now), Some(GuardFault::ProofReplayed));
        assert_eq!(taken(&proofs, &proof("other", "id", now, None), now), None);
        assert_eq!(taken(&proofs, &proof("key", "other", now, None), now), None);
        assert_eq!(proofs.held(), 3);
    }

    #[test]
    fn a_proof_is_remembered_as_long_as_it_would_pass_and_then_its_date_refuses_it() {
        let proofs = proofs(100);
        let (issued, last) = (START + 100, START + 100 + AGE);
        let old = proof("key", "id", issued, None);
        assert_eq!(taken(&proofs, &old, issued), None);
        assert_eq!(taken(&proofs, &old, last), Some(GuardFault::ProofReplayed));
        // The verifier would not let it pass any more; should it all the same, it is not taken.
        assert_eq!(taken(&proofs, &old, last + 1), Some(GuardFault::ProofStale));
        assert_eq!(proofs.held(), 0, "forgotten");
        // The clock is set back: what may have been forgotten stays refused.
        assert_eq!(taken(&proofs, &old, issued), Some(GuardFault::ProofStale));
        assert_eq!(taken(&proofs, &old, last), Some(GuardFault::ProofStale));
    }

    #[test]
    fn without_a_nonce_a_proof_is_dated_after_all_that_an_earlier_run_may_have_taken() {
        let proofs = proofs(100);
        let last = START + MOST_SKEW;
        for (issued, expected) in [
            (START - 10, Some(GuardFault::ProofNonce)),
            (START, Some(GuardFault::ProofNonce)),
            (last, Some(GuardFault::ProofNonce)),
            (last + 1, None),
        ] {
            let proof = proof("key", &issued.to_string(), issued, None);
            assert_eq!(taken(&proofs, &proof, START + 1), expected, "{issued}");
        }
        // What was refused for want of a nonce is not used up.
        let nonce = proofs.nonces.newest(UnixSeconds::new(START + 1));
        let again = proof("key", &START.to_string(), START, Some(&nonce));
        assert_eq!(taken(&proofs, &again, START + 1), None);
        assert_eq!(taken(&proofs, &again, START + 1), Some(GuardFault::ProofReplayed));
    }

    #[test]
    fn what_a_run_by_a_clock_that_was_ahead_may_have_taken_needs_a_nonce_when_its_time_comes() {
        let mut proofs = proofs(100);
        let ahead = START + 1_000;
        proofs.begin_after(UnixMillis::new((START - 1) * 1_000));
        assert_eq!(taken(&proofs, &proof("key", "a", START + MOST_SKEW + 1, None), START + 70), None, "nothing later");
        proofs.begin_after(UnixMillis::new(ahead * 1_000));
        let last = ahead + MOST_SKEW;
        assert_eq!(taken(&proofs, &proof("key", "b", last, None), last), Some(GuardFault::ProofNonce));
        assert_eq!(taken(&proofs, &proof("key", "b", last + 1, None), last + 1), None);
    }

    #[test]
    fn a_nonce_that_is_none_of_this_run_is_refused_also_where_none_is_needed() {
        let (here, before) = (proofs(100), proofs(100));
        let now = START + 100;
        let nonce = before.nonces.newest(UnixSeconds::new(now));
        assert_eq!(taken(&here, &proof("key", "id", now, Some(&nonce)), now), Some(GuardFault::ProofNonce));
        assert_eq!(taken(&here, &proof("key", "id", now, Some("")), now), Some(GuardFault::ProofNonce));
        assert_eq!(taken(&here, &proof("key", "id", now, None), now), None);
    }

    #[test]
    fn a_full_memory_refuses_the_next_evicts_nobody_and_takes_again_once_one_has_run_out() {
        let proofs = proofs(3);
        let now = START + 100;
        let of = |number: u64| proof("key", &number.to_string(), now + number, None);
        for number in 0..3 {
            assert_eq!(taken(&proofs, &of(number), now + number), None);
        }
        assert_eq!(taken(&proofs, &of(3), now + 3), Some(GuardFault::ProofsFull));
        assert_eq!(taken(&proofs, &of(3), now + AGE), Some(GuardFault::ProofsFull), "at the last second");
        for number in 0..3 {
            assert_eq!(taken(&proofs, &of(number), now + AGE), Some(GuardFault::ProofReplayed), "{number}");
        }
        assert_eq!(taken(&proofs, &of(3), now + AGE + 1), None);
        assert_eq!(taken(&proofs, &of(4), now + AGE + 1), Some(GuardFault::ProofsFull));
        assert_eq!(taken(&proofs, &of(1), now + AGE + 1), Some(GuardFault::ProofReplayed), "nobody else went");
    }

    #[test]
    fn of_many_at_once_with_one_proof_one_passes_and_the_limit_holds() {
        let proofs = proofs(500);
        let now = START + 100;
        let passed = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for number in 0..1_000 {
                        if taken(&proofs, &proof("key", &number.to_string(), now, None), now).is_none() {
                            passed.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        assert_eq!((passed.into_inner(), proofs.held()), (500, 500));
    }
}

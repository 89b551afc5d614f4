//! Client assertions that were used (RFC 7523 §3, `jti`): each gets one token, and no second one.
//!
//! They are kept in memory until they expire, which is minutes. So an assertion that was issued before this process began is
//! refused: it may have been used in front of the one before, also where that was killed. Nothing is evicted to make room:
//! where as many are kept as may be, further ones are refused. And what was forgotten stays refused, also after the wall clock
//! was set back: an assertion that ends no later than the time at which the last ones were forgotten is nobody's.

use crate::clock::UnixMillis;
use crate::clock::UnixSeconds;
use crate::guard::fault::GuardFault;
use crate::guard::standing::Guard;
use crate::identity::Asserted;
use crate::model::Sha256;
use parking_lot::Mutex;
use std::collections::HashMap;

/// The most assertions that are remembered; each for five minutes at most.
const ASSERTIONS_MAX: usize = 65_536;

/// How often those that have expired are forgotten, in seconds.
const SWEEP_S: u64 = 60;

/// The assertions that were used.
#[derive(Debug)]
pub(super) struct Assertions {
    /// The first second in which no earlier process can have taken one.
    began: UnixSeconds,
    max: usize,
    used: Mutex<Used>,
}

#[derive(Debug)]
struct Used {
    /// Each with the first second in which it is no longer good.
    until: HashMap<Sha256, UnixSeconds>,
    swept: UnixSeconds,
    /// Those that end in this second or before it may have been forgotten.
    horizon: UnixSeconds,
}

/// What whoever looks at the gateway is told of the assertions of clients.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct AssertionsSeen {
    /// Assertions that are remembered.
    pub held: usize,
    /// How many may be.
    pub max: usize,
    /// Those that were issued before this second are refused.
    pub taken_from: UnixSeconds,
}

impl Assertions {
    /// None yet; this process begins `now`.
    pub(super) fn new(now: UnixMillis) -> Self {
        let used = Used { until: HashMap::new(), swept: now.seconds(), horizon: UnixSeconds::new(0) };
        Self { began: now.seconds().plus(1 + Asserted::AHEAD_S), max: ASSERTIONS_MAX, used: Mutex::new(used) }
    }

    /// What whoever looks at the gateway is told of assertions.
    fn seen(&self) -> AssertionsSeen {
        AssertionsSeen { held: self.used.lock().until.len(), max: self.max, taken_from: self.began }
    }

    fn take(&self, asserted: Asserted, now: UnixSeconds) -> Result<(), GuardFault> {
        if asserted.issued_at() < self.began {
            return Err(GuardFault::AssertionReplayed);
        }
        let mut used = self.used.lock();
        if asserted.expires_at() <= used.horizon || used.until.contains_key(&asserted.id()) {
            return Err(GuardFault::AssertionReplayed);
        }
        if used.until.len() >= self.max || now.since(used.swept) >= SWEEP_S {
            used.until.retain(|_, until| now < *until);
            used.swept = now;
            used.horizon = used.horizon.max(now);
        }
        if used.until.len() >= self.max {
            return Err(GuardFault::AssertionsFull);
        }
        used.until.insert(asserted.id(), asserted.expires_at());
        Ok(())
    }
}

impl Guard {
    /// Takes a client assertion, once.
    ///
    /// # Errors
    /// [`GuardFault::AssertionReplayed`], also for one that is older than this process; [`GuardFault::AssertionsFull`].
    pub fn admit_assertion(&self, asserted: Asserted, now: UnixMillis) -> Result<(), GuardFault> {
        self.assertions.take(asserted, now.seconds())
    }

    /// What whoever looks at the gateway is told of assertions.
    #[must_use]
    pub fn assertions_seen(&self) -> AssertionsSeen {
        self.assertions.seen()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::sha256;

    const BEGAN: u64 = 1_000;

    fn assertions(max: usize) -> Assertions {
        Assertions { max, ..Assertions::new(UnixMillis::new(BEGAN * 1_000 + 700)) }
    }

    fn asserted(id: &str, issued_at: u64, expires_at: u64) -> Asserted {
        let (issued_at, expires_at) = (UnixSeconds::new(issued_at), UnixSeconds::new(expires_at));
        Asserted::for_test(sha256(id.as_bytes()), issued_at, expires_at)
    }

    #[test]
    fn an_assertion_is_taken_once_and_never_where_an_earlier_process_may_have_taken_it() {
        let all = assertions(8);
        let take = |id: &str, issued_at| all.take(asserted(id, issued_at, BEGAN + 300), UnixSeconds::new(BEGAN + 2));
        assert_eq!(take("a", BEGAN + 2), Ok(()));
        assert_eq!(take("a", BEGAN + 3), Err(GuardFault::AssertionReplayed), "with another time, too");
        assert_eq!(take("b", BEGAN + 2), Ok(()));
        // One of a clock that is a second ahead may have been taken in the second in which we began, before we did.
        assert_eq!(take("c", BEGAN + 1), Err(GuardFault::AssertionReplayed));
    }

    #[test]
    fn what_was_forgotten_stays_used_also_when_the_clock_is_set_back() {
        let all = assertions(8);
        let take = |id: &str, until, now| all.take(asserted(id, BEGAN + 2, until), UnixSeconds::new(now));
        assert_eq!(take("a", BEGAN + 60, BEGAN + 2), Ok(()));
        // A minute later the first has ended, and is forgotten in favour of the next.
        assert_eq!(take("b", BEGAN + 200, BEGAN + 100), Ok(()));
        assert_eq!(all.used.lock().until.len(), 1);
        assert_eq!(take("a", BEGAN + 60, BEGAN + 3), Err(GuardFault::AssertionReplayed), "the clock was set back");
        assert_eq!(take("c", BEGAN + 100, BEGAN + 3), Err(GuardFault::AssertionReplayed), "it may have been, too");
        assert_eq!(take("d", BEGAN + 101, BEGAN + 3), Ok(()), "remembered, had it been used");
        assert_eq!(take("b", BEGAN + 200, BEGAN + 3), Err(GuardFault::AssertionReplayed));
    }

    #[test]
    fn as_many_are_remembered_as_may_be_and_one_more_is_refused_until_one_has_expired() {
        let all = assertions(2);
        let take = |id: &str, until, now| all.take(asserted(id, BEGAN + 2, until), UnixSeconds::new(now));
        assert_eq!(take("a", BEGAN + 60, BEGAN + 1), Ok(()));
        assert_eq!(take("b", BEGAN + 90, BEGAN + 1), Ok(()));
        assert_eq!(take("c", BEGAN + 90, BEGAN + 59), Err(GuardFault::AssertionsFull));
        assert_eq!(take("a", BEGAN + 60, BEGAN + 59), Err(GuardFault::AssertionReplayed), "nothing was evicted");
        assert_eq!(take("c", BEGAN + 90, BEGAN + 60), Ok(()), "the first is expired");
        assert_eq!(take("b", BEGAN + 90, BEGAN + 60), Err(GuardFault::AssertionReplayed));
    }
}

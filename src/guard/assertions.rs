//! Client assertions that were used (RFC 7523 §3, `jti`): each gets one token, and no second one.
//!
//! Each is kept before its token is given out, in memory and in the store ([`AssertionStore`]), so that a kill forgets none. None
//! is let go of because its time is over: by a clock that is ahead it would be, and be good again when that is set right. Only
//! where as many are kept as may be, the one that ended first makes room, and from then on whatever ends no later is refused,
//! since it may have been that one. Where the first has not ended, further ones are refused.
//!
//! An assertion that was issued before this process began is refused besides: a store that was brought back from a copy does
//! not know it.

use crate::clock::UnixMillis;
use crate::clock::UnixSeconds;
use crate::guard::fault::GuardFault;
use crate::guard::revocation::StoreFault;
use crate::guard::standing::Guard;
use crate::identity::Asserted;
use crate::model::Sha256;
use async_trait::async_trait;
use parking_lot::Mutex;
use std::collections::BTreeSet;
use std::collections::HashSet;
use std::sync::Arc;

/// The most assertions that are remembered.
const ASSERTIONS_MAX: usize = 65_536;

/// An assertion that was used.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct UsedAssertion {
    /// The first second in which it is no longer good.
    pub until: UnixSeconds,
    /// The digest of client and `jti`.
    pub id: Sha256,
}

/// Where the assertions that were used last.
#[async_trait]
pub trait AssertionStore: Send + Sync {
    /// All that are kept.
    async fn used_assertions(&self) -> Result<Vec<UsedAssertion>, StoreFault>;

    /// Keeps one, and lets go of these; durable when it returns.
    async fn keep_assertion(&self, used: UsedAssertion, forgotten: Vec<UsedAssertion>) -> Result<(), StoreFault>;
}

/// The assertions that were used.
pub(super) struct Assertions {
    /// The first second in which no earlier process can have taken one.
    began: UnixSeconds,
    max: usize,
    used: Mutex<Used>,
    /// `None` where they need not outlive the process.
    store: Option<Arc<dyn AssertionStore>>,
}

#[derive(Default)]
struct Used {
    ids: HashSet<Sha256>,
    /// The same, the one that ends first first.
    by_end: BTreeSet<UsedAssertion>,
    /// Those that end in this second or before it may have been let go of.
    horizon: Option<UnixSeconds>,
}

impl Used {
    fn put(&mut self, used: UsedAssertion) {
        self.ids.insert(used.id);
        self.by_end.insert(used);
    }

    /// Lets go of as many as must be for one more, if they have ended at `now`.
    fn make_room(&mut self, max: usize, now: UnixSeconds) -> Option<Vec<UsedAssertion>> {
        let mut forgotten = Vec::new();
        while self.ids.len() >= max {
            let first = self.by_end.first().filter(|first| first.until <= now).copied()?;
            self.by_end.remove(&first);
            self.ids.remove(&first.id);
            self.horizon = self.horizon.max(Some(first.until));
            forgotten.push(first);
        }
        Some(forgotten)
    }
}

/// What whoever looks at the gateway is told of the assertions of clients.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct AssertionsSeen {
    /// Assertions that were used and have not ended.
    pub held: usize,
    /// How many may be.
    pub max: usize,
    /// Those that were issued before this second are refused.
    pub taken_from: UnixSeconds,
}

impl Assertions {
    /// None yet; this process begins `now`.
    pub(super) fn new(now: UnixMillis) -> Self {
        let began = now.seconds().plus(1 + Asserted::AHEAD_S);
        Self { began, max: ASSERTIONS_MAX, used: Mutex::default(), store: None }
    }

    /// What whoever looks at the gateway at `now` is told of assertions.
    fn seen(&self, now: UnixSeconds) -> AssertionsSeen {
        let held = self.used.lock().by_end.iter().rev().take_while(|used| used.until > now).count();
        AssertionsSeen { held, max: self.max, taken_from: self.began }
    }

    /// Those that earlier processes took. Where that is as many as may be, others may have made room before.
    fn recall(&self, kept: Vec<UsedAssertion>) {
        let mut used = self.used.lock();
        if kept.len() >= self.max {
            used.horizon = kept.iter().map(|kept| kept.until).min();
        }
        kept.into_iter().for_each(|kept| used.put(kept));
    }

    /// Takes one; gives those that made room for it.
    fn take(&self, asserted: Asserted, now: UnixSeconds) -> Result<Vec<UsedAssertion>, GuardFault> {
        if asserted.issued_at() < self.began {
            return Err(GuardFault::AssertionReplayed);
        }
        let mut used = self.used.lock();
        let may_have_gone = used.horizon.is_some_and(|horizon| asserted.expires_at() <= horizon);
        if may_have_gone || used.ids.contains(&asserted.id()) {
            return Err(GuardFault::AssertionReplayed);
        }
        let forgotten = used.make_room(self.max, now).ok_or(GuardFault::AssertionsFull)?;
        used.put(UsedAssertion { until: asserted.expires_at(), id: asserted.id() });
        Ok(forgotten)
    }
}

impl Guard {
    /// The same with the assertions that `store` has kept; it is given each that is used from now on.
    ///
    /// # Errors
    /// [`StoreFault`]: what earlier processes took would be taken again.
    pub async fn keeping_assertions(mut self, store: Arc<dyn AssertionStore>) -> Result<Self, StoreFault> {
        self.assertions.recall(store.used_assertions().await?);
        self.assertions.store = Some(store);
        Ok(self)
    }

    /// Takes a client assertion, once; that it was taken is durable when this returns.
    ///
    /// # Errors
    /// [`GuardFault::AssertionReplayed`], also for one that is older than this process; [`GuardFault::AssertionsFull`], also where
    /// the store does not keep it.
    pub async fn admit_assertion(&self, asserted: Asserted, now: UnixMillis) -> Result<(), GuardFault> {
        let forgotten = self.assertions.take(asserted, now.seconds())?;
        let Some(store) = &self.assertions.store else { return Ok(()) };
        let used = UsedAssertion { until: asserted.expires_at(), id: asserted.id() };
        store.keep_assertion(used, forgotten).await.map_err(|_| GuardFault::AssertionsFull)
    }

    /// What whoever looks at the gateway at `now` is told of assertions.
    #[must_use]
    pub fn assertions_seen(&self, now: UnixMillis) -> AssertionsSeen {
        self.assertions.seen(now.seconds())
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

    fn used(id: &str, until: u64) -> UsedAssertion {
        UsedAssertion { until: UnixSeconds::new(until), id: sha256(id.as_bytes()) }
    }

    #[test]
    fn an_assertion_is_taken_once_and_never_where_an_earlier_process_may_have_taken_it() {
        let all = assertions(8);
        let take = |id: &str, issued_at| all.take(asserted(id, issued_at, BEGAN + 300), UnixSeconds::new(BEGAN + 2));
        assert_eq!(take("a", BEGAN + 2), Ok(vec![]));
        assert_eq!(take("a", BEGAN + 3), Err(GuardFault::AssertionReplayed), "with another time, too");
        assert_eq!(take("b", BEGAN + 2), Ok(vec![]));
        // One of a clock that is a second ahead may have been taken in the second in which we began, before we did.
        assert_eq!(take("c", BEGAN + 1), Err(GuardFault::AssertionReplayed));
    }

    #[test]
    fn no_time_that_a_clock_shows_lets_one_be_taken_again() {
        let all = assertions(8);
        let take = |id: &str, issued_at, until, now| all.take(asserted(id, issued_at, until), UnixSeconds::new(now));
        assert_eq!(take("a", BEGAN + 2, BEGAN + 60, BEGAN + 2), Ok(vec![]));
        // The clock is far ahead for a while, and set right.
        let ahead = BEGAN + 1_000_000;
        assert_eq!(take("b", ahead, ahead + 60, ahead), Ok(vec![]));
        assert_eq!(take("a", BEGAN + 2, BEGAN + 60, BEGAN + 3), Err(GuardFault::AssertionReplayed));
        assert_eq!(take("c", BEGAN + 2, BEGAN + 60, BEGAN + 3), Ok(vec![]), "nobody used it");
        // Time goes on until it is as late as that.
        assert_eq!(take("b", ahead, ahead + 60, ahead + 1), Err(GuardFault::AssertionReplayed));
        assert_eq!(take("d", ahead, ahead + 60, ahead + 1), Ok(vec![]));
    }

    #[test]
    fn as_many_are_remembered_as_may_be_and_one_more_is_refused_until_the_first_has_ended() {
        let all = assertions(2);
        let take = |id: &str, until, now| all.take(asserted(id, BEGAN + 2, until), UnixSeconds::new(now));
        assert_eq!(take("b", BEGAN + 90, BEGAN + 1), Ok(vec![]));
        assert_eq!(take("a", BEGAN + 60, BEGAN + 1), Ok(vec![]));
        assert_eq!(take("c", BEGAN + 95, BEGAN + 59), Err(GuardFault::AssertionsFull));
        assert_eq!(take("a", BEGAN + 60, BEGAN + 59), Err(GuardFault::AssertionReplayed), "nothing was evicted");
        assert_eq!(take("c", BEGAN + 95, BEGAN + 60), Ok(vec![used("a", BEGAN + 60)]), "the first has ended");
        assert_eq!(take("b", BEGAN + 90, BEGAN + 60), Err(GuardFault::AssertionReplayed));
        // The clock is set back: whatever ends no later than the one that went may be that one.
        assert_eq!(take("a", BEGAN + 60, BEGAN + 59), Err(GuardFault::AssertionReplayed));
        assert_eq!(take("d", BEGAN + 60, BEGAN + 59), Err(GuardFault::AssertionReplayed));
        assert_eq!(take("d", BEGAN + 91, BEGAN + 90), Ok(vec![used("b", BEGAN + 90)]));
    }

    #[test]
    fn what_was_kept_is_taken_as_it_was_and_of_a_full_store_what_may_have_gone_is_refused() {
        let of = |max| {
            let all = assertions(max);
            all.recall(vec![used("a", BEGAN + 60), used("b", BEGAN + 90)]);
            move |id: &str, until| all.take(asserted(id, BEGAN + 2, until), UnixSeconds::new(BEGAN + 70)).map(drop)
        };
        let take = of(3);
        assert_eq!(take("a", BEGAN + 90), Err(GuardFault::AssertionReplayed));
        assert_eq!(take("c", BEGAN + 59), Ok(()));
        let take = of(2);
        assert_eq!(take("c", BEGAN + 60), Err(GuardFault::AssertionReplayed), "one that has made room may end then");
        assert_eq!(take("b", BEGAN + 90), Err(GuardFault::AssertionReplayed));
        assert_eq!(take("c", BEGAN + 91), Ok(()));
    }
}

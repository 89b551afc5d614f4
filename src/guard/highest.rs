//! The highest wall time: whether the clock shows less now than it has shown before.
//!
//! A clock that goes back brings back what was over: tokens that had expired, commands that had grown too old, revocation
//! lists that had run out. So while it shows less than it ever did, by more than clocks may differ, nothing moves and no token is
//! given out, until time has caught up. What only reads goes on.
//!
//! Asking needs no lock and no clock: the highest time stands in one atomic, and `now` is an argument. Who raises it
//! (`gateway/`) lets no single absurd reading do so while the gateway runs; a start takes what lasted ([`TimeStore`], and
//! the last record of the log), and what the clock shows then.

use crate::clock::UnixMillis;
use crate::guard::fault::GuardFault;
use crate::guard::revocation::StoreFault;
use crate::guard::standing::Guard;
use async_trait::async_trait;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

/// What is allowed at least, in milliseconds, whatever is configured: one thread may have read the clock before another did
/// and ask after it.
const ALLOWED_MIN_MS: u64 = 1_000;

/// The highest wall time that is known, and by how much the clock may show less.
#[derive(Debug)]
pub(super) struct HighestTime {
    millis: AtomicU64,
    allowed_ms: u64,
}

/// What a store keeps of the highest wall time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct KeptTime {
    /// It.
    pub highest: UnixMillis,
    /// Whether a person has set it (`portcullis store accept-clock`) and no gateway has run since: then it counts alone, also
    /// against later times on record.
    pub accepted: bool,
    /// The latest time that the clock is known to have shown, also where a person has set it back since: what was used once by
    /// then may bear any time up to this one.
    pub seen: UnixMillis,
}

/// Where the highest wall time lasts.
#[async_trait]
pub trait TimeStore: Send + Sync {
    /// What was kept last; `None` where nothing was.
    async fn kept_time(&self) -> Result<Option<KeptTime>, StoreFault>;

    /// Keeps this time; durable when it returns. What a person set before is taken up with it.
    async fn keep_time(&self, highest: UnixMillis) -> Result<(), StoreFault>;

    /// Keeps that the clock has shown this time, unless it is known to have shown a later one; durable when it returns.
    async fn keep_seen(&self, seen: UnixMillis) -> Result<(), StoreFault>;
}

impl HighestTime {
    pub(super) fn new(highest: UnixMillis, clock_skew_s: u64) -> Self {
        let allowed_ms = clock_skew_s.saturating_mul(1_000).max(ALLOWED_MIN_MS);
        Self { millis: AtomicU64::new(highest.get()), allowed_ms }
    }

    fn get(&self) -> UnixMillis {
        UnixMillis::new(self.millis.load(Ordering::Acquire))
    }

    fn behind_ms(&self, now: UnixMillis) -> Option<u64> {
        let by_ms = self.get().get().saturating_sub(now.get());
        (by_ms > self.allowed_ms).then_some(by_ms)
    }
}

impl Guard {
    /// By how many milliseconds the clock shows less at `now` than it has shown, where that is more than clocks may differ.
    #[must_use]
    pub fn clock_behind_ms(&self, now: UnixMillis) -> Option<u64> {
        self.highest.behind_ms(now)
    }

    /// Goes on unless the clock is behind at `now`.
    ///
    /// # Errors
    /// [`GuardFault::ClockBehind`].
    pub fn admit_clock(&self, now: UnixMillis) -> Result<(), GuardFault> {
        self.clock_behind_ms(now).map_or(Ok(()), |_| Err(GuardFault::ClockBehind))
    }

    /// The highest wall time that is known.
    #[must_use]
    pub fn highest_time(&self) -> UnixMillis {
        self.highest.get()
    }

    /// Takes a higher time for known; a lower one changes nothing.
    pub fn raise_highest_time(&self, to: UnixMillis) {
        self.highest.millis.fetch_max(to.get(), Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HIGHEST: UnixMillis = UnixMillis::new(1_700_000_000_000);

    #[test]
    fn the_clock_is_behind_one_millisecond_past_what_is_allowed_and_not_at_it() {
        for (clock_skew_s, allowed_ms) in [(0, 1_000), (1, 1_000), (5, 5_000), (60, 60_000)] {
            let highest = HighestTime::new(HIGHEST, clock_skew_s);
            let behind = |by: u64| highest.behind_ms(UnixMillis::new(HIGHEST.get() - by));
            assert_eq!((behind(0), behind(allowed_ms)), (None, None), "{clock_skew_s}");
            assert_eq!(behind(allowed_ms + 1), Some(allowed_ms + 1), "{clock_skew_s}");
            assert_eq!(highest.behind_ms(HIGHEST.plus(1)), None);
            assert_eq!(highest.behind_ms(UnixMillis::new(0)), Some(HIGHEST.get()));
        }
    }
}

//! How the highest wall time rises while the gateway runs: as fast as the steady clock goes, and by no single reading.
//!
//! A clock that jumps forward for a moment (a time server gone wrong, a slip of a hand) would else hold up everything for as
//! long as it jumped, once it is right again. So what lies further ahead than time has gone by counts only after the clock
//! has stood there for [`FORWARD_HELD`]. What is asked here is no IO: all times are arguments.

use crate::clock::UnixMillis;
use std::time::Duration;

/// For how long a clock that jumped forward must stay there until what it shows counts as time that was seen.
pub(super) const FORWARD_HELD: Duration = Duration::from_secs(300);

/// What slewing may make of the time gone by, in thousandths, as [`ClockWatch`](crate::gateway::clock_watch) has it.
const SLEW_PER_MILLE: u64 = 1;

/// When both clocks were looked at last, and since when the wall clock is ahead.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rise {
    steady: Duration,
    ahead_since: Option<Duration>,
}

impl Rise {
    /// From now on.
    pub(super) const fn begin(steady: Duration) -> Self {
        Self { steady, ahead_since: None }
    }

    /// The highest time after this look at both clocks, before which it was `highest`.
    pub(super) fn look(&mut self, highest: UnixMillis, now: UnixMillis, steady: Duration) -> UnixMillis {
        let gone = u64::try_from(steady.saturating_sub(self.steady).as_millis()).unwrap_or(u64::MAX);
        self.steady = steady;
        let reached = highest.plus(gone.saturating_add(gone.saturating_mul(SLEW_PER_MILLE) / 1_000));
        if now <= reached {
            self.ahead_since = None;
            return highest.max(now);
        }
        let since = *self.ahead_since.get_or_insert(steady);
        if steady.saturating_sub(since) < FORWARD_HELD {
            return reached;
        }
        self.ahead_since = None;
        now
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WALL: UnixMillis = UnixMillis::new(1_700_000_000_000);
    const HOUR_MS: u64 = 3_600_000;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn it_goes_with_the_clock_and_stays_where_the_clock_goes_back() {
        let (mut rise, mut highest) = (Rise::begin(at(0)), WALL);
        for second in 1..=10 {
            highest = rise.look(highest, WALL.plus(second * 1_000), at(second));
            assert_eq!(highest, WALL.plus(second * 1_000));
        }
        for second in 11..=20 {
            let back = UnixMillis::new(WALL.get() - HOUR_MS + second * 1_000);
            assert_eq!(rise.look(highest, back, at(second)), highest, "{second}");
        }
    }

    #[test]
    fn what_lies_ahead_counts_once_it_has_held_and_not_a_second_before() {
        let (mut rise, mut highest) = (Rise::begin(at(0)), WALL);
        let held = FORWARD_HELD.as_secs();
        for second in 1..=held {
            highest = rise.look(highest, WALL.plus(HOUR_MS + second * 1_000), at(second));
            // It goes on beside as if nothing had been set, but for what slewing could make.
            assert!((second * 1_000..=second * 1_001).contains(&(highest.get() - WALL.get())), "{second}");
        }
        let after = WALL.plus(HOUR_MS + (held + 1) * 1_000);
        assert_eq!(rise.look(highest, after, at(held + 1)), after);
    }

    #[test]
    fn one_that_comes_back_in_between_has_to_hold_anew() {
        let (mut rise, mut highest) = (Rise::begin(at(0)), WALL);
        let held = FORWARD_HELD.as_secs();
        for second in 1..=10 * held {
            let ahead = if second % held == 0 { 0 } else { HOUR_MS };
            highest = rise.look(highest, WALL.plus(ahead + second * 1_000), at(second));
            assert!(highest.get() - WALL.get() <= second * 1_001, "{second}");
        }
    }

    proptest! {
        #[test]
        fn it_never_falls_and_never_outruns_the_steady_clock_unless_something_held(
            looks in prop::collection::vec((0_u64..400, -7_200_000_i64..7_200_000), 1..60),
        ) {
            let (mut rise, mut highest, mut steady) = (Rise::begin(at(0)), WALL, 0);
            // The earliest look of those before this one, without a gap, at which the clock was ahead.
            let mut ahead_since: Option<u64> = None;
            for (gone, off) in looks {
                steady += gone;
                let now = UnixMillis::new(WALL.plus(steady * 1_000).get().saturating_add_signed(off));
                let (before, reached) = (highest, highest.plus(gone * 1_001));
                highest = rise.look(highest, now, at(steady));
                prop_assert!(highest >= before);
                prop_assert!(highest <= before.max(now).max(reached));
                if now <= reached {
                    ahead_since = None;
                    prop_assert_eq!(highest, before.max(now));
                } else {
                    let since = *ahead_since.get_or_insert(steady);
                    if steady - since < FORWARD_HELD.as_secs() {
                        prop_assert_eq!(highest, reached);
                    } else {
                        prop_assert_eq!(highest, now);
                        ahead_since = None;
                    }
                }
            }
        }
    }
}

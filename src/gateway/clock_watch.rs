//! Whether somebody sets the wall clock while the gateway runs: held against the steady clock, which nobody can set.
//!
//! Records bear wall time, so a clock that is stepped back would let what happened later stand as earlier. Slewing, by which a
//! time service corrects an ageing crystal, is no step: at most [`SLEW_PER_MILLE`] of the time gone by. What is asked here is no
//! IO: both times are arguments.

use crate::audit::ClockStepped;
use crate::clock::UnixMillis;
use std::time::Duration;

/// The smallest step that is told, in milliseconds: far above what a thread that was held up for once makes of it.
const STEP_MS: u64 = 1_000;

/// What slewing may make of the time gone by, in thousandths; Linux slews by half of that (`adjtimex`, 500 ppm).
const SLEW_PER_MILLE: u64 = 1;

/// After so long, in milliseconds, both clocks are noted anew, so that what slewing may have made stays small.
const ANEW_MS: u64 = 3_600_000;

/// Both clocks as they stood together.
#[derive(Clone, Copy, Debug)]
pub(super) struct ClockWatch {
    wall: UnixMillis,
    steady: Duration,
}

impl ClockWatch {
    /// From now on.
    pub(super) const fn begin(now: UnixMillis, steady: Duration) -> Self {
        Self { wall: now, steady }
    }

    /// Whether the wall clock was set since; once for each step.
    pub(super) fn look(&mut self, now: UnixMillis, steady: Duration) -> Option<ClockStepped> {
        let gone = u64::try_from(steady.saturating_sub(self.steady).as_millis()).unwrap_or(u64::MAX);
        let expected = self.wall.plus(gone);
        let by_ms = now.get().abs_diff(expected.get());
        let is_step = by_ms > STEP_MS.saturating_add(gone / 1_000 * SLEW_PER_MILLE);
        if is_step || gone >= ANEW_MS {
            *self = Self::begin(now, steady);
        }
        is_step.then_some(ClockStepped { expected, forward: now > expected, by_ms })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WALL: UnixMillis = UnixMillis::new(1_700_000_000_000);

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_step_either_way_is_told_once_one_millisecond_past_what_slewing_could_have_made() {
        for (gone, allowed) in [(1, 1_001), (60, 1_060), (3_000, 4_000)] {
            let expected = WALL.plus(gone * 1_000);
            for (by, forward) in [(allowed, true), (allowed + 1, true), (allowed, false), (allowed + 1, false)] {
                let mut watch = ClockWatch::begin(WALL, at(5));
                let shown = if forward { expected.get() + by } else { expected.get() - by };
                let told = watch.look(UnixMillis::new(shown), at(5 + gone));
                let step = (by > allowed).then_some(ClockStepped { expected, forward, by_ms: by });
                assert_eq!(told, step, "{gone} {by} {forward}");
                if told.is_some() {
                    assert_eq!(watch.look(UnixMillis::new(shown + 1_000), at(6 + gone)), None, "once");
                }
            }
        }
    }

    #[test]
    fn slewing_for_a_week_is_no_step_and_steps_that_are_each_too_small_are_one_together() {
        let mut watch = ClockWatch::begin(WALL, at(0));
        for second in 1..=604_800_u64 {
            // 500 parts in a million.
            assert_eq!(watch.look(WALL.plus(second * 1_000 + second / 2), at(second)), None, "{second}");
        }
        let mut watch = ClockWatch::begin(WALL, at(0));
        let told: Vec<_> = (1..=10).filter_map(|second| watch.look(WALL.plus(second * 1_300), at(second))).collect();
        assert_eq!(told.len(), 2, "{told:?}");
    }
}

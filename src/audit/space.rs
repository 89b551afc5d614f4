//! Space: what is left for the log, how fast it goes, and how long it will last at that rate.
//!
//! What is left is what the file system has free and what is written ahead but not used, so that making a segment changes
//! nothing. It goes by our writing and by everybody else's on that file system alike; the rate is the faster one of the last
//! five minutes and of the last hour. The time left counts whole segments only, for less is none, and never on anything being
//! removed: what exporters have not passed yet may have to stay, and is counted in it that way.
//!
//! `now` is steady time and an argument.

use crate::telemetry::Metrics;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// Between two samples that are kept.
const SAMPLES_EVERY: Duration = Duration::from_secs(15);
/// The shorter time over which the rate is taken; before so much has passed there is none.
const SHORT_WINDOW: Duration = Duration::from_mins(5);
/// The longer one.
const LONG_WINDOW: Duration = Duration::from_hours(1);
/// With less time left `/readyz` tells it.
const SHORT_OF_SPACE_S: u64 = 6 * 60 * 60;
/// A year: what the metric shows where space lasts longer than that.
const LEFT_MAX_S: u64 = 365 * 24 * 60 * 60;

/// What was measured at one moment, in bytes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Room {
    /// Free for us on the file system.
    pub(super) free: u64,
    /// Written ahead and not used.
    pub(super) ahead: u64,
}

/// What is left for the log.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct SpaceLeft {
    /// Bytes that its file system has free.
    pub free_bytes: u64,
    /// Bytes a second by which it became less.
    pub bytes_per_second: u64,
    /// For how many seconds it lasts at that rate; `None` where it does not become less.
    pub seconds: Option<u64>,
    /// Bytes of records that no exporter has passed yet.
    pub unexported_bytes: u64,
    /// Whether it will not last for hours, or takes no further segment even now.
    pub is_short: bool,
}

/// What was measured so far.
pub(super) struct Space {
    segment_bytes: u64,
    state: Mutex<State>,
    metrics: Arc<Metrics>,
}

#[derive(Default)]
struct State {
    /// Oldest first, and at most as old as the longer window; of each its time and all that was left.
    samples: VecDeque<(Duration, u64)>,
    left: Option<SpaceLeft>,
    unexported_bytes: u64,
}

impl Space {
    pub(super) fn new(segment_bytes: u64, metrics: Arc<Metrics>) -> Self {
        metrics.audit_space(0, 0, LEFT_MAX_S);
        Self { segment_bytes, state: Mutex::default(), metrics }
    }

    /// What was measured at `now`.
    pub(super) fn measured(&self, room: Room, now: Duration) {
        let mut state = self.state.lock();
        let rate = state.rate(room.free.saturating_add(room.ahead), now);
        let segments = room.free.checked_div(self.segment_bytes).unwrap_or_default();
        let usable = segments.saturating_mul(self.segment_bytes).saturating_add(room.ahead);
        let seconds = usable.checked_div(rate);
        let is_short = segments == 0 || seconds.is_some_and(|seconds| seconds < SHORT_OF_SPACE_S);
        let unexported_bytes = state.unexported_bytes;
        state.left =
            Some(SpaceLeft { free_bytes: room.free, bytes_per_second: rate, seconds, unexported_bytes, is_short });
        self.metrics.audit_space(room.free, rate, seconds.unwrap_or(LEFT_MAX_S).min(LEFT_MAX_S));
    }

    /// So many bytes of records are still to be exported, and may not be removed before.
    pub(super) fn unexported(&self, bytes: u64) {
        self.state.lock().unexported_bytes = bytes;
        self.metrics.audit_unexported(bytes);
    }

    /// What is left, once it was measured.
    pub(super) fn left(&self) -> Option<SpaceLeft> {
        let state = self.state.lock();
        state.left.map(|left| SpaceLeft { unexported_bytes: state.unexported_bytes, ..left })
    }
}

impl State {
    /// Bytes a second by which `left` became less, and keeps the sample.
    fn rate(&mut self, left: u64, now: Duration) -> u64 {
        while self.samples.front().is_some_and(|(at, _)| now.saturating_sub(*at) > LONG_WINDOW) {
            self.samples.pop_front();
        }
        let per_second = |(at, before): &(Duration, u64)| {
            let elapsed = now.saturating_sub(*at);
            let lost = before.saturating_sub(left);
            (elapsed >= SHORT_WINDOW).then(|| lost.checked_div(elapsed.as_secs())).flatten()
        };
        // The newest that is old enough, and the oldest of all.
        let short = self.samples.iter().rev().find_map(per_second);
        let long = self.samples.front().and_then(per_second);
        if self.samples.back().is_none_or(|(at, _)| now.saturating_sub(*at) >= SAMPLES_EVERY) {
            self.samples.push_back((now, left));
        }
        short.max(long).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEGMENT: u64 = 64;
    const HOUR: u64 = 60 * 60;

    fn space() -> Space {
        Space::new(SEGMENT, Arc::new(Metrics::new().unwrap()))
    }

    /// Loses so many bytes each second, from `from` for so many seconds; what is told at the end.
    fn lose(space: &Space, room: &mut Room, from: u64, seconds: u64, each: u64) -> SpaceLeft {
        for second in from..from + seconds {
            space.measured(*room, Duration::from_secs(second));
            room.free -= each;
        }
        space.measured(*room, Duration::from_secs(from + seconds));
        space.left().unwrap()
    }

    #[test]
    fn time_left_is_told_once_a_window_has_passed_by_whole_segments() {
        let (space, mut room) = (space(), Room { free: 1_000_000 * SEGMENT, ahead: 0 });
        assert_eq!(space.left(), None);
        let early = lose(&space, &mut room, 0, 299, 10);
        assert_eq!((early.bytes_per_second, early.seconds), (0, None), "too early to tell");
        let left = lose(&space, &mut room, 299, 1, 10);
        let usable = left.free_bytes / SEGMENT * SEGMENT;
        assert_eq!((left.bytes_per_second, left.seconds), (10, Some(usable / 10)));
        assert_ne!(usable, left.free_bytes);
    }

    #[test]
    fn making_a_segment_ahead_is_no_loss_and_neither_is_finding_more_than_before() {
        let (space, mut room) = (space(), Room { free: 1_000 * SEGMENT, ahead: 0 });
        lose(&space, &mut room, 0, 300, 0);
        room = Room { free: room.free - SEGMENT, ahead: SEGMENT };
        assert_eq!(lose(&space, &mut room, 301, 1, 0).seconds, None);
        room.free *= 2;
        assert_eq!(lose(&space, &mut room, 303, 1, 0).bytes_per_second, 0);
    }

    #[test]
    fn the_faster_of_a_burst_and_of_the_last_hour_counts_and_what_is_older_does_not() {
        let (space, mut room) = (space(), Room { free: 1_000_000_000, ahead: 0 });
        assert_eq!(lose(&space, &mut room, 0, HOUR, 10).bytes_per_second, 10);
        // Five minutes at a hundred times that: in the hour it is not yet so much.
        let burst = lose(&space, &mut room, HOUR, 300, 1_000).bytes_per_second;
        assert!((950..=1_000).contains(&burst), "{burst}");
        let after = lose(&space, &mut room, HOUR + 300, 600, 0).bytes_per_second;
        assert!((80..=100).contains(&after), "what was lost in the hour still counts: {after}");
        assert_eq!(lose(&space, &mut room, HOUR + 900, HOUR, 0).seconds, None, "and then no more");
    }

    #[test]
    fn less_than_six_hours_or_no_whole_segment_is_short_and_one_more_is_not() {
        let short = |free: u64, each: u64| {
            let (space, mut room) = (space(), Room { free: free + 300 * each, ahead: 0 });
            lose(&space, &mut room, 0, 300, each).is_short
        };
        let enough = 6 * HOUR * SEGMENT;
        assert!(!short(enough, SEGMENT) && short(enough - 1, SEGMENT));
        assert!(!short(SEGMENT, 0) && short(SEGMENT - 1, 0));
    }

    #[test]
    fn what_is_told_stands_in_the_metrics_and_a_year_is_the_most() {
        let metrics = Arc::new(Metrics::new().unwrap());
        let space = Space::new(SEGMENT, Arc::clone(&metrics));
        assert!(metrics.render().contains("portcullis_audit_left_seconds 31536000\n"));
        let mut room = Room { free: 10_000 * SEGMENT, ahead: 0 };
        lose(&space, &mut room, 0, 300, SEGMENT);
        space.unexported(77);
        let told = metrics.render();
        for line in ["free_bytes 620800", "growth_bytes_per_second 64", "left_seconds 9700", "unexported_bytes 77"] {
            assert!(told.contains(&format!("portcullis_audit_{line}\n")), "{line}: {told}");
        }
        assert_eq!(space.left().unwrap().unexported_bytes, 77);
    }
}

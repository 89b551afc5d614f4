//! What is counted of the wall clock.

use crate::telemetry::metrics::Metrics;
use prometheus::IntCounter;
use prometheus::IntGauge;

pub(super) struct ClockMetrics {
    /// Forward, and back.
    pub(super) steps: [IntCounter; 2],
    pub(super) behind: IntGauge,
}

impl Metrics {
    /// The wall clock was set.
    pub fn clock_stepped(&self, forward: bool) {
        let [ahead, back] = &self.clock.steps;
        if forward { ahead.inc() } else { back.inc() }
    }

    /// The wall clock shows so many milliseconds less than it has shown; none where that is not told.
    pub fn clock_behind(&self, by_ms: u64) {
        self.clock.behind.set(i64::try_from(by_ms.div_ceil(1_000)).unwrap_or(i64::MAX));
    }
}

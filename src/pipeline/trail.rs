//! What an exchange leaves behind as it goes: how long each step took.

use crate::audit::Steps;
use crate::clock::Clock;
use crate::telemetry::Metrics;
use crate::telemetry::Step;
use std::time::Duration;

/// Measures steps, one after the other.
pub struct Trail {
    began: Duration,
    mark: Duration,
    steps: Vec<(Step, Duration)>,
    recorded: usize,
}

impl Trail {
    /// Begins now.
    #[must_use]
    pub fn begin(clock: &dyn Clock) -> Self {
        let now = clock.steady();
        Self { began: now, mark: now, steps: Vec::with_capacity(Step::ALL.len()), recorded: 0 }
    }

    /// `step` ends now.
    pub fn done(&mut self, step: Step, clock: &dyn Clock) {
        let now = clock.steady();
        self.steps.push((step, now.saturating_sub(self.mark)));
        self.mark = now;
    }

    /// How long each step took that no record has told yet.
    pub fn unrecorded(&mut self) -> Steps {
        let mut steps = Steps::default();
        self.steps.iter().skip(self.recorded).for_each(|(step, took)| steps.took(*step, *took));
        self.recorded = self.steps.len();
        steps
    }

    /// Counts every step, and the whole, which ends now.
    pub fn count(&self, metrics: &Metrics, clock: &dyn Clock) {
        for (step, took) in &self.steps {
            metrics.step(*step, *took);
        }
        metrics.step(Step::Total, clock.steady().saturating_sub(self.began));
    }
}

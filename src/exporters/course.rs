//! What an exporter does next: send, wait, or rest. No clock is read here, and nothing is sent.
//!
//! After a failure the pause doubles, up to a bound, and is spread a little, so that several gateways do not knock together; where
//! the destination says when to come again, it is never shorter than that. A batch that is too large is halved, down to one
//! record; that one is then tried again and again, since to leave it out would be to lose it.

use crate::exporters::fault::ExportFault;
use std::time::Duration;

/// The most records of a batch.
pub(super) const BATCH_MAX_RECORDS: usize = 1_000;

/// The pause after the first failure.
const PAUSE_MIN: Duration = Duration::from_secs(1);

/// The longest pause that we take by ourselves.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// The longest pause that a destination may ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(600);

/// How far an exporter is between failures.
#[derive(Clone, Copy, Debug)]
pub(super) struct Course {
    /// Failures in a row.
    failures: u32,
    /// Steady time until which nothing is tried.
    until: Duration,
    /// The most records of the next batch.
    most: usize,
}

/// What to do next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Step {
    /// Nothing is there to be sent.
    Rest,
    /// Nothing is tried for so long.
    Wait(Duration),
    /// Send at most so many records.
    Send(usize),
}

impl Course {
    /// Nothing has failed yet.
    pub(super) const fn new() -> Self {
        Self { failures: 0, until: Duration::ZERO, most: BATCH_MAX_RECORDS }
    }

    /// What to do at `now`, in steady time, with so many records that may go out.
    pub(super) fn next(&self, records: u64, now: Duration) -> Step {
        if records == 0 {
            return Step::Rest;
        }
        match self.until.saturating_sub(now) {
            Duration::ZERO => Step::Send(self.most),
            left => Step::Wait(left),
        }
    }

    /// A batch was taken.
    pub(super) fn went(&mut self) {
        (self.failures, self.until) = (0, Duration::ZERO);
        self.most = self.most.saturating_mul(2).min(BATCH_MAX_RECORDS);
    }

    /// A batch of so many records was not taken. `spread` is any byte: by it the pause is up to a quarter longer.
    pub(super) fn failed(&mut self, fault: ExportFault, records: usize, now: Duration, spread: u8) {
        if fault == ExportFault::TooLarge && records > 1 {
            // The halves are tried at once: they are others.
            self.most = records / 2;
            return;
        }
        let doubled = PAUSE_MIN.saturating_mul(2_u32.saturating_pow(self.failures)).min(PAUSE_MAX);
        self.failures = self.failures.saturating_add(1);
        let pause = match fault {
            ExportFault::Busy(Some(asked)) => doubled.max(asked.min(RETRY_AFTER_MAX)),
            // The same again would be refused again; somebody must change something there first, or here.
            ExportFault::Refused(_) | ExportFault::TooLarge | ExportFault::Log(_) => PAUSE_MAX,
            _ => doubled,
        };
        let spread = pause.saturating_mul(u32::from(spread)) / (4 * u32::from(u8::MAX));
        self.until = now.saturating_add(pause).saturating_add(spread);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::ConnectFault;

    const DOWN: ExportFault = ExportFault::Connect(ConnectFault::Refused);

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// The pause that stands at `now`.
    fn pause(course: &Course, now: Duration) -> Duration {
        match course.next(1, now) {
            Step::Wait(left) => left,
            Step::Rest | Step::Send(_) => Duration::ZERO,
        }
    }

    #[test]
    fn without_records_it_rests_and_with_them_it_sends() {
        let course = Course::new();
        assert_eq!(course.next(0, at(0)), Step::Rest);
        assert_eq!(course.next(1, at(0)), Step::Send(BATCH_MAX_RECORDS));
    }

    #[test]
    fn the_pause_doubles_to_its_bound_and_ends_with_the_first_success() {
        let mut course = Course::new();
        let pauses: Vec<u64> = (0..9)
            .map(|_| {
                course.failed(DOWN, 1, at(100), 0);
                pause(&course, at(100)).as_secs()
            })
            .collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(course.next(1, at(159)), Step::Wait(at(1)));
        assert_eq!(course.next(1, at(160)), Step::Send(BATCH_MAX_RECORDS), "the pause is over");
        assert_eq!(course.next(0, at(100)), Step::Rest);
        course.went();
        course.failed(DOWN, 1, at(200), 0);
        assert_eq!(pause(&course, at(200)), at(1));
        for _ in 0..100 {
            course.failed(DOWN, 1, at(200), u8::MAX);
        }
        assert_eq!(pause(&course, at(200)), at(75), "a quarter longer at most");
    }

    #[test]
    fn a_pause_is_as_long_as_the_destination_asks_for_within_bounds() {
        let after = |asked| {
            let mut course = Course::new();
            course.failed(ExportFault::Busy(asked), 1, at(0), 0);
            pause(&course, at(0))
        };
        assert_eq!(after(None), PAUSE_MIN);
        assert_eq!(after(Some(at(0))), PAUSE_MIN, "never none at all");
        assert_eq!(after(Some(at(30))), at(30));
        assert_eq!((after(Some(at(600))), after(Some(at(601)))), (at(600), at(600)));
    }

    #[test]
    fn what_would_be_refused_again_waits_for_the_longest() {
        for fault in [ExportFault::Refused(401), ExportFault::TooLarge] {
            let mut course = Course::new();
            course.failed(fault, 1, at(0), 0);
            assert_eq!(pause(&course, at(0)), PAUSE_MAX, "{fault:?}");
        }
    }

    #[test]
    fn a_batch_that_is_too_large_is_halved_at_once_down_to_one_record_and_grows_again() {
        let mut course = Course::new();
        let mut sizes = Vec::new();
        while let Step::Send(most) = course.next(9, at(0)) {
            sizes.push(most);
            course.failed(ExportFault::TooLarge, most, at(0), 0);
        }
        assert_eq!(sizes, [1000, 500, 250, 125, 62, 31, 15, 7, 3, 1]);
        course.went();
        assert_eq!(course.next(9, at(0)), Step::Send(2));
        (0..20).for_each(|_| course.went());
        assert_eq!(course.next(9, at(0)), Step::Send(BATCH_MAX_RECORDS));
    }
}

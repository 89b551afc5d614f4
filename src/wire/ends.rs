//! How what the gateway asks of one place ended last: for whoever looks at the gateway, and for nobody who decides.

use crate::clock::UnixMillis;
use parking_lot::Mutex;

/// How it ended, the last time that it went well and the last time that it did not. Shared by those who ask.
#[derive(Debug, Default)]
pub struct Ends(Mutex<LastEnds>);

/// The last ends.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct LastEnds {
    /// When it went well.
    pub good: Option<UnixMillis>,
    /// When it did not, and the word for what was wrong.
    pub failure: Option<(UnixMillis, &'static str)>,
    /// How often it did not since it went well.
    pub failures: u64,
}

impl Ends {
    /// It ended at `at`, well or with the word for what was wrong.
    pub fn tell(&self, at: UnixMillis, fault: Option<&'static str>) {
        let mut last = self.0.lock();
        match fault {
            None => (last.good, last.failures) = (Some(at), 0),
            Some(word) => (last.failure, last.failures) = (Some((at, word)), last.failures.saturating_add(1)),
        }
    }

    /// The last ones.
    #[must_use]
    pub fn last(&self) -> LastEnds {
        *self.0.lock()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_end_of_each_kind_is_told_and_failures_count_until_it_goes_well() {
        let (ends, at) = (Ends::default(), UnixMillis::new);
        assert_eq!(ends.last(), LastEnds::default());
        ends.tell(at(1), None);
        ends.tell(at(2), Some("refused"));
        ends.tell(at(3), Some("late"));
        assert_eq!(ends.last(), LastEnds { good: Some(at(1)), failure: Some((at(3), "late")), failures: 2 });
        ends.tell(at(4), None);
        assert_eq!(ends.last(), LastEnds { good: Some(at(4)), failure: Some((at(3), "late")), failures: 0 });
    }
}

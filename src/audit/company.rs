//! Whether a commit waits for company, and for how much of it.
//!
//! A commit costs the kernel far more than a record costs us, and where many call, those whom the last commit let go are
//! back with their next record as soon as they have been served. So a commit that comes right upon another waits for as many
//! records as a recent one held: for as long as the last one took for each record that it held, at most [`LINGER_MAX`], counted
//! from its end. One caller alone is all the company there is, and waits for nobody.

use std::time::Duration;

/// The longest that a record waits for company. With the commit itself far below any deadline of a record.
const LINGER_MAX: Duration = Duration::from_millis(1);

/// What the commits so far tell of those to come.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Company {
    /// Steady time until which the next commit waits.
    until: Duration,
    /// The most records that a recent commit held; one less with each commit since.
    many: usize,
}

/// What a commit waits for: whichever comes first.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Awaited {
    /// That so much time passes.
    pub(super) time: Duration,
    /// That so many records wait.
    pub(super) many: usize,
}

impl Company {
    /// A commit of so many records ended, which took so long.
    pub(super) fn committed(&mut self, records: u32, took: Duration, ended: Duration) {
        self.until = ended.saturating_add(took.saturating_mul(records).min(LINGER_MAX));
        self.many = usize::try_from(records).unwrap_or(usize::MAX).max(self.many.saturating_sub(1));
    }

    /// What one that begins now waits for.
    pub(super) fn awaited(&self, now: Duration) -> Awaited {
        Awaited { time: self.until.saturating_sub(now), many: self.many }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn after(commits: &[u32], took: Duration) -> Company {
        let mut company = Company::default();
        commits.iter().for_each(|records| company.committed(*records, took, 10 * MS));
        company
    }

    #[test]
    fn a_commit_waits_for_as_long_as_the_last_took_for_each_record_and_a_millisecond_at_most() {
        let took = Duration::from_micros(100);
        for (records, time) in [(1, took), (9, 9 * took), (10, MS), (11, MS), (u32::MAX, MS)] {
            let awaited = |now| after(&[records], took).awaited(now).time;
            assert_eq!((awaited(10 * MS), awaited(10 * MS + took)), (time, time - took), "{records}");
            assert_eq!(awaited(12 * MS), Duration::ZERO, "{records}");
        }
    }

    #[test]
    fn a_commit_waits_for_as_many_as_a_recent_one_held_and_one_less_with_each_since() {
        assert_eq!(Company::default().awaited(MS), Awaited::default());
        for (commits, many) in [(&[1][..], 1), (&[64], 64), (&[64, 1], 63), (&[64, 1, 63], 63), (&[3, 0, 0, 0, 0], 0)] {
            assert_eq!(after(commits, MS).awaited(11 * MS).many, many, "{commits:?}");
        }
    }
}

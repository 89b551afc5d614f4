//! Whether a commit waits for company, and for how much of it.
//!
//! A commit costs the kernel far more than a record costs us, and where many call, those whom the last commit let go are
//! back with their next record as soon as they have been served. So a commit that comes right upon another waits for as many
//! records as the largest of the recent ones held: for as long as the last one took for each record that it held, at most
//! [`LINGER_MAX`], counted from its end. One caller alone is all the company there is, and waits for nobody.
//!
//! The largest is forgotten slowly: under a steady load, where records come by chance, a commit that waited for no more than
//! the last one held would be smaller than it about as often as larger, and never larger than what it waited for.

use std::time::Duration;

/// The longest that a record waits for company. With the commit itself far below any deadline of a record.
const LINGER_MAX: Duration = Duration::from_millis(1);

/// After so many smaller commits one record less is waited for.
const FORGOTTEN_AFTER: u32 = 32;

/// What the commits so far tell of those to come.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Company {
    /// Steady time until which the next commit waits.
    until: Duration,
    /// The most records that a recent commit held, and how many smaller ones have been since.
    many: usize,
    smaller: u32,
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
        let records = usize::try_from(records).unwrap_or(usize::MAX);
        self.smaller = if records < self.many { self.smaller + 1 } else { 0 };
        self.many = self.many.max(records);
        if self.smaller == FORGOTTEN_AFTER {
            (self.many, self.smaller) = (self.many.saturating_sub(1), 0);
        }
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
    fn a_commit_waits_for_as_many_as_the_largest_held_and_one_less_after_so_many_smaller_ones() {
        assert_eq!(Company::default().awaited(MS), Awaited::default());
        let many = |commits: &[u32]| after(commits, MS).awaited(11 * MS).many;
        assert_eq!((many(&[1]), many(&[64]), many(&[64, 1]), many(&[1, 64, 65])), (1, 64, 64, 65));
        let smaller = |count: u32| [&[64][..], &vec![1; count as usize]].concat();
        assert_eq!(many(&smaller(FORGOTTEN_AFTER - 1)), 64);
        assert_eq!(many(&smaller(FORGOTTEN_AFTER)), 63);
        assert_eq!(many(&smaller(2 * FORGOTTEN_AFTER - 1)), 63);
        assert_eq!(many(&[smaller(FORGOTTEN_AFTER - 1), vec![64, 1]].concat()), 64, "it was held once more");
        assert_eq!(many(&smaller(100 * FORGOTTEN_AFTER)), 1, "one caller alone waits for nobody");
    }
}

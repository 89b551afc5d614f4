//! Time as a value: wall time in UTC milliseconds, and the clock that a door asks. Inside, `now` is an argument.
//!
//! This is the only file that reads the system's clocks. Stored times are RFC 3339 in UTC with milliseconds.

use std::fmt;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;

/// Whole seconds of Unix time.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct UnixSeconds(u64);

/// Milliseconds of Unix time.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct UnixMillis(u64);

impl UnixSeconds {
    /// Takes seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn new(seconds: u64) -> Self {
        Self(seconds)
    }

    /// The seconds.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Seconds from `earlier` to this; zero when they stand the other way round.
    #[must_use]
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// This time and so many seconds.
    #[must_use]
    pub const fn plus(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds))
    }
}

impl UnixMillis {
    /// Takes milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn new(millis: u64) -> Self {
        Self(millis)
    }

    /// The milliseconds.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The whole seconds, rounded down.
    #[must_use]
    pub const fn seconds(self) -> UnixSeconds {
        UnixSeconds(self.0 / 1000)
    }

    /// This time and so many milliseconds.
    #[must_use]
    pub const fn plus(self, millis: u64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// Reads what [`fmt::Display`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let stamp: jiff::Timestamp = text.parse().ok()?;
        u64::try_from(stamp.as_millisecond()).ok().map(Self)
    }
}

/// Milliseconds of a day.
const DAY_MS: u64 = 86_400_000;
/// 9999-12-30T22:00:00Z: `jiff` reads no later time.
const LAST_SHOWN_MS: u64 = 253_402_207_200_000;

/// Year, month and day of so many days since 1970-01-01, by the proleptic Gregorian calendar. Years are counted from March here,
/// so that the leap day ends one: then a day of the year tells the month by one multiplication.
const fn civil(days: u64) -> (u64, u64, u64) {
    // 719,468 days from 0000-03-01 to 1970-01-01; 146,097 in four centuries.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (year + era * 400 + next, month, day)
}

/// Fills a place with the last digits of a number.
fn put_digits(place: &mut [u8], mut number: u64) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).unwrap_or_default();
        number /= 10;
    }
}

/// RFC 3339 in UTC with milliseconds: `2026-11-24T03:00:00.000Z`.
impl fmt::Display for UnixMillis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = *b"9999-12-30T22:00:00.000Z";
        // Beyond what can be read again, that stands for all that comes later.
        if self.0 < LAST_SHOWN_MS {
            let (days, millis) = (self.0 / DAY_MS, self.0 % DAY_MS);
            let (year, month, day) = civil(days);
            for (at, digits, number) in [
                (0, 4, year),
                (5, 2, month),
                (8, 2, day),
                (11, 2, millis / 3_600_000),
                (14, 2, millis / 60_000 % 60),
                (17, 2, millis / 1_000 % 60),
                (20, 3, millis % 1_000),
            ] {
                put_digits(text.get_mut(at..at + digits).unwrap_or_default(), number);
            }
        }
        f.write_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

/// Whole seconds that last at least as long as `time`, and one at least: for those who are told to wait.
#[must_use]
pub fn seconds_up(time: Duration) -> u64 {
    time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0)).max(1)
}

/// What a door asks for the time: the system's clock in a gateway, one that is moved by hand in tests.
pub trait Clock: Send + Sync {
    /// Wall time.
    fn now(&self) -> UnixMillis;
    /// Steady time since an arbitrary beginning, for durations only.
    fn steady(&self) -> Duration;
}

/// The clock of the machine.
#[derive(Debug)]
pub struct SystemClock {
    began: Instant,
}

impl SystemClock {
    /// Starts the steady clock.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the file that may ask the machine")]
    pub fn new() -> Self {
        Self { began: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the file that may ask the machine")]
    fn now(&self) -> UnixMillis {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        UnixMillis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    #[expect(clippy::disallowed_methods, reason = "this is the file that may ask the machine")]
    fn steady(&self) -> Duration {
        self.began.elapsed()
    }
}

/// A clock that stands still until it is moved; both its times move together.
#[derive(Debug)]
pub struct ManualClock {
    millis: AtomicU64,
    began: u64,
}

impl ManualClock {
    /// A clock that shows `at`.
    #[must_use]
    pub const fn new(at: UnixMillis) -> Self {
        Self { millis: AtomicU64::new(at.get()), began: at.get() }
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        self.millis.fetch_add(u64::try_from(by.as_millis()).unwrap_or(u64::MAX), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.millis.load(Ordering::SeqCst))
    }

    fn steady(&self) -> Duration {
        Duration::from_millis(self.now().get().saturating_sub(self.began))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn times_are_written_with_milliseconds_and_read_back() {
        let time = UnixMillis::new(1_700_000_000_007);
        assert_eq!(time.to_string(), "2023-11-14T22:13:20.007Z");
        assert_eq!(UnixMillis::parse(&time.to_string()), Some(time));
        assert_eq!(UnixMillis::new(1_700_000_000_000).to_string(), "2023-11-14T22:13:20.000Z");
        assert_eq!(UnixMillis::new(1_700_000_000_999).seconds(), UnixSeconds::new(1_700_000_000));
    }

    /// `jiff` is the outside truth for dates.
    fn by_jiff(millis: u64) -> Option<String> {
        let stamp = jiff::Timestamp::from_millisecond(i64::try_from(millis).ok()?).ok()?;
        Some(format!("{stamp:.3}"))
    }

    #[test]
    fn times_are_those_of_another_calendar_up_to_the_last() {
        let seconds = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_second().unsigned_abs();
        for day in [
            "1970-01-01",
            "1970-02-28",
            "1972-02-29",
            "2000-02-29",
            "2000-03-01",
            "2100-02-28",
            "2100-03-01",
            "2400-02-29",
        ] {
            for at in ["00:00:00", "09:08:07", "23:59:59"] {
                let millis = seconds(&format!("{day}T{at}Z")) * 1_000 + 42;
                assert_eq!(UnixMillis::new(millis).to_string(), format!("{day}T{at}.042Z"));
            }
        }
        for millis in [LAST_SHOWN_MS - 1_000, LAST_SHOWN_MS - 1, LAST_SHOWN_MS] {
            assert_eq!(Some(UnixMillis::new(millis).to_string()), by_jiff(millis));
        }
        for beyond in [LAST_SHOWN_MS + 1, u64::MAX] {
            assert_eq!(UnixMillis::new(beyond).to_string(), "9999-12-30T22:00:00.000Z");
        }
    }

    proptest! {
        #[test]
        fn a_time_is_written_as_another_library_writes_it(millis in 0..LAST_SHOWN_MS) {
            prop_assert_eq!(Some(UnixMillis::new(millis).to_string()), by_jiff(millis));
        }
    }

    #[test]
    fn a_manual_clock_moves_only_when_it_is_moved() {
        let clock = ManualClock::new(UnixMillis::new(5_000));
        assert_eq!(clock.now(), UnixMillis::new(5_000));
        clock.advance(Duration::from_secs(2));
        assert_eq!((clock.now(), clock.steady()), (UnixMillis::new(7_000), Duration::from_secs(2)));
    }
}

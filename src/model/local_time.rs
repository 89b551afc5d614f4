//! What the clocks of a house show: the minute of the day, and the day of the week.
//!
//! A policy that says `08:00` means the house's own eight o'clock, and Russia has eleven of them. Seconds are cut off, so
//! 19:59:59 is in the minute before 20:00.

use crate::model::zone::Zone;

const MINUTE_S: i64 = 60;
const DAY_S: i64 = 86_400;

/// A moment by the clocks of one zone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LocalTime {
    /// Minutes since midnight, 0 to 1439. On the night when clocks are put back some come twice.
    pub minute_of_day: u16,
    /// 1 is Monday, 7 is Sunday (ISO 8601).
    pub weekday: u8,
}

impl LocalTime {
    /// What the zone's clocks show at `unix_seconds`; `None` beyond the year 9999.
    #[must_use]
    pub fn at(zone: &Zone, unix_seconds: u64) -> Option<Self> {
        let local = i64::try_from(unix_seconds).ok()?.checked_add(i64::from(zone.offset_s(unix_seconds)?))?;
        let minute_of_day = local.rem_euclid(DAY_S) / MINUTE_S;
        // 1970-01-01 was a Thursday.
        let weekday = (local.div_euclid(DAY_S) + 3).rem_euclid(7) + 1;
        Some(Self { minute_of_day: u16::try_from(minute_of_day).ok()?, weekday: u8::try_from(weekday).ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use proptest::prelude::*;

    fn at(zone: &str, time: &str) -> (u16, u8) {
        let time: Timestamp = time.parse().unwrap();
        let local = LocalTime::at(&Zone::named(zone).unwrap(), u64::try_from(time.as_second()).unwrap()).unwrap();
        (local.minute_of_day, local.weekday)
    }

    #[test]
    fn days_and_minutes_are_those_of_the_zone() {
        // 2026-11-27 was a Friday.
        assert_eq!(at("UTC", "2026-11-27T00:00:00Z"), (0, 5));
        assert_eq!(at("UTC", "2026-11-27T23:59:59Z"), (1439, 5));
        assert_eq!(at("UTC", "1970-01-01T00:00:00Z"), (0, 4));
        assert_eq!(at("Asia/Kamchatka", "2026-11-27T11:59:59Z"), (1439, 5));
        assert_eq!(at("Asia/Kamchatka", "2026-11-27T12:00:00Z"), (0, 6), "there it is tomorrow");
        assert_eq!(at("Europe/Kaliningrad", "2026-11-29T21:59:59Z"), (1439, 7));
        assert_eq!(at("Europe/Kaliningrad", "2026-11-29T22:00:00Z"), (0, 1));
        assert_eq!(at("America/New_York", "1970-01-01T00:00:00Z"), (19 * 60, 3), "and here yesterday");
        // Put back at 03:00 summer time: half past two comes twice.
        assert_eq!(at("Europe/Berlin", "2026-10-25T00:30:00Z"), (150, 7));
        assert_eq!(at("Europe/Berlin", "2026-10-25T01:30:00Z"), (150, 7));
        assert_eq!(LocalTime::at(&Zone::UTC, u64::MAX), None);
    }

    proptest! {
        #[test]
        fn it_is_what_the_library_says_of_the_whole_date(seconds in 0_i64..253_000_000_000, zone in proptest::sample::select(Zone::names())) {
            let ours = LocalTime::at(&Zone::named(&zone).unwrap(), u64::try_from(seconds).unwrap()).unwrap();
            let theirs = Timestamp::from_second(seconds).unwrap().in_tz(&zone).unwrap();
            prop_assert_eq!(i64::from(ours.minute_of_day), i64::from(theirs.hour()) * 60 + i64::from(theirs.minute()));
            prop_assert_eq!(i64::from(ours.weekday), i64::from(theirs.weekday().to_monday_one_offset()));
        }
    }
}

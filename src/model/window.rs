//! When a right counts: between two moments, and in some hours of the week by the clocks of its house.
//!
//! Moments are whole seconds of Unix time. Hours are those that a wall clock shows: seconds are cut off, so 19:59:59 is in the
//! minute before 20:00, and on the night when clocks are put back some minutes count twice.

use crate::model::local_time::LocalTime;
use crate::model::zone::Zone;

/// A day has so many minutes; the end of a day's last hours.
const DAY_MIN: u16 = 1_440;

/// When a right counts. The default is always.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Window {
    /// The first second in which it counts; `None` for no beginning.
    pub not_before: Option<u64>,
    /// The last second in which it counts, as in a certificate (RFC 5280 §4.1.2.5); `None` for no end.
    pub not_after: Option<u64>,
    /// The hours of the week in which it counts, all together; none for all.
    pub hours: Vec<Hours>,
}

/// The same hours on some days of the week.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Hours {
    /// Bit 1 is Monday, bit 7 is Sunday.
    days: u8,
    from: u16,
    until: u16,
}

impl Window {
    /// Whether it is open at `now`, in seconds of Unix time. `zone` is that of the right's house; without it no hours are open.
    #[must_use]
    pub fn holds(&self, now: u64, zone: Option<&Zone>) -> bool {
        let begun = self.not_before.is_none_or(|first| first <= now);
        let lasts = self.not_after.is_none_or(|last| now <= last);
        begun && lasts && (self.hours.is_empty() || self.is_in_hours(now, zone))
    }

    fn is_in_hours(&self, now: u64, zone: Option<&Zone>) -> bool {
        let local = zone.and_then(|zone| LocalTime::at(zone, now));
        local.is_some_and(|local| self.hours.iter().any(|hours| hours.hold(local)))
    }

    /// Whether every moment of `inner` is one of this, in whatever zone.
    #[must_use]
    pub fn contains(&self, inner: &Self) -> bool {
        let begins = self.not_before.is_none_or(|first| inner.not_before.is_some_and(|inner| first <= inner));
        let ends = self.not_after.is_none_or(|last| inner.not_after.is_some_and(|inner| inner <= last));
        let hours = self.hours.is_empty() || !inner.hours.is_empty() && inner.hours.iter().all(|one| self.covers(*one));
        begins && ends && hours
    }

    /// Whether all of these hours are among this window's, on each of their days.
    fn covers(&self, inner: Hours) -> bool {
        (1..=7).filter(|day| inner.is_on(*day)).all(|day| {
            // Goes on from where the hours that begin before end, until nothing does.
            let mut reached = inner.from;
            while reached < inner.until {
                let on = self.hours.iter().filter(|hours| hours.is_on(day) && hours.from <= reached);
                match on.map(|hours| hours.until).max().filter(|until| *until > reached) {
                    Some(until) => reached = until,
                    None => return false,
                }
            }
            true
        })
    }
}

impl Hours {
    /// From a minute of the day until just before another, on these days: 1 is Monday, 7 is Sunday (ISO 8601). `None` where
    /// there is no day, one that is none, or where they end before they begin; `24:00` ends a day, and hours past midnight are two.
    #[must_use]
    pub fn new(days: &[u8], from: u16, until: u16) -> Option<Self> {
        let is_good =
            !days.is_empty() && days.iter().all(|day| (1..=7).contains(day)) && from < until && until <= DAY_MIN;
        let days = days.iter().fold(0_u8, |days, day| days | 1_u8.checked_shl(u32::from(*day)).unwrap_or(0));
        is_good.then_some(Self { days, from, until })
    }

    /// The same with two times of a clock: `08:00` until `20:00`, `24:00` being the end of a day. `None` where one is none.
    #[must_use]
    pub fn between(days: &[u8], from: &str, until: &str) -> Option<Self> {
        Self::new(days, minute(from)?, minute(until)?)
    }

    /// Whether they are on this day.
    #[must_use]
    pub fn is_on(self, day: u8) -> bool {
        self.days & 1_u8.checked_shl(u32::from(day)).unwrap_or(0) != 0
    }

    /// The first minute of the day.
    #[must_use]
    pub const fn from(self) -> u16 {
        self.from
    }

    /// The minute of the day after the last.
    #[must_use]
    pub const fn until(self) -> u16 {
        self.until
    }

    fn hold(self, local: LocalTime) -> bool {
        self.is_on(local.weekday) && self.from <= local.minute_of_day && local.minute_of_day < self.until
    }
}

/// `HH:MM` as a minute of the day.
fn minute(text: &str) -> Option<u16> {
    let two = |text: &str| {
        let is_two = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        is_two.then(|| text.parse::<u16>().ok()).flatten()
    };
    let (hour, minute) = text.split_once(':')?;
    let (hour, minute) = (two(hour)?, two(minute)?);
    let is_one = hour < 24 && minute < 60 || (hour, minute) == (24, 0);
    is_one.then_some(hour * 60 + minute)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// 2026-11-27T05:00:00Z, a Friday: 08:00 in Moscow, 10:00 in Yekaterinburg.
    const EIGHT: u64 = 1_795_755_600;

    fn window(hours: &[Hours]) -> Window {
        Window { hours: hours.to_vec(), ..Window::default() }
    }

    #[test]
    fn a_window_is_open_from_its_first_second_to_its_last() {
        let window = Window { not_before: Some(100), not_after: Some(200), hours: Vec::new() };
        assert_eq!([99, 100, 200, 201].map(|now| window.holds(now, None)), [false, true, true, false]);
        assert!(Window::default().holds(0, None) && Window::default().holds(u64::MAX, None));
    }

    #[test]
    fn hours_are_those_of_the_house_and_end_with_the_minute_before() {
        let friday = window(&[Hours::new(&[5], 480, 1_200).unwrap()]);
        let (moscow, urals) = (Zone::named("Europe/Moscow").unwrap(), Zone::named("Asia/Yekaterinburg").unwrap());
        let at = |seconds: u64| friday.holds(seconds, Some(&moscow));
        assert_eq!(
            [at(EIGHT - 1), at(EIGHT), at(EIGHT + 12 * 3_600 - 1), at(EIGHT + 12 * 3_600)],
            [false, true, true, false]
        );
        assert!(friday.holds(EIGHT - 2 * 3_600, Some(&urals)) && !at(EIGHT - 2 * 3_600));
        assert!(!at(EIGHT + 86_400), "a Saturday");
        assert!(!friday.holds(EIGHT, None), "without clocks nothing is open");
        assert!(!friday.holds(u64::MAX, Some(&moscow)));
    }

    #[test]
    fn hours_have_a_day_and_end_after_they_begin() {
        assert!(Hours::new(&[1, 7], 0, 1_440).is_some() && Hours::new(&[1], 1_439, 1_440).is_some());
        for (days, from, until) in
            [(&[][..], 0, 1), (&[0], 0, 1), (&[8], 0, 1), (&[1], 5, 5), (&[1], 6, 5), (&[1], 0, 1_441)]
        {
            assert_eq!(Hours::new(days, from, until), None, "{days:?} {from} {until}");
        }
    }

    #[test]
    fn hours_that_meet_cover_what_goes_over_both() {
        let outer = window(&[Hours::new(&[1, 2], 480, 720).unwrap(), Hours::new(&[2], 720, 960).unwrap()]);
        let inner = |days: &[u8], from, until| window(&[Hours::new(days, from, until).unwrap()]);
        assert!(outer.contains(&inner(&[2], 500, 960)) && outer.contains(&inner(&[1, 2], 480, 720)));
        assert!(!outer.contains(&inner(&[1], 500, 721)) && !outer.contains(&inner(&[1, 2], 500, 960)));
        assert!(!outer.contains(&Window::default()) && Window::default().contains(&outer));
    }

    fn any_hours() -> impl Strategy<Value = Vec<Hours>> {
        let one = (prop::collection::vec(1_u8..=7, 1..4), 0_u16..20, 1_u16..8);
        let hours =
            one.prop_map(|(days, from, long)| Hours::new(&days, from * 60, (from + long).min(24) * 60).unwrap());
        prop::collection::vec(hours, 0..4)
    }

    fn any_window() -> impl Strategy<Value = Window> {
        let moment = || prop::option::of(EIGHT - 200_000..EIGHT + 200_000);
        (moment(), moment(), any_hours()).prop_map(|(not_before, not_after, hours)| Window {
            not_before,
            not_after,
            hours,
        })
    }

    proptest! {
        #[test]
        fn what_is_contained_is_never_open_where_the_other_is_not(outer in any_window(), inner in any_window(), at in EIGHT - 400_000..EIGHT + 400_000) {
            let zone = Zone::named("Europe/Moscow").unwrap();
            if outer.contains(&inner) && inner.holds(at, Some(&zone)) {
                prop_assert!(outer.holds(at, Some(&zone)));
            }
            prop_assert!(inner.contains(&inner));
        }

        #[test]
        fn hours_are_contained_exactly_if_each_of_their_minutes_is(outer in any_hours(), inner in any_hours()) {
            let minutes = |hours: &[Hours]| -> Vec<(u8, u16)> {
                let all = (1..=7).flat_map(|weekday| (0..DAY_MIN).map(move |minute_of_day| LocalTime { minute_of_day, weekday }));
                all.filter(|at| hours.is_empty() || hours.iter().any(|one| one.hold(*at))).map(|at| (at.weekday, at.minute_of_day)).collect()
            };
            let (of_outer, of_inner) = (minutes(&outer), minutes(&inner));
            let every = of_inner.iter().all(|minute| of_outer.binary_search(minute).is_ok());
            // Hours that name the whole week are not taken for none.
            prop_assert_eq!(window(&outer).contains(&window(&inner)), every && (outer.is_empty() || !inner.is_empty()));
        }
    }
}

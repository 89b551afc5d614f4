//! `@until("2027-01-31")`: the last day, in UTC, on which a permit holds. From the midnight after it the permit matches nothing.
//!
//! The day is the decision's own, by the time that it is given; without a time such a permit does not hold. A forbid cannot end
//! like this: one that goes away by itself would widen what may be done, and nobody would have agreed to it then.

use crate::clock::UnixSeconds;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Place;
use crate::diagnostic::Source;
use cedar_policy::Effect;
use cedar_policy::Policy;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// When a permit ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Until(UnixSeconds);

impl Until {
    /// What a policy says; `None` where it says nothing, or nothing that is a day.
    pub(super) fn of(policy: &Policy) -> Option<Self> {
        Self::parse(policy.annotation("until")?)
    }

    /// A day as `2027-01-31` (RFC 3339, full-date), and no other spelling of it.
    fn parse(text: &str) -> Option<Self> {
        let date: Date = text.parse().ok().filter(|date: &Date| date.to_string() == text)?;
        let after = date.tomorrow().ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second();
        u64::try_from(after).ok().map(|second| Self(UnixSeconds::new(second)))
    }

    /// The first second of which it is over.
    pub(super) const fn over_at(self) -> UnixSeconds {
        self.0
    }

    /// Whether a permit that says so still holds.
    pub(super) fn holds(self, now: Option<UnixSeconds>) -> bool {
        now.is_some_and(|now| now < self.0)
    }

    /// Whether it ends within so many seconds from `now`, or has ended.
    pub(super) fn ends_within(self, seconds: u64, now: UnixSeconds) -> bool {
        self.0 <= now.plus(seconds)
    }
}

/// What is wrong with a policy's `@until`.
pub(super) fn fault(policy: &Policy, source: &Source, place: impl FnOnce() -> Place) -> Option<Diagnostic> {
    let text = policy.annotation("until")?;
    if policy.effect() == Effect::Forbid {
        let message =
            "a forbid cannot end by itself: what it forbids would be allowed again, and nobody would have agreed to it";
        let fault = source.fault("until-on-forbid", place(), message);
        return Some(fault.help("take `@until` out, and the policy itself when its time has come"));
    }
    if Until::parse(text).is_some() {
        return None;
    }
    let fault = source.fault("malformed-date", place(), format!("`{text}` is no day"));
    Some(fault.help("write the last day on which it holds, in UTC: @until(\"2027-01-31\")"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permit_holds_to_the_last_second_of_its_day_and_not_without_a_time() {
        let until = Until::parse("2027-01-31").unwrap();
        let midnight = 1_801_440_000;
        assert!(until.holds(Some(UnixSeconds::new(midnight - 1))));
        assert!(!until.holds(Some(UnixSeconds::new(midnight))));
        assert!(!until.holds(None));
        assert!(until.ends_within(60, UnixSeconds::new(midnight - 60)));
        assert!(!until.ends_within(60, UnixSeconds::new(midnight - 61)));
    }

    #[test]
    fn a_day_has_one_spelling() {
        for text in [
            "2027-02-29",
            "2027-1-31",
            "20270131",
            "2027-01-31T00:00:00Z",
            "31.01.2027",
            "",
            " 2027-01-31",
            "1969-12-30",
        ] {
            assert_eq!(Until::parse(text), None, "{text}");
        }
        assert!(Until::parse("2028-02-29").is_some());
    }
}

//! Everything that runs out: our own certificates, the authorities that we trust, revocation lists. One list, for the log,
//! the metric, `/-/status` and `portcullis expiries`.
//!
//! A thing is named by the keys of `gateway.yaml` that lead to its file: `what` is the last of them (`certificate`,
//! `client_ca`, `ca`, `crl`), `name` what stands before `tls` (`listeners.backend`, `partners.smarthome`). So whatever the
//! reader reads as a certificate or list stands in here, without being entered anywhere else.
//!
//! The alarms are at 30, 7 and 1 days. Of what lives for less than 90 days as a whole they are at the same parts of its
//! life: a list that is made anew each day would otherwise be an alarm from its birth.

use crate::clock::UnixSeconds;
use crate::crypto::Certificate;
use crate::diagnostic::Place;
use crate::yaml::Node;
use crate::yaml::Yaml;
use std::path::Path;
use std::path::PathBuf;

/// Seconds of a day.
const DAY_S: u64 = 86_400;

/// Days of life from which on an alarm is at its full distance.
const WHOLE_LIFE_DAYS: u64 = 90;

/// Something that runs out.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Expiry {
    /// The key that names its file.
    pub what: Box<str>,
    /// What it belongs to, as the keys before.
    pub name: Box<str>,
    /// The file that it lies in.
    pub file: PathBuf,
    /// Its place among those of its kind in that file, from 1.
    pub position: usize,
    /// The first second of its life.
    pub from: UnixSeconds,
    /// The first second in which it is over.
    pub until: UnixSeconds,
}

/// How near an end is; the nearest first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Alarm {
    /// It has run out.
    Over,
    /// Within a day.
    Day,
    /// Within seven days.
    Week,
    /// Within thirty days.
    Month,
}

/// Something that runs out, before it has its name.
pub(super) struct Found {
    place: Place,
    file: PathBuf,
    position: usize,
    from: UnixSeconds,
    until: UnixSeconds,
}

impl Alarm {
    /// All of them, the nearest first.
    pub const ALL: [Self; 4] = [Self::Over, Self::Day, Self::Week, Self::Month];

    /// The word in text and JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Over => "over",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    /// The days before the end from which on it is given.
    #[must_use]
    pub const fn days(self) -> u64 {
        match self {
            Self::Over => 0,
            Self::Day => 1,
            Self::Week => 7,
            Self::Month => 30,
        }
    }
}

impl Expiry {
    /// The alarm at `now`; `None` as long as there is time.
    #[must_use]
    pub fn alarm(&self, now: UnixSeconds) -> Option<Alarm> {
        let (left, life) = (self.until.since(now), self.until.since(self.from));
        Alarm::ALL.into_iter().find(|alarm| {
            let part = life.saturating_mul(alarm.days()) / WHOLE_LIFE_DAYS;
            left <= part.min(alarm.days().saturating_mul(DAY_S))
        })
    }

    /// Whole days that are left at `now`.
    #[must_use]
    pub const fn days_left(&self, now: UnixSeconds) -> u64 {
        self.until.since(now) / DAY_S
    }

    /// Whether it runs out before so many seconds have gone.
    #[must_use]
    pub const fn is_within(&self, seconds: u64, now: UnixSeconds) -> bool {
        self.until.since(now) <= seconds
    }
}

impl Found {
    /// The certificates of a file, in its order. What cannot be read is told elsewhere.
    pub(super) fn certificates<'c>(
        place: Place,
        file: &Path,
        all: impl IntoIterator<Item = &'c [u8]>,
    ) -> impl Iterator<Item = Self> {
        let parsed = all.into_iter().map(|der| Certificate::parse(der).ok());
        let ends = parsed.map(|one| one.map(|one| (one.not_before, one.not_after.plus(1))));
        Self::with(place, file, ends)
    }

    /// Things of a file with their first second and the first after their last.
    pub(super) fn with(
        place: Place,
        file: &Path,
        ends: impl Iterator<Item = Option<(UnixSeconds, UnixSeconds)>>,
    ) -> impl Iterator<Item = Self> {
        ends.zip(1..).filter_map(move |(ends, position)| {
            let (from, until) = ends?;
            Some(Self { place, file: file.to_path_buf(), position, from, until })
        })
    }
}

/// Gives everything its name, from the file whose tree this is. The earliest end first.
pub(super) fn named(root: &Node, found: Vec<Found>) -> Vec<Expiry> {
    let mut expiries: Vec<_> = found
        .into_iter()
        .map(|Found { place, file, position, from, until }| {
            let (name, what) = name_of(&key_at(root, place).unwrap_or_default());
            Expiry { what: what.into(), name: name.into(), file, position, from, until }
        })
        .collect();
    expiries.sort_by(|one, other| one.until.cmp(&other.until).then_with(|| one.name.cmp(&other.name)));
    expiries
}

/// What a key belongs to, and which it is there.
fn name_of(key: &str) -> (String, String) {
    let (name, what) = key.split_once(".tls.").or_else(|| key.rsplit_once('.')).unwrap_or(("", key));
    (name.to_owned(), what.split('[').next().unwrap_or(what).to_owned())
}

/// The key under which the plain value at this place stands: `a.b`, `a[0].b`.
fn key_at(node: &Node, place: Place) -> Option<String> {
    let joined = |key: String, below: String| match below.as_str() {
        "" => key,
        below if below.starts_with('[') => format!("{key}{below}"),
        below => format!("{key}.{below}"),
    };
    match &node.value {
        Yaml::Map(entries) => {
            entries.iter().find_map(|(key, value)| Some(joined(key.text.clone(), key_at(value, place)?)))
        }
        Yaml::List(items) => {
            items.iter().enumerate().find_map(|(index, item)| Some(joined(format!("[{index}]"), key_at(item, place)?)))
        }
        _ => (node.place == place).then(String::new),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Source;
    use crate::yaml;

    fn expiry(days: u64) -> Expiry {
        Expiry {
            what: "crl".into(),
            name: "listeners.backend".into(),
            file: PathBuf::from("clients.crl"),
            position: 1,
            from: UnixSeconds::new(1_000 * DAY_S),
            until: UnixSeconds::new((1_000 + days) * DAY_S),
        }
    }

    #[test]
    fn an_alarm_is_given_at_30_7_and_1_days_and_not_a_second_before() {
        let year = expiry(365);
        let left = |seconds: u64| year.alarm(UnixSeconds::new(year.until.get() - seconds));
        assert_eq!(left(30 * DAY_S + 1), None);
        assert_eq!((left(30 * DAY_S), left(7 * DAY_S + 1)), (Some(Alarm::Month), Some(Alarm::Month)));
        assert_eq!((left(7 * DAY_S), left(DAY_S + 1)), (Some(Alarm::Week), Some(Alarm::Week)));
        assert_eq!((left(DAY_S), left(1)), (Some(Alarm::Day), Some(Alarm::Day)));
        assert_eq!((left(0), year.alarm(year.until.plus(9))), (Some(Alarm::Over), Some(Alarm::Over)));
    }

    #[test]
    fn what_lives_shortly_has_its_alarms_at_the_same_parts_of_its_life() {
        let ninety = expiry(90);
        assert_eq!(ninety.alarm(UnixSeconds::new(ninety.until.get() - 30 * DAY_S)), Some(Alarm::Month));
        let day = expiry(1);
        let left = |seconds: u64| day.alarm(UnixSeconds::new(day.until.get() - seconds));
        assert_eq!((left(DAY_S), left(28_801)), (None, None), "more than a third");
        let alarms = [Alarm::Month, Alarm::Week, Alarm::Day, Alarm::Over].map(Some);
        assert_eq!([left(28_800), left(6_720), left(960), left(0)], alarms);
    }

    #[test]
    fn a_thing_is_named_by_the_keys_that_lead_to_it() {
        let text = "a:\n  backend: {tls: {client_ca: x.pem, crl: [one.crl, two.crl]}}\nb: [{jwks: {file: y}}]\n";
        let root = yaml::parse(&Source::new("gateway.yaml", text)).unwrap_or_else(|faults| panic!("{faults}"));
        let key = |value: &str| key_at(&root, Place::of_offset(text, text.find(value).unwrap()));
        let named = |value| key(value).map(|key| name_of(&key));
        let pair = |name: &str, what: &str| Some((name.to_owned(), what.to_owned()));
        assert_eq!(named("x.pem"), pair("a.backend", "client_ca"));
        assert_eq!(named("two.crl"), pair("a.backend", "crl"), "the second list");
        assert_eq!(key("y}").as_deref(), Some("b[0].jwks.file"));
        assert_eq!(key("backend"), None, "a key is no value");
    }
}

//! Times on the command line of `portcullis audit`: from when, until when, and by which clocks.

use crate::clock::UnixMillis;
use crate::config;
use crate::diagnostic::Diagnostic;
use crate::model::Zone;
use clap::Args;
use std::time::Duration;

/// Which time is looked at.
#[derive(Args)]
pub(super) struct Period {
    /// Those from this time on: `2026-11-27T03:00:00Z`, by the clocks of `--tz` `2026-11-27T06:00` or `2026-11-27`, or so long
    /// ago: `2h`
    #[arg(long, value_name = "TIME", value_parser = when)]
    since: Option<When>,
    /// Those before this time
    #[arg(long, value_name = "TIME", value_parser = when)]
    until: Option<When>,
    /// The zone by whose clocks times are shown and read, by its IANA name, for instance `Europe/Moscow`
    #[arg(long, value_name = "ZONE", default_value = "UTC", value_parser = zone)]
    tz: Zone,
}

/// A time as it was typed.
#[derive(Clone, Debug, Eq, PartialEq)]
enum When {
    At(UnixMillis),
    /// By the clocks of a zone.
    Local(String),
    Ago(Duration),
}

impl Period {
    /// The first millisecond, and the first that is too late.
    ///
    /// # Errors
    /// The zone's clocks show that time never, or twice.
    pub(super) fn bounds(&self, now: UnixMillis) -> Result<(Option<UnixMillis>, Option<UnixMillis>), Diagnostic> {
        let bound = |when: &Option<When>| when.as_ref().map(|when| when.at(&self.tz, now)).transpose();
        Ok((bound(&self.since)?, bound(&self.until)?))
    }

    pub(super) const fn zone(&self) -> &Zone {
        &self.tz
    }
}

impl When {
    fn at(&self, zone: &Zone, now: UnixMillis) -> Result<UnixMillis, Diagnostic> {
        match self {
            Self::At(time) => Ok(*time),
            Self::Ago(time) => {
                let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
                Ok(UnixMillis::new(now.get().saturating_sub(millis)))
            }
            Self::Local(text) => zone.unix_millis(text).map(UnixMillis::new).ok_or_else(|| {
                let message = format!("the clocks of {} show `{text}` never, or twice", zone.name());
                Diagnostic::without_file("not-an-instant", message)
                    .help("write it with its distance from UTC, for instance `2026-10-25T02:30:00+01:00`")
            }),
        }
    }
}

fn when(text: &str) -> Result<When, &'static str> {
    if let Some(time) = UnixMillis::parse(text) {
        return Ok(When::At(time));
    }
    if let Some(time) = config::duration(text) {
        return Ok(When::Ago(time));
    }
    // Whether it is a time by any clocks at all; UTC's show each once.
    let local = Zone::UTC.unix_millis(text).map(|_| When::Local(text.to_owned()));
    local.ok_or("a time is `2026-11-27T03:00:00Z`, `2026-11-27T06:00`, `2026-11-27`, or a time ago, for instance `2h`")
}

fn zone(text: &str) -> Result<Zone, &'static str> {
    Zone::named(text).ok_or("a zone is one of the IANA database, for instance `Europe/Moscow`")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis::new(1_800_000_000_000);

    fn at(text: &str, tz: &str) -> Result<String, String> {
        let zone = Zone::named(tz).unwrap();
        let time = when(text).map_err(str::to_owned)?.at(&zone, NOW).map_err(|fault| fault.code.to_owned())?;
        Ok(time.to_string())
    }

    #[test]
    fn a_time_is_one_of_utc_one_of_the_zones_clocks_or_so_long_ago() {
        assert_eq!(at("2026-11-27T03:00:00Z", "Europe/Moscow").unwrap(), "2026-11-27T03:00:00.000Z");
        assert_eq!(at("2026-11-27T03:00:00+05:00", "Europe/Moscow").unwrap(), "2026-11-26T22:00:00.000Z");
        assert_eq!(at("2026-11-27T03:00", "Europe/Moscow").unwrap(), "2026-11-27T00:00:00.000Z");
        assert_eq!(at("2026-11-27", "Europe/Moscow").unwrap(), "2026-11-26T21:00:00.000Z");
        assert_eq!(at("2026-11-27", "UTC").unwrap(), "2026-11-27T00:00:00.000Z");
        assert_eq!(at("2h", "Europe/Moscow").unwrap(), UnixMillis::new(NOW.get() - 7_200_000).to_string());
        assert_eq!(at("2026-10-25T02:30", "Europe/Berlin").unwrap_err(), "not-an-instant", "twice");
        assert_eq!(at("2026-03-29T02:30", "Europe/Berlin").unwrap_err(), "not-an-instant", "never");
        for wrong in ["", "yesterday", "27.11.2026", "2026-13-01", "2h ago", "-2h", "1700000000"] {
            assert!(when(wrong).is_err(), "{wrong}");
        }
    }
}

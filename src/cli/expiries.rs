//! `portcullis expiries`: everything that will run out, with the days that are left, from the files alone.

use crate::cli::output::Ending;
use crate::cli::output::Format;
use crate::cli::output::json_text;
use crate::cli::output::plain;
use crate::cli::output::say;
use crate::clock::Clock;
use crate::clock::SystemClock;
use crate::clock::UnixMillis;
use crate::clock::UnixSeconds;
use crate::config;
use crate::config::Config;
use crate::config::Expiry;
use crate::diagnostic::Diagnostics;
use crate::json::Number;
use crate::json::Object;
use crate::json::Value;
use clap::Args;
use std::fmt::Write;
use std::path::PathBuf;
use std::time::Duration;

/// Lists everything that runs out, the earliest first: certificates, authorities, revocation lists.
///
/// It reads the configuration and the files that it names, as `portcullis run` would, and needs no gateway. An alarm is given
/// at 30, 7 and 1 days, of what lives for less than 90 days at the same parts of its life, and when it is over. A running
/// gateway tells the same in its log, at `/-/status` and as `portcullis_expires_timestamp_seconds`.
///
/// Exit codes: 0 there is time, 1 something runs out, 2 it could not be read.
#[derive(Args)]
#[command(after_help = "Examples:\n  portcullis expiries --config gateway.yaml\n  \
                  portcullis expiries --config gateway.yaml --within 60d --format json")]
pub(super) struct Arguments {
    /// The configuration
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Take this in place of the alarms: what has no more left is listed, alone, and ends with 1
    #[arg(long, value_name = "TIME", value_parser = within)]
    within: Option<Duration>,
    /// For whom the result is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(super) fn execute(arguments: &Arguments) -> Result<Ending, Diagnostics> {
    let config = Config::load(&arguments.config)?;
    let (told, ending) = told(&config.expiries, arguments.within, arguments.format, SystemClock::new().now().seconds());
    say(&told);
    Ok(ending)
}

fn within(text: &str) -> Result<Duration, &'static str> {
    config::duration(text).ok_or("a whole number with `s`, `m`, `h` or `d`, for instance `30d`")
}

fn told(all: &[Expiry], within: Option<Duration>, format: Format, now: UnixSeconds) -> (String, Ending) {
    let near = |expiry: &&Expiry| match within {
        Some(time) => expiry.is_within(time.as_secs(), now),
        None => expiry.alarm(now).is_some(),
    };
    let found = all.iter().filter(near).count();
    let listed: Vec<&Expiry> = all.iter().filter(|expiry| within.is_none() || near(expiry)).collect();
    let text = match format {
        Format::Text => text(&listed, now),
        Format::Json => json(&listed, now),
    };
    (text, if found == 0 { Ending::Done } else { Ending::FoundSomething })
}

fn text(listed: &[&Expiry], now: UnixSeconds) -> String {
    if listed.is_empty() {
        return "nothing runs out\n".to_owned();
    }
    let name = |expiry: &Expiry| format!("{} of {}", plain(&expiry.what), plain(&expiry.name));
    let wide = listed.iter().map(|expiry| name(expiry).chars().count()).max().unwrap_or_default();
    let mut out = String::new();
    for expiry in listed {
        let (days, at, file) = (expiry.days_left(now), stamp(expiry), plain(&expiry.file.display().to_string()));
        let number = if expiry.position > 1 { format!(" (number {})", expiry.position) } else { String::new() };
        let alarm = expiry.alarm(now).map(|alarm| format!("  ALARM: {}", alarm.word())).unwrap_or_default();
        let _ = writeln!(out, "{days:>5} days  {:<wide$}  until {at}  {file}{number}{alarm}", name(expiry));
    }
    out
}

fn json(listed: &[&Expiry], now: UnixSeconds) -> String {
    let number = |number: u64| Number::try_from(number).map_or(Value::Null, Value::from);
    let one = |expiry: &&Expiry| {
        let members: [(&str, Value); 7] = [
            ("what", (&*expiry.what).into()),
            ("name", (&*expiry.name).into()),
            ("file", expiry.file.display().to_string().into()),
            ("position", number(u64::try_from(expiry.position).unwrap_or(u64::MAX))),
            ("at", stamp(expiry).into()),
            ("days", number(expiry.days_left(now))),
            ("alarm", expiry.alarm(now).map_or(Value::Null, |alarm| alarm.word().into())),
        ];
        Value::from(members.into_iter().collect::<Object>())
    };
    let all: Object = [("expiries", Value::from(listed.iter().map(one).collect::<Vec<_>>()))].into_iter().collect();
    json_text(&all.into())
}

fn stamp(expiry: &Expiry) -> String {
    UnixMillis::new(expiry.until.get().saturating_mul(1_000)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expiry(what: &str, days: u64) -> Expiry {
        Expiry {
            what: what.into(),
            name: "listeners.backend".into(),
            file: PathBuf::from("pki/a.pem"),
            position: 1,
            from: UnixSeconds::new(0),
            until: UnixSeconds::new(days * 86_400),
        }
    }

    #[test]
    fn what_runs_out_within_the_alarm_or_the_time_given_ends_with_1() {
        let all = [expiry("crl", 130), expiry("certificate", 300)];
        let ended = |within, day: u64| {
            let (text, ending) = told(&all, within, Format::Text, UnixSeconds::new(day * 86_400));
            (ending, text.lines().count())
        };
        assert_eq!(ended(None, 99), (Ending::Done, 2));
        assert_eq!(ended(None, 100), (Ending::FoundSomething, 2), "all are listed");
        let days = |days: u64| Some(Duration::from_secs(days * 86_400));
        assert_eq!(ended(days(30), 99), (Ending::Done, 1), "and says that nothing runs out");
        assert_eq!(ended(days(31), 99), (Ending::FoundSomething, 1));
        assert_eq!(ended(days(300), 99), (Ending::FoundSomething, 2));
    }

    #[test]
    fn text_tells_days_and_alarm_and_json_the_same() {
        let all = [expiry("crl", 130)];
        let (text, _) = told(&all, None, Format::Text, UnixSeconds::new(129 * 86_400));
        let wanted = "    1 days  crl of listeners.backend  until 1970-05-11T00:00:00.000Z  pki/a.pem  ALARM: day\n";
        assert_eq!(text, wanted);
        let (json, _) = told(&all, None, Format::Json, UnixSeconds::new(131 * 86_400));
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        let one = &json["expiries"][0];
        assert_eq!((&one["days"], &one["alarm"], &one["what"]), (&0.into(), &"over".into(), &"crl".into()));
    }
}

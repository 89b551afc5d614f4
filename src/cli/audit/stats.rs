//! `portcullis audit stats`: how often what happened, as a picture in the terminal.

use crate::audit::Cursor;
use crate::audit::Ends;
use crate::audit::Tally;
use crate::audit::Walk;
use crate::audit::Wanted;
use crate::cli::audit::Place;
use crate::cli::audit::period::Period;
use crate::cli::audit::reading::Reading;
use crate::cli::output::Ending;
use crate::cli::output::Format;
use crate::cli::output::json_text;
use crate::cli::output::plain;
use crate::cli::output::say;
use crate::cli::screen;
use crate::clock::Clock;
use crate::clock::SystemClock;
use crate::clock::UnixMillis;
use crate::diagnostic::Diagnostics;
use crate::json::Number;
use crate::json::Object;
use crate::json::Value;
use crate::model::Zone;
use clap::Args;
use std::collections::BTreeMap;
use std::fmt::Write;

/// More hours than these are shown by days.
const HOURS_SHOWN: usize = 72;

/// Columns where standard output is no terminal.
const WIDTH: usize = 100;

/// Counts how things ended in an audit log: by operation, by reason, and by the hour.
///
/// Counted is each outcome, refusal, answer given again, event taken and attempt to deliver that ended; refusals of which only
/// a sum is on record count for as many as it stands for. More than 72 hours are drawn by days; JSON has the hours.
///
/// Exit codes: 0 counted, 1 nothing was found or the log is damaged, 2 it cannot be read.
#[derive(Args)]
#[command(after_help = "Examples:\n  portcullis audit stats --audit audit\n  \
                  portcullis audit stats --audit audit --since 24h --tz Europe/Moscow\n  \
                  portcullis audit stats --audit audit --since 2026-11-01 --until 2026-12-01 --format json")]
pub(super) struct Arguments {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    period: Period,
    /// For whom the result is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(super) fn execute(arguments: &Arguments) -> Result<Ending, Diagnostics> {
    let (since, until) = arguments.period.bounds(SystemClock::new().now())?;
    let zone = arguments.period.zone();
    let walk = Walk::new(arguments.place.audit.clone(), Cursor::START);
    let mut reading = Reading::new(Wanted { since, until, ..Wanted::default() }, walk);
    let mut tally = Tally::default();
    reading.read_on(&mut |_, told| {
        tally.count(&told, zone);
        true
    })?;
    say(&match arguments.format {
        Format::Json => json_text(&json(&tally, zone)),
        Format::Text => text(&tally, zone, &Brush::of(screen::width())),
    });
    Ok(if tally.records > 0 && !reading.is_damaged() { Ending::Done } else { Ending::FoundSomething })
}

/// With what bars are drawn.
struct Brush {
    width: usize,
    /// Of what was done, refused, and neither.
    signs: [char; 3],
}

impl Brush {
    /// Block elements for a terminal, and plain signs where there is none.
    fn of(terminal: Option<usize>) -> Self {
        match terminal {
            Some(width) => Self { width, signs: ['█', '▒', '░'] },
            None => Self { width: WIDTH, signs: ['#', '-', '.'] },
        }
    }

    /// A bar of which `most` would fill the columns that are left of the line beside `used`; what is not nothing has one sign.
    fn bar(&self, parts: [u64; 3], most: u64, used: usize) -> String {
        let room = u128::try_from(self.width.saturating_sub(used).clamp(8, 60)).unwrap_or(8);
        let signs = |count: u64| match count {
            0 => 0,
            count => usize::try_from((u128::from(count) * room / u128::from(most.max(1))).max(1)).unwrap_or(1),
        };
        parts.iter().zip(self.signs).map(|(count, sign)| sign.to_string().repeat(signs(*count))).collect()
    }
}

fn text(tally: &Tally, zone: &Zone, brush: &Brush) -> String {
    let Some((first, last)) = tally.times else { return "no record of the log fits\n".to_owned() };
    let mut out = String::new();
    let _ = writeln!(out, "{} records, {} to {}", tally.records, shown(first, zone), shown(last, zone));
    let _ = writeln!(out, "\nby operation");
    let operations = tally.operations.iter().map(|(name, reasons)| (name.as_str(), reasons.values().sum()));
    let sums: Vec<(&str, u64)> = operations.collect();
    counted(&mut out, &sums, brush);
    let _ = writeln!(out, "\nby reason");
    let reasons: Vec<(&str, u64)> = tally.reasons().into_iter().collect();
    counted(&mut out, &reasons, brush);
    let by_hour = tally.hours.len() <= HOURS_SHOWN;
    let [done, refused, other] = brush.signs;
    let period = if by_hour { "hour" } else { "day" };
    let _ = writeln!(out, "\nby {period} ({done} done, {refused} refused, {other} other)");
    let mut times: BTreeMap<String, Ends> = BTreeMap::new();
    let mut order: Vec<(String, Ends)> = Vec::new();
    for (began, ends) in &tally.hours {
        let began = shown(UnixMillis::new(began.saturating_mul(1_000)), zone);
        if by_hour {
            order.push((began, *ends));
        } else {
            let day = times.entry(began.chars().take(10).collect()).or_default();
            *day =
                Ends { done: day.done + ends.done, refused: day.refused + ends.refused, other: day.other + ends.other };
        }
    }
    order.extend(times);
    let most = order.iter().map(|(_, ends)| ends.all()).max().unwrap_or_default();
    for (began, ends) in order {
        let bar = brush.bar([ends.done, ends.refused, ends.other], most, began.len() + 15);
        let _ = writeln!(out, "  {began} {:>9}  {bar}", ends.all());
    }
    out
}

/// A line for each, the most frequent first.
fn counted(out: &mut String, all: &[(&str, u64)], brush: &Brush) {
    let mut all = all.to_vec();
    all.sort_by_key(|(name, count)| (std::cmp::Reverse(*count), *name));
    let names: Vec<String> = all.iter().map(|(name, _)| plain(name)).collect();
    let wide = names.iter().map(|name| name.chars().count()).max().unwrap_or_default();
    let most = all.first().map(|(_, count)| *count).unwrap_or_default();
    if all.is_empty() {
        out.push_str("  nothing ended\n");
    }
    for (name, (_, count)) in names.iter().zip(&all) {
        let bar = brush.bar([*count, 0, 0], most, wide + 15);
        let _ = writeln!(out, "  {name:<wide$} {count:>9}  {bar}");
    }
}

fn json(tally: &Tally, zone: &Zone) -> Value {
    let operations = tally.operations.iter().map(|(name, reasons)| {
        object([
            ("operation", name.as_str().into()),
            ("count", number(reasons.values().sum())),
            ("reasons", counts(reasons.iter().map(|(reason, count)| (reason.as_str(), *count)))),
        ])
    });
    let hours = tally.hours.iter().map(|(began, ends)| {
        object([
            ("hour", shown(UnixMillis::new(began.saturating_mul(1_000)), zone).into()),
            ("done", number(ends.done)),
            ("refused", number(ends.refused)),
            ("other", number(ends.other)),
        ])
    });
    let time = |time: Option<UnixMillis>| time.map_or(Value::Null, |time| shown(time, zone).into());
    object([
        ("records", number(tally.records)),
        ("first", time(tally.times.map(|(first, _)| first))),
        ("last", time(tally.times.map(|(_, last)| last))),
        ("kinds", counts(tally.kinds.iter().map(|(kind, count)| (kind.as_str(), *count)))),
        ("operations", operations.collect::<Vec<_>>().into()),
        ("reasons", counts(tally.reasons().into_iter())),
        ("hours", hours.collect::<Vec<_>>().into()),
    ])
}

fn shown(time: UnixMillis, zone: &Zone) -> String {
    zone.shown(time.get()).unwrap_or_else(|| time.to_string())
}

fn counts<'n>(all: impl Iterator<Item = (&'n str, u64)>) -> Value {
    all.map(|(name, count)| (name, number(count))).collect::<Object>().into()
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    members.into_iter().collect::<Object>().into()
}

fn number(number: u64) -> Value {
    Number::try_from(number).map_or(Value::Null, Value::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::sha256_joined;
    use std::fs;

    fn tallied(lines: &[(&str, &str)], zone: &Zone) -> Tally {
        let folder = tempfile::tempdir().unwrap();
        let line = |(time, members): &(&str, &str)| {
            let line = format!(r#"{{"v":2,"time":"{time}",{members}"#);
            let sum: String = sha256_joined(&[&[0], line.as_bytes()]).to_string().chars().take(16).collect();
            format!("{line},\"sum\":\"{sum}\"}}\n")
        };
        fs::write(folder.path().join("segment-0000000001.jsonl"), lines.iter().map(line).collect::<String>()).unwrap();
        let mut tally = Tally::default();
        let mut reading = Reading::new(Wanted::default(), Walk::new(folder.path().to_owned(), Cursor::START));
        let counted = reading.read_on(&mut |_, told| {
            tally.count(&told, zone);
            true
        });
        counted.unwrap_or_else(|faults| panic!("{faults}"));
        tally
    }

    const A: &str = r#""receipt":"r-aebagbafaydqqcikbmga2dqpca""#;
    const B: &str = r#""receipt":"r-aaaaaaaaaaaaaaaaaaaaaaaaaa""#;

    fn night() -> Vec<(&'static str, String)> {
        vec![
            ("2026-11-26T22:10:00.000Z", format!(r#""kind":"intent",{A},"operation":"openDoor""#)),
            ("2026-11-26T22:10:01.000Z", format!(r#""kind":"outcome",{A},"state":"done","reason":"done""#)),
            ("2026-11-26T22:50:00.000Z", format!(r#""kind":"intent",{B},"operation":"openDoor""#)),
            (
                "2026-11-26T23:00:00.000Z",
                format!(r#""kind":"outcome",{B},"state":"unknown","reason":"outcome-unknown""#),
            ),
            (
                "2026-11-26T23:00:00.000Z",
                r#""kind":"refusal","operation":"a\u001b[2J\u202eb","reason":"revoked""#.to_owned(),
            ),
            (
                "2026-11-26T23:00:00.000Z",
                r#""kind":"refusals","count":3,"reasons":{"revoked":2,"rate-peer":1}"#.to_owned(),
            ),
            ("2026-11-26T23:00:00.000Z", r#""kind":"delivery","operation":"grant.revoked","state":"sent""#.to_owned()),
            (
                "2026-11-26T23:00:00.000Z",
                r#""kind":"delivery","operation":"grant.revoked","state":"delivered""#.to_owned(),
            ),
            ("2026-11-26T23:00:00.000Z", r#""kind":"stop""#.to_owned()),
        ]
    }

    #[test]
    fn what_ended_is_counted_once_by_operation_reason_and_hour_and_drawn() {
        let zone = Zone::named("Europe/Moscow").unwrap();
        let night = night();
        let lines: Vec<(&str, &str)> = night.iter().map(|(time, members)| (*time, members.as_str())).collect();
        let tally = tallied(&lines, &zone);
        let drawn = text(&tally, &zone, &Brush::of(None));
        let full = "#".repeat(60);
        let part = |sixtieth: usize| "#".repeat(sixtieth);
        let wanted = format!(
            "9 records, 2026-11-27T01:10:00.000+03:00 to 2026-11-27T02:00:00.000+03:00\n\n\
             by operation\n  \
             (in sums)                   3  {full}\n  \
             openDoor                    2  {}\n  \
             a\\u{{1b}}[2J\\u{{202e}}b         1  {}\n  \
             grant.revoked               1  {}\n\n\
             by reason\n  \
             revoked                 3  {full}\n  \
             delivered               1  {}\n  \
             done                    1  {}\n  \
             outcome-unknown         1  {}\n  \
             rate-peer               1  {}\n\n\
             by hour (# done, - refused, . other)\n  \
             2026-11-27T01:00:00.000+03:00         1  {}\n  \
             2026-11-27T02:00:00.000+03:00         6  {}{}{}\n",
            part(40),
            part(20),
            part(20),
            part(20),
            part(20),
            part(20),
            part(20),
            "#".repeat(9),
            "#".repeat(9),
            "-".repeat(37),
            ".".repeat(9),
        );
        assert_eq!(drawn, wanted);
        let json: serde_json::Value = serde_json::from_str(&json_text(&json(&tally, &zone))).unwrap();
        assert_eq!(json["operations"][1]["operation"], "a\u{1b}[2J\u{202e}b");
        assert_eq!(
            json["reasons"],
            serde_json::json!({"delivered": 1, "done": 1, "outcome-unknown": 1, "rate-peer": 1, "revoked": 3})
        );
        assert_eq!(
            json["hours"][1],
            serde_json::json!({"hour": "2026-11-27T02:00:00.000+03:00", "done": 1, "refused": 4, "other": 1})
        );
    }

    #[test]
    fn a_terminal_gets_blocks_that_fit_and_many_hours_are_days() {
        let refused = |hour: u64| {
            let time = UnixMillis::new(1_800_000_000_000 + hour * 3_600_000).to_string();
            (time, r#""kind":"refusal","operation":"openDoor","reason":"revoked""#)
        };
        let drawn = |hours: u64| {
            let lines: Vec<_> = (0..hours).map(refused).collect();
            let lines: Vec<(&str, &str)> = lines.iter().map(|(time, members)| (time.as_str(), *members)).collect();
            text(&tallied(&lines, &Zone::UTC), &Zone::UTC, &Brush::of(Some(60)))
        };
        let (hours, days) = (drawn(72), drawn(73));
        assert!(hours.contains("by hour (█ done, ▒ refused") && hours.lines().count() == 72 + 9, "{hours}");
        assert!(days.contains("by day (█ done") && days.lines().count() == 4 + 9, "{days}");
        for line in hours.lines().chain(days.lines()).filter(|line| line.starts_with(' ')) {
            assert!(line.chars().count() <= 62, "{line}");
        }
        assert_eq!(text(&Tally::default(), &Zone::UTC, &Brush::of(None)), "no record of the log fits\n");
    }
}

//! How often what happened, counted from the records of a log.
//!
//! What is counted is how things ended, each once: an outcome, a refusal, an answer given again, an event that was taken, the
//! end of an attempt to deliver one. A sum of refusals counts for as many as it stands for; of which operations they were is
//! not on record.

use crate::audit::record::Kind;
use crate::audit::select::Selected;
use crate::clock::UnixMillis;
use crate::json::Value;
use crate::model::Zone;
use std::collections::BTreeMap;

/// The place of those in a list of operations of which only sums are on record.
const SUMMED: &str = "(in sums)";

/// What was counted.
#[derive(Debug, Default)]
pub struct Tally {
    /// All records.
    pub records: u64,
    /// Times of the first and the last.
    pub times: Option<(UnixMillis, UnixMillis)>,
    /// Records by their kinds.
    pub kinds: BTreeMap<String, u64>,
    /// Ends by operation or event, and by reason.
    pub operations: BTreeMap<String, BTreeMap<String, u64>>,
    /// Ends by the hour in which they were recorded: by the second of Unix time at which a clock of the zone began it.
    pub hours: BTreeMap<u64, Ends>,
}

/// How things ended.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Ends {
    /// As they should.
    pub done: u64,
    /// Nothing was done.
    pub refused: u64,
    /// Neither, or nobody knows.
    pub other: u64,
}

enum End {
    Done,
    Refused,
    Other,
}

impl Tally {
    /// Counts a record, in the hour of `zone`.
    pub fn count(&mut self, told: &Selected, zone: &Zone) {
        let record = &told.record;
        let time = record.time();
        self.records += 1;
        let (first, last) = self.times.unwrap_or((time, time));
        self.times = Some((first.min(time), last.max(time)));
        *self.kinds.entry(record.kind().to_owned()).or_default() += 1;
        let text = |name: &str| told.text(name).unwrap_or_default();
        match Kind::of_word(record.kind()) {
            Some(Kind::Outcome) => {
                let end = match record.text("state") {
                    Some("done") => End::Done,
                    Some("unknown") => End::Other,
                    _ => End::Refused,
                };
                self.ended(text("operation"), text("reason"), 1, &end, time, zone);
            }
            Some(Kind::Refusal) => self.ended(text("operation"), text("reason"), 1, &End::Refused, time, zone),
            Some(Kind::Repeat) => self.ended(text("operation"), text("reason"), 1, &End::Other, time, zone),
            Some(Kind::Event) => self.ended(text("operation"), "taken", 1, &End::Done, time, zone),
            Some(Kind::Delivery) => match text("state") {
                "sent" => {}
                state @ "delivered" => self.ended(text("operation"), state, 1, &End::Done, time, zone),
                state => self.ended(text("operation"), state, 1, &End::Other, time, zone),
            },
            Some(Kind::Refusals) => {
                let Some(Value::Object(reasons)) = record.get("reasons") else { return };
                for (reason, count) in reasons.iter() {
                    let count = count.as_integer().and_then(|count| u64::try_from(count).ok()).unwrap_or_default();
                    self.ended(SUMMED, reason, count, &End::Refused, time, zone);
                }
            }
            _ => {}
        }
    }

    /// Ends by reason, of all operations.
    #[must_use]
    pub fn reasons(&self) -> BTreeMap<&str, u64> {
        let mut all = BTreeMap::new();
        for (reason, count) in self.operations.values().flatten() {
            *all.entry(reason.as_str()).or_default() += count;
        }
        all
    }

    fn ended(&mut self, operation: &str, reason: &str, count: u64, end: &End, time: UnixMillis, zone: &Zone) {
        let name = if operation.is_empty() { "(none)" } else { operation };
        let reasons = self.operations.entry(name.to_owned()).or_default();
        *reasons.entry(reason.to_owned()).or_default() += count;
        let ends = self.hours.entry(hour(time, zone)).or_default();
        match end {
            End::Done => ends.done += count,
            End::Refused => ends.refused += count,
            End::Other => ends.other += count,
        }
    }
}

impl Ends {
    /// All together.
    #[must_use]
    pub const fn all(self) -> u64 {
        self.done.saturating_add(self.refused).saturating_add(self.other)
    }
}

/// When the hour of a time began by the zone's clocks, which may be half an hour beside those of UTC.
fn hour(time: UnixMillis, zone: &Zone) -> u64 {
    const HOUR_S: i64 = 3_600;
    let seconds = time.seconds().get();
    let offset = i64::from(zone.offset_s(seconds).unwrap_or_default());
    let past = i64::try_from(seconds).unwrap_or_default().saturating_add(offset).rem_euclid(HOUR_S);
    seconds.saturating_sub(u64::try_from(past).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_begins_when_a_clock_of_the_zone_begins_it() {
        let began = |time: &str, zone: &str| {
            let began = hour(UnixMillis::parse(time).unwrap(), &Zone::named(zone).unwrap());
            UnixMillis::new(began * 1_000).to_string()
        };
        assert_eq!(began("2026-11-27T03:59:59.999Z", "UTC"), "2026-11-27T03:00:00.000Z");
        assert_eq!(began("2026-11-27T04:00:00.000Z", "UTC"), "2026-11-27T04:00:00.000Z");
        assert_eq!(began("2026-11-27T03:59:59.999Z", "Asia/Kolkata"), "2026-11-27T03:30:00.000Z");
        assert_eq!(began("2026-11-27T03:29:59.999Z", "Asia/Kolkata"), "2026-11-27T02:30:00.000Z");
        assert_eq!(began("1970-01-01T00:00:00.000Z", "Asia/Kolkata"), "1970-01-01T00:00:00.000Z");
    }
}

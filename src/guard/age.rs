//! Age: a command that is older than its operation allows is refused (`max_age` in `x-portcullis`).
//!
//! A door that opens a minute late opens for whoever stands there now. Age counts from the command's own time: the `iat` of
//! the app's proof of possession (RFC 9449 §4.2) where there is one, since nobody between can change that; else what the
//! backend says in the header `Command-Time`, a Date of RFC 9651 §3.3.7 (`@1700000000`). Both in whole seconds of Unix time;
//! a token's lifetime is another limit. Skew is granted towards the future only: an old command stays old. No clock is read
//! here.

use crate::clock::UnixSeconds;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;

/// The header in which the backend says when the user asked.
const COMMAND_TIME: HeaderName = HeaderName::from_static("command-time");

/// When a command was issued, and how old it may grow.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CommandAge {
    /// The command's own time.
    pub issued_at: UnixSeconds,
    /// How many seconds it stays good; `None` where the operation sets no limit.
    pub max_age_s: Option<u64>,
}

/// Why a command's time is not accepted. Holds no times: an answer must not tell a stranger our clock.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AgeFault {
    /// There is no time where one is demanded, more than one, or one that is no date.
    #[error("the command's time is missing or no date")]
    Invalid,
    /// Dated further ahead than the clocks may differ.
    #[error("the command is dated in the future")]
    FromTheFuture,
    /// Older than its operation allows.
    #[error("the command is older than its operation allows")]
    TooOld,
}

/// The command's age, if its time can be read and, at `now`, lies neither too far back nor more than `skew_s` ahead.
///
/// `proven` is the time of its proof of possession. A header beside it must say the same second: of two times, one would
/// go unheard.
///
/// Where the operation has no `max_age_s`, a command needs no time; one that is given must still be a date and not in
/// the future, for policies may ask how old the command is.
///
/// # Errors
/// [`AgeFault::TooOld`] one second past `max_age_s`; [`AgeFault::FromTheFuture`] one second past `skew_s`;
/// [`AgeFault::Invalid`] for anything but one header line with one date, for another one than the proof's, or for no time
/// where the operation has a limit.
pub fn command_age(
    fields: &HeaderMap,
    proven: Option<UnixSeconds>,
    max_age_s: Option<u64>,
    skew_s: u64,
    now: UnixSeconds,
) -> Result<Option<CommandAge>, AgeFault> {
    let mut lines = fields.get_all(&COMMAND_TIME).iter();
    let written = match (lines.next(), lines.next()) {
        (Some(line), None) => Some(read_date(line)?),
        (None, _) => None,
        (Some(_), Some(_)) => return Err(AgeFault::Invalid),
    };
    let issued_at = match (proven, written) {
        (Some(proven), Some(written)) if proven != written => return Err(AgeFault::Invalid),
        (Some(time), _) | (None, Some(time)) => time,
        (None, None) if max_age_s.is_none() => return Ok(None),
        (None, None) => return Err(AgeFault::Invalid),
    };
    let age = CommandAge { issued_at, max_age_s };
    if issued_at.since(now) > skew_s {
        return Err(AgeFault::FromTheFuture);
    }
    if age.is_over(now) {
        return Err(AgeFault::TooOld);
    }
    Ok(Some(age))
}

impl CommandAge {
    /// Whether the command is older than its operation allows.
    #[must_use]
    pub fn is_over(self, now: UnixSeconds) -> bool {
        self.max_age_s.is_some_and(|max_age_s| now.since(self.issued_at) > max_age_s)
    }

    /// The last second at which the command is young enough; `None` where the operation sets no limit.
    #[must_use]
    pub fn good_until(self) -> Option<UnixSeconds> {
        self.max_age_s.map(|max_age_s| self.issued_at.plus(max_age_s))
    }
}

/// Reads an Item of RFC 9651 that is a Date without parameters, not before 1970.
fn read_date(line: &HeaderValue) -> Result<UnixSeconds, AgeFault> {
    let item: sfv::Item = sfv::Parser::new(line.as_bytes()).parse().map_err(|_| AgeFault::Invalid)?;
    match item.bare_item {
        sfv::BareItem::Date(date) if item.params.is_empty() => {
            let seconds = u64::try_from(i64::from(date.unix_seconds())).map_err(|_| AgeFault::Invalid)?;
            Ok(UnixSeconds::new(seconds))
        }
        _ => Err(AgeFault::Invalid),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(lines: &[&'static str], max_age_s: Option<u64>) -> Result<Option<CommandAge>, AgeFault> {
        let fields = lines.iter().map(|line| (COMMAND_TIME, HeaderValue::from_static(line))).collect();
        command_age(&fields, None, max_age_s, 5, UnixSeconds::new(1_000))
    }

    #[test]
    fn the_time_of_a_proof_is_the_commands_and_a_header_beside_it_says_the_same() {
        let at = |proven: u64, lines: &[&'static str], max_age_s| {
            let fields = lines.iter().map(|line| (COMMAND_TIME, HeaderValue::from_static(line))).collect();
            command_age(&fields, Some(UnixSeconds::new(proven)), max_age_s, 5, UnixSeconds::new(1_000))
        };
        let issued_at = |age: Option<CommandAge>| age.map(|age| age.issued_at.get());
        for max_age_s in [Some(30), None] {
            assert_eq!(at(990, &[], max_age_s).map(issued_at), Ok(Some(990)));
            assert_eq!(at(990, &["@990"], max_age_s).map(issued_at), Ok(Some(990)));
            for wrong in [&["@991"][..], &["@989"], &["990"], &["@990", "@990"]] {
                assert_eq!(at(990, wrong, max_age_s), Err(AgeFault::Invalid), "{wrong:?}");
            }
        }
        assert_eq!(at(970, &[], Some(30)).err(), None);
        assert_eq!(at(969, &[], Some(30)).err(), Some(AgeFault::TooOld));
        assert_eq!(at(1_005, &[], Some(30)).err(), None);
        assert_eq!(at(1_006, &[], Some(30)).err(), Some(AgeFault::FromTheFuture));
    }

    #[test]
    fn a_command_passes_at_both_limits_and_is_refused_one_second_past_each() {
        let refusal = |line| at(&[line], Some(30)).err();
        assert_eq!(refusal("@970"), None);
        assert_eq!(refusal("@969"), Some(AgeFault::TooOld));
        assert_eq!(refusal("@1005"), None);
        assert_eq!(refusal("@1006"), Some(AgeFault::FromTheFuture));
    }

    #[test]
    fn a_command_is_good_until_its_last_second_and_not_one_more() {
        let age = at(&["@990"], Some(30)).unwrap().unwrap();
        assert_eq!(age.good_until(), Some(UnixSeconds::new(1_020)));
        assert!(!age.is_over(UnixSeconds::new(1_020)));
        assert!(age.is_over(UnixSeconds::new(1_021)));
    }

    #[test]
    fn what_is_not_one_date_is_refused_whether_or_not_a_time_is_demanded() {
        let wrong =
            ["", "1000", "@", "@1000.0", "@-1", "@1000;a", "@1000, @1000", "@1000 x", "\"1000\"", "@1e3", "@+1"];
        for line in wrong {
            for max_age_s in [Some(30), None] {
                assert_eq!(at(&[line], max_age_s), Err(AgeFault::Invalid), "{line:?}");
            }
        }
        assert_eq!(at(&["@1000", "@1000"], None), Err(AgeFault::Invalid), "two lines");
    }

    #[test]
    fn a_time_is_demanded_exactly_where_the_operation_limits_the_age() {
        assert_eq!(at(&[], Some(30)), Err(AgeFault::Invalid));
        assert_eq!(at(&[], None), Ok(None));
        assert_eq!(at(&["@1"], None).unwrap().unwrap().issued_at, UnixSeconds::new(1));
        assert_eq!(at(&["@1006"], None), Err(AgeFault::FromTheFuture));
    }
}

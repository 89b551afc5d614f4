//! What an attempt means for a delivery: done, tried again and when, or not any more.
//!
//! Waits grow exponentially and are drawn at random between nothing and their bound ("full jitter"), so that those who failed
//! together do not come back together. A receiver may ask for more time (429, 503 with `Retry-After`, RFC 9110 §10.2.3), within
//! the bound of any wait; it cannot ask for less. 410 says that the endpoint is gone (Standard Webhooks, "Responses").

use crate::clock::UnixMillis;
use crate::limits::Limits;
use crate::webhook::store::Settlement;
use http::StatusCode;

/// How attempts follow one another.
#[derive(Clone, Debug)]
pub struct Schedule {
    attempts_max: u64,
    first_wait_ms: u64,
    wait_max_ms: u64,
    age_max_ms: u64,
}

/// What an endpoint answered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Heard {
    /// The status.
    pub status: StatusCode,
    /// For how many milliseconds it asked for, if it did.
    pub retry_after_ms: Option<u64>,
}

/// What is to become of a delivery.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Verdict {
    /// How it stands.
    pub settlement: Settlement,
    /// Why it is not delivered, as a word for the record.
    pub detail: Option<&'static str>,
}

impl Schedule {
    /// By these limits.
    #[must_use]
    pub const fn new(limits: &Limits) -> Self {
        Self {
            attempts_max: limits.delivery_attempts_max,
            first_wait_ms: limits.delivery_first_wait_ms,
            wait_max_ms: limits.delivery_wait_max_s.saturating_mul(1_000),
            age_max_ms: limits.delivery_age_max_s.saturating_mul(1_000),
        }
    }

    /// How long an endpoint that is gone is left alone.
    #[must_use]
    pub const fn gone_ms(&self) -> u64 {
        self.wait_max_ms
    }

    /// How soon an attempt is made again that failed here, before anything could be sent.
    #[must_use]
    pub const fn first_wait_ms(&self) -> u64 {
        self.first_wait_ms
    }

    /// What an answer, or its absence, means after so many `attempts`, this one included. `random` draws the wait.
    #[must_use]
    pub fn verdict(
        &self,
        heard: Result<Heard, &'static str>,
        attempts: u64,
        accepted_at: UnixMillis,
        now: UnixMillis,
        random: u64,
    ) -> Verdict {
        let (detail, asked_ms) = match heard {
            Ok(heard) if heard.status.is_success() => {
                return Verdict { settlement: Settlement::Delivered, detail: None };
            }
            Ok(heard) if heard.status == StatusCode::GONE => return dead("endpoint-gone"),
            Ok(heard) => ("status", heard.asked_ms()),
            Err(word) => (word, 0),
        };
        if attempts >= self.attempts_max {
            return dead("attempts");
        }
        let last = accepted_at.plus(self.age_max_ms);
        if now >= last {
            return dead("age");
        }
        let doublings = u32::try_from(attempts.saturating_sub(1)).unwrap_or(u32::MAX).min(63);
        let bound = self.first_wait_ms.saturating_mul(1 << doublings).min(self.wait_max_ms);
        let drawn = random.checked_rem(bound.saturating_add(1)).unwrap_or_default();
        let wait = drawn.max(asked_ms.min(self.wait_max_ms));
        // The last attempt is made when the time is up, and not left out because its wait would end later.
        let at = now.plus(wait).min(last);
        Verdict { settlement: Settlement::Again { attempts, at }, detail: Some(detail) }
    }
}

impl Heard {
    /// The time that counts: only who is busy may ask for it.
    fn asked_ms(self) -> u64 {
        let busy = matches!(self.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
        self.retry_after_ms.filter(|_| busy).unwrap_or_default()
    }
}

const fn dead(detail: &'static str) -> Verdict {
    Verdict { settlement: Settlement::Dead, detail: Some(detail) }
}

/// Milliseconds that `Retry-After` asks for: seconds, or a date (RFC 9110 §5.6.7); `None` for anything else.
pub(super) fn retry_after_ms(text: &str, now: UnixMillis) -> Option<u64> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More than fits is as good as for ever; the bound of a wait shortens it.
        return Some(text.parse::<u64>().unwrap_or(u64::MAX).saturating_mul(1_000));
    }
    let date = jiff::fmt::rfc2822::parse(text).ok()?.timestamp().as_millisecond();
    Some(u64::try_from(date).unwrap_or_default().saturating_sub(now.get()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis::new(1_000_000_000);

    fn schedule() -> Schedule {
        let limits = Limits {
            delivery_attempts_max: 8,
            delivery_first_wait_ms: 1_000,
            delivery_wait_max_s: 10,
            delivery_age_max_s: 100,
            ..Limits::default()
        };
        Schedule::new(&limits)
    }

    fn answered(status: u16, retry_after_ms: Option<u64>) -> Result<Heard, &'static str> {
        Ok(Heard { status: StatusCode::from_u16(status).unwrap(), retry_after_ms })
    }

    fn after(heard: Result<Heard, &'static str>, attempts: u64, random: u64) -> Verdict {
        schedule().verdict(heard, attempts, NOW, NOW, random)
    }

    /// Milliseconds until the next attempt.
    fn wait(verdict: Verdict) -> u64 {
        match verdict.settlement {
            Settlement::Again { at, .. } => at.get() - NOW.get(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn any_2xx_is_delivered_gone_is_dead_and_everything_else_is_tried_again() {
        for status in 200..=599 {
            let Verdict { settlement, detail } = after(answered(status, None), 1, 0);
            match status {
                200..=299 => assert_eq!((settlement, detail), (Settlement::Delivered, None), "{status}"),
                410 => assert_eq!((settlement, detail), (Settlement::Dead, Some("endpoint-gone"))),
                _ => assert_eq!((settlement, detail), (Settlement::Again { attempts: 1, at: NOW }, Some("status"))),
            }
        }
        assert_eq!(after(Err("handshake"), 1, 0).detail, Some("handshake"));
    }

    #[test]
    fn the_bound_of_a_wait_doubles_up_to_the_longest_and_a_wait_is_drawn_from_all_of_it() {
        for (attempts, bound) in [(1, 1_000), (2, 2_000), (3, 4_000), (4, 8_000), (5, 10_000), (7, 10_000)] {
            let drawn = |random| wait(after(Err("timeout"), attempts, random));
            assert_eq!((drawn(0), drawn(bound), drawn(bound + 1)), (0, bound, 0), "after {attempts}");
            assert_eq!(drawn(7), 7);
        }
    }

    #[test]
    fn who_is_busy_may_ask_for_more_time_within_the_bound_and_for_no_less() {
        for status in [429, 503] {
            assert_eq!(wait(after(answered(status, Some(3_000)), 1, 5)), 3_000, "{status}");
            assert_eq!(wait(after(answered(status, Some(10_001)), 1, 5)), 10_000, "{status}");
            assert_eq!(wait(after(answered(status, Some(1)), 1, 5)), 5, "{status}");
        }
        assert_eq!(wait(after(answered(500, Some(3_000)), 1, 5)), 5, "others are not asked");
    }

    #[test]
    fn the_last_attempt_and_the_age_hold_their_limit_and_not_one_more() {
        assert!(matches!(after(Err("timeout"), 7, 0).settlement, Settlement::Again { .. }));
        assert_eq!(after(Err("timeout"), 8, 0), dead("attempts"));
        assert_eq!(after(answered(200, None), 9, 0).settlement, Settlement::Delivered, "a success is one at any time");
        let aged = |age| schedule().verdict(Err("timeout"), 5, UnixMillis::new(NOW.get() - age), NOW, 9_000);
        assert_eq!(wait(aged(99_999)), 1, "the last one is made when the time is up");
        assert_eq!(aged(100_000), dead("age"));
    }

    #[test]
    fn a_time_to_come_back_is_read_as_seconds_or_as_a_date_and_as_nothing_else() {
        let ms = |text| retry_after_ms(text, UnixMillis::new(784_111_770_000));
        assert_eq!((ms("0"), ms("120")), (Some(0), Some(120_000)));
        assert_eq!(ms("99999999999999999999999"), Some(u64::MAX));
        assert_eq!(ms("Sun, 06 Nov 1994 08:49:37 GMT"), Some(7_000), "the example of RFC 9110");
        assert_eq!(ms("Sun, 06 Nov 1994 08:49:00 GMT"), Some(0), "past");
        for text in ["", "-1", "1.5", " 1", "1s", "soon", "1994-11-06T08:49:37Z"] {
            assert_eq!(ms(text), None, "{text}");
        }
    }
}

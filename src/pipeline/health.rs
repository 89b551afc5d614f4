//! A partner's health, from nothing but what the gateway saw when it did its work: when the last good exchange ended, and
//! what went wrong since the start, by reason. Nobody is asked anything for its sake.

use crate::audit::Outcome;
use crate::audit::OutcomeState;
use crate::clock::UnixMillis;
use crate::model::Reason;
use parking_lot::Mutex;

/// One partner's health; shared by all workers.
#[derive(Default)]
pub struct Health {
    seen: Mutex<Seen>,
}

/// What was seen of a partner since the start.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Seen {
    /// When the last exchange ended that had a valid answer, be it a refusal.
    pub last_good: Option<UnixMillis>,
    /// What failed, by reason, in the order in which the reasons came up.
    pub failures: Vec<Failure>,
}

/// Exchanges that failed for one reason.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Failure {
    /// The word, from our lists.
    pub reason: &'static str,
    /// How many.
    pub count: u64,
    /// When the last of them ended.
    pub last: UnixMillis,
}

impl Seen {
    /// The failure that came last.
    #[must_use]
    pub fn last_failure(&self) -> Option<Failure> {
        self.failures.iter().copied().max_by_key(|failure| failure.last)
    }
}

impl Health {
    /// Takes note of how an exchange ended. What ended for reasons of ours says nothing of the partner.
    pub fn note(&self, outcome: &Outcome, at: UnixMillis) {
        let failed = outcome.detail.unwrap_or(outcome.reason.code());
        match outcome.state {
            OutcomeState::Done | OutcomeState::Refused => self.seen.lock().last_good = Some(at),
            OutcomeState::Unknown => self.failed(failed, at),
            OutcomeState::NotSent if outcome.reason == Reason::PartnerUnreachable => self.failed(failed, at),
            OutcomeState::NotSent | OutcomeState::Withdrawn => {}
        }
    }

    /// What was seen so far.
    #[must_use]
    pub fn seen(&self) -> Seen {
        self.seen.lock().clone()
    }

    /// The reasons are words of closed lists, so this list stays short.
    fn failed(&self, reason: &'static str, at: UnixMillis) {
        let mut seen = self.seen.lock();
        match seen.failures.iter_mut().find(|failure| failure.reason == reason) {
            Some(failure) => (failure.count, failure.last) = (failure.count.saturating_add(1), at),
            None => seen.failures.push(Failure { reason, count: 1, last: at }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_good_a_silence_is_a_failure_and_what_is_our_own_says_nothing() {
        let (health, at) = (Health::default(), UnixMillis::new);
        let ended = |state, reason, detail, when| {
            let outcome = Outcome { detail, ..Outcome::new(state, reason) };
            health.note(&outcome, at(when));
        };
        ended(OutcomeState::Withdrawn, Reason::Withdrawn, Some("revoked"), 1);
        ended(OutcomeState::NotSent, Reason::Internal, Some("signing"), 2);
        assert_eq!(health.seen(), Seen::default());
        ended(OutcomeState::Done, Reason::Done, None, 3);
        ended(OutcomeState::NotSent, Reason::PartnerUnreachable, Some("refused"), 4);
        ended(OutcomeState::Unknown, Reason::OutcomeUnknown, Some("timeout"), 5);
        ended(OutcomeState::NotSent, Reason::PartnerUnreachable, Some("refused"), 6);
        let seen = health.seen();
        assert_eq!(seen.last_good, Some(at(3)));
        let refused = Failure { reason: "refused", count: 2, last: at(6) };
        assert_eq!(seen.failures, [refused, Failure { reason: "timeout", count: 1, last: at(5) }]);
        assert_eq!(seen.last_failure(), Some(refused));
        ended(OutcomeState::Refused, Reason::PartnerRefused, None, 7);
        assert_eq!(health.seen().last_good, Some(at(7)), "who refuses is there");
    }
}

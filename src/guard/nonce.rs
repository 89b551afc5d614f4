//! Nonces for proofs of possession (RFC 9449 §8, §9): that a proof was made for this run of this gateway, and lately.
//!
//! A nonce is the keyed digest of a period's number, under a key that is made at the start and never leaves the process. So
//! nothing is remembered of those that were given out, none of an earlier run or of another gateway is good, and who asks
//! often learns no more than who asks once. That of a period is good in this and the next one, so each for at least half of
//! the limit and never longer; once it is the next, a newer one is offered. It tells no time. No clock is read here.

use crate::clock::UnixSeconds;
use crate::crypto::HmacKey;
use crate::crypto::SecretKey;
use crate::crypto::constant_time_eq;
use crate::crypto::encode_base64url;
use crate::crypto::keyed_digest;
use crate::crypto::random;

/// How many bytes of the digest a nonce holds: 128 bits, which nobody guesses within its lifetime.
const NONCE_BYTES: usize = 16;

/// The nonces of one run.
pub struct Nonces {
    key: HmacKey,
    /// Half of a nonce's lifetime, in seconds.
    period_s: u64,
}

/// What a nonce in a proof is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NonceStanding {
    /// The one that is given out now.
    Newest,
    /// Still good; a newer one is given out by now.
    Older,
    /// None of this run, or its time is over.
    Foreign,
}

impl Nonces {
    /// Nonces that are good for `lifetime_s` seconds, which are at least two.
    pub fn new(lifetime_s: u64) -> Self {
        Self { key: HmacKey::new(&SecretKey::new(random::<32>())), period_s: (lifetime_s / 2).max(1) }
    }

    /// For how many seconds a nonce is good at most.
    pub const fn lifetime_s(&self) -> u64 {
        self.period_s.saturating_mul(2)
    }

    /// The nonce that is given out at `now`.
    pub fn newest(&self, now: UnixSeconds) -> String {
        self.of_period(now.get() / self.period_s)
    }

    /// What `nonce` is at `now`.
    pub fn standing(&self, nonce: &str, now: UnixSeconds) -> NonceStanding {
        let period = now.get() / self.period_s;
        let is = |known: &str| constant_time_eq(known.as_bytes(), nonce.as_bytes());
        match (is(&self.of_period(period)), period.checked_sub(1).is_some_and(|before| is(&self.of_period(before)))) {
            (true, _) => NonceStanding::Newest,
            (false, true) => NonceStanding::Older,
            (false, false) => NonceStanding::Foreign,
        }
    }

    fn of_period(&self, period: u64) -> String {
        let digest = keyed_digest(&self.key, &[b"dpop nonce", &period.to_be_bytes()]);
        encode_base64url(digest.as_bytes().get(..NONCE_BYTES).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    const T: u64 = 1_790_000_000;

    fn at(seconds: u64) -> UnixSeconds {
        UnixSeconds::new(seconds)
    }

    #[test]
    fn a_nonce_is_good_for_its_lifetime_and_not_one_second_more_and_a_newer_one_comes_in_between() {
        let nonces = Nonces::new(120);
        let begin = T / 60 * 60;
        let nonce = nonces.newest(at(begin));
        for (after, standing) in [
            (0, NonceStanding::Newest),
            (59, NonceStanding::Newest),
            (60, NonceStanding::Older),
            (119, NonceStanding::Older),
            (120, NonceStanding::Foreign),
            (1_000_000, NonceStanding::Foreign),
        ] {
            assert_eq!(nonces.standing(&nonce, at(begin + after)), standing, "{after}");
        }
        let last_moment = nonces.newest(at(begin + 59));
        assert_eq!(nonces.standing(&last_moment, at(begin + 119)), NonceStanding::Older, "for half of it at least");
        assert_ne!(nonces.newest(at(begin + 60)), nonce);
        assert_eq!(nonces.standing(&nonce, at(begin - 1)), NonceStanding::Foreign, "the clock was set back");
    }

    #[test]
    fn none_of_another_run_is_good_and_none_is_like_another() {
        let (one, other) = (Nonces::new(120), Nonces::new(120));
        assert_eq!(other.standing(&one.newest(at(T)), at(T)), NonceStanding::Foreign);
        let all: HashSet<String> = (0..1_000).map(|number| one.newest(at(T + number * 60))).collect();
        assert_eq!(all.len(), 1_000);
        let good = one.newest(at(T));
        for wrong in ["", "x", good.get(1..).unwrap(), &format!("{good}A"), &good.to_ascii_uppercase()] {
            assert_eq!(one.standing(wrong, at(T)), NonceStanding::Foreign, "{wrong}");
        }
        // RFC 9449 §8.1: a nonce is of characters that need no quoting.
        assert!(good.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')), "{good}");
    }
}

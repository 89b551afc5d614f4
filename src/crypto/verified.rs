//! Signatures that have been verified: a token that comes again need not be verified again.
//!
//! That a key's signature fits a token is a fact about their bytes, and facts do not age. So a key remembers the SHA-256 of
//! tokens, signature included, that it has verified, and of nothing else: who sends a token that fits no key finds no
//! place here. What does change with time (expiry, revocation, the certificate that a token is bound to) is asked each time,
//! of a token that is remembered just as of any other.

use crate::model::Sha256;
use parking_lot::Mutex;
use std::collections::HashSet;

/// How many tokens one generation holds; two of them take about 2 MiB for each key.
const GENERATION: usize = 16_384;

/// The tokens that one key has verified, the latest of them: at most two generations.
#[derive(Default)]
pub(super) struct Verified(Mutex<Generations>);

#[derive(Default)]
struct Generations {
    young: HashSet<Sha256>,
    old: HashSet<Sha256>,
}

impl Verified {
    /// Whether the token of this digest was verified before.
    pub(super) fn knows(&self, token: &Sha256) -> bool {
        let mut generations = self.0.lock();
        if generations.young.contains(token) {
            return true;
        }
        let known = generations.old.remove(token);
        if known {
            generations.remember(*token);
        }
        known
    }

    /// The token of this digest is verified.
    pub(super) fn remember(&self, token: Sha256) {
        self.0.lock().remember(token);
    }
}

impl Generations {
    fn remember(&mut self, token: Sha256) {
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(token);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(number: usize) -> Sha256 {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        Sha256::new(bytes)
    }

    #[test]
    fn only_what_was_remembered_is_known_and_what_comes_often_stays() {
        let verified = Verified::default();
        assert!(!verified.knows(&digest(0)));
        for number in 0..3 * GENERATION {
            verified.remember(digest(number));
            assert!(verified.knows(&digest(0)), "{number}");
        }
        assert!(!verified.knows(&digest(1)));
        let generations = verified.0.lock();
        assert!(generations.young.len() + generations.old.len() <= 2 * GENERATION);
    }
}

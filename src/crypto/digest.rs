//! Digests, keyed digests, and comparing in constant time.
//!
//! SHA-256 is FIPS 180-4, HMAC is RFC 2104. A keyed digest takes *parts*, each preceded by its length, so that no two
//! lists of parts can run together into the same bytes.

use crate::crypto::seal::KeyError;
use crate::crypto::seal::SecretKey;
use crate::model::Sha256;
use crate::secret::Secret;
use hmac::Hmac;
use hmac::KeyInit;
use hmac::Mac;
use sha2::Digest;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// A key for [`keyed_digest`]. Wiped when dropped.
pub struct HmacKey(Zeroizing<[u8; 64]>);

impl HmacKey {
    /// The key that `key` holds for keyed digests; another one than it holds for sealing.
    #[must_use]
    pub fn new(key: &SecretKey) -> Self {
        // A key shorter than the hash's block is filled up with zeros (RFC 2104 §2).
        let mut block = Zeroizing::new([0; 64]);
        for (byte, derived) in block.iter_mut().zip(key.derive("hmac-sha256").expose()) {
            *byte = *derived;
        }
        Self(block)
    }

    /// Reads the secret and derives the key for keyed digests from it.
    ///
    /// # Errors
    /// As [`SecretKey::from_secret`].
    pub fn from_secret(secret: &Secret) -> Result<Self, KeyError> {
        SecretKey::from_secret(secret).map(|key| Self::new(&key))
    }
}

/// The SHA-256 digest of `bytes`.
#[must_use]
pub fn sha256(bytes: &[u8]) -> Sha256 {
    let mut digest = [0; 32];
    let made = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    digest.copy_from_slice(made.as_ref());
    Sha256::new(digest)
}

/// The SHA-256 digest of these bytes one after the other, as if they were one; nothing marks where one ends.
#[must_use]
pub fn sha256_joined(pieces: &[&[u8]]) -> Sha256 {
    let mut digesting = Digesting::default();
    pieces.iter().for_each(|piece| digesting.update(piece));
    digesting.finish()
}

/// A SHA-256 digest in the making. Its state lies where it is made: the one of `aws-lc-rs` is allocated, which costs more than
/// hashing what is as short as a node of a tree.
#[derive(Default)]
pub struct Digesting(sha2::Sha256);

impl Digesting {
    /// Adds bytes behind those so far.
    pub fn update(&mut self, bytes: &[u8]) {
        Digest::update(&mut self.0, bytes);
    }

    /// The digest of the bytes so far, to which more may be added.
    #[must_use]
    pub fn so_far(&self) -> Sha256 {
        Self(self.0.clone()).finish()
    }

    /// The digest of all bytes.
    #[must_use]
    pub fn finish(self) -> Sha256 {
        Sha256::new(self.0.finalize().into())
    }
}

/// HMAC-SHA256 over the parts, each preceded by its length in eight bytes, big end first.
#[must_use]
pub fn keyed_digest(key: &HmacKey, parts: &[&[u8]]) -> Sha256 {
    let mut mac = Hmac::<sha2::Sha256>::new((&*key.0).into());
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    Sha256::new(mac.finalize().into_bytes().into())
}

/// Whether both are equal, in a time that depends on their lengths alone.
#[must_use]
pub fn constant_time_eq(one: &[u8], other: &[u8]) -> bool {
    one.ct_eq(other).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sha256_is_that_of_fips_180_4() {
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256(b"abc").to_string(), expected);
    }

    #[test]
    fn a_digest_in_the_making_is_that_of_the_bytes_so_far_and_may_go_on() {
        let mut digesting = Digesting::default();
        digesting.update(b"ab");
        assert_eq!(digesting.so_far(), sha256(b"ab"));
        digesting.update(b"c");
        assert_eq!(digesting.finish(), sha256(b"abc"));
    }

    /// The key is derived, so the published vectors of RFC 4231 do not fit it; an HMAC of the other library does.
    #[test]
    fn a_keyed_digest_is_hmac_over_parts_with_their_lengths() {
        let key = HmacKey::new(&SecretKey::new([7; 32]));
        let other = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &key.0[..32]);
        let framed = [&[0, 0, 0, 0, 0, 0, 0, 2][..], b"ab", &[0, 0, 0, 0, 0, 0, 0, 0]].concat();
        let expected = aws_lc_rs::hmac::sign(&other, &framed);
        assert_eq!(keyed_digest(&key, &[b"ab", b""]).as_bytes(), expected.as_ref());
    }

    #[test]
    fn parts_do_not_run_together() {
        let key = HmacKey::new(&SecretKey::new([7; 32]));
        let digests =
            [keyed_digest(&key, &[b"ab", b"c"]), keyed_digest(&key, &[b"a", b"bc"]), keyed_digest(&key, &[b"abc"])];
        assert!(digests[0] != digests[1] && digests[1] != digests[2] && digests[0] != digests[2]);
    }

    #[test]
    fn comparing_tells_length_and_content_apart() {
        assert!(constant_time_eq(b"same", b"same"));
        assert!(!constant_time_eq(b"same", b"sane"));
        assert!(!constant_time_eq(b"same", b"sam"));
    }
}

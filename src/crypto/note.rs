//! Signed notes (C2SP signed-note): a text of ours, and under it a signature that names its key.
//!
//! The text ends with a line feed; an empty line follows, then `— NAME BASE64`, where the base64 holds four bytes of the key's
//! hash and the Ed25519 signature (RFC 8032) over the text. The hash is the beginning of SHA-256 over name, line feed, `0x01`
//! and the public key, so that a key is good under one name only. What verifies is written as one line, the *vkey*:
//! `NAME+HASH+BASE64` of `0x01` and the public key.

use crate::crypto::digest::sha256;
use crate::crypto::jwk::Algorithm;
use crate::crypto::spki::public_digest;
use crate::model::Sha256;
use crate::secret::Secret;
use aws_lc_rs::signature::Ed25519KeyPair;
use aws_lc_rs::signature::KeyPair;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject;
use std::fmt;

/// The longest name of a key, in bytes; every partner token carries one.
const NAME_MAX_BYTES: usize = 128;

/// The kind of signature, Ed25519, before a key that is hashed or written.
const ED25519: u8 = 0x01;

/// The name of a key that signs notes: like a URL without its scheme, for instance `gateway.prop.example/audit`.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct NoteName(Box<str>);

/// A text that is the name of no key here.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a name of a log is 1 to 128 letters, digits and `.`, `-`, `_`, `~`, `:`, `/`, the first a letter or a digit")]
pub struct NoteNameError;

/// A key that signs notes, and its name.
pub struct NoteSigner {
    name: NoteName,
    pair: Ed25519KeyPair,
    hash: [u8; 4],
}

/// Why a file holds no key that signs notes.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NoteKeyError {
    /// No `PRIVATE KEY` section.
    #[error("no PKCS#8 key in PEM (`-----BEGIN PRIVATE KEY-----`)")]
    NoPkcs8,
    /// Another kind of key.
    #[error("the key is not Ed25519")]
    NotEd25519,
}

impl NoteName {
    /// A name: what C2SP takes (no space, no `+`), and of that only what needs no escape anywhere.
    ///
    /// # Errors
    /// [`NoteNameError`].
    pub fn new(text: &str) -> Result<Self, NoteNameError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_~:/".contains(&byte);
        let first = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
        let is_name = first && text.len() <= NAME_MAX_BYTES && text.bytes().all(plain);
        is_name.then(|| Self(text.into())).ok_or(NoteNameError)
    }

    /// The name.
    #[must_use]
    pub const fn as_str(&self) -> &str {
        &self.0
    }
}

impl NoteSigner {
    /// Reads a PKCS#8 key in PEM, which signs under this name.
    ///
    /// # Errors
    /// [`NoteKeyError`].
    pub fn from_pem(name: NoteName, pem: &Secret) -> Result<Self, NoteKeyError> {
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem.expose()).map_err(|_| NoteKeyError::NoPkcs8)?;
        let pair = Ed25519KeyPair::from_pkcs8(der.secret_pkcs8_der()).map_err(|_| NoteKeyError::NotEd25519)?;
        let hashed = [name.as_str().as_bytes(), &[b'\n', ED25519], pair.public_key().as_ref()].concat();
        let hash = sha256(&hashed).as_bytes().first_chunk().copied().unwrap_or_default();
        Ok(Self { name, pair, hash })
    }

    /// The name of the key.
    #[must_use]
    pub const fn name(&self) -> &NoteName {
        &self.name
    }

    /// The hash by which a note names the key, in hexadecimal digits.
    #[must_use]
    pub fn key_hash(&self) -> String {
        let [a, b, c, d] = self.hash;
        format!("{a:02x}{b:02x}{c:02x}{d:02x}")
    }

    /// What verifies its notes, in one line.
    #[must_use]
    pub fn vkey(&self) -> String {
        let key = STANDARD.encode([&[ED25519], self.pair.public_key().as_ref()].concat());
        format!("{}+{}+{key}", self.name.as_str(), self.key_hash())
    }

    /// The digest of the public key, by which it is the same key in whatever file.
    #[must_use]
    pub fn public_digest(&self) -> Sha256 {
        public_digest(Algorithm::EdDsa, self.pair.public_key().as_ref())
    }

    /// The note of a text that ends with a line feed.
    #[must_use]
    pub fn sign(&self, text: &str) -> String {
        let signature = self.pair.sign(text.as_bytes());
        let signature = STANDARD.encode([&self.hash, signature.as_ref()].concat());
        format!("{text}\n\u{2014} {} {signature}\n", self.name.as_str())
    }
}

/// Its public side alone.
impl fmt::Debug for NoteSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NoteSigner {{ {} }}", self.vkey())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::jwk::SigningAlgorithm;
    use crate::crypto::signing::SigningKey;

    /// The key of the example in the documentation of Go's `golang.org/x/mod/sumdb/note`, as PKCS#8 (RFC 8410 §7).
    fn published() -> NoteSigner {
        let written = STANDARD.decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz").unwrap();
        let prefix = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
        let der = STANDARD.encode([&prefix[..], &written[1..]].concat());
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{der}\n-----END PRIVATE KEY-----\n");
        NoteSigner::from_pem(NoteName::new("PeterNeumann").unwrap(), &Secret::new(pem.into_bytes())).unwrap()
    }

    #[test]
    fn a_published_note_comes_out_byte_for_byte() {
        let key = published();
        assert_eq!(key.vkey(), "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW");
        let text =
            "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
        let signed = "\n\u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
        assert_eq!(key.sign(text), format!("{text}{signed}"));
    }

    #[test]
    fn a_name_has_128_bytes_and_not_one_more_and_nothing_that_c2sp_or_a_log_of_ours_would_trip_over() {
        assert!(NoteName::new(&"a".repeat(NAME_MAX_BYTES)).is_ok());
        for name in ["gateway.prop.example/audit", "localhost:8443/a_b~c", "A"] {
            assert_eq!(NoteName::new(name).unwrap().as_str(), name);
        }
        let long = "a".repeat(NAME_MAX_BYTES + 1);
        for name in [long.as_str(), "", "a b", "a+b", "a\nb", "a\u{a0}b", "\u{e9}", "a\"b", "/a", "-a"] {
            assert!(NoteName::new(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn other_keys_are_refused() {
        let refusal = |pem: &Secret| NoteSigner::from_pem(NoteName::new("a").unwrap(), pem).err();
        let other = SigningKey::generate_pem(SigningAlgorithm::Es256).unwrap();
        assert_eq!(refusal(&other), Some(NoteKeyError::NotEd25519));
        assert_eq!(refusal(&Secret::new(b"no PEM".to_vec())), Some(NoteKeyError::NoPkcs8));
        assert!(refusal(&SigningKey::generate_pem(SigningAlgorithm::EdDsa).unwrap()).is_none());
    }
}

//! HTTP message signatures (RFC 9421): which parts of a request are signed, the text that is signed (§2.5), and signing it.
//!
//! All parts that [`SignedParts`] holds are covered, in the order in which they were put in, so nobody can sign fewer than they
//! name. Names of fields are written in lower case; a field that stands in several lines is one part, its values joined
//! with a comma (§2.1). Derived components are those of a request in origin form (§2.2): method, authority, path, query.
//!
//! There are two algorithms, `ed25519` and `ecdsa-p256-sha256` (§3.3); the key tells which.

use crate::clock::UnixSeconds;
use crate::crypto::jwk::Algorithm;
use crate::crypto::signing::SignError;
use crate::crypto::signing::SigningKey;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt::Write;

/// The label under which a signature stands in both fields; it means nothing (RFC 9421 §4.1).
pub(super) const LABEL: &str = "sig";

/// The parts of one request that a signature covers, each with its value.
pub struct SignedParts {
    parts: Vec<(String, String)>,
}

/// What a signature says of itself (RFC 9421 §2.3), beside key and algorithm.
pub struct SignatureTerms<'t> {
    /// When it is made.
    pub created: UnixSeconds,
    /// From when on it is not good any more.
    pub expires: UnixSeconds,
    /// Random, so that no two signatures are the same; in plain characters.
    pub nonce: &'t str,
    /// For what it is made; in plain characters.
    pub tag: &'t str,
}

/// A signature, as the values of its two fields.
pub struct MessageSignature {
    /// `Signature-Input`
    pub input: String,
    /// `Signature`
    pub signature: String,
}

impl SignedParts {
    /// Method, authority, path and query of a request over `https` whose target is in origin form. Where there is no query, its
    /// part is a question mark alone (RFC 9421 §2.2.7), so that adding one does not go unseen.
    #[must_use]
    pub fn of_request(method: &str, authority: &str, target: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let authority = authority.to_ascii_lowercase();
        let authority = authority.strip_suffix(":443").unwrap_or(&authority).to_owned();
        let path = if path.is_empty() { "/" } else { path };
        let parts = [
            ("@method", method.to_owned()),
            ("@authority", authority),
            ("@path", path.to_owned()),
            ("@query", format!("?{query}")),
        ];
        Self { parts: parts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect() }
    }

    /// Adds one line of a field. Another line of the same name belongs to the same part.
    ///
    /// # Errors
    /// [`SignError`] where the value is not of visible characters and blanks: the text that is signed has no place for others.
    pub fn add(&mut self, name: &str, value: &[u8]) -> Result<(), SignError> {
        let value = std::str::from_utf8(value).map_err(|_| SignError)?.trim_matches([' ', '\t']);
        if !value.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\t')) {
            return Err(SignError);
        }
        let name = name.to_ascii_lowercase();
        match self.parts.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => {
                known.push_str(", ");
                known.push_str(value);
            }
            None => self.parts.push((name, value.to_owned())),
        }
        Ok(())
    }

    /// Signs all parts.
    ///
    /// # Errors
    /// [`SignError`].
    pub fn sign(&self, key: &SigningKey, terms: &SignatureTerms<'_>) -> Result<MessageSignature, SignError> {
        let names: Vec<_> = self.parts.iter().map(|(name, _)| format!("\"{name}\"")).collect();
        let SignatureTerms { created, expires, nonce, tag } = terms;
        let params = format!(
            "({});created={};expires={};nonce=\"{nonce}\";keyid=\"{}\";alg=\"{}\";tag=\"{tag}\"",
            names.join(" "),
            created.get(),
            expires.get(),
            key.kid(),
            name_of(key.verified_by()).ok_or(SignError)?,
        );
        let base = self.base(self.parts.iter().map(|(name, _)| name.as_str()), &params).ok_or(SignError)?;
        let signature = key.sign(base.as_bytes())?;
        Ok(MessageSignature {
            input: format!("{LABEL}={params}"),
            signature: format!("{LABEL}=:{}:", STANDARD.encode(signature.as_ref())),
        })
    }

    /// The names of all parts.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().map(|(name, _)| name.as_str())
    }

    /// The text that is signed (RFC 9421 §2.5) where `names` are covered; `None` if there is no part of one of these names.
    pub(super) fn base<'n>(&self, names: impl Iterator<Item = &'n str>, params: &str) -> Option<String> {
        let mut base = String::with_capacity(1024);
        for name in names {
            let (_, value) = self.parts.iter().find(|(known, _)| known == name)?;
            writeln!(base, "\"{name}\": {value}").ok()?;
        }
        write!(base, "\"@signature-params\": {params}").ok()?;
        Some(base)
    }
}

/// What RFC 9421 §6.2.2 calls an algorithm of ours; `None` for one that is none of its registry's.
pub(super) const fn name_of(algorithm: Algorithm) -> Option<&'static str> {
    match algorithm {
        Algorithm::Es256 => Some("ecdsa-p256-sha256"),
        Algorithm::EdDsa => Some("ed25519"),
        Algorithm::Es384 | Algorithm::Ps256 | Algorithm::Rs256 => None,
    }
}

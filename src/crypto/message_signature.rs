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
use std::borrow::Cow;
use std::fmt::Write;

/// The label under which a signature stands in both fields; it means nothing (RFC 9421 §4.1).
pub(super) const LABEL: &str = "sig";

/// So many parts a request to a partner has; more are no fault.
const PARTS: usize = 16;
/// The text of such a request that is signed is hardly longer.
const TEXT_BYTES: usize = 2048;
/// A signature of 64 bytes in base64.
const SIGNATURE_CHARS: usize = 88;

/// The parts of one request that a signature covers, each with its value.
pub struct SignedParts<'r> {
    parts: Vec<(Cow<'r, str>, Cow<'r, str>)>,
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

impl<'r> SignedParts<'r> {
    /// Method, authority, path and query of a request over `https` whose target is in origin form. Where there is no query, its
    /// part is a question mark alone (RFC 9421 §2.2.7), so that adding one does not go unseen.
    #[must_use]
    pub fn of_request(method: &'r str, authority: &'r str, target: &'r str) -> Self {
        let (path, query) = target.split_at(target.find('?').unwrap_or(target.len()));
        let or = |text: &'r str, absent| if text.is_empty() { absent } else { text };
        let authority = match lower_case(authority) {
            Cow::Borrowed(plain) => plain.strip_suffix(":443").unwrap_or(plain).into(),
            Cow::Owned(plain) => plain.strip_suffix(":443").unwrap_or(&plain).to_owned().into(),
        };
        let mut parts = Vec::with_capacity(PARTS);
        parts.push(("@method".into(), method.into()));
        parts.push(("@authority".into(), authority));
        parts.push(("@path".into(), or(path, "/").into()));
        parts.push(("@query".into(), or(query, "?").into()));
        Self { parts }
    }

    /// Adds one line of a field. Another line of the same name belongs to the same part.
    ///
    /// # Errors
    /// [`SignError`] where the value is not of visible characters and blanks: the text that is signed has no place for others.
    pub fn add(&mut self, name: &'r str, value: &'r [u8]) -> Result<(), SignError> {
        let value = std::str::from_utf8(value).map_err(|_| SignError)?.trim_matches([' ', '\t']);
        if !value.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\t')) {
            return Err(SignError);
        }
        let name = lower_case(name);
        match self.parts.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => {
                let known = known.to_mut();
                known.push_str(", ");
                known.push_str(value);
            }
            None => self.parts.push((name, value.into())),
        }
        Ok(())
    }

    /// Signs all parts.
    ///
    /// # Errors
    /// [`SignError`].
    pub fn sign(&self, key: &SigningKey, terms: &SignatureTerms<'_>) -> Result<MessageSignature, SignError> {
        let SignatureTerms { created, expires, nonce, tag } = terms;
        let (created, expires) = (created.get(), expires.get());
        let (kid, alg) = (key.kid(), name_of(key.verified_by()).ok_or(SignError)?);
        let mut input = String::with_capacity(TEXT_BYTES);
        input.push_str(LABEL);
        input.push('=');
        let params_at = input.len();
        for (index, (name, _)) in self.parts.iter().enumerate() {
            input.push_str(if index == 0 { "(\"" } else { "\" \"" });
            input.push_str(name);
        }
        write!(
            input,
            "\");created={created};expires={expires};nonce=\"{nonce}\";keyid=\"{kid}\";alg=\"{alg}\";tag=\"{tag}\""
        )
        .map_err(|_| SignError)?;
        let params = input.get(params_at..).unwrap_or_default();
        let mut base = String::with_capacity(TEXT_BYTES);
        self.parts.iter().for_each(|(name, value)| append(&mut base, name, value));
        append_params(&mut base, params);
        let made = key.sign(base.as_bytes())?;
        let mut signature = String::with_capacity(LABEL.len() + 3 + SIGNATURE_CHARS);
        signature.push_str(LABEL);
        signature.push_str("=:");
        STANDARD.encode_string(made.as_ref(), &mut signature);
        signature.push(':');
        Ok(MessageSignature { input, signature })
    }

    /// The names of all parts.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().map(|(name, _)| &**name)
    }

    /// The text that is signed (RFC 9421 §2.5) where `names` are covered; `None` if there is no part of one of these names.
    pub(super) fn base<'n>(&self, names: impl Iterator<Item = &'n str>, params: &str) -> Option<String> {
        let mut base = String::with_capacity(TEXT_BYTES);
        for name in names {
            let (_, value) = self.parts.iter().find(|(known, _)| known == name)?;
            append(&mut base, name, value);
        }
        append_params(&mut base, params);
        Some(base)
    }
}

/// One line of the text that is signed.
fn append(base: &mut String, name: &str, value: &str) {
    for piece in ["\"", name, "\": ", value, "\n"] {
        base.push_str(piece);
    }
}

/// Its last line.
fn append_params(base: &mut String, params: &str) {
    base.push_str("\"@signature-params\": ");
    base.push_str(params);
}

/// The text in lower case, which it mostly is already.
fn lower_case(text: &str) -> Cow<'_, str> {
    match text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => text.to_ascii_lowercase().into(),
        false => text.into(),
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

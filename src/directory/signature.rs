//! The backend's signature over an update: a detached JWS (RFC 7515 appendix F) over the body, byte by byte as it came.
//!
//! Its header is exactly `alg`, `kid` and `typ`, as in tokens: nothing in it is obeyed. `kid` looks up a key, `alg` is
//! compared with the key's, and `typ` says that it was signed for this and nothing else (RFC 8725 §3.11), so that no
//! signature under the same key for another purpose can be one. `crit`, and with it `b64` of RFC 7797, is refused.

use crate::crypto::DetachedJws;
use crate::crypto::KeySet;
use crate::json::JsonError;
use crate::json::Limits;
use crate::json::Reader;
use std::borrow::Cow;

/// The `typ` of these signatures.
pub const TYPE: &str = "portcullis-directory+jws";

/// The longest value of a member of the header, in bytes.
const MAX_VALUE_BYTES: usize = 256;

/// Proof that a key of the backend signed these bytes; only [`Signed::verify`] makes one.
///
/// ```
/// use portcullis::directory::{Document, Signed};
/// use portcullis::problem::WrongPlace;
/// fn read(it: &Signed<'_>) -> Result<Document, WrongPlace> {
///     Document::read(it)
/// }
/// ```
/// Bytes alone are none:
/// ```compile_fail
/// use portcullis::directory::{Document, Signed};
/// use portcullis::problem::WrongPlace;
/// fn read(it: &[u8]) -> Result<Document, WrongPlace> {
///     Document::read(it)
/// }
/// ```
#[must_use = "what nobody reads was verified in vain"]
pub struct Signed<'b> {
    pub(super) bytes: &'b [u8],
}

/// Why an update counts as signed by nobody.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SignatureFault {
    /// No detached JWS with such a header.
    #[error("there is no signature in the form that is wanted")]
    Form,
    /// No key of that id, or one for another algorithm than the header says.
    #[error("the signature names no key of the directory with its algorithm")]
    UnknownKey,
    /// The key did not sign these bytes.
    #[error("the signature does not fit")]
    Mismatch,
}

impl SignatureFault {
    /// One word for the log.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Form => "form",
            Self::UnknownKey => "unknown-key",
            Self::Mismatch => "mismatch",
        }
    }
}

impl<'b> Signed<'b> {
    /// Verifies `signature`, a detached JWS, over `bytes`. Costs as much as there are bytes.
    ///
    /// # Errors
    /// [`SignatureFault`].
    pub fn verify(keys: &KeySet, signature: &str, bytes: &'b [u8]) -> Result<Self, SignatureFault> {
        let jws = DetachedJws::split(signature).map_err(|_| SignatureFault::Form)?;
        let members = members(jws.header()).map_err(|_| SignatureFault::Form)?;
        let [algorithm, kid, typ] = members.ok_or(SignatureFault::Form)?;
        if typ != TYPE {
            return Err(SignatureFault::Form);
        }
        let key = keys.key(&kid).filter(|key| key.algorithm().is_called(&algorithm));
        let key = key.ok_or(SignatureFault::UnknownKey)?;
        key.verify_detached(&jws, bytes).map_err(|_| SignatureFault::Mismatch)?;
        Ok(Self { bytes })
    }
}

/// `alg`, `kid` and `typ`, if all are there and nothing else.
fn members(text: &[u8]) -> Result<Option<[Cow<'_, str>; 3]>, JsonError> {
    let limits = Limits { max_depth: 1, max_members: 4, max_elements: 0, max_string_bytes: MAX_VALUE_BYTES };
    let mut reader = Reader::new(text, limits)?;
    let (mut algorithm, mut kid, mut typ) = (None, None, None);
    reader.begin_object()?;
    while let Some(name) = reader.next_key()? {
        let place = match &*name {
            "alg" => &mut algorithm,
            "kid" => &mut kid,
            "typ" => &mut typ,
            _ => return Ok(None),
        };
        *place = Some(reader.string(MAX_VALUE_BYTES)?);
    }
    reader.finish()?;
    Ok(algorithm.zip(kid).zip(typ).map(|((algorithm, kid), typ)| [algorithm, kid, typ]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::SigningAlgorithm;
    use crate::crypto::SigningKey;
    use crate::crypto::jwks_json;

    fn detached(key: &SigningKey, header: &str, bytes: &[u8]) -> String {
        let whole = key.sign_jws_with_header(header.as_bytes(), bytes).unwrap();
        let (header, rest) = whole.split_once('.').unwrap();
        let (_, signature) = rest.split_once('.').unwrap();
        format!("{header}..{signature}")
    }

    #[test]
    fn only_a_key_of_the_set_with_its_own_algorithm_and_our_type_signs_and_only_these_bytes() {
        for algorithm in SigningAlgorithm::ALL {
            let key = |_| SigningKey::from_pem(&SigningKey::generate_pem(algorithm).unwrap()).unwrap();
            let [ours, other] = [0, 1].map(key);
            let keys = KeySet::parse(jwks_json(&[&ours]).as_bytes()).unwrap();
            let (alg, kid) = (ours.algorithm(), ours.kid());
            let fault = |key: &SigningKey, header: &str| {
                Signed::verify(&keys, &detached(key, header, b"content"), b"content").err()
            };
            let header = |alg: &str, kid: &str, typ: &str| format!(r#"{{"alg":"{alg}","kid":"{kid}","typ":"{typ}"}}"#);
            let good = header(alg, kid, TYPE);
            assert_eq!(fault(&ours, &good), None);
            assert_eq!(fault(&other, &good), Some(SignatureFault::Mismatch), "a stranger under our key's name");
            assert_eq!(fault(&other, &header(alg, other.kid(), TYPE)), Some(SignatureFault::UnknownKey));
            for named in ["none", "HS256", "ES384", "RS256", "es256"] {
                assert_eq!(fault(&ours, &header(named, kid, TYPE)), Some(SignatureFault::UnknownKey), "{named}");
            }
            for typ in ["", "JWT", "at+jwt", "application/portcullis-directory+jws"] {
                assert_eq!(fault(&ours, &header(alg, kid, typ)), Some(SignatureFault::Form), "{typ}");
            }
            let more = |member: &str| good.replacen('{', &format!("{{{member},"), 1);
            for member in
                [r#""crit":["b64"]"#, r#""b64":false"#, r#""jwk":{}"#, r#""x":1"#, &format!(r#""alg":"{alg}""#)]
            {
                assert_eq!(fault(&ours, &more(member)), Some(SignatureFault::Form), "{member}");
            }
            for lacking in [format!(r#"{{"alg":"{alg}","typ":"{TYPE}"}}"#), "{}".into(), "[]".into(), "x".into()] {
                assert_eq!(fault(&ours, &lacking), Some(SignatureFault::Form), "{lacking}");
            }
            let signature = detached(&ours, &good, b"content");
            assert!(Signed::verify(&keys, &signature, b"content").is_ok());
            assert_eq!(Signed::verify(&keys, &signature, b"content ").err(), Some(SignatureFault::Mismatch));
            assert_eq!(Signed::verify(&keys, "", b"content").err(), Some(SignatureFault::Form));
        }
    }
}

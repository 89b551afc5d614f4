//! An issuer's public keys from a JWKS (RFC 7517 §5), kept ready for verifying.
//!
//! What is not meant for verifying tokens with our algorithms is passed over, as RFC 7517 §5 wants it: an RSA key beside
//! ours, an encryption key. What should never stand in a published set, or makes it ambiguous, refuses the whole set: a
//! symmetric or private key, one without `kid`, two different keys of one `kid`, one that is no point of its curve.
//!
//! The text is an operator's file, read by the strict parser of `json/`.

use crate::crypto::base64url::decode_exactly;
use crate::crypto::jwk::Algorithm;
use crate::crypto::jws::Jws;
use crate::json::JsonError;
use crate::json::Limits;
use crate::json::Value;
use crate::json::parse;
use aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED;
use aws_lc_rs::signature::ED25519;
use aws_lc_rs::signature::ParsedPublicKey;

/// The largest JWKS that is read, in bytes.
const MAX_JWKS_BYTES: usize = 256 * 1024;
/// The most keys in a set.
const MAX_KEYS: usize = 64;
/// The longest `kid`, in bytes.
const MAX_KID_BYTES: usize = 256;

/// Members that only a private or symmetric key has (RFC 7518 §6).
const PRIVATE_MEMBERS: [&str; 8] = ["d", "k", "p", "q", "dp", "dq", "qi", "oth"];

/// The verifying keys of one issuer.
#[derive(Debug)]
pub struct KeySet {
    keys: Vec<VerifyingKey>,
}

/// A public key that verifies tokens with one algorithm.
pub struct VerifyingKey {
    kid: Box<str>,
    algorithm: Algorithm,
    key: ParsedPublicKey,
    bytes: Vec<u8>,
}

/// Why a JWKS is refused. Keys are counted from 1.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum KeySetError {
    /// Longer than 256 KiB.
    #[error("key set is longer than 256 KiB")]
    TooLarge,
    /// Not strict JSON.
    #[error("key set is not strict JSON: {0}")]
    Json(JsonError),
    /// No object with an array `keys`.
    #[error("key set is no object with an array `keys`")]
    NoKeys,
    /// More than 64 keys.
    #[error("key set holds more than 64 keys")]
    TooManyKeys,
    /// A key that is no object, or has a member of the wrong type.
    #[error("key {0} is malformed")]
    Malformed(usize),
    /// A symmetric or private key: whoever publishes it has lost it.
    #[error("key {0} is secret and must not stand in a key set")]
    SecretKey(usize),
    /// A key for verifying without `kid`, or with one that is empty or longer than 256 bytes.
    #[error("key {0} has no usable `kid`")]
    NoKid(usize),
    /// A key for verifying that is no point of its curve, or is not spelled as RFC 7518 says.
    #[error("key {0} is not a key of its curve")]
    NotOnCurve(usize),
    /// Another key with the same `kid`.
    #[error("key {0} has the `kid` of another key")]
    SameKid(usize),
    /// Nothing in the set can verify a token here.
    #[error("key set holds no key for ES256 or EdDSA")]
    NothingUsable,
}

/// A signature does not fit its token.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("signature does not fit")]
pub struct SignatureError;

impl KeySet {
    /// Reads a JWKS.
    ///
    /// # Errors
    /// [`KeySetError`]; see there what refuses the whole set.
    pub fn parse(text: &[u8]) -> Result<Self, KeySetError> {
        if text.len() > MAX_JWKS_BYTES {
            return Err(KeySetError::TooLarge);
        }
        let limits = Limits { max_depth: 8, ..Limits::default() };
        let set = parse(text, limits).map_err(KeySetError::Json)?;
        let listed = set.get("keys").and_then(Value::as_array).ok_or(KeySetError::NoKeys)?;
        if listed.len() > MAX_KEYS {
            return Err(KeySetError::TooManyKeys);
        }
        let mut keys: Vec<VerifyingKey> = Vec::with_capacity(listed.len());
        for (index, jwk) in listed.iter().enumerate() {
            let number = index + 1;
            let Some(key) = read_key(jwk, number)? else { continue };
            match keys.iter().find(|known| known.kid == key.kid) {
                Some(known) if known.algorithm == key.algorithm && known.bytes == key.bytes => {}
                Some(_) => return Err(KeySetError::SameKid(number)),
                None => keys.push(key),
            }
        }
        if keys.is_empty() {
            return Err(KeySetError::NothingUsable);
        }
        Ok(Self { keys })
    }

    /// The key of that id.
    #[must_use]
    pub fn key(&self, kid: &str) -> Option<&VerifyingKey> {
        self.keys.iter().find(|key| &*key.kid == kid)
    }

    /// The keys' ids, in the order of the file.
    pub fn kids(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|key| &*key.kid)
    }
}

impl VerifyingKey {
    /// The one algorithm that the key is for.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Verifies a token's signature; nothing else of it.
    ///
    /// # Errors
    /// [`SignatureError`].
    pub fn verify(&self, jws: &Jws<'_>) -> Result<(), SignatureError> {
        self.key.verify_sig(jws.signed, &jws.signature).map_err(|_| SignatureError)
    }
}

impl std::fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "VerifyingKey({} {})", self.algorithm.name(), self.kid)
    }
}

/// The key of `jwk`, or `None` if it is not for verifying with our algorithms.
fn read_key(jwk: &Value, number: usize) -> Result<Option<VerifyingKey>, KeySetError> {
    let members = jwk.as_object().ok_or(KeySetError::Malformed(number))?;
    let text = |name: &str| match members.get(name) {
        None => Ok(None),
        Some(value) => value.as_str().map(Some).ok_or(KeySetError::Malformed(number)),
    };
    let kind = text("kty")?.ok_or(KeySetError::Malformed(number))?;
    if kind == "oct" || PRIVATE_MEMBERS.iter().any(|name| members.get(name).is_some()) {
        return Err(KeySetError::SecretKey(number));
    }
    let algorithm = match (kind, text("crv")?) {
        ("EC", Some("P-256")) => Algorithm::Es256,
        ("OKP", Some("Ed25519")) => Algorithm::EdDsa,
        _ => return Ok(None),
    };
    let called_otherwise = text("alg")?.is_some_and(|name| !algorithm.is_called(name));
    let used_otherwise = text("use")?.is_some_and(|name| name != "sig");
    if called_otherwise || used_otherwise || !may_verify(members.get("key_ops"), number)? {
        return Ok(None);
    }
    let kid = text("kid")?.filter(|kid| (1..=MAX_KID_BYTES).contains(&kid.len())).ok_or(KeySetError::NoKid(number))?;
    let coordinate = |name: &str| {
        let text = text(name)?.ok_or(KeySetError::NotOnCurve(number))?;
        decode_exactly::<32>(text.as_bytes()).ok_or(KeySetError::NotOnCurve(number))
    };
    let bytes = match algorithm {
        Algorithm::Es256 => [&[4][..], &coordinate("x")?, &coordinate("y")?].concat(),
        Algorithm::EdDsa => coordinate("x")?.to_vec(),
    };
    let key = match algorithm {
        Algorithm::Es256 => ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &bytes),
        Algorithm::EdDsa => ParsedPublicKey::new(&ED25519, &bytes),
    };
    let key = key.map_err(|_| KeySetError::NotOnCurve(number))?;
    Ok(Some(VerifyingKey { kid: kid.into(), algorithm, key, bytes }))
}

/// Whether `key_ops` (RFC 7517 §4.3), if it is there, names `verify`.
fn may_verify(operations: Option<&Value>, number: usize) -> Result<bool, KeySetError> {
    let Some(operations) = operations else { return Ok(true) };
    let operations = operations.as_array().ok_or(KeySetError::Malformed(number))?;
    Ok(operations.iter().any(|operation| operation.as_str() == Some("verify")))
}

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
use crate::crypto::verified::Verified;
use crate::json::JsonError;
use crate::json::Limits;
use crate::json::Value;
use crate::json::parse;
use aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED;
use aws_lc_rs::signature::ED25519;
use aws_lc_rs::signature::ParsedPublicKey;
use jsonwebtoken::DecodingKey;

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
    /// As [`PublicKey`](crate::crypto::jwk::PublicKey) has them; to tell two keys of one `kid` apart.
    bytes: Vec<u8>,
    key: DecodingKey,
    verified: Verified,
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
        let token = jws.digest();
        if self.verified.knows(&token) {
            return Ok(());
        }
        let algorithm = match self.algorithm {
            Algorithm::Es256 => jsonwebtoken::Algorithm::ES256,
            Algorithm::EdDsa => jsonwebtoken::Algorithm::EdDSA,
        };
        match jsonwebtoken::crypto::verify(jws.signature, jws.signed, &self.key, algorithm) {
            Ok(true) => {
                self.verified.remember(token);
                Ok(())
            }
            Ok(false) | Err(_) => Err(SignatureError),
        }
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
    // The token library would find out with the first token; an operator wants to know now.
    let (key, checked) = match algorithm {
        Algorithm::Es256 => (DecodingKey::from_ec_der(&bytes), ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &bytes)),
        Algorithm::EdDsa => (DecodingKey::from_ed_der(&bytes), ParsedPublicKey::new(&ED25519, &bytes)),
    };
    checked.map_err(|_| KeySetError::NotOnCurve(number))?;
    Ok(Some(VerifyingKey { kid: kid.into(), algorithm, bytes, key, verified: Verified::default() }))
}

/// Whether `key_ops` (RFC 7517 §4.3), if it is there, names `verify`.
fn may_verify(operations: Option<&Value>, number: usize) -> Result<bool, KeySetError> {
    let Some(operations) = operations else { return Ok(true) };
    let operations = operations.as_array().ok_or(KeySetError::Malformed(number))?;
    Ok(operations.iter().any(|operation| operation.as_str() == Some("verify")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const X: &str = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
    const Y: &str = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";
    const ED: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    fn p256(kid: &str, rest: &str) -> String {
        format!(r#"{{"kty":"EC","crv":"P-256","x":"{X}","y":"{Y}","kid":"{kid}"{rest}}}"#)
    }

    fn ed25519(kid: &str, rest: &str) -> String {
        format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{ED}","kid":"{kid}"{rest}}}"#)
    }

    /// The kids of the set, or why it is refused.
    fn read(keys: &[&str]) -> Result<Vec<String>, KeySetError> {
        let set = KeySet::parse(format!(r#"{{"keys":[{}]}}"#, keys.join(",")).as_bytes())?;
        Ok(set.kids().map(str::to_owned).collect())
    }

    /// RFC 7515 appendix A.3: the library says yes to the published token, and no once a bit is another.
    #[test]
    fn the_published_es256_token_verifies() {
        let token = "eyJhbGciOiJFUzI1NiJ9.\
             eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.\
             DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
        verifies_until_it_is_changed(&p256("a", ""), token);
    }

    /// RFC 8037 appendix A.4.
    #[test]
    fn the_published_eddsa_token_verifies() {
        let token = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.\
             hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
        verifies_until_it_is_changed(&ed25519("a", ""), token);
    }

    fn verifies_until_it_is_changed(key: &str, token: &str) {
        let set = KeySet::parse(format!(r#"{{"keys":[{key}]}}"#).as_bytes()).unwrap();
        let key = set.key("a").unwrap();
        assert_eq!(key.verify(&Jws::split(token).unwrap()), Ok(()));
        // One character of each part, in its middle: the last one of a part has stray bits.
        for place in [5, 30, token.len() - 40] {
            let mut changed = token.to_owned().into_bytes();
            changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(key.verify(&Jws::split(&changed).unwrap()), Err(SignatureError), "character {place}");
        }
        let zeros = format!("{}.{}", token.rsplit_once('.').unwrap().0, "A".repeat(86));
        assert_eq!(key.verify(&Jws::split(&zeros).unwrap()), Err(SignatureError), "CVE-2022-21449");
    }

    #[test]
    fn keys_for_other_things_are_passed_over() {
        let rsa = r#"{"kty":"RSA","n":"AQAB","e":"AQAB","kid":"rsa","use":"sig"}"#;
        let p384 = r#"{"kty":"EC","crv":"P-384","x":"AQAB","y":"AQAB","kid":"p384"}"#;
        let x25519 = r#"{"kty":"OKP","crv":"X25519","x":"AQAB","kid":"x25519"}"#;
        let others = [
            rsa.to_owned(),
            p384.to_owned(),
            x25519.to_owned(),
            p256("encryption", r#","use":"enc""#),
            p256("agreement", r#","alg":"ECDH-ES""#),
            p256("signing-only", r#","key_ops":["sign"]"#),
            ed25519("ed448", r#","alg":"Ed448""#),
        ];
        for other in &others {
            assert_eq!(read(&[other]), Err(KeySetError::NothingUsable), "{other}");
            assert_eq!(read(&[other, &p256("ours", "")]), Ok(vec!["ours".to_owned()]), "{other}");
        }
        let ours = p256("a", r#","use":"sig","alg":"ES256","key_ops":["verify"],"x5c":["MII"]"#);
        let names = [ours, ed25519("b", r#","alg":"EdDSA""#), ed25519("c", r#","alg":"Ed25519""#)];
        assert_eq!(read(&[&names[0], &names[1], &names[2]]).unwrap(), ["a", "b", "c"]);
    }

    #[test]
    fn what_should_not_stand_in_a_set_refuses_it() {
        let good = p256("a", "");
        let refused = |key: &str| read(&[&good, key]).unwrap_err();
        assert_eq!(refused(r#"{"kty":"oct","k":"AQAB","kid":"b"}"#), KeySetError::SecretKey(2));
        assert_eq!(refused(&p256("b", r#","d":"AQAB""#)), KeySetError::SecretKey(2));
        assert_eq!(refused(r#"{"kty":"RSA","n":"AQAB","e":"AQAB","p":"AQAB"}"#), KeySetError::SecretKey(2));
        assert_eq!(refused(&p256("", "")), KeySetError::NoKid(2));
        assert_eq!(refused(&p256(&"k".repeat(257), "")), KeySetError::NoKid(2));
        assert_eq!(read(&[&p256(&"k".repeat(256), "")]).unwrap().len(), 1);
        assert_eq!(refused(&good.replace(r#","kid":"a""#, "")), KeySetError::NoKid(2));
        assert_eq!(refused(&ed25519("a", "")), KeySetError::SameKid(2));
        assert_eq!(read(&[&good, &good]).unwrap(), ["a"], "the same key twice is one key");
        assert_eq!(refused(&p256("b", "").replace("f83O", "f83P")), KeySetError::NotOnCurve(2));
        assert_eq!(refused(&p256("b", "").replace(Y, Y.trim_start_matches('x'))), KeySetError::NotOnCurve(2));
        assert_eq!(refused(&p256("b", "").replace(X, &format!("{X}="))), KeySetError::NotOnCurve(2));
        assert_eq!(refused(&p256("b", r#","use":1"#)), KeySetError::Malformed(2));
        assert_eq!(refused(&p256("b", r#","key_ops":"verify""#)), KeySetError::Malformed(2));
        assert_eq!(refused("1"), KeySetError::Malformed(2));
        assert_eq!(refused(r#"{"crv":"P-256"}"#), KeySetError::Malformed(2));
        assert!(matches!(refused(&p256("b", r#","kid":"c""#)), KeySetError::Json(_)));
    }

    #[test]
    fn a_set_has_64_keys_and_not_one_more() {
        let keys: Vec<String> = (0..65).map(|number| p256(&number.to_string(), "")).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        assert_eq!(read(&keys[..64]).unwrap().len(), 64);
        assert_eq!(read(&keys), Err(KeySetError::TooManyKeys));
        assert_eq!(KeySet::parse(b"{}").err(), Some(KeySetError::NoKeys));
        assert_eq!(KeySet::parse(b"[]").err(), Some(KeySetError::NoKeys));
        assert_eq!(KeySet::parse(&vec![b' '; MAX_JWKS_BYTES + 1]).err(), Some(KeySetError::TooLarge));
        assert_ne!(KeySet::parse(&vec![b' '; MAX_JWKS_BYTES]).err(), Some(KeySetError::TooLarge));
    }
}

//! An issuer's public keys from a JWKS (RFC 7517 §5), kept ready for verifying.
//!
//! What is not meant for verifying tokens with our algorithms is passed over, as RFC 7517 §5 wants it: a key of another
//! curve beside ours, an encryption key. What should never stand in a published set, or makes it ambiguous, refuses the whole
//! set: a symmetric or private key, one without `kid`, two different keys of one `kid`, one that is no point of its curve, an
//! RSA key that is weak.
//!
//! The text is an operator's file, read by the strict parser of `json/`.

use crate::crypto::jwk::Algorithm;
use crate::crypto::spki::public_digest;
use crate::crypto::verifying::VerifyingKey;
use crate::json::JsonError;
use crate::json::Limits;
use crate::json::Value;
use crate::json::parse;
use crate::model::Sha256;

/// The largest JWKS that is read, in bytes.
const MAX_JWKS_BYTES: usize = 256 * 1024;
/// The most keys in a set.
const MAX_KEYS: usize = 64;

/// The verifying keys of one issuer.
#[derive(Debug)]
pub struct KeySet {
    keys: Vec<VerifyingKey>,
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
    /// An RSA modulus of less than 2,048 bits, or of more than 8,192.
    #[error("key {0} is an RSA key of less than 2,048 or more than 8,192 bits")]
    RsaSize(usize),
    /// An RSA exponent that is even, not above 2^16, or not below 2^32.
    #[error("key {0} is an RSA key with an exponent that is even, below 65537 or above 2^32")]
    RsaExponent(usize),
    /// Nothing in the set can verify a token here.
    #[error("key set holds no key for ES256, ES384, EdDSA, PS256 or RS256 that says so")]
    NothingUsable,
}

impl KeySet {
    /// Reads a JWKS. An RSA key that does not say for which algorithm it is is passed over.
    ///
    /// # Errors
    /// [`KeySetError`]; see there what refuses the whole set.
    pub fn parse(text: &[u8]) -> Result<Self, KeySetError> {
        Self::parse_for(text, &[])
    }

    /// Reads the JWKS of an issuer that uses `algorithms`. Where just one of these is of RSA, an RSA key that does not say
    /// for which it is is for that one.
    ///
    /// # Errors
    /// [`KeySetError`]; see there what refuses the whole set.
    pub fn parse_for(text: &[u8], algorithms: &[Algorithm]) -> Result<Self, KeySetError> {
        let mut of_rsa = algorithms.iter().copied().filter(|algorithm| algorithm.is_rsa());
        let rsa = of_rsa.next().filter(|_| of_rsa.next().is_none());
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
            let Some(key) = VerifyingKey::read(jwk, number, rsa)? else { continue };
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

    /// The digest of each public key, by which it is the same key under whatever id and in whatever file.
    pub fn public_digests(&self) -> impl Iterator<Item = Sha256> {
        self.keys.iter().map(|key| public_digest(key.algorithm, &key.bytes))
    }

    /// The keys' ids, in the order of the file.
    pub fn kids(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|key| &*key.kid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::base64url::encode_base64url;
    use crate::crypto::jws::Jws;
    use crate::crypto::verifying::SignatureError;

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
        let p521 = r#"{"kty":"EC","crv":"P-521","x":"AQAB","y":"AQAB","kid":"p521"}"#;
        let x25519 = r#"{"kty":"OKP","crv":"X25519","x":"AQAB","kid":"x25519"}"#;
        let others = [
            rsa.to_owned(),
            rsa.replace("sig\"", "sig\",\"alg\":\"RS512\""),
            rsa.replace("sig\"", "sig\",\"alg\":\"RSA-OAEP\""),
            rsa.replace("sig\"", "enc\",\"alg\":\"PS256\""),
            rsa.replace("sig\"", "sig\",\"alg\":\"PS256\",\"crv\":\"P-256\""),
            p521.to_owned(),
            p256("p384", r#","alg":"ES384""#),
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
    fn one_key_under_two_ids_has_one_digest() {
        let digests = |keys: &[String]| {
            let set = KeySet::parse(format!(r#"{{"keys":[{}]}}"#, keys.join(",")).as_bytes()).unwrap();
            set.public_digests().collect::<Vec<_>>()
        };
        let both = digests(&[ed25519("a", ""), p256("b", "")]);
        assert_eq!(digests(&[p256("a", "")]), both[1..]);
        assert_ne!(both[0], both[1]);
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

    /// A key of so many bits: any odd number is a modulus to the one who only verifies.
    fn rsa(bits: usize, exponent: &[u8], rest: &str) -> String {
        let mut modulus = vec![0xff; bits.div_ceil(8)];
        modulus[0] >>= modulus.len() * 8 - bits;
        let (n, e) = (encode_base64url(&modulus), encode_base64url(exponent));
        format!(r#"{{"kty":"RSA","n":"{n}","e":"{e}","kid":"rsa"{rest}}}"#)
    }

    const E: &[u8] = &[1, 0, 1];

    #[test]
    fn an_rsa_key_is_neither_weak_nor_endless_and_its_exponent_is_sane() {
        let read = |key: &str| read(&[key]).err();
        for (bits, fault) in [
            (2_048, None),
            (8_192, None),
            (1_024, Some(KeySetError::RsaSize(1))),
            (2_047, Some(KeySetError::RsaSize(1))),
            (8_193, Some(KeySetError::RsaSize(1))),
        ] {
            assert_eq!(read(&rsa(bits, E, r#","alg":"RS256""#)), fault, "{bits}");
        }
        let exponent = |exponent: &[u8]| read(&rsa(2_048, exponent, r#","alg":"PS256""#));
        assert_eq!(exponent(&[0xff, 0xff, 0xff, 0xff]), None);
        for bad in
            [&[3][..], &[1], &[2], &[0xff, 0xff], &[1, 0, 0], &[1, 0, 2], &[1, 0, 0, 0, 1], &[0xff; 9], &[0xff; 256]]
        {
            assert_eq!(exponent(bad), Some(KeySetError::RsaExponent(1)), "{bad:?}");
        }
        for bad in [&[][..], &[0], &[0, 1, 0, 1]] {
            assert_eq!(exponent(bad), Some(KeySetError::Malformed(1)), "{bad:?}");
        }
        let padded = rsa(2_048, E, r#","alg":"RS256""#).replace("AQAB", "AQAB=");
        assert_eq!(read(&padded), Some(KeySetError::Malformed(1)));
        let zero_first = rsa(2_048, E, r#","alg":"RS256""#).replace("\"n\":\"_", "\"n\":\"A");
        assert_eq!(read(&zero_first), Some(KeySetError::RsaSize(1)), "six bits fewer");
        assert_eq!(read(r#"{"kty":"RSA","e":"AQAB","kid":"a","alg":"RS256"}"#), Some(KeySetError::Malformed(1)));
        let even = rsa(2_048, E, r#","alg":"RS256""#).replace("_w\",\"e\"", "_g\",\"e\"");
        assert_eq!(read(&even), Some(KeySetError::Malformed(1)), "an even modulus");
    }

    #[test]
    fn an_rsa_key_is_for_the_algorithm_that_it_names_or_for_the_only_one_that_its_issuer_uses() {
        let silent = format!(r#"{{"keys":[{}]}}"#, rsa(2_048, E, ""));
        let algorithm = |text: &str, algorithms: &[Algorithm]| {
            KeySet::parse_for(text.as_bytes(), algorithms).map(|set| set.key("rsa").unwrap().algorithm())
        };
        assert_eq!(algorithm(&silent, &[Algorithm::Es256, Algorithm::Rs256]), Ok(Algorithm::Rs256));
        assert_eq!(algorithm(&silent, &[Algorithm::Ps256]), Ok(Algorithm::Ps256));
        for algorithms in [&[][..], &[Algorithm::Es256], &[Algorithm::Rs256, Algorithm::Ps256]] {
            assert_eq!(algorithm(&silent, algorithms), Err(KeySetError::NothingUsable), "{algorithms:?}");
        }
        let named = format!(r#"{{"keys":[{}]}}"#, rsa(2_048, E, r#","alg":"PS256""#));
        for algorithms in [&[][..], &[Algorithm::Rs256], &[Algorithm::Rs256, Algorithm::Ps256]] {
            assert_eq!(algorithm(&named, algorithms), Ok(Algorithm::Ps256), "{algorithms:?}");
        }
        let both = [rsa(2_048, E, r#","alg":"PS256""#), rsa(2_048, E, r#","alg":"RS256""#)];
        assert_eq!(read(&[&both[0], &both[1]]), Err(KeySetError::SameKid(2)), "one `kid`, two algorithms");
    }

    #[test]
    fn a_point_of_p384_has_its_full_length_and_lies_on_the_curve() {
        let x = "A".repeat(64);
        let key = |x: &str, y: &str| format!(r#"{{"kty":"EC","crv":"P-384","x":"{x}","y":"{y}","kid":"a"}}"#);
        assert_eq!(read(&[&key(&x, &x)]), Err(KeySetError::NotOnCurve(1)));
        assert_eq!(read(&[&key(X, Y)]), Err(KeySetError::NotOnCurve(1)), "32 bytes are a coordinate of P-256");
        assert_eq!(read(&[&p256("a", "").replace(X, &x)]), Err(KeySetError::NotOnCurve(1)));
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

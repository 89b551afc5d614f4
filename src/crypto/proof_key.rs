//! The public key that a proof of possession brings along (RFC 9449 §4.2, `jwk`), and what it is known by.
//!
//! Whoever sends a proof chooses the key; that it is the right one only its thumbprint says (RFC 7638), which a token names.
//! So a key is read as strictly as an issuer's ([`VerifyingKey`](crate::crypto::VerifyingKey)), by the same rules for curves,
//! points and moduli, and verifies with the one algorithm that the proof's header names, if it is of that kind. Nothing is
//! remembered: a proof comes once.

use crate::crypto::base64url::decode_base64url;
use crate::crypto::digest::sha256;
use crate::crypto::jwk::Algorithm;
use crate::crypto::jws::Jws;
use crate::crypto::verifying::Jwk;
use crate::crypto::verifying::Material;
use crate::crypto::verifying::SignatureError;
use crate::json::Object;
use crate::json::Value;
use crate::model::Sha256;
use aws_lc_rs::signature::ParsedPublicKey;

/// Members of a public key that tell nothing of its mathematics (RFC 7517 §4), and `ext`, which browsers' Web Cryptography
/// API writes beside them.
const COMPANIONS: [&str; 5] = ["kid", "alg", "use", "key_ops", "ext"];

/// A public key that came with a proof.
#[derive(Debug)]
pub struct ProofKey {
    thumbprint: Sha256,
    signature_bytes: usize,
    key: ParsedPublicKey,
}

impl ProofKey {
    /// Reads `jwk` as a key of `algorithm`; `None` if it is of another kind, no key of its curve, or an RSA key that is weak.
    #[must_use]
    pub fn read(jwk: &Object, algorithm: Algorithm) -> Option<Self> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        let members = match (algorithm, text("kty")?, text("crv")) {
            (Algorithm::Es256, "EC", Some(curve @ "P-256")) | (Algorithm::Es384, "EC", Some(curve @ "P-384")) => {
                format!(r#"{{"crv":"{curve}","kty":"EC","x":"{}","y":"{}"}}"#, text("x")?, text("y")?)
            }
            (Algorithm::EdDsa, "OKP", Some("Ed25519")) => {
                format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, text("x")?)
            }
            (Algorithm::Ps256 | Algorithm::Rs256, "RSA", None) => {
                format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, text("e")?, text("n")?)
            }
            _ => return None,
        };
        // Each number has one spelling only, or there is no material: so the members as written are those of RFC 7638 §3.
        let Material { signature_bytes, parsed, .. } = Jwk::alone(jwk).material(algorithm).ok()?;
        Some(Self { thumbprint: sha256(members.as_bytes()), signature_bytes, key: parsed })
    }

    /// Whether `jwk` has no member but those of a public key of its kind: no private part, nothing that is unknown here.
    #[must_use]
    pub fn is_public(jwk: &Object) -> bool {
        let own: &[&str] = match jwk.get("kty").and_then(Value::as_str) {
            Some("EC") => &["kty", "crv", "x", "y"],
            Some("OKP") => &["kty", "crv", "x"],
            Some("RSA") => &["kty", "n", "e"],
            _ => return false,
        };
        jwk.iter().all(|(name, _)| own.contains(&name) || COMPANIONS.contains(&name))
    }

    /// Whether `jwk` says nothing against verifying with `algorithm`: its `alg`, `use` and `key_ops`, where it has them.
    #[must_use]
    pub fn may_verify(jwk: &Object, algorithm: Algorithm) -> bool {
        let says = |name: &str, fits: &dyn Fn(&str) -> bool| {
            jwk.get(name).is_none_or(|value| value.as_str().is_some_and(fits))
        };
        let operations = jwk.get("key_ops").is_none_or(|operations| {
            operations.as_array().is_some_and(|all| all.iter().any(|one| one.as_str() == Some("verify")))
        });
        says("alg", &|name| algorithm.is_called(name)) && says("use", &|name| name == "sig") && operations
    }

    /// The key's thumbprint (RFC 7638), SHA-256.
    #[must_use]
    pub const fn thumbprint(&self) -> Sha256 {
        self.thumbprint
    }

    /// Verifies a proof's signature; nothing else of it.
    ///
    /// # Errors
    /// [`SignatureError`].
    pub fn verify(&self, jws: &Jws<'_>) -> Result<(), SignatureError> {
        if jws.signature_bytes != self.signature_bytes {
            return Err(SignatureError);
        }
        let signature = decode_base64url(jws.signature).ok_or(SignatureError)?;
        self.key.verify_sig(jws.signed, &signature).map_err(|_| SignatureError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Limits;
    use crate::json::parse;

    fn jwk(text: &str) -> Object {
        parse(text.as_bytes(), Limits::default()).unwrap().as_object().unwrap().clone()
    }

    fn thumbprint(text: &str, algorithm: Algorithm) -> Option<String> {
        let key = ProofKey::read(&jwk(text), algorithm)?;
        Some(crate::crypto::encode_base64url(key.thumbprint().as_bytes()))
    }

    const P256: &str = r#"{"kty":"EC","crv":"P-256","x":"l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs","y":"9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA"}"#;
    const ED25519: &str = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    /// RFC 7638 §3.1.
    const RSA: &str = r#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}"#;

    #[test]
    fn thumbprints_are_the_published_ones() {
        // RFC 9449 §6.1, RFC 8037 appendix A.3, RFC 7638 §3.1.
        let published = [
            (P256, Algorithm::Es256, "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"),
            (ED25519, Algorithm::EdDsa, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"),
            (RSA, Algorithm::Rs256, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"),
            (RSA, Algorithm::Ps256, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"),
        ];
        for (text, algorithm, expected) in published {
            assert_eq!(thumbprint(text, algorithm).as_deref(), Some(expected), "{algorithm:?}");
            for other in Algorithm::ALL.into_iter().filter(|other| *other != algorithm && !other.is_rsa()) {
                assert_eq!(thumbprint(text, other), None, "{algorithm:?} as {other:?}");
            }
        }
    }

    #[test]
    fn a_key_that_is_none_is_not_read() {
        for bad in [
            P256.replace("l8tF", "l8tG"),
            P256.replace("BFs\"", "BFs=\""),
            P256.replace("BFs\"", "BFt\""),
            P256.replace(r#""y":"9V"#, r#""z":"9V"#),
            P256.replace("P-256", "P-384"),
            P256.replace("\"EC\"", "\"oct\""),
            P256.replace("\"EC\"", "1"),
        ] {
            assert_eq!(thumbprint(&bad, Algorithm::Es256), None, "{bad}");
        }
        let short = RSA.replace("0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78L", "");
        assert_eq!(thumbprint(&short, Algorithm::Rs256), None, "fewer than 2,048 bits");
        assert_eq!(thumbprint(&RSA.replace("AQAB", "Aw"), Algorithm::Rs256), None, "exponent 3");
    }

    #[test]
    fn only_members_of_a_public_key_are_public() {
        for good in [P256, ED25519, RSA] {
            assert!(ProofKey::is_public(&jwk(good)), "{good}");
            let companions = good.replacen('{', r#"{"use":"sig","key_ops":["verify"],"ext":true,"#, 1);
            assert!(ProofKey::is_public(&jwk(&companions)), "{companions}");
            for bad in ["d", "k", "p", "q", "dp", "dq", "qi", "oth", "x5c", "x5u", "x5t", "something"] {
                let more = good.replacen('{', &format!(r#"{{"{bad}":"AQAB","#), 1);
                assert!(!ProofKey::is_public(&jwk(&more)), "{more}");
            }
        }
        assert!(!ProofKey::is_public(&jwk(r#"{"kty":"oct","k":"AQAB"}"#)));
        assert!(!ProofKey::is_public(&jwk(&ED25519.replacen('{', r#"{"y":"AQAB","#, 1))), "the member of another kind");
    }

    #[test]
    fn a_key_that_says_that_it_is_for_something_else_is_not_for_this() {
        let may = |more: &str| ProofKey::may_verify(&jwk(&P256.replacen('{', more, 1)), Algorithm::Es256);
        for good in ["{", r#"{"alg":"ES256","#, r#"{"use":"sig","#, r#"{"key_ops":["sign","verify"],"#] {
            assert!(may(good), "{good}");
        }
        for bad in [
            r#"{"alg":"ES384","#,
            r#"{"alg":1,"#,
            r#"{"use":"enc","#,
            r#"{"key_ops":["sign"],"#,
            r#"{"key_ops":"verify","#,
        ] {
            assert!(!may(bad), "{bad}");
        }
    }
}

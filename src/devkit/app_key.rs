//! The key of an app instance, in development: it makes the proofs (DPoP, RFC 9449) that its phone would make.

use crate::clock::UnixSeconds;
use crate::crypto::SignError;
use crate::crypto::SigningAlgorithm;
use crate::crypto::SigningKey;
use crate::crypto::encode_base64url;
use crate::crypto::random;
use crate::crypto::sha256;
use crate::json::Number;
use crate::json::Object;
use crate::json::Value;
use crate::json::write;
use crate::model::Sha256;
use crate::secret::Secret;

/// A key of an app instance.
pub struct AppKey(SigningKey);

impl AppKey {
    /// A new key.
    ///
    /// # Errors
    /// [`SignError`] if there is none.
    pub fn new(algorithm: SigningAlgorithm) -> Result<Self, SignError> {
        Self::with(&SigningKey::generate_pem(algorithm)?)
    }

    /// This key, as PKCS#8 in PEM.
    ///
    /// # Errors
    /// [`SignError`] if it is no key.
    pub fn with(pem: &Secret) -> Result<Self, SignError> {
        SigningKey::from_pem(pem).map(Self).map_err(|_| SignError)
    }

    /// Its thumbprint (RFC 7638): what a token that is bound to it names as `jkt`.
    #[must_use]
    pub fn thumbprint(&self) -> Sha256 {
        sha256(self.0.bare_jwk().as_bytes())
    }

    /// Its thumbprint as a token names it, in base64url.
    #[must_use]
    pub fn jkt(&self) -> &str {
        self.0.kid()
    }

    /// A proof for a request of `method` to `url`, made now, with a new `jti`; for `access_token` where the request brings
    /// one, and with the server's `nonce` where there is one.
    ///
    /// # Errors
    /// [`SignError`].
    pub fn proof(
        &self,
        method: &str,
        url: &str,
        access_token: Option<&str>,
        nonce: Option<&str>,
        now: UnixSeconds,
    ) -> Result<String, SignError> {
        self.sign(&self.header(""), &Self::claims(method, url, access_token, nonce, now))
    }

    /// The claims of such a proof.
    #[must_use]
    pub fn claims(
        method: &str,
        url: &str,
        access_token: Option<&str>,
        nonce: Option<&str>,
        now: UnixSeconds,
    ) -> Object {
        let mut claims = Object::new();
        claims.insert("jti", encode_base64url(&random::<16>()));
        claims.insert("htm", method);
        claims.insert("htu", url);
        claims.insert("iat", Number::try_from(now.get()).map_or(Value::Null, Value::Number));
        if let Some(token) = access_token {
            claims.insert("ath", encode_base64url(sha256(token.as_bytes()).as_bytes()));
        }
        if let Some(nonce) = nonce {
            claims.insert("nonce", nonce);
        }
        claims
    }

    /// The header of its proofs, with more members at its end.
    #[must_use]
    pub fn header(&self, more: &str) -> String {
        let (algorithm, jwk) = (self.0.algorithm(), self.0.bare_jwk());
        format!(r#"{{"typ":"dpop+jwt","alg":"{algorithm}","jwk":{jwk}{more}}}"#)
    }

    /// Any header and any claims, signed all the same: for what must be refused.
    ///
    /// # Errors
    /// [`SignError`].
    pub fn sign(&self, header: &str, claims: &Object) -> Result<String, SignError> {
        let mut payload = Vec::new();
        write(&Value::Object(claims.clone()), &mut payload);
        self.sign_raw(header, &payload)
    }

    /// The same with any payload.
    ///
    /// # Errors
    /// [`SignError`].
    pub fn sign_raw(&self, header: &str, payload: &[u8]) -> Result<String, SignError> {
        self.0.sign_jws_with_header(header.as_bytes(), payload)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_thumbprint_is_the_one_that_tokens_name() {
        for algorithm in SigningAlgorithm::ALL {
            let key = AppKey::new(algorithm).unwrap();
            assert_eq!(encode_base64url(key.thumbprint().as_bytes()), key.jkt());
        }
    }

    #[test]
    fn two_proofs_of_the_same_are_two() {
        let key = AppKey::new(SigningAlgorithm::Es256).unwrap();
        let proof = || key.proof("POST", "https://gateway.example/a", None, None, UnixSeconds::new(1)).unwrap();
        assert_ne!(proof(), proof());
    }
}

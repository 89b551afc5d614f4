//! A development token issuer: real keys, real signatures, and any claims one likes.
//!
//! It stands for the identity provider (sign-in tokens) and, with the gateway's own key, for the gateway as the issuer of
//! session tokens, where a test needs one that no exchange would give.

use crate::clock::UnixSeconds;
use crate::crypto::SignError;
use crate::crypto::SigningAlgorithm;
use crate::crypto::SigningKey;
use crate::crypto::encode_base64url;
use crate::crypto::jwks_json;
use crate::crypto::random;
use crate::devkit::app_key::AppKey;
use crate::json::Number;
use crate::json::Object;
use crate::json::Value;
use crate::json::write;
use crate::model::Sha256;
use crate::secret::Secret;

/// The app whose tokens these are.
pub const APP: &str = "development-app";

/// An issuer with one key.
pub struct TokenIssuer {
    name: String,
    key: SigningKey,
}

/// The claims of a token to be.
#[derive(Clone)]
pub struct TokenClaims(Object);

impl TokenIssuer {
    /// An issuer of that name with a new key.
    ///
    /// # Errors
    /// [`SignError`] if there is no key.
    pub fn new(name: &str, algorithm: SigningAlgorithm) -> Result<Self, SignError> {
        Self::with(name, &SigningKey::generate_pem(algorithm)?)
    }

    /// An issuer of that name with this key, as PKCS#8 in PEM: whoever holds the gateway's own key mints what it would.
    ///
    /// # Errors
    /// [`SignError`] if it is no key.
    pub fn with(name: &str, pem: &Secret) -> Result<Self, SignError> {
        let key = SigningKey::from_pem(pem).map_err(|_| SignError)?;
        Ok(Self { name: name.to_owned(), key })
    }

    /// `iss`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its key.
    #[must_use]
    pub const fn key(&self) -> &SigningKey {
        &self.key
    }

    /// Its JWKS.
    #[must_use]
    pub fn jwks(&self) -> String {
        jwks_json(&[&self.key])
    }

    /// Claims that the gateway accepts: for `subject`, bound to the certificate of that thumbprint, good for `lifetime_s`
    /// seconds from `now`, with a new `jti`.
    #[must_use]
    pub fn claims(
        &self,
        audience: &str,
        subject: &str,
        thumbprint: &Sha256,
        now: UnixSeconds,
        lifetime_s: u64,
    ) -> TokenClaims {
        let binding = Object::from_iter([("x5t#S256", Value::from(encode_base64url(thumbprint.as_bytes())))]);
        TokenClaims(Object::new())
            .with("iss", self.name.as_str())
            .with("aud", audience)
            .with("sub", subject)
            .with("client_id", APP)
            .with("jti", encode_base64url(&random::<16>()))
            .with("iat", seconds(now))
            .with("nbf", seconds(now))
            .with("exp", seconds(now.plus(lifetime_s)))
            .with("cnf", binding)
    }

    /// An access token (`at+jwt`, RFC 9068) of these claims.
    ///
    /// # Errors
    /// [`SignError`].
    pub fn mint(&self, claims: &TokenClaims) -> Result<String, SignError> {
        self.key.sign_jws("at+jwt", claims.text().as_bytes())
    }

    /// A token with any header and any payload, signed all the same: for what must be refused.
    ///
    /// # Errors
    /// [`SignError`].
    pub fn mint_raw(&self, header: &str, payload: &str) -> Result<String, SignError> {
        self.key.sign_jws_with_header(header.as_bytes(), payload.as_bytes())
    }
}

impl TokenClaims {
    /// Through the backend of that name, as the gateway's own session tokens say it (RFC 8693 §4.1).
    #[must_use]
    pub fn acted_by(self, backend: &str) -> Self {
        self.with("act", Object::from_iter([("sub", backend)]))
    }

    /// Bound to this key alone (RFC 9449 §6.1), and to no certificate.
    #[must_use]
    pub fn bound_to(self, key: &AppKey) -> Self {
        self.with("cnf", Object::from_iter([("jkt", key.jkt())]))
    }

    /// Sets a claim.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name, value);
        self
    }

    /// Leaves a claim out.
    #[must_use]
    pub fn without(self, name: &str) -> Self {
        Self(self.0.iter().filter(|(known, _)| *known != name).map(|(known, value)| (known, value.clone())).collect())
    }

    /// Adds the right to do `actions` at a door of a house, or at all its doors.
    #[must_use]
    pub fn door_access(self, house: &str, door: Option<&str>, actions: &[&str]) -> Self {
        self.right("door_access", house, door.map(|door| ("door", door)), actions)
    }

    /// Adds the right to do `actions` at a barrier of a house, or at all its barriers.
    #[must_use]
    pub fn barrier_access(self, house: &str, barrier: Option<&str>, actions: &[&str]) -> Self {
        self.right("barrier_access", house, barrier.map(|barrier| ("barrier", barrier)), actions)
    }

    /// Adds the right to do `actions` to a house as a whole.
    #[must_use]
    pub fn house_access(self, house: &str, actions: &[&str]) -> Self {
        self.right("house_access", house, None, actions)
    }

    fn right(self, kind: &str, house: &str, thing: Option<(&str, &str)>, actions: &[&str]) -> Self {
        let actions: Vec<Value> = actions.iter().map(|action| Value::from(*action)).collect();
        let mut right = Object::from_iter([("type", Value::from(kind)), ("house", Value::from(house))]);
        right.insert("actions", actions);
        if let Some((name, thing)) = thing {
            right.insert(name, thing);
        }
        let mut rights = self.0.get("authorization_details").and_then(Value::as_array).unwrap_or_default().to_vec();
        rights.push(right.into());
        self.with("authorization_details", rights)
    }

    /// The payload.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = Vec::new();
        write(&Value::Object(self.0.clone()), &mut text);
        String::from_utf8(text).unwrap_or_default()
    }
}

fn seconds(time: UnixSeconds) -> Value {
    Number::try_from(time.get()).map_or(Value::Null, Value::Number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Jws;
    use crate::crypto::KeySet;
    use crate::crypto::sha256;

    #[test]
    fn its_tokens_verify_with_its_key_set() {
        for algorithm in SigningAlgorithm::ALL {
            let issuer = TokenIssuer::new("https://id.example", algorithm).unwrap();
            let claims = issuer.claims("gateway", "ivanov", &sha256(b"certificate"), UnixSeconds::new(1_000), 300);
            let token = issuer.mint(&claims.door_access("house-1", None, &["open"])).unwrap();
            let keys = KeySet::parse(issuer.jwks().as_bytes()).unwrap();
            let jws = Jws::split(&token).unwrap();
            let key = keys.key(issuer.key().kid()).unwrap();
            assert_eq!((key.algorithm(), key.verify(&jws)), (algorithm.verified_by(), Ok(())));
            let text = std::str::from_utf8(jws.payload()).unwrap();
            assert!(
                text.contains(r#""exp":1300"#) && text.contains(r#""house":"house-1","actions":["open"]"#),
                "{text}"
            );
        }
    }

    #[test]
    fn a_claim_is_replaced_or_left_out() {
        let claims = TokenClaims(Object::new()).with("sub", "a").with("sub", "b").with("tenant", "north");
        assert_eq!(claims.clone().without("tenant").text(), r#"{"sub":"b"}"#);
        assert_eq!(claims.without("sub").text(), r#"{"tenant":"north"}"#);
    }
}

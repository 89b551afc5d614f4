//! Our assertion: how we prove to somebody else's authorisation server which of its clients we are (`private_key_jwt`:
//! RFC 7523 §2.2 and §3, OpenID Connect Core 1.0 §9).
//!
//! One is made for one request, for one server, and is good for a minute: whoever reads it on the way, or that server itself,
//! can use it nowhere else and soon nowhere at all. `iss` and `sub` are both the client (RFC 7523 §3); `jti` is random.

use crate::clock::UnixSeconds;
use crate::crypto::base64url::encode_base64url;
use crate::crypto::random::random;
use crate::crypto::signing::SignError;
use crate::crypto::signing::SigningKey;
use crate::json;

/// The `client_assertion_type` that goes with it (RFC 7523 §2.2).
pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// From `iat` to `exp`, in seconds: the request, and clocks that are not quite alike.
const LIFETIME_S: u64 = 60;

/// The `typ`. RFC 7523 names none; this one every library takes. Key, `iss` and `aud` tell an assertion from our other tokens.
const TYPE: &str = "JWT";

/// The assertion of the client `client_id`, made at `now` for the server that is called `audience` by itself: one string, so
/// that no other server can be meant too.
///
/// # Errors
/// [`SignError`].
pub fn client_assertion(
    key: &SigningKey,
    client_id: &str,
    audience: &str,
    now: UnixSeconds,
) -> Result<String, SignError> {
    let id = encode_base64url(&random::<16>());
    let mut payload = Vec::with_capacity(256);
    for (name, text) in [("iss", client_id), ("sub", client_id), ("aud", audience), ("jti", &id)] {
        payload.push(if payload.is_empty() { b'{' } else { b',' });
        json::write_string(name, &mut payload);
        payload.push(b':');
        json::write_string(text, &mut payload);
    }
    let (made, ends) = (now.get(), now.plus(LIFETIME_S).get());
    payload.extend_from_slice(format!(",\"iat\":{made},\"exp\":{ends}}}").as_bytes());
    key.sign_jws(TYPE, &payload)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::jwk::SigningAlgorithm;
    use crate::crypto::jws::Jws;
    use crate::crypto::keyset::KeySet;
    use crate::crypto::signing::jwks_json;
    use crate::json::Limits;
    use crate::json::Value;

    const LIMITS: Limits = Limits { max_depth: 1, max_members: 6, max_elements: 0, max_string_bytes: 256 };

    /// What one says, once its own key has verified it.
    fn said(key: &SigningKey, client_id: &str, audience: &str) -> (String, Value) {
        let assertion = client_assertion(key, client_id, audience, UnixSeconds::new(1_790_000_000)).unwrap();
        let jws = Jws::split(&assertion).unwrap();
        let keys = KeySet::parse(jwks_json(&[key]).as_bytes()).unwrap();
        assert_eq!(keys.key(key.kid()).unwrap().verify(&jws), Ok(()));
        (String::from_utf8(jws.header().to_vec()).unwrap(), json::parse(jws.payload(), LIMITS).unwrap())
    }

    #[test]
    fn an_assertion_is_for_one_server_and_one_minute_and_has_an_id_of_its_own() {
        for algorithm in SigningAlgorithm::ALL {
            let key = SigningKey::from_pem(&SigningKey::generate_pem(algorithm).unwrap()).unwrap();
            let (header, claims) = said(&key, "portcullis", "https://id.example");
            let kid = key.kid();
            assert_eq!(header, format!(r#"{{"alg":"{}","kid":"{kid}","typ":"JWT"}}"#, algorithm.name()));
            let text = |name| claims.get(name).and_then(Value::as_str).unwrap().to_owned();
            let time = |name| claims.get(name).and_then(Value::as_integer).unwrap();
            assert_eq!((text("iss"), text("sub")), ("portcullis".to_owned(), "portcullis".to_owned()));
            assert_eq!((text("aud"), text("jti").len()), ("https://id.example".to_owned(), 22));
            assert_eq!((time("iat"), time("exp")), (1_790_000_000, 1_790_000_060));
            let (_, next) = said(&key, "portcullis", "https://id.example");
            assert_ne!(claims.get("jti"), next.get("jti"));
        }
    }

    #[test]
    fn whatever_stands_in_a_name_stays_within_its_string() {
        let key = SigningKey::from_pem(&SigningKey::generate_pem(SigningAlgorithm::EdDsa).unwrap()).unwrap();
        let name = "a\",\"aud\":\"https://elsewhere.example\n";
        let (_, claims) = said(&key, name, "https://id.example");
        assert_eq!(claims.get("sub").and_then(Value::as_str), Some(name));
        assert_eq!(claims.get("aud").and_then(Value::as_str), Some("https://id.example"));
    }
}

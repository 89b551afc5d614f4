//! Keys that follow one another: the first signs, and all are published, so that whoever verifies knows a key before it signs
//! (RFC 7517 §5).

use crate::crypto::signing::SigningKey;

/// Keys for one purpose, at least one.
pub struct PublishedKeys {
    first: SigningKey,
    next: Vec<SigningKey>,
}

impl PublishedKeys {
    /// The keys in their order; `None` where there is none.
    #[must_use]
    pub fn new(all: Vec<SigningKey>) -> Option<Self> {
        let mut all = all.into_iter();
        let first = all.next()?;
        Some(Self { first, next: all.collect() })
    }

    /// The key that signs.
    #[must_use]
    pub const fn first(&self) -> &SigningKey {
        &self.first
    }

    /// All keys, the one that signs first.
    pub fn all(&self) -> impl Iterator<Item = &SigningKey> {
        std::iter::once(&self.first).chain(&self.next)
    }
}

/// The keys of several purposes as one JWKS (RFC 7517 §5), each with its purpose as the member `purpose`: whoever verifies one
/// thing takes no key of another.
#[must_use]
pub fn purposed_jwks<'k>(all: impl Iterator<Item = (&'static str, &'k SigningKey)>) -> String {
    let keys = all.map(|(purpose, key)| {
        let jwk = key.public_jwk();
        format!(r#"{},"purpose":"{purpose}"}}"#, jwk.strip_suffix('}').unwrap_or(&jwk))
    });
    format!(r#"{{"keys":[{}]}}"#, keys.collect::<Vec<_>>().join(","))
}

impl From<SigningKey> for PublishedKeys {
    fn from(first: SigningKey) -> Self {
        Self { first, next: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::jwk::SigningAlgorithm;
    use crate::crypto::keyset::KeySet;

    #[test]
    fn the_first_key_signs_and_all_are_told_in_their_order() {
        let key = || SigningKey::from_pem(&SigningKey::generate_pem(SigningAlgorithm::EdDsa).unwrap()).unwrap();
        let all = vec![key(), key(), key()];
        let kids: Vec<_> = all.iter().map(|key| key.kid().to_owned()).collect();
        let keys = PublishedKeys::new(all).unwrap();
        assert_eq!(keys.first().kid(), kids[0]);
        assert_eq!(keys.all().map(SigningKey::kid).collect::<Vec<_>>(), kids);
        assert!(PublishedKeys::new(Vec::new()).is_none());
        let other = key();
        let jwks = purposed_jwks(keys.all().map(|key| ("one", key)).chain([("other", &other)]));
        let set = KeySet::parse(jwks.as_bytes()).unwrap();
        assert_eq!(set.kids().take(3).collect::<Vec<_>>(), kids);
        assert_eq!((jwks.matches(r#""purpose":"one""#).count(), jwks.matches(r#""purpose":"other""#).count()), (3, 1));
    }
}

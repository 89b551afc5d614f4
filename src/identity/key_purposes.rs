//! One key, one purpose, also where keys are fetched: what an issuer publishes may be no key of ours, nor anybody's but its own.
//!
//! An issuer that publishes the public half of a key of ours would let what we sign with that for one purpose (a session, a
//! partner's token, a request) pass as a token of a person; one that publishes another issuer's would let that one speak in
//! its name. Neither happens in good faith, so the whole set is refused; the last good one stays for its time. Of two issuers
//! that publish one key, the one that came later is refused.
//!
//! Keys are compared by digest, under whatever id and in whatever form they stand.

use crate::crypto::KeySet;
use crate::identity::fetch_fault::FetchFault;
use crate::model::Sha256;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::Arc;

/// Which public keys serve a purpose here. Shared by all who fetch.
#[derive(Debug, Default)]
pub struct KeyPurposes(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// Those that stand in files: ours, and those of others that are configured.
    configured: HashSet<Sha256>,
    /// Those that issuers published last.
    published: HashMap<Arc<str>, Vec<Sha256>>,
}

impl KeyPurposes {
    /// The keys that stand in files.
    #[must_use]
    pub fn new(configured: &[Sha256]) -> Self {
        let configured = configured.iter().copied().collect();
        Self(Mutex::new(Known { configured, published: HashMap::new() }))
    }

    /// Whether an issuer has published one of these.
    #[must_use]
    pub fn is_published(&self, digests: &[Sha256]) -> bool {
        let known = self.0.lock();
        known.published.values().flatten().any(|published| digests.contains(published))
    }

    /// Takes other keys for those that stand in files.
    pub fn configure(&self, configured: &[Sha256]) {
        self.0.lock().configured = configured.iter().copied().collect();
    }

    /// Takes these keys for the ones that `issuer` publishes, in place of those before.
    ///
    /// # Errors
    /// [`FetchFault::KeyElsewhere`] where one of them serves another purpose; nothing is taken then.
    pub(super) fn take(&self, issuer: &Arc<str>, keys: &KeySet) -> Result<(), FetchFault> {
        let digests: Vec<Sha256> = keys.public_digests().collect();
        let mut known = self.0.lock();
        let of_others = |digest: &Sha256| {
            known.published.iter().any(|(other, published)| other != issuer && published.contains(digest))
        };
        if digests.iter().any(|digest| known.configured.contains(digest) || of_others(digest)) {
            return Err(FetchFault::KeyElsewhere);
        }
        known.published.insert(Arc::clone(issuer), digests);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::SigningAlgorithm;
    use crate::crypto::SigningKey;
    use crate::crypto::jwks_json;

    fn key() -> SigningKey {
        SigningKey::from_pem(&SigningKey::generate_pem(SigningAlgorithm::Es256).unwrap()).unwrap()
    }

    fn set(keys: &[&SigningKey]) -> KeySet {
        KeySet::parse(jwks_json(keys).as_bytes()).unwrap()
    }

    #[test]
    fn a_key_of_ours_or_of_another_issuer_refuses_the_whole_set_and_one_that_was_given_up_does_not() {
        let (one, other): (Arc<str>, Arc<str>) = ("https://one.example".into(), "https://other.example".into());
        let [ours, first, second] = [key(), key(), key()];
        let purposes = KeyPurposes::new(&[ours.public_digest()]);
        assert_eq!(purposes.take(&one, &set(&[&first, &ours])), Err(FetchFault::KeyElsewhere));
        assert!(!purposes.is_published(&[first.public_digest()]), "nothing of it was taken");
        assert_eq!(purposes.take(&one, &set(&[&first])), Ok(()));
        assert_eq!(purposes.take(&one, &set(&[&first])), Ok(()), "its own, again");
        assert_eq!(purposes.take(&other, &set(&[&second, &first])), Err(FetchFault::KeyElsewhere), "the later one");
        assert!(purposes.is_published(&[second.public_digest(), first.public_digest()]));
        assert_eq!(purposes.take(&one, &set(&[&second])), Ok(()));
        assert_eq!(purposes.take(&other, &set(&[&first])), Ok(()), "nobody else publishes it any more");
        purposes.configure(&[first.public_digest()]);
        assert_eq!(purposes.take(&other, &set(&[&first])), Err(FetchFault::KeyElsewhere));
        assert_eq!(purposes.take(&other, &set(&[&ours])), Ok(()));
    }
}

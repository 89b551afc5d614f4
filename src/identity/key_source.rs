//! Where an issuer publishes its keys, and one fetch from there: by the one client of the house (`wire/`), to the configured
//! place, within its limits, without redirects.

use crate::crypto::Algorithm;
use crate::crypto::KeySet;
use crate::crypto::sha256;
use crate::identity::fetch_fault::FetchFault;
use crate::identity::key_purposes::KeyPurposes;
use crate::identity::metadata;
use crate::identity::remote_keys::RemoteKeys;
use crate::model::Sha256;
use crate::wire::Client;
use crate::wire::Request;
use crate::wire::Response;
use crate::wire::document;
use crate::wire::user_agent;
use bytes::Bytes;
use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::header;
use std::sync::Arc;

/// The largest answer that is read, in bytes.
pub const KEYS_ANSWER_MAX_BYTES: usize = 256 * 1024;

/// Media types of a set of keys: RFC 7517 §8.5.1, and what most say.
const KEY_SETS: &[&str] = &["application/jwk-set+json", "application/json"];
/// The media type of a document about an issuer (RFC 8414 §3.2).
const DOCUMENTS: &[&str] = &["application/json"];

/// Where an issuer publishes its keys.
pub struct KeySource {
    /// The issuer, as configured.
    pub issuer: Arc<str>,
    /// The connections to the place, whose answers have at most [`KEYS_ANSWER_MAX_BYTES`].
    pub client: Client,
    /// The path there.
    pub path: Box<str>,
    /// Whether a document lies there that tells where the keys are, and not the keys themselves.
    pub is_document: bool,
    /// Host and port, `id.example:443`, by which the document may call the place that it came from.
    pub authorities: Vec<Box<str>>,
    /// The algorithms that the issuer uses.
    pub algorithms: Vec<Algorithm>,
    /// Which keys may not be among those that come.
    pub purposes: Arc<KeyPurposes>,
}

/// A set that came.
pub(super) struct Came {
    pub(super) keys: Arc<KeySet>,
    pub(super) digest: Sha256,
    /// For how many seconds its sender says that it is fresh (RFC 9111 §5.2.2).
    pub(super) fresh_s: Option<u64>,
}

impl KeySource {
    /// Fetches the keys. A set that is the same as before, byte for byte, stays the one that it is, with the signatures that it
    /// has verified.
    pub(super) async fn fetch(&self, before: &RemoteKeys) -> Result<Came, FetchFault> {
        let found = match self.is_document {
            true => {
                let (document, _) = self.get(&self.path, DOCUMENTS).await?;
                Some(metadata::jwks_path(&document, &self.issuer, &self.authorities)?)
            }
            false => None,
        };
        let (text, fresh_s) = self.get(found.as_ref().unwrap_or(&self.path), KEY_SETS).await?;
        let digest = sha256(&text);
        let keys = match before.same(&digest) {
            Some(keys) => keys,
            None => Arc::new(KeySet::parse_for(&text, &self.algorithms).map_err(FetchFault::Keys)?),
        };
        // Also of a set that is the same as before: what serves which purpose here may be another.
        self.purposes.take(&self.issuer, &keys)?;
        Ok(Came { keys, digest, fresh_s })
    }

    async fn get(&self, path: &str, types: &[&str]) -> Result<(Bytes, Option<u64>), FetchFault> {
        let accept = HeaderValue::from_static("application/json");
        let fields = vec![(header::ACCEPT, accept), (header::USER_AGENT, user_agent())];
        let (method, target, body) = (Method::GET, path.into(), Bytes::new());
        let request = Request { method, target, fields, body, leaving: None };
        let Response { fields, body, spent, .. } = document(&self.client, request, types).await?;
        if let Some(spent) = spent {
            spent.give_back();
        }
        Ok((body, fresh_for(&fields)))
    }
}

/// What `Cache-Control` says of freshness: `max-age`, or 0 of what is not to be kept. Nothing where it says it in two ways.
fn fresh_for(fields: &HeaderMap) -> Option<u64> {
    let mut found = None;
    for directive in
        fields.get_all(header::CACHE_CONTROL).iter().flat_map(|field| field.as_bytes().split(|byte| *byte == b','))
    {
        let directive = std::str::from_utf8(directive).unwrap_or_default().trim().to_ascii_lowercase();
        let seconds = match directive.as_str() {
            "no-store" | "no-cache" => return Some(0),
            other => match other.strip_prefix("max-age=") {
                Some(digits) if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                    digits.parse().unwrap_or(u64::MAX)
                }
                Some(_) => return None,
                None => continue,
            },
        };
        if found.is_some_and(|known| known != seconds) {
            return None;
        }
        found = Some(seconds);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::is_of_type;
    use http::HeaderName;

    fn fields(name: HeaderName, values: &[&'static str]) -> HeaderMap {
        values.iter().map(|value| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn an_answer_is_of_the_media_type_that_was_asked_for_and_is_not_coded() {
        let is_set = |values: &[&'static str]| is_of_type(&fields(header::CONTENT_TYPE, values), KEY_SETS);
        for good in ["application/json", "application/jwk-set+json; charset=utf-8", "Application/JSON;charset=UTF-8"] {
            assert!(is_set(&[good]), "{good}");
        }
        for bad in ["text/html", "text/plain; application/json", "application/jsonp", "application/jwt", ""] {
            assert!(!is_set(&[bad]), "{bad}");
        }
        assert!(!is_set(&[]) && !is_set(&["application/json", "application/json"]));
        assert!(!is_of_type(&fields(header::CONTENT_TYPE, &["application/jwk-set+json"]), DOCUMENTS));
        let mut coded = fields(header::CONTENT_TYPE, &["application/json"]);
        coded.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        assert!(!is_of_type(&coded, KEY_SETS));
    }

    #[test]
    fn freshness_is_what_the_sender_says_and_nothing_where_it_says_it_in_two_ways() {
        let fresh = |values: &[&'static str]| fresh_for(&fields(header::CACHE_CONTROL, values));
        assert_eq!(fresh(&["public, max-age=300, must-revalidate"]), Some(300));
        assert_eq!(fresh(&["Max-Age=0"]), Some(0));
        assert_eq!(fresh(&["max-age=99999999999999999999999"]), Some(u64::MAX));
        assert_eq!(fresh(&["max-age=300", "max-age=300"]), Some(300));
        for (none, values) in [(None, &[][..]), (None, &["public"]), (None, &["max-age=1", "max-age=2"])] {
            assert_eq!(fresh(values), none);
        }
        for odd in ["max-age=", "max-age=-1", "max-age=1.5", "max-age=\"60\"", "s-maxage=60"] {
            assert_eq!(
                fresh_for(&HeaderMap::from_iter([(header::CACHE_CONTROL, HeaderValue::from_static(odd))])),
                None,
                "{odd}"
            );
        }
        assert_eq!((fresh(&["max-age=300, no-store"]), fresh(&["no-cache"])), (Some(0), Some(0)));
    }
}

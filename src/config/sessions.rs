//! `sessions`: the session tokens that the gateway issues itself, the only ones that move a door.
//!
//! The keys are files of ours. The first signs; all are published and accepted, so that a next key is known to everybody
//! before it signs, and an old one as long as its tokens live. What the files hold may change while the gateway runs; which
//! files they are may not.

use crate::config::files::Files;
use crate::config::values;
use crate::config::values::At;
use crate::config::values::Map;
use crate::config::written::Paths;
use crate::config::written::paths;
use crate::crypto::KeySet;
use crate::crypto::SigningKey;
use crate::crypto::jwks_json;
use crate::identity::Bind;
use crate::identity::IssuerSettings;
use crate::identity::TokenKind;
use crate::yaml::Node;
use crate::yaml::Reader;
use std::sync::Arc;
use std::time::Duration;

/// How long a session token may be valid, in seconds: it opens doors.
pub(super) const LIFETIME_S: std::ops::RangeInclusive<u64> = 1..=900;
/// How long it is valid at most where the file says nothing.
const LIFETIME_DEFAULT: Duration = Duration::from_secs(300);

/// `sessions` as it is written.
pub(super) struct Sessions {
    pub(super) issuer: At<Box<str>>,
    keys: Paths,
    audience: Box<str>,
    max_lifetime: Duration,
}

/// What the session tokens are, and the keys that sign them. Holds keys, so it cannot be shown.
pub struct SessionSettings {
    /// The keys, of which the first signs; at least one.
    pub keys: Vec<Arc<SigningKey>>,
}

pub(super) fn read(reader: &Reader, node: &Node) -> Option<Sessions> {
    let map = Map::open(reader, node)?;
    let issuer = map.need("issuer", |reader, node| Some(At { place: node.place, value: values::text(reader, node)? }));
    let keys = map.need("keys", paths);
    let audience = map.need("audience", values::text);
    let max_lifetime = map.may("max_lifetime", values::seconds(LIFETIME_S));
    map.close();
    Some(Sessions {
        issuer: issuer?,
        keys: keys?,
        audience: audience?,
        max_lifetime: max_lifetime?.unwrap_or(LIFETIME_DEFAULT),
    })
}

/// What issues them, and what accepts them.
pub(super) fn meant(files: &mut Files<'_>, written: Sessions) -> Option<(SessionSettings, IssuerSettings)> {
    let keys = files.signing_keys(&written.keys, "a key that signs session tokens")?;
    let all: Vec<_> = keys.iter().map(AsRef::as_ref).collect();
    let published = jwks_json(&all);
    let Ok(accepted) = KeySet::parse(published.as_bytes()) else {
        let at = written.keys.first()?;
        return files.fault(
            at,
            "malformed-key-set",
            "and the other keys make no key set",
            Some("name at most 64 keys"),
        );
    };
    let mut algorithms: Vec<_> = all.iter().map(|key| key.verified_by()).collect();
    algorithms.dedup();
    let accepts = IssuerSettings {
        issuer: written.issuer.value.into(),
        keys: Arc::new(accepted).into(),
        audience: written.audience.into(),
        algorithms,
        max_lifetime_s: written.max_lifetime.as_secs(),
        bind: Bind::ALL.to_vec(),
        kind: TokenKind::Session,
    };
    Some((SessionSettings { keys }, accepts))
}

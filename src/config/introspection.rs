//! Where an issuer says what its tokens are: `issuers[].introspection` of `gateway.yaml`, first as written, then what it means.

use crate::config::deliver::Target;
use crate::config::deliver::target;
use crate::config::files::Files;
use crate::config::partner_tokens::FETCH_TIME_S;
use crate::config::remote;
use crate::config::remote::Remote;
use crate::config::remote::RemotePlace;
use crate::config::values;
use crate::config::values::At;
use crate::config::values::Map;
use crate::identity::AskingAs;
use crate::yaml::Node;
use crate::yaml::Reader;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// For how many seconds an answer may be good.
pub(super) const ANSWERS_KEPT_S: RangeInclusive<u64> = 0..=10;

/// For how long where the file says nothing.
const ANSWERS_KEPT_UNSAID: Duration = Duration::from_secs(5);

/// How long a request may wait for an answer, in seconds: the bounds of a partner's authorisation server, which is waited for alike.
pub(super) const ANSWER_TIME_S: RangeInclusive<u64> = FETCH_TIME_S;

/// How long where the file says nothing.
const ANSWER_TIME_UNSAID: Duration = Duration::from_secs(2);

/// The issuer that is asked what its tokens are.
pub struct IntrospectionSettings {
    /// The issuer.
    pub issuer: Box<str>,
    /// Where.
    pub at: RemotePlace,
    /// The path there.
    pub path: Box<str>,
    /// For all of it, from connecting to the last byte of the answer.
    pub timeout: Duration,
}

/// What it is as it is written.
pub(super) struct Introspection {
    /// Where it stands.
    pub(super) at: At<()>,
    remote: Remote,
    path: Box<str>,
    client_id: Box<str>,
    audience: Option<Box<str>>,
    key: Option<At<PathBuf>>,
    keep: Duration,
    timeout: Duration,
}

/// Reads `introspection`.
pub(super) fn read(reader: &Reader, node: &Node) -> Option<Introspection> {
    let map = Map::open(reader, node)?;
    let url = map.need("url", target);
    let client_id = map.need("client_id", values::text);
    let audience = map.may("audience", values::text);
    let key = map.may("key", values::path);
    let server_name = map.may("server_name", values::host_name);
    let keep = map.may("keep", values::span(ANSWERS_KEPT_S));
    let timeout = map.may("timeout", values::span(ANSWER_TIME_S));
    let tls = map.need("tls", remote::tls);
    map.close();
    let (key, audience, (ca, own)) = (key?, audience?, tls?);
    if key.is_none() && own.is_none() {
        let message = "nothing proves to the issuer who asks";
        let help =
            "add `key` (it signs assertions, `private_key_jwt`), or `certificate` and `key` under `tls`, or both";
        return values::fault(reader, node, "missing-key", message, Some(help));
    }
    if key.is_none() && audience.is_some() {
        let message = "`audience` is for whom assertions are, and no `key` signs any";
        return values::fault(reader, node, "without-effect", message, Some("take it out, or add `key`"));
    }
    let At { place, value: Target { place: value, path } } = url?;
    let remote = Remote { at: At { place, value }, server_name: server_name?, ca, own };
    let (client_id, keep) = (client_id?, keep?.unwrap_or(ANSWERS_KEPT_UNSAID));
    let (at, timeout) = (At { place: node.place, value: () }, timeout?.unwrap_or(ANSWER_TIME_UNSAID));
    Some(Introspection { at, remote, path, client_id, audience, key, keep, timeout })
}

/// What it means for this issuer: the files are read. With it goes as whom it is asked, and for how many seconds an answer is good.
pub(super) fn meant(
    reader: &Reader,
    files: &mut Files<'_>,
    written: Introspection,
    issuer: &str,
) -> Option<(IntrospectionSettings, Arc<AskingAs>, u64)> {
    let Introspection { remote, path, client_id, audience, key, keep, timeout, .. } = written;
    let purpose = format!("the key of our assertions to the issuer `{issuer}`");
    let key = match key {
        Some(at) => files.signing_keys(&[at], &purpose)?.into_iter().next(),
        None => None,
    };
    let at = remote::meant(reader, files, remote, ("an issuer's place", &format!("the issuer `{issuer}`")))?;
    let asking_as = AskingAs { client_id, audience: audience.unwrap_or_else(|| issuer.into()), key };
    let place = IntrospectionSettings { issuer: issuer.into(), at, path, timeout };
    Some((place, Arc::new(asking_as), keep.as_secs()))
}

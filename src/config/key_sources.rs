//! Where an issuer's keys come from: `issuers[].jwks` of `gateway.yaml`, first as written, then what it means.

use crate::config::deliver::Target;
use crate::config::deliver::target;
use crate::config::files::Files;
use crate::config::remote;
use crate::config::remote::Remote;
use crate::config::remote::RemotePlace;
use crate::config::values;
use crate::config::values::At;
use crate::config::values::Map;
use crate::crypto::Algorithm;
use crate::yaml::Node;
use crate::yaml::Reader;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

/// How old the last good set may grow, in seconds.
pub(super) const KEYS_KEPT_S: RangeInclusive<u64> = 300..=604_800;

/// How old it may grow where the file says nothing.
const KEYS_KEPT_UNSAID: Duration = Duration::from_secs(3_600);

/// An issuer that publishes its keys.
pub struct KeySourceSettings {
    /// The issuer.
    pub issuer: Box<str>,
    /// Where.
    pub at: RemotePlace,
    /// The path there.
    pub path: Box<str>,
    /// Whether a document lies there that tells where the keys are.
    pub is_document: bool,
    /// The algorithms that the issuer uses.
    pub algorithms: Vec<Algorithm>,
}

/// Where keys come from, as it is written.
pub(super) enum Keys {
    /// A file.
    File(At<PathBuf>),
    /// The issuer publishes them.
    Published(Box<Published>),
}

/// A place where keys are published, as it is written.
pub(super) struct Published {
    remote: Remote,
    path: Box<str>,
    is_document: bool,
    keep: Duration,
}

/// Reads `jwks`: exactly one of `file`, `url` and `discovery`, and what belongs to the last two.
pub(super) fn read(reader: &Reader, node: &Node) -> Option<Keys> {
    let map = Map::open(reader, node)?;
    let file = map.may("file", values::path);
    let url = map.may("url", target);
    let document = map.may("discovery", target);
    let server_name = map.may("server_name", values::host_name);
    let keep = map.may("keep", values::age(KEYS_KEPT_S));
    let tls = map.may("tls", remote::tls);
    map.close();
    let (file, url, document, server_name, keep, tls) = (file?, url?, document?, server_name?, keep?, tls?);
    let (is_document, url) = match (file, url, document) {
        (Some(file), None, None) if server_name.is_none() && keep.is_none() && tls.is_none() => {
            return Some(Keys::File(file));
        }
        (Some(_), None, None) => {
            let message = "`server_name`, `keep` and `tls` are for keys that are fetched";
            return values::fault(reader, node, "without-effect", message, Some("take them out, or `file`"));
        }
        (None, Some(url), None) => (false, url),
        (None, None, Some(url)) => (true, url),
        (None, None, None) => {
            let message = "nothing says where the keys come from";
            let help = "add one of `file`, `url` (a JWKS) and `discovery` (the issuer's metadata)";
            return values::fault(reader, node, "missing-key", message, Some(help));
        }
        _ => {
            let message = "the keys come from more than one place";
            let help = "keep one of `file`, `url` and `discovery`: an issuer's keys stand in one set";
            return values::fault(reader, node, "two-key-sources", message, Some(help));
        }
    };
    let Some((ca, own)) = tls else {
        let message = "keys that are fetched need a `tls`";
        let help = "add `tls: {ca: ..}`: who signs the certificate of that place, and nobody else";
        return values::fault(reader, node, "missing-key", message, Some(help));
    };
    let At { place, value: Target { place: value, path } } = url;
    let remote = Remote { at: At { place, value }, server_name, ca, own };
    Some(Keys::Published(Box::new(Published { remote, path, is_document, keep: keep.unwrap_or(KEYS_KEPT_UNSAID) })))
}

/// What it means for this issuer: the files are read. With it goes for how many seconds a set counts.
pub(super) fn meant(
    reader: &Reader,
    files: &mut Files<'_>,
    written: Published,
    issuer: &str,
    algorithms: &[Algorithm],
) -> Option<(KeySourceSettings, u64)> {
    let Published { remote, path, is_document, keep } = written;
    let at = remote::meant(reader, files, remote, ("an issuer's place", &format!("the issuer `{issuer}`")))?;
    let source = KeySourceSettings { issuer: issuer.into(), at, path, is_document, algorithms: algorithms.to_vec() };
    Some((source, keep.as_secs()))
}

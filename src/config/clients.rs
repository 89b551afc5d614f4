//! `clients`: the tokens that the gateway gives partners that call operations, and how each partner is known as a client.
//!
//! The keys are files of ours. The first signs; all are published and accepted, so that a next key is known before it signs,
//! and an old one as long as its tokens live.

use crate::config::files::Files;
use crate::config::values;
use crate::config::values::At;
use crate::config::values::Map;
use crate::config::written;
use crate::config::written::Paths;
use crate::config::written::Written;
use crate::config::written::paths;
use crate::crypto::KeySet;
use crate::diagnostic::Place;
use crate::identity::ClientTokens;
use crate::yaml::Node;
use crate::yaml::Reader;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How long such a token may be valid, in seconds: who needs another asks again.
pub(super) const LIFETIME_S: std::ops::RangeInclusive<u64> = 1..=300;
/// How long it is valid where the file says nothing.
const LIFETIME_DEFAULT: Duration = Duration::from_secs(300);

/// `clients` as it is written.
pub(super) struct Clients {
    place: Place,
    keys: Paths,
    max_lifetime: Duration,
}

/// `client` of a partner as it is written.
pub(super) struct Client {
    place: Place,
    id: Box<str>,
    keys: Option<At<PathBuf>>,
}

/// How a partner gets tokens here.
pub struct ClientSettings {
    /// `client_id`.
    pub id: Box<str>,
    /// What verifies its assertions; `None` for one that is known by its certificate alone.
    pub keys: Option<Arc<KeySet>>,
}

pub(super) fn read(reader: &Reader, node: &Node) -> Option<Clients> {
    let map = Map::open(reader, node)?;
    let keys = map.need("keys", paths);
    let max_lifetime = map.may("max_lifetime", values::seconds(LIFETIME_S));
    map.close();
    Some(Clients { place: node.place, keys: keys?, max_lifetime: max_lifetime?.unwrap_or(LIFETIME_DEFAULT) })
}

pub(super) fn read_client(reader: &Reader, node: &Node) -> Option<Client> {
    let map = Map::open(reader, node)?;
    let id = map.need("client_id", values::text);
    let keys = map.may("jwks", |reader, node| written::one_path(reader, node, "file"));
    map.close();
    Some(Client { place: node.place, id: id?, keys: keys? })
}

/// The tokens; the outer `None` is a fault.
#[expect(clippy::option_option, reason = "a fault and absence are two things")]
pub(super) fn meant(
    files: &mut Files<'_>,
    written: Option<&Clients>,
    clock_skew_s: u64,
) -> Option<Option<ClientTokens>> {
    let Some(written) = written else { return Some(None) };
    let keys = files.signing_keys(&written.keys, "a key that signs tokens for partners that call")?;
    match ClientTokens::new(&keys, written.max_lifetime.as_secs(), clock_skew_s) {
        Ok(tokens) => Some(Some(tokens)),
        Err(error) => {
            let at = written.keys.first()?;
            files.fault(
                at,
                "malformed-key-set",
                &format!("and the others make no key set: {error}"),
                Some("name each key once"),
            )
        }
    }
}

/// How a partner gets them; the outer `None` is a fault.
#[expect(clippy::option_option, reason = "a fault and absence are two things")]
pub(super) fn client(files: &mut Files<'_>, name: &str, written: Option<&Client>) -> Option<Option<ClientSettings>> {
    let Some(written) = written else { return Some(None) };
    let purpose = format!("the keys by which `{name}` proves itself as a client");
    let keys = written.keys.as_ref().map(|at| files.key_set(at, &[], &purpose).map(Arc::new));
    let keys = keys.map_or(Some(None), |keys| keys.map(Some))?;
    Some(Some(ClientSettings { id: written.id.clone(), keys }))
}

/// Reports what makes no sense together, each at its place.
pub(super) fn fit_together(reader: &Reader, written: &Written) {
    let report = |code, place: Place, message: String, help: &str| {
        reader.report(reader.source().fault(code, place, message).help(help));
    };
    for partner in &written.partners {
        let Some(client) = &partner.client else { continue };
        let name = &partner.name.value;
        if partner.peer.is_none() {
            let message = format!("`{name}` is a client, and nothing says which certificate it calls with");
            report("missing-key", client.place, message, "add `peer: <the name in its client certificate>`");
        }
        if written.clients.is_none() {
            let message = format!("`{name}` is a client, and nothing signs its tokens");
            report("missing-key", client.place, message, "add `clients: {keys: <file>}`");
        }
        if written.to_backend.is_none() {
            let message = format!("`{name}` calls operations, and nothing says where the backend takes them");
            report("missing-key", client.place, message, "add `backend: {upstream: .., tls: ..}`");
        }
    }
    if let Some(clients) = &written.clients
        && written.partners.iter().all(|partner| partner.client.is_none())
    {
        let message = "nobody gets tokens of these keys: no partner is a client".to_owned();
        report("without-effect", clients.place, message, "add `client: {client_id: ..}` to a partner, or take it out");
    }
}

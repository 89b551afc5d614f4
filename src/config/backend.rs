//! Where the backend takes what partners send: `backend` of `gateway.yaml`, first as written, then what it means.

use crate::config::files::Files;
use crate::config::settings::BackendSettings;
use crate::config::settings::EventSettings;
use crate::config::values;
use crate::config::values::At;
use crate::config::values::Map;
use crate::config::values::Upstream;
use crate::config::written;
use crate::config::written::Paths;
use crate::config::written::Tls;
use crate::config::written::Written;
use crate::diagnostic::Place;
use crate::yaml::Node;
use crate::yaml::Reader;

/// The longest path, in bytes.
const MAX_PATH_BYTES: usize = 512;

/// The backend as it is written.
pub(super) struct Backend {
    place: Place,
    upstream: At<Upstream>,
    server_name: Option<At<Box<str>>>,
    tls: Tls,
    events: Option<Events>,
}

/// Where it takes events, and what signs them.
struct Events {
    place: Place,
    path: Box<str>,
    sign: Paths,
}

pub(super) fn read(reader: &Reader, node: &Node) -> Option<Backend> {
    let map = Map::open(reader, node)?;
    let upstream = map.need("upstream", values::upstream);
    let server_name = map.may("server_name", values::host_name);
    let tls = map.need("tls", |reader, node| written::tls(reader, node, "ca"));
    let events = map.may("events", |reader, node| {
        let map = Map::open(reader, node)?;
        let path = map.need("path", path);
        let sign = map.need("sign", written::paths);
        map.close();
        Some(Events { place: node.place, path: path?, sign: sign? })
    });
    map.close();
    let events = events?;
    Some(Backend { place: node.place, upstream: upstream?, server_name: server_name?, tls: tls?, events })
}

/// What it means; the outer `None` is a fault.
#[expect(clippy::option_option, reason = "a fault and absence are two things")]
pub(super) fn meant(reader: &Reader, files: &mut Files<'_>, written: &Written) -> Option<Option<BackendSettings>> {
    let sends = |partner: &&written::Partner| partner.webhooks.is_some();
    let sender = written.partners.iter().find(sends);
    let takes_events = written.to_backend.as_ref().is_some_and(|backend| backend.events.is_some());
    if let Some(partner) = sender.filter(|_| !takes_events) {
        let message = format!("`{}` sends events, and nothing says where the backend takes them", partner.name.value);
        let fault = reader.source().fault("missing-key", partner.name.place, message);
        reader.report(fault.help("add `backend: {upstream: .., tls: .., events: ..}`"));
        return None;
    }
    let Some(backend) = &written.to_backend else { return Some(None) };
    let tls = files.tls(&backend.tls, "the TLS key towards the backend");
    let crls = files.crls(&backend.tls.crls, tls.as_ref());
    let events = backend.events.as_ref().map(|events| {
        let secrets = files.webhook_secrets(&events.sign, "a secret that signs events for the backend")?;
        Some(EventSettings { path: events.path.clone(), secrets })
    });
    let upstream = &backend.upstream.value;
    let server_name = match &backend.server_name {
        Some(at) => Some(at.value.clone()),
        None if upstream.is_address => {
            let message = "an upstream that is an address needs the name in its certificate";
            let fault = reader.source().fault("missing-key", backend.upstream.place, message);
            reader.report(fault.help("add `server_name: <host name>` to the backend"));
            None
        }
        None => Some(upstream.host.clone()),
    };
    let without_effect = |place, message: &str, help: &str| {
        reader.report(reader.source().fault("without-effect", place, message).help(help));
    };
    match (sender, &backend.events, written.partners.iter().any(|partner| partner.client.is_some())) {
        (None, None, false) => {
            let message = "nothing comes in that would go to the backend: no partner sends events or calls operations";
            let help = "add `webhooks: {verify: ..}` or `client: ..` to a partner, or take `backend` out";
            without_effect(backend.place, message, help);
            return None;
        }
        (None, Some(events), _) => {
            let message = "nothing comes in that would go to the backend: no partner sends events";
            without_effect(events.place, message, "add `webhooks: {verify: ..}` to a partner, or take this out");
            return None;
        }
        (Some(_), ..) | (None, None, true) => {}
    }
    Some(Some(BackendSettings {
        host: upstream.host.clone(),
        port: upstream.port,
        server_name: server_name?,
        tls: tls?,
        crls: crls?,
        events: events.map_or(Some(None), |events| events.map(Some))?,
    }))
}

/// A path in origin form, without query, fragment and anything to be encoded.
fn path(reader: &Reader, node: &Node) -> Option<Box<str>> {
    let written = reader.text(node)?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    if written.starts_with('/') && written.len() <= MAX_PATH_BYTES && written.bytes().all(plain) {
        return Some(written.into());
    }
    let message = "a path begins with `/` and consists of letters, digits and `-._~/`";
    values::fault(reader, node, "malformed-path", message, Some("for instance `/partner-events`"))
}

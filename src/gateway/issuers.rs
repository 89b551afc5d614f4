//! The issuers that publish their keys, and the one that is asked about its tokens: the connections to them, the thread that those
//! who fetch and ask share, and the exchange of the certificates and authorities of these connections while the gateway runs.

use crate::config::IntrospectionSettings;
use crate::config::KeySourceSettings;
use crate::config::RemotePlace;
use crate::crypto::Outward;
use crate::crypto::TlsError;
use crate::diagnostic::Diagnostics;
use crate::gateway::internal;
use crate::identity::Asker;
use crate::identity::INTROSPECTION_ANSWER_MAX_BYTES;
use crate::identity::Introspector;
use crate::identity::KEYS_ANSWER_MAX_BYTES;
use crate::identity::KeyPurposes;
use crate::identity::KeySource;
use crate::identity::Refresher;
use crate::limits::Limits;
use crate::model::Sha256;
use crate::pipeline::Core;
use crate::tasks::Tasks;
use crate::wire::Client;
use crate::wire::Place;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Those who fetch, who asks, their connections in the order of the configuration, those of the one who asks last, and what none
/// of those who fetch may bring.
pub(super) struct Built {
    pub(super) refreshers: Vec<Refresher>,
    pub(super) asker: Option<Asker>,
    pub(super) clients: Vec<Client>,
    pub(super) purposes: Arc<KeyPurposes>,
}

/// Builds them all. `configured` are the public keys that stand in files.
pub(super) fn build(
    core: &Core,
    sources: Vec<KeySourceSettings>,
    asked: Option<IntrospectionSettings>,
    configured: &[Sha256],
    limits: &Limits,
) -> Result<Built, Diagnostics> {
    let (mut refreshers, mut clients) = (Vec::new(), Vec::new());
    let purposes = Arc::new(KeyPurposes::new(configured));
    for settings in sources {
        let client =
            client(core, &settings.at, limits, Limits::millis(limits.exchange_timeout_ms), KEYS_ANSWER_MAX_BYTES)?;
        let KeySourceSettings { issuer, at, path, is_document, algorithms } = settings;
        let keys = core.identity.remote_keys().find(|(name, _)| ***name == *issuer);
        let (issuer, keys) = keys.ok_or_else(|| internal("the keys of an issuer", &"nobody verifies by them"))?;
        let source = KeySource {
            issuer: Arc::clone(issuer),
            client: client.clone(),
            path,
            is_document,
            authorities: authorities(&at),
            algorithms,
            purposes: Arc::clone(&purposes),
        };
        let (keys, clock, metrics) = (Arc::clone(keys), Arc::clone(&core.clock), Arc::clone(&core.metrics));
        refreshers.push(Refresher::new(source, keys, clock, metrics));
        clients.push(client);
    }
    let asker = match asked {
        Some(IntrospectionSettings { issuer: name, at, path, timeout }) => {
            let client = client(core, &at, limits, timeout, INTROSPECTION_ANSWER_MAX_BYTES)?;
            clients.push(client.clone());
            let asked = core.identity.introspections().filter(|(issuer, _)| ***issuer == *name);
            let (issuer, asked) = asked.ok_or_else(|| internal("the issuer that is asked", &"nobody asks it"))?;
            let introspector = Introspector { issuer: Arc::clone(issuer), client, path };
            let (clock, metrics) = (Arc::clone(&core.clock), Arc::clone(&core.metrics));
            Some(Asker::new(introspector, Arc::clone(asked), clock, metrics))
        }
        None => None,
    };
    Ok(Built { refreshers, asker, clients, purposes })
}

/// Connections to a place, whose answers have their time and their size.
fn client(
    core: &Core,
    at: &RemotePlace,
    limits: &Limits,
    exchange_timeout: Duration,
    answer_max_bytes: usize,
) -> Result<Client, Diagnostics> {
    let refused = |error: &dyn std::fmt::Display| internal("the connections to an issuer", error);
    let side = side(at, core).map_err(|error| refused(&error))?;
    let place = Place {
        host: at.host.clone(),
        port: at.port,
        server_name: at.server_name.clone(),
        connect_timeout: Limits::millis(limits.connect_timeout_ms).min(exchange_timeout),
        exchange_timeout,
        answer_max_bytes,
        clock: Arc::clone(&core.clock),
    };
    Client::naming(authority(&at.server_name, at.port), place, side).map_err(|error| refused(&error))
}

/// Our side towards an issuer's place, as the configuration has it.
pub(super) fn side(at: &RemotePlace, core: &Core) -> Result<Arc<Outward>, TlsError> {
    let clock = Arc::clone(&core.clock);
    Outward::speaking(&["http/1.1"], at.identity.as_ref(), at.roots.clone(), Vec::new(), clock).map(Arc::new)
}

/// By what a document may call the place that it came from.
fn authorities(at: &RemotePlace) -> Vec<Box<str>> {
    [&at.server_name, &at.host].map(|host| with_port(host, at.port)).into()
}

/// What a place is called in our requests. Providers make the addresses in their metadata of what they are called by.
pub(super) fn authority(name: &str, port: u16) -> Box<str> {
    if port == 443 { name.into() } else { with_port(name, port) }
}

fn with_port(host: &str, port: u16) -> Box<str> {
    if host.contains(':') { format!("[{host}]:{port}").into() } else { format!("{host}:{port}").into() }
}

/// Lets all of them fetch and ask until the gateway is closed.
pub(super) async fn run(refreshers: Vec<Refresher>, asker: Option<Asker>, mut closed: watch::Receiver<bool>) {
    let running = Tasks::new();
    if let Some(asker) = asker {
        drop(running.spawn(asker.run(closed.clone())));
    }
    for refresher in refreshers {
        drop(running.spawn(refresher.run(closed.clone())));
    }
    // The thread lives as long as the gateway, also where nobody has anything to fetch.
    let _ = closed.wait_for(|closed| *closed).await;
    running.idle().await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_called_by_its_name_and_its_address_with_the_port() {
        let at = |host: &str| RemotePlace {
            host: host.into(),
            port: 8443,
            server_name: "id.example".into(),
            roots: Vec::new(),
            identity: None,
        };
        let names = |host: &str| authorities(&at(host)).into_iter().map(String::from).collect::<Vec<_>>();
        assert_eq!(names("127.0.0.1"), ["id.example:8443", "127.0.0.1:8443"]);
        assert_eq!(names("::1"), ["id.example:8443", "[::1]:8443"]);
    }
}

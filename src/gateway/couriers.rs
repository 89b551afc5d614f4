//! Couriers built from the configuration, and the thread that they share with the keeper of the outbox.

use crate::audit::Log;
use crate::config::BackendSettings;
use crate::config::EndpointSettings;
use crate::config::EventSettings;
use crate::config::TlsPeer;
use crate::crypto::Crl;
use crate::diagnostic::Diagnostics;
use crate::gateway::internal;
use crate::limits::Limits;
use crate::model::Direction;
use crate::model::PartnerName;
use crate::pipeline::Core;
use crate::pipeline::Courier;
use crate::pipeline::keep;
use crate::protect::Protector;
use crate::tasks::Tasks;
use crate::webhook::ANSWER_MAX_BYTES;
use crate::webhook::Destination;
use crate::webhook::Endpoint;
use crate::webhook::SigningSecrets;
use crate::wire::Client;
use crate::wire::ClientSettings;
use std::sync::Arc;
use tokio::sync::watch;

/// What the couriers of one partner are built from.
pub(super) struct Towards<'a> {
    pub(super) partner: PartnerName,
    pub(super) tls: &'a TlsPeer,
    pub(super) crls: &'a [Crl],
    pub(super) protector: &'a Arc<Protector>,
    pub(super) limits: &'a Limits,
}

/// The courier to a partner's endpoint, its connections, which show another certificate once that has changed, and what signs.
pub(super) fn to_partner(
    core: &Arc<Core>,
    log: &Log,
    endpoint: EndpointSettings,
    towards: &Towards<'_>,
) -> Result<(Courier, Client, SigningSecrets), Diagnostics> {
    let EndpointSettings { host, port, server_name, path, secrets } = endpoint;
    let Towards { partner, tls, crls, protector, limits } = towards;
    let client = Client::new(ClientSettings {
        host,
        port,
        server_name,
        identity: &tls.identity,
        roots: tls.roots.clone(),
        lists: crls.to_vec(),
        connect_timeout: Limits::millis(limits.connect_timeout_ms),
        exchange_timeout: Limits::millis(limits.exchange_timeout_ms),
        answer_max_bytes: ANSWER_MAX_BYTES,
        clock: Arc::clone(&core.clock),
    });
    let client = client.map_err(|error| internal("the connections to an endpoint", &error))?;
    let destination = Destination { direction: Direction::Outbound, partner: partner.clone() };
    let secrets = SigningSecrets::from(secrets);
    let endpoint = Endpoint::new(destination, path, secrets.clone(), Arc::new(client.clone()));
    let courier = Courier::new(Arc::clone(core), log.at_own_desk(), endpoint, Arc::clone(protector), limits);
    Ok((courier, client, secrets))
}

/// Connections to the backend, for answers of at most so many bytes.
pub(super) fn backend_client(
    core: &Core,
    backend: &BackendSettings,
    answer_max_bytes: usize,
    limits: &Limits,
) -> Result<Client, Diagnostics> {
    let client = Client::new(ClientSettings {
        host: backend.host.clone(),
        port: backend.port,
        server_name: backend.server_name.clone(),
        identity: &backend.tls.identity,
        roots: backend.tls.roots.clone(),
        lists: backend.crls.clone(),
        connect_timeout: Limits::millis(limits.connect_timeout_ms),
        exchange_timeout: Limits::millis(limits.exchange_timeout_ms),
        answer_max_bytes,
        clock: Arc::clone(&core.clock),
    });
    client.map_err(|error| internal("the connections to the backend", &error))
}

/// The couriers that bring the backend what partners send, one for each of `senders`, their connections, and what signs.
pub(super) fn to_backend(
    core: &Arc<Core>,
    log: &Log,
    backend: &BackendSettings,
    events: EventSettings,
    senders: Vec<(PartnerName, Arc<Protector>)>,
    limits: &Limits,
) -> Result<(Vec<Courier>, Client, SigningSecrets), Diagnostics> {
    let client = backend_client(core, backend, ANSWER_MAX_BYTES, limits)?;
    let EventSettings { path, secrets } = events;
    let secrets = SigningSecrets::from(secrets);
    let courier = |(partner, protector)| {
        let destination = Destination { direction: Direction::Inbound, partner };
        let endpoint = Endpoint::new(destination, path.clone(), secrets.clone(), Arc::new(client.clone()));
        Courier::new(Arc::clone(core), log.at_own_desk(), endpoint, protector, limits)
    };
    Ok((senders.into_iter().map(courier).collect(), client, secrets))
}

/// Runs all couriers and the keeper until the gateway goes down and what is under way has ended.
pub(super) async fn run(core: Arc<Core>, log: Log, couriers: Vec<Courier>, down: watch::Receiver<bool>) {
    let running = Tasks::new();
    let destinations = couriers.iter().map(|courier| courier.destination().clone()).collect();
    for courier in couriers {
        drop(running.spawn(courier.run(down.clone())));
    }
    keep(core, log, destinations, down).await;
    running.idle().await;
}

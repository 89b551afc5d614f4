//! The rooms, built from the configuration: bundle and directory held against each other, log and store opened, and a gate
//! for each worker, behind which a route leads to each partner.

use crate::audit;
use crate::audit::FileDisk;
use crate::audit::Handles;
use crate::audit::Log;
use crate::audit::Recovered;
use crate::bundle::Bundle;
use crate::clock::SystemClock;
use crate::config;
use crate::config::Config;
use crate::config::TlsPeer;
use crate::contract::Contract;
use crate::crypto::ClientTrust;
use crate::crypto::Crl;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use crate::diagnostic::Source;
use crate::directory::Directory;
use crate::directory::DirectoryStore;
use crate::directory::KeepFault;
use crate::gateway::Injected;
use crate::gateway::approvals::Signing;
use crate::gateway::clock_keeper;
use crate::gateway::clock_keeper::Recalled;
use crate::gateway::clock_keeper::TimesOnRecord;
use crate::gateway::couriers;
use crate::gateway::couriers::Towards;
use crate::gateway::epochs;
use crate::gateway::epochs::Uneven;
use crate::gateway::internal;
use crate::gateway::log_fault;
use crate::gateway::swap::Terms;
use crate::gateway::token_servers::Server;
use crate::gateway::token_servers::ServerSeen;
use crate::gateway::token_servers::Tokens;
use crate::gateway::unusable;
use crate::guard::Guard;
use crate::guard::LedgerEntry;
use crate::identity::PartnerClient;
use crate::identity::SessionIssuer;
use crate::identity::Verifier;
use crate::limits::Limits;
use crate::model::PartnerName;
use crate::partner;
use crate::partner::Partner;
use crate::pipeline::BodyMemory;
use crate::pipeline::Calls;
use crate::pipeline::Core;
use crate::pipeline::Courier;
use crate::pipeline::Gate;
use crate::pipeline::Health;
use crate::pipeline::Inward;
use crate::pipeline::Room;
use crate::pipeline::Route;
use crate::pipeline::Snapshot;
use crate::pipeline::Updates;
use crate::protect::Protector;
use crate::store::Sqlite;
use crate::tasks::Tasks;
use crate::telemetry::Metrics;
use crate::webhook::Outbox;
use crate::webhook::SigningSecrets;
use crate::wire::Client;
use crate::wire::ClientSettings;
use arc_swap::ArcSwap;
use std::error::Error;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use tokio::runtime::Runtime;

/// The largest directory file, in bytes.
const DIRECTORY_MAX_BYTES: u64 = 256 * 1024 * 1024;

/// Bundle and directory, held against each other and against the configuration. Whether the bundle is approved, the store
/// must be asked for.
pub(super) struct Candidate {
    pub(super) bundle: Arc<Bundle>,
    directory: Arc<Directory>,
}

/// Reads and compiles them.
pub(super) fn candidate(config: &Config) -> Result<Candidate, Diagnostics> {
    let unread = |fault: Diagnostic| fault.asked_at(&config.source, config.places.directory);
    let directory = read_directory(&config.directory, unread);
    let bundle = match (Bundle::load(&config.policies, &config.limits), &directory) {
        (Ok(bundle), _) => bundle,
        (Err(mut faults), directory) => {
            faults.extend(directory.as_ref().err().cloned().unwrap_or_default());
            return Err(faults);
        }
    };
    let mut faults = Terms::of(config)?.undercut(&bundle);
    let directory = match directory {
        Ok(directory) => directory,
        Err(wrong) => {
            faults.extend(wrong);
            return Err(faults);
        }
    };
    faults.or_fail(Candidate { bundle: Arc::new(bundle), directory: Arc::new(directory) })
}

fn read_directory(path: &Path, unread: impl Fn(Diagnostic) -> Diagnostic) -> Result<Directory, Diagnostics> {
    let help = "a file that the gateway may read, of at most 256 MiB";
    let unusable = |error: &io::Error| unread(unusable("directory", path, error).help(help));
    let size = std::fs::metadata(path).map_err(|error| unusable(&error))?.len();
    if size > DIRECTORY_MAX_BYTES {
        return Err(unusable(&io::Error::other("it is larger than 256 MiB")).into());
    }
    let text = std::fs::read_to_string(path).map_err(|error| unusable(&error))?;
    Directory::compile(&Source::new(path, text))
}

/// The gates, what leads to partners and backend, the couriers, the store, and what was found of the time before.
type Built = (Vec<Gate>, Callers, Vec<Courier>, Arc<Sqlite>, Recalled);

/// Whom the doors let in.
pub(super) struct Trusts {
    pub(super) backend: Arc<ClientTrust>,
    pub(super) partners: Option<Arc<ClientTrust>>,
}

/// What leads to each partner and from it, in the order of the configuration, and to the backend.
pub(super) struct Callers {
    /// Every worker's connections.
    pub(super) lines: Vec<Vec<Client>>,
    /// The connections to the backend, where it takes what partners send: the couriers', and every worker's.
    pub(super) to_backend: Vec<Client>,
    /// How the partner is known when it calls.
    pub(super) calls: Vec<Option<Arc<Calls>>>,
    /// Its authorisation server, where it gives the tokens.
    pub(super) token_servers: Vec<Option<Server>>,
    /// What signs the events to it, where it takes any.
    pub(super) signing: Vec<Option<SigningSecrets>>,
    /// The same to the backend.
    pub(super) signing_to_backend: Option<SigningSecrets>,
    /// The partners' names.
    names: Vec<PartnerName>,
}

impl Callers {
    /// The authorisation servers, for whoever looks at the gateway.
    pub(super) fn servers_seen(&self) -> Vec<ServerSeen> {
        let named = self.names.iter().zip(&self.token_servers);
        named.filter_map(|(name, server)| Some(server.as_ref()?.seen(name))).collect()
    }
}

/// All rooms, and a gate for each worker and the operator. Every worker has its own desk at the log and its own
/// connections to the partners, so that none wakes another's runtime.
pub(super) fn gates(
    config: Config,
    injected: Injected,
    candidate: Candidate,
    trusts: Trusts,
    memory: BodyMemory,
    runtime: &Runtime,
    count: usize,
) -> Result<Built, Diagnostics> {
    let clock = injected.clock.unwrap_or_else(|| Arc::new(SystemClock::new()));
    let metrics = Arc::new(Metrics::new().map_err(|error| internal("the metrics", &error))?);
    let key = &config.store.key;
    let (source, places, path) = (config.source.clone(), config.places, config.store.path.clone());
    let no_store = |error: &dyn Error| {
        let help = "one process has it at a time, on a local disk, under the key that it was made with";
        unusable("store", &path, error).asked_at(&source, places.store).help(help)
    };
    let before = injected.store_disk.unwrap_or_else(|| Box::new(|| {}));
    let store = Sqlite::open_on(&path, key, before).map_err(|error| no_store(&error))?;
    let store = Arc::new(store);
    let replayed = runtime.block_on(epochs::evened(&config, store.as_ref())).map_err(|uneven| match uneven {
        Uneven::Refused(fault) => fault,
        Uneven::Store(fault) => no_store(&fault),
    })?;
    let directory = runtime.block_on(newest(candidate.directory, store.as_ref())).map_err(|error| no_store(&error))?;
    let approved = runtime.block_on(Signing::of(&config).approve(&candidate.bundle, clock.now(), store.as_ref()))?;
    let snapshot = Snapshot::new(approved, directory);
    let settings = audit::Settings {
        directory: config.audit.directory.clone(),
        archive: config.audit.retention.as_ref().map(|kept| kept.archive.clone()),
        signer: Arc::clone(&config.audit.signer),
        deadline: Limits::millis(config.limits.record_timeout_ms),
        segment_bytes: config.audit.segment_bytes,
        reserve_bytes: config.audit.reserve_bytes,
        segment_age: config.audit.segment_age,
        refusal_rates: audit::RefusalRates {
            unknown_per_minute: config.limits.refusal_records_per_peer_per_minute,
            known_per_minute: config.limits.known_refusal_records_per_peer_per_minute,
        },
        receipts_max: config.limits.receipts_max,
        receipts_ms: config.limits.receipts_ms,
    };
    let disk = injected
        .disk
        .unwrap_or_else(|| Box::new(FileDisk::new(config.audit.directory.clone(), settings.segment_bytes)));
    let (log, recovered) = Log::open_on(disk, settings, key, Arc::clone(&clock), Arc::clone(&metrics))
        .map_err(|error| log_fault::told(&config.audit.directory, &error).asked_at(&source, places.audit))?;
    if recovered.unknown > 0 {
        tracing::warn!(intents = recovered.unknown, "intents without outcome were marked unknown");
    }
    let told = TimesOnRecord { last: recovered.last, latest: recovered.latest };
    let guard = Guard::open(&config.limits, key, store.clone(), remembered(recovered), clock.now());
    let guard = runtime.block_on(guard).map_err(|error| no_store(&error))?.keeping_assertions(store.clone());
    let mut guard = runtime.block_on(guard).map_err(|error| no_store(&error))?;
    let recalled = clock_keeper::recall(&mut guard, store.as_ref(), told, clock.now());
    let mut recalled = runtime.block_on(recalled).map_err(|error| no_store(&error))?;
    recalled.notes.extend(replayed);
    let outbox = Outbox::open_on(store.clone(), key, &config.limits);
    let outbox = runtime.block_on(outbox).map_err(|error| no_store(&error))?;
    let handles = Handles::new(store.clone(), key);
    runtime.block_on(handles.recall()).map_err(|error| no_store(&error))?;
    let core = Arc::new(Core {
        clock,
        identity: Verifier::new(config.identity).map_err(|error| internal("the issuers", &error))?,
        client_tokens: config.client_tokens.map(ArcSwap::from_pointee),
        sessions: SessionIssuer::new(config.sessions).map_err(|error| internal("the session tokens", &error))?,
        clients: trusts.backend,
        partner_clients: trusts.partners,
        guard,
        handles,
        outbox,
        snapshot: ArcSwap::from_pointee(snapshot),
        updates: Updates::new(config.directory_updates, &config.limits, store.clone()),
        exchanges: Tasks::new(),
        metrics,
        trace_from: config.backend.trace_from,
        going_down: AtomicBool::new(false),
        reload_failed: AtomicBool::new(false),
        bundle_refused: AtomicBool::new(false),
        archive_failed: AtomicBool::new(false),
        exports_behind: AtomicBool::new(false),
    });
    core.updates.tell(&core.snapshot.load().directory, &core.metrics);
    let limits = config.limits;
    let room = Room::new(&limits, memory);
    let (mut lines, mut clients, mut couriers, mut signing) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for mut partner in config.partners {
        let endpoint = partner.endpoint.take();
        let rooms = [room.beside(&limits), room.beside(&limits)];
        let line = Line::new(&core, partner, rooms, endpoint.is_some(), &limits)?;
        let mut of_line = Vec::with_capacity(count.saturating_add(1));
        let mut signs = None;
        if let Some(endpoint) = endpoint {
            let name = line.partner.name.clone();
            let towards = Towards {
                partner: name,
                tls: &line.tls,
                crls: &line.crls,
                protector: &line.protector,
                limits: &limits,
            };
            let (courier, client, secrets) = couriers::to_partner(&core, &log, endpoint, &towards)?;
            couriers.push(courier);
            of_line.push(client);
            signs = Some(secrets);
        }
        signing.push(signs);
        lines.push(line);
        clients.push(of_line);
    }
    let (mut to_backend, mut signing_to_backend) = (Vec::new(), None);
    let mut backend = config.to_backend;
    if let Some(backend) = &mut backend
        && let Some(events) = backend.events.take()
    {
        let senders = lines.iter().filter(|line| line.calls.as_ref().is_some_and(|calls| calls.sends_events()));
        let senders = senders.map(|line| (line.partner.name.clone(), Arc::clone(&line.protector))).collect();
        let (of_backend, client, secrets) = couriers::to_backend(&core, &log, backend, events, senders, &limits)?;
        couriers.extend(of_backend);
        to_backend.push(client);
        signing_to_backend = Some(secrets);
    }
    let mut token_servers: Vec<Option<Server>> = lines.iter().map(|_| None).collect();
    let mut gates = Vec::with_capacity(count);
    for _ in 0..count {
        let inward = match &backend {
            Some(backend) if lines.iter().any(Line::calls_operations) => {
                let most = usize::try_from(limits.answer_max_bytes).unwrap_or(usize::MAX);
                let client = couriers::backend_client(&core, backend, most, &limits)?;
                to_backend.push(client.clone());
                Some(client)
            }
            _ => None,
        };
        let mut routes = Vec::with_capacity(lines.len());
        for ((line, clients), server) in lines.iter().zip(&mut clients).zip(&mut token_servers) {
            let (route, client) = line.route(&core, &limits, inward.as_ref(), server)?;
            routes.push(route);
            clients.push(client);
        }
        gates.push(Gate::new(Arc::clone(&core), log.at_own_desk(), routes));
    }
    let calls = lines.iter().map(|line| line.calls.clone()).collect();
    let names = lines.iter().map(|line| line.partner.name.clone()).collect();
    let lines = clients;
    let callers = Callers { lines, to_backend, calls, token_servers, signing, signing_to_backend, names };
    Ok((gates, callers, couriers, store, recalled))
}

/// The newest directory: that of the file, or what the backend sent last. Of two of one revision, what was
/// sent, for that was signed.
async fn newest(of_file: Arc<Directory>, store: &dyn DirectoryStore) -> Result<Arc<Directory>, KeepFault> {
    let Some(kept) = store.last().await? else { return Ok(of_file) };
    let file = of_file.version();
    if kept.revision < file {
        tracing::info!(revision = file, stored = kept.revision, "the directory is the file's, which is newer");
        return Ok(of_file);
    }
    let Some(sent) = Directory::restored(&kept.text) else {
        tracing::error!(stored = kept.revision, "the directory in the store is not one that this version can read");
        return Err(KeepFault);
    };
    if kept.revision == file && sent.digest() != of_file.digest() {
        tracing::warn!(revision = file, "the directory file has another content under the revision that was sent");
    }
    tracing::info!(revision = kept.revision, file, taken_at = %kept.taken_at, "the directory is the one that was sent");
    Ok(Arc::new(sent))
}

/// The idempotency keys of the last 24 hours, as the log tells them.
fn remembered(recovered: Recovered) -> Vec<LedgerEntry> {
    let entry = |past: audit::PastCommand| LedgerEntry {
        key: past.key.key,
        body: past.key.body,
        receipt: past.receipt,
        at: past.at,
        outcome: past.outcome,
    };
    recovered.past.into_iter().map(entry).collect()
}

/// What leads to one partner; each worker's route is made of it.
struct Line {
    authority: Box<str>,
    contract: Arc<Contract>,
    protector: Arc<Protector>,
    partner: Arc<partner::PartnerSettings>,
    tokens: Tokens,
    host: Box<str>,
    port: u16,
    server_name: Box<str>,
    tls: TlsPeer,
    health: Arc<Health>,
    crls: Vec<Crl>,
    room: Room,
    /// The room for what the partner asks the backend.
    inward: Room,
    has_endpoint: bool,
    calls: Option<Arc<Calls>>,
}

impl Line {
    /// Whether the partner may ask for operations of its contract.
    fn calls_operations(&self) -> bool {
        self.calls.as_ref().is_some_and(|calls| calls.client().is_some())
    }

    fn new(
        core: &Core,
        settings: config::PartnerSettings,
        [room, inward]: [Room; 2],
        has_endpoint: bool,
        limits: &Limits,
    ) -> Result<Self, Diagnostics> {
        let config::PartnerSettings {
            name,
            authority,
            host,
            port,
            server_name,
            tls,
            crls,
            token,
            signing,
            pseudonym_key,
            ..
        } = settings;
        let calls = settings.calls.map(|calls| {
            let client = calls.client.map(|client| PartnerClient::new(client.id, &authority, client.keys));
            Calls::new(name.clone(), calls.peer, calls.webhook_secrets, client)
        });
        let snapshot = core.snapshot.load();
        let contract = snapshot.bundle.contract(&name).ok_or_else(|| internal("a contract", &name))?;
        Ok(Self {
            authority,
            contract: Arc::clone(contract),
            protector: Arc::new(Protector::new(name.clone(), pseudonym_key)),
            tokens: Tokens::new(core, &name, token, &tls, limits)?,
            partner: Arc::new(partner::PartnerSettings { name, signing }),
            host,
            port,
            server_name,
            tls,
            health: Arc::default(),
            crls,
            room,
            inward,
            has_endpoint,
            calls: calls.map(Arc::new),
        })
    }

    fn route(
        &self,
        core: &Core,
        limits: &Limits,
        inward: Option<&Client>,
        token_server: &mut Option<Server>,
    ) -> Result<((Box<str>, Route), Client), Diagnostics> {
        let client = Client::new(ClientSettings {
            host: self.host.clone(),
            port: self.port,
            server_name: self.server_name.clone(),
            identity: &self.tls.identity,
            roots: self.tls.roots.clone(),
            lists: self.crls.clone(),
            connect_timeout: Limits::millis(limits.connect_timeout_ms),
            exchange_timeout: Limits::millis(limits.exchange_timeout_ms),
            answer_max_bytes: usize::try_from(limits.answer_max_bytes).unwrap_or(usize::MAX),
            clock: Arc::clone(&core.clock),
        });
        let client = client.map_err(|error| internal("the connections to a partner", &error))?;
        let operations = self.contract.operations().iter();
        let tokens = self.tokens.source(token_server)?;
        let route = Route {
            name: self.partner.name.clone(),
            protector: Arc::clone(&self.protector),
            partner: Partner::new(Arc::clone(&self.partner), tokens, Arc::new(client.clone())),
            health: Arc::clone(&self.health),
            room: self.room.clone(),
            has_endpoint: self.has_endpoint,
            calls: self.calls.clone(),
            inward: inward.filter(|_| self.calls_operations()).map(|client| Inward {
                backend: partner::Backend::new(Arc::new(client.clone())),
                room: self.inward.clone(),
            }),
            decisions: operations
                .map(|operation| (operation.id.clone(), core.metrics.operation(&operation.id)))
                .collect(),
        };
        Ok(((self.authority.clone(), route), client))
    }
}

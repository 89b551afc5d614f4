//! The wiring: all rooms built from the configuration, ports bound before any task starts, and the order of going down.
//!
//! Whatever can be refused is refused by [`start`], with diagnostics; what it returns serves. Each worker is a thread with
//! a current-thread runtime, all of them accepting on one shared socket; one more thread serves the operator. A thread
//! that ends by itself ends the gateway, so that none lives on as a ghost.

mod approvals;
mod archivist;
mod check;
mod clock_keeper;
mod clock_rise;
mod clock_watch;
mod couriers;
mod descriptors;
mod entrance;
mod epochs;
mod exporters;
mod identity_status;
mod inherited;
mod issuers;
mod log_fault;
mod operator;
mod reload;
mod rooms;
mod sockets;
mod stated;
mod status;
mod supervisor;
mod swap;
mod threads;
mod token_servers;
mod warnings;

use crate::audit;
use crate::audit::Archive;
use crate::audit::Disk;
use crate::audit::Facts;
use crate::audit::Note;
use crate::clock::Clock;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::crypto;
use crate::diagnostic;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use crate::gateway::archivist::Archivist;
use crate::gateway::clock_keeper::ClockKeeper;
use crate::gateway::entrance::Entrance;
use crate::gateway::identity_status::OwnKeys;
use crate::gateway::operator::Operator;
use crate::gateway::operator::operate;
use crate::gateway::reload::Expiries;
use crate::gateway::reload::Parts;
use crate::gateway::reload::Reloader;
use crate::gateway::reload::Watched;
use crate::gateway::rooms::candidate;
use crate::gateway::rooms::gates;
use crate::gateway::sockets::Addresses;
use crate::gateway::sockets::CallerSockets;
use crate::gateway::sockets::Sockets;
use crate::gateway::stated::InEffect;
use crate::gateway::status::Bound;
use crate::gateway::status::Status;
use crate::gateway::supervisor::Pulses;
use crate::gateway::swap::Swapper;
use crate::gateway::swap::Terms;
use crate::gateway::threads::current_thread;
use crate::gateway::threads::spawn;
use crate::guard::TimeStore;
use crate::limits::Limits;
use crate::listener::Door;
use crate::listener::Listener;
use crate::model::Receipt;
use crate::model::Sha256;
use crate::pipeline::BodyMemory;
use crate::pipeline::Gate;
use crate::store::BeforeWork;
use crate::tasks::Tasks;
pub use approvals::service_of;
use arc_swap::ArcSwap;
pub use check::check;
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;
use tokio::sync::watch;

/// How often revocations that could not be stored are tried again.
const STORE_RETRY: Duration = Duration::from_secs(2);

/// How often the clock is asked whether the lead of going down is over.
const LEAD_STEP: Duration = Duration::from_millis(20);

/// A gateway that serves.
pub struct Running {
    addresses: Addresses,
    admin: Option<PathBuf>,
    gate: Gate,
    lead: Duration,
    down: watch::Sender<bool>,
    /// Each tells how many exchanges were left when it ended.
    workers: Vec<thread::JoinHandle<usize>>,
    couriers: thread::JoinHandle<()>,
    closed: watch::Sender<bool>,
    exporters: thread::JoinHandle<()>,
    issuers: thread::JoinHandle<()>,
    operator: thread::JoinHandle<()>,
    reloader: thread::JoinHandle<()>,
    archivist: thread::JoinHandle<()>,
    died: mpsc::Receiver<&'static str>,
    pulses: Pulses,
}

/// How a gateway ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ended {
    /// In order: everything after its intent was awaited.
    InOrder,
    /// So many exchanges were left when the time was up; the next start finds them and marks them unknown.
    LeftBehind(usize),
    /// One of its threads ended by itself.
    ThreadDied(&'static str),
}

/// What each worker's listeners are made of.
#[derive(Clone)]
struct Doors {
    backend: Door,
    partner: Option<Door>,
}

/// What stands behind a gateway instead of the machine, for tests that make it fail. What is not given is the machine's.
/// Nothing that is configured can come here, and no step of any way is left out by it.
#[derive(Default)]
pub struct Injected {
    /// What makes the audit log's segments.
    pub disk: Option<Box<dyn Disk>>,
    /// What the store's disk does first whenever the store goes to it; as long as that lasts, the disk hangs.
    pub store_disk: Option<BeforeWork>,
    /// What tells the time.
    pub clock: Option<Arc<dyn Clock>>,
}

/// Builds a gateway from what is configured, and lets it serve.
///
/// # Errors
/// What is wrong with bundle, directory, addresses, store or log; nothing was served then.
pub fn start(config: Config) -> Result<Running, Diagnostics> {
    start_with(config, Injected::default())
}

/// [`start`] on another disk or by another clock, for tests.
///
/// # Errors
/// As [`start`].
pub fn start_with(mut config: Config, injected: Injected) -> Result<Running, Diagnostics> {
    descriptors::provide(&config)?;
    warnings::log(&config.warnings);
    let candidate = candidate(&config)?;
    let sockets = Sockets::bind(&config)?;
    let runtime = current_thread()?;
    reload::expect_hangups(&runtime).map_err(|error| internal("the handler of SIGHUP", &error))?;
    let workers = config.workers.get();
    let addresses = sockets.addresses()?;
    let admin = sockets.admin.as_ref().map(|socket| socket.path().to_path_buf());
    let (down, going_down) = watch::channel(false);
    let lead = Limits::millis(config.limits.shutdown_lead_ms);
    let memory = BodyMemory::new(&config.limits);
    let (at_backend, at_partners) = Entrance::all(&config)?;
    let clock = injected.clock.clone().unwrap_or_else(|| Arc::new(SystemClock::new()));
    let shared = entrance::Shared {
        limits: Arc::new(config.limits.clone()),
        memory: memory.clone(),
        connections: Tasks::new(),
        going_down,
        clock: Arc::clone(&clock),
    };
    let doors = Doors {
        backend: at_backend.door(&shared)?,
        partner: at_partners.as_ref().map(|entrance| entrance.door(&shared)).transpose()?,
    };
    let injected = Injected { clock: Some(clock), ..injected };
    let archive = config.audit.retention.clone().map(|kept| Archive::new(config.audit.directory.clone(), kept));
    let watched = Watched::by(&config);
    let (terms, in_effect) = (Terms::of(&config)?, InEffect::of(&config)?.digest());
    let expiries: Expiries = Arc::new(ArcSwap::from_pointee(config.expiries.clone()));
    let bound = Bound { addresses, admin };
    let own_keys: OwnKeys = Arc::new(ArcSwap::from_pointee(config.own_keys()));
    let status = Status::of(&config, &bound, Arc::clone(&expiries), Arc::clone(&own_keys));
    let trusts = rooms::Trusts {
        backend: Arc::clone(&at_backend.clients),
        partners: at_partners.as_ref().map(|entrance| Arc::clone(&entrance.clients)),
    };
    let wanted = exporters::Wanted {
        destinations: std::mem::take(&mut config.audit.exports),
        directory: config.audit.directory.clone(),
        source: config.source.clone(),
        place: config.places.audit,
    };
    let (key_sources, introspection) = (std::mem::take(&mut config.key_sources), config.introspection.take());
    let public_keys = std::mem::take(&mut config.public_keys);
    let (gates, callers, couriers, store, recalled) =
        gates(config, injected, candidate, trusts, memory, &runtime, workers.saturating_add(1))?;
    let (gate, gates) = gates.split_first().ok_or_else(|| internal("a gate", &io::Error::other("none was made")))?;
    let exporters::Built { exporters, exports, outlets } =
        exporters::build(gate.core(), gate.log(), wanted, &shared.limits)?;
    let issuers::Built { refreshers, asker, clients: to_issuers, purposes } =
        issuers::build(gate.core(), key_sources, introspection, &public_keys, &shared.limits)?;
    begin(&runtime, gate, in_effect, recalled.notes)?;
    runtime.block_on(approvals::on_record(gate.core().snapshot.load().approved(), store.as_ref()));

    let (dying, died) = mpsc::channel();
    let mut pulses = Pulses::new();
    let workers = gates.iter().map(|gate| {
        let sockets = sockets.of_callers()?;
        let (doors, gate, pulse) = (doors.clone(), gate.clone(), pulses.one_more());
        spawn("worker", &dying, move |runtime| runtime.block_on(pulse.beside(work(doors, gate, sockets))))
    });
    let workers = workers.collect::<Result<Vec<_>, _>>()?;
    let couriers = {
        let (core, log, until_down) = (Arc::clone(gate.core()), gate.log().at_own_desk(), down.subscribe());
        let work = couriers::run(core, log, couriers, until_down);
        spawn("couriers", &dying, move |runtime| runtime.block_on(work))?
    };
    let (closed, until_closed) = watch::channel(false);
    let seen_by = Arc::clone(&store);
    // From now on, not from when the thread has begun.
    let clocks = ClockKeeper::begin(gate.clone(), Arc::clone(&store) as Arc<dyn TimeStore>, recalled.accepted);
    let exporters = {
        let (core, log, closed) = (Arc::clone(gate.core()), gate.log().at_own_desk(), until_closed.clone());
        let work = exporters::run(exporters, Arc::clone(&exports), core, log, closed);
        spawn("exporters", &dying, move |runtime| runtime.block_on(work))?
    };
    let issuers = {
        let work = issuers::run(refreshers, asker, until_closed.clone());
        spawn("issuers", &dying, move |runtime| runtime.block_on(work))?
    };
    let swapper = Swapper::new(terms, Arc::clone(gate.core()), gate.log().at_own_desk(), store);
    let status = status.watching(gate, &callers, swapper.standing(), in_effect).exporting(Arc::clone(&exports));
    status.tell_softeners();
    let reloader = {
        let (core, log) = (Arc::clone(gate.core()), gate.log().at_own_desk());
        let parts =
            Parts { at_backend, at_partners, core, log, callers, outlets, to_issuers, purposes, expiries, own_keys };
        let reloader = Reloader::new(watched, parts, swapper);
        let until_closed = until_closed.clone();
        spawn("reloader", &dying, move |runtime| runtime.block_on(reloader.watch(until_closed)))?
    };
    let archivist = {
        let exported = Box::new(move || Ok(exports.lowest_place()?.map(|place| place.segment)));
        let archivist = Archivist::new(archive, gate.clone(), exported, seen_by);
        let until_closed = until_closed.clone();
        spawn("archivist", &dying, move |runtime| runtime.block_on(archivist.run(until_closed)))?
    };
    let operator = {
        let (asked, acts) = (Operator { gate: gate.clone(), status }, doors.backend.connections.clone());
        let (Sockets { ops, admin, .. }, pulse) = (sockets, pulses.one_more());
        let operate = move || pulse.beside(operate(asked, acts, ops, admin, clocks, until_closed));
        spawn("operator", &dying, move |runtime| runtime.block_on(operate()))?
    };
    let (Bound { admin, .. }, gate) = (bound, gate.clone());
    tell_serving(&gate, addresses);
    Ok(Running {
        addresses,
        admin,
        gate,
        lead,
        down,
        workers,
        couriers,
        closed,
        exporters,
        issuers,
        operator,
        reloader,
        archivist,
        died,
        pulses,
    })
}

impl Running {
    /// Where the backend calls, as bound.
    #[must_use]
    pub const fn backend_address(&self) -> SocketAddr {
        self.addresses.backend
    }

    /// Where partners call, as bound; `None` where they do not.
    #[must_use]
    pub const fn partner_address(&self) -> Option<SocketAddr> {
        self.addresses.partner
    }

    /// Where metrics and health are asked for, as bound.
    #[must_use]
    pub const fn ops_address(&self) -> SocketAddr {
        self.addresses.ops
    }

    /// The operator's socket, if there is one.
    #[must_use]
    pub fn admin_socket(&self) -> Option<&Path> {
        self.admin.as_deref()
    }

    /// The gate of the operator, for those who share the process.
    #[must_use]
    pub const fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Serves until SIGTERM or SIGINT, or until one of its threads ends, and then goes down.
    #[must_use]
    pub fn run_until_signal(mut self) -> Ended {
        let Ok(runtime) = current_thread() else { return self.shutdown() };
        let pulses = std::mem::replace(&mut self.pulses, Pulses::new());
        if let Err(error) = pulses.watch() {
            // The supervisor hears nothing then, and ends what it was to watch: nobody runs unwatched who should not.
            tracing::error!(%error, "the watchdog has no thread");
        }
        supervisor::serves();
        let dead = runtime.block_on(async {
            let (Ok(mut term), Ok(mut int)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) else {
                return None;
            };
            loop {
                tokio::select! {
                    _ = term.recv() => return None,
                    _ = int.recv() => return None,
                    () = tokio::time::sleep(Duration::from_millis(200)) => {
                        if let Ok(name) = self.died.try_recv() {
                            return Some(name);
                        }
                    }
                }
            }
        });
        supervisor::stops();
        match dead {
            None => self.shutdown(),
            // Nobody is led to a gateway that has lost a part of itself.
            Some(name) => {
                let _ = Self { lead: Duration::ZERO, ..self }.shutdown();
                Ended::ThreadDied(name)
            }
        }
    }

    /// Goes down: readiness fails first; after `limits.shutdown_lead_ms`, in which whoever asks for it has learnt so,
    /// nothing new is accepted; then what is under way is awaited, within `limits.shutdown_timeout_ms`.
    #[must_use]
    pub fn shutdown(self) -> Ended {
        let core = self.gate.core();
        core.going_down.store(true, Ordering::Relaxed);
        tracing::info!("going down");
        self.serve_on();
        self.down.send_replace(true);
        // A worker's exchanges end with it, so each counts before. One that panicked has nothing left to wait for.
        let left = self.workers.into_iter().filter_map(|worker| worker.join().ok()).max().unwrap_or_default();
        let _ = self.couriers.join();
        self.gate.log().tell_sums(self.gate.core().clock.now());
        if let Ok(runtime) = current_thread() {
            // What could not be stored so far ends with the process: once more, while there is a chance.
            let stored = async { tokio::time::timeout(STORE_RETRY, core.guard.store_pending()).await };
            if !matches!(runtime.block_on(stored), Ok(Ok(()))) {
                tracing::error!("revocations that are in force could not be stored and end with this process");
            }
            // If the last record cannot be written, the next start does not find it; nothing else depends on it.
            let _ = runtime.block_on(note(&self.gate, Note::Stop));
        }
        self.closed.send_replace(true);
        let _ = self.exporters.join();
        let _ = self.issuers.join();
        let _ = self.operator.join();
        let _ = self.reloader.join();
        let _ = self.archivist.join();
        if left == 0 { Ended::InOrder } else { Ended::LeftBehind(left) }
    }
}

impl Running {
    /// Serves on until the lead is over, by the gateway's own clock.
    fn serve_on(&self) {
        let Ok(runtime) = current_thread() else { return };
        let clock = &self.gate.core().clock;
        let began = clock.steady();
        runtime.block_on(async {
            while clock.steady().saturating_sub(began) < self.lead {
                tokio::time::sleep(LEAD_STEP.min(self.lead)).await;
            }
        });
    }
}

/// Puts on record that the gateway begins to serve, what it found at that, and by which bundle. Without that record it does
/// not.
fn begin(runtime: &Runtime, gate: &Gate, config: Sha256, found: Vec<Note>) -> Result<(), Diagnostics> {
    let directory = Arc::clone(&gate.core().snapshot.load().directory);
    let (directory_version, directory_digest) = (directory.version(), directory.digest());
    let bundle = Note::Bundle { directory_version, directory_digest, replaces: None };
    let activated = approvals::activated(gate.core().snapshot.load().approved());
    let start = [Note::Start { config }].into_iter().chain(found);
    for what in start.chain(activated).chain([bundle]) {
        runtime.block_on(note(gate, what)).map_err(|fault| internal("the first record", &fault))?;
    }
    Ok(())
}

/// Says that all threads are there. The addresses are told as bound: where the configuration says port 0, the log is the place
/// to read them.
fn tell_serving(gate: &Gate, addresses: Addresses) {
    let Addresses { backend, partner, ops } = addresses;
    let partner = partner.map(tracing::field::display);
    let (snapshot, epoch) = (gate.core().snapshot.load(), gate.core().guard.epoch().get());
    let (bundle, directory_version) = (snapshot.bundle.digest(), snapshot.directory.version());
    tracing::info!(%backend, partner, %ops, %bundle, directory_version, epoch, "serving");
}

async fn note(gate: &Gate, what: Note) -> Result<(), audit::AuditFault> {
    let core = gate.core();
    let bundle = core.snapshot.load().bundle.digest();
    let facts = Facts::new(Receipt::new(crypto::random()), core.guard.epoch(), bundle);
    gate.log().note(&facts, what, core.clock.now()).await.map(|_| ())
}

/// One worker: accepts until the gateway goes down, then waits for what is under way. Tells how many exchanges were left
/// when the time was up; they end with this worker's runtime, and leave the record that their outcome is unknown.
async fn work(doors: Doors, gate: Gate, sockets: CallerSockets) -> usize {
    let core = Arc::clone(gate.core());
    let (limits, connections) = (Arc::clone(&doors.backend.limits), doors.backend.connections.clone());
    let time = Limits::millis(limits.shutdown_timeout_ms);
    let gate = Arc::new(gate);
    let partners = doors.partner.zip(sockets.partner);
    let accept = |door: Door, socket| accept(Listener::new(door, Arc::clone(&gate)), socket);
    let at_partners = async {
        if let Some((door, socket)) = partners {
            accept(door, socket).await;
        }
    };
    tokio::join!(accept(doors.backend, sockets.backend), at_partners);
    // Connections first: as long as one lives, a request on it can still become an exchange.
    let under_way = async {
        connections.idle().await;
        core.exchanges.idle().await;
    };
    match tokio::time::timeout(time, under_way).await {
        Ok(()) => 0,
        Err(_) => core.exchanges.running(),
    }
}

async fn accept(listener: Listener, socket: TcpListener) {
    if let Ok(socket) = tokio::net::TcpListener::from_std(socket) {
        listener.run(socket).await;
    }
}

/// A file or folder that cannot be used, with everything that the error says.
fn unusable(what: &str, path: &Path, error: &dyn Error) -> Diagnostic {
    let why = diagnostic::with_causes(error);
    Diagnostic::without_file("unusable", format!("the {what} `{}` cannot be used: {why}", path.display()))
}

/// What should not happen on a machine that works.
fn internal(what: &str, error: &dyn std::fmt::Display) -> Diagnostics {
    Diagnostic::without_file("cannot-start", format!("{what} cannot be set up: {error}")).into()
}

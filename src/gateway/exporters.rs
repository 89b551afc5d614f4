//! Destinations of the audit log's records built from the configuration, the thread that their exporters share, and the exchange
//! of what changes of them while the gateway runs: certificates, authorities, header fields.

use crate::audit::Log;
use crate::config::ExportSettings;
use crate::config::ExportTo;
use crate::config::Header;
use crate::config::RemotePlace;
use crate::crypto::Outward;
use crate::crypto::TlsError;
use crate::diagnostic::Diagnostics;
use crate::diagnostic::Place as At;
use crate::diagnostic::Source;
use crate::exporters::Destination;
use crate::exporters::Exporter;
use crate::exporters::Exports;
use crate::exporters::FileSink;
use crate::exporters::OTLP_ANSWER_MAX_BYTES;
use crate::exporters::OtlpSink;
use crate::exporters::SyslogSink;
use crate::gateway::internal;
use crate::gateway::unusable;
use crate::limits::Limits;
use crate::model::Name;
use crate::pipeline::Core;
use crate::tasks::Tasks;
use crate::wire::Client;
use crate::wire::Place;
use arc_swap::ArcSwap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::watch;

/// How long a batch may take at its destination, once there is a connection.
const BATCH_TIMEOUT: Duration = Duration::from_secs(30);

/// How often it is told how far each destination is behind.
const LAG_TOLD: Duration = Duration::from_secs(1);

/// How often it is told how many bytes of the log that is.
const BYTES_TOLD: Duration = Duration::from_secs(5);

/// What the exporters are built from.
pub(super) struct Wanted {
    /// The destinations.
    pub(super) destinations: Vec<ExportSettings>,
    /// The log's folder.
    pub(super) directory: PathBuf,
    /// The configuration, and where it speaks of the log.
    pub(super) source: Source,
    pub(super) place: At,
}

/// The exporters, what is told of them, and what can be exchanged.
pub(super) struct Built {
    pub(super) exporters: Vec<Exporter>,
    pub(super) exports: Arc<Exports>,
    pub(super) outlets: Vec<Outlet>,
}

/// What of a destination can be exchanged; nothing of a file.
pub(super) struct Outlet {
    client: Option<Client>,
    headers: Arc<ArcSwap<Vec<Header>>>,
}

/// What it is exchanged for.
pub(super) struct Change {
    side: Option<Arc<Outward>>,
    headers: Vec<Header>,
}

/// Builds them all.
pub(super) fn build(core: &Core, log: &Log, wanted: Wanted, limits: &Limits) -> Result<Built, Diagnostics> {
    let Wanted { destinations, directory, source, place } = wanted;
    let (mut outlets, mut built) = (Vec::new(), Vec::new());
    for settings in destinations {
        let change =
            Change::to(&settings, core).map_err(|error| internal("the connections to a destination", &error))?;
        let (name, destination, outlet) = one(core, settings, change, limits)?;
        outlets.push(outlet);
        built.push((name, destination));
    }
    let all = Exporter::all(built, directory.clone(), log, &core.clock, &core.metrics, &Tasks::new());
    let (exporters, exports) = all.map_err(|(name, error)| {
        let path = directory.join("exports").join(format!("{name}.cursor"));
        let help = "remove the file to begin with the oldest record that is there; what went out before goes out again";
        unusable("place of a destination", &path, &error).asked_at(&source, place).help(help)
    })?;
    Ok(Built { exporters, exports: Arc::new(exports), outlets })
}

fn one(
    core: &Core,
    settings: ExportSettings,
    change: Change,
    limits: &Limits,
) -> Result<(Name, Destination, Outlet), Diagnostics> {
    let Change { side, headers } = change;
    let headers = Arc::new(ArcSwap::from_pointee(headers));
    let client = |at: RemotePlace| {
        let RemotePlace { host, port, server_name, .. } = at;
        let place = Place {
            host,
            port,
            server_name,
            connect_timeout: Limits::millis(limits.connect_timeout_ms),
            exchange_timeout: BATCH_TIMEOUT,
            answer_max_bytes: OTLP_ANSWER_MAX_BYTES,
            clock: Arc::clone(&core.clock),
        };
        let side = side.ok_or_else(|| internal("the connections to a destination", &TlsError::Own))?;
        Client::to(place, side).map_err(|error| internal("the connections to a destination", &error))
    };
    let (destination, client) = match settings.to {
        ExportTo::Syslog { at, format } => {
            let client = client(at)?;
            (Destination::Syslog(SyslogSink { client: client.clone(), format }), Some(client))
        }
        ExportTo::Otlp { at, path, .. } => {
            let client = client(at)?;
            let sink = OtlpSink { client: client.clone(), path, headers: Arc::clone(&headers) };
            (Destination::Otlp(sink), Some(client))
        }
        ExportTo::File { path, format } => (Destination::File(FileSink::new(path, format)), None),
    };
    Ok((settings.name, destination, Outlet { client, headers }))
}

impl Change {
    /// What a destination's settings make of it.
    pub(super) fn to(settings: &ExportSettings, core: &Core) -> Result<Self, TlsError> {
        // Syslog over TLS has no protocol to be negotiated.
        let (at, protocols, headers): (_, &[&str], _) = match &settings.to {
            ExportTo::Syslog { at, .. } => (Some(at), &[], Vec::new()),
            ExportTo::Otlp { at, headers, .. } => (Some(at), &["http/1.1"], headers.clone()),
            ExportTo::File { .. } => (None, &[], Vec::new()),
        };
        let side = at.map(|at| {
            let clock = Arc::clone(&core.clock);
            Outward::speaking(protocols, at.identity.as_ref(), at.roots.clone(), Vec::new(), clock).map(Arc::new)
        });
        Ok(Self { side: side.transpose()?, headers })
    }
}

impl Outlet {
    /// Goes by this from the next batch on.
    pub(super) fn replace(&self, change: Change) {
        if let (Some(client), Some(side)) = (&self.client, change.side) {
            client.replace(side);
        }
        self.headers.store(Arc::new(change.headers));
    }
}

/// Runs all exporters until the gateway is closed, and says each second how far they are behind.
pub(super) async fn run(
    built: Vec<Exporter>,
    exports: Arc<Exports>,
    core: Arc<Core>,
    log: Log,
    closed: watch::Receiver<bool>,
) {
    let running = Tasks::new();
    for exporter in built {
        drop(running.spawn(exporter.run(closed.clone())));
    }
    let mut until_closed = closed;
    let lags = async {
        loop {
            core.exports_behind.store(exports.tell(), Ordering::Relaxed);
            tokio::time::sleep(LAG_TOLD).await;
        }
    };
    tokio::select! {
        _ = until_closed.wait_for(|closed| *closed) => {}
        () = lags => {}
        () = bytes_told(&exports, &log) => {}
    }
    running.idle().await;
}

/// Says how many bytes of the log are kept for destinations that are behind. By itself, since the disk may hang.
async fn bytes_told(exports: &Arc<Exports>, log: &Log) {
    let tasks = Tasks::new();
    loop {
        let counted = Arc::clone(exports);
        if let Ok(Ok(bytes)) = tasks.compute(move || counted.bytes_behind()).await {
            log.unexported(bytes);
        }
        tokio::time::sleep(BYTES_TOLD).await;
    }
}

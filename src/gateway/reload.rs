//! Taking up changed files while the gateway runs: certificates and their keys, authorities, revocation lists, the keys of
//! issuers and of session tokens, and those that sign the directory.
//!
//! The files are read about once a second and compared by digest, so that it does not matter how they are exchanged: written
//! anew, renamed over, or behind the symbolic link that Kubernetes swaps. A change is taken up when two looks have found the
//! same, since a certificate and its key are not written at one moment; SIGHUP asks for it at once.
//!
//! The whole of `gateway.yaml`, as it was at the start, is then understood anew with what the files say now: a key that does
//! not fit its certificate, a key with two purposes, a list that is none refuse the change as they would refuse a start. Only
//! what is good as a whole is taken up, once that is on record with the digests of the files that changed (of secret ones
//! their number alone). What is refused leaves all as it was, is logged and counted, and `/readyz` says so.
//! No connection is dropped: those that stand are asked about again before their next request. An authority that the bundle in
//! force does not pin is refused too. The bundle itself is looked at on the same thread (`swap.rs`).
//!
//! On the way, it is told when things run out, and that they have: nothing else happens to what has merely expired.

use crate::audit::Facts;
use crate::audit::KeysTakenUp;
use crate::audit::Log;
use crate::audit::Note;
use crate::config;
use crate::config::Alarm;
use crate::config::Config;
use crate::config::Expiry;
use crate::config::WatchedFile;
use crate::crypto;
use crate::crypto::Outward;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use crate::diagnostic::Source;
use crate::gateway::entrance::Entrance;
use crate::gateway::exporters::Change;
use crate::gateway::exporters::Outlet;
use crate::gateway::identity_status;
use crate::gateway::identity_status::OwnKeys;
use crate::gateway::issuers;
use crate::gateway::rooms::Callers;
use crate::gateway::supervisor;
use crate::gateway::swap::Swapper;
use crate::gateway::token_servers;
use crate::gateway::warnings;
use crate::identity::KeyPurposes;
use crate::model::Receipt;
use crate::model::Sha256;
use crate::pipeline::Core;
use crate::wire::Client;
use arc_swap::ArcSwap;
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;
use tokio::sync::watch;

/// How often the files are looked at.
const INTERVAL: Duration = Duration::from_secs(1);

/// From now on SIGHUP ends nobody. Until the reloader listens, one that comes is lost; it looks soon anyway.
///
/// # Errors
/// The system takes no handler.
pub(super) fn expect_hangups(runtime: &Runtime) -> io::Result<()> {
    let _inside = runtime.enter();
    signal(SignalKind::hangup()).map(drop)
}

/// Watches the files of one gateway.
pub(super) struct Reloader {
    /// `gateway.yaml` as it was at the start; another one takes a restart.
    source: Source,
    watched: Vec<WatchedFile>,
    /// The files that are in force; `None` if they changed while they were read.
    in_force: Option<Digests>,
    /// The last look, and the last change that was tried.
    seen: Option<Digests>,
    tried: Option<Digests>,
    parts: Parts,
    /// The bundle, which is looked at after these files: they may be what it demands.
    swapper: Swapper,
    /// Of each thing that is in the metrics: the earliest end, and the alarm that was told last.
    told: BTreeMap<(Box<str>, Box<str>), Option<Alarm>>,
}

/// The digest of each watched file, if it can be read.
type Digests = Vec<Option<Sha256>>;

/// How a change that settled ended.
enum TakenUp {
    /// It is in force.
    Done,
    /// The files changed while they were read: the next look finds what they are then.
    Moving,
}

/// What runs out, as it is in force; clones share it.
pub(super) type Expiries = Arc<ArcSwap<Vec<Expiry>>>;

/// What a reload needs beyond the configuration itself.
pub(super) struct Parts {
    /// The backend's door.
    pub(super) at_backend: Entrance,
    /// The partners' door.
    pub(super) at_partners: Option<Entrance>,
    /// What all workers share.
    pub(super) core: Arc<Core>,
    /// Where it is on record what came into force.
    pub(super) log: Log,
    /// What leads to each partner and from it.
    pub(super) callers: Callers,
    /// Where the log's records go out to.
    pub(super) outlets: Vec<Outlet>,
    /// The connections to issuers that publish their keys.
    pub(super) to_issuers: Vec<Client>,
    /// Which keys serve a purpose here, or are published.
    pub(super) purposes: Arc<KeyPurposes>,
    /// Where what runs out is told.
    pub(super) expiries: Expiries,
    /// Where our own keys are told.
    pub(super) own_keys: OwnKeys,
}

impl Reloader {
    /// Watches what `watched` names.
    pub(super) fn new(watched: Watched, parts: Parts, swapper: Swapper) -> Self {
        let Watched { source, watched, in_force } = watched;
        let (seen, tried, told) = (None, None, BTreeMap::new());
        let mut reloader = Self { source, watched, in_force, seen, tried, parts, swapper, told };
        reloader.tell_expiries();
        reloader
    }

    /// Looks again and again until the gateway is closed.
    pub(super) async fn watch(mut self, mut until_closed: watch::Receiver<bool>) {
        let Ok(mut hangup) = signal(SignalKind::hangup()) else { return };
        loop {
            let at_once = tokio::select! {
                _ = until_closed.wait_for(|closed| *closed) => return,
                _ = hangup.recv() => true,
                () = tokio::time::sleep(INTERVAL) => false,
            };
            if at_once {
                supervisor::reloads();
            }
            self.look(at_once).await;
            self.swapper.look(at_once).await;
            if at_once {
                let core = &self.parts.core;
                let refused = [&core.reload_failed, &core.bundle_refused];
                supervisor::reloaded(refused.into_iter().any(|refused| refused.load(Ordering::Relaxed)));
            }
            self.tell_expiries();
        }
    }

    async fn look(&mut self, at_once: bool) {
        let found = Some(config::digests_of(&self.watched));
        let settled = self.seen == found;
        self.seen.clone_from(&found);
        if self.in_force == found {
            // Also when a bad change was taken back.
            self.parts.core.reload_failed.store(false, Ordering::Relaxed);
            self.tried = None;
            return;
        }
        if !at_once && (!settled || self.tried == found) {
            return;
        }
        self.tried.clone_from(&found);
        let taken_up = match &found {
            Some(found) => self.take_up(found).await,
            None => Ok(TakenUp::Moving),
        };
        if matches!(taken_up, Ok(TakenUp::Moving)) {
            return;
        }
        self.parts.core.metrics.reloaded(taken_up.is_ok());
        self.parts.core.reload_failed.store(taken_up.is_err(), Ordering::Relaxed);
        match taken_up {
            Ok(_) => {
                self.in_force = found;
                tracing::info!("changed certificates, keys and lists are in force");
            }
            Err(faults) => {
                tracing::error!(%faults, "changed certificates, keys and lists are refused; the old ones stay")
            }
        }
    }

    /// All that can be refused first, the record last of it, and then the exchange, which cannot.
    async fn take_up(&mut self, found: &Digests) -> Result<TakenUp, Diagnostics> {
        let config = Config::of(self.source.clone())?;
        warnings::log(&config.warnings);
        let stated = self.swapper.held(&config)?;
        let unusable =
            |error| Diagnostic::without_file("unusable", format!("the TLS configuration cannot be made: {error}"));
        let client_side = |partner: &config::PartnerSettings| {
            let (roots, lists) = (partner.tls.roots.clone(), partner.crls.clone());
            Outward::new(&partner.tls.identity, roots, lists, Arc::clone(&self.parts.core.clock)).map(Arc::new)
        };
        let sides = config.partners.iter().map(client_side).collect::<Result<Vec<_>, _>>().map_err(unusable)?;
        let backend_side = config.to_backend.as_ref().map(|backend| {
            let (roots, lists) = (backend.tls.roots.clone(), backend.crls.clone());
            Outward::new(&backend.tls.identity, roots, lists, Arc::clone(&self.parts.core.clock)).map(Arc::new)
        });
        let backend_side = backend_side.transpose().map_err(unusable)?;
        let changes = config.audit.exports.iter().map(|settings| Change::to(settings, &self.parts.core));
        let changes = changes.collect::<Result<Vec<_>, _>>().map_err(unusable)?;
        let asked = config.introspection.iter().map(|asked| &asked.at);
        let places = config.key_sources.iter().map(|source| &source.at).chain(asked);
        let issuers_sides = places.map(|at| issuers::side(at, &self.parts.core));
        let issuers_sides = issuers_sides.collect::<Result<Vec<_>, _>>().map_err(unusable)?;
        if self.parts.purposes.is_published(&config.public_keys) {
            let message = "a key in these files is one that an issuer publishes as its own";
            let fault = Diagnostic::without_file("key-used-twice", message);
            return Err(fault.help("a key serves one purpose: make another one").into());
        }
        let servers = config.partners.iter().map(|partner| token_servers::Change::to(partner, &self.parts.core));
        let servers = servers.collect::<Result<Vec<_>, _>>().map_err(unusable)?;
        // Made only to see that they can be.
        let _ = Entrance::all(&config)?;
        if config::digests_of(&self.watched) != *found {
            return Ok(TakenUp::Moving);
        }
        self.record(found).await?;
        let Parts { at_backend, at_partners, core, callers, outlets, to_issuers, purposes, expiries, .. } = &self.parts;
        let own_keys = config.own_keys();
        purposes.configure(&config.public_keys);
        at_backend.replace(config.backend).map_err(unusable)?;
        if let (Some(door), Some(listener)) = (at_partners, config.partner_listener) {
            door.replace(listener).map_err(unusable)?;
        }
        self.swapper.hold_against(stated);
        expiries.store(Arc::new(config.expiries));
        // Whoever verifies knows a key before anything is signed with it.
        core.identity.replace_keys(&config.identity);
        core.sessions.replace_keys(&config.sessions);
        core.updates.replace_keys(&config.directory_updates);
        for (lines, side) in callers.lines.iter().zip(sides) {
            lines.iter().for_each(|line| line.replace(Arc::clone(&side)));
        }
        for (server, change) in callers.token_servers.iter().zip(servers) {
            if let (Some(server), Some(change)) = (server, change) {
                server.replace(change);
            }
        }
        if let Some(side) = backend_side {
            callers.to_backend.iter().for_each(|line| line.replace(Arc::clone(&side)));
        }
        if let (Some(tokens), Some(now)) = (&core.client_tokens, config.client_tokens) {
            tokens.store(Arc::new(now));
        }
        to_issuers.iter().zip(issuers_sides).for_each(|(client, side)| client.replace(side));
        outlets.iter().zip(changes).for_each(|(outlet, change)| outlet.replace(change));
        let to_backend = config.to_backend.and_then(|backend| backend.events);
        if let (Some(signing), Some(now)) = (&callers.signing_to_backend, to_backend) {
            signing.replace(now.secrets);
        }
        for ((calls, signing), partner) in callers.calls.iter().zip(&callers.signing).zip(config.partners) {
            if let (Some(signing), Some(now)) = (signing, partner.endpoint) {
                signing.replace(now.secrets);
            }
            if let (Some(calls), Some(now)) = (calls, partner.calls) {
                calls.replace(now.webhook_secrets);
                if let (Some(client), Some(now)) = (calls.client(), now.client) {
                    client.replace(now.keys);
                }
            }
        }
        let told = &self.parts.own_keys;
        told.store(Arc::new(identity_status::taken_up(&told.load(), own_keys)));
        Ok(TakenUp::Done)
    }

    /// Puts on record what is to come into force.
    async fn record(&self, found: &Digests) -> Result<(), Diagnostics> {
        let core = &self.parts.core;
        let before = self.in_force.as_ref();
        let was = |index: usize| before.and_then(|before| before.get(index)).copied().flatten();
        let changed = self.watched.iter().zip(found).enumerate().filter(|(index, (_, now))| was(*index) != **now);
        let (secret, open): (Vec<_>, Vec<_>) = changed.map(|(_, file)| file).partition(|(file, _)| file.is_secret);
        let note = Note::Key(KeysTakenUp {
            digest: config::digest_of_all(found),
            replaces: before.map(|before| config::digest_of_all(before)),
            changed: open.into_iter().filter_map(|(_, digest)| *digest).collect(),
            secrets: u64::try_from(secret.len()).unwrap_or(u64::MAX),
        });
        let bundle = core.snapshot.load().bundle.digest();
        let facts = Facts::new(Receipt::new(crypto::random()), core.guard.epoch(), bundle);
        self.parts.log.note(&facts, note, core.clock.now()).await.map(drop).map_err(|_| {
            let help = "nothing comes into force that is not on record: look at the audit log's disk";
            Diagnostic::without_file("not-recordable", "changed certificates, keys and lists could not be recorded")
                .help(help)
                .into()
        })
    }

    /// Sets the metric, and says once of each thing when it has come within 30, 7 and 1 days of its end, and when it is over.
    fn tell_expiries(&mut self) {
        let now = self.parts.core.clock.now().seconds();
        let mut before = std::mem::take(&mut self.told);
        // The earliest end of a kind stands first.
        for expiry in self.parts.expiries.load().iter() {
            let key = (expiry.what.clone(), expiry.name.clone());
            if self.told.contains_key(&key) {
                continue;
            }
            self.parts.core.metrics.expires(&expiry.what, &expiry.name, expiry.until.get());
            let (alarm, known) = (expiry.alarm(now), before.remove(&key).flatten());
            // The nearer alarm is the lesser.
            if alarm.is_some_and(|alarm| known.is_none_or(|known| alarm < known)) {
                let (what, name, days, at) = (&*expiry.what, &*expiry.name, expiry.days_left(now), expiry.until.get());
                let told = if alarm == Some(Alarm::Over) { "something has run out" } else { "something runs out soon" };
                tracing::warn!(what, name, days, at, "{told}");
            }
            self.told.insert(key, alarm);
        }
        before.keys().for_each(|(what, name)| self.parts.core.metrics.expires_no_more(what, name));
    }
}

/// What is to be watched, and what of it is in force.
pub(super) struct Watched {
    source: Source,
    watched: Vec<WatchedFile>,
    in_force: Option<Digests>,
}

impl Watched {
    /// What a configuration was made of.
    pub(super) fn by(config: &Config) -> Self {
        Self { source: config.source.clone(), watched: config.watched.clone(), in_force: config.digests.clone() }
    }
}

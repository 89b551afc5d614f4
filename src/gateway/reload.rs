//! Taking up changed files while the gateway runs: certificates and their keys, authorities, revocation lists, issuers' keys.
//!
//! The files are read about once a second and compared by digest, so that it does not matter how they are exchanged: written
//! anew, renamed over, or behind the symbolic link that Kubernetes swaps. A change is taken up when two looks have found the
//! same, since a certificate and its key are not written at one moment; SIGHUP asks for it at once.
//!
//! The whole of `gateway.yaml`, as it was at the start, is then understood anew with what the files say now: a key that does
//! not fit its certificate, a key with two purposes, a list that is none refuse the change as they would refuse a start. Only
//! what is good as a whole is taken up. What is refused leaves all as it was, is logged and counted, and `/readyz` says so.
//! No connection is dropped: those that stand are asked about again before their next request.
//!
//! On the way, it is told when things run out, and that they have: nothing else happens to what has merely expired.

use crate::clock::UnixSeconds;
use crate::config;
use crate::config::Config;
use crate::crypto;
use crate::crypto::Certificate;
use crate::crypto::OwnCertificate;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use crate::diagnostic::Source;
use crate::model::Sha256;
use crate::pipeline::Core;
use crate::wire::Client;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;
use tokio::sync::watch;

/// How often the files are looked at.
const INTERVAL: Duration = Duration::from_secs(1);

/// What is said to run out soon has less than one part of so many left of its time.
const SOON: u64 = 5;

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
    watched: Vec<PathBuf>,
    /// The files that are in force; `None` if they changed while they were read.
    in_force: Option<Sha256>,
    /// The last look, and the last change that was tried.
    seen: Option<Sha256>,
    tried: Option<Sha256>,
    own: Arc<OwnCertificate>,
    core: Arc<Core>,
    /// The connections to each partner, in the order of the configuration.
    lines: Vec<Vec<Client>>,
    expiries: Vec<Expiry>,
}

/// Something that runs out.
struct Expiry {
    item: &'static str,
    /// A listener, or a partner by name.
    of: Box<str>,
    from: UnixSeconds,
    /// The first second in which it is over.
    until: UnixSeconds,
    /// What was told last.
    told: u8,
}

/// What a reload needs beyond the configuration itself.
pub(super) struct Parts {
    /// What the listener shows.
    pub(super) own: Arc<OwnCertificate>,
    /// What all workers share.
    pub(super) core: Arc<Core>,
    /// The connections to each partner, in the order of the configuration.
    pub(super) lines: Vec<Vec<Client>>,
}

impl Reloader {
    /// Watches what `watched` names; `expiries` are those of the configuration in force.
    pub(super) fn new(watched: Watched, parts: Parts) -> Self {
        let Watched { source, watched, in_force, expiries } = watched;
        let Parts { own, core, lines } = parts;
        let mut reloader = Self { source, watched, in_force, seen: None, tried: None, own, core, lines, expiries };
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
            self.look(at_once);
            self.tell_expiries();
        }
    }

    fn look(&mut self, at_once: bool) {
        let found = Some(config::digest_of(&self.watched));
        let settled = self.seen == found;
        self.seen = found;
        if self.in_force == found {
            // Also when a bad change was taken back.
            self.core.reload_failed.store(false, Ordering::Relaxed);
            self.tried = None;
            return;
        }
        if !at_once && (!settled || self.tried == found) {
            return;
        }
        self.tried = found;
        let taken_up = self.take_up();
        self.core.metrics.reloaded(taken_up.is_ok());
        self.core.reload_failed.store(taken_up.is_err(), Ordering::Relaxed);
        match taken_up {
            Ok(()) => {
                // What changed while it was read is read again.
                self.in_force = found.filter(|found| config::digest_of(&self.watched) == *found);
                tracing::info!("changed certificates, keys and lists are in force");
            }
            Err(faults) => {
                tracing::error!(%faults, "changed certificates, keys and lists are refused; the old ones stay")
            }
        }
    }

    /// All that can be refused first, and then the exchange, which cannot.
    fn take_up(&mut self) -> Result<(), Diagnostics> {
        let config = Config::of(self.source.clone())?;
        let unusable =
            |error| Diagnostic::without_file("unusable", format!("the TLS configuration cannot be made: {error}"));
        let client_side = |partner: &config::PartnerSettings| {
            crypto::client_config(Some(&partner.tls.identity), partner.tls.roots.clone(), &["http/1.1"])
        };
        let sides = config.partners.iter().map(client_side).collect::<Result<Vec<_>, _>>().map_err(unusable)?;
        let expiries = expiries(&config);
        self.core.clients.replace(config.backend.tls.roots, config.backend.crls).map_err(unusable)?;
        self.expiries = expiries;
        self.own.replace(&config.backend.tls.identity);
        self.core.identity.replace_keys(&config.identity);
        for (lines, side) in self.lines.iter().zip(sides) {
            lines.iter().for_each(|line| line.replace(Arc::clone(&side)));
        }
        Ok(())
    }

    /// Sets the metrics, and says once of each when it runs out soon, and when it has.
    fn tell_expiries(&mut self) {
        let now = self.core.clock.now().seconds();
        for expiry in &mut self.expiries {
            let state = expiry.state(now);
            self.core.metrics.expires(expiry.item, &expiry.of, expiry.until.get(), state);
            if state > expiry.told {
                let (item, of, at) = (expiry.item, &*expiry.of, expiry.until.get());
                let what = if state == 1 { "something runs out soon" } else { "something has run out" };
                tracing::warn!(item, of, at, what);
            }
            expiry.told = state;
        }
    }
}

/// What is to be watched, and what of it is in force.
pub(super) struct Watched {
    source: Source,
    watched: Vec<PathBuf>,
    in_force: Option<Sha256>,
    expiries: Vec<Expiry>,
}

impl Watched {
    /// What a configuration was made of.
    pub(super) fn by(config: &Config) -> Self {
        Self {
            source: config.source.clone(),
            watched: config.watched.clone(),
            in_force: config.digest,
            expiries: expiries(config),
        }
    }
}

impl Expiry {
    fn state(&self, now: UnixSeconds) -> u8 {
        if now >= self.until {
            return 2;
        }
        let (left, whole) = (self.until.since(now), self.until.since(self.from));
        u8::from(left.saturating_mul(SOON) < whole)
    }
}

/// The earliest end of each kind of thing.
fn expiries(config: &Config) -> Vec<Expiry> {
    let mut found = Vec::new();
    let mut add = |item, of: &str, ends: Vec<(UnixSeconds, UnixSeconds)>| {
        if let Some((from, until)) = ends.into_iter().min_by_key(|(_, until)| *until) {
            found.push(Expiry { item, of: of.into(), from, until, told: 0 });
        }
    };
    let validity = |der: &[u8]| {
        let certificate = Certificate::parse(der).ok()?;
        Some((certificate.not_before, certificate.not_after.plus(1)))
    };
    let leaf = |side: &config::TlsPeer| side.identity.chain().first().and_then(|leaf| validity(leaf));
    let roots = |side: &config::TlsPeer| side.roots.iter().filter_map(|root| validity(root)).collect();
    let backend = &config.backend;
    add("certificate", "backend", leaf(&backend.tls).into_iter().collect());
    add("client-ca", "backend", roots(&backend.tls));
    add("crl", "backend", backend.crls.iter().map(|list| (list.made_at, list.ends_at)).collect());
    for partner in &config.partners {
        add("certificate", partner.name.as_str(), leaf(&partner.tls).into_iter().collect());
        add("ca", partner.name.as_str(), roots(&partner.tls));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thing_is_said_to_run_out_when_a_fifth_is_left_and_when_it_is_over() {
        let (from, until) = (UnixSeconds::new(1_000), UnixSeconds::new(2_000));
        let expiry = Expiry { item: "crl", of: "backend".into(), from, until, told: 0 };
        let state = |at| expiry.state(UnixSeconds::new(at));
        assert_eq!([1_000, 1_800, 1_801, 1_999, 2_000, 9_000].map(state), [0, 0, 1, 1, 2, 2]);
    }
}

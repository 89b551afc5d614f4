//! Another bundle in force while the gateway runs: read, compiled and held against the running configuration on a thread that
//! serves nobody, approved, recorded, and then in force by one exchange of a pointer.
//!
//! `policies.reload: signal` takes a bundle up when somebody says so (SIGHUP, `systemctl reload`); with `watch` a changed folder
//! is taken up besides once two looks at it have found the same. What a start would refuse is refused here, by the same
//! functions, and leaves the bundle before in force: logged, counted, on record, and told by `/readyz` until a good one comes or
//! the change is taken back. An exchange sees the bundle that it began with from beginning to end; before its first byte leaves
//! it is asked about by the bundle in force (`pipeline/anew.rs`).

use crate::approval::ActivationStore;
use crate::audit::BundleRefused;
use crate::audit::Facts;
use crate::audit::Log;
use crate::audit::Note;
use crate::bundle::Bundle;
use crate::bundle::Offered;
use crate::bundle::Stated;
use crate::bundle::traces;
use crate::clock::UnixMillis;
use crate::config::Config;
use crate::config::Reload;
use crate::config::TokenSettings;
use crate::crypto;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use crate::diagnostic::Place;
use crate::diagnostic::Source;
use crate::gateway::approvals;
use crate::gateway::approvals::Signing;
use crate::gateway::stated::InEffect;
use crate::limits::Limits;
use crate::model::PartnerName;
use crate::model::Receipt;
use crate::model::Sha256;
use crate::pipeline::Core;
use arc_swap::ArcSwap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// The running configuration, as far as a bundle is held against it.
pub(super) struct Terms {
    folder: PathBuf,
    limits: Limits,
    reload: Reload,
    stated: Stated,
    source: Source,
    /// Each partner, and where the file begins to speak of it.
    partners: Vec<(PartnerName, Place)>,
    /// Those whose tokens are fetched.
    fetched: Vec<PartnerName>,
    signing: Signing,
}

/// What is told of the bundle in force; clones of the pointer share it.
pub(super) type Standing = Arc<ArcSwap<InForce>>;

/// Since when a bundle is in force, and what was tried since the start.
#[derive(Clone, Copy, Debug)]
pub(super) struct InForce {
    pub(super) since: UnixMillis,
    pub(super) last_attempt: Option<Attempt>,
}

/// One attempt to take a changed bundle up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attempt {
    pub(super) at: UnixMillis,
    pub(super) result: AttemptResult,
    /// The digest of what was offered; `None` where not all of it could be read.
    pub(super) offered: Option<Sha256>,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum AttemptResult {
    /// It is in force.
    Done,
    /// It is the one that was in force already.
    Unchanged,
    /// The one before stays; the code of the first fault.
    Refused(&'static str),
}

/// Takes changed bundles up.
pub(super) struct Swapper {
    terms: Terms,
    core: Arc<Core>,
    log: Log,
    /// Which bundles were activated here.
    activations: Arc<dyn ActivationStore>,
    standing: Standing,
    /// The last look, and the last one that was acted upon.
    seen: Option<Sha256>,
    tried: Option<Sha256>,
    /// Bundles that exchanges may still use, so that none of them has to give back what thousands of policies took.
    retired: Vec<Arc<Bundle>>,
}

impl Terms {
    /// Those of a configuration.
    ///
    /// # Errors
    /// None that the configuration did not have.
    pub(super) fn of(config: &Config) -> Result<Self, Diagnostics> {
        let fetched = config.partners.iter().filter(|partner| matches!(partner.token, TokenSettings::Fetched(_)));
        Ok(Self {
            fetched: fetched.map(|partner| partner.name.clone()).collect(),
            folder: config.policies.clone(),
            limits: config.limits.clone(),
            reload: config.reload,
            stated: InEffect::of(config)?.stated(config),
            source: config.source.clone(),
            partners: config.partners.iter().map(|partner| (partner.name.clone(), partner.place)).collect(),
            signing: Signing::of(config),
        })
    }

    /// Reads and compiles the bundle that lies there now.
    pub(super) fn offered(&self) -> Offered {
        Bundle::offered(&self.folder, &self.limits)
    }

    /// Everything for which `bundle` may not be in force beside this configuration.
    pub(super) fn undercut(&self, bundle: &Bundle) -> Diagnostics {
        let mut faults = bundle.requirements().undercut(&self.stated);
        for (name, place) in self.partners.iter().filter(|(name, _)| bundle.contract(name).is_none()) {
            let message = format!("there is no contract for the partner `{name}`");
            let fault = self.source.fault("no-contract", *place, message);
            faults.push(fault.help(format!("add `contracts/{name}.openapi.yaml` to the bundle, or take it out")));
        }
        self.fetched.iter().for_each(|partner| bundle.hold_rights(partner, &mut faults));
        faults
    }
}

impl Swapper {
    /// Takes bundles up as `terms` say; the one in force is so since now.
    pub(super) fn new(terms: Terms, core: Arc<Core>, log: Log, activations: Arc<dyn ActivationStore>) -> Self {
        let since = core.clock.now();
        core.metrics.bundle_since(since.seconds().get());
        let standing = Arc::new(ArcSwap::from_pointee(InForce { since, last_attempt: None }));
        Self { terms, core, log, activations, standing, seen: None, tried: None, retired: Vec::new() }
    }

    /// What is told of it.
    pub(super) fn standing(&self) -> Standing {
        Arc::clone(&self.standing)
    }

    /// Holds other files of the same configuration against the bundle in force, and bundles against them from then on.
    ///
    /// # Errors
    /// What they undercut; then nothing has changed.
    pub(super) fn held(&self, config: &Config) -> Result<Stated, Diagnostics> {
        let stated = InEffect::of(config)?.stated(config);
        self.core.snapshot.load().bundle.requirements().undercut(&stated).or_fail(stated)
    }

    /// Holds bundles against these statements from now on.
    pub(super) fn hold_against(&mut self, stated: Stated) {
        self.terms.stated = stated;
    }

    /// One look; at the folder if it is watched, and at the bundle in it if it has changed or somebody asks.
    pub(super) async fn look(&mut self, at_once: bool) {
        self.retired.retain(|bundle| Arc::strong_count(bundle) > 1);
        if !at_once && self.terms.reload == Reload::Signal {
            return;
        }
        let found = Some(traces(&self.terms.folder));
        let settled = self.seen == found;
        self.seen = found;
        if at_once || settled && self.tried != found {
            self.tried = found;
            self.attempt().await;
        }
    }

    async fn attempt(&mut self) {
        let old = Arc::clone(&self.core.snapshot.load().bundle);
        let Offered { digest: offered, bundle } = self.terms.offered();
        let result = match self.taken_up(bundle, &old).await {
            Ok(result) => result,
            Err(faults) => self.refuse(offered, &faults).await,
        };
        self.core.bundle_refused.store(matches!(result, AttemptResult::Refused(_)), Ordering::Relaxed);
        let (at, before) = (self.core.clock.now(), **self.standing.load());
        let since = if result == AttemptResult::Done { at } else { before.since };
        self.core.metrics.bundle_since(since.seconds().get());
        let last_attempt = Some(Attempt { at, result, offered });
        self.standing.store(Arc::new(InForce { since, last_attempt }));
    }

    /// All that can be refused first, the approval last of it; then the record, and then the exchange, which cannot fail.
    async fn taken_up(
        &mut self,
        bundle: Result<Bundle, Diagnostics>,
        old: &Arc<Bundle>,
    ) -> Result<AttemptResult, Diagnostics> {
        let bundle = Arc::new(bundle?);
        self.terms.undercut(&bundle).or_fail(())?;
        if bundle.digest() == old.digest() {
            tracing::info!(bundle = %old.digest(), "the bundle is the one in force");
            return Ok(AttemptResult::Unchanged);
        }
        let approved = self.terms.signing.approve(&bundle, self.core.clock.now(), self.activations.as_ref()).await?;
        let directory = Arc::clone(&self.core.snapshot.load().directory);
        let (directory_version, directory_digest) = (directory.version(), directory.digest());
        let note = Note::Bundle { directory_version, directory_digest, replaces: Some(old.digest()) };
        let facts = self.facts(bundle.digest());
        for note in approvals::activated(&approved).into_iter().chain([note]) {
            if self.log.note(&facts, note, self.core.clock.now()).await.is_ok() {
                continue;
            }
            let help = "nothing comes into force that is not on record: look at the audit log's disk";
            return Err(Diagnostic::without_file("not-recordable", "the bundle could not be recorded")
                .help(help)
                .into());
        }
        approvals::on_record(&approved, self.activations.as_ref()).await;
        self.core.put_bundle_in_force(approved);
        self.retired.push(Arc::clone(old));
        self.core.metrics.bundle_swapped(true);
        tracing::info!(bundle = %bundle.digest(), replaces = %old.digest(), "another bundle is in force");
        Ok(AttemptResult::Done)
    }

    async fn refuse(&self, offered: Option<Sha256>, faults: &Diagnostics) -> AttemptResult {
        tracing::error!(%faults, "a changed bundle is refused; the one before stays in force");
        self.core.metrics.bundle_swapped(false);
        let fault = faults.iter().next().map_or("internal", |fault| fault.code);
        let count = u64::try_from(faults.iter().count()).unwrap_or(u64::MAX);
        let note = Note::BundleRefused(BundleRefused { offered, fault, faults: count });
        let facts = self.facts(self.core.snapshot.load().bundle.digest());
        // One that cannot be recorded is counted as lost by the log; nothing came into force.
        let _ = self.log.note(&facts, note, self.core.clock.now()).await;
        AttemptResult::Refused(fault)
    }

    fn facts(&self, bundle: Sha256) -> Facts {
        Facts::new(Receipt::new(crypto::random()), self.core.guard.epoch(), bundle)
    }
}

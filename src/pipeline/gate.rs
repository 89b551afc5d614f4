//! The gate: all that the ways need, as values, and the first fork between the contract's paths and the gateway's own.

use crate::audit::Closed;
use crate::audit::Concluded;
use crate::audit::Handles;
use crate::audit::Log;
use crate::clock::Clock;
use crate::crypto::Certificate;
use crate::crypto::ClientTrust;
use crate::crypto::Standing;
use crate::guard::Guard;
use crate::identity::ClientTokens;
use crate::identity::IdentityFault;
use crate::identity::Peer;
use crate::identity::SessionIssuer;
use crate::identity::Verifier;
use crate::model::Head;
use crate::model::Sha256;
use crate::model::Side;
use crate::partner::PartnerFault;
use crate::pipeline::directory::Updates;
use crate::pipeline::from_partner;
use crate::pipeline::health::Health;
use crate::pipeline::operation;
use crate::pipeline::own;
use crate::pipeline::port::Body;
use crate::pipeline::refusal::DoorFault;
use crate::pipeline::refusal::Refusal;
use crate::pipeline::route::Route;
use crate::pipeline::route::Routes;
use crate::pipeline::route::Snapshot;
use crate::pipeline::trail::Trail;
use crate::tasks::Tasks;
use crate::telemetry::Metrics;
use crate::webhook::Outbox;
use crate::wire::ConnectFault;
use arc_swap::ArcSwap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

/// What all workers share.
pub struct Core {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Who is asking.
    pub identity: Verifier,
    /// The tokens of partners that call, where any may.
    pub client_tokens: Option<ArcSwap<ClientTokens>>,
    /// Issues session tokens.
    pub sessions: SessionIssuer,
    /// Whom the backend's listener trusts.
    pub clients: Arc<ClientTrust>,
    /// Whom the partners' listener trusts, if there is one.
    pub partner_clients: Option<Arc<ClientTrust>>,
    /// Revocations, age, idempotency.
    pub guard: Guard,
    /// Persons in records.
    pub handles: Handles,
    /// Events on their way, either way.
    pub outbox: Outbox,
    /// Bundle and directory.
    pub snapshot: ArcSwap<Snapshot>,
    /// Whose updates of the directory are taken, and how old it may grow.
    pub updates: Updates,
    /// Exchanges after their intent, which going down waits for.
    pub exchanges: Tasks,
    /// The counters.
    pub metrics: Arc<Metrics>,
    /// The names of peers who may say to which trace a request belongs.
    pub trace_from: Vec<Box<str>>,
    /// Whether the gateway goes down.
    pub going_down: AtomicBool,
    /// Whether changed files were refused, so that older ones are in force.
    pub reload_failed: AtomicBool,
    /// Whether a changed bundle was refused, so that an older one is in force.
    pub bundle_refused: AtomicBool,
    /// Whether segments of the log could not be archived when that was tried last.
    pub archive_failed: AtomicBool,
    /// Whether a destination of the log's records is behind by more than it may be without a word. For `/readyz`.
    pub exports_behind: AtomicBool,
}

/// One worker's gate: the core, and this worker's own desk at the log and connections to the partners.
#[derive(Clone)]
pub struct Gate {
    pub(super) core: Arc<Core>,
    pub(super) log: Log,
    pub(super) routes: Arc<Routes>,
}

/// Who is at a door: the peer of its certificate, and the name that the TLS handshake asked for.
pub struct Visitor {
    pub(super) side: Side,
    pub(super) peer: Result<Peer, IdentityFault>,
    /// The thumbprint of its certificate, also where that names nobody.
    pub(super) certificate: Sha256,
    pub(super) server_name: Option<Box<str>>,
}

impl Gate {
    /// A worker's gate, with the routes by authority.
    #[must_use]
    pub fn new(core: Arc<Core>, log: Log, routes: impl IntoIterator<Item = (Box<str>, Route)>) -> Self {
        let routes = routes.into_iter().map(|(authority, route)| (authority, Arc::new(route))).collect();
        Self { core, log, routes: Arc::new(routes) }
    }

    /// What all workers share.
    #[must_use]
    pub const fn core(&self) -> &Arc<Core> {
        &self.core
    }

    /// This gate's desk at the log.
    #[must_use]
    pub const fn log(&self) -> &Log {
        &self.log
    }

    /// Meets who came in, once per connection.
    #[must_use]
    pub fn greet(
        &self,
        side: Side,
        certificate: Certificate,
        standing: Standing,
        server_name: Option<Box<str>>,
    ) -> Visitor {
        let thumbprint = certificate.thumbprint;
        let peer = Peer::of(Arc::new(certificate), Arc::new(standing));
        Visitor { side, certificate: thumbprint, peer, server_name }
    }

    /// Handles one request, whatever it asks for.
    pub async fn handle<B: Body>(&self, visitor: &Visitor, head: Head, body: &mut B) -> Concluded {
        match visitor.side {
            Side::Backend if own::PREFIXES.iter().any(|prefix| head.path.starts_with(prefix)) => {
                own::requested(self, visitor, &head, body).await
            }
            Side::Backend => operation::outbound(self, visitor, &head, body).await,
            Side::Partner => from_partner::requested(self, visitor, &head, body).await,
        }
    }

    /// Records and answers a request that no way begins for.
    pub async fn refuse_head(&self, visitor: &Visitor, fault: DoorFault) -> Concluded {
        let trail = Trail::begin(self.core.clock.as_ref());
        let facts = self.facts(visitor, &self.core.snapshot.load());
        operation::refuse(self, facts, Refusal::from(fault), trail).await
    }

    /// How each partner was seen to work, by its name.
    pub fn healths(&self) -> impl Iterator<Item = (&str, &Arc<Health>)> {
        self.routes.values().map(|route| (route.name.as_str(), &route.health))
    }

    /// What the operator should know though it is no reason not to be ready, as words.
    #[must_use]
    pub fn notices(&self) -> Vec<&'static str> {
        let mut notices = Vec::new();
        if self.core.reload_failed.load(Ordering::Relaxed) {
            notices.push("reload-failed");
        }
        if self.core.bundle_refused.load(Ordering::Relaxed) {
            notices.push("bundle-refused");
        }
        if self.log.is_unattested(self.core.clock.steady()) {
            notices.push("audit-unattested");
        }
        if self.core.archive_failed.load(Ordering::Relaxed) {
            notices.push("archive-failed");
        }
        if self.core.exports_behind.load(Ordering::Relaxed) {
            notices.push("exports-behind");
        }
        // Reading goes on; nothing moves.
        if !self.core.updates.is_timely(&self.core.snapshot.load().directory, self.core.clock.now()) {
            notices.push("directory-too-old");
        }
        // Session tokens are good all the same, and another gateway would miss them too.
        if self.core.identity.misses_keys(self.core.clock.now().seconds()) {
            notices.push("issuer-keys-missing");
        }
        if self.log.space().is_some_and(|left| left.is_short) {
            notices.push("audit-space-short");
        }
        let lapsed: Vec<_> = self.routes.values().filter_map(|route| route.partner.lapsed()).collect();
        for (fault, notice) in
            [(ConnectFault::OwnCertificate, "partner-certificate-expired"), (ConnectFault::List, "partner-crl-expired")]
        {
            if lapsed.contains(&PartnerFault::Unreachable(fault)) {
                notices.push(notice);
            }
        }
        notices
    }

    /// Why the gateway is not ready, as words; nothing when it is.
    #[must_use]
    pub fn not_ready(&self) -> Vec<&'static str> {
        let mut reasons = Vec::new();
        if self.core.going_down.load(Ordering::Relaxed) {
            reasons.push("shutting-down");
        }
        match self.log.closed() {
            Some(Closed::Failed) => reasons.push("audit-failed"),
            Some(Closed::Disturbed) => reasons.push("audit-disturbed"),
            None => {}
        }
        if self.log.is_overdue(self.core.clock.steady()) {
            reasons.push("audit-overdue");
        }
        if !self.core.guard.is_durable() {
            reasons.push("store-failed");
        }
        // Nothing moves then; another gateway's clock may be right.
        if self.core.guard.clock_behind_ms(self.core.clock.now()).is_some() {
            reasons.push("clock-behind");
        }
        // Nobody gets in then; another gateway may have the newer list.
        let mut trusts = [&self.core.clients].into_iter().chain(&self.core.partner_clients);
        if trusts.any(|clients| clients.list_ran_out(self.core.clock.now().seconds())) {
            reasons.push("crl-expired");
        }
        // Another gateway may have the newer certificates and lists; while one partner can be reached, this one is of use.
        if !self.routes.is_empty() && self.routes.values().all(|route| route.partner.lapsed().is_some()) {
            reasons.push("partners-lapsed");
        }
        if self.core.guard.is_full_of_revocations() {
            reasons.push("revocations-full");
        }
        reasons
    }
}

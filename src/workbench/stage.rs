//! The stage: for each case a gateway of its own, of the same rooms and the same gate as any other, with memory in place of
//! the disk, the case's clock in place of the machine's, and streams in place of sockets.

use crate::approval::on_stage;
use crate::audit;
use crate::audit::Handles;
use crate::audit::Log;
use crate::bundle::Bundle;
use crate::clock::Clock;
use crate::clock::ManualClock;
use crate::contract::Contract;
use crate::crypto::SecretKey;
use crate::directory;
use crate::guard::Guard;
use crate::identity::ClientTokens;
use crate::identity::PartnerClient;
use crate::identity::Peer;
use crate::identity::Verifier;
use crate::limits::Limits;
use crate::model::Actor;
use crate::model::AdminDoor;
use crate::model::Direction;
use crate::model::Head;
use crate::model::PartnerName;
use crate::model::Side;
use crate::model::Stranger;
use crate::partner::Backend;
use crate::partner::Minting;
use crate::partner::Partner;
use crate::partner::PartnerSettings;
use crate::partner::TokenSource;
use crate::pipeline::Act;
use crate::pipeline::BodyMemory;
use crate::pipeline::Calls;
use crate::pipeline::Core;
use crate::pipeline::Courier;
use crate::pipeline::Gate;
use crate::pipeline::Health;
use crate::pipeline::Inward;
use crate::pipeline::RevocationOrder;
use crate::pipeline::Room;
use crate::pipeline::Route;
use crate::pipeline::Snapshot;
use crate::pipeline::Updates;
use crate::protect::Protector;
use crate::tasks::Tasks;
use crate::telemetry::Metrics;
use crate::webhook;
use crate::webhook::Destination;
use crate::webhook::Endpoint;
use crate::webhook::Outbox;
use crate::webhook::WEBHOOK_ID;
use crate::webhook::WEBHOOK_SIGNATURE;
use crate::webhook::WEBHOOK_TIMESTAMP;
use crate::webhook::WebhookId;
use crate::wire::Connect;
use crate::wire::Streams;
use crate::workbench::case::Asks;
use crate::workbench::case::Case;
use crate::workbench::case::CaseAnswer;
use crate::workbench::case::PartnerFault;
use crate::workbench::case::SignedAs;
use crate::workbench::cast::Cast;
use crate::workbench::cast::pseudonym_key;
use crate::workbench::disk::MemoryDisk;
use crate::workbench::issuing;
use crate::workbench::issuing::asks_for_session;
use crate::workbench::keeper::Keeper;
use crate::workbench::pattern::PatternFault;
use crate::workbench::played::Played;
use crate::workbench::played::Sent;
use crate::workbench::presented;
use crate::workbench::script::Script;
use crate::workbench::store::Memory;
use arc_swap::ArcSwap;
use bytes::Bytes;
use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::header;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// How long the gateway waits for a partner that is silent: long enough for everything in memory, and no longer.
const SILENCE_TIMEOUT: Duration = Duration::from_millis(50);

/// How long a record may take: it lies in memory, and only a machine that is busy elsewhere holds it up.
const RECORD_TIMEOUT: Duration = Duration::from_secs(10);

/// The size of a segment of the log, in bytes: a case has a handful of records.
const SEGMENT_BYTES: u64 = 64 * 1024 * 1024;

/// A bundle, and everything that its cases are played with.
pub struct Stage {
    bundle: Arc<Bundle>,
    limits: Limits,
    cast: Cast,
}

/// Why a case cannot be played.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum StageFault {
    /// A key, a certificate or a token could not be made.
    #[error("a key or a token of the stage cannot be made")]
    Keys,
    /// The peer's name is none that a certificate can bear.
    #[error("the peer's name is no name of a certificate: it must be a URI of visible ASCII")]
    Peer,
    /// The bundle has no contract with the partner.
    #[error("the bundle has no contract with the partner of the case")]
    Partner,
    /// A pseudonym has no text.
    #[error(transparent)]
    Pseudonym(#[from] PatternFault),
    /// A header of the case is none.
    #[error("a header of the case cannot be sent")]
    Header,
    /// A revocation of the case could never stop anything.
    #[error("a revocation of the case means nothing, or names what is not known")]
    Revocation,
    /// A room of the gateway could not be made.
    #[error("a part of the gateway cannot be set up: {0}")]
    SetUp(&'static str),
}

/// One case's gateway.
struct Scene {
    gate: Gate,
    disk: MemoryDisk,
    script: Arc<Script>,
    courier: Option<(Side, Courier)>,
}

impl Stage {
    /// A stage for the cases of `bundle`.
    ///
    /// # Errors
    /// [`StageFault::Keys`].
    pub fn of(bundle: Arc<Bundle>) -> Result<Self, StageFault> {
        Ok(Self { bundle, limits: Limits::default(), cast: Cast::new()? })
    }

    /// The bundle.
    #[must_use]
    pub const fn bundle(&self) -> &Arc<Bundle> {
        &self.bundle
    }

    /// Plays a case, from the head to the last record. Blocks; cases may be played on several threads at once.
    ///
    /// # Errors
    /// [`StageFault`] where it cannot be set up; whatever the gateway makes of it is no fault.
    pub fn play(&self, case: &Case) -> Result<Played, StageFault> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        let runtime = runtime.map_err(|_| StageFault::SetUp("runtime"))?;
        runtime.block_on(self.played(case))
    }

    async fn played(&self, case: &Case) -> Result<Played, StageFault> {
        let keeper = Arc::new(Keeper::default());
        let bundle = Arc::new(self.bundle.witnessed(Arc::<Keeper>::clone(&keeper)));
        let scene = Box::pin(self.scene(case, bundle)).await?;
        scene.revoke(case).await?;
        let side = match direction_of(&case.asks) {
            Direction::Inbound => Side::Partner,
            Direction::Outbound => Side::Backend,
        };
        let (head, body) = self.request(case, scene.gate.core())?;
        let (certificate, standing) = self.cast.peer(&case.caller.peer)?;
        if asks_for_session(&case.asks) {
            let peer = Peer::of(Arc::new(certificate), Arc::new(standing)).map_err(|_| StageFault::Peer)?;
            return Ok(issuing::played(&scene.gate, &peer, (&head.fields, &body), &keeper));
        }
        let server_name = Some(Box::from(authority(partner_of(&case.asks))));
        let visitor = scene.gate.greet(side, certificate, standing, server_name);
        let concluded = scene.gate.handle(&visitor, head, &mut Bytes::from(body)).await;
        let to = match &scene.courier {
            Some((to, courier)) => {
                let _attempts = courier.deliver_due().await;
                *to
            }
            None if side == Side::Partner => Side::Backend,
            None => Side::Partner,
        };
        let sent = scene.script.taken().into_iter().next().map(|bytes| Sent { to, bytes });
        let Scene { gate, disk, courier, .. } = scene;
        drop((gate, courier));
        Ok(Played::read(concluded, &disk.written(), sent, keeper.kept()))
    }

    /// The gateway of one case.
    async fn scene(&self, case: &Case, bundle: Arc<Bundle>) -> Result<Scene, StageFault> {
        let name = partner_of(&case.asks);
        let contract = self.bundle.contract(name).ok_or(StageFault::Partner)?;
        let protector = Arc::new(Protector::new(name.clone(), pseudonym_key(name)));
        let script = Arc::new(match (&case.answer, &case.asks) {
            (Some(answer), _) => Script::of(answer, &protector)?,
            (None, Asks::Request { .. }) => Script::closing(),
            (None, Asks::Event { .. }) => Script::accepting(),
        });
        let disk = MemoryDisk::default();
        let (core, log) = Box::pin(self.core(case, bundle, Arc::new(ManualClock::new(case.at)), &disk)).await?;
        let room = Room::new(&self.limits, BodyMemory::new(&self.limits));
        let silent = matches!(case.answer, Some(CaseAnswer::Fault(PartnerFault::Silent)));
        let exchange_timeout = if silent { SILENCE_TIMEOUT } else { Limits::millis(self.limits.exchange_timeout_ms) };
        let streams = |authority: &str| Streams {
            dial: Arc::<Script>::clone(&script),
            authority: authority.into(),
            exchange_timeout,
            answer_max_bytes: usize::try_from(self.limits.answer_max_bytes).unwrap_or(usize::MAX),
        };
        let towards = format!("{name}.example");
        let asked = match (&case.asks, direction_of(&case.asks)) {
            (Asks::Request { .. }, Direction::Inbound) => "backend.example",
            _ => &towards,
        };
        let route = self.route(case, contract, Arc::clone(&protector), room, streams(asked))?;
        let courier = match &case.asks {
            Asks::Request { .. } => None,
            Asks::Event { direction, .. } => {
                let to = if *direction == Direction::Outbound { Side::Partner } else { Side::Backend };
                let host = if to == Side::Partner { towards.as_str() } else { "backend.example" };
                let destination = Destination { direction: *direction, partner: name.clone() };
                let wire = Arc::new(streams(host));
                let endpoint = Endpoint::new(destination, "/events".into(), vec![self.cast.secret()?], wire);
                Some((to, Courier::new(Arc::clone(&core), log.at_own_desk(), endpoint, protector, &self.limits)))
            }
        };
        let gate = Gate::new(core, log, [(Box::from(authority(name)), route)]);
        Ok(Scene { gate, disk, script, courier })
    }

    async fn core(
        &self,
        case: &Case,
        bundle: Arc<Bundle>,
        clock: Arc<dyn Clock>,
        disk: &MemoryDisk,
    ) -> Result<(Arc<Core>, Log), StageFault> {
        let (limits, store, key) = (&self.limits, Arc::new(Memory::default()), &SecretKey::new([7; 32]));
        let metrics = Arc::new(Metrics::new().map_err(|_| StageFault::SetUp("metrics"))?);
        let settings = audit::Settings {
            directory: PathBuf::new(),
            archive: None,
            signer: self.cast.log_signer(),
            deadline: RECORD_TIMEOUT,
            segment_bytes: SEGMENT_BYTES,
            reserve_bytes: 0,
            segment_age: Duration::MAX,
            refusal_rates: audit::RefusalRates {
                unknown_per_minute: limits.refusal_records_per_peer_per_minute,
                known_per_minute: limits.known_refusal_records_per_peer_per_minute,
            },
            receipts_max: limits.receipts_max,
            receipts_ms: limits.receipts_ms,
        };
        let log = Log::begin_on(Box::new(disk.clone()), settings, key, Arc::clone(&clock), Arc::clone(&metrics));
        let log = log.map_err(|_| StageFault::SetUp("log"))?;
        let guard = Guard::open(limits, key, store.clone(), Vec::new(), clock.now());
        let issuers = self.cast.issuers(case.caller.token.as_ref(), limits)?;
        let updates = directory::Settings { keys: Some(self.cast.directory_keys()), max_age_s: None };
        let client_keys = [Arc::new(self.cast.partner_key()?)];
        let client_tokens = ClientTokens::new(&client_keys, PARTNER_TOKEN_S, limits.clock_skew_s);
        let client_tokens = client_tokens.map_err(|_| StageFault::Keys)?;
        let core = Core {
            identity: Verifier::new(issuers).map_err(|_| StageFault::SetUp("issuers"))?,
            client_tokens: Some(ArcSwap::from_pointee(client_tokens)),
            sessions: self.cast.sessions()?,
            clients: self.cast.trust(),
            partner_clients: Some(self.cast.trust()),
            guard: guard.await.map_err(|_| StageFault::SetUp("guard"))?,
            handles: Handles::new(store.clone(), key),
            outbox: Outbox::open_on(store.clone(), key, limits).await.map_err(|_| StageFault::SetUp("outbox"))?,
            snapshot: ArcSwap::from_pointee(Snapshot::new(on_stage(bundle), Arc::clone(&case.directory))),
            updates: Updates::new(updates, limits, store),
            exchanges: Tasks::new(),
            metrics,
            trace_from: Vec::new(),
            going_down: AtomicBool::new(false),
            reload_failed: AtomicBool::new(false),
            bundle_refused: AtomicBool::new(false),
            archive_failed: AtomicBool::new(false),
            exports_behind: AtomicBool::new(false),
            clock,
        };
        Ok((Arc::new(core), log))
    }

    fn route(
        &self,
        case: &Case,
        contract: &Contract,
        protector: Arc<Protector>,
        room: Room,
        streams: Streams,
    ) -> Result<Route, StageFault> {
        let name = contract.partner();
        let minting = Minting {
            issuer: "https://gateway.stage.example".into(),
            audience: format!("https://{name}.example").into(),
            client_id: "stage".into(),
            keys: self.cast.partner_key()?.into(),
            lifetime_s: PARTNER_TOKEN_S,
        };
        let settings = PartnerSettings { name: name.clone(), signing: self.cast.partner_signing_key()?.into() };
        let calls = match direction_of(&case.asks) {
            Direction::Inbound => {
                let (peer, secrets) = (case.caller.peer.as_str().into(), vec![self.cast.secret()?]);
                Some(Arc::new(Calls::new(name.clone(), peer, secrets, Some(client_of(name)))))
            }
            Direction::Outbound => None,
        };
        let wire: Arc<dyn Connect> = Arc::new(streams);
        let inward = Inward { backend: Backend::new(Arc::clone(&wire)), room: room.beside(&self.limits) };
        Ok(Route {
            name: name.clone(),
            protector,
            partner: Partner::new(Arc::new(settings), TokenSource::Minted(Arc::new(minting)), wire),
            health: Arc::new(Health::default()),
            room,
            has_endpoint: true,
            calls,
            inward: Some(inward),
            decisions: std::collections::HashMap::new(),
        })
    }

    /// The request as it arrives, read from its connection.
    fn request(&self, case: &Case, core: &Core) -> Result<(Head, Vec<u8>), StageFault> {
        let name = partner_of(&case.asks);
        let value = |text: &str| HeaderValue::try_from(text).map_err(|_| StageFault::Header);
        let (method, target, mut fields, body) = match &case.asks {
            Asks::Request { method, target, fields, body, signed, .. } => {
                let mut fields = fields.clone();
                if *signed {
                    fields.insert("directory-signature", value(&self.cast.directory_signature(body)?)?);
                }
                (method.clone(), target.as_str(), fields, body.to_vec())
            }
            Asks::Event { direction: Direction::Outbound, id, body, tenant, .. } => {
                let protector = Protector::new(name.clone(), pseudonym_key(name));
                let mut fields = HeaderMap::new();
                fields.insert("idempotency-key", value(id)?);
                (Method::POST, "/-/events", fields, body.bytes(&protector, tenant.as_ref())?)
            }
            Asks::Event { direction: Direction::Inbound, id, body, signed, tenant, .. } => {
                let protector = Protector::new(name.clone(), pseudonym_key(name));
                let body = body.bytes(&protector, tenant.as_ref())?;
                (Method::POST, "/-/events", self.signed(id, *signed, &body, case)?, body)
            }
        };
        if matches!(case.asks, Asks::Event { .. }) {
            fields.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let path = target.split('?').next().unwrap_or_default();
        if let Some(token) = &case.caller.token {
            presented::present(&self.cast, token, case.at, (&method, path), core, &mut fields)?;
        }
        if let Some(scopes) = &case.caller.client {
            let bearer = format!("Bearer {}", self.client_token(case, scopes, core)?);
            fields.insert(header::AUTHORIZATION, value(&bearer)?);
        }
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(Box::from(query))),
            None => (target, None),
        };
        let no_body = body.is_empty() && method != Method::POST && method != Method::PUT;
        let head = Head {
            method,
            path: path.into(),
            query,
            authority: authority(name).into(),
            fields,
            content_length: (!no_body).then_some(body.len() as u64),
            no_body,
        };
        Ok((head, body))
    }

    /// A partner's own token, as the gateway of the case issues it.
    fn client_token(&self, case: &Case, scopes: &[String], core: &Core) -> Result<String, StageFault> {
        let (name, now) = (partner_of(&case.asks), case.at.seconds());
        let (certificate, standing) = self.cast.peer(&case.caller.peer)?;
        let peer = Peer::of(Arc::new(certificate), Arc::new(standing)).map_err(|_| StageFault::Peer)?;
        let known = core.identity.partner(&peer, name, peer.name(), now).map_err(|_| StageFault::Peer)?;
        let tokens = core.client_tokens.as_ref().ok_or(StageFault::Keys)?.load_full();
        let minted = tokens.mint(&known, &client_of(name), &scopes.join(" "), now);
        Ok(minted.map_err(|_| StageFault::Keys)?.token)
    }

    fn signed(&self, id: &str, signed: SignedAs, body: &[u8], case: &Case) -> Result<HeaderMap, StageFault> {
        let value = |text: &str| HeaderValue::try_from(text).map_err(|_| StageFault::Header);
        let at = case.at.seconds();
        let mut fields = HeaderMap::new();
        fields.insert(WEBHOOK_ID, value(id)?);
        fields.insert(WEBHOOK_TIMESTAMP, value(&at.get().to_string())?);
        let secret = match signed {
            SignedAs::Rightly => self.cast.secret()?,
            SignedAs::Wrongly => Cast::wrong_secret()?,
            SignedAs::Not => return Ok(fields),
        };
        let id = WebhookId::new(id).ok_or(StageFault::Header)?;
        fields.insert(WEBHOOK_SIGNATURE, value(&webhook::sign([&secret], &id, at, body))?);
        Ok(fields)
    }
}

/// How long a token for a partner is good, in seconds; a command's age ends it before.
const PARTNER_TOKEN_S: u64 = 30;

impl Scene {
    /// Puts the case's revocations in force, as the operator does.
    async fn revoke(&self, case: &Case) -> Result<(), StageFault> {
        for (kind, tenant, value) in &case.revoked {
            let order = RevocationOrder { kind: *kind, tenant: tenant.clone(), value: Stranger::new(value.as_str()) };
            let done = self.gate.act(Act::Revoke(order), &Actor::owner(AdminDoor::Socket)).await;
            done.outcome.map_err(|_| StageFault::Revocation)?;
        }
        Ok(())
    }
}

/// The client that every partner is on the stage.
fn client_of(partner: &PartnerName) -> PartnerClient {
    PartnerClient::new("stage".into(), &authority(partner), None)
}

/// Which way it goes.
const fn direction_of(asks: &Asks) -> Direction {
    match asks {
        Asks::Request { direction, .. } | Asks::Event { direction, .. } => *direction,
    }
}

const fn partner_of(asks: &Asks) -> &PartnerName {
    match asks {
        Asks::Request { partner, .. } | Asks::Event { partner, .. } => partner,
    }
}

/// By which name the backend means a partner.
fn authority(partner: &PartnerName) -> String {
    format!("{partner}.stage.example")
}

//! `/-/status`: what an operator asks first, as one JSON object. Its shape is in `docs/operations.md`; members are added,
//! never changed.
//!
//! It holds states, counts, times, and names from the configuration; nothing of a request and no secret. Nobody is asked
//! anything for its sake: what it tells, the gateway knows already.

use crate::approval::Activation;
use crate::audit::Closed;
use crate::audit::Disturbance;
use crate::audit::SpaceLeft;
use crate::clock::UnixMillis;
use crate::clock::UnixSeconds;
use crate::config::Config;
use crate::config::Expiry;
use crate::config::Reload;
use crate::config::Softener;
use crate::exporters::Exports;
use crate::exporters::Stand;
use crate::gateway::identity_status;
use crate::gateway::identity_status::Now;
use crate::gateway::identity_status::OwnKeys;
use crate::gateway::reload::Expiries;
use crate::gateway::rooms::Callers;
use crate::gateway::sockets::Addresses;
use crate::gateway::swap::Attempt;
use crate::gateway::swap::AttemptResult;
use crate::gateway::swap::Standing;
use crate::gateway::token_servers::ServerSeen;
use crate::json;
use crate::json::Number;
use crate::json::Object;
use crate::json::Value;
use crate::model::PersonName;
use crate::model::Sha256;
use crate::model::SigningRole;
use crate::pipeline::Failure;
use crate::pipeline::Gate;
use crate::pipeline::Health;
use crate::pipeline::Snapshot;
use crate::pipeline::condition;
use crate::telemetry::Door;
use crate::wire::Client;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How many of the things that run out are told: the next ones.
const EXPIRIES_TOLD: usize = 5;

/// What the status tells of that does not change.
pub(super) struct Status {
    began: UnixMillis,
    /// The same in steady time.
    began_steady: Duration,
    environment: String,
    softeners: Vec<Softener>,
    listeners: Vec<Listening>,
    partners: Vec<Seen>,
    exchanges_max: u64,
    expiries: Expiries,
    reload: Reload,
    /// Of the effective configuration.
    configuration: Sha256,
    standing: Option<Standing>,
    exports: Option<Arc<Exports>>,
    own_keys: OwnKeys,
    token_servers: Vec<ServerSeen>,
}

/// A listener as it is bound.
struct Listening {
    name: &'static str,
    at: String,
    /// The door whose connections are counted.
    door: Option<Door>,
}

/// One partner, and where it is looked at.
struct Seen {
    name: String,
    authority: String,
    upstream: String,
    /// The connections of each worker.
    clients: Vec<Client>,
}

/// Where the listeners are bound.
pub(super) struct Bound {
    pub(super) addresses: Addresses,
    pub(super) admin: Option<PathBuf>,
}

impl Status {
    /// What a configuration makes of it; the connections to each partner are added by [`Status::watching`].
    pub(super) fn of(config: &Config, bound: &Bound, expiries: Expiries, own_keys: OwnKeys) -> Self {
        let listening = |name, at: String, door| Listening { name, at, door };
        let Addresses { backend, partner, ops } = bound.addresses;
        let mut listeners = vec![listening("backend", backend.to_string(), Some(Door::Backend))];
        listeners.extend(partner.map(|at| listening("partner", at.to_string(), Some(Door::Partner))));
        listeners.push(listening("ops", ops.to_string(), None));
        listeners.extend(bound.admin.iter().map(|path| listening("admin", path.display().to_string(), None)));
        let partner = |partner: &crate::config::PartnerSettings| Seen {
            name: partner.name.to_string(),
            authority: partner.authority.to_string(),
            upstream: upstream(&partner.host, partner.port),
            clients: Vec::new(),
        };
        Self {
            began: UnixMillis::new(0),
            began_steady: Duration::ZERO,
            environment: config.environment.to_string(),
            softeners: config.softeners(),
            listeners,
            partners: config.partners.iter().map(partner).collect(),
            exchanges_max: config.limits.exchanges_max,
            expiries,
            reload: config.reload,
            configuration: Sha256::new([0; 32]),
            standing: None,
            exports: None,
            own_keys,
            token_servers: Vec::new(),
        }
    }

    /// The same for a gateway that begins now, with its connections to each partner, in the order of the configuration, and the
    /// digest of that.
    pub(super) fn watching(
        mut self,
        gate: &Gate,
        callers: &Callers,
        standing: Standing,
        configuration: Sha256,
    ) -> Self {
        (self.standing, self.configuration) = (Some(standing), configuration);
        let clock = &gate.core().clock;
        (self.began, self.began_steady) = (clock.now(), clock.steady());
        for (partner, clients) in self.partners.iter_mut().zip(&callers.lines) {
            partner.clients.clone_from(clients);
        }
        self.token_servers = callers.servers_seen();
        self
    }

    /// The same with the destinations of the log's records.
    pub(super) fn exporting(mut self, exports: Arc<Exports>) -> Self {
        self.exports = Some(exports);
        self
    }

    /// The keys of the settings that let through more than their defaults.
    pub(super) fn softeners(&self) -> Vec<&str> {
        self.softeners.iter().map(|softener| softener.key.as_str()).collect()
    }

    /// Says them in the log, on one line, if there are any.
    pub(super) fn tell_softeners(&self) {
        let keys = self.softeners().join(", ");
        if !keys.is_empty() {
            tracing::warn!(softeners = keys, "softer than the defaults");
        }
    }

    /// Everything, on one line.
    pub(super) fn told(&self, gate: &Gate) -> String {
        let core = gate.core();
        let (now, snapshot) = (core.clock.now(), core.snapshot.load());
        let uptime = core.clock.steady().saturating_sub(self.began_steady).as_secs();
        // What was attempted is read before what is to be known of it: a refusal is never told without its notice.
        let policies = self.policies(&snapshot);
        let not_ready = gate.not_ready();
        let at = Now { wall: now, steady: core.clock.steady() };
        let (issuers, expiries) = (core.identity.issuers_seen(now.seconds()), self.expiries.load());
        let members: [(&str, Value); 26] = [
            ("status", number(1)),
            ("version", env!("CARGO_PKG_VERSION").into()),
            ("at", now.to_string().into()),
            ("started", self.began.to_string().into()),
            ("uptime_s", number(uptime)),
            ("ready", not_ready.is_empty().into()),
            ("reasons", not_ready.into_iter().map(explained).collect::<Vec<_>>().into()),
            ("notices", gate.notices().into_iter().map(explained).collect::<Vec<_>>().into()),
            ("environment", self.environment.as_str().into()),
            ("bundle", snapshot.bundle.digest().to_string().into()),
            ("approval", snapshot.approved().activation().map_or(Value::Null, approval)),
            ("policies", policies),
            ("configuration", self.configuration.to_string().into()),
            ("directory", number(snapshot.directory.version())),
            ("epoch", number(core.guard.epoch().get())),
            ("softeners", self.softeners.iter().map(softener).collect::<Vec<_>>().into()),
            ("listeners", self.listeners.iter().map(|one| listener(one, gate)).collect::<Vec<_>>().into()),
            ("partners", self.partners_seen(gate).into()),
            ("issuers", identity_status::issuers(&issuers, &expiries, at)),
            ("token_servers", identity_status::token_servers(&self.token_servers, &expiries, at)),
            ("keys", identity_status::own_keys(&self.own_keys.load())),
            ("proofs", identity_status::proofs(&core.guard, at)),
            (
                "expiries",
                expiries.iter().take(EXPIRIES_TOLD).map(|one| expiry(one, now.seconds())).collect::<Vec<_>>().into(),
            ),
            ("queues", self.queues(gate).into()),
            ("audit", audit(gate)),
            ("exports", self.exports_seen().into()),
        ];
        let mut text = Vec::with_capacity(4 * 1024);
        json::write(&object(members), &mut text);
        text.push(b'\n');
        String::from_utf8(text).unwrap_or_default()
    }

    fn partners_seen(&self, gate: &Gate) -> Vec<Value> {
        let health: HashMap<&str, &Arc<Health>> = gate.healths().collect();
        let told = |partner: &Seen| {
            let seen = health.get(partner.name.as_str()).map(|health| health.seen()).unwrap_or_default();
            let connections = partner.clients.iter().map(Client::connections);
            let (idle, in_use) = connections.fold((0, 0), |sum, one| (sum.0 + one.idle, sum.1 + one.in_use));
            let failures = seen.failures.iter().map(failure).collect::<Vec<_>>();
            object([
                ("name", partner.name.as_str().into()),
                ("authority", partner.authority.as_str().into()),
                ("upstream", partner.upstream.as_str().into()),
                ("connections", object([("idle", count(idle)), ("in_use", count(in_use))])),
                ("last_good", seen.last_good.map_or(Value::Null, |at| at.to_string().into())),
                ("last_failure", seen.last_failure().as_ref().map_or(Value::Null, failure)),
                ("failures", failures.into()),
            ])
        };
        self.partners.iter().map(told).collect()
    }

    fn exports_seen(&self) -> Vec<Value> {
        let told = |stand: Stand| {
            let failure = |(at, fault): (UnixMillis, &'static str)| {
                object([("at", at.to_string().into()), ("fault", fault.into())])
            };
            object([
                ("name", stand.name.as_str().into()),
                ("kind", stand.kind.into()),
                ("place", stand.place.to_string().into()),
                ("behind", number(stand.behind)),
                ("lag_s", number(stand.lag_s)),
                ("records", number(stand.records)),
                ("last_success", stand.last_success.map_or(Value::Null, |at| at.to_string().into())),
                ("last_failure", stand.last_failure.map_or(Value::Null, failure)),
                ("failures", number(stand.failures)),
            ])
        };
        self.exports.iter().flat_map(|exports| exports.stands()).map(told).collect()
    }

    /// Since when the bundle is in force, how a changed one is taken up, and how the last attempt ended.
    fn policies(&self, snapshot: &Snapshot) -> Value {
        let standing = self.standing.as_ref().map(|standing| **standing.load());
        let attempt = |attempt: Attempt| {
            let (result, fault) = match attempt.result {
                AttemptResult::Done => ("done", Value::Null),
                AttemptResult::Unchanged => ("unchanged", Value::Null),
                AttemptResult::Refused(fault) => ("refused", fault.into()),
            };
            object([
                ("at", attempt.at.to_string().into()),
                ("result", result.into()),
                ("bundle", attempt.offered.map_or(Value::Null, |digest| digest.to_string().into())),
                ("fault", fault),
            ])
        };
        object([
            ("reload", self.reload.word().into()),
            (
                "sequence",
                snapshot.approved().activation().map_or(Value::Null, |activation| number(activation.sequence)),
            ),
            ("since", standing.map_or(Value::Null, |standing| standing.since.to_string().into())),
            ("last_attempt", standing.and_then(|standing| standing.last_attempt).map_or(Value::Null, attempt)),
        ])
    }

    /// What waits: a line for each queue.
    fn queues(&self, gate: &Gate) -> Vec<Value> {
        let core = gate.core();
        let (records, bytes) = gate.log().waiting();
        let queue = |name: &str, waiting: Value, most: Option<u64>| {
            object([("name", name.into()), ("waiting", waiting), ("most", most.map_or(Value::Null, number))])
        };
        vec![
            queue("exchanges", number(core.metrics.exchanges_in_flight()), Some(self.exchanges_max)),
            queue("audit-records", count(records), None),
            queue("audit-bytes", count(bytes), None),
            queue("revocations-unstored", count(core.guard.revocations_waiting()), None),
            queue("outbox", number(core.metrics.outbox_events("queued")), None),
            queue("outbox-dead", number(core.metrics.outbox_events("dead")), None),
        ]
    }
}

/// Something that runs out.
pub(super) fn expiry(expiry: &Expiry, now: UnixSeconds) -> Value {
    object([
        ("what", (&*expiry.what).into()),
        ("name", (&*expiry.name).into()),
        ("at", UnixMillis::new(expiry.until.get().saturating_mul(1_000)).to_string().into()),
        ("days", number(expiry.days_left(now))),
        ("alarm", expiry.alarm(now).map_or(Value::Null, |alarm| alarm.word().into())),
    ])
}

fn audit(gate: &Gate) -> Value {
    let core = gate.core();
    let state = match (gate.log().closed(), gate.log().is_overdue(core.clock.steady())) {
        (Some(Closed::Failed), _) => "failed",
        (Some(Closed::Disturbed), _) => "disturbed",
        (None, true) => "overdue",
        (None, false) => "open",
    };
    let disturbed = |found: Disturbance| object([("file", found.file.into()), ("what", found.what.word().into())]);
    object([
        ("state", state.into()),
        ("records_lost", number(core.metrics.audit_records_lost_so_far())),
        ("disturbed", gate.log().disturbance().map_or(Value::Null, disturbed)),
        ("last_commit_micros", number(u64::try_from(core.metrics.audit_last_commit().as_micros()).unwrap_or(u64::MAX))),
        ("space", gate.log().space().map_or(Value::Null, space)),
    ])
}

fn space(left: SpaceLeft) -> Value {
    object([
        ("free_bytes", number(left.free_bytes)),
        ("growth_bytes_per_second", number(left.bytes_per_second)),
        ("left_s", left.seconds.map_or(Value::Null, number)),
        ("unexported_bytes", number(left.unexported_bytes)),
    ])
}

fn approval(activation: &Activation) -> Value {
    let signer = |(role, person): &(SigningRole, PersonName)| {
        object([("role", role.word().into()), ("person", person.as_str().into())])
    };
    object([
        ("sequence", number(activation.sequence)),
        ("activated_at", activation.at.to_string().into()),
        ("data", activation.data.to_string().into()),
        ("signed_by", activation.signed_by.iter().map(signer).collect::<Vec<_>>().into()),
    ])
}

fn explained(code: &'static str) -> Value {
    let (says, hint) = condition(code).map_or((code, ""), |condition| (condition.says, condition.hint));
    object([("code", code.into()), ("says", says.into()), ("hint", hint.into())])
}

fn softener(softener: &Softener) -> Value {
    object([("key", softener.key.as_str().into()), ("says", softener.says.as_str().into())])
}

fn listener(listener: &Listening, gate: &Gate) -> Value {
    let open = |door| number(gate.core().metrics.connections_open(door));
    object([
        ("name", listener.name.into()),
        ("address", listener.at.as_str().into()),
        ("connections", listener.door.map_or(Value::Null, open)),
    ])
}

fn failure(failure: &Failure) -> Value {
    object([
        ("reason", failure.reason.into()),
        ("count", number(failure.count)),
        ("last", failure.last.to_string().into()),
    ])
}

fn upstream(host: &str, port: u16) -> String {
    if host.contains(':') { format!("https://[{host}]:{port}") } else { format!("https://{host}:{port}") }
}

/// Names that are distinct where they stand.
pub(super) fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    members.into_iter().collect::<Object>().into()
}

/// Beyond 2⁵³ − 1 there is no exact JSON number (RFC 8259 §6); no count comes there.
pub(super) fn number(number: u64) -> Value {
    Number::try_from(number).map_or(Value::Null, Value::from)
}

pub(super) fn count(count: usize) -> Value {
    number(u64::try_from(count).unwrap_or(u64::MAX))
}

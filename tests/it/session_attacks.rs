//! Attacks on sessions: on getting one and on using one, over one gateway. Each has its status, its word for the caller and its
//! reason on record, gives nobody a session and sends not a byte to the partner; beside them stand neighbours that are good. The
//! clock stands still. What can be wrong with a form, a subject token or the rights that are asked for is in
//! `sessions/attacks.rs`, what with a token or a proof by itself in `tokens.rs` and `attacks.rs`; here is what it takes a
//! session that was really given out for, and what stands between the form and its reader.

mod commands;
mod forms;

use crate::harness::Exchange;
use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::TOKEN_PATH;
use crate::harness::fresh_key;
use crate::harness::member;
use portcullis::clock::Clock;
use portcullis::clock::ManualClock;
use portcullis::clock::SystemClock;
use portcullis::clock::UnixSeconds;
use portcullis::crypto::SigningAlgorithm;
use portcullis::devkit::AppKey;
use portcullis::devkit::Backend;
use portcullis::devkit::BackendAnswer;
use portcullis::devkit::Leaf;
use portcullis::devkit::NORTH;
use portcullis::devkit::PUBLIC_URL;
use portcullis::devkit::TokenClaims;
use portcullis::devkit::Validity;
use portcullis::model::Actor;
use portcullis::model::AdminDoor;
use portcullis::model::Stranger;
use portcullis::model::TenantId;
use portcullis::pipeline::Act;
use portcullis::pipeline::RevocationKind;
use portcullis::pipeline::RevocationOrder;
use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

/// The name in the certificate of the backend that may exchange.
const BACKEND: &str = "spiffe://prop.example/backend";
const DOOR: &str = "/v1/houses/house-1/doors/door-1/open";
const RIGHTS: &str = r#"[{"type":"door_access","house":"house-1","door":"door-1","actions":["open","see"]}]"#;

/// Who comes with a request.
#[derive(Clone, Copy, Debug)]
enum Who {
    Backend,
    /// Another machine of the backend, with a certificate of its own.
    Replica,
    /// A machine whose certificate was revoked.
    Revoked,
    /// Another backend of the same authority, which may exchange nothing.
    Other,
}

/// One request, as it is sent.
#[derive(Clone)]
struct Request {
    who: Who,
    method: &'static str,
    target: String,
    fields: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Request {
    /// A command to open a door, from the backend.
    fn open(door: &str, authorization: &str, proofs: &[String]) -> Self {
        let mut fields = vec![
            ("Authorization", authorization.to_owned()),
            ("Idempotency-Key", fresh_key()),
            ("Content-Type", "application/json".to_owned()),
        ];
        fields.extend(proofs.iter().map(|proof| ("DPoP", proof.clone())));
        let body = br#"{"userId":"resident-ivanov","deviceId":"phone-of-ivanov"}"#.to_vec();
        Self { who: Who::Backend, method: "POST", target: door.to_owned(), fields, body }
    }

    fn from(self, who: Who) -> Self {
        Self { who, ..self }
    }

    fn saying(self, body: &str) -> Self {
        Self { body: body.as_bytes().to_vec(), ..self }
    }

    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.fields.push((name, value.to_owned()));
        self
    }
}

/// One attack, or a good neighbour of some: then its reason is `done`.
struct Row {
    name: String,
    request: Request,
    /// The status, and `error` or the last word of the problem's type; nothing of a good one.
    told: (u16, &'static str),
    reason: &'static str,
}

struct World {
    gateway: Served,
    stage: Stage,
    clock: Arc<ManualClock>,
    thief: AppKey,
    /// Backends by who they are.
    backend: Backend,
    replica: Backend,
    revoked: Backend,
    other: Backend,
    /// Given out, with the rights to open and to see the first door.
    session: String,
    /// Another one of the same user and key.
    second: String,
    /// Given out with the right to see alone.
    seeing: String,
    /// Given out for one second, which is over.
    expired: String,
    /// Given out and then taken back, by what.
    taken_back: Vec<(&'static str, String)>,
}

impl World {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::new(SystemClock::new().now()));
        let stage = Stage::by(clock.clone());
        stage.limit("refusal_records_per_peer_per_minute: 10000, peer_rate_per_second: 100000");
        let gateway = Served::by(&stage, clock.clone());
        // A proof of now needs no nonce any more.
        clock.advance(Duration::from_secs(100));
        let with = |uri: &str| {
            let leaf = Leaf::client(uri, Validity::a_day_from(clock.now().seconds()));
            let issued = stage.pki.backend_authority.issue(&leaf).unwrap();
            let thumbprint = issued.parsed().unwrap().thumbprint.to_string();
            (stage.backend_as(gateway.address, Some(&issued.identity().unwrap())), thumbprint)
        };
        let (backend, replica, other) =
            (stage.backend(gateway.address), with(BACKEND).0, with("spiffe://prop.example/other").0);
        let (revoked, certificate) = with(BACKEND);
        let thief = AppKey::new(SigningAlgorithm::Es256).unwrap();
        let nothing = String::new;
        let (session, second, seeing, expired) = (nothing(), nothing(), nothing(), nothing());
        let taken_back = Vec::new();
        let mut world = Self {
            gateway,
            stage,
            clock,
            thief,
            backend,
            replica,
            revoked,
            other,
            session,
            second,
            seeing,
            expired,
            taken_back,
        };
        world.expired = world.given(world.user(), &[("expires_in", "1")]);
        world.clock.advance(Duration::from_secs(2));
        world.take_back();
        world.revoke(RevocationKind::Certificate, None, &certificate);
        world.session = world.given(world.user(), &[]);
        world.second = world.given(world.user(), &[]);
        world.seeing = world.given(world.user(), &[("authorization_details", &RIGHTS.replace("\"open\",", ""))]);
        world
    }

    /// Sessions that are good until what they rest on is revoked.
    fn take_back(&mut self) {
        let tenant = || Some(TenantId::new("north").unwrap());
        let named = |name: &'static str, value: &str| self.given(self.user().with(name, value), &[]);
        let rows = vec![
            ("subject", RevocationKind::Subject, "resident-gone".to_owned(), named("sub", "resident-gone")),
            ("device", RevocationKind::Device, "phone-lost".to_owned(), named("device_id", "phone-lost")),
            ("sign-in", RevocationKind::Session, "session-over".to_owned(), named("sid", "session-over")),
        ];
        let by_id = self.given(self.user(), &[]);
        for (what, kind, value, session) in rows {
            self.revoke(kind, tenant(), &value);
            self.taken_back.push((what, session));
        }
        let id = claims(&by_id)["jti"].as_str().unwrap().to_owned();
        self.revoke(RevocationKind::Token, tenant(), &id);
        self.taken_back.push(("token", by_id));
    }

    fn revoke(&self, kind: RevocationKind, tenant: Option<TenantId>, value: &str) {
        let order = RevocationOrder { kind, tenant, value: Stranger::new(value) };
        let done = self.stage.wait(self.gateway.gate().act(Act::Revoke(order), &Actor::owner(AdminDoor::Socket)));
        assert!(done.outcome.is_ok(), "{kind:?}: {:?}", done.outcome);
    }

    fn now(&self) -> UnixSeconds {
        self.clock.now().seconds()
    }

    /// The user's own token's claims, with every right in the house, bound to nothing so that any replica may bring it.
    fn user(&self) -> TokenClaims {
        self.stage.member_of(&NORTH, &self.stage.login, self.now()).without("cnf")
    }

    /// A good request for a session for this user, with these parameters besides.
    fn exchange(&self, user: &TokenClaims) -> Exchange {
        let exchange = Exchange::of(&self.stage, self.stage.login.mint(user).unwrap());
        let proof = self.proof("POST", TOKEN_PATH, None);
        exchange.with("authorization_details", RIGHTS).proven(&[&proof])
    }

    /// A session token that the gateway has given out.
    fn given(&self, user: TokenClaims, more: &[(&str, &str)]) -> String {
        let exchange = more.iter().fold(self.exchange(&user), |exchange, (name, value)| exchange.with(name, value));
        let answer = self.stage.wait(exchange.give_once(&self.backend));
        member(&answer, "access_token").unwrap_or_else(|| panic!("{}", answer.text()))
    }

    /// A proof by the app that the sessions are for.
    fn proof(&self, method: &str, target: &str, token: Option<&str>) -> String {
        let app = &self.stage.app;
        app.proof(method, &format!("{PUBLIC_URL}{target}"), token, None, self.now()).unwrap()
    }

    /// The same for the command with this session at the first door.
    fn proof_for(&self, session: &str) -> String {
        self.proof("POST", DOOR, Some(session))
    }

    fn send(&self, request: &Request) -> BackendAnswer {
        let who = match request.who {
            Who::Backend => &self.backend,
            Who::Replica => &self.replica,
            Who::Revoked => &self.revoked,
            Who::Other => &self.other,
        };
        let fields: Vec<(&str, &str)> = request.fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.stage.wait(who.call(request.method, &request.target, &fields, &request.body)).unwrap()
    }

    /// Bytes at the partner, and sessions given out.
    fn done(&self) -> (usize, usize) {
        let sessions = self.stage.records().iter().filter(|record| record.text("kind") == "session").count();
        (self.stage.partner.progress().bytes, sessions)
    }
}

fn claims(token: &str) -> serde_json::Value {
    serde_json::from_slice(portcullis::crypto::Jws::split(token).unwrap().payload()).unwrap()
}

/// What the caller is told in one word; nothing where it is given what it asked for.
fn word(answer: &BackendAnswer) -> String {
    let kind = || member(answer, "type").map(|kind| kind.rsplit('/').next().unwrap_or_default().to_owned());
    member(answer, "error").or_else(kind).unwrap_or_default()
}

#[test]
fn every_attack_on_a_session_is_refused_for_its_own_reason_and_moves_nothing() {
    let world = World::new();
    let rows: Vec<Row> = commands::rows(&world).into_iter().chain(forms::rows(&world)).collect();
    let attacks = rows.iter().filter(|row| row.reason != "done").count();
    assert!(attacks >= 90, "{attacks} attacks");
    let names: HashSet<_> = rows.iter().map(|row| &row.name).collect();
    assert_eq!(names.len(), rows.len(), "no row twice");

    let (mut wrong, mut receipts) = (Vec::new(), Vec::new());
    for row in &rows {
        let before = world.done();
        let answer = world.send(&row.request);
        let told = (answer.status, word(&answer));
        if told != (row.told.0, row.told.1.to_owned()) {
            wrong.push(format!("{}: told {told:?}, not {:?}", row.name, row.told));
        }
        if (world.done() == before) != (row.reason != "done") {
            wrong.push(format!("{}: what was done for it", row.name));
        }
        assert!(!answer.text().contains("ivanov") || row.reason == "done", "{}: {}", row.name, answer.text());
        receipts.push(answer.header("receipt-id").unwrap_or_default().to_owned());
    }
    let records = world.stage.records();
    let reasons: HashMap<&str, &str> =
        records.iter().map(|record| (record.text("receipt"), record.text("reason"))).collect();
    for (row, receipt) in rows.iter().zip(&receipts).filter(|(row, _)| row.reason != "done") {
        let reason = reasons.get(receipt.as_str()).copied().unwrap_or("none");
        if reason != row.reason {
            wrong.push(format!("{}: because of {reason}, not {}", row.name, row.reason));
        }
    }
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

//! Session tokens: exchanged for a user's own token, good for one app instance through one backend, and for nothing wider.

mod attacks;
mod proofs;
mod shrinking;

use crate::harness::Command;
use crate::harness::Exchange;
use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::Told;
use crate::harness::member;
use crate::harness::now;
use crate::harness::until;
use portcullis::crypto::Jws;
use portcullis::crypto::KeySet;
use portcullis::crypto::SigningAlgorithm;
use portcullis::crypto::SigningKey;
use portcullis::devkit::AppKey;
use portcullis::devkit::Backend;
use portcullis::devkit::BackendAnswer;
use portcullis::devkit::Leaf;
use portcullis::devkit::PUBLIC_HOST;
use portcullis::devkit::SESSION_ISSUER;
use portcullis::devkit::Validity;
use portcullis::json::Number;
use serde_json::Value;
use serde_json::json;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

/// The name in the backend's certificate.
const BACKEND: &str = "spiffe://prop.example/backend";

/// A stage with a gateway.
struct Scene {
    gateway: Served,
    stage: Stage,
}

impl Scene {
    fn new() -> Self {
        let stage = Stage::new();
        Self { gateway: Served::on(&stage), stage }
    }

    fn backend(&self) -> Backend {
        self.stage.backend(self.gateway.address)
    }

    /// A backend of this name, with a certificate and a key of its own.
    fn replica(&self, uri: &str) -> Backend {
        let leaf = Leaf::client(uri, Validity::a_day_from(now()));
        let issued = self.stage.pki.backend_authority.issue(&leaf).unwrap();
        self.stage.backend_as(self.gateway.address, Some(&issued.identity().unwrap()))
    }

    fn exchange(&self, exchange: &Exchange, backend: &Backend) -> BackendAnswer {
        self.stage.wait(exchange.give(backend))
    }

    /// A session token for the stage's app, through a backend.
    fn session_by(&self, backend: &Backend) -> String {
        let answer = self.exchange(&Exchange::unbound(&self.stage), backend);
        assert_eq!(answer.status, 200, "{}", answer.text());
        member(&answer, "access_token").unwrap()
    }

    /// A command to open a door with a session token, and proofs by this key.
    fn open(&self, door: &str, token: &str, app: &Arc<AppKey>) -> Command {
        let target = format!("/v1/houses/house-1/doors/{door}/open");
        Command::new(&self.stage).proven_by(&self.stage, app).to(&target).bearing(token.to_owned())
    }

    #[track_caller]
    fn told(&self, command: &Command, backend: &Backend) -> Told {
        Told::by(&self.stage.wait(command.give(backend)).unwrap())
    }

    /// The reason of the last refusal on record.
    fn last_reason(&self) -> String {
        let records = self.stage.records();
        records.iter().rfind(|record| record.text("kind") == "refusal").unwrap().text("reason").to_owned()
    }
}

fn claims(token: &str) -> Value {
    serde_json::from_slice(Jws::split(token).unwrap().payload()).unwrap()
}

#[test]
fn a_users_token_becomes_a_session_that_opens_the_door_that_was_asked_for_and_no_other() {
    let scene = Scene::new();
    let (stage, backend) = (&scene.stage, scene.backend());
    let signed_in = now().get() - 60;
    // Longer than a session may live, so that it is the session's own end that comes first.
    let later = Number::try_from(now().get() + 1_000).unwrap();
    let good = stage.resident(&stage.login, now()).door_access("house-1", Some("door-2"), &["open"]);
    let good = good.with("exp", later).with("acr", "high").with("auth_time", Number::try_from(signed_in).unwrap());
    // Bound to the peer, and to nothing: the proof is of the app's key each time.
    let bound = [good.clone(), good.without("cnf")];
    let count = u64::try_from(bound.len()).unwrap();
    for subject in bound {
        let exchange = Exchange::of(stage, stage.login.mint(&subject).unwrap());
        let answer = scene.exchange(&exchange, &backend);
        assert_eq!(answer.status, 200, "{}", answer.text());
        let told: Value = serde_json::from_slice(&answer.body).unwrap();
        let right = json!([{"type": "door_access", "actions": ["open"], "house": "house-1", "door": "door-1"}]);
        assert_eq!((&told["token_type"], &told["expires_in"]), (&json!("DPoP"), &json!(300)));
        assert_eq!(told["authorization_details"], right);
        let token = member(&answer, "access_token").unwrap();
        let claims = claims(&token);
        let same = json!({
            "iss": SESSION_ISSUER,
            "aud": "https://gateway.prop.example",
            "sub": "resident-ivanov",
            "client_id": "development-app",
            "tenant": "north",
            "device_id": "phone-of-ivanov",
            "sid": "session-of-ivanov",
            "roles": ["resident"],
            "acr": "high",
            "auth_time": signed_in,
            "cnf": {"jkt": stage.app.jkt()},
            "act": {"sub": BACKEND},
            "authorization_details": right,
        });
        for (name, value) in same.as_object().unwrap() {
            assert_eq!(&claims[name], value, "{name}");
        }
        let names = ["jti", "iat", "exp"];
        assert!(
            claims.as_object().unwrap().keys().all(|name| same.get(name).is_some() || names.contains(&name.as_str()))
        );
        assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 300);
        scene.told(&scene.open("door-1", &token, &stage.app), &backend).is(200, "");
        scene.told(&scene.open("door-2", &token, &stage.app), &backend).is(404, "not-found");
    }
    assert_eq!(stage.partner.total_actuations(), count);
    let records = stage.records();
    let of_kind = |kind: &str| records.iter().filter(|record| record.text("kind") == kind).collect::<Vec<_>>();
    assert_eq!(of_kind("session").len(), 2);
    for session in of_kind("session") {
        assert!(session.text("subject").starts_with("h-"), "{session:?}");
        assert_eq!((session.text("peer"), session.text("tenant")), (BACKEND, "north"));
        assert_eq!(session.get("rights"), &json!(1));
    }
}

#[test]
fn a_session_ends_with_the_users_token_and_as_early_as_it_is_asked_to() {
    let scene = Scene::new();
    let (stage, backend) = (&scene.stage, scene.backend());
    let ending_in = |seconds: u64| {
        let end = Number::try_from(now().get() + seconds).unwrap();
        stage.login.mint(&stage.resident(&stage.login, now()).with("exp", end)).unwrap()
    };
    let (ending, lasting) = (ending_in(100), ending_in(1_000));
    let lifetime = |exchange: &Exchange| {
        let answer = scene.exchange(exchange, &backend);
        let claims = claims(&member(&answer, "access_token").unwrap());
        claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap()
    };
    assert!(lifetime(&Exchange::of(stage, ending.clone())) <= 100);
    assert!(lifetime(&Exchange::of(stage, ending).with("expires_in", "300")) <= 100);
    let lasting = Exchange::of(stage, lasting);
    assert_eq!(lifetime(&lasting.clone().with("expires_in", "7")), 7);
    assert_eq!(lifetime(&lasting.clone().with("expires_in", "300")), 300);
    assert_eq!(lifetime(&lasting), 300);
}

#[test]
fn whoever_knows_the_issuer_finds_its_keys_and_verifies_a_session_token_with_them() {
    let scene = Scene::new();
    let backend = scene.backend();
    let token = scene.session_by(&backend);
    // At the gateway's own name, as a client that has nothing but the issuer asks.
    let client = scene.stage.backend_for(scene.gateway.address, PUBLIC_HOST);
    let get = |path: &str| {
        let answer = scene.stage.wait(client.call("GET", path, &[], b"")).unwrap();
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")), "{path}");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        answer
    };
    let path = SESSION_ISSUER.strip_prefix("https://gateway.prop.example").unwrap();
    let metadata = get(&format!("/.well-known/oauth-authorization-server{path}"));
    let metadata: Value = serde_json::from_slice(&metadata.body).unwrap();
    assert_eq!(metadata["issuer"], SESSION_ISSUER);
    assert_eq!(metadata["token_endpoint"], "https://gateway.prop.example/-/oauth/token");
    assert_eq!(metadata["token_endpoint_auth_methods_supported"], json!(["tls_client_auth"]));
    let keys = metadata["jwks_uri"].as_str().unwrap().strip_prefix("https://gateway.prop.example").unwrap();
    let keys = KeySet::parse(&get(keys).body).unwrap();
    let jws = Jws::split(&token).unwrap();
    let header: Value = serde_json::from_slice(jws.header()).unwrap();
    assert_eq!(header["typ"], "at+jwt");
    assert_eq!(keys.key(header["kid"].as_str().unwrap()).unwrap().verify(&jws), Ok(()));
    for nowhere in ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration", "/.well-known/"] {
        assert_eq!(scene.stage.wait(client.call("GET", nowhere, &[], b"")).unwrap().status, 404, "{nowhere}");
    }
}

#[test]
fn every_replica_of_a_backend_relays_a_session_also_with_a_renewed_certificate_and_another_backend_does_not() {
    let scene = Scene::new();
    let [first, second, renewed] = [(); 3].map(|()| scene.replica(BACKEND));
    let token = scene.session_by(&first);
    for backend in [&first, &second, &renewed] {
        scene.told(&scene.open("door-1", &token, &scene.stage.app), backend).is(200, "");
    }
    let other = scene.replica("spiffe://prop.example/other");
    scene.told(&scene.open("door-1", &token, &scene.stage.app), &other).is(401, "unauthenticated");
    assert_eq!(scene.last_reason(), "actor-mismatch");
    assert_eq!(scene.stage.partner.total_actuations(), 3);
}

#[test]
fn a_stolen_session_is_worth_nothing_without_its_key_and_a_proof_opens_its_own_door_alone() {
    let scene = Scene::new();
    let (stage, backend) = (&scene.stage, scene.backend());
    let thief = Arc::new(AppKey::new(SigningAlgorithm::Es256).unwrap());
    let exchange = Exchange::new(stage).with("authorization_details", BOTH_DOORS);
    let both = stage.resident(&stage.login, now()).door_access("house-1", Some("door-2"), &["open"]);
    let exchange = exchange.with("subject_token", &stage.login.mint(&both).unwrap());
    let token = member(&scene.exchange(&exchange, &backend), "access_token").unwrap();
    let refused = |command: &Command, reason: &str| {
        scene.told(command, &backend).is(401, "unauthenticated");
        assert_eq!(scene.last_reason(), reason);
    };
    refused(&scene.open("door-1", &token, &thief), "cnf-mismatch");
    let unproven = |scheme| Command { scheme: Some(scheme), ..Command::new(stage).bearing(token.clone()).unproven() };
    refused(&unproven("DPoP"), "dpop-missing");
    refused(&unproven("Bearer"), "token-malformed");
    // The backend swaps the door under a valid proof: the session would open either.
    let swapped = scene.open("door-1", &token, &stage.app).pinned().to("/v1/houses/house-1/doors/door-2/open");
    refused(&swapped, "dpop-proof-invalid");
    assert_eq!(stage.partner.progress().bytes, 0);
    scene.told(&scene.open("door-2", &token, &stage.app), &backend).is(200, "");
    scene.told(&Command::new(stage).of_app(stage, &stage.app), &backend).is(200, "");
}

const BOTH_DOORS: &str = r#"[{"type":"door_access","house":"house-1","doors":["door-1","door-2"],"actions":["open"]}]"#;

fn write(stage: &Stage, name: &str, secret: &[u8]) {
    fs::write(stage.path(name), secret).unwrap();
    fs::set_permissions(stage.path(name), fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn keys_are_rotated_with_an_overlap_while_sessions_are_issued_and_used_and_no_request_fails() {
    let stage = Stage::new();
    stage.edit("gateway.yaml", "keys: [pki/session.key]", "keys: [pki/session.key, pki/session-next.key]");
    let generate = || SigningKey::generate_pem(SigningAlgorithm::Es256).unwrap();
    let (first, next) = (fs::read(stage.path("pki/session.key")).unwrap(), generate());
    write(&stage, "pki/session-next.key", next.expose());
    let scene = Scene { gateway: Served::on(&stage), stage };
    let (stage, backend) = (&scene.stage, scene.backend());
    let kid = |token: &str| {
        let header: Value = serde_json::from_slice(Jws::split(token).unwrap().header()).unwrap();
        header["kid"].as_str().unwrap().to_owned()
    };
    let old = scene.session_by(&backend);
    let mut requests = 0;
    // One load: sessions are asked for and used without a pause, through the change and beyond it.
    let mut load_until = |reached: &dyn Fn(&str) -> bool| {
        until("the rotation", || {
            let token = scene.session_by(&backend);
            scene.told(&scene.open("door-1", &token, &stage.app), &backend).is(200, "");
            scene.told(&scene.open("door-1", &old, &stage.app), &backend).is(200, "");
            requests += 3;
            reached(&kid(&token))
        });
    };
    load_until(&|_| true);
    // The next one signs, and the old one is still good.
    write(stage, "pki/session.key", next.expose());
    write(stage, "pki/session-next.key", &first);
    let next_kid = SigningKey::from_pem(&next).unwrap().kid().to_owned();
    load_until(&|signs| signs == next_kid);
    assert_ne!(kid(&old), next_kid);
    let done = || scene.gateway.metric("portcullis_reloads_total{result=\"done\"}");
    assert_eq!(done(), 1);
    // A third key takes the old one's place: its tokens are over, the others go on.
    write(stage, "pki/session-next.key", generate().expose());
    let token = scene.session_by(&backend);
    until("the old key's end", || done() == 2);
    scene.told(&scene.open("door-1", &old, &stage.app), &backend).is(401, "unauthenticated");
    scene.told(&scene.open("door-1", &token, &stage.app), &backend).is(200, "");
    assert!(requests >= 6);
}

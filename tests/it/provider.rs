//! The gateway and a real identity provider: people sign in there with a real client, over authorization code and PKCE
//! (RFC 6749 §4.1, RFC 7636), and the access tokens of its making (RFC 9068, RFC 9396) are taken or refused.

mod opaque;
mod session;

use crate::harness::Command;
use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::provider::AUDIENCE;
use crate::harness::provider::Client;
use crate::harness::provider::Manner;
use crate::harness::provider::Provider;
use crate::harness::until;
use portcullis::clock::Clock;
use portcullis::clock::ManualClock;
use portcullis::clock::SystemClock;
use portcullis::crypto::TlsIdentity;
use portcullis::devkit::BACKEND;
use portcullis::devkit::Backend;
use portcullis::devkit::BackendAnswer;
use portcullis::devkit::Leaf;
use portcullis::devkit::NORTH;
use portcullis::devkit::Validity;
use serde_json::Value;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// The right to see and to open the first door of house-1.
fn door() -> Value {
    json!([{"type": "door_access", "house": NORTH.house, "door": "door-1", "actions": ["open", "see"]}])
}

fn access_token(told: &Value) -> String {
    told["access_token"].as_str().unwrap().to_owned()
}

/// A stage whose gateway trusts the provider, and both.
struct Scene {
    gateway: Served,
    provider: Provider,
    stage: Stage,
}

impl Scene {
    fn new() -> Self {
        let stage = Stage::new();
        let provider = Provider::on(&stage);
        Self { gateway: Served::on(&stage), provider, stage }
    }

    fn client(&mut self, name: &str, manner: Manner) -> Client {
        self.provider.client(&self.stage, name, manner)
    }

    fn backend(&self) -> Backend {
        self.stage.backend(self.gateway.address)
    }

    /// Another replica of the backend: of the same name, by a certificate of its own.
    fn other_backend(&self) -> Backend {
        let leaf = Leaf::client(BACKEND, Validity::a_day_from(crate::harness::now()));
        let identity: TlsIdentity = self.stage.pki.backend_authority.issue(&leaf).unwrap().identity().unwrap();
        self.stage.backend_as(self.gateway.address, Some(&identity))
    }

    /// Gives a command and holds it to its status and the reason on record.
    #[track_caller]
    fn becomes(&self, what: &str, backend: &Backend, command: &Command, status: u16, reason: &str) {
        let before = self.stage.partner.progress().requests;
        let answer = self.stage.wait(command.give(backend)).unwrap();
        self.told(what, &answer, status, reason);
        let came = self.stage.partner.progress().requests - before;
        assert_eq!(came, usize::from(status == 200), "{what}: what the partner received");
    }

    /// Holds an answer to its status and the reason on record.
    #[track_caller]
    fn told(&self, what: &str, answer: &BackendAnswer, status: u16, reason: &str) {
        assert_eq!(answer.status, status, "{what}: {}", answer.text());
        let receipt = answer.header("receipt-id").unwrap().to_owned();
        let records = self.stage.records();
        let last = records.iter().rfind(|record| record.text("receipt") == receipt).unwrap();
        assert_eq!(last.text("reason"), reason, "{what}: {last:?}");
    }

    fn reading(&self, token: &str) -> Command {
        Command::errand(&self.stage, &NORTH, "readDoor").bearing(token.to_owned()).unproven()
    }
}

#[test]
fn a_token_that_the_provider_binds_to_the_backends_certificate_is_taken_by_that_certificate_alone_and_moves_nothing() {
    let mut scene = Scene::new();
    let (backend, other) = (scene.backend(), scene.other_backend());
    let mut client = scene.client("backend", Manner::Certificate);
    let told = client.sign_in(&door());
    assert_eq!(told["authorization_details"], door());
    let token = access_token(&told);
    let reading = scene.reading(&token);
    scene.becomes("its own certificate", &backend, &reading, 200, "done");
    scene.becomes("as often as it is valid", &backend, &scene.reading(&token), 200, "done");
    scene.becomes("another replica", &other, &reading, 401, "token-binding");
    let opening = Command::errand(&scene.stage, &NORTH, "openDoor").bearing(token.clone());
    scene.becomes("to open a door", &backend, &opening, 403, "session-required");
    let elsewhere = reading.clone().to("/v1/houses/house-1/doors/door-2/status");
    scene.becomes("at a door that it does not name", &backend, &elsewhere, 404, "policy-denied");

    let id_token = told["id_token"].as_str().unwrap();
    scene.becomes("the ID token", &backend, &scene.reading(id_token), 401, "token-malformed");
    let other_api = access_token(&client.sign_in_for("https://other-api.prop.example", &door()));
    scene.becomes("a token for another API", &backend, &scene.reading(&other_api), 401, "token-audience");
    let opaque = access_token(&client.sign_in_for(&format!("{AUDIENCE}/opaque"), &door()));
    scene.becomes("a token that says nothing", &backend, &scene.reading(&opaque), 401, "token-malformed");
    let told = client.ask(&json!({"do": "client-credentials", "details": door(), "resource": AUDIENCE}));
    scene.becomes("of the backend itself", &backend, &scene.reading(&access_token(&told)), 404, "policy-denied");

    let unbound = access_token(&scene.client("careless", Manner::Unbound).sign_in(&door()));
    scene.becomes("one that is bound to nothing", &backend, &scene.reading(&unbound), 401, "token-binding");
    scene.becomes("the good one once more", &backend, &scene.reading(&token), 200, "done");
}

#[test]
fn a_token_under_a_key_that_was_not_published_when_the_gateway_started_is_refused() {
    let mut scene = Scene::new();
    let backend = scene.backend();
    let mut client = scene.client("backend", Manner::Certificate);
    let before = access_token(&client.sign_in(&door()));
    scene.becomes("before", &backend, &scene.reading(&before), 200, "done");
    scene.provider.asked("rotate");
    let after = access_token(&client.sign_in(&door()));
    scene.becomes("after", &backend, &scene.reading(&after), 401, "token-untrusted");
    scene.becomes("under the key before", &backend, &scene.reading(&before), 200, "done");
}

#[test]
fn a_token_that_the_provider_binds_to_a_key_is_taken_beside_a_proof_of_that_key_for_that_request_from_any_replica() {
    let mut scene = Scene::new();
    let (backend, other) = (scene.backend(), scene.other_backend());
    let mut thief = scene.client("thief", Manner::App);
    for (name, manner) in [("app", Manner::App), ("service", Manner::Assertion)] {
        let mut client = scene.client(name, manner);
        let token = access_token(&client.sign_in(&door()));
        let payload = portcullis::crypto::decode_base64url(token.split('.').nth(1).unwrap()).unwrap();
        let claims: Value = serde_json::from_slice(&payload).unwrap();
        assert_eq!(claims["cnf"], json!({"jkt": client.jkt}), "{name}");
        let reading = scene.reading(&token);
        let with = |proof: &str| {
            let command = Command { token: None, ..reading.clone() };
            command.with("Authorization", &format!("DPoP {token}")).with("DPoP", proof)
        };
        let url = format!("{AUDIENCE}{}", reading.target);
        let answer = scene.stage.wait(with(&client.proof("GET", &url, Some(&token), None)).give(&backend)).unwrap();
        scene.told("in the first minute after a start", &answer, 401, "dpop-nonce-needed");
        let nonce = answer.header("dpop-nonce");
        let mut proof = || client.proof("GET", &url, Some(&token), nonce);
        scene.becomes(name, &backend, &with(&proof()), 200, "done");
        scene.becomes("by another replica", &other, &with(&proof()), 200, "done");
        let bearer = Command { scheme: Some("Bearer"), ..reading.clone() };
        scene.becomes("as a bearer token", &backend, &bearer, 401, "token-malformed");
        let elsewhere = client.proof("GET", &url.replace("door-1", "door-2"), Some(&token), nonce);
        scene.becomes("proven for another door", &backend, &with(&elsewhere), 401, "dpop-proof-invalid");
        let stolen = thief.proof("GET", &url, Some(&token), nonce);
        scene.becomes("proven by another's key", &backend, &with(&stolen), 401, "cnf-mismatch");
    }
}

#[test]
fn the_providers_keys_are_found_by_its_metadata_and_followed_when_they_rotate() {
    let clock = Arc::new(ManualClock::new(SystemClock::new().now()));
    let stage = Stage::by(Arc::clone(&clock) as Arc<dyn Clock>);
    let provider = Provider::on(&stage);
    let metadata = format!("{}/.well-known/openid-configuration", provider.issuer);
    let published = format!("jwks: {{discovery: \"{metadata}\", tls: {{ca: pki/partner-authority.pem}}}}");
    stage.edit("gateway.yaml", "jwks: {file: pki/login.jwks}", &published);
    let gateway = Served::by(&stage, Arc::clone(&clock) as Arc<dyn Clock>);
    until("the first keys", || gateway.not_ready().is_empty());
    let mut scene = Scene { gateway, provider, stage };
    let backend = scene.backend();
    let mut client = scene.client("backend", Manner::Certificate);
    let before = access_token(&client.sign_in(&door()));
    scene.becomes("under the first key", &backend, &scene.reading(&before), 200, "done");

    scene.provider.asked("rotate");
    // Longer than the pause between two fetches that requests may ask for.
    clock.advance(Duration::from_secs(31));
    let after = access_token(&client.sign_in(&door()));
    let taken = || scene.stage.wait(scene.reading(&after).give(&backend)).unwrap().status == 200;
    until("the next key", taken);
    scene.becomes("under the next key", &backend, &scene.reading(&after), 200, "done");
    scene.becomes("under the key before", &backend, &scene.reading(&before), 200, "done");
    let seen = scene.provider.asked("seen");
    assert!(seen["/jwks"].as_u64() >= Some(2) && seen["/jwks"].as_u64() <= Some(4), "{seen}");
}

//! The gateway and a real identity provider: people sign in there with a real client, over authorization code and PKCE
//! (RFC 6749 §4.1, RFC 7636), and the access tokens of its making (RFC 9068, RFC 9396) are taken or refused.

use crate::harness::Command;
use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::provider::AUDIENCE;
use crate::harness::provider::Client;
use crate::harness::provider::Manner;
use crate::harness::provider::Provider;
use portcullis::crypto::TlsIdentity;
use portcullis::devkit::Backend;
use portcullis::devkit::Leaf;
use portcullis::devkit::NORTH;
use portcullis::devkit::Validity;
use serde_json::Value;
use serde_json::json;

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

    /// Another backend, whom the gateway trusts as it trusts the first.
    fn other_backend(&self) -> Backend {
        let leaf = Leaf::client("spiffe://prop.example/other-backend", Validity::a_day_from(crate::harness::now()));
        let identity: TlsIdentity = self.stage.pki.backend_authority.issue(&leaf).unwrap().identity().unwrap();
        self.stage.backend_as(self.gateway.address, Some(&identity))
    }

    /// Gives a command and holds it to its status and the reason on record.
    #[track_caller]
    fn becomes(&self, what: &str, backend: &Backend, command: &Command, status: u16, reason: &str) {
        let before = self.stage.partner.progress().requests;
        let answer = self.stage.wait(command.give(backend)).unwrap();
        assert_eq!(answer.status, status, "{what}: {}", answer.text());
        let receipt = answer.header("receipt-id").unwrap().to_owned();
        let records = self.stage.records();
        let last = records.iter().rfind(|record| record.text("receipt") == receipt).unwrap();
        assert_eq!(last.text("reason"), reason, "{what}: {last:?}");
        let came = self.stage.partner.progress().requests - before;
        assert_eq!(came, usize::from(status == 200), "{what}: what the partner received");
    }

    fn reading(&self, token: &str) -> Command {
        Command::errand(&self.stage, &NORTH, "readDoor").bearing(token.to_owned())
    }
}

#[test]
fn a_token_that_the_provider_binds_to_the_backends_certificate_is_taken_from_that_backend_alone_and_moves_nothing() {
    let mut scene = Scene::new();
    let (backend, other) = (scene.backend(), scene.other_backend());
    let mut client = scene.client("backend", Manner::Certificate);
    let told = client.sign_in(&door());
    assert_eq!(told["authorization_details"], door());
    let token = access_token(&told);
    let reading = scene.reading(&token);
    scene.becomes("its own backend", &backend, &reading, 200, "done");
    scene.becomes("as often as it is valid", &backend, &scene.reading(&token), 200, "done");
    scene.becomes("another backend", &other, &reading, 401, "token-binding");
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
fn a_token_that_the_provider_binds_to_a_key_is_refused_without_the_proof_and_with_a_proof_of_something_else() {
    let mut scene = Scene::new();
    let backend = scene.backend();
    for (name, manner) in [("app", Manner::App), ("service", Manner::Assertion)] {
        let mut client = scene.client(name, manner);
        let token = access_token(&client.sign_in(&door()));
        let payload = portcullis::crypto::decode_base64url(token.split('.').nth(1).unwrap()).unwrap();
        let claims: Value = serde_json::from_slice(&payload).unwrap();
        assert_eq!(claims["cnf"], json!({"jkt": client.jkt}), "{name}");
        let reading = scene.reading(&token);
        let url = format!("{AUDIENCE}/v1/houses/house-1/doors/door-2/status");
        let elsewhere = client.proof("GET", &url, Some(&token), None);
        let proven = Command { token: None, ..reading.clone() }
            .with("Authorization", &format!("DPoP {token}"))
            .with("DPoP", &elsewhere);
        for (what, command) in [("as a bearer token", reading), ("proven for another door", proven)] {
            let answer = scene.stage.wait(command.give(&backend)).unwrap();
            assert_eq!(answer.status, 401, "{name} {what}: {}", answer.text());
        }
    }
    assert_eq!(scene.stage.partner.progress().requests, 0);
}

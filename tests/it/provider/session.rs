//! From signing in to an open door, with nothing of the gateway's own on the other side: `oidc-provider` signs a resident in,
//! `openid-client` finds the exchange and asks for the session, `dpop` makes the proofs, and `jose`, jwcrypto and authlib say
//! whether the session token is what it says.

use super::Scene;
use super::access_token;
use super::door;
use crate::harness::Command;
use crate::harness::now;
use crate::harness::peers::Peer;
use crate::harness::peers::python_script;
use crate::harness::provider::AUDIENCE;
use crate::harness::provider::Client;
use crate::harness::provider::Manner;
use portcullis::devkit::APP;
use portcullis::devkit::BACKEND;
use portcullis::devkit::Backend;
use portcullis::devkit::NORTH;
use portcullis::devkit::PUBLIC_URL;
use portcullis::devkit::SESSION_ISSUER;
use serde_json::Value;
use serde_json::json;

/// The right to open the first door of house-1, as the gateway writes it.
pub(super) fn opening() -> Value {
    json!([{"type": "door_access", "actions": ["open"], "house": NORTH.house, "door": "door-1"}])
}

impl Scene {
    /// An app at which the resident has signed in, and the provider's token, which is bound to the app's key.
    fn app(&mut self) -> (Client, String) {
        let mut app = self.client(APP, Manner::App);
        let token = access_token(&app.sign_in(&door()));
        (app, token)
    }

    /// A session by that token, which the client asks for as the backend.
    #[track_caller]
    pub(super) fn session(&self, app: &mut Client, token: &str) -> String {
        app.turn_to(&self.stage, self.gateway.address);
        let told = app.exchange(token, &opening());
        assert!(told["access_token"].is_string(), "there is no session: {told}");
        access_token(&told)
    }

    /// A command to open a door with this token and a proof of the app's key.
    fn to_open(&self, app: &mut Client, door: &str, token: &str, nonce: Option<&str>) -> Command {
        let command = Command::errand(&self.stage, &NORTH, "openDoor").bearing(token.to_owned());
        let target = command.target.replace("door-1", door);
        let url = format!("{PUBLIC_URL}{}", target.split('?').next().unwrap());
        let proof = app.proof("POST", &url, Some(token), nonce);
        command.to(&target).proving(&proof)
    }

    /// Gives such a command, once more where the gateway asks for a nonce in the proof, and holds it to its status and the
    /// reason on record; gives the command that was decided.
    #[track_caller]
    pub(super) fn opens(
        &self,
        backend: &Backend,
        app: &mut Client,
        door: &str,
        token: &str,
        status: u16,
        reason: &str,
    ) -> Command {
        let mut command = self.to_open(app, door, token, None);
        let mut answer = self.stage.wait(command.give(backend)).unwrap();
        if let Some(nonce) = answer.header("dpop-nonce").filter(|_| answer.status == 401) {
            command = self.to_open(app, door, token, Some(nonce));
            answer = self.stage.wait(command.give(backend)).unwrap();
        }
        self.told(door, &answer, status, reason);
        command
    }
}

#[test]
fn a_client_that_knows_the_issuers_name_alone_gets_a_session_that_others_verify_by_what_is_published() {
    let mut scene = Scene::new();
    let (mut app, token) = scene.app();
    let mut thief = scene.client("thief", Manner::App);
    app.turn_to(&scene.stage, scene.gateway.address);
    let mut wider = opening();
    wider
        .as_array_mut()
        .unwrap()
        .push(json!({"type": "door_access", "actions": ["open"], "house": NORTH.house, "door": "door-2"}));
    let told = app.exchange(&token, &wider);
    assert_eq!(told["authorization_details"], opening(), "{told}");
    assert_eq!((&told["token_type"], &told["scope"]), (&json!("dpop"), &json!("doors")), "{told}");
    let session = access_token(&told);

    // Nobody else gets one by that token, and nobody one by a session.
    thief.turn_to(&scene.stage, scene.gateway.address);
    for (client, subject, reason) in [(&mut thief, &token, "cnf-mismatch"), (&mut app, &session, "exchange-refused")] {
        let told = client.exchange(subject, &opening());
        assert_eq!((&told["refused"], &told["status"]), (&json!("invalid_request"), &json!(400)), "{told}");
        let records = scene.stage.records();
        let last = records.iter().rfind(|record| record.text("kind") == "refusal").unwrap();
        assert_eq!(last.text("reason"), reason, "{last:?}");
    }
    let sessions = scene.stage.records().iter().filter(|record| record.text("kind") == "session").count();
    assert_eq!(sessions, 1);

    let question = |token: &str| json!({"do": "verify", "token": token, "audience": AUDIENCE, "algorithm": "ES256"});
    let told = app.ask(&question(&session));
    assert_eq!(told["issuer"], SESSION_ISSUER, "{told}");
    assert_eq!((&told["header"]["typ"], &told["header"]["alg"]), (&json!("at+jwt"), &json!("ES256")));
    let claims = told["claims"].clone();
    assert_eq!((&claims["sub"], &claims["client_id"]), (&json!(NORTH.person), &json!(APP)));
    assert_eq!((&claims["cnf"], &claims["act"]), (&json!({"jkt": app.jkt}), &json!({"sub": BACKEND})));
    assert_eq!(claims["authorization_details"], opening());
    // The peer does look.
    let mut elsewhere = question(&session);
    elsewhere["audience"] = json!("https://other.example");
    let mut otherwise = question(&session);
    otherwise["algorithm"] = json!("RS256");
    for (what, question) in [("audience", elsewhere), ("algorithm", otherwise), ("issuer", question(&token))] {
        let told = app.ask(&question);
        assert!(told["refused"].is_string(), "another {what}: {told}");
    }

    let known = json!({"verify": session, "jwks": told["jwks"], "issuer": SESSION_ISSUER, "audience": AUDIENCE,
        "typ": "at+jwt", "now": now().get(), "scopes": ["doors"]});
    for name in ["tokens.py", "access_tokens.py"] {
        let mut peer = Peer::start(python_script(name));
        let told = peer.ask(&known);
        assert_eq!(told["claims"], claims, "{name}: {told}");
        for (what, value) in
            [("issuer", "https://other.example"), ("audience", "https://other.example"), ("verify", &token)]
        {
            let mut changed = known.clone();
            changed[what] = json!(value);
            let told = peer.ask(&changed);
            assert!(told["refused"].is_string(), "{name} with another {what}: {told}");
        }
        assert!(peer.ended().is_empty(), "{name}");
    }
}

#[test]
fn the_session_opens_its_door_once_by_each_proof_of_the_apps_key_and_the_providers_own_token_never() {
    let mut scene = Scene::new();
    let (backend, other) = (scene.backend(), scene.other_backend());
    let (mut app, token) = scene.app();
    let mut thief = scene.client("thief", Manner::App);
    let session = scene.session(&mut app, &token);
    scene.opens(&backend, &mut app, "door-1", &token, 403, "session-required");
    assert_eq!(scene.stage.partner.total_actuations(), 0);

    let done = scene.opens(&backend, &mut app, "door-1", &session, 200, "done");
    assert_eq!(scene.stage.partner.total_actuations(), 1);
    assert_eq!(scene.stage.partner.progress().requests, 1);
    scene.becomes("the proof once more", &backend, &done.clone().under("another-key-0001"), 401, "dpop-replay");
    scene.opens(&backend, &mut app, "door-2", &session, 404, "policy-denied");
    scene.opens(&backend, &mut thief, "door-1", &session, 401, "cnf-mismatch");
    assert_eq!(scene.stage.partner.total_actuations(), 1);
    scene.opens(&other, &mut app, "door-1", &session, 200, "done");
    assert_eq!(scene.stage.partner.total_actuations(), 2);
}

//! Tokens of a real provider that say nothing by themselves: the gateway asks it, as a client that it knows, and asks again
//! when it is time.

use super::Scene;
use super::access_token;
use super::door;
use super::session::opening;
use crate::harness::Command;
use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::now;
use crate::harness::provider::AUDIENCE;
use crate::harness::provider::Manner;
use crate::harness::provider::Provider;
use crate::harness::write_key;
use portcullis::crypto::jwks_json;
use portcullis::devkit::APP;
use portcullis::devkit::Leaf;
use portcullis::devkit::NORTH;
use portcullis::devkit::Validity;
use serde_json::Value;
use serde_json::json;

/// The client that the gateway is at the provider.
const ITSELF: &str = "portcullis";

impl Scene {
    /// A gateway that asks the provider what its tokens are, each time; `more` is how it proves who asks, and `client` what the
    /// provider is told of that.
    fn asking(more: &str, client: impl FnOnce(&Stage) -> Value) -> Self {
        let stage = Stage::new();
        let mut provider = Provider::on(&stage);
        let mut registered = json!({"client_id": ITSELF, "redirect_uris": [], "response_types": [], "grant_types": []});
        let told = client(&stage);
        registered.as_object_mut().unwrap().extend(told.as_object().unwrap().clone());
        provider.register(&registered);
        let url = format!("{}/token/introspection", provider.issuer);
        let asked = format!("introspection: {{url: \"{url}\", client_id: {ITSELF}, keep: 0s, {more}}}");
        stage.edit("gateway.yaml", "jwks: {file: pki/login.jwks}", &asked);
        stage.edit("gateway.yaml", "    algorithms: [ES256]\n", "");
        Self { gateway: Served::on(&stage), provider, stage }
    }

    /// How often the provider was asked.
    fn questions(&mut self) -> u64 {
        self.provider.asked("seen")["/token/introspection"].as_u64().unwrap_or_default()
    }
}

#[test]
fn an_opaque_token_opens_a_read_until_it_is_revoked_at_its_provider_and_moves_nothing() {
    let mut scene = Scene::asking("key: pki/introspection.key, tls: {ca: pki/partner-authority.pem}", |stage| {
        let key = write_key(stage, "pki/introspection.key");
        let jwks: Value = serde_json::from_str(&jwks_json(&[&key])).unwrap();
        json!({"token_endpoint_auth_method": "private_key_jwt", "jwks": jwks})
    });
    let (backend, other) = (scene.backend(), scene.other_backend());
    let mut client = scene.client("backend", Manner::Certificate);
    let told = client.sign_in_for(&format!("{AUDIENCE}/opaque"), &door());
    let token = access_token(&told);
    assert!(!token.contains('.'), "it says nothing");
    let reading = scene.reading(&token);
    scene.becomes("by its certificate", &backend, &reading, 200, "done");
    scene.becomes("by another replica's", &other, &reading, 401, "token-binding");
    let opening = Command::errand(&scene.stage, &NORTH, "openDoor").bearing(token.clone());
    scene.becomes("to open a door", &backend, &opening, 403, "session-required");
    let elsewhere = reading.clone().to("/v1/houses/house-1/doors/door-2/status");
    scene.becomes("at a door that it does not name", &backend, &elsewhere, 404, "policy-denied");
    let unbound = scene.client("careless", Manner::Unbound).sign_in_for(&format!("{AUDIENCE}/opaque"), &door());
    scene.becomes("bound to nothing", &backend, &scene.reading(&access_token(&unbound)), 401, "token-binding");
    scene.becomes("of nobody's making", &backend, &scene.reading("AAAAAAAAAAAAAAAA"), 401, "token-inactive");
    // This provider lets nobody ask about what it has signed; and what it does not vouch for, nobody verifies here.
    let signed = access_token(&client.sign_in(&door()));
    scene.becomes("a signed one", &backend, &scene.reading(&signed), 503, "introspection-unavailable");
    let id_token = told["id_token"].as_str().unwrap();
    scene.becomes("the ID token", &backend, &scene.reading(id_token), 503, "introspection-unavailable");
    assert_eq!(scene.questions(), 8, "each time");

    assert_eq!(client.ask(&json!({"do": "revoke", "token": token})), json!({}));
    scene.becomes("once it is revoked", &backend, &reading, 401, "token-inactive");
}

#[test]
fn an_opaque_token_that_is_bound_to_a_key_is_exchanged_for_a_session_which_opens_and_not_once_it_is_revoked() {
    let tls = "ca: pki/partner-authority.pem, certificate: pki/at-provider.pem, key: pki/at-provider.key";
    let mut scene = Scene::asking(&format!("tls: {{{tls}}}"), |stage| {
        let leaf = Leaf::client("spiffe://prop.example/gateway", Validity::a_day_from(now()));
        stage.pki.backend_authority.issue(&leaf).unwrap().write(&stage.path("pki"), "at-provider").unwrap();
        json!({
            "token_endpoint_auth_method": "tls_client_auth",
            "tls_client_auth_san_uri": "spiffe://prop.example/gateway",
        })
    });
    let backend = scene.backend();
    let mut app = scene.client(APP, Manner::App);
    let token = access_token(&app.sign_in_for(&format!("{AUDIENCE}/opaque"), &door()));
    assert!(!token.contains('.'), "it says nothing");
    let session = scene.session(&mut app, &token);
    scene.opens(&backend, &mut app, "door-1", &session, 200, "done");
    assert!(scene.questions() > 0);

    assert_eq!(app.ask(&json!({"do": "connect"})), json!({}));
    assert_eq!(app.ask(&json!({"do": "revoke", "token": token})), json!({}));
    app.turn_to(&scene.stage, scene.gateway.address);
    let told = app.exchange(&token, &opening());
    assert_eq!((&told["refused"], &told["status"]), (&json!("invalid_request"), &json!(400)), "{told}");
    let records = scene.stage.records();
    let last = records.iter().rfind(|record| record.text("kind") == "refusal").unwrap();
    assert_eq!(last.text("reason"), "token-inactive", "{last:?}");
}

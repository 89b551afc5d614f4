//! A partner's client that others wrote: `openid-client` finds our token endpoint by the issuer's name alone (RFC 8414) and
//! proves itself by `private_key_jwt` in its own manner, which says no type.

use crate::harness::Inbound;
use crate::harness::Served;
use crate::harness::peers::Peer;
use crate::harness::peers::node_script;
use crate::harness::until;
use portcullis::crypto::Jws;
use portcullis::devkit::AUTHORITY;
use portcullis::devkit::CLIENT_ID;
use serde_json::Value;
use serde_json::json;
use std::fs;

#[test]
fn openid_client_gets_a_token_for_the_partner_once_for_each_assertion() {
    let stage = Inbound::new();
    let mut client = Peer::start(node_script("client.mjs"));
    let file = |name: &str| stage.path(&format!("pki/{name}")).display().to_string();
    let keys = client.ask(&json!({
        "issuer": format!("https://{AUTHORITY}"), "client_id": CLIENT_ID, "auth": "jwt", "discovery": "oauth2",
        "ca": file("gateway-authority.pem"), "certificate": file("partner-client.pem"), "key": file("partner-client.key"),
    }));
    fs::write(stage.path("pki/smarthome-client.jwks"), keys["jwks"].to_string()).unwrap();
    let gateway = Served::on(&stage);
    let address = gateway.partners.unwrap().to_string();
    let to = json!({AUTHORITY: {"address": address, "authority": AUTHORITY}});
    assert_eq!(client.ask(&json!({"do": "connect", "to": to})), json!({}));

    let grant = |scope: &str| json!({"do": "grant", "type": "client_credentials", "parameters": {"scope": scope}});
    let mut told = Value::Null;
    // For a moment after its start a gateway takes no assertion.
    until("an assertion is taken", || {
        told = client.ask(&grant("grants.read"));
        assert!(told["refused"].is_null() || told["refused"] == "invalid_client", "{told}");
        told["refused"].is_null()
    });
    assert_eq!((&told["scope"], &told["expires_in"]), (&json!("grants.read"), &json!(300)));
    let token = told["access_token"].as_str().unwrap();
    let claims: Value = serde_json::from_slice(Jws::split(token).unwrap().payload()).unwrap();
    assert_eq!((&claims["client_id"], &claims["scope"]), (&json!(CLIENT_ID), &json!("grants.read")));
    assert_eq!(client.ask(&grant("grants.write"))["refused"], "invalid_scope");
    let records = stage.records();
    assert_eq!(records.iter().filter(|record| record.text("kind") == "token").count(), 1);
    // None of the refused was for its form.
    let reasons = records.iter().filter(|record| record.text("kind") == "refusal").map(|record| record.text("reason"));
    assert!(reasons.into_iter().all(|reason| matches!(reason, "assertion-replayed" | "scope-refused")));
    client.ended();
}

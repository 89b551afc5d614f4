//! The same with a real authorisation server, `oidc-provider`: what it makes of our requests is not of the tests' making, and
//! the partner takes its tokens by the keys that it publishes.

use crate::harness::Captured;
use crate::harness::Command;
use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::provider::AUDIENCE;
use crate::harness::provider::Provider;
use portcullis::crypto::decode_base64url;
use portcullis::crypto::encode_base64url;
use portcullis::devkit::GATEWAY;
use portcullis::devkit::NORTH;
use portcullis::devkit::TOKEN_CLIENT;
use serde_json::Value;
use serde_json::json;

#[test]
fn a_real_server_knows_us_by_our_assertion_or_certificate_and_grants_the_right_that_is_asked_for() {
    for by_certificate in [false, true] {
        let stage = Stage::new();
        stage.edit("gateway.yaml", "workers: 2", "workers: 1");
        let mut provider = Provider::on(&stage);
        let key = stage.client_key();
        let mut client = json!({
            "client_id": TOKEN_CLIENT,
            "redirect_uris": [],
            "response_types": [],
            "grant_types": ["client_credentials"],
        });
        let proof = if by_certificate {
            client["token_endpoint_auth_method"] = json!("tls_client_auth");
            client["tls_client_auth_san_uri"] = json!(GATEWAY);
            client["tls_client_certificate_bound_access_tokens"] = json!(true);
            "}".to_owned()
        } else {
            let public: Value = serde_json::from_str(&key.public_jwk()).unwrap();
            client["token_endpoint_auth_method"] = json!("private_key_jwt");
            client["jwks"] = json!({"keys": [public]});
            format!("}}, key: pki/as-client.key, audience: \"{}\"", provider.issuer)
        };
        provider.register(&client);
        // By the host that is approved for the partner.
        let place = provider.issuer.replace("localhost", "127.0.0.1");
        let url = format!("url: \"{place}/token\", server_name: localhost, tls: {{ca: pki/partner-authority.pem");
        stage.fetch_from(&format!("{url}{proof}, scope: doors, resource: \"{AUDIENCE}\""));
        let jwks = provider.asked("jwks").to_string();
        stage.takes_tokens_of(&provider.issuer, AUDIENCE, &jwks);
        let gateway = Served::on(&stage);

        let told = |command: Command| command.told(&stage, gateway.address).is(200, "");
        told(Command::new(&stage));
        told(Command::new(&stage));
        let opened = Captured::last(&stage.partner);
        told(Command::errand(&stage, &NORTH, "readDoor"));
        assert_eq!((stage.partner.total_actuations(), stage.partner.refusals()), (2, Vec::new()));
        assert_eq!(provider.asked("seen")["/token"], 2, "once for each right");

        let token = opened.field("authorization").strip_prefix("Bearer ").unwrap();
        let payload = decode_base64url(token.split('.').nth(1).unwrap()).unwrap();
        let claims: Value = serde_json::from_slice(&payload).unwrap();
        let right = json!([{"type": "door_access", "actions": ["open"], "house": "house-1", "door": "door-1"}]);
        assert_eq!((&claims["authorization_details"], &claims["scope"]), (&right, &json!("doors")));
        assert_eq!((&claims["client_id"], &claims["aud"]), (&json!(TOKEN_CLIENT), &json!(AUDIENCE)));
        let shown = stage.pki.gateway_at_partner.parsed().unwrap().thumbprint;
        let bound = json!({"x5t#S256": encode_base64url(shown.as_bytes())});
        assert_eq!(claims["cnf"], if by_certificate { bound } else { Value::Null });

        // By a key that it was not told of we are nobody there, and the command is refused.
        if !by_certificate {
            drop(gateway);
            let other = stage.client_key();
            let gateway = Served::on(&stage);
            Command::errand(&stage, &NORTH, "readDoor").told(&stage, gateway.address).is(503, "unavailable");
            let series = "portcullis_partner_token_fetches_total{partner=\"smarthome\",result=\"client-refused\"}";
            assert_eq!(gateway.metric(series), 1, "{}", other.kid());
        }
    }
}

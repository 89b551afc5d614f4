//! The houses that a token lists as its user's: policies may ask for them, a session has them too, and they are no right to
//! anything.

use crate::harness::Command;
use crate::harness::Exchange;
use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::member;
use crate::harness::now;
use portcullis::crypto::Jws;
use portcullis::devkit::TokenClaims;
use portcullis::json::Object;
use portcullis::json::Value;
use std::fs;

/// Whatever else permits it, only at the user's own houses.
const OWN: &str = r#"@id("house-of-ones-own")
@reason("A right is good only at houses that the identity provider calls the user's own.")
forbid (
  principal,
  action in [PropDevelopment::Action::"issueSession", PropDevelopment::Action::"openDoor"],
  resource
)
unless { resource in context.houses };
"#;

/// What is changed of a good user's claims.
type Change<'c> = &'c dyn Fn(TokenClaims) -> TokenClaims;

fn list(houses: &[&str]) -> Value {
    houses.iter().map(|house| Value::from(*house)).collect::<Vec<_>>().into()
}

fn in_realm(houses: Value) -> Object {
    Object::from_iter([("houses", houses)])
}

#[test]
fn houses_narrow_where_a_policy_asks_for_them_go_with_the_session_and_give_no_right() {
    let stage = Stage::new();
    stage.edit(
        "gateway.yaml",
        "jwks: {file: pki/login.jwks}",
        "jwks: {file: pki/login.jwks}\n    claims: {houses: realm.houses}",
    );
    let (granted, and_houses) = ("grantedHouses: Set<House>,", "grantedHouses: Set<House>, houses: Set<House>,");
    stage.edit("policies/cedar/schema.cedarschema", granted, and_houses);
    stage.edit(
        "policies/cedar/schema.cedarschema",
        "      rightAction: String,",
        "      rightAction: String, houses: Set<House>,",
    );
    fs::write(stage.path("policies/cedar/own.cedar"), OWN).unwrap();
    let gateway = Served::on(&stage);
    let backend = stage.backend(gateway.address);
    let session = |change: Change<'_>| {
        let token = stage.login.mint(&change(stage.resident(&stage.login, now()))).unwrap();
        stage.wait(Exchange::of(&stage, token).give(&backend))
    };
    let of = |houses: &[&str]| in_realm(list(houses));
    let answer = session(&|claims| claims.with("realm", of(&["house-2", "house-1"])));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let token = member(&answer, "access_token").unwrap();
    let claims: serde_json::Value = serde_json::from_slice(Jws::split(&token).unwrap().payload()).unwrap();
    assert_eq!(claims["houses"], serde_json::json!(["house-2", "house-1"]));
    let opens = Command::new(&stage).bearing(token);
    let answer = stage.wait(opens.give(&backend)).unwrap();
    assert_eq!(answer.status, 200, "policy sees the houses of the session: {}", answer.text());
    // A session of the gateway's own that lists no house, or another one.
    for houses in [list(&[]), list(&["house-2"])] {
        let token = stage.sessions.mint(&stage.claims().with("houses", houses)).unwrap();
        assert_eq!(stage.wait(Command::new(&stage).bearing(token).give(&backend)).unwrap().status, 404);
    }
    let rows: [(&str, &str, Change<'_>); 8] = [
        ("another house", "access_denied", &|claims| claims.with("realm", of(&["house-2"]))),
        ("no house", "access_denied", &|claims| claims.with("realm", of(&[]))),
        ("nothing said", "access_denied", &|claims| claims),
        ("said elsewhere", "access_denied", &|claims| claims.with("houses", list(&["house-1"]))),
        ("a house and no right", "access_denied", &|claims| {
            claims.without("authorization_details").with("realm", of(&["house-1"]))
        }),
        ("no tenant", "access_denied", &|claims| claims.without("tenant").with("realm", of(&["house-1"]))),
        ("one too many", "invalid_request", &|claims| claims.with("realm", of(&["house-1"; 33]))),
        ("no list", "invalid_request", &|claims| claims.with("realm", in_realm("house-1".into()))),
    ];
    for (what, error, change) in rows {
        let answer = session(change);
        assert_eq!(member(&answer, "error").as_deref(), Some(error), "{what}: {}", answer.text());
    }
    assert_eq!(session(&|claims| claims.with("realm", of(&["house-1"; 32]))).status, 200, "as many as may be");
    assert_eq!(stage.partner.total_actuations(), 1);
}

//! An operation that demands how its user was authenticated: whoever does not show it is told what is demanded, and the partner
//! receives nothing (RFC 9470).

use crate::harness::Command;
use crate::harness::Scene;
use crate::harness::Stage;
use crate::harness::now;
use portcullis::devkit::NORTH;
use portcullis::json::Number;
use portcullis::json::Value;

const SMARTHOME: &str = "policies/contracts/smarthome.openapi.yaml";
const SEE: &str = "        right: {type: door_access, action: see}\n";

fn number(number: u64) -> Value {
    Number::try_from(number).unwrap().into()
}

fn list(texts: &[&str]) -> Value {
    texts.iter().map(|text| Value::from(*text)).collect::<Vec<_>>().into()
}

#[test]
fn a_user_who_was_not_authenticated_as_demanded_is_told_what_is_and_the_partner_nothing() {
    let set = Stage::new();
    let demand = "        acr: [high, highest]\n        amr: [otp]\n        max_auth_age: 5m\n";
    set.edit(SMARTHOME, SEE, &format!("{SEE}{demand}"));
    let scene = Scene::on(set);
    let see = |acr: Option<&str>, amr: &[&str], age: Option<u64>| {
        let claims = scene.stage.claims().without("authorization_details").door_access("house-1", None, &["see"]);
        let claims = claims.with("amr", list(amr));
        let claims = acr.into_iter().fold(claims, |claims, acr| claims.with("acr", acr));
        let at = age.map(|age| now().get() - age);
        let claims = at.into_iter().fold(claims, |claims, at| claims.with("auth_time", number(at)));
        Command::errand(&scene.stage, &NORTH, "readDoor").bearing(scene.stage.sessions.mint(&claims).unwrap())
    };
    let wanted = "DPoP error=\"insufficient_user_authentication\", acr_values=\"high highest\", max_age=\"300\"";
    for (acr, amr, age) in [
        (None, &[][..], None),
        (Some("low"), &["otp"][..], Some(0)),
        (None, &["otp"][..], Some(0)),
        (Some("high"), &["pwd"][..], Some(0)),
        (Some("high"), &[][..], Some(0)),
        (Some("high"), &["otp"][..], Some(301)),
        (Some("high"), &["otp"][..], None),
    ] {
        let command = see(acr, amr, age);
        scene.refuses(&command, 401, "step-up-needed");
        let answer = scene.stage.wait(command.give(&scene.backend)).unwrap();
        assert_eq!(answer.header("www-authenticate"), Some(wanted), "{acr:?} {amr:?} {age:?}");
        assert!(answer.text().contains("/problems/unauthenticated"), "{}", answer.text());
    }
    // Who is revoked, or comes with a bad token, is told that and no more.
    let answer = scene.stage.wait(see(None, &[], None).bearing("a.b.c".to_owned()).give(&scene.backend)).unwrap();
    assert_eq!(answer.status, 401);
    let asked: Vec<_> =
        answer.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("www-authenticate")).collect();
    assert!(!asked.is_empty() && asked.iter().all(|(_, value)| !value.contains("insufficient")), "{asked:?}");
    for (acr, amr, age) in [("high", &["otp"][..], 0), ("highest", &["pwd", "otp"], 290)] {
        let answer = scene.stage.wait(see(Some(acr), amr, Some(age)).give(&scene.backend)).unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    // What demands nothing asks nobody.
    assert_eq!(scene.stage.wait(scene.command().give(&scene.backend)).unwrap().status, 200);
}

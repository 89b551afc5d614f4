//! A proof of possession at the token endpoint: it gives one session, with a nonce where it needs one, and nothing else.

use super::Scene;
use super::claims;
use crate::harness::Exchange;
use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::TOKEN_PATH;
use crate::harness::member;
use crate::harness::now;
use crate::harness::proof_by;
use portcullis::clock::Clock;
use portcullis::clock::ManualClock;
use portcullis::clock::SystemClock;
use portcullis::clock::UnixMillis;
use portcullis::devkit::AppKey;
use portcullis::devkit::Backend;
use portcullis::devkit::BackendAnswer;
use portcullis::devkit::PUBLIC_URL;
use std::sync::Arc;
use std::time::Duration;

/// How long a nonce is good, in seconds.
const NONCE: u64 = 120;

/// Asks with this proof, as it stands.
fn ask(scene: &Scene, backend: &Backend, proof: &str) -> BackendAnswer {
    scene.stage.wait(Exchange::new(&scene.stage).proven(&[proof]).give_once(backend))
}

/// What the gateway asks of a proof without a nonce, soon after its start.
fn nonce(scene: &Scene, backend: &Backend) -> String {
    challenged(&ask(scene, backend, &proof_by(&scene.stage.app, None)))
}

/// The nonce of an answer that asks for it (RFC 9449 §8), and says nothing else.
#[track_caller]
fn challenged(answer: &BackendAnswer) -> String {
    assert_eq!((answer.status, answer.text().as_str()), (400, r#"{"error":"use_dpop_nonce"}"#));
    assert_eq!(answer.header("www-authenticate"), None);
    answer.header("dpop-nonce").unwrap().to_owned()
}

#[track_caller]
fn refused(scene: &Scene, answer: &BackendAnswer, error: &str, reason: &str) {
    assert_eq!((answer.status, answer.text()), (400, format!(r#"{{"error":"{error}"}}"#)));
    assert_eq!(answer.header("dpop-nonce"), None, "{error}");
    assert_eq!(scene.last_reason(), reason);
}

/// How many sessions are on record.
fn sessions(scene: &Scene) -> usize {
    scene.stage.records().iter().filter(|record| record.text("kind") == "session").count()
}

#[test]
fn a_proof_gives_one_session_and_is_good_for_nothing_after() {
    let scene = Scene::new();
    let (backend, app) = (scene.backend(), &scene.stage.app);
    let url = format!("{PUBLIC_URL}{TOKEN_PATH}");
    let nonce = nonce(&scene, &backend);
    assert_eq!(scene.last_reason(), "dpop-nonce-needed");
    let stated = AppKey::claims("POST", &url, None, Some(&nonce), now());
    let proof = app.sign(&app.header(""), &stated).unwrap();
    let answer = ask(&scene, &backend, &proof);
    assert_eq!((answer.status, answer.header("dpop-nonce")), (200, None), "{}", answer.text());
    let token = member(&answer, "access_token").unwrap();
    assert_eq!(claims(&token)["cnf"]["jkt"], app.jkt());

    refused(&scene, &ask(&scene, &backend, &proof), "invalid_dpop_proof", "dpop-replay");
    // Nor by another replica, which has asked nothing yet, with another token of the user's.
    let other = Exchange::unbound(&scene.stage).proven(&[&proof]);
    let replica = scene.replica(super::BACKEND);
    refused(&scene, &scene.stage.wait(other.give_once(&replica)), "invalid_dpop_proof", "dpop-replay");

    // It says where it was made for; and one for the door that bears its name (`jti`) was used, too.
    let open = scene.open("door-1", &token, app);
    scene.told(&open.clone().proving(&proof), &backend).is(401, "unauthenticated");
    assert_eq!(scene.last_reason(), "dpop-proof-invalid");
    let door = format!("{PUBLIC_URL}/v1/houses/house-1/doors/door-1/open");
    let mut at_the_door = AppKey::claims("POST", &door, Some(&token), Some(&nonce), now());
    at_the_door.insert("jti", stated.get("jti").unwrap().clone());
    let namesake = app.sign(&app.header(""), &at_the_door).unwrap();
    scene.told(&open.clone().proving(&namesake), &backend).is(401, "unauthenticated");
    assert_eq!(scene.last_reason(), "dpop-replay");
    assert_eq!((scene.stage.partner.progress().bytes, sessions(&scene)), (0, 1));

    scene.told(&open.proven(app, Some(&nonce)), &backend).is(200, "");
    assert_eq!(ask(&scene, &backend, &proof_by(app, Some(&nonce))).status, 200);
}

#[test]
fn a_nonce_of_another_run_or_of_nobodys_is_answered_with_one_of_this_run() {
    let stage = Stage::new();
    let before = Scene { gateway: Served::on(&stage), stage };
    let backend = before.backend();
    let old = nonce(&before, &backend);
    let used = proof_by(&before.stage.app, Some(&old));
    assert_eq!(ask(&before, &backend, &used).status, 200);
    let Scene { gateway, stage } = before;
    drop(gateway);

    let scene = Scene { gateway: Served::on(&stage), stage };
    let (backend, app) = (scene.backend(), &scene.stage.app);
    let new = nonce(&scene, &backend);
    assert_ne!(new, old);
    for foreign in [used, proof_by(app, Some(&old)), proof_by(app, Some("AAAAAAAAAAAAAAAAAAAAAA"))] {
        assert_eq!(challenged(&ask(&scene, &backend, &foreign)), new);
        assert_eq!(scene.last_reason(), "dpop-nonce-needed");
    }
    assert_eq!(sessions(&scene), 1);
    assert_eq!(ask(&scene, &backend, &proof_by(app, Some(&new))).status, 200);
}

#[test]
fn a_proof_that_comes_with_something_else_wrong_is_not_used_up_and_nobody_is_asked_for_a_nonce() {
    let scene = Scene::new();
    let (stage, backend) = (&scene.stage, scene.backend());
    let good = proof_by(&stage.app, Some(&nonce(&scene, &backend)));
    let other_door = r#"[{"type":"door_access","house":"house-1","door":"door-2","actions":["open"]}]"#;
    for proof in [&good, &proof_by(&stage.app, None)] {
        for (wrong, error, reason) in [
            (Exchange::of(stage, "a.b.c".to_owned()), "invalid_request", "token-malformed"),
            (Exchange::new(stage).with("authorization_details", other_door), "access_denied", "policy-denied"),
            (Exchange::new(stage).without("grant_type"), "invalid_request", "token-request-invalid"),
        ] {
            let answer = stage.wait(wrong.proven(&[proof]).give_once(&backend));
            refused(&scene, &answer, error, reason);
        }
    }
    assert_eq!(ask(&scene, &backend, &good).status, 200);
    refused(&scene, &ask(&scene, &backend, &good), "invalid_dpop_proof", "dpop-replay");
}

#[test]
fn where_no_further_proof_can_be_remembered_there_is_no_session() {
    let stage = Stage::new();
    stage.limit("proofs_max: 1");
    let scene = Scene { gateway: Served::on(&stage), stage };
    let (backend, app) = (scene.backend(), &scene.stage.app);
    let nonce = nonce(&scene, &backend);
    let first = proof_by(app, Some(&nonce));
    assert_eq!(ask(&scene, &backend, &first).status, 200);
    let answer = ask(&scene, &backend, &proof_by(app, Some(&nonce)));
    assert_eq!((answer.status, member(&answer, "type").as_deref()), (503, Some("/problems/unavailable")));
    assert_eq!(scene.last_reason(), "dpop-full");
    refused(&scene, &ask(&scene, &backend, &first), "invalid_dpop_proof", "dpop-replay");
    assert_eq!(sessions(&scene), 1);
}

#[test]
fn whoever_uses_a_nonce_is_offered_a_newer_one_also_with_a_refusal_and_whoever_needs_none_is_not() {
    let clock = Arc::new(ManualClock::new(SystemClock::new().now()));
    let stage = Stage::by(clock.clone());
    let scene = Scene { gateway: Served::by(&stage, clock.clone()), stage };
    let (stage, backend, app) = (&scene.stage, scene.backend(), &scene.stage.app);
    let proof = |nonce: Option<&str>| {
        let url = format!("{PUBLIC_URL}{TOKEN_PATH}");
        app.proof("POST", &url, None, nonce, clock.now().seconds()).unwrap()
    };
    let asked = |nonce: Option<&str>| ask(&scene, &backend, &proof(nonce));
    // To the beginning of a nonce's time, beyond the first minute.
    let half = NONCE / 2;
    clock.advance(Duration::from_secs(half - clock.now().seconds().get() % half + half));
    let first = challenged(&asked(Some("of before")));
    let offered = |answer: &BackendAnswer| answer.header("dpop-nonce").map(str::to_owned);
    let answer = asked(Some(&first));
    assert_eq!((answer.status, offered(&answer)), (200, None), "it is the newest");
    clock.advance(Duration::from_secs(half));
    let answer = asked(Some(&first));
    let second = offered(&answer).expect("a newer one");
    assert_eq!(answer.status, 200, "{}", answer.text());
    let wrong = Exchange::of(stage, "a.b.c".to_owned()).proven(&[&proof(Some(&first))]);
    let answer = stage.wait(wrong.give_once(&backend));
    assert_eq!(
        (member(&answer, "error").as_deref(), offered(&answer)),
        (Some("invalid_request"), Some(second.clone()))
    );
    clock.advance(Duration::from_secs(half));
    let third = challenged(&asked(Some(&first)));
    let answer = asked(Some(&second));
    assert_eq!((answer.status, offered(&answer)), (200, Some(third)));
    let answer = asked(None);
    assert_eq!((answer.status, offered(&answer)), (200, None));
}

#[test]
fn a_proof_that_a_run_by_a_clock_ahead_has_taken_is_not_taken_when_its_time_comes_again() {
    let ahead = SystemClock::new().now().plus(1_000_000);
    let clock = Arc::new(ManualClock::new(ahead));
    let stage = Stage::by(clock.clone());
    let before = Scene { gateway: Served::by(&stage, clock.clone()), stage };
    // Past the time in which every proof needs a nonce.
    clock.advance(Duration::from_secs(100));
    let at = clock.now().seconds();
    let app = &before.stage.app;
    let proof = app.proof("POST", &format!("{PUBLIC_URL}{TOKEN_PATH}"), None, None, at).unwrap();
    let user = before.stage.login.mint(&before.stage.resident(&before.stage.login, at)).unwrap();
    let exchange = Exchange::of(&before.stage, user).proven(&[&proof]);
    assert_eq!(before.stage.wait(exchange.give_once(&before.backend())).status, 200);
    let Scene { gateway, stage } = before;
    drop(gateway);

    // The clock is put right, and the time comes in which the proof was made.
    let right = Arc::new(ManualClock::new(UnixMillis::new(ahead.get() - 200_000)));
    let scene = Scene { gateway: Served::by(&stage, right.clone()), stage };
    right.advance(Duration::from_secs(298));
    challenged(&scene.stage.wait(exchange.give_once(&scene.backend())));
    assert_eq!((scene.last_reason().as_str(), sessions(&scene)), ("dpop-nonce-needed", 1));
}

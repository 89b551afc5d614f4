//! What is good once, over a kill: proofs at the token endpoint and at a door, nonces, and a client's assertion. The next
//! process takes none of what the killed one took, and what lasts goes on. Also where the clock was ahead when they were used, a
//! person has accepted what it shows since, and the time comes that it showed then.

use crate::harness::ByHand;
use crate::harness::Exchange;
use crate::harness::Inbound;
use crate::harness::Process;
use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::TOKEN_PATH;
use crate::harness::fresh_key;
use crate::harness::member;
use crate::harness::now;
use crate::harness::proof_by;
use crate::harness::told_by;
use crate::harness::until;
use portcullis::clock::Clock;
use portcullis::clock::UnixSeconds;
use portcullis::devkit::Backend;
use portcullis::devkit::BackendAnswer;
use portcullis::devkit::PUBLIC_URL;
use std::sync::Arc;
use std::time::Duration;

const DOOR: &str = "/v1/houses/house-1/doors/door-1/open";
const PARTNERS_ISSUER: &str = "https://smarthome.gateway.prop.example";

/// The stage's app opens the door with this proof; under a key of its own, so that its proof alone repeats it.
fn open(stage: &Inbound, backend: &Backend, session: &str, proof: &str) -> BackendAnswer {
    open_under(stage, backend, session, proof, &fresh_key())
}

/// The same under this key.
fn open_under(stage: &Inbound, backend: &Backend, session: &str, proof: &str, key: &str) -> BackendAnswer {
    let authorization = format!("DPoP {session}");
    let fields = [
        ("Authorization", authorization.as_str()),
        ("DPoP", proof),
        ("Idempotency-Key", key),
        ("Content-Type", "application/json"),
    ];
    let body = br#"{"userId":"resident-ivanov","deviceId":"phone-of-ivanov"}"#;
    stage.wait(backend.call("POST", DOOR, &fields, body)).unwrap()
}

/// The partner's client asks for a token with this assertion.
fn ask(stage: &Inbound, caller: &Backend, assertion: &str) -> BackendAnswer {
    let form = format!(
        "grant_type=client_credentials&scope=grants.read&client_assertion={assertion}&client_assertion_type={}",
        "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"
    );
    let fields = [("Content-Type", "application/x-www-form-urlencoded")];
    stage.wait(caller.call("POST", TOKEN_PATH, &fields, form.as_bytes())).unwrap()
}

fn proof_at_the_door(stage: &Inbound, session: &str, nonce: &str) -> String {
    stage.app.proof("POST", &format!("{PUBLIC_URL}{DOOR}"), Some(session), Some(nonce), now()).unwrap()
}

/// How many sessions and tokens of callers were given out, and how often something moved.
fn done(stage: &Inbound) -> [usize; 3] {
    let records = stage.records();
    let of = |kind: &str| records.iter().filter(|record| record.text("kind") == kind).count();
    [of("session"), of("token"), usize::try_from(stage.partner.total_actuations()).unwrap()]
}

#[test]
fn what_was_used_once_before_a_kill_is_used_up_after_it_and_what_lasts_goes_on() {
    let stage = Inbound::new();
    let process = Process::on(&stage);
    let (backend, caller) = (stage.backend(process.address), stage.caller(process.partners));
    let exchange = Exchange::unbound(&stage);
    let asked = |proof: &str, backend: &Backend| stage.wait(exchange.clone().proven(&[proof]).give_once(backend));
    let nonce_of = |backend: &Backend| {
        let answer = asked(&proof_by(&stage.app, None), backend);
        assert_eq!(member(&answer, "error").as_deref(), Some("use_dpop_nonce"), "{}", answer.text());
        answer.header("dpop-nonce").unwrap().to_owned()
    };
    let nonce = nonce_of(&backend);
    let at_the_endpoint = proof_by(&stage.app, Some(&nonce));
    let answer = asked(&at_the_endpoint, &backend);
    let session = member(&answer, "access_token").unwrap_or_else(|| panic!("{}", answer.text()));
    let at_the_door = proof_at_the_door(&stage, &session, &nonce);
    assert_eq!(open(&stage, &backend, &session, &at_the_door).status, 200);
    // For a moment after its start a process takes none.
    let mut assertion = String::new();
    until("an assertion is taken", || {
        assertion = stage.kit.client_assertion(PARTNERS_ISSUER, &fresh_key(), now()).unwrap();
        ask(&stage, &caller, &assertion).status == 200
    });
    assert_eq!(done(&stage), [1, 1, 1]);
    process.kill();

    let process = Process::on(&stage);
    let (backend, caller) = (stage.backend(process.address), stage.caller(process.partners));
    let last_reason = || stage.records().last().unwrap().text("reason").to_owned();
    let answer = asked(&at_the_endpoint, &backend);
    assert_eq!((member(&answer, "error").as_deref(), &*last_reason()), (Some("use_dpop_nonce"), "dpop-nonce-needed"));
    let answer = open(&stage, &backend, &session, &at_the_door);
    assert_eq!((answer.status, &*last_reason()), (401, "dpop-nonce-needed"));
    let answer = ask(&stage, &caller, &assertion);
    assert_eq!((member(&answer, "error").as_deref(), &*last_reason()), (Some("invalid_client"), "assertion-replayed"));
    // New ones by the nonce of the killed process are of no more worth.
    let answer = asked(&proof_by(&stage.app, Some(&nonce)), &backend);
    assert_eq!((member(&answer, "error").as_deref(), &*last_reason()), (Some("use_dpop_nonce"), "dpop-nonce-needed"));
    let answer = open(&stage, &backend, &session, &proof_at_the_door(&stage, &session, &nonce));
    assert_eq!((answer.status, &*last_reason()), (401, "dpop-nonce-needed"));
    assert_eq!(done(&stage), [1, 1, 1], "nothing was given out or moved twice");

    let nonce = nonce_of(&backend);
    let answer = open(&stage, &backend, &session, &proof_at_the_door(&stage, &session, &nonce));
    assert_eq!(answer.status, 200, "the session is good until it ends: {}", answer.text());
    assert_eq!(done(&stage), [1, 1, 2]);
}

#[test]
fn what_a_clock_that_was_ahead_has_seen_used_stays_used_when_its_time_comes_over_an_acceptance_and_a_kill() {
    let clock = Arc::new(ByHand::default());
    // The partner goes by it, too.
    let stage = Inbound::on(Stage::by(Arc::clone(&clock) as Arc<dyn Clock>));
    let served = || Served::by(&stage, Arc::clone(&clock) as Arc<dyn Clock>);
    let at_the_endpoint = |nonce: Option<&str>, now: UnixSeconds| {
        stage.app.proof("POST", &format!("{PUBLIC_URL}{TOKEN_PATH}"), None, nonce, now).unwrap()
    };
    let at_the_door = |session: &str, nonce: Option<&str>, now: UnixSeconds| {
        stage.app.proof("POST", &format!("{PUBLIC_URL}{DOOR}"), Some(session), nonce, now).unwrap()
    };
    let assertion_of = |now: UnixSeconds| stage.kit.client_assertion(PARTNERS_ISSUER, &fresh_key(), now).unwrap();
    let last_reason = || stage.records().last().unwrap().text("reason").to_owned();

    // Ten minutes ahead, and no moment after a start in which nothing is taken.
    clock.set_by(10 * 60_000);
    let gateway = served();
    clock.pass(Duration::from_secs(70));
    let then = clock.now().seconds();
    let (backend, caller) = (stage.backend(gateway.address), stage.caller(gateway.partners));
    let (assertion, proof, key) = (assertion_of(then), at_the_endpoint(None, then), fresh_key());
    assert_eq!(ask(&stage, &caller, &assertion).status, 200);
    let subject = stage.login.mint(&stage.resident(&stage.login, then).without("cnf")).unwrap();
    let exchange = Exchange::of(&stage, subject);
    let asked = |proof: &str, backend: &Backend| stage.wait(exchange.clone().proven(&[proof]).give_once(backend));
    let answer = asked(&proof, &backend);
    let session = member(&answer, "access_token").unwrap_or_else(|| panic!("{}", answer.text()));
    let command = at_the_door(&session, None, then);
    assert_eq!(open_under(&stage, &backend, &session, &command, &key).status, 200);
    assert_eq!(done(&stage), [1, 1, 1]);
    drop(gateway);

    // A person accepts the right one, by which a process goes and is killed.
    let (code, told, _) = told_by(&["store", "accept-clock", "--config", stage.path("gateway.yaml").to_str().unwrap()]);
    assert!(code == 0 && told.contains("accepted"), "{code} {told}");
    let process = Process::on(&stage);
    let caller = stage.caller(process.partners);
    until("an assertion is taken", || ask(&stage, &caller, &assertion_of(now())).status == 200);
    process.kill();

    // The next one begins three minutes before the time that the first one showed, and comes to it.
    clock.set_by(-3 * 60_000);
    let gateway = served();
    assert_eq!(gateway.not_ready(), "");
    let left = i64::try_from(then.get() * 1_000).unwrap() - i64::try_from(clock.now().get()).unwrap();
    clock.set_by(left);
    let (backend, caller) = (stage.backend(gateway.address), stage.caller(gateway.partners));
    let answer = ask(&stage, &caller, &assertion);
    assert_eq!((member(&answer, "error").as_deref(), &*last_reason()), (Some("invalid_client"), "assertion-replayed"));
    let answer = asked(&proof, &backend);
    assert_eq!((member(&answer, "error").as_deref(), &*last_reason()), (Some("use_dpop_nonce"), "dpop-nonce-needed"));
    let nonce = answer.header("dpop-nonce").unwrap().to_owned();
    let answer = open(&stage, &backend, &session, &command);
    assert_eq!((answer.status, &*last_reason()), (401, "dpop-nonce-needed"));
    let now = clock.now().seconds();
    let again = open_under(&stage, &backend, &session, &at_the_door(&session, Some(&nonce), now), &key);
    assert_eq!(again.status, 200, "the same command is answered as it was: {}", again.text());
    assert_eq!(done(&stage), [1, 2, 1], "nothing was given out or moved twice");

    // What nobody has used is as good as ever, of the very same time.
    assert_eq!(ask(&stage, &caller, &assertion_of(then)).status, 200);
    assert!(member(&asked(&at_the_endpoint(Some(&nonce), now), &backend), "access_token").is_some());
    assert_eq!(open(&stage, &backend, &session, &at_the_door(&session, Some(&nonce), now)).status, 200);
    assert_eq!(done(&stage), [2, 3, 2]);
}

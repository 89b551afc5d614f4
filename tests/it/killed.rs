//! What is good once, over a kill: proofs at the token endpoint and at a door, nonces, and a client's assertion. The next
//! process takes none of what the killed one took, and what lasts goes on. By the machine's clock.

use crate::harness::Exchange;
use crate::harness::Inbound;
use crate::harness::Process;
use crate::harness::TOKEN_PATH;
use crate::harness::fresh_key;
use crate::harness::member;
use crate::harness::now;
use crate::harness::proof_by;
use crate::harness::until;
use portcullis::devkit::Backend;
use portcullis::devkit::BackendAnswer;
use portcullis::devkit::PUBLIC_URL;

const DOOR: &str = "/v1/houses/house-1/doors/door-1/open";
const PARTNERS_ISSUER: &str = "https://smarthome.gateway.prop.example";

/// The stage's app opens the door with this proof; under a key of its own, so that its proof alone repeats it.
fn open(stage: &Inbound, backend: &Backend, session: &str, proof: &str) -> BackendAnswer {
    let (authorization, key) = (format!("DPoP {session}"), fresh_key());
    let fields = [
        ("Authorization", authorization.as_str()),
        ("DPoP", proof),
        ("Idempotency-Key", &key),
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

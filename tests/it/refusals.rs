//! What must fail: at least one refusal for each step of the way, each with the reason on record, and each with a fence:
//! a good command over the same pool afterwards, before which the partner has received not one byte.

use crate::harness::Command;
use crate::harness::Process;
use crate::harness::Scene;
use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::fresh_key;
use crate::harness::now;
use crate::harness::until;
use portcullis::devkit::BACKEND;
use portcullis::devkit::BackendFault;
use portcullis::devkit::Leaf;
use portcullis::devkit::NORTH;
use portcullis::devkit::Validity;
use portcullis::model::Sha256;
use std::process::Stdio;

#[test]
fn what_the_contract_does_not_declare_ends_at_the_head() {
    let scene = Scene::new();
    let open = "/v1/houses/house-1/doors/door-1/open";
    for (command, status, reason) in [
        (scene.command().to("/v1/houses/house-1/doors/door-1/close"), 404, "unknown-operation"),
        (scene.command().to(&format!("{open}/")), 404, "unknown-operation"),
        (Command { method: "GET", ..scene.command() }, 405, "method-not-declared"),
        (Command { method: "DELETE", ..scene.command() }, 405, "method-not-declared"),
        (scene.command().to(&format!("{open}?force=true")), 400, "query-invalid"),
        (scene.command().to(&format!("{open}?reason=guest&reason=guest")), 400, "query-invalid"),
        (scene.command().to(&format!("{open}?reason=burglary")), 400, "query-invalid"),
        (scene.command().to("/v1/houses/house-1/doors/%2e%2e/open"), 400, "path-invalid"),
        (scene.command().to("/v1/houses/HOUSE/doors/door-1/open"), 400, "path-invalid"),
        (Command { media_type: Some("text/plain".into()), ..scene.command() }, 415, "media-type-not-declared"),
        (scene.command().with("X-Forwarded-For", "10.0.0.1"), 400, "refused-field"),
        (scene.command().with("X-HTTP-Method-Override", "DELETE"), 400, "refused-field"),
        (scene.command().with("Content-Encoding", "gzip"), 415, "media-type-not-declared"),
    ] {
        scene.refuses(&command, status, reason);
    }
    scene.passes();
}

#[test]
fn a_head_that_is_not_strict_http_is_refused_and_the_connection_closed() {
    let scene = Scene::new();
    for head in [
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n",
    ] {
        scene.stage.wait(async {
            let mut connection = scene.backend.connect().await.unwrap();
            connection.send(head.as_bytes()).await.unwrap();
            let answer = connection.answer().await.unwrap();
            assert_eq!((answer.status, answer.header("connection")), (400, Some("close")), "{head:?}");
            assert!(connection.rest().await.unwrap().is_empty());
        });
    }
    scene.passes();
}

#[test]
fn an_authority_that_is_not_the_partners_is_misdirected() {
    let scene = Scene::new();
    let elsewhere = scene.stage.backend(scene.gateway.address).calling("other.gateway.prop.example");
    let answer = scene.stage.wait(scene.command().give(&elsewhere)).unwrap();
    assert_eq!(answer.status, 421);
    assert_eq!(scene.record(answer.header("receipt-id").unwrap()).text("reason"), "unknown-authority");
    scene.passes();
}

#[test]
fn without_a_good_token_for_this_very_app_no_body_is_read() {
    let scene = Scene::new();
    let stage = &scene.stage;
    let mint = |claims| stage.sessions.mint(&claims).unwrap();
    // Bound as the sign-in tokens here are: by the certificate of the very backend that brings it.
    let by_certificate = |thumbprint: Sha256| {
        let claims = stage.sessions.claims("https://gateway.prop.example", "resident-ivanov", &thumbprint, now(), 300);
        mint(claims.acted_by(BACKEND).with("tenant", "north").door_access("house-1", Some("door-1"), &["open"]))
    };
    let own = stage.pki.backend.parsed().unwrap().thumbprint;
    let other = stage.pki.partner.parsed().unwrap().thumbprint;
    let long_ago = u64::from(u32::try_from(now().get()).unwrap()) - 1_000;
    for (token, status, reason) in [
        (None, 401, "token-missing"),
        (Some("a.b.c".into()), 401, "token-malformed"),
        (Some(mint(stage.claims().with("aud", "https://other.example"))), 401, "token-audience"),
        (Some(mint(stage.claims().with("iss", "https://other.example"))), 401, "token-untrusted"),
        (Some(by_certificate(own)), 401, "token-binding"),
        (Some(by_certificate(other)), 401, "token-binding"),
        (Some(mint(stage.claims().without("cnf"))), 401, "token-binding"),
        (
            Some(mint(
                stage
                    .claims()
                    .with("iat", i64::try_from(long_ago).unwrap().try_into().map_or(0, |n: i32| n))
                    .with("nbf", i32::try_from(long_ago).unwrap())
                    .with("exp", i32::try_from(long_ago + 300).unwrap()),
            )),
            401,
            "token-expired",
        ),
        (Some(stage.login.mint(&stage.claims_of(&stage.login)).unwrap()), 403, "session-required"),
    ] {
        let command = Command { token, ..scene.command() };
        scene.refuses(&command, status, reason);
    }
    scene.passes();
}

#[test]
fn a_command_that_is_not_of_this_moment_moves_nothing() {
    let scene = Scene::new();
    let now = now().get();
    for (time, status, reason) in [
        ("yesterday".to_owned(), 400, "command-time-invalid"),
        (format!("@{}", now - 30), 403, "command-too-old"),
        (format!("@{}", now - 90), 401, "dpop-not-timely"),
        (format!("@{}", now + 60), 401, "dpop-not-timely"),
    ] {
        scene.refuses(&Command { time: Some(time), ..scene.command() }, status, reason);
    }
    // The proof says one time, and the backend another one.
    let other = Command { time: Some(format!("@{}", now - 2)), ..scene.command().pinned() };
    scene.refuses(&other, 400, "command-time-invalid");
    scene.passes();
}

#[test]
fn what_no_proof_dates_is_dated_by_the_backend_where_its_operation_sets_a_limit() {
    let stage = Stage::new();
    let (read, limited) = ("action: readDoor\n", "action: readDoor\n        max_age: 10s\n");
    stage.edit("policies/contracts/smarthome.openapi.yaml", read, limited);
    let scene = Scene::on(stage);
    let token = scene.stage.login.mint(&scene.stage.member_of(&NORTH, &scene.stage.login, now())).unwrap();
    let reading = |time: Option<String>| {
        let command = Command::errand(&scene.stage, &NORTH, "readDoor").bearing(token.clone());
        Command { time, ..command }
    };
    let at = |time: u64| Some(format!("@{time}"));
    let now = now().get();
    for (time, status, reason) in [
        (None, 400, "command-time-invalid"),
        (Some("yesterday".to_owned()), 400, "command-time-invalid"),
        (at(now - 60), 403, "command-too-old"),
        (at(now + 60), 403, "command-from-future"),
    ] {
        scene.refuses(&reading(time), status, reason);
    }
    let answer = scene.stage.wait(reading(at(now)).give(&scene.backend)).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[test]
fn a_body_is_strict_json_of_the_declared_shape_about_the_tokens_own_person() {
    let scene = Scene::new();
    for (body, status, reason) in [
        ("{", 400, "body-malformed"),
        ("{\"userId\":\"resident-ivanov\"} x", 400, "body-malformed"),
        ("{\"userId\":\"resident-ivanov\",\"userId\":\"resident-ivanov\"}", 400, "body-malformed"),
        ("{\"userId\":\"resident-ivanov\",\"\\u0075serId\":\"x\"}", 400, "body-malformed"),
        ("{\"userId\":\"resident-ivanov\",\"admin\":true}", 400, "body-invalid"),
        ("{\"userId\":7}", 400, "body-invalid"),
        ("[]", 400, "body-invalid"),
        ("{}", 400, "body-invalid"),
        ("{\"userId\":\"resident-petrov\"}", 403, "identifier-mismatch"),
        ("{\"userId\":\"resident-ivanov\",\"deviceId\":\"phone-of-petrov\"}", 403, "identifier-mismatch"),
    ] {
        scene.refuses(&scene.command().saying(body), status, reason);
    }
    scene.passes();
}

#[test]
fn a_body_holds_its_limit_and_not_one_byte_more() {
    let stage = Stage::new();
    stage.limit("body_max_bytes: 100B");
    let gateway = Served::on(&stage);
    let backend = stage.backend(gateway.address);
    let padded = |size: usize| {
        let body = r#"{"userId":"resident-ivanov"}"#;
        format!("{body}{}", " ".repeat(size - body.len()))
    };
    let at_limit = stage.wait(Command::new(&stage).saying(&padded(100)).give(&backend)).unwrap();
    assert_eq!(at_limit.status, 200, "{}", at_limit.text());
    let beyond = stage.wait(Command::new(&stage).saying(&padded(101)).give(&backend)).unwrap();
    assert_eq!(beyond.status, 413);
    assert_eq!(stage.partner.total_actuations(), 1);
}

#[test]
fn another_tenants_house_and_a_house_that_is_not_there_look_the_same() {
    let scene = Scene::new();
    let foreign = scene.command().to("/v1/houses/house-2/doors/door-1/open");
    let missing = scene.command().to("/v1/houses/house-9/doors/door-1/open");
    let denied = scene.refuses(&foreign, 404, "policy-denied");
    let unknown = scene.refuses(&missing, 404, "resource-unknown");
    let not_granted = scene.command().to("/v1/houses/house-1/doors/door-2/open");
    scene.refuses(&not_granted, 404, "policy-denied");
    // The same work: both went through every step up to the decision, and through no other.
    let steps = |receipt: &String| {
        let record = scene.record(receipt);
        record.get("micros").as_object().expect("steps").keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(steps(&denied), steps(&unknown));
    assert!(steps(&unknown).iter().any(|step| step == "decide"), "{:?}", steps(&unknown));
    let bodies = [(&foreign, denied), (&missing, unknown)].map(|(command, _)| {
        let answer = scene.stage.wait(command.clone().under(&fresh_key()).give(&scene.backend)).unwrap();
        let receipt = answer.header("receipt-id").unwrap().to_owned();
        answer.text().replace(&receipt, "")
    });
    assert_eq!(bodies[0], bodies[1]);
    scene.passes();
}

#[test]
fn an_idempotency_key_is_demanded_and_of_its_own_form() {
    let scene = Scene::new();
    scene.refuses(&Command { key: None, ..scene.command() }, 400, "idempotency-key-invalid");
    scene.refuses(&scene.command().under("short"), 400, "idempotency-key-invalid");
    scene.refuses(&scene.command().under("has a space in it"), 400, "idempotency-key-invalid");
    scene.passes();
}

#[test]
fn what_must_be_encrypted_to_the_partner_and_is_not_never_leaves() {
    let stage = Stage::new();
    let note = "note:\n                  type: string\n                  maxLength: 1000\n                  \
        x-portcullis: {class: personal, protect: require-encrypted}\n                deviceId:\n                  description: The app";
    let contract = "policies/contracts/smarthome.openapi.yaml";
    stage.edit(contract, "deviceId:\n                  description: The app", note);
    let scene = Scene::on(stage);
    let noted = |note: &str| scene.command().saying(&format!(r#"{{"userId":"resident-ivanov","note":"{note}"}}"#));
    for note in ["", "the code is 4711", "a.b.c.d.e", "eyJhbGciOiJub25lIn0.a2V5.aXY.Y2lwaGVydGV4dA.dGFn"] {
        scene.refuses(&noted(note), 400, "protection-failed");
    }
    scene.passes();
    // The shape of RFC 7516 passes this step, and ends at a partner who does not know the field.
    let sealed = noted("eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ.a2V5.aXYtaXYtaXYtaXY.Y2lwaGVydGV4dA.dGFnLXRhZw");
    let answer = scene.stage.wait(sealed.give(&scene.backend)).unwrap();
    assert_eq!((answer.status, scene.stage.partner.refusals()), (502, vec!["body"]));
}

#[test]
fn a_revoked_subject_device_session_or_token_has_no_rights_from_the_answer_on() {
    for (kind, value) in [
        ("subject", "resident-ivanov"),
        ("device", "phone-of-ivanov"),
        ("session", "session-of-ivanov"),
        ("token", "the-token-itself"),
    ] {
        let scene = Scene::new();
        let claims = scene.stage.claims().with("jti", "the-token-itself");
        let token = scene.stage.sessions.mint(&claims).unwrap();
        scene.passes();
        let order = format!(r#"{{"kind":"{kind}","value":"{value}","tenant":"north"}}"#);
        let headers = [("Content-Type", "application/json")];
        let answer =
            scene.stage.wait(scene.backend.call("POST", "/-/revocations", &headers, order.as_bytes())).unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
        scene.refuses(&scene.command().bearing(token), 403, "revoked");
    }
}

#[test]
fn a_peer_whom_no_policy_permits_revokes_nobody() {
    let scene = Scene::new();
    let leaf = Leaf::client("spiffe://prop.example/somebody", Validity::a_day_from(now()));
    let somebody = scene.stage.pki.backend_authority.issue(&leaf).unwrap().identity().unwrap();
    let somebody = scene.stage.backend_as(scene.gateway.address, Some(&somebody));
    let order = br#"{"kind":"device","value":"phone-of-ivanov","tenant":"north"}"#;
    let headers = [("Content-Type", "application/json")];
    let answer = scene.stage.wait(somebody.call("POST", "/-/revocations", &headers, order)).unwrap();
    assert_eq!(answer.status, 404);
    scene.passes();
}

#[test]
fn the_operator_revokes_by_the_socket_and_it_lasts_over_a_kill() {
    let stage = Stage::new();
    let gateway = Process::on(&stage);
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .args(["revoke", "--kind", "device", "--tenant", "north", "--config"])
        .arg(stage.path("gateway.yaml"))
        .arg("phone-of-ivanov")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    gateway.kill();
    let gateway = Process::on(&stage);
    let backend = stage.backend(gateway.address);
    let answer = stage.wait(Command::new(&stage).give(&backend)).unwrap();
    assert_eq!((answer.status, stage.partner.progress().bytes), (403, 0));
}

#[test]
fn without_a_client_certificate_of_our_authority_there_is_no_conversation() {
    let scene = Scene::new();
    let stage = &scene.stage;
    let nobody = stage.backend_as(scene.gateway.address, None);
    let stranger =
        stage.pki.partner_authority.issue(&Leaf::client("spiffe://prop.example/backend", Validity::a_day_from(now())));
    let stranger = stage.backend_as(scene.gateway.address, Some(&stranger.unwrap().identity().unwrap()));
    for backend in [nobody, stranger] {
        let fault = stage.wait(scene.command().give(&backend)).unwrap_err();
        assert!(matches!(fault, BackendFault::Handshake(_)), "{fault}");
    }
    // A client may know of its failure before it is counted.
    for reason in ["certificate-missing", "certificate-untrusted"] {
        until("it is counted", || scene.gateway.metrics().contains(&format!("{reason}\"}} 1")));
    }
    scene.passes();
}

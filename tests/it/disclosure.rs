//! What the caller is told of a request that does not fit: a known caller the place, a stranger nothing, and nobody a value.

use crate::harness::Command;
use crate::harness::Served;
use crate::harness::Stage;
use portcullis::devkit::AUTHORITY;
use portcullis::devkit::Backend;
use serde_json::Value;
use serde_json::json;

/// The problem that the command ends in. Nothing that was planted in a request may stand in any answer.
#[track_caller]
fn problem(stage: &Stage, backend: &Backend, command: &Command, status: u16) -> Value {
    let answer = stage.wait(command.give(backend)).unwrap();
    assert_eq!(answer.status, status, "{}", answer.text());
    let text = answer.text() + &format!("{:?}", answer.headers);
    assert!(!text.to_ascii_lowercase().contains("planted"), "a value of the request is shown: {text}");
    let problem: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(problem["status"], json!(status));
    problem
}

#[test]
fn who_is_not_known_yet_is_told_no_place() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    let backend = stage.backend(gateway.address);
    let open = "/v1/houses/house-1/doors/door-1/open";
    let good = || Command::new(&stage);
    let stranger = || Command { token: None, ..good() };
    for (command, status) in [
        (stranger().to(&format!("{open}?reason=planted")), 400),
        (stranger().to(&format!("{open}?planted=1")), 400),
        (stranger().to("/v1/houses/PLANTED/doors/door-1/open"), 400),
        (stranger().saying(r#"{"userId":"resident-ivanov","planted":"planted"}"#), 401),
        (stranger().saying("planted"), 401),
        // The head is judged before the token is: a good one beside it makes nobody known yet.
        (good().to(&format!("{open}?reason=planted")), 400),
        (good().to("/v1/houses/PLANTED/doors/door-1/open"), 400),
        (good().bearing("planted.planted.planted".into()).saying(r#"{"planted":1}"#), 401),
    ] {
        let problem = problem(&stage, &backend, &command, status);
        assert!(problem.get("errors").is_none(), "{}: {problem}", command.target);
    }
    assert_eq!(stage.partner.progress().bytes, 0);
}

#[test]
fn a_known_caller_is_told_the_place_in_the_contracts_words_and_never_what_stood_there() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    let backend = stage.backend(gateway.address);
    let long = "planted".repeat(10);
    for (body, pointer, expected) in [
        (r#"{"userId":"resident-ivanov","planted":"planted"}"#.to_owned(), "", "declared"),
        (r#"{"userId":["planted"]}"#.to_owned(), "/userId", "text"),
        (r#"{"userId":"resident-ivanov","deviceId":{"planted":true}}"#.to_owned(), "/deviceId", "text"),
        (r#"{"deviceId":"planted"}"#.to_owned(), "/userId", "present"),
        (format!(r#"{{"userId":"{long}"}}"#), "/userId", "length"),
        (r#"["planted"]"#.to_owned(), "", "object"),
    ] {
        let problem = problem(&stage, &backend, &Command::new(&stage).saying(&body), 400);
        assert_eq!(problem["errors"], json!([{"in": "body", "pointer": pointer, "expected": expected}]), "{body}");
    }
    // What is not strict JSON has no place that the contract knows, and whose identifier it is not is told nobody.
    let malformed = Command::new(&stage).saying(r#"{"userId":"planted","userId":"planted"}"#);
    assert!(problem(&stage, &backend, &malformed, 400).get("errors").is_none());
    let foreign = Command::new(&stage).saying(r#"{"userId":"planted"}"#);
    assert!(problem(&stage, &backend, &foreign, 403).get("errors").is_none());
    assert_eq!(stage.partner.progress().bytes, 0);
}

#[test]
fn a_body_is_not_waited_for_before_its_sender_is_known() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    let backend = stage.backend(gateway.address);
    let good = Command::new(&stage);
    let login = stage.login.mint(&stage.claims_of(&stage.login)).unwrap();
    let mut asked = Vec::new();
    for (command, status) in [
        (Command { token: None, ..good.clone() }, 401),
        (good.clone().bearing("a.b.c".into()), 401),
        (good.clone().bearing(login), 403),
        (Command { time: Some("yesterday".into()), ..good.clone() }, 400),
        (good.clone().to("/v1/nothing"), 404),
    ] {
        for expects in ["Expect: 100-continue\r\n", ""] {
            let mut head = format!("POST {} HTTP/1.1\r\nHost: {AUTHORITY}\r\n", command.target);
            for (name, value) in command.fields() {
                head.push_str(&format!("{name}: {value}\r\n"));
            }
            // The body never comes: who waited for it would say 408, and who asked for it 100.
            head.push_str(&format!("{expects}Content-Length: 50\r\n\r\n"));
            let backend = backend.clone();
            let said = stage.beside(async move {
                let mut connection = backend.connect().await.unwrap();
                connection.send(head.as_bytes()).await.unwrap();
                String::from_utf8(connection.rest().await.unwrap()).unwrap()
            });
            asked.push((status, said));
        }
    }
    for (status, said) in asked {
        let said = stage.wait(said).unwrap();
        assert!(said.starts_with(&format!("HTTP/1.1 {status} ")) && !said.contains("HTTP/1.1 100"), "{status}: {said}");
    }
    assert_eq!(stage.partner.progress().bytes, 0);
}

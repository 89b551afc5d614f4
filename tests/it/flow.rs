//! The flow: one command opens one door.

use crate::harness::Command;
use crate::harness::Served;
use crate::harness::Stage;
use portcullis::devkit::AUTHORITY;
use portcullis::gateway::Ended;
use serde_json::json;

#[test]
fn a_command_opens_its_door_once_and_is_on_record_before_and_after() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    let backend = stage.backend(gateway.address);

    let answer = stage.wait(Command::new(&stage).give(&backend)).unwrap();

    assert_eq!(answer.status, 200, "{}", answer.text());
    let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!((&body["status"], &body["userId"]), (&json!("opened"), &json!("resident-ivanov")), "turned back");
    assert_eq!((stage.partner.actuations("house-1", "door-1"), stage.partner.total_actuations()), (1, 1));
    let receipt = answer.header("receipt-id").unwrap().to_owned();
    assert_eq!(gateway.shutdown(), Ended::InOrder);
    let records = stage.records();
    let kinds: Vec<_> = records.iter().map(|record| record.text("kind")).collect();
    assert_eq!(kinds, ["start", "bundle", "intent", "outcome", "stop"]);
    let (intent, outcome) = (&records[2], &records[3]);
    assert_eq!((intent.text("receipt"), outcome.text("receipt")), (receipt.as_str(), receipt.as_str()));
    assert_eq!(intent.get("decision")["policies"], json!(["open-granted-door"]));
    assert_eq!(outcome.text("state"), "done");
    let inputs = intent.get("decision")["inputs"].as_object().unwrap();
    assert!(inputs.contains_key("ageSeconds") && !inputs.contains_key("scopes"), "only what the policies read");
}

#[test]
fn no_person_and_no_token_reaches_the_partner_or_the_record() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    let command = Command::new(&stage);
    let answer = stage.wait(command.give(&stage.backend(gateway.address))).unwrap();
    assert_eq!(answer.status, 200);
    let metrics = gateway.metrics();
    drop(gateway);

    let sent: Vec<u8> = stage.partner.raw().into_iter().flat_map(|connection| connection.bytes).collect();
    let sent = String::from_utf8_lossy(&sent).into_owned();
    assert!(sent.contains("\"userId\":\"p1."), "the user is a pseudonym: {sent}");
    let recorded: String = stage.records().iter().map(|record| record.0.to_string()).collect();
    let token = command.token.unwrap();
    for canary in ["ivanov", "phone-of", "session-of", &token] {
        for (place, text) in [("partner", &sent), ("record", &recorded), ("metrics", &metrics)] {
            assert!(!text.contains(canary), "the {place} shows `{canary}`");
        }
    }
}

#[test]
fn one_connection_carries_many_commands_and_a_body_in_chunks() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    let backend = stage.backend(gateway.address);
    stage.wait(async {
        let mut connection = backend.connect().await.unwrap();
        for _ in 0..3 {
            let command = Command::new(&stage);
            let fields = command.fields();
            let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            let answer = connection.call("POST", &command.target, &fields, &command.body).await.unwrap();
            assert_eq!(answer.status, 200, "{}", answer.text());
        }
        let command = Command::new(&stage);
        let mut head = format!("POST {} HTTP/1.1\r\nHost: {}\r\n", command.target, AUTHORITY);
        for (name, value) in command.fields() {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("Transfer-Encoding: chunked\r\n\r\n");
        connection.send(head.as_bytes()).await.unwrap();
        let (first, second) = command.body.split_at(10);
        for piece in [first, second] {
            let chunk = [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat();
            connection.send(&chunk).await.unwrap();
        }
        connection.send(b"0\r\n\r\n").await.unwrap();
        assert_eq!(connection.answer().await.unwrap().status, 200);
    });
    assert_eq!(stage.partner.total_actuations(), 4);
}

#[test]
fn the_same_key_gets_the_same_answer_and_moves_nothing_more() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    let backend = stage.backend(gateway.address);
    let command = Command::new(&stage);
    let first = stage.wait(command.give(&backend)).unwrap();
    let again = stage.wait(command.give(&backend)).unwrap();
    assert_eq!((first.status, &first.body), (again.status, &again.body));
    let other = command.clone().saying(r#"{"userId":"resident-ivanov"}"#);
    assert_eq!(stage.wait(other.give(&backend)).unwrap().status, 422, "another body under the same key");
    assert_eq!(stage.partner.total_actuations(), 1);
}

#[test]
fn a_role_that_the_constants_place_in_another_has_its_rights_and_without_them_has_not() {
    for (constants, status) in [(None, 200), (Some("[]"), 404)] {
        let stage = Stage::new();
        if let Some(constants) = constants {
            std::fs::write(stage.path("policies/cedar/constants.json"), constants).unwrap();
        }
        let gateway = Served::on(&stage);
        let concierge = stage.claims().with("roles", vec!["concierge".into()]);
        let command = Command::new(&stage).bearing(stage.sessions.mint(&concierge).unwrap());
        let told = command.told(&stage, gateway.address);
        assert_eq!((told.0, stage.partner.total_actuations()), (status, u64::from(status == 200)));
    }
}

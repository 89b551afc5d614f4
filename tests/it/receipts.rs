//! `GET /-/receipts/{id}`: what became of a command, told to the peer that gave it and to nobody else, also after a restart
//! and after a kill.

use crate::harness::Command;
use crate::harness::Event;
use crate::harness::Inbound;
use crate::harness::Process;
use crate::harness::Scene;
use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::fresh_key;
use crate::harness::now;
use portcullis::devkit::Backend;
use portcullis::devkit::BackendAnswer;
use portcullis::devkit::Leaf;
use portcullis::devkit::Misbehaviour;
use portcullis::devkit::Validity;
use serde_json::Value;
use std::net::SocketAddr;

/// Asks about a receipt.
fn asked(stage: &Stage, backend: &Backend, receipt: &str) -> BackendAnswer {
    let answer = stage.wait(backend.call("GET", &format!("/-/receipts/{receipt}"), &[], b"")).unwrap();
    Command::new(stage).examine(&answer);
    answer
}

/// What is told of a receipt: state and reason.
fn state(stage: &Stage, gateway: SocketAddr, receipt: &str) -> (String, String) {
    let answer = asked(stage, &stage.backend(gateway), receipt);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let told: Value = serde_json::from_slice(&answer.body).unwrap();
    let text = |name: &str| told[name].as_str().unwrap_or_default().to_owned();
    assert_eq!(text("receipt"), receipt);
    assert_eq!(text("recorded").len(), "2026-01-01T00:00:00.000Z".len());
    let ended = text("state") != "running";
    assert_eq!((text("ended").is_empty(), text("reason").is_empty()), (!ended, !ended), "{told}");
    assert!(text("ended") >= text("recorded") || !ended, "{told}");
    let names: Vec<_> = told.as_object().unwrap().keys().map(String::as_str).collect();
    let known = ["receipt", "state", "reason", "recorded", "ended", "settled"];
    assert!(names.iter().all(|name| known.contains(name)), "nothing else is told: {told}");
    (text("state"), text("reason"))
}

fn given(stage: &Stage, gateway: SocketAddr, command: &Command) -> (u16, String) {
    let answer = stage.wait(command.give(&stage.backend(gateway))).unwrap();
    (answer.status, answer.header("receipt-id").unwrap().to_owned())
}

#[test]
fn a_receipt_tells_how_its_command_ended_and_tells_it_again_after_a_restart() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    let mut told = Vec::new();
    let mut note = |status, receipt: String, state: &str, reason: &str, gateway: SocketAddr| {
        assert_eq!(
            crate::receipts::state(&stage, gateway, &receipt),
            (state.to_owned(), reason.to_owned()),
            "{status}"
        );
        told.push((receipt, state.to_owned(), reason.to_owned()));
    };
    let (status, done) = given(&stage, gateway.address, &Command::new(&stage));
    assert_eq!(status, 200);
    note(status, done, "done", "done", gateway.address);
    stage.partner.behave(Misbehaviour::FullProfile);
    let (status, unknown) = given(&stage, gateway.address, &Command::new(&stage));
    assert_eq!(status, 502);
    note(status, unknown, "unknown", "answer-undeclared", gateway.address);
    stage.partner.behave_well();
    drop(gateway);

    // A partner that is not there: nothing is sent.
    let address = stage.partner.address().to_string();
    stage.edit("gateway.yaml", &format!("https://{address}"), "https://127.0.0.1:1");
    let gateway = Served::on(&stage);
    let (status, unsent) = given(&stage, gateway.address, &Command::new(&stage));
    assert_eq!(status, 502);
    note(status, unsent, "not-sent", "partner-unreachable", gateway.address);
    for (receipt, state, reason) in &told {
        assert_eq!(crate::receipts::state(&stage, gateway.address, receipt), (state.clone(), reason.clone()));
    }
    let kinds: Vec<_> = stage.records().iter().map(|record| record.text("kind").to_owned()).collect();
    assert_eq!(kinds.iter().filter(|kind| *kind == "receipt").count(), 6, "who asks is on record");
}

#[test]
fn a_command_that_runs_is_told_to_run_and_after_a_kill_to_be_unknown() {
    let stage = Stage::new();
    stage.partner.behave(Misbehaviour::HangBeforeAnswer);
    let process = Process::on(&stage);
    let call = Command::new(&stage).begin(&stage, process.address);
    stage.partner_until(|partner| partner.hanging == 1);
    let records = stage.records();
    let receipt = records.iter().find(|record| record.text("kind") == "intent").unwrap().text("receipt").to_owned();
    assert_eq!(state(&stage, process.address, &receipt), ("running".to_owned(), String::new()));
    process.kill();
    call.lost();
    stage.partner.behave_well();
    for _ in 0..2 {
        let process = Process::on(&stage);
        let unknown = ("unknown".to_owned(), "outcome-unknown".to_owned());
        assert_eq!(state(&stage, process.address, &receipt), unknown);
        process.kill();
    }
}

#[test]
fn a_withdrawn_command_is_told_to_be_withdrawn() {
    let stage = Stage::new();
    stage.limit("connect_timeout_ms: 30s");
    let gateway = Served::on(&stage);
    stage.partner.behave(Misbehaviour::HangInHandshake);
    let call = Command::new(&stage).begin(&stage, gateway.address);
    stage.partner_until(|partner| partner.hanging == 1);
    let order = br#"{"kind":"device","value":"phone-of-ivanov"}"#;
    let fields = [("Content-Type", "application/json")];
    let revoked = stage.wait(stage.backend(gateway.address).call("POST", "/-/revocations", &fields, order)).unwrap();
    assert_eq!(revoked.status, 200);
    stage.partner.release();
    let receipt = call.answer().header("receipt-id").unwrap().to_owned();
    assert_eq!(state(&stage, gateway.address, &receipt), ("withdrawn".to_owned(), "withdrawn".to_owned()));
}

#[test]
fn anothers_receipt_and_one_that_is_not_there_are_the_same_answer_after_the_same_steps() {
    let scene = Scene::new();
    let stage = &scene.stage;
    let leaf = Leaf::client("spiffe://prop.example/somebody", Validity::a_day_from(now()));
    let somebody = stage.pki.backend_authority.issue(&leaf).unwrap().identity().unwrap();
    let somebody = stage.backend_as(scene.gateway.address, Some(&somebody));
    let (_, own) = given(stage, scene.gateway.address, &scene.command());
    let refusal = scene.refuses(&Command { token: None, ..scene.command() }, 401, "token-missing");
    let nobodys = "r-aaaaaaaaaaaaaaaaaaaaaaaaab";
    let mut bodies = Vec::new();
    for (backend, receipt) in [
        (&somebody, own.as_str()),
        (&somebody, nobodys),
        (&scene.backend, nobodys),
        // A refusal has no state: nothing was sent, and its answer said so.
        (&scene.backend, &refusal),
        (&scene.backend, "r-none"),
        (&scene.backend, ""),
        (&scene.backend, "r-aaaaaaaaaaaaaaaaaaaaaaaaaa"),
    ] {
        let answer = asked(stage, backend, receipt);
        assert_eq!(answer.status, 404, "{receipt}");
        let told = answer.header("receipt-id").unwrap();
        let record = scene.record(told);
        assert_eq!((record.text("reason"), record.text("kind")), ("receipt-unknown", "refusal"), "{receipt}");
        bodies.push(answer.text().replace(told, ""));
    }
    assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]), "{bodies:?}");
    assert_eq!(state(stage, scene.gateway.address, &own).0, "done", "its own peer still learns it");
    scene.notes();
    scene.passes();
}

#[test]
fn a_receipt_is_asked_for_by_get_with_nothing_else() {
    let scene = Scene::new();
    let (_, receipt) = given(&scene.stage, scene.gateway.address, &scene.command());
    let path = format!("/-/receipts/{receipt}");
    for (method, target, body, status) in [
        ("POST", path.clone(), &b"{}"[..], 405),
        ("GET", format!("{path}?more=1"), b"", 400),
        ("GET", path.clone(), b"{}", 400),
        ("GET", format!("{path}/"), b"", 404),
        ("GET", path.to_uppercase(), b"", 404),
    ] {
        let answer = scene.stage.wait(scene.backend.call(method, &target, &[], body)).unwrap();
        assert_eq!(answer.status, status, "{method} {target}");
    }
}

/// The only intent on record, and the `jti` of its token.
fn intent(stage: &Stage) -> (String, String) {
    let records = stage.records();
    let intent = records.iter().rfind(|record| record.text("kind") == "intent").unwrap();
    (intent.text("receipt").to_owned(), intent.text("token").to_owned())
}

/// An event of the partner about the door, naming this token.
fn about(inbound: &Inbound, kind: &str, token: &str) -> Event {
    let more = if kind == "access.refused" { r#","reason":"no-grant""# } else { r#","fault":"blocked""# };
    let data = format!(r#"{{"houseId":"house-1","doorId":"door-1","tokenId":"{token}"{more}}}"#);
    inbound.event(kind, &data)
}

#[test]
fn an_unknown_outcome_is_settled_by_the_event_that_names_the_commands_token_and_by_the_first_alone() {
    let inbound = Inbound::new();
    let gateway = Served::on(&inbound);
    let caller = inbound.caller(gateway.partners);
    let sent = |event: &Event| assert_eq!(inbound.wait(event.send(&caller)).unwrap().status, 204, "{}", event.body);
    let person = inbound.pseudonym(&gateway);
    inbound.partner.behave(Misbehaviour::FullProfile);
    let (status, receipt) = given(&inbound, gateway.address, &Command::new(&inbound).under(&fresh_key()));
    assert_eq!(status, 502);
    let unknown = ("unknown".to_owned(), "answer-undeclared".to_owned());
    assert_eq!(state(&inbound, gateway.address, &receipt), unknown);
    let (_, token) = intent(&inbound);
    // Another token, and an event that does not say what became of it.
    let other =
        if token.starts_with('A') { token.replacen('A', "B", 1) } else { format!("A{}", token.get(1..).unwrap()) };
    sent(&about(&inbound, "access.refused", &other));
    sent(&about(&inbound, "access.failed", &token));
    assert_eq!(state(&inbound, gateway.address, &receipt), unknown);
    let data = format!(r#"{{"houseId":"house-1","doorId":"door-1","userId":"{person}","tokenId":"{token}"}}"#);
    sent(&inbound.event("access.granted", &data));
    let settled = ("done".to_owned(), "answer-undeclared".to_owned());
    assert_eq!(state(&inbound, gateway.address, &receipt), settled);
    sent(&about(&inbound, "access.refused", &token));
    assert_eq!(state(&inbound, gateway.address, &receipt), settled, "who tells first is believed");
    let records = inbound.records();
    let told: Vec<_> = records.iter().filter(|record| record.text("command") == receipt).collect();
    assert_eq!(told.iter().map(|record| record.text("told")).collect::<Vec<_>>(), ["", "done", "refused"]);
    assert!(told.iter().all(|record| record.text("kind") == "event" && record.text("partner") == "smarthome"));
    let found =
        portcullis::audit::find(&inbound.path("state/audit"), portcullis::model::Receipt::parse(&receipt).unwrap())
            .unwrap()
            .records;
    let kinds: Vec<_> = found.iter().map(portcullis::audit::FoundRecord::kind).collect();
    assert_eq!(kinds, ["intent", "outcome", "event", "event", "event"], "one look at the receipt finds them");
    drop(gateway);
    let gateway = Served::on(&inbound);
    assert_eq!(state(&inbound, gateway.address, &receipt), settled, "after a restart");
}

#[test]
fn an_event_that_comes_before_the_outcome_is_unknown_settles_it_also_over_a_kill() {
    let inbound = Inbound::new();
    inbound.partner.behave(Misbehaviour::HangBeforeAnswer);
    let process = Process::on(&inbound);
    let call = Command::new(&inbound).begin(&inbound, process.address);
    inbound.partner_until(|partner| partner.hanging == 1);
    let (receipt, token) = intent(&inbound);
    let caller = inbound.caller(process.partners);
    let told = inbound.wait(about(&inbound, "access.refused", &token).send(&caller)).unwrap();
    assert_eq!(told.status, 204);
    assert_eq!(state(&inbound, process.address, &receipt).0, "running", "the outcome is still to come");
    process.kill();
    call.lost();
    inbound.partner.behave_well();
    let process = Process::on(&inbound);
    assert_eq!(state(&inbound, process.address, &receipt), ("refused".to_owned(), "outcome-unknown".to_owned()));
}

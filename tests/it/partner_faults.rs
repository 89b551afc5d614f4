//! A partner that misbehaves: the caller is told the truth, the record says what happened, and no command moves a door
//! twice.

use crate::harness::Command;
use crate::harness::Record;
use crate::harness::Scene;
use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::fresh_key;
use portcullis::devkit::Backend;
use portcullis::devkit::Misbehaviour;
use portcullis::gateway::Ended;
use std::time::Duration;

/// The outcome on record of the exchange with this receipt.
#[track_caller]
fn outcome(stage: &Stage, receipt: &str) -> Record {
    let records = stage.records();
    let outcome = |record: &Record| record.text("receipt") == receipt && record.text("kind") == "outcome";
    records.into_iter().find(outcome).expect("the outcome is on record")
}

/// Gives a good command and tells status, state, and detail on record.
#[track_caller]
fn given(stage: &Stage, backend: &Backend, command: &Command) -> (u16, String, String) {
    let answer = stage.wait(command.give(backend)).unwrap();
    assert!(!answer.text().contains("canary"), "what the contract does not declare crossed: {}", answer.text());
    let outcome = outcome(stage, answer.header("receipt-id").unwrap());
    (answer.status, outcome.text("state").to_owned(), outcome.text("detail").to_owned())
}

#[test]
fn an_answer_that_the_contract_does_not_declare_is_a_neutral_502_and_the_record_says_what() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    let backend = stage.backend(gateway.address);
    for (misbehaviour, detail) in [
        (Misbehaviour::FullProfile, "body"),
        (Misbehaviour::WrongMediaType, "media-type-not-declared"),
        (Misbehaviour::UndeclaredStatus, "status-not-declared"),
        (Misbehaviour::Redirect, "status-not-declared"),
        (Misbehaviour::ForeignPseudonym, "foreign-pseudonym"),
    ] {
        stage.partner.behave(misbehaviour);
        let (status, state, said) = given(&stage, &backend, &Command::new(&stage));
        assert_eq!((status, state.as_str()), (502, "unknown"), "{misbehaviour:?}");
        assert!(said.starts_with(detail), "{misbehaviour:?}: {said}");
    }
    stage.partner.behave_well();
    assert_eq!(given(&stage, &backend, &Command::new(&stage)).0, 200);
}

#[test]
fn after_an_answer_that_is_not_valid_the_next_command_comes_over_a_new_connection() {
    let scene = Scene::new();
    let partner = &scene.stage.partner;
    let mut connections = partner.progress().connections;
    for misbehaviour in [
        Misbehaviour::FullProfile,
        Misbehaviour::WrongMediaType,
        Misbehaviour::UndeclaredStatus,
        Misbehaviour::ForeignPseudonym,
        Misbehaviour::SecondAnswer,
    ] {
        partner.behave(misbehaviour);
        assert!(given(&scene.stage, &scene.backend, &scene.command()).0 >= 500);
        assert_eq!(partner.progress().connections, connections, "{misbehaviour:?}");
        partner.behave_well();
        assert_eq!(given(&scene.stage, &scene.backend, &scene.command()).0, 200);
        connections += 1;
        assert_eq!(partner.progress().connections, connections, "{misbehaviour:?}");
    }
    // Refused as the contract declares is valid, too: the connection goes on.
    partner.block("house-1", "door-1");
    assert_eq!(given(&scene.stage, &scene.backend, &scene.command()).0, 409);
    assert_eq!(given(&scene.stage, &scene.backend, &scene.command()).0, 409);
    assert_eq!(partner.progress().connections, connections);
}

#[test]
fn cookies_and_locations_of_the_partner_never_cross() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    stage.partner.behave(Misbehaviour::SetCookie);
    // The client fails on any field that it does not know.
    assert_eq!(given(&stage, &stage.backend(gateway.address), &Command::new(&stage)).0, 200);
}

#[test]
fn where_no_valid_answer_came_the_outcome_is_unknown_and_stays_so() {
    let stage = Stage::new();
    stage.limit("exchange_timeout_ms: 500ms");
    let gateway = Served::on(&stage);
    let backend = stage.backend(gateway.address);
    for (misbehaviour, detail) in [
        (Misbehaviour::HangBeforeAnswer, "timeout"),
        (Misbehaviour::SlowDrip { every: Duration::from_secs(3600) }, "timeout"),
        (Misbehaviour::CloseWithoutAnswer, "answer-broke-off"),
        (Misbehaviour::Oversized { bytes: 2 * 1024 * 1024 }, "answer-too-large"),
        (Misbehaviour::SecondAnswer, "excess"),
        (Misbehaviour::InterimFlood { count: 100 }, "interim"),
        (Misbehaviour::SwitchingProtocols, "interim"),
        (Misbehaviour::Trailers, "framing"),
        (Misbehaviour::ChunkedGarbage, "framing"),
    ] {
        let requests = stage.partner.progress().requests;
        stage.partner.behave(misbehaviour);
        let command = Command::new(&stage);
        let (status, state, said) = given(&stage, &backend, &command);
        assert_eq!((status, state.as_str(), said.as_str()), (504, "unknown", detail), "{misbehaviour:?}");
        let moved = stage.partner.total_actuations();
        stage.partner.behave_well();
        stage.partner.release();
        let again = stage.wait(command.give(&backend)).unwrap();
        assert_eq!(again.status, 504, "{misbehaviour:?}: the same key is unknown again");
        assert_eq!(stage.partner.total_actuations(), moved, "{misbehaviour:?}: and moves nothing");
        assert_eq!(stage.partner.progress().requests, requests + 1, "{misbehaviour:?}: it was sent once");
    }
    assert!(stage.partner.refusals().is_empty(), "no token came twice");
    assert_eq!(given(&stage, &backend, &Command::new(&stage)).0, 200, "the pool is clean");
}

#[test]
fn a_partner_that_is_down_has_received_nothing_and_the_caller_is_told_so() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    let backend = stage.backend(gateway.address);
    stage.wait(stage.partner.stop());
    let command = Command::new(&stage);
    let (status, state, said) = given(&stage, &backend, &command);
    assert_eq!((status, state.as_str(), said.as_str()), (502, "not-sent", "refused"));
    let again = stage.wait(command.give(&backend)).unwrap();
    assert_eq!(again.status, 502, "and told so again under the same key");
}

#[test]
fn a_partner_that_hangs_in_its_handshake_has_received_nothing() {
    let stage = Stage::new();
    stage.limit("connect_timeout_ms: 300ms");
    let gateway = Served::on(&stage);
    stage.partner.behave(Misbehaviour::HangInHandshake);
    let (status, state, said) = given(&stage, &stage.backend(gateway.address), &Command::new(&stage));
    assert_eq!((status, state.as_str(), said.as_str()), (502, "not-sent", "connect-timeout"));
    assert_eq!(stage.partner.progress().bytes, 0);
}

#[test]
fn a_pooled_connection_that_the_partner_closed_is_replaced_before_a_byte_leaves() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    let backend = stage.backend(gateway.address);
    stage.partner.behave(Misbehaviour::ClosesIdle);
    for number in 1..=20 {
        let ended = stage.partner.progress().ended;
        assert_eq!(given(&stage, &backend, &Command::new(&stage)).0, 200, "command {number}");
        stage.wait(stage.partner.until(move |progress| progress.ended > ended));
    }
    assert_eq!(stage.partner.total_actuations(), 20);
}

#[test]
fn a_partner_that_resets_at_any_byte_is_never_told_twice() {
    const RUNS: usize = 1_000;
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    let backend = stage.backend(gateway.address);
    let token = stage.sessions.mint(&stage.claims()).unwrap();
    let command = || Command::new(&stage).bearing(token.clone()).under(&fresh_key());
    assert_eq!(given(&stage, &backend, &command()).0, 200);
    let length: usize = stage.partner.raw().iter().map(|log| log.bytes.len() + log.answered.len()).sum();
    let runs = RUNS.max(length + 1);
    let mut unknown = 0;
    for byte in (0..=length).cycle().take(runs) {
        let (before, received) = (stage.partner.progress(), stage.partner.received());
        stage.partner.behave(Misbehaviour::ResetAt { byte });
        let command = command();
        let first = stage.wait(command.give(&backend)).unwrap();
        stage.partner.behave_well();
        let again = stage.wait(command.give(&backend)).unwrap();
        assert_eq!(first.status, again.status, "reset at byte {byte}");
        assert!(matches!(first.status, 200 | 502 | 504), "reset at byte {byte}: {}", first.text());
        let after = stage.partner.progress();
        let (requests, moved) = (after.requests - before.requests, after.actuations - before.actuations);
        assert!(moved <= requests && requests <= 1, "reset at byte {byte}: {requests} requests, {moved} moves");
        assert!(first.status != 200 || moved == 1, "opened is what the partner confirmed");
        // A command that is begun anew after a reset would come on another connection, as far as it came.
        let grew = |(number, bytes): &(usize, usize)| *bytes > received.get(*number).copied().unwrap_or(0);
        let grown = stage.partner.received().into_iter().enumerate().filter(grew).count();
        assert!(grown <= 1, "reset at byte {byte}: bytes of one command on {grown} connections");
        unknown += usize::from(first.status == 504);
    }
    assert!(unknown > runs / 2, "the resets strike: {unknown} of {runs}");
    assert!(stage.partner.refusals().is_empty(), "no token came twice: {:?}", stage.partner.refusals());
}

#[test]
fn a_caller_who_hangs_up_after_the_intent_loses_the_answer_and_not_the_outcome() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    let backend = stage.backend(gateway.address);
    stage.partner.behave(Misbehaviour::HangBeforeAnswer);
    let command = Command::new(&stage);
    stage.wait(async {
        let mut connection = backend.connect().await.unwrap();
        let fields = command.fields();
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let request = connection.request(command.method, &command.target, &fields, &command.body);
        connection.send(&request).await.unwrap();
        stage.partner.until(|progress| progress.hanging == 1).await;
    });
    stage.partner.behave_well();
    stage.partner.release();
    let again = stage.wait(async {
        loop {
            let answer = command.give(&backend).await.unwrap();
            if answer.status != 409 {
                return answer;
            }
        }
    });
    assert_eq!(
        (again.status, stage.partner.total_actuations()),
        (200, 1),
        "the recorded answer, and no second opening"
    );
    assert_eq!(gateway.shutdown(), Ended::InOrder);
    let outcomes = stage.records().into_iter().filter(|record| record.text("kind") == "outcome").count();
    assert_eq!(outcomes, 1);
}

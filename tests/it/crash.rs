//! kill -9, and what the next start makes of it: nothing moves twice, and nothing that was answered is forgotten.

use crate::harness::Command;
use crate::harness::Process;
use crate::harness::Stage;
use portcullis::devkit::Misbehaviour;

#[test]
fn a_command_that_was_under_way_is_unknown_after_a_kill_and_never_sent_again() {
    let stage = Stage::new();
    stage.partner.behave(Misbehaviour::HangBeforeAnswer);
    let process = Process::on(&stage);
    let command = Command::new(&stage);
    let call = command.begin(&stage, process.address);
    stage.partner_until(|partner| partner.hanging == 1);
    process.kill();
    call.lost();
    assert_eq!(stage.story(), ["intent"]);

    stage.partner.behave_well();
    let process = Process::on(&stage);
    assert_eq!(stage.story(), ["intent", "outcome unknown outcome-unknown"], "recovery says so before it serves");
    command.again().told(&stage, process.address).is(504, "outcome-unknown");
    assert_eq!((stage.partner.total_actuations(), stage.partner.progress().requests), (1, 1), "sent before the kill");
    process.kill();

    let process = Process::on(&stage);
    command.again().told(&stage, process.address).is(504, "outcome-unknown");
    Command::new(&stage).told(&stage, process.address).is(200, "");
    assert_eq!(stage.partner.total_actuations(), 2, "another command is another matter");
}

#[test]
fn an_answer_that_was_recorded_is_given_again_after_a_kill() {
    let stage = Stage::new();
    let process = Process::on(&stage);
    let command = Command::new(&stage);
    let first = command.begin(&stage, process.address).answer();
    assert_eq!(first.status, 200);
    process.kill();

    let process = Process::on(&stage);
    let again = command.again().begin(&stage, process.address).answer();
    assert_eq!((again.status, &again.body), (200, &first.body));
    assert_ne!(again.header("receipt-id"), first.header("receipt-id"), "each answer has a receipt of its own");
    assert_eq!((stage.partner.total_actuations(), stage.partner.progress().requests), (1, 1));
    assert_eq!(stage.story().last().unwrap(), "repeat idempotency-replayed");
    let other = r#"{"userId":"resident-ivanov"}"#;
    command.again().saying(other).told(&stage, process.address).is(422, "idempotency-key-reused");
}

//! A command under an idempotency key whose first command still runs: it is told so, and the partner hears of it once.

use crate::harness::Command;
use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::fresh_key;
use portcullis::devkit::Misbehaviour;
use portcullis::gateway::Ended;

#[test]
fn a_key_whose_command_still_runs_is_in_progress_and_another_body_under_it_never_goes() {
    let stage = Stage::new();
    stage.limit("exchange_timeout_ms: 30s");
    let gateway = Served::on(&stage);
    stage.partner.behave(Misbehaviour::HangBeforeAnswer);
    let command = Command::new(&stage);
    let first = command.begin(&stage, gateway.address);
    stage.partner_until(|partner| partner.hanging == 1);

    command.again().told(&stage, gateway.address).is(409, "in-progress");
    let other = command.again().saying(r#"{"userId":"resident-ivanov"}"#);
    other.told(&stage, gateway.address).is(422, "idempotency-key-reused");
    let elsewhere = command.again().to("/v1/houses/house-1/doors/door-1/open");
    elsewhere.told(&stage, gateway.address).is(422, "idempotency-key-reused");
    assert_eq!(stage.partner.progress().requests, 1, "while it runs");

    stage.partner.behave_well();
    stage.partner.release();
    first.told().is(200, "");
    command.again().told(&stage, gateway.address).is(200, "");
    other.again().told(&stage, gateway.address).is(422, "idempotency-key-reused");
    assert_eq!((stage.partner.progress().requests, stage.partner.total_actuations()), (1, 1));
    assert!(stage.partner.refusals().is_empty());

    // The key was never lost to those who were turned away, and another key is another command.
    command.again().under(&fresh_key()).told(&stage, gateway.address).is(200, "");
    assert_eq!(stage.partner.progress().requests, 2);
    assert_eq!(gateway.shutdown(), Ended::InOrder);
    let story = stage.story();
    let count = |what: &str| story.iter().filter(|told| told.as_str() == what).count();
    assert_eq!(count("refusal idempotency-in-progress"), 1, "{story:?}");
    assert_eq!(count("refusal idempotency-key-reused"), 3, "{story:?}");
    assert_eq!((count("intent"), count("outcome done done")), (2, 2), "{story:?}");
}

//! A wall clock that shows less than it has shown before: found at a start, by the log and by the store, and while the gateway
//! runs. Nothing moves and no token is given out then; what reads goes on; and it ends by itself, or by a person.

use crate::harness::ByHand;
use crate::harness::Command;
use crate::harness::Exchange;
use crate::harness::Inbound;
use crate::harness::Record;
use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::TOKEN_PATH;
use crate::harness::told_by;
use crate::harness::until;
use portcullis::clock::Clock;
use portcullis::clock::UnixMillis;
use portcullis::devkit::BackendAnswer;
use portcullis::devkit::CLIENT_ID;
use portcullis::devkit::Misbehaviour;
use portcullis::devkit::NORTH;
use std::sync::Arc;
use std::time::Duration;

const MINUTE_MS: i64 = 60_000;

/// How the clock stands, as the log tells it, in order.
fn standings(records: &[Record]) -> Vec<String> {
    let standings =
        records.iter().filter(|record| record.text("kind") == "clock").map(|record| record.text("standing"));
    standings.filter(|standing| !standing.is_empty()).map(str::to_owned).collect()
}

fn by(stage: &Stage, clock: &Arc<ByHand>) -> Served {
    Served::by(stage, Arc::clone(clock) as Arc<dyn Clock>)
}

fn is_behind(gateway: &Served) -> bool {
    gateway.not_ready().contains("\"clock-behind\"")
}

#[test]
fn a_start_behind_the_last_record_moves_nothing_and_gives_no_token_until_time_has_caught_up() {
    let inbound = Inbound::new();
    let clock = Arc::new(ByHand::default());
    clock.set_by(10 * MINUTE_MS);
    // Ten minutes ahead, and not for long: the log alone knows.
    drop(by(&inbound, &clock));
    clock.set_by(-10 * MINUTE_MS);

    let gateway = by(&inbound, &clock);
    assert!(is_behind(&gateway), "{}", gateway.not_ready());
    let refused = |answer: BackendAnswer| {
        assert_eq!(answer.status, 503, "{}", answer.text());
        assert_eq!(answer.header("retry-after"), Some("30"));
        assert!(!answer.text().contains("clock"), "a stranger is not told: {}", answer.text());
        let receipt = answer.header("receipt-id").unwrap().to_owned();
        let record = inbound.records().into_iter().find(|record| record.text("receipt") == receipt).unwrap();
        assert_eq!(record.text("reason"), "clock");
    };
    let backend = inbound.backend(gateway.address);
    refused(inbound.wait(Command::new(&inbound).give(&backend)).unwrap());
    refused(inbound.wait(Exchange::new(&inbound).give(&backend)));
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    let body = format!("grant_type=client_credentials&scope=grants.read&client_id={CLIENT_ID}");
    let caller = inbound.caller(gateway.partners);
    refused(inbound.wait(caller.call("POST", TOKEN_PATH, &form, body.as_bytes())).unwrap());
    Command::errand(&inbound, &NORTH, "readDoor").told(&inbound, gateway.address).is(200, "");
    assert_eq!(inbound.partner.total_actuations(), 0);
    until("the gauge", || (1..=601).contains(&gateway.metric("portcullis_clock_behind_seconds")));

    clock.pass(Duration::from_secs(601));
    until("time to catch up", || gateway.not_ready().is_empty());
    until("the record of it", || standings(&inbound.records()) == ["behind", "caught-up"]);
    until("the gauge", || gateway.metric("portcullis_clock_behind_seconds") == 0);
}

#[test]
fn a_clock_that_is_set_back_withdraws_what_has_not_left() {
    let stage = Stage::new();
    stage.limit("connect_timeout_ms: 30s, record_timeout_ms: 10s");
    let clock = Arc::new(ByHand::default());
    let gateway = by(&stage, &clock);
    stage.partner.behave(Misbehaviour::HangInHandshake);
    let call = Command::new(&stage).begin(&stage, gateway.address);
    stage.partner_until(|partner| partner.hanging == 1);
    clock.set_by(-MINUTE_MS);
    stage.partner.behave_well();
    stage.partner.release();
    call.told().is(503, "unavailable");
    assert_eq!(stage.story()[..2], ["intent".to_owned(), "outcome withdrawn withdrawn clock-behind".to_owned()]);
    assert_eq!(stage.partner.total_actuations(), 0);
    until("the notice", || is_behind(&gateway));
    until("the record of it", || standings(&stage.records()) == ["behind"]);

    clock.set_by(MINUTE_MS);
    until("the end of it", || standings(&stage.records()) == ["behind", "caught-up"]);
    Command::new(&stage).told(&stage, gateway.address).is(200, "");
    assert_eq!(stage.partner.total_actuations(), 1);
}

#[test]
fn one_reading_from_the_far_future_holds_nothing_up() {
    let stage = Stage::new();
    let clock = Arc::new(ByHand::default());
    let gateway = by(&stage, &clock);
    clock.set_by(60 * MINUTE_MS);
    until("the step", || gateway.metric("portcullis_clock_steps_total{direction=\"forward\"}") == 1);
    Command::new(&stage).told(&stage, gateway.address).is(401, "unauthenticated");
    clock.set_by(-60 * MINUTE_MS);
    assert_eq!(gateway.not_ready(), "");
    Command::new(&stage).told(&stage, gateway.address).is(200, "");
}

#[test]
fn a_step_back_outlives_a_restart_until_a_person_accepts_the_clock() {
    let stage = Stage::new();
    let clock = Arc::new(ByHand::default());
    let gateway = by(&stage, &clock);
    let guard = |gateway: &Served| gateway.gate().core().guard.highest_time();
    // Time goes by until the store is given how far it has come.
    let before = guard(&gateway);
    clock.pass(Duration::from_secs(301));
    until("the clock to be looked at", || guard(&gateway) >= before.plus(301_000));
    let looked = guard(&gateway);
    until("another look, before which the store has it", || guard(&gateway) > looked);
    clock.set_by(-2 * MINUTE_MS);
    until("the record of it", || standings(&stage.records()) == ["behind"]);
    drop(gateway);
    let last = UnixMillis::parse(stage.records().last().unwrap().text("time")).unwrap();
    assert!(last.plus(60_000) < looked, "the log alone would let it pass");

    let gateway = by(&stage, &clock);
    assert!(is_behind(&gateway) && guard(&gateway) >= looked, "{}", gateway.not_ready());
    let accept = || told_by(&["store", "accept-clock", "--config", stage.path("gateway.yaml").to_str().unwrap()]);
    let (code, _, told) = accept();
    assert!(code == 2 && told.contains("in use by another process"), "{code} {told}");
    drop(gateway);

    // The machine's own clock is right: it was five minutes ahead, and the last record bears three of them.
    let (code, told, _) = accept();
    assert!(code == 0 && told.contains("accepted") && told.contains("the store knew"), "{code} {told}");
    for time in 1..=2 {
        let gateway = Served::on(&stage);
        assert_eq!(gateway.not_ready(), "");
        assert_eq!(standings(&stage.records()), ["behind", "behind", "accepted"], "once");
        Command::new(&stage).told(&stage, gateway.address).is(200, "");
        assert_eq!(stage.partner.total_actuations(), time);
        // The store takes it up with the first look.
        let looked = guard(&gateway);
        until("two looks", || time == 2 || guard(&gateway) > looked.plus(1_500));
    }
}

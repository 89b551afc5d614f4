//! Going down: nothing new is taken, what has an intent is awaited, and what is left is told.

use crate::harness::Command;
use crate::harness::Process;
use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::Trickle;
use crate::harness::ops_page;
use crate::harness::until;
use portcullis::clock::Clock;
use portcullis::clock::ManualClock;
use portcullis::clock::SystemClock;
use portcullis::devkit::BackendFault;
use portcullis::devkit::Misbehaviour;
use portcullis::gateway::Ended;
use std::io::ErrorKind;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

#[test]
fn sigterm_in_mid_request_awaits_answers_and_records_the_exchange() {
    let stage = Stage::new();
    stage.partner.behave(Misbehaviour::HangBeforeAnswer);
    let mut process = Process::on(&stage);
    let call = Command::new(&stage).begin(&stage, process.address);
    stage.partner_until(|partner| partner.hanging == 1);
    process.terminate();
    process.until("going down");
    let (status, ready) = ops_page(process.ops, "/readyz");
    assert!(status == 503 && ready.contains("shutting-down"), "{ready}");
    let backend = stage.backend(process.address);
    // What the system had taken for the gateway already is closed; then the port is.
    until("a closed port", || match stage.wait(backend.connect()) {
        Err(BackendFault::Connect(error)) => error.kind() == ErrorKind::ConnectionRefused,
        Ok(_) | Err(_) => false,
    });
    stage.partner.release();
    call.told().is(200, "");
    let (status, log) = process.ended();
    assert_eq!(status.code(), Some(0), "{}", log.join("\n"));
    assert_eq!(stage.partner.total_actuations(), 1);
    assert_eq!(stage.story(), ["intent", "outcome done done"]);
    assert_eq!(stage.records().last().unwrap().text("kind"), "stop");
}

#[test]
fn an_exchange_left_at_the_deadline_is_cut_off_told_and_recorded_as_unknown() {
    let stage = Stage::new();
    stage.limit("shutdown_timeout_ms: 100ms");
    stage.partner.behave(Misbehaviour::HangBeforeAnswer);
    let process = Process::on(&stage);
    let command = Command::new(&stage);
    let call = command.begin(&stage, process.address);
    stage.partner_until(|partner| partner.hanging == 1);
    process.terminate();
    let (status, log) = process.ended();
    assert_eq!(status.code(), Some(1), "{}", log.join("\n"));
    call.lost();
    assert_eq!(stage.story(), ["intent", "outcome unknown outcome-unknown"]);

    stage.partner.behave_well();
    let gateway = Served::on(&stage);
    command.again().told(&stage, gateway.address).is(504, "outcome-unknown");
    assert_eq!((stage.partner.total_actuations(), stage.partner.progress().requests), (1, 1));
}

#[test]
fn a_request_whose_body_still_comes_is_served_before_the_gateway_ends() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    let command = Trickle::begin(&stage, gateway.address, &Command::new(&stage));
    let ops = gateway.ops;
    thread::scope(|scope| {
        let ending = scope.spawn(|| gateway.shutdown());
        until("going down", || ops_page(ops, "/readyz").1.contains("shutting-down"));
        assert_eq!(command.finish().0, 200);
        assert_eq!(ending.join().unwrap(), Ended::InOrder);
    });
    assert_eq!(stage.story(), ["intent", "outcome done done"]);
}

#[test]
fn going_down_waits_for_an_exchange_whose_caller_has_gone() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    stage.partner.behave(Misbehaviour::HangBeforeAnswer);
    let call = Command::new(&stage).begin(&stage, gateway.address);
    stage.partner_until(|partner| partner.hanging == 1);
    call.hang_up();
    let ops = gateway.ops;
    thread::scope(|scope| {
        let ending = scope.spawn(|| gateway.shutdown());
        until("going down", || ops_page(ops, "/readyz").1.contains("shutting-down"));
        stage.partner.release();
        assert_eq!(ending.join().unwrap(), Ended::InOrder);
    });
    assert_eq!(stage.story(), ["intent", "outcome done done"]);
}

#[test]
fn readiness_fails_first_and_whoever_comes_in_the_lead_is_still_served() {
    let clock = Arc::new(ManualClock::new(SystemClock::new().now()));
    let stage = Stage::by(clock.clone());
    stage.limit("shutdown_lead_ms: 1m");
    let gateway = Served::by(&stage, clock.clone());
    let (address, ops) = (gateway.address, gateway.ops);
    thread::scope(|scope| {
        let ending = scope.spawn(|| gateway.shutdown());
        until("going down", || ops_page(ops, "/readyz").1.contains("shutting-down"));
        for _ in 0..3 {
            Command::new(&stage).told(&stage, address).is(200, "");
        }
        assert!(!ending.is_finished());
        clock.advance(Duration::from_secs(60));
        assert_eq!(ending.join().unwrap(), Ended::InOrder);
    });
    let Err(BackendFault::Connect(error)) = stage.wait(stage.backend(address).connect()) else { panic!("it is open") };
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
}

//! Nobody is kept waiting by a disk that hangs: the store's, the log's, and both at once. Whoever would have an effect is told
//! 503 while the disk still hangs: it goes on only when the test lets it, and nothing here lets it go before the answer.

use crate::harness::Command;
use crate::harness::Deeds;
use crate::harness::Inbound;
use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::until;
use rusqlite::Connection;
use std::sync::Arc;

/// Newcomers who come one after the other.
const NEWCOMERS: u32 = 3;

/// A command of somebody who was never here.
fn newcomer(stage: &Stage, number: u32) -> Command {
    let name = format!("newcomer-{number}");
    let token = stage.sessions.mint(&stage.claims().with("sub", name.as_str())).unwrap();
    Command::new(stage).bearing(token).saying(&format!(r#"{{"userId":"{name}","deviceId":"phone-of-ivanov"}}"#))
}

/// Sends one event over and over; each time it gives the status of the answer.
fn sends(inbound: &Inbound, gateway: &Served) -> impl Fn() -> u16 {
    let (event, caller) = (inbound.granted(&inbound.pseudonym(gateway)), inbound.caller(gateway.partners));
    move || inbound.wait(event.send(&caller)).unwrap().status
}

fn rows(stage: &Stage, table: &str) -> u32 {
    let store = Connection::open(stage.path("state/store.sqlite")).unwrap();
    store.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
}

#[test]
fn a_store_that_hangs_costs_a_newcomer_no_more_time_than_a_record_may_take_and_others_none() {
    let (stage, deeds) = (Stage::new(), Arc::new(Deeds::default()));
    let gateway = Served::on_disk(&stage, &deeds);
    Command::new(&stage).told(&stage, gateway.address).is(200, "");
    let (before, hanging) = (rows(&stage, "handle"), deeds.hang_store());
    let newcomers: Vec<Command> = (0..NEWCOMERS).map(|number| newcomer(&stage, number)).collect();
    for command in &newcomers {
        command.again().told(&stage, gateway.address).is(503, "unavailable");
    }
    hanging.until_it_hangs();
    Command::new(&stage).told(&stage, gateway.address).is(200, "");
    assert_eq!(rows(&stage, "handle"), before);
    hanging.release();
    until("their rows, although nobody waits for them", || rows(&stage, "handle") == before + NEWCOMERS);
    assert_eq!(stage.partner.total_actuations(), 2);
    for command in &newcomers {
        command.again().told(&stage, gateway.address).is(200, "");
    }
    assert_eq!(stage.partner.total_actuations(), 2 + u64::from(NEWCOMERS));
    drop(gateway);
    let refused = stage.story().into_iter().filter(|told| told == "refusal not-recordable").count();
    assert_eq!(refused, NEWCOMERS as usize, "each refusal is on record");
}

#[test]
fn a_store_that_hangs_keeps_no_event_waiting_and_it_is_taken_once_when_that_goes_on() {
    let (inbound, deeds) = (Inbound::new(), Arc::new(Deeds::default()));
    let gateway = Served::on_disk(&inbound, &deeds);
    let sent = sends(&inbound, &gateway);
    let hanging = deeds.hang_store();
    assert_eq!((sent(), sent()), (503, 503));
    hanging.until_it_hangs();
    hanging.release();
    assert_eq!((sent(), sent()), (204, 204));
    assert_eq!(rows(&inbound, "outbox"), 1);
}

#[test]
fn where_store_and_log_hang_at_once_a_command_and_an_event_are_refused_and_taken_when_they_go_on() {
    let (inbound, deeds) = (Inbound::new(), Arc::new(Deeds::default()));
    let gateway = Served::on_disk(&inbound, &deeds);
    let sent = sends(&inbound, &gateway);
    let (store, log) = (deeds.hang_store(), deeds.hang());
    let command = newcomer(&inbound, 0);
    command.again().told(&inbound, gateway.address).is(503, "unavailable");
    store.until_it_hangs();
    log.until_it_hangs();
    assert_eq!(sent(), 503);
    Command::new(&inbound).told(&inbound, gateway.address).is(503, "unavailable");
    store.release();
    // Still: the log hangs.
    assert_eq!(sent(), 503);
    command.again().told(&inbound, gateway.address).is(503, "unavailable");
    assert!(gateway.not_ready().contains("audit-overdue"));
    log.release();
    until("readiness", || gateway.not_ready().is_empty());
    command.again().told(&inbound, gateway.address).is(200, "");
    assert_eq!(sent(), 204);
    assert_eq!(inbound.partner.total_actuations(), 2);
    assert_eq!(rows(&inbound, "outbox"), 1, "of all that was sent of the event, one was taken");
}

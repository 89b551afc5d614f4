//! Syslog over TLS against a strict receiver that resets, hangs, and is not there.

use super::*;
use crate::harness::Served;
use portcullis::clock::Clock;
use portcullis::clock::ManualClock;
use portcullis::clock::SystemClock;
use portcullis::gateway::Ended;
use std::sync::Arc;
use std::time::Duration;

#[test]
fn every_record_comes_once_and_in_order_in_batches_that_carry_their_checkpoint() {
    let stage = Stage::new();
    let siem = Receiver::syslog(&stage);
    exporting(&stage, &[to_syslog("siem", siem.address, "rfc5424")]);
    let gateway = Served::on(&stage);
    commands(&stage, gateway.address, 20);
    caught_up(&stage, gateway.ops, "siem");
    let stand = stand(gateway.ops, "siem");
    assert_eq!(
        (stand["behind"].as_u64(), stand["lag_s"].as_u64(), stand["failures"].as_u64()),
        (Some(0), Some(0), Some(0))
    );
    assert_eq!(stand["kind"], "syslog");
    // What comes to the log until it is closed goes out before the end, as far as a checkpoint covers it; the rest after a start.
    assert_eq!(gateway.shutdown(), Ended::InOrder);
    let gateway = Served::on(&stage);
    commands(&stage, gateway.address, 1);
    caught_up(&stage, gateway.ops, "siem");
    let batches = batches_of_lots(&siem.lots());
    is_the_whole_log(&stage, &batches);
    assert_eq!(repeated(&batches), 0, "nothing failed");
    let taken = u64::try_from(leaves(&stage).len()).unwrap();
    assert!(gateway.metric("portcullis_export_records_total{destination=\"siem\"}") <= taken);
    assert_eq!(gateway.metric("portcullis_export_failures_total{destination=\"siem\"}"), 0);
    drop(gateway);
}

#[test]
fn what_a_receiver_did_not_read_to_its_end_comes_again_whole() {
    let stage = Stage::new();
    let siem = Receiver::syslog(&stage);
    exporting(&stage, &[to_syslog("siem", siem.address, "rfc5424")]);
    let clock = moving();
    siem.next(&[Deed::Reset(0), Deed::Reset(100), Deed::Reset(1)]);
    let gateway = Served::by(&stage, Arc::clone(&clock) as Arc<dyn Clock>);
    commands(&stage, gateway.address, 5);
    goes_on(&clock, &gateway, "everything comes", || siem.has_done_all() && is_caught_up(&stage, gateway.ops, "siem"));
    let batches = batches_of_lots(&siem.taken());
    is_the_whole_log(&stage, &batches);
    assert_eq!(repeated(&batches), 0, "what was reset was not taken");
    assert!(gateway.metric("portcullis_export_failures_total{destination=\"siem\"}") >= 3);
}

/// The clock stands still, so that no pause is over and only the lag that is told grows.
#[test]
fn while_a_receiver_hangs_the_gateway_serves_and_says_how_far_it_is_behind() {
    let stage = Stage::new();
    let siem = Receiver::syslog(&stage);
    let archive = to_file("archive", "state/archive.jsonl", "jsonl");
    exporting(&stage, &[to_syslog("siem", siem.address, "rfc5424"), archive]);
    let clock = moving();
    siem.next(&[Deed::Hang]);
    let gateway = Served::by(&stage, Arc::clone(&clock) as Arc<dyn Clock>);
    commands(&stage, gateway.address, 3);
    until("it hangs", || siem.has_done_all());
    commands(&stage, gateway.address, 3);
    caught_up(&stage, gateway.ops, "archive");
    let behind = gateway.metric("portcullis_export_lag_records{destination=\"siem\"}");
    until("the records behind are told", || {
        gateway.metric("portcullis_export_lag_records{destination=\"siem\"}") == leaves(&stage).len() as u64
    });
    assert!(behind <= leaves(&stage).len() as u64);
    // It is told once a second.
    until("none are behind in the archive", || {
        gateway.metric("portcullis_export_lag_records{destination=\"archive\"}") == 0
    });
    let lag = || gateway.metric("portcullis_export_lag_seconds{destination=\"siem\"}");
    let notice = || ops_page(gateway.ops, "/readyz").1.contains("exports-behind");
    let before = lag();
    assert!(!notice());
    clock.advance(Duration::from_secs(200));
    until("the lag rises", || lag() >= before + 200);
    clock.advance(Duration::from_secs(200));
    until("the notice", || notice() && lag() > 300);
    assert_eq!(gateway.metric("portcullis_ready"), 1, "it is no reason to take no requests");
    assert_eq!(ops_page(gateway.ops, "/readyz").0, 200);
    siem.release();
    goes_on(&clock, &gateway, "everything comes", || is_caught_up(&stage, gateway.ops, "siem"));
    until("the notice goes", || !notice() && lag() == 0);
    is_the_whole_log(&stage, &batches_of_lots(&siem.taken()));
}

#[test]
fn a_receiver_that_hangs_does_not_hold_up_the_end_and_one_that_is_not_there_no_start() {
    let stage = Stage::new();
    let siem = Receiver::syslog(&stage);
    let nobody = {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        socket.local_addr().unwrap()
    };
    let nobody = to_syslog("nobody", nobody, "ocsf").replace(", certificate: pki/export.pem, key: pki/export.key", "");
    exporting(&stage, &[to_syslog("siem", siem.address, "cef"), nobody]);
    siem.next(&[Deed::Hang]);
    let gateway = Served::on(&stage);
    commands(&stage, gateway.address, 2);
    until("it hangs", || siem.has_done_all());
    until("nobody is there", || stand(gateway.ops, "nobody")["last_failure"]["fault"] == "refused");
    assert_eq!(gateway.shutdown(), Ended::InOrder);
    assert!(!stage.path("state/audit/exports").exists(), "no place was kept for what nobody took");
}

#[test]
fn whom_the_pinned_authority_has_not_signed_or_another_name_gets_nothing() {
    let stage = Stage::new();
    let siem = Receiver::syslog(&stage);
    let good = to_syslog("siem", siem.address, "rfc5424");
    let other = good.replace("name: siem", "name: other").replace("partner.example", "other.example");
    let unsigned = good
        .replace("name: siem", "name: unsigned")
        .replace("ca: pki/partner-authority.pem", "ca: pki/gateway-authority.pem");
    let [other, unsigned] =
        [other, unsigned].map(|export| export.replace(", certificate: pki/export.pem, key: pki/export.key", ""));
    exporting(&stage, &[other, unsigned]);
    let gateway = Served::on(&stage);
    for name in ["other", "unsigned"] {
        until("the handshake fails", || stand(gateway.ops, name)["last_failure"]["fault"] == "handshake");
    }
    assert!(siem.lots().is_empty());
}

/// A clock that stands still until it is moved, at the time of the certificates.
pub(super) fn moving() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(SystemClock::new().now()))
}

/// Waits until it is so, and moves the clock over the longest pause whenever a batch has failed: pauses go by it.
#[track_caller]
pub(super) fn goes_on(clock: &ManualClock, gateway: &Served, what: &str, mut is_so: impl FnMut() -> bool) {
    let failures = || {
        let page = gateway.metrics();
        let counts = page.lines().filter_map(|line| line.strip_prefix("portcullis_export_failures_total{"));
        counts.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum::<u64>()
    };
    let mut seen = 0;
    until(what, || {
        let now = failures();
        if now > std::mem::replace(&mut seen, now) {
            clock.advance(Duration::from_secs(76));
        }
        is_so()
    });
}

pub(super) fn is_caught_up(stage: &Stage, ops: SocketAddr, name: &str) -> bool {
    let place = stand(ops, name)["place"].as_str().unwrap().to_owned();
    place.rsplit(':').next().unwrap().parse::<usize>().unwrap() >= leaves(stage).len()
}

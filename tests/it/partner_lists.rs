//! Revocation lists about a partner's certificates, and our own certificate towards it: who is on a list is sent nothing, and
//! neither is anybody once no list speaks, or once we have nothing to show.

use crate::harness::Command;
use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::now;
use crate::harness::ops_page;
use crate::harness::until;
use portcullis::clock::Clock;
use portcullis::clock::ManualClock;
use portcullis::clock::SystemClock;
use portcullis::devkit::GATEWAY;
use portcullis::devkit::Issued;
use portcullis::devkit::Leaf;
use portcullis::devkit::Validity;
use std::fs;
use std::sync::Arc;
use std::time::Duration;

const LIST: &str = "pki/partner.crl";

/// A stage whose gateway asks for lists about the partner, with one that names these.
fn listed(stage: &Stage, revoked: &[&Issued], validity: Validity) {
    let list = stage.pki.partner_authority.crl(revoked, validity).unwrap();
    fs::write(stage.path(LIST), list).unwrap();
    let key = "key: pki/gateway-at-partner.key";
    stage.edit("gateway.yaml", key, &format!("{key}, crl: {LIST}"));
}

/// What becomes of a good command: its status, and the last record's words.
fn given(stage: &Stage, gateway: &Served) -> (u16, String) {
    let answer = stage.wait(Command::new(stage).give(&stage.backend(gateway.address))).unwrap();
    (answer.status, stage.story().pop().unwrap())
}

fn refused(detail: &str) -> (u16, String) {
    (502, format!("outcome not-sent partner-unreachable {detail}"))
}

#[test]
fn a_partner_whom_a_list_names_is_sent_nothing_and_a_new_list_is_taken_up() {
    let stage = Stage::new();
    let day = Validity::a_day_from(now());
    listed(&stage, &[], day);
    let gateway = Served::on(&stage);
    assert_eq!(given(&stage, &gateway), (200, "outcome done done".into()));
    let reloaded =
        |times: u64| until("the reload", || gateway.metric("portcullis_reloads_total{result=\"done\"}") == times);

    // The connection that stood in the pool is not used again either.
    fs::write(stage.path(LIST), stage.pki.partner_authority.crl(&[&stage.pki.partner], day).unwrap()).unwrap();
    reloaded(1);
    assert_eq!(given(&stage, &gateway), refused("certificate-revoked"));
    let other = stage.pki.gateway_authority.crl(&[], day).unwrap();
    fs::write(stage.path(LIST), other).unwrap();
    reloaded(2);
    assert_eq!(given(&stage, &gateway), refused("revocation-unknown"));
    assert_eq!((stage.partner.total_actuations(), gateway.not_ready()), (1, String::new()));

    fs::write(stage.path(LIST), "no list").unwrap();
    until("the refusal", || gateway.metric("portcullis_reloads_total{result=\"failed\"}") == 1);
    fs::write(stage.path(LIST), stage.pki.partner_authority.crl(&[], day).unwrap()).unwrap();
    reloaded(3);
    assert_eq!(given(&stage, &gateway), (200, "outcome done done".into()));
}

/// A gateway by a clock that is moved past the end of something after a good command; what it tells before and after.
fn once_over(prepare: impl Fn(&Stage, Validity), item: &str, detail: &str, notice: &str) {
    let clock = Arc::new(ManualClock::new(SystemClock::new().now()));
    let stage = Stage::by(clock.clone());
    prepare(&stage, Validity { from: now(), until: now().plus(60) });
    let gateway = Served::by(&stage, clock.clone());
    assert_eq!(given(&stage, &gateway), (200, "outcome done done".into()));
    let ready = ops_page(gateway.ops, "/readyz").1;
    assert!(ready.starts_with("{\"ready\":true,\"reasons\":[],\"notices\":[],\"softeners\":["), "{ready}");
    let series = format!("portcullis_expires_timestamp_seconds{{name=\"partners.smarthome\",what=\"{item}\"}}");
    let ends = gateway.metric(&series);
    assert!((55..=61).contains(&ends.saturating_sub(now().get())), "{ends}");

    clock.advance(Duration::from_secs(62));
    let connections = stage.partner.progress().connections;
    let command = Command { time: Some(format!("@{}", clock.now().seconds().get())), ..Command::new(&stage) };
    let answer = stage.wait(command.give(&stage.backend(gateway.address))).unwrap();
    assert_eq!((answer.status, stage.story().pop().unwrap()), refused(detail));
    assert_eq!(stage.partner.progress().connections, connections, "nobody was asked");
    assert_eq!(stage.partner.total_actuations(), 1);
    // The other partner can still be reached. (The log is attested anew within a second; the clock has leapt past that.)
    let told = format!("{{\"ready\":true,\"reasons\":[],\"notices\":[\"{notice}\"],\"softeners\":[");
    until(&told, || ops_page(gateway.ops, "/readyz").1.starts_with(&told));
}

#[test]
fn once_the_list_about_a_partner_has_run_out_it_is_sent_nothing_and_readiness_says_so() {
    once_over(|stage, minute| listed(stage, &[], minute), "crl", "crl-expired", "partner-crl-expired");
}

#[test]
fn our_expired_certificate_is_told_before_anybody_is_asked() {
    let prepare = |stage: &Stage, minute: Validity| {
        for name in ["pki/gateway-at-partner.pem", "pki/gateway-at-partner.key"] {
            fs::remove_file(stage.path(name)).unwrap();
        }
        let own = stage.pki.partner_authority.issue(&Leaf::client(GATEWAY, minute)).unwrap();
        own.write(&stage.path("pki"), "gateway-at-partner").unwrap();
    };
    once_over(prepare, "certificate", "own-certificate-expired", "partner-certificate-expired");
}

//! What is on record though nobody asked for it: certificates, keys and lists that are taken up while the gateway runs, and a
//! wall clock that is set.

use crate::harness::ByHand;
use crate::harness::Deeds;
use crate::harness::Record;
use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::now;
use crate::harness::until;
use portcullis::clock::Clock;
use portcullis::crypto::sha256;
use portcullis::devkit::AUTHORITY;
use portcullis::devkit::Leaf;
use portcullis::devkit::PARKLINE_AUTHORITY;
use portcullis::devkit::Validity;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::Ordering;

fn of_kind(stage: &Stage, kind: &str) -> Vec<Record> {
    stage.records().into_iter().filter(|record| record.text("kind") == kind).collect()
}

/// Another certificate and key for the listener, in place of those that are there.
fn exchange(stage: &Stage) {
    let leaf = Leaf::server(
        &[AUTHORITY, PARKLINE_AUTHORITY, "gateway.prop.example", "localhost", "127.0.0.1"],
        Validity::a_day_from(now()),
    );
    let issued = stage.pki.gateway_authority.issue(&leaf).unwrap();
    let fresh = tempfile::tempdir_in(stage.path("pki")).unwrap();
    let (certificate, key) = issued.write(fresh.path(), "gateway").unwrap();
    fs::rename(key, stage.path("pki/gateway.key")).unwrap();
    fs::rename(certificate, stage.path("pki/gateway.pem")).unwrap();
}

fn reloads(gateway: &Served, result: &str, times: u64) {
    let series = format!("portcullis_reloads_total{{result=\"{result}\"}} {times}\n");
    until(&series, || gateway.metrics().contains(&series));
}

#[test]
fn what_is_taken_up_is_on_record_by_the_digest_of_each_file_but_of_secret_ones_by_their_number() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    let mut digests = Vec::new();
    for times in 1..=2 {
        exchange(&stage);
        reloads(&gateway, "done", times);
        let records = of_kind(&stage, "key");
        assert_eq!(records.len() as u64, times);
        let record = records.last().unwrap();
        let certificate = sha256(&fs::read(stage.path("pki/gateway.pem")).unwrap()).to_string();
        let changed: Vec<_> =
            record.get("changed").as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
        assert!(!changed.is_empty() && changed.iter().all(|digest| *digest == certificate), "{record:?}");
        // The listener's key serves one listener or both; either way it is told that it changed, and nothing of it.
        assert!(record.get("secrets").as_u64().unwrap() >= 1);
        let key = sha256(&fs::read(stage.path("pki/gateway.key")).unwrap()).to_string();
        assert!(!record.0.to_string().contains(&key), "a digest of a secret file stands in no record");
        digests.push([record.text("replaces").to_owned(), record.text("digest").to_owned()]);
    }
    assert_eq!(digests[0][1], digests[1][0], "each begins where the one before ended");
    assert!(digests.iter().all(|[before, after]| before.len() == 64 && before != after));
}

#[test]
fn what_cannot_be_recorded_is_not_taken_up() {
    let (stage, deeds) = (Stage::new(), Arc::new(Deeds::default()));
    let gateway = Served::on_disk(&stage, &deeds);
    deeds.fails_to_sync.store(true, Ordering::SeqCst);
    exchange(&stage);
    reloads(&gateway, "failed", 1);
    assert!(gateway.metrics().contains("portcullis_reloads_total{result=\"done\"} 0\n"));
    deeds.fails_to_sync.store(false, Ordering::SeqCst);
}

#[test]
fn a_wall_clock_that_is_set_is_on_record_and_counted_whichever_way() {
    let stage = Stage::new();
    let clock = Arc::new(ByHand::default());
    let gateway = Served::by(&stage, Arc::clone(&clock) as Arc<dyn Clock>);
    for (number, (by_ms, stepped)) in [(-10_000_i64, "back"), (60_000, "forward")].into_iter().enumerate() {
        let before = clock.now();
        clock.set_by(by_ms);
        let series = format!("portcullis_clock_steps_total{{direction=\"{stepped}\"}} 1\n");
        until(&series, || gateway.metrics().contains(&series));
        let steps = || -> Vec<Record> {
            of_kind(&stage, "clock").into_iter().filter(|record| !record.text("stepped").is_empty()).collect()
        };
        until("the record of it", || steps().len() == number + 1);
        let records = steps();
        let record = &records[number];
        assert_eq!(record.text("stepped"), stepped);
        let told = record.get("by_ms").as_u64().unwrap();
        assert!(told.abs_diff(by_ms.unsigned_abs()) < 1_000, "{told}");
        assert!(record.text("expected") >= before.to_string().as_str(), "what it would have shown: {record:?}");
    }
}

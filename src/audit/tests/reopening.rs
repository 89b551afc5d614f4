//! A log that is opened anew after its disk failed: what was acknowledged is there, what was not is not, and the rest is told.

use crate::audit::Closed;
use crate::audit::Log;
use crate::audit::Outcome;
use crate::audit::OutcomeState;
use crate::audit::segment;
use crate::audit::tests::harness::*;
use crate::model::Reason;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

const PATIENT: Duration = Duration::from_secs(60);

async fn record(log: &Log, number: u8) -> bool {
    log.refusal(&facts(number, None), Reason::Revoked, &forbidden(), NOW).await.reply().status.as_u16() == 403
}

/// The receipts of the refusals on record.
fn recorded(house: &House) -> BTreeSet<String> {
    let records = house.records();
    let refusals = records.iter().filter(|record| record["kind"] == "refusal");
    refusals.map(|record| record["receipt"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn after_a_failed_sync_and_after_a_failed_write_the_log_goes_on_without_what_was_not_acknowledged() {
    for fails_to_append in [false, true] {
        let (house, deeds) = (House::new(), Arc::new(Deeds::default()));
        let log = house.open_on(&deeds, PATIENT);
        assert!(record(&log, 1).await);
        let (appends, syncs) = deeds.counts();
        let (failing, at) =
            if fails_to_append { (&deeds.failing_append, appends) } else { (&deeds.failing_sync, syncs) };
        failing.store(at + 1, Ordering::SeqCst);
        deeds.fails_to_reopen.store(true, Ordering::SeqCst);
        assert!(!record(&log, 2).await);
        assert_eq!(log.closed(), Some(Closed::Failed));
        deeds.fails_to_reopen.store(false, Ordering::SeqCst);
        until("the log", || log.is_open());
        assert!(record(&log, 3).await);
        drop(log);
        assert_eq!(recorded(&house), [1, 3].map(|number| receipt(number).to_string()).into());
        let records = house.records();
        let recovery = records.iter().find(|record| record["kind"] == "recovery").unwrap();
        assert_eq!((&recovery["state"], &recovery["cut"]["segment"]), (&"reopened".into(), &1.into()));
        assert!(recovery["cut"]["bytes"].as_u64().unwrap() > 100, "{recovery}");
        assert!(records.iter().any(|record| record["kind"] == "gap" && record["lost"] == 1), "and its loss is told");
        assert!(house.metrics.render().contains("portcullis_audit_reopened_total 1\n"));
        let (_log, found) = house.open();
        assert_eq!((found.unknown, found.cut_bytes), (0, 0), "the next start finds nothing to mend");
    }
}

#[tokio::test]
async fn wherever_it_fails_also_at_the_first_record_of_a_segment_exactly_what_was_acknowledged_is_there() {
    let mut houses = Vec::new();
    for failing in 34..54 {
        let (house, deeds) = (House::new(), Arc::new(Deeds::default()));
        let log = house.open_on(&deeds, PATIENT);
        let fault = if failing % 2 == 0 { &deeds.failing_append } else { &deeds.failing_sync };
        fault.store(failing, Ordering::SeqCst);
        let mut acknowledged = BTreeSet::new();
        for number in 0..54 {
            if record(&log, number).await {
                acknowledged.insert(receipt(number).to_string());
            }
        }
        houses.push((house, log, acknowledged));
    }
    let mut begun_anew = 0;
    for (house, log, mut acknowledged) in houses {
        until("the log", || log.is_open());
        assert!(record(&log, 100).await);
        acknowledged.insert(receipt(100).to_string());
        drop(log);
        assert_eq!(recorded(&house), acknowledged);
        let records = house.records();
        let reopened = records.iter().filter(|record| record["state"] == "reopened").count();
        assert_eq!(reopened, 1, "each was hit");
        begun_anew += usize::from(records.iter().all(|record| record["cut"].is_null()));
        let (_log, found) = house.open();
        assert_eq!((found.unknown, found.cut_bytes), (0, 0));
    }
    assert!(begun_anew > 0, "one of them failed at the first record of a segment");
}

#[tokio::test]
async fn an_outcome_that_came_while_the_log_was_closed_is_told_as_unknown_when_it_is_open() {
    let (house, deeds) = (House::new(), Arc::new(Deeds::default()));
    let log = house.open_on(&deeds, PATIENT);
    let open = log.intent(&permit(), &protected(), &facts(1, Some("a-key")), NOW).await.unwrap();
    let (_, syncs) = deeds.counts();
    deeds.fails_to_reopen.store(true, Ordering::SeqCst);
    deeds.failing_sync.store(syncs + 1, Ordering::SeqCst);
    assert!(log.intent(&permit(), &protected(), &facts(2, None), NOW).await.is_err());
    let done = Outcome::new(OutcomeState::Done, Reason::Done);
    let ended = log.outcome(open, done, reply(200, "opened"), NOW).await;
    assert_eq!(ended.reason(), Reason::OutcomeUnknown);
    until("a second attempt", || deeds.reopens.load(Ordering::SeqCst) >= 2);
    assert_eq!(log.closed(), Some(Closed::Failed), "what fails leaves it closed");
    deeds.fails_to_reopen.store(false, Ordering::SeqCst);
    until("the log", || log.is_open());
    assert!(record(&log, 3).await);
    drop(log);
    let story = house.story();
    let of_commands: Vec<&str> = story
        .iter()
        .map(String::as_str)
        .filter(|told| told.starts_with("intent") || told.starts_with("outcome"))
        .collect();
    assert_eq!(of_commands, ["intent", "outcome unknown"], "{story:?}");
}

#[tokio::test]
async fn where_what_was_acknowledged_does_not_come_back_the_log_stays_closed_until_it_does() {
    let (house, deeds) = (House::new(), Arc::new(Deeds::default()));
    let log = house.open_on(&deeds, PATIENT);
    assert!(record(&log, 1).await);
    let (_, syncs) = deeds.counts();
    deeds.fails_to_reopen.store(true, Ordering::SeqCst);
    deeds.failing_sync.store(syncs + 1, Ordering::SeqCst);
    assert!(!record(&log, 2).await);
    let file = fs::File::options().read(true).write(true).open(segment::path(house.folder.path(), 1)).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, 40).unwrap();
    let flip = |byte: u8| file.write_all_at(&[byte], 40).unwrap();
    flip(byte[0] ^ 1);
    let before = deeds.reopens.load(Ordering::SeqCst);
    deeds.fails_to_reopen.store(false, Ordering::SeqCst);
    until("attempts on a changed segment", || deeds.reopens.load(Ordering::SeqCst) >= before + 2);
    assert_eq!(log.closed(), Some(Closed::Failed));
    flip(byte[0]);
    until("the log", || log.is_open());
    assert!(record(&log, 3).await);
    drop(log);
    assert_eq!(recorded(&house), [1, 3].map(|number| receipt(number).to_string()).into());
}

#[tokio::test]
async fn a_log_that_was_moved_or_replaced_goes_on_once_it_is_back_and_the_same() {
    let house = House::new();
    let directory = house.folder.path().join("audit");
    let aside = house.folder.path().join("aside");
    fs::create_dir(&directory).unwrap();
    let log = house.open_by(crate::audit::Settings { directory: directory.clone(), ..house.settings() });
    assert!(record(&log, 1).await);
    fs::rename(&directory, &aside).unwrap();
    until("the watch", || log.closed() == Some(Closed::Disturbed));
    fs::rename(&aside, &directory).unwrap();
    until("the log", || log.is_open());
    assert_eq!(log.disturbance(), None);
    assert!(!house.metrics.render().contains("portcullis_audit_disturbed{"));
    assert!(record(&log, 2).await);

    let newest = segment::path(&directory, 2);
    let kept = fs::read(&newest).unwrap();
    fs::remove_file(&newest).unwrap();
    until("the watch", || log.closed() == Some(Closed::Disturbed));
    assert!(!record(&log, 3).await);
    fs::write(&newest, &kept).unwrap();
    until("the log, by a copy", || log.is_open());
    assert!(record(&log, 4).await);
    drop(log);
    let found = records_of(&directory);
    let receipts: Vec<&str> = found.iter().filter_map(|record| record["receipt"].as_str()).collect();
    assert_eq!(receipts, [1, 2, 4].map(|number| receipt(number).to_string()));
}

//! A disk that hangs, fails or is full: nothing is sent, and nothing is believed afterwards.

use crate::audit::AuditFault;
use crate::audit::Facts;
use crate::audit::Note;
use crate::audit::Outcome;
use crate::audit::OutcomeState;
use crate::audit::RecallFault;
use crate::audit::tests::harness::*;
use crate::clock::Clock;
use crate::clock::SystemClock;
use crate::model::Reason;
use crate::tasks::Tasks;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Passes on a disk that hangs; nothing else is timed with it.
const IMPATIENT: Duration = Duration::from_millis(250);
const PATIENT: Duration = Duration::from_secs(60);

#[tokio::test]
async fn an_intent_that_comes_too_late_is_followed_by_an_outcome_that_nothing_was_sent() {
    let (house, deeds) = (House::new(), Arc::new(Deeds::default()));
    let log = house.open_on(&deeds, IMPATIENT);
    let (is_in, go) = deeds.hang();
    let fault = log.intent(&permit(), &protected(), &facts(1, Some("a-key")), NOW).await.err();
    assert_eq!(fault, Some(AuditFault::Deadline));
    is_in.recv().unwrap();
    let concluded = log.unrecorded(&facts(1, None));
    assert_eq!((concluded.reply().status.as_u16(), concluded.reason()), (503, Reason::NotRecordable));
    drop(go);
    drop(log);
    house.until_ended();
    assert_eq!(house.story(), ["intent", "outcome not-sent"]);
    let (_log, recovered) = house.open();
    assert_eq!((recovered.unknown, recovered.past.len()), (0, 0), "the key may be used again");
}

#[tokio::test]
async fn a_caller_who_goes_away_while_it_waits_leaves_an_outcome_that_nothing_was_sent() {
    let (house, deeds, tasks) = (House::new(), Arc::new(Deeds::default()), Tasks::new());
    let log = house.open_on(&deeds, PATIENT);
    let (is_in, go) = deeds.hang();
    let waiting = log.clone();
    let caller =
        tasks.spawn(async move { waiting.intent(&permit(), &protected(), &facts(1, None), NOW).await.is_ok() });
    tokio::task::yield_now().await;
    is_in.recv().unwrap();
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    go.send(()).unwrap();
    drop(log);
    assert_eq!(house.story(), ["intent", "outcome not-sent"]);
}

#[tokio::test]
async fn after_a_failed_sync_nothing_succeeds_and_the_descriptor_is_not_asked_again() {
    let (house, deeds) = (House::new(), Arc::new(Deeds::default()));
    let log = house.open_on(&deeds, PATIENT);
    let open = log.intent(&permit(), &protected(), &facts(1, None), NOW).await.unwrap();
    deeds.failing_sync.store(2, Ordering::SeqCst);
    deeds.fails_to_reopen.store(true, Ordering::SeqCst);
    assert!(log.is_open());
    let fault = log.intent(&permit(), &protected(), &facts(2, None), NOW).await.err();
    assert_eq!(fault, Some(AuditFault::Failed));
    let counts = deeds.counts();
    for number in 3..6 {
        let fault = log.intent(&permit(), &protected(), &facts(number, None), NOW).await.err();
        assert_eq!(fault, Some(AuditFault::Failed));
    }
    let refused = log.refusal(&facts(6, None), Reason::Revoked, &forbidden(), NOW).await;
    assert_eq!((refused.reply().status.as_u16(), refused.reason()), (503, Reason::NotRecordable));
    let done = Outcome::new(OutcomeState::Done, Reason::Done);
    let ended = log.outcome(open, done, reply(200, "opened"), NOW).await;
    assert_eq!((ended.reply().status.as_u16(), ended.reason()), (504, Reason::OutcomeUnknown));
    assert_eq!(deeds.counts(), counts, "the disk was left alone");
    assert!(!log.is_open());
    let metrics = house.metrics.render();
    assert!(metrics.contains("portcullis_audit_sync_failures_total 1\n"), "{metrics}");
    assert!(metrics.contains("portcullis_audit_refusals_unrecorded_total 1\n"), "{metrics}");
}

#[tokio::test]
async fn after_a_failed_write_nothing_succeeds_and_half_a_record_is_cut_at_the_next_start() {
    let (house, deeds) = (House::new(), Arc::new(Deeds::default()));
    let log = house.open_on(&deeds, PATIENT);
    let _open = log.intent(&permit(), &protected(), &facts(1, Some("one")), NOW).await.unwrap();
    deeds.failing_append.store(2, Ordering::SeqCst);
    deeds.fails_to_reopen.store(true, Ordering::SeqCst);
    for number in 2..4 {
        let fault = log.intent(&permit(), &protected(), &facts(number, Some("two")), NOW).await.err();
        assert_eq!(fault, Some(AuditFault::Failed));
    }
    drop((_open, log));
    let (_log, recovered) = house.open();
    assert_eq!((recovered.unknown, recovered.past.len()), (1, 1));
    assert!(recovered.cut_bytes > 100, "half a record: {}", recovered.cut_bytes);
    assert_eq!(house.story(), ["intent", "recovery", "outcome unknown"]);
}

#[tokio::test]
async fn without_space_for_a_segment_records_are_refused_until_there_is_and_the_gap_is_told() {
    let (house, deeds) = (House::new(), Arc::new(Deeds::default()));
    let log = house.open_on(&deeds, PATIENT);
    deeds.full.store(true, Ordering::SeqCst);
    let mut refused = 0;
    // One segment may have been made before the disk was full.
    for number in 0..200 {
        let concluded = log.refusal(&facts(number, None), Reason::Revoked, &forbidden(), NOW).await;
        refused += usize::from(concluded.reply().status.as_u16() == 503);
    }
    assert!(refused > 100, "{refused}");
    let fault = log.intent(&permit(), &protected(), &facts(201, None), NOW).await.err();
    assert_eq!(fault, Some(AuditFault::Full));
    assert!(log.is_open(), "nothing is in doubt");
    deeds.full.store(false, Ordering::SeqCst);
    let (mut tries, clock) = (0, SystemClock::new());
    // It is tried beside, and nobody waits for it.
    while log.refusal(&facts(202, None), Reason::Revoked, &forbidden(), NOW).await.reply().status.as_u16() == 503 {
        tries += 1;
        assert!(clock.steady() < PATIENT);
    }
    let _ = log.refusal(&facts(203, None), Reason::Revoked, &forbidden(), NOW).await;
    drop(log);
    let records = house.records();
    let lost: u64 = records.iter().filter_map(|record| record.get("lost")?.as_u64()).sum();
    assert_eq!(lost, (refused + 1 + tries) as u64, "every refusal that was not recorded is told, and the intent");
}

#[tokio::test]
async fn a_hanging_disk_fills_a_bounded_queue_and_then_refuses_at_once() {
    let (house, deeds, tasks) = (House::new(), Arc::new(Deeds::default()), Tasks::new());
    let log = house.open_of(LARGE_SEGMENT_BYTES, &deeds, PATIENT);
    let (is_in, go) = deeds.hang();
    let mut long = facts(1, None);
    long.peer = Some("a".repeat(1024 * 1024).into());
    let record = |number: u8| {
        let (log, facts) = (log.clone(), crate::audit::Facts { receipt: receipt(number), ..long.clone() });
        tasks.spawn(async move { log.refusal(&facts, Reason::Revoked, &forbidden(), NOW).await })
    };
    let first = record(1);
    tokio::task::yield_now().await;
    is_in.recv().unwrap();
    let waiting: Vec<_> = (2..5).map(record).collect();
    tokio::task::yield_now().await;
    assert_eq!(record(5).await.unwrap().reply().status.as_u16(), 503, "the fourth MiB does not fit any more");
    go.send(()).unwrap();
    assert_eq!(first.await.unwrap().reply().status.as_u16(), 403);
    for task in waiting {
        assert_eq!(task.await.unwrap().reply().status.as_u16(), 403);
    }
}

/// Were it otherwise, the test would not end: an hour is not waited for twice.
#[tokio::test]
async fn what_a_way_has_waited_for_the_store_it_does_not_wait_for_the_log_again() {
    const HOUR: Duration = Duration::from_hours(1);
    let (house, deeds) = (House::new(), Arc::new(Deeds::default()));
    let log = house.open_on(&deeds, HOUR);
    let (is_in, go) = deeds.hang();
    let waited = |number| Facts { waited: HOUR - IMPATIENT, ..facts(number, None) };
    let intent = log.intent(&permit(), &protected(), &waited(1), NOW).await;
    assert_eq!(intent.err(), Some(AuditFault::Deadline));
    is_in.recv().unwrap();
    let refused = log.refusal(&waited(2), Reason::Revoked, &forbidden(), NOW).await;
    assert_eq!(refused.reply().status.as_u16(), 503);
    let noted = log.note(&waited(3), Note::Receipt { of: receipt(1) }, NOW).await;
    assert_eq!(noted.err(), Some(AuditFault::Deadline));
    go.send(()).unwrap();
    let refused = log.refusal(&facts(4, None), Reason::Revoked, &forbidden(), NOW).await;
    assert_eq!(refused.reply().status.as_u16(), 403, "who has waited for nothing has all of the time");
}

#[tokio::test]
async fn an_answer_is_not_waited_for_without_end() {
    let (house, deeds) = (House::new(), Arc::new(Deeds::default()));
    let log = house.open_on(&deeds, IMPATIENT);
    let open = log.intent(&permit(), &protected(), &facts(1, Some("a-key")), NOW).await.unwrap();
    let done = Outcome { keep: Some(reply(200, "opened")), ..Outcome::new(OutcomeState::Done, Reason::Done) };
    let place = log.outcome(open, done, reply(200, ""), NOW).await.kept_at().unwrap();
    let (is_in, go) = deeds.hang_read();
    assert_eq!(log.recorded_answer(place, receipt(1), None).await.err(), Some(RecallFault::Late));
    is_in.recv().unwrap();
    let concluded = log.refusal(&facts(2, None), Reason::Revoked, &forbidden(), NOW).await;
    assert_eq!(concluded.reply().status.as_u16(), 403, "writing goes on");
    go.send(()).unwrap();
    assert_eq!(log.recorded_answer(place, receipt(1), None).await.unwrap().into_reply().body, "opened");
}

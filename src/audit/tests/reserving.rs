//! On a full disk: what narrows still finds room when nothing else does, and takes nothing from the outcomes that are owed.

use crate::audit::AuditFault;
use crate::audit::Log;
use crate::audit::Note;
use crate::audit::Outcome;
use crate::audit::OutcomeState;
use crate::audit::Revoked;
use crate::audit::Settings;
use crate::audit::segment;
use crate::audit::tests::harness::*;
use crate::audit::writer::CLOSING_BYTES;
use crate::model::Epoch;
use crate::model::Reason;
use crate::tasks::Tasks;
use std::sync::Arc;
use std::sync::atomic::Ordering;

const RESERVE: u64 = 4 * 1024;

async fn revoke(log: &Log, number: u8) -> Result<(), AuditFault> {
    let revoked = Revoked { kind: "device", digest: digest("phone"), tenant: None, epoch: Epoch::new(8), stored: true };
    log.note(&facts(number, None), Note::Revocation(revoked), NOW).await.map(|_| ())
}

/// The log of a disk that is full, with two intents on record, and every byte used that anything else may use.
async fn filled(house: &House, deeds: &Arc<Deeds>) -> (Log, Vec<crate::audit::Recorded>) {
    let log = house.open_with(Settings { reserve_bytes: RESERVE, ..house.settings() }, deeds);
    let mut open = Vec::new();
    for number in 1..3 {
        open.push(log.intent(&permit(), &protected(), &facts(number, None), NOW).await.unwrap());
    }
    deeds.full.store(true, Ordering::SeqCst);
    while log.note(&facts(0, None), Note::Stop, NOW).await.is_ok() {}
    // One segment may have been made before.
    while log.note(&facts(0, None), Note::Stop, NOW).await.is_ok() {}
    (log, open)
}

#[tokio::test]
async fn a_revocation_is_recorded_where_an_intent_and_a_refusal_are_not() {
    let (house, deeds) = (House::new(), Arc::new(Deeds::default()));
    let (log, open) = filled(&house, &deeds).await;
    let fault = log.intent(&permit(), &protected(), &facts(3, None), NOW).await.err();
    assert_eq!(fault, Some(AuditFault::Full));
    let refused = log.refusal(&facts(4, None), Reason::Revoked, &forbidden(), NOW).await;
    assert_eq!(refused.reply().status.as_u16(), 503);
    let mut recorded = 0;
    while revoke(&log, 5).await.is_ok() {
        recorded += 1;
        assert!(recorded < 100, "the reserve has an end");
    }
    assert!(recorded >= 4, "{recorded}");
    for recorded in open {
        let done = Outcome::new(OutcomeState::Done, Reason::Done);
        let concluded = log.outcome(recorded, done, reply(200, "opened"), NOW).await;
        assert_eq!(concluded.reason(), Reason::Done, "what was owed an outcome had its own room");
    }
    drop(log);
    let story = house.story();
    let told = |kind: &str| story.iter().filter(|record| *record == kind).count();
    assert_eq!((told("revocation"), told("outcome done"), told("intent")), (recorded, 2, 2));
}

#[tokio::test]
async fn what_gathers_while_the_disk_hangs_fills_as_many_segments_as_it_takes_and_none_of_it_is_refused() {
    let (house, deeds) = (House::new(), Arc::new(Deeds::default()));
    let log = house.open_with(Settings { reserve_bytes: RESERVE, ..house.settings() }, &deeds);
    let (is_in, go) = deeds.hang();
    let tasks = Tasks::new();
    let refuse = |number| {
        let log = log.clone();
        tasks.spawn(async move { log.refusal(&facts(number, None), Reason::Revoked, &forbidden(), NOW).await })
    };
    let first = refuse(0);
    tokio::task::yield_now().await;
    is_in.recv().unwrap();
    let others: Vec<_> = (1..200).map(refuse).collect();
    while log.waiting().0 < others.len() {
        tokio::task::yield_now().await;
    }
    assert!(log.waiting().1 as u64 > 2 * SEGMENT_BYTES, "more than two segments hold");
    go.send(()).unwrap();
    for task in std::iter::once(first).chain(others) {
        assert_eq!(task.await.unwrap().reply().status.as_u16(), 403);
    }
    drop(log);
    house.until_ended();
    let sizes = segment::numbers(house.folder.path()).unwrap().into_iter().map(|number| {
        let bytes = std::fs::read(segment::path(house.folder.path(), number)).unwrap();
        bytes.iter().filter(|byte| **byte != 0).count() as u64
    });
    let sizes: Vec<u64> = sizes.collect();
    assert!(sizes.len() > 3 && sizes.iter().all(|size| *size <= SEGMENT_BYTES - RESERVE), "{sizes:?}");
}

#[tokio::test]
async fn an_outcome_that_keeps_a_long_answer_leaves_the_reserve_alone() {
    let (house, deeds) = (House::new(), Arc::new(Deeds::default()));
    let log = house.open_with(Settings { reserve_bytes: RESERVE, ..house.settings() }, &deeds);
    let long = log.intent(&permit(), &protected(), &facts(1, Some("a-key")), NOW).await.unwrap();
    deeds.full.store(true, Ordering::SeqCst);
    while log.note(&facts(0, None), Note::Stop, NOW).await.is_ok() {}
    while log.note(&facts(0, None), Note::Stop, NOW).await.is_ok() {}
    let answer = "a".repeat(usize::try_from(CLOSING_BYTES).unwrap());
    let done = Outcome { keep: Some(reply(200, &answer)), ..Outcome::new(OutcomeState::Done, Reason::Done) };
    let concluded = log.outcome(long, done, reply(200, ""), NOW).await;
    assert_eq!(concluded.reason(), Reason::OutcomeUnknown, "told as unknown, and later so recorded");
    assert_eq!(revoke(&log, 2).await, Ok(()));
}

//! What finds no room, on disk or in memory, is told later, and what was begun can be ended.

use crate::audit::AuditFault;
use crate::audit::Facts;
use crate::audit::Note;
use crate::audit::Outcome;
use crate::audit::OutcomeState;
use crate::audit::Recorded;
use crate::audit::RefusalRates;
use crate::audit::Settings;
use crate::audit::log::Log;
use crate::audit::outcome::OutcomeState as State;
use crate::audit::record;
use crate::audit::record::Written;
use crate::audit::tests::harness::*;
use crate::audit::writer::CLOSING_BYTES;
use crate::clock::Clock;
use crate::clock::SystemClock;
use crate::clock::UnixMillis;
use crate::model::Reason;
use crate::tasks::Tasks;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

const PATIENT: Duration = Duration::from_secs(60);

async fn intend(log: &Log, number: u8) -> Result<Recorded, AuditFault> {
    log.intent(&permit(), &protected(), &facts(number, Some("a-key")), NOW).await
}

/// Takes as many intents as there is room for, and fills up what is left: one intent is lost, and one note.
async fn all_that_fit(log: &Log) -> Vec<Recorded> {
    let mut open = Vec::new();
    loop {
        match intend(log, u8::try_from(open.len() + 1).unwrap()).await {
            Ok(recorded) => open.push(recorded),
            Err(fault) => {
                assert_eq!(fault, AuditFault::Full);
                // The shortest of all records.
                while log.note(&facts(0, None), Note::Stop, NOW).await.is_ok() {}
                return open;
            }
        }
    }
}

fn done(answer: &str) -> Outcome {
    Outcome { keep: Some(reply(200, answer)), ..Outcome::new(State::Done, Reason::Done) }
}

/// The state on record of each intent, by its receipt; each has one.
fn outcomes(records: &[Value]) -> HashMap<String, String> {
    let text = |record: &Value, name: &str| record[name].as_str().unwrap().to_owned();
    let of = |kind: &'static str| records.iter().filter(move |record| record["kind"] == kind);
    let found: HashMap<_, _> = of("outcome").map(|record| (text(record, "receipt"), text(record, "state"))).collect();
    assert_eq!((of("intent").count(), of("outcome").count()), (found.len(), found.len()), "one for each");
    found
}

fn lost(records: &[Value]) -> u64 {
    records.iter().filter_map(|record| record.get("lost")?.as_u64()).sum()
}

/// Refuses until a record is taken again.
async fn until_recorded(log: &Log) -> u64 {
    let (mut refused, clock) = (0, SystemClock::new());
    while log.refusal(&facts(200, None), Reason::Revoked, &forbidden(), NOW).await.reply().status.as_u16() == 503 {
        refused += 1;
        assert!(clock.steady() < PATIENT);
    }
    let _ = log.refusal(&facts(201, None), Reason::Revoked, &forbidden(), NOW).await;
    refused
}

#[test]
fn an_outcome_that_keeps_no_answer_needs_no_more_than_its_share_of_the_reserve() {
    for state in OutcomeState::ALL {
        for reason in Reason::ALL {
            let mut outcome = Outcome::new(state, *reason);
            outcome.detail = Some("a word of the length that the longest of our own words has");
            outcome.partner_status = Some(599);
            outcome.sizes = crate::audit::Sizes {
                request: Some(u64::MAX),
                sent: Some(u64::MAX),
                answer: Some(u64::MAX),
                reply: Some(u64::MAX),
            };
            for step in crate::telemetry::Step::ALL {
                outcome.steps.took(*step, Duration::from_secs(9_000));
            }
            let mut line = Written::default();
            record::outcome(&mut line, receipt(1), &outcome, None, NOW);
            assert!(line.bytes().len() as u64 <= CLOSING_BYTES, "{}", line.bytes().len());
        }
    }
}

#[tokio::test]
async fn an_intent_is_taken_only_if_its_outcome_will_have_room() {
    let (house, deeds) = (House::new(), Arc::new(Deeds::default()));
    let log = house.open_on(&deeds, PATIENT);
    deeds.full.store(true, Ordering::SeqCst);
    let open = all_that_fit(&log).await;
    assert!(open.len() > 5, "{}", open.len());
    let refused = log.refusal(&facts(100, None), Reason::Revoked, &forbidden(), NOW).await;
    assert_eq!(refused.reply().status.as_u16(), 503, "what closes nothing gets no room");
    assert!(intend(&log, 101).await.is_err());
    let all = open.len();
    for recorded in open {
        let concluded = log.outcome(recorded, done("opened"), reply(200, "opened"), NOW).await;
        assert_eq!((concluded.reason(), concluded.kept_at().is_some()), (Reason::Done, true));
    }
    drop(log);
    let records = house.records();
    let states = outcomes(&records);
    assert_eq!((states.len(), states.values().all(|state| state == "done")), (all, true));
    let refused = receipt(101).to_string();
    assert!(records.iter().all(|record| record["receipt"] != *refused), "what is refused is not written");
}

#[tokio::test]
async fn on_a_full_disk_no_outcome_waits_for_an_attempt_to_make_a_segment() {
    let (house, deeds) = (House::new(), Arc::new(Deeds::default()));
    let log = house.open_on(&deeds, PATIENT);
    deeds.full.store(true, Ordering::SeqCst);
    let mut open = all_that_fit(&log).await;
    let (is_in, go) = deeds.hang_create();
    // Once the failure of the last attempt is taken note of, the next is made, which hangs.
    let clock = SystemClock::new();
    while is_in.try_recv().is_err() {
        assert_eq!(intend(&log, 200).await.err(), Some(AuditFault::Full));
        assert!(clock.steady() < PATIENT);
    }
    let concluded = log.outcome(open.pop().unwrap(), done(""), reply(200, ""), NOW).await;
    assert_eq!(concluded.reason(), Reason::Done);
    assert_eq!(intend(&log, 201).await.err(), Some(AuditFault::Full), "and who is refused is refused at once");
    go.send(()).unwrap();
    drop((open, log));
    assert!(outcomes(&house.records()).values().any(|state| state == "done"));
}

#[tokio::test]
async fn an_outcome_that_is_too_long_for_the_reserve_is_unknown_to_everybody_and_its_room_stays() {
    let (house, deeds) = (House::new(), Arc::new(Deeds::default()));
    let log = house.open_on(&deeds, PATIENT);
    deeds.full.store(true, Ordering::SeqCst);
    let mut open = all_that_fit(&log).await;
    let long = open.pop().unwrap();
    let name = long.receipt().to_string();
    let concluded = log.outcome(long, done(&"a".repeat(16 * 1024)), reply(200, ""), NOW).await;
    assert_eq!((concluded.reply().status.as_u16(), concluded.reason()), (504, Reason::OutcomeUnknown));
    let all = open.len();
    for recorded in open {
        let concluded = log.outcome(recorded, done(""), reply(200, ""), NOW).await;
        assert_eq!(concluded.reason(), Reason::Done, "the others are not harmed");
    }
    deeds.full.store(false, Ordering::SeqCst);
    // The intent and the note that found no room, the long outcome, and the tries.
    let expected = 3 + until_recorded(&log).await;
    drop(log);
    let records = house.records();
    assert_eq!(lost(&records), expected);
    let states = outcomes(&records);
    assert_eq!((states.len(), states[&name].as_str()), (all + 1, "unknown"));
    assert_eq!(states.values().filter(|state| *state == "done").count(), all);
    assert!(house.metrics.render().contains(&format!("portcullis_audit_records_lost_total {expected}\n")));
    assert_eq!(house.open().1.unknown, 0, "nothing is left for the next start");
}

#[tokio::test]
async fn what_the_queue_cannot_hold_while_the_disk_hangs_is_told_when_it_goes_on() {
    let (house, deeds, tasks) = (House::new(), Arc::new(Deeds::default()), Tasks::new());
    let log = house.open_of(LARGE_SEGMENT_BYTES, &deeds, PATIENT);
    let mut open = Vec::new();
    for number in 1..=13 {
        open.push(intend(&log, number).await.unwrap());
    }
    let (given, dropped) = (open.pop().unwrap(), open.pop().unwrap());
    let names = [given.receipt(), dropped.receipt()].map(|receipt| receipt.to_string());
    let (is_in, go) = deeds.hang();
    let first = log.clone();
    let hanging =
        tasks.spawn(async move { first.refusal(&facts(100, None), Reason::Revoked, &forbidden(), NOW).await });
    tokio::task::yield_now().await;
    is_in.recv().unwrap();
    // Each keeps an answer of 4 MiB, which is a third longer on record: the queue holds eight.
    let long = "a".repeat(4 * 1024 * 1024);
    let ending: Vec<_> = open
        .into_iter()
        .map(|recorded| {
            let (log, outcome) = (log.clone(), done(&long));
            tasks.spawn(async move { log.outcome(recorded, outcome, reply(200, ""), NOW).await.reason() })
        })
        .collect();
    tokio::task::yield_now().await;
    let mut filler = facts(101, None);
    filler.peer = Some("a".repeat(5 * 1024 * 1024).into());
    assert_eq!(
        log.note(&filler, Note::Start { config: digest("config") }, NOW).await.err(),
        Some(AuditFault::Busy),
        "a note is lost too"
    );
    let concluded = log.outcome(given, done(&long), reply(200, ""), NOW).await;
    assert_eq!(concluded.reason(), Reason::OutcomeUnknown);
    drop(dropped);
    go.send(()).unwrap();
    assert_eq!(hanging.await.unwrap().reply().status.as_u16(), 403);
    let mut reasons = Vec::new();
    for task in ending {
        reasons.push(task.await.unwrap());
    }
    let unknown = reasons.iter().filter(|reason| **reason == Reason::OutcomeUnknown).count();
    assert_eq!(reasons.len() - unknown, 8, "{reasons:?}");
    let _ = log.refusal(&facts(102, None), Reason::Revoked, &forbidden(), NOW).await;
    drop(log);
    let records = house.records();
    let states = outcomes(&records);
    assert_eq!(states.len(), 13);
    assert!(names.iter().all(|name| states[name] == "unknown"), "the one that was given, and the one that was dropped");
    assert_eq!(states.values().filter(|state| *state == "unknown").count(), unknown + 2);
    // The note, and the outcomes for which there was no room. The one of the dropped proof is short and found some.
    assert_eq!(lost(&records), unknown as u64 + 2);
}

#[tokio::test]
async fn the_outcome_of_a_dropped_proof_has_the_time_of_the_drop() {
    let house = House::new();
    let (log, _) = house.open();
    let early = UnixMillis::new(NOW.get() - 60_000);
    drop(log.intent(&permit(), &protected(), &facts(1, None), early).await.unwrap());
    drop(log);
    let records = house.records();
    assert_eq!((&records[0]["time"], &records[1]["time"]), (&early.to_string().into(), &NOW.to_string().into()));
}

#[tokio::test]
async fn refusals_that_come_too_fast_are_recorded_in_a_sum_whose_receipt_they_were_given() {
    let house = House::new();
    let log = house.open_at_rates(RefusalRates { unknown_per_minute: 2, known_per_minute: 5 });
    let refuse = async |number: u8, known: bool, now: UnixMillis| {
        let facts = Facts { caller_known: known, certificate: Some(digest("certificate")), ..facts(number, None) };
        let concluded = log.refusal(&facts, Reason::TokenExpired, &forbidden(), now).await;
        assert_eq!(concluded.reply().status.as_u16(), 403);
        let text = String::from_utf8(concluded.reply().body.to_vec()).unwrap();
        assert!(text.contains(&concluded.receipt().to_string()), "{text}");
        (concluded.receipt() == facts.receipt, concluded.receipt().to_string())
    };
    let mut given = Vec::new();
    for number in 0..10 {
        given.push(refuse(number, false, NOW).await);
    }
    let own: Vec<bool> = given.iter().map(|(own, _)| *own).collect();
    assert_eq!(own, [&[true; 2][..], &[false; 8]].concat());
    for number in 10..16 {
        assert_eq!(
            refuse(number, true, NOW.plus(1)).await.0,
            number < 15,
            "callers who are known have a rate of their own"
        );
    }
    assert_eq!(house.records().len(), 7, "nothing is written for the others yet");
    log.tell_sums(NOW.plus(1_000));
    log.tell_sums(NOW.plus(2_000));
    drop(log);
    let records = house.records();
    assert_eq!(records.len(), 9);
    let sum = &records[7];
    for (name, expected) in [
        ("kind", "refusals".to_owned()),
        ("receipt", given[2].1.clone()),
        ("peer", "spiffe://prop.example/backend".to_owned()),
        ("certificate", digest("certificate").to_string()),
        ("from", NOW.to_string()),
        ("until", NOW.to_string()),
        ("time", NOW.plus(1_000).to_string()),
    ] {
        assert_eq!(sum[name], expected, "{name}");
    }
    assert_eq!((&sum["count"], &sum["reasons"]), (&8.into(), &serde_json::json!({"token-expired": 8})));
    assert_eq!(records[8]["count"], 1);
    assert_eq!(house.open().1.unknown, 0, "and it is read back");
}

#[tokio::test]
async fn a_sum_that_finds_no_room_is_told_as_that_many_lost() {
    let (house, deeds) = (House::new(), Arc::new(Deeds::default()));
    let settings =
        Settings { refusal_rates: RefusalRates { unknown_per_minute: 1, known_per_minute: 1 }, ..house.settings() };
    let log = house.open_with(settings, &deeds);
    deeds.full.store(true, Ordering::SeqCst);
    let mut open = all_that_fit(&log).await;
    for number in 100..110 {
        let concluded = log.refusal(&facts(number, None), Reason::Revoked, &forbidden(), NOW).await;
        assert_eq!(concluded.reply().status.as_u16(), if number == 100 { 503 } else { 403 });
    }
    log.tell_sums(NOW);
    // Behind the sum, so that it is over: in one batch with an outcome the sum would find room.
    assert!(log.note(&facts(110, None), Note::Stop, NOW).await.is_err());
    let _ = log.outcome(open.pop().unwrap(), done(""), reply(200, ""), NOW).await;
    deeds.full.store(false, Ordering::SeqCst);
    let (mut tries, clock) = (0, SystemClock::new());
    while let Err(fault) = intend(&log, 200).await.map(|recorded| open.push(recorded)) {
        assert_eq!(fault, AuditFault::Full);
        tries += 1;
        assert!(clock.steady() < PATIENT);
    }
    let _ = log.note(&facts(201, None), Note::Stop, NOW).await.unwrap();
    drop((open, log));
    // The intent and the note that did not fit, the first refusal, the nine in the sum, the note behind it, the tries.
    assert_eq!(lost(&house.records()), 2 + 1 + 9 + 1 + tries);
}

#[tokio::test]
async fn once_the_log_has_failed_no_refusal_hides_in_a_sum() {
    let (house, deeds) = (House::new(), Arc::new(Deeds::default()));
    let settings =
        Settings { refusal_rates: RefusalRates { unknown_per_minute: 1, known_per_minute: 1 }, ..house.settings() };
    let log = house.open_with(settings, &deeds);
    deeds.failing_sync.store(1, Ordering::SeqCst);
    deeds.fails_to_reopen.store(true, Ordering::SeqCst);
    for number in 0..3 {
        let concluded = log.refusal(&facts(number, None), Reason::Revoked, &forbidden(), NOW).await;
        assert_eq!(concluded.reply().status.as_u16(), 503);
    }
}

//! The ledger at its limits, under threads, and under any sequence of what can happen to a key.

use super::*;
use crate::model::AnswerPlace;
use proptest::prelude::*;
use std::sync::Barrier;

const START: UnixMillis = UnixMillis::new(1_700_000_000_000);
const ANSWERED: PastOutcome = PastOutcome::Answered(AnswerPlace { segment: 1, offset: 2, length: 3 });

fn digest(number: u64) -> Sha256 {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    Sha256::new(bytes)
}

fn receipt(number: u8) -> Receipt {
    Receipt::new([number; 16])
}

fn reserved(presented: Result<Presented, LedgerFault>) -> Reservation {
    match presented.unwrap() {
        Presented::Reserved(reservation) => reservation,
        Presented::Past(..) => panic!("past"),
    }
}

fn past(presented: Result<Presented, LedgerFault>) -> (Receipt, PastOutcome) {
    match presented.unwrap() {
        Presented::Past(receipt, outcome) => (receipt, outcome),
        Presented::Reserved(_) => panic!("reserved"),
    }
}

#[test]
fn a_key_is_released_by_a_refusal_and_kept_from_the_intent_on() {
    let ledger = Ledger::new(10, vec![], START);
    drop(reserved(ledger.present(digest(1), digest(7), START)));
    assert_eq!(ledger.held(), 0);
    let reservation = reserved(ledger.present(digest(1), digest(8), START));
    assert_eq!((reservation.key_digest(), reservation.body_digest()), (digest(1), digest(8)));
    assert_eq!(ledger.present(digest(1), digest(8), START).err(), Some(LedgerFault::InProgress));
    let running = reservation.run(receipt(1), START);
    assert_eq!(ledger.present(digest(1), digest(8), START).err(), Some(LedgerFault::InProgress));
    assert_eq!(ledger.present(digest(1), digest(9), START).err(), Some(LedgerFault::Reused));
    running.settle(ANSWERED);
    assert_eq!(past(ledger.present(digest(1), digest(8), START)), (receipt(1), ANSWERED));
    assert_eq!(ledger.present(digest(1), digest(9), START).err(), Some(LedgerFault::Reused));
    assert_eq!(ledger.held(), 1);
}

#[test]
fn a_running_command_that_is_lost_is_unknown() {
    let ledger = Ledger::new(10, vec![], START);
    drop(reserved(ledger.present(digest(1), digest(7), START)).run(receipt(1), START));
    assert_eq!(past(ledger.present(digest(1), digest(7), START)), (receipt(1), PastOutcome::Unknown));
}

#[test]
fn a_key_is_remembered_for_24_hours_after_its_intent_and_not_a_millisecond_longer() {
    let ledger = Ledger::new(10, vec![], START);
    reserved(ledger.present(digest(1), digest(7), START)).run(receipt(1), START).settle(ANSWERED);
    let last = START.plus(REMEMBERED_MS);
    assert_eq!(past(ledger.present(digest(1), digest(7), last)).0, receipt(1));
    let _held = reserved(ledger.present(digest(1), digest(7), last.plus(1)));
    assert_eq!(ledger.held(), 1);
}

#[test]
fn a_command_still_running_after_24_hours_keeps_its_key() {
    let ledger = Ledger::new(10, vec![], START);
    let running = reserved(ledger.present(digest(1), digest(7), START)).run(receipt(1), START);
    let late = START.plus(2 * REMEMBERED_MS);
    assert_eq!(ledger.present(digest(1), digest(7), late).err(), Some(LedgerFault::InProgress));
    running.settle(ANSWERED);
    let _held = reserved(ledger.present(digest(1), digest(7), late));
}

#[test]
fn the_ledger_holds_as_many_keys_as_it_may_and_refuses_one_more() {
    let ledger = Ledger::new(3, vec![], START);
    for number in 1..=3 {
        reserved(ledger.present(digest(number), digest(7), START)).run(receipt(1), START).settle(ANSWERED);
    }
    assert_eq!(ledger.present(digest(4), digest(7), START).err(), Some(LedgerFault::Full));
    assert_eq!(past(ledger.present(digest(3), digest(7), START)).1, ANSWERED, "known keys are still answered");
    // The day after, room is made although no one asks for the old keys again.
    let late = START.plus(REMEMBERED_MS + 1);
    let _held = reserved(ledger.present(digest(4), digest(7), late));
    assert_eq!(ledger.held(), 1);
}

#[test]
fn recovered_keys_are_held_beyond_the_limit_and_forgotten_when_their_day_is_over() {
    let entry = |number: u64, outcome| {
        let at = START.plus(number);
        LedgerEntry { key: digest(number), body: digest(7), receipt: receipt(9), at, outcome }
    };
    let found = vec![entry(2, ANSWERED), entry(1, PastOutcome::Unknown), entry(0, ANSWERED)];
    let now = START.plus(REMEMBERED_MS + 1);
    let ledger = Ledger::new(1, found, now);
    assert_eq!(ledger.held(), 2);
    assert_eq!(past(ledger.present(digest(1), digest(7), now)), (receipt(9), PastOutcome::Unknown));
    assert_eq!(past(ledger.present(digest(2), digest(7), now)), (receipt(9), ANSWERED));
    assert_eq!(ledger.present(digest(0), digest(7), now).err(), Some(LedgerFault::Full));
    let _held = reserved(ledger.present(digest(0), digest(7), now.plus(2)));
}

#[test]
fn of_many_threads_with_one_key_exactly_one_reserves_it() {
    for round in 0..50 {
        let ledger = Ledger::new(1_000, vec![], START);
        let barrier = Barrier::new(8);
        let won: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        barrier.wait();
                        ledger.present(digest(round), digest(7), START)
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(won.iter().filter(|presented| matches!(presented, Ok(Presented::Reserved(_)))).count(), 1);
        assert_eq!(won.iter().filter(|presented| presented.is_err()).count(), 7);
    }
}

#[test]
fn of_many_threads_no_more_get_in_than_there_is_room_for() {
    let ledger = Ledger::new(100, vec![], START);
    let barrier = Barrier::new(4);
    let held: Vec<_> = std::thread::scope(|scope| {
        let (ledger, barrier) = (&ledger, &barrier);
        let reserve = |thread: u64| {
            barrier.wait();
            (0..50)
                .filter_map(|n| ledger.present(digest(thread * 1_000 + n), digest(7), START).ok())
                .collect::<Vec<_>>()
        };
        let threads: Vec<_> = (0..4).map(|thread| scope.spawn(move || reserve(thread))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!((held.len(), ledger.held()), (100, 100));
    drop(held);
    assert_eq!(ledger.held(), 0);
}

/// What can happen to one of a few keys.
#[derive(Clone, Debug)]
enum Step {
    Present { key: u64, body: u64 },
    Commit { key: u64 },
    Settle { key: u64, answered: bool },
    Drop { key: u64 },
    Wait { millis: u64 },
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let key = 0..4_u64;
    prop_oneof![
        5 => (key.clone(), 0..2_u64).prop_map(|(key, body)| Step::Present { key, body }),
        3 => key.clone().prop_map(|key| Step::Commit { key }),
        2 => (key.clone(), any::<bool>()).prop_map(|(key, answered)| Step::Settle { key, answered }),
        2 => key.prop_map(|key| Step::Drop { key }),
        2 => prop_oneof![Just(1), Just(REMEMBERED_MS / 2), Just(REMEMBERED_MS)].prop_map(|millis| Step::Wait { millis }),
        1 => Just(Step::Restart),
    ]
}

proptest! {
    /// Also over a restart: the log (here a list) has every intent, and the outcomes that were recorded.
    #[test]
    fn a_key_with_an_intent_is_never_reserved_again_within_24_hours(steps in prop::collection::vec(step(), 1..60)) {
        let mut now = START;
        let mut ledger = Ledger::new(3, vec![], now);
        let mut reservations: HashMap<u64, Reservation> = HashMap::new();
        let mut running: HashMap<u64, Running> = HashMap::new();
        let mut log: Vec<LedgerEntry> = Vec::new();
        for step in steps {
            match step {
                Step::Present { key, body } => {
                    let recent = log.iter().rev().find(|entry| entry.key == digest(key) && entry.at.plus(REMEMBERED_MS) >= now);
                    match ledger.present(digest(key), digest(body), now) {
                        Ok(Presented::Reserved(reservation)) => {
                            prop_assert!(recent.is_none() && !running.contains_key(&key) && !reservations.contains_key(&key));
                            reservations.insert(key, reservation);
                        }
                        Ok(Presented::Past(_, outcome)) => prop_assert_eq!(Some((digest(body), outcome)), recent.map(|entry| (entry.body, entry.outcome))),
                        Err(LedgerFault::InProgress) => prop_assert!(running.contains_key(&key) || reservations.contains_key(&key)),
                        Err(LedgerFault::Reused | LedgerFault::Full) => {}
                    }
                }
                Step::Commit { key } => {
                    if let Some(reservation) = reservations.remove(&key) {
                        let body = reservation.body_digest();
                        log.push(LedgerEntry { key: digest(key), body, receipt: receipt(1), at: now, outcome: PastOutcome::Unknown });
                        running.insert(key, reservation.run(receipt(1), now));
                    }
                }
                Step::Settle { key, answered } => {
                    if let Some(running) = running.remove(&key) {
                        let outcome = if answered { ANSWERED } else { PastOutcome::Unknown };
                        log.iter_mut().rev().find(|entry| entry.key == digest(key)).unwrap().outcome = outcome;
                        running.settle(outcome);
                    }
                }
                Step::Drop { key } => {
                    reservations.remove(&key);
                    running.remove(&key);
                }
                Step::Wait { millis } => now = now.plus(millis),
                Step::Restart => {
                    reservations.clear();
                    running.clear();
                    ledger = Ledger::new(3, log.clone(), now);
                }
            }
            let in_progress = reservations.len() + running.len();
            prop_assert!(ledger.held() >= in_progress as u64);
        }
    }
}

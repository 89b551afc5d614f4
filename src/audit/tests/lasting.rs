//! What an earlier process left behind: torn tails, open intents, keys and their answers, damage.

use crate::audit::AuditOpenError;
use crate::audit::HandleFault;
use crate::audit::HandleStore;
use crate::audit::Handles;
use crate::audit::Log;
use crate::audit::Outcome;
use crate::audit::OutcomeState;
use crate::audit::Person;
use crate::audit::RecallFault;
use crate::audit::recover;
use crate::audit::segment;
use crate::audit::tests::harness::*;
use crate::clock::ManualClock;
use crate::clock::UnixMillis;
use crate::model::IdentifierKind;
use crate::model::PastOutcome;
use crate::model::Reason;
use crate::model::Stranger;
use async_trait::async_trait;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

const DAY_MS: u64 = 24 * 3600 * 1000;

fn ended(state: OutcomeState, answer: Option<&str>) -> Outcome {
    Outcome { keep: answer.map(|text| reply(200, text)), ..Outcome::new(state, Reason::Done) }
}

/// The bytes of a log of two intents, and where each begins.
async fn two_intents() -> (Vec<u8>, [usize; 2]) {
    let house = House::new();
    let (log, _) = house.open();
    for number in 1..3 {
        // Forgotten, not dropped: a crash gives no outcome.
        std::mem::forget(log.intent(&permit(), &protected(), &facts(number, None), NOW).await.unwrap());
    }
    let bytes = fs::read(segment::path(house.folder.path(), 1)).unwrap();
    let ends: Vec<usize> = (1..).zip(&bytes).filter(|(_, byte)| **byte == b'\n').map(|(end, _)| end).collect();
    (bytes, [ends[0], ends[1]])
}

#[tokio::test]
async fn a_tail_torn_at_any_byte_of_the_last_record_is_cut_and_kept_aside() {
    let (bytes, [_, second]) = two_intents().await;
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    let folder = tempfile::tempdir().unwrap();
    let path = segment::path(folder.path(), 1);
    attest(folder.path(), &bytes[..second]);
    for place in second..end {
        // Everything from here on did not reach the disk; or this byte alone did not.
        let mut cut = bytes.clone();
        cut[place..].fill(0);
        let mut hole = bytes.clone();
        hole[place] = 0;
        for torn in [cut, hole] {
            fs::write(&path, &torn).unwrap();
            let found = recover::read_back(folder.path(), &signer(), NOW).unwrap();
            assert_eq!(found.unknown, [receipt(1)], "at byte {place}");
            assert_eq!(fs::read(&path).unwrap(), bytes[..second], "at byte {place}");
            let left = torn[second..].iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            assert_eq!(found.cut.map_or(0, |(_, bytes)| bytes), left as u64, "at byte {place}");
            if left > 0 {
                let aside = path.with_extension("torn");
                assert_eq!(fs::metadata(&aside).unwrap().permissions().mode() & 0o777, 0o600);
                let aside = fs::read(aside).unwrap();
                assert_eq!(aside, torn[second..second + left], "at byte {place}");
            }
        }
    }
}

#[tokio::test]
async fn whole_records_behind_a_hole_are_not_believed() {
    let (bytes, [first, second]) = two_intents().await;
    let folder = tempfile::tempdir().unwrap();
    attest(folder.path(), &bytes[..first]);
    let mut torn = bytes;
    torn[first..second].fill(0);
    fs::write(segment::path(folder.path(), 1), &torn).unwrap();
    let found = recover::read_back(folder.path(), &signer(), NOW).unwrap();
    assert!(found.unknown.is_empty() && found.cut.is_some());
}

#[tokio::test]
async fn a_changed_byte_in_an_older_segment_is_damage_and_the_log_stays_closed() {
    let house = House::new();
    for number in 1..3 {
        let (log, _) = house.open();
        let _ = log.refusal(&facts(number, None), Reason::Revoked, &forbidden(), NOW).await;
    }
    let path = segment::path(house.folder.path(), 1);
    let mut bytes = fs::read(&path).unwrap();
    bytes[20] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let clock = Arc::new(ManualClock::new(NOW));
    let error = Log::open(house.settings(), &key(), clock, Arc::clone(&house.metrics)).err().unwrap();
    assert!(matches!(error, AuditOpenError::Damaged { path: at, offset: 0 } if at == path));
    assert_eq!(fs::read(&path).unwrap(), bytes, "nothing is repaired");
}

#[tokio::test]
async fn intents_without_outcome_are_marked_unknown_once() {
    let house = House::new();
    let (log, recovered) = house.open();
    assert_eq!((recovered.unknown, recovered.cut_bytes), (0, 0));
    for number in 1..4 {
        let open = log.intent(&permit(), &protected(), &facts(number, None), NOW).await.unwrap();
        if number == 2 {
            let _ = log.outcome(open, ended(OutcomeState::Done, None), reply(200, ""), NOW).await;
        } else {
            std::mem::forget(open);
        }
    }
    std::mem::drop(log);
    // The proofs that were forgotten keep the first log open, as in a process that died without ending it.
    let copy = house.copy();
    let (log, recovered) = copy.open();
    assert_eq!(recovered.unknown, 2);
    drop(log);
    let story = ["intent", "intent", "outcome done", "intent", "recovery", "outcome unknown", "outcome unknown"];
    assert_eq!(copy.story(), story);
    let records = copy.records();
    assert_eq!(records[5]["receipt"], receipt(1).to_string());
    assert_eq!(records[6]["receipt"], receipt(3).to_string());
    let (_log, recovered) = copy.open();
    assert_eq!(recovered.unknown, 0);
}

#[tokio::test]
async fn keys_come_back_with_what_became_of_them_and_answers_are_read_back() {
    let house = House::new();
    let (log, _) = house.open();
    let cases = [
        (OutcomeState::Done, Some("opened")),
        (OutcomeState::Refused, Some("busy")),
        (OutcomeState::NotSent, Some("unreachable")),
        (OutcomeState::Withdrawn, None),
        (OutcomeState::Unknown, Some("never kept")),
        (OutcomeState::Done, None),
    ];
    let mut places = Vec::new();
    for (number, (state, answer)) in (1..).zip(cases) {
        let facts = facts(number, Some(&format!("key {number}")));
        let open = log.intent(&permit(), &protected(), &facts, NOW).await.unwrap();
        places.push(log.outcome(open, ended(state, answer), reply(200, "to the caller"), NOW).await.kept_at());
    }
    let unkeyed = log.intent(&permit(), &protected(), &facts(9, None), NOW).await.unwrap();
    let kept = log.outcome(unkeyed, ended(OutcomeState::Done, Some("x")), reply(200, ""), NOW).await.kept_at();
    assert_eq!(kept, None, "nobody can ask for it");
    let recall = async |log: &Log, number: u8, index: usize| {
        log.recorded_answer(places[index].unwrap(), receipt(number), None).await
    };
    assert_eq!(recall(&log, 1, 0).await.unwrap().into_reply().body, "opened", "while the log is in use");
    drop(log);
    let (log, recovered) = house.open();
    let past: Vec<_> = recovered.past.iter().map(|past| (past.receipt, past.outcome)).collect();
    let expected = [
        (receipt(1), PastOutcome::Answered(places[0].unwrap())),
        (receipt(2), PastOutcome::Answered(places[1].unwrap())),
        (receipt(3), PastOutcome::Answered(places[2].unwrap())),
        (receipt(5), PastOutcome::Unknown),
        (receipt(6), PastOutcome::Unknown),
    ];
    assert_eq!(past, expected, "of the fourth nothing was sent and nothing kept");
    assert_eq!(recovered.past[0].key, facts(1, Some("key 1")).key.unwrap());
    assert_eq!(recovered.past[0].at, NOW);
    for (number, index, state, text) in [
        (1, 0, OutcomeState::Done, "opened"),
        (2, 1, OutcomeState::Refused, "busy"),
        (3, 2, OutcomeState::NotSent, "unreachable"),
    ] {
        let kept = recall(&log, number, index).await.unwrap();
        let (found, reply) = (kept.state(), kept.into_reply());
        assert_eq!((found, reply.status.as_u16(), reply.body.as_ref()), (state, 200, text.as_bytes()));
    }
    assert_eq!(recall(&log, 2, 0).await.err(), Some(RecallFault::NotThere), "another receipt's place");
}

#[tokio::test]
async fn a_key_is_remembered_for_a_day_and_not_a_millisecond_longer() {
    let house = House::new();
    let (log, _) = house.open();
    let open = log.intent(&permit(), &protected(), &facts(1, Some("a-key")), NOW).await.unwrap();
    let _ = log.outcome(open, ended(OutcomeState::Done, Some("opened")), reply(200, ""), NOW).await;
    drop(log);
    assert_eq!(house.open_at(NOW.plus(DAY_MS)).1.past.len(), 1);
    assert_eq!(house.open_at(NOW.plus(DAY_MS + 1)).1.past.len(), 0);
}

#[tokio::test]
async fn a_key_of_today_is_remembered_though_the_clock_was_set_back_and_forth_between_two_starts() {
    let house = House::new();
    let hour = DAY_MS / 24;
    let past = UnixMillis::new(NOW.get() - 100 * DAY_MS);
    // A right clock, one that was set back, and a right one again; and a segment of long ago before them.
    for (number, at) in [(9, past), (1, NOW), (2, past.plus(hour)), (3, NOW.plus(hour))] {
        let (log, _) = house.open_at(at);
        let open = log.intent(&permit(), &protected(), &facts(number, Some(&number.to_string())), at).await.unwrap();
        let _ = log.outcome(open, ended(OutcomeState::Done, Some("opened")), reply(200, ""), at).await;
        drop(log);
    }
    let remembered = |at| {
        let past = house.open_at(at).1.past;
        past.into_iter().map(|command| command.receipt).collect::<Vec<_>>()
    };
    let today = [receipt(1), receipt(3)];
    assert_eq!(remembered(NOW.plus(2 * hour)), today);
    // A clock that was set forward remembers nothing, and put right again everything.
    assert_eq!(remembered(NOW.plus(100 * DAY_MS)), []);
    assert_eq!(remembered(NOW.plus(3 * hour)), today);
    assert_eq!(remembered(NOW.plus(25 * hour)), [receipt(3)]);
    assert!(crate::audit::examine(house.folder.path(), &signer(), NOW).is_ok());
}

#[tokio::test]
async fn an_intent_left_open_before_a_long_stop_is_still_found() {
    let house = House::new();
    let (log, _) = house.open();
    std::mem::forget(log.intent(&permit(), &protected(), &facts(1, None), NOW).await.unwrap());
    let copy = house.copy();
    assert_eq!(copy.open_at(NOW.plus(100 * DAY_MS)).1.unknown, 1);
}

#[tokio::test]
async fn two_processes_never_write_one_log() {
    let house = House::new();
    let (log, _) = house.open();
    let again = || Log::open(house.settings(), &key(), Arc::new(ManualClock::new(NOW)), Arc::clone(&house.metrics));
    assert!(matches!(again().err(), Some(AuditOpenError::InUse { .. })));
    drop(log);
    assert!(again().is_ok());
}

#[test]
fn a_directory_that_is_missing_begins_no_log() {
    let house = House::new();
    let settings = crate::audit::Settings { directory: house.folder.path().join("mistyped"), ..house.settings() };
    let opened = Log::open(settings, &key(), Arc::new(ManualClock::new(NOW)), Arc::clone(&house.metrics));
    assert!(matches!(opened.err(), Some(AuditOpenError::Io { .. })));
}

struct Fresh;

#[async_trait]
impl HandleStore for Fresh {
    async fn handles(&self, persons: Vec<Person>) -> Result<Vec<crate::audit::HandleRow>, HandleFault> {
        Ok(persons.into_iter().map(|person| person.fresh).collect())
    }

    async fn known(&self, _limit: usize) -> Result<Vec<(crate::model::Sha256, crate::audit::HandleRow)>, HandleFault> {
        Ok(Vec::new())
    }

    async fn find(&self, _person: crate::model::Sha256) -> Result<Option<crate::audit::Handle>, HandleFault> {
        Ok(None)
    }

    async fn erase(&self, _person: crate::model::Sha256) -> Result<bool, HandleFault> {
        Ok(false)
    }
}

#[tokio::test]
async fn no_file_of_the_log_holds_a_person_or_an_answer_in_plain() {
    const CANARY: &str = "canary-ivanov";
    let house = House::new();
    let (log, _) = house.open();
    let handles = Handles::new(Arc::new(Fresh), &key());
    let person = Stranger::new(CANARY);
    let asked = [Some((IdentifierKind::User, &person)), Some((IdentifierKind::Device, &person))];
    let crate::audit::Named { handles: [subject, device], answers } =
        handles.of(&Arc::from("issuer"), asked).await.unwrap();
    let facts = crate::audit::Facts { subject, device, answers, ..facts(1, Some(CANARY)) };
    let open = log.intent(&permit(), &protected(), &facts, NOW).await.unwrap();
    let _ = log.outcome(open, ended(OutcomeState::Done, Some(CANARY)), reply(200, CANARY), NOW).await;
    let _ = log.refusal(&facts, Reason::Revoked, &forbidden(), NOW).await;
    let _ = log.repeat(&facts, receipt(1), reply(200, CANARY), NOW).await;
    drop(log);
    assert_eq!(house.records().len(), 4);
    // Tiles hold hashes alone.
    let files = fs::read_dir(house.folder.path()).unwrap().map(|file| file.unwrap().path());
    for file in files.filter(|path| path.is_file()) {
        let bytes = fs::read(file).unwrap();
        let hidden = crate::crypto::encode_base64url(CANARY.as_bytes());
        for word in [CANARY.as_bytes(), hidden.as_bytes()] {
            assert!(!bytes.windows(word.len()).any(|part| part == word));
        }
    }
}

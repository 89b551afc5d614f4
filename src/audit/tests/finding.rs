//! What stands under a receipt is found beside the writer, over segments, behind a torn tail, and not past damage.

use crate::audit::AuditOpenError;
use crate::audit::FindFault;
use crate::audit::Found;
use crate::audit::FoundRecord;
use crate::audit::Outcome;
use crate::audit::OutcomeState;
use crate::audit::find;
use crate::audit::segment;
use crate::audit::tests::harness::*;
use crate::model::Reason;
use std::fs;

fn kinds(found: &Found) -> Vec<&'static str> {
    found.records.iter().map(FoundRecord::kind).collect()
}

#[tokio::test]
async fn a_commands_records_are_found_while_the_log_is_open_and_in_their_order() {
    let house = House::new();
    let (log, _) = house.open();
    let recorded = log.intent(&permit(), &protected(), &facts(1, Some("a-key")), NOW).await.unwrap();
    let found = find(house.folder.path(), receipt(1)).unwrap();
    assert_eq!((kinds(&found), found.damaged.is_none()), (vec!["intent"], true), "it runs");
    let _ = log.outcome(recorded, Outcome::new(OutcomeState::Done, Reason::Done), reply(200, "{}"), NOW.plus(7)).await;
    let _ = log.refusal(&facts(2, None), Reason::Revoked, &forbidden(), NOW).await;
    let found = find(house.folder.path(), receipt(1)).unwrap();
    assert_eq!(kinds(&found), ["intent", "outcome"]);
    let [intent, outcome] = found.records.as_slice() else { panic!("two records") };
    assert_eq!((intent.text("operation"), intent.time()), (Some("openDoor"), NOW));
    assert_eq!((outcome.text("reason"), outcome.time()), (Some("done"), NOW.plus(7)));
    let refused = find(house.folder.path(), receipt(2)).unwrap();
    assert_eq!((kinds(&refused), refused.records[0].text("reason")), (vec!["refusal"], Some("revoked")));
    let unknown = find(house.folder.path(), receipt(3));
    assert!(matches!(unknown, Err(FindFault::Unknown)), "{unknown:?}");
    assert!(matches!(
        find(&house.folder.path().join("none"), receipt(1)),
        Err(FindFault::Open(AuditOpenError::Io { .. }))
    ));
}

#[tokio::test]
async fn an_intent_is_found_in_the_segment_before_that_of_its_outcome() {
    let house = House::new();
    let (log, _) = house.open();
    let recorded = log.intent(&permit(), &protected(), &facts(1, None), NOW).await.unwrap();
    let mut number = 1;
    while segment::numbers(house.folder.path()).unwrap().len() < 3 {
        number += 1;
        let _ = log.refusal(&facts(number, None), Reason::Revoked, &forbidden(), NOW).await;
    }
    let _ = log.outcome(recorded, Outcome::new(OutcomeState::Done, Reason::Done), reply(200, "{}"), NOW).await;
    assert_eq!(kinds(&find(house.folder.path(), receipt(1)).unwrap()), ["intent", "outcome"]);
    drop(log);
    house.until_ended();
    assert_eq!(kinds(&find(house.folder.path(), receipt(1)).unwrap()), ["intent", "outcome"], "and when it has ended");
}

#[tokio::test]
async fn a_torn_tail_hides_nothing_that_was_whole_and_damage_is_told() {
    let house = House::new();
    let (log, _) = house.open();
    for number in 1..=3 {
        let _ = log.refusal(&facts(number, None), Reason::Revoked, &forbidden(), NOW).await;
    }
    drop(log);
    house.until_ended();
    let path = segment::path(house.folder.path(), 1);
    let whole = fs::read(&path).unwrap();
    let torn = [whole.as_slice(), b"{\"v\":2,\"kind\":\"refu"].concat();
    fs::write(&path, torn).unwrap();
    let found = find(house.folder.path(), receipt(3)).unwrap();
    assert!(found.damaged.is_none(), "a tail that a crash left is no damage");
    // The same bytes in the midst of a log are.
    fs::write(segment::path(house.folder.path(), 2), &whole).unwrap();
    let at = whole.len() as u64;
    let missing = find(house.folder.path(), receipt(9)).unwrap_err();
    assert_eq!(missing.to_string(), format!("`{}` is damaged at byte {at}", path.display()));
    // What stands before the damage is found all the same.
    let lines: Vec<&[u8]> = whole.split_inclusive(|byte| *byte == b'\n').collect();
    let first = lines[0].len() + lines[1].len();
    let mut broken = whole.clone();
    broken[first + 40] ^= 1;
    fs::write(&path, &broken).unwrap();
    fs::write(segment::path(house.folder.path(), 2), lines[2]).unwrap();
    let found = find(house.folder.path(), receipt(1)).unwrap();
    assert_eq!(
        (kinds(&found).len(), found.damaged.map(|damage| damage.to_string())),
        (1, Some(format!("`{}` is damaged at byte {first}", path.display())))
    );
}

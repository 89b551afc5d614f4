//! Lifting, one rule at a time; `store/tests/lifting.rs` plays any interleaving over a real store.

use crate::audit::Noted;
use crate::clock::UnixMillis;
use crate::crypto::SecretKey;
use crate::guard::Guard;
use crate::guard::LiftFault;
use crate::guard::LiftedRevocation;
use crate::guard::OrderedBy;
use crate::guard::Revocation;
use crate::guard::RevocationKind;
use crate::guard::RevocationStore;
use crate::guard::StoreFault;
use crate::guard::StoredRevocation;
use crate::guard::StoredRevocations;
use crate::guard::two_persons::PROPOSALS_MAX;
use crate::limits::Limits;
use crate::model::Epoch;
use crate::model::PersonName;
use crate::model::Stranger;
use async_trait::async_trait;
use parking_lot::Mutex;
use std::sync::Arc;

const NOW: UnixMillis = UnixMillis::new(1_000_000);

/// Forgets everything, but does what it is asked; told to, it fails.
#[derive(Default)]
struct Nowhere {
    fails: Mutex<bool>,
}

#[async_trait]
impl RevocationStore for Nowhere {
    async fn load(&self) -> Result<StoredRevocations, StoreFault> {
        Ok(StoredRevocations::default())
    }

    async fn keep(&self, _entries: Vec<StoredRevocation>, _ceiling: Epoch) -> Result<(), StoreFault> {
        Ok(())
    }

    async fn lift(&self, _lifted: LiftedRevocation) -> Result<bool, StoreFault> {
        if *self.fails.lock() { Err(StoreFault::Failed) } else { Ok(true) }
    }

    async fn page(&self, _after: Epoch, _at_most: usize) -> Result<Vec<StoredRevocation>, StoreFault> {
        Ok(Vec::new())
    }
}

async fn open(store: &Arc<Nowhere>) -> Guard {
    let limits = Limits { lift_confirm_ms: 1_000, ..Limits::default() };
    let store = Arc::clone(store) as Arc<dyn RevocationStore>;
    Guard::open(&limits, &SecretKey::new([7; 32]), store, vec![], NOW).await.unwrap()
}

fn person(name: &str) -> PersonName {
    PersonName::new(name).unwrap()
}

fn partner(name: &str) -> Revocation {
    Revocation::of(RevocationKind::Partner, None, Stranger::new(name)).unwrap()
}

impl Guard {
    async fn revoked(&self, name: &str) {
        self.revoke(partner(name), OrderedBy::Operator, NOW).await.unwrap();
    }

    fn proposed(&self, name: &str, by: &str, now: UnixMillis) -> Result<UnixMillis, LiftFault> {
        self.propose_lift(&partner(name), &person(by), now)
    }

    async fn confirmed(&self, name: &str, by: &str, now: UnixMillis) -> Result<Epoch, LiftFault> {
        let agreed = self.agree_to_lift(partner(name), &person(by), now)?;
        let lifting = self.begin_lift(agreed).await?;
        self.lift(lifting, &Noted::for_test()).await
    }

    fn holds(&self, name: &str) -> bool {
        self.is_in_force(&partner(name))
    }
}

#[tokio::test]
async fn what_one_proposes_another_lifts_and_the_epoch_grows() {
    let guard = open(&Arc::default()).await;
    guard.revoked("smarthome").await;
    guard.revoked("parkline").await;
    let before = guard.epoch();
    assert_eq!(guard.proposed("smarthome", "ivanov", NOW), Ok(NOW.plus(1_000)));
    assert!(guard.holds("smarthome"), "a proposal lifts nothing");
    let agreed = guard.agree_to_lift(partner("smarthome"), &person("petrova"), NOW).unwrap();
    assert_eq!((agreed.proposed_by().as_str(), agreed.confirmed_by().as_str()), ("ivanov", "petrova"));
    let lifting = guard.begin_lift(agreed).await.unwrap();
    assert!(guard.holds("smarthome"), "nor does agreement, before it is on record");
    let epoch = guard.lift(lifting, &Noted::for_test()).await.unwrap();
    assert!(epoch > before && guard.epoch() >= epoch && !guard.holds("smarthome"));
    assert!(guard.holds("parkline"));
    assert_eq!(guard.confirmed("smarthome", "petrova", NOW).await, Err(LiftFault::NotProposed), "it is used up");
    assert_eq!(guard.proposed("smarthome", "ivanov", NOW), Err(LiftFault::NotInForce));
}

#[tokio::test]
async fn nobody_confirms_their_own_proposal_nor_another_content() {
    let guard = open(&Arc::default()).await;
    guard.revoked("smarthome").await;
    guard.revoked("parkline").await;
    guard.proposed("smarthome", "ivanov", NOW).unwrap();
    assert_eq!(guard.confirmed("smarthome", "ivanov", NOW).await, Err(LiftFault::SamePerson));
    assert_eq!(guard.confirmed("parkline", "petrova", NOW).await, Err(LiftFault::NotProposed));
    let tenant = Some(PersonName::new("north").unwrap());
    let narrower = Revocation::of(RevocationKind::Partner, tenant, Stranger::new("smarthome")).unwrap();
    assert_eq!(guard.agree_to_lift(narrower, &person("petrova"), NOW).err(), Some(LiftFault::NotProposed));
    assert!(guard.holds("smarthome") && guard.holds("parkline"));
    assert!(guard.confirmed("smarthome", "petrova", NOW).await.is_ok(), "their own attempt did not use it up");
}

#[tokio::test]
async fn a_proposal_holds_its_time_and_not_a_millisecond_longer() {
    for (after, lifted) in [(1_000, true), (1_001, false)] {
        let guard = open(&Arc::default()).await;
        guard.revoked("smarthome").await;
        guard.proposed("smarthome", "ivanov", NOW).unwrap();
        assert_eq!(guard.confirmed("smarthome", "petrova", NOW.plus(after)).await.is_ok(), lifted, "{after}");
        assert_eq!(guard.holds("smarthome"), !lifted);
    }
}

#[tokio::test]
async fn what_is_revoked_again_ends_the_proposal_and_outlives_an_agreement() {
    let guard = open(&Arc::default()).await;
    guard.revoked("smarthome").await;
    guard.proposed("smarthome", "ivanov", NOW).unwrap();
    guard.revoked("smarthome").await;
    assert_eq!(guard.confirmed("smarthome", "petrova", NOW).await, Err(LiftFault::NotProposed));
    // Once more, between agreement and lifting, and between lifting and its end.
    guard.proposed("smarthome", "ivanov", NOW).unwrap();
    let agreed = guard.agree_to_lift(partner("smarthome"), &person("petrova"), NOW).unwrap();
    guard.revoked("smarthome").await;
    assert_eq!(guard.begin_lift(agreed).await.err(), Some(LiftFault::NotProposed));
    guard.proposed("smarthome", "ivanov", NOW).unwrap();
    let agreed = guard.agree_to_lift(partner("smarthome"), &person("petrova"), NOW).unwrap();
    let lifting = guard.begin_lift(agreed).await.unwrap();
    guard.revoked("smarthome").await;
    assert_eq!(guard.lift(lifting, &Noted::for_test()).await, Err(LiftFault::NotProposed));
    assert!(guard.holds("smarthome"));
}

#[tokio::test]
async fn what_the_store_does_not_lift_stays_in_force() {
    let store = Arc::new(Nowhere::default());
    let guard = open(&store).await;
    guard.revoked("smarthome").await;
    guard.proposed("smarthome", "ivanov", NOW).unwrap();
    *store.fails.lock() = true;
    let confirmed = guard.confirmed("smarthome", "petrova", NOW).await;
    assert_eq!(confirmed, Err(LiftFault::NotStored(StoreFault::Failed)));
    assert!(guard.holds("smarthome"));
}

#[tokio::test]
async fn as_many_proposals_wait_as_may_and_those_that_lapsed_make_room() {
    let guard = open(&Arc::default()).await;
    for number in 0..=PROPOSALS_MAX {
        guard.revoked(&format!("partner-{number}")).await;
    }
    for number in 0..PROPOSALS_MAX {
        guard.proposed(&format!("partner-{number}"), "ivanov", NOW).unwrap();
    }
    let last = format!("partner-{}", PROPOSALS_MAX);
    assert_eq!(guard.proposed(&last, "ivanov", NOW), Err(LiftFault::TooMany));
    assert!(guard.proposed("partner-0", "ivanov", NOW).is_ok(), "the same again takes no further place");
    assert!(guard.proposed(&last, "ivanov", NOW.plus(1_001)).is_ok());
}

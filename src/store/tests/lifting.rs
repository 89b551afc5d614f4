//! Revoking, lifting and restarting in any order, over the real store: the epoch grows, nothing is lifted without two
//! persons, and nothing that was lifted comes back by itself.

use super::NOW;
use super::entry;
use super::key;
use super::of_the_first_schema;
use super::place;
use crate::audit::Noted;
use crate::guard::Guard;
use crate::guard::LiftedRevocation;
use crate::guard::OrderedBy;
use crate::guard::Revocation;
use crate::guard::RevocationKind;
use crate::guard::RevocationStore;
use crate::guard::StoredRevocation;
use crate::limits::Limits;
use crate::model::Epoch;
use crate::model::PersonName;
use crate::model::Stranger;
use crate::model::TenantId;
use crate::store::MissedChange;
use crate::store::Sqlite;
use crate::store::copy;
use crate::store::put_in_place;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

fn lifted(number: u64, up_to: u64, epoch: u64) -> LiftedRevocation {
    LiftedRevocation {
        digest: entry(number, None).digest,
        tenant: None,
        up_to: Epoch::new(up_to),
        epoch: Epoch::new(epoch),
        ceiling: Epoch::new(epoch),
    }
}

#[tokio::test]
async fn a_lifted_revocation_is_gone_after_a_restart_and_a_late_attempt_to_store_it_does_not_bring_it_back() {
    let (_folder, path) = place();
    let store = Sqlite::open(&path, &key()).unwrap();
    store.keep(vec![entry(1, None), entry(2, None)], Epoch::new(2)).await.unwrap();
    assert_eq!(store.lift(lifted(1, 2, 3)).await, Ok(true));
    assert_eq!(store.lift(lifted(1, 2, 3)).await, Ok(true), "a second attempt finds its mark");
    assert_eq!(store.lift(lifted(9, 2, 3)).await, Ok(false), "what is not there is not lifted");
    store.keep(vec![entry(1, None)], Epoch::new(2)).await.unwrap();
    drop(store);
    let store = Sqlite::open(&path, &key()).unwrap();
    let stored = store.load().await.unwrap();
    assert_eq!((stored.entries, stored.ceiling), (vec![entry(2, None)], Epoch::new(3)));
    let again = StoredRevocation { epoch: Epoch::new(4), ..entry(1, None) };
    store.keep(vec![again.clone()], Epoch::new(4)).await.unwrap();
    assert_eq!(store.load().await.unwrap().entries, [entry(2, None), again], "a later order is one of its own");
}

#[tokio::test]
async fn what_was_ordered_again_is_not_lifted_with_what_came_before() {
    let (_folder, path) = place();
    let store = Sqlite::open(&path, &key()).unwrap();
    store.keep(vec![entry(1, None)], Epoch::new(1)).await.unwrap();
    store.keep(vec![StoredRevocation { epoch: Epoch::new(5), ..entry(1, None) }], Epoch::new(5)).await.unwrap();
    assert_eq!(store.lift(lifted(1, 4, 6)).await, Ok(false));
    assert_eq!(store.load().await.unwrap().entries, [entry(1, None)], "as it was ordered first");
    assert_eq!(store.lift(lifted(1, 5, 6)).await, Ok(true));
}

#[tokio::test]
async fn a_page_holds_so_many_in_the_order_of_epochs_and_begins_after_one() {
    let (_folder, path) = place();
    let store = Sqlite::open(&path, &key()).unwrap();
    store.keep((1..=5).map(|number| entry(number, None)).collect(), Epoch::new(5)).await.unwrap();
    store.lift(lifted(2, 5, 6)).await.unwrap();
    let page = |after, at_most| store.page(Epoch::new(after), at_most);
    assert_eq!(page(0, 2).await.unwrap(), [entry(1, None), entry(3, None)]);
    assert_eq!(page(3, 2).await.unwrap(), [entry(4, None), entry(5, None)]);
    assert_eq!(page(5, 2).await.unwrap(), []);
}

#[tokio::test]
async fn a_store_of_the_first_schema_keeps_its_revocations() {
    let (_folder, path) = place();
    of_the_first_schema(&path);
    let store = Sqlite::open(&path, &key()).unwrap();
    let stored = store.load().await.unwrap();
    assert_eq!((stored.entries, stored.ceiling), (vec![entry(1, None)], Epoch::new(7)));
    assert_eq!(store.lift(lifted(1, 7, 8)).await, Ok(true));
}

#[tokio::test]
async fn a_copy_counts_what_is_in_force_and_takes_what_was_ordered_since_whatever_was_lifted_before() {
    let missing =
        |number, epoch| MissedChange::Revoked(StoredRevocation { epoch: Epoch::new(epoch), ..entry(number, None) });
    let (folder, path) = place();
    let store = Sqlite::open(&path, &key()).unwrap();
    store.keep((1..=3).map(|number| entry(number, None)).collect(), Epoch::new(3)).await.unwrap();
    store.lift(lifted(1, 3, 4)).await.unwrap();
    store.lift(lifted(2, 3, 5)).await.unwrap();
    let copied = folder.path().join("copy.sqlite");
    assert_eq!(copy(&path, &copied, &key()).unwrap().revocations, 1);
    drop(store);
    // The first was ordered again after it was lifted; that it was ordered before says nothing of the second.
    let since = [missing(1, 6), missing(2, 2)];
    let restored = put_in_place(&copied, &path, &key(), &since, Epoch::new(6)).unwrap();
    assert_eq!(restored.revocations, 2);
    let entries = Sqlite::open(&path, &key()).unwrap().load().await.unwrap().entries;
    let of = |number, epoch| StoredRevocation { epoch: Epoch::new(epoch), ..entry(number, None) };
    assert_eq!(entries, [of(3, 3), of(1, 6)]);

    let (_folder, old) = place();
    of_the_first_schema(&old);
    assert_eq!(put_in_place(&old, &path, &key(), &[missing(9, 9)], Epoch::new(9)).unwrap().revocations, 2);
}

/// What may happen to one of three things.
#[derive(Clone, Copy, Debug)]
enum Step {
    Revoke(usize),
    Propose(usize, usize),
    /// Confirms, and perhaps does not come to the lifting.
    Confirm(usize, usize, bool),
    Restart,
}

const PERSONS: [&str; 3] = ["ivanov", "petrova", "sidorov"];

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..3_usize).prop_map(Step::Revoke),
        4 => (0..3_usize, 0..3_usize).prop_map(|(what, who)| Step::Propose(what, who)),
        6 => (0..3_usize, 0..3_usize, any::<bool>()).prop_map(|(what, who, ends)| Step::Confirm(what, who, ends)),
        1 => Just(Step::Restart),
    ]
}

/// One thing everywhere, the same in a tenant, and another.
fn thing(number: usize) -> Revocation {
    let tenant = (number == 1).then(|| TenantId::new("north").unwrap());
    let value = Stranger::new(if number == 2 { "parkline" } else { "smarthome" });
    Revocation::of(RevocationKind::Partner, tenant, value).unwrap()
}

fn person(number: usize) -> PersonName {
    PersonName::new(PERSONS[number]).unwrap()
}

async fn open(path: &Path) -> Guard {
    let store = Arc::new(Sqlite::open(path, &key()).unwrap());
    Guard::open(&Limits::default(), &key(), store, vec![], NOW).await.unwrap()
}

/// What must be so, kept by the plainest means.
#[derive(Default)]
struct Model {
    in_force: [bool; 3],
    /// Who has proposed what.
    proposed: BTreeMap<usize, usize>,
}

async fn play(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let (_folder, path) = place();
    let mut guard = open(&path).await;
    let (mut model, mut last) = (Model::default(), guard.epoch());
    for step in steps {
        let changed = match step {
            Step::Revoke(what) => {
                guard.revoke(thing(what), OrderedBy::Operator, NOW).await.unwrap();
                model.in_force[what] = true;
                model.proposed.remove(&what);
                true
            }
            Step::Propose(what, who) => {
                let proposed = guard.propose_lift(&thing(what), &person(who), NOW);
                prop_assert_eq!(proposed.is_ok(), model.in_force[what]);
                if proposed.is_ok() {
                    model.proposed.insert(what, who);
                }
                false
            }
            Step::Confirm(what, who, ends) => {
                let by_two = model.proposed.get(&what).is_some_and(|proposer| *proposer != who);
                let agreed = guard.agree_to_lift(thing(what), &person(who), NOW);
                prop_assert_eq!(agreed.is_ok(), by_two, "{:?}", step);
                if by_two {
                    model.proposed.remove(&what);
                }
                match agreed {
                    Ok(agreed) => {
                        prop_assert_ne!(agreed.proposed_by(), agreed.confirmed_by());
                        let lifting = guard.begin_lift(agreed).await.unwrap();
                        if ends {
                            guard.lift(lifting, &Noted::for_test()).await.unwrap();
                            model.in_force[what] = false;
                        }
                        true
                    }
                    Err(_) => false,
                }
            }
            Step::Restart => {
                drop(guard);
                guard = open(&path).await;
                model.proposed.clear();
                true
            }
        };
        let epoch = guard.epoch();
        prop_assert!(if changed { epoch > last } else { epoch == last }, "{:?}: {} after {}", step, epoch, last);
        last = epoch;
        let shown = guard.revocations_after(Epoch::default(), 10).await.unwrap();
        prop_assert_eq!(shown.len(), model.in_force.iter().filter(|held| **held).count());
        for (what, held) in model.in_force.iter().enumerate() {
            prop_assert_eq!(guard.is_in_force(&thing(what)), *held, "{:?}", step);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn in_any_order_the_epoch_grows_and_nothing_is_lifted_without_two_persons(
        steps in prop::collection::vec(step(), 1..40),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(play(steps))?;
    }
}

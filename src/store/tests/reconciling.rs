//! Replaying, from any point on and as often as you like, gives the store that was lost.

use super::NOW;
use super::entry;
use super::key;
use super::place;
use crate::guard::LiftedRevocation;
use crate::guard::RESERVE;
use crate::guard::RevocationStore;
use crate::guard::StoredRevocation;
use crate::model::Epoch;
use crate::store::Alone;
use crate::store::MissedChange;
use crate::store::Sqlite;
use crate::store::StoreOpenError;
use crate::store::copy;
use crate::store::reconcile;
use proptest::prelude::*;

fn revoked(number: u64, epoch: u64) -> StoredRevocation {
    StoredRevocation { epoch: Epoch::new(epoch), at: NOW.plus(epoch), ..entry(number, None) }
}

fn missed(lifts: bool, number: u64, epoch: u64) -> MissedChange {
    let one = revoked(number, epoch);
    if lifts {
        return MissedChange::Lifted { digest: one.digest, tenant: one.tenant, epoch: one.epoch };
    }
    MissedChange::Revoked(one)
}

async fn happens(store: &Sqlite, lifts: bool, number: u64, epoch: u64) {
    let (one, ceiling) = (revoked(number, epoch), Epoch::new(epoch + RESERVE));
    if lifts {
        let up_to = Epoch::new(epoch - 1);
        let lifted = LiftedRevocation { digest: one.digest, tenant: None, up_to, epoch: one.epoch, ceiling };
        // Of what is not there nothing is lifted.
        let _ = store.lift(lifted).await.unwrap();
    } else {
        store.keep(vec![one], ceiling).await.unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_copy_of_any_moment_becomes_what_was_lost_once_all_since_is_replayed(
        changes in proptest::collection::vec((any::<bool>(), 1_u64..4), 1..12),
        copied_after in 0_usize..12,
        overlap in 0_usize..4,
        again in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (folder, path) = place();
        let aside = folder.path().join("copy.sqlite");
        let copied_after = copied_after.min(changes.len());
        let store = Sqlite::open(&path, &key()).unwrap();
        let mut told = Vec::new();
        for (at, (lifts, number)) in changes.iter().enumerate() {
            if at == copied_after {
                copy(&path, &aside, &key()).unwrap();
            }
            let epoch = at as u64 + 1;
            runtime.block_on(happens(&store, *lifts, *number, epoch));
            told.push(missed(*lifts, *number, epoch));
        }
        if copied_after == changes.len() {
            copy(&path, &aside, &key()).unwrap();
        }
        let lost = runtime.block_on(store.load()).unwrap();
        drop(store);
        // In whatever order they come, and with some that the copy has seen.
        let mut since = told[copied_after.saturating_sub(overlap)..].to_vec();
        since.reverse();
        for _ in 0..=u8::from(again) {
            let alone = Alone::with(&aside).unwrap();
            let standing = reconcile(&alone, &key(), &since, Epoch::new(changes.len() as u64)).unwrap();
            prop_assert_eq!(standing.epoch, Epoch::new(changes.len() as u64));
        }
        let made_good = runtime.block_on(Sqlite::open(&aside, &key()).unwrap().load()).unwrap();
        prop_assert_eq!(made_good.entries, lost.entries);
        prop_assert_eq!(made_good.ceiling, lost.ceiling);
    }
}

#[test]
fn a_store_that_somebody_has_is_not_reconciled() {
    let (_folder, path) = place();
    let store = Sqlite::open(&path, &key()).unwrap();
    assert!(matches!(Alone::with(&path), Err(StoreOpenError::InUse { .. })));
    drop(store);
    let alone = Alone::with(&path).unwrap();
    assert!(matches!(Sqlite::open(&path, &key()), Err(StoreOpenError::InUse { .. })));
    drop(alone);
    assert!(Sqlite::open(&path, &key()).is_ok());
}

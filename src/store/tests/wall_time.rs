//! The highest wall time: over a restart, over a person's acceptance, and out of a store that never knew one.

use super::*;
use crate::guard::AssertionStore;
use crate::guard::KeptTime;
use crate::guard::TimeStore;
use crate::guard::UsedAssertion;
use crate::model::Sha256;

#[tokio::test]
async fn the_highest_time_outlives_the_process_and_what_a_person_accepts_holds_until_a_gateway_has_run() {
    let (_folder, path) = place();
    of_the_first_schema(&path);
    let kept = |highest: UnixMillis, accepted: bool, seen| Ok(Some(KeptTime { highest, accepted, seen }));
    {
        let store = Sqlite::open(&path, &key()).unwrap();
        assert_eq!(store.kept_time().await, Ok(None));
        store.keep_time(NOW).await.unwrap();
        store.keep_time(NOW.plus(7)).await.unwrap();
    }
    assert_eq!(Sqlite::open(&path, &key()).unwrap().kept_time().await, kept(NOW.plus(7), false, NOW.plus(7)));
    let earlier = UnixMillis::new(NOW.get() - 1);
    assert_eq!(accept_clock(&Alone::with(&path).unwrap(), &key(), earlier).unwrap(), Some(NOW.plus(7)));
    {
        let store = Sqlite::open(&path, &key()).unwrap();
        assert!(matches!(Alone::with(&path), Err(StoreOpenError::InUse { .. })), "no gateway may have it");
        assert_eq!(store.kept_time().await, kept(earlier, true, NOW.plus(7)));
        store.keep_time(NOW).await.unwrap();
        assert_eq!(store.kept_time().await, kept(NOW, false, NOW.plus(7)), "what was seen was seen");
        store.keep_seen(NOW.plus(6)).await.unwrap();
        assert_eq!(store.kept_time().await, kept(NOW, false, NOW.plus(7)));
        store.keep_seen(NOW.plus(8)).await.unwrap();
        assert_eq!(store.kept_time().await, kept(NOW, false, NOW.plus(8)));
    }
    let fresh = path.with_extension("fresh");
    assert_eq!(accept_clock(&Alone::with(&fresh).unwrap(), &key(), NOW).unwrap(), None);
    let unknown = Sqlite::open(&path.with_extension("unknown"), &key()).unwrap();
    unknown.keep_seen(NOW).await.unwrap();
    assert_eq!(unknown.kept_time().await, kept(UnixMillis::new(0), false, NOW), "it holds nothing up");
}

#[tokio::test]
async fn an_assertion_that_was_used_outlives_the_process_until_it_makes_room() {
    let (_folder, path) = place();
    of_the_first_schema(&path);
    let used = |id: u8| UsedAssertion { until: NOW.seconds().plus(u64::from(id)), id: Sha256::new([id; 32]) };
    {
        let store = Sqlite::open(&path, &key()).unwrap();
        assert_eq!(store.used_assertions().await, Ok(vec![]));
        store.keep_assertion(used(1), vec![]).await.unwrap();
        store.keep_assertion(used(2), vec![]).await.unwrap();
        assert!(store.keep_assertion(used(2), vec![]).await.is_err(), "it is there already");
    }
    let store = Sqlite::open(&path, &key()).unwrap();
    assert_eq!(store.used_assertions().await, Ok(vec![used(1), used(2)]));
    store.keep_assertion(used(3), vec![used(1)]).await.unwrap();
    assert_eq!(store.used_assertions().await, Ok(vec![used(2), used(3)]));
}

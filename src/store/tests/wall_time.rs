//! The highest wall time: over a restart, over a person's acceptance, and out of a store that never knew one.

use super::*;
use crate::guard::KeptTime;
use crate::guard::TimeStore;

#[tokio::test]
async fn the_highest_time_outlives_the_process_and_what_a_person_accepts_holds_until_a_gateway_has_run() {
    let (_folder, path) = place();
    of_the_first_schema(&path);
    let kept = |highest: UnixMillis, accepted: bool| Ok(Some(KeptTime { highest, accepted }));
    {
        let store = Sqlite::open(&path, &key()).unwrap();
        assert_eq!(store.kept_time().await, Ok(None));
        store.keep_time(NOW).await.unwrap();
        store.keep_time(NOW.plus(7)).await.unwrap();
    }
    assert_eq!(Sqlite::open(&path, &key()).unwrap().kept_time().await, kept(NOW.plus(7), false));
    let earlier = UnixMillis::new(NOW.get() - 1);
    assert_eq!(accept_clock(&Alone::with(&path).unwrap(), &key(), earlier).unwrap(), Some(NOW.plus(7)));
    {
        let store = Sqlite::open(&path, &key()).unwrap();
        assert!(matches!(Alone::with(&path), Err(StoreOpenError::InUse { .. })), "no gateway may have it");
        assert_eq!(store.kept_time().await, kept(earlier, true));
        store.keep_time(NOW).await.unwrap();
        assert_eq!(store.kept_time().await, kept(NOW, false));
    }
    let fresh = path.with_extension("fresh");
    assert_eq!(accept_clock(&Alone::with(&fresh).unwrap(), &key(), NOW).unwrap(), None);
}

//! Deliveries as rows: one per source, in order per key, nothing lost over a new start, nothing kept that is not needed.

use crate::clock::UnixMillis;
use crate::crypto::SecretKey;
use crate::model::Direction;
use crate::model::Name;
use crate::model::Receipt;
use crate::model::Sha256;
use crate::store::Sqlite;
use crate::store::tests::of_the_first_schema;
use crate::webhook::Destination;
use crate::webhook::Due;
use crate::webhook::Enqueued;
use crate::webhook::OutboxStore;
use crate::webhook::Settlement;
use crate::webhook::StoredDelivery;
use rusqlite::Connection;
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;

struct Place {
    _folder: TempDir,
    path: PathBuf,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { path: folder.path().join("store.sqlite"), _folder: folder }
    }

    fn open(&self) -> Sqlite {
        Sqlite::open(&self.path, &SecretKey::new([7; 32])).unwrap()
    }
}

fn at(millis: u64) -> UnixMillis {
    UnixMillis::new(millis)
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn partner() -> Destination {
    Destination { direction: Direction::Outbound, partner: name("smarthome") }
}

/// Delivery `number` of ordering key `key`, about person `person`, taken at `number` × 10.
fn row(number: u8, key: u8, person: u8) -> StoredDelivery {
    StoredDelivery {
        number: 0,
        message: format!("evt_{number}"),
        source: Sha256::new([number; 32]),
        body: Sha256::new([100 + number; 32]),
        ordering: Sha256::new([key; 32]),
        destination: partner(),
        event: name("grant.revoked"),
        tenant: name("north"),
        persons: vec![Sha256::new([person; 32])],
        peer: Arc::from("spiffe://prop.example/backend"),
        receipt: Receipt::new([number; 16]),
        bundle: Sha256::new([9; 32]),
        accepted_at: at(u64::from(number) * 10),
        attempts: 0,
        sealed: vec![number; 40],
    }
}

async fn queued(store: &Sqlite, rows: &[(u8, u8, u8)]) {
    for (number, key, person) in rows {
        assert_eq!(store.queue(row(*number, *key, *person)).await, Ok(Enqueued::New));
    }
}

/// The messages whose turn it is, and when the next one's comes.
async fn due(store: &Sqlite, now: u64) -> (Vec<String>, Option<u64>) {
    let Due { deliveries, next_at } = store.due(&partner(), at(now), 10).await.unwrap();
    (deliveries.into_iter().map(|row| row.message).collect(), next_at.map(UnixMillis::get))
}

#[tokio::test]
async fn deliveries_of_one_key_have_their_turn_one_after_the_other_and_others_do_not_wait() {
    let store = Place::new();
    let store = store.open();
    queued(&store, &[(1, 1, 1), (2, 1, 1), (3, 2, 1), (4, 1, 1)]).await;
    assert_eq!(due(&store, 100).await, (vec!["evt_1".into(), "evt_3".into()], None));
    assert_eq!(due(&store, 20).await, (vec!["evt_1".into()], Some(30)), "the third is taken at 30");
    store.settle(1, Settlement::Again { attempts: 1, at: at(500) }, at(100)).await.unwrap();
    assert_eq!(due(&store, 100).await, (vec!["evt_3".into()], Some(500)), "those behind it wait with it");
    let again = store.due(&partner(), at(500), 1).await.unwrap();
    assert_eq!((again.deliveries.len(), again.deliveries[0].attempts), (1, 0), "the oldest turn first");
    store.settle(1, Settlement::Dead, at(600)).await.unwrap();
    store.settle(3, Settlement::Delivered, at(600)).await.unwrap();
    assert_eq!(due(&store, 600).await, (vec!["evt_2".into()], None));
    store.settle(2, Settlement::Purged, at(700)).await.unwrap();
    assert_eq!(due(&store, 700).await, (vec!["evt_4".into()], None));
    store.settle(2, Settlement::Again { attempts: 9, at: at(1) }, at(700)).await.unwrap();
    assert_eq!(due(&store, 700).await, (vec!["evt_4".into()], None), "what has ended stays so");
}

#[tokio::test]
async fn another_destination_has_its_own_queue() {
    let store = Place::new();
    let store = store.open();
    let mut inward = row(1, 1, 1);
    inward.destination = Destination { direction: Direction::Inbound, ..partner() };
    let mut other = row(2, 2, 1);
    other.destination = Destination { partner: name("other"), ..partner() };
    for row in [inward.clone(), other] {
        assert_eq!(store.queue(row).await, Ok(Enqueued::New));
    }
    assert_eq!(due(&store, 100).await, (Vec::new(), None));
    let found = store.due(&inward.destination, at(100), 10).await.unwrap().deliveries;
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].destination.clone(), found[0].sealed.clone()), (inward.destination, vec![1; 40]));
    let census: Vec<_> =
        store.census().await.unwrap().into_iter().map(|depth| (depth.direction, depth.queued)).collect();
    assert_eq!(census.len(), 2);
    assert!(census.iter().all(|(_, queued)| *queued == 1));
}

#[tokio::test]
async fn of_two_of_one_source_the_first_is_queued_and_told_also_after_it_has_ended() {
    let store = Place::new();
    let store = store.open();
    queued(&store, &[(1, 1, 1)]).await;
    let mut again = row(1, 1, 1);
    (again.message, again.body) = ("evt_other".into(), Sha256::new([0; 32]));
    let first = Enqueued::Known { body: Sha256::new([101; 32]), receipt: Receipt::new([1; 16]) };
    assert_eq!(store.queue(again.clone()).await, Ok(first));
    store.settle(1, Settlement::Delivered, at(50)).await.unwrap();
    assert_eq!(store.queue(again.clone()).await, Ok(first));
    store.forget(at(50), at(50)).await.unwrap();
    assert_eq!(
        store.known(Sha256::new([1; 32])).await.unwrap().map(|(_, receipt)| receipt),
        Some(Receipt::new([1; 16]))
    );
    store.forget(at(51), at(50)).await.unwrap();
    assert_eq!(store.known(Sha256::new([1; 32])).await, Ok(None));
    assert_eq!(store.queue(again).await, Ok(Enqueued::New));
}

#[tokio::test]
async fn what_is_queued_survives_and_dead_letters_are_kept_until_they_are_too_old() {
    let place = Place::new();
    let store = place.open();
    queued(&store, &[(1, 1, 1), (2, 2, 1)]).await;
    store.settle(2, Settlement::Dead, at(60)).await.unwrap();
    drop(store);
    let store = place.open();
    assert_eq!(due(&store, 100).await.0, ["evt_1"]);
    let depth = store.census().await.unwrap().pop().unwrap();
    assert_eq!((depth.queued, depth.dead, depth.oldest), (1, 1, Some(at(10))));
    store.forget(at(1_000), at(60)).await.unwrap();
    assert_eq!(store.census().await.unwrap()[0].dead, 1);
    store.forget(at(1_000), at(61)).await.unwrap();
    assert_eq!(store.census().await.unwrap()[0].dead, 0);
    assert_eq!(due(&store, 100).await.0, ["evt_1"], "what is queued is never forgotten");
}

#[tokio::test]
async fn what_is_delivered_or_purged_leaves_neither_content_nor_persons_behind() {
    let place = Place::new();
    let store = place.open();
    queued(&store, &[(1, 1, 1), (2, 2, 2), (3, 3, 3)]).await;
    store.settle(1, Settlement::Delivered, at(50)).await.unwrap();
    store.settle(2, Settlement::Purged, at(50)).await.unwrap();
    store.settle(3, Settlement::Dead, at(50)).await.unwrap();
    assert_eq!(store.queued_about().await, Ok(Vec::new()));
    drop(store);
    let connection = Connection::open(&place.path).unwrap();
    let kept = "SELECT group_concat(message) FROM outbox WHERE sealed IS NOT NULL";
    assert_eq!(connection.query_row(kept, [], |row| row.get::<_, String>(0)).unwrap(), "evt_3");
}

#[tokio::test]
async fn a_person_is_purged_in_one_tenant_and_those_behind_have_their_turn() {
    let store = Place::new();
    let store = store.open();
    queued(&store, &[(1, 1, 1), (2, 1, 2), (3, 1, 1), (4, 2, 1)]).await;
    let mut south = row(5, 5, 1);
    south.tenant = name("south");
    assert_eq!(store.queue(south).await, Ok(Enqueued::New));
    assert_eq!(store.queued_about().await.unwrap().len(), 3, "two persons, one of them in two tenants");
    let purged = store.purge(Sha256::new([1; 32]), name("north"), at(100)).await.unwrap();
    let receipts: Vec<_> = purged.iter().map(|purged| purged.receipt).collect();
    assert_eq!(receipts, [1, 3, 4].map(|number| Receipt::new([number; 16])));
    assert_eq!(due(&store, 100).await.0, ["evt_5", "evt_2"]);
    assert_eq!(store.purge(Sha256::new([1; 32]), name("north"), at(100)).await.unwrap().len(), 0);
}

#[tokio::test]
async fn a_store_of_the_first_schema_gets_its_outbox_and_loses_nothing() {
    let place = Place::new();
    of_the_first_schema(&place.path);
    let connection = Connection::open(&place.path).unwrap();
    connection.execute_batch("INSERT INTO handle VALUES (zeroblob(32), zeroblob(16), x'00');").unwrap();
    drop(connection);
    let store = place.open();
    queued(&store, &[(1, 1, 1)]).await;
    drop(store);
    let connection = Connection::open(&place.path).unwrap();
    assert_eq!(connection.query_row("SELECT count(*) FROM handle", [], |row| row.get::<_, i64>(0)).unwrap(), 1);
}

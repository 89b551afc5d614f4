//! The outbox over the real store: what it holds, what it seals, and what nobody else may open.

use crate::audit::EventRecorded;
use crate::clock::UnixMillis;
use crate::contract::Contract;
use crate::contract::RebuiltEvent;
use crate::contract::rebuild_event;
use crate::crypto::SecretKey;
use crate::diagnostic::Source as Text;
use crate::limits::Limits;
use crate::limits::REMEMBERED_MS;
use crate::model::Direction;
use crate::model::Name;
use crate::model::Receipt;
use crate::model::Sha256;
use crate::store::Sqlite;
use crate::webhook::Destination;
use crate::webhook::Known;
use crate::webhook::Outbox;
use crate::webhook::OutboxFault;
use crate::webhook::Queued;
use crate::webhook::Settlement;
use crate::webhook::Source;
use crate::webhook::StoredDelivery;
use std::sync::Arc;
use tempfile::TempDir;

const CONTRACT: &str = include_str!("../../../policies/contracts/smarthome.openapi.yaml");
const PEER: &str = "spiffe://prop.example/backend";

struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    async fn open(&self, limits: &Limits) -> Outbox {
        let key = SecretKey::new([7; 32]);
        let store = Sqlite::open(&self.folder.path().join("store.sqlite"), &key).unwrap();
        Outbox::open_on(Arc::new(store), &key, limits).await.unwrap()
    }
}

fn at(millis: u64) -> UnixMillis {
    UnixMillis::new(millis)
}

fn event(user: &str) -> RebuiltEvent {
    let contract = Arc::new(Contract::compile(&Text::new("smarthome.openapi.yaml", CONTRACT)).unwrap());
    let data = format!(r#"{{"houseId":"house-1","userId":"{user}","grantId":"g-1"}}"#);
    let text = format!(r#"{{"type":"grant.revoked","timestamp":"2026-02-28T08:30:00Z","data":{data}}}"#);
    rebuild_event(&contract, Direction::Outbound, text.as_bytes()).unwrap()
}

async fn queue(outbox: &Outbox, id: &str, user: &str, now: u64) -> Result<Queued, OutboxFault> {
    let receipt = Receipt::new(std::array::from_fn(|index| id.as_bytes().get(index).copied().unwrap_or(0)));
    let recorded = EventRecorded::for_test(receipt, Sha256::new([9; 32]));
    let north = Name::new("north").unwrap();
    outbox.queue(&recorded, &event(user), Source { peer: PEER, id }, &[], &north, at(now)).await
}

async fn due(outbox: &Outbox, now: u64) -> Vec<StoredDelivery> {
    let partner = Destination { direction: Direction::Outbound, partner: Name::new("smarthome").unwrap() };
    outbox.due(&partner, at(now), 100).await.unwrap().deliveries
}

#[tokio::test]
async fn what_was_queued_comes_out_of_the_seal_as_it_was_taken_and_lies_in_no_file_in_clear() {
    let place = Place::new();
    let outbox = place.open(&Limits::default()).await;
    assert_eq!(queue(&outbox, "id-canary", "ivanov-canary", 10).await, Ok(Queued::Now));
    let row = due(&outbox, 10).await.pop().unwrap();
    let opened = outbox.open(&row).unwrap();
    assert_eq!(*opened.bytes(), event("ivanov-canary").as_taken());
    assert_eq!((&**opened.peer(), opened.receipt()), (PEER, row.receipt));
    assert!(opened.message().as_str().starts_with("evt_") && !opened.message().as_str().contains("canary"));
    assert!(!format!("{opened:?}").contains("canary"));
    drop(outbox);
    for file in std::fs::read_dir(place.folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(6).any(|window| window == b"canary"));
    }
}

#[tokio::test]
async fn what_was_moved_to_another_row_or_changed_does_not_open() {
    let place = Place::new();
    let outbox = place.open(&Limits::default()).await;
    queue(&outbox, "id-1", "one", 10).await.unwrap();
    let row = due(&outbox, 10).await.pop().unwrap();
    let changes: [fn(&mut StoredDelivery); 8] = [
        |row| row.message = "evt_other".into(),
        |row| row.peer = Arc::from("spiffe://prop.example/other"),
        |row| row.destination.direction = Direction::Inbound,
        |row| row.destination.partner = Name::new("other").unwrap(),
        |row| row.event = Name::new("grant.given").unwrap(),
        |row| row.receipt = Receipt::new([1; 16]),
        |row| row.bundle = Sha256::new([1; 32]),
        |row| row.sealed[20] ^= 1,
    ];
    for (number, change) in changes.iter().enumerate() {
        let mut changed = row.clone();
        change(&mut changed);
        assert_eq!(outbox.open(&changed).err(), Some(OutboxFault::Damaged), "change {number}");
    }
    assert!(outbox.open(&row).is_ok());
}

#[tokio::test]
async fn an_id_is_taken_once_and_told_apart_by_what_it_tells_and_by_who_brings_it() {
    let outbox = Place::new();
    let outbox = outbox.open(&Limits::default()).await;
    assert_eq!(queue(&outbox, "id-1", "one", 10).await, Ok(Queued::Now));
    let receipt = due(&outbox, 10).await.pop().unwrap().receipt;
    let known = |same| Ok(Queued::Before(Known { receipt, same }));
    assert_eq!(queue(&outbox, "id-1", "one", 20).await, known(true));
    assert_eq!(queue(&outbox, "id-1", "other", 20).await, known(false));
    let asked = |peer, id| outbox.known(Source { peer, id }, Box::leak(Box::new(event("one"))));
    assert_eq!(asked(PEER, "id-1").await, Ok(Some(Known { receipt, same: true })));
    assert_eq!(asked(PEER, "id-2").await, Ok(None));
    assert_eq!(asked("spiffe://prop.example/other", "id-1").await, Ok(None));
}

#[tokio::test]
async fn the_outbox_holds_as_many_as_it_may_and_not_one_more() {
    let place = Place::new();
    let limits = Limits { outbox_max: 2, ..Limits::default() };
    let outbox = place.open(&limits).await;
    for id in ["id-1", "id-2"] {
        assert_eq!(queue(&outbox, id, "one", 10).await, Ok(Queued::Now));
    }
    assert_eq!(queue(&outbox, "id-3", "one", 10).await, Err(OutboxFault::Full));
    let first = due(&outbox, 10).await.pop().unwrap().number;
    outbox.settle(first, Settlement::Dead, at(20)).await.unwrap();
    assert_eq!(queue(&outbox, "id-3", "one", 10).await, Err(OutboxFault::Full), "a dead letter takes its place, too");
    drop(outbox);
    let outbox = place.open(&limits).await;
    assert_eq!(queue(&outbox, "id-3", "one", 10).await, Err(OutboxFault::Full), "a new start counts what lies there");
    let second = due(&outbox, 20).await.pop().unwrap().number;
    outbox.settle(second, Settlement::Delivered, at(30)).await.unwrap();
    assert_eq!(queue(&outbox, "id-3", "one", 30).await, Ok(Queued::Now));
}

#[tokio::test]
async fn what_has_ended_is_forgotten_in_its_time_and_not_before() {
    let place = Place::new();
    let outbox = place.open(&Limits { dead_letters_kept_s: 100, ..Limits::default() }).await;
    queue(&outbox, "id-1", "one", 10).await.unwrap();
    let first = due(&outbox, 10).await.pop().unwrap().number;
    outbox.settle(first, Settlement::Delivered, at(1_000)).await.unwrap();
    queue(&outbox, "id-2", "one", 1_000).await.unwrap();
    let second = due(&outbox, 1_000).await.pop().unwrap().number;
    outbox.settle(second, Settlement::Dead, at(1_000)).await.unwrap();
    let dead = async || outbox.census().await.unwrap().iter().map(|depth| depth.dead).sum::<u64>();
    outbox.forget(at(101_000)).await.unwrap();
    assert_eq!(dead().await, 1);
    outbox.forget(at(101_001)).await.unwrap();
    assert_eq!(dead().await, 0);
    let first_again = async || queue(&outbox, "id-1", "one", 2_000_000_000).await.unwrap();
    outbox.forget(at(1_000 + REMEMBERED_MS)).await.unwrap();
    assert!(matches!(first_again().await, Queued::Before(_)), "its sender may still repeat it");
    outbox.forget(at(1_001 + REMEMBERED_MS)).await.unwrap();
    assert_eq!(first_again().await, Queued::Now);
}

//! The guard as a whole: revocations over restarts and crashes, admission, keys, and what is asked again at the end.

use super::admit::Asked;
use super::admit::Ids;
use super::revocation::PENDING_MAX;
use super::*;
use crate::clock::UnixMillis;
use crate::clock::UnixSeconds;
use crate::crypto::SecretKey;
use crate::crypto::Standing;
use crate::crypto::a_standing;
use crate::limits::Limits;
use crate::limits::REMEMBERED_MS;
use crate::model::Epoch;
use crate::model::Name;
use crate::model::PastOutcome;
use crate::model::Receipt;
use crate::model::Sha256;
use crate::model::Stranger;
use crate::model::TenantId;
use async_trait::async_trait;
use http::HeaderMap;
use http::HeaderValue;
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;

const NOW: UnixMillis = UnixMillis::new(1_000_000);
const CERTIFICATE: Sha256 = Sha256::new([5; 32]);
const STEADY: Duration = Duration::from_secs(1);
const BASIS: Basis = Basis { bundle: Sha256::new([1; 32]), directory: Sha256::new([7; 32]) };

/// What the disk does when it is asked to keep something.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Disk {
    #[default]
    Works,
    Fails,
    /// Never answers: the process is killed meanwhile.
    Hangs,
}

/// A store whose rows outlive the guard.
#[derive(Default)]
struct Rows {
    disk: Mutex<Disk>,
    stored: Mutex<StoredRevocations>,
}

#[async_trait]
impl RevocationStore for Rows {
    async fn load(&self) -> Result<StoredRevocations, StoreFault> {
        Ok(self.stored.lock().clone())
    }

    async fn keep(&self, entries: Vec<StoredRevocation>, ceiling: Epoch) -> Result<(), StoreFault> {
        let disk = *self.disk.lock();
        match disk {
            Disk::Works => {}
            Disk::Fails => return Err(StoreFault::Failed),
            Disk::Hangs => std::future::pending().await,
        }
        let mut stored = self.stored.lock();
        stored.entries.extend(entries);
        stored.ceiling = stored.ceiling.max(ceiling);
        Ok(())
    }

    async fn lift(&self, lifted: LiftedRevocation) -> Result<bool, StoreFault> {
        if *self.disk.lock() == Disk::Fails {
            return Err(StoreFault::Failed);
        }
        let mut stored = self.stored.lock();
        let is_it = |entry: &StoredRevocation| entry.digest == lifted.digest && entry.tenant == lifted.tenant;
        let later = stored.entries.iter().any(|entry| is_it(entry) && entry.epoch > lifted.up_to);
        if !later {
            stored.entries.retain(|entry| !is_it(entry));
        }
        Ok(!later)
    }

    async fn page(&self, after: Epoch, at_most: usize) -> Result<Vec<StoredRevocation>, StoreFault> {
        let stored = self.stored.lock();
        let entries = stored.entries.iter().filter(|entry| entry.epoch > after);
        Ok(entries.take(at_most).cloned().collect())
    }
}

fn limits() -> Limits {
    Limits { clock_skew_s: 5, idempotency_keys_max: 2, ..Limits::default() }
}

async fn open(rows: &Arc<Rows>) -> Guard {
    let store = Arc::clone(rows) as Arc<dyn RevocationStore>;
    Guard::open(&limits(), &SecretKey::new([7; 32]), store, vec![], NOW).await.unwrap()
}

/// One person's ids, owned, so that tests can change one at a time.
struct Person {
    peer: &'static str,
    tenant: Option<TenantId>,
    ids: [Stranger; 4],
    standing: Arc<Standing>,
}

impl Person {
    fn of(tenant: Option<&str>) -> Self {
        let tenant = tenant.map(|tenant| TenantId::new(tenant).unwrap());
        let ids = ["ivanov", "phone", "session", "jti"].map(Stranger::new);
        Self { peer: "backend", tenant, ids, standing: a_standing() }
    }

    fn ids(&self) -> Ids<'_> {
        let [subject, device, session, token] = &self.ids;
        Ids {
            peer: self.peer,
            standing: &self.standing,
            certificate: Some(CERTIFICATE),
            issuer: "issuer",
            tenant: self.tenant.as_ref(),
            subject: Some(subject),
            device: Some(device),
            session: Some(session),
            token: Some(token),
            expires_at: Some(UnixSeconds::new(1_060)),
            proof: None,
        }
    }

    fn admit(&self, guard: &Guard) -> Result<Admitted, GuardFault> {
        let fields = HeaderMap::from_iter([("command-time".parse().unwrap(), HeaderValue::from_static("@1000"))]);
        guard.admit_ids(&self.ids(), guard.pace(self.peer, STEADY).unwrap(), self.asked(), &fields, NOW)
    }

    /// To open a door of smarthome, by two rights that bear an id.
    fn asked(&self) -> Asked<'static> {
        let names = ["smarthome", "openDoor"].map(|name| Name::new(name).unwrap());
        let [partner, operation] = names;
        let grants = ["grant-1", "grant-2"].map(Stranger::new).to_vec();
        Asked { object: &[], max_age_s: Some(30), moves: true, operation: Some((partner, operation)), grants }
    }

    fn bind(&self, guard: &Guard, operation: &str, key: &str) -> Result<Bound, GuardFault> {
        guard.bind_key(&self.ids(), ["smarthome", operation, key], Sha256::new([9; 32]), NOW)
    }
}

#[tokio::test]
async fn a_clock_that_is_set_forward_for_a_moment_makes_no_key_forgotten() {
    let guard = open(&Arc::default()).await;
    let who = Person::of(Some("north"));
    let bind = |key: &str, now| guard.bind_key(&who.ids(), ["smarthome", "openDoor", key], Sha256::new([9; 32]), now);
    let Ok(Bound::Reserved(first)) = bind("first-key", NOW) else { panic!() };
    let receipt = Receipt::new([1; 16]);
    first.run(receipt, NOW).settle(PastOutcome::Unknown);
    let days = NOW.plus(3 * REMEMBERED_MS);
    assert!(matches!(bind("first-key", days), Ok(Bound::Past(..))), "not at that moment");
    // So many others that every part of the ledger is swept.
    (0..200).for_each(|number| drop(bind(&format!("key-{number}"), days)));
    assert!(matches!(bind("first-key", NOW.plus(1)), Ok(Bound::Past(first, _)) if first == receipt));
    // Once the time has been there for long enough to be believed, it has gone by.
    guard.raise_highest_time(days);
    assert!(matches!(bind("first-key", days), Ok(Bound::Reserved(_))));
}

fn revocation(kind: RevocationKind, tenant: Option<&str>, value: &str) -> Revocation {
    Revocation { kind, tenant: tenant.map(|tenant| TenantId::new(tenant).unwrap()), value: Stranger::new(value) }
}

#[tokio::test]
async fn each_kind_of_revocation_stops_its_own_and_nobody_else() {
    let values = ["ivanov", "phone", "session", "jti"];
    for (kind, value) in RevocationKind::ALL.into_iter().zip(values) {
        let guard = open(&Arc::default()).await;
        let person = Person::of(Some("north"));
        for other in values.into_iter().filter(|other| *other != value) {
            guard.revoke(revocation(kind, None, other), OrderedBy::Peer, NOW).await.unwrap();
        }
        assert!(person.admit(&guard).is_ok(), "{kind:?}: other values, and this value of other kinds");
        guard.revoke(revocation(kind, None, value), OrderedBy::Peer, NOW).await.unwrap();
        assert_eq!(person.admit(&guard).err(), Some(GuardFault::Revoked), "{kind:?}");
        assert_eq!(RevocationKind::from_word(kind.word()), Some(kind));
    }
}

#[tokio::test]
async fn each_kind_that_stops_many_stops_its_own_and_nobody_else() {
    let thumbprint = CERTIFICATE.to_string();
    for (kind, others, value, fault) in [
        (RevocationKind::Certificate, vec!["0f".repeat(32)], thumbprint.as_str(), GuardFault::CertificateRevoked),
        (
            RevocationKind::Operation,
            vec!["openBarrier".into(), "parkline/openDoor".into(), "smarthome/openBarrier".into()],
            "openDoor",
            GuardFault::OperationRevoked,
        ),
        (RevocationKind::Operation, vec!["smarthome".into()], "smarthome/openDoor", GuardFault::OperationRevoked),
        (RevocationKind::Partner, vec!["parkline".into(), "openDoor".into()], "smarthome", GuardFault::PartnerRevoked),
        (RevocationKind::Tenant, vec!["south".into()], "north", GuardFault::TenantRevoked),
    ] {
        let guard = open(&Arc::default()).await;
        let person = Person::of(Some("north"));
        let order = |value: &str| Revocation::of(kind, None, Stranger::new(value)).unwrap();
        for other in others {
            guard.revoke(order(&other), OrderedBy::Operator, NOW).await.unwrap();
        }
        let admitted = person.admit(&guard).unwrap();
        guard.revoke(order(value), OrderedBy::Operator, NOW).await.unwrap();
        assert_eq!(person.admit(&guard).err(), Some(fault), "{kind:?} {value}");
        let withdrawn = guard.still(&admitted, BASIS, BASIS, NOW);
        assert_eq!(withdrawn, Err(Withdrawn::from(kind)), "{kind:?} {value}");
    }
}

#[tokio::test]
async fn what_is_stopped_in_a_tenant_is_stopped_for_whoever_comes_to_a_thing_there() {
    for (kind, value, fault) in [
        (RevocationKind::Tenant, "", GuardFault::TenantRevoked),
        (RevocationKind::Partner, "smarthome", GuardFault::PartnerRevoked),
        (RevocationKind::Operation, "openDoor", GuardFault::OperationRevoked),
    ] {
        let guard = open(&Arc::default()).await;
        let person = Person::of(Some("north"));
        let (house, permit) = (|tenant: &str| crate::policy::Permit::for_test(located(tenant), &["p"]), "north");
        guard.revoke(revocation(kind, Some("south"), value), OrderedBy::Operator, NOW).await.unwrap();
        assert!(guard.place(person.admit(&guard).unwrap(), &house(permit)).is_ok(), "{kind:?}");
        let there = guard.place(person.admit(&guard).unwrap(), &house("south"));
        assert_eq!(there.err(), Some(fault), "{kind:?}: a token of north at a thing of south");
        assert_eq!(Person::of(None).admit(&guard).err(), Some(fault), "{kind:?}: nobody knows whose token this is");
    }
}

fn located(tenant: &str) -> crate::model::Located {
    let resource = crate::model::ResourceId { kind: "Door".into(), parts: vec!["house".into(), "door".into()] };
    let tenant = TenantId::new(tenant).unwrap();
    let (zone, partners) = (crate::model::Zone::UTC, Arc::default());
    crate::model::Located { resource, tenant, ancestors: Vec::new(), zone, partners, directory_version: 7 }
}

#[tokio::test]
async fn a_right_that_is_revoked_is_withheld_and_the_others_do() {
    let guard = open(&Arc::default()).await;
    let person = Person::of(Some("north"));
    let before = person.admit(&guard).unwrap();
    assert!(!before.withholds_a_right());
    guard.revoke(revocation(RevocationKind::Grant, None, "grant-9"), OrderedBy::Peer, NOW).await.unwrap();
    guard.revoke(revocation(RevocationKind::Grant, Some("south"), "grant-2"), OrderedBy::Peer, NOW).await.unwrap();
    assert_eq!(guard.still(&before, BASIS, BASIS, NOW), Ok(()), "other rights, and those of another tenant");
    guard.revoke(revocation(RevocationKind::Grant, Some("north"), "grant-1"), OrderedBy::Peer, NOW).await.unwrap();
    let after = person.admit(&guard).unwrap();
    let may = |grant: &str| after.may_use(Some(&Stranger::new(grant)));
    assert!(after.withholds_a_right() && !may("grant-1") && may("grant-2") && after.may_use(None));
    assert_eq!(guard.still(&before, BASIS, BASIS, NOW), Err(Withdrawn::GrantRevoked), "policy was shown it");
    assert_eq!(guard.still(&after, BASIS, BASIS, NOW), Ok(()), "policy was not");
}

#[tokio::test]
async fn a_revocation_reaches_its_tenant_and_those_who_name_none() {
    let guard = open(&Arc::default()).await;
    guard.revoke(revocation(RevocationKind::Subject, Some("north"), "ivanov"), OrderedBy::Peer, NOW).await.unwrap();
    assert_eq!(Person::of(Some("north")).admit(&guard).err(), Some(GuardFault::Revoked));
    assert_eq!(Person::of(None).admit(&guard).err(), Some(GuardFault::Revoked));
    assert!(Person::of(Some("south")).admit(&guard).is_ok());
    guard.revoke(revocation(RevocationKind::Subject, None, "ivanov"), OrderedBy::Peer, NOW).await.unwrap();
    assert_eq!(Person::of(Some("south")).admit(&guard).err(), Some(GuardFault::Revoked));
}

#[tokio::test]
async fn revocations_last_and_the_epoch_grows_over_restarts() {
    let rows: Arc<Rows> = Arc::default();
    let mut last = Epoch::default();
    for round in 0..3 {
        let guard = open(&rows).await;
        assert!(guard.epoch() >= last);
        if round > 0 {
            assert_eq!(Person::of(Some("north")).admit(&guard).err(), Some(GuardFault::Revoked));
        }
        let revocation = revocation(RevocationKind::Device, None, "phone");
        let digest = guard.revocation_digest(&revocation);
        let epoch = guard.revoke(revocation, OrderedBy::Peer, NOW).await.unwrap();
        assert!(epoch > last && guard.epoch() == epoch && guard.is_durable());
        assert!(rows.stored.lock().entries.iter().all(|entry| entry.digest == digest), "the record names the row");
        last = epoch;
    }
}

#[tokio::test]
async fn an_epoch_that_was_killed_before_it_was_stored_is_not_given_again() {
    for disk in [Disk::Fails, Disk::Hangs] {
        let rows: Arc<Rows> = Arc::default();
        let guard = open(&rows).await;
        *rows.disk.lock() = disk;
        let revoke = guard.revoke(revocation(RevocationKind::Token, None, "jti"), OrderedBy::Peer, NOW);
        // One poll, which is all that a process gets that is killed meanwhile.
        let answer = tokio::time::timeout(Duration::ZERO, revoke).await;
        assert_eq!(Person::of(None).admit(&guard).err(), Some(GuardFault::Revoked), "in force before it is stored");
        assert!(!guard.is_durable());
        let epoch = guard.epoch();
        match answer {
            Ok(answer) => assert_eq!(answer, Err(RevokeFault::NotStored { epoch, fault: StoreFault::Failed })),
            Err(_) => assert_eq!(disk, Disk::Hangs),
        }
        drop(guard);
        *rows.disk.lock() = Disk::Works;
        let guard = open(&rows).await;
        assert!(guard.epoch() >= epoch);
        assert!(
            guard.revoke(revocation(RevocationKind::Token, None, "other"), OrderedBy::Peer, NOW).await.unwrap() > epoch
        );
    }
}

#[tokio::test]
async fn what_could_not_be_stored_is_stored_with_the_next_revocation() {
    let rows: Arc<Rows> = Arc::default();
    let guard = open(&rows).await;
    *rows.disk.lock() = Disk::Fails;
    guard.revoke(revocation(RevocationKind::Subject, None, "ivanov"), OrderedBy::Peer, NOW).await.unwrap_err();
    *rows.disk.lock() = Disk::Works;
    guard.revoke(revocation(RevocationKind::Subject, None, "petrov"), OrderedBy::Peer, NOW).await.unwrap();
    assert!(guard.is_durable());
    assert_eq!(Person::of(None).admit(&open(&rows).await).err(), Some(GuardFault::Revoked));
}

/// A guard that takes so many revocations from peers.
async fn open_with_room(rows: &Arc<Rows>, revocations_max: u64) -> Guard {
    let store = Arc::clone(rows) as Arc<dyn RevocationStore>;
    let limits = Limits { revocations_max, ..limits() };
    Guard::open(&limits, &SecretKey::new([7; 32]), store, vec![], NOW).await.unwrap()
}

#[tokio::test]
async fn a_full_set_takes_nothing_new_from_a_peer_forgets_nothing_and_still_obeys_the_operator() {
    let rows: Arc<Rows> = Arc::default();
    let guard = open_with_room(&rows, 2).await;
    let order = |tenant, value| revocation(RevocationKind::Device, tenant, value);
    guard.revoke(order(Some("north"), "phone"), OrderedBy::Peer, NOW).await.unwrap();
    assert!(!guard.is_full_of_revocations());
    guard.revoke(order(Some("south"), "phone"), OrderedBy::Peer, NOW).await.unwrap();
    assert!(guard.is_full_of_revocations());

    let (epoch, stored) = (guard.epoch(), rows.stored.lock().entries.len());
    for new in [order(None, "phone"), order(Some("north"), "other")] {
        assert_eq!(guard.revoke(new, OrderedBy::Peer, NOW).await, Err(RevokeFault::Full));
    }
    assert_eq!((guard.epoch(), rows.stored.lock().entries.len()), (epoch, stored), "nothing was changed");
    assert!(
        guard.revoke(order(Some("south"), "phone"), OrderedBy::Peer, NOW).await.is_ok(),
        "what holds may be repeated"
    );

    let mut person = Person::of(Some("west"));
    assert!(person.admit(&guard).is_ok());
    guard.revoke(order(None, "phone"), OrderedBy::Operator, NOW).await.unwrap();
    assert_eq!(person.admit(&guard).err(), Some(GuardFault::Revoked));
    person.tenant = Person::of(Some("north")).tenant;
    assert_eq!(person.admit(&guard).err(), Some(GuardFault::Revoked));

    let guard = open_with_room(&rows, 1).await;
    assert!(guard.is_full_of_revocations());
    assert_eq!(person.admit(&guard).err(), Some(GuardFault::Revoked), "a smaller bound gives nobody rights back");
}

#[tokio::test]
async fn while_the_store_fails_only_so_many_wait_and_the_operator_still_revokes() {
    let rows: Arc<Rows> = Arc::default();
    let guard = open_with_room(&rows, 1_000_000).await;
    *rows.disk.lock() = Disk::Fails;
    let order = |number: usize| revocation(RevocationKind::Token, None, &number.to_string());
    for number in 0..PENDING_MAX {
        assert!(guard.revocations.put_in_force(&order(number), OrderedBy::Peer, NOW).is_some());
    }
    assert_eq!(guard.revoke(order(PENDING_MAX), OrderedBy::Peer, NOW).await, Err(RevokeFault::Full));
    let taken = guard.revoke(revocation(RevocationKind::Device, None, "phone"), OrderedBy::Operator, NOW).await;
    assert!(matches!(taken, Err(RevokeFault::NotStored { .. })));
    assert_eq!(Person::of(None).admit(&guard).err(), Some(GuardFault::Revoked));
    *rows.disk.lock() = Disk::Works;
    guard.store_pending().await.unwrap();
    assert!(guard.revoke(order(PENDING_MAX), OrderedBy::Peer, NOW).await.is_ok());
}

#[tokio::test]
async fn a_revocation_is_answered_once_all_that_was_looked_at_before_has_left_and_waits_for_nothing_later() {
    let guard = open(&Arc::default()).await;
    let (first, second) = (guard.departures.begin(), guard.departures.begin());
    let mut revoke = Box::pin(guard.revoke(revocation(RevocationKind::Device, None, "phone"), OrderedBy::Peer, NOW));
    assert!(poll_once(&mut revoke).is_pending());
    assert_eq!(Person::of(None).admit(&guard).err(), Some(GuardFault::Revoked), "in force at once");
    let later = guard.departures.begin();
    drop(first);
    assert!(poll_once(&mut revoke).is_pending());
    drop(second);
    assert!(revoke.await.is_ok());
    drop(later);
}

#[tokio::test(start_paused = true)]
async fn a_revocation_that_waited_in_vain_says_so_and_is_in_force() {
    let guard = open(&Arc::default()).await;
    let departure = guard.departures.begin();
    let revoked = guard.revoke(revocation(RevocationKind::Device, None, "phone"), OrderedBy::Peer, NOW).await;
    assert_eq!(revoked, Err(RevokeFault::Departing { epoch: guard.epoch() }));
    assert_eq!(Person::of(None).admit(&guard).err(), Some(GuardFault::Revoked));
    drop(departure);
}

/// Polls once.
fn poll_once<F: Future + Unpin>(future: &mut F) -> std::task::Poll<F::Output> {
    std::pin::Pin::new(future).poll(&mut std::task::Context::from_waker(std::task::Waker::noop()))
}

#[tokio::test]
async fn the_pace_of_one_peer_admits_no_other() {
    let guard = open(&Arc::default()).await;
    let paced = guard.pace("other", STEADY).unwrap();
    let admitted = guard.admit_ids(&Person::of(None).ids(), paced, Asked::default(), &HeaderMap::new(), NOW);
    assert_eq!(admitted.err(), Some(GuardFault::Rate(RateFault::TooFast(RateOf::Peer, 1))));
}

#[tokio::test]
async fn who_is_revoked_uses_up_nobodys_rate() {
    let limits = Limits { tenant_rate_per_second: 1, ..limits() };
    let store = Arc::new(Rows::default());
    let guard = Guard::open(&limits, &SecretKey::new([7; 32]), store, vec![], NOW).await.unwrap();
    guard.revoke(revocation(RevocationKind::Subject, None, "ivanov"), OrderedBy::Peer, NOW).await.unwrap();
    let person = Person::of(Some("north"));
    for _ in 0..10 {
        assert_eq!(person.admit(&guard).err(), Some(GuardFault::Revoked));
    }
    let mut petrov = Person::of(Some("north"));
    petrov.ids[0] = Stranger::new("petrov");
    assert!(petrov.admit(&guard).is_ok());
    let fault = RateFault::TooFast(RateOf::Tenant, 1);
    assert_eq!(petrov.admit(&guard).err(), Some(GuardFault::Rate(fault)));
}

#[tokio::test]
async fn a_guard_that_cannot_reserve_epochs_does_not_open() {
    let rows: Arc<Rows> = Arc::default();
    *rows.disk.lock() = Disk::Fails;
    let opened = Guard::open(&limits(), &SecretKey::new([7; 32]), rows, vec![], NOW).await;
    assert_eq!(opened.err(), Some(StoreFault::Failed));
}

#[tokio::test]
async fn nothing_that_is_stored_or_printed_names_anybody() {
    let rows: Arc<Rows> = Arc::default();
    let guard = open(&rows).await;
    let order = revocation(RevocationKind::Subject, Some("north"), "ivanov");
    guard.revoke(order.clone(), OrderedBy::Peer, NOW).await.unwrap();
    let admitted = Person::of(Some("south")).admit(&guard).unwrap();
    let seen = format!("{:?} {guard:?} {order:?} {admitted:?}", rows.stored.lock());
    assert!(!seen.contains("ivanov") && seen.contains("north"));
}

#[tokio::test]
async fn only_ones_own_revocation_withdraws_a_command() {
    let guard = open(&Arc::default()).await;
    let admitted = Person::of(Some("north")).admit(&guard).unwrap();
    assert_eq!(guard.still(&admitted, BASIS, BASIS, NOW), Ok(()));
    guard.revoke(revocation(RevocationKind::Subject, None, "petrov"), OrderedBy::Peer, NOW).await.unwrap();
    guard.revoke(revocation(RevocationKind::Subject, Some("south"), "ivanov"), OrderedBy::Peer, NOW).await.unwrap();
    assert!(guard.epoch() > admitted.epoch());
    assert_eq!(guard.still(&admitted, BASIS, BASIS, NOW), Ok(()));
    guard.revoke(revocation(RevocationKind::Session, Some("north"), "session"), OrderedBy::Peer, NOW).await.unwrap();
    assert_eq!(guard.still(&admitted, BASIS, BASIS, NOW), Err(Withdrawn::Revoked));
}

#[tokio::test]
async fn age_and_expiry_are_asked_again_at_their_last_second_and_one_past() {
    let guard = open(&Arc::default()).await;
    let admitted = Person::of(None).admit(&guard).unwrap();
    let at = |millis| guard.still(&admitted, BASIS, BASIS, UnixMillis::new(millis));
    assert_eq!(admitted.good_until(), Some(UnixSeconds::new(1_030)));
    assert_eq!(at(1_030_999), Ok(()));
    assert_eq!(at(1_031_000), Err(Withdrawn::TooOld));
    assert_eq!(at(1_059_999), Err(Withdrawn::TooOld));
    assert_eq!(at(1_060_000), Err(Withdrawn::TokenExpired), "an expired token is named first");
    let other = Basis { bundle: Sha256::new([2; 32]), ..BASIS };
    assert_eq!(guard.still(&admitted, BASIS, other, NOW), Err(Withdrawn::BundleChanged));
    for digest in [6, 8] {
        let other = Basis { directory: Sha256::new([digest; 32]), ..BASIS };
        assert_eq!(guard.still(&admitted, BASIS, other, NOW), Err(Withdrawn::DirectoryChanged));
    }
    let timeless = guard
        .admit_ids(
            &Person::of(None).ids(),
            guard.pace("backend", STEADY).unwrap(),
            Asked::default(),
            &HeaderMap::new(),
            NOW,
        )
        .unwrap();
    let at = |millis| guard.still(&timeless, BASIS, BASIS, UnixMillis::new(millis));
    assert_eq!((at(1_059_999), at(1_060_000)), (Ok(()), Err(Withdrawn::TokenExpired)));
}

#[tokio::test]
async fn a_key_is_one_callers_and_one_operations() {
    let guard = open(&Arc::default()).await;
    let reserved = |bound: Result<Bound, GuardFault>| matches!(bound.unwrap(), Bound::Reserved(_));
    let ivanov = Person::of(Some("north"));
    let held = ivanov.bind(&guard, "openDoor", "12345678").unwrap();
    assert_eq!(ivanov.bind(&guard, "openDoor", "12345678").err(), Some(GuardFault::IdempotencyInProgress));
    let mut petrov = Person::of(Some("north"));
    petrov.ids[0] = Stranger::new("petrov");
    assert!(reserved(petrov.bind(&guard, "openDoor", "12345678")), "another subject");
    assert!(reserved(Person::of(Some("south")).bind(&guard, "openDoor", "12345678")), "another tenant");
    assert!(reserved(Person { peer: "other", ..Person::of(Some("north")) }.bind(&guard, "openDoor", "12345678")));
    assert!(reserved(ivanov.bind(&guard, "openBarrier", "12345678")), "another operation");
    assert!(reserved(ivanov.bind(&guard, "openDoor", "12345679")), "another key");
    drop(held);
    assert_eq!(guard.idempotency_keys(), 0);
}

#[tokio::test]
async fn a_key_has_8_to_128_visible_bytes() {
    let guard = open(&Arc::default()).await;
    for (length, good) in [(0, false), (7, false), (8, true), (128, true), (129, false)] {
        let bound = Person::of(None).bind(&guard, "openDoor", &"k".repeat(length));
        assert_eq!(bound.is_ok(), good, "{length}");
    }
    for key in ["1234 5678", "12345678\n", "ключ-ключ"] {
        let bound = Person::of(None).bind(&guard, "openDoor", key);
        assert_eq!(bound.err(), Some(GuardFault::IdempotencyKeyInvalid), "{key:?}");
    }
}

#[tokio::test]
async fn while_the_clock_is_behind_nothing_that_moves_is_admitted_or_leaves_and_what_reads_goes_on() {
    let guard = open(&Arc::default()).await;
    let person = Person::of(None);
    let read = Asked { moves: false, ..person.asked() };
    let (moving, reading) = (person.admit(&guard).unwrap(), {
        let fields = HeaderMap::from_iter([("command-time".parse().unwrap(), HeaderValue::from_static("@1000"))]);
        guard.admit_ids(&person.ids(), guard.pace(person.peer, STEADY).unwrap(), read, &fields, NOW).unwrap()
    });
    // At the skew of five seconds, and one millisecond past it.
    for (highest, refused) in [(NOW.plus(5_000), false), (NOW.plus(5_001), true)] {
        guard.raise_highest_time(highest);
        assert_eq!(person.admit(&guard).err(), refused.then_some(GuardFault::ClockBehind));
        assert_eq!(guard.admit_clock(NOW).is_err(), refused);
        assert_eq!(guard.admit_partner(&Name::new("smarthome").unwrap(), NOW).is_err(), refused);
        let still = guard.still(&moving, BASIS, BASIS, NOW);
        assert_eq!(still, if refused { Err(Withdrawn::ClockBehind) } else { Ok(()) });
        assert_eq!(guard.still(&reading, BASIS, BASIS, NOW), Ok(()));
    }
    guard.raise_highest_time(NOW);
    assert_eq!(guard.highest_time(), NOW.plus(5_001), "it never falls");
    assert_eq!(guard.still(&moving, BASIS, BASIS, NOW.plus(1)), Ok(()), "time has caught up");
}

#[tokio::test]
async fn digests_for_the_log_are_keyed_and_the_same_after_a_restart() {
    let rows = Arc::default();
    let mut seen = Vec::new();
    for _ in 0..2 {
        let Bound::Reserved(reservation) = Person::of(None).bind(&open(&rows).await, "openDoor", "12345678").unwrap()
        else {
            panic!("not reserved");
        };
        seen.push((reservation.key_digest(), reservation.body_digest()));
    }
    assert_eq!(seen[0], seen[1]);
    assert_ne!(seen[0].1, Sha256::new([9; 32]), "the body's own digest could be guessed");
    let at = NOW;
    let entry = LedgerEntry {
        key: seen[0].0,
        body: seen[0].1,
        receipt: crate::model::Receipt::new([1; 16]),
        at,
        outcome: PastOutcome::Unknown,
    };
    let guard = Guard::open(&limits(), &SecretKey::new([7; 32]), rows, vec![entry], NOW).await.unwrap();
    let bound = Person::of(None).bind(&guard, "openDoor", "12345678").unwrap();
    assert!(matches!(bound, Bound::Past(receipt, PastOutcome::Unknown) if receipt == entry.receipt));
}

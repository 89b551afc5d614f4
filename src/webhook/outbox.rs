//! The outbox: events that were taken and are on their way, to a partner's endpoint or to the backend.
//!
//! An event lies here as its contract took it from its sender, sealed under a key of its own; what it is protected by, each
//! attempt does anew, so that a narrower contract narrows also what waits. Its digests are keyed: a stolen store tells neither
//! ids nor persons. Events of one *ordering key* (the thing that they are about, one way, one partner) go out one after the
//! other, in the order in which they were taken; others do not wait for them. What is delivered or may not go on leaves its
//! content behind at once, and its row for as long as its sender may repeat it; dead letters are kept whole.

use crate::audit::EventRecorded;
use crate::clock::UnixMillis;
use crate::contract::RebuiltEvent;
use crate::crypto::HmacKey;
use crate::crypto::Sealer;
use crate::crypto::SecretKey;
use crate::crypto::encode_base64url;
use crate::crypto::keyed_digest;
use crate::crypto::random;
use crate::limits::Limits;
use crate::limits::REMEMBERED_MS;
use crate::model::DeliveryState;
use crate::model::Direction;
use crate::model::EventName;
use crate::model::PartnerName;
use crate::model::Receipt;
use crate::model::Sha256;
use crate::model::TenantId;
use crate::model::push_netstring;
use crate::webhook::WebhookId;
use crate::webhook::store::Depth;
use crate::webhook::store::Due;
use crate::webhook::store::Enqueued;
use crate::webhook::store::OutboxFault;
use crate::webhook::store::OutboxStore;
use crate::webhook::store::Purged;
use crate::webhook::store::Settlement;
use crate::webhook::store::StoredDelivery;
use bytes::Bytes;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use tokio::sync::watch;

/// Whom events go to: a partner's endpoint, or the backend with those of one partner.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Destination {
    /// Which way.
    pub direction: Direction,
    /// The partner.
    pub partner: PartnerName,
}

/// Who brought an event, and under which id.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    /// The name in the certificate.
    pub peer: &'a str,
    /// The sender's own id of the event. It does not leave: every partner gets ids of its own.
    pub id: &'a str,
}

/// An event that was taken before under the same id.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Known {
    /// The receipt of the first.
    pub receipt: Receipt,
    /// Whether it told the same.
    pub same: bool,
}

/// What became of an event that was to be queued.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Queued {
    /// It is durably queued.
    Now,
    /// It was taken before.
    Before(Known),
}

/// An event as it came out of the store's seal; only [`Outbox::open`] makes one.
///
/// A stored row is opened:
/// ```
/// use portcullis::webhook::{Opened, Outbox, OutboxFault, StoredDelivery};
/// fn open(outbox: &Outbox, row: &StoredDelivery) -> Result<Opened, OutboxFault> {
///     outbox.open(row)
/// }
/// ```
/// Bytes are not:
/// ```compile_fail
/// use portcullis::webhook::{Opened, Outbox, OutboxFault, StoredDelivery};
/// fn open(outbox: &Outbox, row: &StoredDelivery) -> Result<Opened, OutboxFault> {
///     outbox.open(row.sealed.as_slice())
/// }
/// ```
#[must_use = "what was opened is asked about again, and delivered or purged"]
pub struct Opened {
    message: WebhookId,
    destination: Destination,
    event: EventName,
    peer: Arc<str>,
    receipt: Receipt,
    bytes: Bytes,
}

/// The outbox. One per gateway.
pub struct Outbox {
    store: Arc<dyn OutboxStore>,
    sealer: Sealer,
    key: HmacKey,
    max: u64,
    dead_kept_ms: u64,
    /// How many deliveries are queued or dead, as last counted and since.
    held: AtomicU64,
    /// Grows whenever there may be something to deliver: couriers wait for it.
    queued: watch::Sender<u64>,
}

impl Outbox {
    /// Opens the outbox over a store. `key` is the store's key; the outbox' own are derived from it.
    ///
    /// # Errors
    /// [`OutboxFault`] where the store cannot be read.
    pub async fn open_on(store: Arc<dyn OutboxStore>, key: &SecretKey, limits: &Limits) -> Result<Self, OutboxFault> {
        let outbox = Self {
            store,
            sealer: Sealer::new(&key.derive("outbox events")),
            key: HmacKey::new(&key.derive("outbox digests")),
            max: limits.outbox_max,
            dead_kept_ms: limits.dead_letters_kept_s.saturating_mul(1_000),
            held: AtomicU64::new(0),
            queued: watch::Sender::new(0),
        };
        outbox.census().await?;
        Ok(outbox)
    }

    /// Whether an event was taken before under this id.
    ///
    /// # Errors
    /// [`OutboxFault`].
    pub async fn known(&self, source: Source<'_>, event: &RebuiltEvent) -> Result<Option<Known>, OutboxFault> {
        let destination = destination_of(event);
        let found = self.store.known(self.source_digest(&destination, source)).await?;
        Ok(found.map(|(body, receipt)| Known { receipt, same: body == self.body_digest(event) }))
    }

    /// Queues an event whose taking is on record; durable when this returns. `persons` are the digests whose revocation
    /// purges it, in `tenant`.
    ///
    /// # Errors
    /// [`OutboxFault::Full`] at `outbox_max`; any other where it is not known to be durable.
    pub async fn queue(
        &self,
        recorded: &EventRecorded,
        event: &RebuiltEvent,
        source: Source<'_>,
        persons: &[Sha256],
        tenant: &TenantId,
        now: UnixMillis,
    ) -> Result<Queued, OutboxFault> {
        if self.held.load(Ordering::Relaxed) >= self.max {
            return Err(OutboxFault::Full);
        }
        let destination = destination_of(event);
        let body = self.body_digest(event);
        let mut row = StoredDelivery {
            number: 0,
            message: format!("evt_{}", encode_base64url(&random::<16>())),
            source: self.source_digest(&destination, source),
            body,
            ordering: self.ordering_digest(&destination, event),
            destination,
            event: event.event().name.clone(),
            tenant: tenant.clone(),
            persons: persons.to_vec(),
            peer: Arc::from(source.peer),
            receipt: recorded.receipt(),
            bundle: recorded.bundle(),
            accepted_at: now,
            attempts: 0,
            sealed: Vec::new(),
        };
        row.sealed = self.sealer.seal(place_of(&row).as_bytes(), &event.as_taken());
        match self.store.queue(row).await? {
            Enqueued::Known { body: known, receipt } => Ok(Queued::Before(Known { receipt, same: known == body })),
            Enqueued::New => {
                self.held.fetch_add(1, Ordering::Relaxed);
                self.queued.send_modify(|count| *count = count.wrapping_add(1));
                Ok(Queued::Now)
            }
        }
    }

    /// What changes whenever an event is queued, or one has its turn because those before it were purged.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.queued.subscribe()
    }

    /// The deliveries to `destination` whose turn it is at `now`, `most` of them at most, and when the next one's comes.
    ///
    /// # Errors
    /// [`OutboxFault`].
    pub async fn due(&self, destination: &Destination, now: UnixMillis, most: usize) -> Result<Due, OutboxFault> {
        self.store.due(destination, now, most).await
    }

    /// Opens a stored delivery.
    ///
    /// # Errors
    /// [`OutboxFault::Damaged`] where the seal does not open: other bytes, another row, another key.
    pub fn open(&self, row: &StoredDelivery) -> Result<Opened, OutboxFault> {
        let bytes = self.sealer.open(place_of(row).as_bytes(), &row.sealed).map_err(|_| OutboxFault::Damaged)?;
        Ok(Opened {
            message: WebhookId::new(&row.message).ok_or(OutboxFault::Damaged)?,
            destination: row.destination.clone(),
            event: row.event.clone(),
            peer: Arc::clone(&row.peer),
            receipt: row.receipt,
            bytes: Bytes::from(bytes),
        })
    }

    /// Notes how a delivery stands; durable when this returns. The next one of its ordering key has its turn when this one
    /// has ended.
    ///
    /// # Errors
    /// [`OutboxFault`]; it is then asked again, and perhaps delivered twice.
    pub async fn settle(&self, number: u64, settlement: Settlement, now: UnixMillis) -> Result<(), OutboxFault> {
        let leaves = matches!(settlement, Settlement::Delivered | Settlement::Purged);
        self.store.settle(number, settlement, now).await?;
        if leaves {
            self.release(1);
        }
        Ok(())
    }

    /// Purges what is queued about whom `is_revoked` says so of, by digest and tenant.
    ///
    /// # Errors
    /// [`OutboxFault`].
    pub async fn purge(
        &self,
        is_revoked: impl Fn(&Sha256, &TenantId) -> bool + Send + Sync,
        now: UnixMillis,
    ) -> Result<Vec<Purged>, OutboxFault> {
        let mut purged = Vec::new();
        for (person, tenant) in self.store.queued_about().await? {
            if is_revoked(&person, &tenant) {
                purged.extend(self.store.purge(person, tenant, now).await?);
            }
        }
        self.release(u64::try_from(purged.len()).unwrap_or(u64::MAX));
        if !purged.is_empty() {
            // Whatever stood behind them has its turn now.
            self.queued.send_modify(|count| *count = count.wrapping_add(1));
        }
        Ok(purged)
    }

    /// Counts what lies here, by destination.
    ///
    /// # Errors
    /// [`OutboxFault`].
    pub async fn census(&self) -> Result<Vec<Depth>, OutboxFault> {
        let depths = self.store.census().await?;
        let held = depths.iter().map(|depth| depth.queued.saturating_add(depth.dead)).sum();
        self.held.store(held, Ordering::Relaxed);
        Ok(depths)
    }

    /// Forgets what nobody may repeat any more, and dead letters that are too old.
    ///
    /// # Errors
    /// [`OutboxFault`].
    pub async fn forget(&self, now: UnixMillis) -> Result<(), OutboxFault> {
        let before = |kept_ms: u64| UnixMillis::new(now.get().saturating_sub(kept_ms));
        self.store.forget(before(REMEMBERED_MS), before(self.dead_kept_ms)).await
    }

    fn release(&self, count: u64) {
        // The next census counts anew; until then no more than was held is given back.
        let less = |held: u64| Some(held.saturating_sub(count));
        let _ = self.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }

    fn source_digest(&self, destination: &Destination, source: Source<'_>) -> Sha256 {
        let Destination { direction, partner } = destination;
        let parts = ["source", direction.word(), partner.as_str(), source.peer, source.id];
        keyed_digest(&self.key, &parts.map(str::as_bytes))
    }

    fn body_digest(&self, event: &RebuiltEvent) -> Sha256 {
        keyed_digest(&self.key, &[b"body", event.digest().as_bytes()])
    }

    fn ordering_digest(&self, destination: &Destination, event: &RebuiltEvent) -> Sha256 {
        let Destination { direction, partner } = destination;
        let resource = event.resource();
        let joined = resource.joined();
        let parts = ["ordering", direction.word(), partner.as_str(), &*resource.kind, &joined];
        keyed_digest(&self.key, &parts.map(str::as_bytes))
    }
}

impl Opened {
    /// The event's id for its receiver, the same at every attempt.
    #[must_use]
    pub const fn message(&self) -> &WebhookId {
        &self.message
    }

    /// Where it goes.
    #[must_use]
    pub const fn destination(&self) -> &Destination {
        &self.destination
    }

    /// The event's name.
    #[must_use]
    pub const fn event(&self) -> &EventName {
        &self.event
    }

    /// The name in the certificate of who brought it.
    #[must_use]
    pub const fn peer(&self) -> &Arc<str> {
        &self.peer
    }

    /// The receipt under which it was taken.
    #[must_use]
    pub const fn receipt(&self) -> Receipt {
        self.receipt
    }

    /// The event as its contract took it.
    #[must_use]
    pub const fn bytes(&self) -> &Bytes {
        &self.bytes
    }
}

impl Settlement {
    /// How a delivery stands that is settled so.
    #[must_use]
    pub const fn state(self) -> DeliveryState {
        match self {
            Self::Delivered => DeliveryState::Delivered,
            Self::Again { .. } => DeliveryState::Failed,
            Self::Dead => DeliveryState::Dead,
            Self::Purged => DeliveryState::Purged,
        }
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Opened({} of {}, {} bytes)", self.event, self.destination.partner, self.bytes.len())
    }
}

/// Where an event goes.
fn destination_of(event: &RebuiltEvent) -> Destination {
    Destination { direction: event.event().direction, partner: event.contract().partner().clone() }
}

/// What binds a seal to its row: delivery, destination, event, sender, bundle and body.
fn place_of(row: &StoredDelivery) -> String {
    let mut place = String::with_capacity(320);
    let Destination { direction, partner } = &row.destination;
    for part in ["outbox 1", &row.message, direction.word(), partner.as_str(), row.event.as_str(), &row.peer] {
        push_netstring(&mut place, part);
    }
    for part in [row.receipt.to_string(), row.bundle.to_string(), row.body.to_string()] {
        push_netstring(&mut place, &part);
    }
    place
}

#[cfg(test)]
mod tests;

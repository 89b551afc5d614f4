//! Where deliveries last: what the outbox asks of a store, and the shape of a row. A store knows no more of one than this.

use crate::clock::UnixMillis;
use crate::model::Direction;
use crate::model::EventName;
use crate::model::PartnerName;
use crate::model::Receipt;
use crate::model::Sha256;
use crate::model::TenantId;
use crate::webhook::outbox::Destination;
use async_trait::async_trait;
use std::sync::Arc;

/// One delivery as it is stored. What names anybody is sealed, or a keyed digest.
#[derive(Clone)]
pub struct StoredDelivery {
    /// Its place in the order in which events were taken; the store gives it.
    pub number: u64,
    /// The event's id for its receiver.
    pub message: String,
    /// Keyed digest of who brought it and under which id: of two equal ones only the first is queued.
    pub source: Sha256,
    /// Keyed digest of what it tells.
    pub body: Sha256,
    /// Keyed digest of what it must stay in order with.
    pub ordering: Sha256,
    /// Where it goes.
    pub destination: Destination,
    /// The event's name.
    pub event: EventName,
    /// The tenant of the thing that it is about.
    pub tenant: TenantId,
    /// Keyed digests of the persons whose revocation purges it: those under which revocations are stored.
    pub persons: Vec<Sha256>,
    /// The name in the certificate of who brought it.
    pub peer: Arc<str>,
    /// The receipt under which it was taken.
    pub receipt: Receipt,
    /// The bundle that judged it then.
    pub bundle: Sha256,
    /// When it was taken.
    pub accepted_at: UnixMillis,
    /// How many attempts there were.
    pub attempts: u64,
    /// The event as its contract took it, sealed.
    pub sealed: Vec<u8>,
}

/// What became of a row that was to be added.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Enqueued {
    /// It was added.
    New,
    /// One of the same source is there.
    Known {
        /// Its digest.
        body: Sha256,
        /// Its receipt.
        receipt: Receipt,
    },
}

/// Deliveries whose turn it is.
pub struct Due {
    /// In the order of their turns.
    pub deliveries: Vec<StoredDelivery>,
    /// When the next one's turn comes, of those that are not among them.
    pub next_at: Option<UnixMillis>,
}

/// How a delivery stands after an attempt.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Settlement {
    /// Its receiver has taken it.
    Delivered,
    /// It is tried again.
    Again {
        /// How many attempts there were.
        attempts: u64,
        /// When.
        at: UnixMillis,
    },
    /// It is not tried again; the event is kept.
    Dead,
    /// It may not go on; nothing of it is kept.
    Purged,
}

/// A delivery that was purged.
#[derive(Clone, Debug)]
pub struct Purged {
    /// The receipt under which it was taken.
    pub receipt: Receipt,
    /// Whom it was for.
    pub destination: Destination,
    /// The event's name.
    pub event: EventName,
    /// How many attempts there were.
    pub attempts: u64,
}

/// What lies in the outbox for one destination.
#[derive(Clone, Debug)]
pub struct Depth {
    /// Which way.
    pub direction: Direction,
    /// The partner.
    pub partner: PartnerName,
    /// How many are queued.
    pub queued: u64,
    /// How many are dead.
    pub dead: u64,
    /// When the oldest queued one was taken.
    pub oldest: Option<UnixMillis>,
}

/// The store of an outbox. All or nothing, and durable when a call returns.
#[async_trait]
pub trait OutboxStore: Send + Sync {
    /// Adds a delivery; its turn is now, or, where one of the same ordering key is queued, after that. This and
    /// [`known`](Self::known) take as long as the disk does: whoever asks says for how long they wait.
    async fn queue(&self, delivery: StoredDelivery) -> Result<Enqueued, OutboxFault>;

    /// The body's digest and the receipt of the delivery of this source.
    async fn known(&self, source: Sha256) -> Result<Option<(Sha256, Receipt)>, OutboxFault>;

    /// Those to `destination` whose turn it is at `now`, oldest turn first, `most` at most.
    async fn due(&self, destination: &Destination, now: UnixMillis, most: usize) -> Result<Due, OutboxFault>;

    /// Settles a queued delivery; one that is not queued any more is left as it is. Where it ends, the next one of its
    /// ordering key has its turn at `now`. Only a dead one keeps its content.
    async fn settle(&self, number: u64, settlement: Settlement, now: UnixMillis) -> Result<(), OutboxFault>;

    /// The persons about whom something is queued, each with the tenant.
    async fn queued_about(&self) -> Result<Vec<(Sha256, TenantId)>, OutboxFault>;

    /// Purges what is queued about a person in a tenant.
    async fn purge(&self, person: Sha256, tenant: TenantId, now: UnixMillis) -> Result<Vec<Purged>, OutboxFault>;

    /// What lies there, by destination.
    async fn census(&self) -> Result<Vec<Depth>, OutboxFault>;

    /// Forgets what ended before `ended`, and what died before `dead`.
    async fn forget(&self, ended: UnixMillis, dead: UnixMillis) -> Result<(), OutboxFault>;
}

/// Why the outbox did not do what it was asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum OutboxFault {
    /// As many deliveries are queued or dead as may be.
    #[error("the outbox is full")]
    Full,
    /// The store did not do it, or not in time; it tells the operator why.
    #[error("the store could not read or write")]
    Failed,
    /// A row holds what we never wrote, or was sealed under another key.
    #[error("the outbox holds something that does not belong there")]
    Damaged,
}

//! Revocations: who has no rights from now on, and the epoch that grows with each of them.
//!
//! Invariants:
//!
//! - A revocation is in force in memory before it is stored, and stays in force if storing fails; it is then kept for the
//!   next attempt.
//! - The epoch never goes back, also not over a crash between memory and store. The store holds a *ceiling* that is at
//!   least [`RESERVE`] above every epoch it knows; a start begins at the ceiling. So a start skips numbers, and only more
//!   than [`RESERVE`] revocations without one successful write could repeat one.
//! - Values are personal. Neither memory nor store holds them, only keyed digests of (kind, value); the tenant stands
//!   beside, for it is an operator's name.
//!
//! - Nothing in force is ever dropped to make room. At `revocations_max`, and at [`PENDING_MAX`] that wait for the store,
//!   a peer's order is refused as long as it is new; the operator's is taken even so, for it is the last means of stopping
//!   somebody, and its socket takes one order at a time from one person.
//!
//! A revocation without tenant holds everywhere. One for a tenant holds for tokens of that tenant, and for tokens that
//! name no tenant at all: those could not be told apart, and doubt is refused.

use crate::clock::UnixMillis;
use crate::crypto::HmacKey;
use crate::crypto::keyed_digest;
use crate::model::Epoch;
use crate::model::Sha256;
use crate::model::Stranger;
use crate::model::TenantId;
use async_trait::async_trait;
use parking_lot::RwLock;
use std::collections::HashMap;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

/// How many epochs may be given out before one of them is stored.
pub const RESERVE: u64 = 1 << 20;

/// How many revocations may wait for the store before no peer may add one.
pub const PENDING_MAX: usize = 65_536;

/// What loses its rights.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum RevocationKind {
    /// A user: claim `sub`.
    Subject,
    /// An app instance: claim `device_id`.
    Device,
    /// A session: claim `sid`.
    Session,
    /// One token: claim `jti`.
    Token,
}

/// Who orders a revocation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum OrderedBy {
    /// The operator: always taken.
    Operator,
    /// A peer: taken within the bounds.
    Peer,
}

/// An order that somebody or something has no rights from now on.
#[derive(Clone, Debug)]
pub struct Revocation {
    /// What loses its rights.
    pub kind: RevocationKind,
    /// Where; `None` everywhere.
    pub tenant: Option<TenantId>,
    /// Whose: the value of the claim.
    pub value: Stranger,
}

/// A revocation as it is stored.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoredRevocation {
    /// The keyed digest of kind and value.
    pub digest: Sha256,
    /// Where it holds; `None` everywhere.
    pub tenant: Option<TenantId>,
    /// What was revoked.
    pub kind: RevocationKind,
    /// The epoch that it began.
    pub epoch: Epoch,
    /// When it was ordered.
    pub at: UnixMillis,
}

/// What a store holds when it is opened.
#[derive(Clone, Debug, Default)]
pub struct StoredRevocations {
    /// No epoch that was ever given out is above it.
    pub ceiling: Epoch,
    /// All revocations.
    pub entries: Vec<StoredRevocation>,
}

/// Where revocations last.
#[async_trait]
pub trait RevocationStore: Send + Sync {
    /// Everything that is stored.
    async fn load(&self) -> Result<StoredRevocations, StoreFault>;

    /// Stores all entries and raises the ceiling, all or nothing; durable when it returns. An entry of the same digest
    /// and tenant is already there after a second attempt; a ceiling is never lowered.
    async fn keep(&self, entries: Vec<StoredRevocation>, ceiling: Epoch) -> Result<(), StoreFault>;
}

/// Why a store did not do what it was asked. What exactly failed, the store itself tells the operator.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum StoreFault {
    /// It has ended.
    #[error("the store has ended")]
    Ended,
    /// More waits for it than may.
    #[error("the store is overloaded")]
    Overloaded,
    /// It could not read or write.
    #[error("the store could not read or write")]
    Failed,
    /// It holds what no version of ours wrote.
    #[error("the store holds something that does not belong there")]
    Damaged,
}

/// The revocations in force.
pub(super) struct Revocations {
    key: HmacKey,
    epoch: AtomicU64,
    max: u64,
    inner: RwLock<Inner>,
}

/// The digests under which one caller could be revoked. Holds nothing that names anybody.
#[derive(Clone, Debug, Default)]
pub(super) struct Revocable {
    pub(super) tenant: Option<TenantId>,
    pub(super) digests: Vec<Sha256>,
}

#[derive(Default)]
struct Inner {
    /// How many are in force: each reach of each digest counts.
    count: u64,
    revoked: HashMap<Sha256, Reach>,
    /// In force and not known to be stored, oldest first.
    pending: Vec<StoredRevocation>,
}

#[derive(Default)]
struct Reach {
    everywhere: bool,
    tenants: Vec<TenantId>,
}

impl RevocationKind {
    /// All kinds, in the order of the documentation.
    pub const ALL: [Self; 4] = [Self::Subject, Self::Device, Self::Session, Self::Token];

    /// The word in orders, records and the store.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Device => "device",
            Self::Session => "session",
            Self::Token => "token",
        }
    }

    /// The kind of this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

impl Revocations {
    /// Puts stored revocations in force. The caller raises the stored ceiling before anything is admitted.
    ///
    /// Stored ones are held even beyond `max`: forgetting one would give its rights back.
    pub(super) fn new(key: HmacKey, stored: StoredRevocations, max: u64) -> Self {
        let highest = stored.entries.iter().map(|entry| entry.epoch).max().unwrap_or_default();
        let mut inner = Inner::default();
        for entry in stored.entries {
            inner.put(entry.digest, entry.tenant);
        }
        Self { key, epoch: AtomicU64::new(stored.ceiling.max(highest).get()), max, inner: RwLock::new(inner) }
    }

    pub(super) fn epoch(&self) -> Epoch {
        Epoch::new(self.epoch.load(Ordering::Acquire))
    }

    /// What must be stored at least as the ceiling, so that nothing given out so far or soon is above it.
    pub(super) fn ceiling(&self) -> Epoch {
        Epoch::new(self.epoch().get().saturating_add(RESERVE))
    }

    pub(super) fn digest(&self, kind: RevocationKind, value: &Stranger) -> Sha256 {
        keyed_digest(&self.key, &[kind.word().as_bytes(), value.expose().as_bytes()])
    }

    /// Puts a revocation in force and notes it for storing; `None` where it was not taken, for want of room.
    pub(super) fn put_in_force(&self, revocation: &Revocation, by: OrderedBy, at: UnixMillis) -> Option<Epoch> {
        let digest = self.digest(revocation.kind, &revocation.value);
        let mut inner = self.inner.write();
        let known = inner.revoked.get(&digest).is_some_and(|reach| reach.holds_for(revocation.tenant.as_ref()));
        let room = inner.pending.len() < PENDING_MAX && (known || inner.count < self.max);
        if by == OrderedBy::Peer && !room {
            return None;
        }
        inner.put(digest, revocation.tenant.clone());
        // The epoch grows only once the entry is in: who reads the new epoch and then looks, finds it.
        let epoch = self.epoch().next();
        let entry = StoredRevocation { digest, tenant: revocation.tenant.clone(), kind: revocation.kind, epoch, at };
        inner.pending.push(entry);
        self.epoch.store(epoch.get(), Ordering::Release);
        Some(epoch)
    }

    /// Whether no peer may add a new one.
    pub(super) fn is_full(&self) -> bool {
        self.inner.read().count >= self.max
    }

    /// What is in force and not known to be stored.
    pub(super) fn pending(&self) -> Vec<StoredRevocation> {
        self.inner.read().pending.clone()
    }

    /// How many are in force and not known to be stored.
    pub(super) fn waiting(&self) -> usize {
        self.inner.read().pending.len()
    }

    pub(super) fn is_stored(&self) -> bool {
        self.inner.read().pending.is_empty()
    }

    /// Takes note that everything up to this epoch is stored.
    pub(super) fn stored_up_to(&self, epoch: Epoch) {
        self.inner.write().pending.retain(|entry| entry.epoch > epoch);
    }

    pub(super) fn is_revoked(&self, who: &Revocable) -> bool {
        let inner = self.inner.read();
        let reached =
            |digest| inner.revoked.get(digest).is_some_and(|reach: &Reach| reach.reaches(who.tenant.as_ref()));
        who.digests.iter().any(reached)
    }
}

impl Inner {
    fn put(&mut self, digest: Sha256, tenant: Option<TenantId>) {
        let reach = self.revoked.entry(digest).or_default();
        if reach.holds_for(tenant.as_ref()) {
            return;
        }
        match tenant {
            None => reach.everywhere = true,
            Some(tenant) => reach.tenants.push(tenant),
        }
        self.count = self.count.saturating_add(1);
    }
}

impl Reach {
    /// Whether exactly this was ordered before.
    fn holds_for(&self, tenant: Option<&TenantId>) -> bool {
        tenant.map_or(self.everywhere, |tenant| self.tenants.contains(tenant))
    }

    fn reaches(&self, tenant: Option<&TenantId>) -> bool {
        self.everywhere || tenant.is_none_or(|tenant| self.tenants.contains(tenant))
    }
}

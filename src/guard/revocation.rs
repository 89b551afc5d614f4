//! Revocations: who has no rights from now on, and the epoch that grows with each of them.
//!
//! Invariants:
//!
//! - A revocation is in force in memory before it is stored, and stays in force if storing fails; it is then kept for the
//!   next attempt.
//! - The epoch never goes back, also not over a crash between memory and store. The store holds a *ceiling* that is at
//!   least [`RESERVE`] above every epoch it knows, and no more above one that it does not know; a start begins at the ceiling. So a start skips numbers, and only more
//!   than [`RESERVE`] revocations without one successful write could repeat one.
//! - Values are personal. Neither memory nor store holds them, only keyed digests of (kind, value); the tenant stands
//!   beside, for it is an operator's name.
//! - Nothing in force is ever dropped to make room. At `revocations_max`, and at [`PENDING_MAX`] that wait for the store,
//!   a peer's order is refused as long as it is new; the operator's is taken even so, for it is the last means of stopping
//!   somebody, and its socket takes one order at a time from one person.
//! - Only `lift.rs` ends one, and never an order that came after the lifting began: what ends, ends up
//!   to an epoch, in memory and in the store alike.
//!
//! A revocation without tenant holds everywhere. One for a tenant holds for tokens of that tenant, and for tokens that
//! name no tenant at all: those could not be told apart, and doubt is refused. An operation, a partner or a tenant that is
//! stopped in a tenant is stopped there for everybody, whatever their token says: what counts besides is where the thing
//! stands.

use crate::clock::UnixMillis;
use crate::crypto::HmacKey;
use crate::crypto::keyed_digest;
use crate::guard::kind::Revocation;
use crate::guard::kind::RevocationKind;
use crate::model::Epoch;
use crate::model::OperationId;
use crate::model::PartnerName;
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

/// Who orders a revocation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum OrderedBy {
    /// The operator: always taken.
    Operator,
    /// A peer: taken within the bounds.
    Peer,
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
    /// and tenant is already there after a second attempt; a ceiling is never lowered. One that was lifted later than
    /// this entry was ordered stays lifted.
    async fn keep(&self, entries: Vec<StoredRevocation>, ceiling: Epoch) -> Result<(), StoreFault>;

    /// Ends what is stored of a lifted revocation, and raises the ceiling to what the lifting says; durable when it
    /// returns. `false` where it was ordered again since, or is not there: then it stays as it is.
    async fn lift(&self, lifted: LiftedRevocation) -> Result<bool, StoreFault>;

    /// What is in force and began after an epoch, in the order of epochs, at most so many.
    async fn page(&self, after: Epoch, at_most: usize) -> Result<Vec<StoredRevocation>, StoreFault>;
}

/// A revocation that ends, as a store must know it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LiftedRevocation {
    /// The keyed digest of kind and value.
    pub digest: Sha256,
    /// Where it held.
    pub tenant: Option<TenantId>,
    /// The last epoch whose orders are meant; what was ordered later stays in force.
    pub up_to: Epoch,
    /// The epoch that the lifting made.
    pub epoch: Epoch,
    /// No epoch that was ever given out is above it.
    pub ceiling: Epoch,
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
    /// How many are in force of kinds that no token is always asked about.
    stops: AtomicU64,
    inner: RwLock<Inner>,
}

/// The digests under which one caller could be revoked. Holds nothing that names anybody.
#[derive(Clone, Debug, Default)]
pub(super) struct Revocable {
    pub(super) tenant: Option<TenantId>,
    pub(super) digests: Vec<Sha256>,
}

/// What else of a command could be stopped. Digested only while anything of such a kind is in force, which is seldom.
#[derive(Clone, Debug, Default)]
pub(super) struct Stoppable {
    pub(super) certificate: Option<Sha256>,
    pub(super) operation: Option<(PartnerName, OperationId)>,
    /// The rights of the token that are for this operation and bear an id.
    pub(super) grants: Vec<Stranger>,
}

#[derive(Default)]
struct Inner {
    /// How many are in force: each reach of each digest counts.
    count: u64,
    revoked: HashMap<Sha256, Reach>,
    /// In force and not known to be stored, oldest first.
    pending: Vec<StoredRevocation>,
}

/// Where one digest is revoked, each with the epoch of the last order.
#[derive(Default)]
struct Reach {
    everywhere: Option<Epoch>,
    tenants: Vec<(TenantId, Epoch)>,
}

impl Revocations {
    /// Puts stored revocations in force. The caller raises the stored ceiling before anything is admitted.
    ///
    /// Stored ones are held even beyond `max`: forgetting one would give its rights back.
    pub(super) fn new(key: HmacKey, stored: StoredRevocations, max: u64) -> Self {
        let highest = stored.entries.iter().map(|entry| entry.epoch).max().unwrap_or_default();
        let (mut inner, mut stops) = (Inner::default(), 0);
        for entry in stored.entries {
            let new = inner.put(entry.digest, entry.tenant, entry.epoch);
            stops += u64::from(new && !entry.kind.is_of_a_caller());
        }
        Self {
            key,
            epoch: AtomicU64::new(stored.ceiling.max(highest).get()),
            max,
            stops: AtomicU64::new(stops),
            inner: RwLock::new(inner),
        }
    }

    pub(super) fn epoch(&self) -> Epoch {
        Epoch::new(self.epoch.load(Ordering::Acquire))
    }

    /// What must be stored at least as the ceiling, so that nothing given out so far or soon is above it.
    pub(super) fn ceiling(&self) -> Epoch {
        Epoch::new(self.epoch().get().saturating_add(RESERVE))
    }

    pub(super) fn digest(&self, kind: RevocationKind, value: &str) -> Sha256 {
        keyed_digest(&self.key, &[kind.word().as_bytes(), value.as_bytes()])
    }

    /// Puts a revocation in force and notes it for storing; `None` where it was not taken, for want of room.
    pub(super) fn put_in_force(&self, revocation: &Revocation, by: OrderedBy, at: UnixMillis) -> Option<Epoch> {
        let digest = self.digest(revocation.kind, revocation.value.expose());
        let mut inner = self.inner.write();
        let known = inner.since(&digest, revocation.tenant.as_ref()).is_some();
        let room = inner.pending.len() < PENDING_MAX && (known || inner.count < self.max);
        if by == OrderedBy::Peer && !room {
            return None;
        }
        let epoch = self.epoch().next();
        let new = inner.put(digest, revocation.tenant.clone(), epoch);
        if new && !revocation.kind.is_of_a_caller() {
            self.stops.fetch_add(1, Ordering::AcqRel);
        }
        let entry = StoredRevocation { digest, tenant: revocation.tenant.clone(), kind: revocation.kind, epoch, at };
        inner.pending.push(entry);
        // The epoch grows only once the entry is in: who reads the new epoch and then looks, finds it.
        self.epoch.store(epoch.get(), Ordering::Release);
        Some(epoch)
    }

    /// Since which epoch exactly this is in force by its last order.
    pub(super) fn in_force_since(&self, revocation: &Revocation) -> Option<Epoch> {
        let digest = self.digest(revocation.kind, revocation.value.expose());
        self.inner.read().since(&digest, revocation.tenant.as_ref())
    }

    /// What is in force and not known to be stored, and the ceiling that may be stored with it. Both of one moment: a ceiling says
    /// that the store knows all up to it, less [`RESERVE`], and a revocation that comes meanwhile it would not know.
    pub(super) fn to_store(&self) -> (Vec<StoredRevocation>, Epoch) {
        let inner = self.inner.read();
        (inner.pending.clone(), self.ceiling())
    }

    /// The lifting of what is in force by the order of `since`, with an epoch of its own; nothing is lifted yet. `None` where
    /// it was ordered again, or is not in force.
    pub(super) fn lifting(&self, revocation: &Revocation, since: Epoch) -> Option<LiftedRevocation> {
        let digest = self.digest(revocation.kind, revocation.value.expose());
        let inner = self.inner.write();
        inner.since(&digest, revocation.tenant.as_ref()).filter(|last| *last == since)?;
        let up_to = self.epoch();
        let epoch = up_to.next();
        self.epoch.store(epoch.get(), Ordering::Release);
        // The store does not know what came while this was agreed upon.
        let known = inner.pending.first().map_or(epoch.get(), |first| first.epoch.get().saturating_sub(1));
        drop(inner);
        let ceiling = Epoch::new(known.saturating_add(RESERVE));
        Some(LiftedRevocation { digest, tenant: revocation.tenant.clone(), up_to, epoch, ceiling })
    }

    /// Ends what the store has ended; `false` where it was ordered again since.
    pub(super) fn end(&self, kind: RevocationKind, lifted: &LiftedRevocation) -> bool {
        let ended = self.inner.write().end(&lifted.digest, lifted.tenant.as_ref(), lifted.up_to);
        if ended && !kind.is_of_a_caller() {
            self.stops.fetch_sub(1, Ordering::AcqRel);
        }
        ended
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
        who.digests.iter().any(|digest| inner.reaches(digest, who.tenant.as_ref()))
    }

    /// The kind by which a command is stopped for tokens of `tenant`, or, at a place, for whoever comes to it.
    pub(super) fn stopped(&self, what: &Stoppable, tenant: Option<&TenantId>) -> Option<RevocationKind> {
        if self.stops.load(Ordering::Acquire) == 0 {
            return None;
        }
        let kinds = [RevocationKind::Tenant, RevocationKind::Partner, RevocationKind::Operation];
        let certificate = what.certificate.map(|certificate| certificate.to_string());
        let certified = certificate.map(|text| (RevocationKind::Certificate, text));
        let whole = what.operation.iter().flat_map(|(partner, operation)| {
            let of_partner = format!("{partner}/{operation}");
            let texts = [String::new(), partner.to_string(), operation.to_string()];
            kinds.into_iter().zip(texts).chain([(RevocationKind::Operation, of_partner)])
        });
        let inner = self.inner.read();
        let mut asked = certified.into_iter().chain(whole);
        asked.find(|(kind, text)| inner.reaches(&self.digest(*kind, text), tenant)).map(|(kind, _)| kind)
    }

    /// Whether the thing of this kind and name is stopped in a tenant.
    pub(super) fn is_stopped(&self, kind: RevocationKind, name: &str, tenant: &TenantId) -> bool {
        let any = self.stops.load(Ordering::Acquire) > 0;
        any && self.inner.read().reaches(&self.digest(kind, name), Some(tenant))
    }

    /// Whether a partner is stopped for all.
    pub(super) fn is_partner_stopped(&self, partner: &PartnerName) -> bool {
        let any = self.stops.load(Ordering::Acquire) > 0;
        any && self.inner.read().reaches(&self.digest(RevocationKind::Partner, partner.as_str()), None)
    }

    /// Whether a right of a token of `tenant` counts no more.
    pub(super) fn is_withheld(&self, grant: &Stranger, tenant: Option<&TenantId>) -> bool {
        let any = self.stops.load(Ordering::Acquire) > 0;
        any && self.inner.read().reaches(&self.digest(RevocationKind::Grant, grant.expose()), tenant)
    }
}

impl Inner {
    /// Notes an order; whether nothing stood there before.
    fn put(&mut self, digest: Sha256, tenant: Option<TenantId>, epoch: Epoch) -> bool {
        let reach = self.revoked.entry(digest).or_default();
        let known = match &tenant {
            None => reach.everywhere.as_mut(),
            Some(tenant) => reach.tenants.iter_mut().find(|(known, _)| known == tenant).map(|(_, since)| since),
        };
        if let Some(since) = known {
            *since = epoch;
            return false;
        }
        match tenant {
            None => reach.everywhere = Some(epoch),
            Some(tenant) => reach.tenants.push((tenant, epoch)),
        }
        self.count = self.count.saturating_add(1);
        true
    }

    /// The last order of exactly this.
    fn since(&self, digest: &Sha256, tenant: Option<&TenantId>) -> Option<Epoch> {
        let reach = self.revoked.get(digest)?;
        match tenant {
            None => reach.everywhere,
            Some(tenant) => reach.tenants.iter().find(|(known, _)| known == tenant).map(|(_, since)| *since),
        }
    }

    /// Takes exactly this out, unless it was ordered after `up_to`.
    fn end(&mut self, digest: &Sha256, tenant: Option<&TenantId>, up_to: Epoch) -> bool {
        if self.since(digest, tenant).is_none_or(|since| since > up_to) {
            return false;
        }
        let Some(reach) = self.revoked.get_mut(digest) else { return false };
        match tenant {
            None => reach.everywhere = None,
            Some(tenant) => reach.tenants.retain(|(known, _)| known != tenant),
        }
        if reach.everywhere.is_none() && reach.tenants.is_empty() {
            self.revoked.remove(digest);
        }
        self.count = self.count.saturating_sub(1);
        true
    }

    fn reaches(&self, digest: &Sha256, tenant: Option<&TenantId>) -> bool {
        self.revoked.get(digest).is_some_and(|reach| {
            let named = |tenant| reach.tenants.iter().any(|(known, _)| known == tenant);
            reach.everywhere.is_some() || tenant.is_none_or(named)
        })
    }
}

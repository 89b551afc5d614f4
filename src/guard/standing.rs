//! The guard as it stands: its keys, the revocations in force, the ledger of idempotency keys.
//!
//! One per gateway, shared by all exchanges. It is opened from what lasted, and only then admits anybody.

use crate::clock::UnixMillis;
use crate::crypto::HmacKey;
use crate::crypto::SecretKey;
use crate::guard::assertions::Assertions;
use crate::guard::departures::Departures;
use crate::guard::fault::RevokeFault;
use crate::guard::highest::HighestTime;
use crate::guard::kind::Revocation;
use crate::guard::ledger::Ledger;
use crate::guard::ledger::LedgerEntry;
use crate::guard::rate::Paced;
use crate::guard::rate::RateFault;
use crate::guard::rate::Rates;
use crate::guard::replay::Proofs;
use crate::guard::revocation::OrderedBy;
use crate::guard::revocation::RevocationStore;
use crate::guard::revocation::Revocations;
use crate::guard::revocation::StoreFault;
use crate::guard::two_persons::Proposals;
use crate::limits::Limits;
use crate::model::Epoch;
use crate::model::PersonName;
use crate::model::Sha256;
use crate::model::TenantId;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// How long a revocation waits for commands to write their first bytes, which takes microseconds unless a thread stands
/// still.
pub const DEPARTURE_TIMEOUT: Duration = Duration::from_secs(1);

/// Revoked? Too old? Already done? Still permitted just before the first byte leaves?
pub struct Guard {
    pub(super) clock_skew_s: u64,
    pub(super) idempotency_key: HmacKey,
    pub(super) ledger: Arc<Ledger>,
    pub(super) revocations: Revocations,
    pub(super) rates: Rates,
    pub(super) departures: Departures,
    pub(super) highest: HighestTime,
    pub(super) assertions: Assertions,
    pub(super) proofs: Proofs,
    pub(super) liftings: Proposals<(Sha256, Option<TenantId>), Epoch>,
    pub(super) erasures: Proposals<Sha256, ()>,
    pub(super) store: Arc<dyn RevocationStore>,
}

impl Guard {
    /// Opens the guard: revocations from the store, idempotency keys from what recovery found in the log.
    ///
    /// `key` is the store's key; the guard's own are derived from it, so what was stored and logged is recognised again. `now`
    /// is when this run starts: no earlier one takes proofs of possession any more.
    ///
    /// # Errors
    /// [`StoreFault`] where revocations cannot be read, or the ceiling of epochs not be raised. Without either the guard
    /// would admit the revoked, or repeat an epoch.
    pub async fn open(
        limits: &Limits,
        key: &SecretKey,
        store: Arc<dyn RevocationStore>,
        recovered: Vec<LedgerEntry>,
        now: UnixMillis,
    ) -> Result<Self, StoreFault> {
        // What an earlier run recorded later than it is now, it did: then the clock was set back in between.
        let started = recovered.iter().map(|entry| entry.at).fold(now, UnixMillis::max);
        let stored = store.load().await?;
        let revocations =
            Revocations::new(HmacKey::new(&key.derive("guard revocations")), stored, limits.revocations_max);
        store.keep(Vec::new(), revocations.ceiling()).await?;
        Ok(Self {
            clock_skew_s: limits.clock_skew_s,
            idempotency_key: HmacKey::new(&key.derive("guard idempotency")),
            ledger: Ledger::new(limits.idempotency_keys_max, recovered, now),
            revocations,
            rates: Rates::new(limits),
            departures: Departures::new(),
            highest: HighestTime::new(now, limits.clock_skew_s),
            assertions: Assertions::new(now),
            proofs: Proofs::new(limits, started),
            liftings: Proposals::new(limits.lift_confirm_ms),
            erasures: Proposals::new(limits.lift_confirm_ms),
            store,
        })
    }

    /// Earlier runs may have taken proofs of possession dated up to `seen`, by a clock that was ahead and set back since.
    pub fn begin_after(&mut self, seen: UnixMillis) {
        self.proofs.begin_after(seen);
    }

    /// The epoch in force.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.revocations.epoch()
    }

    /// How many revocations are in force and wait for the store.
    #[must_use]
    pub fn revocations_waiting(&self) -> usize {
        self.revocations.waiting()
    }

    /// Counts a request of `peer`, at the steady time `now`, before anybody's token is looked at.
    ///
    /// # Errors
    /// [`RateFault`].
    pub fn pace(&self, peer: &str, now: Duration) -> Result<Paced, RateFault> {
        self.rates.pace(peer, now)
    }

    /// How many idempotency keys are held, for a gauge.
    #[must_use]
    pub fn idempotency_keys(&self) -> u64 {
        self.ledger.held()
    }

    /// Counts a revocation that `peer` orders, at the steady time `now`. The operator is not counted.
    ///
    /// # Errors
    /// [`RateFault`].
    pub fn pace_revocation(&self, peer: &str, now: Duration) -> Result<(), RateFault> {
        self.rates.count_revocation(peer, now)
    }

    /// Counts what `peer` is told again, at the steady time `now`: the answer of a command or an event that it has given before,
    /// the state of a command, a token. Nothing comes of it but a record.
    ///
    /// # Errors
    /// [`RateFault`].
    pub fn pace_answer(&self, peer: &str, now: Duration) -> Result<(), RateFault> {
        self.rates.count_answer(peer, now)
    }

    /// Counts an event, or a version of the directory, that `peer` brings, at the steady time `now`.
    ///
    /// # Errors
    /// [`RateFault`].
    pub fn pace_event(&self, peer: &str, now: Duration) -> Result<(), RateFault> {
        self.rates.count_event(peer, now)
    }

    /// Counts an act of `person` on the gateway itself, at the steady time `now`. What narrows is not counted.
    ///
    /// # Errors
    /// [`RateFault`].
    pub fn pace_act(&self, person: &PersonName, now: Duration) -> Result<(), RateFault> {
        self.rates.count_act(person.as_str(), now)
    }

    /// Revokes: in force before anything is awaited; durable when this returns `Ok`, and no command of whom is revoked
    /// has a first byte that leaves later.
    ///
    /// # Errors
    /// [`RevokeFault::NotStored`] where it is in force but could not be stored; it is stored with the next one, or by
    /// [`Guard::store_pending`]. [`RevokeFault::Departing`] where a command that was looked at before has not left within
    /// [`DEPARTURE_TIMEOUT`]. [`RevokeFault::Full`] where it is not in force; never for the operator.
    pub async fn revoke(&self, revocation: Revocation, by: OrderedBy, now: UnixMillis) -> Result<Epoch, RevokeFault> {
        let epoch = self.revocations.put_in_force(&revocation, by, now).ok_or(RevokeFault::Full)?;
        let gone = self.departures.gone();
        self.store_pending().await.map_err(|fault| RevokeFault::NotStored { epoch, fault })?;
        let gone = tokio::time::timeout(DEPARTURE_TIMEOUT, gone).await;
        gone.map(|()| epoch).map_err(|_| RevokeFault::Departing { epoch })
    }

    /// Whether so many revocations are in force that no peer may add one.
    #[must_use]
    pub fn is_full_of_revocations(&self) -> bool {
        self.revocations.is_full()
    }

    /// What stands for a revoked value in the store, and in the record: keyed, so that it tells nothing by itself.
    #[must_use]
    pub fn revocation_digest(&self, revocation: &Revocation) -> Sha256 {
        self.revocations.digest(revocation.kind, revocation.value.expose())
    }

    /// Stores what is in force and not known to be stored. Does nothing where there is nothing.
    ///
    /// # Errors
    /// [`StoreFault`]; everything stays in force.
    pub async fn store_pending(&self) -> Result<(), StoreFault> {
        let (pending, ceiling) = self.revocations.to_store();
        let Some(last) = pending.last().map(|entry| entry.epoch) else { return Ok(()) };
        self.store.keep(pending, ceiling).await?;
        self.revocations.stored_up_to(last);
        Ok(())
    }

    /// Whether every revocation in force is known to be stored.
    #[must_use]
    pub fn is_durable(&self) -> bool {
        self.revocations.is_stored()
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Guard {{ epoch {}, {} idempotency keys }}", self.epoch(), self.idempotency_keys())
    }
}

//! Making good what a store has not seen: revocations and liftings that the log tells, replayed in the order of their epochs.
//!
//! A restored copy is completed so, before it takes its place, and a store that is older than its log, where it lies
//! ([`reconcile`]). Replaying is what the gateway did when it happened: the same two statements, in the same order. So what
//! was revoked again after it was lifted is revoked, what is replayed twice is as if it were replayed once, and a change that
//! the store had seen all the same changes nothing.

use crate::audit::RecordedChange;
use crate::crypto::SecretKey;
use crate::guard::RESERVE;
use crate::guard::RevocationKind;
use crate::guard::StoredRevocation;
use crate::model::Epoch;
use crate::model::Sha256;
use crate::model::TenantId;
use crate::store::copy::StoreStanding;
use crate::store::copy::examine;
use crate::store::open::StoreOpenError;
use crate::store::open::begin_file;
use crate::store::open::check_of;
use crate::store::open::connect;
use crate::store::open::lock;
use crate::store::open::of_sqlite;
use crate::store::revocations::INSERT;
use crate::store::revocations::LIFT;
use rusqlite::Connection;
use rusqlite::params;
use std::fs::File;
use std::path::Path;
use std::path::PathBuf;

/// A change that a store is to make good.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum MissedChange {
    /// It was revoked.
    Revoked(StoredRevocation),
    /// It was lifted: every order of it up to this epoch.
    Lifted {
        /// The keyed digest of kind and value.
        digest: Sha256,
        /// Where it held; `None` everywhere.
        tenant: Option<TenantId>,
        /// The epoch that the lifting made.
        epoch: Epoch,
    },
}

/// A store that no gateway has, nor can have as long as this lives.
#[derive(Debug)]
pub struct Alone {
    path: PathBuf,
    _lock: File,
}

impl MissedChange {
    /// What a record tells; `None` of a kind that this version does not know.
    #[must_use]
    pub fn of(recorded: &RecordedChange) -> Option<Self> {
        match recorded {
            RecordedChange::Revoked(one) => Some(Self::Revoked(StoredRevocation {
                digest: one.digest,
                tenant: one.tenant.clone(),
                kind: RevocationKind::from_word(&one.kind)?,
                epoch: one.epoch,
                at: one.at,
            })),
            RecordedChange::Lifted(one) => {
                Some(Self::Lifted { digest: one.digest, tenant: one.tenant.clone(), epoch: one.epoch })
            }
        }
    }

    /// The epoch that it made.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        match self {
            Self::Revoked(one) => one.epoch,
            Self::Lifted { epoch, .. } => *epoch,
        }
    }
}

impl Alone {
    /// Keeps every gateway from the store at `path`.
    ///
    /// # Errors
    /// [`StoreOpenError::InUse`] where one has it.
    pub fn with(path: &Path) -> Result<Self, StoreOpenError> {
        Ok(Self { path: path.to_owned(), _lock: lock(path)? })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn connect(&self, key: &SecretKey) -> Result<Connection, StoreOpenError> {
        begin_file(&self.path)?;
        connect(&self.path, &check_of(key))
    }
}

/// Replays `missed` in the store, and raises its epoch to at least `epoch`; all or nothing.
///
/// # Errors
/// [`StoreOpenError`]; the store is then as it was.
pub fn reconcile(
    alone: &Alone,
    key: &SecretKey,
    missed: &[MissedChange],
    epoch: Epoch,
) -> Result<StoreStanding, StoreOpenError> {
    let path = alone.path();
    let mut connection = alone.connect(key)?;
    replay(&mut connection, missed, epoch).map_err(|source| of_sqlite(path, source))?;
    connection.close().map_err(|(_, source)| of_sqlite(path, source))?;
    examine(path, key)
}

/// Replays in one transaction, in the order of epochs. The epoch never goes back, also not below what only the log still
/// knows.
pub(super) fn replay(connection: &mut Connection, missed: &[MissedChange], epoch: Epoch) -> rusqlite::Result<()> {
    let number = |epoch: Epoch| i64::try_from(epoch.get()).unwrap_or(i64::MAX);
    let mut in_order: Vec<&MissedChange> = missed.iter().collect();
    in_order.sort_by_key(|change| change.epoch());
    let transaction = connection.transaction()?;
    let mut highest = epoch;
    for change in in_order {
        highest = highest.max(change.epoch());
        match change {
            MissedChange::Revoked(one) => {
                let at = i64::try_from(one.at.get()).unwrap_or(i64::MAX);
                let row =
                    params![one.digest.as_bytes(), named(one.tenant.as_ref()), one.kind.word(), number(one.epoch), at];
                transaction.execute(INSERT, row)?;
            }
            MissedChange::Lifted { digest, tenant, epoch } => {
                let made = number(*epoch);
                let row = params![digest.as_bytes(), named(tenant.as_ref()), made, made.saturating_sub(1)];
                transaction.execute(LIFT, row)?;
            }
        }
    }
    let ceiling = number(Epoch::new(highest.get().saturating_add(RESERVE)));
    let raise = "UPDATE about SET epoch_ceiling = max(epoch_ceiling, ?1) WHERE only_row = 1";
    transaction.execute(raise, [ceiling])?;
    transaction.commit()
}

fn named(tenant: Option<&TenantId>) -> &str {
    tenant.map_or("", |tenant| tenant.as_str())
}

//! Revocations and the epoch's ceiling as rows.

use crate::clock::UnixMillis;
use crate::guard::LiftedRevocation;
use crate::guard::RevocationKind;
use crate::guard::RevocationStore;
use crate::guard::StoreFault;
use crate::guard::StoredRevocation;
use crate::guard::StoredRevocations;
use crate::model::Epoch;
use crate::model::Sha256;
use crate::model::TenantId;
use crate::store::open::Sqlite;
use crate::store::writer::ANSWER_TIMEOUT;
use crate::store::writer::WorkError;
use async_trait::async_trait;
use rusqlite::Connection;
use rusqlite::Row;
use rusqlite::params;

/// Stores one order: digest, tenant, kind, epoch, time. A second attempt finds its row; what was revoked once stays as it was,
/// but for the epoch of the last order. What was lifted is revoked anew by a later order, and by no earlier one.
pub(super) const INSERT: &str = "
    INSERT INTO revocation (digest, tenant, kind, epoch, revoked_at) VALUES (?1, ?2, ?3, ?4, ?5)
    ON CONFLICT (digest, tenant) DO UPDATE SET
        epoch = iif(lifted IS NULL, epoch, excluded.epoch),
        revoked_at = iif(lifted IS NULL, revoked_at, excluded.revoked_at),
        renewed = max(coalesce(renewed, 0), excluded.epoch),
        lifted = NULL
    WHERE excluded.epoch > coalesce(lifted, -1)";

/// Marks what was lifted: digest, tenant, the epoch of the lifting, the last epoch whose orders are meant. So an attempt to store
/// it that was under way does not bring it back.
pub(super) const LIFT: &str = "
    UPDATE revocation SET lifted = ?3
    WHERE digest = ?1 AND tenant = ?2 AND max(epoch, coalesce(renewed, 0)) <= ?4";

#[async_trait]
impl RevocationStore for Sqlite {
    async fn load(&self) -> Result<StoredRevocations, StoreFault> {
        self.writer.ask(load).await
    }

    async fn keep(&self, entries: Vec<StoredRevocation>, ceiling: Epoch) -> Result<(), StoreFault> {
        let work = self.writer.ask(move |connection| keep(connection, &entries, ceiling));
        // It may still be done; a second attempt finds its rows.
        tokio::time::timeout(ANSWER_TIMEOUT, work).await.unwrap_or(Err(StoreFault::Overloaded))
    }

    async fn lift(&self, lifted: LiftedRevocation) -> Result<bool, StoreFault> {
        let work = self.writer.ask(move |connection| lift(connection, &lifted));
        tokio::time::timeout(ANSWER_TIMEOUT, work).await.unwrap_or(Err(StoreFault::Overloaded))
    }

    async fn page(&self, after: Epoch, at_most: usize) -> Result<Vec<StoredRevocation>, StoreFault> {
        let work = self.writer.ask(move |connection| page(connection, after, at_most));
        tokio::time::timeout(ANSWER_TIMEOUT, work).await.unwrap_or(Err(StoreFault::Overloaded))
    }
}

fn load(connection: &Connection) -> Result<StoredRevocations, WorkError> {
    let ceiling = "SELECT epoch_ceiling FROM about WHERE only_row = 1";
    let ceiling: i64 = connection.query_row(ceiling, [], |row| row.get(0))?;
    let mut rows = connection.prepare(
        "SELECT digest, tenant, kind, epoch, revoked_at FROM revocation WHERE lifted IS NULL ORDER BY epoch",
    )?;
    let entries = rows.query_and_then([], of_row)?.collect::<Result<_, WorkError>>()?;
    Ok(StoredRevocations { ceiling: Epoch::new(number(ceiling)?), entries })
}

fn page(connection: &Connection, after: Epoch, at_most: usize) -> Result<Vec<StoredRevocation>, WorkError> {
    let mut rows = connection.prepare_cached(
        "SELECT digest, tenant, kind, epoch, revoked_at FROM revocation
         WHERE lifted IS NULL AND epoch > ?1 ORDER BY epoch LIMIT ?2",
    )?;
    let at_most = i64::try_from(at_most).unwrap_or(i64::MAX);
    rows.query_and_then(params![integer(after.get())?, at_most], of_row)?.collect()
}

fn lift(connection: &Connection, lifted: &LiftedRevocation) -> Result<bool, WorkError> {
    let tenant = lifted.tenant.as_ref().map_or("", |tenant| tenant.as_str());
    let (epoch, up_to) = (integer(lifted.epoch.get())?, integer(lifted.up_to.get())?);
    let marked = connection.prepare_cached(LIFT)?.execute(params![lifted.digest.as_bytes(), tenant, epoch, up_to])?;
    raise(connection, lifted.ceiling)?;
    Ok(marked == 1)
}

fn keep(connection: &Connection, entries: &[StoredRevocation], ceiling: Epoch) -> Result<(), WorkError> {
    let mut insert = connection.prepare_cached(INSERT)?;
    for entry in entries {
        let tenant = entry.tenant.as_ref().map_or("", |tenant| tenant.as_str());
        let (epoch, at) = (integer(entry.epoch.get())?, integer(entry.at.get())?);
        insert.execute(params![entry.digest.as_bytes(), tenant, entry.kind.word(), epoch, at])?;
    }
    raise(connection, ceiling)
}

fn raise(connection: &Connection, ceiling: Epoch) -> Result<(), WorkError> {
    let raise = "UPDATE about SET epoch_ceiling = max(epoch_ceiling, ?1) WHERE only_row = 1";
    match connection.execute(raise, [integer(ceiling.get())?])? {
        1 => Ok(()),
        _ => Err(WorkError::Damaged),
    }
}

fn of_row(row: &Row<'_>) -> Result<StoredRevocation, WorkError> {
    let tenant: String = row.get(1)?;
    let tenant = match tenant.as_str() {
        "" => None,
        name => Some(TenantId::new(name).map_err(|_| WorkError::Damaged)?),
    };
    let kind: String = row.get(2)?;
    Ok(StoredRevocation {
        digest: Sha256::new(row.get(0)?),
        tenant,
        kind: RevocationKind::from_word(&kind).ok_or(WorkError::Damaged)?,
        epoch: Epoch::new(number(row.get(3)?)?),
        at: UnixMillis::new(number(row.get(4)?)?),
    })
}

fn integer(number: u64) -> Result<i64, WorkError> {
    i64::try_from(number).map_err(|_| WorkError::Damaged)
}

fn number(integer: i64) -> Result<u64, WorkError> {
    u64::try_from(integer).map_err(|_| WorkError::Damaged)
}

//! Deliveries as rows. `next_at` is when a queued one's turn comes, and NULL as long as an earlier one of its ordering key is
//! queued: looking for what is due then never meets what must wait.

use crate::clock::UnixMillis;
use crate::guard::StoreFault;
use crate::model::Direction;
use crate::model::Name;
use crate::model::Receipt;
use crate::model::Sha256;
use crate::model::TenantId;
use crate::store::open::Sqlite;
use crate::store::writer::ANSWER_TIMEOUT;
use crate::store::writer::WorkError;
use crate::webhook::Depth;
use crate::webhook::Destination;
use crate::webhook::Due;
use crate::webhook::Enqueued;
use crate::webhook::OutboxFault;
use crate::webhook::OutboxStore;
use crate::webhook::Purged;
use crate::webhook::Settlement;
use crate::webhook::StoredDelivery;
use async_trait::async_trait;
use rusqlite::Connection;
use rusqlite::OptionalExtension;
use rusqlite::Row;
use rusqlite::params;
use std::sync::Arc;

/// The columns of [`of_row`].
const COLUMNS: &str = "number, message, source, body, ordering, direction, partner, event, tenant, peer, receipt, bundle, \
                       accepted_at, attempts, sealed";

#[async_trait]
impl OutboxStore for Sqlite {
    async fn queue(&self, delivery: StoredDelivery) -> Result<Enqueued, OutboxFault> {
        self.writer.ask(move |connection| queue(connection, &delivery)).await.map_err(fault)
    }

    async fn known(&self, source: Sha256) -> Result<Option<(Sha256, Receipt)>, OutboxFault> {
        self.writer.ask(move |connection| known(connection, source)).await.map_err(fault)
    }

    async fn due(&self, destination: &Destination, now: UnixMillis, most: usize) -> Result<Due, OutboxFault> {
        let destination = destination.clone();
        self.asked(move |connection| due(connection, &destination, now, most)).await
    }

    async fn settle(&self, number: u64, settlement: Settlement, now: UnixMillis) -> Result<(), OutboxFault> {
        self.asked(move |connection| settle(connection, number, settlement, now)).await
    }

    async fn queued_about(&self) -> Result<Vec<(Sha256, TenantId)>, OutboxFault> {
        self.asked(|connection| {
            let mut rows = connection.prepare_cached("SELECT DISTINCT person, tenant FROM outbox_person")?;
            let of_row = |row: &Row<'_>| Ok((Sha256::new(row.get(0)?), name(row.get(1)?)?));
            rows.query_and_then([], of_row)?.collect::<Result<_, WorkError>>()
        })
        .await
    }

    async fn purge(&self, person: Sha256, tenant: TenantId, now: UnixMillis) -> Result<Vec<Purged>, OutboxFault> {
        self.asked(move |connection| purge(connection, person, &tenant, now)).await
    }

    async fn census(&self) -> Result<Vec<Depth>, OutboxFault> {
        self.asked(census).await
    }

    async fn forget(&self, ended: UnixMillis, dead: UnixMillis) -> Result<(), OutboxFault> {
        self.asked(move |connection| {
            let forget = "DELETE FROM outbox WHERE state IN ('delivered', 'purged') AND ended_at < ?1 \
                          OR state = 'dead' AND ended_at < ?2";
            connection.prepare_cached(forget)?.execute(params![integer(ended)?, integer(dead)?])?;
            Ok(())
        })
        .await
    }
}

impl Sqlite {
    /// Does `work` for the outbox, within the time in which it must be done.
    async fn asked<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, WorkError> + Send + 'static,
    ) -> Result<T, OutboxFault> {
        match tokio::time::timeout(ANSWER_TIMEOUT, self.writer.ask(work)).await {
            Ok(done) => done.map_err(fault),
            Err(_) => Err(OutboxFault::Failed),
        }
    }
}

const fn fault(fault: StoreFault) -> OutboxFault {
    match fault {
        StoreFault::Damaged => OutboxFault::Damaged,
        StoreFault::Ended | StoreFault::Overloaded | StoreFault::Failed => OutboxFault::Failed,
    }
}

fn queue(connection: &Connection, row: &StoredDelivery) -> Result<Enqueued, WorkError> {
    if let Some((body, receipt)) = known(connection, row.source)? {
        return Ok(Enqueued::Known { body, receipt });
    }
    let insert = "INSERT INTO outbox (message, source, body, ordering, direction, partner, event, tenant, peer, receipt, bundle, \
                  accepted_at, attempts, state, next_at, sealed) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, 0, \
                  'queued', CASE WHEN EXISTS (SELECT 1 FROM outbox WHERE ordering = ?4 AND state = 'queued') THEN NULL \
                  ELSE ?12 END, ?13)";
    connection.prepare_cached(insert)?.execute(params![
        row.message,
        row.source.as_bytes(),
        row.body.as_bytes(),
        row.ordering.as_bytes(),
        row.destination.direction.word(),
        row.destination.partner.as_str(),
        row.event.as_str(),
        row.tenant.as_str(),
        &*row.peer,
        row.receipt.to_string(),
        row.bundle.as_bytes(),
        integer(row.accepted_at)?,
        row.sealed,
    ])?;
    let number = connection.last_insert_rowid();
    let mut person = connection.prepare_cached("INSERT OR IGNORE INTO outbox_person VALUES (?1, ?2, ?3)")?;
    for digest in &row.persons {
        person.execute(params![number, digest.as_bytes(), row.tenant.as_str()])?;
    }
    Ok(Enqueued::New)
}

fn known(connection: &Connection, source: Sha256) -> Result<Option<(Sha256, Receipt)>, WorkError> {
    let known = "SELECT body, receipt FROM outbox WHERE source = ?1";
    let of_row = |row: &Row<'_>| Ok((row.get(0)?, row.get::<_, String>(1)?));
    let found = connection.prepare_cached(known)?.query_row([source.as_bytes()], of_row).optional()?;
    found.map(|(body, text)| Ok((Sha256::new(body), receipt(&text)?))).transpose()
}

fn due(connection: &Connection, destination: &Destination, now: UnixMillis, most: usize) -> Result<Due, WorkError> {
    let (direction, partner) = (destination.direction.word(), destination.partner.as_str());
    let of_destination = "FROM outbox WHERE direction = ?1 AND partner = ?2 AND state = 'queued'";
    let mut rows = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} {of_destination} AND next_at <= ?3 ORDER BY next_at, number LIMIT ?4"
    ))?;
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let deliveries = rows
        .query_and_then(params![direction, partner, integer(now)?, most], of_row)?
        .collect::<Result<_, WorkError>>()?;
    let next = format!("SELECT min(next_at) {of_destination} AND next_at > ?3");
    let next: Option<i64> =
        connection.prepare_cached(&next)?.query_row(params![direction, partner, integer(now)?], |row| row.get(0))?;
    Ok(Due { deliveries, next_at: next.map(time).transpose()? })
}

fn settle(connection: &Connection, number: u64, settlement: Settlement, now: UnixMillis) -> Result<(), WorkError> {
    let number = i64::try_from(number).map_err(|_| WorkError::Damaged)?;
    let state = match settlement {
        Settlement::Again { attempts, at } => {
            let again = "UPDATE outbox SET attempts = ?2, next_at = ?3 WHERE number = ?1 AND state = 'queued'";
            let attempts = i64::try_from(attempts).map_err(|_| WorkError::Damaged)?;
            connection.prepare_cached(again)?.execute(params![number, attempts, integer(at)?])?;
            return Ok(());
        }
        Settlement::Delivered => "delivered",
        Settlement::Dead => "dead",
        Settlement::Purged => "purged",
    };
    end(connection, number, state, now)
}

/// Ends a queued delivery, and gives the next of its ordering key its turn.
fn end(connection: &Connection, number: i64, state: &str, now: UnixMillis) -> Result<(), WorkError> {
    let end = "UPDATE outbox SET state = ?2, next_at = NULL, ended_at = ?3, \
               sealed = CASE WHEN ?2 = 'dead' THEN sealed ELSE NULL END \
               WHERE number = ?1 AND state = 'queued' RETURNING ordering";
    let ended = connection
        .prepare_cached(end)?
        .query_row(params![number, state, integer(now)?], |row| row.get::<_, [u8; 32]>(0))
        .optional()?;
    let Some(ordering) = ended else { return Ok(()) };
    // Whoever is revoked from now on is asked about when a dead letter is sent again; nothing here names them until then.
    connection.prepare_cached("DELETE FROM outbox_person WHERE delivery = ?1")?.execute([number])?;
    let next = "UPDATE outbox SET next_at = ?2 WHERE next_at IS NULL AND state = 'queued' AND number = \
                (SELECT min(number) FROM outbox WHERE ordering = ?1 AND state = 'queued')";
    connection.prepare_cached(next)?.execute(params![ordering, integer(now)?])?;
    Ok(())
}

fn purge(
    connection: &Connection,
    person: Sha256,
    tenant: &TenantId,
    now: UnixMillis,
) -> Result<Vec<Purged>, WorkError> {
    let about = "SELECT number, receipt, direction, partner, event, attempts FROM outbox JOIN outbox_person \
                 ON delivery = number WHERE person = ?1 AND outbox_person.tenant = ?2 AND state = 'queued' ORDER BY number";
    let mut rows = connection.prepare_cached(about)?;
    let of_row = |row: &Row<'_>| -> Result<(i64, Purged), WorkError> {
        let purged = Purged {
            receipt: receipt(&row.get::<_, String>(1)?)?,
            destination: destination(row.get(2)?, row.get(3)?)?,
            event: name(row.get(4)?)?,
            attempts: number(row.get(5)?)?,
        };
        Ok((row.get(0)?, purged))
    };
    let found = rows.query_and_then(params![person.as_bytes(), tenant.as_str()], of_row)?;
    let found = found.collect::<Result<Vec<_>, WorkError>>()?;
    for (number, _) in &found {
        end(connection, *number, "purged", now)?;
    }
    Ok(found.into_iter().map(|(_, purged)| purged).collect())
}

fn census(connection: &Connection) -> Result<Vec<Depth>, WorkError> {
    let count = "SELECT direction, partner, sum(state = 'queued'), sum(state = 'dead'), \
                 min(CASE WHEN state = 'queued' THEN accepted_at END) FROM outbox \
                 WHERE state IN ('queued', 'dead') GROUP BY direction, partner";
    let mut rows = connection.prepare_cached(count)?;
    let of_row = |row: &Row<'_>| -> Result<Depth, WorkError> {
        let Destination { direction, partner } = destination(row.get(0)?, row.get(1)?)?;
        let oldest: Option<i64> = row.get(4)?;
        Ok(Depth {
            direction,
            partner,
            queued: number(row.get(2)?)?,
            dead: number(row.get(3)?)?,
            oldest: oldest.map(time).transpose()?,
        })
    };
    rows.query_and_then([], of_row)?.collect()
}

fn of_row(row: &Row<'_>) -> Result<StoredDelivery, WorkError> {
    Ok(StoredDelivery {
        number: number(row.get(0)?)?,
        message: row.get(1)?,
        source: Sha256::new(row.get(2)?),
        body: Sha256::new(row.get(3)?),
        ordering: Sha256::new(row.get(4)?),
        destination: destination(row.get(5)?, row.get(6)?)?,
        event: name(row.get(7)?)?,
        tenant: name(row.get(8)?)?,
        // They are for the store alone: an attempt asks the event itself.
        persons: Vec::new(),
        peer: Arc::from(row.get::<_, String>(9)?),
        receipt: receipt(&row.get::<_, String>(10)?)?,
        bundle: Sha256::new(row.get(11)?),
        accepted_at: time(row.get(12)?)?,
        attempts: number(row.get(13)?)?,
        sealed: row.get(14)?,
    })
}

fn destination(direction: String, partner: String) -> Result<Destination, WorkError> {
    let directions = [Direction::Outbound, Direction::Inbound];
    let direction = directions.into_iter().find(|known| known.word() == direction).ok_or(WorkError::Damaged)?;
    Ok(Destination { direction, partner: name(partner)? })
}

fn name(text: String) -> Result<Name, WorkError> {
    Name::new(&text).map_err(|_| WorkError::Damaged)
}

fn receipt(text: &str) -> Result<Receipt, WorkError> {
    Receipt::parse(text).ok_or(WorkError::Damaged)
}

fn integer(at: UnixMillis) -> Result<i64, WorkError> {
    i64::try_from(at.get()).map_err(|_| WorkError::Damaged)
}

fn number(integer: i64) -> Result<u64, WorkError> {
    u64::try_from(integer).map_err(|_| WorkError::Damaged)
}

fn time(integer: i64) -> Result<UnixMillis, WorkError> {
    number(integer).map(UnixMillis::new)
}

#[cfg(test)]
mod tests;

//! The highest wall time, as a row: what a clock that was set back between two runs does not come up to.

use crate::clock::UnixMillis;
use crate::crypto::SecretKey;
use crate::guard::KeptTime;
use crate::guard::StoreFault;
use crate::guard::TimeStore;
use crate::store::open::Sqlite;
use crate::store::open::StoreOpenError;
use crate::store::open::of_sqlite;
use crate::store::reconcile::Alone;
use crate::store::writer::ANSWER_TIMEOUT;
use crate::store::writer::WorkError;
use async_trait::async_trait;
use rusqlite::Connection;
use rusqlite::OptionalExtension;
use rusqlite::params;

const UPSERT: &str = "
    INSERT INTO wall_time (only_row, highest, accepted, seen) VALUES (1, ?1, ?2, ?1)
    ON CONFLICT (only_row) DO UPDATE SET
        highest = excluded.highest, accepted = excluded.accepted, seen = max(seen, highest, excluded.highest)";

const SEEN: &str = "
    INSERT INTO wall_time (only_row, highest, accepted, seen) VALUES (1, 0, 0, ?1)
    ON CONFLICT (only_row) DO UPDATE SET seen = max(seen, excluded.seen)";

#[async_trait]
impl TimeStore for Sqlite {
    async fn kept_time(&self) -> Result<Option<KeptTime>, StoreFault> {
        self.writer.ask(|connection| kept(connection)?.map(of_row).transpose()).await
    }

    async fn keep_time(&self, highest: UnixMillis) -> Result<(), StoreFault> {
        self.written(highest, |connection, highest| connection.prepare_cached(UPSERT)?.execute(params![highest, false]))
            .await
    }

    async fn keep_seen(&self, seen: UnixMillis) -> Result<(), StoreFault> {
        self.written(seen, |connection, seen| connection.prepare_cached(SEEN)?.execute([seen])).await
    }
}

impl Sqlite {
    async fn written<W>(&self, time: UnixMillis, write: W) -> Result<(), StoreFault>
    where
        W: FnOnce(&Connection, i64) -> rusqlite::Result<usize> + Send + 'static,
    {
        let work = self.writer.ask(move |connection| {
            write(connection, i64::try_from(time.get()).map_err(|_| WorkError::Damaged)?)?;
            Ok(())
        });
        tokio::time::timeout(ANSWER_TIMEOUT, work).await.unwrap_or(Err(StoreFault::Overloaded))
    }
}

fn kept(connection: &Connection) -> rusqlite::Result<Option<(i64, bool, i64)>> {
    let select = "SELECT highest, accepted, seen FROM wall_time WHERE only_row = 1";
    connection.query_row(select, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).optional()
}

fn of_row((highest, accepted, seen): (i64, bool, i64)) -> Result<KeptTime, WorkError> {
    let time = |millis: i64| u64::try_from(millis).map(UnixMillis::new).map_err(|_| WorkError::Damaged);
    Ok(KeptTime { highest: time(highest)?, accepted, seen: time(seen)? })
}

/// Sets the highest wall time to `now`, whatever was kept; the next start goes by it alone, also against later times on record.
/// That more was seen is kept, since what was used then is used up. Gives what was kept before.
///
/// # Errors
/// [`StoreOpenError`]; nothing is set then.
pub fn accept_clock(alone: &Alone, key: &SecretKey, now: UnixMillis) -> Result<Option<UnixMillis>, StoreOpenError> {
    let connection = alone.connect(key)?;
    let path = alone.path();
    let before = kept(&connection).map_err(|source| of_sqlite(path, source))?;
    let before = before.map(of_row).transpose().map_err(|_| StoreOpenError::Damaged { path: path.to_owned() })?;
    let set = params![i64::try_from(now.get()).unwrap_or(i64::MAX), true];
    connection.execute(UPSERT, set).map_err(|source| of_sqlite(path, source))?;
    connection.close().map_err(|(_, source)| of_sqlite(path, source))?;
    Ok(before.map(|kept| kept.highest))
}

//! The newest checkpoint of the log that the store has seen, as a row: what an older copy of the log does not come up to.
//!
//! It is a signed note, which everybody may read and nobody without the log's key can make.

use crate::audit::SeenFault;
use crate::audit::SeenStore;
use crate::crypto::SecretKey;
use crate::store::open::Sqlite;
use crate::store::open::StoreOpenError;
use crate::store::open::of_sqlite;
use crate::store::reconcile::Alone;
use crate::store::writer::ANSWER_TIMEOUT;
use async_trait::async_trait;
use rusqlite::Connection;
use rusqlite::OptionalExtension;
use std::path::Path;

const SELECT: &str = "SELECT note FROM log_seen WHERE only_row = 1";

#[async_trait]
impl SeenStore for Sqlite {
    async fn last_seen(&self) -> Result<Option<String>, SeenFault> {
        let row = self.writer.ask(|connection| Ok(connection.query_row(SELECT, [], |row| row.get(0)).optional()?));
        row.await.map_err(|_| SeenFault)
    }

    async fn keep_seen(&self, note: String) -> Result<(), SeenFault> {
        let work = self.writer.ask(move |connection| {
            let upsert = "INSERT INTO log_seen VALUES (1, ?1) ON CONFLICT (only_row) DO UPDATE SET note = ?1";
            connection.prepare_cached(upsert)?.execute([note])?;
            Ok(())
        });
        match tokio::time::timeout(ANSWER_TIMEOUT, work).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(SeenFault),
        }
    }
}

/// The note that a store has kept, read from outside.
pub(super) fn seen(connection: &Connection) -> rusqlite::Result<Option<String>> {
    let there = "SELECT count(*) FROM pragma_table_info('log_seen')";
    let there: i64 = connection.query_row(there, [], |row| row.get(0))?;
    if there == 0 {
        return Ok(None);
    }
    connection.query_row(SELECT, [], |row| row.get(0)).optional()
}

/// Forgets how far the log had come: the next start takes the one that is there.
///
/// # Errors
/// [`StoreOpenError`]; nothing is forgotten then.
pub fn forget_log(alone: &Alone, key: &SecretKey) -> Result<(), StoreOpenError> {
    let connection = alone.connect(key)?;
    let path: &Path = alone.path();
    connection.execute("DELETE FROM log_seen", []).map_err(|source| of_sqlite(path, source))?;
    connection.close().map_err(|(_, source)| of_sqlite(path, source))
}

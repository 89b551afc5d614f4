//! The newest directory that the backend sent, as a row. It is sealed, not because it is secret, but so that nobody without
//! the store's key can put another one in its place; and bound to its revision.

use crate::clock::UnixMillis;
use crate::directory::DirectoryStore;
use crate::directory::KeepFault;
use crate::directory::KeptDirectory;
use crate::store::open::Sqlite;
use async_trait::async_trait;
use rusqlite::OptionalExtension;
use rusqlite::params;
use std::sync::Arc;
use std::time::Duration;

/// How long a directory, or an activation, may take to be written: it may have megabytes.
pub(super) const KEEP_TIMEOUT: Duration = Duration::from_secs(10);

#[async_trait]
impl DirectoryStore for Sqlite {
    async fn last(&self) -> Result<Option<KeptDirectory>, KeepFault> {
        let row = self.writer.ask(|connection| {
            let select = "SELECT revision, taken_at, sealed FROM directory WHERE only_row = 1";
            let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get(2)?));
            Ok(connection.query_row(select, [], row).optional()?)
        });
        let Some((revision, taken_at, sealed)) = row.await.map_err(|_| KeepFault)? else { return Ok(None) };
        let sealed: Vec<u8> = sealed;
        let number = |number: i64| u64::try_from(number).map_err(|_| KeepFault);
        let (revision, taken_at) = (number(revision)?, UnixMillis::new(number(taken_at)?));
        let text = self.directory_sealer.open(&bound_to(revision), &sealed).map_err(|_| {
            tracing::error!("the directory in the store does not open under the store's key");
            KeepFault
        })?;
        Ok(Some(KeptDirectory { revision, taken_at, text }))
    }

    async fn replace(&self, directory: KeptDirectory) -> Result<(), KeepFault> {
        let KeptDirectory { revision, taken_at, text } = directory;
        let (sealer, aad) = (Arc::clone(&self.directory_sealer), bound_to(revision));
        let number = |number: u64| i64::try_from(number).map_err(|_| KeepFault);
        let (revision, taken_at) = (number(revision)?, number(taken_at.get())?);
        let work = self.writer.ask(move |connection| {
            let upsert = "INSERT INTO directory VALUES (1, ?1, ?2, ?3) ON CONFLICT (only_row) DO UPDATE \
                          SET revision = ?1, taken_at = ?2, sealed = ?3";
            // Here, and not on a thread that serves: it may be megabytes.
            let sealed = sealer.seal(&aad, &text);
            connection.prepare_cached(upsert)?.execute(params![revision, taken_at, sealed])?;
            Ok(())
        });
        // It may still be written; what is tried again then finds its row, and takes its place.
        match tokio::time::timeout(KEEP_TIMEOUT, work).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(KeepFault),
        }
    }
}

fn bound_to(revision: u64) -> Vec<u8> {
    format!("directory {revision}").into_bytes()
}

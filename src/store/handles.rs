//! Handles and the persons behind them as rows. Erasing a row erases the person from every record at once.
//!
//! `secure_delete` overwrites a deleted row with zeros, but not the copies that SQLite leaves in the gaps of pages when it
//! moves rows from one to another. So an erasure writes the table anew, without the row, and drops the old one, whose
//! pages `secure_delete` overwrites as a whole; then the write-ahead log is emptied. That takes time in the number of
//! persons, and is rare: two people have to want it.

use crate::audit::Handle;
use crate::audit::HandleFault;
use crate::audit::HandleRow;
use crate::audit::HandleStore;
use crate::audit::Person;
use crate::audit::PersonSecret;
use crate::json;
use crate::model::Sha256;
use crate::store::open::Sqlite;
use crate::store::writer::ANSWER_TIMEOUT;
use crate::store::writer::WorkError;
use async_trait::async_trait;
use rusqlite::Connection;
use rusqlite::OptionalExtension;
use rusqlite::Row;
use rusqlite::params;
use std::time::Duration;

/// How long the one who erases waits: the table is written anew, a second or so for each hundred thousand persons.
const ERASE_TIMEOUT: Duration = Duration::from_secs(10);

#[async_trait]
impl HandleStore for Sqlite {
    async fn handles(&self, persons: Vec<Person>) -> Result<Vec<HandleRow>, HandleFault> {
        // Bound to its row: a sealed value that was moved to another does not open.
        let seal = |person: Person| {
            let sealed = self.sealer.seal(person.digest.as_bytes(), &text_of(&person));
            (person.digest, person.fresh, sealed)
        };
        let rows: Vec<_> = persons.into_iter().map(seal).collect();
        let work = self.writer.ask(move |connection| {
            rows.iter().map(|(digest, fresh, sealed)| handle(connection, *digest, fresh, sealed)).collect()
        });
        work.await.map_err(|_| HandleFault)
    }

    async fn known(&self, limit: usize) -> Result<Vec<(Sha256, HandleRow)>, HandleFault> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let known = self.writer.ask(move |connection| {
            let mut rows = connection.prepare("SELECT handle, secret, person FROM handle LIMIT ?1")?;
            let rows = rows.query_map([limit], |row| Ok((Sha256::new(row.get(2)?), read(row)?)))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        });
        known.await.map_err(|_| HandleFault)
    }

    async fn find(&self, person: Sha256) -> Result<Option<Handle>, HandleFault> {
        let work = self.writer.ask(move |connection| {
            let find = "SELECT handle FROM handle WHERE person = ?1";
            Ok(connection.query_row(find, [person.as_bytes()], |row| row.get(0)).optional()?.map(Handle::new))
        });
        match tokio::time::timeout(ANSWER_TIMEOUT, work).await {
            Ok(Ok(handle)) => Ok(handle),
            Ok(Err(_)) | Err(_) => Err(HandleFault),
        }
    }

    async fn erase(&self, person: Sha256) -> Result<bool, HandleFault> {
        let work = async {
            let erased = self.writer.ask(move |connection| erase(connection, person)).await?;
            self.writer.scrub().await.map(|()| erased)
        };
        match tokio::time::timeout(ERASE_TIMEOUT, work).await {
            Ok(Ok(erased)) => Ok(erased),
            Ok(Err(_)) | Err(_) => Err(HandleFault),
        }
    }
}

/// Writes the table anew, without this row; whether it was there.
fn erase(connection: &Connection, person: Sha256) -> Result<bool, WorkError> {
    let find = "SELECT count(*) FROM handle WHERE person = ?1";
    if connection.query_row(find, [person.as_bytes()], |row| row.get::<_, i64>(0))? == 0 {
        return Ok(false);
    }
    // As it is in this file, whichever migrations made it so.
    let table = "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = 'handle'";
    let table: String = connection.query_row(table, [], |row| row.get(0))?;
    let (_, columns) = table.split_once('(').ok_or(WorkError::Damaged)?;
    connection.execute_batch(&format!("CREATE TABLE handle_anew ({columns}"))?;
    let others = "INSERT INTO handle_anew SELECT * FROM handle WHERE person <> ?1 ORDER BY person";
    connection.execute(others, [person.as_bytes()])?;
    connection.execute_batch("DROP TABLE handle; ALTER TABLE handle_anew RENAME TO handle;")?;
    Ok(true)
}

fn handle(connection: &Connection, digest: Sha256, fresh: &HandleRow, sealed: &[u8]) -> Result<HandleRow, WorkError> {
    let known = "SELECT handle, secret FROM handle WHERE person = ?1";
    let known = connection.prepare_cached(known)?.query_row([digest.as_bytes()], read).optional()?;
    if let Some(known) = known {
        return Ok(known);
    }
    let insert = "INSERT INTO handle (person, handle, sealed, secret) VALUES (?1, ?2, ?3, ?4)";
    let row = params![digest.as_bytes(), fresh.handle.as_bytes(), sealed, fresh.secret.expose()];
    connection.prepare_cached(insert)?.execute(row)?;
    Ok(fresh.clone())
}

/// A handle and its secret, the first two columns.
fn read(row: &Row<'_>) -> rusqlite::Result<HandleRow> {
    Ok(HandleRow { handle: Handle::new(row.get(0)?), secret: PersonSecret::new(row.get(1)?) })
}

/// What is sealed: kind, scope and value as a JSON array of three texts.
fn text_of(person: &Person) -> Vec<u8> {
    let mut text = vec![b'['];
    json::write_string(person.kind.word(), &mut text);
    text.push(b',');
    json::write_string(&person.scope, &mut text);
    text.push(b',');
    json::write_string(person.value.expose(), &mut text);
    text.push(b']');
    text
}

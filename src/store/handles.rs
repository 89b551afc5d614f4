//! Handles and the persons behind them as rows. Erasing a row erases the person from every record at once.

use crate::audit::Handle;
use crate::audit::HandleFault;
use crate::audit::HandleStore;
use crate::audit::Person;
use crate::json;
use crate::model::Sha256;
use crate::store::open::Sqlite;
use crate::store::writer::ANSWER_TIMEOUT;
use crate::store::writer::WorkError;
use async_trait::async_trait;
use rusqlite::Connection;
use rusqlite::OptionalExtension;
use rusqlite::params;

#[async_trait]
impl HandleStore for Sqlite {
    async fn handles(&self, persons: Vec<Person>) -> Result<Vec<Handle>, HandleFault> {
        // Bound to its row: a sealed value that was moved to another does not open.
        let seal = |person: Person| {
            let sealed = self.sealer.seal(person.digest.as_bytes(), &text_of(&person));
            (person.digest, person.fresh, sealed)
        };
        let rows: Vec<_> = persons.into_iter().map(seal).collect();
        let work = self.writer.ask(move |connection| {
            rows.iter().map(|(digest, fresh, sealed)| handle(connection, *digest, *fresh, sealed)).collect()
        });
        match tokio::time::timeout(ANSWER_TIMEOUT, work).await {
            Ok(Ok(handles)) => Ok(handles),
            Ok(Err(_)) | Err(_) => Err(HandleFault),
        }
    }

    async fn known(&self, limit: usize) -> Result<Vec<(Sha256, Handle)>, HandleFault> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let known = self.writer.ask(move |connection| {
            let mut rows = connection.prepare("SELECT person, handle FROM handle LIMIT ?1")?;
            let rows = rows.query_map([limit], |row| Ok((Sha256::new(row.get(0)?), Handle::new(row.get(1)?))))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        });
        known.await.map_err(|_| HandleFault)
    }
}

fn handle(connection: &Connection, digest: Sha256, fresh: Handle, sealed: &[u8]) -> Result<Handle, WorkError> {
    let known = "SELECT handle FROM handle WHERE person = ?1";
    let known = connection.prepare_cached(known)?.query_row([digest.as_bytes()], |row| row.get(0)).optional()?;
    if let Some(known) = known {
        return Ok(Handle::new(known));
    }
    let insert = "INSERT INTO handle VALUES (?1, ?2, ?3)";
    connection.prepare_cached(insert)?.execute(params![digest.as_bytes(), fresh.as_bytes(), sealed])?;
    Ok(fresh)
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

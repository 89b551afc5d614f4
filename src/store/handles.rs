//! Handles and the persons behind them as rows. Erasing a row erases the person from every record at once.

use crate::audit::Handle;
use crate::audit::HandleFault;
use crate::audit::HandleStore;
use crate::audit::Person;
use crate::json;
use crate::model::Sha256;
use crate::store::open::Sqlite;
use crate::store::writer::WorkError;
use rusqlite::Connection;
use rusqlite::OptionalExtension;
use rusqlite::params;

impl HandleStore for Sqlite {
    fn handle(&self, person: &Person<'_>, fresh: Handle) -> Result<Handle, HandleFault> {
        let digest = person.digest;
        // Bound to its row: a sealed value that was moved to another does not open.
        let sealed = self.sealer.seal(digest.as_bytes(), &text_of(person));
        self.writer.ask_blocking(move |connection| handle(connection, digest, fresh, &sealed)).map_err(|_| HandleFault)
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
fn text_of(person: &Person<'_>) -> Vec<u8> {
    let mut text = vec![b'['];
    json::write_string(person.kind.word(), &mut text);
    text.push(b',');
    json::write_string(person.scope, &mut text);
    text.push(b',');
    json::write_string(person.value.expose(), &mut text);
    text.push(b']');
    text
}

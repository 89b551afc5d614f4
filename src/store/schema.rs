//! The tables, and how an older file becomes a newer one.
//!
//! `user_version` counts the migrations that a file has seen. One is never changed after a release; another is added.

use rusqlite::Connection;
use rusqlite::TransactionBehavior;

/// Marks the file as ours: `PcuS` in ASCII.
pub(super) const APPLICATION_ID: i64 = 0x5063_7553;

/// The newest schema that this version knows.
pub(super) const NEWEST: usize = MIGRATIONS.len();

const MIGRATIONS: &[&str] = &["
    CREATE TABLE about (
        only_row      INTEGER PRIMARY KEY CHECK (only_row = 1),
        key_check     BLOB    NOT NULL CHECK (length(key_check) = 32),
        epoch_ceiling INTEGER NOT NULL CHECK (epoch_ceiling >= 0)
    ) STRICT;
    CREATE TABLE revocation (
        digest     BLOB    NOT NULL CHECK (length(digest) = 32),
        tenant     TEXT    NOT NULL, -- empty: everywhere
        kind       TEXT    NOT NULL,
        epoch      INTEGER NOT NULL,
        revoked_at INTEGER NOT NULL, -- Unix time in milliseconds
        PRIMARY KEY (digest, tenant)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE handle (
        person BLOB NOT NULL PRIMARY KEY CHECK (length(person) = 32),
        handle BLOB NOT NULL UNIQUE CHECK (length(handle) = 16),
        sealed BLOB NOT NULL -- kind, scope and value of the identifier
    ) STRICT, WITHOUT ROWID;
"];

/// Brings the schema from `version` to [`NEWEST`], all or nothing. A file that begins here gets its only row of `about`.
pub(super) fn migrate(connection: &mut Connection, version: usize, key_check: &[u8; 32]) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for migration in MIGRATIONS.iter().skip(version) {
        transaction.execute_batch(migration)?;
    }
    if version == 0 {
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.execute("INSERT INTO about VALUES (1, ?1, 0)", [key_check.as_slice()])?;
    }
    transaction.pragma_update(None, "user_version", i64::try_from(NEWEST).unwrap_or(i64::MAX))?;
    transaction.commit()
}

//! The tables, and how an older file becomes a newer one.
//!
//! `user_version` counts the migrations that a file has seen. One is never changed after a release; another is added.

use rusqlite::Connection;
use rusqlite::TransactionBehavior;

/// Marks the file as ours: `PcuS` in ASCII.
pub(super) const APPLICATION_ID: i64 = 0x5063_7553;

/// The newest schema that this version knows.
pub(super) const NEWEST: usize = MIGRATIONS.len();

pub(super) const MIGRATIONS: &[&str] = &[
    "
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
",
    "
    CREATE TABLE outbox (
        number      INTEGER PRIMARY KEY AUTOINCREMENT, -- the order in which events were taken
        message     TEXT    NOT NULL UNIQUE,
        source      BLOB    NOT NULL UNIQUE CHECK (length(source) = 32),
        body        BLOB    NOT NULL CHECK (length(body) = 32),
        ordering    BLOB    NOT NULL CHECK (length(ordering) = 32),
        direction   TEXT    NOT NULL CHECK (direction IN ('outbound', 'inbound')),
        partner     TEXT    NOT NULL,
        event       TEXT    NOT NULL,
        tenant      TEXT    NOT NULL,
        peer        TEXT    NOT NULL,
        receipt     TEXT    NOT NULL,
        bundle      BLOB    NOT NULL CHECK (length(bundle) = 32),
        accepted_at INTEGER NOT NULL, -- Unix time in milliseconds, as all times
        attempts    INTEGER NOT NULL CHECK (attempts >= 0),
        state       TEXT    NOT NULL CHECK (state IN ('queued', 'delivered', 'dead', 'purged')),
        next_at     INTEGER, -- of a queued one; NULL while an earlier one of its ordering key is queued
        ended_at    INTEGER, -- of one that is not queued any more
        sealed      BLOB, -- the event; NULL once it is delivered or purged
        CHECK ((state = 'queued') = (ended_at IS NULL)),
        CHECK ((state IN ('queued', 'dead')) = (sealed IS NOT NULL))
    ) STRICT;
    CREATE INDEX outbox_due ON outbox (direction, partner, next_at, number) WHERE state = 'queued';
    CREATE INDEX outbox_order ON outbox (ordering, number) WHERE state = 'queued';
    CREATE INDEX outbox_ended ON outbox (state, ended_at) WHERE state <> 'queued';
    CREATE TABLE outbox_person (
        delivery INTEGER NOT NULL REFERENCES outbox (number) ON DELETE CASCADE,
        person   BLOB    NOT NULL CHECK (length(person) = 32), -- as in revocation.digest
        tenant   TEXT    NOT NULL,
        PRIMARY KEY (person, tenant, delivery)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX outbox_person_delivery ON outbox_person (delivery);
",
    "
    CREATE TABLE directory (
        only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
        revision INTEGER NOT NULL CHECK (revision >= 0),
        taken_at INTEGER NOT NULL, -- Unix time in milliseconds
        sealed   BLOB    NOT NULL  -- the snapshot document
    ) STRICT;
",
    "
    ALTER TABLE revocation ADD COLUMN renewed INTEGER; -- the epoch of the last order, where there was more than one
    ALTER TABLE revocation ADD COLUMN lifted  INTEGER; -- the epoch of its lifting; empty: in force
    CREATE INDEX revocation_by_epoch ON revocation (epoch);
",
    "
    CREATE TABLE activation (
        sequence     INTEGER PRIMARY KEY CHECK (sequence > 0),
        activated_at INTEGER NOT NULL, -- Unix time in milliseconds
        sealed       BLOB    NOT NULL  -- digests, partners, what moves, who signed
    ) STRICT;
    CREATE TABLE signers (
        only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
        sequence INTEGER NOT NULL CHECK (sequence > 0),
        sealed   BLOB    NOT NULL  -- the list in effect, to the byte
    ) STRICT;
",
    "
    ALTER TABLE handle ADD COLUMN secret BLOB CHECK (length(secret) = 32); -- under it lies what is sealed for the person
    UPDATE handle SET secret = randomblob(32);
",
    "
    CREATE TABLE log_seen (
        only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
        note     TEXT    NOT NULL -- the newest checkpoint of the log that the store has seen
    ) STRICT;
",
    "
    ALTER TABLE activation ADD COLUMN recorded INTEGER NOT NULL DEFAULT 0; -- whether the log is known to have it
    UPDATE activation SET recorded = 1;
",
    "
    CREATE TABLE wall_time (
        only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
        highest  INTEGER NOT NULL CHECK (highest >= 0), -- Unix time in milliseconds
        accepted INTEGER NOT NULL CHECK (accepted IN (0, 1)) -- whether a person set it, and no gateway has run since
    ) STRICT;
",
    "
    ALTER TABLE wall_time ADD COLUMN seen INTEGER NOT NULL DEFAULT 0; -- the latest time ever shown, whatever a person set since
    UPDATE wall_time SET seen = highest;
    CREATE TABLE assertion (
        id    BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 32), -- digest of client and jti
        until INTEGER NOT NULL CHECK (until >= 0) -- Unix time in seconds: when it is no longer good
    ) STRICT, WITHOUT ROWID;
",
];

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

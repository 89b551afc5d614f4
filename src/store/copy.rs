//! Copies of the store: one made while a gateway runs, one looked at, one put in the place of what was lost.
//!
//! A copy is one file, made by SQLite itself (`VACUUM INTO`) from one snapshot: every table that there is, at one moment,
//! without what lies in the write-ahead log beside it. It is as secret as the store; what is sealed in it is sealed in the
//! copy.
//!
//! How old a store is, its ceiling of epochs tells: each write of a revocation raises it to [`RESERVE`] above the epoch then,
//! and so does each start. Less [`RESERVE`], it is the last epoch that the store has seen.

use crate::approval::History;
use crate::crypto::Sealer;
use crate::crypto::SecretKey;
use crate::crypto::constant_time_eq;
use crate::guard::RESERVE;
use crate::model::Epoch;
use crate::store::activations::opened;
use crate::store::activations::rows;
use crate::store::log_seen::seen;
use crate::store::open::ACTIVATIONS;
use crate::store::open::StoreOpenError;
use crate::store::open::begin_file;
use crate::store::open::check_of;
use crate::store::open::lock;
use crate::store::open::of_sqlite;
use crate::store::reconcile::MissedChange;
use crate::store::reconcile::replay;
use crate::store::schema;
use rusqlite::Connection;
use rusqlite::OpenFlags;
use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::fs::chown;
use std::path::Path;
use std::path::PathBuf;

/// What a store is seen to be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct StoreStanding {
    /// The migrations that it has seen.
    pub schema: i64,
    /// The last epoch that it has seen.
    pub epoch: Epoch,
    /// The revocations in it.
    pub revocations: u64,
}

/// Looks at the store at `path`, also while a gateway has it; nothing in it is changed.
///
/// # Errors
/// [`StoreOpenError`]: what a start would refuse, but for another process that has it open; and any page that is not whole.
pub fn examine(path: &Path, key: &SecretKey) -> Result<StoreStanding, StoreOpenError> {
    let connection = open_to_read(path)?;
    standing(&connection, path, key)
}

/// What was activated, as the store at `path` has it, also while a gateway has it; nothing in it is changed.
///
/// # Errors
/// As [`examine`]; [`StoreOpenError::Damaged`] where a row was not written under its key.
pub fn activations(path: &Path, key: &SecretKey) -> Result<History, StoreOpenError> {
    let connection = open_to_read(path)?;
    let there = "SELECT count(*) FROM pragma_table_info('activation')";
    let there: i64 = connection.query_row(there, [], |row| row.get(0)).map_err(|source| of_sqlite(path, source))?;
    if there == 0 {
        // Of an older version, which asked for no signatures.
        return Ok(History::default());
    }
    let damaged = || StoreOpenError::Damaged { path: path.to_owned() };
    let (activations, list) = rows(&connection).map_err(|_| damaged())?;
    // Who looks from outside records nothing.
    opened(&Sealer::new(&key.derive(ACTIVATIONS)), activations, list, true).map_err(|_| damaged())
}

/// The newest checkpoint of its log that the store at `path` has seen, also while a gateway has it.
///
/// # Errors
/// As [`examine`].
pub fn log_seen(path: &Path) -> Result<Option<String>, StoreOpenError> {
    seen(&open_to_read(path)?).map_err(|source| of_sqlite(path, source))
}

/// Copies the store at `from`, which a gateway may have open, to the new file `to`, for its owner alone.
///
/// # Errors
/// [`StoreOpenError`] about either file.
pub fn copy(from: &Path, to: &Path, key: &SecretKey) -> Result<StoreStanding, StoreOpenError> {
    // Where no gateway runs, none may begin to write in the midst of it.
    let _quiet = lock(from);
    let connection = open_to_read(from)?;
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to);
    made.map_err(|source| StoreOpenError::Io { path: to.to_owned(), source })?;
    let name = to.to_str().ok_or_else(|| unusable(to, "its path is no text"))?;
    connection.execute("VACUUM INTO ?1", [name]).map_err(|source| of_sqlite(from, source))?;
    synced(to)?;
    examine(to, key)
}

/// Puts the copy `from` in the place of the store at `to`, which no gateway has: with what it has missed replayed, and with an
/// epoch of at least `epoch`. What was there before stays beside it, as `TO.replaced`.
///
/// # Errors
/// [`StoreOpenError`] about either file; the store is then as it was.
pub fn put_in_place(
    from: &Path,
    to: &Path,
    key: &SecretKey,
    missed: &[MissedChange],
    epoch: Epoch,
) -> Result<StoreStanding, StoreOpenError> {
    let _alone = lock(to)?;
    let fresh = beside(to, ".restoring");
    let _ = fs::remove_file(&fresh);
    begin_file(&fresh)?;
    let copied = fs::read(from).map_err(|source| StoreOpenError::Io { path: from.to_owned(), source });
    let written = copied.and_then(|bytes| fs::write(&fresh, bytes).map_err(io_at(&fresh)));
    let completed = written.and_then(|()| complete(&fresh, missed, epoch)).and_then(|()| examine(&fresh, key));
    let standing = completed.inspect_err(|_| drop(fs::remove_file(&fresh)))?;
    owned_as(&fresh, to)?;
    synced(&fresh)?;
    put_aside(to)?;
    fs::rename(&fresh, to).map_err(io_at(to))?;
    synced(to)?;
    Ok(standing)
}

/// Opens a store to read it. Where a write-ahead log lies beside it, somebody has it open, or was killed: SQLite reads that
/// too. Where none does, nothing is made beside it.
fn open_to_read(path: &Path) -> Result<Connection, StoreOpenError> {
    let found = fs::metadata(path).map_err(io_at(path))?;
    if !found.is_file() {
        return Err(StoreOpenError::NotAFile { path: path.to_owned() });
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opened = if beside(path, "-wal").exists() {
        Connection::open_with_flags(path, flags)
    } else {
        let name = path.to_str().ok_or_else(|| unusable(path, "its path is no text"))?;
        Connection::open_with_flags(unchanging(name), flags | OpenFlags::SQLITE_OPEN_URI)
    };
    let connection = opened.map_err(|source| of_sqlite(path, source))?;
    connection.busy_timeout(crate::store::open::BUSY_TIMEOUT).map_err(|source| of_sqlite(path, source))?;
    Ok(connection)
}

/// The URI of a file that nobody changes (SQLite: `immutable`).
fn unchanging(name: &str) -> String {
    let escaped = name.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    format!("file:{escaped}?immutable=1")
}

fn standing(connection: &Connection, path: &Path, key: &SecretKey) -> Result<StoreStanding, StoreOpenError> {
    let fault = |source| of_sqlite(path, source);
    let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).map_err(fault);
    let (schema, application) = (number("user_version")?, number("application_id")?);
    if application != schema::APPLICATION_ID {
        return Err(StoreOpenError::NotOurs { path: path.to_owned() });
    }
    let known = schema::NEWEST;
    let whole: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).map_err(fault)?;
    match usize::try_from(schema) {
        Ok(found) if found > known => {
            return Err(StoreOpenError::Newer { path: path.to_owned(), found: schema, known });
        }
        Ok(1..) if whole == "ok" => {}
        _ => return Err(StoreOpenError::Damaged { path: path.to_owned() }),
    }
    let about = "SELECT key_check, epoch_ceiling FROM about WHERE only_row = 1";
    let about = connection.query_row(about, [], |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, i64>(1)?)));
    let (check, ceiling) = about.map_err(fault)?;
    if !constant_time_eq(&check, &check_of(key)) {
        return Err(StoreOpenError::OtherKey { path: path.to_owned() });
    }
    let lifts = "SELECT count(*) FROM pragma_table_info('revocation') WHERE name = 'lifted'";
    let lifts: i64 = connection.query_row(lifts, [], |row| row.get(0)).map_err(fault)?;
    let held = if lifts == 0 { "" } else { " WHERE lifted IS NULL" };
    let count = format!("SELECT count(*) FROM revocation{held}");
    let count: i64 = connection.query_row(&count, [], |row| row.get(0)).map_err(fault)?;
    let ceiling = u64::try_from(ceiling).unwrap_or_default();
    let revocations = u64::try_from(count).unwrap_or_default();
    Ok(StoreStanding { schema, epoch: Epoch::new(ceiling.saturating_sub(RESERVE)), revocations })
}

/// Replays what a copy has not seen.
fn complete(path: &Path, missed: &[MissedChange], epoch: Epoch) -> Result<(), StoreOpenError> {
    let fault = |source| of_sqlite(path, source);
    let mut connection = Connection::open(path).map_err(fault)?;
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(fault)?;
    // A copy of an older version knows nothing of liftings; its rows become what a start would make of them.
    if let Ok(version @ 1..schema::NEWEST) = usize::try_from(version) {
        schema::migrate(&mut connection, version, &[0; 32]).map_err(fault)?;
    }
    replay(&mut connection, missed, epoch).map_err(fault)
}

/// Makes room for another store, and keeps the one that is there. What lies in its write-ahead log goes into it first; of one
/// that is damaged that may fail, and it is kept as it is.
fn put_aside(path: &Path) -> Result<(), StoreOpenError> {
    if !path.exists() {
        return Ok(());
    }
    if let Ok(old) = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE) {
        // Fails where it is no whole database; then nothing can be saved of it.
        let _ = old.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    }
    let aside = beside(path, ".replaced");
    let _ = fs::remove_file(&aside);
    fs::hard_link(path, &aside).map_err(io_at(&aside))?;
    // What is left of an old log must not be read into another store.
    for ending in ["-wal", "-shm"] {
        match fs::remove_file(beside(path, ending)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io_at(path)(error)),
            _ => {}
        }
    }
    Ok(())
}

/// Gives a new file the owner of the one whose place it takes, or of the folder: whoever restores may be root, and the gateway
/// is somebody else.
fn owned_as(fresh: &Path, place: &Path) -> Result<(), StoreOpenError> {
    let wanted = fs::metadata(place).or_else(|_| fs::metadata(parent_of(place))).map_err(io_at(place))?;
    let found = fs::metadata(fresh).map_err(io_at(fresh))?;
    if (found.uid(), found.gid()) == (wanted.uid(), wanted.gid()) {
        return Ok(());
    }
    chown(fresh, Some(wanted.uid()), Some(wanted.gid())).map_err(io_at(fresh))
}

fn parent_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes a file and its name last.
fn synced(path: &Path) -> Result<(), StoreOpenError> {
    let synced = File::open(path).and_then(|file| file.sync_all());
    synced.and_then(|()| File::open(parent_of(path))?.sync_all()).map_err(io_at(path))
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

fn io_at(path: &Path) -> impl FnOnce(io::Error) -> StoreOpenError + use<> {
    let path = path.to_owned();
    move |source| StoreOpenError::Io { path, source }
}

fn unusable(path: &Path, why: &str) -> StoreOpenError {
    io_at(path)(io::Error::other(why))
}

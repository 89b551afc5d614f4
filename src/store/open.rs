//! Opening the file: who may read it, who else has it, whether it is ours, whole, of a version and under a key we know.
//!
//! Whatever is doubtful is refused before the gateway takes a request: a store that was opened with another key would
//! not recognise one revocation.

use crate::crypto::HmacKey;
use crate::crypto::Sealer;
use crate::crypto::SecretKey;
use crate::crypto::constant_time_eq;
use crate::crypto::keyed_digest;
use crate::store::schema;
use crate::store::writer::BeforeWork;
use crate::store::writer::Writer;
use crate::store::writer::scrubbed;
use rusqlite::Connection;
use rusqlite::ErrorCode;
use rusqlite::OpenFlags;
use rusqlite::config::DbConfig;
use rustix::fs::FlockOperation;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How long SQLite waits for somebody who reads the file from outside, for instance a backup.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(2);

/// An open store. Dropping it finishes what waits and gives the file free.
pub struct Sqlite {
    pub(super) sealer: Sealer,
    pub(super) directory_sealer: Arc<Sealer>,
    pub(super) activation_sealer: Arc<Sealer>,
    // In this order: the thread ends, and closes the connection, before the lock is given up.
    pub(super) writer: Writer,
    _lock: File,
}

/// Why a store is not opened, for the operator.
#[derive(Debug, thiserror::Error)]
pub enum StoreOpenError {
    /// The file or its lock cannot be created or opened.
    #[error("`{}` cannot be used", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// Not a regular file.
    #[error("`{}` is not a regular file", .path.display())]
    NotAFile {
        /// The file.
        path: PathBuf,
    },
    /// Others than its owner may read or write it.
    #[error("`{}` may be read or written by others than its owner (mode {mode:04o}, should be 0600)", .path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Another process has it open.
    #[error("`{}` is in use by another process", .path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// An SQLite file of another program.
    #[error("`{}` is a database of another program", .path.display())]
    NotOurs {
        /// The file.
        path: PathBuf,
    },
    /// Written by a newer version, whose rows this one might misread.
    #[error("`{}` has schema {found}, and this version knows {known} at most", .path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest that is known.
        known: usize,
    },
    /// Written under another key.
    #[error("`{}` was written under another key than the configured one", .path.display())]
    OtherKey {
        /// The file.
        path: PathBuf,
    },
    /// No database, or one that is not whole.
    #[error("`{}` is damaged: restore it from a backup", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// The file system does not allow a write-ahead log.
    #[error("`{}` is on a file system that allows no write-ahead log; a local one does", .path.display())]
    NoWal {
        /// The file.
        path: PathBuf,
    },
    /// SQLite cannot open it, for a reason of its own.
    #[error("`{}` cannot be opened", .path.display())]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        #[source]
        source: rusqlite::Error,
    },
    /// The thread that writes cannot be started.
    #[error("the store's thread cannot be started")]
    Thread(#[source] io::Error),
}

impl Sqlite {
    /// Opens the store at `path`, or begins one there, readable by its owner alone. Beside it lie `PATH-wal`, `PATH-shm`
    /// and `PATH.lock`.
    ///
    /// `key` is the store's key; its own keys are derived from it.
    ///
    /// # Errors
    /// [`StoreOpenError`] says what is wrong with the file.
    pub fn open(path: &Path, key: &SecretKey) -> Result<Self, StoreOpenError> {
        Self::open_on(path, key, Box::new(|| {}))
    }

    /// [`open`](Self::open) on a disk that does something `before` each transaction, for tests that make it hang.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_on(path: &Path, key: &SecretKey, before: BeforeWork) -> Result<Self, StoreOpenError> {
        let lock = lock(path)?;
        begin_file(path)?;
        let connection = connect(path, &check_of(key))?;
        let writer = Writer::start(connection, before).map_err(StoreOpenError::Thread)?;
        let sealer = |purpose| Sealer::new(&key.derive(purpose));
        let (handles, directory) = (sealer("store handles"), Arc::new(sealer("store directory")));
        let activation_sealer = Arc::new(sealer(ACTIVATIONS));
        Ok(Self { sealer: handles, directory_sealer: directory, activation_sealer, writer, _lock: lock })
    }
}

/// What the key of activations is derived for.
pub(super) const ACTIVATIONS: &str = "store activations";

/// What a store holds to know the key that it was written under.
pub(super) fn check_of(key: &SecretKey) -> [u8; 32] {
    let check = HmacKey::new(&key.derive("store check"));
    *keyed_digest(&check, &[b"portcullis store"]).as_bytes()
}

/// Takes the lock beside `path`. Not on the file itself: closing any descriptor of that would take SQLite's own locks away.
pub(super) fn lock(path: &Path) -> Result<File, StoreOpenError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let name = PathBuf::from(name);
    let opened = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&name);
    let file = opened.map_err(|source| StoreOpenError::Io { path: name.clone(), source })?;
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(StoreOpenError::InUse { path: path.to_owned() }),
        Err(errno) => Err(StoreOpenError::Io { path: name, source: errno.into() }),
    }
}

/// Makes the file, for its owner alone, or looks at the one that is there. SQLite gives its other files the same mode.
pub(super) fn begin_file(path: &Path) -> Result<(), StoreOpenError> {
    let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path);
    let metadata = opened.and_then(|file| file.metadata());
    let metadata = metadata.map_err(|source| StoreOpenError::Io { path: path.to_owned(), source })?;
    if !metadata.is_file() {
        return Err(StoreOpenError::NotAFile { path: path.to_owned() });
    }
    let mode = metadata.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(StoreOpenError::Exposed { path: path.to_owned(), mode });
    }
    // A new file's name must last as well; SQLite sees to that only for files that it makes itself.
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let synced = File::open(parent).and_then(|parent| parent.sync_all());
    synced.map_err(|source| StoreOpenError::Io { path: parent.to_owned(), source })
}

pub(super) fn connect(path: &Path, key_check: &[u8; 32]) -> Result<Connection, StoreOpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let fault = |source| of_sqlite(path, source);
    let mut connection = Connection::open_with_flags(path, flags).map_err(fault)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(fault)?;
    for (setting, on) in
        [(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true), (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)]
    {
        connection.set_db_config(setting, on).map_err(fault)?;
    }
    let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).map_err(fault);
    let (found, application) = (number("user_version")?, number("application_id")?);
    let tables = "SELECT count(*) FROM sqlite_schema";
    let tables: i64 = connection.query_row(tables, [], |row| row.get(0)).map_err(fault)?;
    let new = (found, application, tables) == (0, 0, 0);
    if !new && application != schema::APPLICATION_ID {
        return Err(StoreOpenError::NotOurs { path: path.to_owned() });
    }
    let known = schema::NEWEST;
    let version = usize::try_from(found).map_err(|_| StoreOpenError::Damaged { path: path.to_owned() })?;
    if version > known {
        return Err(StoreOpenError::Newer { path: path.to_owned(), found, known });
    }
    let whole: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(fault)?;
    if whole != "ok" || (!new && version == 0) {
        return Err(StoreOpenError::Damaged { path: path.to_owned() });
    }
    let journal: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).map_err(fault)?;
    if journal != "wal" {
        return Err(StoreOpenError::NoWal { path: path.to_owned() });
    }
    // FULL: a commit in WAL with less can be lost with the power.
    let settings = "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON;";
    connection.execute_batch(settings).map_err(fault)?;
    if version < known {
        schema::migrate(&mut connection, version, key_check).map_err(fault)?;
    }
    // What an earlier process erased and could not scrub. Somebody who reads the file may be in the way: then with the next
    // erasure.
    let _ = scrubbed(&connection);
    let stored = "SELECT key_check FROM about WHERE only_row = 1";
    let stored: Vec<u8> = connection.query_row(stored, [], |row| row.get(0)).map_err(fault)?;
    if !constant_time_eq(&stored, key_check) {
        return Err(StoreOpenError::OtherKey { path: path.to_owned() });
    }
    Ok(connection)
}

pub(super) fn of_sqlite(path: &Path, source: rusqlite::Error) -> StoreOpenError {
    let path = path.to_owned();
    let damaged = matches!(source.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
        || matches!(source, rusqlite::Error::QueryReturnedNoRows | rusqlite::Error::InvalidColumnType(..));
    if damaged { StoreOpenError::Damaged { path } } else { StoreOpenError::Sqlite { path, source } }
}

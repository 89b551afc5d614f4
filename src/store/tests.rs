//! The store over restarts, on files that are not what they should be, and with many at once.

mod erasing;
mod lifting;
mod reconciling;
mod wall_time;

use super::*;
use crate::audit::Handle;
use crate::audit::HandleRow;
use crate::audit::HandleStore;
use crate::audit::Person;
use crate::audit::PersonSecret;
use crate::clock::UnixMillis;
use crate::crypto::HmacKey;
use crate::crypto::SecretKey;
use crate::crypto::keyed_digest;
use crate::crypto::sha256;
use crate::directory::DirectoryStore;
use crate::directory::KeepFault;
use crate::directory::KeptDirectory;
use crate::guard::Guard;
use crate::guard::OrderedBy;
use crate::guard::Revocation;
use crate::guard::RevocationKind;
use crate::guard::RevocationStore;
use crate::guard::StoreFault;
use crate::guard::StoredRevocation;
use crate::limits::Limits;
use crate::model::Epoch;
use crate::model::IdentifierKind;
use crate::model::Stranger;
use crate::model::TenantId;
use rusqlite::Connection;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

const NOW: UnixMillis = UnixMillis::new(1_700_000_000_123);

fn key() -> SecretKey {
    SecretKey::new([7; 32])
}

fn place() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    (folder, path)
}

fn refusal(path: &Path) -> StoreOpenError {
    Sqlite::open(path, &key()).err().unwrap()
}

fn entry(number: u64, tenant: Option<&str>) -> StoredRevocation {
    StoredRevocation {
        digest: sha256(&number.to_be_bytes()),
        tenant: tenant.map(|tenant| TenantId::new(tenant).unwrap()),
        kind: RevocationKind::Device,
        epoch: Epoch::new(number),
        at: NOW,
    }
}

/// A store as the first version wrote it: one revocation, and a ceiling of 7.
pub(super) fn of_the_first_schema(path: &Path) {
    let check = keyed_digest(&HmacKey::new(&key().derive("store check")), &[b"portcullis store"]);
    let connection = Connection::open(path).unwrap();
    connection.execute_batch(schema::MIGRATIONS[0]).unwrap();
    connection.pragma_update(None, "application_id", schema::APPLICATION_ID).unwrap();
    connection.pragma_update(None, "user_version", 1).unwrap();
    connection.execute("INSERT INTO about VALUES (1, ?1, 7)", [check.as_bytes()]).unwrap();
    let insert = "INSERT INTO revocation VALUES (?1, '', 'device', 1, ?2)";
    let digest = entry(1, None).digest;
    connection.execute(insert, rusqlite::params![digest.as_bytes(), i64::try_from(NOW.get()).unwrap()]).unwrap();
    drop(connection);
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

fn person(value: &str, fresh: Handle) -> Person {
    let (value, digest) = (Stranger::new(value), sha256(value.as_bytes()));
    let fresh = HandleRow { handle: fresh, secret: PersonSecret::new(*digest.as_bytes()) };
    Person { kind: IdentifierKind::User, scope: "https://issuer.example".into(), value, digest, fresh }
}

fn handles_of(rows: Vec<HandleRow>) -> Vec<Handle> {
    rows.into_iter().map(|row| row.handle).collect()
}

#[tokio::test]
async fn revocations_and_ceiling_are_read_back_after_a_restart() {
    let (_folder, path) = place();
    let store = Sqlite::open(&path, &key()).unwrap();
    let entries = vec![
        entry(1, None),
        entry(2, Some("north")),
        StoredRevocation { digest: entry(1, None).digest, ..entry(3, Some("south")) },
    ];
    store.keep(entries.clone(), Epoch::new(100)).await.unwrap();
    store.keep(vec![StoredRevocation { epoch: Epoch::new(9), ..entry(1, None) }], Epoch::new(50)).await.unwrap();
    drop(store);
    let stored = Sqlite::open(&path, &key()).unwrap().load().await.unwrap();
    assert_eq!(stored.entries, entries, "what was stored twice is as it was stored first");
    assert_eq!(stored.ceiling, Epoch::new(100), "the ceiling is never lowered");
}

#[tokio::test]
async fn a_revocation_by_the_guard_outlives_the_process() {
    let (_folder, path) = place();
    let limits = Limits { clock_skew_s: 5, idempotency_keys_max: 10, ..Limits::default() };
    let mut last = Epoch::default();
    for _ in 0..3 {
        let store = Arc::new(Sqlite::open(&path, &key()).unwrap());
        let guard = Guard::open(&limits, &key(), store, vec![], NOW).await.unwrap();
        assert!(guard.epoch() >= last);
        let order = Revocation { kind: RevocationKind::Subject, tenant: None, value: Stranger::new("ivanov") };
        last = guard.revoke(order, OrderedBy::Peer, NOW).await.unwrap();
    }
    assert_eq!(Sqlite::open(&path, &key()).unwrap().load().await.unwrap().entries.len(), 1);
}

#[tokio::test]
async fn all_or_nothing_of_one_batch_is_stored_and_the_others_are_not_harmed() {
    let (_folder, path) = place();
    let store = Sqlite::open(&path, &key()).unwrap();
    let bad = StoredRevocation { epoch: Epoch::new(u64::MAX), ..entry(2, None) };
    let (refused, kept) = tokio::join!(
        store.keep(vec![entry(1, None), bad], Epoch::new(7)),
        store.keep(vec![entry(3, None)], Epoch::new(5))
    );
    assert_eq!((refused, kept), (Err(StoreFault::Damaged), Ok(())));
    let stored = store.load().await.unwrap();
    assert_eq!((stored.entries, stored.ceiling), (vec![entry(3, None)], Epoch::new(5)));
}

/// What a kill -9 leaves behind is what lies on disk when the answer comes: here a copy of the files of an open store.
#[tokio::test]
async fn what_was_answered_survives_a_kill() {
    let (_folder, path) = place();
    let store = Sqlite::open(&path, &key()).unwrap();
    let (_other, copy) = place();
    for number in 1..=3 {
        store.keep(vec![entry(number, None)], Epoch::new(number)).await.unwrap();
        for ending in ["", "-wal"] {
            let named = |path: &Path| PathBuf::from(format!("{}{ending}", path.display()));
            fs::copy(named(&path), named(&copy)).unwrap();
        }
        let stored = Sqlite::open(&copy, &key()).unwrap().load().await.unwrap();
        let expected: Vec<_> = (1..=number).map(|number| entry(number, None)).collect();
        assert_eq!((stored.entries, stored.ceiling), (expected, Epoch::new(number)));
    }
}

#[tokio::test]
async fn the_directory_that_was_kept_last_outlives_the_process_and_nobody_without_the_key_puts_another_in_its_place() {
    let (_folder, path) = place();
    let kept = |revision: u64, text: &[u8]| KeptDirectory { revision, taken_at: NOW, text: text.to_vec() };
    let store = Sqlite::open(&path, &key()).unwrap();
    assert_eq!(store.last().await, Ok(None));
    store.replace(kept(7, b"seven")).await.unwrap();
    store.replace(kept(8, b"eight")).await.unwrap();
    drop(store);
    let last = || async { Sqlite::open(&path, &key()).unwrap().last().await };
    assert_eq!(last().await, Ok(Some(kept(8, b"eight"))));
    let edit = |sql: &str| Connection::open(&path).unwrap().execute(sql, []).unwrap();
    edit("UPDATE directory SET revision = 9");
    assert_eq!(last().await, Err(KeepFault), "the seal is bound to the revision");
    edit("UPDATE directory SET revision = 8, sealed = zeroblob(33)");
    assert_eq!(last().await, Err(KeepFault));
    edit("DELETE FROM directory");
    assert_eq!(last().await, Ok(None));
}

#[tokio::test]
async fn a_file_of_the_first_version_becomes_one_of_this_version_with_all_that_it_holds() {
    let (_folder, path) = place();
    of_the_first_schema(&path);
    let store = Sqlite::open(&path, &key()).unwrap();
    assert_eq!(store.load().await.unwrap().entries, [entry(1, None)]);
    store.replace(KeptDirectory { revision: 8, taken_at: NOW, text: b"eight".to_vec() }).await.unwrap();
    assert_eq!(store.last().await.unwrap().unwrap().text, b"eight");
}

#[tokio::test]
async fn those_who_ask_for_one_person_at_once_get_one_handle() {
    let (_folder, path) = place();
    let store = Sqlite::open(&path, &key()).unwrap();
    let ask = |who: u8| {
        let fresh = |number: u8| Handle::new([who, number, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        store.handles((0..20).map(|number| person(&format!("person {number}"), fresh(number))).collect())
    };
    let (one, two, three, four) = tokio::join!(ask(1), ask(2), ask(3), ask(4));
    let handles = [one, two, three, four].map(|rows| handles_of(rows.unwrap()));
    assert!(handles.windows(2).all(|pair| pair[0] == pair[1]));
    drop(store);
    let store = Sqlite::open(&path, &key()).unwrap();
    let again = store.handles(vec![person("person 3", Handle::new([9; 16]))]).await.unwrap();
    assert_eq!(handles_of(again), [handles[0][3]], "after a restart");
    let known = store.known(5).await.unwrap();
    assert!(known.len() == 5 && known.iter().all(|(_, row)| handles[0].contains(&row.handle)));
}

#[tokio::test]
async fn a_person_keeps_the_first_handle_and_no_file_names_the_person() {
    let (folder, path) = place();
    let store = Sqlite::open(&path, &key()).unwrap();
    let value = "ivanov-the-resident";
    let first = handles_of(store.handles(vec![person(value, Handle::new([1; 16]))]).await.unwrap());
    assert_eq!(first, [Handle::new([1; 16])]);
    assert_eq!(handles_of(store.handles(vec![person(value, Handle::new([2; 16]))]).await.unwrap()), first);
    let files: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().path()).collect();
    assert!(files.len() >= 3, "file, write-ahead log, lock: {files:?}");
    for file in files {
        let mode = fs::metadata(&file).unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode, 0o600, "{}", file.display());
        let bytes = fs::read(&file).unwrap();
        for word in [&b"ivanov"[..], b"issuer.example"] {
            assert!(!bytes.windows(word.len()).any(|part| part == word), "{}", file.display());
        }
    }
    // It can be opened again, by the key alone and in its row alone.
    let digest = sha256(value.as_bytes());
    let sealed: Vec<u8> = Connection::open(&path)
        .unwrap()
        .query_row("SELECT sealed FROM handle WHERE person = ?1", [digest.as_bytes()], |row| row.get(0))
        .unwrap();
    let opened = store.sealer.open(digest.as_bytes(), &sealed).unwrap();
    assert_eq!(opened, br#"["user","https://issuer.example","ivanov-the-resident"]"#);
    assert!(store.sealer.open(b"another row", &sealed).is_err());
}

#[test]
fn one_process_has_the_file_and_the_next_gets_it_when_that_has_ended() {
    let (_folder, path) = place();
    let store = Sqlite::open(&path, &key()).unwrap();
    assert!(matches!(refusal(&path), StoreOpenError::InUse { .. }));
    drop(store);
    assert!(Sqlite::open(&path, &key()).is_ok());
}

#[test]
fn a_file_that_others_may_touch_is_refused() {
    let (_folder, path) = place();
    drop(Sqlite::open(&path, &key()).unwrap());
    for mode in [0o640, 0o604, 0o660, 0o602] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        assert!(matches!(refusal(&path), StoreOpenError::Exposed { mode: found, .. } if found == mode));
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    assert!(Sqlite::open(&path, &key()).is_ok());
}

#[test]
fn another_key_a_newer_schema_and_another_programs_file_are_refused() {
    let (_folder, path) = place();
    drop(Sqlite::open(&path, &key()).unwrap());
    let other = Sqlite::open(&path, &SecretKey::new([8; 32])).err().unwrap();
    assert!(matches!(other, StoreOpenError::OtherKey { .. }));
    let set = |pragma: &str, value: i64| Connection::open(&path).unwrap().pragma_update(None, pragma, value).unwrap();
    let (known, next) = (schema::NEWEST, i64::try_from(schema::NEWEST + 1).unwrap());
    set("user_version", next);
    let newer = refusal(&path);
    assert!(matches!(newer, StoreOpenError::Newer { found, known: told, .. } if (found, told) == (next, known)));
    let path_and = format!("`{}` has schema {next}, and this version knows {known} at most", path.display());
    assert_eq!(newer.to_string(), path_and);
    set("user_version", 0);
    assert!(matches!(refusal(&path), StoreOpenError::Damaged { .. }), "ours, but before its first version");
    set("application_id", 1);
    assert!(matches!(refusal(&path), StoreOpenError::NotOurs { .. }));
}

#[test]
fn a_file_that_is_not_whole_is_refused() {
    let (_folder, path) = place();
    drop(Sqlite::open(&path, &key()).unwrap());
    let whole = fs::read(&path).unwrap();
    let mut zeroed = whole.clone();
    zeroed[4096..8192].fill(0xa5);
    let garbage = b"no database at all, ".repeat(50);
    for (what, bytes) in
        [("garbage", garbage), ("a page overwritten", zeroed), ("cut", whole[..whole.len() - 4096].to_vec())]
    {
        fs::write(&path, bytes).unwrap();
        assert!(matches!(refusal(&path), StoreOpenError::Damaged { .. }), "{what}");
    }
    fs::write(&path, &whole).unwrap();
    Connection::open(&path).unwrap().execute("DELETE FROM about", []).unwrap();
    assert!(matches!(refusal(&path), StoreOpenError::Damaged { .. }), "without its ceiling the epoch would go back");
}

#[tokio::test]
async fn a_row_that_was_never_ours_is_named_damaged_and_not_passed_over() {
    let (_folder, path) = place();
    let store = Sqlite::open(&path, &key()).unwrap();
    store.keep(vec![entry(1, None)], Epoch::new(1)).await.unwrap();
    drop(store);
    Connection::open(&path).unwrap().execute("UPDATE revocation SET kind = 'house'", []).unwrap();
    let store = Sqlite::open(&path, &key()).unwrap();
    assert_eq!(store.load().await.err(), Some(StoreFault::Damaged));
}

#[tokio::test]
async fn the_connection_is_set_to_lose_nothing() {
    let (_folder, path) = place();
    let store = Sqlite::open(&path, &key()).unwrap();
    let settings = store.writer.ask(|connection| {
        let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        let journal: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
        Ok((journal, number("synchronous")?, number("foreign_keys")?, number("trusted_schema")?))
    });
    assert_eq!(settings.await, Ok(("wal".to_owned(), 2, 1, 0)));
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_without_end_for_a_disk_that_hangs() {
    let (_folder, path) = place();
    let store = Sqlite::open(&path, &key()).unwrap();
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let hanging = store.writer.ask(move |_| {
        let _ = wait.recv();
        Ok(())
    });
    let waited = tokio::select! {
        biased;
        _ = hanging => panic!("it hangs"),
        kept = store.keep(vec![entry(1, None)], Epoch::new(9)) => kept,
    };
    assert_eq!(waited, Err(StoreFault::Overloaded));
    go.send(()).unwrap();
    drop(store);
    let stored = Sqlite::open(&path, &key()).unwrap().load().await.unwrap();
    assert_eq!(stored.entries.len(), 1, "done all the same, once the disk went on");
}

//! Erasing a row: of what it held no file of the store has a byte, while all others stay, and somebody who reads the file
//! meanwhile is waited for.

use super::handles_of;
use super::person;
use super::place;
use crate::audit::Handle;
use crate::audit::HandleFault;
use crate::audit::HandleStore;
use crate::crypto::SecretKey;
use crate::crypto::sha256;
use crate::store::Sqlite;
use rusqlite::Connection;
use std::fs;
use std::path::Path;

fn key() -> SecretKey {
    SecretKey::new([7; 32])
}

fn handle(number: u32) -> Handle {
    let digest = sha256(&number.to_be_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.as_bytes()[..16]);
    Handle::new(bytes)
}

/// How often the files of the store hold these bytes.
fn held(path: &Path, bytes: &[u8]) -> usize {
    let files = fs::read_dir(path.parent().unwrap()).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap());
    files.map(|file| file.windows(bytes.len()).filter(|part| *part == bytes).count()).sum()
}

/// What leads to a person or from one: the row's digest, its handle, what is sealed in it, its secret.
fn row(path: &Path, number: u32) -> [Vec<u8>; 4] {
    let row = "SELECT person, handle, sealed, secret FROM handle WHERE handle = ?1";
    let blobs = |row: &rusqlite::Row<'_>| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?]);
    Connection::open(path).unwrap().query_row(row, [handle(number).as_bytes()], blobs).unwrap()
}

#[tokio::test]
async fn of_an_erased_row_no_byte_is_left_in_any_file_however_often_rows_were_moved() {
    let (_folder, path) = place();
    let store = Sqlite::open(&path, &key()).unwrap();
    let name = |number: u32| format!("person {number}");
    // One after the other, so that pages fill and split, and copies stay behind in their gaps.
    for part in (0..2_000).collect::<Vec<u32>>().chunks(100) {
        let persons = part.iter().map(|number| person(&name(*number), handle(*number))).collect();
        store.handles(persons).await.unwrap();
    }
    let digest = |number: u32| sha256(name(number).as_bytes());
    let all: Vec<u32> = (0..2_000).step_by(97).collect();
    for number in &all {
        let row = row(&path, *number);
        assert!(row.iter().all(|bytes| held(&path, bytes) > 0), "what is looked for is there before");
        assert_eq!(store.find(digest(*number)).await, Ok(Some(handle(*number))));
        assert_eq!(store.erase(digest(*number)).await, Ok(true));
        assert_eq!(store.erase(digest(*number)).await, Ok(false), "it is gone");
        assert_eq!(store.find(digest(*number)).await, Ok(None));
        assert!(row.iter().all(|bytes| held(&path, bytes) == 0), "{number}");
    }
    assert_eq!(store.known(usize::MAX >> 1).await.unwrap().len(), 2_000 - all.len(), "the others stay");
    drop(store);
    let store = Sqlite::open(&path, &key()).unwrap();
    assert_eq!(store.find(digest(1)).await, Ok(Some(handle(1))));
    let again = store.handles(vec![person(&name(0), handle(9_999))]).await.unwrap();
    assert_eq!(handles_of(again), [handle(9_999)], "who comes again is somebody else");
}

#[tokio::test]
async fn while_somebody_reads_the_file_it_is_told_that_traces_may_be_left_and_the_next_commit_takes_them_away() {
    let (_folder, path) = place();
    let store = Sqlite::open(&path, &key()).unwrap();
    store.handles(vec![person("ivanov", handle(1)), person("petrov", handle(2))]).await.unwrap();
    let reader = Connection::open(&path).unwrap();
    reader.execute_batch("BEGIN").unwrap();
    let rows: i64 = reader.query_row("SELECT count(*) FROM handle", [], |row| row.get(0)).unwrap();
    assert_eq!(rows, 2);
    let erased = store.erase(sha256(b"ivanov")).await;
    assert_eq!(erased, Err(HandleFault));
    assert!(held(&path, handle(1).as_bytes()) > 0, "the reader still sees the row");
    reader.execute_batch("COMMIT").unwrap();
    store.handles(vec![person("sidorov", handle(3))]).await.unwrap();
    // The answer to this one comes after what the commit before it left to do.
    assert_eq!(store.find(sha256(b"ivanov")).await, Ok(None));
    assert_eq!(held(&path, handle(1).as_bytes()), 0);
}

#[tokio::test]
async fn a_process_that_ended_before_it_could_scrub_is_made_up_for_by_the_next_start() {
    let (_folder, path) = place();
    let store = Sqlite::open(&path, &key()).unwrap();
    store.handles(vec![person("ivanov", handle(1))]).await.unwrap();
    let reader = Connection::open(&path).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM handle;").unwrap();
    let _rows: i64 = reader.query_row("SELECT count(*) FROM handle", [], |row| row.get(0)).unwrap();
    assert_eq!(store.erase(sha256(b"ivanov")).await, Err(HandleFault));
    drop(store);
    assert!(held(&path, handle(1).as_bytes()) > 0);
    reader.execute_batch("COMMIT").unwrap();
    // A connection that stays open keeps the write-ahead log from going with the last one.
    let store = Sqlite::open(&path, &key()).unwrap();
    assert_eq!(held(&path, handle(1).as_bytes()), 0);
    drop((store, reader));
}

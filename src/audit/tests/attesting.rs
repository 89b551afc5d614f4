//! Checkpoints: what they cover, where they lie, and that a log that is not the attested one stays closed.

use crate::audit::AuditOpenError;
use crate::audit::Checkpoint;
use crate::audit::Log;
use crate::audit::Settings;
use crate::audit::checkpoint;
use crate::audit::read::Lines;
use crate::audit::record;
use crate::audit::segment;
use crate::audit::tests::harness::*;
use crate::audit::tree::Tree;
use crate::clock::Clock;
use crate::clock::ManualClock;
use crate::clock::SystemClock;
use crate::crypto::NoteName;
use crate::crypto::NoteSigner;
use crate::model::Reason;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const PATIENT: Duration = Duration::from_secs(60);

async fn refuse(log: &Log, count: u8) {
    for number in 0..count {
        let _ = log.refusal(&facts(number, None), Reason::Revoked, &forbidden(), NOW).await;
    }
}

/// The whole lines of each segment.
fn lines(directory: &Path) -> BTreeMap<u64, Vec<Vec<u8>>> {
    let of = |number| -> Vec<Vec<u8>> {
        let bytes = fs::read(segment::path(directory, number)).unwrap();
        Lines::new(&bytes).map(|(_, line)| line.to_vec()).collect()
    };
    let all = segment::numbers(directory).unwrap().into_iter().map(|number| (number, of(number)));
    // The next one has been made ahead.
    all.filter(|(_, lines)| !lines.is_empty()).collect()
}

/// Every file of a directory but the lock.
fn files(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let all = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap());
    let named = all.map(|entry| (entry.file_name().into_string().unwrap(), entry.path()));
    named.filter(|(name, _)| name != "lock").map(|(name, path)| (name, fs::read(path).unwrap_or_default())).collect()
}

fn opened(house: &House, settings: Settings) -> Result<Log, AuditOpenError> {
    Log::open(settings, &key(), Arc::new(ManualClock::new(NOW)), Arc::clone(&house.metrics)).map(|(log, _)| log)
}

fn newest(house: &House) -> Checkpoint {
    checkpoint::newest(house.folder.path(), &signer()).unwrap().unwrap()
}

/// A log of two processes and several segments.
async fn long_log() -> House {
    let house = House::new();
    for _ in 0..2 {
        let (log, _) = house.open();
        refuse(&log, 120).await;
        drop(log);
        house.until_ended();
    }
    house
}

#[tokio::test]
async fn every_checkpoint_is_of_the_records_before_it_and_lies_with_its_segment_and_one_ends_each_segment() {
    let house = long_log().await;
    let (directory, mut tree, mut last) = (house.folder.path(), Tree::default(), 0);
    let mut roots = BTreeMap::new();
    let segments = lines(directory);
    assert!(segments.len() > 4);
    for (number, lines) in &segments {
        let began = tree.size();
        for line in lines {
            tree.append_lines(line);
            roots.insert(tree.size(), tree.root());
        }
        let (listed, end) = checkpoint::listed(&segment::checkpoints(directory, *number), &signer()).unwrap();
        assert_eq!(end, fs::metadata(segment::checkpoints(directory, *number)).unwrap().len());
        for one in &listed {
            assert!(one.size() > began.max(last) && one.size() <= tree.size(), "{number}: {}", one.size());
            assert_eq!(Some(&one.root()), roots.get(&one.size()));
            last = one.size();
        }
        assert_eq!(last, tree.size(), "segment {number} is attested to its end");
    }
    assert_eq!(fs::read_to_string(checkpoint::path(directory)).unwrap(), newest(&house).note());
    assert_eq!((newest(&house).size(), newest(&house).root()), (tree.size(), tree.root()));
    assert_eq!(fs::read_to_string(directory.join("log.vkey")).unwrap(), format!("{}\n", signer().vkey()));
    let metrics = house.metrics.render();
    assert!(metrics.contains(&format!("portcullis_audit_checkpoint_records {last}\n")), "{metrics}");
    assert!(metrics.contains("portcullis_audit_checkpoint_failures_total 0\n"));
}

#[tokio::test]
async fn a_segment_begins_with_the_tree_before_it_so_that_it_verifies_without_those_before() {
    let house = long_log().await;
    let (mut tree, mut number) = (Tree::default(), 0);
    for (segment, lines) in lines(house.folder.path()) {
        number += 1;
        let head: serde_json::Value = serde_json::from_slice(&lines[0]).unwrap();
        let text = |digest: &crate::model::Sha256| {
            use base64::Engine;
            base64::engine::general_purpose::STANDARD.encode(digest.as_bytes())
        };
        let frontier: Vec<_> = tree.frontier().iter().map(text).collect();
        let expected = serde_json::json!({
            "v": 2, "kind": "segment", "time": head["time"], "salt": head["salt"], "segment": number, "origin": "log.test/a",
            "size": tree.size(), "root": text(&tree.root()), "frontier": frontier,
            // What the facts of the harness say.
            "epoch": if number == 1 { 0 } else { 7 }, "sum": head["sum"],
        });
        assert_eq!((segment, &head), (number, &expected));
        lines.iter().for_each(|line| tree.append_lines(line));
    }
}

#[tokio::test]
async fn what_is_durable_is_attested_within_a_second_and_at_once_where_nothing_came_before() {
    let house = House::new();
    let (log, _) = house.open();
    assert_eq!(log.checkpoint().unwrap().size(), 1, "the beginning is, before anything is taken");
    for _ in 0..2 {
        let before = log.checkpoint().unwrap().size();
        refuse(&log, 3).await;
        let clock = SystemClock::new();
        until("a checkpoint", || log.checkpoint().unwrap().size() >= before + 3);
        assert!(clock.steady() < PATIENT);
    }
    let copy = house.copy();
    let shown = log.checkpoint().unwrap();
    assert!(newest(&copy).size() >= shown.size(), "what is shown lies on the disk");
}

#[tokio::test]
async fn a_log_that_lacks_what_was_attested_stays_closed_and_is_left_as_it_is() {
    let house = long_log().await;
    let last = *lines(house.folder.path()).last_key_value().unwrap().0;
    let size = newest(&house).size();
    type Deed = fn(&Path, u64);
    let deeds: [(&str, Deed); 6] = [
        ("the newest segment", |folder, last| fs::remove_file(segment::path(folder, last)).unwrap()),
        ("the two newest", |folder, last| {
            [last, last - 1].iter().for_each(|number| fs::remove_file(segment::path(folder, *number)).unwrap());
        }),
        ("the last record", |folder, last| {
            let bytes = fs::read(segment::path(folder, last)).unwrap();
            let end = bytes[..bytes.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
            fs::write(segment::path(folder, last), &bytes[..end]).unwrap();
        }),
        ("the last record, overwritten", |folder, last| {
            let mut bytes = fs::read(segment::path(folder, last)).unwrap();
            let end = bytes[..bytes.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
            bytes[end..].fill(0);
            fs::write(segment::path(folder, last), &bytes).unwrap();
        }),
        ("all of the newest segment", |folder, last| fs::write(segment::path(folder, last), [0; 4096]).unwrap()),
        ("everything that vouches", |folder, _| {
            fs::remove_file(checkpoint::path(folder)).unwrap();
            segment::checkpoint_lists(folder).unwrap().iter().for_each(|list| fs::remove_file(list).unwrap());
        }),
    ];
    for (what, deed) in deeds {
        let copy = house.copy();
        deed(copy.folder.path(), last);
        let before = files(copy.folder.path());
        match opened(&copy, copy.settings()).err() {
            Some(AuditOpenError::Shortened { attested, size: left, .. }) => {
                assert!(attested == size && left < size, "{what}: {attested} {left}");
            }
            Some(AuditOpenError::NoCheckpoint { size: left, .. }) => {
                assert_eq!((what, left), ("everything that vouches", size));
            }
            other => panic!("{what}: {other:?}"),
        }
        assert_eq!(files(copy.folder.path()), before, "{what}");
    }
    // The list alone still tells.
    let copy = house.copy();
    fs::remove_file(checkpoint::path(copy.folder.path())).unwrap();
    fs::remove_file(segment::path(copy.folder.path(), last)).unwrap();
    assert!(matches!(opened(&copy, copy.settings()).err(), Some(AuditOpenError::Shortened { .. })));
    assert!(opened(&house, house.settings()).is_ok(), "and the log itself is whole");
}

/// The line with one digit of its salt changed, and a sum that fits.
fn forged(line: &[u8]) -> Vec<u8> {
    let text = std::str::from_utf8(line).unwrap();
    let (summed, _) = text.rsplit_once(",\"sum\":\"").unwrap();
    let salt = summed.find("\"salt\":\"").unwrap() + 8;
    let mut summed = summed.as_bytes().to_vec();
    summed[salt] = if summed[salt] == b'A' { b'B' } else { b'A' };
    let sum = record::sum(&summed);
    [summed.as_slice(), b",\"sum\":\"", sum.as_slice(), b"\"}\n"].concat()
}

#[tokio::test]
async fn a_record_that_was_exchanged_is_noticed_whichever_it_is_and_the_log_stays_closed() {
    let house = long_log().await;
    for (number, lines) in lines(house.folder.path()) {
        for index in [0, 1, lines.len() - 1] {
            let copy = house.copy();
            let mut changed = lines.clone();
            changed[index] = forged(&lines[index]);
            fs::write(segment::path(copy.folder.path(), number), changed.concat()).unwrap();
            let before = files(copy.folder.path());
            let error = opened(&copy, copy.settings()).err();
            assert!(matches!(error, Some(AuditOpenError::Changed { .. })), "{number} {index}: {error:?}");
            assert_eq!(files(copy.folder.path()), before);
        }
    }
    // A segment of the midst that is gone leaves two that do not follow upon one another.
    let copy = house.copy();
    fs::remove_file(segment::path(copy.folder.path(), 3)).unwrap();
    assert!(matches!(opened(&copy, copy.settings()).err(), Some(AuditOpenError::Changed { .. })));
}

#[tokio::test]
async fn a_log_under_another_name_or_key_is_refused() {
    let house = long_log().await;
    let other = |name: &str| Arc::new(NoteSigner::from_pem(NoteName::new(name).unwrap(), &note_key()).unwrap());
    for (name, told) in [("log.test/a", "audit.checkpoint_key"), ("log.test/b", "audit.origin")] {
        let error = opened(&house, Settings { signer: other(name), ..house.settings() }).err();
        let Some(AuditOpenError::OtherLog { what, .. }) = error else { panic!("{error:?}") };
        assert!(what.contains(told), "{what}");
    }
    // Where nothing vouches, the segments tell the name.
    let copy = House::new();
    fs::copy(segment::path(house.folder.path(), 1), segment::path(copy.folder.path(), 1)).unwrap();
    let error = opened(&copy, Settings { signer: other("log.test/b"), ..copy.settings() }).err();
    assert!(matches!(error, Some(AuditOpenError::OtherLog { .. })));
    fs::write(checkpoint::path(copy.folder.path()), "half a checkp").unwrap();
    assert!(matches!(opened(&copy, copy.settings()).err(), Some(AuditOpenError::MalformedCheckpoint { .. })));
}

#[tokio::test]
async fn records_that_died_before_their_checkpoint_are_covered_by_the_next() {
    let house = House::new();
    let (log, _) = house.open();
    refuse(&log, 5).await;
    let copy = house.copy();
    // As if the process had died right after the commit: the checkpoint is that of the beginning.
    let all = lines(copy.folder.path());
    attest(copy.folder.path(), &all[&1][0]);
    fs::write(segment::checkpoints(copy.folder.path(), 1), newest_of(&all[&1][0])).unwrap();
    let (log, recovered) = copy.open();
    assert_eq!((recovered.unknown, recovered.cut_bytes), (0, 0));
    assert_eq!(log.checkpoint().unwrap().size(), 7, "six records, and the beginning of another segment");
    drop(log);
    assert_eq!(copy.records().len(), 5);
    assert!(opened(&copy, copy.settings()).is_ok());
}

fn newest_of(lines: &[u8]) -> String {
    let mut tree = Tree::default();
    tree.append_lines(lines);
    Checkpoint::sign(&signer(), &tree).note().to_owned()
}

#[tokio::test]
async fn a_first_start_that_died_before_its_first_checkpoint_is_gone_on_with() {
    let house = House::new();
    let (log, _) = house.open();
    drop(log);
    let copy = House::new();
    fs::copy(segment::path(house.folder.path(), 1), segment::path(copy.folder.path(), 1)).unwrap();
    let (log, _) = copy.open();
    assert_eq!(log.checkpoint().unwrap().size(), 2);
}

#[tokio::test]
async fn a_segment_of_which_no_record_is_whole_is_begun_anew_under_its_number() {
    let house = long_log().await;
    let directory = house.folder.path();
    let last = *lines(directory).last_key_value().unwrap().0;
    let torn = segment::path(directory, last + 1);
    fs::write(&torn, [&[0; 30], b"{\"v\":2,\"kind\":\"seg".as_slice(), &[0; 900]].concat()).unwrap();
    let (log, recovered) = house.open();
    assert_eq!(recovered.cut_bytes, 48);
    assert!(torn.with_extension("torn").exists());
    drop(log);
    house.until_ended();
    let found = lines(directory);
    assert_eq!(found.last_key_value().unwrap().0, &(last + 1));
    assert!(opened(&house, house.settings()).is_ok());
}

#[tokio::test]
async fn a_torn_list_of_checkpoints_is_cut_and_no_reason_to_stay_closed() {
    let house = long_log().await;
    let list = segment::checkpoint_lists(house.folder.path()).unwrap().pop().unwrap();
    let whole = fs::read(&list).unwrap();
    fs::write(&list, [whole.as_slice(), b"\nlog.test/a\n99"].concat()).unwrap();
    let before = newest(&house).size();
    drop(house.open());
    assert_eq!(fs::read(&list).unwrap(), whole);
    assert!(newest(&house).size() > before);
}

#[tokio::test]
async fn checkpoints_that_cannot_be_written_are_counted_and_told_and_records_go_on() {
    let house = House::new();
    let clock = Arc::new(ManualClock::new(NOW));
    let opened = Log::open(house.settings(), &key(), Arc::<ManualClock>::clone(&clock), Arc::clone(&house.metrics));
    let (log, _) = opened.unwrap();
    // In the place of the newest checkpoint lies what cannot be replaced.
    let place = checkpoint::path(house.folder.path());
    fs::remove_file(&place).unwrap();
    fs::create_dir(&place).unwrap();
    fs::write(place.join("file"), b"").unwrap();
    let began = clock.steady();
    refuse(&log, 2).await;
    let failures = || {
        let text = house.metrics.render();
        let line = text.lines().find_map(|line| line.strip_prefix("portcullis_audit_checkpoint_failures_total "));
        line.unwrap().parse::<u64>().unwrap()
    };
    until("a failure", || failures() > 1);
    assert_eq!(log.checkpoint().unwrap().size(), 1, "what is not durable is not shown");
    assert!(!log.is_unattested(began + Duration::from_secs(5)));
    assert!(log.is_unattested(began + Duration::from_millis(5_001)));
    refuse(&log, 2).await;
    assert!(log.is_open());
    fs::remove_dir_all(&place).unwrap();
    until("a checkpoint", || log.checkpoint().unwrap().size() == 5);
    until("nothing waits", || !log.is_unattested(began + PATIENT));
    assert_eq!(newest(&house).size(), 5);
    drop(log);
    assert!(crate::audit::examine(house.folder.path(), &signer(), NOW).is_ok());
}

#[tokio::test]
async fn two_logs_of_two_names_know_nothing_of_each_other() {
    let (one, other) = (House::new(), House::new());
    let name = NoteName::new("log.test/b").unwrap();
    let signer = Arc::new(NoteSigner::from_pem(name, &note_key()).unwrap());
    let settings = Settings { signer: Arc::clone(&signer), ..other.settings() };
    let (first, second) = (one.open().0, opened(&other, settings.clone()).unwrap());
    refuse(&first, 2).await;
    refuse(&second, 3).await;
    drop((first, second));
    assert_eq!((&*newest(&one).head().origin, newest(&one).size()), ("log.test/a", 3));
    let found = checkpoint::newest(other.folder.path(), &signer).unwrap().unwrap();
    assert_eq!((&*found.head().origin, found.size()), ("log.test/b", 4));
    // One's checkpoint in the other's place is noticed.
    fs::copy(checkpoint::path(one.folder.path()), checkpoint::path(other.folder.path())).unwrap();
    assert!(matches!(opened(&other, settings).err(), Some(AuditOpenError::OtherLog { .. })));
}

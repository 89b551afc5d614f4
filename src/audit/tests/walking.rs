//! A walk passes over no record and gives none twice: beside the writer, over segments, from any cursor on, past torn tails;
//! and it tells damage, what is gone and what is another log.

use crate::audit::AuditOpenError;
use crate::audit::Cursor;
use crate::audit::Walk;
use crate::audit::WalkFault;
use crate::audit::Walked;
use crate::audit::read::Lines;
use crate::audit::record;
use crate::audit::record::SUM_CLOSES;
use crate::audit::record::SUM_OPENS;
use crate::audit::record::Written;
use crate::audit::segment;
use crate::audit::tests::harness::*;
use crate::model::Reason;
use std::fs;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::thread;
use tempfile::TempDir;
use tempfile::tempdir;

fn walk(directory: &Path, cursor: Cursor) -> Walk {
    Walk::new(directory.to_owned(), cursor)
}

/// What it gives until it ends, and why it ends if that is a fault.
fn all(walk: &mut Walk) -> (Vec<Walked>, Option<WalkFault>) {
    let mut found = Vec::new();
    loop {
        match walk.next() {
            Some(Ok(walked)) => found.push(walked),
            Some(Err(fault)) => return (found, Some(fault)),
            None => return (found, None),
        }
    }
}

fn lines(walked: &[Walked]) -> Vec<Vec<u8>> {
    walked.iter().map(|walked| walked.bytes().to_vec()).collect()
}

/// A record as the writer would write it, telling apart by `number`.
fn gap(number: u64) -> Vec<u8> {
    let mut line = Written::default();
    record::gap(&mut line, number, NOW);
    line.bytes().to_vec()
}

/// The first record of a segment, of which a walk reads how many lie before it.
fn header(size: u64) -> Vec<u8> {
    let line = format!(r#"{{"v":2,"kind":"segment","time":"{NOW}","segment":1,"size":{size}"#).into_bytes();
    let sum = record::sum(&line);
    [&line, SUM_OPENS, &sum, SUM_CLOSES].concat()
}

/// A log of these segments, numbered from `first` on.
fn log_of(first: u64, segments: &[Vec<u8>]) -> TempDir {
    let folder = tempdir().unwrap();
    for (number, bytes) in (first..).zip(segments) {
        fs::write(segment::path(folder.path(), number), bytes).unwrap();
    }
    folder
}

/// Records with these numbers, and zeros behind them as in a segment that is in use.
fn used(numbers: std::ops::Range<u64>) -> Vec<u8> {
    let mut bytes: Vec<u8> = numbers.flat_map(gap).collect();
    bytes.resize(bytes.len() + 100_000, 0);
    bytes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_record_is_met_once_and_in_order_beside_a_writer_that_fills_segments() {
    let house = House::new();
    let (log, _) = house.open();
    let path = house.folder.path().to_owned();
    let (done, is_done) = std::sync::mpsc::channel::<()>();
    let reading = thread::Builder::new().spawn(move || {
        let mut walk = walk(&path, Cursor::START);
        let mut met = Vec::new();
        loop {
            // Asked before the last look, so that what came in between is met.
            let last = is_done.try_recv().is_err_and(|error| error == std::sync::mpsc::TryRecvError::Disconnected);
            let (found, fault) = all(&mut walk);
            assert!(fault.is_none(), "{fault:?}");
            met.extend(lines(&found));
            if last {
                return met;
            }
        }
    });
    for number in 0..=255 {
        let _ = log.refusal(&facts(number, None), Reason::Revoked, &forbidden(), NOW).await;
    }
    drop(log);
    house.until_ended();
    drop(done);
    let met = reading.unwrap().join().unwrap();
    let numbers = segment::numbers(house.folder.path()).unwrap();
    assert!(numbers.len() > 5, "segments were filled: {numbers:?}");
    let mut written = Vec::new();
    for number in numbers {
        let bytes = fs::read(segment::path(house.folder.path(), number)).unwrap();
        written.extend(Lines::new(&bytes).map(|(_, line)| line.strip_suffix(b"\n").unwrap().to_vec()));
    }
    assert!(met == written, "{} of {}", met.len(), written.len());
    assert_eq!(all(&mut walk(house.folder.path(), Cursor::START)).0.len(), written.len(), "and when it has ended");
}

#[test]
fn a_walk_goes_on_from_every_cursor_that_it_gave() {
    let sealed = |numbers: std::ops::Range<u64>| numbers.flat_map(gap).collect::<Vec<u8>>();
    let log = log_of(4, &[sealed(0..3), sealed(3..5), used(5..7)]);
    let (whole, fault) = all(&mut walk(log.path(), Cursor::START));
    assert!(fault.is_none() && whole.len() == 7, "{fault:?}");
    for (position, walked) in whole.iter().enumerate() {
        assert_eq!(walked.index(), position as u64);
        assert_eq!(walked.record().unwrap().get("lost").unwrap().as_integer(), i64::try_from(position).ok());
        let again = |cursor: Cursor| {
            let cursor: Cursor = cursor.to_string().parse().unwrap();
            let (rest, fault) = all(&mut walk(log.path(), cursor));
            assert!(fault.is_none(), "{fault:?}");
            lines(&rest)
        };
        assert_eq!(again(walked.at), lines(&whole[position..]));
        assert_eq!(again(walked.after), lines(&whole[position + 1..]));
    }
}

#[test]
fn a_cursor_is_read_in_its_one_spelling() {
    let cursor = Cursor { segment: 3, offset: 1_024, index: u64::MAX };
    assert_eq!(cursor.to_string(), "3:1024:18446744073709551615");
    assert_eq!(cursor.to_string().parse(), Ok(cursor));
    for wrong in
        ["", "3", "3:4", "3:4:5:6", "3:4:+5", "3:04:5", " 3:4:5", "3:4:5\n", "3:-4:5", "3:4:18446744073709551616"]
    {
        assert!(wrong.parse::<Cursor>().is_err(), "{wrong:?}");
    }
}

#[test]
fn it_waits_at_zeros_at_half_a_line_and_at_a_torn_one_and_goes_on_when_they_have_become_a_record() {
    let log = log_of(1, &[used(0..2)]);
    let file = File::options().write(true).open(segment::path(log.path(), 1)).unwrap();
    let next = gap(2);
    let mut walk = walk(log.path(), Cursor::START);
    assert_eq!(all(&mut walk).0.len(), 2);
    let end = walk.cursor();
    let (middle, length) = (next.len() / 2, next.len());
    let mut holed = next.clone();
    holed[10..20].fill(0);
    let mut changed = next.clone();
    changed[middle] ^= 1;
    for unfinished in [&next[..1], &next[..middle], &next[..length - 1], &holed, &changed, &vec![b'x'; length]] {
        file.write_all_at(unfinished, end.offset).unwrap();
        assert!(walk.next().is_none() && walk.next().is_none(), "{:?}", String::from_utf8_lossy(unfinished));
        assert_eq!(walk.cursor(), end);
    }
    file.write_all_at(&next, end.offset).unwrap();
    assert_eq!(lines(&all(&mut walk).0), [next.strip_suffix(b"\n").unwrap()]);
    assert_eq!(walk.cursor(), Cursor { segment: 1, offset: end.offset + length as u64, index: 3 });
}

#[test]
fn a_segment_made_ahead_is_not_entered_and_what_was_added_before_it_began_is_not_passed_over() {
    let log = log_of(1, &[used(0..2), vec![0; 1_000]]);
    let mut walk = walk(log.path(), Cursor::START);
    assert_eq!(all(&mut walk).0.len(), 2);
    let first = File::options().write(true).open(segment::path(log.path(), 1)).unwrap();
    first.write_all_at(&gap(2), walk.cursor().offset).unwrap();
    fs::write(segment::path(log.path(), 2), used(3..4)).unwrap();
    let (found, fault) = all(&mut walk);
    assert!(fault.is_none(), "{fault:?}");
    assert_eq!(found.iter().map(|walked| (walked.at.segment, walked.index())).collect::<Vec<_>>(), [(1, 2), (2, 3)]);
}

/// A start cuts the torn tail of a segment that held nothing else, and begins the next one; should that hold nothing either, the
/// start after it begins the first of them anew.
#[test]
fn a_segment_that_was_cut_to_nothing_is_waited_at_until_one_begins() {
    let log = log_of(1, &[used(0..2), b"{\"v\":2,".to_vec()]);
    let mut walk = walk(log.path(), Cursor::START);
    assert_eq!(all(&mut walk).0.len(), 2);
    fs::write(segment::path(log.path(), 2), b"").unwrap();
    fs::write(segment::path(log.path(), 3), [0; 10]).unwrap();
    assert!(walk.next().is_none());
    fs::remove_file(segment::path(log.path(), 3)).unwrap();
    fs::remove_file(segment::path(log.path(), 2)).unwrap();
    assert!(walk.next().is_none());
    fs::write(segment::path(log.path(), 2), used(2..3)).unwrap();
    assert_eq!(all(&mut walk).0.len(), 1, "it is another file by that name");
    fs::write(segment::path(log.path(), 3), b"").unwrap();
    fs::write(segment::path(log.path(), 4), used(3..4)).unwrap();
    let (found, fault) = all(&mut walk);
    assert!(fault.is_none(), "{fault:?}");
    assert_eq!(found.iter().map(|walked| (walked.at.segment, walked.index())).collect::<Vec<_>>(), [(4, 3)]);
}

#[test]
fn every_changed_byte_of_a_segment_that_is_no_longer_written_is_damage_at_its_line() {
    let (first, second) = (gap(0), gap(1));
    let whole = [first.as_slice(), &second].concat();
    let log = log_of(1, &[whole.clone(), used(2..3)]);
    let path = segment::path(log.path(), 1);
    for position in 0..whole.len() {
        let mut changed = whole.clone();
        changed[position] ^= 1;
        fs::write(&path, &changed).unwrap();
        let (found, fault) = all(&mut walk(log.path(), Cursor::START));
        let (before, line) = if position < first.len() { (0, 0) } else { (1, first.len() as u64) };
        assert_eq!(found.len(), before, "byte {position}");
        let Some(WalkFault::Open(AuditOpenError::Damaged { path: named, offset })) = fault else {
            panic!("byte {position}: {fault:?}")
        };
        assert_eq!((named, offset), (path.clone(), line), "byte {position}");
    }
    // Behind the last record, and behind zeros.
    let mut holed = [whole.as_slice(), &[0; 400_000], b"x"].concat();
    fs::write(&path, &holed).unwrap();
    let mut damaged = walk(log.path(), Cursor::START);
    let (found, fault) = all(&mut damaged);
    assert!(found.len() == 2 && fault.is_some(), "{fault:?}");
    assert!(damaged.next().is_none(), "it has ended");
    holed.pop();
    fs::write(&path, &holed).unwrap();
    let (found, fault) = all(&mut walk(log.path(), Cursor::START));
    assert!(found.len() == 3 && fault.is_none(), "zeros are no damage: {fault:?}");
}

#[test]
fn a_record_that_a_checkpoint_covers_must_be_there_also_in_the_segment_in_use() {
    let log = log_of(1, &[used(0..2)]);
    let ended = |size: u64| {
        fs::write(log.path().join("checkpoint"), format!("log\n{size}\nroot\n\n")).unwrap();
        let (found, fault) = all(&mut walk(log.path(), Cursor::START));
        (found.len(), fault.map(|fault| fault.to_string()))
    };
    assert_eq!(ended(2), (2, None));
    let end = used(0..2).len() - 100_000;
    let damaged = format!("`{}` is damaged at byte {end}", segment::path(log.path(), 1).display());
    assert_eq!(ended(3), (2, Some(damaged.clone())));
    fs::remove_file(log.path().join("checkpoint")).unwrap();
    let bounded = |size: u64| {
        let (found, fault) = all(&mut walk(log.path(), Cursor::START).up_to(size));
        (found.len(), fault.map(|fault| fault.to_string()))
    };
    assert_eq!(bounded(1), (1, None), "and no further");
    assert_eq!(bounded(2), (2, None));
    assert_eq!(bounded(3), (2, Some(damaged)));
}

#[test]
fn the_header_of_a_segment_counts_and_where_older_ones_are_gone_the_count_begins_with_it() {
    let headed = |size: u64, numbers: std::ops::Range<u64>| {
        [header(size)].into_iter().chain(numbers.map(gap)).collect::<Vec<_>>().concat()
    };
    let log = log_of(7, &[headed(40, 0..2), headed(43, 2..3)]);
    let (found, fault) = all(&mut walk(log.path(), Cursor::START));
    assert!(fault.is_none(), "{fault:?}");
    assert_eq!(found.iter().map(Walked::index).collect::<Vec<_>>(), [40, 41, 42, 43, 44]);
    assert_eq!(all(&mut walk(log.path(), Cursor::START).up_to(43)).0.len(), 3);
    assert_eq!(all(&mut walk(log.path(), Cursor::START).up_to(40)).0.len(), 0, "older than what is there");
    fs::write(segment::path(log.path(), 8), headed(44, 2..3)).unwrap();
    let (found, fault) = all(&mut walk(log.path(), Cursor::START));
    assert_eq!(found.len(), 3);
    assert_eq!(fault.unwrap().to_string(), "segment 8 of the log counts 44 records before it, and there are 43");
}

#[test]
fn what_is_gone_and_what_is_no_place_of_the_log_is_told() {
    let log = log_of(3, &[used(0..2), used(2..3), used(3..4)]);
    let told = |cursor: &str| {
        let (found, fault) = all(&mut walk(log.path(), cursor.parse().unwrap()));
        (found.len(), fault.map(|fault| fault.to_string()))
    };
    let end = used(0..2).len() - 100_000;
    assert_eq!(told(&format!("3:{end}:2")), (2, None));
    assert_eq!(told("2:0:0"), (0, Some("segment 2 of the log is not there".to_owned())));
    assert_eq!(told("2:77:1"), (0, Some("segment 2 of the log is not there".to_owned())));
    assert_eq!(told("6:0:4"), (0, None), "one that has not begun is waited for");
    assert_eq!(told("6:9:4"), (0, Some("segment 6 of the log is not there".to_owned())));
    for astray in [format!("3:{}:2", end - 1), format!("3:{}:2", end + 1), "3:9999999:2".to_owned()] {
        assert_eq!(told(&astray), (0, Some(format!("`{astray}` is no place of this log"))));
    }
    fs::remove_file(segment::path(log.path(), 4)).unwrap();
    assert_eq!(told("3:0:0"), (2, Some("segment 4 of the log is not there".to_owned())), "none between is passed over");
    let none = tempdir().unwrap();
    assert!(walk(none.path(), Cursor::START).next().is_none(), "a log that has not begun");
    let nowhere = walk(&none.path().join("none"), Cursor::START).next().unwrap();
    assert!(matches!(nowhere, Err(WalkFault::Open(AuditOpenError::Io { .. }))));
}

#[test]
fn a_line_that_says_nothing_here_is_whole_and_no_record() {
    let line = br#"{"v":2,"kind":"of-another-version""#;
    let log = log_of(1, &[[line, SUM_OPENS, &record::sum(line), SUM_CLOSES].concat()]);
    let walked = walk(log.path(), Cursor::START).next().unwrap().unwrap();
    assert!(matches!(walked.record(), Err(AuditOpenError::Damaged { offset: 0, .. })));
}

#[test]
fn who_wants_to_see_what_is_left_goes_on_behind_damage() {
    let (zero, one, two) = (gap(0), gap(1), gap(2));
    let mut changed = one.clone();
    changed[30] ^= 1;
    let headed = |size: u64, number: u64| [header(size), gap(number)].concat();
    let damaged = [header(0), zero, changed, two].concat();
    let log = log_of(1, &[damaged, headed(4, 3), vec![b'x'; 700_000], headed(6, 4), used(9..9)]);
    fs::remove_file(segment::path(log.path(), 5)).unwrap();
    fs::write(segment::path(log.path(), 6), headed(9, 5)).unwrap();
    let mut walk = walk(log.path(), Cursor::START);
    let mut told = Vec::new();
    loop {
        let (found, fault) = all(&mut walk);
        let lost = |walked: &Walked| walked.record().ok()?.get("lost")?.as_integer();
        told.extend(found.iter().filter_map(lost).map(|number| number.to_string()));
        let Some(fault) = fault else { break };
        told.push(match fault {
            WalkFault::Open(AuditOpenError::Damaged { offset, .. }) => format!("damaged at {offset}"),
            WalkFault::Gone { segment } => format!("{segment} gone"),
            WalkFault::Miscounted { segment, .. } => format!("{segment} miscounted"),
            other => panic!("{other}"),
        });
        assert!(walk.next().is_none());
        assert!(walk.pass().unwrap());
    }
    let at = format!("damaged at {}", header(0).len() + gap(0).len());
    let wanted = ["0", &at, "2", "2 miscounted", "3", "damaged at 0", "4", "5 gone", "5"];
    assert_eq!(told, wanted);
    assert_eq!(walk.cursor().index, 11, "counted by the last header");
    // Where nothing stands behind it, and where it may still grow, it does not go on.
    let log = log_of(1, &[used(0..1)]);
    fs::write(log.path().join("checkpoint"), "log\n5\nroot\n\n").unwrap();
    let mut stuck = Walk::new(log.path().to_owned(), Cursor::START);
    assert!(all(&mut stuck).1.is_some());
    assert!(!stuck.pass().unwrap() && stuck.next().is_none());
}

//! Segments that go to the archive: which may, which may not, and that nothing is lost on the way, whatever happens between.

use crate::audit::Archive;
use crate::audit::ArchiveFault;
use crate::audit::Archived;
use crate::audit::Cursor;
use crate::audit::Held;
use crate::audit::Log;
use crate::audit::Note;
use crate::audit::Oldest;
use crate::audit::Retention;
use crate::audit::Settings;
use crate::audit::Standing;
use crate::audit::Walk;
use crate::audit::read::Line;
use crate::audit::read::Lines;
use crate::audit::segment;
use crate::audit::tests::harness::*;
use crate::audit::tree::Tree;
use crate::audit::tree::leaf_hash;
use crate::clock::ManualClock;
use crate::clock::UnixMillis;
use flate2::bufread::GzDecoder;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::fs;
use std::io::BufReader;
use std::io::Read;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

const HOUR_MS: u64 = 3_600_000;
const AGE_MS: u64 = 30 * HOUR_MS;
/// Everything is attested, nothing is exported, all is stored.
const FREE: Standing = Standing { attested: u64::MAX, exported: None, stored: true };

fn retention(archive: &Path) -> Retention {
    Retention { age_ms: AGE_MS, archive: archive.to_owned() }
}

async fn append(log: &Log, count: usize) {
    for _ in 0..count {
        let _noted = log.note(&facts(1, None), Note::Stop, NOW).await.unwrap();
    }
}

/// A log of two segments that ended long ago, and the one in use; when that was begun; and a folder for the archive.
async fn old_log() -> (House, Log, UnixMillis, tempfile::TempDir) {
    let house = House::new();
    for _ in 0..2 {
        let (log, _) = house.open();
        append(&log, 3).await;
        drop(log);
        house.until_ended();
    }
    let now = NOW.plus(60 * HOUR_MS);
    drop(house.open().0);
    house.until_ended();
    let (log, _) = house.open_at(now);
    (house, log, now, tempfile::tempdir().unwrap())
}

fn copied(archive: &mut Archive, now: UnixMillis) -> Vec<u64> {
    std::iter::from_fn(|| archive.copy_next(now, u64::MAX).unwrap()).map(|one| one.segment).collect()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn unpacked(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    GzDecoder::new(BufReader::new(fs::File::open(path).unwrap())).read_to_end(&mut bytes).unwrap();
    bytes
}

#[tokio::test]
async fn a_segment_goes_once_it_is_old_and_copied_and_not_a_millisecond_before() {
    let (house, log, now, folder) = old_log().await;
    let mut archive = Archive::new(house.folder.path().to_owned(), retention(folder.path()));
    // The first one ended when the second began.
    assert_eq!(copied(&mut archive, NOW.plus(AGE_MS)), [0; 0]);
    assert_eq!(archive.oldest(NOW.plus(AGE_MS), FREE).unwrap(), Oldest::Stays);
    assert_eq!(copied(&mut archive, NOW.plus(AGE_MS + 1)), [1, 2], "the third ended a moment ago");
    let first = segment::path(house.folder.path(), 1);
    let bytes = fs::read(&first).unwrap();
    assert_eq!(unpacked(&folder.path().join("segment-0000000001.jsonl.gz")), bytes);
    let Oldest::MayGo(going) = archive.oldest(now, FREE).unwrap() else { panic!() };
    let records = bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
    let digest = crate::crypto::sha256(&bytes);
    assert_eq!(going, Archived { segment: 1, from: 0, to: records, digest });
    archive.remove(&going).unwrap();
    assert!(!first.exists() && segment::path(house.folder.path(), 2).exists());
    let kept =
        ["1.checkpoints", "1.jsonl.gz", "2.checkpoints", "2.jsonl.gz"].map(|end| format!("segment-000000000{end}"));
    assert_eq!(names(folder.path()), [&kept[..], &["tile".to_owned()]].concat());
    drop(log);
    house.until_ended();
    let (_, recovered) = house.open_at(now);
    assert_eq!(recovered.cut_bytes, 0, "the log goes on without it");
}

#[tokio::test]
async fn what_is_unattested_unexported_or_needed_is_never_removed_however_old_it_is() {
    let (house, _log, now, folder) = old_log().await;
    let mut archive = Archive::new(house.folder.path().to_owned(), retention(folder.path()));
    let later = now.plus(1_000 * HOUR_MS);
    assert_eq!(archive.copy_next(later, 3).unwrap(), None, "no checkpoint covers it whole");
    assert_eq!(archive.oldest(later, FREE).unwrap(), Oldest::Stays, "there is no copy of it");
    assert_eq!(copied(&mut archive, later).len(), 3);
    let of = |standing| archive.oldest(later, standing).unwrap();
    assert_eq!(of(Standing { attested: 3, ..FREE }), Oldest::Held(Held::Unattested));
    assert_eq!(of(Standing { exported: Some(1), ..FREE }), Oldest::Held(Held::Unexported));
    assert_eq!(of(Standing { stored: false, ..FREE }), Oldest::Held(Held::Unstored));
    assert!(matches!(of(Standing { exported: Some(2), ..FREE }), Oldest::MayGo(_)));
    for expected in [1, 2] {
        let Oldest::MayGo(going) = of(FREE) else { panic!() };
        assert_eq!(going.segment, expected);
        archive.remove(&going).unwrap();
    }
    // It ended when the newest segment began: a start reads it, whatever the clock says.
    assert_eq!(of(FREE), Oldest::Stays);
}

#[tokio::test]
async fn a_copy_that_is_not_the_segment_and_a_segment_that_was_changed_stay_and_are_told() {
    let (house, _log, now, folder) = old_log().await;
    let path = |number| segment::path(house.folder.path(), number);
    let place = folder.path().join("segment-0000000001.jsonl.gz");
    // Another log's, or what a broken disk left.
    fs::write(&place, b"another").unwrap();
    let mut archive = Archive::new(house.folder.path().to_owned(), retention(folder.path()));
    assert!(matches!(archive.copy_next(now, u64::MAX), Err(ArchiveFault::Differs { path }) if path == place));
    assert_eq!(fs::read(&place).unwrap(), b"another", "it is not ours to write over");
    fs::remove_file(&place).unwrap();
    assert_eq!(copied(&mut archive, now), [1, 2]);
    // The copy spoils after it was verified.
    let whole = fs::read(&place).unwrap();
    for at in [whole.len() / 2, whole.len() - 5] {
        let mut spoiled = whole.clone();
        spoiled[at] ^= 1;
        fs::write(&place, spoiled).unwrap();
        assert!(matches!(archive.oldest(now, FREE), Err(ArchiveFault::Differs { .. })), "byte {at}");
    }
    fs::write(&place, &whole[..whole.len() - 9]).unwrap();
    assert!(matches!(archive.oldest(now, FREE), Err(ArchiveFault::Differs { .. })));
    fs::write(&place, &whole).unwrap();
    // The segment itself is changed: neither is it removed, nor would it be copied.
    let good = fs::read(path(1)).unwrap();
    let mut changed = good.clone();
    changed[good.len() / 2] ^= 1;
    fs::write(path(1), changed).unwrap();
    assert!(matches!(archive.oldest(now, FREE), Err(ArchiveFault::Damaged { .. })));
    let mut anew = Archive::new(house.folder.path().to_owned(), retention(folder.path()));
    assert!(matches!(anew.copy_next(now, u64::MAX), Err(ArchiveFault::Damaged { .. })));
    fs::write(path(1), good).unwrap();
    assert!(matches!(archive.oldest(now, FREE).unwrap(), Oldest::MayGo(_)));
}

#[tokio::test]
async fn an_archive_that_takes_nothing_leaves_segments_where_they_are_and_no_half_copies() {
    let (house, _log, now, folder) = old_log().await;
    let away = folder.path().join("away");
    let mut archive = Archive::new(house.folder.path().to_owned(), retention(&away));
    assert!(matches!(archive.copy_next(now, u64::MAX), Err(ArchiveFault::Io { .. })));
    // The name of the half copy is taken: writing fails in the midst.
    fs::create_dir_all(away.join("segment-0000000001.jsonl.gz.part")).unwrap();
    assert!(matches!(archive.copy_next(now, u64::MAX), Err(ArchiveFault::Io { .. })));
    assert_eq!(archive.oldest(now, FREE).unwrap(), Oldest::Stays);
    fs::remove_dir(away.join("segment-0000000001.jsonl.gz.part")).unwrap();
    assert_eq!(copied(&mut archive, now), [1, 2], "and goes on when it can");
}

/// What happens.
#[derive(Clone, Debug)]
enum Step {
    Append(usize),
    /// In order, or as a power cut ends it; the next process begins so many hours later.
    Restart {
        killed: bool,
        hours: u64,
    },
    Archive,
    Export(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (1_usize..30).prop_map(Step::Append),
        2 => (any::<bool>(), 0_u64..40).prop_map(|(killed, hours)| Step::Restart { killed, hours }),
        4 => Just(Step::Archive),
        2 => (1_usize..60).prop_map(Step::Export),
    ]
}

/// A log, its archive, and one export.
struct World {
    house: House,
    log: Option<Log>,
    now: UnixMillis,
    folder: tempfile::TempDir,
    archive: Archive,
    cursor: Cursor,
    exported: Vec<Vec<u8>>,
}

impl World {
    fn new() -> Self {
        let (house, folder) = (House::new(), tempfile::tempdir().unwrap());
        let archive = Archive::new(house.folder.path().to_owned(), retention(folder.path()));
        let log = Some(house.open().0);
        Self { house, log, now: NOW, folder, archive, cursor: Cursor::START, exported: Vec::new() }
    }

    fn directory(&self) -> PathBuf {
        self.house.folder.path().to_owned()
    }

    fn attested(&self) -> u64 {
        self.log.as_ref().and_then(|log| log.checkpoint()).map_or(0, |checkpoint| checkpoint.size())
    }

    async fn takes(&mut self, step: &Step) {
        match step {
            Step::Append(count) => append(self.log.as_ref().unwrap(), *count).await,
            Step::Restart { killed, hours } => {
                let died = killed.then(|| self.house.copy());
                self.log = None;
                self.house.until_ended();
                self.house = died.unwrap_or_else(|| std::mem::replace(&mut self.house, House::new()));
                self.now = self.now.plus(hours * HOUR_MS);
                self.archive = Archive::new(self.directory(), retention(self.folder.path()));
                let archive = Some(self.folder.path().to_owned());
                let settings = Settings { archive, ..self.house.settings() };
                let clock = Arc::new(ManualClock::new(self.now));
                let metrics = Arc::clone(&self.house.metrics);
                self.log = Some(Log::open(settings, &key(), clock, metrics).unwrap().0);
            }
            Step::Archive => {
                let attested = self.attested();
                while self.archive.copy_next(self.now, attested).unwrap().is_some() {}
                let exported = Some(self.cursor.segment.max(1));
                let standing = Standing { attested, exported, stored: true };
                while let Oldest::MayGo(going) = self.archive.oldest(self.now, standing).unwrap() {
                    assert!(going.to <= attested && going.segment < self.cursor.segment, "{going:?}");
                    self.log.as_ref().unwrap().segment_goes(&going);
                    self.archive.remove(&going).unwrap();
                }
            }
            Step::Export(count) => {
                // Only what is attested leaves; what is not may be gone after a crash.
                let walk = Walk::new(self.directory(), self.cursor).up_to(self.attested());
                for walked in walk.take(*count) {
                    let walked = walked.unwrap();
                    assert_eq!(walked.index(), self.exported.len() as u64, "nothing is passed over");
                    self.exported.push(walked.bytes().to_vec());
                    self.cursor = walked.after;
                }
            }
        }
    }

    /// All records, of the archive where the log has them no more; each segment leads to the next.
    fn whole(&self) -> Vec<Vec<u8>> {
        let mut segments: BTreeMap<u64, Vec<u8>> = BTreeMap::new();
        for name in names(self.folder.path()) {
            if let Some(digits) = name.strip_prefix("segment-").and_then(|name| name.strip_suffix(".jsonl.gz")) {
                segments.insert(digits.parse().unwrap(), unpacked(&self.folder.path().join(&name)));
            }
        }
        for number in segment::numbers(&self.directory()).unwrap() {
            let bytes = fs::read(segment::path(&self.directory(), number)).unwrap();
            if let Some(copy) = segments.get(&number) {
                assert!(bytes.starts_with(copy), "the copy of {number} is the segment");
            }
            segments.insert(number, bytes);
        }
        let (mut tree, mut all) = (Tree::default(), Vec::new());
        for (number, bytes) in segments {
            for (offset, line) in Lines::new(&bytes) {
                if offset == 0 {
                    assert_eq!(Line::parse(line).unwrap().head().unwrap().tree, tree, "segment {number} follows");
                }
                tree.append(leaf_hash(line));
                all.push(line.strip_suffix(b"\n").unwrap().to_vec());
            }
        }
        if let Some(checkpoint) = self.log.as_ref().unwrap().checkpoint() {
            let mut signed = Tree::default();
            let covered = all.iter().take(usize::try_from(checkpoint.size()).unwrap());
            covered.for_each(|line| signed.append(leaf_hash(line)));
            assert_eq!((signed.size(), signed.root()), (checkpoint.size(), checkpoint.root()));
        }
        all
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn in_any_order_of_appends_crashes_archives_and_exports_tree_cursor_and_segments_agree(
        steps in proptest::collection::vec(step(), 1..14),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut world = World::new();
        for step in &steps {
            runtime.block_on(world.takes(step));
            let all = world.whole();
            prop_assert!(all.starts_with(&world.exported), "what was exported is the beginning of the log, in order");
        }
    }
}

//! Tiles alone give every root and every proof, and come back after a crash.

use crate::audit::Settings;
use crate::audit::attest::Leaves;
use crate::audit::attest::Tip;
use crate::audit::checkpoint;
use crate::audit::log::Log;
use crate::audit::read::Lines;
use crate::audit::segment;
use crate::audit::tests::harness::*;
use crate::audit::tile_places::begun;
use crate::audit::tiles::READ_BACK_MAX;
use crate::audit::tiles::TileFault;
use crate::audit::tiles::Tiles;
use crate::audit::tiles::tile_path;
use crate::audit::tree::Tree;
use crate::audit::tree::leaf_hash;
use crate::crypto::sha256;
use crate::model::Reason;
use crate::model::Sha256;
use crate::tasks::Tasks;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

fn parent(left: Sha256, right: Sha256) -> Sha256 {
    sha256(&[&[1], left.as_bytes().as_slice(), right.as_bytes()].concat())
}

/// The tiles of a log of so many records, as one who fetches them sees them.
struct Fetched<'f> {
    directory: &'f Path,
    size: u64,
}

impl Fetched<'_> {
    /// The hash over the records from `index` << 8 · `level` on.
    fn node(&self, level: usize, index: u64) -> Sha256 {
        let full = tile_path(self.directory, level, index / 256);
        let is_full = (index / 256 + 1) * 256 <= self.size >> (8 * level);
        let path = if is_full { full } else { begun(self.size, level).unwrap().path(self.directory) };
        let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let at = usize::try_from(index % 256).unwrap() * 32;
        Sha256::new(bytes[at..at + 32].try_into().unwrap())
    }

    /// The hash over the records from `start` up to `end` (RFC 6962 §2.1), out of the largest hashes that there are.
    fn hash(&self, start: u64, end: u64) -> Sha256 {
        let count = end - start;
        if count.is_power_of_two() && count.trailing_zeros().is_multiple_of(8) && start.is_multiple_of(count) {
            return self.node(usize::try_from(count.trailing_zeros() / 8).unwrap(), start / count);
        }
        let middle = start + count.next_power_of_two() / 2;
        parent(self.hash(start, middle), self.hash(middle, end))
    }

    /// The hashes beside the way from a record to the root, the lowest first, with whether each stands on the left.
    fn path(&self, index: u64, start: u64, end: u64) -> Vec<(bool, Sha256)> {
        if end - start == 1 {
            return Vec::new();
        }
        let middle = start + (end - start).next_power_of_two() / 2;
        let (mut path, beside) = match index < middle {
            true => (self.path(index, start, middle), (false, self.hash(middle, end))),
            false => (self.path(index, middle, end), (true, self.hash(start, middle))),
        };
        path.push(beside);
        path
    }
}

async fn refuse(log: &Log, count: u16) {
    let tasks = Tasks::new();
    let begin = |_| {
        let log = log.clone();
        tasks.spawn(async move { log.refusal(&facts(1, None), Reason::Revoked, &forbidden(), NOW).await })
    };
    let mut left = count;
    // No more at a time than a segment takes.
    while let Some(rest) = left.checked_sub(left.min(16)).filter(|_| left > 0) {
        for done in (rest..left).map(begin).collect::<Vec<_>>() {
            assert_eq!(done.await.unwrap().reply().status.as_u16(), 403);
        }
        left = rest;
    }
}

/// All files of tiles, but the marks of how far they are durable.
pub(super) fn tiles(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![directory.join("tile")];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.strip_prefix(directory).unwrap().display().to_string(), fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// The tiles that the newest checkpoint is served with hold every record, and give its root and every proof.
fn prove_all(directory: &Path) {
    let newest = checkpoint::newest(directory, &signer()).unwrap().unwrap();
    let fetched = Fetched { directory, size: newest.size() };
    assert_eq!(fetched.hash(0, newest.size()), newest.root());
    let mut index = 0;
    for number in segment::numbers(directory).unwrap() {
        let bytes = fs::read(segment::path(directory, number)).unwrap();
        for (_, line) in Lines::new(&bytes) {
            let leaf = sha256(&[&[0], &line[..line.len() - 1]].concat());
            assert_eq!(fetched.node(0, index), leaf);
            if index % 37 == 0 || index + 3 > newest.size() {
                let fold = |below, (left, beside)| if left { parent(beside, below) } else { parent(below, beside) };
                assert_eq!(
                    fetched.path(index, 0, newest.size()).into_iter().fold(leaf, fold),
                    newest.root(),
                    "{index}"
                );
            }
            index += 1;
        }
    }
    assert_eq!(index, newest.size());
}

#[tokio::test]
async fn roots_and_proofs_come_out_of_tiles_alone_and_tiles_that_are_missing_are_made_again() {
    let house = House::new();
    let directory = house.folder.path();
    for count in [200, 400] {
        let log = house.open().0;
        refuse(&log, count).await;
        drop(log);
        house.until_ended();
        prove_all(directory);
    }
    let made = tiles(directory);
    assert!(["tile/0/000", "tile/0/001"].iter().all(|name| made[*name].len() == 256 * 32));
    assert!(
        made.keys().all(|name| !name.starts_with("tile/0/000.p")),
        "a partial tile goes when the full one is there"
    );
    let is_same = |house: &House| {
        let all = tiles(house.folder.path());
        made.iter().filter(|(name, _)| !name.contains(".p/")).all(|(name, bytes)| all.get(name) == Some(bytes))
    };
    // The copy has none of them.
    let all = house.copy();
    drop(all.open());
    all.until_ended();
    prove_all(all.folder.path());
    assert!(is_same(&all));
    assert!(!house.metrics.render().contains("portcullis_audit_tile_failures_total 1"));
    drop(house.open());
    house.until_ended();
    prove_all(directory);
    assert!(is_same(&house));
}

/// What a process leaves that dies while a tile is full that `tiles.durable` knows as begun only.
#[tokio::test]
async fn after_a_crash_tiles_go_on_behind_those_that_are_durable_also_where_these_are_full_by_now() {
    let house = House::new();
    let directory = house.folder.path();
    let log = house.open().0;
    refuse(&log, 200).await;
    drop(log);
    house.until_ended();
    let durable: u64 = fs::read_to_string(directory.join("tiles.durable")).unwrap().trim().parse().unwrap();
    assert!(durable < 256);
    let settings = Settings { segment_bytes: LARGE_SEGMENT_BYTES, ..house.settings() };
    let log = house.open_by(settings);
    refuse(&log, 60).await;
    until("a full tile", || tile_path(directory, 0, 0).is_file());
    until("the end of the begun one", || !directory.join("tile/0/000.p").exists());
    let first = segment::path(directory, 1);
    fs::rename(&first, directory.join("aside")).unwrap();
    let told: u64 = fs::read_to_string(directory.join("tiles.durable")).unwrap().trim().parse().unwrap();
    assert_eq!(told, durable, "nothing has ended since");
    assert!(Tiles::resume(directory).is_ok(), "without the segments of which they were made");
    fs::remove_file(tile_path(directory, 0, 0)).unwrap();
    assert!(matches!(Tiles::resume(directory), Err(TileFault::Gone)));
    fs::rename(directory.join("aside"), first).unwrap();
}

#[tokio::test]
async fn a_record_that_is_changed_on_the_disk_is_noticed_before_its_tiles_are_made() {
    let house = House::new();
    let log = house.open().0;
    refuse(&log, 5).await;
    drop(log);
    let path = segment::path(house.folder.path(), 1);
    let bytes = fs::read(&path).unwrap();
    let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    let mut tree = Tree::default();
    let copy = House::new();
    let place = segment::path(copy.folder.path(), 1);
    fs::write(&place, &bytes).unwrap();
    lines[..3].iter().for_each(|line| tree.append_lines(line));
    let mut tiles = Tiles::resume(copy.folder.path()).unwrap();
    tiles.grow(&tip(&tree, 0), &Leaves::default()).unwrap();
    tree.append_lines(lines[3]);
    let mut changed = bytes.clone();
    changed[lines[..3].concat().len() + 20] ^= 1;
    fs::write(&place, &changed).unwrap();
    assert!(matches!(tiles.grow(&tip(&tree, 0), &Leaves::default()), Err(TileFault::Changed)));
    // And so is one before them, once they are made anew.
    fs::write(&place, &bytes).unwrap();
    Tiles::resume(copy.folder.path()).unwrap().grow(&tip(&tree, 0), &Leaves::default()).unwrap();
}

/// The end of a log of one segment.
fn tip(tree: &Tree, end: u64) -> Tip {
    Tip { segment: 1, tree: tree.clone(), end, ended: false }
}

/// A log of one segment: its header, and as many lines as are added. Tiles do not ask what stands in them.
struct Plain {
    folder: tempfile::TempDir,
    bytes: Vec<u8>,
    tree: Tree,
}

impl Plain {
    async fn new() -> Self {
        let house = House::new();
        refuse(&house.open().0, 1).await;
        house.until_ended();
        let bytes = fs::read(segment::path(house.folder.path(), 1)).unwrap();
        let end = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        let mut plain = Self { folder: tempfile::tempdir().unwrap(), bytes: Vec::new(), tree: Tree::default() };
        drop(plain.add(&[&bytes[..end]]));
        plain
    }

    /// Adds lines, and gives their leaves as the writer does.
    fn add(&mut self, lines: &[&[u8]]) -> Leaves {
        let before = self.tree.size();
        let leaves: Vec<Sha256> = lines.iter().map(|line| leaf_hash(line)).collect();
        self.tree.append_all(&leaves);
        self.bytes.extend(lines.concat());
        self.write();
        Leaves::new(before, leaves)
    }

    fn add_many(&mut self, count: u64) -> Leaves {
        let lines: Vec<Vec<u8>> = (0..count).map(|number| format!("{{\"n\":{number}}}\n").into_bytes()).collect();
        self.add(&lines.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }

    fn write(&self) {
        fs::write(segment::path(self.folder.path(), 1), &self.bytes).unwrap();
    }

    fn tiles(&self) -> Tiles {
        Tiles::resume(self.folder.path()).unwrap()
    }

    fn tip(&self) -> Tip {
        tip(&self.tree, self.bytes.len() as u64)
    }

    /// Changes a byte of the last record.
    fn change(&mut self) {
        let at = self.bytes.len() - 4;
        self.bytes[at] ^= 1;
        self.write();
    }
}

#[tokio::test]
async fn so_many_records_are_read_back_from_the_disk_and_of_one_more_the_writers_hashes_are_taken() {
    for (count, is_read_back) in [(READ_BACK_MAX, true), (READ_BACK_MAX + 1, false)] {
        let mut log = Plain::new().await;
        let mut tiles = log.tiles();
        tiles.grow(&log.tip(), &Leaves::default()).unwrap();
        let leaves = log.add_many(count);
        log.change();
        let grown = tiles.grow(&log.tip(), &leaves);
        assert_eq!(matches!(grown, Err(TileFault::Changed)), is_read_back, "{count}");
        assert_eq!(grown.is_ok(), !is_read_back, "{count}");
        log.change();
        if is_read_back {
            continue;
        }
        // Then they are read again, from behind those.
        drop(log.add(&[b"{\"one\":1}\n", b"{\"two\":2}\n"]));
        tiles.grow(&log.tip(), &Leaves::default()).unwrap();
        let by_hashes = self::tiles(log.folder.path());
        drop(log.add(&[b"{\"three\":3}\n"]));
        log.change();
        assert!(
            matches!(tiles.grow(&log.tip(), &Leaves::default()), Err(TileFault::Changed)),
            "a change is noticed again"
        );
        // Made out of the segment alone, they are the same.
        log.change();
        let other = Plain { folder: tempfile::tempdir().unwrap(), bytes: log.bytes.clone(), tree: log.tree.clone() };
        other.write();
        other.tiles().grow(&other.tip(), &Leaves::default()).unwrap();
        let read = self::tiles(other.folder.path());
        let full = read.iter().filter(|(name, _)| !name.contains(".p/"));
        assert_eq!(full.filter(|(name, bytes)| by_hashes.get(*name) == Some(bytes)).count(), 16);
    }
}

#[tokio::test]
async fn where_hashes_of_the_writer_are_missing_the_records_are_read() {
    let mut log = Plain::new().await;
    let mut tiles = log.tiles();
    tiles.grow(&log.tip(), &Leaves::default()).unwrap();
    drop(log.add(&[b"{\"missed\":1}\n"]));
    let later = log.add_many(READ_BACK_MAX + 10);
    assert!(later.of(1, log.tree.size()).is_none() && later.of(2, log.tree.size()).is_some());
    tiles.grow(&log.tip(), &later).unwrap();
    assert_eq!(
        Fetched { directory: log.folder.path(), size: log.tree.size() }.hash(0, log.tree.size()),
        log.tree.root()
    );
}

/// Under a load of which tiles are made by hashes, the disk fails, the log is opened anew, and goes on.
#[tokio::test]
async fn tiles_grow_on_over_a_log_that_is_opened_anew_under_load() {
    let (house, deeds) = (House::new(), Arc::new(Deeds::default()));
    let log = house.open_of(LARGE_SEGMENT_BYTES, &deeds, std::time::Duration::from_secs(60));
    let tasks = Tasks::new();
    let mut recorded = 0;
    for round in 0..3_u32 {
        let (_, syncs) = deeds.counts();
        // In the midst of each round but the last.
        let failing = if round < 2 { syncs + 20 } else { 0 };
        deeds.failing_sync.store(failing, Ordering::SeqCst);
        let callers: Vec<_> = (0..64)
            .map(|_| {
                let log = log.clone();
                tasks.spawn(async move {
                    let mut done = 0_u32;
                    for _ in 0..80 {
                        let told = log.refusal(&facts(1, None), Reason::Revoked, &forbidden(), NOW).await;
                        done += u32::from(told.reply().status.as_u16() == 403);
                    }
                    done
                })
            })
            .collect();
        let mut done = 0;
        for caller in callers {
            done += caller.await.unwrap();
        }
        assert!(round == 2 || done < 64 * 80, "the fault was hit");
        recorded += done;
        until("the log", || log.is_open());
    }
    assert!(u64::from(recorded) > READ_BACK_MAX);
    drop(log);
    house.until_ended();
    assert!(house.metrics.render().contains("portcullis_audit_reopened_total 2\n"));
    assert!(house.metrics.render().contains("portcullis_audit_tile_failures_total 0\n"));
    let refusals = house.records().iter().filter(|record| record["kind"] == "refusal").count();
    assert_eq!(refusals, usize::try_from(recorded).unwrap());
    prove_all(house.folder.path());
    // And the next start goes on from them.
    refuse(&house.open().0, 3).await;
    house.until_ended();
    prove_all(house.folder.path());
}

#[tokio::test]
async fn tiles_that_cannot_be_written_are_counted_and_told_and_checkpoints_go_on() {
    let house = House::new();
    let log = house.open().0;
    let place = house.folder.path().join("tile");
    until("the first tiles", || place.is_dir());
    // Whoever is in the midst of writing there begins again.
    until("a file in their place", || {
        let _ = fs::remove_dir_all(&place);
        fs::write(&place, b"").is_ok()
    });
    refuse(&log, 3).await;
    until("a checkpoint", || log.checkpoint().unwrap().size() == 4);
    assert!(log.is_unattested(std::time::Duration::ZERO));
    assert!(!house.metrics.render().contains("portcullis_audit_tile_failures_total 0\n"));
    fs::remove_file(&place).unwrap();
    refuse(&log, 1).await;
    until("tiles", || !log.is_unattested(std::time::Duration::ZERO));
    drop(log);
    house.until_ended();
    prove_all(house.folder.path());
}

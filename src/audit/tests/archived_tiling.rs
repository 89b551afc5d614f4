//! Tiles that go to the archive with their segments, and come back from there when nothing else holds them.

use crate::audit::Archive;
use crate::audit::ArchiveFault;
use crate::audit::Log;
use crate::audit::Note;
use crate::audit::Oldest;
use crate::audit::Retention;
use crate::audit::Settings;
use crate::audit::Standing;
use crate::audit::archived_tiles;
use crate::audit::checkpoint;
use crate::audit::segment;
use crate::audit::tests::harness::*;
use crate::audit::tests::tiling::tiles;
use crate::audit::tile_places;
use crate::audit::tiles::TileFault;
use crate::audit::tiles::Tiles;
use crate::clock::ManualClock;
use crate::clock::UnixMillis;
use std::fs;
use std::path::Path;
use std::sync::Arc;

const DAY_MS: u64 = 86_400_000;
/// Everything is attested, nothing is exported, all is stored.
const FREE: Standing = Standing { attested: u64::MAX, exported: None, stored: true };
/// So many that the lowest level has full tiles before the segments that stay.
const RECORDS: usize = 300;

/// A log that began days ago and goes on today, and its archive, to which everything of then has gone.
struct Gone {
    house: House,
    archive: tempfile::TempDir,
    now: UnixMillis,
    /// The first segment that is left.
    oldest: u64,
}

impl Gone {
    async fn new() -> Self {
        let (house, archive) = (House::new(), tempfile::tempdir().unwrap());
        for _ in 0..2 {
            let (log, _) = house.open();
            for _ in 0..RECORDS {
                let _noted = log.note(&facts(1, None), Note::Stop, NOW).await.unwrap();
            }
            drop(log);
            house.until_ended();
        }
        let now = NOW.plus(3 * DAY_MS);
        drop(house.open_at(now));
        house.until_ended();
        let mut keeper = keeper(&house, archive.path());
        while keeper.copy_next(now, u64::MAX).unwrap().is_some() {}
        while let Oldest::MayGo(going) = keeper.oldest(now, FREE).unwrap() {
            keeper.remove(&going).unwrap();
        }
        let oldest = segment::numbers(house.folder.path()).unwrap()[0];
        assert!(oldest > 1);
        Self { house, archive, now, oldest }
    }

    /// The next process, which writes one record more.
    async fn goes_on(&self) {
        let archive = Some(self.archive.path().to_owned());
        let settings = Settings { archive, ..self.house.settings() };
        let clock = Arc::new(ManualClock::new(self.now));
        let (log, _) = Log::open(settings, &key(), clock, Arc::clone(&self.house.metrics)).unwrap();
        let _noted = log.note(&facts(1, None), Note::Stop, self.now).await.unwrap();
        drop(log);
        self.house.until_ended();
    }

    fn log(&self) -> &Path {
        self.house.folder.path()
    }

    fn failures(&self) -> bool {
        !self.house.metrics.render().contains("portcullis_audit_tile_failures_total 0\n")
    }

    /// Every tile that the newest checkpoint needs is there.
    fn is_whole(&self) -> bool {
        let size = checkpoint::newest(self.log(), &signer()).unwrap().unwrap().size();
        tile_places::of_segment(self.log(), 0, size).unwrap().is_some()
    }
}

fn keeper(house: &House, archive: &Path) -> Archive {
    Archive::new(house.folder.path().to_owned(), Retention { age_ms: 30 * 3_600_000, archive: archive.to_owned() })
}

/// The full tiles, which never change.
fn full(folder: &Path) -> Vec<(String, Vec<u8>)> {
    tiles(folder).into_iter().filter(|(name, _)| !name.contains(".p/")).collect()
}

#[tokio::test]
async fn tiles_whose_segments_are_gone_come_back_from_the_archive_whichever_of_them_are_missing() {
    let gone = Gone::new().await;
    let made = full(gone.log());
    assert!(made.iter().any(|(name, _)| name == "tile/0/001"));
    let names: Vec<String> = tiles(gone.log()).into_keys().chain(["tile".to_owned()]).collect();
    for name in names {
        let path = gone.log().join(&name);
        if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) }.unwrap();
        gone.goes_on().await;
        assert!(gone.is_whole(), "{name}");
        let all = full(gone.log());
        assert!(all.starts_with(&made) || made.iter().all(|one| all.contains(one)), "{name}");
    }
    assert!(!gone.failures());
    assert!(!segment::path(gone.log(), gone.oldest - 1).exists(), "no segment came back");
}

#[tokio::test]
async fn what_does_not_come_to_the_tree_of_the_segments_that_are_left_is_not_taken_from_the_archive() {
    let gone = Gone::new().await;
    // The whole tile, one hash of it, and the end of the highest level.
    let highest = tiles(gone.archive.path()).into_keys().rfind(|name| name.starts_with("tile/1/000.p/")).unwrap();
    for name in ["tile/0/000".to_owned(), highest] {
        let place = gone.archive.path().join(&name);
        let good = fs::read(&place).unwrap();
        let mut changed = good.clone();
        *changed.last_mut().unwrap() ^= 1;
        for bytes in [Some(&changed[..]), Some(&good[..good.len() - 1]), None] {
            bytes.map_or_else(|| fs::remove_file(&place), |bytes| fs::write(&place, bytes)).unwrap();
            fs::remove_dir_all(gone.log().join("tile")).unwrap();
            let resumed = archived_tiles::resume(gone.log(), Some(gone.archive.path()));
            assert!(matches!(resumed, Err(TileFault::Gone)), "{name}");
            let whole = Tiles::resume(gone.log());
            assert!(whole.is_err(), "{name}: nothing says that they are whole");
            fs::write(&place, &good).unwrap();
            archived_tiles::resume(gone.log(), Some(gone.archive.path())).unwrap();
        }
    }
}

#[tokio::test]
async fn a_segment_waits_for_its_tiles_and_what_the_archive_holds_in_their_place_keeps_it_here() {
    let (house, folder) = (House::new(), tempfile::tempdir().unwrap());
    let (log, _) = house.open();
    for _ in 0..3 {
        let _noted = log.note(&facts(1, None), Note::Stop, NOW).await.unwrap();
    }
    drop(log);
    house.until_ended();
    let now = NOW.plus(3 * DAY_MS);
    // It ended when the next began, which was then; a start needs it no more since the third began.
    for at in [NOW, now] {
        drop(house.open_at(at));
        house.until_ended();
    }
    let aside = house.folder.path().join("aside");
    fs::rename(house.folder.path().join("tile"), &aside).unwrap();
    let mut archive = keeper(&house, folder.path());
    assert_eq!(archive.copy_next(now, u64::MAX).unwrap(), None, "they are not made yet");
    assert!(tiles_are_not(folder.path()));
    fs::rename(&aside, house.folder.path().join("tile")).unwrap();
    assert_eq!(archive.copy_next(now, u64::MAX).unwrap().unwrap().segment, 1);
    let (name, good) = tiles(folder.path()).pop_first().unwrap();
    let place = folder.path().join(&name);
    let mut changed = good.clone();
    changed[0] ^= 1;
    for bytes in [&changed[..], b""] {
        fs::write(&place, bytes).unwrap();
        assert!(matches!(archive.oldest(now, FREE), Err(ArchiveFault::Differs { path }) if path == place));
        let again = keeper(&house, folder.path()).copy_next(now, u64::MAX);
        assert!(matches!(again, Err(ArchiveFault::Differs { .. })), "it is not ours to write over");
    }
    fs::write(&place, &good).unwrap();
    assert!(matches!(archive.oldest(now, FREE).unwrap(), Oldest::MayGo(_)));
}

fn tiles_are_not(folder: &Path) -> bool {
    !folder.join("tile").exists() && fs::read_dir(folder).unwrap().next().is_none()
}

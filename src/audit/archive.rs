//! Retention: segments that are old enough are copied to an archive, and removed once nothing needs them here.
//!
//! A segment is **copied** when it has ended for longer than the configured age, and a signed checkpoint covers all of it. Before
//! that its records are counted and hashed, from its own head to the head of the next segment: what is damaged is never taken for
//! the record. The copy is `segment-NNNNNNNNNN.jsonl.gz` (RFC 1952) with the segment's checkpoints beside it, and its tiles under
//! their own names ([`tile_places`](crate::audit::tile_places)), durable, and read back from the disk. Tiles that are not made
//! yet are waited for.
//!
//! It is **removed** when it is the oldest one here, recovery does not need it any more, every export has passed it, every
//! revocation is stored, and the copy, read once more, still is the segment byte for byte. What is not exported or not attested
//! is never removed, however full the disk is; a full archive leaves segments where they are. The heads of those that stay tell
//! the tree of all that were before, so the log goes on to verify without them.
//!
//! Nothing here runs by itself: [`Archive::copy_next`] and [`Archive::oldest`] do one segment's work and say what they did.

use crate::audit::read::Line;
use crate::audit::read::Lines;
use crate::audit::record::Head;
use crate::audit::recover::DISORDER_MS;
use crate::audit::recover::is_zero;
use crate::audit::segment;
use crate::audit::tile_places;
use crate::audit::tile_places::Tile;
use crate::audit::tree::leaf_hash;
use crate::clock::UnixMillis;
use crate::crypto::sha256;
use crate::limits::REMEMBERED_MS;
use crate::model::Sha256;
use flate2::Compression;
use flate2::bufread::GzDecoder;
use flate2::write::GzEncoder;
use rustix::fs::Advice;
use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;

/// The shortest age that may be configured, in seconds: recovery and repeated keys read the last 24 hours, and a minute of
/// disorder.
pub const LEAST_AGE_S: u64 = 25 * 3_600;

/// The longest age, in seconds: a hundred years.
pub const LONGEST_AGE_S: u64 = 36_500 * 86_400;

/// The longest head of a segment, in bytes: 64 hashes and a name.
pub(super) const HEAD_MAX_BYTES: u64 = 16 * 1024;

/// What is kept here, and where the rest goes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Retention {
    /// How long after its end a segment stays, in milliseconds.
    pub age_ms: u64,
    /// The folder of the archive.
    pub archive: PathBuf,
}

/// The archive of one log.
#[derive(Debug)]
pub struct Archive {
    log: PathBuf,
    retention: Retention,
    /// The last segment that is known to be copied.
    copied: u64,
}

/// A segment of the log that is in the archive.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Archived {
    /// Its number.
    pub segment: u64,
    /// How many records lie before it.
    pub from: u64,
    /// How many records there are with it.
    pub to: u64,
    /// The digest of its bytes, not compressed.
    pub digest: Sha256,
}

/// What keeps the oldest segment, which is old enough, from being removed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Held {
    /// No signed checkpoint covers all of it.
    Unattested,
    /// An export has not passed it.
    Unexported,
    /// A revocation is in force and not stored.
    Unstored,
}

/// What others say of the log.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Standing {
    /// How many records the newest checkpoint covers.
    pub attested: u64,
    /// The segment that the slowest export reads; `None` where there is no export.
    pub exported: Option<u64>,
    /// Whether every revocation in force is stored.
    pub stored: bool,
}

/// What became of the oldest segment's turn.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Oldest {
    /// It stays: it is too young, or not copied yet.
    Stays,
    /// It is old enough, and something keeps it.
    Held(Held),
    /// It may go; see [`Archive::remove`].
    MayGo(Archived),
}

/// Why a segment is not archived, or not removed. It stays where it is.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveFault {
    /// A file or folder cannot be read, written or synced: the archive is full, for instance.
    #[error("`{}` cannot be used", .path.display())]
    Io {
        /// Which one.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The segment does not lead from its own head to that of the next one.
    #[error("`{}` does not hold the records that the next segment tells of", .path.display())]
    Damaged {
        /// The segment.
        path: PathBuf,
    },
    /// The archive holds something else under this name: a copy that is damaged, or another log's.
    #[error("`{}` in the archive holds something else", .path.display())]
    Differs {
        /// The copy.
        path: PathBuf,
    },
}

/// A segment that has ended, and where.
struct Ended {
    number: u64,
    /// The head of the next one.
    next: Head,
    at: UnixMillis,
}

impl Archive {
    /// The archive of the log in this folder.
    #[must_use]
    pub const fn new(log: PathBuf, retention: Retention) -> Self {
        Self { log, retention, copied: 0 }
    }

    /// Copies the first segment that is old enough and not known to be copied; `None` where there is none, or where the archive
    /// has it already, and then the next call takes the one after it. One segment's work at most. Blocks on files.
    ///
    /// # Errors
    /// [`ArchiveFault`]; the segment stays as it is, and no half copy of it is left.
    pub fn copy_next(&mut self, now: UnixMillis, attested: u64) -> Result<Option<Archived>, ArchiveFault> {
        let numbers = segment::numbers(&self.log).map_err(io_at(&self.log))?;
        let Some(number) = numbers.into_iter().find(|number| *number > self.copied) else { return Ok(None) };
        let Some(ended) = self.ended(number)? else { return Ok(None) };
        if !self.is_old(&ended, now) || ended.next.tree.size() > attested {
            return Ok(None);
        }
        let (archived, bytes) = self.whole(&ended)?;
        let Some(tiles) = self.tiles(&archived)? else { return Ok(None) };
        let fresh = self.copy(number, &bytes, &tiles)?;
        self.copied = number;
        Ok(fresh.then_some(archived))
    }

    /// Whether the oldest segment may go. Blocks on files.
    ///
    /// # Errors
    /// [`ArchiveFault`]; it stays then.
    pub fn oldest(&self, now: UnixMillis, standing: Standing) -> Result<Oldest, ArchiveFault> {
        let numbers = segment::numbers(&self.log).map_err(io_at(&self.log))?;
        let Some(number) = numbers.first().copied() else { return Ok(Oldest::Stays) };
        let Some(ended) = self.ended(number)? else { return Ok(Oldest::Stays) };
        if !self.is_old(&ended, now) || !self.is_past_recovery(&ended, &numbers)? {
            return Ok(Oldest::Stays);
        }
        let held = if ended.next.tree.size() > standing.attested {
            Some(Held::Unattested)
        } else if standing.exported.is_some_and(|segment| segment <= number) {
            Some(Held::Unexported)
        } else {
            (!standing.stored).then_some(Held::Unstored)
        };
        if let Some(held) = held {
            return Ok(Oldest::Held(held));
        }
        if number > self.copied {
            return Ok(Oldest::Stays);
        }
        let (archived, bytes) = self.whole(&ended)?;
        let Some(tiles) = self.tiles(&archived)? else { return Ok(Oldest::Stays) };
        self.compare(&self.copy_of(number), &bytes)?;
        self.compare_checkpoints(number)?;
        self.compare_tiles(&tiles)?;
        Ok(Oldest::MayGo(archived))
    }

    /// Removes what [`oldest`](Self::oldest) said may go, and its checkpoints.
    ///
    /// # Errors
    /// What the system says; part of it may be left, and goes the next time.
    pub fn remove(&self, archived: &Archived) -> Result<(), ArchiveFault> {
        // The segment last: as long as it is there, it is the oldest, and its turn comes again.
        let path = segment::path(&self.log, archived.segment);
        for path in [segment::checkpoints(&self.log, archived.segment), path.with_extension("torn"), path] {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io_at(&path)(error)),
                _ => {}
            }
        }
        synced(&self.log)
    }

    const fn is_old(&self, ended: &Ended, now: UnixMillis) -> bool {
        now.get().saturating_sub(ended.at.get()) > self.retention.age_ms
    }

    /// Whether a start would find all that it needs without this segment, whatever the clock says by then: it reads back from
    /// the newest segment's own time.
    fn is_past_recovery(&self, ended: &Ended, numbers: &[u64]) -> Result<bool, ArchiveFault> {
        for number in numbers.iter().rev() {
            if let Some((_, began)) = self.head(*number)? {
                return Ok(began.get().saturating_sub(ended.at.get()) > REMEMBERED_MS + 2 * DISORDER_MS);
            }
        }
        Ok(false)
    }

    /// A segment, if the next one has begun.
    fn ended(&self, number: u64) -> Result<Option<Ended>, ArchiveFault> {
        let next = self.head(number.saturating_add(1))?;
        Ok(next.map(|(next, at)| Ended { number, next, at }))
    }

    /// The head of a segment, and when it was written; `None` where there is none yet.
    fn head(&self, number: u64) -> Result<Option<(Head, UnixMillis)>, ArchiveFault> {
        let path = segment::path(&self.log, number);
        let bytes = match first_line(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => read.map_err(io_at(&path))?,
        };
        let Some((_, line)) = Lines::new(&bytes).next() else { return Ok(None) };
        let line = Line::parse(line).ok_or_else(|| ArchiveFault::Damaged { path: path.clone() })?;
        let head = line.head().filter(|head| head.number == number);
        head.map(|head| Some((head, line.time))).ok_or(ArchiveFault::Damaged { path })
    }

    /// The records of a segment, if they are all there: from its own head they lead to the head of the next.
    fn whole(&self, ended: &Ended) -> Result<(Archived, Vec<u8>), ArchiveFault> {
        let path = segment::path(&self.log, ended.number);
        let mut bytes = fs::read(&path).map_err(io_at(&path))?;
        let damaged = || ArchiveFault::Damaged { path: path.clone() };
        let (head, _) = self.head(ended.number)?.ok_or_else(damaged)?;
        let from = head.tree.size();
        let mut tree = head.tree;
        let mut lines = Lines::new(&bytes);
        lines.by_ref().for_each(|(_, line)| tree.append(leaf_hash(line)));
        let end = lines.offset;
        if tree != ended.next.tree || !is_zero(bytes.get(end..).unwrap_or_default()) {
            return Err(damaged());
        }
        bytes.truncate(end);
        let archived = Archived { segment: ended.number, from, to: tree.size(), digest: sha256(&bytes) };
        Ok((archived, bytes))
    }

    /// Makes the copy durable and reads it back; whether it was not there before.
    fn copy(&self, number: u64, bytes: &[u8], tiles: &[Tile]) -> Result<bool, ArchiveFault> {
        let place = self.copy_of(number);
        let fresh = !place.exists();
        if fresh {
            self.place(&place, |file| {
                let mut packed = GzEncoder::new(file, Compression::default());
                packed.write_all(bytes)?;
                packed.finish()
            })?;
        }
        let notes = segment::checkpoints(&self.log, number);
        let kept = segment::checkpoints(&self.retention.archive, number);
        if notes.exists() && !kept.exists() {
            let notes = fs::read(&notes).map_err(io_at(&notes))?;
            self.place(&kept, |mut file| file.write_all(&notes).map(|()| file))?;
        }
        for tile in tiles {
            self.copy_tile(tile)?;
        }
        synced(&self.retention.archive)?;
        self.compare(&place, bytes)?;
        self.compare_checkpoints(number)?;
        self.compare_tiles(tiles)?;
        Ok(fresh)
    }

    /// Writes a file under another name, makes it durable, and gives it its own; nothing is left where that fails.
    fn place(&self, place: &Path, write: impl FnOnce(File) -> io::Result<File>) -> Result<(), ArchiveFault> {
        let part = place.with_added_extension("part");
        let write = || {
            let made = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part)?;
            let file = write(made)?;
            file.sync_all()?;
            // So that reading back reads the disk and not what the kernel remembers.
            rustix::fs::fadvise(&file, 0, None, Advice::DontNeed)?;
            fs::rename(&part, place)
        };
        write().map_err(|error| {
            let _ = fs::remove_file(&part);
            io_at(place)(error)
        })
    }

    /// Whether a copy holds these bytes, and nothing else.
    fn compare(&self, place: &Path, bytes: &[u8]) -> Result<(), ArchiveFault> {
        let file = File::open(place).map_err(io_at(place))?;
        let mut unpacked = BufReader::new(GzDecoder::new(BufReader::new(file)));
        let differs = || ArchiveFault::Differs { path: place.to_owned() };
        let mut rest = bytes;
        loop {
            let chunk = match unpacked.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if is_of_the_packing(&error) => return Err(differs()),
                Err(error) => return Err(io_at(place)(error)),
            };
            if chunk.is_empty() {
                return if rest.is_empty() { Ok(()) } else { Err(differs()) };
            }
            rest = rest.strip_prefix(chunk).ok_or_else(differs)?;
            let length = chunk.len();
            unpacked.consume(length);
        }
    }

    fn compare_checkpoints(&self, number: u64) -> Result<(), ArchiveFault> {
        let [notes, kept] =
            [&self.log, &self.retention.archive].map(|folder| segment::checkpoints(folder.as_path(), number));
        if !notes.exists() {
            return Ok(());
        }
        let read = |path: &Path| fs::read(path).map_err(io_at(path));
        if read(&notes)? == read(&kept)? { Ok(()) } else { Err(ArchiveFault::Differs { path: kept }) }
    }

    /// The tiles that go with a segment; `None` where they are not all made yet.
    fn tiles(&self, archived: &Archived) -> Result<Option<Vec<Tile>>, ArchiveFault> {
        tile_places::of_segment(&self.log, archived.from, archived.to).map_err(io_at(&self.log.join("tile")))
    }

    /// Puts a tile beside the copy, if nothing is there under its name, and makes the folders above it durable.
    fn copy_tile(&self, (place, hashes): &Tile) -> Result<(), ArchiveFault> {
        let path = place.path(&self.retention.archive);
        if path.exists() {
            return Ok(());
        }
        let folders = path.ancestors().skip(1).take_while(|folder| *folder != self.retention.archive);
        let folders: Vec<&Path> = folders.collect();
        folders.first().map_or(Ok(()), fs::create_dir_all).map_err(io_at(&path))?;
        self.place(&path, |mut file| file.write_all(&tile_places::bytes_of(hashes)).map(|()| file))?;
        folders.into_iter().try_for_each(synced)
    }

    /// Whether the archive holds these tiles.
    fn compare_tiles(&self, tiles: &[Tile]) -> Result<(), ArchiveFault> {
        for (place, hashes) in tiles {
            let path = place.path(&self.retention.archive);
            let kept = place.hashes(&self.retention.archive).map_err(io_at(&path))?;
            if kept.as_ref() != Some(hashes) {
                return Err(ArchiveFault::Differs { path });
            }
        }
        Ok(())
    }

    fn copy_of(&self, number: u64) -> PathBuf {
        segment::path(&self.retention.archive, number).with_added_extension("gz")
    }
}

impl Held {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Unattested, Self::Unexported, Self::Unstored];

    /// The stable word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unattested => "unattested",
            Self::Unexported => "unexported",
            Self::Unstored => "unstored",
        }
    }
}

/// The bytes of a segment up to its first line feed, or as many as its first line may have.
pub(super) fn first_line(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    BufReader::new(File::open(path)?.take(HEAD_MAX_BYTES)).read_until(b'\n', &mut bytes)?;
    Ok(bytes)
}

/// Whether reading failed for what stands there, and not for the disk.
fn is_of_the_packing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof)
}

fn synced(folder: &Path) -> Result<(), ArchiveFault> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(io_at(folder))
}

fn io_at(path: &Path) -> impl FnOnce(io::Error) -> ArchiveFault + use<> {
    let path = path.to_owned();
    move |source| ArchiveFault::Io { path, source }
}

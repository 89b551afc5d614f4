//! Attesting: the thread that signs checkpoints of what is durable, beside the commits and never in their way.
//!
//! The writer tells, after each commit, how far the log is durable, and the hashes of the records of that commit. This thread takes the newest of that, brings the hash tiles
//! so far ([`tiles`](crate::audit::tiles)), signs a checkpoint,
//! and puts it durably into the list of its segment and then in the place of the newest. So at least one is made in each second
//! in which there is something new, one at the end of each segment, and one at the end of the process. Only what lies in these
//! files is shown to anybody ([`Attested::newest`]).
//!
//! What fails is tried again after the same pause, is counted, and is told by `/readyz` once records have waited for longer than
//! [`LATE`]; so is a disk that hangs. Records go on meanwhile: they are durable, and the next checkpoint covers them.

use crate::audit::archived_tiles;
use crate::audit::checkpoint;
use crate::audit::checkpoint::Checkpoint;
use crate::audit::segment;
use crate::audit::storage::O_NOFOLLOW;
use crate::audit::tiles::Tiles;
use crate::audit::tree::Tree;
use crate::clock::Clock;
use crate::crypto::NoteSigner;
use crate::durable;
use crate::model::Sha256;
use crate::telemetry::Metrics;
use arc_swap::ArcSwapOption;
use parking_lot::Condvar;
use parking_lot::Mutex;
use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::FileExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;

/// The pause between two checkpoints: with making one, below a second.
const CHECKPOINT_PAUSE: Duration = Duration::from_millis(750);

/// Leaves that wait for their tiles at most, 16 MiB of them: what comes while nobody makes tiles is read from the segments later.
const LEAVES_KEPT: usize = 524_288;

/// Passes over after many failures to make tiles, as a power of two: every six minutes.
const TILE_RESTS_LOG2: u32 = 9;

/// For how long a durable record may be without a checkpoint before `/readyz` tells it.
const LATE: Duration = Duration::from_secs(5);

/// How far a segment is durable.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Tip {
    pub(super) segment: u64,
    pub(super) tree: Tree,
    /// Bytes of that segment that are durable.
    pub(super) end: u64,
    /// Nothing more comes into this segment.
    pub(super) ended: bool,
}

/// The hashes of the newest records as leaves, for tiles that do not have them yet.
#[derive(Debug, Default)]
pub(super) struct Leaves {
    /// How many records come before the first of them.
    before: u64,
    hashes: Vec<Sha256>,
}

/// What writer, thread and those who ask share.
#[derive(Default)]
pub(super) struct Attested {
    state: Mutex<State>,
    told: Condvar,
    newest: ArcSwapOption<Checkpoint>,
    /// The hash tiles could not be written when they last should.
    tiles_behind: AtomicBool,
}

#[derive(Default)]
struct State {
    /// The ends of segments that were ended, the oldest first.
    ended: Vec<Tip>,
    /// The end of the segment in use.
    current: Option<Tip>,
    /// The leaves since the thread took them last.
    leaves: Leaves,
    /// Whether no checkpoint of that was begun.
    fresh: bool,
    /// Since when a record has waited for its checkpoint, by the steady clock.
    waits_since: Option<Duration>,
    stopped: bool,
    /// The thread waits for something to do, and must be woken.
    idle: bool,
}

/// Signs, and keeps the files.
pub(super) struct Attester {
    pub(super) signer: Arc<NoteSigner>,
    pub(super) directory: PathBuf,
    pub(super) attested: Arc<Attested>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) metrics: Arc<Metrics>,
    archive: Option<PathBuf>,
    list: Option<List>,
    tiles: Option<Tiles>,
    leaves: Leaves,
    /// How many attempts to make tiles have failed in a row, and how many are passed over before the next.
    tile_failures: u32,
    tile_rests: u32,
}

/// The list of the checkpoints of one segment.
struct List {
    segment: u64,
    path: PathBuf,
    /// None behind an error: what a descriptor says afterwards means nothing, so that it is never asked again.
    file: Option<File>,
    /// Bytes of notes that are durable. What a write that failed left behind them is cut off.
    end: u64,
    /// How many records the last one in it covers.
    size: u64,
}

/// The thread; dropped, it makes the last checkpoint and ends.
pub(super) struct Attesting {
    attested: Arc<Attested>,
    thread: Option<JoinHandle<()>>,
}

impl Attested {
    /// The writer: all up to `tip` is durable, of which these leaves are the last; at `now` by the steady clock.
    pub(super) fn reached(&self, tip: Tip, leaves: Leaves, now: Duration) {
        let mut state = self.state.lock();
        state.leaves.add(leaves);
        state.current = Some(tip);
        state.fresh = true;
        state.waits_since.get_or_insert(now);
        if std::mem::take(&mut state.idle) {
            self.told.notify_one();
        }
    }

    /// The writer: the segment in use is ended.
    pub(super) fn ended(&self) {
        let mut state = self.state.lock();
        let current = state.current.take();
        state.ended.extend(current.map(|tip| Tip { ended: true, ..tip }));
        state.fresh = false;
        self.told.notify_one();
    }

    /// The newest checkpoint that is durable.
    pub(super) fn newest(&self) -> Option<Arc<Checkpoint>> {
        self.newest.load_full()
    }

    /// Whether records have waited for a checkpoint for too long, or hash tiles cannot be written, at `now` by the steady clock.
    pub(super) fn is_late(&self, now: Duration) -> bool {
        let late = self.state.lock().waits_since.is_some_and(|since| now.saturating_sub(since) > LATE);
        late || self.tiles_behind.load(Ordering::Relaxed)
    }

    /// Waits until there is something to attest, unless something waits already, and adds it: of each segment its last end.
    /// `false` when nothing more will come.
    fn take(&self, waiting: &mut Vec<Tip>, leaves: &mut Leaves) -> bool {
        let behind = self.tiles_behind.load(Ordering::Relaxed);
        let mut state = self.state.lock();
        while waiting.is_empty() && state.ended.is_empty() && !state.fresh && !state.stopped {
            state.idle = true;
            if behind {
                self.told.wait_for(&mut state, CHECKPOINT_PAUSE);
                break;
            }
            self.told.wait(&mut state);
        }
        state.idle = false;
        // Again where tiles are behind; and the last time all that there is, so that its tiles are made durable.
        let wanted = std::mem::take(&mut state.fresh) || state.stopped || behind;
        let ended = state.stopped;
        let current = state.current.clone().filter(|_| wanted).map(|tip| Tip { ended, ..tip });
        leaves.add(std::mem::take(&mut state.leaves));
        for tip in std::mem::take(&mut state.ended).into_iter().chain(current) {
            waiting.retain(|other| other.segment != tip.segment);
            waiting.push(tip);
        }
        !state.stopped
    }

    /// Lets time pass, unless a segment or all ends.
    fn pause(&self) {
        let mut state = self.state.lock();
        self.told.wait_while_for(&mut state, |state| !state.stopped && state.ended.is_empty(), CHECKPOINT_PAUSE);
    }

    /// Everything that was taken is attested; what came since has waited since `now` at most.
    fn caught_up(&self, now: Duration) {
        let mut state = self.state.lock();
        let more = state.fresh || !state.ended.is_empty();
        state.waits_since = more.then_some(now);
    }
}

impl Leaves {
    /// These leaves, the first of them behind so many records.
    pub(super) const fn new(before: u64, hashes: Vec<Sha256>) -> Self {
        Self { before, hashes }
    }

    /// Adds what follows. What does not, or is more than may be kept, replaces what was there: then tiles read their records.
    fn add(&mut self, mut more: Self) {
        if more.hashes.is_empty() {
            return;
        }
        let follows = self.before + self.hashes.len() as u64 == more.before;
        if follows && self.hashes.len() + more.hashes.len() <= LEAVES_KEPT {
            self.hashes.append(&mut more.hashes);
        } else {
            *self = more;
        }
    }

    /// Those of the records from `from` up to `to`, if all of them are there.
    pub(super) fn of(&self, from: u64, to: u64) -> Option<&[Sha256]> {
        let place = |size: u64| usize::try_from(size.checked_sub(self.before)?).ok();
        self.hashes.get(place(from)?..place(to)?)
    }

    fn drop_before(&mut self, size: u64) {
        let gone = size.saturating_sub(self.before).min(self.hashes.len() as u64);
        self.hashes.drain(..usize::try_from(gone).unwrap_or(self.hashes.len()));
        self.before += gone;
    }
}

impl Attester {
    pub(super) fn new(
        signer: Arc<NoteSigner>,
        directory: PathBuf,
        attested: Arc<Attested>,
        clock: Arc<dyn Clock>,
        metrics: Arc<Metrics>,
    ) -> Self {
        let (archive, list, tiles, leaves) = (None, None, None, Leaves::default());
        let (tile_failures, tile_rests) = (0, 0);
        Self { signer, directory, attested, clock, metrics, archive, list, tiles, leaves, tile_failures, tile_rests }
    }

    /// Takes tiles whose segments are gone from this archive.
    pub(super) fn with_archive(self, archive: Option<PathBuf>) -> Self {
        Self { archive, ..self }
    }

    /// Makes the first checkpoint, and starts the thread.
    ///
    /// # Errors
    /// What the system says, and of which file.
    pub(super) fn start(mut self, first: &Tip) -> Result<Attesting, (PathBuf, io::Error)> {
        let vkey = self.directory.join("log.vkey");
        let written = format!("{}\n", self.signer.vkey());
        if fs::read_to_string(&vkey).ok().as_ref() != Some(&written) {
            durable::replace(&vkey, written.as_bytes()).map_err(|error| (vkey, error))?;
        }
        self.attest(first).map_err(|error| (checkpoint::path(&self.directory), error))?;
        // Its tiles come from the thread, since making all of a long log anew takes its time.
        self.attested.reached(first.clone(), Leaves::default(), self.clock.steady());
        let attested = Arc::clone(&self.attested);
        let directory = self.directory.clone();
        let thread = thread::Builder::new().name("audit-checkpoints".to_owned()).spawn(move || self.run());
        Ok(Attesting { attested, thread: Some(thread.map_err(|error| (directory, error))?) })
    }

    fn run(mut self) {
        let mut waiting = Vec::new();
        loop {
            let goes_on = self.attested.take(&mut waiting, &mut self.leaves);
            let began = self.clock.steady();
            match self.attest_all(&mut waiting) {
                Ok(()) => self.attested.caught_up(began),
                Err(error) => {
                    self.metrics.audit_checkpoint_failed();
                    tracing::error!(%error, "no checkpoint of the audit log can be made; it is tried again");
                }
            }
            if !goes_on {
                return;
            }
            self.attested.pause();
        }
    }

    /// Attests all that waits, the oldest first; what fails stays.
    fn attest_all(&mut self, waiting: &mut Vec<Tip>) -> io::Result<()> {
        while let Some(tip) = waiting.first() {
            self.tile(tip);
            self.attest(tip)?;
            waiting.remove(0);
        }
        Ok(())
    }

    /// Brings the tiles so far. Where that fails the checkpoint is made all the same: vouching for what was written comes first.
    /// Making them anew may mean to read the whole log, so that it is tried more and more rarely.
    fn tile(&mut self, tip: &Tip) {
        if self.tile_rests > 0 && !tip.ended {
            self.tile_rests -= 1;
            return;
        }
        let tiles =
            self.tiles.take().map_or_else(|| archived_tiles::resume(&self.directory, self.archive.as_deref()), Ok);
        let grown = tiles.and_then(|mut tiles| {
            tiles.grow(tip, &self.leaves)?;
            if tip.ended {
                tiles.sync()?;
            }
            Ok(tiles)
        });
        self.attested.tiles_behind.store(grown.is_err(), Ordering::Relaxed);
        match grown {
            Ok(tiles) => {
                self.leaves.drop_before(tip.tree.size());
                self.tiles = Some(tiles);
                self.tile_failures = 0;
            }
            Err(error) => {
                self.tile_failures = self.tile_failures.saturating_add(1);
                self.tile_rests = 1 << self.tile_failures.min(TILE_RESTS_LOG2);
                self.metrics.audit_tiles_failed();
                tracing::error!(%error, "the hash tiles of the audit log do not grow; it is tried again");
            }
        }
    }

    fn attest(&mut self, tip: &Tip) -> io::Result<()> {
        if self.attested.newest().is_some_and(|newest| newest.size() == tip.tree.size()) {
            return Ok(());
        }
        let checkpoint = Checkpoint::sign(&self.signer, &tip.tree);
        let list = match self.list.take() {
            Some(list) if list.segment == tip.segment => list,
            _ => List::create(&self.directory, tip.segment)?,
        };
        let list = self.list.insert(list);
        list.append(&checkpoint)?;
        durable::replace(&checkpoint::path(&self.directory), checkpoint.note().as_bytes())?;
        self.metrics.audit_checkpoint(checkpoint.size());
        self.attested.newest.store(Some(Arc::new(checkpoint)));
        Ok(())
    }
}

impl List {
    fn create(directory: &Path, segment: u64) -> io::Result<Self> {
        let path = segment::checkpoints(directory, segment);
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path)?;
        File::open(directory)?.sync_all()?;
        Ok(Self { segment, path, file: Some(file), end: 0, size: 0 })
    }

    /// Opens the file anew, by its name, and makes it end behind what is durable; that writes its last block once more.
    fn reopen(&self) -> io::Result<File> {
        let file = OpenOptions::new().write(true).custom_flags(O_NOFOLLOW).open(&self.path)?;
        if file.metadata()?.len() < self.end {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the list of checkpoints is shorter than it was"));
        }
        file.set_len(self.end)?;
        Ok(file)
    }

    fn append(&mut self, checkpoint: &Checkpoint) -> io::Result<()> {
        if self.size == checkpoint.size() {
            // An attempt that failed behind this had come so far.
            return Ok(());
        }
        let gap = if self.end == 0 { "" } else { "\n" };
        let bytes = [gap, checkpoint.note()].concat();
        let file = self.file.take().map_or_else(|| self.reopen(), Ok)?;
        file.write_all_at(bytes.as_bytes(), self.end)?;
        file.sync_data()?;
        self.file = Some(file);
        self.end += bytes.len() as u64;
        self.size = checkpoint.size();
        Ok(())
    }
}

impl Drop for Attesting {
    fn drop(&mut self) {
        {
            let mut state = self.attested.state.lock();
            state.stopped = true;
        }
        self.attested.told.notify_one();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::tests::harness::signer;

    fn checkpoint(records: usize) -> Checkpoint {
        let mut tree = Tree::default();
        (0..records).for_each(|record| tree.append_lines(format!("{record}\n").as_bytes()));
        Checkpoint::sign(&signer(), &tree)
    }

    /// `/dev/null` takes every byte and cannot make one durable: only the system itself can say so.
    #[test]
    fn a_list_that_could_not_be_made_durable_is_opened_anew_and_cut_behind_what_was() {
        let folder = tempfile::tempdir().unwrap();
        let mut list = List::create(folder.path(), 1).unwrap();
        list.append(&checkpoint(1)).unwrap();
        let null = OpenOptions::new().write(true).open("/dev/null").unwrap();
        assert_eq!(null.sync_data().unwrap_err().raw_os_error(), Some(rustix::io::Errno::INVAL.raw_os_error()));
        list.file = Some(null);
        assert!(list.append(&checkpoint(2)).is_err());
        assert!(list.file.is_none(), "nobody asks that descriptor again");
        // What the write that failed may have left, and longer than what comes.
        let path = segment::checkpoints(folder.path(), 1);
        let left = [fs::read(&path).unwrap(), vec![b'x'; 2_000]].concat();
        fs::write(&path, left).unwrap();
        list.append(&checkpoint(3)).unwrap();
        let (listed, end) = checkpoint::listed(&path, &signer()).unwrap();
        assert_eq!(listed.iter().map(Checkpoint::size).collect::<Vec<_>>(), [1, 3]);
        assert_eq!(end, fs::metadata(&path).unwrap().len(), "and nothing behind them");
    }

    #[test]
    fn a_list_that_is_shorter_than_it_was_or_somewhere_else_takes_nothing_more() {
        let folder = tempfile::tempdir().unwrap();
        let path = segment::checkpoints(folder.path(), 1);
        let mut list = List::create(folder.path(), 1).unwrap();
        list.append(&checkpoint(1)).unwrap();
        let whole = fs::read(&path).unwrap();
        list.file = None;
        fs::write(&path, &whole[1..]).unwrap();
        assert_eq!(list.append(&checkpoint(2)).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        fs::rename(&path, folder.path().join("elsewhere")).unwrap();
        std::os::unix::fs::symlink(folder.path().join("elsewhere"), &path).unwrap();
        assert!(list.append(&checkpoint(2)).is_err());
        fs::remove_file(&path).unwrap();
        fs::write(&path, &whole).unwrap();
        list.append(&checkpoint(2)).unwrap();
    }
}

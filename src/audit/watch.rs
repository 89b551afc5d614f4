//! The watch: whether the files of the log are still those that this process writes.
//!
//! A descriptor goes on taking bytes when its file was deleted, moved or replaced, and an effect would then be on a record
//! that nobody finds. So every half second a thread of its own compares what stands under each name with what was made
//! there: device, inode, owner's permission and length of the segment in use and of every finished segment of this process;
//! and of their directory that it is the same one, may be written, and lies on a file system that may. What differs closes
//! the gate, is told once in the log, and stands in `/-/status` and in a metric until it was put right.
//!
//! The length of the segment in use is held against what was written ahead, not only against what is durable: the next
//! batch writes behind its own place, and would make a file that was cut long enough again.
//!
//! What is changed within a file is not seen here: `portcullis audit verify` finds it.

use crate::audit::segment;
use crate::audit::space::Room;
use crate::audit::space::Space;
use crate::clock::Clock;
use crate::telemetry::Metrics;
use parking_lot::Condvar;
use parking_lot::Mutex;
use rustix::fs::Access;
use rustix::fs::AtFlags;
use rustix::fs::StatVfsMountFlags;
use rustix::io::Errno;
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// Between two looks; so a fault is noticed within a second, the look itself included.
const LOOKS_EVERY: Duration = Duration::from_millis(500);
/// What the owner must be allowed: reading and writing a file.
const FILE_MODE: u32 = 0o600;
/// Making and finding files in a directory.
const DIRECTORY_MODE: u32 = 0o300;

/// Which file it is, and how it stood.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Placed {
    device: u64,
    inode: u64,
    owner: u32,
    mode: u32,
    length: u64,
}

/// What happened to a file of the log.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Disturbed {
    /// Nothing stands under its name.
    Deleted,
    /// Something else does.
    Replaced,
    /// It is shorter than what was written.
    Truncated,
    /// It may not be read and written any more.
    Forbidden,
    /// Its file system takes no writes.
    ReadOnly,
    /// The system cannot say.
    Unreadable,
}

/// A file of the log that is not what it was.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Disturbance {
    /// Its name in the directory; of the directory itself the name of that.
    pub file: String,
    /// What happened to it.
    pub what: Disturbed,
}

/// What is watched. The writer tells of its segments; the thread looks.
pub(super) struct Watch {
    directory: Option<Directory>,
    state: Mutex<State>,
    changed: Condvar,
    metrics: Arc<Metrics>,
    space: Arc<Space>,
    clock: Arc<dyn Clock>,
}

struct Directory {
    path: PathBuf,
    placed: Placed,
}

#[derive(Default)]
struct State {
    /// In their order; the last is in use.
    segments: Vec<Expected>,
    /// What was found and not put right.
    disturbance: Option<Disturbance>,
    stopped: bool,
}

/// A segment of this process.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Expected {
    number: u64,
    placed: Placed,
    /// Bytes that are durable in it.
    durable: u64,
    finished: bool,
}

impl Watch {
    /// Watches segments in `directory`; where that has no name there are no files to be watched.
    pub(super) fn over(
        path: &Path,
        space: Arc<Space>,
        clock: Arc<dyn Clock>,
        metrics: Arc<Metrics>,
    ) -> io::Result<Self> {
        let directory = match path.as_os_str().is_empty() {
            true => None,
            false => Some(Directory { path: path.to_owned(), placed: Placed::of(&path.metadata()?) }),
        };
        Ok(Self { directory, state: Mutex::default(), changed: Condvar::new(), metrics, space, clock })
    }

    /// Starts the thread that looks; `close` is called when something is found.
    pub(super) fn start(self: &Arc<Self>, close: impl Fn() + Send + 'static) -> io::Result<()> {
        if self.directory.is_none() {
            return Ok(());
        }
        let watch = Arc::clone(self);
        thread::Builder::new().name("audit-watch".to_owned()).spawn(move || watch.run(close))?;
        Ok(())
    }

    /// The writer goes on to this segment; what it wrote before is finished.
    pub(super) fn begins(&self, number: u64, placed: Option<Placed>) {
        let mut state = self.state.lock();
        if let Some(last) = state.segments.last_mut() {
            last.finished = true;
        }
        let begun = placed.map(|placed| Expected { number, placed, durable: 0, finished: false });
        state.segments.extend(begun);
    }

    /// A finished segment is archived, and about to be removed.
    pub(super) fn goes(&self, number: u64) {
        self.state.lock().segments.retain(|segment| segment.number != number);
    }

    /// So many bytes of the segment in use are durable.
    pub(super) fn durable(&self, end: u64) {
        if let Some(last) = self.state.lock().segments.last_mut() {
            last.durable = end;
        }
    }

    /// The log was opened anew: the segment that was in use is this file now, or another in its place was begun anew, and the
    /// one in use has this number and so many durable bytes.
    pub(super) fn reopened(&self, old: Option<Placed>, number: u64, placed: Option<Placed>, end: u64) {
        let mut state = self.state.lock();
        if let Some(mut last) = state.segments.pop()
            && let Some(placed) = old
        {
            (last.placed, last.finished) = (placed, true);
            state.segments.push(last);
        }
        let begun = placed.map(|placed| Expected { number, placed, durable: end, finished: false });
        state.segments.extend(begun);
        state.disturbance = None;
        self.metrics.audit_disturbed(None);
    }

    /// The same look, but for the segment in use.
    pub(super) fn look_behind(&self) -> Option<Disturbance> {
        let mut segments = self.state.lock().segments.clone();
        segments.pop();
        self.compare(&segments)
    }

    /// What was found and not put right.
    pub(super) fn disturbance(&self) -> Option<Disturbance> {
        self.state.lock().disturbance.clone()
    }

    /// Ends the thread, soon.
    pub(super) fn stop(&self) {
        self.state.lock().stopped = true;
        self.changed.notify_all();
    }

    fn run(&self, close: impl Fn()) {
        while self.waits() {
            if let Some(found) = self.look()
                && self.notes(&found)
            {
                close();
            }
        }
    }

    /// Waits for the next look; `false` when there is none.
    fn waits(&self) -> bool {
        let mut state = self.state.lock();
        self.changed.wait_while_for(&mut state, |state| !state.stopped, LOOKS_EVERY);
        !state.stopped
    }

    /// Takes note of what was found; `false` where it is known already, or the log ends.
    fn notes(&self, found: &Disturbance) -> bool {
        let mut state = self.state.lock();
        if state.stopped || state.disturbance.as_ref() == Some(found) {
            return false;
        }
        let Disturbance { file, what } = found;
        tracing::error!(file, what = what.word(), "a file of the audit log is not what it was; nothing is let through");
        self.metrics.audit_disturbed(Some((file.as_str(), what.word())));
        state.disturbance = Some(found.clone());
        true
    }

    /// Compares everything with what stands there by name; the first thing that differs.
    fn look(&self) -> Option<Disturbance> {
        let expected = self.state.lock().segments.clone();
        self.compare(&expected)
    }

    fn compare(&self, expected: &[Expected]) -> Option<Disturbance> {
        let directory = self.directory.as_ref()?;
        let told = |file: &Path, what| {
            let file = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned();
            Disturbance { file, what }
        };
        match directory.look() {
            Ok(free) => {
                let ahead = expected.last().map_or(0, |last| last.ahead(&directory.path));
                self.space.measured(Room { free, ahead }, self.clock.steady());
            }
            Err(what) => return Some(told(&directory.path, what)),
        }
        for segment in expected {
            let path = segment::path(&directory.path, segment.number);
            let found = segment.compare(path.symlink_metadata().map(|found| Placed::of(&found)));
            // What the writer did meanwhile, such as finishing it, is no fault; the next look sees.
            if let Some(what) = found
                && self.state.lock().segments.contains(segment)
            {
                return Some(told(&path, what));
            }
        }
        None
    }
}

impl Directory {
    /// How many bytes its file system has free for us.
    fn look(&self) -> Result<u64, Disturbed> {
        let now = Placed::of(&self.path.metadata().map_err(|error| Disturbed::by(&error))?);
        if !now.is_same_file(&self.placed) {
            return Err(Disturbed::Replaced);
        }
        let system = rustix::fs::statvfs(&self.path).map_err(|error| Disturbed::by(&error.into()))?;
        if system.f_flag.contains(StatVfsMountFlags::RDONLY) {
            return Err(Disturbed::ReadOnly);
        }
        // The kernel is asked for what it would allow; a root that is allowed everything goes by the bits all the same.
        let access = Access::WRITE_OK | Access::EXEC_OK;
        let asked = rustix::fs::accessat(rustix::fs::CWD, &self.path, access, AtFlags::EACCESS);
        let own = self.placed.owner == rustix::process::geteuid().as_raw();
        let lost = own && self.placed.has(DIRECTORY_MODE) && !now.has(DIRECTORY_MODE);
        if lost || asked == Err(Errno::ACCESS) {
            return Err(Disturbed::Forbidden);
        }
        Ok(system.f_bavail.saturating_mul(system.f_frsize))
    }
}

impl Expected {
    /// Bytes that are written ahead and not used: behind what is durable, and of the next segment.
    fn ahead(&self, directory: &Path) -> u64 {
        let next = segment::path(directory, self.number + 1).symlink_metadata();
        self.placed.length.saturating_sub(self.durable).saturating_add(next.map_or(0, |next| next.len()))
    }

    fn compare(&self, found: io::Result<Placed>) -> Option<Disturbed> {
        let found = match found {
            Ok(found) => found,
            Err(error) => return Some(Disturbed::by(&error)),
        };
        let least = if self.finished { self.durable } else { self.durable.max(self.placed.length) };
        if !found.is_same_file(&self.placed) {
            Some(Disturbed::Replaced)
        } else if found.length < least {
            Some(Disturbed::Truncated)
        } else if found.owner != self.placed.owner || !found.has(FILE_MODE) {
            Some(Disturbed::Forbidden)
        } else {
            None
        }
    }
}

impl Placed {
    pub(super) fn of(found: &Metadata) -> Self {
        Self { device: found.dev(), inode: found.ino(), owner: found.uid(), mode: found.mode(), length: found.len() }
    }

    const fn is_same_file(&self, other: &Self) -> bool {
        self.device == other.device && self.inode == other.inode
    }

    const fn has(&self, bits: u32) -> bool {
        self.mode & bits == bits
    }
}

impl Disturbed {
    /// The stable word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Deleted => "deleted",
            Self::Replaced => "replaced",
            Self::Truncated => "truncated",
            Self::Forbidden => "forbidden",
            Self::ReadOnly => "read-only",
            Self::Unreadable => "unreadable",
        }
    }

    fn by(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::Deleted,
            io::ErrorKind::PermissionDenied => Self::Forbidden,
            _ => Self::Unreadable,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MADE: Placed = Placed { device: 1, inode: 2, owner: 3, mode: 0o100_600, length: 1_000 };
    const IN_USE: Expected = Expected { number: 1, placed: MADE, durable: 400, finished: false };

    #[test]
    fn a_segment_is_the_same_file_with_its_permission_and_at_least_as_long_as_what_was_written() {
        assert_eq!(IN_USE.compare(Ok(MADE)), None);
        assert_eq!(IN_USE.compare(Ok(Placed { length: 2_000, mode: 0o100_644, ..MADE })), None);
        let cases = [
            (Placed { device: 9, ..MADE }, Disturbed::Replaced),
            (Placed { inode: 9, ..MADE }, Disturbed::Replaced),
            (Placed { length: 999, ..MADE }, Disturbed::Truncated),
            (Placed { owner: 9, ..MADE }, Disturbed::Forbidden),
            (Placed { mode: 0o100_400, ..MADE }, Disturbed::Forbidden),
        ];
        for (found, what) in cases {
            assert_eq!(IN_USE.compare(Ok(found)), Some(what));
        }
        let finished = Expected { finished: true, ..IN_USE };
        assert_eq!(finished.compare(Ok(Placed { length: 400, ..MADE })), None, "what was written ahead is given back");
        assert_eq!(finished.compare(Ok(Placed { length: 399, ..MADE })), Some(Disturbed::Truncated));
    }

    #[test]
    fn what_the_system_says_in_place_of_a_file_is_told_apart() {
        let said = |kind: io::ErrorKind| IN_USE.compare(Err(kind.into()));
        assert_eq!(said(io::ErrorKind::NotFound), Some(Disturbed::Deleted));
        assert_eq!(said(io::ErrorKind::NotADirectory), Some(Disturbed::Deleted));
        assert_eq!(said(io::ErrorKind::PermissionDenied), Some(Disturbed::Forbidden));
        assert_eq!(said(io::ErrorKind::StaleNetworkFileHandle), Some(Disturbed::Unreadable));
    }
}

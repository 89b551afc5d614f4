//! A folder by its handle, read so that what was looked at is what is read.
//!
//! A path is resolved once, when [`Folder::open`] opens the bundle's own folder; links on the way to it are followed, since
//! that is how a whole bundle is exchanged at once. From there on everything is opened beside the handle of the folder that
//! it lies in, by one name without a slash, and no link is followed: nothing outside the folder can be meant, whatever is
//! renamed meanwhile. What is no regular file is never opened, so that no FIFO makes anybody wait and no device is touched.

use crate::secret::writable_by_all;
use rustix::fs::AtFlags;
use rustix::fs::Dir;
use rustix::fs::FileType;
use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::fs::openat;
use rustix::fs::statat;
use rustix::io::Errno;
use std::fs;
use std::fs::File;
use std::io;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// An open folder.
pub(super) struct Folder(OwnedFd);

/// What stood under a name when it was looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub(super) kind: Kind,
    /// Device and inode: another file of the same name has others.
    identity: (u64, u64),
    /// Size, and when content and anything at all of it changed last, in seconds and nanoseconds.
    stamp: [i128; 5],
}

/// What something in a folder is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    File,
    Folder,
    Link,
    /// A FIFO, a socket, a device.
    Special,
}

/// Why something in a folder is not read.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadFault {
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    #[error("was exchanged while it was read")]
    Exchanged,
    #[error("may be written by everybody (mode {0:04o})")]
    WorldWritable(u32),
    #[error("is larger than it may be")]
    TooLarge,
}

impl From<Errno> for ReadFault {
    fn from(error: Errno) -> Self {
        Self::Io(error.into())
    }
}

impl Found {
    /// What changes when it is written or exchanged, as text.
    pub(super) fn trace(&self) -> String {
        format!("{:?} {:?} {:?}", self.kind, self.identity, self.stamp)
    }
}

impl Folder {
    /// Opens the folder at a path, links followed.
    ///
    /// # Errors
    /// [`ReadFault::Io`]; [`ReadFault::WorldWritable`] where anybody may exchange what lies in it.
    pub(super) fn open(path: &Path) -> Result<Self, ReadFault> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Self(rustix::fs::open(path, flags, Mode::empty())?).safe()
    }

    /// The names of all that lies in it, sorted as bytes; of more than `most` the first `most` and one. `Err` stands for a
    /// name that is not UTF-8.
    ///
    /// # Errors
    /// [`ReadFault::Io`].
    pub(super) fn names(&self, most: usize) -> Result<Vec<Result<String, ()>>, ReadFault> {
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.0)? {
            let name = entry?.file_name().to_owned();
            match name.into_string() {
                Ok(name) if name == "." || name == ".." => {}
                Ok(name) => names.push(Ok(name)),
                Err(_) => names.push(Err(())),
            }
            if names.len() > most {
                break;
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    /// What stands under `name`, without opening it.
    ///
    /// # Errors
    /// [`ReadFault::Io`].
    pub(super) fn look(&self, name: &str) -> Result<Found, ReadFault> {
        let found = statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW)?;
        let kind = match FileType::from_raw_mode(found.st_mode) {
            FileType::RegularFile => Kind::File,
            FileType::Directory => Kind::Folder,
            FileType::Symlink => Kind::Link,
            _ => Kind::Special,
        };
        let stamp = [
            i128::from(found.st_size),
            i128::from(found.st_mtime),
            i128::from(found.st_mtime_nsec),
            i128::from(found.st_ctime),
            i128::from(found.st_ctime_nsec),
        ];
        Ok(Found { kind, identity: (found.st_dev, found.st_ino), stamp })
    }

    /// Its own device and inode.
    ///
    /// # Errors
    /// [`ReadFault::Io`].
    pub(super) fn identity(&self) -> Result<(u64, u64), ReadFault> {
        let found = rustix::fs::fstat(&self.0)?;
        Ok((found.st_dev, found.st_ino))
    }

    /// Opens the folder that was found under `name`.
    ///
    /// # Errors
    /// [`ReadFault`], if another one stands there now.
    pub(super) fn enter(&self, name: &str, found: Found) -> Result<Self, ReadFault> {
        let opened = self.openat(name, OFlags::DIRECTORY)?;
        same(&opened.metadata()?, found)?;
        Self(opened.into()).safe()
    }

    /// Reads the file that was found under `name`, whole, if it has at most `max_bytes`.
    ///
    /// # Errors
    /// [`ReadFault`], also where it was exchanged since it was looked at, or written while it was read.
    pub(super) fn read(&self, name: &str, found: Found, max_bytes: u64) -> Result<Vec<u8>, ReadFault> {
        let file = self.openat(name, OFlags::empty())?;
        let before = file.metadata()?;
        same(&before, found)?;
        if !before.is_file() {
            return Err(ReadFault::Exchanged);
        }
        if let Some(mode) = writable_by_all(&before) {
            return Err(ReadFault::WorldWritable(mode));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(before.len().min(max_bytes)).unwrap_or_default());
        (&file).take(max_bytes.saturating_add(1)).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > max_bytes {
            return Err(ReadFault::TooLarge);
        }
        let after = file.metadata()?;
        let still = |of: &fs::Metadata| (of.len(), of.mtime(), of.mtime_nsec(), of.ctime(), of.ctime_nsec());
        if still(&before) != still(&after) || bytes.len() as u64 != after.len() {
            return Err(ReadFault::Exchanged);
        }
        Ok(bytes)
    }

    /// Never waits, whatever stands there by now, and makes no terminal ours.
    fn openat(&self, name: &str, more: OFlags) -> Result<File, ReadFault> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC | more;
        match openat(&self.0, name, flags, Mode::empty()) {
            Ok(opened) => Ok(opened.into()),
            // A link stands there now, or no folder any more: whoever looked has seen something else.
            Err(Errno::LOOP | Errno::NOTDIR | Errno::NXIO) => Err(ReadFault::Exchanged),
            Err(error) => Err(error.into()),
        }
    }

    fn safe(self) -> Result<Self, ReadFault> {
        let metadata = File::from(self.0.try_clone()?).metadata()?;
        writable_by_all(&metadata).map_or(Ok(self), |mode| Err(ReadFault::WorldWritable(mode)))
    }
}

fn same(opened: &fs::Metadata, found: Found) -> Result<(), ReadFault> {
    if (opened.dev(), opened.ino()) == found.identity { Ok(()) } else { Err(ReadFault::Exchanged) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::fs::symlink;
    use tempfile::TempDir;

    struct Bench {
        folder: TempDir,
        opened: Folder,
    }

    impl Bench {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join("a"), "one").unwrap();
            fs::write(folder.path().join("secret"), "not yours").unwrap();
            let opened = Folder::open(folder.path()).unwrap();
            Self { folder, opened }
        }

        fn path(&self, name: &str) -> std::path::PathBuf {
            self.folder.path().join(name)
        }

        /// What reading `a` gives when `exchange` comes between the look and the reading.
        fn exchanged(exchange: impl FnOnce(&Self)) -> Result<Vec<u8>, ReadFault> {
            let bench = Self::new();
            let found = bench.opened.look("a").unwrap();
            exchange(&bench);
            bench.opened.read("a", found, 9)
        }
    }

    fn fifo(path: &Path) {
        assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
    }

    #[test]
    fn what_was_looked_at_is_what_is_read() {
        assert_eq!(Bench::exchanged(|_| {}).unwrap(), b"one");
        let is_exchanged = |result| matches!(result, Err(ReadFault::Exchanged));
        assert!(is_exchanged(Bench::exchanged(|bench| {
            fs::remove_file(bench.path("a")).unwrap();
            symlink(bench.path("secret"), bench.path("a")).unwrap();
        })));
        assert!(is_exchanged(Bench::exchanged(|bench| {
            fs::remove_file(bench.path("a")).unwrap();
            fifo(&bench.path("a"));
        })));
        assert!(is_exchanged(Bench::exchanged(|bench| fs::rename(bench.path("secret"), bench.path("a")).unwrap())));
        assert!(is_exchanged(Bench::exchanged(|bench| {
            fs::remove_file(bench.path("a")).unwrap();
            fs::create_dir(bench.path("a")).unwrap();
        })));
        assert!(matches!(Bench::exchanged(|bench| fs::remove_file(bench.path("a")).unwrap()), Err(ReadFault::Io(_))));
    }

    #[test]
    fn a_folder_that_is_exchanged_for_a_link_is_not_entered() {
        let bench = Bench::new();
        fs::create_dir(bench.path("inner")).unwrap();
        let found = bench.opened.look("inner").unwrap();
        assert!(bench.opened.enter("inner", found).is_ok());
        fs::rename(bench.path("inner"), bench.path("was")).unwrap();
        symlink(bench.path("was"), bench.path("inner")).unwrap();
        assert_eq!(bench.opened.look("inner").unwrap().kind, Kind::Link);
        assert!(matches!(bench.opened.enter("inner", found), Err(ReadFault::Exchanged)));
    }

    #[test]
    fn a_folder_is_the_one_that_was_opened_wherever_its_path_leads_since() {
        let bench = Bench::new();
        let (link, other) = (bench.path("current"), tempfile::tempdir().unwrap());
        fs::create_dir(bench.path("v1")).unwrap();
        fs::write(bench.path("v1/a"), "first").unwrap();
        fs::write(other.path().join("a"), "second").unwrap();
        symlink("v1", &link).unwrap();
        let opened = Folder::open(&link).unwrap();
        fs::remove_file(&link).unwrap();
        symlink(other.path(), &link).unwrap();
        let read = |folder: &Folder| folder.read("a", folder.look("a").unwrap(), 9).unwrap();
        assert_eq!(read(&opened), b"first");
        assert_eq!(read(&Folder::open(&link).unwrap()), b"second");
    }

    #[test]
    fn a_file_is_read_at_its_limit_and_not_one_byte_past_it() {
        let bench = Bench::new();
        let read = |max_bytes| bench.opened.read("a", bench.opened.look("a").unwrap(), max_bytes);
        assert_eq!(read(3).unwrap(), b"one");
        assert!(matches!(read(2), Err(ReadFault::TooLarge)));
    }

    #[test]
    fn what_everybody_may_write_is_not_read() {
        let bench = Bench::new();
        fs::set_permissions(bench.path("a"), fs::Permissions::from_mode(0o646)).unwrap();
        let read = bench.opened.read("a", bench.opened.look("a").unwrap(), 9);
        assert!(matches!(read, Err(ReadFault::WorldWritable(0o646))));
        fs::set_permissions(bench.folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        assert!(matches!(Folder::open(bench.folder.path()), Err(ReadFault::WorldWritable(0o777))));
    }

    #[test]
    fn what_cannot_be_read_is_no_empty_file_and_a_device_is_told_by_a_look() {
        let process = Folder::open(Path::new("/proc/self")).unwrap();
        // A regular file whose first page nobody may read.
        let memory = process.look("mem").unwrap();
        assert_eq!(memory.kind, Kind::File);
        assert!(matches!(process.read("mem", memory, 9), Err(ReadFault::Io(_))));
        assert_eq!(Folder::open(Path::new("/dev")).unwrap().look("null").unwrap().kind, Kind::Special);
        let bench = Bench::new();
        fs::set_permissions(bench.path("a"), fs::Permissions::from_mode(0o000)).unwrap();
        let read = bench.opened.read("a", bench.opened.look("a").unwrap(), 9);
        // Root reads everything.
        assert!(matches!(read, Err(ReadFault::Io(_))) || rustix::process::geteuid().is_root());
    }

    #[test]
    fn of_too_many_names_one_too_many_is_told() {
        let bench = Bench::new();
        assert_eq!(bench.opened.names(2).unwrap(), [Ok("a".to_owned()), Ok("secret".to_owned())]);
        assert_eq!(bench.opened.names(1).unwrap().len(), 2);
        assert_eq!(bench.opened.names(0).unwrap().len(), 1);
    }
}

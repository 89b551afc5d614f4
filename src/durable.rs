//! A small file that is replaced, or made, as a whole: whoever reads it finds the old one or the new one, also after a power
//! cut.

use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Puts bytes in the place of a file, for its owner alone (0600): they are written beside it, in `FILE.new`, made durable, and
/// put over it. When this returns, that is durable too. Blocks.
///
/// # Errors
/// What the system says; the old file is then still there, unless only the folder could not be made durable.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_added_extension("new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    sync_folder_of(path)
}

/// Makes a file that is not there yet, with this mode: whole, or not at all. It is written beside its place, in `FILE.new`, made
/// durable, and given its name, which then is durable too. Blocks.
///
/// # Errors
/// What the system says; [`io::ErrorKind::AlreadyExists`] where there is something under either name.
pub fn create(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let new = path.with_added_extension("new");
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&new)?;
    // A name is given only where there is none, which renaming would not ask.
    let made = file.write_all(bytes).and_then(|()| file.sync_all()).and_then(|()| fs::hard_link(&new, path));
    let removed = fs::remove_file(&new);
    made.and(removed)?;
    sync_folder_of(path)
}

fn sync_folder_of(path: &Path) -> io::Result<()> {
    // A bare name lies in the folder in which the process stands.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_file_is_replaced_whole_over_what_an_earlier_attempt_left_and_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.cursor");
        fs::write(folder.path().join("a.cursor.new"), "half of something longer").unwrap();
        for text in ["first", "second, longer", "3"] {
            replace(&path, text.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
        assert!(replace(&folder.path().join("none/a"), b"x").is_err());
    }
    #[test]
    fn a_file_is_made_whole_with_its_mode_and_never_over_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.key");
        create(&path, b"one", 0o600).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let again = create(&path, b"two", 0o600).unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"one");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
        std::os::unix::fs::symlink(folder.path().join("elsewhere"), folder.path().join("b.key")).unwrap();
        assert!(create(&folder.path().join("b.key"), b"x", 0o600).is_err(), "nor through a link that leads nowhere");
        assert!(!folder.path().join("elsewhere").exists());
    }
}

//! Bytes that nobody may see: wiped when dropped, without `Debug`, `Clone` or `Serialize`, read only from safe files.

use std::fs;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use zeroize::Zeroizing;

/// The largest secret file that is read, in bytes; keys and certificates are far smaller.
const MAX_SECRET_BYTES: u64 = 64 * 1024;

/// The permission bits of a file or folder that everybody may write: what it holds is anybody's word. `None` for others.
#[must_use]
pub fn writable_by_all(metadata: &fs::Metadata) -> Option<u32> {
    let mode = metadata.mode() & 0o7777;
    (mode & 0o002 != 0).then_some(mode)
}

/// Secret bytes. They are exposed by a method whose callers say why.
pub struct Secret(Zeroizing<Vec<u8>>);

/// Why a secret file is not read.
#[derive(Debug, thiserror::Error)]
pub enum SecretFileError {
    /// The file cannot be opened or read.
    #[error("cannot be read")]
    Io(#[source] std::io::Error),
    /// Not a regular file.
    #[error("is not a regular file")]
    NotAFile,
    /// Others than owner and group may read or write it; the mode's permission bits are given.
    #[error("may be read or written by everybody (mode {0:04o})")]
    WorldAccessible(u32),
    /// Larger than 64 KiB.
    #[error("is larger than 64 KiB")]
    TooLarge,
}

impl Secret {
    /// Takes bytes that were made or decrypted here.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Reads a secret file, if neither its mode lets others than owner and group at it nor it is larger than 64 KiB.
    ///
    /// The mode is that of the opened file, so that it cannot be exchanged between look and read.
    ///
    /// # Errors
    /// [`SecretFileError`] says which of these failed.
    pub fn read(path: &Path) -> Result<Self, SecretFileError> {
        let file = fs::File::open(path).map_err(SecretFileError::Io)?;
        let metadata = file.metadata().map_err(SecretFileError::Io)?;
        if !metadata.is_file() {
            return Err(SecretFileError::NotAFile);
        }
        let mode = metadata.mode() & 0o7777;
        if mode & 0o007 != 0 {
            return Err(SecretFileError::WorldAccessible(mode));
        }
        // One buffer of the whole size from the start: growing it would leave copies behind.
        let size = usize::try_from(metadata.len()).unwrap_or(usize::MAX).saturating_add(1);
        let mut bytes = Zeroizing::new(Vec::with_capacity(size.min(64 * 1024 + 2)));
        file.take(MAX_SECRET_BYTES + 1).read_to_end(&mut bytes).map_err(SecretFileError::Io)?;
        if bytes.len() as u64 > MAX_SECRET_BYTES {
            return Err(SecretFileError::TooLarge);
        }
        Ok(Self(bytes))
    }

    /// The bytes, for the one who signs, decrypts or compares with them.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn file(mode: u32, size: usize) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        fs::write(&path, vec![7; size]).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        (folder, path)
    }

    #[test]
    fn a_secret_that_others_may_read_or_write_is_refused() {
        for mode in [0o604, 0o602, 0o601, 0o644, 0o666] {
            let (_folder, path) = file(mode, 10);
            assert!(matches!(Secret::read(&path), Err(SecretFileError::WorldAccessible(found)) if found == mode));
        }
        for mode in [0o600, 0o400, 0o640, 0o660] {
            let (_folder, path) = file(mode, 10);
            assert_eq!(Secret::read(&path).unwrap().expose(), [7; 10], "{mode:o}");
        }
    }

    #[test]
    fn a_secret_holds_64_kib_and_not_one_byte_more() {
        let (_folder, path) = file(0o600, 64 * 1024);
        assert!(Secret::read(&path).is_ok());
        let (_folder, path) = file(0o600, 64 * 1024 + 1);
        assert!(matches!(Secret::read(&path), Err(SecretFileError::TooLarge)));
    }
}

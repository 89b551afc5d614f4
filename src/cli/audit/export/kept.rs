//! How far an export has come, in a file: one JSON object, replaced as a whole, and only when it is durable.
//!
//! Beside it lies `FILE.lock`, which one export holds as long as it runs: two with one cursor would each leave the other's
//! records out of its own destination.

use crate::audit::Cursor;
use crate::cli::output::plain;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use crate::durable;
use crate::json;
use crate::json::Object;
use crate::json::Value;
use crate::model::Sha256;
use std::fs;
use std::fs::File;
use std::fs::TryLockError;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;

const LIMITS: json::Limits = json::Limits { max_depth: 2, max_members: 16, max_elements: 1, max_string_bytes: 1024 };

/// How far an export of a log has come.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Place {
    /// The log's origin.
    pub(super) origin: String,
    /// The next record.
    pub(super) next: Cursor,
    /// The last one that was taken, and the digest of its bytes: by them the log is known again.
    pub(super) last: Cursor,
    pub(super) digest: Sha256,
    /// Size and root of the checkpoint that went out with it.
    pub(super) size: u64,
    pub(super) root: String,
}

/// A cursor that is kept, or, without a file, not.
pub(super) struct Kept {
    file: Option<(PathBuf, File)>,
    place: Option<Place>,
}

impl Kept {
    /// Reads the file, if there is one.
    pub(super) fn open(path: Option<&Path>) -> Result<Self, Diagnostics> {
        let Some(path) = path else { return Ok(Self { file: None, place: None }) };
        let lock = locked(path).map_err(|why| unusable(path, &why))?;
        let place = match fs::read(path) {
            Ok(text) => Some(Place::parse(&text).ok_or_else(|| unusable(path, "it is no cursor of an export"))?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(unusable(path, &error.to_string()).into()),
        };
        Ok(Self { file: Some((path.to_owned(), lock)), place })
    }

    pub(super) const fn place(&self) -> Option<&Place> {
        self.place.as_ref()
    }

    /// The next record to go out.
    pub(super) fn cursor(&self) -> Cursor {
        self.place.as_ref().map_or(Cursor::START, |place| place.next)
    }

    /// Keeps the place. When this returns, it is on the disk.
    pub(super) fn advance(&mut self, place: Place) -> Result<(), Diagnostics> {
        if let Some((path, _)) = &self.file {
            durable::replace(path, &place.text()).map_err(|error| unusable(path, &error.to_string()))?;
        }
        self.place = Some(place);
        Ok(())
    }
}

impl Place {
    fn text(&self) -> Vec<u8> {
        let text = |text: &str| Value::from(text);
        let object: Object = [
            ("version", Value::from(1)),
            ("origin", text(&self.origin)),
            ("next", text(&self.next.to_string())),
            ("last", text(&self.last.to_string())),
            ("digest", text(&self.digest.to_string())),
            ("size", text(&self.size.to_string())),
            ("root", text(&self.root)),
        ]
        .into_iter()
        .collect();
        let mut out = Vec::new();
        json::write(&object.into(), &mut out);
        out.push(b'\n');
        out
    }

    fn parse(text: &[u8]) -> Option<Self> {
        let value = json::parse(text, LIMITS).ok()?;
        let text = |name| value.get(name).and_then(Value::as_str);
        let place = Self {
            origin: text("origin")?.to_owned(),
            next: text("next")?.parse().ok()?,
            last: text("last")?.parse().ok()?,
            digest: Sha256::from_hex(text("digest")?)?,
            size: text("size")?.parse().ok()?,
            root: text("root")?.to_owned(),
        };
        (value.get("version")?.as_integer()? == 1).then_some(place)
    }
}

fn locked(path: &Path) -> Result<File, String> {
    let lock = path.with_added_extension("lock");
    let open = File::options().write(true).create(true).truncate(false).mode(0o600).open(lock);
    let file = open.map_err(|error| error.to_string())?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err("another export goes by it".to_owned()),
        Err(TryLockError::Error(error)) => Err(error.to_string()),
    }
}

fn unusable(path: &Path, why: &str) -> Diagnostic {
    let path = plain(&path.display().to_string());
    Diagnostic::without_file("unusable", format!("the cursor `{path}` cannot be used: {why}"))
        .help("name a file in a folder that is there and may be written, for this export alone")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::sha256;

    fn place(index: u64) -> Place {
        let at = |index| Cursor { segment: 3, offset: index * 100, index };
        Place {
            origin: "a/b".to_owned(),
            next: at(index),
            last: at(index - 1),
            digest: sha256(b"x"),
            size: u64::MAX,
            root: "r=".to_owned(),
        }
    }

    #[test]
    fn a_place_is_read_back_as_it_was_kept_and_nothing_else_is_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cursor");
        let mut kept = Kept::open(Some(&path)).unwrap();
        assert_eq!((kept.place(), kept.cursor()), (None, Cursor::START));
        for index in 1..=3 {
            kept.advance(place(index)).unwrap();
        }
        let second = Kept::open(Some(&path)).err().unwrap().to_string();
        assert!(second.contains("another export goes by it"), "{second}");
        drop(kept);
        assert_eq!(Kept::open(Some(&path)).unwrap().place(), Some(&place(3)));
        let text = fs::read(&path).unwrap();
        for cut in 0..text.len() - 1 {
            assert!(Place::parse(&text[..cut]).is_none(), "{cut}");
        }
        fs::write(&path, b"{}").unwrap();
        assert!(Kept::open(Some(&path)).err().unwrap().to_string().contains("it is no cursor of an export"));
    }
}

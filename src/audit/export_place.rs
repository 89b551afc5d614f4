//! How far each destination of records has come: `exports/<name>.cursor` in the log's directory, one [`Cursor`] as text and a line
//! feed. Whoever removes old segments asks here what is still to go out.
//!
//! A place is written beside its old one, made durable, and put over it; so that there is the old one or the new one, whatever
//! happens between. Without a file a destination begins at the oldest record that is there.

use crate::audit::segment;
use crate::audit::walk::Cursor;
use crate::durable;
use crate::model::Name;
use std::fs::DirBuilder;
use std::fs::File;
use std::io;
use std::io::Read;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::path::PathBuf;

/// The folder in the log's directory.
const FOLDER: &str = "exports";

/// Three numbers of 20 digits, two colons and a line feed.
const MAX_BYTES: u64 = 63;

/// Where the place of one destination lies.
#[derive(Clone, Debug)]
pub struct ExportPlace {
    folder: PathBuf,
    path: PathBuf,
}

impl ExportPlace {
    /// The place of the destination of this name, for the log of `directory`.
    #[must_use]
    pub fn of(directory: &Path, name: &Name) -> Self {
        let folder = directory.join(FOLDER);
        Self { path: folder.join(format!("{name}.cursor")), folder }
    }

    /// The next record that is to go out; [`Cursor::START`] where nothing has.
    ///
    /// # Errors
    /// The file cannot be read, or holds no place: then nobody knows, and nothing is passed over.
    pub fn read(&self) -> io::Result<Cursor> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Cursor::START),
            Err(error) => return Err(error),
        };
        let mut text = String::new();
        file.take(MAX_BYTES + 1).read_to_string(&mut text)?;
        let cursor = text.strip_suffix('\n').and_then(|text| text.parse().ok());
        cursor.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no place in a log"))
    }

    /// Keeps it: durable when this returns. Blocks.
    ///
    /// # Errors
    /// What the system says; the old place stays.
    pub fn write(&self, cursor: Cursor) -> io::Result<()> {
        match DirBuilder::new().mode(0o700).create(&self.folder) {
            Ok(()) => File::open(self.folder.parent().unwrap_or(&self.folder))?.sync_all()?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        durable::replace(&self.path, format!("{cursor}\n").as_bytes())
    }
}

/// The place of whichever of these destinations has come least far: what lies before it, all of them have. `None` where there is
/// no destination.
///
/// # Errors
/// A place cannot be read.
pub fn lowest_export_place(directory: &Path, names: &[Name]) -> io::Result<Option<Cursor>> {
    let places = names.iter().map(|name| ExportPlace::of(directory, name).read());
    let places = places.collect::<io::Result<Vec<_>>>()?;
    Ok(places.into_iter().min_by_key(|place| (place.index, place.segment)))
}

/// How many bytes of records lie in the log from `place` on: what is kept for a destination that has come no further. Blocks.
///
/// # Errors
/// The log cannot be read.
pub fn bytes_from(directory: &Path, place: Cursor) -> io::Result<u64> {
    let mut bytes: u64 = 0;
    for number in segment::numbers(directory)?.into_iter().filter(|number| *number >= place.segment) {
        let file = File::open(segment::path(directory, number))?;
        let before = if number == place.segment { place.offset } else { 0 };
        bytes = bytes.saturating_add(written(&file)?.saturating_sub(before));
    }
    Ok(bytes)
}

/// Where a segment ends and the zeros written ahead begin. No record holds a zero, so that halving finds the first.
fn written(file: &File) -> io::Result<u64> {
    let (mut low, mut high) = (0, file.metadata()?.len());
    while low < high {
        let middle = low + (high - low) / 2;
        let mut byte = [0];
        file.read_exact_at(&mut byte, middle)?;
        if byte == [0] {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Ok(low)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }
    use std::fs;

    fn at(segment: u64, offset: u64, index: u64) -> Cursor {
        Cursor { segment, offset, index }
    }

    #[test]
    fn a_place_is_at_the_start_until_it_is_kept_and_then_what_was_kept_last() {
        let folder = tempfile::tempdir().unwrap();
        let place = ExportPlace::of(folder.path(), &name("siem"));
        assert_eq!(place.read().unwrap(), Cursor::START);
        for cursor in [at(1, 700, 3), at(u64::MAX, u64::MAX, u64::MAX), at(2, 0, 9)] {
            place.write(cursor).unwrap();
            assert_eq!(place.read().unwrap(), cursor);
        }
        let files: Vec<_> =
            fs::read_dir(folder.path().join(FOLDER)).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(files, ["siem.cursor"], "nothing is left beside it");
    }

    #[test]
    fn what_is_no_place_is_none_and_half_of_a_new_one_does_no_harm() {
        let folder = tempfile::tempdir().unwrap();
        let place = ExportPlace::of(folder.path(), &name("siem"));
        place.write(at(1, 700, 3)).unwrap();
        fs::write(place.path.with_extension("cursor.new"), "9:9").unwrap();
        assert_eq!(place.read().unwrap(), at(1, 700, 3), "a crash between");
        place.write(at(1, 900, 4)).unwrap();
        assert_eq!(place.read().unwrap(), at(1, 900, 4));
        let long = format!("{}\n", "1".repeat(100));
        for wrong in ["", "1:2:3", "1:2\n", "1:2:3:4\n", "01:2:3\n", "1:2:3\n\n", "-1:2:3\n", &long] {
            fs::write(&place.path, wrong).unwrap();
            assert_eq!(place.read().unwrap_err().kind(), io::ErrorKind::InvalidData, "{wrong:?}");
        }
        fs::write(&place.path, [0xff, b'\n']).unwrap();
        assert!(place.read().is_err());
    }

    #[test]
    fn bytes_are_counted_from_a_place_to_the_zeros_written_ahead() {
        let folder = tempfile::tempdir().unwrap();
        let fill = |number, bytes: usize, zeros: usize| {
            fs::write(segment::path(folder.path(), number), [vec![b'x'; bytes], vec![0; zeros]].concat()).unwrap();
        };
        assert_eq!(bytes_from(folder.path(), Cursor::START).unwrap(), 0);
        fill(3, 1_000, 0);
        fill(4, 77, 4_019);
        fill(5, 0, 4_096);
        let from = |segment, offset| bytes_from(folder.path(), at(segment, offset, 0)).unwrap();
        assert_eq!(bytes_from(folder.path(), Cursor::START).unwrap(), 1_077);
        assert_eq!(
            [from(3, 0), from(3, 999), from(4, 0), from(4, 76), from(4, 77), from(5, 0)],
            [1_077, 78, 77, 1, 0, 0]
        );
    }

    #[test]
    fn the_lowest_place_is_that_of_whoever_has_come_least_far() {
        let folder = tempfile::tempdir().unwrap();
        let names = [name("siem"), name("archive")];
        assert_eq!(lowest_export_place(folder.path(), &[]).unwrap(), None);
        assert_eq!(lowest_export_place(folder.path(), &names).unwrap(), Some(Cursor::START));
        ExportPlace::of(folder.path(), &names[0]).write(at(7, 10, 700)).unwrap();
        assert_eq!(lowest_export_place(folder.path(), &names).unwrap(), Some(Cursor::START), "one has not begun");
        ExportPlace::of(folder.path(), &names[1]).write(at(5, 90, 500)).unwrap();
        assert_eq!(lowest_export_place(folder.path(), &names).unwrap(), Some(at(5, 90, 500)));
        // One that is not configured any more holds up nobody.
        assert_eq!(lowest_export_place(folder.path(), &names[..1]).unwrap(), Some(at(7, 10, 700)));
        fs::write(ExportPlace::of(folder.path(), &names[1]).path, "?").unwrap();
        assert!(lowest_export_place(folder.path(), &names).is_err(), "who does not know does not say");
    }
}

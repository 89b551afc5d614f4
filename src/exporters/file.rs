//! A file to which lines are added. A batch is written and made durable (`fdatasync`), or nothing of it stays: where writing fails,
//! the file is cut back to where it was. What a crash leaves of a line is cut off when the file is opened again; whole lines that
//! it leaves stay, and come again.
//!
//! Rotation is somebody else's. The file is looked at by its path before each batch: where another one stands there, or none, it
//! is opened anew. One that was copied and truncated goes on at its new end.

use crate::audit::Format;
use crate::exporters::fault::ExportFault;
use crate::tasks::Tasks;
use rustix::fs::OFlags;
use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

/// How far back the end of the last whole line is looked for. No record is longer.
const LINE_MAX_BYTES: u64 = 16 * 1024 * 1024;

/// A piece that is looked through at once, in bytes.
const PIECE_BYTES: u64 = 64 * 1024;

/// A file that takes lines.
pub struct FileSink {
    path: Arc<Path>,
    format: Format,
    open: Option<File>,
}

impl FileSink {
    /// One at this path, which is made where there is none. Nothing is opened yet.
    #[must_use]
    pub fn new(path: PathBuf, format: Format) -> Self {
        Self { path: path.into(), format, open: None }
    }

    pub(super) const fn format(&self) -> Format {
        self.format
    }

    pub(super) async fn bring(&mut self, batch: Vec<u8>, tasks: &Tasks) -> Result<(), ExportFault> {
        let (path, open) = (Arc::clone(&self.path), self.open.take());
        // A disk that hangs holds up this destination and nothing else.
        let added = tasks.compute(move || add(&path, open, &batch)).await;
        match added.unwrap_or_else(|_| Err(io::Error::other("the thread died"))) {
            Ok(file) => {
                self.open = Some(file);
                Ok(())
            }
            Err(error) => {
                tracing::debug!(%error, path = %self.path.display(), "the file of an export cannot be written");
                Err(ExportFault::File)
            }
        }
    }
}

/// Adds whole lines to the file at this path, and gives it back. Blocks.
fn add(path: &Path, open: Option<File>, lines: &[u8]) -> io::Result<File> {
    let mut file = match open {
        Some(file) if stands_there(path, &file)? => file,
        _ => begin(path)?,
    };
    let before = file.metadata()?.len();
    let written = file.write_all(lines).and_then(|()| file.sync_data());
    if let Err(error) = written {
        // If this fails too, half a line is cut off when the file is opened again.
        let _ = file.set_len(before);
        return Err(error);
    }
    Ok(file)
}

fn stands_there(path: &Path, file: &File) -> io::Result<bool> {
    let ours = file.metadata()?;
    match fs::metadata(path) {
        Ok(there) => Ok((there.dev(), there.ino()) == (ours.dev(), ours.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Opens the file, or makes it, and cuts off what is no whole line.
fn begin(path: &Path) -> io::Result<File> {
    // Without waiting: a pipe in its place would hold us up until somebody reads.
    let flags = OFlags::NONBLOCK | OFlags::CLOEXEC;
    let flags = i32::try_from(flags.bits()).map_err(io::Error::other)?;
    let file = OpenOptions::new().read(true).append(true).create(true).mode(0o640).custom_flags(flags).open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let whole = whole_lines(&file, metadata.len())?;
    if whole < metadata.len() {
        file.set_len(whole)?;
        file.sync_all()?;
    }
    if metadata.len() == 0 {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()?;
    }
    Ok(file)
}

/// How many bytes of a file of this length are whole lines.
fn whole_lines(file: &File, length: u64) -> io::Result<u64> {
    let mut end = length;
    while end > 0 && length - end < LINE_MAX_BYTES {
        let start = end.saturating_sub(PIECE_BYTES);
        let mut piece = vec![0; usize::try_from(end - start).map_err(io::Error::other)?];
        file.read_exact_at(&mut piece, start)?;
        if let Some(at) = piece.iter().rposition(|byte| *byte == b'\n') {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    // So long a line is none of ours.
    if end == 0 { Ok(0) } else { Err(io::Error::other("it holds something else than lines")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_added_and_half_a_line_of_a_crash_is_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.jsonl");
        let file = add(&path, None, b"1\n2\n").unwrap();
        let file = add(&path, Some(file), b"3\n").unwrap();
        drop(file);
        assert_eq!(fs::read(&path).unwrap(), b"1\n2\n3\n");
        fs::write(&path, b"1\n2\n3\nha").unwrap();
        add(&path, None, b"4\n").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"1\n2\n3\n4\n");
        fs::write(&path, b"nothing but half a line").unwrap();
        add(&path, None, b"1\n").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"1\n");
        let long = [vec![b'x'; 200_000], b"\n".to_vec(), vec![b'y'; 100_000]].concat();
        fs::write(&path, &long).unwrap();
        add(&path, None, b"1\n").unwrap();
        assert_eq!(fs::read(&path).unwrap(), [&long[..200_001], b"1\n"].concat(), "over several pieces");
    }

    #[test]
    fn a_file_that_was_moved_away_is_begun_anew_and_one_that_was_truncated_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let [path, moved] = ["out.cef", "out.cef.1"].map(|name| folder.path().join(name));
        let file = add(&path, None, b"1\n").unwrap();
        fs::rename(&path, &moved).unwrap();
        let file = add(&path, Some(file), b"2\n").unwrap();
        assert_eq!((fs::read(&moved).unwrap(), fs::read(&path).unwrap()), (b"1\n".to_vec(), b"2\n".to_vec()));
        OpenOptions::new().write(true).open(&path).unwrap().set_len(0).unwrap();
        let file = add(&path, Some(file), b"3\n").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"3\n");
        fs::remove_file(&path).unwrap();
        add(&path, Some(file), b"4\n").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"4\n");
    }

    /// `/dev/full` takes nothing, as a full disk does; a pipe has no reader.
    #[test]
    fn what_is_no_file_takes_nothing_and_holds_up_nobody() {
        assert!(add(Path::new("/dev/full"), None, b"1\n").is_err());
        let folder = tempfile::tempdir().unwrap();
        assert!(add(folder.path(), None, b"1\n").is_err(), "a folder");
        let pipe = folder.path().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        assert!(add(&pipe, None, b"1\n").is_err());
    }

    #[test]
    fn a_batch_that_does_not_fit_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.jsonl");
        add(&path, None, b"1\n").unwrap();
        // Opened for reading alone, it takes no byte; the system says so at the first.
        let reading = File::open(&path).unwrap();
        assert!(add(&path, Some(reading), b"2\n3\n").is_err());
        assert_eq!(fs::read(&path).unwrap(), b"1\n");
    }
}

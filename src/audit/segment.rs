//! Segments of the log as files: their names.
//!
//! A segment is `segment-NNNNNNNNNN.jsonl`: whole records, each one line, then zeros up to the size that was written
//! ahead (`tr -d '\0' < FILE | jq` reads the one in use; a finished one has no zeros). Numbers grow; a process begins a
//! new segment and never appends to one that it did not make. Its first record, of the kind `segment`, tells the tree of all
//! records before it, so that a segment can be verified by itself. `segment-NNNNNNNNNN.checkpoints` holds its checkpoints.

use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;

/// The file of a segment.
pub(super) fn path(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("segment-{number:010}.jsonl"))
}

/// The file of the checkpoints of a segment.
pub(super) fn checkpoints(directory: &Path, number: u64) -> PathBuf {
    path(directory, number).with_extension("checkpoints")
}

/// The files of checkpoints of all segments, in order.
pub(super) fn checkpoint_lists(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let found = of_kind(directory, ".checkpoints")?;
    Ok(found.into_iter().map(|number| checkpoints(directory, number)).collect())
}

/// The numbers of all segments in a directory, in order. Other files are nobody's business here.
pub(super) fn numbers(directory: &Path) -> io::Result<Vec<u64>> {
    of_kind(directory, ".jsonl")
}

fn of_kind(directory: &Path, kind: &str) -> io::Result<Vec<u64>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let name = entry?.file_name();
        let digits = name.to_str().and_then(|name| name.strip_prefix("segment-")?.strip_suffix(kind));
        found.extend(digits.filter(|digits| digits.len() == 10).and_then(|digits| digits.parse::<u64>().ok()));
    }
    found.sort_unstable();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_found_in_order_and_nothing_else_is() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "segment-0000000010.jsonl",
            "segment-0000000009.jsonl",
            "segment-0000000009.torn",
            "lock",
            "segment-1.jsonl",
        ] {
            fs::write(folder.path().join(name), b"").unwrap();
        }
        assert_eq!(numbers(folder.path()).unwrap(), [9, 10]);
        assert_eq!(path(folder.path(), 9).file_name().unwrap(), "segment-0000000009.jsonl");
    }
}

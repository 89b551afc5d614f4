//! A checkpoint (C2SP tlog-checkpoint): so many records, and the root of the tree over them, signed by the log's key.
//!
//! The note's text is three lines: the log's name, the number of records, the root in base64. In the log's directory
//! `checkpoint` is the newest, `segment-NNNNNNNNNN.checkpoints` holds all whose last record lies in that segment, in order, with
//! an empty line between two notes.

use crate::audit::fault::AuditOpenError;
use crate::audit::recover::io_at;
use crate::audit::segment;
use crate::audit::tree::Tree;
use crate::crypto::NoteSigner;
use crate::model::Sha256;
use crate::model::TreeHead;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;

/// The longest note, in bytes: a name of 128, a size of 20, a root and a signature.
const NOTE_MAX_BYTES: usize = 512;

/// A signed checkpoint of this log.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Checkpoint {
    head: TreeHead,
    note: Box<str>,
}

/// Why a note is no checkpoint of this log.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum NotOurs {
    /// It is no checkpoint.
    Malformed,
    /// It is one of a log of another name.
    Origin,
    /// Another key signed it, or nobody did.
    Key,
}

/// The file of the newest checkpoint.
pub(super) fn path(directory: &Path) -> PathBuf {
    directory.join("checkpoint")
}

impl Checkpoint {
    /// Signs a checkpoint of this tree.
    pub(super) fn sign(signer: &NoteSigner, tree: &Tree) -> Self {
        let (size, root) = (tree.size(), tree.root());
        let text = format!("{}\n{size}\n{}\n", signer.name().as_str(), STANDARD.encode(root.as_bytes()));
        Self { head: TreeHead { origin: signer.name().as_str().into(), size, root }, note: signer.sign(&text).into() }
    }

    /// Reads a note, which must be one that the signer would sign: Ed25519 signs the same text in one way only.
    pub(super) fn read(signer: &NoteSigner, note: &str) -> Result<Self, NotOurs> {
        let (text, _) = note.split_once("\n\n").ok_or(NotOurs::Malformed)?;
        let [origin, size, root] = *text.split('\n').collect::<Vec<_>>() else { return Err(NotOurs::Malformed) };
        let number = size.parse::<u64>().ok().filter(|number| number.to_string() == size);
        let (size, root) = number.zip(digest(root)).ok_or(NotOurs::Malformed)?;
        if origin != signer.name().as_str() {
            return Err(NotOurs::Origin);
        }
        if signer.sign(&format!("{text}\n")) != note {
            return Err(NotOurs::Key);
        }
        Ok(Self { head: TreeHead { origin: origin.into(), size, root }, note: note.into() })
    }

    /// What it vouches for.
    #[must_use]
    pub const fn head(&self) -> &TreeHead {
        &self.head
    }

    /// How many records it covers.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.head.size
    }

    /// The root of the tree over them.
    #[must_use]
    pub const fn root(&self) -> Sha256 {
        self.head.root
    }

    /// The whole note, with its signature.
    #[must_use]
    pub const fn note(&self) -> &str {
        &self.note
    }
}

/// The digest that stands there in base64.
pub(super) fn digest(text: &str) -> Option<Sha256> {
    STANDARD.decode(text).ok()?.try_into().ok().map(Sha256::new)
}

/// The newest checkpoint that lies in the directory.
///
/// # Errors
/// It is not of this log, or not by this key.
pub(super) fn newest(directory: &Path, signer: &NoteSigner) -> Result<Option<Checkpoint>, AuditOpenError> {
    let path = path(directory);
    let named = match fs::read_to_string(&path) {
        Ok(note) => Some(Checkpoint::read(signer, &note).map_err(|why| AuditOpenError::checkpoint(&path, why))?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            return Err(AuditOpenError::checkpoint(&path, NotOurs::Malformed));
        }
        Err(error) => return Err(io_at(&path)(error)),
    };
    // A crash may have come between the list of the segment and the file of the newest.
    let listed = match segment::checkpoint_lists(directory).map_err(io_at(directory))?.pop() {
        Some(list) => listed(&list, signer)?.0.pop(),
        None => None,
    };
    Ok(named.into_iter().chain(listed).max_by_key(Checkpoint::size))
}

/// The whole checkpoints of a list, and how many bytes they are: a crash may have torn the last one.
///
/// # Errors
/// It holds what no crash leaves.
pub(super) fn listed(path: &Path, signer: &NoteSigner) -> Result<(Vec<Checkpoint>, u64), AuditOpenError> {
    let bytes = fs::read(path).map_err(io_at(path))?;
    let (mut found, mut end) = (Vec::new(), 0);
    let mut rest = bytes.as_slice();
    loop {
        let gap: &[u8] = if found.is_empty() { b"" } else { b"\n" };
        let Some((checkpoint, length)) = rest.strip_prefix(gap).and_then(|notes| first(notes, signer)) else { break };
        end += gap.len() + length;
        rest = bytes.get(end..).unwrap_or_default();
        found.push(checkpoint);
    }
    if rest.len() > NOTE_MAX_BYTES {
        return Err(AuditOpenError::checkpoint(path, NotOurs::Key));
    }
    Ok((found, end as u64))
}

/// The checkpoint at the beginning of some notes, and its length: text, empty line, one signature.
fn first(notes: &[u8], signer: &NoteSigner) -> Option<(Checkpoint, usize)> {
    let lines = notes.split_inclusive(|byte| *byte == b'\n').take(5);
    let length = lines.map(<[u8]>::len).sum();
    let note = std::str::from_utf8(notes.get(..length)?).ok()?;
    Checkpoint::read(signer, note).ok().map(|checkpoint| (checkpoint, length))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::tests::harness::note_key;
    use crate::audit::tests::harness::signer;
    use crate::crypto::NoteName;

    fn of(lines: &[u8]) -> Checkpoint {
        let mut tree = Tree::default();
        tree.append_lines(lines);
        Checkpoint::sign(&signer(), &tree)
    }

    #[test]
    fn a_checkpoint_is_a_note_of_three_lines_and_reads_back() {
        let checkpoint = of(b"one\n");
        let text = "log.test/a\n1\ngyIO2xSsmJvHNNbPpLE+VK+WVpKkxbZWmTL+fyxgWL8=\n";
        let mut tree = Tree::default();
        tree.append_lines(b"one\n");
        let expected = format!("log.test/a\n1\n{}\n", STANDARD.encode(tree.root().as_bytes()));
        assert_eq!(expected.len(), text.len());
        assert!(checkpoint.note().starts_with(&format!("{expected}\n\u{2014} log.test/a ")), "{}", checkpoint.note());
        assert_eq!(Checkpoint::read(&signer(), checkpoint.note()), Ok(checkpoint));
    }

    #[test]
    fn the_longest_note_has_its_bound() {
        let name = NoteName::new(&"a".repeat(128)).unwrap();
        let longest = NoteSigner::from_pem(name, &note_key()).unwrap();
        let tree = Tree::restore(u64::MAX, vec![Sha256::new([0; 32]); 64]).unwrap();
        let length = Checkpoint::sign(&longest, &tree).note().len();
        assert!(length > NOTE_MAX_BYTES - 100 && length < NOTE_MAX_BYTES, "{length}");
    }

    #[test]
    fn what_is_no_checkpoint_of_this_log_is_told_apart() {
        let note = of(b"one\n").note().to_owned();
        let read = |note: &str| Checkpoint::read(&signer(), note).unwrap_err();
        for (from, to) in
            [("\n1\n", "\n01\n"), ("\n1\n", "\n+1\n"), ("\n1\n", "\n"), ("\n1\n", "\n1\nx\n"), ("=\n", "\n")]
        {
            assert_eq!(read(&note.replacen(from, to, 1)), NotOurs::Malformed, "{from:?} {to:?}");
        }
        assert_eq!(read(&note.replacen("log.test/a\n", "log.test/b\n", 1)), NotOurs::Origin);
        for (from, to) in [("\n1\n", "\n2\n"), ("\u{2014} log", "\u{2014} lag"), ("=\n\n", "=\n\n\u{2014} x y\n")] {
            assert_eq!(read(&note.replacen(from, to, 1)), NotOurs::Key, "{from:?} {to:?}");
        }
    }

    #[test]
    fn a_list_is_read_up_to_a_torn_end_and_nothing_else_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("list");
        let notes = [of(b"one\n"), of(b"one\ntwo\n"), of(b"one\ntwo\nthree\n")];
        let all = notes.each_ref().map(Checkpoint::note).join("\n");
        let two = notes[0].note().len() + 1 + notes[1].note().len();
        for end in two..=all.len() {
            fs::write(&path, &all.as_bytes()[..end]).unwrap();
            let (found, whole) = listed(&path, &signer()).unwrap();
            let count = if end == all.len() { 3 } else { 2 };
            assert_eq!((found.as_slice(), whole), (&notes[..count], if count == 3 { all.len() } else { two } as u64));
        }
        fs::write(&path, all.replacen("\n1\n", "\n7\n", 1).repeat(2)).unwrap();
        assert!(listed(&path, &signer()).is_err());
    }
}

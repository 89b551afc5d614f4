//! Making proofs from a log's files. A proof is handed out only after it was checked itself.
//!
//! The records are found in one pass over all segments, side by side. The hashes of their paths come from a second one, from
//! the segment of the first record on, whose header brings the tree before it: one walk, and of the tree nothing is held but
//! what the paths need.

use crate::evidence::examine::ExamineFault;
use crate::evidence::examine::Progress;
use crate::evidence::examine::bounded;
use crate::evidence::examine::if_there;
use crate::evidence::examine::in_file;
use crate::evidence::examine::numbers;
use crate::evidence::examine::on_all_cores;
use crate::evidence::examine::segment_path;
use crate::evidence::lines::Lines;
use crate::evidence::lines::Next;
use crate::evidence::note::Checkpoint;
use crate::evidence::note::Note;
use crate::evidence::note::NoteFault;
use crate::evidence::proof::ConsistencyProof;
use crate::evidence::proof::Proof;
use crate::evidence::record;
use crate::evidence::record::Header;
use crate::evidence::segment::Counted;
use crate::evidence::tree;
use crate::evidence::tree::Frontier;
use crate::evidence::tree::Gathering;
use crate::evidence::tree::leaf_hash;
use crate::json::Value;
use crate::model::Receipt;
use std::fs::File;
use std::path::Path;
use std::path::PathBuf;

/// The most records of one receipt that are proved at once.
const RECORDS_MAX: usize = 10_000;

/// The proofs of what stands under a receipt.
#[derive(Debug)]
pub struct ProofsOfReceipt {
    /// In the order of the log.
    pub proofs: Vec<Proof>,
    /// How many of its records stand behind the newest checkpoint.
    pub not_yet: usize,
}

/// Why a log gives no proof.
#[derive(Debug, thiserror::Error)]
pub enum ProveFault {
    /// A file cannot be read.
    #[error(transparent)]
    Unreadable(#[from] ExamineFault),
    /// The newest checkpoint is not there, or is none.
    #[error("`{path}` is no checkpoint: {why}", path = path.display())]
    Checkpoint {
        /// Where it should be.
        path: PathBuf,
        /// Why it is none.
        why: NoteFault,
    },
    /// Nothing stands under the receipt.
    #[error("no record of the log has this receipt")]
    Unknown,
    /// What stands under it is not signed yet.
    #[error("the records of this receipt stand behind the newest checkpoint: they are not signed yet")]
    NotYet,
    /// There are too many.
    #[error("the receipt has more than {RECORDS_MAX} records")]
    TooMany,
    /// The segment has no header where the proof would begin.
    #[error("`{path}` does not begin with a header of this format", path = path.display())]
    NoHeader {
        /// The segment.
        path: PathBuf,
    },
    /// The records that the proof would begin with are gone.
    #[error("the log begins at record {from}: what was signed at {size} records cannot be compared")]
    Gone {
        /// The first record that is there.
        from: u64,
        /// What was asked about.
        size: u64,
    },
    /// The checkpoints stand the other way round.
    #[error("the first checkpoint covers {first} records and the second one {second}: name the earlier one first")]
    Backwards {
        /// How many the first covers.
        first: u64,
        /// How many the second covers.
        second: u64,
    },
    /// The log is shorter than a checkpoint.
    #[error("the log holds {there} records, and the checkpoint covers {size}")]
    Shorter {
        /// How many there are.
        there: u64,
        /// How many were signed.
        size: u64,
    },
    /// The log is another than the one that was signed.
    #[error("at {size} records the log has another root than the checkpoint")]
    Other {
        /// At which size.
        size: u64,
    },
}

/// Proves what stands under a receipt, by the newest checkpoint.
///
/// # Errors
/// [`ProveFault`].
pub fn prove(directory: &Path, receipt: Receipt, progress: &Progress) -> Result<ProofsOfReceipt, ProveFault> {
    let path = directory.join("checkpoint");
    let bytes = if_there(&path, bounded(&path))?.unwrap_or_default();
    let checkpoint = checkpoint_of(&bytes).map_err(|why| ProveFault::Checkpoint { path, why })?;
    let note = String::from_utf8(bytes).unwrap_or_default();
    let numbers = begun(directory, progress)?;
    let wanted = receipt.to_string();
    let hits = on_all_cores(&numbers, |number| hits(directory, *number, &wanted, progress))?;
    let mut hits: Vec<Hit> = hits.into_iter().flatten().collect();
    hits.sort_unstable_by_key(|hit| hit.index);
    let found = hits.len();
    hits.retain(|hit| hit.index < checkpoint.size);
    let Some(first) = hits.first() else {
        return Err(if found == 0 { ProveFault::Unknown } else { ProveFault::NotYet });
    };
    if hits.len() > RECORDS_MAX {
        return Err(ProveFault::TooMany);
    }
    let mut gathering = Gathering::default();
    let parts = |hit: &Hit| tree::inclusion(hit.index, checkpoint.size).unwrap_or_default();
    hits.iter().for_each(|hit| gathering.want(&parts(hit)));
    let from = numbers.partition_point(|number| *number < first.segment);
    let behind = numbers.get(from..).unwrap_or_default();
    let mut follower = Follower::begin(directory, behind, header(directory, first.segment)?.before, &mut gathering);
    follower.advance(checkpoint.size, &mut gathering)?;
    if follower.tree.root() != checkpoint.root {
        return Err(ProveFault::Other { size: checkpoint.size });
    }
    let proof = |hit: Hit| {
        let path = gathering.path(&parts(&hit))?;
        let holds = tree::is_included(&leaf_hash(&hit.line), hit.index, checkpoint.size, &path, &checkpoint.root);
        holds.then(|| Proof { data: hit.line, index: hit.index, path, checkpoint: note.clone() })
    };
    let not_yet = found - hits.len();
    let proofs = hits
        .into_iter()
        .map(proof)
        .collect::<Option<Vec<Proof>>>()
        .ok_or(ProveFault::Other { size: checkpoint.size })?;
    Ok(ProofsOfReceipt { proofs, not_yet })
}

/// Proves that the second checkpoint goes on from the first, both being of the log in `directory`.
///
/// # Errors
/// [`ProveFault`]; [`ProveFault::Other`] names the size at which the log is not what was signed.
pub fn prove_consistency(
    directory: &Path,
    (first_note, second_note): (&str, &str),
    progress: &Progress,
) -> Result<ConsistencyProof, ProveFault> {
    let read = |note: &str| {
        let path = PathBuf::from("checkpoint");
        checkpoint_of(note.as_bytes()).map_err(|why| ProveFault::Checkpoint { path, why })
    };
    let (first, second) = (read(first_note)?, read(second_note)?);
    let parts = tree::consistency(first.size, second.size);
    let parts = parts.ok_or(ProveFault::Backwards { first: first.size, second: second.size })?;
    let numbers = begun(directory, progress)?;
    let (behind, before) = begins(directory, &numbers, first.size)?;
    let mut gathering = Gathering::default();
    gathering.want(&parts);
    let mut follower = Follower::begin(directory, behind, before, &mut gathering);
    for checkpoint in [&first, &second] {
        // A tree without leaves is the beginning of each one, wherever this log begins.
        if checkpoint.size == 0 && checkpoint.root == Frontier::empty().root() {
            continue;
        }
        follower.advance(checkpoint.size, &mut gathering)?;
        if follower.tree.root() != checkpoint.root || checkpoint.size == 0 {
            return Err(ProveFault::Other { size: checkpoint.size });
        }
    }
    let path = gathering.path(&parts).ok_or(ProveFault::Other { size: second.size })?;
    if !tree::is_consistent((first.size, &first.root), (second.size, &second.root), &path) {
        return Err(ProveFault::Other { size: second.size });
    }
    Ok(ConsistencyProof { path, first: first_note.to_owned(), second: second_note.to_owned() })
}

/// A record under the receipt.
struct Hit {
    segment: u64,
    index: u64,
    line: Vec<u8>,
}

fn checkpoint_of(bytes: &[u8]) -> Result<Checkpoint, NoteFault> {
    Note::parse(bytes)?.unverified_checkpoint()
}

/// The header of a segment.
fn header(directory: &Path, number: u64) -> Result<Header, ProveFault> {
    let path = segment_path(directory, number);
    let file = File::open(&path).map_err(in_file(&path))?;
    let mut lines = Lines::new(file);
    let header = match lines.next().map_err(in_file(&path))? {
        Next::Line(_, line) if record::check(line) == Ok(true) => record::header(line).ok(),
        Next::Line(..) | Next::End(_) | Next::Unended(_) => None,
    };
    header.ok_or(ProveFault::NoHeader { path })
}

/// The segments that were begun: of the newest the header may be on its way to the disk.
fn begun(directory: &Path, progress: &Progress) -> Result<Vec<u64>, ProveFault> {
    let mut numbers = numbers(directory, progress, &mut Vec::new())?;
    if let [.., _, newest] = numbers.as_slice()
        && matches!(header(directory, *newest), Err(ProveFault::NoHeader { .. }))
    {
        numbers.pop();
    }
    Ok(numbers)
}

/// The segments from the last one on whose header does not come behind `size` records, and the tree that it brings.
fn begins<'n>(directory: &Path, numbers: &'n [u64], size: u64) -> Result<(&'n [u64], Frontier), ProveFault> {
    let mut begins = None;
    for (at, number) in numbers.iter().enumerate() {
        let before = header(directory, *number)?.before;
        // Nothing is asked about what lies before no records.
        if before.size() > size && (size > 0 || begins.is_some()) {
            return begins.ok_or(ProveFault::Gone { from: before.size(), size });
        }
        begins = Some((numbers.get(at..).unwrap_or_default(), before));
    }
    begins.ok_or(ProveFault::Shorter { there: 0, size })
}

/// The records of a segment under a receipt.
fn hits(directory: &Path, number: u64, receipt: &str, progress: &Progress) -> Result<Vec<Hit>, ProveFault> {
    let mut index = header(directory, number)?.before.size();
    let path = segment_path(directory, number);
    let file = File::open(&path).map_err(in_file(&path))?;
    let mut lines = Lines::new(Counted::new(file, progress));
    let mut hits = Vec::new();
    while let Next::Line(_, line) = lines.next().map_err(in_file(&path))? {
        // Cheaper than parsing each.
        let named = line.windows(receipt.len()).any(|window| window == receipt.as_bytes());
        let value = Some(line).filter(|line| named && record::check(line).is_ok()).and_then(record::value);
        if value.is_some_and(|value| value.get("receipt").and_then(Value::as_str) == Some(receipt)) {
            hits.push(Hit { segment: number, index, line: line.to_vec() });
        }
        index += 1;
    }
    Ok(hits)
}

/// Adds the records of a log to a tree, over segments, as far as is asked.
struct Follower<'f> {
    directory: &'f Path,
    behind: std::slice::Iter<'f, u64>,
    lines: Option<(PathBuf, Lines<File>)>,
    tree: Frontier,
}

impl<'f> Follower<'f> {
    fn begin(directory: &'f Path, numbers: &'f [u64], before: Frontier, gathering: &mut Gathering) -> Self {
        before.nodes().for_each(|(node, hash)| gathering.offer(node, hash));
        Self { directory, behind: numbers.iter(), lines: None, tree: before }
    }

    /// Goes on until the tree has `size` leaves.
    fn advance(&mut self, size: u64, gathering: &mut Gathering) -> Result<(), ProveFault> {
        while self.tree.size() < size {
            let Some((path, lines)) = &mut self.lines else {
                let next = self.behind.next().ok_or(ProveFault::Shorter { there: self.tree.size(), size })?;
                let path = segment_path(self.directory, *next);
                let file = File::open(&path).map_err(in_file(&path))?;
                self.lines = Some((path, Lines::new(file)));
                continue;
            };
            match lines.next().map_err(in_file(path))? {
                Next::Line(_, line) => {
                    self.tree.push(leaf_hash(line), |node, hash| gathering.offer(node, hash));
                }
                Next::End(_) | Next::Unended(_) => self.lines = None,
            }
        }
        Ok(())
    }
}

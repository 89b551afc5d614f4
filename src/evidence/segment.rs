//! One segment, walked once from its header to its end: every record, every leaf, and every signed or seen root on the way.
//!
//! A segment verifies by itself: its header brings the tree of all that came before. Whether that is so, the neighbours tell
//! (`examine.rs`). The walk ends at the first record that is not what it must be, since nothing behind it can be held against
//! a root.
//!
//! **A log that is written meanwhile.** Checkpoints cover durable records only and are looked at before the records, so that
//! every one that is found has its records. What stands behind the newest checkpoint in the newest segment is not attested
//! yet: a line that is not whole there is a write under way, or what a crash left of one.

use crate::evidence::checkpoints;
use crate::evidence::checkpoints::Checkpoints;
use crate::evidence::claim::Claim;
use crate::evidence::examine::ExamineFault;
use crate::evidence::examine::Progress;
use crate::evidence::examine::Question;
use crate::evidence::examine::if_there;
use crate::evidence::examine::in_file;
use crate::evidence::examine::segment_path;
use crate::evidence::finding::Finding;
use crate::evidence::finding::Wrong;
use crate::evidence::lines::Lines;
use crate::evidence::lines::Next;
use crate::evidence::note::Checkpoint;
use crate::evidence::record;
use crate::evidence::record::LineFault;
use crate::evidence::record::RecordFault;
use crate::evidence::tiles::TileFault;
use crate::evidence::tiles::TileWrong;
use crate::evidence::tiles::Tiles;
use crate::evidence::tree::Frontier;
use crate::evidence::tree::leaf_hash;
use std::fs::File;
use std::io;
use std::io::BufReader;
use std::io::Read;
use std::path::Path;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

/// The most bytes of writes that were under way at once, and that a crash may have left in pieces.
pub(super) const TORN_MAX_BYTES: u64 = 64 * 1024 * 1024;

/// What to walk over, and what is known before.
pub(super) struct Job<'j> {
    pub(super) question: &'j Question<'j>,
    pub(super) number: u64,
    /// Whether it is the last segment that holds records.
    pub(super) newest: bool,
    /// Roots that were seen, the newest checkpoint's own among them, by size.
    pub(super) claims: &'j [Claim],
    /// The size of the newest checkpoint.
    pub(super) signed: u64,
}

/// What a walk has found.
pub(super) struct Walked {
    pub(super) number: u64,
    /// The tree that the header brings; `None` where there is no header.
    pub(super) before: Option<Frontier>,
    /// The tree after the last good record.
    pub(super) tree: Frontier,
    /// Where the last good record ends.
    pub(super) end: u64,
    /// Whether the walk came to the end of the records.
    pub(super) is_whole: bool,
    pub(super) checkpoints: u64,
    /// The newest checkpoint of this segment.
    pub(super) newest: Option<Checkpoint>,
    pub(super) tiles: u64,
    /// Bytes behind the records that may be a write under way.
    pub(super) torn_bytes: u64,
    pub(super) findings: Vec<Finding>,
}

/// Counts what is read, for whoever waits.
pub(super) struct Counted<'p> {
    file: File,
    progress: &'p Progress,
}

struct Walk<'j> {
    job: &'j Job<'j>,
    path: PathBuf,
    checkpoints_path: PathBuf,
    checkpoints: Option<Checkpoints<'j, BufReader<io::Take<File>>>>,
    /// The next checkpoint to come by.
    next: Option<Checkpoint>,
    claims: &'j [Claim],
    /// The size at which the tree was last found to be what was signed, and where the next record begins.
    good: (u64, u64),
    tiles: Option<Tiles>,
    /// A tile that differs, at which record: which of the two is wrong, the next root tells.
    doubted: Option<(TileFault, u64)>,
    walked: Walked,
}

/// Walks over a segment.
pub(super) fn walk(job: &Job<'_>) -> Result<Walked, ExamineFault> {
    let directory = job.question.directory;
    let path = segment_path(directory, job.number);
    let checkpoints_path = path.with_extension("checkpoints");
    let checkpoints = if_there(&checkpoints_path, limited(&checkpoints_path))?;
    let mut walk = Walk {
        job,
        checkpoints: checkpoints
            .map(|file| Checkpoints::new(BufReader::new(file), job.question.key, job.question.origin)),
        next: None,
        claims: &[],
        good: (0, 0),
        tiles: Tiles::of(directory),
        doubted: None,
        walked: Walked::new(job.number),
        checkpoints_path,
        path,
    };
    let file = File::open(&walk.path).map_err(in_file(&walk.path))?;
    walk.records(Lines::new(Counted::new(file, job.question.progress)))?;
    walk.walked.tiles = walk.tiles.map_or(0, |tiles| tiles.seen);
    Ok(walk.walked)
}

/// A file as long as it is now: what is appended meanwhile is not looked at.
fn limited(path: &Path) -> io::Result<io::Take<File>> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    Ok(file.take(length))
}

impl<'p> Counted<'p> {
    pub(super) const fn new(file: File, progress: &'p Progress) -> Self {
        Self { file, progress }
    }
}

impl Read for Counted<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(into)?;
        self.progress.done.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

impl Walked {
    const fn new(number: u64) -> Self {
        Self {
            number,
            before: None,
            tree: Frontier::empty(),
            end: 0,
            is_whole: false,
            checkpoints: 0,
            newest: None,
            tiles: 0,
            torn_bytes: 0,
            findings: Vec::new(),
        }
    }
}

impl Walk<'_> {
    fn records<R: Read>(&mut self, mut lines: Lines<R>) -> Result<(), ExamineFault> {
        let path = self.path.clone();
        loop {
            match lines.next().map_err(in_file(&path))? {
                Next::Line(offset, line) => {
                    let end = offset + line.len() as u64 + 1;
                    match self.record(offset, line) {
                        Ok(true) => self.walked.end = end,
                        Ok(false) => return Ok(()),
                        Err(Stop::Io(fault)) => return Err(fault),
                        Err(Stop::Line(fault)) => {
                            let rest = lines.rest().map_err(in_file(&path))?;
                            self.not_whole(offset, fault, rest.end.max(end));
                            return Ok(());
                        }
                    }
                }
                Next::End(offset) => {
                    let rest = lines.rest().map_err(in_file(&path))?;
                    if let Some(first) = rest.first {
                        self.behind(offset, first, rest.end);
                    } else {
                        self.ended();
                    }
                    return Ok(());
                }
                Next::Unended(offset) => {
                    let rest = lines.rest().map_err(in_file(&path))?;
                    self.not_whole(offset, LineFault { at: 0, why: RecordFault::Unended }, rest.end);
                    return Ok(());
                }
            }
        }
    }

    /// Takes a record; `false` if the walk ends with it.
    fn record(&mut self, offset: u64, line: &[u8]) -> Result<bool, Stop> {
        let is_header = record::check(line)?;
        match (&self.walked.before, is_header) {
            (None, true) => {
                if !self.begin(record::header(line)?)? {
                    return Ok(false);
                }
            }
            (None, false) => return Ok(self.wrong(offset, Wrong::NoHeader)),
            (Some(_), true) => return Ok(self.wrong(offset, Wrong::SecondHeader)),
            (Some(_), false) => {}
        }
        let (tree, tiles, mut fault) = (&mut self.walked.tree, &mut self.tiles, Ok(None));
        tree.push(leaf_hash(line), |node, hash| {
            if let (Some(tiles), Ok(None)) = (tiles.as_mut(), &fault) {
                fault = tiles.compare(node, hash);
            }
        });
        if let Some(fault) = fault.map_err(in_file(&self.path))? {
            self.doubted.get_or_insert((fault, offset));
        }
        self.held_against_roots(offset + line.len() as u64 + 1)
    }

    /// Takes the header.
    fn begin(&mut self, header: record::Header) -> Result<bool, ExamineFault> {
        let question = self.job.question;
        if &*header.origin != question.origin {
            return Ok(self.wrong(0, Wrong::Origin));
        }
        if header.number != self.job.number {
            return Ok(self.wrong(0, Wrong::Number { told: header.number }));
        }
        if header.before.root() != header.root {
            return Ok(self.wrong(0, Wrong::HeaderRoot));
        }
        let before = header.before.size();
        let from = self.job.claims.partition_point(|claim| claim.size <= before);
        self.claims = self.job.claims.get(from..).unwrap_or_default();
        self.good = (before, 0);
        self.walked.tree = header.before.clone();
        self.walked.before = Some(header.before);
        self.next = self.next_checkpoint(before)?;
        Ok(true)
    }

    /// Compares the tree with what was signed or seen at its size; the next record begins at `end`.
    fn held_against_roots(&mut self, end: u64) -> Result<bool, Stop> {
        let size = self.walked.tree.size();
        let claimed = self.claims.first().is_some_and(|claim| claim.size == size);
        let signed = self.next.as_ref().is_some_and(|next| next.size == size);
        if !claimed && !signed {
            return Ok(true);
        }
        let (root, mut fits) = (self.walked.tree.root(), signed);
        if let Some(next) = self.next.take_if(|next| next.size == size) {
            if next.root != root {
                return Ok(self.rewritten(size));
            }
            self.walked.newest = Some(next);
            self.walked.checkpoints += 1;
            self.next = self.next_checkpoint(size)?;
        }
        while let Some((claim, later)) = self.claims.split_first().filter(|(claim, _)| claim.size == size) {
            self.claims = later;
            match (claim.root == root, claim.is_own) {
                (true, _) => fits = true,
                (false, true) => return Ok(self.rewritten(size)),
                (false, false) => self.walked.findings.push(claim.finding(Wrong::SeenOther { size })),
            }
        }
        if fits {
            // The tree is what was signed, up to here.
            self.good = (size, end);
            self.doubted_tile();
        }
        Ok(true)
    }

    /// The next checkpoint of this segment, which covers more than `size` records.
    fn next_checkpoint(&mut self, size: u64) -> Result<Option<Checkpoint>, ExamineFault> {
        let Some(checkpoints) = &mut self.checkpoints else { return Ok(None) };
        let (offset, wrong) = match checkpoints.next().map_err(in_file(&self.checkpoints_path))? {
            checkpoints::Next::Checkpoint(_, next) if next.size > size => return Ok(Some(next)),
            checkpoints::Next::Checkpoint(offset, next) => (offset, Wrong::Order { size: next.size }),
            checkpoints::Next::Wrong(offset, fault) => (offset, Wrong::Checkpoint(fault)),
            checkpoints::Next::Torn(torn) => {
                // One that was being written when we looked, or when the power went, is newer than all that were finished.
                let newer = torn.size.map_or(self.job.newest, |size| size > self.job.signed);
                if newer {
                    return Ok(None);
                }
                (torn.offset, Wrong::TornCheckpoint)
            }
            checkpoints::Next::End => return Ok(None),
        };
        self.checkpoints = None;
        self.walked.findings.push(Finding { file: self.checkpoints_path.clone(), offset, wrong });
        Ok(None)
    }

    /// A record differs from what was signed: the one at which a tile differs, or any since the last good root.
    fn rewritten(&mut self, size: u64) -> bool {
        let (from, offset) = self.good;
        let doubted = self.doubted.take().filter(|(fault, _)| fault.why == TileWrong::Hash);
        let offset = doubted.map_or(offset, |(_, offset)| offset);
        self.wrong(offset, Wrong::Rewritten { from, to: size.saturating_sub(1), size })
    }

    /// A line is not whole, and nothing but what was written with it follows, up to `end`.
    fn not_whole(&mut self, offset: u64, fault: LineFault, end: u64) {
        if self.may_be_torn(offset, end) {
            self.walked.torn_bytes = end - offset;
            self.ended();
        } else {
            self.wrong(offset + fault.at as u64, Wrong::Record(fault.why));
        }
    }

    /// Something follows the zeros behind the records: pieces of a batch reach the disk in any order.
    fn behind(&mut self, offset: u64, first: u64, end: u64) {
        if self.may_be_torn(offset, end) {
            self.walked.torn_bytes = end - offset;
            self.ended();
        } else {
            self.wrong(first, Wrong::Behind);
        }
    }

    /// Whether what stands here may be a write under way: nothing that was signed is missing then.
    fn may_be_torn(&self, offset: u64, end: u64) -> bool {
        let size = self.walked.tree.size();
        let all_signed_is_there = self.walked.before.is_some() && self.job.signed <= size && self.next.is_none();
        self.job.newest && all_signed_is_there && end - offset <= TORN_MAX_BYTES
    }

    /// The records have ended.
    fn ended(&mut self) {
        if self.walked.before.is_none() {
            self.wrong(0, Wrong::NoHeader);
            return;
        }
        self.doubted_tile();
        if let Some(next) = self.next.take() {
            self.wrong(self.walked.end, Wrong::Missing { there: self.walked.tree.size(), signed: next.size });
            return;
        }
        self.walked.is_whole = true;
    }

    /// The records being what they must be, it is the tile that is not.
    fn doubted_tile(&mut self) {
        if let Some((TileFault { path, offset, why }, _)) = self.doubted.take() {
            let wrong = match why {
                TileWrong::Length => Wrong::TileLength,
                TileWrong::Hash => Wrong::Tile,
            };
            self.walked.findings.push(Finding { file: path, offset, wrong });
            // One is enough: what is built upon it differs, too.
            self.tiles = None;
        }
    }

    fn wrong(&mut self, offset: u64, wrong: Wrong) -> bool {
        self.walked.findings.push(Finding { file: self.path.clone(), offset, wrong });
        false
    }
}

/// Why a walk does not go on.
enum Stop {
    Line(LineFault),
    Io(ExamineFault),
}

impl From<LineFault> for Stop {
    fn from(fault: LineFault) -> Self {
        Self::Line(fault)
    }
}

impl From<ExamineFault> for Stop {
    fn from(fault: ExamineFault) -> Self {
        Self::Io(fault)
    }
}

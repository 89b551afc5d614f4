//! A whole log: its segments side by side on all cores, then how they hang together.

use crate::evidence::claim::Claim;
use crate::evidence::claim::Seen;
use crate::evidence::finding::Finding;
use crate::evidence::finding::Wrong;
use crate::evidence::note::Checkpoint;
use crate::evidence::note::NOTE_MAX_BYTES;
use crate::evidence::note::VerifierKey;
use crate::evidence::segment;
use crate::evidence::segment::Job;
use crate::evidence::segment::Walked;
use crate::evidence::tree::Frontier;
use std::fs;
use std::fs::File;
use std::io;
use std::io::Read;
use std::num::NonZeroUsize;
use std::path::Path;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::thread;

/// What is asked.
pub struct Question<'q> {
    /// The directory of the log.
    pub directory: &'q Path,
    /// Its public key.
    pub key: &'q VerifierKey,
    /// Its name.
    pub origin: &'q str,
    /// How far the work has come.
    pub progress: &'q Progress,
}

/// How far the work has come, in bytes.
#[derive(Debug, Default)]
pub struct Progress {
    /// What was read.
    pub done: AtomicU64,
    /// What there is to read.
    pub total: AtomicU64,
}

/// What came out.
#[derive(Debug)]
pub struct Report {
    /// The number of the first segment that is there.
    pub first_segment: u64,
    /// Segments that hold records.
    pub segments: u64,
    /// The first record that is there, counted from 0: those before are proved to be what they were by the first header alone.
    pub from: u64,
    /// How many records the log has, those before `from` included.
    pub size: u64,
    /// The newest checkpoint, if its signature fits.
    pub attested: Option<Checkpoint>,
    /// Checkpoints that fit the records.
    pub checkpoints: u64,
    /// Files of tiles that were compared.
    pub tiles: u64,
    /// Bytes behind the records that may be a write under way, with the file and the place.
    pub torn: Option<(PathBuf, u64, u64)>,
    /// What outsiders saw, and was compared.
    pub seen: u64,
    /// What they saw of other logs.
    pub seen_of_others: u64,
    /// What is wrong, in the order of the log.
    pub findings: Vec<Finding>,
}

/// Why a log could not be looked at.
#[derive(Debug, thiserror::Error)]
#[error("{path}", path = path.display())]
pub struct ExamineFault {
    /// The file.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

impl Report {
    /// How many records stand behind the newest checkpoint.
    #[must_use]
    pub fn unattested(&self) -> u64 {
        self.size.saturating_sub(self.attested.as_ref().map_or(0, |checkpoint| checkpoint.size))
    }
}

/// Looks at a log, and at what outsiders saw of it.
///
/// # Errors
/// A file that cannot be read; what is wrong with one that can is in the report.
pub fn examine(question: &Question<'_>, seen: Seen) -> Result<Report, ExamineFault> {
    // The newest checkpoint first: whatever it covers is there when the records are looked at.
    let checkpoint_path = question.directory.join("checkpoint");
    let mut findings = Vec::new();
    let signed = match if_there(&checkpoint_path, bounded(&checkpoint_path))? {
        None => Err(Wrong::NoCheckpoint),
        Some(bytes) => Checkpoint::verified(&bytes, question.key, question.origin).map_err(Wrong::Checkpoint),
    };
    let mut claims = seen.claims;
    let compared = claims.len() as u64;
    let attested = match signed {
        Ok(checkpoint) => {
            let (size, root) = (checkpoint.size, checkpoint.root);
            claims.push(Claim { size, root, file: checkpoint_path, offset: 0, is_own: true });
            Some(checkpoint)
        }
        Err(wrong) => {
            findings.push(Finding { file: checkpoint_path, offset: 0, wrong });
            None
        }
    };
    claims.sort_by_key(|claim| claim.size);
    let numbers = numbers(question.directory, question.progress, &mut findings)?;
    let signed = attested.as_ref().map_or(0, |checkpoint| checkpoint.size);
    let jobs: Vec<Job<'_>> = numbers
        .iter()
        .map(|number| Job {
            question,
            number: *number,
            newest: Some(number) == numbers.last(),
            claims: &claims,
            signed,
        })
        .collect();
    let mut walked = on_all_cores(&jobs, segment::walk)?;
    let being_begun = being_begun(&mut walked, signed);
    let report = Report {
        first_segment: walked.first().map_or(0, |first| first.number),
        segments: walked.len() as u64,
        from: walked.first().and_then(|first| first.before.as_ref()).map_or(0, Frontier::size),
        size: walked.last().map_or(0, |last| last.tree.size()),
        attested: newest(attested, &walked),
        checkpoints: walked.iter().map(|walked| walked.checkpoints).sum(),
        tiles: walked.iter().map(|walked| walked.tiles).sum(),
        torn: being_begun.or_else(|| {
            let last = walked.last().filter(|last| last.torn_bytes > 0)?;
            Some((segment_path(question.directory, last.number), last.end, last.torn_bytes))
        }),
        seen: compared,
        seen_of_others: seen.others,
        findings,
    };
    Ok(judged(question, report, walked, &claims, seen.findings))
}

/// Puts the findings in the order of the log, with what concerns several segments.
fn judged(
    question: &Question<'_>,
    mut report: Report,
    walked: Vec<Walked>,
    claims: &[Claim],
    seen: Vec<Finding>,
) -> Report {
    let mut before: Option<&Walked> = None;
    let directory = question.directory;
    let mut findings = std::mem::take(&mut report.findings);
    if walked.is_empty() && findings.iter().all(|finding| finding.wrong == Wrong::NoCheckpoint) {
        findings = vec![Finding { file: directory.to_owned(), offset: 0, wrong: Wrong::Nothing }];
    }
    for this in &walked {
        findings.extend(joint(directory, before, this));
        findings.extend(this.findings.iter().cloned());
        before = Some(this);
    }
    let unmet = claims.iter().filter(|claim| !(claim.is_own && walked.is_empty()));
    findings.extend(unmet.filter_map(|claim| unmet_claim(claim, directory, &report, &walked)));
    findings.extend(seen);
    report.findings = findings;
    report
}

/// What is wrong with a claim about a size that the walks did not come by.
fn unmet_claim(claim: &Claim, directory: &Path, report: &Report, walked: &[Walked]) -> Option<Finding> {
    let Report { from, size: there, .. } = *report;
    let size = claim.size;
    // Where the last walk ended early, nobody knows what would have come.
    let end = walked.last().filter(|last| last.is_whole);
    if size > from && (size <= there || (end.is_none() && !walked.is_empty())) {
        return None;
    }
    // At the first header's own size, its root tells.
    let at_start = walked.first().and_then(|first| first.before.as_ref()).filter(|_| size == from);
    let wrong = match at_start {
        Some(tree) if tree.root() == claim.root => return None,
        Some(_) => Wrong::SeenOther { size },
        None if size <= from => Wrong::SeenBefore { size, from },
        None if !claim.is_own => Wrong::SeenLonger { size, there },
        None => {
            let (file, offset) = (segment_path(directory, end?.number), end?.end);
            return Some(Finding { file, offset, wrong: Wrong::Missing { there, signed: size } });
        }
    };
    Some(claim.finding(wrong))
}

/// How a segment hangs together with the one before.
fn joint(directory: &Path, before: Option<&Walked>, this: &Walked) -> Vec<Finding> {
    let here = |wrong| Finding { file: segment_path(directory, this.number), offset: 0, wrong };
    let Some(before) = before else {
        let begins = this.before.as_ref().map_or(0, Frontier::size);
        let all = this.number == 1 && begins != 0;
        return all.then(|| here(Wrong::Start { told: begins, there: 0 })).into_iter().collect();
    };
    if before.number + 1 != this.number {
        let number = before.number + 1;
        return vec![Finding { file: segment_path(directory, number), offset: 0, wrong: Wrong::NoSegment { number } }];
    }
    match &this.before {
        Some(tree) if before.is_whole && tree.size() != before.tree.size() => {
            vec![here(Wrong::Start { told: tree.size(), there: before.tree.size() })]
        }
        Some(tree) if before.is_whole && *tree != before.tree => vec![here(Wrong::StartRoot)],
        _ => Vec::new(),
    }
}

/// Takes out a newest segment that has no whole header because it was being begun: all that was signed lies before it. Gives
/// its file and its bytes.
fn being_begun(walked: &mut Vec<Walked>, signed: u64) -> Option<(PathBuf, u64, u64)> {
    let [.., before, last] = walked.as_slice() else { return None };
    let is_unwhole = matches!(last.findings.as_slice(), [Finding { wrong: Wrong::Record(_), .. }]);
    if last.before.is_some() || !is_unwhole || !before.is_whole || signed > before.tree.size() {
        return None;
    }
    let file = walked.pop()?.findings.pop()?.file;
    let bytes = fs::metadata(&file).map_or(0, |metadata| metadata.len());
    Some((file, 0, bytes))
}

/// The newer of the newest checkpoint by itself and of those beside the segments.
fn newest(attested: Option<Checkpoint>, walked: &[Walked]) -> Option<Checkpoint> {
    let beside = walked.iter().filter_map(|walked| walked.newest.clone());
    beside.chain(attested).max_by_key(|checkpoint| checkpoint.size)
}

/// The segments that hold records, in order. Those that were made ahead begin with a zero.
pub(super) fn numbers(
    directory: &Path,
    progress: &Progress,
    findings: &mut Vec<Finding>,
) -> Result<Vec<u64>, ExamineFault> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).map_err(in_file(directory))? {
        let name = entry.map_err(in_file(directory))?.file_name();
        let digits = name.to_str().and_then(|name| name.strip_prefix("segment-")?.strip_suffix(".jsonl"));
        found.extend(digits.filter(|digits| digits.len() == 10).and_then(|digits| digits.parse::<u64>().ok()));
    }
    found.sort_unstable();
    let mut used = Vec::new();
    let mut unused = Vec::new();
    for number in found {
        let path = segment_path(directory, number);
        let mut first = [0];
        let mut file = File::open(&path).map_err(in_file(&path))?;
        let length = file.metadata().map_err(in_file(&path))?.len();
        if file.read(&mut first).map_err(in_file(&path))? == 0 || first == [0] {
            unused.push(path);
        } else {
            findings.extend(unused.drain(..).map(|file| Finding { file, offset: 0, wrong: Wrong::Unused }));
            progress.total.fetch_add(length, Ordering::Relaxed);
            used.push(number);
        }
    }
    Ok(used)
}

/// Does `work` for each of `jobs`, on as many threads as there are cores; what came out is in their order.
pub(super) fn on_all_cores<J: Sync, T: Send, E: Send>(
    jobs: &[J],
    work: impl Fn(&J) -> Result<T, E> + Sync,
) -> Result<Vec<T>, E> {
    let (next, threads) = (AtomicUsize::new(0), thread::available_parallelism().map_or(1, NonZeroUsize::get));
    let take = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(job) = jobs.get(at) else { return Ok(done) };
            done.push((at, work(job)?));
        }
    };
    let mut done = thread::scope(|scope| {
        let helpers: Vec<_> = (1..threads.min(jobs.len()))
            .filter_map(|number| thread::Builder::new().name(format!("verify-{number}")).spawn_scoped(scope, take).ok())
            .collect();
        // Whatever the system gives no thread for is done by this one.
        let mut done: Vec<(usize, T)> = take()?;
        for helper in helpers {
            // A panic of a helper is ours: what it would have found must not be left out.
            done.extend(helper.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
        }
        Ok(done)
    })?;
    done.sort_by_key(|(at, _)| *at);
    Ok(done.into_iter().map(|(_, done)| done).collect())
}

/// The file of a segment.
pub(super) fn segment_path(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("segment-{number:010}.jsonl"))
}

/// Names the file that an error of the system concerns.
pub(super) fn in_file(path: &Path) -> impl FnOnce(io::Error) -> ExamineFault + use<> {
    let path = path.to_owned();
    move |source| ExamineFault { path, source }
}

/// What was done with a file, or that it is not there.
pub(super) fn if_there<T>(path: &Path, done: io::Result<T>) -> Result<Option<T>, ExamineFault> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        done => done.map(Some).map_err(in_file(path)),
    }
}

/// A file that is not longer than a note; of a longer one, so much that it is told apart.
pub(super) fn bounded(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(NOTE_MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

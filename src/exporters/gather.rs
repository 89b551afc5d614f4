//! One batch: read from the log, as far as a checkpoint goes, and written out as its destination takes it. Blocks: it reads files.

use crate::audit::Checkpoint;
use crate::audit::Covered;
use crate::audit::Cursor;
use crate::audit::Entry;
use crate::audit::Format;
use crate::audit::Framing;
use crate::audit::OtlpLogs;
use crate::audit::Walk;
use crate::clock::UnixMillis;
use crate::exporters::fault::ExportFault;
use crate::exporters::fault::LogFault;
use std::path::Path;

/// The most bytes of records of a batch; one record that is longer goes alone.
const BATCH_MAX_BYTES: usize = 1024 * 1024;

/// How a batch is written out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Shape {
    /// Records in a format, told apart so.
    Text(Framing, Format),
    /// The body of one request of OTLP/HTTP.
    Otlp,
}

/// A batch as it goes out.
pub(super) struct Gathered {
    /// What is sent.
    pub(super) bytes: Vec<u8>,
    /// How many records it holds; at least one.
    pub(super) records: usize,
    /// The place behind the last of them.
    pub(super) after: Cursor,
    /// When the first and the last were made.
    pub(super) times: (UnixMillis, UnixMillis),
}

/// What is written out so far.
enum Written {
    Text(Framing, Format, Vec<u8>),
    Otlp(OtlpLogs),
}

/// Gathers at most so many records from `from` on, as far as the checkpoint goes; `None` where there are none now.
pub(super) fn gather(
    directory: &Path,
    from: Cursor,
    checkpoint: &Checkpoint,
    most: usize,
    shape: Shape,
    now: UnixMillis,
) -> Result<Option<Gathered>, ExportFault> {
    // Ours, and signed: that it is none does not happen.
    let covered = Covered::of_note(checkpoint.note(), now).ok_or(ExportFault::Log(LogFault::Unreadable))?;
    let mut written = Written::begin(shape, covered.origin);
    let (mut records, mut read, mut after, mut times) = (0, 0, from, None);
    for walked in Walk::new(directory.to_path_buf(), from).up_to(covered.size).take(most) {
        let walked = walked.map_err(|fault| told(&fault))?;
        let record = walked.record().map_err(|fault| told(&fault.into()))?;
        written.add(&Entry { record: &record, line: walked.bytes(), origin: covered.origin, at: walked.at });
        let (first, _) = times.unwrap_or((record.time(), record.time()));
        (records, after, times) = (records + 1, walked.after, Some((first, record.time())));
        read += walked.bytes().len();
        if read >= BATCH_MAX_BYTES {
            break;
        }
    }
    Ok(times.map(|times| Gathered { bytes: written.end(&covered), records, after, times }))
}

/// Says in the log what is wrong with it, for whoever has to mend it.
fn told(fault: &crate::audit::WalkFault) -> ExportFault {
    tracing::debug!(%fault, "the log cannot be read for an export");
    ExportFault::Log(fault.into())
}

impl Written {
    fn begin(shape: Shape, origin: &str) -> Self {
        match shape {
            Shape::Text(framing, format) => Self::Text(framing, format, Vec::new()),
            Shape::Otlp => Self::Otlp(OtlpLogs::begin(origin)),
        }
    }

    fn add(&mut self, entry: &Entry<'_>) {
        match self {
            Self::Text(framing, format, out) => framing.write(*format, entry, out),
            Self::Otlp(logs) => logs.record(entry),
        }
    }

    fn end(self, covered: &Covered<'_>) -> Vec<u8> {
        match self {
            Self::Text(framing, format, mut out) => {
                framing.write_checkpoint(format, covered, &mut out);
                out
            }
            Self::Otlp(logs) => logs.end(covered),
        }
    }
}

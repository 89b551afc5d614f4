//! `audit` as it is written and meant: where the log lies, what it is called, and the key that vouches for it.
//!
//! The name (`origin`) is the log's for good: whoever keeps a checkpoint of it knows it by that. Two gateways have two names.
//! The key signs checkpoints and nothing else.
//!
//! Nothing of the log is ever removed unless `retention` says so, and then only what is in the archive.
//! `reserve` and `segments` say how its segments are made; a batch is as large as a segment has room for, so that the log can always go on.

use crate::audit::LEAST_AGE_S;
use crate::audit::LONGEST_AGE_S;
use crate::audit::Retention;
use crate::config::exports;
use crate::config::exports::Export;
use crate::config::exports::ExportSettings;
use crate::config::files::Files;
use crate::config::values;
use crate::config::values::At;
use crate::config::values::Map;
use crate::crypto::NoteName;
use crate::crypto::NoteSigner;
use crate::yaml::Node;
use crate::yaml::Reader;
use std::fs;
use std::ops::RangeInclusive;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Bytes of a segment that stay free for what narrows: a revocation takes less than one KiB.
pub(super) const RESERVE_BYTES: RangeInclusive<u64> = 64 << 10..=8 << 20;
/// Unless it is written.
const RESERVE_DEFAULT: u64 = 1 << 20;
/// The size of a segment; the smallest takes an outcome with the longest answer.
pub(super) const SEGMENT_BYTES: RangeInclusive<u64> = 32 << 20..=1 << 30;
/// Unless it is written.
const SEGMENT_DEFAULT: u64 = 64 << 20;
/// The age at which a segment ends, in seconds.
pub(super) const SEGMENT_AGE_S: RangeInclusive<u64> = 60..=31 * 24 * 60 * 60;
/// Unless it is written.
const SEGMENT_AGE_DEFAULT: Duration = Duration::from_hours(24);

/// `audit` as it is written.
pub(super) struct Audit {
    pub(super) directory: At<PathBuf>,
    origin: NoteName,
    checkpoint_key: At<PathBuf>,
    reserve_bytes: u64,
    segments: Segments,
    retention: Option<Kept>,
    exports: Vec<Export>,
}

/// `segments` as they are written.
struct Segments {
    max_bytes: u64,
    max_age: Duration,
}

/// `audit.retention` as it is written.
struct Kept {
    age: Duration,
    archive: At<PathBuf>,
}

/// The audit log.
pub struct AuditSettings {
    /// Its folder.
    pub directory: PathBuf,
    /// Signs its checkpoints; its name is the log's.
    pub signer: Arc<NoteSigner>,
    /// What goes to the archive; without it everything stays.
    pub retention: Option<Retention>,
    /// Bytes of each segment that only what narrows may use.
    pub reserve_bytes: u64,
    /// The size of a segment.
    pub segment_bytes: u64,
    /// The age at which a segment ends.
    pub segment_age: Duration,
    /// Where its records go out to.
    pub exports: Vec<ExportSettings>,
}

pub(super) fn read(reader: &Reader, node: &Node) -> Option<Audit> {
    let map = Map::open(reader, node)?;
    let directory = map.need("directory", values::path);
    let origin = map.need("origin", origin);
    let checkpoint_key = map.need("checkpoint_key", values::path);
    let reserve_bytes = map.may("reserve", values::bytes(RESERVE_BYTES));
    let segments = map.may("segments", segments);
    let retention = map.may("retention", kept);
    let exports = map.may("exports", exports::read);
    map.close();
    let default = || Segments { max_bytes: SEGMENT_DEFAULT, max_age: SEGMENT_AGE_DEFAULT };
    Some(Audit {
        directory: directory?,
        origin: origin?,
        checkpoint_key: checkpoint_key?,
        reserve_bytes: reserve_bytes?.unwrap_or(RESERVE_DEFAULT),
        segments: segments?.unwrap_or_else(default),
        retention: retention?,
        exports: exports?.unwrap_or_default(),
    })
}

pub(super) fn meant(reader: &Reader, files: &mut Files<'_>, written: Audit) -> Option<AuditSettings> {
    let Audit { directory, origin, checkpoint_key, reserve_bytes, segments, retention, exports } = written;
    let directory = files.folder(&directory);
    let read = |secret: &_| NoteSigner::from_pem(origin, secret);
    let purpose = "the key of checkpoints";
    let signer = files.key(&checkpoint_key, purpose, read);
    files.one_key(&checkpoint_key, signer.as_ref().map(NoteSigner::public_digest), purpose);
    let retention = retention.map_or(Some(None), |kept| archived(files, kept, directory.as_deref()).map(Some));
    let exports = exports::meant(reader, files, exports);
    Some(AuditSettings {
        directory: directory?,
        signer: Arc::new(signer?),
        retention: retention?,
        exports: exports?,
        reserve_bytes,
        segment_bytes: segments.max_bytes,
        segment_age: segments.max_age,
    })
}

fn segments(reader: &Reader, node: &Node) -> Option<Segments> {
    let map = Map::open(reader, node)?;
    let max_bytes = map.may("max_bytes", values::bytes(SEGMENT_BYTES));
    let max_age = map.may("max_age", values::span(SEGMENT_AGE_S));
    map.close();
    Some(Segments {
        max_bytes: max_bytes?.unwrap_or(SEGMENT_DEFAULT),
        max_age: max_age?.unwrap_or(SEGMENT_AGE_DEFAULT),
    })
}

fn kept(reader: &Reader, node: &Node) -> Option<Kept> {
    let map = Map::open(reader, node)?;
    let age = map.need("age", values::stay(LEAST_AGE_S..=LONGEST_AGE_S));
    let archive = map.need("archive", |reader, node| {
        let map = Map::open(reader, node)?;
        let directory = map.need("directory", values::path);
        map.close();
        directory
    });
    map.close();
    Some(Kept { age: age?, archive: archive? })
}

fn archived(files: &Files<'_>, kept: Kept, log: Option<&Path>) -> Option<Retention> {
    let Kept { age, archive } = kept;
    let folder = files.folder(&archive)?;
    let at = |path: &Path| fs::canonicalize(path).ok();
    if log.is_some_and(|log| at(log) == at(&folder)) {
        let help = "name a folder of its own, on another volume where there is one";
        return files.fault(&archive, "archive-in-log", "is the folder of the log itself", Some(help));
    }
    Some(Retention { age_ms: age.as_secs().saturating_mul(1_000), archive: folder })
}

fn origin(reader: &Reader, node: &Node) -> Option<NoteName> {
    match NoteName::new(reader.text(node)?) {
        Ok(name) => Some(name),
        Err(error) => {
            let help = "for instance `gateway.prop.example/audit`: this log's own, which no other gateway has";
            values::fault(reader, node, "malformed-origin", &error.to_string(), Some(help))
        }
    }
}

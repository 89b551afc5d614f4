//! `audit` as it is written and meant: where the log lies, what it is called, and the key that vouches for it.
//!
//! The name (`origin`) is the log's for good: whoever keeps a checkpoint of it knows it by that. Two gateways have two names.
//! The key signs checkpoints and nothing else.
//!
//! Nothing of the log is ever removed unless `retention` says so, and then only what is in the archive.

use crate::audit::LEAST_AGE_S;
use crate::audit::LONGEST_AGE_S;
use crate::audit::Retention;
use crate::config::files::Files;
use crate::config::values;
use crate::config::values::At;
use crate::config::values::Map;
use crate::crypto::NoteName;
use crate::crypto::NoteSigner;
use crate::yaml::Node;
use crate::yaml::Reader;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// `audit` as it is written.
pub(super) struct Audit {
    pub(super) directory: At<PathBuf>,
    origin: NoteName,
    checkpoint_key: At<PathBuf>,
    retention: Option<Kept>,
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
}

pub(super) fn read(reader: &Reader, node: &Node) -> Option<Audit> {
    let map = Map::open(reader, node)?;
    let directory = map.need("directory", values::path);
    let origin = map.need("origin", origin);
    let checkpoint_key = map.need("checkpoint_key", values::path);
    let retention = map.may("retention", kept);
    map.close();
    Some(Audit { directory: directory?, origin: origin?, checkpoint_key: checkpoint_key?, retention: retention? })
}

pub(super) fn meant(files: &mut Files<'_>, written: Audit) -> Option<AuditSettings> {
    let Audit { directory, origin, checkpoint_key, retention } = written;
    let directory = files.folder(&directory);
    let read = |secret: &_| NoteSigner::from_pem(origin, secret);
    let signer = files.key(&checkpoint_key, "the key of checkpoints", read);
    let retention = retention.map_or(Some(None), |kept| archived(files, kept, directory.as_deref()).map(Some));
    Some(AuditSettings { directory: directory?, signer: Arc::new(signer?), retention: retention? })
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

//! `audit` as it is written and meant: where the log lies, what it is called, and the key that vouches for it.
//!
//! The name (`origin`) is the log's for good: whoever keeps a checkpoint of it knows it by that. Two gateways have two names.
//! The key signs checkpoints and nothing else.

use crate::config::files::Files;
use crate::config::values;
use crate::config::values::At;
use crate::config::values::Map;
use crate::crypto::NoteName;
use crate::crypto::NoteSigner;
use crate::yaml::Node;
use crate::yaml::Reader;
use std::path::PathBuf;
use std::sync::Arc;

/// `audit` as it is written.
pub(super) struct Audit {
    pub(super) directory: At<PathBuf>,
    origin: NoteName,
    checkpoint_key: At<PathBuf>,
}

/// The audit log.
pub struct AuditSettings {
    /// Its folder.
    pub directory: PathBuf,
    /// Signs its checkpoints; its name is the log's.
    pub signer: Arc<NoteSigner>,
}

pub(super) fn read(reader: &Reader, node: &Node) -> Option<Audit> {
    let map = Map::open(reader, node)?;
    let directory = map.need("directory", values::path);
    let origin = map.need("origin", origin);
    let checkpoint_key = map.need("checkpoint_key", values::path);
    map.close();
    Some(Audit { directory: directory?, origin: origin?, checkpoint_key: checkpoint_key? })
}

pub(super) fn meant(files: &mut Files<'_>, written: Audit) -> Option<AuditSettings> {
    let Audit { directory, origin, checkpoint_key } = written;
    let directory = files.folder(&directory);
    let read = |secret: &_| NoteSigner::from_pem(origin, secret);
    let signer = files.key(&checkpoint_key, "the key of checkpoints", read);
    Some(AuditSettings { directory: directory?, signer: Arc::new(signer?) })
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

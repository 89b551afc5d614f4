//! Whether the log that is read back is the one that its newest checkpoint vouches for.
//!
//! Segments come from the newest backwards. Each must bear the log's name, and end with the tree that the one behind it begins
//! with. The checkpoint says how many records there were at least, and the root of the tree over them. So records that were
//! attested cannot be cut off or changed unnoticed by whoever does not hold the key; what a crash cuts off was not attested, since
//! only what is durable is.

use crate::audit::checkpoint;
use crate::audit::checkpoint::Checkpoint;
use crate::audit::fault::AuditOpenError;
use crate::audit::fault::ORIGIN;
use crate::audit::record::Head;
use crate::audit::recover::Event;
use crate::audit::tree::Tree;
use crate::clock::UnixMillis;
use crate::crypto::NoteName;
use crate::model::Epoch;
use crate::model::Sha256;
use std::path::Path;
use std::path::PathBuf;

/// What a segment holds.
#[derive(Default)]
pub(super) struct Segment {
    /// What matters of its records.
    pub(super) events: Vec<Event>,
    /// When its first record was written.
    pub(super) began: Option<UnixMillis>,
    /// When its last record was written.
    pub(super) ended: Option<UnixMillis>,
    /// The latest time that a record of it bears.
    pub(super) latest: Option<UnixMillis>,
    /// Where its whole records end.
    pub(super) end: usize,
    /// Its first record; `None` where it has no whole one.
    pub(super) head: Option<Head>,
    /// The tree at its end.
    pub(super) tree: Tree,
    /// The highest epoch told by then.
    pub(super) epoch: Epoch,
    /// The root where the newest checkpoint was made, if that was in this segment.
    root: Option<Sha256>,
}

/// The segments that were read, from the newest on.
pub(super) struct Chain<'c> {
    directory: &'c Path,
    origin: &'c NoteName,
    attested: Option<&'c Checkpoint>,
    /// The tree and epoch at the end of the log.
    end: Option<(Tree, Epoch)>,
    /// The segment behind the one that comes next, and what it begins with.
    behind: Option<(PathBuf, Tree)>,
    root: Option<Sha256>,
}

impl Segment {
    /// Keeps the root, if the checkpoint was made here.
    pub(super) fn take_root(&mut self, attested: Option<&Checkpoint>) {
        if attested.is_some_and(|checkpoint| checkpoint.size() == self.tree.size()) {
            self.root = Some(self.tree.root());
        }
    }
}

impl<'c> Chain<'c> {
    pub(super) const fn new(directory: &'c Path, origin: &'c NoteName, attested: Option<&'c Checkpoint>) -> Self {
        Self { directory, origin, attested, end: None, behind: None, root: None }
    }

    /// Takes the segment that stands before the one that came last. Gives what matters of its records.
    pub(super) fn link(&mut self, path: &Path, segment: Segment) -> Result<Vec<Event>, AuditOpenError> {
        // One without a whole record says nothing of the log.
        let Some(head) = segment.head else { return Ok(segment.events) };
        if head.origin != self.origin.as_str() {
            return Err(AuditOpenError::OtherLog { path: path.to_owned(), what: ORIGIN });
        }
        if let Some((behind, tree)) = self.behind.take().filter(|(_, tree)| *tree != segment.tree) {
            drop(tree);
            return Err(AuditOpenError::Changed { path: behind });
        }
        self.end.get_or_insert((segment.tree, segment.epoch));
        self.behind = Some((path.to_owned(), head.tree));
        self.root = self.root.or(segment.root);
        Ok(segment.events)
    }

    /// Whether the place of the newest checkpoint was come by, or there is none.
    pub(super) const fn is_attested(&self) -> bool {
        self.attested.is_none() || self.root.is_some()
    }

    /// The tree and the epoch at the end of the log, if it is the one that its checkpoint vouches for.
    pub(super) fn end(self) -> Result<(Tree, Epoch), AuditOpenError> {
        let (tree, epoch) = self.end.unwrap_or_default();
        let (path, size) = (checkpoint::path(self.directory), tree.size());
        match self.attested {
            // The very first start may have died between its first record and the first checkpoint.
            None if size <= 1 => Ok((tree, epoch)),
            None => Err(AuditOpenError::NoCheckpoint { path, size }),
            Some(attested) if attested.size() > size => {
                Err(AuditOpenError::Shortened { path, size, attested: attested.size() })
            }
            Some(attested) if self.root == Some(attested.root()) => Ok((tree, epoch)),
            Some(_) => Err(AuditOpenError::Changed { path }),
        }
    }
}

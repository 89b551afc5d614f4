//! Hash tiles in the archive. A segment goes there with the tiles that its records complete, and with the beginnings of those that
//! they leave begun, under the same names as in the log's folder: put beside each other, the archives of all segments hold all
//! tiles, and an archive that is unpacked is a log.
//!
//! Where the log's own tiles are missing and the segments that they were made from are gone, they come back from there. Nothing is
//! taken on trust: what the archive holds must come to the tree of which the oldest segment that is left tells, each tile to the
//! hash of it that the level above has.

use crate::audit::segment;
use crate::audit::tile_places::Place;
use crate::audit::tile_places::begun;
use crate::audit::tiles::TileFault;
use crate::audit::tiles::Tiles;
use crate::audit::tiles::WIDTH;
use crate::audit::tiles::head_of;
use crate::audit::tiles::made_durable;
use crate::audit::tiles::nodes;
use crate::audit::tiles::tree_of;
use crate::audit::tiles::tree_over;
use crate::audit::tiles::write;
use crate::model::Sha256;
use std::path::Path;

/// Tiles to go on with, as [`Tiles::resume`] finds them, or once those before the oldest segment are back from the archive.
///
/// # Errors
/// As [`Tiles::resume`]; [`TileFault::Gone`] also where the archive does not hold them.
pub(super) fn resume(log: &Path, archive: Option<&Path>) -> Result<Tiles, TileFault> {
    match (Tiles::resume(log), archive) {
        (Err(TileFault::Gone), Some(archive)) => {
            let records = restore(log, archive)?;
            tracing::info!(records, "the hash tiles of the audit log are back from the archive");
            Tiles::resume(log)
        }
        (resumed, _) => resumed,
    }
}

/// Puts the tiles before the oldest segment back, and says of how many records they are. All is held against that segment's head
/// before the log's own are said to be durable.
fn restore(log: &Path, archive: &Path) -> Result<u64, TileFault> {
    let oldest = segment::numbers(log)?.first().copied().ok_or(TileFault::Gone)?;
    let tree = head_of(log, oldest)?.ok_or(TileFault::Gone)?.tree;
    let size = tree.size();
    let levels = (0..).take_while(|level| nodes(size, *level) > 0);
    let rows = levels.map(|level| match begun(size, level) {
        Some(place) => place.hashes(archive)?.ok_or(TileFault::Gone),
        None => Ok(Vec::new()),
    });
    let rows = rows.collect::<Result<Vec<_>, TileFault>>()?;
    if tree_of(&rows, size).as_ref() != Some(&tree) {
        return Err(TileFault::Gone);
    }
    let mut files = Vec::new();
    // From the top down: the hashes of a level say what the tiles of the one below must come to.
    let mut above: Vec<Sha256> = Vec::new();
    for (level, row) in rows.iter().enumerate().rev() {
        let mut own = Vec::new();
        for (index, root) in (0..).zip(&above) {
            let place = Place { level, index, width: WIDTH };
            let hashes = place.hashes(archive)?.filter(|hashes| tree_over(hashes).root() == *root);
            let hashes = hashes.ok_or(TileFault::Gone)?;
            let path = place.path(log);
            write(&path, &hashes)?;
            files.push(path);
            // The lowest level is as long as the log, and nothing lies below it.
            own.extend(hashes.into_iter().filter(|_| level > 0));
        }
        own.extend(row);
        above = own;
        if let Some(path) = begun(size, level).map(|place| place.path(log)) {
            write(&path, row)?;
            files.push(path);
        }
    }
    made_durable(log, files.into_iter(), size)?;
    Ok(size)
}

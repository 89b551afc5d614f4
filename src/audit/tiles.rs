//! Hash tiles (C2SP tlog-tiles): the tree as files of 256 hashes, so that `checkpoint` and `tile/` can be served as static files and
//! anybody can make proofs out of them. There are no entry bundles; hashes tell nothing, since every leaf holds a salt.
//!
//! The tile of level L and index N holds the hashes of 256 neighbours of the tree, each over 256ᴸ records: `tile/L/N`, and one that
//! is not full yet `tile/L/N.p/W`, where W is how many it holds. They are made from the segments as they lie on the disk, and must
//! come to the writer's own tree: a record that is changed behind the gateway's back is noticed within a second. Where more came
//! than [`READ_BACK_MAX`] they are made from the writer's own hashes: under such a load reading and hashing each record once more
//! would take the processor from the commands, and what is changed then is for `audit verify` to find.
//!
//! A full tile never changes, and the partial ones of its index go when it is there. At the end of a segment all are made durable,
//! and then `tiles.durable` says of how many records. Whatever else a crash takes away is made again from there at the next start;
//! tiles that are missing are made again from the segments, and where these are gone too they come
//! [from the archive](crate::audit::archived_tiles).

use crate::audit::attest::Leaves;
use crate::audit::attest::Tip;
use crate::audit::read::Line;
use crate::audit::record::Head;
use crate::audit::segment;
use crate::audit::tile_places::are_there;
use crate::audit::tile_places::begun;
use crate::audit::tile_places::bytes_of;
use crate::audit::tree::Tree;
use crate::audit::tree::leaf_hash;
use crate::durable;
use crate::model::Sha256;
use std::collections::BTreeSet;
use std::fs;
use std::fs::File;
use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Seek;
use std::io::SeekFrom;
use std::path::Path;
use std::path::PathBuf;

/// Hashes of a full tile.
pub(super) const WIDTH: usize = 256;

/// Records that are read back from the disk at most, of those that came since the checkpoint before.
pub(super) const READ_BACK_MAX: u64 = 4_096;

/// The tiles of a log, as far as they have come.
pub(super) struct Tiles {
    directory: PathBuf,
    /// Of each level the hashes of the tile that is not full.
    rows: Vec<Vec<Sha256>>,
    /// How many records are in them.
    size: u64,
    /// The segment that the next record is read from, and the bytes of it that were read.
    segment: u64,
    offset: u64,
    /// The partial tiles that were written last.
    partial: Vec<PathBuf>,
    /// The full ones that are not durable yet.
    full: Vec<PathBuf>,
}

/// Why tiles do not grow.
#[derive(Debug, thiserror::Error)]
pub(super) enum TileFault {
    /// A file cannot be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A segment says something else than what was written.
    #[error("the records on the disk are not those that were written")]
    Changed,
    /// Tiles are missing, and so are the segments that they would be made from.
    #[error("tiles are missing, and with them the segments that they would be made from")]
    Gone,
}

impl Tiles {
    /// Tiles to go on with: behind those that are durable, else from the first record on.
    ///
    /// # Errors
    /// [`TileFault::Gone`]; a file cannot be read.
    pub(super) fn resume(directory: &Path) -> Result<Self, TileFault> {
        let durable =
            fs::read_to_string(directory.join("tiles.durable")).ok().and_then(|size| size.trim().parse().ok());
        for number in segment::numbers(directory)?.into_iter().rev() {
            let Some(head) = head_of(directory, number)? else { continue };
            let size = head.tree.size();
            let tiles = Self::at(directory, number, size);
            let known = (size == 0 || Some(size) == durable) && are_there(directory, size);
            if known && tiles.tree().as_ref() == Some(&head.tree) {
                return Ok(tiles);
            }
        }
        Err(TileFault::Gone)
    }

    /// What the tiles that so many records leave begun hold, of which some may be full by now; what is missing shows in the tree.
    fn at(directory: &Path, segment: u64, size: u64) -> Self {
        let mut rows = Vec::new();
        for level in (0..).take_while(|level| nodes(size, *level) > 0) {
            let hashes = begun(size, level).and_then(|place| place.hashes(directory).ok().flatten());
            rows.push(hashes.unwrap_or_default());
        }
        let directory = directory.to_owned();
        Self { directory, rows, size, segment, offset: 0, partial: Vec::new(), full: Vec::new() }
    }

    /// Takes up all records up to `tip`, and writes the tiles. After an error these tiles are not used again.
    ///
    /// # Errors
    /// [`TileFault`]
    pub(super) fn grow(&mut self, tip: &Tip, leaves: &Leaves) -> Result<(), TileFault> {
        let tree = &tip.tree;
        let many = tree.size().saturating_sub(self.size) > READ_BACK_MAX;
        if let Some(leaves) = leaves.of(self.size, tree.size()).filter(|_| many) {
            for leaf in leaves {
                self.add(*leaf)?;
            }
            (self.segment, self.offset) = (tip.segment, tip.end);
        }
        while self.size < tree.size() {
            self.read_segment(tree.size())?;
        }
        if self.tree().as_ref() != Some(tree) {
            return Err(TileFault::Changed);
        }
        self.write_partial()?;
        Ok(())
    }

    /// Makes all that was written durable: the end of a segment.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn sync(&mut self) -> Result<(), TileFault> {
        made_durable(&self.directory, self.full.drain(..).chain(self.partial.drain(..)), self.size)
    }

    /// Reads records up to the end of the segment, or of the tree.
    fn read_segment(&mut self, until: u64) -> Result<(), TileFault> {
        let mut file = File::open(segment::path(&self.directory, self.segment))?;
        file.seek(SeekFrom::Start(self.offset))?;
        let mut reader = BufReader::with_capacity(256 * 1024, file);
        let mut line = Vec::new();
        while self.size < until {
            // Behind the last record are zeros, or nothing.
            if reader.fill_buf()?.first() != Some(&b'{') {
                self.segment += 1;
                self.offset = 0;
                return Ok(());
            }
            line.clear();
            reader.read_until(b'\n', &mut line)?;
            self.offset += line.len() as u64;
            self.add(leaf_hash(&line))?;
        }
        Ok(())
    }

    fn add(&mut self, leaf: Sha256) -> io::Result<()> {
        self.size += 1;
        let mut hash = leaf;
        for level in 0..8 {
            let Some(row) = self.rows.get_mut(level) else {
                self.rows.push(vec![hash]);
                return Ok(());
            };
            row.push(hash);
            if row.len() < WIDTH {
                return Ok(());
            }
            let full = std::mem::take(row);
            hash = tree_over(&full).root();
            let path = tile_path(&self.directory, level, nodes(self.size, level + 1).saturating_sub(1));
            write(&path, &full)?;
            match fs::remove_dir_all(partial_folder(&path)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => self.full.push(path),
            }
        }
        Ok(())
    }

    fn write_partial(&mut self) -> io::Result<()> {
        let mut written = Vec::new();
        for (level, row) in self.rows.iter().enumerate() {
            let Some(path) = begun(self.size, level).map(|place| place.path(&self.directory)) else { continue };
            if !self.partial.contains(&path) {
                write(&path, row)?;
            }
            written.push(path);
        }
        self.partial = written;
        Ok(())
    }

    /// The tree that the tiles come to.
    fn tree(&self) -> Option<Tree> {
        tree_of(&self.rows, self.size)
    }
}

/// The tree of so many records whose begun tiles hold these hashes, the lowest level first.
pub(super) fn tree_of(rows: &[Vec<Sha256>], size: u64) -> Option<Tree> {
    let parts = rows.iter().rev().flat_map(|row| tree_over(row).frontier().to_vec());
    Tree::restore(size, parts.collect())
}

/// Makes these files durable, and says that all tiles of so many records are.
pub(super) fn made_durable(directory: &Path, files: impl Iterator<Item = PathBuf>, size: u64) -> Result<(), TileFault> {
    let mut folders = BTreeSet::new();
    for path in files {
        match File::open(&path) {
            Ok(file) => file.sync_all()?,
            // A partial one that was full soon after.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
        folders.extend(path.ancestors().skip(1).take_while(|folder| *folder != directory).map(Path::to_owned));
    }
    for folder in folders.iter().filter(|folder| folder.is_dir()) {
        File::open(folder)?.sync_all()?;
    }
    durable::replace(&directory.join("tiles.durable"), format!("{size}\n").as_bytes())?;
    Ok(())
}

/// The tree over some neighbours of one level.
pub(super) fn tree_over(nodes: &[Sha256]) -> Tree {
    let mut tree = Tree::default();
    nodes.iter().for_each(|node| tree.append(*node));
    tree
}

/// How many perfect subtrees of 256^`level` leaves so many leaves have.
pub(super) fn nodes(size: u64, level: usize) -> u64 {
    u32::try_from(level * 8).ok().and_then(|bits| size.checked_shr(bits)).unwrap_or_default()
}

/// `tile/L/N`: groups of three digits, all but the last behind an `x`.
pub(super) fn tile_path(directory: &Path, level: usize, index: u64) -> PathBuf {
    let mut groups = vec![format!("{:03}", index % 1_000)];
    let mut rest = index / 1_000;
    while rest > 0 {
        groups.push(format!("x{:03}", rest % 1_000));
        rest /= 1_000;
    }
    let folder = directory.join("tile").join(level.to_string());
    groups.iter().rev().fold(folder, |path, group| path.join(group))
}

pub(super) fn partial_folder(tile: &Path) -> PathBuf {
    tile.with_extension("p")
}

/// Puts a tile in its place as a whole.
pub(super) fn write(path: &Path, hashes: &[Sha256]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let new = path.with_extension("new");
    fs::write(&new, bytes_of(hashes))?;
    fs::rename(new, path)
}

/// What a segment begins with; `None` where it is not in use.
pub(super) fn head_of(directory: &Path, number: u64) -> Result<Option<Head>, TileFault> {
    let mut reader = BufReader::new(File::open(segment::path(directory, number))?);
    if reader.fill_buf()?.first() != Some(&b'{') {
        return Ok(None);
    }
    let mut line = Vec::new();
    reader.read_until(b'\n', &mut line)?;
    Line::parse(&line).and_then(|line| line.head()).map(Some).ok_or(TileFault::Changed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of C2SP tlog-tiles.
    #[test]
    fn tiles_lie_where_the_specification_says() {
        let path = |level, index| tile_path(Path::new("log"), level, index).display().to_string();
        assert_eq!(path(0, 1_234_067), "log/tile/0/x001/x234/067");
        assert_eq!((path(0, 0), path(3, 999)), ("log/tile/0/000".into(), "log/tile/3/999".into()));
        let partial = |level, size| begun(size, level).map(|place| place.path(Path::new("log")).display().to_string());
        assert_eq!(partial(0, 70_000), Some("log/tile/0/273.p/112".into()));
        assert_eq!(partial(1, 70_000), Some("log/tile/1/001.p/17".into()));
        assert_eq!(partial(2, 70_000), Some("log/tile/2/000.p/1".into()));
        assert_eq!((partial(3, 70_000), partial(0, 512), partial(0, 0)), (None, None, None));
    }
}

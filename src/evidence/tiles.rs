//! Hash tiles beside a log (C2SP tlog-tiles), held against the tree while its leaves go by.
//!
//! A tile of level l holds roots of perfect subtrees of height 8·l, 256 of them side by side or, while there are fewer, as many
//! as there are (`<n>.p/<width>`). Each such subtree is completed once when the leaves go by in order; then it is looked up.
//! A file that is not there proves nothing and is no fault.

use crate::evidence::tree::Node;
use crate::model::Sha256;
use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;

/// Hashes of a full tile.
const WIDTH: u64 = 256;
/// Levels of the tree between two levels of tiles.
const HEIGHT: u32 = 8;
/// The longest tile, in bytes.
const TILE_BYTES: u64 = WIDTH * 32;

/// The tiles of a log, of which one of each level is held.
pub(super) struct Tiles {
    folder: PathBuf,
    held: HashMap<u32, Held>,
    /// Files that were compared.
    pub(super) seen: u64,
}

struct Held {
    number: u64,
    files: Vec<(PathBuf, Vec<u8>)>,
}

/// A tile that does not hold what the tree has.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct TileFault {
    pub(super) path: PathBuf,
    pub(super) offset: u64,
    pub(super) why: TileWrong,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum TileWrong {
    /// The file is not as long as its name says.
    Length,
    /// A hash in it is another.
    Hash,
}

impl Tiles {
    /// The tiles of the log in `directory`, if it has any.
    pub(super) fn of(directory: &Path) -> Option<Self> {
        let folder = directory.join("tile");
        folder.is_dir().then(|| Self { folder, held: HashMap::new(), seen: 0 })
    }

    /// Looks a subtree up that was just completed.
    pub(super) fn compare(&mut self, node: Node, hash: &Sha256) -> io::Result<Option<TileFault>> {
        if !node.height.is_multiple_of(HEIGHT) {
            return Ok(None);
        }
        let (level, number, place) = (node.height / HEIGHT, node.index / WIDTH, node.index % WIDTH * 32);
        if self.held.get(&level).is_none_or(|held| held.number != number) {
            let files = files(&self.folder.join(level.to_string()), number)?;
            let fault = files.iter().find(|(_, width, bytes)| bytes.len() as u64 != width * 32);
            let fault = fault.map(|(path, ..)| TileFault { path: path.clone(), offset: 0, why: TileWrong::Length });
            self.seen += files.len() as u64;
            let files = files.into_iter().map(|(path, _, bytes)| (path, bytes)).collect();
            self.held.insert(level, Held { number, files });
            if fault.is_some() {
                return Ok(fault);
            }
        }
        let at = usize::try_from(place).unwrap_or(usize::MAX);
        let differs =
            |bytes: &[u8]| bytes.get(at..).and_then(|from| from.get(..32)).is_some_and(|told| told != hash.as_bytes());
        let files = self.held.get(&level).map(|held| held.files.as_slice()).unwrap_or_default();
        let fault = files.iter().find(|(_, bytes)| differs(bytes));
        Ok(fault.map(|(path, _)| TileFault { path: path.clone(), offset: place, why: TileWrong::Hash }))
    }
}

/// The files of a tile that are there, each with the width that its name says.
fn files(level: &Path, number: u64) -> io::Result<Vec<(PathBuf, u64, Vec<u8>)>> {
    let full = level.join(name(number));
    let mut partial = full.clone().into_os_string();
    partial.push(".p");
    let mut found = Vec::new();
    let mut take = |path: PathBuf, width| -> io::Result<()> {
        if let Some(bytes) = if_there(read(&path))? {
            found.push((path, width, bytes));
        }
        Ok(())
    };
    take(full, WIDTH)?;
    for entry in if_there(fs::read_dir(&partial))?.into_iter().flatten() {
        let entry = entry?;
        let width = entry.file_name().to_str().and_then(crate::evidence::note::decimal);
        if let Some(width) = width.filter(|width| (1..WIDTH).contains(width)) {
            take(entry.path(), width)?;
        }
    }
    Ok(found)
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    use std::io::Read;
    let mut bytes = Vec::new();
    // One byte more tells a longer file apart.
    fs::File::open(path)?.take(TILE_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A partial tile may go once there is the full one.
fn if_there<T>(done: io::Result<T>) -> io::Result<Option<T>> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        done => done.map(Some),
    }
}

/// A tile's number as a path: groups of three digits, all but the last with an `x` before them.
fn name(mut number: u64) -> String {
    let mut name = format!("{:03}", number % 1000);
    while number >= 1000 {
        number /= 1000;
        name = format!("x{:03}/{name}", number % 1000);
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tiles_number_is_spelled_as_the_specification_spells_it() {
        assert_eq!([0, 7, 999, 1000, 1_234_067].map(name), ["000", "007", "999", "x001/000", "x001/x234/067"]);
    }
}

//! Where tiles lie, and what their files hold: a full tile under its name, and beginnings of one that is not full by their width.
//! The full tile holds all its beginnings, so that who looks for one finds it there, too.

use crate::audit::tiles::WIDTH;
use crate::audit::tiles::nodes;
use crate::audit::tiles::partial_folder;
use crate::audit::tiles::tile_path;
use crate::model::Sha256;
use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;

/// A tile and its hashes.
pub(super) type Tile = (Place, Vec<Sha256>);

/// One tile, or the beginning of one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Place {
    pub(super) level: usize,
    pub(super) index: u64,
    /// How many hashes it holds.
    pub(super) width: usize,
}

impl Place {
    /// Where it lies in a folder.
    pub(super) fn path(&self, folder: &Path) -> PathBuf {
        let full = tile_path(folder, self.level, self.index);
        if self.width == WIDTH { full } else { partial_folder(&full).join(self.width.to_string()) }
    }

    /// What the files of a folder hold of it: the full tile holds the beginning, too. `None` where none of them holds as much.
    pub(super) fn hashes(&self, folder: &Path) -> io::Result<Option<Vec<Sha256>>> {
        let full = tile_path(folder, self.level, self.index);
        let mut files = vec![full.clone()];
        if self.width < WIDTH
            && let Some(begun) = if_there(fs::read_dir(partial_folder(&full)))?
        {
            let widths = begun.filter_map(|file| file.ok()?.file_name().to_str()?.parse::<usize>().ok());
            let wide = widths.filter(|width| *width >= self.width);
            files.extend(wide.map(|width| partial_folder(&full).join(width.to_string())));
        }
        for file in files {
            let Some(bytes) = if_there(fs::read(file))? else { continue };
            if let (hashes, []) = bytes.as_chunks()
                && let Some(begun) = hashes.get(..self.width)
            {
                return Ok(Some(begun.iter().copied().map(Sha256::new).collect()));
            }
        }
        Ok(None)
    }
}

/// The tiles that the records behind `from` up to `to` complete, and those that they leave begun.
fn places(from: u64, to: u64) -> impl Iterator<Item = Place> {
    (0..).take_while(move |level| nodes(to, *level) > 0).flat_map(move |level| {
        let (first, end) = (nodes(from, level + 1), nodes(to, level + 1));
        let full = (first..end).map(move |index| Place { level, index, width: WIDTH });
        full.chain(begun(to, level))
    })
}

/// The tile of this level that so many records leave begun.
pub(super) fn begun(size: u64, level: usize) -> Option<Place> {
    let width = usize::try_from(nodes(size, level) % WIDTH as u64).unwrap_or_default();
    (width > 0).then(|| Place { level, index: nodes(size, level + 1), width })
}

/// Whether every tile that so many records complete has a file.
pub(super) fn are_there(folder: &Path, size: u64) -> bool {
    places(0, size).filter(|place| place.width == WIDTH).all(|place| place.path(folder).is_file())
}

/// What a file of these hashes holds: 32 bytes of each.
pub(super) fn bytes_of(hashes: &[Sha256]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| *hash.as_bytes()).collect()
}

/// What goes to the archive with the records behind `from` up to `to`; `None` where the log does not have all of it yet.
pub(super) fn of_segment(log: &Path, from: u64, to: u64) -> io::Result<Option<Vec<Tile>>> {
    places(from, to).map(|place| Ok(place.hashes(log)?.map(|hashes| (place, hashes)))).collect()
}

fn if_there<T>(done: io::Result<T>) -> io::Result<Option<T>> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        done => done.map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tile_goes_with_one_segment_and_each_end_with_its_own() {
        let of = |from, to| places(from, to).map(|place| (place.level, place.index, place.width)).collect::<Vec<_>>();
        assert_eq!(of(0, 255), [(0, 0, 255)]);
        assert_eq!(of(255, 256), [(0, 0, 256), (1, 0, 1)]);
        assert_eq!(of(256, 600), [(0, 1, 256), (0, 2, 88), (1, 0, 2)]);
        assert_eq!(of(600, 600), [(0, 2, 88), (1, 0, 2)], "a segment of nothing but its head would end there, too");
        assert_eq!(of(65_535, 65_536), [(0, 255, 256), (1, 0, 256), (2, 0, 1)]);
        assert_eq!(of(0, 0), []);
    }
}

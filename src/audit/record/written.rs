//! Whole records one after the other, with the hash of each as a leaf of the tree.
//!
//! A record's sum and its leaf are digests over the same bytes from the same beginning: the sum as far as it goes, the leaf to
//! the record's end. So both are made in one pass, while the record is still in the cache of the thread that wrote it.

use crate::audit::record::SUM_CLOSES;
use crate::audit::record::SUM_DIGITS;
use crate::audit::record::SUM_OPENS;
use crate::crypto::Digesting;
use crate::crypto::sha256_joined;
use crate::model::Sha256;
use crate::model::put_hex;

/// What comes before a leaf where it is hashed (RFC 6962 §2.1).
pub(crate) const LEAF: &[u8] = &[0];

/// Records, each with its line feed, and their leaves.
#[derive(Default)]
pub(crate) struct Written {
    pub(super) bytes: Vec<u8>,
    leaves: Vec<Sha256>,
}

impl Written {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// One for each record, in their order.
    pub(crate) fn leaves(&self) -> &[Sha256] {
        &self.leaves
    }

    /// Keeps at most so many bytes of the memory, and nothing of what was written.
    pub(crate) fn clear(&mut self, kept_bytes: usize) {
        self.bytes.clear();
        self.bytes.shrink_to(kept_bytes);
        self.leaves.clear();
    }

    /// These lines, as if they had been written.
    #[cfg(test)]
    pub(crate) fn of(lines: &[u8]) -> Self {
        let leaves = lines.split_inclusive(|byte| *byte == b'\n').map(crate::audit::tree::leaf_hash).collect();
        Self { bytes: lines.to_vec(), leaves }
    }

    /// Ends the record that begins at `start` and has no end yet.
    pub(super) fn end(&mut self, start: usize) {
        let mut leaf = Digesting::default();
        leaf.update(LEAF);
        leaf.update(self.bytes.get(start..).unwrap_or_default());
        let digits = digits(&leaf.so_far());
        let end = [SUM_OPENS, &digits, SUM_CLOSES];
        end.iter().for_each(|piece| self.bytes.extend_from_slice(piece));
        let [opens, digits, closes] = end;
        [opens, digits, closes.strip_suffix(b"\n").unwrap_or(closes)].iter().for_each(|piece| leaf.update(piece));
        self.leaves.push(leaf.finish());
    }
}

/// The digits of a sum over `bytes`.
pub(crate) fn sum(bytes: &[u8]) -> [u8; SUM_DIGITS] {
    digits(&sha256_joined(&[LEAF, bytes]))
}

/// The first of a digest's hexadecimal digits.
fn digits(digest: &Sha256) -> [u8; SUM_DIGITS] {
    let mut digits = [b'0'; SUM_DIGITS];
    put_hex(digest.as_bytes(), &mut digits);
    digits
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::tree::leaf_hash;

    #[test]
    fn sum_and_leaf_of_one_pass_are_those_of_the_whole_record() {
        let mut written = Written::default();
        for length in [0, 1, 54, 55, 56, 63, 64, 65, 2_000] {
            let start = written.bytes.len();
            let body = vec![b'a'; length];
            written.bytes.extend_from_slice(&body);
            written.end(start);
            let line = [&body, SUM_OPENS, &sum(&body), SUM_CLOSES].concat();
            assert_eq!(written.bytes.get(start..), Some(&*line), "{length}");
            assert_eq!(written.leaves.last(), Some(&leaf_hash(&line)), "{length}");
        }
    }
}

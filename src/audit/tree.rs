//! The Merkle tree over the log (RFC 6962 §2.1): every line of every segment is a leaf, in the order of the log.
//!
//! Of the tree only the *frontier* is kept: the hashes of the maximal perfect subtrees of its leaves, the largest (leftmost)
//! first, one for each bit that is set in the number of leaves. That is enough to go on and to tell the root.
//!
//! A leaf's data is the line without its line feed. It holds a salt of 32 random bytes, so that nobody who holds hashes can
//! confirm a line that they guess.

use crate::audit::record::LEAF;
use crate::crypto::sha256;
use crate::crypto::sha256_joined;
use crate::model::Sha256;

/// A tree, as far as appending to it needs.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Tree {
    size: u64,
    frontier: Vec<Sha256>,
}

/// The hash of a leaf, whose line may still have its line feed.
pub(super) fn leaf_hash(line: &[u8]) -> Sha256 {
    sha256_joined(&[LEAF, line.strip_suffix(b"\n").unwrap_or(line)])
}

/// The hash of a node over its two children.
pub(super) fn node_hash(left: &Sha256, right: &Sha256) -> Sha256 {
    sha256_joined(&[&[1], left.as_bytes(), right.as_bytes()])
}

impl Tree {
    /// The tree of so many leaves with this frontier; `None` if the two do not fit.
    pub(super) fn restore(size: u64, frontier: Vec<Sha256>) -> Option<Self> {
        (u32::try_from(frontier.len()) == Ok(size.count_ones())).then_some(Self { size, frontier })
    }

    /// Adds a leaf.
    pub(super) fn append(&mut self, leaf: Sha256) {
        let mut node = leaf;
        // Each of the lowest bits that are set is a perfect tree that this leaf makes one of twice the size.
        for _ in 0..self.size.trailing_ones() {
            let Some(left) = self.frontier.pop() else { break };
            node = node_hash(&left, &node);
        }
        self.frontier.push(node);
        self.size += 1;
    }

    /// Adds leaves, in their order.
    pub(super) fn append_all(&mut self, leaves: &[Sha256]) {
        leaves.iter().for_each(|leaf| self.append(*leaf));
    }

    /// Adds all lines of a text, each with its line feed.
    pub(super) fn append_lines(&mut self, lines: &[u8]) {
        lines.split_inclusive(|byte| *byte == b'\n').for_each(|line| self.append(leaf_hash(line)));
    }

    /// How many leaves it has.
    pub(super) const fn size(&self) -> u64 {
        self.size
    }

    /// The hashes of its maximal perfect subtrees, the largest first.
    pub(super) fn frontier(&self) -> &[Sha256] {
        &self.frontier
    }

    /// Its root; of no leaves the digest of nothing.
    pub(super) fn root(&self) -> Sha256 {
        let mut nodes = self.frontier.iter().rev();
        let Some(last) = nodes.next() else { return sha256(b"") };
        nodes.fold(*last, |right, left| node_hash(left, &right))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The definition of RFC 6962 §2.1, word for word and without any shortcut.
    pub(crate) fn defined(leaves: &[Vec<u8>]) -> Sha256 {
        match leaves {
            [] => sha256(&[]),
            [leaf] => sha256(&[&[0], leaf.as_slice()].concat()),
            leaves => {
                // The largest power of two that is smaller than their number.
                let mut k = 1;
                while k * 2 < leaves.len() {
                    k *= 2;
                }
                let (left, right) = (defined(&leaves[..k]), defined(&leaves[k..]));
                sha256(&[&[1], left.as_bytes().as_slice(), right.as_bytes()].concat())
            }
        }
    }

    /// The leaves and roots by which implementations of Certificate Transparency are tested.
    #[test]
    fn the_roots_of_the_published_leaves_come_out() {
        const PUBLISHED: [(&[u8], &str); 8] = [
            (b"", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
            (b"\x00", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
            (b"\x10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
            (b"\x20\x21", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"),
            (b"\x30\x31", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"),
            (b"\x40\x41\x42\x43", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"),
            (b"\x50\x51\x52\x53\x54\x55\x56\x57", "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"),
            (
                b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
                "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
            ),
        ];
        let mut tree = Tree::default();
        assert_eq!(tree.root().to_string(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        for (size, (leaf, root)) in (1..).zip(PUBLISHED) {
            tree.append(leaf_hash(leaf));
            assert_eq!((tree.size(), tree.root().to_string().as_str()), (size, root));
        }
    }

    proptest! {
        #[test]
        fn a_tree_is_the_one_that_is_defined_and_goes_on_from_its_frontier(
            leaves in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..4), 0..70),
        ) {
            let mut tree = Tree::default();
            for (index, leaf) in leaves.iter().enumerate() {
                prop_assert_eq!(tree.root(), defined(&leaves[..index]));
                tree = Tree::restore(tree.size(), tree.frontier().to_vec()).unwrap();
                tree.append(sha256(&[&[0], leaf.as_slice()].concat()));
            }
            prop_assert_eq!((tree.size(), tree.root()), (leaves.len() as u64, defined(&leaves)));
        }
    }

    #[test]
    fn a_frontier_that_does_not_fit_the_size_restores_no_tree() {
        let node = sha256(b"node");
        assert!(Tree::restore(5, vec![node; 2]).is_some());
        for (size, nodes) in [(5, 1), (5, 3), (0, 1), (u64::MAX, 63)] {
            assert_eq!(Tree::restore(size, vec![node; nodes]), None);
        }
    }

    #[test]
    fn the_line_feed_of_a_line_is_no_part_of_its_leaf() {
        assert_eq!(leaf_hash(b"line\n"), leaf_hash(b"line"));
        let mut tree = Tree::default();
        tree.append_lines(b"one\ntwo\n");
        assert_eq!((tree.size(), tree.root()), (2, node_hash(&leaf_hash(b"one"), &leaf_hash(b"two"))));
    }
}

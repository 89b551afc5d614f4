//! The Merkle tree of RFC 6962 §2.1, looked at by one who trusts nobody: roots, inclusion, consistency.
//!
//! Verifying goes by the algorithms of RFC 9162 §2.1.3.2 and §2.1.4.2; making a proof goes by the definitions of RFC 6962
//! §2.1.1 and §2.1.2, told as the perfect subtrees that it takes ([`inclusion`], [`consistency`]), so that whoever walks over
//! a log once picks them up on the way ([`Gathering`]) and holds nothing else of it. Leaves count from 0.

use crate::crypto::sha256;
use crate::crypto::sha256_joined;
use crate::model::Sha256;
use std::collections::HashMap;

/// The most leaves of a tree: what JSON carries exactly (RFC 8259 §6). No sum of two such numbers overflows.
pub const SIZE_MAX: u64 = (1 << 53) - 1;

/// A perfect subtree: its height (a leaf has 0) and its number among those of that height, from the left, from 0.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Node {
    /// It has 2^height leaves.
    pub height: u32,
    /// Its first leaf is number index · 2^height.
    pub index: u64,
}

/// What of a tree is needed to go on with it: the roots of its maximal perfect subtrees, the largest (leftmost) first.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Frontier {
    size: u64,
    hashes: Vec<Sha256>,
}

/// The perfect subtrees out of which each hash of a proof is made, in the order of the proof.
pub type Parts = Vec<Vec<Node>>;

/// Subtrees that are wanted, and what of them was found.
#[derive(Debug, Default)]
pub struct Gathering(HashMap<Node, Option<Sha256>>);

/// The hash of a leaf.
#[must_use]
pub fn leaf_hash(data: &[u8]) -> Sha256 {
    sha256_joined(&[&[0], data])
}

/// The hash of what stands above two others.
#[must_use]
pub fn node_hash(left: &Sha256, right: &Sha256) -> Sha256 {
    sha256_joined(&[&[1], left.as_bytes(), right.as_bytes()])
}

impl Frontier {
    /// The tree without leaves.
    #[must_use]
    pub const fn empty() -> Self {
        Self { size: 0, hashes: Vec::new() }
    }

    /// A tree of `size` leaves; `None` if that many have another number of maximal perfect subtrees, or are too many.
    #[must_use]
    pub fn new(size: u64, hashes: Vec<Sha256>) -> Option<Self> {
        let fits = size <= SIZE_MAX && u64::from(size.count_ones()) == hashes.len() as u64;
        fits.then_some(Self { size, hashes })
    }

    /// How many leaves it has.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The tree's root; of no leaves, the digest of nothing.
    #[must_use]
    pub fn root(&self) -> Sha256 {
        joined(&self.hashes).unwrap_or_else(|| sha256(b""))
    }

    /// Adds a leaf and tells of every perfect subtree that it completes, from itself upwards.
    pub fn push(&mut self, leaf: Sha256, mut completed: impl FnMut(Node, &Sha256)) {
        let (mut node, mut hash) = (Node { height: 0, index: self.size }, leaf);
        completed(node, &hash);
        while node.index % 2 == 1 {
            // A tree of `size` leaves has a subtree for each bit that is set.
            let Some(left) = self.hashes.pop() else { break };
            hash = node_hash(&left, &hash);
            node = Node { height: node.height + 1, index: node.index / 2 };
            completed(node, &hash);
        }
        self.hashes.push(hash);
        self.size += 1;
    }

    /// Its subtrees, with the hash of each.
    pub fn nodes(&self) -> impl Iterator<Item = (Node, &Sha256)> {
        cover(0, self.size).into_iter().zip(&self.hashes)
    }
}

/// Whether `leaf` is number `index` of the tree of `size` leaves with this root (RFC 9162 §2.1.3.2).
#[must_use]
pub fn is_included(leaf: &Sha256, index: u64, size: u64, path: &[Sha256], root: &Sha256) -> bool {
    if index >= size {
        return false;
    }
    let (mut at, mut last, mut hash) = (index, size - 1, *leaf);
    for sibling in path {
        if last == 0 {
            return false;
        }
        if at % 2 == 1 || at == last {
            hash = node_hash(sibling, &hash);
            while at % 2 == 0 && at != 0 {
                (at, last) = (at / 2, last / 2);
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        (at, last) = (at / 2, last / 2);
    }
    last == 0 && hash == *root
}

/// Whether the tree of `second` leaves begins with the one of `first` leaves (RFC 9162 §2.1.4.2). With none begins every one,
/// and each with itself; neither needs a hash.
#[must_use]
pub fn is_consistent(first: (u64, &Sha256), second: (u64, &Sha256), path: &[Sha256]) -> bool {
    let ((first, first_root), (second, second_root)) = (first, second);
    if first > second {
        return false;
    }
    if first == second || first == 0 {
        let roots_fit = if first == second { first_root == second_root } else { *first_root == sha256(b"") };
        return path.is_empty() && roots_fit;
    }
    let (mut at, mut last) = (first - 1, second - 1);
    while at % 2 == 1 {
        (at, last) = (at / 2, last / 2);
    }
    let (seed, rest) = match path.split_first() {
        _ if first.is_power_of_two() && !path.is_empty() => (first_root, path),
        Some((seed, rest)) => (seed, rest),
        None => return false,
    };
    let (mut first_hash, mut second_hash) = (*seed, *seed);
    for sibling in rest {
        if last == 0 {
            return false;
        }
        if at % 2 == 1 || at == last {
            first_hash = node_hash(sibling, &first_hash);
            second_hash = node_hash(sibling, &second_hash);
            while at % 2 == 0 && at != 0 {
                (at, last) = (at / 2, last / 2);
            }
        } else {
            second_hash = node_hash(&second_hash, sibling);
        }
        (at, last) = (at / 2, last / 2);
    }
    last == 0 && first_hash == *first_root && second_hash == *second_root
}

/// What the path of leaf `index` in a tree of `size` leaves is made of (RFC 6962 §2.1.1); `None` if there is no such leaf.
#[must_use]
pub fn inclusion(index: u64, size: u64) -> Option<Parts> {
    if index >= size || size > SIZE_MAX {
        return None;
    }
    let (mut from, mut to, mut parts) = (0, size, Vec::new());
    while to - from > 1 {
        let middle = from + left_half(to - from);
        if index < middle {
            parts.push(cover(middle, to));
            to = middle;
        } else {
            parts.push(cover(from, middle));
            from = middle;
        }
    }
    parts.reverse();
    Some(parts)
}

/// What the proof is made of that the tree of `second` leaves begins with the one of `first` (RFC 6962 §2.1.2); `None` if it
/// is smaller. Of no leaves, and of equally many, the proof is empty.
#[must_use]
pub fn consistency(first: u64, second: u64) -> Option<Parts> {
    if first > second || second > SIZE_MAX {
        return None;
    }
    let (mut from, mut to, mut parts) = (0, second, Vec::new());
    if first == 0 {
        return Some(parts);
    }
    while first != to {
        let middle = from + left_half(to - from);
        if first <= middle {
            parts.push(cover(middle, to));
            to = middle;
        } else {
            parts.push(cover(from, middle));
            from = middle;
        }
    }
    // What the verifier knows already, being the whole of the first tree, is not told to it.
    if from != 0 {
        parts.push(cover(from, to));
    }
    parts.reverse();
    Some(parts)
}

/// What the root of a tree of `size` leaves is made of.
#[must_use]
pub fn whole(size: u64) -> Vec<Node> {
    cover(0, size.min(SIZE_MAX))
}

impl Gathering {
    /// Wants each subtree of these parts.
    pub fn want(&mut self, parts: &Parts) {
        for node in parts.iter().flatten() {
            self.0.entry(*node).or_default();
        }
    }

    /// Takes a subtree's hash if it is wanted and not there yet.
    pub fn offer(&mut self, node: Node, hash: &Sha256) {
        if let Some(place) = self.0.get_mut(&node) {
            place.get_or_insert(*hash);
        }
    }

    /// The hashes of a proof; `None` while a part of it is missing.
    #[must_use]
    pub fn path(&self, parts: &Parts) -> Option<Vec<Sha256>> {
        parts.iter().map(|part| self.joined(part)).collect()
    }

    /// The root over neighbouring subtrees.
    #[must_use]
    pub fn joined(&self, part: &[Node]) -> Option<Sha256> {
        let hashes: Option<Vec<Sha256>> = part.iter().map(|node| self.0.get(node).copied().flatten()).collect();
        joined(&hashes?)
    }
}

/// The largest power of two that is smaller than `leaves`, of which there are at least two.
fn left_half(leaves: u64) -> u64 {
    1 << (leaves - 1).ilog2()
}

/// The perfect subtrees that leaves `from` to `to` are made of, from the left. What `from` counts is a multiple of a power of
/// two not smaller than their number, as wherever RFC 6962 cuts a tree in two.
fn cover(mut from: u64, to: u64) -> Vec<Node> {
    let mut nodes = Vec::new();
    while from < to {
        let height = (to - from).ilog2();
        nodes.push(Node { height, index: from >> height });
        from += 1 << height;
    }
    nodes
}

/// The root over neighbouring perfect subtrees that grow smaller to the right; `None` of none.
fn joined(hashes: &[Sha256]) -> Option<Sha256> {
    hashes.iter().rev().copied().reduce(|right, left| node_hash(&left, &right))
}

#[cfg(test)]
mod tests;

//! The tree against the published vectors, against its own definition, and against Python's.

use super::*;
use proptest::prelude::*;
use std::process::Command;

/// The leaves of the vectors that come with RFC 6962's reference implementation, in hexadecimal.
const LEAVES: [&str; 8] =
    ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];

/// The roots of the trees of one to eight of them.
const ROOTS: [&str; 8] = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

fn digest(text: &str) -> Sha256 {
    Sha256::from_hex(text).unwrap()
}

fn bytes(text: &str) -> Vec<u8> {
    let pairs = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

/// Some leaves, all different.
fn leaves(count: u64) -> Vec<Sha256> {
    (0..count).map(|number| leaf_hash(&number.to_be_bytes())).collect()
}

/// MTH of RFC 6962 §2.1, word for word.
fn root_of(leaves: &[Sha256]) -> Sha256 {
    match leaves {
        [] => sha256(b""),
        [one] => *one,
        more => {
            let half = more.len().next_power_of_two() / 2;
            node_hash(&root_of(&more[..half]), &root_of(&more[half..]))
        }
    }
}

fn frontier(leaves: &[Sha256], gathering: &mut Gathering) -> Frontier {
    let mut frontier = Frontier::empty();
    leaves.iter().for_each(|leaf| frontier.push(*leaf, |node, hash| gathering.offer(node, hash)));
    frontier
}

fn inclusion_path(leaves: &[Sha256], index: u64) -> Vec<Sha256> {
    let parts = inclusion(index, leaves.len() as u64).unwrap();
    let mut gathering = Gathering::default();
    gathering.want(&parts);
    frontier(leaves, &mut gathering);
    gathering.path(&parts).unwrap()
}

fn consistency_path(leaves: &[Sha256], first: u64) -> Vec<Sha256> {
    let parts = consistency(first, leaves.len() as u64).unwrap();
    let mut gathering = Gathering::default();
    gathering.want(&parts);
    frontier(leaves, &mut gathering);
    gathering.path(&parts).unwrap()
}

#[test]
fn the_published_roots_come_out() {
    let leaves: Vec<Sha256> = LEAVES.iter().map(|leaf| leaf_hash(&bytes(leaf))).collect();
    for size in 1..=8 {
        let root = digest(ROOTS[size - 1]);
        assert_eq!(frontier(&leaves[..size], &mut Gathering::default()).root(), root, "{size}");
        assert_eq!(root_of(&leaves[..size]), root, "{size}");
    }
    let nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(Frontier::empty().root(), digest(nothing));
}

/// The paths that the same vectors list.
#[test]
fn the_published_proofs_come_out_and_are_taken() {
    let leaves: Vec<Sha256> = LEAVES.iter().map(|leaf| leaf_hash(&bytes(leaf))).collect();
    let path = |hashes: &[&str]| hashes.iter().map(|hash| digest(hash)).collect::<Vec<_>>();
    let inclusions: [(u64, u64, Vec<Sha256>); 4] = [
        (0, 1, path(&[])),
        (
            0,
            8,
            path(&[
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ]),
        ),
        (
            5,
            8,
            path(&[
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ]),
        ),
        (2, 3, path(&["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"])),
    ];
    for (index, size, wanted) in inclusions {
        let here = &leaves[..usize::try_from(size).unwrap()];
        let at = usize::try_from(index).unwrap();
        assert_eq!(inclusion_path(here, index), wanted, "{index} of {size}");
        assert!(is_included(&leaves[at], index, size, &wanted, &digest(ROOTS[here.len() - 1])));
    }
    let consistencies: [(u64, u64, Vec<Sha256>); 4] = [
        (1, 1, path(&[])),
        (
            1,
            8,
            path(&[
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ]),
        ),
        (
            6,
            8,
            path(&[
                "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ]),
        ),
        (
            2,
            5,
            path(&[
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            ]),
        ),
    ];
    for (first, second, wanted) in consistencies {
        let root = |size: u64| digest(ROOTS[usize::try_from(size - 1).unwrap()]);
        assert_eq!(consistency_path(&leaves[..usize::try_from(second).unwrap()], first), wanted, "{first}, {second}");
        assert!(is_consistent((first, &root(first)), (second, &root(second)), &wanted));
    }
}

/// Each leaf of each tree up to 70, with the path of every other one, a longer and a shorter one, and a bit turned.
#[test]
fn a_leaf_is_included_at_its_place_by_its_own_path_and_by_no_other() {
    let all = leaves(70);
    for size in 1..=70_u64 {
        let here = &all[..usize::try_from(size).unwrap()];
        let root = root_of(here);
        assert!(!is_included(&all[0], size, size, &[], &root), "no such leaf");
        for index in 0..size {
            let leaf = &here[usize::try_from(index).unwrap()];
            let path = inclusion_path(here, index);
            assert!(is_included(leaf, index, size, &path, &root), "{index} of {size}");
            for other in (0..size + 2).filter(|other| *other != index) {
                assert!(!is_included(leaf, other, size, &path, &root), "{index} of {size} at {other}");
            }
            let longer = [path.as_slice(), &[root]].concat();
            assert!(!is_included(leaf, index, size, &longer, &root));
            for at in 0..path.len() {
                let mut turned = path.clone();
                turned[at] = leaf_hash(turned[at].as_bytes());
                assert!(!is_included(leaf, index, size, &turned, &root));
                assert!(!is_included(leaf, index, size, &path[at + 1..], &root));
            }
        }
    }
}

#[test]
fn a_tree_is_consistent_with_each_of_its_beginnings_and_with_no_other() {
    let all = leaves(40);
    let roots: Vec<Sha256> = (0..=40).map(|size| root_of(&all[..size])).collect();
    for second in 1..=40_u64 {
        let whole = &all[..usize::try_from(second).unwrap()];
        let new = (second, &roots[usize::try_from(second).unwrap()]);
        for first in 0..=second {
            let path = consistency_path(whole, first);
            let old = (first, &roots[usize::try_from(first).unwrap()]);
            assert!(is_consistent(old, new, &path), "{first}, {second}");
            let forged = leaf_hash(b"forged");
            assert!(!is_consistent((first, &forged), new, &path), "{first}, {second}");
            assert!(!is_consistent(old, (second, &forged), &path) || first == 0, "{first}, {second}");
            assert!(!is_consistent(old, new, &[path.as_slice(), &[forged]].concat()), "{first}, {second}");
            for at in 0..path.len() {
                let mut turned = path.clone();
                turned[at] = forged;
                assert!(!is_consistent(old, new, &turned), "{first}, {second}");
                assert!(!is_consistent(old, new, &path[at + 1..]), "{first}, {second}");
            }
        }
        assert!(!is_consistent(new, (second - 1, &roots[usize::try_from(second - 1).unwrap()]), &[]));
        assert!(consistency(second, second - 1).is_none());
    }
}

#[test]
fn a_frontier_goes_on_where_another_ended_and_has_a_subtree_for_each_bit() {
    let all = leaves(100);
    for size in 0..=100 {
        let begun = frontier(&all[..size], &mut Gathering::default());
        let mut on = Frontier::new(begun.size(), begun.hashes.clone()).unwrap();
        all[size..].iter().for_each(|leaf| on.push(*leaf, |_, _| {}));
        assert_eq!((on.size(), on.root()), (100, root_of(&all)));
        assert!(Frontier::new(begun.size(), [begun.hashes.as_slice(), &[all[0]]].concat()).is_none());
    }
    assert!(Frontier::new(SIZE_MAX, vec![all[0]; 53]).is_some());
    assert!(Frontier::new(SIZE_MAX + 1, vec![all[0]]).is_none());
}

#[test]
fn a_path_is_as_long_as_the_tree_is_high() {
    assert_eq!(inclusion(0, SIZE_MAX).unwrap().len(), 53);
    assert_eq!(inclusion(SIZE_MAX - 1, SIZE_MAX).unwrap().len(), 52);
    assert!(inclusion(0, SIZE_MAX + 1).is_none() && inclusion(0, 0).is_none());
}

/// What Python's own SHA-256 makes of the same definitions.
#[test]
fn python_finds_the_same_roots_and_paths() {
    const ORACLE: &str = r#"
import hashlib
def leaf(n): return hashlib.sha256(b"\0" + n.to_bytes(8, "big")).digest()
def node(l, r): return hashlib.sha256(b"\1" + l + r).digest()
def half(n): return 1 << (n - 1).bit_length() - 1
def mth(d):
    if not d: return hashlib.sha256(b"").digest()
    return d[0] if len(d) == 1 else node(mth(d[:half(len(d))]), mth(d[half(len(d)):]))
def path(m, d):
    if len(d) == 1: return []
    k = half(len(d))
    return path(m, d[:k]) + [mth(d[k:])] if m < k else path(m - k, d[k:]) + [mth(d[:k])]
def sub(m, d, b):
    if m == len(d): return [] if b else [mth(d)]
    k = half(len(d))
    return sub(m, d[:k], b) + [mth(d[k:])] if m <= k else sub(m - k, d[k:], False) + [mth(d[:k])]
for n in list(range(1, 34)) + [255, 256, 257]:
    d = [leaf(i) for i in range(n)]
    for m in range(1, n + 1, max(1, n // 16)):
        print(n, m, mth(d).hex(), *[h.hex() for h in path(m - 1, d)], "-", *[h.hex() for h in sub(m, d, True)])
"#;
    let told = Command::new("python3").args(["-c", ORACLE]).output().unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let all = leaves(257);
    let mut ours = String::new();
    let (sizes, hex) = ((1..34).chain([255, 256, 257]), |path: &[Sha256]| {
        path.iter().map(|one| format!(" {one}")).collect::<String>()
    });
    for size in sizes {
        let here = &all[..size];
        for first in (1..=size).step_by((size / 16).max(1)) {
            let included = inclusion_path(here, first as u64 - 1);
            let consistent = consistency_path(here, first as u64);
            let root = frontier(here, &mut Gathering::default()).root();
            ours.push_str(&format!("{size} {first} {root}{} -{}\n", hex(&included), hex(&consistent)));
        }
    }
    assert_eq!(ours, String::from_utf8(told.stdout).unwrap());
}

proptest! {
    #[test]
    fn proofs_of_any_tree_are_made_from_any_frontier_that_comes_before_them(size in 1..3_000_u64, a in 0..3_000_u64, b in 0..3_000_u64) {
        let (index, from) = (a % size, b % (a % size + 1));
        let all = leaves(size);
        let parts = [inclusion(index, size).unwrap(), consistency(index + 1, size).unwrap()];
        let mut gathering = Gathering::default();
        parts.iter().for_each(|parts| gathering.want(parts));
        // As one who has only what comes after a segment's header.
        let (before, after) = all.split_at(usize::try_from(from).unwrap());
        let mut on = frontier(before, &mut Gathering::default());
        on.nodes().for_each(|(node, hash)| gathering.offer(node, hash));
        after.iter().for_each(|leaf| on.push(*leaf, |node, hash| gathering.offer(node, hash)));
        let (leaf, old) = (&all[usize::try_from(index).unwrap()], root_of(&all[..=usize::try_from(index).unwrap()]));
        prop_assert!(is_included(leaf, index, size, &gathering.path(&parts[0]).unwrap(), &on.root()));
        prop_assert!(is_consistent((index + 1, &old), (size, &on.root()), &gathering.path(&parts[1]).unwrap()));
    }
}

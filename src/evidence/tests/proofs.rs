//! Proofs made from a log's files, carried elsewhere, and checked with the public key alone.

use super::forge::Files;
use super::forge::Forge;
use super::forge::codes;
use super::forge::verdict;
use super::forge::write;
use crate::crypto::sha256;
use crate::evidence::ConsistencyProof;
use crate::evidence::NoteFault;
use crate::evidence::Progress;
use crate::evidence::Proof;
use crate::evidence::ProofFault;
use crate::evidence::ProveFault;
use crate::evidence::RecordFault;
use crate::evidence::prove;
use crate::evidence::prove_consistency;
use crate::json::Value;
use crate::model::Receipt;
use crate::model::Sha256;
use tempfile::TempDir;

fn receipt(number: u8) -> Receipt {
    Receipt::new([number; 16])
}

/// A log in which each receipt stands twice, in neighbouring segments; the last one once more behind the newest checkpoint.
fn log() -> Forge {
    let mut forge = Forge::new(7);
    for segment in 0..4_u8 {
        forge.segment();
        for number in [segment, segment + 1] {
            forge.record(&format!(",\"receipt\":\"{}\"", receipt(number)));
        }
        // What only speaks of a receipt is not under it.
        forge.record(&format!(",\"receipt\":\"{}\",\"of\":\"{}\"", receipt(100 + segment), receipt(segment)));
        forge.checkpoint();
    }
    forge.record(&format!(",\"receipt\":\"{}\"", receipt(4)));
    forge.record(&format!(",\"receipt\":\"{}\"", receipt(50)));
    forge
}

fn placed(files: &Files) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), files);
    folder
}

fn proofs(folder: &TempDir, number: u8) -> Result<(Vec<Proof>, usize), ProveFault> {
    prove(folder.path(), receipt(number), &Progress::default()).map(|found| (found.proofs, found.not_yet))
}

#[test]
fn every_record_of_a_receipt_is_proved_by_the_newest_checkpoint_and_what_is_not_signed_yet_is_told() {
    let forge = log();
    let (folder, key) = (placed(&forge.files()), forge.key());
    let lines: Vec<&String> = forge.segments.iter().flatten().collect();
    for number in 0..5 {
        let (found, not_yet) = proofs(&folder, number).unwrap();
        assert_eq!((found.len(), not_yet), (if number % 4 == 0 { 1 } else { 2 }, usize::from(number == 4)), "{number}");
        for proof in found {
            let read = Proof::parse(proof.text().as_bytes()).unwrap();
            assert_eq!(read, proof);
            let proved = read.check(&key).unwrap();
            assert_eq!(proved.checkpoint.size, 16);
            assert_eq!(lines[usize::try_from(read.index).unwrap()].as_bytes(), read.data);
            assert_eq!(
                proved.record.get("receipt").and_then(Value::as_str),
                Some(receipt(number).to_string().as_str())
            );
        }
    }
    assert!(matches!(proofs(&folder, 77), Err(ProveFault::Unknown)));
    assert!(matches!(proofs(&folder, 50), Err(ProveFault::NotYet)));
}

#[test]
fn older_segments_that_are_gone_are_no_hindrance_for_later_records() {
    let forge = log();
    let mut files = forge.files();
    files.retain(|name, _| !name.starts_with("segment-0000000001") && !name.starts_with("segment-0000000002"));
    let folder = placed(&files);
    let (found, _) = proofs(&folder, 3).unwrap();
    assert!(found.len() == 2 && found.iter().all(|proof| proof.check(&forge.key()).is_ok()));
    assert!(matches!(proofs(&folder, 0), Err(ProveFault::Unknown)), "it stands in what is gone");
    // Nor is a segment that is just being begun.
    files.insert("segment-0000000005.jsonl".to_owned(), b"{\"v\":2,\"kind\":\"segm".to_vec());
    let folder = placed(&files);
    assert_eq!(proofs(&folder, 3).unwrap().0.len(), 2);
}

#[test]
fn no_single_byte_of_a_proof_can_be_another_one() {
    let forge = log();
    let (folder, key) = (placed(&forge.files()), forge.key());
    let proof = proofs(&folder, 1).unwrap().0.remove(0).text().into_bytes();
    let notes = [forge.signed(&forge.leaves()[..6]), forge.signed(&forge.leaves()[..13])];
    let consistency = prove_consistency(folder.path(), (&notes[0], &notes[1]), &Progress::default()).unwrap();
    let consistency = consistency.text().into_bytes();
    let proves = |bytes: &[u8]| Proof::parse(bytes).and_then(|proof| proof.check(&key)).is_ok();
    let proves_both = |bytes: &[u8]| ConsistencyProof::parse(bytes).and_then(|proof| proof.check(&key)).is_ok();
    for (good, proves) in [(&proof, &proves as &dyn Fn(&[u8]) -> bool), (&consistency, &proves_both)] {
        assert!(proves(good));
        for at in 0..good.len() {
            let digit = if good[at] == b'1' { b'2' } else { b'1' };
            for byte in [good[at] ^ (1 << (at % 7)), b'\n', b' ', digit, good[at].to_ascii_uppercase(), 0xFF] {
                let mut bad = good.clone();
                bad[at] = byte;
                assert!(bad == *good || !proves(&bad), "byte {at} as {byte}");
            }
            assert!(!proves(&good[..at]), "cut at {at}");
            let more = [&good[..at], &good[at..=at], &good[at..]].concat();
            // A hash in base64 has no place for one more, nor has anything else; a line feed more is another form.
            assert!(!proves(&more), "byte {at} twice");
        }
        assert!(!proves(&[good.as_slice(), b"\n"].concat()));
    }
}

#[test]
fn beside_the_record_a_proof_is_at_most_2_kib_long_in_a_log_of_a_hundred_billion_records() {
    let forge = Forge::new(7);
    let (size, index) = ((1_u64 << 37) - 1, 0);
    let line = "a".repeat(1024);
    let path = vec![sha256(b"some"); crate::evidence::inclusion(index, size).unwrap().len()];
    assert_eq!(path.len(), 37);
    let checkpoint = forge.note(usize::try_from(size).unwrap(), &[9; 32]);
    let proof = Proof { data: line.clone().into_bytes(), index: size - 1, path, checkpoint };
    let beside = proof.text().len() - line.len().div_ceil(3) * 4;
    assert!(beside <= 2048, "{beside}");
    assert_eq!(Proof::parse(proof.text().as_bytes()).unwrap(), proof);
}

/// The path of leaf 0 in a tree of nearly a billion leaves, of which only those of the path are known.
#[test]
fn a_proof_of_a_large_log_holds_and_not_with_another_leaf() {
    let forge = log();
    let line = forge.segments[0][1].clone();
    let path: Vec<Sha256> = (0..30_u8).map(|level| sha256(&[level])).collect();
    let leaf = crate::evidence::leaf_hash(line.as_bytes());
    let root = path.iter().fold(leaf, |hash, sibling| crate::evidence::node_hash(&hash, sibling));
    let proof = |index, line: &str| Proof {
        data: line.as_bytes().to_vec(),
        index,
        path: path.clone(),
        checkpoint: forge.note(1 << 30, root.as_bytes()),
    };
    assert!(proof(0, &line).check(&forge.key()).is_ok());
    for bit in 0..30 {
        assert_eq!(proof(1 << bit, &line).check(&forge.key()).unwrap_err(), ProofFault::NotIncluded);
    }
    assert_eq!(proof(0, &forge.segments[0][2]).check(&forge.key()).unwrap_err(), ProofFault::NotIncluded);
}

#[test]
fn a_proof_says_why_it_proves_nothing() {
    let forge = log();
    let folder = placed(&forge.files());
    let good = proofs(&folder, 1).unwrap().0.remove(0);
    let told = |proof: &Proof, key: &Forge| proof.check(&key.key()).unwrap_err();
    let other = Forge::new(8);
    assert_eq!(told(&good, &other), ProofFault::Checkpoint(NoteFault::NotSigned));
    let elsewhere = Proof { index: good.index + 1, ..good.clone() };
    assert_eq!(told(&elsewhere, &forge), ProofFault::NotIncluded);
    // What is signed and included, and is no record of a log.
    let hash = crate::evidence::leaf_hash(b"hello");
    let checkpoint = forge.note(1, hash.as_bytes());
    let strange = Proof { data: b"hello".to_vec(), index: 0, path: Vec::new(), checkpoint };
    assert!(matches!(told(&strange, &forge), ProofFault::Record(RecordFault::Json(_))));
    for bad in [
        "",
        "c2sp.org/tlog-proof@v2\n",
        "c2sp.org/tlog-proof@v1\nindex 0\n\na\n1\n",
        "c2sp.org/tlog-proof@v1\nextra \nindex 00\n\n",
    ] {
        assert_eq!(Proof::parse(bad.as_bytes()).unwrap_err(), ProofFault::Form, "{bad:?}");
    }
}

#[test]
fn a_log_that_is_not_what_was_signed_gives_no_proof() {
    let forge = log();
    let mut files = forge.files();
    let name = "segment-0000000003.jsonl";
    let text = String::from_utf8(files[name].clone()).unwrap();
    let (first, rest) = text.split_once('\n').unwrap();
    let tampered = super::forge::changed(rest.lines().next().unwrap(), "2026-11-27", "2026-11-28");
    let rest: Vec<&str> = std::iter::once(tampered.as_str()).chain(rest.lines().skip(1)).collect();
    files.insert(name.to_owned(), format!("{first}\n{}\n", rest.join("\n")).into_bytes());
    assert_eq!(codes(&verdict(&files, &forge.key()))[0], "rewritten");
    let folder = placed(&files);
    assert!(matches!(proofs(&folder, 1), Err(ProveFault::Other { size: 16 })), "it stands before what was changed");
    files.remove("checkpoint");
    let folder = placed(&files);
    assert!(matches!(proofs(&folder, 1), Err(ProveFault::Checkpoint { .. })));
}

#[test]
fn a_checkpoint_goes_on_from_each_earlier_one_and_where_the_log_is_another_its_size_is_told() {
    let forge = log();
    let folder = placed(&forge.files());
    let leaves = forge.leaves();
    let note = |size: usize| forge.signed(&leaves[..size]);
    let ask = |first: &str, second: &str| prove_consistency(folder.path(), (first, second), &Progress::default());
    for second in 0..=leaves.len() {
        for first in 0..=second {
            let proof = ask(&note(first), &note(second)).unwrap();
            let read = ConsistencyProof::parse(proof.text().as_bytes()).unwrap();
            assert_eq!(read, proof);
            let (old, new) = read.check(&forge.key()).unwrap();
            assert_eq!((old.size, new.size), (first as u64, second as u64));
        }
    }
    assert!(matches!(ask(&note(9), &note(5)), Err(ProveFault::Backwards { first: 9, second: 5 })));
    let forged = |size| forge.note(size, &[3; 32]);
    for (first, second, size) in
        [(forged(5), note(9), 5), (note(5), forged(9), 9), (forged(0), note(9), 0), (forged(9), note(9), 9)]
    {
        assert!(
            matches!(ask(&first, &second), Err(ProveFault::Other { size: told }) if told == size),
            "{first}{second}"
        );
    }
    assert!(matches!(ask(&note(5), &forged(40)), Err(ProveFault::Shorter { there: 18, size: 40 })));
    // With the oldest segments gone, from the first header on.
    let mut files = forge.files();
    files.retain(|name, _| !name.starts_with("segment-0000000001"));
    let folder = placed(&files);
    let ask = |first: usize| prove_consistency(folder.path(), (&note(first), &note(11)), &Progress::default());
    for first in 4..=11 {
        assert!(ask(first).unwrap().check(&forge.key()).is_ok(), "{first}");
    }
    assert!(matches!(ask(3), Err(ProveFault::Gone { from: 4, size: 3 })));
    assert!(ask(0).is_ok(), "every log goes on from none");
}

#[test]
fn a_consistency_proof_of_another_log_or_of_no_log_proves_nothing() {
    let forge = log();
    let leaves = forge.leaves();
    let folder = placed(&forge.files());
    let notes = (forge.signed(&leaves[..5]), forge.signed(&leaves[..9]));
    let good = prove_consistency(folder.path(), (&notes.0, &notes.1), &Progress::default()).unwrap();
    let fork = ConsistencyProof { first: forge.note(5, &[1; 32]), ..good.clone() };
    assert_eq!(fork.check(&forge.key()).unwrap_err(), ProofFault::NotConsistent);
    let swapped = ConsistencyProof { first: notes.1.clone(), second: notes.0.clone(), ..good.clone() };
    assert_eq!(swapped.check(&forge.key()).unwrap_err(), ProofFault::NotConsistent);
    let foreign = Forge::new(8).key();
    assert_eq!(good.check(&foreign).unwrap_err(), ProofFault::Checkpoint(NoteFault::NotSigned));
    assert!(ConsistencyProof::is_one(good.text().as_bytes()) && !ConsistencyProof::is_one(b"c2sp.org/tlog-proof@v1\n"));
}

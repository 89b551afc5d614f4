//! The log against a model that knows only its lines, and hashes all of them each time: whatever is appended, in whatever company,
//! wherever segments end, and however processes die, tree, checkpoints and segments say the same.

use crate::audit::Facts;
use crate::audit::checkpoint;
use crate::audit::read::Lines;
use crate::audit::segment;
use crate::audit::tests::harness::*;
use crate::audit::tree::tests::defined;
use crate::model::Reason;
use crate::model::Receipt;
use crate::tasks::Tasks;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use serde_json::Value;
use std::fs;
use std::path::Path;

/// What happens to a log.
#[derive(Clone, Debug)]
enum Deed {
    /// So many records are handed in together; their peers have names of this length. All of them fit into a segment.
    Append { count: usize, length: usize },
    /// The process ends in order, and another begins.
    Reopen,
    /// The process dies; of what it was about to write so many bytes are on the disk, some of them behind a hole.
    Crash { torn: usize, hole: bool },
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        5 => (1_usize..10, 1_usize..700).prop_map(|(count, length)| Deed::Append { count, length }),
        1 => Just(Deed::Reopen),
        2 => (0_usize..700, any::<bool>()).prop_map(|(torn, hole)| Deed::Crash { torn, hole }),
    ]
}

/// Numbers and lines, without line feeds, of all segments that hold any.
fn segments(directory: &Path) -> Vec<(u64, Vec<Vec<u8>>)> {
    let of = |number| {
        let bytes = fs::read(segment::path(directory, number)).unwrap();
        let lines = Lines::new(&bytes).map(|(_, line)| line[..line.len() - 1].to_vec()).collect::<Vec<_>>();
        (number, lines)
    };
    let all = segment::numbers(directory).unwrap().into_iter().map(of);
    all.filter(|(_, lines)| !lines.is_empty()).collect()
}

/// Holds a log against the model. Gives its lines.
fn consistent(directory: &Path) -> Vec<Vec<u8>> {
    let base64 = |leaves: &[Vec<u8>]| STANDARD.encode(defined(leaves).as_bytes());
    let segments = segments(directory);
    let all: Vec<Vec<u8>> = segments.iter().flat_map(|(_, lines)| lines.clone()).collect();
    let (mut began, mut last) = (0, 0);
    for (number, lines) in &segments {
        let head: Value = serde_json::from_slice(&lines[0]).unwrap();
        assert_eq!(
            (&head["kind"], &head["segment"], &head["size"]),
            (&"segment".into(), &(*number).into(), &began.into())
        );
        assert_eq!(head["root"], base64(&all[..began]), "segment {number}");
        let ends = began + lines.len();
        let list = segment::checkpoints(directory, *number);
        let listed = if list.exists() { checkpoint::listed(&list, &signer()).unwrap().0 } else { Vec::new() };
        for one in listed {
            let size = usize::try_from(one.size()).unwrap();
            assert!(size > began && size > last && size <= ends, "{size} in segment {number} of {began} to {ends}");
            assert_eq!(one.root(), defined(&all[..size]));
            last = size;
        }
        began = ends;
    }
    let newest = checkpoint::newest(directory, &signer()).unwrap().unwrap();
    let size = usize::try_from(newest.size()).unwrap();
    // It may have been made while the files were copied.
    assert!(size <= all.len() && size >= last);
    assert_eq!(newest.root(), defined(&all[..size]));
    all
}

/// The receipts of the refusals among these lines.
fn receipts(lines: &[Vec<u8>]) -> Vec<String> {
    let all = lines.iter().map(|line| serde_json::from_slice::<Value>(line).unwrap());
    all.filter_map(|record| Some(record["receipt"].as_str()?.to_owned())).collect()
}

/// Leaves of the newest segment what a process leaves that died in the midst of writing its next record.
fn tear(directory: &Path, torn: usize, hole: bool) {
    let (number, lines) = segments(directory).pop().unwrap();
    let path = segment::path(directory, number);
    let mut bytes = lines.join(&b'\n');
    bytes.push(b'\n');
    let next = lines[0].iter().copied().chain([b'\n']).cycle().take(torn);
    let start = bytes.len();
    bytes.extend(next);
    if let (true, Some(byte)) = (hole, bytes.get_mut(start)) {
        *byte = 0;
    }
    // One that is whole was not acknowledged all the same; it would be taken up.
    if torn > 0 && !hole {
        bytes[start] = b'[';
    }
    bytes.resize(bytes.len() + 100, 0);
    fs::write(path, bytes).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn whatever_happens_tree_checkpoints_and_segments_say_what_the_lines_say(deeds in prop::collection::vec(deed(), 1..8)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (tasks, mut house) = (Tasks::new(), House::new());
            let (mut log, _) = house.open();
            let (mut taken, mut seen) = (Vec::new(), Vec::new());
            for deed in deeds {
                match deed {
                    Deed::Append { count, length } => {
                        let all = (0..count).map(|index| {
                            let number = u32::try_from(taken.len() + index).unwrap();
                            let mut bytes = [7; 16];
                            bytes[..4].copy_from_slice(&number.to_be_bytes());
                            let peer = Some("p".repeat(length).into());
                            Facts { receipt: Receipt::new(bytes), peer, ..facts(1, None) }
                        });
                        let all: Vec<Facts> = all.collect();
                        taken.extend(all.iter().map(|facts| facts.receipt.to_string()));
                        let refuse = |facts: Facts| {
                            let log = log.clone();
                            tasks.spawn(async move { log.refusal(&facts, Reason::Revoked, &forbidden(), NOW).await })
                        };
                        for done in all.into_iter().map(refuse).collect::<Vec<_>>() {
                            assert_eq!(done.await.unwrap().reply().status.as_u16(), 403);
                        }
                    }
                    Deed::Reopen => {
                        drop(log);
                        house.until_ended();
                        log = house.open().0;
                    }
                    Deed::Crash { torn, hole } => {
                        let copy = house.copy();
                        drop(log);
                        tear(copy.folder.path(), torn, hole);
                        house = copy;
                        log = house.open().0;
                    }
                }
                let copy = house.copy();
                let lines = consistent(copy.folder.path());
                assert!(lines.starts_with(&seen), "nothing that was there is gone or changed");
                assert_eq!(receipts(&lines), taken, "what was acknowledged is there, once and in order");
                seen = lines;
            }
            drop(log);
            house.until_ended();
            let lines = consistent(house.folder.path());
            let newest = checkpoint::newest(house.folder.path(), &signer()).unwrap().unwrap();
            assert_eq!(newest.size(), lines.len() as u64, "at the end all is attested");
        });
    }
}

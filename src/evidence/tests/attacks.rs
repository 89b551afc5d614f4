//! What somebody with the files, and without the key, may try; and what somebody with both can do.

use super::forge::Files;
use super::forge::Forge;
use super::forge::changed;
use super::forge::codes;
use super::forge::examined;
use super::forge::summed;
use super::forge::verdict;
use super::forge::write;
use crate::evidence::Seen;
use crate::evidence::Wrong;
use std::fs;

const FIRST: &str = "segment-0000000001.jsonl";
const SECOND: &str = "segment-0000000002.jsonl";
const THIRD: &str = "segment-0000000003.jsonl";

#[test]
fn a_log_that_is_as_it_was_written_verifies_and_tells_what_it_holds() {
    let forge = Forge::small();
    let report = verdict(&forge.files().into_iter().chain(forge.tiles()).collect(), &forge.key());
    assert_eq!(codes(&report), [""; 0]);
    let told =
        (report.first_segment, report.segments, report.from, report.size, report.checkpoints, report.unattested());
    assert_eq!(told, (1, 3, 0, 12, 6, 0));
    assert!(report.tiles > 0 && report.torn.is_none());
    assert_eq!(report.attested.unwrap().size, 12);
}

/// Every byte of segments, checkpoints, the newest checkpoint and tiles.
#[test]
fn a_byte_that_is_changed_at_any_place_of_any_file_is_found() {
    let forge = Forge::small();
    let (files, key) = (forge.files().into_iter().chain(forge.tiles()).collect::<Files>(), forge.key());
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &files);
    let mut tried = 0;
    for (name, good) in &files {
        let path = folder.path().join(name);
        for at in 0..good.len() {
            // A bit is turned, a hole is left, a line ends early: a place has one of them, its neighbours the others.
            let changes = [good[at] ^ (1 << (at % 8)), if good[at] == 0 { 1 } else { 0 }, b'\n'];
            let byte = if good[at] == b'\n' { changes[at % 2] } else { changes[at % 3] };
            let mut bad = good.clone();
            bad[at] = byte;
            fs::write(&path, &bad).unwrap();
            let report = examined(folder.path(), &key, Seen::default());
            let place = report.findings.iter().find(|finding| finding.file == path).map(|finding| finding.offset);
            assert!(!report.findings.is_empty(), "{name}: byte {at} as {byte} is not found");
            // Told in its own file, in its line or note or before; where signed records end early, at that end.
            let elsewhere =
                name == "checkpoint" || report.findings.iter().any(|one| one.wrong.code() == "records-missing");
            let line = good[at + 1..].iter().position(|byte| *byte == b'\n').map_or(good.len(), |end| at + 1 + end);
            assert!(
                elsewhere || place.is_some_and(|place| place <= line as u64),
                "{name}: byte {at}: {:?}",
                report.findings
            );
            tried += 1;
        }
        fs::write(&path, good).unwrap();
    }
    assert!(tried > 3_000, "{tried}");
    assert_eq!(codes(&examined(folder.path(), &key, Seen::default())), [""; 0], "all is as it was");
}

#[test]
fn segments_that_are_deleted_swapped_copied_or_of_another_log_are_found() {
    let forge = Forge::small();
    let key = forge.key();
    let told = |change: &dyn Fn(&mut Files)| {
        let mut files = forge.files();
        change(&mut files);
        codes(&verdict(&files, &key))
    };
    let take = |files: &mut Files, name: &str| files.remove(name).unwrap();
    assert_eq!(told(&|files| drop(take(files, SECOND))), ["segment-missing"]);
    assert_eq!(told(&|files| drop(take(files, THIRD))), ["records-missing"]);
    assert_eq!(told(&|files| drop((take(files, FIRST), take(files, SECOND), take(files, THIRD)))), ["no-log"]);
    let swapped = told(&|files| {
        let (second, third) = (take(files, SECOND), take(files, THIRD));
        files.extend([(SECOND.to_owned(), third), (THIRD.to_owned(), second)]);
    });
    assert_eq!(swapped, ["other-segment"]);
    let copied = told(&|files| drop(files.insert("segment-0000000004.jsonl".to_owned(), files[THIRD].clone())));
    assert_eq!(copied, ["other-segment"]);
    let twice = told(&|files| {
        let copy = files[SECOND].clone();
        files.get_mut(SECOND).unwrap().extend(copy);
    });
    assert_eq!(twice, ["second-header"]);
    // Another log's segment of the same number, under the same origin and another key.
    let mut other = Forge::new(8);
    other.segment();
    (0..3).for_each(|_| other.record(",\"receipt\":\"r-forged\""));
    let foreign = told(&|files| drop(files.insert(FIRST.to_owned(), other.files()[FIRST].clone())));
    assert_eq!(foreign, ["rewritten"]);
    assert_eq!(
        told(&|files| drop(files.insert(SECOND.to_owned(), vec![0; 64]))),
        ["unused-segment", "segment-missing"]
    );
    assert_eq!(told(&|files| drop(take(files, "checkpoint"))), ["nothing-signed"]);
}

#[test]
fn records_that_are_changed_moved_removed_or_put_in_with_sums_that_are_right_are_found() {
    let forge = Forge::small();
    let signed = forge.files();
    let told = |change: &dyn Fn(&mut Vec<String>)| {
        let mut tampered = Forge::small();
        change(&mut tampered.segments[1]);
        let mut files = signed.clone();
        files.insert(SECOND.to_owned(), tampered.files()[SECOND].clone());
        let report = verdict(&files, &forge.key());
        let first = report.findings.first().unwrap();
        assert!(first.file.ends_with(SECOND), "{first:?}");
        (codes(&report), first.offset)
    };
    let line = |at: usize| forge.segments[1][..at].iter().map(|line| line.len() as u64 + 1).sum::<u64>();
    // A checkpoint stands behind the third line of a segment and behind the fourth: what was good before says where to look.
    assert_eq!(told(&|lines| lines[1] = changed(&lines[1], "r-10", "r-99")), (vec!["rewritten"], line(0)));
    assert_eq!(told(&|lines| lines[3] = changed(&lines[3], "r-12", "r-99")), (vec!["rewritten"], line(3)));
    assert_eq!(told(&|lines| lines.swap(1, 2)), (vec!["rewritten"], line(0)));
    assert_eq!(told(&|lines| drop(lines.remove(1))), (vec!["rewritten"], line(0)));
    assert_eq!(told(&|lines| drop(lines.remove(3))).0, ["records-missing"]);
    let put_in = |at: usize| {
        told(&|lines| {
            let copy = changed(&lines[1], "r-10", "r-77");
            lines.insert(at, copy);
        })
    };
    assert_eq!(put_in(2), (vec!["rewritten"], line(0)));
    // Behind all that is signed of this segment; the next one's header knows better.
    let mut files = signed.clone();
    let more = format!("{}\n", changed(&forge.segments[1][1], "r-10", "r-77"));
    files.get_mut(SECOND).unwrap().extend(more.bytes());
    assert_eq!(codes(&verdict(&files, &forge.key())), ["header-size"]);
}

#[test]
fn a_header_that_lies_is_found_also_with_a_sum_that_is_right() {
    let forge = Forge::small();
    let header = &forge.segments[1][0];
    let (_, frontier) = header.split_once("\"frontier\":[\"").unwrap();
    let (hash, _) = frontier.split_once('"').unwrap();
    let told = |to: String| {
        let mut tampered = Forge::small();
        tampered.segments[1][0] = to;
        let mut files = forge.files();
        files.insert(SECOND.to_owned(), tampered.files()[SECOND].clone());
        codes(&verdict(&files, &forge.key()))
    };
    assert_eq!(told(changed(header, "\"segment\":2", "\"segment\":3")), ["other-segment"]);
    assert_eq!(told(changed(header, "test.example", "evil.example")), ["other-log"]);
    assert_eq!(told(changed(header, "\"size\":4", "\"size\":5")), ["no-record"], "five records have two subtrees");
    assert_eq!(told(changed(header, "\"size\":4", "\"size\":8"))[0], "header-size");
    let other = format!("{}{}", if hash.starts_with('A') { 'B' } else { 'A' }, hash.get(1..).unwrap());
    assert_eq!(told(changed(header, hash, &other)), ["header-root"]);
    // Root and frontier of other records, in accord with one another.
    let (body, _) = header.rsplit_once(",\"sum\"").unwrap();
    assert_eq!(told(summed(&body.replace(hash, &other))), ["header-tree", "rewritten"]);
    assert_eq!(told(changed(header, "\"segment\"", "\"intent\"")), ["no-header"]);
    // The first segment cannot have records before it.
    let mut files = forge.files();
    let body = forge.segments[2][0].replacen("\"segment\":3", "\"segment\":1", 1);
    let (body, _) = body.rsplit_once(",\"sum\"").unwrap();
    files.insert(FIRST.to_owned(), format!("{}\n", summed(body)).into_bytes());
    assert!(codes(&verdict(&files, &forge.key())).contains(&"header-size"));
}

#[test]
fn a_log_that_is_written_anew_under_another_key_is_told_by_every_checkpoint() {
    let (forge, mut other) = (Forge::small(), Forge::new(8));
    other.segment();
    other.record(",\"receipt\":\"r-other\"");
    other.checkpoint();
    let report = verdict(&other.files(), &forge.key());
    assert_eq!(codes(&report), ["no-checkpoint-of-this-log"]);
    assert_eq!(report.findings.len(), 2, "the newest, and the one beside its segment");
    assert!(report.attested.is_none() && report.unattested() == 2, "and nothing counts as signed");
}

/// With the key in hand the end can be cut off, and all before it be written anew. The log alone cannot tell.
#[test]
fn what_was_cut_off_or_rewritten_and_signed_anew_is_found_by_what_was_seen_and_by_nothing_else() {
    let forge = Forge::small();
    let key = forge.key();
    let seen_at = |size: usize| {
        let note = forge.signed(&forge.leaves()[..size]);
        Seen::read("seen".as_ref(), note.as_bytes(), &key, super::forge::ORIGIN).unwrap()
    };
    let folder = tempfile::tempdir().unwrap();
    let mut cut = Forge::new(7);
    cut.segment();
    (0..3).for_each(|number| cut.record(&format!(",\"receipt\":\"r-0{number}\"")));
    cut.checkpoint();
    assert_eq!(cut.leaves(), forge.leaves()[..4]);
    write(folder.path(), &cut.files());
    assert_eq!(codes(&examined(folder.path(), &key, Seen::default())), [""; 0], "by itself it is a good log");
    assert_eq!(codes(&examined(folder.path(), &key, seen_at(4))), [""; 0]);
    assert_eq!(codes(&examined(folder.path(), &key, seen_at(5))), ["seen-longer"]);

    let folder = tempfile::tempdir().unwrap();
    let mut anew = Forge::new(7);
    anew.segment();
    (0..11).for_each(|number| anew.record(&format!(",\"receipt\":\"r-9{number}\"")));
    anew.checkpoint();
    write(folder.path(), &anew.files());
    assert_eq!(codes(&examined(folder.path(), &key, Seen::default())), [""; 0], "by itself it is a good log");
    for size in 2..=12 {
        let report = examined(folder.path(), &key, seen_at(size));
        assert_eq!(codes(&report), ["seen-other"], "at {size}");
        assert_eq!(report.findings[0].wrong, Wrong::SeenOther { size: size as u64 });
    }
}

#[test]
fn checkpoints_of_another_place_or_another_order_are_found() {
    let forge = Forge::small();
    let told = |change: &dyn Fn(&mut Files)| {
        let mut files = forge.files();
        change(&mut files);
        codes(&verdict(&files, &forge.key()))
    };
    let second = "segment-0000000002.checkpoints";
    assert_eq!(
        told(&|files| drop(files.insert(second.to_owned(), files["segment-0000000001.checkpoints"].clone()))),
        ["checkpoint-order"]
    );
    assert_eq!(
        told(&|files| drop(files.insert(second.to_owned(), files["segment-0000000003.checkpoints"].clone()))),
        ["records-missing"],
        "this segment ends before them"
    );
    let twice = told(&|files| {
        let note = forge.signed(&forge.leaves()[..7]);
        files.insert(second.to_owned(), format!("{note}\n{note}").into_bytes());
    });
    assert_eq!(twice, ["checkpoint-order"]);
    let fork = told(&|files| {
        let note = forge.note(7, &[9; 32]);
        files.insert(second.to_owned(), note.into_bytes());
    });
    assert_eq!(fork, ["rewritten"], "signed by the right key, and of another log");
    let torn = told(&|files| files.get_mut(second).unwrap().truncate(190));
    assert_eq!(torn, ["torn-checkpoint"]);
}

#[test]
fn a_tile_that_differs_is_told_and_where_a_record_differs_tiles_tell_which() {
    let mut forge = Forge::new(7);
    forge.segment();
    (0..600).for_each(|number| forge.record(&format!(",\"receipt\":\"r-{number}\"")));
    forge.checkpoint();
    let (files, tiles) = (forge.files(), forge.tiles());
    assert_eq!(tiles.len(), 4, "two full ones, a part of a third, and a part of the level above");
    let all: Files = files.clone().into_iter().chain(tiles.clone()).collect();
    let report = verdict(&all, &forge.key());
    assert_eq!((codes(&report), report.tiles), (vec![], 4));
    for (name, bytes) in &tiles {
        let mut bad = all.clone();
        let at = bytes.len() - 7;
        bad.get_mut(name).unwrap()[at] ^= 1;
        let report = verdict(&bad, &forge.key());
        assert_eq!(codes(&report), ["tile"], "{name}");
        assert!(report.findings[0].file.ends_with(name) && report.findings[0].offset == at as u64 / 32 * 32);
        bad.insert(name.clone(), bytes[1..].to_vec());
        assert_eq!(codes(&verdict(&bad, &forge.key())), ["tile-length"], "{name}");
    }
    // A record that was changed with a right sum: between two checkpoints, tiles know at which one.
    let mut tampered = all;
    let mut lines = forge.segments[0].clone();
    lines[400] = changed(&lines[400], "r-399", "r-999");
    let place: usize = lines[..400].iter().map(|line| line.len() + 1).sum();
    tampered.insert(FIRST.to_owned(), lines.iter().map(|line| format!("{line}\n")).collect::<String>().into_bytes());
    let report = verdict(&tampered, &forge.key());
    assert_eq!((codes(&report), report.findings[0].offset), (vec!["rewritten"], place as u64));
}

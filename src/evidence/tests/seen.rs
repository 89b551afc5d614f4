//! What outsiders saw: as notes, as lines of JSON, of this log and of others.

use super::forge::Forge;
use super::forge::ORIGIN;
use super::forge::codes;
use super::forge::examined;
use super::forge::root;
use super::forge::write;
use crate::evidence::Report;
use crate::evidence::Seen;
use crate::evidence::SeenFault;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

fn line(forge: &Forge, size: usize) -> String {
    let root = STANDARD.encode(root(&forge.leaves()[..size]));
    format!("{{\"origin\":\"{ORIGIN}\",\"size\":{size},\"root\":\"{root}\"}}\n")
}

fn read(text: &str) -> Result<Seen, SeenFault> {
    Seen::read("seen.txt".as_ref(), text.as_bytes(), &Forge::small().key(), ORIGIN)
}

fn told(text: &str) -> Report {
    let forge = Forge::small();
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &forge.files());
    examined(folder.path(), &forge.key(), read(text).unwrap())
}

#[test]
fn notes_and_lines_of_json_stand_in_one_file_as_they_come() {
    let forge = Forge::small();
    let note = |size: usize| forge.signed(&forge.leaves()[..size]);
    let text = format!("{}{}\n{}\n\n\n{}{}", line(&forge, 3), note(5), note(12), line(&forge, 0), line(&forge, 12));
    let report = told(&text);
    assert_eq!((codes(&report), report.seen, report.seen_of_others), (vec![], 5, 0));
    // Without a line feed at the end, and with members that are not ours.
    let more = line(&forge, 3).replace("{\"", "{\"jti\":\"x\",\"");
    assert_eq!(told(more.trim_end()).seen, 1);
}

#[test]
fn every_size_is_compared_and_where_one_differs_its_place_in_the_file_is_told() {
    let forge = Forge::small();
    let mut text: String = (0..=12).map(|size| line(&forge, size)).collect();
    assert_eq!(codes(&told(&text)), [""; 0]);
    for size in 0..=12 {
        let bad = line(&forge, size).replace("\"root\":\"", "\"root\":\"AAAA").replace("AAAA", "");
        let other = STANDARD.encode([7; 32]);
        let good = STANDARD.encode(root(&forge.leaves()[..size]));
        let before = text.len();
        text.push_str(&bad.replace(&good, &other));
        let report = told(&text);
        assert_eq!(codes(&report), ["seen-other"], "{size}");
        assert_eq!(report.findings[0].offset, before as u64);
        text.truncate(before);
    }
}

#[test]
fn other_logs_claims_are_counted_and_a_file_without_ours_is_no_answer() {
    let forge = Forge::small();
    let other = line(&forge, 3).replace(ORIGIN, "other.example/audit");
    let report = told(&format!("{other}{other}{}", line(&forge, 3)));
    assert_eq!((codes(&report), report.seen, report.seen_of_others), (vec![], 1, 2));
    assert!(matches!(read(&other), Err(SeenFault::OtherLogs { others: 1 })));
    assert!(matches!(read(""), Err(SeenFault::OtherLogs { others: 0 })));
}

#[test]
fn what_another_key_signed_is_told_and_compared_all_the_same() {
    let (forge, other) = (Forge::small(), Forge::new(9));
    let foreign = other.signed(&forge.leaves()[..5]);
    assert_eq!(codes(&told(&foreign)), ["seen-unsigned"]);
    let both = codes(&told(&other.note(5, &[1; 32])));
    assert_eq!(both, ["seen-other", "seen-unsigned"]);
}

#[test]
fn what_is_neither_a_note_nor_a_claim_is_told_with_its_place() {
    let good = line(&Forge::small(), 3);
    for bad in ["hello\n", "{}\n", "{\"origin\":\"a\",\"size\":-1,\"root\":\"\"}\n", "[1]\n", "a\n1\n\n— b AAAA\n"] {
        let told = read(&format!("{good}{bad}"));
        let offset = good.len() as u64;
        assert!(matches!(told, Err(SeenFault::Form { offset: told }) if told == offset), "{bad:?}: {told:?}");
    }
}

#[test]
fn what_was_seen_before_the_first_segment_that_is_left_cannot_be_checked_and_is_told() {
    let forge = Forge::small();
    let folder = tempfile::tempdir().unwrap();
    let mut files = forge.files();
    files.retain(|name, _| !name.starts_with("segment-0000000001"));
    write(folder.path(), &files);
    let told = |size| codes(&examined(folder.path(), &forge.key(), read(&line(&forge, size)).unwrap()));
    assert_eq!(told(3), ["seen-before"]);
    assert_eq!(told(4), [""; 0], "the first header has the root of just that");
    assert_eq!(told(5), [""; 0]);
}

//! A log that is in use, that a crash left, or whose older parts are gone: what is not attested is told, and is no damage.

use super::forge::Files;
use super::forge::Forge;
use super::forge::changed;
use super::forge::codes;
use super::forge::verdict;
use crate::evidence::Report;

const SECOND: &str = "segment-0000000002.jsonl";
const THIRD: &str = "segment-0000000003.jsonl";

/// A log with two records behind its newest checkpoint.
fn in_use() -> Forge {
    let mut forge = Forge::small();
    (0..2).for_each(|number| forge.record(&format!(",\"receipt\":\"r-new{number}\"")));
    forge
}

fn told(forge: &Forge, change: impl Fn(&mut Files)) -> Report {
    let mut files = forge.files();
    change(&mut files);
    verdict(&files, &forge.key())
}

fn append(files: &mut Files, name: &str, bytes: &[u8]) {
    files.get_mut(name).unwrap().extend_from_slice(bytes);
}

#[test]
fn records_behind_the_newest_checkpoint_and_zeros_behind_them_are_no_damage() {
    let report = told(&in_use(), |files| append(files, THIRD, &[0; 5000]));
    assert_eq!((codes(&report), report.size, report.unattested()), (vec![], 14, 2));
    // Made ahead and not used yet; and zeros at the end of a finished one, which readers stop at.
    let report = told(&in_use(), |files| {
        files.insert("segment-0000000004.jsonl".to_owned(), vec![0; 300]);
        append(files, SECOND, &[0; 10]);
    });
    assert_eq!((codes(&report), report.segments), (vec![], 3));
}

#[test]
fn a_write_under_way_is_told_at_the_end_of_the_newest_segment_and_is_damage_elsewhere() {
    let line = in_use().segments[2][1].clone();
    let half = &line.as_bytes()[..100];
    // Cut within a line; a hole and a whole line behind it; a line of which a block is missing.
    let holed = [&line.as_bytes()[..50], &[0; 60], &line.as_bytes()[110..], b"\n", line.as_bytes(), b"\n\0\0"].concat();
    let behind = [&[0; 40], line.as_bytes(), b"\n"].concat();
    for torn in [half, &holed, &behind] {
        let bytes = torn.iter().rposition(|byte| *byte != 0).unwrap() as u64 + 1;
        let report = told(&in_use(), |files| append(files, THIRD, torn));
        let end = in_use().files()[THIRD].len() as u64;
        assert_eq!((codes(&report), report.size), (vec![], 14));
        let (file, offset, told_bytes) = report.torn.unwrap();
        assert!(file.ends_with(THIRD) && (offset, told_bytes) == (end, bytes), "{offset}, {told_bytes}");
        let elsewhere = told(&in_use(), |files| append(files, SECOND, torn));
        assert!(matches!(codes(&elsewhere).as_slice(), ["no-record" | "behind-records"]), "{:?}", elsewhere.findings);
        // Where something that was signed is missing, it is no write under way.
        let signed = told(&in_use(), |files| {
            let mut short = in_use();
            short.segments[2].truncate(2);
            let mut bytes = short.files()[THIRD].clone();
            bytes.extend_from_slice(torn);
            files.insert(THIRD.to_owned(), bytes);
        });
        assert!(
            matches!(codes(&signed).as_slice(), ["no-record" | "behind-records" | "rewritten"]),
            "{:?}",
            signed.findings
        );
    }
}

#[test]
fn a_segment_that_is_being_begun_is_told_and_one_that_lost_signed_records_is_found() {
    let forge = Forge::small();
    let header = forge.segments[2][0].as_bytes();
    let begun = told(&forge, |files| drop(files.insert("segment-0000000004.jsonl".to_owned(), header[..40].to_vec())));
    assert_eq!((codes(&begun), begun.size), (vec![], 12));
    assert_eq!(begun.torn.map(|(_, offset, bytes)| (offset, bytes)), Some((0, 40)));
    let lost = told(&forge, |files| drop(files.insert(THIRD.to_owned(), header[..40].to_vec())));
    assert_eq!(codes(&lost), ["no-record"]);
}

#[test]
fn a_checkpoint_that_is_being_written_is_passed_over_and_one_that_was_changed_is_not() {
    let forge = in_use();
    let name = "segment-0000000003.checkpoints";
    let next = format!("\n{}", forge.signed(&forge.leaves()));
    for cut in 1..next.len() {
        let report = told(&forge, |files| append(files, name, &next.as_bytes()[..cut]));
        assert_eq!(codes(&report), [""; 0], "cut at {cut}");
    }
    // The newest one may stand beside the segment first, and in `checkpoint` a moment later.
    let report = told(&forge, |files| append(files, name, next.as_bytes()));
    assert_eq!((codes(&report), report.unattested(), report.attested.unwrap().size), (vec![], 0, 14));
    let again = format!("\n{}", forge.signed(&forge.leaves()[..12]));
    for cut in again.find('=').unwrap()..again.len() {
        let report = told(&forge, |files| append(files, name, &again.as_bytes()[..cut]));
        assert!(!report.findings.is_empty(), "one that is not newer, cut at {cut}");
    }
}

#[test]
fn a_log_whose_older_segments_are_gone_verifies_from_its_first_header_on() {
    let forge = in_use();
    for gone in 1..3_u64 {
        let report = told(&forge, |files| {
            files.retain(|name, _| (1..=gone).all(|number| !name.starts_with(&format!("segment-{number:010}"))));
        });
        assert_eq!((codes(&report), report.first_segment, report.from), (vec![], gone + 1, 4 * gone));
        assert_eq!((report.size, report.segments), (14, 3 - gone));
    }
    // What the header says of the records that are gone is signed with the rest.
    let mut lying = in_use();
    let header = lying.segments[2][0].clone();
    lying.segments[2][0] = changed(&header, "\"epoch\":0", "\"epoch\":1");
    let report = told(&forge, |files| {
        files.retain(|name, _| !name.starts_with("segment-0000000001") && !name.starts_with("segment-0000000002"));
        files.insert(THIRD.to_owned(), lying.files()[THIRD].clone());
    });
    assert_eq!(codes(&report), ["rewritten"]);
}

#[test]
fn an_own_checkpoint_that_ends_where_the_first_header_begins_is_compared_with_it() {
    let mut forge = Forge::small();
    forge.segment();
    let keep =
        |files: &mut Files| files.retain(|name, _| name.starts_with("segment-0000000004") || name == "checkpoint");
    assert_eq!(codes(&told(&forge, keep)), [""; 0]);
    let older = told(&forge, |files| {
        keep(files);
        files.insert("checkpoint".to_owned(), forge.signed(&forge.leaves()[..5]).into_bytes());
    });
    assert_eq!(codes(&older), ["seen-before"], "an older one says nothing of what is left");
}

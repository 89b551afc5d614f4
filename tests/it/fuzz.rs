//! The fuzz targets over their corpus and over mutations of it: the same ones in every run, so that a failure can be
//! repeated. Longer runs are for outside; see `fuzz/README.md`.

#[path = "../../fuzz/targets/mod.rs"]
mod targets;

use std::collections::BTreeSet;
use std::fs;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::path::Path;
use std::path::PathBuf;
use targets::TARGETS;
use targets::Target;

/// The largest input that mutations make, in bytes.
const MAX_BYTES: usize = 16 * 1024;

/// Marsaglia's xorshift64*: numbers that are the same everywhere.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// Below `bound`, which is not zero.
    fn below(&mut self, bound: usize) -> usize {
        usize::try_from((self.next() >> 11) % u64::try_from(bound).unwrap()).unwrap()
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.next() >> 56).unwrap()
    }

    /// A range within `length`, not longer than `most`.
    fn range(&mut self, length: usize, most: usize) -> std::ops::Range<usize> {
        let from = self.below(length + 1);
        from..length.min(from + self.below(most + 1))
    }
}

/// One input of the corpus.
struct Seed {
    name: String,
    bytes: Vec<u8>,
}

fn corpus(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target)
}

/// The inputs of a target, by name.
fn seeds(target: &Target) -> Vec<Seed> {
    let mut found: Vec<Seed> = fs::read_dir(corpus(target.name))
        .unwrap_or_else(|error| panic!("no corpus of `{}`: {error}", target.name))
        .map(|entry| entry.unwrap())
        .map(|entry| Seed { name: entry.file_name().into_string().unwrap(), bytes: fs::read(entry.path()).unwrap() })
        .collect();
    found.sort_by(|one, other| one.name.cmp(&other.name));
    found
}

/// A seed, mostly a good one, with one to four things changed.
fn mutated(seeds: &[Seed], words: &[&str], numbers: &mut Numbers) -> Vec<u8> {
    let good = seeds.iter().filter(|seed| seed.name.starts_with("good-")).count();
    // By name, the bad ones come first.
    let from = if numbers.below(4) == 0 { 0 } else { seeds.len() - good };
    let mut bytes = seeds[from + numbers.below(seeds.len() - from)].bytes.clone();
    let changes = 1 + if numbers.below(2) == 0 { numbers.below(4) } else { 0 };
    for _ in 0..changes {
        let at = numbers.below(bytes.len() + 1);
        match numbers.below(11) {
            0 if at < bytes.len() => bytes[at] ^= 1 << numbers.below(8),
            1 if at < bytes.len() => bytes[at] = numbers.byte(),
            2 => bytes.insert(at, numbers.byte()),
            3 => drop(bytes.drain(numbers.range(bytes.len(), 16))),
            4 => {
                let piece = bytes[numbers.range(bytes.len(), 64)].to_vec();
                drop(bytes.splice(at..at, piece));
            }
            5 => {
                let other = &seeds[numbers.below(seeds.len())].bytes;
                let piece = other[numbers.range(other.len(), 64)].to_vec();
                drop(bytes.splice(at..at, piece));
            }
            6 if numbers.below(8) == 0 => bytes.truncate(at),
            7 => {
                // One word of the input in place of another.
                let (word, place) = (word_at(&bytes, numbers.below(bytes.len() + 1)), word_at(&bytes, at));
                let word = bytes[word].to_vec();
                drop(bytes.splice(place, word));
            }
            8 => {
                // A word with one character more or another one.
                let place = word_at(&bytes, at);
                let end = if numbers.below(2) == 0 { at } else { place.end.min(at + 1) };
                let letter = b"abcdefghijklmnopqrstuvwxyz0123456789"[numbers.below(36)];
                drop(bytes.splice(at..end.max(at), [letter]));
            }
            9 => {
                // A line that is left out, or stands elsewhere.
                let line = bytes.drain(line_at(&bytes, at)).collect::<Vec<u8>>();
                if numbers.below(2) == 0 {
                    let to = line_at(&bytes, numbers.below(bytes.len() + 1)).start;
                    drop(bytes.splice(to..to, line));
                }
            }
            _ if !words.is_empty() => {
                // In place of as many bytes, or between two.
                let word = words[numbers.below(words.len())].as_bytes();
                let end = if numbers.below(2) == 0 { at } else { bytes.len().min(at + word.len()) };
                drop(bytes.splice(at..end, word.iter().copied()));
            }
            _ => {}
        }
    }
    bytes.truncate(MAX_BYTES);
    bytes
}

/// The letters and digits around `at`.
fn word_at(bytes: &[u8], at: usize) -> std::ops::Range<usize> {
    let (before, after) = bytes.split_at(at);
    let is_part = |byte: &&u8| byte.is_ascii_alphanumeric();
    at - before.iter().rev().take_while(is_part).count()..at + after.iter().take_while(is_part).count()
}

/// The line around `at`, with its end.
fn line_at(bytes: &[u8], at: usize) -> std::ops::Range<usize> {
    let start = bytes[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |before| before + 1);
    let end = bytes[at..].iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |end| at + end + 1);
    start..end
}

/// Runs a target and tells the input if it falls over.
fn run(target: &Target, bytes: &[u8], what: &str) -> bool {
    catch_unwind(AssertUnwindSafe(|| (target.run)(bytes))).unwrap_or_else(|_| {
        panic!("`{}` breaks its word at {what}: b\"{}\"", target.name, bytes.escape_ascii());
    })
}

fn replay(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name).unwrap();
    let seeds = seeds(target);
    for seed in &seeds {
        let accepted = run(target, &seed.bytes, &seed.name);
        let said = seed.name.starts_with("good-");
        assert!(said || seed.name.starts_with("bad-"), "{}: neither good nor bad", seed.name);
        assert_eq!(accepted, said, "{name}: {}", seed.name);
    }
    let said = |prefix: &str| seeds.iter().any(|seed| seed.name.starts_with(prefix));
    assert!(said("good-") && said("bad-"), "{name}: the corpus holds one of each kind");
    let mut numbers = Numbers(0x9E37_79B9_7F4A_7C15);
    let mut accepted = 0;
    for round in 0..target.rounds {
        let bytes = mutated(&seeds, target.words, &mut numbers);
        accepted += u32::from(run(target, &bytes, &format!("mutation {round}")));
    }
    // Mutations that are all refused, or none, would say little.
    assert!(accepted > target.rounds / 200 && accepted < target.rounds, "{name}: {accepted} of {}", target.rounds);
}

#[test]
fn the_package_for_long_runs_has_every_target_and_no_other() {
    let manifest = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/Cargo.toml")).unwrap();
    let programs = manifest.split("[[bin]]").skip(1).map(|program| program.split('"').nth(1).unwrap().to_owned());
    let programs: Vec<String> = programs.collect();
    assert_eq!(programs, TARGETS.iter().map(|target| target.name.to_owned()).collect::<Vec<_>>());
    assert!(manifest.contains("\n[workspace]\n"), "a package of its own, which no build of the repository takes in");
}

macro_rules! replayed {
    ($($test:ident: $name:literal,)+) => {
        $(#[test]
        fn $test() {
            replay($name);
        })+

        #[test]
        fn every_target_is_replayed_and_has_the_only_corpus_of_its_name() {
            let replayed = BTreeSet::from([$($name,)+].map(str::to_owned));
            let targets: BTreeSet<String> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
            let folders = fs::read_dir(corpus("")).unwrap();
            let folders: BTreeSet<String> =
                folders.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
            assert_eq!(replayed, targets);
            assert_eq!(folders, targets);
        }
    };
}

replayed! {
    an_accepted_answer_has_one_framing_and_its_whole_body: "answer",
    an_accepted_certificate_holds_what_is_read_from_it: "certificate",
    an_accepted_chunked_body_is_what_a_simple_decoder_makes_of_it: "chunks",
    an_accepted_configuration_lies_within_all_bounds: "configuration",
    accepted_constants_hold_no_person_no_stranger_and_no_circle: "constants",
    an_accepted_contract_has_a_class_for_every_leaf: "contract",
    an_accepted_revocation_list_is_one_and_nothing_more: "crl",
    an_accepted_directory_finds_what_is_written_and_nothing_else: "directory",
    an_accepted_update_of_the_directory_is_what_another_reader_finds_in_it: "document",
    an_accepted_event_is_declared_and_names_nobody_but_by_pseudonym: "event",
    no_bit_of_a_token_can_be_turned: "forgery",
    an_accepted_form_says_each_parameter_once_and_what_a_simple_decoder_finds: "form",
    an_accepted_head_has_one_host_and_one_framing: "head",
    accepted_json_is_the_same_when_written_and_read_again: "json",
    an_accepted_compact_form_has_one_spelling: "jws",
    an_accepted_note_has_one_spelling_and_is_signed_by_nobody_who_did_not: "note",
    an_accepted_proof_of_possession_is_signed_by_the_key_that_it_brings_and_says_what_it_must: "possession",
    an_accepted_proof_has_one_spelling_and_proves_nothing_unsigned: "proof",
    an_accepted_segment_holds_what_another_parser_takes_for_records: "segment",
    an_accepted_signature_has_one_spelling_and_fits_nothing_else: "signature",
    an_accepted_statement_is_the_very_bytes_that_are_signed: "statement",
    an_accepted_token_is_signed_by_the_right_key_and_says_what_it_must: "token",
}

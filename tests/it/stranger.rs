//! What a stranger can show with the log's public files, and what they cannot: the verifier in `docs/`, which shares no line
//! with the gateway, takes the proofs and the tiles that it makes, and none that was changed; and nobody confirms a guess.

use crate::harness::Command;
use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::told_by;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use sha2::Digest;
use sha2::Sha256;
use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Output;
use tempfile::TempDir;

/// Commands that are given, so that there is more than one full tile of level 0: each leaves two records.
const COMMANDS: usize = 140;

const VERIFIER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/check_proof.py");

/// A log that a gateway has left, and a proof of a command's outcome.
struct Left {
    stage: Stage,
    proofs: TempDir,
}

impl Left {
    fn new() -> Self {
        let stage = Stage::new();
        let gateway = Served::on(&stage);
        let backend = stage.backend(gateway.address);
        let mut receipt = String::new();
        for number in 0..COMMANDS {
            let answer = stage.wait(Command::new(&stage).give(&backend)).unwrap();
            assert_eq!(answer.status, 200, "{}", answer.text());
            if number == COMMANDS / 2 {
                answer.header("receipt-id").unwrap().clone_into(&mut receipt);
            }
        }
        gateway.shutdown();
        let left = Self { stage, proofs: tempfile::tempdir().unwrap() };
        let (log, out) = (left.log().display().to_string(), left.proofs.path().display().to_string());
        let (code, told, err) = told_by(&["audit", "prove", &receipt, &log, "--out", &out]);
        assert_eq!(code, 0, "{told}{err}");
        tiles(&left.log());
        left
    }

    fn log(&self) -> PathBuf {
        self.stage.path("state/audit")
    }

    fn proofs(&self) -> Vec<PathBuf> {
        let mut proofs: Vec<_> = fs::read_dir(self.proofs.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        proofs.sort();
        assert_eq!(proofs.len(), 2, "an intent and an outcome");
        proofs
    }
}

/// The hash tiles of a log (C2SP tlog-tiles), where there are none, from its records: by the specification alone.
fn tiles(log: &Path) {
    if log.join("tile").exists() {
        return;
    }
    let segment = fs::read(log.join("segment-0000000001.jsonl")).unwrap();
    let records = segment.split(|byte| *byte == b'\n').filter(|line| line.starts_with(b"{"));
    let mut hashes: Vec<Vec<u8>> = records.map(leaf).collect();
    for level in 0.. {
        let folder = log.join(format!("tile/{level}"));
        let mut above = Vec::new();
        for (number, tile) in hashes.chunks(256).enumerate() {
            let name = if tile.len() < 256 { format!("{number:03}.p/{}", tile.len()) } else { format!("{number:03}") };
            let path = folder.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, tile.concat()).unwrap();
            if tile.len() == 256 {
                let mut row = tile.to_vec();
                while row.len() > 1 {
                    let parent = |pair: &[Vec<u8>]| Sha256::digest([&[1], &pair[0][..], &pair[1]].concat()).to_vec();
                    row = row.chunks(2).map(parent).collect();
                }
                above.append(&mut row);
            }
        }
        if above.is_empty() {
            return;
        }
        hashes = above;
    }
}

fn python(arguments: &[&str]) -> Output {
    std::process::Command::new("python3").arg(VERIFIER).args(arguments).output().unwrap()
}

/// Exit code and last line of either stream.
fn verified(what: &str, of: &Path, key: &str) -> (i32, String) {
    let output = python(&[what, &of.display().to_string(), key]);
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(text.is_ascii() && text.chars().all(|c| c == '\n' || !c.is_ascii_control()), "{text:?}");
    (output.status.code().unwrap(), text.lines().last().unwrap_or_default().to_owned())
}

#[test]
fn the_strangers_verifier_takes_what_the_gateway_proves_and_nothing_that_was_changed() {
    assert!(fs::read_to_string(VERIFIER).unwrap().lines().count() <= 300);
    let left = Left::new();
    let key = fs::read_to_string(left.log().join("log.vkey")).unwrap().trim().to_owned();
    let other = {
        let stage = Stage::new();
        Served::on(&stage).shutdown();
        fs::read_to_string(stage.path("state/audit/log.vkey")).unwrap().trim().to_owned()
    };
    let scratch = tempfile::tempdir().unwrap();
    let changed = scratch.path().join("changed.tlog-proof");
    for proof in left.proofs() {
        let (code, told) = verified("proof", &proof, &key);
        assert!(code == 0 && told.ends_with(": proved"), "{told}");
        assert_eq!(verified("proof", &proof, &other).0, 1, "another log's key");
        let text = fs::read_to_string(&proof).unwrap();
        // Another record, another place, each hash, the size, the root, the signature.
        let lines: Vec<&str> = text.lines().collect();
        for (number, line) in lines.iter().enumerate().filter(|(_, line)| !line.is_empty()) {
            let (before, rest) = line.split_at(line.len() / 2);
            let digit = if rest.starts_with('1') { '2' } else { '1' };
            let mut spoiled = lines.clone();
            let line: String = before.chars().chain([digit]).chain(rest.chars().skip(1)).collect();
            spoiled[number] = &line;
            fs::write(&changed, spoiled.join("\n") + "\n").unwrap();
            assert_eq!(verified("proof", &changed, &key).0, 1, "line {number}: {line}");
        }
        for spoiled in [text.replacen("\n\n", "\n", 1), text.lines().take(2).collect(), String::new(), text + "x"] {
            fs::write(&changed, &spoiled).unwrap();
            assert_eq!(verified("proof", &changed, &key).0, 1, "{spoiled}");
        }
    }
    assert_eq!(verified("proof", &scratch.path().join("none"), &key).0, 2);

    let (code, told) = verified("log", &left.log(), &key);
    assert!(code == 0 && told.ends_with(": all fit"), "{told}");
    let log = left.log();
    let tile = log.join("tile/0/000");
    for path in [tile.clone(), log.join("segment-0000000001.jsonl"), log.join("checkpoint")] {
        let whole = fs::read(&path).unwrap();
        let end = whole.iter().position(|byte| *byte == 0 && path != tile).unwrap_or(whole.len());
        let mut spoiled = whole.clone();
        spoiled[end / 2] ^= 1;
        fs::write(&path, &spoiled).unwrap();
        assert_eq!(verified("log", &log, &key).0, 1, "{}", path.display());
        fs::write(&path, &whole).unwrap();
    }
    assert_eq!(verified("log", &log, &key).0, 0, "put in order again");
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

fn leaf(data: &[u8]) -> Vec<u8> {
    Sha256::digest([&[0], data].concat()).to_vec()
}

#[test]
fn who_holds_all_tiles_all_checkpoints_and_a_proof_cannot_confirm_a_guessed_neighbour() {
    let left = Left::new();
    let proof = fs::read_to_string(&left.proofs()[0]).unwrap();
    let index: usize = proof.lines().find_map(|line| line.strip_prefix("index ")).unwrap().parse().unwrap();
    let segment = fs::read(left.log().join("segment-0000000001.jsonl")).unwrap();
    let records: Vec<&[u8]> = segment.split(|byte| *byte == b'\n').filter(|line| line.starts_with(b"{")).collect();
    assert_eq!(
        leaf(records[index]),
        leaf(&STANDARD.decode(proof.lines().nth(1).unwrap().strip_prefix("extra ").unwrap()).unwrap())
    );
    // The sibling stands in the proof itself, as a hash.
    let neighbour = records[index ^ 1];

    // All that is to be had outside, and every hash in it.
    let mut public = Vec::new();
    files(&left.log(), &mut public);
    public.retain(|path| path.extension().is_none_or(|kind| kind != "jsonl" && kind != "torn"));
    assert!(public.len() > 4, "{public:?}");
    let public: Vec<Vec<u8>> =
        public.iter().map(|path| fs::read(path).unwrap()).chain([proof.clone().into_bytes()]).collect();
    let mut hashes: HashSet<Vec<u8>> = public.iter().flat_map(|bytes| bytes.chunks(32).map(<[u8]>::to_vec)).collect();
    let words = public.iter().filter_map(|bytes| std::str::from_utf8(bytes).ok()).flat_map(str::split_whitespace);
    hashes.extend(words.filter_map(|word| STANDARD.decode(word).ok()));

    // With its salt the guess would be confirmed, so it is the salt that stands between.
    assert!(hashes.contains(&leaf(neighbour)));
    let text = std::str::from_utf8(neighbour).unwrap();
    let salt = serde_json::from_str::<Value>(text).unwrap()["salt"].as_str().unwrap().to_owned();
    let raw = URL_SAFE_NO_PAD.decode(&salt).unwrap();
    assert_eq!(raw.len(), 32);
    let salts: HashSet<Vec<u8>> = records
        .iter()
        .map(|record| serde_json::from_slice::<Value>(record).unwrap()["salt"].as_str().unwrap().as_bytes().to_vec())
        .collect();
    assert_eq!(salts.len(), records.len(), "each has its own");

    // Everything else is known: with no salt, an empty one, that of the proof's own record, or a public hash for a salt.
    let own = serde_json::from_slice::<Value>(records[index]).unwrap()["salt"].as_str().unwrap().to_owned();
    let tried = hashes.iter().filter(|hash| hash.len() == 32).map(|hash| URL_SAFE_NO_PAD.encode(hash));
    let tried: Vec<String> = tried.chain([String::new(), own, URL_SAFE_NO_PAD.encode([0; 32])]).collect();
    assert!(tried.len() > COMMANDS, "{}", tried.len());
    let sum = |line: &str| {
        let (before, _) = line.rsplit_once(",\"sum\":\"").unwrap();
        let digest = Sha256::digest(["\0", before].concat());
        let digits: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        format!("{before},\"sum\":\"{digits}\"}}")
    };
    assert_eq!(sum(text), text, "the sum is part of what is guessed");
    for guess in tried {
        let line = sum(&text.replacen(&salt, &guess, 1));
        assert!(!hashes.contains(&leaf(line.as_bytes())), "confirmed with {guess}");
    }
    let without = sum(&text.replacen(&format!(",\"salt\":\"{salt}\""), "", 1));
    assert!(!hashes.contains(&leaf(without.as_bytes())));
    // And nothing public holds the salt, nor a digest of the record without it.
    for bytes in &public {
        for secret in [salt.as_bytes(), raw.as_slice(), Sha256::digest(&raw).as_slice(), neighbour] {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret));
        }
    }
}

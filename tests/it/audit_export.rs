//! `portcullis audit export`: everything that is signed goes out at least once, whatever ends the process, and nothing else does.
//!
//! The logs here are written by hand, as `docs/audit.md` says what a line is: so the reader is not held against the writer.

use crate::harness::Scene;
use crate::harness::Stage;
use crate::harness::told_by;
use crate::harness::until;
use portcullis::clock::Clock;
use portcullis::clock::SystemClock;
use portcullis::crypto::NoteName;
use portcullis::crypto::NoteSigner;
use portcullis::crypto::SigningAlgorithm;
use portcullis::crypto::SigningKey;
use portcullis::crypto::sha256;
use portcullis::crypto::sha256_joined;
use portcullis::devkit::Pki;
use portcullis::secret::Secret;
use serde_json::Value;
use std::fs;
use std::io::BufRead;
use std::io::BufReader;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::LazyLock;
use tempfile::TempDir;

const ORIGIN: &str = "gateway.prop.example/audit";
const FORMATS: [&str; 4] = ["jsonl", "ocsf", "cef", "syslog"];

/// A folder with a log, and whatever else a test needs.
struct House(TempDir);

impl House {
    fn new() -> Self {
        let house = Self(tempfile::tempdir().unwrap());
        fs::create_dir(house.log()).unwrap();
        fs::write(house.path("log.vkey"), signer(ORIGIN).vkey()).unwrap();
        house
    }

    fn log(&self) -> PathBuf {
        self.path("audit")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// Makes a segment of records with these indexes, and some zeros written ahead behind them.
    fn segment(&self, number: u64, indexes: std::ops::Range<u64>) {
        let mut bytes: Vec<u8> = indexes.flat_map(|index| line(index, "")).collect();
        bytes.extend([0; 4096]);
        fs::write(self.log().join(format!("segment-{number:010}.jsonl")), bytes).unwrap();
    }

    /// Says that so many records are signed, by the key of a log of this name.
    fn signed(&self, origin: &str, size: u64, root: &str) {
        let root = encoded(sha256(root.as_bytes()).as_bytes());
        let signer = signer(origin);
        fs::write(self.log().join("checkpoint"), signer.sign(&format!("{origin}\n{size}\n{root}\n"))).unwrap();
        fs::write(self.path("log.vkey"), signer.vkey()).unwrap();
    }

    fn arguments(&self, format: &str, to: &str) -> Vec<String> {
        let words = ["audit", "export", &self.text("audit"), "--format", format, "--to", to].map(str::to_owned);
        let more = ["--cursor".to_owned(), self.text("cursor"), "--log-key".to_owned(), self.text("log.vkey")];
        [&words[..], &more].concat()
    }

    fn export(&self, format: &str, to: &str, more: &[&str]) -> (i32, String, String) {
        let arguments = self.arguments(format, to);
        told_by(&arguments.iter().map(String::as_str).chain(more.iter().copied()).collect::<Vec<_>>())
    }
}

/// Signs in the name of a log, always under the same key.
fn signer(origin: &str) -> NoteSigner {
    static PEM: LazyLock<Secret> = LazyLock::new(|| SigningKey::generate_pem(SigningAlgorithm::EdDsa).unwrap());
    NoteSigner::from_pem(NoteName::new(origin).unwrap(), &PEM).unwrap()
}

fn encoded(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// A record as a line of the log.
fn line(index: u64, more: &str) -> Vec<u8> {
    let reason = ["policy-denied", "revoked", "token-expired"][usize::try_from(index % 3).unwrap()];
    let kind = if index % 5 == 4 { "stop" } else { "refusal" };
    let time = format!("2026-11-27T03:{:02}:{:02}.000Z", index / 60 % 60, index % 60);
    let begin = format!(
        r#"{{"v":2,"kind":"{kind}","time":"{time}","salt":"s{index}","operation":"openDoor","reason":"{reason}"{more}"#
    );
    let sum: String = sha256_joined(&[&[0], begin.as_bytes()]).to_string().chars().take(16).collect();
    format!("{begin},\"sum\":\"{sum}\"}}\n").into_bytes()
}

/// The indexes of the records in lines of `jsonl`, in their order; checkpoints are left out.
fn indexes(lines: &str) -> Vec<u64> {
    let read = lines.lines().map(|line| serde_json::from_str::<Value>(line).expect("a whole line"));
    read.filter_map(|line| line.get("record").and(line["log"]["index"].as_u64())).collect()
}

#[test]
fn every_format_takes_what_is_signed_over_all_segments_and_the_cursor_goes_on_there() {
    let house = House::new();
    house.segment(1, 0..9);
    house.segment(2, 9..20);
    for format in FORMATS {
        house.signed(ORIGIN, 14, "a");
        let (code, first, err) = house.export(format, "-", &["--batch", "10"]);
        assert_eq!((code, &*err), (0, ""), "{format}");
        // Two batches, each with the checkpoint behind it.
        assert_eq!(first.lines().count(), 14 + 2, "{format}: {first}");
        let checkpoint = |line: &&str| line.contains("checkpoint") && line.contains(ORIGIN);
        let ends: Vec<usize> =
            first.lines().enumerate().filter(|(_, line)| checkpoint(line)).map(|(at, _)| at).collect();
        assert_eq!(ends, [10, 15], "{format}");
        let (code, again, _) = house.export(format, "-", &[]);
        assert_eq!((code, &*again), (0, ""), "{format}: nothing new is signed");
        house.signed(ORIGIN, 20, "b");
        let (code, second, _) = house.export(format, "-", &[]);
        assert_eq!((code, second.lines().count()), (0, 6 + 1), "{format}: {second}");
        assert!(second.contains("\u{2014}") || second.contains("\\u2014"), "{format}: the whole note");
        if format == "jsonl" {
            assert_eq!((indexes(&first), indexes(&second)), ((0..14).collect(), (14..20).collect()));
        }
        fs::remove_file(house.path("cursor")).unwrap();
    }
    // Without a cursor each run begins at the oldest.
    let (_, all, _) = told_by(&[
        "audit",
        "export",
        &house.text("audit"),
        "--log-key",
        &house.text("log.vkey"),
        "--format",
        "jsonl",
        "--to",
        "-",
    ]);
    assert_eq!(indexes(&all), (0..20).collect::<Vec<_>>());
}

#[test]
fn the_log_of_a_running_gateway_is_exported_under_its_own_key_and_no_other() {
    let scene = Scene::on(Stage::new());
    scene.command().told(&scene.stage, scene.gateway.address).is(200, "");
    let configuration = scene.stage.path("gateway.yaml");
    let arguments = ["audit", "export", "--config", configuration.to_str().unwrap(), "--format", "ocsf", "--to", "-"];
    let mut exported = String::new();
    until("the outcome to be signed", || {
        let (code, out, err) = told_by(&arguments);
        assert!(code == 0 || err.contains("no-checkpoint"), "{err}");
        exported = out;
        exported.contains(r#""event_code":"outcome""#)
    });
    let events: Vec<Value> = exported.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |code: &str| events.iter().find(|event| event["metadata"]["event_code"] == code).unwrap();
    let (intent, outcome, checkpoint) = (of("intent"), of("outcome"), events.last().unwrap());
    assert_eq!(intent["metadata"]["correlation_uid"], outcome["metadata"]["correlation_uid"]);
    assert_eq!((&intent["action"], &outcome["status"]), (&"Allowed".into(), &"Success".into()));
    assert!(intent["authorizations"][0]["policy"]["uid"].is_string(), "{intent}");
    let covered: u64 = checkpoint["unmapped"]["size"].as_u64().unwrap();
    let sequences: Vec<u64> = events.iter().filter_map(|event| event["metadata"]["sequence"].as_u64()).collect();
    assert_eq!(sequences, (0..covered).collect::<Vec<_>>(), "from the first record on, without gaps");
    // A checkpoint that another key has signed, under the same name.
    let file = scene.stage.path("state/audit/checkpoint");
    until("a checkpoint that is not the log's", || {
        let note = fs::read_to_string(&file).unwrap();
        let (text, signature) = note.rsplit_once(' ').unwrap();
        let forged: String =
            signature.chars().enumerate().map(|(at, c)| if (40..60).contains(&at) { 'A' } else { c }).collect();
        fs::write(&file, format!("{text} {forged}")).unwrap();
        let (code, out, err) = told_by(&arguments);
        code == 2 && out.is_empty() && err.starts_with("error[no-checkpoint]: ")
    });
}

#[test]
fn what_is_left_out_by_time_or_kind_keeps_its_index_and_the_cursor_passes_it() {
    let house = House::new();
    house.segment(1, 0..20);
    house.signed(ORIGIN, 20, "a");
    let (code, out, _) = house.export("jsonl", "-", &["--kinds", "stop,start"]);
    assert_eq!((code, indexes(&out)), (0, vec![4, 9, 14, 19]));
    assert_eq!(house.export("jsonl", "-", &[]).1, "", "all were passed");
    fs::remove_file(house.path("cursor")).unwrap();
    let period = ["--since", "2026-11-27T03:00:05Z", "--until", "2026-11-27T03:00:08Z"];
    assert_eq!(indexes(&house.export("jsonl", "-", &period).1), [5, 6, 7], "from the first on, before the second");
    let (code, _, err) = house.export("jsonl", "-", &["--kinds", "stopp"]);
    assert!(code == 2 && err.contains("the kinds are start, stop, "), "{err}");
}

/// Starts an export into a file and ends it as a power cut would, once the file has grown to this many bytes; whether it was at work.
fn killed(house: &House, bytes: u64) -> bool {
    let mut process = Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .args(house.arguments("jsonl", &house.text("out.jsonl")))
        .args(["--batch", "20"])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let grown = || fs::metadata(house.path("out.jsonl")).is_ok_and(|file| file.len() >= bytes);
    let mut ended = None;
    until("the file to grow", || {
        ended = process.try_wait().unwrap();
        ended.is_some() || grown()
    });
    // SIGKILL.
    process.kill().unwrap();
    process.wait().unwrap();
    ended.is_none()
}

#[test]
fn killed_anywhere_it_leaves_nothing_out_and_repeats_at_most_the_last_batch() {
    const RECORDS: u64 = 4_000;
    let house = House::new();
    for segment in 0..4 {
        house.segment(segment + 1, segment * 1_000..(segment + 1) * 1_000);
    }
    house.signed(ORIGIN, RECORDS, "a");
    let (mut hits, mut bytes) = (0, 1);
    for round in 0..12 {
        hits += usize::from(killed(&house, bytes));
        let length = fs::metadata(house.path("out.jsonl")).map_or(0, |file| file.len());
        bytes = length + 1 + round * 7_919;
    }
    // As a crash may leave it.
    let mut out = fs::read(house.path("out.jsonl")).unwrap();
    out.extend_from_slice(br#"{"log":{"origin":"gat"#);
    fs::write(house.path("out.jsonl"), out).unwrap();
    assert_eq!(house.export("jsonl", &house.text("out.jsonl"), &["--batch", "20"]).0, 0);
    assert!(hits > 5, "{hits} were killed at work");
    let found = indexes(&fs::read_to_string(house.path("out.jsonl")).unwrap());
    let mut repeated = 0;
    let mut next = 0;
    for index in found {
        if index < next {
            assert!(
                next - index <= 20 && index % 20 == 0,
                "from the beginning of the last batch: {index} after {next}"
            );
            repeated += 1;
        }
        assert!(index <= next, "{index} comes where {next} should");
        next = index + 1;
    }
    assert_eq!(next, RECORDS);
    assert!(repeated <= hits, "{repeated} batches came twice, and {hits} were killed");
}

#[test]
fn between_the_destination_and_the_cursor_a_crash_repeats_that_batch_alone() {
    let house = House::new();
    house.segment(1, 0..30);
    house.signed(ORIGIN, 20, "a");
    let out = house.text("out.jsonl");
    assert_eq!(house.export("jsonl", &out, &["--batch", "10"]).0, 0);
    let before = fs::read(house.path("cursor")).unwrap();
    house.signed(ORIGIN, 30, "b");
    assert_eq!(house.export("jsonl", &out, &["--batch", "10"]).0, 0);
    // What the disk holds if the machine stops after `fdatasync` of the batch, and before the cursor is replaced.
    fs::write(house.path("cursor"), before).unwrap();
    assert_eq!(house.export("jsonl", &out, &["--batch", "10"]).0, 0);
    let found = indexes(&fs::read_to_string(house.path("out.jsonl")).unwrap());
    assert_eq!(found, (0..30).chain(20..30).collect::<Vec<_>>());
}

#[test]
fn a_cursor_of_another_log_or_of_a_longer_copy_is_refused() {
    let house = House::new();
    house.segment(1, 0..20);
    house.signed(ORIGIN, 10, "a");
    assert_eq!(house.export("jsonl", "-", &[]).0, 0);
    let kept = fs::read(house.path("cursor")).unwrap();
    let refused = |why: &str| {
        let (code, out, err) = house.export("jsonl", "-", &[]);
        assert_eq!((code, &*out), (2, ""), "{err}");
        assert!(err.starts_with("error[") && err.contains(why), "{why} is not in {err}");
        assert!(err.contains("\n  help: "), "{err}");
        assert_eq!(fs::read(house.path("cursor")).unwrap(), kept, "it stays as it was");
    };
    house.signed("other.example/audit", 20, "a");
    refused("cursor-of-another-log]: the cursor is of another log: it has another origin");
    house.signed(ORIGIN, 9, "a");
    refused("more records were exported than its checkpoint covers");
    house.signed(ORIGIN, 10, "b");
    refused("as many records as now had another root");
    house.signed(ORIGIN, 20, "a");
    let other: Vec<u8> = (0..20).flat_map(|index| line(index, r#","peer":"b""#)).collect();
    fs::write(house.log().join("segment-0000000001.jsonl"), other).unwrap();
    refused("the record that was exported last does not stand in it");
    house.segment(1, 0..5);
    refused("cursor-of-another-log");
    fs::remove_file(house.log().join("checkpoint")).unwrap();
    house.segment(1, 0..20);
    refused("no-checkpoint");
    fs::write(house.log().join("checkpoint"), "nothing").unwrap();
    refused("no-checkpoint");
    house.signed(ORIGIN, 20, "a");
    assert_eq!(
        indexes(&house.export("jsonl", "-", &[]).1),
        (10..20).collect::<Vec<_>>(),
        "and goes on where it is the log"
    );
    fs::write(house.path("cursor"), "{}").unwrap();
    assert!(house.export("jsonl", "-", &[]).2.contains("it is no cursor of an export"));
}

#[test]
fn a_checkpoint_that_the_logs_key_has_not_signed_is_not_believed_and_without_a_key_none_is() {
    let house = House::new();
    house.segment(1, 0..20);
    house.signed(ORIGIN, 20, "a");
    let another = SigningKey::generate_pem(SigningAlgorithm::EdDsa).unwrap();
    let another = NoteSigner::from_pem(NoteName::new(ORIGIN).unwrap(), &another).unwrap();
    let root = encoded(sha256(b"a").as_bytes());
    let signed = fs::read_to_string(house.log().join("checkpoint")).unwrap();
    for note in [
        another.sign(&format!("{ORIGIN}\n20\n{root}\n")),
        // One more record than was signed.
        signed.replacen("\n20\n", "\n21\n", 1),
        signer("other.example/audit").sign(&format!("{ORIGIN}\n20\n{root}\n")),
    ] {
        fs::write(house.log().join("checkpoint"), note).unwrap();
        let (code, out, err) = house.export("jsonl", "-", &[]);
        assert!(code == 2 && out.is_empty() && err.starts_with("error[no-checkpoint]: "), "{err}");
        assert!(!house.path("cursor").exists());
    }
    fs::write(house.log().join("checkpoint"), signed).unwrap();
    let (code, out, err) = told_by(&["audit", "export", &house.text("audit"), "--format", "jsonl", "--to", "-"]);
    assert!(code == 2 && out.is_empty() && err.contains("--log-key"), "{err}");
    assert_eq!(indexes(&house.export("jsonl", "-", &[]).1).len(), 20);
}

#[test]
fn a_log_that_is_damaged_below_its_checkpoint_is_exported_up_to_there_and_no_further() {
    let house = House::new();
    house.segment(1, 0..20);
    house.signed(ORIGIN, 20, "a");
    let path = house.log().join("segment-0000000001.jsonl");
    let mut bytes = fs::read(&path).unwrap();
    bytes[line(0, "").len() * 12 + 60] ^= 1;
    fs::write(&path, bytes).unwrap();
    let (code, out, err) = house.export("jsonl", "-", &["--batch", "5"]);
    let found = indexes(&out);
    assert!(code == 2 && err.starts_with("error[audit-log]: ") && err.contains("is damaged at byte"), "{err}");
    assert!(found == (0..10).collect::<Vec<_>>(), "whole batches before it: {found:?}");
}

/// Takes connections: of each it reads all, or, of as many as it is told to refuse first, a few bytes, and resets it. What it has
/// read stands in the file behind the number of the connection.
const SERVER: &str = r#"
import socket, ssl, struct, sys
certificate, key, refused, out = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
count = 0
while True:
    plain, _ = listener.accept()
    tls = context.wrap_socket(plain, server_side=True)
    count += 1
    if count <= refused:
        tls.recv(10)
        tls.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        tls.close()
        continue
    got = b""
    while True:
        piece = tls.recv(65536)
        if not piece:
            break
        got += piece
    with open(out, "ab") as file:
        file.write(got)
    tls.unwrap()
    tls.close()
"#;

struct Server {
    process: Child,
    port: u16,
}

impl Server {
    fn start(house: &House, refused: usize) -> Self {
        let pki = Pki::new(SystemClock::new().now().seconds()).unwrap();
        fs::write(house.path("ca.pem"), pki.partner_authority.pem()).unwrap();
        let (certificate, key) = pki.partner.write(house.0.path(), "server").unwrap();
        let mut process = Command::new("/usr/bin/python3")
            .args(["-c", SERVER])
            .args([certificate.as_path(), key.as_path(), Path::new(&refused.to_string()), &house.path("received")])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut port = String::new();
        BufReader::new(process.stdout.as_mut().unwrap()).read_line(&mut port).unwrap();
        Self { process, port: port.trim().parse().unwrap() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Takes messages apart as RFC 5425 §4.3 frames them.
fn messages(mut bytes: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let space = bytes.iter().position(|byte| *byte == b' ').expect("a length");
        let length: usize = std::str::from_utf8(&bytes[..space]).unwrap().parse().unwrap();
        found.push(String::from_utf8(bytes[space + 1..space + 1 + length].to_vec()).unwrap());
        bytes = &bytes[space + 1 + length..];
    }
    found
}

#[test]
fn a_server_gets_counted_messages_and_one_that_does_not_read_them_gets_them_again() {
    let house = House::new();
    house.segment(1, 0..20);
    house.signed(ORIGIN, 20, "a");
    let server = Server::start(&house, 1);
    let (to, ca) = (format!("tls://localhost:{}", server.port), house.text("ca.pem"));
    let send = || house.export("syslog", &to, &["--ca", &ca, "--batch", "15"]);
    let (code, _, err) = send();
    assert!(code == 2 && err.starts_with("error[not-taken]: "), "{code} {err}");
    assert!(!house.path("cursor").exists(), "what was reset was not taken");
    assert_eq!(send(), (0, String::new(), String::new()));
    let found = messages(&fs::read(house.path("received")).unwrap());
    assert_eq!(found.len(), 20 + 2, "two batches, each with its checkpoint");
    for (index, message) in found.iter().filter(|message| !message.contains(" checkpoint [")).enumerate() {
        assert!(
            ["<108>1 ", "<109>1 ", "<110>1 "].iter().any(|begin| message.starts_with(begin))
                && message.contains(&format!("index=\"{index}\"")),
            "{message}"
        );
    }
    assert!(found[15].contains("- checkpoint [log@32473 ") && found[21].contains("- checkpoint ["), "{}", found[15]);
    // Another format goes as the text of such messages.
    fs::remove_file(house.path("received")).unwrap();
    fs::remove_file(house.path("cursor")).unwrap();
    assert_eq!(house.export("cef", &to, &["--ca", &ca]).0, 0);
    let found = messages(&fs::read(house.path("received")).unwrap());
    assert!(found.len() == 21 && found.iter().all(|message| message.contains("CEF:0|Portcullis|")), "{found:?}");
    // A server that others vouch for is none.
    fs::write(house.path("ca.pem"), Pki::new(SystemClock::new().now().seconds()).unwrap().partner_authority.pem())
        .unwrap();
    fs::remove_file(house.path("cursor")).unwrap();
    let (code, _, err) = send();
    assert!(code == 2 && err.contains("not-taken"), "{err}");
    for (to, more) in [(to.as_str(), vec![]), ("tls://localhost", vec!["--ca", &*ca]), ("-", vec!["--ca", &*ca])] {
        let (code, _, err) = house.export("syslog", to, &more);
        assert!(code == 2 && err.starts_with("error[unusable]: "), "{to} {more:?}: {err}");
    }
}

#[test]
fn a_log_that_is_followed_is_exported_as_it_is_signed_and_two_with_one_cursor_are_one_too_many() {
    let house = House::new();
    house.segment(1, 0..10);
    let mut process = Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .args(house.arguments("jsonl", &house.text("out.jsonl")))
        .arg("--follow")
        .spawn()
        .unwrap();
    let has = |count: usize| {
        let text = fs::read_to_string(house.path("out.jsonl")).unwrap_or_default();
        text.ends_with('\n') && indexes(&text).len() == count
    };
    until("the file", || house.path("out.jsonl").exists());
    let (code, _, err) = house.export("jsonl", "-", &[]);
    assert!(code == 2 && err.contains("another export goes by it"), "{err}");
    house.signed(ORIGIN, 4, "a");
    until("the first records", || has(4));
    house.segment(2, 10..15);
    house.signed(ORIGIN, 15, "b");
    until("those over the segment's end", || has(15));
    let ended = Command::new("kill").arg(process.id().to_string()).status().unwrap();
    assert!(ended.success() && process.wait().unwrap().success(), "SIGTERM ends it in order");
}

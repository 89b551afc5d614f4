//! The verifier and real logs: while a gateway writes one, after it stopped, after it was killed, and after somebody was at the
//! files. Everything by the command line, as whoever investigates uses it.

use crate::harness::Command;
use crate::harness::Process;
use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::told_by;
use crate::harness::until;
use serde_json::Value;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;

/// The folder of the log, and the key as somebody has it who took it in good time.
fn log_of(stage: &Stage) -> (String, String) {
    let path = |name: &str| stage.path(name).to_str().unwrap().to_owned();
    fs::copy(stage.path("state/audit/log.vkey"), stage.path("kept.vkey")).unwrap();
    (path("state/audit"), path("kept.vkey"))
}

fn given(stage: &Stage, gateway: SocketAddr) -> String {
    let answer = stage.wait(Command::new(stage).give(&stage.backend(gateway))).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.header("receipt-id").unwrap().to_owned()
}

fn audit(arguments: &[&str]) -> (i32, String, String) {
    told_by(&[&["audit"], arguments].concat())
}

/// What `verify` says to a machine, and how it ended.
fn verified(log: &str, key: &str, more: &[&str]) -> (i32, Value) {
    let (code, out, err) = audit(&[&["verify", log, "--key", key, "--format", "json"], more].concat());
    assert_eq!(err, "", "{out}");
    (code, serde_json::from_str(&out).unwrap())
}

fn codes(told: &Value) -> Vec<&str> {
    told["findings"].as_array().unwrap().iter().map(|finding| finding["code"].as_str().unwrap()).collect()
}

fn proofs_in(folder: &PathBuf) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path().to_str().unwrap().to_owned());
    let mut names: Vec<String> = names.filter(|name| name.ends_with(".tlog-proof")).collect();
    names.sort();
    names
}

#[test]
fn a_log_in_use_verifies_and_its_proofs_hold_without_it() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    let address = gateway.address;
    let (log, key) = log_of(&stage);
    let receipt = given(&stage, address);
    let path = |name: &str| stage.path(name).to_str().unwrap().to_owned();
    fs::copy(stage.path("state/audit/checkpoint"), stage.path("early")).unwrap();
    // While commands are recorded.
    std::thread::scope(|scope| {
        let load = scope.spawn(|| (0..20).for_each(|_| drop(given(&stage, address))));
        loop {
            let (code, told) = verified(&log, &key, &[]);
            assert_eq!((code, codes(&told)), (0, vec![]), "{told}");
            if load.is_finished() {
                break;
            }
        }
    });
    fs::create_dir(stage.path("proofs")).unwrap();
    let prove = || audit(&["prove", &receipt, &log, "--out", &path("proofs")]);
    until("both records are signed", || prove().0 == 0 && proofs_in(&stage.path("proofs")).len() == 2);
    drop(gateway);
    let (code, told) = verified(&log, &key, &[]);
    assert_eq!((code, codes(&told), told["unattested"].as_u64()), (0, vec![], Some(0)), "a stop signs all: {told}");
    assert!(told["checkpoints"].as_u64() > Some(0) && told["size"].as_u64() >= Some(42), "{told}");
    let (code, out, _) = audit(&["verify", "--config", &path("gateway.yaml")]);
    assert!(code == 0 && out.ends_with("\nverified: the records are what was signed\n"), "{out}");

    // Elsewhere: the proofs and the key, and nothing else.
    for (proof, kind) in proofs_in(&stage.path("proofs")).iter().zip(["intent", "outcome"]) {
        let (code, out, _) = audit(&["check-proof", proof, "--key", &key]);
        assert!(code == 0 && out.starts_with("PROVED: this is record "), "{out}");
        assert!(out.contains(&receipt) && out.contains(&format!("kind           {kind}\n")), "{out}");
        let (code, out, _) = audit(&["check-proof", proof, "--key", &key, "--format", "json"]);
        let told: Value = serde_json::from_str(&out).unwrap();
        assert_eq!((code, told["record"]["receipt"].as_str()), (0, Some(receipt.as_str())), "{out}");
        let text = fs::read_to_string(proof).unwrap();
        fs::write(proof, text.replacen("extra ey", "extra fy", 1)).unwrap();
        let (code, out, _) = audit(&["check-proof", proof, "--key", &key]);
        assert!(code == 1 && out.starts_with("NOT PROVED: "), "{out}");
    }
    let proof = path("consistency");
    let ask = |first: &str, second: &str| audit(&["consistency", first, second, &log, "--key", &key, "--out", &proof]);
    let (code, out, _) = ask(&path("early"), &path("state/audit/checkpoint"));
    assert!(code == 0 && out.starts_with("PROVED: "), "{out}");
    let (code, out, _) = audit(&["check-proof", &proof, "--key", &key]);
    assert!(code == 0 && out.contains(" goes on from itself with "), "{out}");
    assert_eq!(ask(&path("state/audit/checkpoint"), &path("early")).0, 1, "the wrong way round");
}

#[test]
fn a_log_verifies_after_a_kill_and_after_the_start_that_mends_it() {
    let stage = Stage::new();
    let mut key = None;
    for _ in 0..3 {
        let process = Process::on(&stage);
        let (log, kept) = log_of(&stage);
        for _ in 0..3 {
            Command::new(&stage).told(&stage, process.address).is(200, "");
        }
        process.kill();
        let (code, told) = verified(&log, &kept, &[]);
        assert_eq!((code, codes(&told)), (0, vec![]), "{told}");
        key = Some((log, kept));
    }
    let (log, kept) = key.unwrap();
    drop(Served::on(&stage));
    let (code, told) = verified(&log, &kept, &[]);
    assert_eq!((code, codes(&told), told["unattested"].as_u64()), (0, vec![], Some(0)), "{told}");
    assert!(told["segments"].as_u64() >= Some(4), "{told}");
}

#[test]
fn what_outsiders_saw_and_what_somebody_changed_is_told_by_code_file_and_byte() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    let address = gateway.address;
    let (log, key) = log_of(&stage);
    given(&stage, address);
    drop(gateway);
    let note = fs::read_to_string(stage.path("state/audit/checkpoint")).unwrap();
    let lines: Vec<&str> = note.lines().collect();
    let (seen, at) = (stage.path("seen"), stage.path("seen").to_str().unwrap().to_owned());
    let claim = |root: &str| format!("{{\"origin\":\"{}\",\"size\":{},\"root\":\"{root}\"}}\n", lines[0], lines[1]);
    fs::write(&seen, format!("{}{note}", claim(lines[2]))).unwrap();
    let (code, told) = verified(&log, &key, &["--seen", &at]);
    assert_eq!((code, told["seen"].as_u64()), (0, Some(2)), "{told}");
    fs::write(&seen, claim("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")).unwrap();
    let (code, told) = verified(&log, &key, &["--seen", &at]);
    assert_eq!((code, codes(&told)), (1, vec!["seen-other"]), "{told}");

    // A letter of the first record behind the header.
    let segment = stage.path("state/audit/segment-0000000001.jsonl");
    let mut bytes = fs::read(&segment).unwrap();
    let line = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let place = line + 10;
    bytes[place] ^= 1;
    fs::write(&segment, bytes).unwrap();
    let (code, told) = verified(&log, &key, &[]);
    assert_eq!((code, codes(&told)), (1, vec!["no-record"]), "{told}");
    let finding = &told["findings"][0];
    assert!(finding["file"].as_str().unwrap().ends_with("state/audit/segment-0000000001.jsonl"), "{finding}");
    let offset = usize::try_from(finding["offset"].as_u64().unwrap()).unwrap();
    assert!((line..=place + 20).contains(&offset), "{finding}");
    let (code, out, _) = audit(&["verify", &log, "--key", &key]);
    assert!(
        code == 1 && out.contains("\nerror[no-record]: ") && out.ends_with("NOT verified: 1 thing is wrong\n"),
        "{out}"
    );
}

#[test]
fn what_cannot_be_verified_says_why_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let key = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    fs::write(path("key"), format!("{key}\n")).unwrap();
    fs::write(path("long"), "a".repeat(5000)).unwrap();
    let receipt = "r-aebagbafaydqqcikbmga2dqpca";
    for (arguments, code) in [
        (vec!["verify", &path("nowhere"), "--key", key], "unusable"),
        (vec!["verify", &path(""), "--key", &path("nothing")], "no-log-key"),
        (vec!["verify", &path(""), "--key", &key.replace("c74f20a3", "c74f20a4")], "no-log-key"),
        (vec!["verify", &path(""), "--key", &path("long")], "no-log-key"),
        (vec!["verify", &path(""), "--key", key, "--seen", &path("key")], "unusable"),
        (vec!["prove", receipt, &path("")], "no-proof-made"),
        (vec!["check-proof", &path("nothing"), "--key", &path("key")], "unusable"),
        (vec!["consistency", &path("nothing"), &path("key"), &path(""), "--key", key], "unusable"),
    ] {
        let (ended, out, err) = audit(&arguments);
        assert_eq!((ended, out.as_str()), (2, ""), "{arguments:?}: {err}");
        assert!(err.starts_with(&format!("error[{code}]: ")) && err.contains("help: "), "{arguments:?}: {err}");
    }
    // An empty folder was looked at, and is no log.
    let (code, told) = verified(&path(""), &path("key"), &[]);
    assert_eq!((code, codes(&told)), (1, vec!["no-log"]));
    let (code, out, _) = audit(&["check-proof", &path("long"), "--key", key]);
    assert!(code == 1 && out.starts_with("NOT PROVED: it is no proof"), "{out}");
}

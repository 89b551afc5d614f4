//! A change, held against the bundle in force at a running gateway: told in full, for a merge request and for whoever signs;
//! and where no bundle is told, why.

use crate::harness::Process;
use crate::harness::Stage;
use std::fs;
use std::process::Command;
use std::process::Output;

const DOORS: &str = "policies/cedar/doors.cedar";
/// A condition of a forbid that comes to match less: more commands are let through.
const YOUNGER: &str = "context.ageSeconds > 10";
const OLDER: &str = "context.ageSeconds > 10 && context.ageSeconds > 20";

fn run(stage: &Stage, arguments: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_portcullis");
    Command::new(program).args(arguments).current_dir(stage.path(".")).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// `portcullis diff` against what is in force, as JSON.
fn diff(stage: &Stage, new: &str) -> (Option<i32>, serde_json::Value) {
    let told = run(stage, &["diff", "--since-live", "--admin", "state/admin.sock", "--format", "json", new]);
    let json = serde_json::from_slice(&told.stdout).unwrap_or_else(|_| panic!("{}", text(&told.stderr)));
    (told.status.code(), json)
}

#[test]
fn a_change_is_held_against_the_bundle_in_force_whatever_lies_in_its_folder() {
    let stage = Stage::new();
    let gateway = Process::on(&stage);
    let copied = Command::new("cp").args(["-r", "policies", "same"]).current_dir(stage.path(".")).status();
    assert!(copied.unwrap().success());
    let (code, json) = diff(&stage, "same");
    assert_eq!((code, &json["verdict"], &json["old"]), (Some(0), &"nothing-widens".into(), &json["new"]));
    assert_eq!(json["differences"], serde_json::json!([]));
    assert_eq!(json["summary"][0], "It is the same bundle.");

    // The folder that the gateway was started with has changed since: it is not what is in force.
    stage.edit(DOORS, YOUNGER, OLDER);
    let (code, json) = diff(&stage, "policies");
    assert_eq!((code, &json["verdict"]), (Some(1), &"widens".into()));
    let differences = json["differences"].as_array().unwrap();
    assert_eq!(differences[0]["kind"], "policy", "{differences:?}");
    // Just as between two folders.
    let folders = run(&stage, &["diff", "--format", "json", "same", "policies"]);
    let folders: serde_json::Value = serde_json::from_slice(&folders.stdout).unwrap();
    assert_eq!(json, folders);
    assert_eq!(diff(&stage, "same").0, Some(0), "what is in force is still the first");

    // Whoever signs it is told the same in words, before the line that signs.
    let who = ["--role", "infosec", "--person", "anna", "--environment", "development"];
    let approve = |since: &[&str]| {
        let told = run(&stage, &[&["approve"], &who[..], since].concat());
        assert!(told.status.success(), "{}", text(&told.stderr));
        text(&told.stdout).to_owned()
    };
    let live = approve(&["--since-live", "--admin", "state/admin.sock"]);
    let (said, line) = live.split_once("\n  ssh-keygen -Y sign ").unwrap();
    assert!(line.contains("0001-infosec-anna.json"), "{line}");
    assert!(said.contains(&format!("Against the bundle {}:\n", json["old"].as_str().unwrap())), "{said}");
    for sentence in json["summary"].as_array().unwrap() {
        assert!(said.contains(&format!("\n  {}\n", sentence.as_str().unwrap())), "{sentence}: {said}");
    }
    let place = differences[0]["place"].as_array().unwrap().last().unwrap().as_str().unwrap();
    assert!(said.lines().any(|line| line.starts_with("  widens") && line.contains(place)), "{place}: {said}");
    let after_digest = |told: &str| told.split_once("Against").unwrap().1.to_owned();
    assert_eq!(after_digest(&approve(&["--since", "same"])), after_digest(&live));
    assert!(!approve(&[]).contains("Against"), "unless it is asked for");
    let statement = fs::read_to_string(stage.path("policies/approvals/0001-infosec-anna.json")).unwrap();
    assert!(statement.contains(&format!("\"bundle\":{}", json["new"])), "{statement}");
    drop(gateway);
}

#[test]
fn where_no_bundle_is_told_the_reason_and_what_to_do_are_told_and_nothing_is_written() {
    let stage = Stage::new();
    let who = ["--role", "infosec", "--person", "anna", "--environment", "development"];
    let live = ["--since-live", "--admin", "state/admin.sock"];
    let refused = |code: &str, help: &str| {
        for line in [[&["diff"][..], &live, &["policies"]].concat(), [&["approve"][..], &who, &live].concat()] {
            let told = run(&stage, &line);
            let said = text(&told.stderr);
            assert_eq!((told.status.code(), text(&told.stdout)), (Some(2), ""), "{said}");
            assert!(said.starts_with(&format!("error[{code}]: ")), "{code}: {said}");
            assert!(said.contains("\n  help: ") && said.contains(help), "{said}");
        }
        assert!(!stage.path("policies/approvals").exists(), "{code}");
    };
    refused("not-reached", "is it running");
    // Somebody else is named, and not who asks.
    let other = rustix::process::geteuid().as_raw().wrapping_add(1);
    let roles = format!("socket: state/admin.sock, roles: [{{uid: {other}, person: ivanov, roles: [operator]}}]");
    stage.edit("gateway.yaml", "socket: state/admin.sock", &roles);
    let gateway = Process::on(&stage);
    refused("unanswered", "`listeners.admin.roles`");
    drop(gateway);
    // The command line asks for one older bundle, and for one alone.
    for line in [
        &["diff", "policies"][..],
        &["diff", "--since-live", "policies"],
        &["diff", "--admin", "state/admin.sock", "policies"],
        &["diff", "--admin", "state/admin.sock", "policies", "policies"],
        &["diff", "--since-live", "--admin", "state/admin.sock", "policies", "policies"],
        &[&["approve"][..], &who, &live, &["--since", "policies"]].concat(),
        &[&["approve"][..], &who, &["--admin", "state/admin.sock", "--since", "policies"]].concat(),
        &[&["approve"][..], &who, &["--admin", "state/admin.sock"]].concat(),
        &[&["approve"][..], &who, &["--since-live"]].concat(),
    ] {
        let told = run(&stage, line);
        assert_eq!(told.status.code(), Some(2), "{line:?}");
        assert!(text(&told.stderr).contains("Usage: portcullis "), "{line:?}: {}", text(&told.stderr));
    }
}

//! `portcullis explain` over the log of a gateway that runs, and over one that is damaged; and a case by its file.

use crate::harness::Command;
use crate::harness::Record;
use crate::harness::Served;
use crate::harness::Stage;
use portcullis::crypto::decode_base64url;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Output;

const PROGRAM: &str = env!("CARGO_BIN_EXE_portcullis");

/// Runs the program; its folder is that of the stage.
fn run(stage: &Stage, arguments: &[&str]) -> Output {
    let folder = stage.configuration().parent().unwrap().to_owned();
    std::process::Command::new(PROGRAM).args(arguments).current_dir(folder).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// What is told of a receipt, as text and as JSON, with the exit code.
fn explained(stage: &Stage, receipt: &str) -> (Option<i32>, String, Value) {
    let line = ["explain", "--receipt", receipt, "--audit", "state/audit"];
    let told = run(stage, &line);
    let json = run(stage, &[&line[..], &["--format", "json"]].concat());
    assert_eq!(told.status.code(), json.status.code(), "{}", text(&json.stderr));
    let json = serde_json::from_slice(&json.stdout).unwrap_or_else(|_| panic!("{}", text(&told.stderr)));
    (told.status.code(), text(&told.stdout), json)
}

fn audit(stage: &Stage) -> PathBuf {
    stage.configuration().parent().unwrap().join("state/audit")
}

/// Nothing that speaks of the resident stands in what is told.
#[track_caller]
fn names_nobody(told: &str, token: &str) {
    let payload = decode_base64url(token.split('.').nth(1).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&payload).unwrap();
    let persons = ["sub", "device_id", "sid", "jti", "car_id"].map(|name| claims[name].as_str());
    assert!(persons.iter().flatten().count() >= 3, "{claims}");
    for value in persons.into_iter().flatten() {
        assert!(!told.contains(value), "{value}: {told}");
    }
    assert!(!told.contains(token) && !told.contains("eyJ"), "{told}");
}

#[test]
fn receipts_of_a_gateway_that_runs_are_explained_from_its_log_and_name_nobody() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    let backend = stage.backend(gateway.address);
    let good = Command::new(&stage);
    let commands = [
        ("let through: done (step 10, the end)", good.again()),
        // Another door than the token names, and a body that does not fit.
        ("refused: policy-denied (step 5, policy)", Command::new(&stage).to("/v1/houses/house-1/doors/door-2/open")),
        ("refused: body-invalid (step 5, contract (body))", Command::new(&stage).saying(r#"{"userId":17}"#)),
        (
            "refused: resource-unknown (step 5, directory)",
            Command::new(&stage).to("/v1/houses/house-1/doors/door-9/open"),
        ),
    ];
    let token = good.token.clone().unwrap();
    let mut receipts = Vec::new();
    for (first, command) in commands {
        let answer = stage.wait(command.give(&backend)).unwrap();
        let receipt = answer.header("receipt-id").unwrap().to_owned();
        let (code, told, json) = explained(&stage, &receipt);
        assert_eq!(told.lines().next(), Some(first), "{told}");
        assert_eq!(code, Some(i32::from(first.starts_with("refused"))));
        assert!(told.lines().count() <= 45, "{told}");
        names_nobody(&told, &token);
        names_nobody(&json.to_string(), &token);
        // What is told is what stands on record.
        let records: Vec<Record> = stage.records().into_iter().filter(|one| one.text("receipt") == receipt).collect();
        assert!(told.contains(records[0].text("subject")) && !records[0].text("subject").is_empty(), "{told}");
        assert_eq!(json["reason"], records.last().unwrap().text("reason"));
        let determining: Vec<&Value> = json["policies"].as_array().into_iter().flatten().collect();
        let determining: Vec<&Value> =
            determining.iter().filter(|one| one["determines"] == true).map(|one| &one["id"]).collect();
        // What policies said about a thing of nobody's stands on record, and explains nothing.
        let counts = json["reason"] != "resource-unknown";
        let on_record = records[0].get("decision").get("policies").and_then(Value::as_array).filter(|_| counts);
        let on_record = on_record.cloned().unwrap_or_default();
        assert_eq!(determining, on_record.iter().collect::<Vec<_>>());
        receipts.push((receipt, told, json));
    }
    let [allowed, denied, unfit, nowhere] = receipts.as_slice() else { panic!("four receipts") };
    assert!(
        allowed.1.contains("permit open-granted-door") && allowed.1.contains("holds, and decides"),
        "{}",
        allowed.1
    );
    let nearest = "no  context.grantedDoors.contains(resource) || (resource in context.grantedHouses)";
    assert!(denied.1.contains(nearest), "{}", denied.1);
    assert!(denied.1.contains("(asked again: open-granted-door permits)"), "{}", denied.1);
    assert_eq!(denied.2["change"]["moves"][0], "grantedDoors also [Door house-1/door-2 of north] (token)");
    assert!(unfit.1.contains("does not hold which place of the request did not fit"), "{}", unfit.1);
    assert_eq!(unfit.2["policies"], Value::Null);
    assert!(nowhere.1.contains("Policies were not asked, or what they said does not count."), "{}", nowhere.1);

    // By another bundle it is said first, and what its policies would come to is told all the same.
    stage.edit("policies/cedar/doors.cedar", "context.ageSeconds > 10", "context.ageSeconds > 9");
    let (_, told, _) = explained(&stage, &denied.0);
    assert!(
        told.contains("another bundle than the one given here") && told.contains("Another bundle judged then"),
        "{told}"
    );
    // That the door is in no house of `grantedHouses` is then more than the record tells.
    assert!(
        told.contains("?   context.grantedDoors.contains(resource)") && !told.contains("smallest change"),
        "{told}"
    );
}

#[test]
fn a_receipt_that_is_not_there_and_a_log_that_is_damaged_are_told_apart() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    let backend = stage.backend(gateway.address);
    let mut receipts = Vec::new();
    for _ in 0..2 {
        let answer = stage.wait(Command::new(&stage).saying("{}").give(&backend)).unwrap();
        receipts.push(answer.header("receipt-id").unwrap().to_owned());
    }
    let unknown = "r-aebagbafaydqqcikbmga2dqpca";
    let line = |receipt: &str, log: &str| {
        let told = run(&stage, &["explain", "--receipt", receipt, "--audit", log]);
        (told.status.code(), text(&told.stdout) + &text(&told.stderr))
    };
    let (code, told) = line(unknown, "state/audit");
    assert_eq!(code, Some(2));
    assert!(told.contains("error[receipt-unknown]") && told.contains("no record of the log has"), "{told}");
    let (code, told) = line(unknown, "state/nothing");
    assert!(code == Some(2) && told.contains("error[audit-log]"), "{told}");
    let (code, told) = line("r-1", "state/audit");
    assert!(code == Some(2) && told.contains("26 letters and digits"), "{told}");

    // A copy of the log, damaged in the midst: behind the first refusal, in an older segment.
    drop(gateway);
    let copy = tempfile::tempdir().unwrap();
    let segment = fs::read_dir(audit(&stage)).unwrap().map(|entry| entry.unwrap().path());
    let segment = segment.filter(|path| path.extension().is_some_and(|kind| kind == "jsonl")).min().unwrap();
    let bytes = fs::read(segment).unwrap();
    let whole: Vec<u8> = bytes.into_iter().take_while(|byte| *byte != 0).collect();
    let at = |receipt: &str| whole.windows(receipt.len()).position(|window| window == receipt.as_bytes()).unwrap();
    let mut damaged = whole.clone();
    damaged[at(&receipts[1]) + 40] ^= 1;
    fs::write(copy.path().join("segment-0000000001.jsonl"), &damaged).unwrap();
    let last = whole.split_inclusive(|byte| *byte == b'\n').next_back().unwrap();
    fs::write(copy.path().join("segment-0000000002.jsonl"), last).unwrap();
    let log = copy.path().to_str().unwrap();
    let (code, told) = line(&receipts[0], log);
    assert!(code == Some(1) && told.contains("The log is damaged"), "{told}");
    let (code, told) = line(&receipts[1], log);
    assert!(code == Some(2) && told.contains("is damaged at byte") && told.contains("error[audit-log]"), "{told}");
    let (code, told) = line(unknown, log);
    assert!(code == Some(2) && told.contains("is damaged at byte"), "nobody says that it is not there: {told}");
}

#[test]
fn a_request_in_a_file_is_played_and_explained() {
    let stage = Stage::new();
    let folder = stage.configuration().parent().unwrap().to_owned();
    let golden =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden/explain.yaml")).unwrap();
    let (bases, cases) = golden.split_once("\ncases:\n").unwrap();
    let case = cases.lines().find(|line| line.contains("not another door")).unwrap();
    // Bases and names are those of the whole suite: the bundle's own tests stand beside it.
    let mut bases = bases.to_owned();
    for name in ["day", "person", "bodiless", "command", "open", "see", "reported"] {
        bases = bases.replace(&format!("  {name}:\n"), &format!("  my-{name}:\n"));
        bases = bases.replace(&format!("extends: {name}\n"), &format!("extends: my-{name}\n"));
    }
    let case = case.replace("extends: open", "extends: my-open").replace("not another door", "not this door");
    fs::write(folder.join("request.yaml"), format!("{bases}\ncases:\n{case}\n")).unwrap();
    let told = run(&stage, &["explain", "request.yaml"]);
    let out = text(&told.stdout);
    assert_eq!(told.status.code(), Some(1), "{}", text(&told.stderr));
    assert!(out.starts_with("refused: policy-denied (step 5, policy)\n"), "{out}");
    let who = run(&stage, &["who-can", "openDoor", "Door:house-1/door-1"]);
    assert_eq!(who.status.code(), Some(0), "{}", text(&who.stderr));
    assert!(text(&who.stdout).contains("openDoor of smarthome  service"), "{}", text(&who.stdout));
    let nobody = run(&stage, &["who-can", "--role", "visitor", "--format", "json"]);
    assert_eq!(nobody.status.code(), Some(1));
    let nobody: Value = serde_json::from_slice(&nobody.stdout).unwrap();
    assert_eq!(nobody["answers"], Value::Array(Vec::new()));
}

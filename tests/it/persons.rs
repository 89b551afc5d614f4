//! Persons in the record: going to the handle is an act of a role and on record before anything is told; erasing takes two,
//! and afterwards nothing that the gateway keeps leads from the identifier to the handle, while the log stays as it is.

use crate::examples::shell;
use crate::harness::Command;
use crate::harness::Deeds;
use crate::harness::Record;
use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::fresh_key;
use crate::harness::page;
use crate::harness::shell_blocks;
use portcullis::audit;
use portcullis::audit::Handle;
use portcullis::clock::Clock;
use portcullis::clock::SystemClock;
use portcullis::config::Config;
use portcullis::model::Actor;
use portcullis::model::AdminDoor;
use portcullis::model::IdentifierKind;
use portcullis::model::PersonName;
use portcullis::model::Reason;
use portcullis::model::Role;
use portcullis::model::Stranger;
use portcullis::model::Ticket;
use portcullis::pipeline::Act;
use portcullis::pipeline::ActReply;
use portcullis::pipeline::Acted;
use portcullis::pipeline::PersonOrder;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::Ordering;

const IVANOV: &str = "resident-ivanov";

fn actor(person: &str, roles: &[Role]) -> Actor {
    Actor { person: PersonName::new(person).unwrap(), roles: roles.into(), door: AdminDoor::Socket }
}

fn issuer(stage: &Stage) -> String {
    stage.sessions.name().to_owned()
}

fn person(stage: &Stage, kind: IdentifierKind, value: &str) -> PersonOrder {
    PersonOrder::new(kind, Stranger::new(issuer(stage)), Stranger::new(value)).unwrap()
}

fn act(stage: &Stage, gateway: &Served, by: &Actor, act: Act) -> ActReply {
    let gate = gateway.gate();
    stage.wait(async { gate.act(act, by).await })
}

fn subject(stage: &Stage, gateway: &Served, by: &Actor, kind: IdentifierKind, value: &str) -> Result<Handle, Reason> {
    let ticket = Ticket::new("SEC-4711").unwrap();
    let reply = act(stage, gateway, by, Act::Subject(person(stage, kind, value), ticket));
    match reply.outcome {
        Ok(Acted::Identified(handle)) => Ok(handle),
        Ok(other) => panic!("{other:?}"),
        Err(refusal) => Err(refusal.reason),
    }
}

/// The handles in the last intent of the log: of the user, the device and the car.
fn last_handles(stage: &Stage) -> [String; 3] {
    let records = stage.records();
    let intent = records.iter().rfind(|record| record.text("kind") == "intent").unwrap();
    ["subject", "device", "car"].map(|name| intent.text(name).to_owned())
}

fn opens(stage: &Stage, gateway: &Served) {
    Command::new(stage).under(&fresh_key()).told(stage, gateway.address).is(200, "");
}

/// The records of acts about persons in a few words: what was done, by whom, in which role, and how it ended.
fn acts(stage: &Stage) -> Vec<String> {
    let told = |record: &Record| {
        let by = ["person", "role"].map(|name| record.get("by")[name].as_str().unwrap_or("nobody").to_owned());
        let kind = record.get("about")["kind"].as_str().unwrap_or_default().to_owned();
        let what = if record.text("kind") == "admin" { record.text("act") } else { record.text("kind") };
        let rest = ["ticket", "proposed_by", "reason"].map(|name| record.text(name).to_owned());
        let words = [what.to_owned(), kind].into_iter().chain(by).chain(rest);
        words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
    };
    let of_people = |record: &Record| matches!(record.text("kind"), "admin" | "re-identification");
    stage.records().iter().filter(|record| of_people(record)).map(told).collect()
}

/// Runs `portcullis audit …` with this on its standard input: exit code, standard output, standard error.
fn audit_command(stage: &Stage, arguments: &[&str], input: &str) -> (i32, String, String) {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_portcullis"));
    command.arg("audit").args(arguments).args(["--issuer", &issuer(stage), "--config"]).arg(stage.configuration());
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// Whether any file of the folder, and of those below, holds these bytes.
fn holds(folder: &Path, bytes: &[u8]) -> bool {
    fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        match fs::metadata(&path) {
            Ok(found) if found.is_dir() => holds(&path, bytes),
            Ok(found) if found.is_file() => fs::read(&path).unwrap().windows(bytes.len()).any(|part| part == bytes),
            _ => false,
        }
    })
}

/// The raw bytes of a handle, as the store would hold them.
fn raw(handle: &str) -> Vec<u8> {
    Handle::parse(handle).unwrap().as_bytes().to_vec()
}

#[test]
fn the_handle_that_is_told_is_the_one_in_the_records_and_that_it_was_told_is_on_record_before() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    opens(&stage, &gateway);
    let [user, device, _] = last_handles(&stage);
    let (code, out, err) = audit_command(&stage, &["subject", "--ticket", "SEC-4711", "-"], IVANOV);
    assert_eq!(code, 0, "{err}");
    let receipt = out.strip_prefix(&format!("handle {user}, receipt ")).unwrap_or_else(|| panic!("{out}")).trim_end();
    let records = stage.records();
    let record = records.iter().find(|record| record.text("receipt") == receipt).unwrap();
    assert_eq!((record.text("kind"), record.text("subject")), ("re-identification", user.as_str()));
    // Out of a file, of another kind, and for a machine.
    let file = stage.path("device.txt");
    fs::write(&file, "phone-of-ivanov\n").unwrap();
    let arguments = ["subject", "--kind", "device", "--ticket", "SEC-1", "--format", "json", file.to_str().unwrap()];
    let (code, out, err) = audit_command(&stage, &arguments, "");
    assert_eq!(code, 0, "{err}");
    let answer: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(answer["handle"], device);
    // Who is in no record has none, and is given none by being asked about.
    let (code, out, err) = audit_command(&stage, &["subject", "--ticket", "SEC-4711", "-"], "canary-nobody");
    assert!((code, out.as_str()) == (2, "") && err.starts_with("error[subject-unknown]: "), "{out}{err}");
    let investigator = actor("petrova", &[Role::Investigator]);
    let nobody = subject(&stage, &gateway, &investigator, IdentifierKind::User, "canary-nobody");
    assert_eq!(nobody, Err(Reason::SubjectUnknown));
    // The same text is not somebody else's.
    let other = subject(&stage, &gateway, &investigator, IdentifierKind::Car, IVANOV);
    assert_eq!(other, Err(Reason::SubjectUnknown));
    assert_eq!(
        acts(&stage),
        [
            "re-identification user owner investigator SEC-4711 done",
            "re-identification device owner investigator SEC-1 done",
            "re-identification user owner investigator SEC-4711 subject-unknown",
            "re-identification user petrova investigator SEC-4711 subject-unknown",
            "re-identification car petrova investigator SEC-4711 subject-unknown",
        ]
    );
    drop(gateway);
    for canary in [IVANOV, "phone-of-ivanov", "canary-nobody"] {
        assert!(!holds(&stage.path("state/audit"), canary.as_bytes()), "{canary}");
    }
}

#[test]
fn without_the_role_no_handle_is_told_and_nobody_erased_and_both_attempts_are_on_record() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    opens(&stage, &gateway);
    let others: Vec<Role> = Role::ALL.into_iter().filter(|role| *role != Role::Investigator).collect();
    let refused = subject(&stage, &gateway, &actor("sidorov", &others), IdentifierKind::User, IVANOV);
    assert_eq!(refused, Err(Reason::RoleMissing));
    let others: Vec<Role> = Role::ALL.into_iter().filter(|role| *role != Role::Eraser).collect();
    for erasing in [Act::ProposeErase, Act::ConfirmErase] {
        let ivanov = person(&stage, IdentifierKind::User, IVANOV);
        let reply = act(&stage, &gateway, &actor("sidorov", &others), erasing(ivanov));
        assert_eq!(reply.outcome.unwrap_err().reason, Reason::RoleMissing);
    }
    let records = stage.records();
    let of_acts = records.iter().filter(|record| matches!(record.text("kind"), "admin" | "re-identification"));
    assert!(of_acts.into_iter().all(|record| record.get("subject").is_null()), "a handle stands with no refusal");
    assert_eq!(
        acts(&stage),
        [
            "re-identification user sidorov investigator SEC-4711 role-missing",
            "propose-erase user sidorov eraser role-missing",
            "erase user sidorov eraser role-missing",
        ]
    );
}

#[test]
fn a_handle_that_cannot_be_recorded_is_not_told_and_an_erasure_not_done() {
    let (stage, deeds) = (Stage::new(), Arc::new(Deeds::default()));
    let gateway = Served::on_disk(&stage, &deeds);
    opens(&stage, &gateway);
    let [user, ..] = last_handles(&stage);
    let ivanov = || person(&stage, IdentifierKind::User, IVANOV);
    let proposed = act(&stage, &gateway, &actor("petrova", &[Role::Eraser]), Act::ProposeErase(ivanov()));
    assert!(matches!(proposed.outcome, Ok(Acted::Proposed(_))), "{proposed:?}");
    deeds.fails_to_sync.store(true, Ordering::SeqCst);
    let confirmed = act(&stage, &gateway, &actor("sidorov", &[Role::Eraser]), Act::ConfirmErase(ivanov()));
    assert_eq!(confirmed.outcome.unwrap_err().reason, Reason::NotRecordable);
    let told = subject(&stage, &gateway, &actor("petrova", &[Role::Investigator]), IdentifierKind::User, IVANOV);
    assert_eq!(told, Err(Reason::NotRecordable));
    deeds.fails_to_sync.store(false, Ordering::SeqCst);
    drop(gateway);
    let gateway = Served::on(&stage);
    let told = subject(&stage, &gateway, &actor("petrova", &[Role::Investigator]), IdentifierKind::User, IVANOV);
    assert_eq!(told.unwrap().to_string(), user, "still there");
}

#[test]
fn two_persons_erase_a_third_whose_handle_then_stands_for_nobody_in_a_log_that_stays_as_it_is() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    opens(&stage, &gateway);
    let [user, device, _] = last_handles(&stage);
    assert!(holds(&stage.path("state"), &raw(&user)), "what is looked for below is there before");
    // One alone erases nobody, whoever it is.
    let (code, _, err) = audit_command(&stage, &["erase", "--subject", "-", "--confirm"], IVANOV);
    assert!(code == 2 && err.starts_with("error[erase-not-proposed]: "), "{err}");
    let (code, out, err) = audit_command(&stage, &["erase", "--subject", "-"], IVANOV);
    assert!(code == 0 && out.starts_with("not erased yet; another person may confirm until "), "{out}{err}");
    let (code, _, err) = audit_command(&stage, &["erase", "--subject", "-", "--confirm"], IVANOV);
    assert!(code == 2 && err.starts_with("error[erase-same-person]: "), "{err}");
    opens(&stage, &gateway);
    assert_eq!(last_handles(&stage)[0], user);
    let before = stage.records();
    let ivanov = || person(&stage, IdentifierKind::User, IVANOV);
    let confirmed = act(&stage, &gateway, &actor("sidorov", &[Role::Eraser]), Act::ConfirmErase(ivanov()));
    assert!(matches!(confirmed.outcome, Ok(Acted::Erased(handle)) if handle.to_string() == user), "{confirmed:?}");
    // While the gateway runs, so that the write-ahead log is looked at, too.
    assert!(stage.path("state").join("store.sqlite-wal").exists() && !holds(&stage.path("state"), &raw(&user)));
    assert!(holds(&stage.path("state"), &raw(&device)), "nothing of others went with it");
    let investigator = actor("petrova", &[Role::Investigator]);
    assert_eq!(subject(&stage, &gateway, &investigator, IdentifierKind::User, IVANOV), Err(Reason::SubjectUnknown));
    // Who comes again is somebody else in the records, now and after a restart.
    opens(&stage, &gateway);
    let [again, device_again, _] = last_handles(&stage);
    assert!(again != user && device_again == device);
    drop(gateway);
    let gateway = Served::on(&stage);
    opens(&stage, &gateway);
    assert_eq!(last_handles(&stage)[0], again);
    assert!(!holds(&stage.path("state"), &raw(&user)));
    let after = stage.records();
    let unchanged = before.iter().zip(&after).all(|(one, other)| one.0 == other.0);
    assert!(unchanged && after.len() > before.len(), "not a record of the log was touched");
    let config = Config::load(&stage.configuration()).unwrap_or_else(|faults| panic!("{faults}"));
    audit::examine(&config.audit.directory, &config.audit.signer, SystemClock::new().now()).unwrap();
    assert!(!holds(&stage.path("state/audit"), IVANOV.as_bytes()));
    let with_handle = |record: &&Record| record.text("kind") == "admin" && record.text("subject") == user;
    assert_eq!(after.iter().filter(with_handle).count(), 5, "the acts tell the handle");
    assert_eq!(
        acts(&stage),
        [
            "erase user owner eraser erase-not-proposed",
            "propose-erase user owner eraser done",
            "erase user owner eraser erase-same-person",
            "erase user sidorov eraser owner done",
            "erased user sidorov eraser owner done",
            "re-identification user petrova investigator SEC-4711 subject-unknown",
        ]
    );
}

#[test]
fn after_an_erasure_nobody_opens_an_answer_that_was_kept_for_the_person_and_a_repeated_command_moves_nothing() {
    for (kind, value) in [(IdentifierKind::User, IVANOV), (IdentifierKind::Device, "phone-of-ivanov")] {
        let stage = Stage::new();
        let gateway = Served::on(&stage);
        let command = Command::new(&stage).under(&fresh_key());
        command.told(&stage, gateway.address).is(200, "");
        command.again().told(&stage, gateway.address).is(200, "");
        let erased = || person(&stage, kind, value);
        let proposed = act(&stage, &gateway, &actor("petrova", &[Role::Eraser]), Act::ProposeErase(erased()));
        assert!(proposed.outcome.is_ok());
        let confirmed = act(&stage, &gateway, &actor("sidorov", &[Role::Eraser]), Act::ConfirmErase(erased()));
        assert!(confirmed.outcome.is_ok(), "{confirmed:?}");
        // The log is as it was, and all keys but the person's are there.
        let kept = stage.records().iter().filter(|record| !record.get("answer").is_null()).count();
        assert_eq!(kept, 1);
        command.again().told(&stage, gateway.address).is(504, "outcome-unknown");
        drop(gateway);
        let gateway = Served::on(&stage);
        command.again().told(&stage, gateway.address).is(504, "outcome-unknown");
        assert_eq!(stage.partner.total_actuations(), 1, "{kind:?}");
    }
}

#[test]
fn a_restart_forgets_what_was_proposed() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    opens(&stage, &gateway);
    let ivanov = || person(&stage, IdentifierKind::User, IVANOV);
    let proposed = act(&stage, &gateway, &actor("petrova", &[Role::Eraser]), Act::ProposeErase(ivanov()));
    assert!(proposed.outcome.is_ok());
    drop(gateway);
    let gateway = Served::on(&stage);
    let confirmed = act(&stage, &gateway, &actor("sidorov", &[Role::Eraser]), Act::ConfirmErase(ivanov()));
    assert_eq!(confirmed.outcome.unwrap_err().reason, Reason::EraseNotProposed);
}

#[test]
fn the_documents_own_commands_tell_a_handle_and_propose_an_erasure_that_one_person_cannot_confirm() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    opens(&stage, &gateway);
    fs::write(stage.path("who.txt"), format!("{IVANOV}\n")).unwrap();
    let programs = Path::new(env!("CARGO_BIN_EXE_portcullis")).parent().unwrap().display();
    let run = |begins: &str| {
        let blocks = shell_blocks(&page("docs/operations.md"));
        let block = blocks.into_iter().find(|block| block.starts_with(begins)).unwrap();
        let block = block.replace("https://id.example", &issuer(&stage));
        let output = shell(&stage.path(""), &format!("export PATH={programs}:$PATH\n{block}"));
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    };
    let (code, out, err) = run("portcullis audit subject");
    assert!(code == 0 && out.starts_with(&format!("handle {}, receipt r-", last_handles(&stage)[0])), "{out}{err}");
    let (code, out, err) = run("portcullis audit erase");
    assert!(code == 2 && out.starts_with("not erased yet; another person may confirm until "), "{out}");
    assert!(err.starts_with("error[erase-same-person]: "), "{err}");
}

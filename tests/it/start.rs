//! Refusals to start: each says what is wrong, in which file, at which line, and what to do; and nothing is served.

use crate::harness::Command;
use crate::harness::Process;
use crate::harness::Served;
use crate::harness::Stage;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

/// Starts the gateway, which must refuse; what it says on standard error.
fn refusal(stage: &Stage) -> String {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .args(["run", "--config"])
        .arg(stage.path("gateway.yaml"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    said
}

#[track_caller]
fn says(said: &str, words: &[&str]) {
    for word in words {
        assert!(said.contains(word), "`{word}` is not said:\n{said}");
    }
}

#[test]
fn a_misspelt_key_is_refused_with_its_line_and_the_nearest_name() {
    let stage = Stage::new();
    stage.edit("gateway.yaml", "directory: {file:", "directry: {file:");
    let said = refusal(&stage);
    says(&said, &["error[unknown-key]", "gateway.yaml:56:1", "56 | directry", "did you mean `directory`?", "missing"]);
}

#[test]
fn a_key_that_stands_twice_is_refused() {
    let stage = Stage::new();
    stage.edit("gateway.yaml", "workers: 2", "workers: 2\nworkers: 4");
    says(&refusal(&stage), &["gateway.yaml:5:", "workers"]);
}

#[test]
fn a_file_that_is_not_there_is_refused_at_the_key_that_names_it() {
    let stage = Stage::new();
    fs::remove_file(stage.path("pki/backend-authority.pem")).unwrap();
    says(&refusal(&stage), &["error[missing-file]", "gateway.yaml:8:", "backend-authority.pem", "help:"]);
}

#[test]
fn a_key_that_everybody_may_read_is_refused() {
    let stage = Stage::new();
    fs::set_permissions(stage.path("pki/store.key"), fs::Permissions::from_mode(0o644)).unwrap();
    says(&refusal(&stage), &["gateway.yaml:58:50", "store.key", "0644", "help:"]);
}

#[test]
fn what_everybody_may_write_is_refused_wherever_it_is_named_or_stands() {
    let stage = Stage::new();
    let everybody = fs::Permissions::from_mode(0o666);
    fs::set_permissions(stage.path("pki/login.jwks"), everybody.clone()).unwrap();
    says(&refusal(&stage), &["error[world-writable]", "gateway.yaml:16:", "login.jwks", "0666", "chmod o-w"]);
    let stage = Stage::new();
    fs::set_permissions(stage.path("policies/cedar/doors.cedar"), everybody).unwrap();
    says(&refusal(&stage), &["error[world-writable]", "doors.cedar", "chmod o-w"]);
}

#[test]
fn a_certificate_that_is_not_for_an_authority_is_refused_where_it_is_named() {
    let stage = Stage::new();
    stage.edit("gateway.yaml", "authority: smarthome.gateway", "authority: other.gateway");
    let line = ["error[certificate-names]", "gateway.yaml:8:", "`other.gateway.prop.example`"];
    let said = refusal(&stage);
    says(&said, &line);
    says(&said, &["add `DNS:other.gateway.prop.example` to its subject alternative names"]);
}

#[test]
fn a_key_that_serves_two_purposes_is_refused() {
    let stage = Stage::new();
    stage.edit("gateway.yaml", "key: pki/store.key", "key: pki/pseudonym.key");
    says(&refusal(&stage), &["gateway.yaml:", "pseudonym"]);
}

#[test]
fn a_contract_that_leaves_something_open_is_refused_at_its_line() {
    let stage = Stage::new();
    let contract = "policies/contracts/smarthome.openapi.yaml";
    stage.edit(contract, "additionalProperties: false", "additionalProperties: true");
    says(&refusal(&stage), &["smarthome.openapi.yaml:", "additionalProperties", "|"]);
}

#[test]
fn a_policy_that_cedar_does_not_accept_is_refused_at_its_line() {
    let stage = Stage::new();
    stage.edit("policies/cedar/doors.cedar", "context.ageSeconds > 10", "context.ageSecond > 10");
    says(&refusal(&stage), &["doors.cedar:", "ageSecond", "|"]);
}

#[test]
fn a_configuration_that_undercuts_the_bundles_requirements_is_refused() {
    let stage = Stage::new();
    stage.edit("policies/requirements.yaml", "127.0.0.1", "api.smarthome.example");
    says(&refusal(&stage), &["requirements.yaml", "127.0.0.1"]);
    let stage = Stage::new();
    stage.edit("gateway.yaml", "environment: development", "environment: production");
    says(&refusal(&stage), &["gateway.yaml", "`production` takes no unsigned bundle"]);
    stage.edit("gateway.yaml", "policies: {", "policies: {signers: signers.yaml, ");
    says(&refusal(&stage), &["requirements.yaml", "production"]);
}

#[test]
fn limits_that_leave_no_room_for_one_command_are_refused() {
    let stage = Stage::new();
    stage.limit("bytes_in_flight_max: 1MiB, body_max_bytes: 64KiB, answer_max_bytes: 1MiB");
    says(&refusal(&stage), &["error[no-room-for-one]", "gateway.yaml:59:", "1088KiB", "answer_max_bytes"]);
    let room = Stage::new();
    room.limit("bytes_in_flight_max: 1MiB, body_max_bytes: 64KiB, answer_max_bytes: 960KiB");
    let gateway = Served::on(&room);
    Command::new(&room).told(&room, gateway.address).is(200, "");
}

/// What the gateway says when it may have no more than so many descriptors; it must refuse to start.
fn refusal_within(stage: &Stage, descriptors: u64) -> String {
    let output = std::process::Command::new("sh")
        .arg("-c")
        .arg(format!("ulimit -n {descriptors}; exec \"$0\" run --config \"$1\""))
        .arg(env!("CARGO_BIN_EXE_portcullis"))
        .arg(stage.configuration())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    said
}

#[test]
fn connections_that_the_machine_has_no_descriptors_for_are_refused_and_those_that_just_fit_are_served() {
    let stage = Stage::new();
    stage.limit("connections_max: 100");
    let said = refusal_within(&stage, 200);
    says(&said, &["error[too-few-descriptors]", "gateway.yaml:59:", "connections_max", "LimitNOFILE=", "have 200"]);
    let needed = said.split("LimitNOFILE=").nth(1).and_then(|rest| rest.split('`').next()).unwrap();
    let needed: u64 = needed.parse().unwrap();
    says(&refusal_within(&stage, needed - 1), &["too-few-descriptors"]);
    // The soft limit is raised to the hard one.
    let gateway = Process::after(&format!("ulimit -Hn {needed}; ulimit -Sn 64"), &stage);
    Command::new(&stage).told(&stage, gateway.address).is(200, "");
}

#[test]
fn an_address_in_use_is_refused_at_the_line_that_asks_for_it() {
    let stage = Stage::new();
    let held = || std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (backend, ops) = (held(), held());
    let (first, second) = (backend.local_addr().unwrap().to_string(), ops.local_addr().unwrap().to_string());
    let asked = |address: &str| format!("backend:\n    address: \"{address}\"");
    stage.edit("gateway.yaml", &asked("127.0.0.1:0"), &asked(&first));
    stage.edit("gateway.yaml", "ops: {address: \"127.0.0.1:0\"}", &format!("ops: {{address: \"{second}\"}}"));
    let said = refusal(&stage);
    assert_eq!(said.matches("error[address-in-use]").count(), 2, "{said}");
    says(
        &said,
        &[&format!("`{first}` of `listeners.backend.address`"), "gateway.yaml:7:14", "7 |     address:", "help:"],
    );
    says(&said, &[&format!("`{second}` of `listeners.ops.address`"), "gateway.yaml:12:18", "12 |   ops: {address:"]);
}

#[test]
fn a_socket_of_the_operator_that_is_in_use_is_refused_at_its_line() {
    let stage = Stage::new();
    let _first = crate::harness::Process::on(&stage);
    says(&refusal(&stage), &["error[address-in-use]", "admin socket", "gateway.yaml:13:19", "13 |   admin:", "help:"]);
}

#[test]
fn a_second_gateway_on_the_same_log_or_store_is_refused_at_the_line_that_names_it() {
    let stage = Stage::new();
    let _first = crate::harness::Process::on(&stage);
    stage.edit("gateway.yaml", "state/admin.sock", "state/admin2.sock");
    says(&refusal(&stage), &["error[unusable]", "in use", "gateway.yaml:58:", "58 | store:", "help:"]);
    stage.edit("gateway.yaml", "state/store.sqlite", "state/store2.sqlite");
    says(&refusal(&stage), &["error[unusable]", "in use", "gateway.yaml:57:", "57 | audit:", "help:"]);
}

#[test]
fn a_store_under_another_key_and_a_damaged_log_are_refused_at_their_lines() {
    let stage = Stage::new();
    for _ in 0..2 {
        drop(crate::harness::Served::on(&stage));
    }
    let key = fs::read(stage.path("pki/store.key")).unwrap();
    fs::write(stage.path("pki/store.key"), [7; 32]).unwrap();
    says(&refusal(&stage), &["error[unusable]", "the store", "gateway.yaml:58:", "58 | store:", "help:"]);
    fs::write(stage.path("pki/store.key"), key).unwrap();
    let files = fs::read_dir(stage.path("state/audit")).unwrap().map(|entry| entry.unwrap().path());
    let segments = files.filter(|path| path.extension().is_some_and(|kind| kind == "jsonl"));
    // Not the newest: a torn end of that one is no damage.
    let segment = segments.min().unwrap();
    let mut bytes = fs::read(&segment).unwrap();
    bytes[..20].fill(b'#');
    fs::write(&segment, bytes).unwrap();
    says(&refusal(&stage), &["error[unusable]", "the audit log", "gateway.yaml:57:", "57 | audit:", "help:"]);
}

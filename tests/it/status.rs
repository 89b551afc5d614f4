//! `/-/status` and `portcullis status`: one look tells how a gateway stands, from what it knows already; and `/readyz` says in
//! words what is wrong and what to do.

use crate::harness::Command;
use crate::harness::Deeds;
use crate::harness::Process;
use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::ops_page;
use crate::harness::told_by;
use crate::harness::until;
use portcullis::devkit::Misbehaviour;
use portcullis::pipeline::CONDITIONS;
use serde_json::Value;
use std::io::Read;
use std::io::Write;
use std::net::SocketAddr;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::Ordering;

fn status(gateway: &Served) -> Value {
    let (status, body) = ops_page(gateway.ops, "/-/status");
    assert_eq!((status, body.lines().count()), (200, 1), "{body}");
    serde_json::from_str(&body).unwrap()
}

#[test]
fn the_status_tells_what_is_in_force_and_what_softens_a_default() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    let told = status(&gateway);
    let core = gateway.gate();
    let snapshot = core.core().snapshot.load_full();
    assert_eq!(told["bundle"], snapshot.bundle.digest().to_string());
    assert_eq!(told["directory"], snapshot.directory.version());
    assert_eq!(told["epoch"], core.core().guard.epoch().get());
    assert_eq!((&told["version"], &told["ready"]), (&env!("CARGO_PKG_VERSION").into(), &true.into()));
    assert_eq!((&told["audit"]["state"], &told["audit"]["records_lost"]), (&"open".into(), &0.into()));
    let keys: Vec<&str> =
        told["softeners"].as_array().unwrap().iter().map(|one| one["key"].as_str().unwrap()).collect();
    let rates = ["subject", "device", "object"].map(|of| format!("limits.{of}_rate_per_minute"));
    let unhurried = [&rates[..], &["limits.record_timeout_ms".to_owned()]].concat();
    assert_eq!(
        keys,
        [&["environment", "policies.signers"].map(str::to_owned)[..], &unhurried].concat(),
        "and `shutdown_lead_ms` is none"
    );
    let listeners = told["listeners"].as_array().unwrap();
    let bound = |at: usize| (listeners[at]["name"].as_str().unwrap(), listeners[at]["address"].as_str().unwrap());
    assert_eq!(
        [bound(0), bound(1), bound(2)],
        [
            ("backend", gateway.address.to_string().as_str()),
            ("partner", gateway.partners.unwrap().to_string().as_str()),
            ("ops", gateway.ops.to_string().as_str())
        ]
    );
    assert_eq!(told["queues"][0]["name"], "exchanges");
    // Every member that the documentation names is there, and no other.
    let documented = include_str!("../../docs/operations.md");
    let (_, table) = documented.split_once("| member of `/-/status` |").unwrap();
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let named: Vec<&str> = rows.map(|row| row.split('`').nth(1).unwrap()).collect();
    assert_eq!(named, told.as_object().unwrap().keys().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn readiness_metrics_and_the_log_of_the_start_name_every_softener_and_take_requests_all_the_same() {
    let stage = Stage::new();
    let mut process = Process::on(&stage);
    let rates = ["subject", "device", "object"].map(|of| format!("limits.{of}_rate_per_minute"));
    let unhurried = [&rates[..], &["limits.record_timeout_ms".to_owned()]].concat();
    let keys = [&["environment", "policies.signers"].map(str::to_owned)[..], &unhurried].concat();
    let (code, body) = ops_page(process.ops, "/readyz");
    let ready: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((code, &ready["ready"], &ready["softeners"]), (200, &true.into(), &keys.clone().into()));
    let lines: String = keys.iter().map(|key| format!("softener {key}\n")).collect();
    assert_eq!(in_words(process.ops), format!("ready\n{lines}"));
    let page = ops_page(process.ops, "/metrics").1;
    let series: Vec<&str> = page.lines().filter(|line| line.starts_with("portcullis_softener{")).collect();
    let mut wanted: Vec<_> = keys.iter().map(|key| format!("portcullis_softener{{key=\"{key}\"}} 1")).collect();
    wanted.sort_unstable();
    assert_eq!(series, wanted);
    process.terminate();
    process.until("going down");
    let log = process.ended().1;
    let told: Vec<&String> = log.iter().filter(|line| line.contains("softer than the defaults")).collect();
    let [line] = told.as_slice() else { panic!("{log:?}") };
    let line: Value = serde_json::from_str(line).unwrap();
    assert_eq!((&line["softeners"], &line["level"]), (&keys.join(", ").into(), &"WARN".into()));
}

#[test]
fn a_partners_health_is_what_the_gateway_itself_saw() {
    let stage = Stage::new();
    stage.edit("gateway.yaml", "workers: 2", "workers: 1");
    let gateway = Served::on(&stage);
    let partner = || status(&gateway)["partners"][0].clone();
    let before = partner();
    assert_eq!((&before["name"], &before["last_good"]), (&"smarthome".into(), &Value::Null));
    assert_eq!((&before["last_failure"], stage.partner.progress().connections), (&Value::Null, 0), "nobody was asked");
    Command::new(&stage).told(&stage, gateway.address).is(200, "");
    let good = partner();
    assert!(good["last_good"].is_string());
    assert_eq!((&good["connections"]["idle"], &good["connections"]["in_use"]), (&1.into(), &0.into()));

    stage.partner.behave(Misbehaviour::HangBeforeAnswer);
    let call = Command::new(&stage).begin(&stage, gateway.address);
    stage.partner_until(|partner| partner.hanging == 1);
    assert_eq!(partner()["connections"]["in_use"], 1);
    assert_eq!(status(&gateway)["queues"][0]["waiting"], 1, "one exchange");
    stage.wait(stage.partner.stop());
    call.told().is(504, "outcome-unknown");
    Command::new(&stage).told(&stage, gateway.address).is(502, "partner-unreachable");
    Command::new(&stage).told(&stage, gateway.address).is(502, "partner-unreachable");
    let failed = partner();
    assert_eq!((&failed["last_good"], &failed["connections"]["in_use"]), (&good["last_good"], &0.into()));
    let failures = failed["failures"].as_array().unwrap();
    let told: Vec<_> = failures.iter().map(|one| (one["reason"].as_str().unwrap(), one["count"].as_u64())).collect();
    assert_eq!((told.len(), told[1]), (2, ("refused", Some(2))), "{told:?}");
    assert_eq!(failed["last_failure"]["reason"], "refused");
}

#[test]
fn the_command_tells_people_and_machines_and_ends_with_1_where_something_is_wrong() {
    let stage = Stage::new();
    let deeds = Arc::new(Deeds::default());
    let gateway = Served::on_disk(&stage, &deeds);
    let ops = gateway.ops.to_string();
    let (code, out, err) = told_by(&["status", "--ops", &ops]);
    assert_eq!((code, err.as_str()), (0, ""));
    for told in
        ["ready        yes", "\n  smarthome at https://", "\n  environment: ", "certificate of listeners.backend"]
    {
        assert!(out.contains(told), "{told}: {out}");
    }
    let (code, out, _) = told_by(&["status", "--ops", &ops, "--format", "json"]);
    let json: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &json["ready"]), (0, &true.into()));
    deeds.fails_to_append.store(true, Ordering::Relaxed);
    Command::new(&stage).told(&stage, gateway.address).is(503, "unavailable");
    until("the log's failure", || !gateway.not_ready().is_empty());
    let (code, out, _) = told_by(&["status", "--ops", &ops]);
    assert_eq!(code, 1);
    assert!(out.contains("ready        no\n  audit-failed: ") && out.contains("    help: mend the disk"), "{out}");
    let words = in_words(gateway.ops);
    assert!(words.starts_with("not ready\nreason audit-failed\n  writing the audit log has failed"), "{words}");
    drop(gateway);
    let (code, out, err) = told_by(&["status", "--ops", &ops]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.starts_with("error[not-reached]: ") && err.contains("help: "), "{err}");
}

/// `/readyz` as whoever accepts text is told.
fn in_words(ops: SocketAddr) -> String {
    let mut socket = TcpStream::connect(ops).unwrap();
    socket.write_all(b"GET /readyz HTTP/1.0\r\nAccept: text/plain\r\n\r\n").unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("\r\nContent-Type: text/plain"), "{head}");
    body.to_owned()
}

#[test]
fn every_reason_and_notice_is_in_the_documentation() {
    let documented = include_str!("../../docs/operations.md");
    let (_, health) = documented.split_once("\n## Health\n").unwrap();
    let section = health.split("\n## ").next().unwrap();
    for condition in CONDITIONS {
        assert!(section.contains(&format!("`{}`", condition.code)), "{}", condition.code);
    }
}

//! What the record of a real exchange holds: enough to decide again, what was wrong with an answer, how long each step took;
//! of an answer only what the contract declares. And that nobody fills the log, or holds a worker up by it.

use crate::harness::Command;
use crate::harness::Deeds;
use crate::harness::Record;
use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::until;
use portcullis::devkit::Backend;
use portcullis::devkit::Misbehaviour;
use portcullis::model::AnswerPlace;
use portcullis::model::IdentifierKind;
use portcullis::model::Receipt;
use portcullis::model::Stranger;
use portcullis::telemetry::Step;
use rusqlite::Connection;
use serde_json::Value;
use serde_json::json;
use std::collections::BTreeSet;
use std::collections::HashSet;
use std::fs;
use std::sync::Arc;

/// Gives a good command, and tells its status and its records.
#[track_caller]
fn given(stage: &Stage, backend: &Backend, command: &Command) -> (u16, Vec<Record>) {
    let answer = stage.wait(command.give(backend)).unwrap();
    let receipt = answer.header("receipt-id").unwrap().to_owned();
    let records = stage.records().into_iter().filter(|record| record.text("receipt") == receipt).collect();
    (answer.status, records)
}

#[test]
fn the_record_says_where_an_answer_left_the_contract_and_nothing_of_what_stood_there() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    let backend = stage.backend(gateway.address);
    for (misbehaviour, detail, at) in [
        (Misbehaviour::FullProfile, "body-invalid", json!({"in": "body", "pointer": "", "expected": "declared"})),
        (Misbehaviour::WrongMediaType, "media-type-not-declared", Value::Null),
        (Misbehaviour::UndeclaredStatus, "status-not-declared", Value::Null),
    ] {
        stage.partner.behave(misbehaviour);
        let (status, records) = given(&stage, &backend, &Command::new(&stage));
        assert_eq!((status, records.len()), (502, 2), "{misbehaviour:?}");
        let outcome = &records[1];
        assert_eq!((outcome.text("detail"), outcome.get("at")), (detail, &at), "{misbehaviour:?}");
        let text = outcome.0.to_string();
        for name in ["Ivan", "phone", "email", "plate", "birthday", "address", "html"] {
            assert!(!text.contains(name), "{misbehaviour:?}: the record shows `{name}`");
        }
    }
}

#[test]
fn the_records_of_an_exchange_tell_every_step_and_suffice_to_decide_again() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    let (status, records) = given(&stage, &stage.backend(gateway.address), &Command::new(&stage));
    assert_eq!((status, records.len()), (200, 2));
    let steps = records.iter().flat_map(|record| record.get("micros").as_object().unwrap().keys().cloned());
    let told: Vec<String> = steps.collect();
    // The outcome's own durability, and with it the whole, are known only when it is on record; the token is minted here.
    let later = [Step::Outcome, Step::Total, Step::Token];
    let wanted: BTreeSet<_> =
        Step::ALL.iter().filter(|step| !later.contains(step)).map(|step| step.word().into()).collect();
    assert_eq!((told.iter().cloned().collect::<BTreeSet<String>>(), told.len()), (wanted.clone(), wanted.len()));

    let inputs = records[0].get("decision")["inputs"].as_object().unwrap();
    let names: Vec<&str> = inputs.keys().map(String::as_str).collect();
    let mut wanted = vec![
        "ageSeconds",
        "grantedDoors",
        "grantedHouses",
        "localMinuteOfDay",
        "localWeekday",
        "principal.in",
        "resource.in",
        "tenant",
        "tokenKind",
    ];
    wanted.sort_unstable();
    let sorted: BTreeSet<&str> = names.iter().copied().collect();
    assert_eq!(sorted.into_iter().collect::<Vec<_>>(), wanted);
    assert_eq!(inputs["principal.in"], json!([{"Role": "resident"}]));
    assert_eq!(inputs["resource.in"][0], json!({"House": "9:smarthome,5:north,7:house-1,"}));
    // What they read besides is what the record itself says: partner, peer, purpose, and the tenant of the thing.
    let said = ["partner", "peer", "purpose"].map(|name| records[0].text(name));
    assert_eq!(said, ["smarthome", "spiffe://prop.example/backend", "access"]);
    assert_eq!(records[0].get("resource")["tenant"], "north");
    assert!(records[0].text("subject").starts_with("h-"));
}

#[test]
fn a_thing_that_the_directory_does_not_know_is_recorded_with_the_directorys_version() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    let command = Command::new(&stage).to("/v1/houses/house-9/doors/door-1/open");
    let (status, records) = given(&stage, &stage.backend(gateway.address), &command);
    let bundle = stage.records().into_iter().find(|record| record.text("kind") == "bundle").unwrap();
    assert_eq!((status, records[0].text("reason")), (404, "resource-unknown"));
    assert!(bundle.get("directory").is_u64());
    assert_eq!(records[0].get("directory"), bundle.get("directory"));
    assert!(!records[0].0.to_string().contains("house-9"), "what the directory does not know is a stranger's word");
    // Policies were asked all the same, about a thing of nobody's.
    let decision = records[0].get("decision");
    assert_eq!((&decision["result"], &decision["inputs"]), (&json!("deny"), &json!({})), "{decision}");
}

#[test]
fn a_thing_of_a_house_that_is_not_linked_to_the_partner_is_as_one_that_is_not_there_but_on_the_record() {
    let stage = Stage::new();
    stage.edit(
        "directory.yaml",
        "Europe/Moscow, partners: [smarthome, parkline]",
        "Europe/Moscow, partners: [parkline]",
    );
    let gateway = Served::on(&stage);
    let backend = stage.backend(gateway.address);
    let ask = |target: &str| {
        let answer = stage.wait(Command::new(&stage).to(target).give(&backend)).unwrap();
        let receipt = answer.header("receipt-id").unwrap().to_owned();
        (answer.status, answer.text().replace(&receipt, "RECEIPT"), receipt)
    };
    let (unlinked, missing) =
        (ask("/v1/houses/house-1/doors/door-1/open"), ask("/v1/houses/house-9/doors/door-1/open"));
    assert_eq!((unlinked.0, unlinked.1), (404, missing.1), "word for word");
    let records = stage.records();
    let of = |receipt: &str| records.iter().find(|record| record.text("receipt") == receipt).unwrap();
    assert_eq!(of(&missing.2).text("reason"), "resource-unknown");
    let record = of(&unlinked.2);
    assert_eq!(record.text("reason"), "partner-not-linked");
    assert_eq!(record.get("resource")["id"], json!(["house-1", "door-1"]));
    let decision = record.get("decision");
    assert_eq!(decision["result"], "allow", "policy permitted it, and the directory does not: {decision}");
    assert!(!decision["policies"].as_array().unwrap().is_empty() && decision["inputs"]["principal.in"].is_array());
    drop(gateway);
    stage.assert_nothing_was_sent();
}

/// Where the outcome of a receipt lies in the log.
fn place_of_outcome(stage: &Stage, receipt: &str) -> AnswerPlace {
    let bytes = fs::read(stage.path("state/audit/segment-0000000001.jsonl")).unwrap();
    let mut offset = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let text = String::from_utf8_lossy(line);
        if text.contains("\"kind\":\"outcome\"") && text.contains(receipt) {
            return AnswerPlace { segment: 1, offset, length: u32::try_from(line.len()).unwrap() };
        }
        offset += line.len() as u64;
    }
    panic!("no outcome of {receipt}");
}

#[test]
fn the_kept_answer_is_what_the_contract_declares_and_no_cookie_of_the_partners() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    let backend = stage.backend(gateway.address);
    stage.partner.behave(Misbehaviour::SetCookie);
    let command = Command::new(&stage);
    let answer = stage.wait(command.give(&backend)).unwrap();
    assert_eq!(answer.status, 200);
    let receipt = answer.header("receipt-id").unwrap();
    let (gate, place) = (gateway.gate(), place_of_outcome(&stage, receipt));
    let kept = stage.wait(async {
        let (user, device) = (Stranger::new("resident-ivanov"), Stranger::new("phone-of-ivanov"));
        let persons = [Some((IdentifierKind::User, &user)), Some((IdentifierKind::Device, &device)), None];
        let named = gate.core().handles.of(&stage.sessions.name().into(), persons).await.unwrap();
        gate.log().recorded_answer(place, Receipt::parse(receipt).unwrap(), named.answers.as_ref()).await
    });
    let kept = kept.unwrap().into_reply();
    let fields: Vec<(&str, &str)> =
        kept.fields.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
    assert_eq!(fields, [("content-type", "application/json")]);
    let body: Value = serde_json::from_slice(&kept.body).unwrap();
    assert!(body["userId"].as_str().unwrap().starts_with("p1."), "in the partner's pseudonyms: {body}");
    let again = stage.wait(command.again().give(&backend)).unwrap();
    assert_eq!((again.status, &again.body), (200, &answer.body), "and the repeated command gets the same");
    assert_eq!(stage.partner.total_actuations(), 1);
}

#[test]
fn a_disk_that_hangs_while_an_answer_is_read_back_holds_up_nobody_else() {
    let (stage, deeds) = (Stage::new(), Arc::new(Deeds::default()));
    stage.edit("gateway.yaml", "workers: 2", "workers: 1");
    stage.limit("record_timeout_ms: 2s");
    let gateway = Served::on_disk(&stage, &deeds);
    let command = Command::new(&stage);
    command.told(&stage, gateway.address).is(200, "");
    let hanging = deeds.hang_reading();
    let again = command.again().begin(&stage, gateway.address);
    hanging.until_it_hangs();
    // The one worker has somebody who waits for the disk, and serves others meanwhile.
    Command::new(&stage).told(&stage, gateway.address).is(200, "");
    again.told().is(504, "outcome-unknown");
    hanging.release();
    command.again().told(&stage, gateway.address).is(200, "");
    assert_eq!(stage.partner.total_actuations(), 2);
}

#[test]
fn a_revocation_that_the_store_does_not_take_is_told_as_what_it_is_and_recorded_once() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    // Who was here before is known by a handle without the store.
    Command::new(&stage).told(&stage, gateway.address).is(200, "");
    let other = Connection::open(stage.path("state/store.sqlite")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let backend = stage.backend(gateway.address);
    let order = br#"{"kind":"device","value":"phone-of-ivanov","tenant":"north"}"#;
    let fields = [("Content-Type", "application/json")];
    let answer = stage.wait(backend.call("POST", "/-/revocations", &fields, order)).unwrap();
    assert_eq!(answer.status, 503);
    let problem = answer.json().unwrap();
    assert_eq!(problem.get("type").unwrap().as_str(), Some("/problems/not-lasting"));
    assert!(!answer.text().contains("nothing was sent"), "{}", answer.text());
    let receipt = answer.header("receipt-id").unwrap();
    let records: Vec<Record> = stage.records().into_iter().filter(|record| record.text("receipt") == receipt).collect();
    let kinds: Vec<&str> = records.iter().map(|record| record.text("kind")).collect();
    assert_eq!((kinds.as_slice(), &records[0].get("revoked")["stored"]), (&["revocation"][..], &json!(false)));
    let decision = records[0].get("decision");
    assert_eq!((&decision["result"], &decision["policies"]), (&json!("allow"), &json!(["backend-revokes"])));
    assert!(gateway.metrics().contains("portcullis_refusals_total{reason=\"not-lasting\"} 1\n"));
    Command::new(&stage).told(&stage, gateway.address).is(403, "forbidden");
    assert!(gateway.not_ready().contains("store-failed"));
    other.execute_batch("COMMIT").unwrap();
    until("the store has it", || gateway.not_ready().is_empty());
}

/// Bad requests over one connection that is kept alive; gives the receipts of the answers.
async fn flood(backend: Backend, count: usize) -> Vec<String> {
    let mut connection = backend.connect().await.unwrap();
    let mut receipts = Vec::new();
    for _ in 0..count {
        let answer = connection.call("GET", "/v1/nothing", &[], b"").await.unwrap();
        assert_eq!(answer.status, 404);
        receipts.push(answer.header("receipt-id").unwrap().to_owned());
    }
    receipts
}

#[test]
fn a_flood_of_refusals_fills_no_log_and_every_one_is_counted_under_the_receipt_that_was_given() {
    const CONNECTIONS: usize = 4;
    const EACH: usize = 1_250;
    const IN_FULL: usize = 20;
    let stage = Stage::new();
    stage.limit("refusal_records_per_peer_per_minute: 20");
    let gateway = Served::on(&stage);
    let floods: Vec<_> = (0..CONNECTIONS).map(|_| stage.beside(flood(stage.backend(gateway.address), EACH))).collect();
    let good = stage.backend(gateway.address);
    for _ in 0..5 {
        assert_eq!(stage.wait(Command::new(&stage).give(&good)).unwrap().status, 200, "a good client is served");
    }
    let receipts: HashSet<String> = floods.into_iter().flat_map(|task| stage.wait(task).unwrap()).collect();
    drop(gateway);

    let records = stage.records();
    let of = |kind: &'static str| records.iter().filter(move |record| record.text("kind") == kind);
    let full = of("refusal").count();
    let counted: u64 = of("refusals").map(|record| record.get("count").as_u64().unwrap()).sum();
    assert_eq!(full as u64 + counted, (CONNECTIONS * EACH) as u64, "nothing is uncounted");
    assert!((IN_FULL..5 * IN_FULL).contains(&full), "{full}");
    assert!(of("refusals").count() < 100, "{}", of("refusals").count());
    let on_record: HashSet<String> =
        of("refusal").chain(of("refusals")).map(|record| record.text("receipt").to_owned()).collect();
    assert_eq!(receipts, on_record, "who asks by a receipt finds a record");
    for sum in of("refusals") {
        assert_eq!(sum.text("peer"), "spiffe://prop.example/backend");
        assert_eq!(sum.get("reasons"), &json!({"unknown-operation": sum.get("count")}));
        assert_eq!(sum.text("certificate").len(), 64);
        assert!(sum.text("from") <= sum.text("until") && sum.text("until") <= sum.text("time"));
    }
    assert_eq!(stage.partner.total_actuations(), 5);
}

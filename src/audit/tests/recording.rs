//! What is recorded, and that many share one sync.

use crate::audit::Administered;
use crate::audit::By;
use crate::audit::Decided;
use crate::audit::Facts;
use crate::audit::Note;
use crate::audit::Outcome;
use crate::audit::OutcomeState;
use crate::audit::Revoked;
use crate::audit::TakenUp;
use crate::audit::tests::harness::*;
use crate::clock::UnixMillis;
use crate::model::AdminDoor;
use crate::model::Epoch;
use crate::model::IdentifierKind;
use crate::model::InputValue;
use crate::model::Name;
use crate::model::PersonName;
use crate::model::Reason;
use crate::model::Role;
use crate::tasks::Tasks;
use crate::telemetry::Step;
use serde_json::json;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

#[tokio::test]
async fn an_intent_holds_what_was_permitted_and_protected_and_is_durable_when_it_is_handed_out() {
    let house = House::new();
    let (log, _) = house.open();
    let mut facts = facts(1, Some("a-key"));
    facts.partner_token = Some("jti-1".into());
    facts.steps.took(Step::Decide, Duration::from_micros(5));
    let recorded = log.intent(&permit(), &protected(), &facts, NOW).await.unwrap();
    assert_eq!((recorded.receipt(), recorded.epoch()), (receipt(1), Epoch::new(7)));
    assert_eq!((recorded.digest(), recorded.bundle()), (digest("protected"), digest("bundle")));
    let record = house.records().remove(0);
    for (name, expected) in [
        ("v", json!(2)),
        ("kind", json!("intent")),
        ("time", json!("2023-11-14T22:13:20.123Z")),
        ("receipt", json!(receipt(1).to_string())),
        ("epoch", json!(7)),
        ("bundle", json!(digest("bundle").to_string().get(..32).unwrap())),
        ("partner", json!("smarthome")),
        ("operation", json!("openDoor")),
        ("peer", json!("spiffe://prop.example/backend")),
        ("subject", json!("h-01010101010101010101010101010101")),
        ("resource", json!({"type": "Door", "id": ["house-1", "door-2"], "tenant": "north", "directory": 3})),
        ("decision", json!({"result": "allow", "policies": ["resident-opens-own-door"], "inputs": {}})),
        ("key", json!({"digest": base64url("a-key"), "body": base64url("body")})),
        ("protected", json!(base64url("protected"))),
        ("token", json!("jti-1")),
        ("micros", json!({"decide": 5})),
    ] {
        assert_eq!(record.get(name), Some(&expected), "{name}");
    }
    assert_eq!(record["salt"].as_str().unwrap().len(), 43, "32 bytes in base64url");
    drop(recorded);
}

#[tokio::test]
async fn every_record_has_a_salt_of_its_own() {
    let house = House::new();
    let (log, _) = house.open();
    for number in 0..10 {
        let _ = log.refusal(&facts(number, None), Reason::Revoked, &forbidden(), NOW).await;
    }
    let salts: HashSet<String> = house.records().iter().map(|record| record["salt"].to_string()).collect();
    assert_eq!(salts.len(), 10);
}

/// Why policy denied a refusal of a door of `north`, by what its policies read.
async fn denied(inputs: &[(&str, &str)], change: impl FnOnce(&mut Facts)) -> serde_json::Value {
    let house = House::new();
    let (log, _) = house.open();
    let mut facts = Facts {
        partner: Some(Name::new("smarthome").unwrap()),
        purpose: Some(Name::new("access").unwrap()),
        located: Some(Arc::new(permit().located().clone())),
        ..facts(1, None)
    };
    change(&mut facts);
    let inputs = inputs.iter().map(|(name, text)| (Arc::from(*name), InputValue::Json((*text).into()))).collect();
    facts.decided = Some(Decided { inputs, ..Decided::default() });
    let _ = log.refusal(&facts, Reason::PolicyDenied, &forbidden(), NOW).await;
    house.records().remove(0)["decision"]["inputs"].take()
}

#[tokio::test]
async fn what_a_record_says_itself_is_not_said_again_and_what_differs_by_a_letter_is() {
    let read = [
        ("partner", r#"{"Partner":"smarthome"}"#),
        ("peer", r#""spiffe://prop.example/backend""#),
        ("purpose", r#""access""#),
        ("resourceTenant", r#"{"Tenant":"north"}"#),
        ("tenant", r#"{"Tenant":"north"}"#),
    ];
    // The tenant of a token stands there in any case: where there is none, that counts too.
    assert_eq!(denied(&read, |_| ()).await, json!({"tenant": {"Tenant": "north"}}));
    let whole = || -> serde_json::Value {
        read.iter().map(|(name, text)| (*name, serde_json::from_str::<serde_json::Value>(text).unwrap())).collect()
    };
    let other = |facts: &mut Facts| {
        facts.partner = Some(Name::new("smarthome2").unwrap());
        facts.peer = Some("spiffe://prop.example/backen".into());
        facts.purpose = Some(Name::new("acces").unwrap());
        let mut located = permit().located().clone();
        located.tenant = Name::new("nort").unwrap();
        facts.located = Some(Arc::new(located));
    };
    assert_eq!(denied(&read, other).await, whole());
    let nothing = |facts: &mut Facts| {
        (facts.partner, facts.peer, facts.purpose, facts.located) = (None, None, None, None);
    };
    assert_eq!(denied(&read, nothing).await, whole());
    // A name with an escape is compared with nothing: `a\"b` is written `a\\\"b`.
    let peer = |facts: &mut Facts| facts.peer = Some(r#"a\"b"#.into());
    assert_eq!(denied(&[("peer", r#""a\"b""#)], peer).await, json!({"peer": "a\"b"}));
    // An entity of another type, or a text that looks like one.
    let twins = [("partner", r#"{"Tenant":"smarthome"}"#), ("resourceTenant", r#""north""#)];
    assert_eq!(denied(&twins, |_| ()).await, json!({"partner": {"Tenant": "smarthome"}, "resourceTenant": "north"}));
}

#[tokio::test]
async fn only_what_names_a_bundle_has_the_whole_of_its_digest() {
    let house = House::new();
    let (log, _) = house.open();
    let _ = log.refusal(&facts(1, None), Reason::Revoked, &forbidden(), NOW).await;
    for note in [
        Note::Start { config: digest("config") },
        Note::Bundle { directory_version: 4, directory_digest: digest("directory"), replaces: None },
        Note::Stop,
    ] {
        let _ = log.note(&facts(3, None), note, NOW).await.unwrap();
    }
    let records = house.records();
    let told: Vec<&str> = records.iter().map(|record| record["bundle"].as_str().unwrap()).collect();
    let whole = digest("bundle").to_string();
    let first = whole.get(..32).unwrap();
    assert_eq!(told, [first, &whole, &whole, first]);
}

#[tokio::test]
async fn a_refusal_a_repetition_and_notes_are_recorded_and_conclude() {
    let house = House::new();
    let (log, _) = house.open();
    let mut denied = facts(1, None);
    let inputs = vec![
        ("ageSeconds".into(), InputValue::Json("3".into())),
        ("device".into(), InputValue::Person(IdentifierKind::Device)),
        ("request.note".into(), InputValue::Withheld),
        ("request.userId".into(), InputValue::Person(IdentifierKind::User)),
    ];
    denied.device = Some(crate::audit::Handle::new([9; 16]));
    denied.decided =
        Some(Decided { permitted: false, policies: vec!["night".into()], inputs, errors: vec!["broken".into()] });
    let concluded = log.refusal(&denied, Reason::PolicyDenied, &forbidden(), NOW).await;
    assert_eq!((concluded.receipt(), concluded.reason()), (receipt(1), Reason::PolicyDenied));
    assert_eq!(concluded.into_reply().body, forbidden().reply(receipt(1)).body);
    let repeated = log.repeat(&facts(2, Some("a-key")), receipt(9), reply(200, "again"), NOW).await;
    assert_eq!(repeated.reason(), Reason::IdempotencyReplayed);
    let revoked = Revoked { kind: "device", digest: digest("x"), tenant: None, epoch: Epoch::new(8), stored: false };
    let made_at = Some(UnixMillis::new(1_700_000_000_000));
    let taken = TakenUp { revision: 5, digest: digest("directory"), made_at, houses: 2, doors: 3 };
    for note in [
        Note::Start { config: digest("config") },
        Note::Bundle { directory_version: 4, directory_digest: digest("directory"), replaces: None },
        Note::Directory(taken),
        Note::Revocation(revoked),
        Note::Stop,
    ] {
        let noted = log.note(&facts(3, None), note, NOW).await.unwrap();
        assert_eq!(noted.conclude(Reason::Done, reply(200, "{}")).receipt(), receipt(3));
    }
    let person = |name| PersonName::new(name).unwrap();
    let by = Some(By { person: person("petrova"), role: Role::Lifter, door: AdminDoor::Socket });
    let administered = Administered {
        tenant: Some(person("north")),
        proposed_by: Some(person("ivanov")),
        epoch: Some(Epoch::new(9)),
        ..Administered::of("lift", Reason::Done, Some(("device", digest("x"))))
    };
    let acting = Facts { by, ..Facts::new(receipt(4), Epoch::new(8), digest("bundle")) };
    let _ = log.note(&acting, Note::Admin(administered), NOW).await.unwrap();
    let _ = log.note(&facts(5, None), Note::Receipt { of: receipt(1) }, NOW).await.unwrap();
    let records = house.records();
    let by = json!({"person": "petrova", "role": "lifter", "door": "admin-socket"});
    let about = json!({"kind": "device", "digest": digest("x").to_string(), "tenant": "north"});
    let lifted = &records[7];
    assert_eq!((&lifted["by"], &lifted["about"]), (&by, &about));
    let told = ["act", "proposed_by", "reason"].map(|name| lifted[name].as_str().unwrap());
    assert_eq!((told, &lifted["made"]), (["lift", "ivanov", "done"], &json!(9)));
    assert_eq!(records[8]["of"], receipt(1).to_string());
    let decision = json!({
        "result": "deny", "policies": ["night"], "errors": ["broken"],
        "inputs": {
            "ageSeconds": 3,
            "device": "h-09090909090909090909090909090909",
            "request.note": {"withheld": "person"},
            "request.userId": "h-01010101010101010101010101010101",
        },
    });
    assert_eq!(records[0]["decision"], decision);
    assert_eq!(records[0]["reason"], "policy-denied");
    assert_eq!(records[1]["first"], receipt(9).to_string());
    let revoked = json!({"kind": "device", "digest": digest("x").to_string(), "epoch": 8, "stored": false});
    assert_eq!(records[5]["revoked"], revoked);
    assert_eq!(records[3]["digest"], digest("directory").to_string());
    let taken = &records[4];
    assert_eq!((&taken["directory"], &taken["houses"], &taken["doors"]), (&json!(5), &json!(2), &json!(3)));
    assert_eq!((&taken["digest"], &taken["made_at"]), (&records[3]["digest"], &json!("2023-11-14T22:13:20.000Z")));
    assert_eq!(
        house.story(),
        ["refusal", "repeat", "start", "bundle", "directory", "revocation", "stop", "admin", "receipt"]
    );
}

#[tokio::test]
async fn a_peer_without_a_name_is_told_by_its_certificate() {
    let house = House::new();
    let (log, _) = house.open();
    let named = Facts { certificate: Some(digest("certificate")), ..facts(1, None) };
    let nameless = Facts { peer: None, ..named.clone() };
    for facts in [&named, &nameless] {
        let _ = log.refusal(facts, Reason::PeerRefused, &forbidden(), NOW).await;
    }
    let records = house.records();
    assert_eq!(records[0].get("certificate"), None);
    assert_eq!(records[1]["certificate"], digest("certificate").to_string());
}

#[tokio::test]
async fn what_waits_while_the_disk_works_shares_one_sync() {
    let (house, deeds, tasks) = (House::new(), Arc::new(Deeds::default()), Tasks::new());
    let log = house.open_of(LARGE_SEGMENT_BYTES, &deeds, Duration::from_secs(60));
    let (is_in, go) = deeds.hang();
    let begun = Arc::new(AtomicUsize::new(0));
    let intend = |number: u8| {
        let (log, begun) = (log.clone(), Arc::clone(&begun));
        tasks.spawn(async move {
            begun.fetch_add(1, Ordering::SeqCst);
            log.intent(&permit(), &protected(), &facts(number, None), NOW).await
        })
    };
    let first = intend(0);
    tokio::task::yield_now().await;
    is_in.recv().unwrap();
    let others: Vec<_> = (1..100).map(intend).collect();
    // One runtime, one thread: who has begun has handed in its record before this task comes round again.
    while begun.load(Ordering::SeqCst) < 100 {
        tokio::task::yield_now().await;
    }
    go.send(()).unwrap();
    let mut open = vec![first.await.unwrap().unwrap()];
    for other in others {
        open.push(other.await.unwrap().unwrap());
    }
    assert_eq!(deeds.counts(), (2, 2), "a hundred records, two syncs");
    for recorded in open {
        let outcome = Outcome::new(OutcomeState::NotSent, Reason::PartnerUnreachable);
        let _ = log.outcome(recorded, outcome, reply(502, ""), NOW).await;
    }
    assert_eq!(house.records().len(), 200);
}

#[tokio::test]
async fn runtimes_with_desks_of_their_own_share_the_log() {
    let house = House::new();
    let (log, _) = house.open();
    let (one, other) = (log.at_own_desk(), log.at_own_desk());
    let (facts_one, facts_other, problem) = (facts(1, None), facts(2, None), forbidden());
    let (first, second) = tokio::join!(
        one.refusal(&facts_one, Reason::Revoked, &problem, NOW),
        other.refusal(&facts_other, Reason::Revoked, &problem, NOW)
    );
    assert_eq!((first.receipt(), second.receipt()), (receipt(1), receipt(2)));
    assert_eq!(house.records().len(), 2);
}

#[tokio::test]
async fn a_proof_that_is_dropped_leaves_an_unknown_outcome() {
    let house = House::new();
    let (log, _) = house.open();
    drop(log.intent(&permit(), &protected(), &facts(1, None), NOW).await.unwrap());
    let died = log.abandoned(receipt(1));
    assert_eq!((died.reply().status.as_u16(), died.reason()), (504, Reason::OutcomeUnknown));
    drop(log);
    assert_eq!(house.story(), ["intent", "outcome unknown"]);
}

#[tokio::test]
async fn a_long_log_goes_on_from_segment_to_segment() {
    let house = House::new();
    let (log, _) = house.open();
    for number in 0..200 {
        let _ = log.refusal(&facts(number, None), Reason::Revoked, &forbidden(), NOW).await;
    }
    drop(log);
    let records = house.records();
    let expected: Vec<String> = (0..200).map(|number| receipt(number).to_string()).collect();
    let found: Vec<&str> = records.iter().map(|record| record["receipt"].as_str().unwrap()).collect();
    assert_eq!(found, expected);
    let sizes: Vec<u64> =
        std::fs::read_dir(house.folder.path()).unwrap().map(|file| file.unwrap().metadata().unwrap().len()).collect();
    assert!(sizes.len() > 4 && sizes.iter().all(|size| *size <= SEGMENT_BYTES), "{sizes:?}");
}

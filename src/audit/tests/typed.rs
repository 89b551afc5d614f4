//! The schema that is told of records: a record of each kind fits it, and one with a member too many, too few or of another
//! shape does not.

use crate::audit::Activated;
use crate::audit::Administered;
use crate::audit::Archived;
use crate::audit::BundleRefused;
use crate::audit::By;
use crate::audit::ClockStanding;
use crate::audit::ClockStands;
use crate::audit::ClockStepped;
use crate::audit::Delivery;
use crate::audit::Facts;
use crate::audit::Handle;
use crate::audit::Issued;
use crate::audit::KeysTakenUp;
use crate::audit::Note;
use crate::audit::Outcome;
use crate::audit::OutcomeState;
use crate::audit::ReIdentified;
use crate::audit::Revoked;
use crate::audit::SessionIssued;
use crate::audit::TakenUp;
use crate::audit::record;
use crate::audit::record::Kind;
use crate::audit::record::Written;
use crate::audit::tests::harness::NOW;
use crate::audit::tests::harness::facts;
use crate::audit::tests::harness::fits;
use crate::audit::tests::harness::permit;
use crate::audit::tests::harness::protected;
use crate::audit::tests::harness::receipt;
use crate::crypto::sha256;
use crate::model::AdminDoor;
use crate::model::DeliveryState;
use crate::model::Direction;
use crate::model::Epoch;
use crate::model::IdentifierKind;
use crate::model::Name;
use crate::model::Reason;
use crate::model::Role;
use crate::model::SigningRole;
use crate::model::Ticket;
use serde_json::Value;
use serde_json::json;
use std::collections::BTreeSet;

fn notes() -> Vec<Note> {
    let (digest, name) = (sha256(b"it"), |text: &str| Name::new(text).unwrap());
    let about = Some(("device", digest));
    let lifting = Administered {
        tenant: Some(name("north")),
        proposed_by: Some(name("petrova")),
        epoch: Some(Epoch::new(8)),
        until: Some(NOW),
        ..Administered::of("lift", Reason::Done, about)
    };
    let erasing = Administered { person: Some(IdentifierKind::User), ..Administered::of("erased", Reason::Done, None) };
    let signed_by = vec![(SigningRole::Infosec, name("ivanov"))];
    vec![
        Note::Start { config: digest },
        Note::Stop,
        Note::Replayed { revocations: 2, up_to: Epoch::new(9) },
        Note::Archive(Archived { segment: 3, from: 40, to: 60, digest }),
        Note::Bundle { directory_version: 7, directory_digest: digest, replaces: Some(digest) },
        Note::BundleRefused(BundleRefused { offered: None, fault: "no-contract", faults: 3 }),
        Note::Activation(Activated { sequence: 2, data: digest, before: Some(digest), signed_by }),
        Note::Directory(TakenUp { revision: 7, digest, made_at: Some(NOW), houses: 1, doors: 2 }),
        Note::Revocation(Revoked { kind: "device", digest, tenant: None, epoch: Epoch::new(7), stored: true }),
        Note::Delivery(Delivery {
            partner: name("smarthome"),
            event: name("grant.revoked"),
            direction: Direction::Outbound,
            state: DeliveryState::Failed,
            attempt: 1,
            status: Some(503),
            detail: Some("timeout"),
        }),
        Note::Admin(lifting),
        Note::Admin(erasing),
        Note::ReIdentified(ReIdentified {
            person: IdentifierKind::User,
            ticket: Ticket::new("SEC-4711").unwrap(),
            reason: Reason::Done,
        }),
        Note::Key(KeysTakenUp { digest, replaces: Some(digest), changed: vec![digest, digest], secrets: 1 }),
        Note::Clock(ClockStepped { expected: NOW, forward: false, by_ms: 1_500 }),
        Note::ClockStands(ClockStands { standing: ClockStanding::Behind, highest: NOW, by_ms: 90_000 }),
        Note::ClockStands(ClockStands { standing: ClockStanding::Accepted, highest: NOW, by_ms: 0 }),
        Note::Receipt { of: receipt(1) },
        Note::Issued(Issued { partner: name("smarthome"), token: "abc".into(), scopes: vec!["grants.read".into()] }),
        Note::Session(SessionIssued { token: "AAAAAAAAAAAAAAAAAAAAAA".into(), rights: 1, lifetime_s: 300 }),
    ]
}

/// A line of each kind but `event`, which only an exchange makes.
fn lines() -> Vec<Vec<u8>> {
    let by = By { person: Name::new("ivanov").unwrap(), role: Role::Investigator, door: AdminDoor::Socket };
    let handle = Some(Handle::new([7; 16]));
    let facts = Facts { by: Some(by), subject: handle, device: handle, ..facts(1, Some("key")) };
    let outcome = Outcome { partner_status: Some(200), ..Outcome::new(OutcomeState::Done, Reason::Done) };
    let mut lines: Vec<Vec<u8>> = Vec::new();
    let mut write = |write: &dyn Fn(&mut Written)| {
        let mut line = Written::default();
        write(&mut line);
        lines.push(line.bytes().to_vec());
    };
    notes().iter().for_each(|note| write(&|line| record::note(line, &facts, note, NOW)));
    write(&|line| record::intent(line, &permit(), &protected(), &facts, NOW));
    write(&|line| record::outcome(line, receipt(1), &outcome, Some(b"sealed"), NOW));
    write(&|line| record::refusal(line, &facts, Reason::Revoked, None, NOW));
    write(&|line| record::refusal(line, &facts, Reason::IdempotencyReplayed, Some(receipt(2)), NOW));
    write(&|line| record::recovery(line, record::Recovery { unknown: 1, cut: Some((3, 40)), reopened: true }, NOW));
    write(&|line| record::gap(line, 5, NOW));
    lines
}

#[test]
fn a_record_of_each_kind_fits_the_schema_and_none_is_left_out() {
    let mut seen = BTreeSet::new();
    for line in lines() {
        let record: Value = serde_json::from_slice(&line).unwrap();
        assert_eq!(fits(&record), [""; 0], "{record}");
        seen.insert(record["kind"].as_str().unwrap().to_owned());
    }
    // `schemas.rs` of the integration tests holds sums and events against it.
    let elsewhere = ["refusals", "event", "segment"];
    let missing = Kind::ALL.into_iter().map(Kind::word).filter(|word| !seen.contains(*word));
    assert_eq!(missing.filter(|word| !elsewhere.contains(word)).collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn a_record_with_a_member_too_many_too_few_or_of_another_shape_does_not_fit() {
    for line in lines() {
        let record: Value = serde_json::from_slice(&line).unwrap();
        let broken = |change: &dyn Fn(&mut serde_json::Map<String, Value>)| {
            let mut record = record.clone();
            change(record.as_object_mut().unwrap());
            assert!(!fits(&record).is_empty(), "{record}");
        };
        broken(&|record| drop(record.insert("name".to_owned(), json!("Ivanov"))));
        broken(&|record| drop(record.remove("salt")));
        broken(&|record| drop(record.insert("v".to_owned(), json!(1))));
        broken(&|record| drop(record.insert("kind".to_owned(), json!("other"))));
        broken(&|record| drop(record.insert("subject".to_owned(), json!("ivanov"))));
    }
}

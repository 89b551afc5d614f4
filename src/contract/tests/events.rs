//! Events: what a webhook must say to load, and what is taken of one that comes, whichever way it goes.

use super::compile;
use super::faults;
use crate::contract::Contract;
use crate::contract::ContractFault;
use crate::contract::RebuiltEvent;
use crate::contract::rebuild_event;
use crate::json;
use crate::model::Direction;
use crate::model::IdentifierKind;
use crate::model::Protection;
use crate::model::Treated;
use std::convert::Infallible;
use std::sync::Arc;

/// An event each way, and nothing else.
const EVENTS: &str = r##"openapi: 3.1.0
info: {title: Smart-home partner, version: "1"}
x-portcullis: {partner: smarthome, recipient: Smart Home Operator LLC, country: RU, retention: P30D}
paths: {}
webhooks:
  grant.revoked:
    post:
      x-portcullis:
        action: announceGrantRevoked
        resource: {type: House, id: [houseId]}
        direction: outbound
        narrows: true
        purpose: access
        legal_basis: contract
      requestBody:
        required: true
        content:
          application/json:
            schema:
              type: object
              required: [type, timestamp, data]
              properties:
                type: {type: string, const: grant.revoked, x-portcullis: {class: public}}
                timestamp: {$ref: "#/components/schemas/When"}
                data:
                  type: object
                  required: [houseId, userId, note]
                  properties:
                    houseId: {$ref: "#/components/schemas/House"}
                    userId: {type: string, maxLength: 64, x-portcullis: {class: identifier, of: user, protect: pseudonymize}}
                    deviceId: {type: string, maxLength: 64, x-portcullis: {class: identifier, of: device, protect: drop}}
                    note: {type: [string, "null"], maxLength: 20, x-portcullis: {class: personal, protect: drop}}
  access.granted:
    post:
      summary: The partner let somebody through.
      x-portcullis:
        action: reportAccessGranted
        resource: {type: House, id: [houseId]}
        direction: inbound
        purpose: access
        legal_basis: contract
      requestBody:
        required: true
        content:
          application/json:
            schema:
              type: object
              required: [type, timestamp, data]
              properties:
                type: {type: string, enum: [access.granted], x-portcullis: {class: public}}
                timestamp: {$ref: "#/components/schemas/When"}
                data:
                  type: object
                  required: [houseId]
                  properties:
                    houseId: {$ref: "#/components/schemas/House"}
                    who: {type: string, maxLength: 64, x-portcullis: {class: identifier, of: user, protect: pseudonymize}}
components:
  schemas:
    When: {type: string, format: date-time, x-portcullis: {class: public}}
    House: {type: string, pattern: "^[a-z0-9-]{1,40}$", x-portcullis: {class: identifier, of: house, protect: keep}}
"##;

const REVOKED: &str = r#"{"data":{"userId":"u-1","houseId":"h-1","note":null},"timestamp":"2026-02-28T08:30:00Z","type":"grant.revoked"}"#;

fn events() -> Arc<Contract> {
    Arc::new(compile(EVENTS).unwrap())
}

fn outbound(text: &str) -> Result<RebuiltEvent, ContractFault> {
    rebuild_event(&events(), Direction::Outbound, text.as_bytes())
}

/// The pointer and what was expected there.
fn wrong(direction: Direction, text: &str) -> (String, &'static str) {
    match rebuild_event(&events(), direction, text.as_bytes()) {
        Err(ContractFault::Body(place)) => (place.pointer, place.expected),
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn an_event_is_found_by_its_type_wherever_that_stands_and_rebuilt_in_the_declared_order() {
    let event = outbound(REVOKED).unwrap();
    assert_eq!((event.event().name.as_str(), event.event().action.as_str()), ("grant.revoked", "announceGrantRevoked"));
    assert!(event.event().narrows);
    assert_eq!(event.timestamp(), "2026-02-28T08:30:00Z");
    assert_eq!(
        event.as_taken(),
        r#"{"type":"grant.revoked","timestamp":"2026-02-28T08:30:00Z","data":{"houseId":"h-1","userId":"u-1","note":null}}"#
    );
    assert_eq!((&*event.resource().kind, &*event.resource().parts), ("House", &["h-1".into()][..]));
    assert_eq!(event.value("userId").and_then(json::Value::as_str), Some("u-1"));
    assert!(event.value("note").is_none() && event.value("type").is_none(), "names are those of the data");
    let persons: Vec<_> = event.persons().into_iter().map(|(kind, id)| (kind, id.expose().to_owned())).collect();
    assert_eq!(persons, [(IdentifierKind::User, "u-1".to_owned())]);
    // Taken again, it is the same: its order and its spelling say nothing.
    let again = rebuild_event(&events(), Direction::Outbound, &event.as_taken()).unwrap();
    assert_eq!((again.digest(), again.as_taken()), (event.digest(), event.as_taken()));
    let other = outbound(&REVOKED.replace("u-1", "u-2")).unwrap();
    assert_ne!(other.digest(), event.digest());
}

#[test]
fn what_becomes_of_each_leaf_is_asked_for_and_what_is_dropped_leaves_nothing_behind() {
    let event = outbound(&REVOKED.replace("null", "\"gone\"")).unwrap();
    let sent = event.render(&mut |leaf| {
        Ok::<_, Infallible>(match leaf.protection {
            Protection::Drop => Treated::Drop,
            Protection::Pseudonymize => Treated::Text("p1.AAAA".into()),
            Protection::Keep | Protection::RequireEncrypted => Treated::Keep,
        })
    });
    assert_eq!(
        sent.unwrap(),
        r#"{"type":"grant.revoked","timestamp":"2026-02-28T08:30:00Z","data":{"houseId":"h-1","userId":"p1.AAAA"}}"#
    );
}

#[test]
fn an_event_that_goes_the_other_way_or_is_declared_nowhere_is_none() {
    let (out, inward) = (Direction::Outbound, Direction::Inbound);
    assert_eq!(wrong(inward, REVOKED), ("/type".into(), "enum"));
    assert_eq!(wrong(out, &REVOKED.replace("grant.revoked", "access.granted")), ("/type".into(), "enum"));
    assert_eq!(wrong(out, &REVOKED.replace("grant.revoked", "grant.revoked ")), ("/type".into(), "enum"));
    assert_eq!(wrong(out, &REVOKED.replace("\"grant.revoked\"", "7")), ("/type".into(), "text"));
    assert_eq!(wrong(out, "{}"), ("/type".into(), "present"));
    assert_eq!(wrong(out, "[]"), (String::new(), "object"));
    let two = format!("{}{}", REVOKED.trim_end_matches('}'), r#"},"type":"grant.revoked"}"#);
    assert!(matches!(outbound(&two), Err(ContractFault::BodyMalformed(_))), "a member twice");
    assert_eq!(outbound("").err(), Some(ContractFault::BodyMissing));
    let none = Arc::new(super::compile(super::DOORS).unwrap());
    assert_eq!(rebuild_event(&none, out, REVOKED.as_bytes()).err(), Some(ContractFault::BodyTooLarge));
}

#[test]
fn an_event_is_closed_at_every_level_and_what_it_must_have_is_there() {
    let out = Direction::Outbound;
    for (from, to, pointer, expected) in [
        ("\"data\":{", "\"data\":{\"more\":1,", "/data", "declared"),
        ("{\"data\"", "{\"id\":\"e-1\",\"data\"", "", "declared"),
        ("\"houseId\":\"h-1\",", "", "/data/houseId", "present"),
        ("\"h-1\"", "\"H 1\"", "/data/houseId", "pattern"),
        (",\"timestamp\":\"2026-02-28T08:30:00Z\"", "", "/timestamp", "present"),
        ("08:30:00Z", "08:30", "/timestamp", "format"),
        ("null", "false", "/data/note", "text"),
    ] {
        assert_eq!(wrong(out, &REVOKED.replace(from, to)), (pointer.into(), expected), "{to}");
    }
}

#[test]
fn an_event_has_as_many_bytes_as_a_body_may_have_and_not_one_more() {
    let spaces = |count: usize| format!("{}{REVOKED}", " ".repeat(count));
    let longest = 65_536 - REVOKED.len();
    assert!(outbound(&spaces(longest)).is_ok());
    assert_eq!(outbound(&spaces(longest + 1)).err(), Some(ContractFault::BodyTooLarge));
}

#[test]
fn a_partner_names_persons_by_pseudonyms_and_by_nothing_else() {
    let granted = |who: &str| {
        format!(
            r#"{{"type":"access.granted","timestamp":"2026-02-28T08:30:00+03:00","data":{{"houseId":"h-1","who":"{who}"}}}}"#
        )
    };
    let inward = Direction::Inbound;
    assert!(rebuild_event(&events(), inward, granted("p1.AAAA_-9").as_bytes()).is_ok());
    assert_eq!(wrong(inward, &granted("ivanov")), ("/data/who".into(), "pseudonym"));
}

#[test]
fn what_an_event_must_say_to_load_is_told_where_it_is_missing() {
    // What is replaced, by what, and the code; the line is that of the change plus an offset.
    for (from, to, code, offset) in [
        ("  grant.revoked:\n    post:", "  grant.revoked:\n    put:", &["missing-key", "unknown-key"][..], 1),
        ("        narrows: true\n", "        narrow: true\n", &["unknown-key"], 0),
        ("        narrows: true\n", "        max_age: 10s\n", &["unknown-key"], 0),
        ("const: grant.revoked", "const: grant.ended", &["event-body"], 0),
        ("enum: [access.granted]", "enum: [access.granted, access.other]", &["event-body"], 0),
        (
            "{type: string, const: grant.revoked, x-portcullis: {class: public}}",
            "{type: string, const: grant.revoked, x-portcullis: {class: access, protect: keep}}",
            &["event-body"],
            -3,
        ),
        ("timestamp: {$ref", "time: {$ref", &["required-unknown", "event-body", "event-body"], -3),
        (
            "              required: [type, timestamp, data]\n",
            "              required: [type, data]\n",
            &["event-body"],
            3,
        ),
        ("resource: {type: House, id: [houseId]}", "resource: {type: House, id: [deviceId]}", &["resource-id"], 0),
        ("resource: {type: House, id: [houseId]}", "resource: {type: House, id: [type]}", &["resource-id"], 0),
        (
            "of: user, protect: pseudonymize}}\n                    deviceId",
            "of: user, protect: keep}}\n                    deviceId",
            &["event-person"],
            0,
        ),
        (
            "of: user, protect: pseudonymize}}\n                    deviceId",
            "of: user, claim: sub, protect: pseudonymize}}\n                    deviceId",
            &["claim-unfit"],
            0,
        ),
        ("application/json:", "application/x+json:", &["media-type"], -11),
        ("        required: true\n", "        required: false\n", &["optional-body"], 0),
        ("      requestBody:\n", "      responses: {}\n      requestBody:\n", &["unknown-key"], 0),
    ] {
        let (before, after) = EVENTS.split_once(from).unwrap_or_else(|| panic!("{from:?} stands there"));
        let line = u32::try_from(before.matches('\n').count() + 1).unwrap();
        let found = faults(&format!("{before}{to}{after}"));
        let codes: Vec<_> = found.iter().map(|(code, _)| *code).collect();
        assert_eq!(codes, code, "{to}");
        assert_eq!(found[0].1, line.saturating_add_signed(offset), "{to}: {found:?}");
    }
}

#[test]
fn what_comes_from_the_partner_neither_narrows_nor_names_a_person_or_a_thing_in_any_other_way() {
    let (head, inward) = EVENTS.split_once("  access.granted:").unwrap();
    for (from, to, code) in [
        ("direction: inbound", "direction: inbound\n        narrows: false", "narrows-unfit"),
        ("protect: pseudonymize", "protect: drop", "event-person"),
        ("protect: pseudonymize", "protect: require-encrypted", "event-person"),
        ("[houseId]\n                  properties", "[houseId, who]\n                  properties", ""),
    ] {
        let text = format!("{head}  access.granted:{}", inward.replacen(from, to, 1));
        let codes: Vec<_> = faults(&text).into_iter().map(|(code, _)| code).collect();
        assert_eq!(codes, [code].into_iter().filter(|code| !code.is_empty()).collect::<Vec<_>>(), "{to}");
    }
    let by_pseudonym =
        inward.replacen("id: [houseId]", "id: [who]", 1).replacen("[houseId]\n  ", "[houseId, who]\n  ", 1);
    assert_eq!(faults(&format!("{head}  access.granted:{by_pseudonym}"))[0].0, "resource-id", "we cannot read it yet");
}

#[test]
fn an_event_and_an_operation_do_not_share_a_name() {
    let both = super::DOORS.replace("operationId: listDoors", "operationId: grant.revoked");
    let (_, webhooks) = EVENTS.split_once("webhooks:").unwrap();
    let (webhooks, _) = webhooks.split_once("  access.granted:").unwrap();
    let webhooks = format!("webhooks:{webhooks}");
    let schemas = "    When: {type: string, format: date-time, x-portcullis: {class: public}}\n";
    let both = both.replace("components:\n  schemas:\n", &format!("{webhooks}components:\n  schemas:\n{schemas}"));
    assert_eq!(faults(&both)[0].0, "duplicate-operation");
    assert!(compile(&both.replace("operationId: grant.revoked", "operationId: other")).is_ok());
}

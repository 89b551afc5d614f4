//! One change of a contract at a time: what is told of it, and what of the same change taken back.

use super::DOORS;
use super::compile;
use crate::contract::compare;
use crate::model::ChangeKind;
use crate::model::ChangeKind as Kind;
use crate::model::Difference;
use crate::model::Rating;
use crate::model::Rating::Narrows;
use crate::model::Rating::Neutral;
use crate::model::Rating::Underived;
use crate::model::Rating::Widens;

/// An event each way, for the tests that need one.
const EVENTS: &str = r##"webhooks:
  grant.revoked:
    post:
      x-portcullis: {action: tellRevoked, resource: {type: House, id: [houseId]}, direction: outbound, narrows: true, purpose: access, legal_basis: contract}
      requestBody:
        required: true
        content:
          application/json:
            schema:
              type: object
              required: [type, timestamp, data]
              properties:
                type: {type: string, const: grant.revoked, x-portcullis: {class: public}}
                timestamp: {type: string, format: date-time, x-portcullis: {class: public}}
                data:
                  type: object
                  required: [houseId]
                  properties:
                    houseId: {$ref: "#/components/schemas/House"}
                    guest: {type: string, maxLength: 64, x-portcullis: {class: identifier, of: user, protect: pseudonymize}}
components:
"##;

fn whole() -> String {
    DOORS.replacen("components:\n", EVENTS, 1)
}

/// The contract with one text in place of another, which stands there once.
fn changed(from: &str, to: &str) -> String {
    let text = whole();
    assert_eq!(text.matches(from).count(), 1, "{from}");
    text.replacen(from, to, 1)
}

fn between(old: &str, new: &str) -> Vec<Difference> {
    let read = |text: &str| compile(text).unwrap_or_else(|faults| panic!("{faults}"));
    compare(Some(&read(old)), Some(&read(new)))
}

/// Where, what and how rated, of all differences.
fn rated(differences: &[Difference]) -> Vec<(String, Kind, Rating)> {
    differences.iter().map(|one| (one.place.join(" | "), one.kind, one.rating)).collect()
}

/// What the row expects at a place within the contract, in the order of what is told.
type Expected<'a> = &'a [(&'a str, Kind, Rating)];

#[test]
fn each_change_of_the_frame_is_rated_by_what_may_cross_and_who_may_do_what() {
    let open = "operation openDoor";
    let rows: &[(&str, &str, Expected<'_>)] = &[
        ("recipient: Smart Home Operator LLC", "recipient: Another LLC", &[("", Kind::Recipient, Widens)]),
        ("country: RU", "country: DE", &[("", Kind::Country, Widens)]),
        ("retention: P30D", "retention: P31D", &[("", Kind::Retention, Widens)]),
        ("retention: P30D", "retention: P29D", &[("", Kind::Retention, Narrows)]),
        ("retention: P30D", "retention: P1M", &[("", Kind::Retention, Underived)]),
        ("        action: openDoor", "        action: openGate", &[(open, Kind::Action, Underived)]),
        (
            "resource: {type: Door, id: [houseId, doorId]}",
            "resource: {type: Flat, id: [houseId, doorId]}",
            &[(open, Kind::Resource, Underived)],
        ),
        (
            "  /v1/houses/{houseId}/doors/{doorId}/open:",
            "  /v2/houses/{houseId}/doors/{doorId}/open:",
            &[(open, Kind::Path, Underived)],
        ),
        (
            "    post:\n      operationId: openDoor",
            "    put:\n      operationId: openDoor",
            &[(open, Kind::Method, Underived)],
        ),
        ("        actuates: door\n", "", &[(open, Kind::Actuates, Widens)]),
        (
            "        actuates: door\n",
            "        actuates: door\n        life_safety: egress\n        local_override: true\n",
            &[(open, Kind::LifeSafety, Underived)],
        ),
        ("max_age: 10s", "max_age: 11s", &[(open, Kind::MaxAge, Widens)]),
        ("max_age: 10s", "max_age: 9s", &[(open, Kind::MaxAge, Narrows)]),
        ("max_age: 10s\n", "max_age: 10s\n        acr: [high]\n", &[(open, Kind::Authentication, Narrows)]),
        ("max_age: 10s\n", "max_age: 10s\n        max_auth_age: 5m\n", &[(open, Kind::Authentication, Narrows)]),
        ("idempotency: header", "idempotency: requestId", &[(open, Kind::Idempotency, Underived)]),
        ("        purpose: access", "        purpose: marketing", &[(open, Kind::Purpose, Underived)]),
        ("        legal_basis: contract", "        legal_basis: consent", &[(open, Kind::LegalBasis, Underived)]),
        ("        right: {type: door_access, action: open}\n", "", &[(open, Kind::Right, Underived)]),
        (
            "right: {type: door_access, action: open}",
            "right: {type: door_access, action: see}",
            &[(open, Kind::Right, Underived)],
        ),
        (
            "      operationId: listDoors",
            "      operationId: showDoors",
            &[("operation listDoors", Kind::Operation, Narrows), ("operation showDoors", Kind::Operation, Widens)],
        ),
        ("        \"201\": {description: taken}\n", "", &[("operation openDoor | answer 201", Kind::Answer, Narrows)]),
        ("  grant.revoked:\n", "  grant.ended:\n", &[]),
        ("narrows: true, ", "", &[("event grant.revoked", Kind::Narrows, Narrows)]),
        ("action: tellRevoked", "action: tellEnded", &[("event grant.revoked", Kind::Action, Underived)]),
        (
            "guest: {type: string, maxLength: 64",
            "guest: {type: string, maxLength: 65",
            &[("event grant.revoked | data | /guest", Kind::Length, Widens)],
        ),
        ("{description: taken}", "{description: taken\u{202e} up}", &[]),
    ];
    assert_rows(rows);
}

#[test]
fn each_change_of_a_field_is_rated_by_what_may_cross_and_who_may_do_what() {
    let at = |part: &str| format!("operation openDoor | {part}");
    let body = |pointer: &str| at(&format!("request | body | {pointer}"));
    let (reason, count, locale, user) =
        (at("query | /reason"), at("query | /count"), at("header | /x-locale"), body("/userId"));
    let rows: &[(&str, &str, Expected<'_>)] = &[
        (
            "        - {name: note, in: query,",
            "        - {name: hint, in: query,",
            &[(&at("query | /note"), Kind::Field, Narrows), (&at("query | /hint"), Kind::Field, Widens)],
        ),
        (
            "{name: note, in: query,",
            "{name: note, in: query, required: true,",
            &[(&at("query | /note"), Kind::Required, Narrows)],
        ),
        ("enum: [access, guest]", "enum: [guest, access, service]", &[(&reason, Kind::Values, Widens)]),
        ("enum: [access, guest]", "enum: [guest]", &[(&reason, Kind::Values, Narrows)]),
        (
            "enum: [access, guest]",
            "enum: [guest, other]",
            &[(&reason, Kind::Values, Widens), (&reason, Kind::Values, Narrows)],
        ),
        ("enum: [access, guest]", "pattern: \"^(?:access|guest)$\"", &[(&reason, Kind::Values, Widens)]),
        (
            "type: integer, minimum: 1, maximum: 9",
            "type: integer, minimum: 1, maximum: 10",
            &[(&count, Kind::Range, Widens)],
        ),
        (
            "type: integer, minimum: 1, maximum: 9",
            "type: integer, minimum: 2, maximum: 9",
            &[(&count, Kind::Range, Narrows)],
        ),
        (
            "type: integer, minimum: 1, maximum: 9",
            "type: integer, exclusiveMinimum: 1, maximum: 9",
            &[(&count, Kind::Range, Narrows)],
        ),
        (
            "type: integer, minimum: 1, maximum: 9",
            "type: number, minimum: 1, maximum: 9",
            &[(&count, Kind::Type, Widens)],
        ),
        (
            "type: integer, minimum: 1, maximum: 9",
            "type: integer, minimum: 1, maximum: 9, multipleOf: 2",
            &[(&count, Kind::MultipleOf, Narrows)],
        ),
        ("type: integer, minimum: 1, maximum: 9", "type: string, maxLength: 9", &[(&count, Kind::Type, Underived)]),
        ("pattern: \"^[a-z]{2}$\"", "pattern: \"^[a-z][a-z]$\"", &[(&locale, Kind::Pattern, Neutral)]),
        ("pattern: \"^[a-z]{2}$\"", "pattern: \"^[a-z]{2}(?:-[A-Z]{2})?$\"", &[(&locale, Kind::Pattern, Widens)]),
        ("pattern: \"^[a-z]{2}$\"", "pattern: \"^(?:ru|en)$\"", &[(&locale, Kind::Pattern, Narrows)]),
        ("pattern: \"^[a-z]{2}$\"", "enum: [ru, en]", &[(&locale, Kind::Values, Narrows)]),
        (
            "pattern: \"^[a-z]{2}$\"",
            "maxLength: 2",
            &[(&locale, Kind::Length, Narrows), (&locale, Kind::Pattern, Widens)],
        ),
        ("required: [requestId, userId]", "required: [requestId]", &[(&user, Kind::Required, Widens)]),
        (
            "minLength: 8, maxLength: 64, pattern",
            "minLength: 7, maxLength: 64, pattern",
            &[(&body("/requestId"), Kind::Length, Widens)],
        ),
        (
            "of: user, claim: sub, protect: pseudonymize}",
            "of: user, claim: sub, protect: keep}",
            &[(&user, Kind::Protect, Widens)],
        ),
        (
            "of: user, claim: sub, protect: pseudonymize}",
            "of: user, claim: sub, protect: drop}",
            &[(&user, Kind::Protect, Narrows)],
        ),
        (
            "x-portcullis: {class: identifier, of: device, claim: device_id, protect: pseudonymize}",
            "x-portcullis: {class: public}",
            &[
                (&body("/deviceId"), Kind::Class, Widens),
                (&body("/deviceId"), Kind::Of, Underived),
                (&body("/deviceId"), Kind::Protect, Widens),
                (&body("/deviceId"), Kind::Claim, Widens),
            ],
        ),
        (
            "comment: {type: string, maxLength: 10, x-portcullis: {class: personal, protect: drop}}",
            "comment: {type: string, maxLength: 10, x-portcullis: {class: personal, protect: keep}}",
            &[(&body("/comment"), Kind::Protect, Widens)],
        ),
        (
            "comment: {type: string, maxLength: 10, x-portcullis: {class: personal, protect: drop}}",
            "comment: {type: string, maxLength: 10, x-portcullis: {class: public, protect: drop}}",
            &[(&body("/comment"), Kind::Class, Widens)],
        ),
        (
            "comment: {type: string, maxLength: 10, x-portcullis: {class: personal, protect: drop}}",
            "comment: {type: string, maxLength: 10, x-portcullis: {class: biometric, protect: drop}}",
            &[(&body("/comment"), Kind::Class, Underived)],
        ),
        (
            "silent: {type: boolean,",
            "silent: {type: boolean, const: true,",
            &[(&body("/silent"), Kind::Values, Narrows)],
        ),
        ("silent: {type: boolean,", "silent: {type: [boolean, \"null\"],", &[(&body("/silent"), Kind::Null, Widens)]),
        (
            "minItems: 1\n                  maxItems: 2",
            "minItems: 0\n                  maxItems: 3",
            &[(&body("/visits"), Kind::Count, Widens), (&body("/visits"), Kind::Count, Widens)],
        ),
        (
            "a/b~c: {type: string, enum: [x],",
            "a/b~c: {type: string, enum: [x, y],",
            &[(&body("/visits/*/a~1b~0c"), Kind::Values, Widens)],
        ),
        (
            "                silent: {type: boolean, x-portcullis: {class: public}}\n",
            "",
            &[(&body("/silent"), Kind::Field, Narrows)],
        ),
        (
            "level: {type: number, exclusiveMinimum: 0, maximum: 1.5,",
            "level: {type: number, minimum: 0, maximum: 1.5,",
            &[(&body("/level"), Kind::Range, Widens)],
        ),
        (
            "status: {type: string, enum: [opened], x-portcullis: {class: public}}",
            "state: {type: string, enum: [opened], x-portcullis: {class: public}}\n        status: {type: string, enum: [opened], x-portcullis: {class: public}}",
            &[(&at("answer 200 | body | /state"), Kind::Field, Widens)],
        ),
        (
            "        secret: {type: string, maxLength: 9, x-portcullis: {class: secret, protect: drop}}\n",
            "",
            &[(&at("answer 200 | body | /secret"), Kind::Field, Narrows)],
        ),
        (
            "of: user, protect: pseudonymize}}\n        secret",
            "of: user, protect: keep}}\n        secret",
            &[(&at("answer 200 | body | /userId"), Kind::Protect, Underived)],
        ),
        (
            "X-Door-State: {schema: {type: string, enum: [open, shut]",
            "X-Door-State: {required: true, schema: {type: string, enum: [open, shut]",
            &[(&at("answer 200 | header | /x-door-state"), Kind::Required, Narrows)],
        ),
    ];
    assert_rows(rows);
}

fn assert_rows(rows: &[(&str, &str, Expected<'_>)]) {
    let old = whole();
    for (from, to, expected) in rows {
        let new = changed(from, to);
        // The one row whose change is a name that stands in two places.
        if expected.is_empty() && from.contains("grant.revoked") {
            continue;
        }
        let found = between(&old, &new);
        let wanted: Vec<(String, Kind, Rating)> = expected
            .iter()
            .map(|(place, kind, rating)| {
                let within = if place.is_empty() { String::new() } else { format!(" | {place}") };
                (format!("contract smarthome{within}"), *kind, *rating)
            })
            .collect();
        assert_eq!(rated(&found), wanted, "{from} → {to}: {found:#?}");
        mirrored(&found, &between(&new, &old));
    }
}

/// What is narrower one way is wider the other way, at the same place; what is neutral is so both ways.
fn mirrored(there: &[Difference], back: &[Difference]) {
    for (one, other) in [(there, back), (back, there)] {
        for difference in one {
            let answered = |wanted: &dyn Fn(Rating) -> bool| {
                other
                    .iter()
                    .any(|back| back.kind == difference.kind && back.place == difference.place && wanted(back.rating))
            };
            let mirrored = match difference.rating {
                Narrows => answered(&Rating::widens),
                Neutral => answered(&|rating| rating == Neutral),
                Widens | Underived => answered(&|rating| rating != Neutral),
            };
            assert!(mirrored, "{difference:?}: {other:?}");
        }
    }
}

#[test]
fn a_contract_does_not_differ_from_itself_nor_from_another_spelling_of_it() {
    let text = whole();
    assert_eq!(between(&text, &text), []);
    let spelled = text
        .replace("info: {title: Smart-home partner, version: \"1\"}", "info: {title: Another title, version: \"2\"}")
        .replace("in: query, schema:", "in: query, required: false, description: for people, schema:");
    assert_ne!(text, spelled);
    assert_eq!(between(&text, &spelled), []);
    let in_another_order = text.replace("required: [requestId, userId]", "required: [userId, requestId]");
    assert_eq!(between(&text, &in_another_order), []);
}

#[test]
fn a_contract_that_is_new_lets_all_cross_and_one_that_is_gone_nothing() {
    let contract = compile(&whole()).unwrap();
    let (new, gone) = (compare(None, Some(&contract)), compare(Some(&contract), None));
    assert!(new.iter().all(|one| one.rating == Widens && one.old.is_none()), "{new:?}");
    assert!(gone.iter().all(|one| one.rating == Narrows && one.new.is_none()), "{gone:?}");
    let kinds = |found: &[Difference]| found.iter().map(|one| one.kind).collect::<Vec<_>>();
    assert_eq!(kinds(&new), [Kind::Contract, Kind::Operation, Kind::Operation, Kind::Event]);
    assert_eq!(kinds(&new), kinds(&gone));
    assert_eq!(compare(None, None), []);
}

#[test]
fn parameters_of_a_path_that_change_places_are_no_small_thing() {
    let swapped = changed("/v1/houses/{houseId}/doors/{doorId}/open:", "/v1/houses/{doorId}/doors/{houseId}/open:");
    let found = between(&whole(), &swapped);
    let path = ("contract smarthome | operation openDoor".to_owned(), Kind::Path, Underived);
    assert_eq!(rated(&found), [path]);
}

#[test]
fn a_form_of_a_body_is_told_by_its_media_type_and_a_first_one_is_demanded() {
    let without = changed(
        "      requestBody:\n        required: true\n        content:\n          application/json:\n            schema:\n              type: object\n              additionalProperties: false",
        "      # none\n",
    );
    assert!(compile(&without).is_err(), "only to show that the text stands there");
    let text = super::with_body("{type: object, properties: {a: {type: boolean, x-portcullis: {class: public}}}}");
    let bare = text.lines().filter(|line| !line.contains("requestBody")).collect::<Vec<_>>().join("\n");
    let place = "contract p | operation op | request".to_owned();
    let found = between(&bare, &text);
    assert_eq!(rated(&found), [(place.clone(), Kind::Body, Widens), (place.clone(), Kind::Required, Narrows)]);
    mirrored(&found, &between(&text, &bare));
    let form = "application/vnd.a+json: {schema: {type: object, properties: {a: {type: boolean, x-portcullis: {class: public}}}}}";
    let two = text.replace("content: {application/json", &format!("content: {{{form}, application/json"));
    assert_eq!(rated(&between(&text, &two)), [(place, Kind::Body, Widens)]);
}

#[test]
fn whoever_adds_a_right_shows_policies_what_they_did_not_see() {
    let without = changed("        right: {type: door_access, action: open}\n", "");
    let found = between(&without, &whole());
    let wanted = ("contract smarthome | operation openDoor".to_owned(), Kind::Right, Widens);
    assert_eq!(rated(&found), [wanted]);
}

#[test]
fn every_kind_and_rating_has_a_word_of_its_own() {
    let mut words: Vec<&str> = ChangeKind::ALL.iter().map(|kind| kind.word()).collect();
    words.sort_unstable();
    words.dedup();
    assert_eq!(words.len(), ChangeKind::ALL.len());
    let ratings = Rating::ALL.map(|rating| (rating.key(), rating.widens()));
    assert_eq!(ratings, [("widens", true), ("not-derived", true), ("narrows", false), ("neutral", false)]);
}

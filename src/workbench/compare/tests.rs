//! The sample bundle, changed in one place at a time: what is told of it, and of the same change taken back.

use super::compare;
use crate::bundle::Bundle;
use crate::clock::SystemClock;
use crate::limits::Limits;
use crate::model::ChangeKind as Kind;
use crate::model::Difference;
use crate::model::Rating;
use crate::model::Rating::Narrows;
use crate::model::Rating::Neutral;
use crate::model::Rating::Underived;
use crate::model::Rating::Widens;
use crate::workbench::Comparison;
use crate::workbench::Verdict;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

const SMART: &str = "contracts/smarthome.openapi.yaml";
const PARK: &str = "contracts/parkline.openapi.yaml";
const DOORS: &str = "cedar/doors.cedar";
const SCHEMA: &str = "cedar/schema.cedarschema";
const CONSTANTS: &str = "cedar/constants.json";
const REQUIREMENTS: &str = "requirements.yaml";

/// What the sample's own tests do not hold: other callers at the same doors.
const CASES: &str = r#"version: 1
bases:
  noon:
    time: 2026-11-27T09:00:00Z
    directory:
      tenants: [north, south]
      houses:
        - {id: house-1, tenant: north, zone: Europe/Moscow, partners: [smarthome, parkline], doors: [door-1], barriers: [gate-1]}
    caller:
      peer: spiffe://prop.example/backend
      token:
        {kind: session, subject: resident-ivanov, tenant: north, roles: [resident], device: phone-1, rights: [{type: door_access, actions: [open, see], house: house-1, door: door-1}]}
cases:
  - name: a resident opens the door
    extends: noon
    request: {operation: openDoor, path: {houseId: house-1, doorId: door-1}, body: {userId: resident-ivanov, deviceId: phone-1}}
    answer: {status: 200, body: {status: opened}}
    expect: {outcome: allowed}
  - name: a resident looks at the door
    extends: noon
    request: {operation: readDoor, path: {houseId: house-1, doorId: door-1}}
    answer: {status: 200, body: {state: closed}}
    expect: {outcome: allowed}
  - name: somebody without a role looks at the door
    extends: noon
    caller: {token: {subject: guest-petrov, roles: []}}
    request: {operation: readDoor, path: {houseId: house-1, doorId: door-1}}
    expect: {outcome: refused}
"#;

type Files = BTreeMap<String, Vec<u8>>;

/// The files of the sample, without its tests.
fn sample() -> Files {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    let bundle = Bundle::load(&root, &Limits::default()).unwrap_or_else(|faults| panic!("{faults}"));
    let files = bundle.files().filter(|(path, _)| !path.starts_with("tests/"));
    files.map(|(path, source)| (path.to_owned(), source.text().as_bytes().to_vec())).collect()
}

fn bundle(files: &Files) -> Arc<Bundle> {
    let loaded = Bundle::of_files(Path::new("sample"), files.clone(), &Limits::default());
    Arc::new(loaded.unwrap_or_else(|faults| panic!("{faults}")))
}

/// The files with one text in place of another, where it stands first.
fn changed(files: &Files, path: &str, from: &str, to: &str) -> Files {
    let mut files = files.clone();
    let text = String::from_utf8(files[path].clone()).unwrap();
    assert!(text.contains(from), "{path} has no {from}");
    files.insert(path.to_owned(), text.replacen(from, to, 1).into_bytes());
    files
}

fn compared(old: &Arc<Bundle>, new: &Arc<Bundle>) -> Comparison {
    compare(old, new, 200, &SystemClock::new()).unwrap_or_else(|faults| panic!("{faults}"))
}

fn rated(differences: &[Difference]) -> BTreeSet<(Kind, Rating)> {
    differences.iter().map(|one| (one.kind, one.rating)).collect()
}

/// A change: the file, what stands there, what shall stand there, and what is to be told.
type Seed<'a> = (&'a str, &'a str, &'a str, &'a [(Kind, Rating)]);

/// Changes of the contracts.
const OF_CONTRACTS: &[Seed<'_>] = &[
    (SMART, "retention: P30D", "retention: P60D", &[(Kind::Retention, Widens)]),
    (SMART, "retention: P30D", "retention: P10D", &[(Kind::Retention, Narrows)]),
    (SMART, "retention: P30D", "retention: P1M", &[(Kind::Retention, Underived)]),
    (SMART, "country: RU", "country: KZ", &[(Kind::Country, Widens)]),
    (SMART, "recipient: Smart Home Operator LLC", "recipient: Somebody Else LLC", &[(Kind::Recipient, Widens)]),
    (SMART, "max_age: 10s", "max_age: 30s", &[(Kind::MaxAge, Widens)]),
    (SMART, "max_age: 10s", "max_age: 5s", &[(Kind::MaxAge, Narrows)]),
    (PARK, "max_age: 15s", "max_age: 14s", &[(Kind::MaxAge, Narrows)]),
    (PARK, "idempotency: commandId", "idempotency: header", &[(Kind::Idempotency, Underived)]),
    (SMART, "action: open}", "action: see}", &[(Kind::Right, Underived)]),
    (SMART, "enum: [access, guest]", "enum: [access, guest, service]", &[(Kind::Values, Widens)]),
    (SMART, "enum: [access, guest]", "enum: [access]", &[(Kind::Values, Narrows)]),
    (SMART, "enum: [access, guest]", "enum: [access, other]", &[(Kind::Values, Widens), (Kind::Values, Narrows)]),
    (SMART, "required: [userId]", "required: [userId, deviceId]", &[(Kind::Required, Narrows)]),
    (SMART, "required: [userId]", "required: [deviceId]", &[(Kind::Required, Widens), (Kind::Required, Narrows)]),
    (SMART, "claim: sub, protect: pseudonymize", "claim: sub, protect: keep", &[(Kind::Protect, Widens)]),
    (SMART, "claim: sub, protect: pseudonymize", "claim: sub, protect: drop", &[(Kind::Protect, Narrows)]),
    (
        SMART,
        "{class: identifier, of: device, claim: device_id, protect: pseudonymize}",
        "{class: identifier, of: request, protect: pseudonymize}",
        &[(Kind::Of, Underived), (Kind::Claim, Widens)],
    ),
    (
        SMART,
        "{class: identifier, of: user, claim: sub, protect: pseudonymize}",
        "{class: personal, protect: drop}",
        &[(Kind::Class, Underived), (Kind::Of, Underived), (Kind::Claim, Widens), (Kind::Protect, Narrows)],
    ),
    (SMART, "maximum: 100", "maximum: 200", &[(Kind::Range, Widens)]),
    (SMART, "maximum: 500", "maximum: 100", &[(Kind::Range, Narrows)]),
    (
        SMART,
        "type: integer\n                    minimum: 0",
        "type: number\n                    minimum: 0",
        &[(Kind::Type, Widens)],
    ),
    (
        SMART,
        "                  battery:\n                    description: In percent.\n                    type: integer\n                    minimum: 0\n                    maximum: 100\n                    x-portcullis: {class: public}\n",
        "",
        &[(Kind::Field, Narrows)],
    ),
    (
        SMART,
        "                  battery:\n",
        "                  name:\n                    type: string\n                    maxLength: 40\n                    x-portcullis: {class: personal, protect: keep}\n                  battery:\n",
        &[(Kind::Field, Widens)],
    ),
    (
        SMART,
        "        - name: reason\n",
        "        - name: guestName\n          in: query\n          required: true\n          schema: {type: string, maxLength: 40, x-portcullis: {class: personal, protect: keep}}\n        - name: reason\n",
        &[(Kind::Field, Widens), (Kind::Required, Narrows)],
    ),
    (
        SMART,
        "HouseId:\n      type: string\n      pattern: \"^[a-z0-9][a-z0-9-]{0,39}$\"",
        "HouseId:\n      type: string\n      pattern: \"^[a-z0-9][a-z0-9-]{0,63}$\"",
        &[(Kind::Pattern, Widens)],
    ),
    (
        SMART,
        "HouseId:\n      type: string\n      pattern: \"^[a-z0-9][a-z0-9-]{0,39}$\"",
        "HouseId:\n      type: string\n      pattern: \"^[a-z0-9][a-z0-9-]{0,19}$\"",
        &[(Kind::Pattern, Narrows)],
    ),
    (
        SMART,
        "HouseId:\n      type: string\n      pattern: \"^[a-z0-9][a-z0-9-]{0,39}$\"",
        "HouseId:\n      type: string\n      pattern: \"^[0-9a-z][-a-z0-9]{0,39}$\"",
        &[(Kind::Pattern, Neutral)],
    ),
    (SMART, "maxItems: 500", "maxItems: 501", &[(Kind::Count, Widens)]),
    (PARK, "maxItems: 8", "maxItems: 4", &[(Kind::Count, Narrows)]),
    (PARK, "uniqueItems: true", "uniqueItems: false", &[(Kind::Unique, Widens)]),
    (SMART, "body_max_bytes: 8MiB", "body_max_bytes: 4MiB", &[(Kind::Limits, Narrows)]),
    (SMART, "maxLength: 8388608", "maxLength: 4194304", &[(Kind::Length, Narrows)]),
    (SMART, "maxLength: 64", "maxLength: 128", &[(Kind::Length, Widens)]),
    (SMART, "minLength: 1", "minLength: 2", &[(Kind::Length, Narrows)]),
    (SMART, "format: date-time", "maxLength: 30", &[(Kind::Format, Widens), (Kind::Length, Narrows)]),
    (SMART, "enum: [granted, refused, failed]", "enum: [granted, refused, failed, forced]", &[(Kind::Values, Widens)]),
    (SMART, "x-portcullis: {class: access, protect: keep}", "x-portcullis: {class: public}", &[(Kind::Class, Widens)]),
    (SMART, "purpose: security", "purpose: marketing", &[(Kind::Purpose, Underived)]),
    (SMART, "legal_basis: legitimate-interest", "legal_basis: consent", &[(Kind::LegalBasis, Underived)]),
    (
        SMART,
        "  /v1/houses/{houseId}/doors/{doorId}/open:",
        "  /v2/houses/{houseId}/doors/{doorId}/open:",
        &[(Kind::Path, Underived)],
    ),
    (SMART, "operationId: readDoor", "operationId: seeDoor", &[(Kind::Operation, Widens), (Kind::Operation, Narrows)]),
    (SMART, "        narrows: true\n", "", &[(Kind::Narrows, Narrows)]),
    (SMART, "required: [houseId, doorId, reason]", "required: [houseId, doorId]", &[(Kind::Required, Widens)]),
    (SMART, "enum: [blocked, no-power, unreachable]", "enum: [blocked, no-power]", &[(Kind::Values, Narrows)]),
    (
        SMART,
        "x-portcullis: {class: access, protect: drop}",
        "x-portcullis: {class: access, protect: keep}",
        &[(Kind::Protect, Widens)],
    ),
    (SMART, "description: Opens one door once", "description: Opens a door once", &[(Kind::Text, Neutral)]),
];

/// Changes of requirements, constants, schema and policies.
const OF_THE_REST: &[Seed<'_>] = &[
    (
        REQUIREMENTS,
        "  - https://login.prop.example\n",
        "  - https://login.prop.example\n  - https://other.example\n",
        &[(Kind::Requirement, Widens)],
    ),
    (
        REQUIREMENTS,
        "    hosts: [api.parkline.example]\n",
        "    hosts: [api.parkline.example]\n    ca: [\"0000000000000000000000000000000000000000000000000000000000000000\"]\n",
        &[(Kind::Requirement, Narrows)],
    ),
    (
        REQUIREMENTS,
        "sessions: https://gateway.prop.example/sessions",
        "sessions: https://s.example",
        &[(Kind::Requirement, Underived)],
    ),
    (REQUIREMENTS, "[api.smarthome.example]", "[api.smarthome.example, b.example]", &[(Kind::Requirement, Widens)]),
    (REQUIREMENTS, "environment: development", "environment: production", &[(Kind::Environment, Underived)]),
    (
        CONSTANTS,
        "\"parents\": [{\"type\": \"PropDevelopment::Role\", \"id\": \"resident\"}]",
        "\"parents\": []",
        &[(Kind::Constant, Narrows)],
    ),
    (
        CONSTANTS,
        "[\n",
        "[\n  {\"uid\": {\"type\": \"PropDevelopment::Role\", \"id\": \"guest\"}, \"parents\": [{\"type\": \"PropDevelopment::Role\", \"id\": \"resident\"}]},\n",
        &[(Kind::Constant, Widens)],
    ),
    (
        CONSTANTS,
        "[\n",
        "[\n  {\"uid\": {\"type\": \"PropDevelopment::Role\", \"id\": \"guest\"}, \"parents\": []},\n",
        &[(Kind::Constant, Neutral)],
    ),
    (SCHEMA, "  entity Tenant;", "  entity Zone;\n  entity Tenant;", &[(Kind::EntityType, Underived)]),
    (
        SCHEMA,
        "      tokenKind: String,\n",
        "      tokenKind: String,\n      clientId?: String,\n",
        &[(Kind::Attribute, Underived)],
    ),
    (
        SCHEMA,
        "  action openDoor appliesTo",
        "  action inspect appliesTo {principal: [User], resource: [Door], context: {}};\n\n  action openDoor appliesTo",
        &[(Kind::SchemaAction, Widens)],
    ),
    (DOORS, "when { context.tokenKind == \"session\" }\n", "", &[(Kind::Policy, Widens)]),
    (
        DOORS,
        "when { context.purpose == \"access\" }\n",
        "when { context.purpose == \"access\" }\nwhen { context.localWeekday <= 5 }\n",
        &[(Kind::Policy, Narrows)],
    ),
    (DOORS, "context.ageSeconds > 10", "context.ageSeconds > 20", &[(Kind::Policy, Underived)]),
    (
        DOORS,
        "when { context.ageSeconds > 10 };",
        "when { context.ageSeconds > 10 && context.purpose == \"access\" };",
        &[(Kind::Policy, Widens)],
    ),
    (DOORS, "\nwhen { context.ageSeconds > 10 };", ";", &[(Kind::Policy, Narrows)]),
    (DOORS, "Role::\"resident\"", "Role::\"concierge\"", &[(Kind::Policy, Underived)]),
    (
        DOORS,
        "principal is PropDevelopment::User in PropDevelopment::Role::\"resident\"",
        "principal is PropDevelopment::User",
        &[(Kind::Policy, Widens)],
    ),
    (
        DOORS,
        "action in [PropDevelopment::Action::\"openDoor\", PropDevelopment::Action::\"readDoor\"]",
        "action == PropDevelopment::Action::\"openDoor\"",
        &[(Kind::Policy, Widens)],
    ),
    (
        DOORS,
        "// Doors",
        "@id(\"night\") @reason(\"Nobody at night.\") forbid (principal, action == PropDevelopment::Action::\"openDoor\", resource) when { context.localMinuteOfDay < 300 };\n// Doors",
        &[(Kind::Policy, Narrows)],
    ),
    (
        DOORS,
        "// Doors",
        "@id(\"all\") @reason(\"Everybody sees doors.\") permit (principal, action == PropDevelopment::Action::\"readDoor\", resource);\n// Doors",
        &[(Kind::Policy, Widens)],
    ),
    (DOORS, "@reason(\"Doors are moved", "@reason(\"All doors are moved", &[(Kind::Annotation, Neutral)]),
    (DOORS, "// Doors: who may open one.", "// Doors: who opens one.", &[(Kind::Text, Neutral)]),
];

#[test]
fn each_of_sixty_changes_of_the_sample_is_rated_rightly_and_so_is_its_way_back() {
    crate::crypto::install_provider().unwrap();
    let files = sample();
    let old = bundle(&files);
    let seeds: Vec<&Seed<'_>> = OF_CONTRACTS.iter().chain(OF_THE_REST).collect();
    assert!(seeds.len() >= 60, "{}", seeds.len());
    for (path, from, to, expected) in seeds {
        let new = bundle(&changed(&files, path, from, to));
        let there = compared(&old, &new);
        let wanted: BTreeSet<(Kind, Rating)> = expected.iter().copied().collect();
        assert_eq!(rated(&there.differences), wanted, "{from} → {to}: {:#?}", there.differences);
        let back = compared(&new, &old);
        for (one, other) in [(&there, &back), (&back, &there)] {
            for difference in &one.differences {
                let mut answers = other.differences.iter().filter(|answer| answer.kind == difference.kind);
                let mirrored = match difference.rating {
                    Narrows => answers.any(|answer| answer.rating.widens()),
                    Neutral => answers.any(|answer| answer.rating == Neutral),
                    Widens | Underived => answers.any(|answer| answer.rating != Neutral),
                };
                assert!(mirrored, "{from} → {to}: {difference:?} and {:?}", other.differences);
            }
        }
    }
}

#[test]
fn a_bundle_does_not_differ_from_itself() {
    crate::crypto::install_provider().unwrap();
    let mut files = sample();
    files.insert("tests/cases.yaml".to_owned(), CASES.as_bytes().to_vec());
    let (one, other) = (bundle(&files), bundle(&files));
    let found = compared(&one, &other);
    assert_eq!((found.differences, found.unshown, found.table.changed), (Vec::new(), Vec::new(), 0));
    assert!(found.table.rows >= 3);
}

/// The sample with cases, and with one change of its policies.
fn with_cases(from: &str, to: &str) -> Comparison {
    crate::crypto::install_provider().unwrap();
    let mut files = sample();
    files.insert("tests/cases.yaml".to_owned(), CASES.as_bytes().to_vec());
    compared(&bundle(&files), &bundle(&changed(&files, DOORS, from, to)))
}

#[test]
fn a_case_that_comes_out_otherwise_shows_the_policy_and_says_who_may_do_what_now() {
    let permit = "@id(\"all\") @reason(\"Everybody sees doors.\") permit (principal, action == PropDevelopment::Action::\"readDoor\", resource);\n// Doors";
    let found = with_cases("// Doors", permit);
    assert_eq!((found.verdict(), found.unshown.len()), (Verdict::Wider, 0));
    let decision = found.differences.iter().find(|one| one.kind == Kind::Decision).unwrap();
    assert_eq!(decision.rating, Widens);
    assert_eq!(decision.old.as_deref(), Some("refused (policy-denied)"));
    assert_eq!(decision.new.as_deref(), Some("allowed by all"));
    let example = decision.example.as_deref().unwrap();
    assert!(
        example.contains("somebody without a role looks at the door") && example.contains("guest-petrov"),
        "{example}"
    );
}

#[test]
fn a_policy_that_changed_and_that_no_case_shows_is_told_as_that() {
    let found = with_cases(
        "when { context.localWeekday <= 6 };",
        "when { context.localWeekday <= 6 } when { context.localWeekday <= 5 };",
    );
    assert_eq!(found.unshown, ["open-door-in-service"]);
    assert_eq!(rated(&found.differences), BTreeSet::from([(Kind::Policy, Narrows)]));
    assert_eq!(found.verdict(), Verdict::NotShown);
    assert!(
        found
            .words()
            .iter()
            .any(|line| line.contains("open-door-in-service changed, and that is not shown by the tests"))
    );
    let found = with_cases(
        "when { context.purpose == \"operation\" }\n",
        "when { context.purpose == \"operation\" }\nwhen { context.purpose == \"none\" }\n",
    );
    assert_eq!((found.verdict(), found.unshown.len()), (Verdict::Narrower, 0), "{:?}", found.differences);
    assert_eq!(rated(&found.differences), BTreeSet::from([(Kind::Policy, Narrows), (Kind::Decision, Narrows)]));
}

#[test]
fn callers_of_some_cases_ask_for_what_other_cases_ask_for_up_to_a_bound() {
    crate::crypto::install_provider().unwrap();
    let mut files = sample();
    files.insert("tests/cases.yaml".to_owned(), CASES.as_bytes().to_vec());
    let old = bundle(&files);
    // Whoever has no role opens doors now: no case asks that, but two cases together do. It is somebody else's body, though.
    let permit = "@id(\"all\") @reason(\"Everybody opens doors.\") permit (principal, action == PropDevelopment::Action::\"readDoor\", resource) when { context.tokenKind == \"session\" };\n// Doors";
    let new = bundle(&changed(&files, DOORS, "// Doors", permit));
    let rows = |most| {
        let found = compare(&old, &new, most, &SystemClock::new()).unwrap();
        (found.table.rows, found.table.left_out)
    };
    assert_eq!(rows(200), (6, 0), "three cases; each of two callers with the requests of the other");
    assert_eq!(rows(4), (4, 2));
    assert_eq!(rows(3), (3, 3));
    assert_eq!(rows(2), (2, 4));
}

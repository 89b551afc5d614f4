//! Constants: what they place in what, held against Cedar's own reading of the same file, and every fault of theirs at load.

use super::*;
use crate::policy::entities::Slice;
use crate::policy::entities::Types;
use crate::policy::entities::entity;
use cedar_policy_core::ast::EntityUID;
use cedar_policy_core::ast::EntityUIDEntry;
use cedar_policy_core::ast::Request;
use cedar_policy_core::authorizer::Authorizer;
use cedar_policy_core::entities::Entities;
use cedar_policy_core::entities::NoEntitiesSchema;
use cedar_policy_core::entities::TCComputation;
use cedar_policy_core::extensions::Extensions;
use std::collections::BTreeMap;
use std::collections::HashSet;

/// Groups of the bundle's own, in which tenants and doors may stand.
fn schema_with_circles() -> String {
    SAMPLE_SCHEMA
        .replace("entity Tenant;", "entity Circle in [Circle]; entity Tenant in [Circle];")
        .replace("entity Door in [House];", "entity Door in [House, Circle];")
}

const CIRCLES: &str = r#"[
    {"uid": {"type": "PropDevelopment::Role", "id": "resident"}, "attrs": {}, "parents": []},
    {"uid": {"type": "PropDevelopment::Role", "id": "guard"}, "parents": [{"type": "PropDevelopment::Role", "id": "resident"}]},
    {"uid": {"type": "PropDevelopment::Circle", "id": "all"}, "parents": []},
    {"uid": {"type": "PropDevelopment::Circle", "id": "some"}, "parents": [{"type": "PropDevelopment::Circle", "id": "all"}]},
    {"uid": {"type": "PropDevelopment::Tenant", "id": "north"}, "parents": [{"type": "PropDevelopment::Circle", "id": "some"}]},
    {"uid": {"type": "PropDevelopment::Door", "id": "9:smarthome,5:south,2:h1,2:d1,"}, "parents": [{"type": "PropDevelopment::Circle", "id": "some"}]}
]"#;

fn judged(policy: &str, constants: &str, case: &Case) -> Judgement {
    let text = format!("@id(\"p\") @reason(\"r\") {policy}");
    case.judge(&compile_with(&schema_with_circles(), &[&text], constants, &[open_door()]).unwrap())
}

#[test]
fn a_role_that_stands_in_another_is_that_other_too_and_not_the_other_way_round() {
    let mut concierge = resident();
    concierge.roles = vec![Stranger::new("concierge")];
    assert!(matches!(concierge.judge(&sample()), Judgement::Permits(_)), "by the sample's constants");
    let without = compile_with(SAMPLE_SCHEMA, &[SAMPLE_DOORS], "[]", &[open_door()]).unwrap();
    assert_eq!(denied_by(concierge.judge(&without)), [""; 0]);
    let only = "permit(principal in PropDevelopment::Role::\"concierge\", action, resource);";
    assert!(matches!(judged(only, SAMPLE_CONSTANTS, &concierge), Judgement::Permits(_)));
    assert_eq!(denied_by(judged(only, SAMPLE_CONSTANTS, &resident())), [""; 0]);
}

#[test]
fn things_and_what_the_context_names_stand_in_their_groups() {
    let north = "when { context has tenant && context.tenant in PropDevelopment::Circle::\"all\" }";
    let open = "action == PropDevelopment::Action::\"openDoor\"";
    let far = "when { context.resourceTenant in PropDevelopment::Circle::\"some\" }";
    for (policy, expected) in [
        (format!("permit(principal, action, resource) {north};"), true),
        (format!("permit(principal, {open}, resource) {far};"), true),
        ("permit(principal in PropDevelopment::Circle::\"all\", action, resource);".to_owned(), true),
        ("permit(principal, action, resource in PropDevelopment::Circle::\"some\");".to_owned(), true),
        ("permit(principal, action, resource in PropDevelopment::Circle::\"none\");".to_owned(), false),
    ] {
        let judgement = judged(&policy, CIRCLES, &resident());
        assert_eq!(matches!(judgement, Judgement::Permits(_)), expected, "{policy}");
        assert!(matches!(judged(&policy, "[]", &resident()), Judgement::Denies(_)), "{policy}: without constants");
    }
    // A policy's own words are looked up as well.
    let words = "permit(principal, action, resource) when { PropDevelopment::Tenant::\"north\" in PropDevelopment::Circle::\"all\" };";
    assert!(matches!(judged(words, CIRCLES, &resident()), Judgement::Permits(_)));
}

#[test]
fn what_does_not_fit_is_told_with_its_place() {
    let uid = |kind: &str, id: &str| format!(r#"{{"type": "PropDevelopment::{kind}", "id": "{id}"}}"#);
    let entry = |child: &str, parents: &[String]| format!(r#"{{"uid": {child}, "parents": [{}]}}"#, parents.join(", "));
    let role = |id: &str| uid("Role", id);
    let (a, b) = (entry(&role("a"), &[]), entry(&role("b"), &[role("a")]));
    for (entries, code, said) in [
        (vec![entry(&uid("User", "u"), &[])], "constant-person", "is a person"),
        (vec![entry(&uid("Rolle", "a"), &[])], "unknown-entity-type", "did you mean `PropDevelopment::Role`?"),
        (vec![entry(r#"{"type": "Role", "id": "a"}"#, &[])], "unknown-entity-type", "with its namespace"),
        (vec![entry(&role("watch"), &[role("a")])], "unknown-constant", "add it"),
        (
            vec![a.clone(), entry(&role("aa"), &[]), entry(&role("b"), &[role("ab")])],
            "unknown-constant",
            "did you mean",
        ),
        (vec![a.clone(), a.clone()], "twice", "a second time"),
        (vec![entry(&role("a"), &[role("a")])], "constant-circle", "stands in itself"),
        (vec![entry(&role("a"), &[role("b")]), b.clone()], "constant-circle", "stands in itself"),
        (
            vec![entry(&uid("Tenant", "t"), &[]), entry(&uid("House", "h"), &[uid("Tenant", "t")])],
            "constant-parent",
            "directory",
        ),
        (
            vec![entry(&uid("House", "h"), &[]), entry(&uid("Door", "d"), &[uid("House", "h")])],
            "constant-parent",
            "directory",
        ),
        (vec![a.clone(), entry(&uid("Door", "d"), &[role("a")])], "constant-parent", "does not let"),
        (vec![r#"{"uid": {"type": "PropDevelopment::Role", "id": "a"}}"#.into()], "missing-key", "`parents`"),
        (vec![r#"{"parents": []}"#.into()], "missing-key", "`uid`"),
        (vec![r#"{"uid": {"type": "PropDevelopment::Role"}, "parents": []}"#.into()], "missing-key", "`id`"),
        (vec![r#"{"uid": {}, "parent": []}"#.into()], "missing-key", "`type`"),
        (vec![format!(r#"{{"parent": [], "uid": {}}}"#, role("a"))], "unknown-key", "`parent`"),
        (
            vec![format!(r#"{{"uid": {}, "attrs": {{"floor": 1}}, "parents": []}}"#, role("a"))],
            "constant-attributes",
            "no attributes",
        ),
        (vec![format!(r#"{{"uid": {0}, "uid": {0}, "parents": []}}"#, role("a"))], "malformed-json", "duplicate name"),
        (vec!["7".into()], "malformed-json", "list of"),
    ] {
        let text = format!("[\n{}\n]\n", entries.join(",\n"));
        let told = compile_with(SAMPLE_SCHEMA, &[SAMPLE_DOORS], &text, &[open_door()]).unwrap_err();
        assert!(told.iter().all(|fault| fault.code == code && fault.place.line > 1), "{code}:\n{told}");
        let told = told.to_string();
        assert!(told.contains(said) && told.contains("constants.json:") && told.contains(" | "), "{said} in\n{told}");
    }
    for text in ["", "{}", "[]]", "[\u{feff}]", "[{\"uid\": 1}]"] {
        let told = compile_with(SAMPLE_SCHEMA, &[SAMPLE_DOORS], text, &[open_door()]).unwrap_err();
        assert!(told.iter().all(|fault| fault.code == "malformed-json"), "{text}: {told}");
    }
}

/// What Cedar makes of principal and resource without constants and of the whole file: everything is in the store, and
/// what stands above what is worked out by Cedar.
fn cedars_store(slice: &Slice) -> Entities {
    let file: serde_json::Value = serde_json::from_str(CIRCLES).unwrap();
    let uid = |written: &serde_json::Value| -> EntityUID {
        format!("{}::{}", written["type"].as_str().unwrap(), written["id"]).parse().unwrap()
    };
    let mut parents: BTreeMap<EntityUID, HashSet<EntityUID>> = BTreeMap::new();
    for entry in file.as_array().unwrap() {
        let above = entry["parents"].as_array().unwrap().iter().map(uid);
        parents.entry(uid(&entry["uid"])).or_default().extend(above);
    }
    for known in [&slice.principal, &slice.resource] {
        parents.entry(known.uid().clone()).or_default().extend(known.ancestors().cloned());
    }
    let all = parents.into_iter().map(|(uid, parents)| entity(uid, parents));
    let extensions = Extensions::all_available();
    Entities::from_entities(all, None::<&NoEntitiesSchema>, TCComputation::ComputeNow, extensions).unwrap()
}

fn policies() -> impl Strategy<Value = String> {
    let principals = prop_oneof![
        2 => Just("principal".to_owned()),
        2 => prop_oneof![Just("resident"), Just("guard")].prop_map(|role| format!("principal in PropDevelopment::Role::\"{role}\"")),
        1 => prop_oneof![Just("all"), Just("some")].prop_map(|name| format!("principal in PropDevelopment::Circle::\"{name}\"")),
    ];
    let resources = prop_oneof![
        2 => Just("resource".to_owned()),
        2 => prop_oneof![Just("all"), Just("some")].prop_map(|name| format!("resource in PropDevelopment::Circle::\"{name}\"")),
    ];
    let conditions = prop_oneof![
        2 => Just(""),
        1 => Just("when { context has tenant && context.tenant in PropDevelopment::Circle::\"all\" }"),
        1 => Just("unless { context.resourceTenant in PropDevelopment::Circle::\"some\" }"),
        1 => Just("when { PropDevelopment::Role::\"guard\" in PropDevelopment::Role::\"resident\" }"),
        1 => Just("when { context.ageSeconds + 9223372036854775800 > 0 }"),
    ];
    (prop_oneof![2 => Just("permit"), 1 => Just("forbid")], principals, resources, conditions).prop_map(
        |(effect, principal, resource, condition)| format!("{effect}({principal}, action, {resource}) {condition};"),
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_decision_is_cedars_own_over_all_constants(bodies in proptest::collection::vec(policies(), 0..12), cases in proptest::collection::vec(cases(), 8)) {
        let text: String = bodies.iter().enumerate().map(|(index, body)| format!("@id(\"p{index}\") @reason(\"r\") {body}\n")).collect();
        let source = Source::new("schema.cedarschema", schema_with_circles());
        let mut faults = Diagnostics::new();
        let parsed = read_schema(&source, &mut faults).unwrap();
        let named = read_policies(&[Source::new("p.cedar", text)], &mut faults);
        let constants = Source::new("constants.json", CIRCLES);
        let policies = assemble::assemble(&source, &parsed, &named, Some(&constants), &[open_door()], &mut faults);
        prop_assert!(faults.is_empty(), "{}", faults);
        let schema: &cedar_policy_core::validator::ValidatorSchema = parsed.as_ref();
        let bare = Types::new(schema.entity_type_names());
        for case in &cases {
            let action = policies.action("openDoor").unwrap();
            let context = case.ask(|question| action.context.build(question, &bare));
            let slice = slice(&bare, case);
            let known = |uid: &EntityUID| EntityUIDEntry::known(uid.clone(), None);
            let (principal, resource) = (known(slice.principal.uid()), known(slice.resource.uid()));
            let request = Request::new_unchecked(principal, action.uid.clone(), resource, Some(context));
            let response = Authorizer::new().is_authorized(request, named.set.as_ref(), &cedars_store(&slice));
            let allowed = response.decision == cedar_policy_core::authorizer::Decision::Allow;
            let judgement = case.judge(&policies);
            let errs = response.diagnostics.errors.len();
            prop_assert_eq!(matches!(judgement, Judgement::Errs(_)), errs > 0);
            prop_assert_eq!(matches!(judgement, Judgement::Permits(_)), allowed && errs == 0);
        }
    }
}

//! The room as its users see it: the sample bundle's decisions, the index against Cedar's own authorizer, the context
//! against the schema, tenants apart, and every fault at load.

mod asked;
mod clauses;
mod constants;
mod events;
mod local_time;
mod mutants;
mod narrow;
mod sample;
mod until;
mod weighing;

use super::compile::read_policies;
use super::compile::read_schema;
use super::*;
use crate::clock::UnixSeconds;
use crate::diagnostic::Diagnostics;
use crate::diagnostic::Source;
use crate::json::Value;
use crate::model::IdentifierKind;
use crate::model::InputValue;
use crate::model::Located;
use crate::model::Name;
use crate::model::Recordable;
use crate::model::ResourceId;
use crate::model::RightKind;
use crate::model::Stranger;
use crate::model::TenantId;
use crate::model::Zone;
use cedar_policy_core::authorizer::AuthorizationError;
use proptest::prelude::*;
use std::sync::Arc;

const SAMPLE_SCHEMA: &str = include_str!("../../policies/cedar/schema.cedarschema");
const SAMPLE_CONSTANTS: &str = include_str!("../../policies/cedar/constants.json");
const SAMPLE_DOORS: &str = include_str!("../../policies/cedar/doors.cedar");
const SAMPLE_REVOCATIONS: &str = include_str!("../../policies/cedar/revocations.cedar");
const BACKEND: &str = "spiffe://prop.example/backend";
const NOW: Option<UnixSeconds> = Some(UnixSeconds::new(0));

/// All that a question needs, owned, so that a test changes one thing.
#[derive(Clone, Debug)]
struct Case {
    partner: Name,
    action: Name,
    peer: String,
    subject: String,
    tenant: Option<TenantId>,
    kind: &'static str,
    purpose: &'static str,
    device: Option<String>,
    roles: Vec<Stranger>,
    scopes: Vec<Stranger>,
    houses: Vec<Stranger>,
    acr: Option<String>,
    amr: Vec<Stranger>,
    authenticated_at: Option<u64>,
    kind_of_right: RightKind,
    grants: Vec<(String, Option<String>)>,
    located: Located,
    age: Option<u64>,
    /// Seconds of Unix time; a Thursday's first of them is nought.
    now: Option<u64>,
    values: Vec<(String, Value)>,
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn thing(kind: &str, parts: &[&str]) -> ResourceId {
    ResourceId { kind: kind.into(), parts: parts.iter().map(|part| Box::from(*part)).collect() }
}

fn door(tenant: &str, house: &str, door: &str) -> Located {
    Located {
        resource: thing("Door", &[house, door]),
        tenant: name(tenant),
        ancestors: vec![thing("House", &[house])],
        zone: Zone::UTC,
        partners: Arc::default(),
        directory_version: 7,
    }
}

/// A resident of `north` who may open the main door of house `h1`, and asks for it.
fn resident() -> Case {
    Case {
        partner: name("smarthome"),
        action: name("openDoor"),
        peer: BACKEND.into(),
        subject: "user-1".into(),
        tenant: Some(name("north")),
        kind: "session",
        purpose: "access",
        device: Some("phone-1".into()),
        roles: vec![Stranger::new("resident")],
        scopes: vec![Stranger::new("doors:open")],
        houses: vec![Stranger::new("h1")],
        acr: Some("urn:two-factors".into()),
        amr: vec![Stranger::new("pwd"), Stranger::new("otp")],
        authenticated_at: Some(0),
        kind_of_right: RightKind::Door,
        grants: vec![("h1".into(), Some("main".into()))],
        located: door("north", "h1", "main"),
        age: Some(1),
        now: Some(0),
        values: vec![("reason".into(), Value::from("guest"))],
    }
}

impl Case {
    fn ask<T>(&self, with: impl FnOnce(&Question<'_>) -> T) -> T {
        let request = |name: &str| self.values.iter().find(|(known, _)| known == name).map(|(_, value)| value);
        let grants =
            self.grants.iter().map(|(house, thing)| Grant { kind: self.kind_of_right, house, thing: thing.as_deref() });
        with(&Question {
            partner: Some(&self.partner),
            action: &self.action,
            purpose: self.purpose,
            peer: &self.peer,
            bearer: Bearer {
                issuer: "https://id.prop.example",
                subject: &self.subject,
                tenant: self.tenant.as_ref(),
                kind: self.kind,
                device: self.device.as_deref(),
                client_id: Some("app"),
                acr: self.acr.as_deref(),
                amr: &self.amr,
                authenticated_at: self.authenticated_at.map(UnixSeconds::new),
                roles: &self.roles,
                scopes: &self.scopes,
                houses: &self.houses,
            },
            grants: grants.collect(),
            right: None,
            located: &self.located,
            now: self.now.map(UnixSeconds::new),
            age_seconds: self.age,
            request: &request,
        })
    }

    fn judge(&self, policies: &Policies) -> Judgement {
        self.ask(|question| policies.judge(question))
    }
}

fn slice(types: &super::entities::Types, case: &Case) -> super::entities::Slice {
    let given = case.ask(|question| types.given(&question.bearer, question.partner, question.located));
    types.place(given.unwrap())
}

fn open_door() -> Demand {
    let value = |name: &str, required, recordable| DemandValue {
        name: name.into(),
        kind: ValueKind::Text,
        required,
        recordable,
    };
    Demand {
        operation: name("openDoor"),
        stated: None,
        by: DemandedBy::User,
        action: name("openDoor"),
        resource: "Door".into(),
        dated: true,
        values: vec![
            value("houseId", true, Recordable::Value),
            value("note", false, Recordable::Nothing),
            value("reason", false, Recordable::Value),
            value("userId", true, Recordable::Handle(IdentifierKind::User)),
        ],
    }
}

fn compile(schema: &str, policies: &[&str], demands: &[Demand]) -> Result<Policies, Diagnostics> {
    compile_with(schema, policies, SAMPLE_CONSTANTS, demands)
}

fn compile_with(schema: &str, policies: &[&str], constants: &str, demands: &[Demand]) -> Result<Policies, Diagnostics> {
    let files = policies.iter().enumerate();
    let files: Vec<Source> = files.map(|(index, text)| Source::new(format!("{index}.cedar"), *text)).collect();
    let constants = Source::new("constants.json", constants);
    Policies::compile(&Source::new("schema.cedarschema", schema), &files, Some(&constants), demands)
}

fn sample() -> Policies {
    compile(SAMPLE_SCHEMA, &[SAMPLE_DOORS, SAMPLE_REVOCATIONS], &[open_door()]).unwrap()
}

fn ids(decision: &Decision) -> Vec<&str> {
    decision.policies().iter().map(AsRef::as_ref).collect()
}

fn denied_by(judgement: Judgement) -> Vec<String> {
    match judgement {
        Judgement::Denies(decision) => ids(&decision).into_iter().map(str::to_owned).collect(),
        other => panic!("no denial: {other:?}"),
    }
}

#[test]
fn a_resident_opens_the_door_that_the_token_names_and_any_of_a_house_that_it_names() {
    let Judgement::Permits(decision) = resident().judge(&sample()) else { panic!("denied") };
    assert_eq!(ids(&decision), ["open-granted-door"]);
    let mut case = resident();
    case.grants = vec![("h1".into(), None)];
    assert!(matches!(case.judge(&sample()), Judgement::Permits(_)));
}

#[test]
fn the_sample_bundle_denies_whatever_is_not_so_and_names_the_policy() {
    let policies = sample();
    let refused = |change: &dyn Fn(&mut Case)| {
        let mut case = resident();
        change(&mut case);
        denied_by(case.judge(&policies))
    };
    assert_eq!(refused(&|case| case.kind = "sign-in"), [""; 0]);
    assert_eq!(refused(&|case| case.roles.clear()), [""; 0]);
    assert_eq!(refused(&|case| case.grants.clear()), [""; 0]);
    assert_eq!(refused(&|case| case.grants = vec![("h1".into(), Some("yard".into()))]), [""; 0]);
    assert_eq!(refused(&|case| case.grants = vec![("h2".into(), None)]), [""; 0]);
    assert_eq!(refused(&|case| case.age = Some(11)), ["door-at-once"]);
    assert_eq!(refused(&|case| case.tenant = None), ["door-of-own-tenant"]);
    assert_eq!(refused(&|case| case.partner = name("other")), ["door-by-smarthome"]);
    assert_eq!(refused(&|case| case.peer = "spiffe://prop.example/other".into()), ["door-by-backend"]);
    assert_eq!(refused(&|case| case.action = name("openBarrier")), [""; 0]);
    let mut at_the_limit = resident();
    at_the_limit.age = Some(10);
    assert!(matches!(at_the_limit.judge(&policies), Judgement::Permits(_)));
}

#[test]
fn a_right_never_reaches_a_door_of_another_tenant_even_where_no_policy_says_so() {
    // The forbid is left out: only the uids keep tenants apart.
    let permit = "@id(\"open\") @reason(\"r\") permit(principal, action == PropDevelopment::Action::\"openDoor\", resource) when { context.grantedDoors.contains(resource) || resource in context.grantedHouses };";
    let policies = compile(SAMPLE_SCHEMA, &[permit], &[open_door()]).unwrap();
    for grant in [("h9".to_owned(), Some("main".to_owned())), ("h9".to_owned(), None)] {
        let mut case = resident();
        case.grants = vec![grant];
        case.located = door("south", "h9", "main");
        assert_eq!(denied_by(case.judge(&policies)), [""; 0]);
        case.located = door("north", "h9", "main");
        assert!(matches!(case.judge(&policies), Judgement::Permits(_)));
        // A token without tenant means the one house of that id; the sample's policies refuse such tokens.
        case.located = door("south", "h9", "main");
        case.tenant = None;
        assert!(matches!(case.judge(&policies), Judgement::Permits(_)));
        assert_eq!(denied_by(case.judge(&sample())), ["door-of-own-tenant"]);
    }
}

#[test]
fn houses_that_a_token_lists_are_those_of_its_own_tenant_and_open_nothing() {
    let schema =
        SAMPLE_SCHEMA.replacen("grantedHouses: Set<House>,", "grantedHouses: Set<House>, houses: Set<House>,", 1);
    let permit = "@id(\"own\") @reason(\"r\") permit(principal, action == PropDevelopment::Action::\"openDoor\", resource) when { resource in context.houses };";
    let policies = compile(&schema, &[permit], &[open_door()]).unwrap();
    let mut case = resident();
    case.grants = vec![];
    assert!(matches!(case.judge(&policies), Judgement::Permits(_)), "a policy may ask for them");
    // By the sample's policies they are worth nothing.
    assert_eq!(denied_by(case.judge(&sample())), [""; 0]);
    for (houses, tenant) in
        [(&["h2"][..], Some("north")), (&[], Some("north")), (&["h1"], Some("south")), (&["h1"], None)]
    {
        let mut case = case.clone();
        case.houses = houses.iter().map(|house| Stranger::new(*house)).collect();
        case.tenant = tenant.map(name);
        assert_eq!(denied_by(case.judge(&policies)), [""; 0], "{houses:?} of {tenant:?}");
    }
    // Whoever is of another tenant has houses there: the same name is another house.
    case.located = door("south", "h1", "main");
    assert_eq!(denied_by(case.judge(&policies)), [""; 0]);
    // What they are made of is checked when the bundle loads.
    let wrong = schema.replacen("houses: Set<House>,", "houses: Set<Door>,", 1);
    assert!(compile(&wrong, &[permit], &[open_door()]).is_err());
}

#[test]
fn a_policy_that_errs_denies_also_where_another_permits() {
    // Validation cannot see an overflow; Cedar alone would pass over the forbid and allow.
    let text = "@id(\"all\") @reason(\"r\") permit(principal, action, resource);
        @id(\"sum\") @reason(\"r\") forbid(principal, action == PropDevelopment::Action::\"openDoor\", resource) when { context.ageSeconds + 9223372036854775807 == 0 };";
    let policies = compile(SAMPLE_SCHEMA, &[text], &[open_door()]).unwrap();
    let Judgement::Errs(decision) = resident().judge(&policies) else { panic!("no error") };
    assert_eq!(decision.errors().iter().map(AsRef::as_ref).collect::<Vec<&str>>(), ["sum"]);
    let mut young = resident();
    young.age = Some(0);
    assert!(matches!(young.judge(&policies), Judgement::Permits(_)));
}

#[test]
fn the_decision_names_what_the_policies_read_and_never_a_person() {
    let schema = SAMPLE_SCHEMA.replace(
        "peer: String,",
        "peer: String, device?: String, request: { reason?: String, note?: String, userId: String },",
    );
    let text = "@id(\"a\") @reason(\"r\") permit(principal, action == PropDevelopment::Action::\"openDoor\", resource) when { context.ageSeconds < 5 && context has device && context.device != \"x\" && context.request.userId != \"x\" && context.request has note && context.request.note != \"x\" && context.request has reason && context.request.reason == \"guest\" && context.grantedDoors.contains(resource) };";
    let policies = compile(&schema, &[text], &[open_door()]).unwrap();
    let mut case = resident();
    case.values.extend([("userId".into(), Value::from("user-1")), ("note".into(), Value::from("Ivanov asks"))]);
    let Judgement::Permits(decision) = case.judge(&policies) else { panic!("denied") };
    let inputs: Vec<_> = decision.inputs().iter().map(|input| (&*input.name, input.value.clone())).collect();
    let json = |text: &str| InputValue::Json(text.into());
    assert_eq!(
        inputs,
        [
            ("ageSeconds", json("1")),
            ("device", InputValue::Person(IdentifierKind::Device)),
            ("grantedDoors", json(r#"[{"Door":"9:smarthome,5:north,2:h1,4:main,"}]"#)),
            ("request.note", InputValue::Withheld),
            ("request.reason", json(r#""guest""#)),
            ("request.userId", InputValue::Person(IdentifierKind::User)),
        ]
    );
    assert!(decision.inputs().iter().all(|input| !input.name.ends_with(".in")), "no policy asks what anything is in");
    let text = format!("{decision:?}");
    assert!(!text.contains("guest") && !text.contains("phone-1") && text.contains("ageSeconds: <1 bytes>"), "{text}");
}

#[test]
fn the_decision_names_the_roles_and_parents_out_of_which_policies_ask_and_no_others() {
    let input = |case: &Case, policies: &Policies, name: &str| {
        let (Judgement::Permits(decision) | Judgement::Denies(decision)) = case.judge(policies) else {
            panic!("erred")
        };
        let found = decision.inputs().iter().find(|input| &*input.name == name).map(|input| input.value.clone());
        found.map(|value| match value {
            InputValue::Json(text) => text.into_string(),
            other => panic!("{other:?}"),
        })
    };
    let mut case = resident();
    case.roles.push(Stranger::new("chess-club"));
    let (roles, above) = ("principal.in", "resource.in");
    let resident = r#"[{"Role":"resident"}]"#;
    assert_eq!(input(&case, &sample(), roles).as_deref(), Some(resident), "the sample asks for one role");
    let house = r#"[{"House":"9:smarthome,5:north,2:h1,"},{"Tenant":"north"}]"#;
    assert_eq!(input(&case, &sample(), above).as_deref(), Some(house), "and whether the door is in what was granted");
    case.roles.remove(0);
    assert_eq!(input(&case, &sample(), roles).as_deref(), Some("[]"), "that it is not so is told as well");
    let blind = "@id(\"a\") @reason(\"r\") permit(principal, action, resource);";
    let blind = compile(SAMPLE_SCHEMA, &[blind], &[open_door()]).unwrap();
    assert_eq!((input(&case, &blind, roles), input(&case, &blind, above)), (None, None));
}

#[test]
fn a_peer_revokes_only_if_a_policy_names_it() {
    let policies = sample();
    let north = name("north");
    for tenant in [None, Some(&north)] {
        assert!(matches!(policies.judge_peer(BACKEND, "revoke", tenant, NOW), Judgement::Permits(_)));
        assert_eq!(denied_by(policies.judge_peer("spiffe://prop.example/other", "revoke", tenant, NOW)), [""; 0]);
        assert_eq!(denied_by(policies.judge_peer(BACKEND, "openDoor", tenant, NOW)), [""; 0]);
        assert_eq!(denied_by(policies.judge_peer(BACKEND, "nothing", tenant, NOW)), [""; 0]);
    }
}

#[test]
fn a_context_that_was_built_from_values_is_one_that_the_schema_accepts() {
    let all = "acr?: String, amr: Set<String>, authAgeSeconds?: Long, clientId: String, device?: String, houses: Set<House>, issuer: String, roles: Set<String>, scopes: Set<String>, request: { reason?: String, userId: String, count?: Long, guest?: Bool },";
    let schema = SAMPLE_SCHEMA.replace("peer: String,", &format!("peer: String, {all}"));
    let mut demand = open_door();
    let value =
        |name: &str, kind| DemandValue { name: name.into(), kind, required: false, recordable: Recordable::Value };
    demand.values.extend([value("count", ValueKind::Integer), value("guest", ValueKind::Boolean)]);
    // A policy that takes the context as a whole reads all of it.
    let text = "@id(\"a\") @reason(\"r\") permit(principal, action, resource) when { [context].contains(context) };";
    let policies = compile(&schema, &[text], &[demand]).unwrap();
    let mut full = resident();
    full.values = vec![
        ("reason".into(), Value::from("guest")),
        ("userId".into(), Value::from("user-1")),
        ("count".into(), Value::from(3)),
        ("guest".into(), Value::from(true)),
    ];
    let mut bare = resident();
    (bare.tenant, bare.device, bare.acr, bare.authenticated_at) = (None, None, None, None);
    (bare.roles, bare.scopes, bare.amr, bare.grants) = (vec![], vec![], vec![], vec![]);
    bare.houses = vec![];
    bare.values = vec![("userId".into(), Value::from("user-1"))];
    let mut foreign = full.clone();
    foreign.located = door("south", "h9", "x");
    let (schema, _) = cedar_policy::Schema::from_cedarschema_str(&schema).unwrap();
    for (case, attributes) in [(full, 21), (bare, 17), (foreign, 21)] {
        let action = policies.action("openDoor").unwrap();
        let context = case.ask(|question| action.context.build(question, &policies.types));
        assert_eq!(context.num_keys(), attributes);
        let slice = slice(&policies.types, &case);
        let validated = cedar_policy_core::ast::Request::new(
            (slice.principal.uid().clone(), None),
            (action.uid.uid().unwrap().clone(), None),
            (slice.resource.uid().clone(), None),
            context,
            Some(AsRef::<cedar_policy_core::validator::ValidatorSchema>::as_ref(&schema)),
            cedar_policy_core::extensions::Extensions::all_available(),
        );
        validated.unwrap();
        // The entities too, with the hierarchy that the schema declares.
        let entities = [slice.principal, slice.resource].map(cedar_policy::Entity::from);
        cedar_policy::Entities::from_entities(entities, Some(&schema)).unwrap();
    }
}

#[test]
fn everything_that_does_not_fit_is_told_at_load() {
    let policy = |annotations: &str, rest: &str| format!("{annotations}\n{rest}");
    let all = "permit(principal, action, resource);";
    for (text, code) in [
        (policy("@reason(\"r\")", all), "missing-id"),
        (policy("@id(\"a\")", all), "missing-reason"),
        (policy("@id(\"a\") @reason(\"two\\nlines\")", all), "missing-reason"),
        (policy("@id(\"a b\") @reason(\"r\")", all), "not-a-name"),
        (policy("@id(\"a\") @reason(\"r\") @raeson(\"x\")", all), "unknown-annotation"),
        (
            policy("@id(\"a\") @reason(\"r\")", "permit(principal, action, resource) when { context.age > 1 };"),
            "cedar-validation",
        ),
        (
            policy(
                "@id(\"a\") @reason(\"r\")",
                "permit(principal, action, resource) when { context.tenant == context.resourceTenant };",
            ),
            "cedar-validation",
        ),
        (policy("@id(\"a\") @reason(\"r\")", "permit(principal, action, resource) when { false };"), "cedar-warning"),
        (policy("@id(\"a\") @reason(\"r\")", "permit(principal == ?principal, action, resource);"), "cedar-template"),
        (policy("@id(\"a\") @reason(\"r\")", "permit(principal, action resource);"), "cedar-syntax"),
    ] {
        let told = compile(SAMPLE_SCHEMA, &[&text], &[open_door()]).unwrap_err();
        assert!(told.iter().any(|fault| fault.code == code), "{code} for {text}:\n{told}");
    }
    let one = policy("@id(\"a\") @reason(\"r\")", all);
    let told = compile(SAMPLE_SCHEMA, &[&one, &one], &[open_door()]).unwrap_err().to_string();
    assert!(told.contains("repeated-id") && told.contains("1.cedar:1:1") && told.contains("0.cedar, line 1"), "{told}");
}

#[test]
fn a_cedar_error_comes_with_file_line_and_snippet() {
    let text = "@id(\"a\")\n@reason(\"r\")\npermit(principal, action, resource)\nwhen { context.ageSecond > 1 };\n";
    let told = compile(SAMPLE_SCHEMA, &[text], &[open_door()]).unwrap_err().to_string();
    assert!(told.contains("0.cedar:4:") && told.contains("when { context.ageSecond > 1 };"), "{told}");
    assert!(told.contains("did you mean `ageSeconds`"), "{told}");
}

#[test]
fn a_schema_that_asks_for_what_nobody_provides_is_told_so() {
    let with = |from: &str, to: &str| {
        assert!(SAMPLE_SCHEMA.contains(from), "{from}");
        compile(&SAMPLE_SCHEMA.replace(from, to), &[], &[open_door()]).unwrap_err().to_string()
    };
    for (from, to, expected) in [
        ("ageSeconds: Long", "ageSecond: Long", "did you mean `ageSeconds`?"),
        ("ageSeconds: Long", "ageSeconds: String", "declare it as `Long`"),
        ("tenant?: Tenant", "tenant: Tenant", "declare it as `tenant?`"),
        ("grantedDoors: Set<Door>", "grantedDoors: Set<House>", "declared as `Set<PropDevelopment::House>`"),
        (
            "peer: String,",
            "peer: String, request: { nobody?: String },",
            "no operation or event of the action has the value `nobody`",
        ),
        ("peer: String,", "peer: String, request: { reason: String },", "may be absent from `openDoor`"),
        ("peer: String,", "peer: String, request: { reason?: Long },", "is not what `openDoor` declares"),
        ("entity Door in [House];", "entity Door in [House] { floor: Long };", "declares attributes"),
        ("action openDoor", "action openDoors", "did you mean `openDoors`?"),
        ("resource: [Door]", "resource: [House]", "does not apply to the resource `Door`"),
        ("context: {}", "context: { tenant?: Tenant }", "nothing provides `context.tenant`"),
        ("entity Partner;", "", "cedar-schema"),
    ] {
        let told = with(from, to);
        assert!(told.contains(expected), "{expected} in\n{told}");
    }
    let mut undated = open_door();
    undated.dated = false;
    let told = compile(SAMPLE_SCHEMA, &[], &[undated]).unwrap_err().to_string();
    assert!(told.contains("declare it as `ageSeconds?`"), "{told}");
}

/// A scope's constraint on the principal.
fn principals() -> impl Strategy<Value = String> {
    let role = prop_oneof![Just("resident"), Just("guard"), Just("nobody")];
    prop_oneof![
        3 => Just("principal".to_owned()),
        1 => Just("principal is PropDevelopment::User".to_owned()),
        1 => Just("principal is PropDevelopment::Backend".to_owned()),
        2 => role.clone().prop_map(|role| format!("principal in PropDevelopment::Role::\"{role}\"")),
        1 => role.prop_map(|role| format!("principal is PropDevelopment::User in PropDevelopment::Role::\"{role}\"")),
        1 => Just("principal in PropDevelopment::Tenant::\"north\"".to_owned()),
        2 => "user-[12]".prop_map(|user| format!("principal == PropDevelopment::User::\"23:https://id.prop.example,5:north,6:{user},\"")),
    ]
}

/// A scope's constraint on the resource.
fn resources() -> impl Strategy<Value = String> {
    let tenant = prop_oneof![Just("5:north,"), Just("5:south,")];
    let both = (tenant, "h[12]", "d[12]");
    prop_oneof![
        3 => Just("resource".to_owned()),
        1 => Just("resource is PropDevelopment::Door".to_owned()),
        1 => Just("resource in PropDevelopment::Tenant::\"south\"".to_owned()),
        2 => both.clone().prop_map(|(tenant, house, _)| format!("resource in PropDevelopment::House::\"9:smarthome,{tenant}2:{house},\"")),
        2 => both.clone().prop_map(|(tenant, house, door)| format!("resource == PropDevelopment::Door::\"9:smarthome,{tenant}2:{house},2:{door},\"")),
        1 => both.prop_map(|(tenant, house, _)| format!("resource is PropDevelopment::Door in PropDevelopment::House::\"9:smarthome,{tenant}2:{house},\"")),
    ]
}

/// A whole policy, without its annotations; some err at run time.
fn bodies() -> impl Strategy<Value = String> {
    let actions = prop_oneof![
        Just("action"),
        Just("action == PropDevelopment::Action::\"openDoor\""),
        Just("action == PropDevelopment::Action::\"revoke\""),
        Just("action in [PropDevelopment::Action::\"moving\"]"),
        Just("action in [PropDevelopment::Action::\"openDoor\", PropDevelopment::Action::\"revoke\"]"),
    ];
    let conditions = prop_oneof![
        3 => Just(""),
        2 => Just("when { context.ageSeconds > 5 }"),
        2 => Just("when { context.grantedDoors.contains(resource) }"),
        2 => Just("unless { resource in context.grantedHouses }"),
        1 => Just("when { context.ageSeconds + 9223372036854775800 > 0 }"),
        1 => Just("when { context has tenant && context.tenant == context.resourceTenant }"),
        1 => Just("when { context.localMinuteOfDay < 480 }"),
        1 => Just("unless { context.localWeekday == 4 }"),
    ];
    let effects = prop_oneof![2 => Just("permit"), 1 => Just("forbid")];
    (effects, principals(), actions, resources(), conditions).prop_map(
        |(effect, principal, action, resource, condition)| {
            format!("{effect}({principal}, {action}, {resource}) {condition};")
        },
    )
}

fn cases() -> impl Strategy<Value = Case> {
    let tenant = || prop_oneof![Just("north"), Just("south")];
    let roles = proptest::sample::subsequence(vec!["resident", "guard"], 0..=2);
    let grants = proptest::collection::vec(("h[12]", proptest::option::of("d[12]")), 0..3);
    let times = (0_u64..12, 0_u64..200_000);
    (("user-[12]", proptest::option::of(tenant()), roles, grants), (tenant(), "h[12]", "d[12]"), times).prop_map(
        |((subject, own, roles, grants), (tenant, house, part), (age, now))| Case {
            now: Some(now),
            subject,
            tenant: own.map(name),
            roles: roles.into_iter().map(Stranger::new).collect(),
            grants,
            located: door(tenant, &house, &part),
            age: Some(age),
            ..resident()
        },
    )
}

/// The same question from people in other roles, in which its policies may or may not be interested.
fn twins(case: &Case) -> Vec<Case> {
    let roles = [&[][..], &["resident"], &["guard"], &["resident", "guard"], &["gardener"]];
    let with =
        |roles: &&[&str]| Case { roles: roles.iter().map(|role| Stranger::new(*role)).collect(), ..case.clone() };
    roles.iter().map(with).collect()
}

/// The inputs as a record holds them.
fn recorded(decision: &Decision) -> String {
    let told = |input: &Input| match &input.value {
        InputValue::Json(text) => format!("{}={text}", input.name),
        other => format!("{}={other:?}", input.name),
    };
    decision.inputs().iter().map(told).collect::<Vec<_>>().join(" ")
}

/// Cedar's own decision over the whole set: allowed, determining ids, erring ids; the ids sorted.
fn whole(policies: &Policies, set: &cedar_policy::PolicySet, case: &Case) -> (bool, Vec<String>, Vec<String>) {
    let action = policies.action("openDoor").unwrap();
    let context = case.ask(|question| action.context.build(question, &policies.types));
    let slice = slice(&policies.types, case);
    let request = cedar_policy_core::ast::Request::new_unchecked(
        cedar_policy_core::ast::EntityUIDEntry::known(slice.principal.uid().clone(), None),
        action.uid.clone(),
        cedar_policy_core::ast::EntityUIDEntry::known(slice.resource.uid().clone(), None),
        Some(context),
    );
    let entities = slice.store(action.group.as_ref(), Vec::new()).unwrap();
    let response = cedar_policy_core::authorizer::Authorizer::new().is_authorized(request, set.as_ref(), &entities);
    let mut reasons: Vec<String> = response.diagnostics.reason.iter().map(ToString::to_string).collect();
    let mut errors: Vec<String> = response
        .diagnostics
        .errors
        .iter()
        .map(|AuthorizationError::PolicyEvaluationError { id, .. }| id.to_string())
        .collect();
    reasons.sort();
    errors.sort();
    (response.decision == cedar_policy_core::authorizer::Decision::Allow, reasons, errors)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_indexed_decision_is_that_over_the_whole_set(bodies in proptest::collection::vec(bodies(), 0..24), cases in proptest::collection::vec(cases(), 12)) {
        let schema = SAMPLE_SCHEMA
            .replace("action openDoor appliesTo", "action moving; action openDoor in [moving] appliesTo");
        // Not every generated policy can hold, which strict validation would say: such ones are part of the test.
        let text: String = bodies.iter().enumerate().map(|(index, body)| format!("@id(\"p{index}\") @reason(\"r\") {body}\n")).collect();
        let source = Source::new("schema.cedarschema", schema);
        let mut faults = Diagnostics::new();
        let parsed = read_schema(&source, &mut faults).unwrap();
        let named = read_policies(&[Source::new("p.cedar", text)], &mut faults);
        let policies = super::assemble::assemble(&source, &parsed, &named, None, &[open_door()], &mut faults);
        prop_assert!(faults.is_empty(), "{}", faults);
        // What the record holds suffices to decide again: who has the same on record has the same decision.
        let mut known = std::collections::HashMap::new();
        for case in cases.iter().take(5).flat_map(twins) {
            let judgement = case.judge(&policies);
            let (Judgement::Permits(decision) | Judgement::Denies(decision) | Judgement::Errs(decision)) = &judgement;
            let thing = (&case.located.tenant, &case.located.resource.parts);
            let recorded = format!("{:?} {:?} {thing:?} {}", case.subject, case.tenant, recorded(decision));
            let first = known.entry(recorded).or_insert_with(|| judgement.clone());
            prop_assert_eq!(&*first, &judgement);
        }
        for case in &cases {
            let (allowed, reasons, errors) = whole(&policies, &named.set, case);
            let judgement = case.judge(&policies);
            let sorted = |list: &[std::sync::Arc<str>]| { let mut list: Vec<String> = list.iter().map(ToString::to_string).collect(); list.sort(); list };
            let (decision, permits) = match &judgement {
                Judgement::Permits(decision) => (decision, true),
                Judgement::Denies(decision) | Judgement::Errs(decision) => (decision, false),
            };
            prop_assert_eq!(permits, allowed && errors.is_empty());
            prop_assert_eq!(matches!(judgement, Judgement::Errs(_)), !errors.is_empty());
            prop_assert_eq!(sorted(decision.policies()), reasons);
            prop_assert_eq!(sorted(decision.errors()), errors);
        }
    }
}

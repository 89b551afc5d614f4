//! A question that was kept: it is judged again as it was the first time, and Cedar's own authorizer says the same.

use super::sample::ACTIONS;
use super::sample::good;
use super::sample::whole_sample;
use super::*;
use parking_lot::Mutex;

/// Keeps what it sees.
#[derive(Default)]
pub(super) struct Keeper(Mutex<Vec<Asked>>);

impl Witness for Keeper {
    fn saw(&self, asked: Asked) {
        self.0.lock().push(asked);
    }
}

/// What a case asks of `policies`, kept.
pub(super) fn kept(policies: &Policies, case: &Case) -> Asked {
    let keeper = Arc::new(Keeper::default());
    let witness: Arc<dyn Witness> = Arc::clone(&keeper) as Arc<dyn Witness>;
    let judgement = case.judge(&policies.witnessed(witness));
    let mut seen = std::mem::take(&mut *keeper.0.lock());
    assert_eq!(seen.len(), 1);
    let asked = seen.remove(0);
    assert_eq!(*asked.judgement(), judgement);
    assert_eq!(case.judge(policies), judgement, "a witness changes nothing");
    asked
}

/// Every action of the sample as it is permitted, and all that the sample refuses.
pub(super) fn all() -> Vec<Case> {
    let changes: [&dyn Fn(&mut Case); 10] = [
        &|_| (),
        &|case| case.roles.clear(),
        &|case| case.roles = vec![Stranger::new("service")],
        &|case| case.grants.clear(),
        &|case| case.partner = name("other"),
        &|case| case.peer = "spiffe://x/y".into(),
        &|case| case.tenant = None,
        &|case| case.tenant = Some(name("south")),
        &|case| case.kind = "sign-in",
        &|case| case.age = case.age.map(|_| 20),
    ];
    let both = ACTIONS.into_iter().flat_map(|action| [good(action, false), good(action, true)]);
    both.flat_map(|case| {
        changes.map(|change| {
            let mut case = case.clone();
            change(&mut case);
            case
        })
    })
    .collect()
}

/// Cedar's own decision about a kept question over a whole set: allowed, determining ids, erring ids.
fn cedars(policies: &Policies, set: &cedar_policy::PolicySet, asked: &Asked) -> (bool, Vec<String>, Vec<String>) {
    let (request, entities) = asked.to_cedar(policies).unwrap();
    let response = cedar_policy::Authorizer::new().is_authorized(&request, set, &entities);
    let allowed = response.decision() == cedar_policy::Decision::Allow;
    let mut reasons: Vec<String> = response.diagnostics().reason().map(ToString::to_string).collect();
    let errors = response.diagnostics().errors().map(|error| match error {
        cedar_policy::AuthorizationError::PolicyEvaluationError(error) => error.policy_id().to_string(),
    });
    let mut errors: Vec<String> = errors.collect();
    reasons.sort();
    errors.sort();
    (allowed, reasons, errors)
}

fn ours(judgement: &Judgement) -> (bool, Vec<String>, Vec<String>) {
    let (Judgement::Permits(decision) | Judgement::Denies(decision) | Judgement::Errs(decision)) = judgement;
    let sorted = |list: &[Arc<str>]| {
        let mut list: Vec<String> = list.iter().map(ToString::to_string).collect();
        list.sort();
        list
    };
    (matches!(judgement, Judgement::Permits(_)), sorted(decision.policies()), sorted(decision.errors()))
}

#[test]
fn every_question_to_the_sample_is_judged_again_as_it_was_and_as_cedar_judges_it_over_all_policies() {
    let (policies, files) = whole_sample();
    let set = read_policies(&files, &mut Diagnostics::new()).set;
    let mut permitted = 0;
    for case in all() {
        let asked = kept(&policies, &case);
        assert_eq!(policies.ask_again(&asked), *asked.judgement(), "{asked:?}");
        assert_eq!(ours(asked.judgement()), cedars(&policies, &set, &asked), "{asked:?}");
        permitted += usize::from(matches!(asked.judgement(), Judgement::Permits(_)));
    }
    assert!(permitted > 16, "{permitted}");
}

#[test]
fn other_policies_see_of_a_kept_question_what_their_own_schema_and_constants_say() {
    let asked = kept(&sample(), &resident());
    let reads_more = "@id(\"a\") @reason(\"r\") permit(principal, action == PropDevelopment::Action::\"openDoor\", resource) when { context has device && context.device == \"phone-1\" && context.request.reason == \"guest\" };";
    let schema = SAMPLE_SCHEMA.replace("peer: String,", "peer: String, device?: String, request: { reason?: String },");
    let reads_more =
        reads_more.replace("context.request.reason", "context.request has reason && context.request.reason");
    let more = compile(&schema, &[&reads_more], &[open_door()]).unwrap();
    assert!(matches!(more.ask_again(&asked), Judgement::Permits(_)));
    let group = "@id(\"a\") @reason(\"r\") permit(principal in PropDevelopment::Role::\"staff\", action, resource);";
    let constants = |parents: &str| {
        format!(
            r#"[{{"uid": {{"type": "PropDevelopment::Role", "id": "staff"}}, "parents": []}},
            {{"uid": {{"type": "PropDevelopment::Role", "id": "resident"}}, "parents": [{parents}]}}]"#
        )
    };
    let with = |parents| compile_with(SAMPLE_SCHEMA, &[group], &constants(parents), &[open_door()]).unwrap();
    assert!(matches!(with("").ask_again(&asked), Judgement::Denies(_)));
    let staff = r#"{"type": "PropDevelopment::Role", "id": "staff"}"#;
    assert!(matches!(with(staff).ask_again(&asked), Judgement::Permits(_)));
    // Of an action that is not asked there, nothing is known, and nothing is permitted.
    let schema = SAMPLE_SCHEMA.replace("action openDoor", "action unlockDoor");
    let demand = Demand { action: name("unlockDoor"), ..open_door() };
    let all = "@id(\"a\") @reason(\"r\") permit(principal, action, resource);";
    let other = compile(&schema, &[all], &[demand]).unwrap();
    assert_eq!(other.ask_again(&asked), Judgement::Denies(Decision::default()));
    assert!(asked.to_cedar(&other).is_none());
}

#[test]
fn a_kept_question_shows_who_what_and_which_values_and_says_which_of_them_speak_of_persons() {
    let mut case = resident();
    case.roles = vec![Stranger::new("concierge")];
    case.values.push(("userId".into(), Value::from("user-1")));
    let asked = kept(&sample(), &case);
    assert_eq!(asked.action(), "openDoor");
    let role = |id: &str| Uid { kind: "PropDevelopment::Role".into(), id: id.into() };
    let principal = asked.principal();
    assert_eq!(principal.uid.id, "23:https://id.prop.example,5:north,6:user-1,");
    assert_eq!(&principal.within[..2], [role("concierge"), role("resident")]);
    assert_eq!(asked.resource().uid.to_string(), r#"PropDevelopment::Door::"9:smarthome,5:north,2:h1,4:main,""#);
    let context = asked.context();
    let names: Vec<&str> = context.iter().map(|attribute| &*attribute.name).collect();
    assert!(names.is_sorted(), "{names:?}");
    let named = |name: &str| context.iter().find(|attribute| &*attribute.name == name).unwrap();
    assert_eq!(named("ageSeconds").value, Fact::Long(1));
    assert_eq!(named("tokenKind").value, Fact::Text("session".into()));
    assert_eq!(named("scopes").value, Fact::Set(vec![Fact::Text("doors:open".into())]));
    assert_eq!(named("device").recordable, Recordable::Handle(IdentifierKind::Device));
    assert_eq!(named("request.userId").recordable, Recordable::Handle(IdentifierKind::User));
    assert_eq!(named("request.reason").recordable, Recordable::Value);
    assert_eq!(format!("{asked:?}"), format!("Asked for openDoor with {} attributes", 22));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_asked_of_whichever_policies_is_judged_again_as_it_was(bodies in proptest::collection::vec(bodies(), 0..24), cases in proptest::collection::vec(cases(), 12)) {
        let schema = SAMPLE_SCHEMA
            .replace("action openDoor appliesTo", "action moving; action openDoor in [moving] appliesTo");
        let text: String = bodies.iter().enumerate().map(|(index, body)| format!("@id(\"p{index}\") @reason(\"r\") {body}\n")).collect();
        let source = Source::new("schema.cedarschema", schema);
        let mut faults = Diagnostics::new();
        let parsed = read_schema(&source, &mut faults).unwrap();
        let named = read_policies(&[Source::new("p.cedar", text)], &mut faults);
        let policies = super::assemble::assemble(&source, &parsed, &named, None, &[open_door()], &mut faults);
        prop_assert!(faults.is_empty(), "{}", faults);
        for case in &cases {
            let asked = kept(&policies, case);
            prop_assert_eq!(&policies.ask_again(&asked), asked.judgement());
            let (allowed, reasons, errors) = cedars(&policies, &named.set, &asked);
            let (permits, policies, erring) = ours(asked.judgement());
            prop_assert_eq!((permits, policies, &erring), (allowed && errors.is_empty(), reasons, &errors));
        }
    }
}

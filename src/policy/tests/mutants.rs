//! Mutants: which there are of a policy, what becomes of each, and that a trial says of them what compiled policies would.

use super::asked::all;
use super::asked::kept;
use super::sample::whole_sample;
use super::*;
use crate::policy::compile::Named;
use cedar_policy_core::ast;

/// What is asked of the sample: one action on one type, for one purpose, at one partner.
fn settings() -> Vec<Setting> {
    let of = |(action, resource, partner, purpose): (&str, &str, &str, &str)| Setting {
        action: action.into(),
        principal: "User".into(),
        resource: resource.into(),
        partner: Some(partner.into()),
        purpose: Some(purpose.into()),
        sessions_only: action.starts_with("open"),
        max_age_s: if action == "openDoor" { Some(10) } else { None },
    };
    super::sample::ACTIONS.into_iter().map(of).chain(Setting::own()).collect()
}

fn mutants(policy: &str) -> Vec<(String, String, Fate)> {
    let texts = PolicyText::read(&[Source::new("p.cedar", format!("@id(\"a\") @reason(\"r\")\n{policy}"))]);
    let schema = Source::new("schema.cedarschema", SAMPLE_SCHEMA);
    let all = Mutant::all(&schema, &texts, &settings());
    all.into_iter().map(|mutant| (mutant.clause.text, mutant.change, mutant.fate)).collect()
}

#[test]
fn each_piece_of_a_policy_has_its_mutants_and_each_of_these_its_fate() {
    let found = mutants(
        "permit(principal is PropDevelopment::User in PropDevelopment::Role::\"resident\",\n  action == PropDevelopment::Action::\"openDoor\", resource is PropDevelopment::Door)\nwhen { context.tokenKind == \"session\" && context.purpose == \"access\" }\nunless { context.ageSeconds > 10 || context.localWeekday > 6 }\nwhen { context.grantedDoors.contains(resource) };",
    );
    let fate = |text: &str, change: &str| {
        let one = found.iter().find(|(known, what, _)| known.starts_with(text) && what == change);
        one.unwrap_or_else(|| panic!("{text} {change}: {found:#?}")).2
    };
    for (text, change, expected) in [
        ("permit", "the policy is taken out", Fate::Lives),
        ("permit", "`permit` and `forbid` exchanged", Fate::Lives),
        ("principal is", "what it is `in` taken out", Fate::Lives),
        ("principal is", "the type taken out", Fate::SameBySchema),
        ("principal is", "taken out", Fate::Lives),
        ("action ==", "`==` becomes `in`", Fate::SameBySchema),
        // Other actions have no `ageSeconds`.
        ("action ==", "taken out", Fate::Refused),
        ("resource is", "taken out", Fate::SameBySchema),
        ("context.tokenKind", "always true", Fate::SameByContracts),
        ("context.purpose", "always true", Fate::SameByContracts),
        ("context.purpose", "turned round", Fate::Lives),
        // The contract refuses what is older.
        ("context.ageSeconds > 10", "always false", Fate::SameByContracts),
        ("context.ageSeconds > 10", "`10` becomes `11`", Fate::SameByContracts),
        ("context.ageSeconds > 10", "`10` becomes `9`", Fate::Lives),
        ("context.ageSeconds > 10", "`>` becomes `>=`", Fate::Lives),
        ("context.localWeekday > 6", "`6` becomes `5`", Fate::Lives),
        // What can never be met does not load.
        ("context.localWeekday > 6", "always true", Fate::Refused),
        ("context.localWeekday > 6", "`6` becomes `7`", Fate::Lives),
        ("context.grantedDoors", "any element would do", Fate::Lives),
        ("context.grantedDoors", "always true", Fate::Lives),
    ] {
        assert_eq!(fate(text, change), expected, "{text}: {change}");
    }
}

#[test]
fn a_list_of_actions_loses_one_at_a_time_and_what_guards_an_attribute_cannot_go() {
    let found = mutants(
        "forbid(principal, action in [PropDevelopment::Action::\"openDoor\", PropDevelopment::Action::\"readDoor\"], resource)\nunless { context has tenant && context.tenant == context.resourceTenant };",
    );
    let changes: Vec<&str> =
        found.iter().filter(|(text, ..)| text.starts_with("action")).map(|(_, change, _)| &**change).collect();
    assert_eq!(changes, ["`openDoor` taken out of the list", "`readDoor` taken out of the list", "taken out"]);
    let guard = found.iter().find(|(text, change, _)| text == "context has tenant" && change == "always true").unwrap();
    assert_eq!(guard.2, Fate::Refused);
}

#[test]
fn a_trial_says_of_a_mutant_what_policies_compiled_with_it_would_say() {
    let (policies, files) = whole_sample();
    let texts = PolicyText::read(&files);
    let schema = Source::new("schema.cedarschema", SAMPLE_SCHEMA);
    let mutants = Mutant::all(&schema, &texts, &settings());
    let parsed = read_schema(&schema, &mut Diagnostics::new()).unwrap();
    let asked: Vec<Asked> = all().iter().step_by(3).map(|case| kept(&policies, case)).collect();
    let trial = Trial::new(&policies, &texts, &asked.iter().collect::<Vec<_>>()).unwrap();
    let (demands, mut differing) = (super::sample::demands(), 0);
    for mutant in mutants.iter().filter(|mutant| mutant.fate != Fate::Refused).step_by(2) {
        let mut named = Named::read(&files);
        let id = named.list[mutant.policy].0.id().clone();
        match &mutant.condition {
            None => drop(named.list.remove(mutant.policy)),
            Some(condition) => {
                let effect = if mutant.forbids { ast::Effect::Forbid } else { ast::Effect::Permit };
                let id = ast::PolicyID::from_string(&id);
                let made = ast::Policy::from_when_clause(effect, condition.clone(), id, None);
                named.list[mutant.policy].0 = made.into();
            }
        }
        let constants = Source::new("constants.json", SAMPLE_CONSTANTS);
        let mut faults = Diagnostics::new();
        let compiled = assemble::assemble(&schema, &parsed, &named, Some(&constants), &demands, &mut faults);
        assert!(faults.is_empty(), "{faults}");
        for (number, asked) in asked.iter().enumerate() {
            let outcome = |judgement: &Judgement| {
                let (Judgement::Permits(decision) | Judgement::Denies(decision) | Judgement::Errs(decision)) =
                    judgement;
                (std::mem::discriminant(judgement), decision.policies().to_vec(), decision.errors().to_vec())
            };
            let after = outcome(&compiled.ask_again(asked));
            let before = outcome(asked.judgement());
            match trial.judge(number, mutant) {
                None => assert_eq!(after, before, "{}: {}", mutant.clause.text, mutant.change),
                Some((was, is)) => {
                    assert_eq!(
                        (outcome(&was), outcome(&is)),
                        (before, after),
                        "{}: {}",
                        mutant.clause.text,
                        mutant.change
                    );
                    differing += 1;
                }
            }
        }
    }
    assert!(differing > 100, "{differing}");
}

//! Policies taken apart: the pieces are those that are written, and met together they say what the whole says.

use super::asked::kept;
use super::*;

fn read(text: &str) -> PolicyText {
    PolicyText::read(&[Source::new("p.cedar", text)]).remove(0)
}

#[test]
fn a_condition_is_taken_apart_at_and_or_not_and_if_and_nowhere_else() {
    for (condition, expected) in [
        ("when { context.ageSeconds > 15 }", vec!["context.ageSeconds > 15"]),
        (
            "unless { context has tenant && context.tenant == context.resourceTenant }",
            vec!["context has tenant", "context.tenant == context.resourceTenant"],
        ),
        ("when { 1 != 2 } when { (1 == 1 || 2 >= 1) && !(3 < 4) }", vec!["1 != 2", "1 == 1", "2 >= 1", "3 < 4"]),
        ("when { if 1 == 2 then 2 == 3 else 3 == 4 && 4 == 5 }", vec!["1 == 2", "2 == 3", "3 == 4", "4 == 5"]),
        (
            "when { resource is PropDevelopment::Door in context.house }",
            vec!["resource is PropDevelopment::Door in context.house"],
        ),
        ("", vec![]),
    ] {
        let policy = read(&format!("@id(\"a\") @reason(\"r\")\npermit(principal, action, resource)\n{condition};"));
        let texts: Vec<&str> = policy.clauses.iter().map(|clause| &*clause.text).collect();
        assert_eq!(texts, expected, "{condition}");
        assert!(policy.clauses.iter().all(|clause| clause.place.line == 3), "{condition}");
        assert_eq!((policy.place.line, policy.place.column), (2, 1));
    }
}

#[test]
fn clauses_are_met_in_order_and_no_further_than_cedar_goes() {
    let policies = sample();
    let texts = PolicyText::read(&[Source::new("doors.cedar", SAMPLE_DOORS)]);
    let of = |id: &str| texts.iter().find(|text| text.id == id).unwrap();
    let meet = |case: &Case, id: &str| policies.lay_out(&kept(&policies, case)).unwrap().meet(of(id));
    let (yes, no, not) = (Met::True, Met::False, Met::NotReached);
    let meeting = meet(&resident(), "open-granted-door");
    assert_eq!((meeting.scope, &*meeting.clauses, meeting.holds), ([yes; 3], &[yes, yes, yes, not][..], Some(true)));
    let house = Case { grants: vec![("h1".into(), None)], ..resident() };
    assert_eq!(meet(&house, "open-granted-door").clauses, [yes, yes, no, yes]);
    let signed_in = Case { kind: "sign-in", ..resident() };
    assert_eq!(meet(&signed_in, "open-granted-door").clauses, [no, not, not, not]);
    let nobody = Case { roles: vec![], ..resident() };
    let meeting = meet(&nobody, "open-granted-door");
    assert_eq!((meeting.scope, meeting.holds), ([no, not, not], Some(false)));
    let of_no_tenant = Case { tenant: None, ..resident() };
    let meeting = meet(&of_no_tenant, "door-of-own-tenant");
    assert_eq!((&*meeting.clauses, meeting.holds), (&[no, not][..], Some(true)));
    assert_eq!(meet(&resident(), "see-granted-door").scope, [yes, no, not]);
}

#[test]
fn an_error_and_a_last_day_are_told_apart_from_what_is_false() {
    let sum = "@id(\"a\") @reason(\"r\") permit(principal, action == PropDevelopment::Action::\"openDoor\", resource) when { context.ageSeconds + 9223372036854775807 > 0 };";
    let ended = "@id(\"b\") @reason(\"r\") @until(\"1970-01-01\") permit(principal, action == PropDevelopment::Action::\"openDoor\", resource) when { context.ageSeconds > 0 };";
    let policies = compile(SAMPLE_SCHEMA, &[sum, ended], &[open_door()]).unwrap();
    let meet = |case: &Case, text: &str| policies.lay_out(&kept(&policies, case)).unwrap().meet(&read(text));
    let meeting = meet(&resident(), sum);
    assert_eq!((&*meeting.clauses, meeting.holds), (&[Met::Erred][..], None));
    let meeting = meet(&Case { now: Some(86_400), ..resident() }, ended);
    assert_eq!((meeting.ended, &*meeting.clauses, meeting.holds), (true, &[Met::True][..], Some(false)));
    assert_eq!(meet(&resident(), ended).holds, Some(true));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_pieces_together_say_what_the_policies_said(bodies in proptest::collection::vec(bodies(), 1..12), cases in proptest::collection::vec(cases(), 8)) {
        let schema = SAMPLE_SCHEMA
            .replace("action openDoor appliesTo", "action moving; action openDoor in [moving] appliesTo");
        let text: String = bodies.iter().enumerate().map(|(index, body)| format!("@id(\"p{index}\") @reason(\"r\") {body}\n")).collect();
        let source = Source::new("schema.cedarschema", schema);
        let mut faults = Diagnostics::new();
        let parsed = read_schema(&source, &mut faults).unwrap();
        let files = [Source::new("p.cedar", text)];
        let named = read_policies(&files, &mut faults);
        let policies = super::assemble::assemble(&source, &parsed, &named, None, &[open_door()], &mut faults);
        prop_assert!(faults.is_empty(), "{}", faults);
        let texts = PolicyText::read(&files);
        prop_assert_eq!(texts.len(), bodies.len());
        for case in &cases {
            let asked = kept(&policies, case);
            let scene = policies.lay_out(&asked).unwrap();
            let votes: Vec<(bool, &str, Option<bool>)> = texts.iter().map(|text| (text.forbids, &*text.id, scene.meet(text).holds)).collect();
            let that = |wanted: Option<bool>, forbids: Option<bool>| -> Vec<&str> {
                let found = votes.iter().filter(|(f, _, holds)| *holds == wanted && forbids.is_none_or(|forbids| forbids == *f));
                found.map(|(_, id, _)| *id).collect()
            };
            let (forbids, permits, errors) = (that(Some(true), Some(true)), that(Some(true), Some(false)), that(None, None));
            let (Judgement::Permits(decision) | Judgement::Denies(decision) | Judgement::Errs(decision)) = asked.judgement();
            prop_assert_eq!(ids(decision), if forbids.is_empty() { permits } else { forbids });
            prop_assert_eq!(decision.errors().iter().map(AsRef::as_ref).collect::<Vec<&str>>(), errors);
        }
    }
}

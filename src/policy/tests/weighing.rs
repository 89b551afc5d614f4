//! Policies looked at clause by clause: the same judgement as ever, and a change of facts that really would have let it through.

use super::*;
use crate::policy::known::Known;
use crate::policy::known::Truth;
use parking_lot::Mutex;
use proptest::sample::Index;
use std::sync::LazyLock;

/// Keeps what it saw.
#[derive(Default)]
struct Notebook(Mutex<Vec<Asked>>);

impl Witness for Notebook {
    fn saw(&self, asked: Asked) {
        self.0.lock().push(asked);
    }
}

/// The sample, compiled once for all cases of a property.
static SAMPLE: LazyLock<Policies> = LazyLock::new(sample);

/// What Cedar was asked for a case.
fn asked(case: &Case, policies: &Policies) -> Asked {
    let notebook = Arc::new(Notebook::default());
    let _ = case.judge(&policies.witnessed(Arc::clone(&notebook) as Arc<dyn Witness>));
    let seen = notebook.0.lock().pop();
    seen.expect("the action is known")
}

fn weighed(case: &Case, policies: &Policies) -> Weighed {
    policies.weigh(&asked(case, policies)).expect("the action is known")
}

/// The clauses of a policy that are not true, with what they come to.
fn failing(weighed: &Weighed, id: &str) -> Vec<(String, Truth)> {
    let policy = weighed.policies.iter().find(|policy| &*policy.id == id).expect("it is a policy of the action");
    let clauses = policy.clauses.iter().filter(|clause| clause.truth != Truth::True);
    clauses.map(|clause| (clause.text.replace("PropDevelopment::", ""), clause.truth)).collect()
}

/// A change in short: `name=value`, `+uid`, `-uid`.
fn in_short(change: &Change) -> Vec<String> {
    let uid = |uid: &Uid| format!("{}:{}", uid.kind.replace("PropDevelopment::", ""), uid.id);
    let value = |fact: &Option<Fact>| match fact {
        None => "absent".to_owned(),
        Some(Fact::Text(text)) => text.clone(),
        Some(Fact::Long(number)) => number.to_string(),
        Some(Fact::Bool(truth)) => truth.to_string(),
        Some(Fact::Entity(entity)) => uid(entity),
        Some(Fact::Set(elements)) => format!("{} elements", elements.len()),
    };
    let one = |one: &Move| match one {
        Move::Attribute { name, to, .. } => vec![format!("{name}={}", value(to))],
        Move::Principal { into, out_of } => {
            let into = into.iter().map(|above| format!("+{}", uid(above)));
            into.chain(out_of.iter().map(|above| format!("-{}", uid(above)))).collect()
        }
    };
    change.moves.iter().flat_map(one).collect()
}

/// What would have let a changed resident through: by which policy, and what would be otherwise.
fn change_of(policies: &Policies, change: &dyn Fn(&mut Case)) -> Option<(String, Vec<String>)> {
    let mut case = resident();
    change(&mut case);
    let found = weighed(&case, policies).change?;
    Some((found.by.to_string(), in_short(&found)))
}

#[test]
fn the_smallest_change_is_what_was_changed() {
    let policies = sample();
    let changed = |change: &dyn Fn(&mut Case)| {
        let (by, moves) = change_of(&policies, change).expect("there is a change");
        assert_eq!(by, "open-granted-door");
        moves
    };
    assert_eq!(change_of(&policies, &|_| {}), None, "nothing is to be changed of what is let through");
    assert_eq!(changed(&|case| case.kind = "sign-in"), ["tokenKind=session"]);
    assert_eq!(changed(&|case| case.purpose = "leisure"), ["purpose=access"]);
    assert_eq!(changed(&|case| case.roles.clear()), ["+Role:resident"]);
    assert_eq!(changed(&|case| case.grants.clear()), ["grantedDoors=1 elements"]);
    assert_eq!(changed(&|case| case.age = Some(11)), ["ageSeconds=10"]);
    assert_eq!(changed(&|case| case.tenant = None), ["tenant=Tenant:north"]);
    assert_eq!(changed(&|case| case.partner = name("other")), ["partner=Partner:smarthome"]);
    assert_eq!(changed(&|case| case.peer = "spiffe://prop.example/other".into()), [format!("peer={BACKEND}")]);
    let three = |case: &mut Case| {
        case.kind = "sign-in";
        case.roles.clear();
        case.age = Some(60);
    };
    assert_eq!(changed(&three), ["ageSeconds=10", "tokenKind=session", "+Role:resident"]);
}

#[test]
fn of_two_policies_the_one_that_lacks_less_is_followed() {
    let policies = sample();
    let service = |case: &mut Case| {
        case.roles = vec![Stranger::new("service")];
        // A Thursday at 20:00: one minute past the last one.
        case.now = Some(20 * 3600);
    };
    let (by, moves) = change_of(&policies, &service).unwrap();
    assert_eq!((&*by, moves), ("open-granted-door", vec!["+Role:resident".to_owned()]), "equal: the first of the file");
    // Without the right as well, each lacks one more.
    let sunday = |case: &mut Case| {
        service(case);
        case.now = Some(3 * 86_400 + 7 * 3600 + 59 * 60);
        case.kind_of_right = RightKind::Door;
    };
    let found = failing(
        &weighed(
            &{
                let mut case = resident();
                sunday(&mut case);
                case
            },
            &policies,
        ),
        "open-door-in-service",
    );
    assert_eq!(found.len(), 2, "the minute and the day: {found:?}");
}

#[test]
fn a_policy_is_told_clause_by_clause_with_what_each_reads() {
    let policies = sample();
    let mut case = resident();
    case.roles.clear();
    case.grants.clear();
    let found = weighed(&case, &policies);
    let policy = found.policies.iter().find(|policy| &*policy.id == "open-granted-door").unwrap();
    let told: Vec<(Truth, Vec<&str>)> =
        policy.clauses.iter().map(|clause| (clause.truth, clause.reads.iter().map(String::as_str).collect())).collect();
    let expected = [
        (Truth::True, vec![]),
        (Truth::False, vec!["principal.in"]),
        (Truth::True, vec![]),
        (Truth::True, vec![]),
        (Truth::True, vec!["tokenKind"]),
        (Truth::True, vec!["purpose"]),
        (Truth::False, vec!["resource", "grantedDoors", "grantedHouses"]),
    ];
    assert_eq!(told, expected);
    let within: Vec<&Uid> = policy.clauses.iter().flat_map(|clause| &clause.within).collect();
    assert_eq!(within, [&Uid { kind: "PropDevelopment::Role".into(), id: "resident".into() }]);
}

#[test]
fn a_change_breaks_every_forbid_and_none_is_told_where_only_another_caller_would_help() {
    let text = "@id(\"p\") @reason(\"r\") permit(principal, action == PropDevelopment::Action::\"openDoor\", resource) when { context.purpose like \"acc*\" };
        @id(\"late\") @reason(\"r\") forbid(principal, action == PropDevelopment::Action::\"openDoor\", resource) when { context.ageSeconds > 3 };
        @id(\"kind\") @reason(\"r\") forbid(principal, action == PropDevelopment::Action::\"openDoor\", resource) unless { [\"session\", \"other\"].contains(context.tokenKind) };";
    let policies = compile(SAMPLE_SCHEMA, &[text], &[open_door()]).unwrap();
    let late = |case: &mut Case| case.age = Some(9);
    assert_eq!(change_of(&policies, &late), Some(("p".into(), vec!["ageSeconds=3".into()])));
    let like = |case: &mut Case| case.purpose = "leisure";
    assert_eq!(change_of(&policies, &like), Some(("p".into(), vec!["purpose=acc".into()])));
    // No change is made up for a set of texts; so none is told, and none that would not do.
    let kind = |case: &mut Case| case.kind = "sign-in";
    assert_eq!(change_of(&policies, &kind), None);
    let only = "@id(\"p\") @reason(\"r\") permit(principal == PropDevelopment::User::\"somebody\", action == PropDevelopment::Action::\"openDoor\", resource);";
    let only = compile(SAMPLE_SCHEMA, &[only], &[open_door()]).unwrap();
    assert_eq!(change_of(&only, &|_| {}), None, "another person is no change of facts");
}

#[test]
fn no_change_names_another_person_or_device() {
    let schema = SAMPLE_SCHEMA.replace("peer: String,", "peer: String, device?: String, request: { userId: String },");
    let text = "@id(\"a\") @reason(\"r\") permit(principal, action == PropDevelopment::Action::\"openDoor\", resource) when { context has device && context.device == \"x\" };
        @id(\"b\") @reason(\"r\") permit(principal, action == PropDevelopment::Action::\"openDoor\", resource) when { context.request.userId == \"x\" };";
    let policies = compile(&schema, &[text], &[open_door()]).unwrap();
    let case = |case: &mut Case| case.values.push(("userId".into(), Value::from("user-1")));
    assert_eq!(change_of(&policies, &case), None);
}

#[test]
fn a_policy_that_errs_is_told_as_such_and_by_its_clause() {
    let text = "@id(\"all\") @reason(\"r\") permit(principal, action, resource);
        @id(\"sum\") @reason(\"r\") forbid(principal, action == PropDevelopment::Action::\"openDoor\", resource) when { context.ageSeconds + 9223372036854775807 == 0 };";
    let policies = compile(SAMPLE_SCHEMA, &[text], &[open_door()]).unwrap();
    let found = weighed(&resident(), &policies);
    assert_eq!(found.policies.iter().map(|policy| policy.holds).collect::<Vec<_>>(), [Truth::True, Truth::Errs]);
    assert_eq!(failing(&found, "sum").iter().map(|(_, truth)| *truth).collect::<Vec<_>>(), [Truth::Errs]);
}

/// Any case about a door of the sample: who, by which token, when.
fn any_case() -> impl Strategy<Value = Case> {
    let some = |values: &'static [&'static str]| prop::sample::subsequence(values.to_vec(), 0..=values.len());
    let roles = some(&["resident", "service", "concierge", "visitor"]);
    let tenant = prop::option::of(prop::sample::select(vec!["north", "south"]));
    let grants =
        prop::sample::subsequence(vec![("h1", Some("main")), ("h1", Some("yard")), ("h1", None), ("h2", None)], 0..=4);
    let kind = prop::sample::select(vec!["session", "sign-in"]);
    let partner = prop::sample::select(vec!["smarthome", "smarthome", "other"]);
    (roles, tenant, grants, kind, partner, 0_u64..14, 0_u64..14 * 86_400).prop_map(
        |(roles, tenant, grants, kind, partner, age, now)| {
            let mut case = resident();
            case.roles = roles.into_iter().map(Stranger::new).collect();
            case.tenant = tenant.map(name);
            case.grants = grants.into_iter().map(|(house, door)| (house.to_owned(), door.map(str::to_owned))).collect();
            (case.kind, case.partner, case.age, case.now) = (kind, name(partner), Some(age), Some(now));
            case
        },
    )
}

proptest! {
    #[test]
    fn what_policies_come_to_is_what_the_judgement_said(case in any_case()) {
        let policies = &*SAMPLE;
        let asked = asked(&case, policies);
        let found = policies.weigh(&asked).unwrap();
        let holding = |forbids| -> Vec<Arc<str>> {
            let holds = found.policies.iter().filter(|one| one.forbids == forbids && one.holds == Truth::True);
            holds.map(|one| Arc::clone(&one.id)).collect()
        };
        let (permits, forbids) = (holding(false), holding(true));
        let (permitted, determining) = match asked.judgement() {
            Judgement::Permits(decision) => (true, decision.policies()),
            Judgement::Denies(decision) => (false, decision.policies()),
            Judgement::Errs(_) => panic!("no policy of the sample errs"),
        };
        prop_assert_eq!(permitted, forbids.is_empty() && !permits.is_empty());
        let held = if forbids.is_empty() { permits } else { forbids };
        prop_assert_eq!(determining, held.as_slice());
        for policy in &found.policies {
            let all = policy.clauses.iter().all(|clause| clause.truth == Truth::True);
            prop_assert_eq!(policy.holds == Truth::True, all, "{}", policy.id);
        }
        // Of the sample, a token, a time and a partner can always be found.
        prop_assert_eq!(found.change.is_none(), permitted);
    }

    #[test]
    fn what_is_known_in_part_is_never_other_than_what_is_known_in_whole(
        case in any_case(),
        hidden in prop::collection::vec(any::<Index>(), 0..6),
        sides in any::<(bool, bool)>(),
    ) {
        let policies = &*SAMPLE;
        let asked = asked(&case, policies);
        let action = policies.action("openDoor").unwrap();
        let whole = Known::of(&asked);
        let mut part = whole.clone();
        for index in hidden {
            let names: Vec<Arc<str>> = part.context.keys().cloned().collect();
            if let Some(name) = (!names.is_empty()).then(|| Arc::clone(index.get(&names))) {
                part.context.remove(&name);
                part.unknown.insert(name);
            }
        }
        part.hide(sides.0, sides.1);
        let (whole, part) = (whole.lay_out(action, &policies.types).unwrap(), part.lay_out(action, &policies.types).unwrap());
        for rule in action.index.all() {
            for condition in crate::policy::near::conjuncts(&rule.condition).into_iter().chain([&rule.condition]) {
                let (all, some) = (whole.truth(condition), part.truth(condition));
                prop_assert!(some == Truth::Unknown || some == all, "{condition}: {all:?}, in part {some:?}");
            }
        }
    }
}

#[test]
fn who_can_is_told_by_what_is_left_of_each_policy() {
    let policies = sample();
    let smarthome = name("smarthome");
    let located = door("north", "h1", "main");
    let ask = |who, on| {
        let question =
            PossibleQuestion { who, partner: &smarthome, action: "openDoor", purpose: "access", on, now: NOW };
        let found = policies.weigh_possible(&question).unwrap();
        let open = found.policies.into_iter().filter(|policy| policy.holds != Truth::False);
        open.map(|policy| {
            let left = policy.clauses.iter().filter(|clause| clause.truth == Truth::Unknown).count();
            (policy.id.to_string(), left)
        })
        .collect::<Vec<_>>()
    };
    let expected = |list: &[(&str, usize)]| list.iter().map(|(id, left)| ((*id).to_owned(), *left)).collect::<Vec<_>>();
    // Purpose, partner and thing are known; token, time and certificate are not.
    let anybody = [
        ("open-granted-door", 3),
        ("open-door-in-service", 6),
        ("door-of-own-tenant", 1),
        ("door-at-once", 1),
        ("door-by-backend", 1),
    ];
    assert_eq!(ask(Who::Anybody, On::Thing(&located)), expected(&anybody));
    let concierge = [("open-granted-door", 2), ("door-of-own-tenant", 1), ("door-at-once", 1), ("door-by-backend", 1)];
    assert_eq!(ask(Who::Role("concierge"), On::Some("Door")), expected(&concierge), "a concierge is a resident");
    let nobody = &concierge[1..];
    assert_eq!(ask(Who::Role("visitor"), On::Some("Door")), expected(nobody));
    assert_eq!(policies.roles_within("resident"), ["concierge", "resident"]);
    assert_eq!(policies.roles_within("visitor"), ["visitor"]);
}

#[test]
fn a_record_without_persons_is_told_as_far_as_it_goes() {
    let schema = SAMPLE_SCHEMA.replace("peer: String,", "peer: String, request: { userId: String },");
    let text = "@id(\"plain\") @reason(\"r\") permit(principal in PropDevelopment::Role::\"resident\", action == PropDevelopment::Action::\"openDoor\", resource) when { context.ageSeconds < 5 };
        @id(\"person\") @reason(\"r\") forbid(principal, action == PropDevelopment::Action::\"openDoor\", resource) when { context.request.userId == \"x\" };
        @id(\"one\") @reason(\"r\") forbid(principal == PropDevelopment::User::\"somebody\", action == PropDevelopment::Action::\"openDoor\", resource);";
    let policies = compile(&schema, &[text], &[open_door()]).unwrap();
    let (smarthome, north) = (name("smarthome"), name("north"));
    let resident = Uid { kind: "PropDevelopment::Role".into(), id: "resident".into() };
    let told = |age: i64, roles: Vec<Fact>, by_the_same: bool| {
        let question = RecordedQuestion {
            by: DemandedBy::User,
            peer: BACKEND,
            partner: &smarthome,
            action: "openDoor",
            resource: &thing("Door", &["h1", "main"]),
            tenant: &north,
            now: NOW,
            inputs: vec![
                ("ageSeconds", Some(Fact::Long(age))),
                ("request.userId", None),
                ("principal.in", Some(Fact::Set(roles))),
            ],
            by_the_same,
        };
        let found = policies.weigh_recorded(&question).unwrap();
        (found.policies.iter().map(|policy| policy.holds).collect::<Vec<_>>(), found.change)
    };
    let roles = || vec![Fact::Entity(resident.clone())];
    // Whom a policy means by name, and what it asks of a person's value, is not on record; nor is a change told that hangs on it.
    assert_eq!(told(1, roles(), true).0, [Truth::True, Truth::Unknown, Truth::Unknown]);
    assert_eq!(told(9, roles(), true), (vec![Truth::False, Truth::Unknown, Truth::Unknown], None));
    // That somebody is in no role is known only where the same policies asked for it.
    assert_eq!(told(1, vec![], true).0.first(), Some(&Truth::False));
    assert_eq!(told(1, vec![], false).0.first(), Some(&Truth::Unknown));
    assert_eq!(told(9, vec![], false).0.first(), Some(&Truth::False));
}

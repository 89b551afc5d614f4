//! The sample's policies, one by one: who may do what, and which policy forbids it.

use super::*;

const BARRIERS: &str = include_str!("../../../policies/cedar/barriers.cedar");
const HOUSES: &str = include_str!("../../../policies/cedar/houses.cedar");

/// An action of the sample: its name, the type of its resource, whose operation it is, and what it is for.
pub(super) const ACTIONS: [(&str, &str, &str, &str); 8] = [
    ("openDoor", "Door", "smarthome", "access"),
    ("readDoor", "Door", "smarthome", "operation"),
    ("readEvents", "House", "smarthome", "security"),
    ("syncFace", "House", "smarthome", "access"),
    ("revokeGrant", "House", "smarthome", "access"),
    ("openBarrier", "Barrier", "parkline", "access"),
    ("readBarrier", "Barrier", "parkline", "operation"),
    ("syncPlate", "House", "parkline", "access"),
];

pub(super) fn demands() -> Vec<Demand> {
    let demands = ACTIONS.map(|(action, resource, _, _)| Demand {
        operation: name(action),
        action: name(action),
        resource: resource.into(),
        dated: action.starts_with("open"),
        values: Vec::new(),
        ..open_door()
    });
    demands.into()
}

pub(super) fn whole_sample() -> (Policies, Vec<Source>) {
    let texts = [SAMPLE_DOORS, SAMPLE_REVOCATIONS, BARRIERS, HOUSES];
    let files = texts.iter().enumerate().map(|(index, text)| Source::new(format!("{index}.cedar"), *text));
    (compile(SAMPLE_SCHEMA, &texts, &demands()).unwrap(), files.collect())
}

/// A good question for an action; the right is for exactly the thing, or for its house.
pub(super) fn good(
    (action, resource, partner, purpose): (&str, &'static str, &str, &'static str),
    whole_house: bool,
) -> Case {
    let mut case = resident();
    (case.action, case.partner, case.purpose) = (name(action), name(partner), purpose);
    case.roles = vec![Stranger::new("concierge")];
    case.age = action.starts_with("open").then_some(1);
    case.located.resource = match resource {
        "House" => thing("House", &["h1"]),
        part => thing(part, &["h1", "main"]),
    };
    if resource == "House" {
        case.located.ancestors.clear();
    }
    case.kind_of_right = match resource {
        "Door" => RightKind::Door,
        "Barrier" => RightKind::Barrier,
        _ => RightKind::House,
    };
    let whole = whole_house || resource == "House";
    case.grants = vec![("h1".into(), (!whole).then(|| "main".into()))];
    case
}

fn permits(case: &Case, policies: &Policies) -> bool {
    matches!(case.judge(policies), Judgement::Permits(_))
}

#[test]
fn every_action_is_permitted_to_whom_it_belongs_and_to_nobody_else() {
    let (policies, _) = whole_sample();
    for action in ACTIONS {
        for whole in [false, true] {
            assert!(permits(&good(action, whole), &policies), "{action:?}");
        }
        let refused = |change: &dyn Fn(&mut Case)| {
            let mut case = good(action, false);
            change(&mut case);
            denied_by(case.judge(&policies))
        };
        let kind = match action.0 {
            "openDoor" | "readDoor" => "door",
            "openBarrier" | "readBarrier" | "syncPlate" => "barrier",
            _ => "house",
        };
        let other = if action.2 == "smarthome" { "parkline" } else { "smarthome" };
        assert_eq!(refused(&|case| case.roles.clear()), [""; 0], "{action:?}");
        assert_eq!(refused(&|case| case.grants.clear()), [""; 0], "{action:?}");
        assert_eq!(refused(&|case| case.grants = vec![("h2".into(), None)]), [""; 0], "{action:?}");
        assert_eq!(refused(&|case| case.partner = name(other)), [format!("{kind}-by-{}", action.2)], "{action:?}");
        assert_eq!(refused(&|case| case.peer = "spiffe://x/y".into()), [format!("{kind}-by-backend")], "{action:?}");
        assert_eq!(refused(&|case| case.tenant = None), [format!("{kind}-of-own-tenant")], "{action:?}");
        let of_south = refused(&|case| case.tenant = Some(name("south")));
        assert_eq!(of_south, [format!("{kind}-of-own-tenant")], "{action:?}");
        // What only reads is open to who has signed in; what changes anything needs the app's session.
        let mut signed_in = good(action, false);
        signed_in.kind = "sign-in";
        assert_eq!(permits(&signed_in, &policies), action.0.starts_with("read"), "{action:?}");
        let mut plain = good(action, false);
        plain.roles = vec![Stranger::new("resident")];
        assert_eq!(permits(&plain, &policies), action.0 != "readEvents", "{action:?}");
    }
    let late = Case { age: Some(16), ..good(ACTIONS[5], false) };
    assert_eq!(denied_by(late.judge(&policies)), ["barrier-at-once"]);
    assert!(permits(&Case { age: Some(15), ..late }, &policies));
}

#[test]
fn a_right_to_a_door_is_none_to_the_barrier_of_the_same_name_nor_the_other_way_round() {
    let (policies, _) = whole_sample();
    for (action, other) in [(ACTIONS[0], RightKind::Barrier), (ACTIONS[5], RightKind::Door)] {
        let mut case = good(action, false);
        assert!(permits(&case, &policies), "{action:?}");
        case.kind_of_right = other;
        assert_eq!(denied_by(case.judge(&policies)), [""; 0], "{action:?}");
    }
}

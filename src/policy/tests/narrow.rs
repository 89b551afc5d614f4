//! What a session is given: exactly what is contained in the subject token and permitted, whatever is asked for.

use super::*;
use crate::clock::UnixMillis;
use crate::identity::Caller;
use crate::identity::a_caller;
use crate::identity::write_rights;
use crate::json;
use crate::model::Extent;
use crate::model::Hours;
use crate::model::Right;
use crate::model::Window;
use std::collections::BTreeSet;

/// 2026-11-27T05:00:00Z, a Friday: 08:00 in Moscow, which is where all houses are.
const EIGHT: u64 = 1_795_755_600;

/// One action at one thing, as it can be compared: type, action, house, thing, grant.
type One = (&'static str, String, String, Option<String>, Option<String>);

/// The sample's schema with whatever may be looked at when a session is issued.
fn schema() -> String {
    let at = SAMPLE_SCHEMA.find("  action issueSession").map_or(SAMPLE_SCHEMA.len(), |at| at);
    let before = SAMPLE_SCHEMA.get(..at).unwrap().trim_end().trim_end_matches('}');
    format!(
        "{before}
  action issueSession appliesTo {{
    principal: [User],
    resource: [Door, Barrier, House],
    context: {{
      rightType: String, rightAction: String, tokenKind: String, clientId: String, issuer: String, peer: String,
      tenant?: Tenant, resourceTenant: Tenant, roles: Set<String>, scopes: Set<String>,
      acr?: String, amr: Set<String>, authAgeSeconds?: Long, device?: String,
      grantedDoors: Set<Door>, grantedBarriers: Set<Barrier>, grantedHouses: Set<House>,
      localMinuteOfDay: Long, localWeekday: Long,
    }}
  }};
}}"
    )
}

fn issuing(conditions: &[(bool, &str)]) -> Policies {
    let rules = conditions.iter().enumerate().map(|(index, (permits, condition))| {
        let effect = if *permits { "permit" } else { "forbid" };
        format!("@id(\"p{index}\") @reason(\"r\") {effect}(principal, action == PropDevelopment::Action::\"issueSession\", resource) when {{ {condition} }};")
    });
    let text = rules.collect::<String>();
    compile(&schema(), &[&text], &[open_door()]).unwrap()
}

/// Two houses of `north`, one of `south`; each with two doors and two barriers of the same names.
fn locate(id: &ResourceId) -> Option<Located> {
    let house = id.parts.first()?;
    let tenant = match &**house {
        "h1" | "h2" => "north",
        "h9" => "south",
        _ => return None,
    };
    let known = id.parts.get(1).is_none_or(|thing| matches!(&**thing, "d1" | "d2"));
    known.then(|| Located {
        resource: id.clone(),
        tenant: name(tenant),
        ancestors: if id.parts.len() > 1 { vec![thing("House", &[house])] } else { Vec::new() },
        zone: Zone::named("Europe/Moscow").unwrap(),
        partners: Arc::default(),
        directory_version: 1,
    })
}

fn texts(list: &[&str]) -> Vec<Stranger> {
    list.iter().map(|text| Stranger::new(*text)).collect()
}

fn door_right(actions: &[&str], house: &str, doors: &[&str]) -> Right {
    Right {
        kind: RightKind::Door,
        actions: texts(actions),
        house: Stranger::new(house),
        extent: if doors.is_empty() { Extent::Whole } else { Extent::Only(texts(doors)) },
        window: Window::default(),
        grant: None,
    }
}

/// A user of `north` who bears these rights.
fn bearer_of(rights: &[Right]) -> Caller {
    a_caller(UnixSeconds::new(EIGHT), |claims| {
        let mut text = Vec::new();
        write_rights(rights, &mut text);
        let rights = json::parse(&text, json::Limits::default()).unwrap();
        claims.with("tenant", "north").with("acr", "high").with("authorization_details", rights)
    })
}

fn ask(policies: &Policies, token: &[Right], asked: &[Right], revoked: &[&str]) -> Result<Narrowed, PolicyFault> {
    let stands = |grant: &Stranger| !revoked.contains(&grant.expose());
    policies.narrow(&bearer_of(token), asked, &stands, &locate, UnixMillis::new(EIGHT * 1_000))
}

fn ones(rights: &[Right]) -> BTreeSet<One> {
    let of = |right: &Right| -> Vec<One> {
        let text = |text: &Stranger| text.expose().to_owned();
        let all = right.actions.iter().flat_map(|action| right.things().map(move |thing| (action, thing)));
        let grant = right.grant.as_ref().map(text);
        all.map(|(action, thing)| (right.kind.word(), text(action), text(&right.house), thing.map(text), grant.clone()))
            .collect()
    };
    rights.iter().flat_map(of).collect()
}

#[test]
fn what_is_asked_for_and_contained_is_given_and_nothing_else() {
    let policies = issuing(&[(true, "true || context.peer == \"x\"")]);
    let token = [
        door_right(&["open"], "h1", &[]),
        Right { grant: Some(Stranger::new("g")), ..door_right(&["see"], "h2", &["d1"]) },
    ];
    let given = |asked: &[Right]| ask(&policies, &token, asked, &[]).map(|narrowed| ones(narrowed.rights()));
    // A door of a house that the token names whole; the house whole.
    assert_eq!(given(&[door_right(&["open"], "h1", &["d1"])]).unwrap(), ones(&[door_right(&["open"], "h1", &["d1"])]));
    assert_eq!(given(&[door_right(&["open"], "h1", &[])]).unwrap(), ones(&[door_right(&["open"], "h1", &[])]));
    // The grant goes with the right, whether or not it was asked for by name.
    let seen = Right { grant: Some(Stranger::new("g")), ..door_right(&["see"], "h2", &["d1"]) };
    assert_eq!(given(&[door_right(&["see"], "h2", &["d1"])]).unwrap(), ones(std::slice::from_ref(&seen)));
    assert_eq!(given(std::slice::from_ref(&seen)).unwrap(), ones(std::slice::from_ref(&seen)));
    // What is contained in part is given in part; nothing is stretched.
    let mixed = door_right(&["open", "see"], "h1", &["d1", "d2", "d3"]);
    let narrowed = ask(&policies, &token, &[mixed, seen], &[]).unwrap();
    assert_eq!(narrowed.rights().len(), 2);
    assert_eq!(narrowed.rights()[0], door_right(&["open"], "h1", &["d1", "d2"]));
    assert!(narrowed.left_out() && narrowed.pieces().len() == 7);
    assert_eq!(narrowed.pieces().iter().filter(|piece| piece.given).count(), 3);
    for nothing in [
        door_right(&["see"], "h2", &[]),
        door_right(&["lock"], "h1", &["d1"]),
        door_right(&["open"], "h9", &["d1"]),
        door_right(&["open"], "h7", &["d1"]),
        Right { kind: RightKind::Barrier, ..door_right(&["open"], "h1", &["d1"]) },
        Right { kind: RightKind::House, ..door_right(&["open"], "h1", &[]) },
        Right { grant: Some(Stranger::new("other")), ..door_right(&["see"], "h2", &["d1"]) },
        Right { grant: Some(Stranger::new("g")), ..door_right(&["open"], "h1", &["d1"]) },
    ] {
        let Err(PolicyFault::Denied(decision)) = ask(&policies, &token, std::slice::from_ref(&nothing), &[]) else {
            panic!("{nothing:?}")
        };
        assert!(decision.policies().is_empty());
    }
    assert!(
        matches!(ask(&policies, &token, &[], &[]), Err(PolicyFault::Denied(_))),
        "a session without rights is none"
    );
}

#[test]
fn a_right_that_is_revoked_or_of_another_hour_contains_nothing() {
    let policies = issuing(&[(true, "true || context.peer == \"x\"")]);
    let with = |window: Window| Right { window, grant: Some(Stranger::new("g")), ..door_right(&["open"], "h1", &[]) };
    let hours = |from, until| Window { hours: vec![Hours::new(&[5], from, until).unwrap()], ..Window::default() };
    let is_given = |token: Window, asked: Window, revoked: &[&str]| {
        ask(&policies, &[with(token)], &[with(asked)], revoked).is_ok()
    };
    assert!(is_given(hours(480, 1_200), hours(480, 1_200), &["other"]));
    assert!(!is_given(hours(480, 1_200), hours(480, 1_200), &["g"]));
    assert!(is_given(hours(480, 1_200), hours(480, 481), &[]), "for a shorter time than the token has it");
    assert!(!is_given(hours(480, 1_200), hours(480, 1_201), &[]), "for a longer one");
    assert!(!is_given(hours(480, 1_200), Window::default(), &[]), "for ever");
    assert!(!is_given(hours(481, 1_200), hours(481, 1_200), &[]), "before its hours");
    assert!(!is_given(Window::default(), hours(481, 1_200), &[]), "before the hours that are asked for");
    let until = |last| Window { not_after: Some(last), ..Window::default() };
    assert!(is_given(until(EIGHT), until(EIGHT), &[]) && !is_given(until(EIGHT - 1), until(EIGHT - 1), &[]));
    assert!(!is_given(until(EIGHT), until(EIGHT + 1), &[]));
}

#[test]
fn a_policy_that_errs_for_one_piece_ends_it_for_all() {
    let sum = "context has authAgeSeconds && context.authAgeSeconds + 9223372036854775807 == 0";
    let of = |rule: &str| {
        issuing(&[
            (true, "context.rightAction == \"open\""),
            (false, &format!("context.rightAction == \"see\" && ({rule})")),
        ])
    };
    let token = [door_right(&["open", "see"], "h1", &[])];
    let caller = a_caller(UnixSeconds::new(EIGHT), |claims| {
        let mut text = Vec::new();
        write_rights(&token, &mut text);
        let rights = json::parse(&text, json::Limits::default()).unwrap();
        let at = json::Number::try_from(EIGHT - 1).unwrap();
        claims.with("tenant", "north").with("auth_time", at).with("authorization_details", rights)
    });
    let narrow = |policies: &Policies, asked: &[Right]| {
        policies
            .narrow(&caller, asked, &|_| true, &locate, UnixMillis::new(EIGHT * 1_000))
            .map(|narrowed| ones(narrowed.rights()))
    };
    let errs = of(sum);
    let Err(PolicyFault::Errored(decision)) = narrow(&errs, &token) else { panic!("no error") };
    assert_eq!(decision.errors().iter().map(AsRef::as_ref).collect::<Vec<&str>>(), ["p1"]);
    assert!(narrow(&errs, &[door_right(&["open"], "h1", &[])]).is_ok());
    assert_eq!(narrow(&of("context has acr"), &token).unwrap(), ones(&[door_right(&["open"], "h1", &[])]));
}

#[test]
fn more_than_a_session_may_ask_for_is_denied_and_so_is_whoever_has_no_token() {
    let policies = issuing(&[(true, "true || context.peer == \"x\"")]);
    let token = [door_right(&["open"], "h1", &[])];
    let many = |count: usize| vec![door_right(&["open"], "h1", &["d1"]); count];
    assert!(ask(&policies, &token, &many(256), &[]).is_ok());
    assert!(matches!(ask(&policies, &token, &many(257), &[]), Err(PolicyFault::Denied(_))));
    let silent = compile(SAMPLE_SCHEMA, &[SAMPLE_DOORS], &[open_door()]).unwrap();
    assert!(
        matches!(ask(&silent, &token, &many(1), &[]), Err(PolicyFault::Denied(_))),
        "without a permit nothing is issued"
    );
}

#[test]
fn things_of_a_session_are_no_partners() {
    let named = "resource == PropDevelopment::Door::\"9:smarthome,5:north,2:h1,2:d1,\"";
    let token = [door_right(&["open"], "h1", &[])];
    let asked = [door_right(&["open"], "h1", &["d1"])];
    assert!(ask(&issuing(&[(true, named)]), &token, &asked, &[]).is_err());
    assert!(ask(&issuing(&[(true, &named.replace("9:smarthome,", "0:,"))]), &token, &asked, &[]).is_ok());
    assert!(ask(&issuing(&[(true, "resource in context.grantedHouses")]), &token, &asked, &[]).is_ok());
    assert!(
        ask(
            &issuing(&[(true, "resource is PropDevelopment::Door && context.grantedDoors.contains(resource)")]),
            &token,
            &asked,
            &[]
        )
        .is_err()
    );
}

/// Conditions, each with what it says of (type, action, whether the resource is a house).
type Rule = (bool, &'static str, fn(&One) -> bool);

const RULES: [Rule; 8] = [
    (true, "context.rightAction == \"open\"", |one| one.1 == "open"),
    (true, "resource is PropDevelopment::House", |one| one.3.is_none()),
    (true, "context.rightType == \"door_access\" && context has acr && context.acr == \"high\"", |one| {
        one.0 == "door_access"
    }),
    (true, "context.localMinuteOfDay == 480 && context.rightType == \"barrier_access\"", |one| {
        one.0 == "barrier_access"
    }),
    (false, "context.rightAction == \"see\" && resource is PropDevelopment::Barrier", |one| {
        one.1 == "see" && one.0 == "barrier_access" && one.3.is_some()
    }),
    (false, "context.rightType == \"house_access\"", |one| one.0 == "house_access"),
    (false, "context.localWeekday != 5", |_| false),
    (false, "context has tenant && context.tenant != context.resourceTenant || !(context has acr)", |_| false),
];

fn any_window() -> impl Strategy<Value = Window> {
    let hours = |from, until| Window { hours: vec![Hours::new(&[4, 5], from, until).unwrap()], ..Window::default() };
    prop_oneof![
        4 => Just(Window::default()),
        1 => Just(Window { not_before: Some(EIGHT), ..Window::default() }),
        1 => Just(Window { not_before: Some(EIGHT + 1), ..Window::default() }),
        1 => Just(Window { not_after: Some(EIGHT), ..Window::default() }),
        1 => Just(Window { not_after: Some(EIGHT - 1), ..Window::default() }),
        1 => Just(hours(480, 1_200)),
        1 => Just(hours(480, 500)),
        1 => Just(hours(0, 480)),
    ]
}

fn any_right() -> impl Strategy<Value = Right> {
    let kind = prop::sample::select(RightKind::ALL.to_vec());
    let actions = prop::sample::subsequence(vec!["open", "see"], 1..=2);
    let house = prop::sample::select(vec!["h1", "h1", "h2", "h9", "h7"]);
    let things = prop::sample::subsequence(vec!["d1", "d2"], 0..=2);
    let grant = prop::sample::select(vec![None, None, Some("g1"), Some("g2")]);
    (kind, actions, house, things, any_window(), grant).prop_map(|(kind, actions, house, things, window, grant)| {
        let things = if kind == RightKind::House { Vec::new() } else { things };
        Right { kind, window, grant: grant.map(Stranger::new), ..door_right(&actions, house, &things) }
    })
}

proptest! {
    #[test]
    fn a_session_has_exactly_what_the_token_contains_and_policy_permits(
        token in prop::collection::vec(any_right(), 0..6),
        asked in prop::collection::vec(any_right(), 0..4),
        rules in prop::sample::subsequence(RULES.to_vec(), 0..=8),
        is_revoked in any::<bool>(),
    ) {
        let policies = issuing(&rules.iter().map(|(permits, text, _)| (*permits, *text)).collect::<Vec<_>>());
        let revoked: &[&str] = if is_revoked { &["g1"] } else { &[] };
        let zone = Zone::named("Europe/Moscow").unwrap();
        // By hand: each right that is asked for against each of the token, piece by piece.
        let mut expected = BTreeSet::new();
        for right in &asked {
            for one in ones(std::slice::from_ref(right)) {
                let holds = |rule: &Rule| (rule.2)(&one);
                let permitted = rules.iter().any(|rule| rule.0 && holds(rule)) && !rules.iter().any(|rule| !rule.0 && holds(rule));
                let source = token.iter().find(|source| {
                    let grant = source.grant.as_ref().map(|grant| grant.expose().to_owned());
                    let reaches = match &source.extent {
                        Extent::Whole => true,
                        Extent::Only(things) => one.3.as_ref().is_some_and(|thing| things.iter().any(|known| known.expose() == thing)),
                    };
                    source.kind == right.kind
                        && source.house == right.house
                        && source.actions.iter().any(|action| action.expose() == one.1)
                        && reaches
                        && source.window.contains(&right.window)
                        && source.window.holds(EIGHT, Some(&zone))
                        && (one.4.is_none() || one.4 == grant)
                        && !grant.is_some_and(|grant| revoked.contains(&grant.as_str()))
                });
                let is_there = ["h1", "h2"].contains(&one.2.as_str()) && right.window.holds(EIGHT, Some(&zone));
                if let Some(source) = source && permitted && is_there {
                    let (kind, action, house, thing, _) = one;
                    expected.insert((kind, action, house, thing, source.grant.as_ref().map(|grant| grant.expose().to_owned())));
                }
            }
        }
        match ask(&policies, &token, &asked, revoked) {
            Ok(narrowed) => {
                prop_assert_eq!(ones(narrowed.rights()), expected);
                // Nothing became longer on the way.
                for right in narrowed.rights() {
                    prop_assert!(asked.iter().any(|asked| asked.window == right.window));
                    prop_assert!(token.iter().any(|source| source.window.contains(&right.window) && source.grant == right.grant));
                }
            }
            Err(fault) => {
                prop_assert!(matches!(fault, PolicyFault::Denied(_)), "{:?}", fault);
                prop_assert_eq!(expected, BTreeSet::new());
            }
        }
    }
}

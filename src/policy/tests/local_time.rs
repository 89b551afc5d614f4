//! The hour in a policy is the house's own: over all zones of Russia, at the minute and one second before it.

use super::*;

/// The zones and how many hours they are ahead of UTC, by the Government Decree on time zones of 2011, as amended.
const RUSSIA: [(&str, u64); 11] = [
    ("Europe/Kaliningrad", 2),
    ("Europe/Moscow", 3),
    ("Europe/Samara", 4),
    ("Asia/Yekaterinburg", 5),
    ("Asia/Omsk", 6),
    ("Asia/Krasnoyarsk", 7),
    ("Asia/Irkutsk", 8),
    ("Asia/Yakutsk", 9),
    ("Asia/Vladivostok", 10),
    ("Asia/Magadan", 11),
    ("Asia/Kamchatka", 12),
];

const HOUR: u64 = 3_600;
const DAY: u64 = 86_400;
/// 2026-11-25T00:00:00Z, a Wednesday.
const WEDNESDAY: u64 = 1_795_564_800;

/// Somebody who works in the house, not one who lives there.
fn in_service() -> Case {
    Case { roles: vec![Stranger::new("service")], ..resident() }
}

/// Whether a door opens for them where the clocks show this many seconds after the midnight of that Wednesday.
fn opens(policies: &Policies, case: &Case, (zone, ahead): (&str, u64), local: u64) -> bool {
    let mut case = Case { now: Some(WEDNESDAY + local - ahead * HOUR), ..case.clone() };
    case.located.zone = Zone::named(zone).unwrap();
    match case.judge(policies) {
        Judgement::Permits(_) => true,
        Judgement::Denies(_) => false,
        Judgement::Errs(decision) => panic!("{zone}: {decision:?}"),
    }
}

#[test]
fn service_is_let_in_from_eight_to_eight_by_the_clocks_of_the_house_in_all_eleven_zones() {
    let policies = sample();
    for zone in RUSSIA {
        let at = |local| opens(&policies, &in_service(), zone, local);
        let (eight, twenty) = (DAY + 8 * HOUR, DAY + 20 * HOUR);
        let seen = [eight - 1, eight, eight + 59, twenty - 60, twenty - 1, twenty, twenty + 59].map(at);
        assert_eq!(seen, [false, true, true, true, true, false, false], "{zone:?}");
        // Who lives there comes home at any hour.
        assert!([eight - 1, twenty].into_iter().all(|local| opens(&policies, &resident(), zone, local)), "{zone:?}");
    }
    // At one moment it is noon in Kaliningrad, and evening in Kamchatka.
    let noon = |zone, ahead| opens(&policies, &in_service(), (zone, ahead), DAY + (10 + ahead) * HOUR);
    assert!(noon("Europe/Kaliningrad", 2) && !noon("Asia/Kamchatka", 12));
}

#[test]
fn sundays_begin_and_end_by_the_same_clocks() {
    let policies = sample();
    for zone in RUSSIA {
        let days = [2, 3, 4, 5].map(|days| opens(&policies, &in_service(), zone, days * DAY + 12 * HOUR));
        assert_eq!(days, [true, true, false, true], "Friday, Saturday, Sunday, Monday in {zone:?}");
    }
    // By the clocks of Moscow it is Sunday still, in Kamchatka it is Monday: 2026-11-29T20:30:00Z.
    let (moscow, kamchatka) = (("Europe/Moscow", 3), ("Asia/Kamchatka", 12));
    let moment = 4 * DAY + 20 * HOUR + 30 * 60;
    assert!(!opens(&policies, &in_service(), moscow, moment + 3 * HOUR));
    assert!(opens(&policies, &in_service(), kamchatka, moment + 12 * HOUR));
}

#[test]
fn the_record_tells_what_the_clocks_showed() {
    let mut case = Case { now: Some(WEDNESDAY + 21 * HOUR), ..in_service() };
    case.located.zone = Zone::named("Asia/Omsk").unwrap();
    let (Judgement::Permits(decision) | Judgement::Denies(decision)) = case.judge(&sample()) else { panic!("erred") };
    let told =
        |name: &str| decision.inputs().iter().find(|input| &*input.name == name).map(|input| input.value.clone());
    assert_eq!(told("localMinuteOfDay"), Some(InputValue::Json("180".into())), "three in the morning");
    assert_eq!(told("localWeekday"), Some(InputValue::Json("4".into())), "of Thursday");
}

#[test]
fn what_is_in_no_house_has_no_local_time() {
    let text = "@id(\"a\") @reason(\"r\") permit(principal, action == PropDevelopment::Action::\"openDoor\", resource) when { context.localMinuteOfDay >= 0 };";
    let policies = compile(SAMPLE_SCHEMA, &[text], &[open_door()]).unwrap();
    assert!(matches!(resident().judge(&policies), Judgement::Permits(_)));
    // Without a time the attribute is not there, and a policy that reads it errs.
    let timeless = Case { now: None, ..resident() };
    assert!(matches!(timeless.judge(&policies), Judgement::Errs(_)));
    // Of a type that stands in no house the schema must say that it may be absent.
    let of_tenant = Demand { resource: "Tenant".into(), ..open_door() };
    let schema = |optional: &str| {
        let schema = SAMPLE_SCHEMA.replacen("resource: [Door]", "resource: [Door, Tenant]", 1);
        schema.replacen("localMinuteOfDay:", &format!("localMinuteOfDay{optional}:"), 1).replacen(
            "localWeekday:",
            &format!("localWeekday{optional}:"),
            1,
        )
    };
    let told = compile(&schema(""), &[], &[open_door(), of_tenant.clone()]).unwrap_err().to_string();
    assert!(
        told.contains("declare it as `localMinuteOfDay?`") && told.contains("declare it as `localWeekday?`"),
        "{told}"
    );
    let asked = text.replace("context.localMinuteOfDay >= 0", "context has localMinuteOfDay");
    let policies = compile(&schema("?"), &[&asked], &[open_door(), of_tenant]).unwrap();
    assert!(matches!(resident().judge(&policies), Judgement::Permits(_)));
    let mut of_tenant = resident();
    of_tenant.located.resource = thing("Tenant", &["north"]);
    assert!(matches!(of_tenant.judge(&policies), Judgement::Denies(_)));
    // At the gateway's own paths there is no house at all.
    let own = SAMPLE_SCHEMA.replace("context: {}", "context: { localMinuteOfDay: Long }");
    let told = compile(&own, &[], &[open_door()]).unwrap_err().to_string();
    assert!(told.contains("nothing provides `context.localMinuteOfDay`"), "{told}");
}

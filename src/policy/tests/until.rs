//! Permits that end: to the last second of their day, for whoever asks, and nothing else ends.

use super::*;
use crate::model::Direction;

/// The first second after the last day, 2027-01-31.
const OVER: u64 = 1_801_440_000;

/// A file in which each permit has a last day.
fn ending(text: &str) -> String {
    text.replace("permit (", "@until(\"2027-01-31\")\npermit (")
}

#[test]
fn a_command_is_permitted_on_the_last_day_and_denied_after_it() {
    let policies = compile(SAMPLE_SCHEMA, &[&ending(SAMPLE_DOORS)], &[open_door()]).unwrap();
    let judged = |now| Case { now, ..resident() }.judge(&policies);
    assert!(matches!(judged(Some(OVER - 1)), Judgement::Permits(_)));
    assert!(matches!(judged(Some(OVER)), Judgement::Denies(_)));
}

#[test]
fn an_event_and_a_peer_s_own_act_end_by_the_same_day() {
    let event = Demand {
        operation: name("grant.revoked"),
        by: DemandedBy::Backend,
        action: name("announceGrantRevoked"),
        resource: "House".into(),
        dated: false,
        values: Vec::new(),
        ..open_door()
    };
    let events = include_str!("../../../policies/cedar/events.cedar");
    let policies = compile(SAMPLE_SCHEMA, &[&ending(events), &ending(SAMPLE_REVOCATIONS)], &[event]).unwrap();
    let located = Located { resource: thing("House", &["h1"]), ancestors: Vec::new(), ..door("north", "h1", "main") };
    let announced = |now: Option<u64>| {
        policies.judge_event(&EventQuestion {
            direction: Direction::Outbound,
            partner: &name("smarthome"),
            action: &name("announceGrantRevoked"),
            purpose: "access",
            peer: BACKEND,
            located: &located,
            now: now.map(UnixSeconds::new),
            request: &|_| None,
        })
    };
    let revokes = |now: Option<u64>| policies.judge_peer(BACKEND, "revoke", None, now.map(UnixSeconds::new));
    for (now, holds) in [(Some(0), true), (Some(OVER - 1), true), (Some(OVER), false), (None, false)] {
        assert_eq!(matches!(announced(now), Judgement::Permits(_)), holds, "{now:?}");
        assert_eq!(matches!(revokes(now), Judgement::Permits(_)), holds, "{now:?}");
    }
}

#[test]
fn a_forbid_never_ends_and_a_day_is_a_day() {
    let codes = |from: &str, to: &str| {
        let text = SAMPLE_DOORS.replacen(from, to, 1);
        assert_ne!(text, SAMPLE_DOORS);
        let faults = compile(SAMPLE_SCHEMA, &[&text], &[open_door()]).err().unwrap();
        faults.iter().map(|fault| (fault.code, fault.place.line)).collect::<Vec<_>>()
    };
    let forbid = "@until(\"2027-01-31\")\n@id(\"door-of-own-tenant\")";
    assert_eq!(codes("@id(\"door-of-own-tenant\")", forbid), [("until-on-forbid", 37)]);
    let permit = "@until(\"soon\")\n@id(\"see-granted-door\")";
    assert_eq!(codes("@id(\"see-granted-door\")", permit), [("malformed-date", 27)]);
}

//! Events: who may announce and who may report, and what an event's action may look at.

use super::*;
use crate::model::Direction;

const SAMPLE_EVENTS: &str = include_str!("../../../policies/cedar/events.cedar");

fn demand(event: &str, action: &str, by: DemandedBy, resource: &str) -> Demand {
    Demand {
        operation: name(event),
        stated: None,
        by,
        action: name(action),
        resource: resource.into(),
        dated: false,
        values: Vec::new(),
    }
}

fn announced() -> Demand {
    demand("grant.revoked", "announceGrantRevoked", DemandedBy::Backend, "House")
}

fn reported() -> Demand {
    demand("access.granted", "reportAccessGranted", DemandedBy::Partner, "Door")
}

fn house() -> Located {
    let at = door("north", "h1", "main");
    Located { resource: thing("House", &["h1"]), ancestors: Vec::new(), ..at }
}

/// What policy says of an event of `action` at `partner`, told by `peer`.
fn judged(policies: &Policies, direction: Direction, action: &str, partner: &str, peer: &str) -> Judgement {
    let located = if direction == Direction::Outbound { house() } else { door("north", "h1", "main") };
    policies.judge_event(&EventQuestion {
        direction,
        partner: &name(partner),
        action: &name(action),
        purpose: "access",
        peer,
        located: &located,
        now: NOW,
        request: &|_| None,
    })
}

fn permits(judgement: &Judgement) -> bool {
    matches!(judgement, Judgement::Permits(_))
}

#[test]
fn the_backend_announces_and_the_partner_reports_and_neither_does_the_others_part() {
    let policies = compile(SAMPLE_SCHEMA, &[SAMPLE_EVENTS], &[announced(), reported()]).unwrap();
    let (out, inward) = (Direction::Outbound, Direction::Inbound);
    assert!(permits(&judged(&policies, out, "announceGrantRevoked", "smarthome", BACKEND)));
    assert!(permits(&judged(&policies, inward, "reportAccessGranted", "smarthome", "spiffe://smarthome.example")));
    for (direction, action, partner, peer) in [
        (out, "announceGrantRevoked", "smarthome", "spiffe://prop.example/other"),
        (inward, "reportAccessGranted", "other", BACKEND),
        (inward, "announceGrantRevoked", "smarthome", BACKEND),
        (out, "reportAccessGranted", "smarthome", BACKEND),
        (out, "openDoor", "smarthome", BACKEND),
        (out, "revoke", "smarthome", BACKEND),
    ] {
        let judgement = judged(&policies, direction, action, partner, peer);
        assert!(!permits(&judgement), "{direction:?} {action} of {partner} by {peer}");
    }
}

#[test]
fn an_action_has_one_kind_of_asker() {
    let schema = SAMPLE_SCHEMA.replace(
        "action announceGrantRevoked appliesTo {\n    principal: [Backend],\n    resource: [House],",
        "action announceGrantRevoked appliesTo {\n    principal: [Backend, Partner],\n    resource: [House],",
    );
    assert_ne!(schema, SAMPLE_SCHEMA);
    let other = demand("house.left", "announceGrantRevoked", DemandedBy::Partner, "House");
    let faults = compile(&schema, &[SAMPLE_EVENTS], &[announced(), reported(), other]).err().unwrap();
    let codes: Vec<_> = faults.iter().map(|fault| fault.code).collect();
    assert_eq!(codes, ["action-askers"]);
    let said = faults.iter().next().unwrap().message.clone();
    assert!(said.contains("`Backend`") && said.contains("`house.left`") && said.contains("`Partner`"), "{said}");
}

#[test]
fn nothing_of_a_token_is_offered_where_none_comes() {
    for attribute in ["tokenKind: String", "scopes: Set<String>", "tenant?: Tenant", "ageSeconds: Long"] {
        let from = "resource: [House],\n    context: {";
        let (before, after) = SAMPLE_SCHEMA.rsplit_once(from).unwrap();
        let schema = format!("{before}{from}\n      {attribute},{after}");
        let faults = compile(&schema, &[SAMPLE_EVENTS], &[announced(), reported()]).err().unwrap();
        let codes: Vec<_> = faults.iter().map(|fault| fault.code).collect();
        assert_eq!(codes, ["context-attribute"], "{attribute}: {faults}");
    }
}

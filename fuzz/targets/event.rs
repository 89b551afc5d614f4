//! Events, whichever way they go: nothing but what is declared, nobody from the partner but by a pseudonym, and the same once it is
//! taken again.

use portcullis::contract::Contract;
use portcullis::contract::RebuiltEvent;
use portcullis::contract::rebuild_event;
use portcullis::diagnostic::Source;
use portcullis::model::Direction;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::LazyLock;

pub const WORDS: &[&str] = &[
    "{",
    "}",
    ",",
    ":",
    "\"type\":\"grant.revoked\"",
    "\"type\":\"access.granted\"",
    "\"type\":\"access.failed\"",
    "\"timestamp\":\"2026-02-28T08:30:00Z\"",
    "\"data\":{}",
    "\"houseId\":\"house-1\"",
    "\"userId\":\"p1.AAAA\"",
    "\"userId\":\"ivanov\"",
    "null",
    "\\u0041",
];

static CONTRACT: LazyLock<Arc<Contract>> = LazyLock::new(|| {
    let text = include_str!("../../policies/contracts/smarthome.openapi.yaml");
    Arc::new(Contract::compile(&Source::new("smarthome.openapi.yaml", text)).unwrap())
});

pub fn event(data: &[u8]) -> bool {
    let taken = [Direction::Outbound, Direction::Inbound].map(|way| rebuild_event(&CONTRACT, way, data).ok());
    assert!(taken.iter().flatten().count() < 2, "no event goes both ways");
    let Some(event) = taken.into_iter().flatten().next() else { return false };
    holds(&event, data);
    let again = rebuild_event(&CONTRACT, event.event().direction, &event.as_taken()).unwrap();
    assert_eq!((again.digest(), again.as_taken()), (event.digest(), event.as_taken()));
    true
}

/// What another parser finds in the bytes, and in what was taken of them.
fn holds(event: &RebuiltEvent, data: &[u8]) {
    let found: Value = serde_json::from_slice(data).unwrap();
    assert_eq!(found, serde_json::from_slice::<Value>(&event.as_taken()).unwrap());
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(names(&found), ["data", "timestamp", "type"].map(str::to_owned).into());
    assert_eq!(found["type"], event.event().name.as_str());
    let declared: BTreeSet<_> =
        event.event().fields.iter().filter_map(|field| field.pointer.strip_prefix("/data/")).collect();
    assert!(names(&found["data"]).iter().all(|name| declared.contains(name.as_str())), "{found}");
    for id in &event.event().resource.id {
        assert!(found["data"][&**id].is_string(), "{found}");
    }
    if event.event().direction == Direction::Inbound
        && let Some(user) = found["data"]["userId"].as_str()
    {
        assert!(user.starts_with("p1."), "{user}");
    }
}

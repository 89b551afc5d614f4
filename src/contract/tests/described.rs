//! What a contract declares at a place, in words; for every place that can be wrong.

use crate::contract::Contract;
use crate::diagnostic::Source;
use std::fs;

fn contract(name: &str) -> Contract {
    let path = format!("{}/policies/contracts/{name}.openapi.yaml", env!("CARGO_MANIFEST_DIR"));
    Contract::compile(&Source::new(name, fs::read_to_string(path).unwrap())).unwrap()
}

#[test]
fn a_place_is_told_with_its_kind_its_bounds_and_the_claim_that_it_must_equal() {
    let smarthome = contract("smarthome");
    let open = smarthome.operations().iter().find(|known| known.id.as_str() == "openDoor").unwrap();
    let told = |part: &str, pointer: &str| open.declared_at(part, pointer).unwrap_or_default();
    assert_eq!(told("path", "houseId"), "a text, of the pattern that the contract gives; required");
    assert_eq!(told("query", "reason"), "one of `access`, `guest`; optional");
    assert_eq!(told("query", ""), "`reason`, and nothing else");
    assert_eq!(told("header", ""), "nothing, and nothing else");
    assert_eq!(told("body", ""), "an object with `userId`, `deviceId`, and nothing else; required: `userId`");
    assert_eq!(told("body", "/userId"), "a text of 1 to 64 characters, equal to the token's `sub`; required");
    assert_eq!((told("body", "/nobody"), told("elsewhere", "")), (String::new(), String::new()));
    assert_eq!(open.bound_to_claims(), ["body /userId = sub", "body /deviceId = device_id"]);
    assert_eq!(open.declared_media_types(), "a body of `application/json`");
    let event = smarthome.events().iter().find(|known| known.name.as_str() == "access.refused").unwrap();
    let told = event.declared_at("body", "/data/reason");
    assert_eq!(told.as_deref(), Some("one of `no-grant`, `outside-hours`, `token-refused`; required"));
    assert_eq!(event.declared_at("query", "reason"), None);
}

#[test]
fn an_operation_is_found_by_its_method_and_path_whatever_else_a_request_holds() {
    let smarthome = contract("smarthome");
    let found =
        |method: http::Method, path: &str| smarthome.operation_of(&method, path).map(|known| known.id.to_string());
    let path = "/v1/houses/house-1/doors/no door/open";
    assert_eq!(found(http::Method::POST, path).as_deref(), Some("openDoor"));
    assert_eq!((found(http::Method::GET, path), found(http::Method::POST, "/v1")), (None, None));
}

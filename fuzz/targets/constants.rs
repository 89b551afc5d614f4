//! Constants of a bundle: what loads is a list without persons, strangers and circles.

use portcullis::diagnostic::Source;
use portcullis::policy::Policies;
use serde_json::Value;
use std::collections::BTreeMap;
use std::collections::BTreeSet;

pub const WORDS: &[&str] = &[
    "[",
    "]",
    ",",
    "{\"uid\": {\"type\": \"PropDevelopment::Role\", \"id\": \"guard\"}, \"parents\": []}",
    "{\"type\": \"PropDevelopment::Role\", \"id\": \"resident\"}",
    "{\"type\": \"PropDevelopment::Role\", \"id\": \"concierge\"}",
    "PropDevelopment::User",
    "PropDevelopment::House",
    "Role",
    "resident",
    "concierge",
    "\"attrs\": {}, ",
    "\"parents\"",
    "\\u0072",
];

const SCHEMA: &str = include_str!("../../policies/cedar/schema.cedarschema");
const POLICY: &str = "@id(\"all\") @reason(\"for this test\") permit(principal, action, resource);";

type Uid = (String, String);

pub fn constants(data: &[u8]) -> bool {
    let Ok(written) = std::str::from_utf8(data) else { return false };
    let (schema, policy) = (Source::new("schema.cedarschema", SCHEMA), Source::new("all.cedar", POLICY));
    let compiled = Policies::compile(&schema, &[policy], Some(&Source::new("constants.json", written)), &[]);
    if compiled.is_err() {
        return false;
    }
    let file: Value = serde_json::from_str(written).expect("JSON");
    let mut above: BTreeMap<Uid, Vec<Uid>> = BTreeMap::new();
    for entry in file.as_array().expect("a list") {
        let parents = entry["parents"].as_array().expect("parents").iter().map(uid).collect();
        assert!(above.insert(uid(&entry["uid"]), parents).is_none(), "a constant stands there twice");
    }
    for (known, parents) in &above {
        assert!(known.0.starts_with("PropDevelopment::") && known.0 != "PropDevelopment::User", "{known:?}");
        assert!(parents.iter().all(|parent| above.contains_key(parent)), "{known:?} stands in a stranger");
        let (mut seen, mut next) = (BTreeSet::new(), parents.clone());
        while let Some(found) = next.pop() {
            assert_ne!(found, *known, "stands in itself");
            if seen.insert(found.clone()) {
                next.extend(above[&found].iter().cloned());
            }
        }
    }
    true
}

fn uid(written: &Value) -> Uid {
    assert_eq!(written.as_object().map(serde_json::Map::len), Some(2));
    (written["type"].as_str().expect("a type").to_owned(), written["id"].as_str().expect("an id").to_owned())
}

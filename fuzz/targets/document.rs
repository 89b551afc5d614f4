//! Updates of the directory: what comes of one is what another parser finds in it, on what was in force; and it is the same
//! once it is written and read again.

use portcullis::clock::UnixMillis;
use portcullis::crypto::KeySet;
use portcullis::crypto::SigningAlgorithm;
use portcullis::crypto::SigningKey;
use portcullis::crypto::install_provider;
use portcullis::crypto::jwks_json;
use portcullis::directory::Directory;
use portcullis::directory::Document;
use portcullis::directory::Signed;
use portcullis::directory::TYPE;
use portcullis::model::ResourceId;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::LazyLock;

pub const WORDS: &[&str] = &[
    "\"version\":1,",
    "\"kind\":\"snapshot\"",
    "\"kind\":\"delta\"",
    "\"revision\":8,",
    "\"revision\":9007199254740991",
    "\"base\":7,",
    "\"tenants\":[\"north\",\"south\"]",
    "\"put\":[]",
    "\"remove\":[\"house-1\"]",
    "{\"id\":\"house-3\",\"tenant\":\"north\",\"zone\":\"UTC\",\"partners\":[]}",
    "\"zone\":\"Asia/Kamchatka\"",
    "\"doors\":[\"door-1\"]",
    "house-1",
    "house-2",
    "null",
    "1.0",
    "{",
    "}",
    "[",
    "]",
    ",",
    "\"",
    "\\u0041",
];

/// What is in force when an update comes.
const IN_FORCE: &[u8] = br#"{"version":1,"kind":"snapshot","revision":7,"made_at":"2026-11-27T03:00:00Z","tenants":["north","south"],"houses":[{"id":"house-1","tenant":"north","zone":"Europe/Moscow","partners":["smarthome"],"doors":["door-1","door-2"],"barriers":["gate-1"]},{"id":"house-2","tenant":"south","zone":"Asia/Omsk","partners":[]}]}"#;

/// The backend's key, and what the gateway knows of it.
static KEY: LazyLock<(SigningKey, KeySet)> = LazyLock::new(|| {
    install_provider().expect("a provider");
    let pem = SigningKey::generate_pem(SigningAlgorithm::EdDsa).expect("a key");
    let key = SigningKey::from_pem(&pem).expect("the same key");
    let keys = KeySet::parse(jwks_json(&[&key]).as_bytes()).expect("its public half");
    (key, keys)
});

/// The houses by id, as a parser of JSON finds them.
type Houses = BTreeMap<String, Value>;

pub fn document(data: &[u8]) -> bool {
    let (key, keys) = &*KEY;
    let header = format!(r#"{{"alg":"EdDSA","kid":"{}","typ":"{TYPE}"}}"#, key.kid());
    let whole = key.sign_jws_with_header(header.as_bytes(), data).expect("a signature");
    let parts: Vec<&str> = whole.split('.').collect();
    let signed = Signed::verify(keys, &format!("{}..{}", parts[0], parts[2]), data).expect("the key's own signature");
    let in_force = Directory::restored(IN_FORCE).expect("a directory");
    let Ok(document) = Document::read(&signed) else { return false };
    let Ok(directory) = document.onto(Some(&in_force), UnixMillis::new(u64::MAX)) else { return false };
    let restored = Directory::restored(&directory.text()).expect("what was written");
    assert_eq!((restored.digest(), restored.text()), (directory.digest(), directory.text()), "written and read again");

    let seen: Value = serde_json::from_slice(data).expect("JSON to another parser");
    let mut houses = Houses::new();
    if seen["kind"] == "delta" {
        assert_eq!(seen["base"].as_f64(), Some(7.0));
        houses = listed(&serde_json::from_slice::<Value>(IN_FORCE).expect("JSON")["houses"]);
        for id in seen["remove"].as_array().into_iter().flatten() {
            assert!(houses.remove(id.as_str().expect("an id")).is_some(), "what is removed was there");
        }
    }
    houses.extend(listed(&seen["houses"]));
    houses.extend(listed(&seen["put"]));
    assert!(directory.version() > 7 && seen["revision"].as_f64() == Some(directory.version() as f64));
    assert_eq!(directory.houses(), houses.len());
    let doors = houses.values().map(|house| house["doors"].as_array().map_or(0, Vec::len)).sum::<usize>();
    assert_eq!(directory.doors(), doors);
    for (id, house) in &houses {
        let place = |kind: &str, parts: &[&str]| {
            let parts = parts.iter().map(|part| Box::from(*part)).collect();
            directory.locate(&ResourceId { kind: kind.into(), parts })
        };
        let found = place("House", &[id]).expect("the house is found");
        assert_eq!((found.tenant.as_str(), found.zone.name()), (text(&house["tenant"]), text(&house["zone"])));
        let partners: Vec<&str> = found.partners.iter().map(AsRef::as_ref).collect();
        let mut named: Vec<&str> = house["partners"].as_array().expect("partners").iter().map(text).collect();
        named.sort_unstable();
        assert_eq!(partners, named);
        for (kind, list) in [("Door", "doors"), ("Barrier", "barriers")] {
            for part in house[list].as_array().into_iter().flatten() {
                assert!(place(kind, &[id, text(part)]).is_some(), "{kind} of {id}");
            }
        }
    }
    true
}

fn listed(houses: &Value) -> Houses {
    let houses = houses.as_array().into_iter().flatten();
    houses.map(|house| (text(&house["id"]).to_owned(), house.clone())).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

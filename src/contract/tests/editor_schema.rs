//! What editors are told of `x-portcullis` is what its readers ask for, key by key and word by word.

use crate::contract::editor_schema::schema;
use crate::contract::read;
use crate::contract::refs::entry;
use crate::diagnostic::Place;
use crate::diagnostic::Source;
use crate::json::Value;
use crate::yaml;
use crate::yaml::Node;
use crate::yaml::Reader;
use crate::yaml::Yaml;
use std::collections::BTreeMap;
use std::collections::BTreeSet;

const SAMPLES: [&str; 2] = [
    include_str!("../../../policies/contracts/smarthome.openapi.yaml"),
    include_str!("../../../policies/contracts/parkline.openapi.yaml"),
];

/// The places of all `x-portcullis`, by what they are of.
fn places(node: &Node, found: &mut BTreeMap<Place, &'static str>) {
    match &node.value {
        Yaml::List(items) => items.iter().for_each(|item| places(item, found)),
        Yaml::Map(entries) => {
            for (key, value) in entries {
                if key.text == "x-portcullis" {
                    let what = if entry(node, "paths").is_some() {
                        "document"
                    } else if entry(node, "operationId").is_some() {
                        "operationWords"
                    } else if entry(node, "requestBody").is_some() {
                        "eventWords"
                    } else {
                        "leafWords"
                    };
                    found.insert(value.place, what);
                }
                places(value, found);
            }
        }
        _ => {}
    }
}

fn keys(schema: &Value, name: &str) -> BTreeSet<String> {
    let properties = schema.get("$defs").unwrap().get(name).unwrap().get("properties").unwrap();
    properties.as_object().unwrap().iter().map(|(key, _)| key.to_owned()).collect()
}

#[test]
fn the_schema_has_the_keys_that_the_readers_of_x_portcullis_ask_for_and_no_others() {
    let mut asked: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for text in SAMPLES {
        let source = Source::new("test.yaml", text);
        let root = yaml::parse(&source).unwrap();
        let reader = Reader::noting(source);
        assert!(read::document(&reader, &root).is_some());
        let mut found = BTreeMap::new();
        places(&root, &mut found);
        for (place, key) in reader.asked() {
            if let Some(what) = found.get(&place) {
                asked.entry(what).or_default().insert(key.to_owned());
            }
        }
    }
    let schema = schema();
    for what in ["document", "operationWords", "eventWords", "leafWords"] {
        assert_eq!(keys(&schema, what), asked[what], "{what}");
    }
}

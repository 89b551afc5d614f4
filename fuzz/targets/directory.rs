//! The directory: what is found is what is written, in its own house and nowhere else, by its clocks and for its partners.

use super::tree::items;
use super::tree::member;
use super::tree::text;
use super::tree::tree;
use portcullis::diagnostic::Source;
use portcullis::directory::Directory;
use portcullis::model::Located;
use portcullis::model::Name;
use portcullis::model::ResourceId;
use portcullis::yaml::Node;
use std::collections::BTreeSet;

pub const WORDS: &[&str] = &[
    "version: 1\n",
    "revision: 9007199254740991",
    "tenants: []\n",
    "houses: []\n",
    "  - {id: house-3, tenant: north, zone: UTC, partners: []}\n",
    "zone: Asia/Kamchatka",
    "Europe/Moscow",
    "partners: [smarthome]",
    "parkline",
    "tenant: south",
    "doors: [door-1]",
    "house-1",
    "door-1",
    "gate-1",
    "null",
    "~",
    "'",
    "\"",
    "{",
    "}",
    "[",
    "]",
    ", ",
    "\n",
];

pub fn directory(data: &[u8]) -> bool {
    let Ok(written) = std::str::from_utf8(data) else { return false };
    let Ok(directory) = Directory::compile(&Source::new("directory.yaml", written)) else { return false };
    let root = tree(written);
    let houses = items(member(&root, "houses").expect("houses"));
    let tenants: Vec<&str> = items(member(&root, "tenants").expect("tenants")).iter().filter_map(text).collect();
    assert_eq!(directory.houses(), houses.len(), "each house once");
    let partners: BTreeSet<&str> =
        houses.iter().flat_map(|house| items_of(house, "partners")).chain(["nobody"]).collect();
    let parts =
        ["doors", "barriers"].into_iter().flat_map(|key| houses.iter().flat_map(move |house| items_of(house, key)));
    let all: BTreeSet<&str> = parts.chain(["nowhere"]).collect();
    for house in houses {
        let id = member(house, "id").and_then(text).expect("an id");
        let tenant = member(house, "tenant").and_then(text).expect("a tenant");
        assert!(tenants.contains(&tenant));
        let zone = member(house, "zone").and_then(text).expect("a zone");
        let linked = items_of(house, "partners");
        let fits = |found: &Located| {
            assert_eq!((found.tenant.as_str(), found.zone.name()), (tenant, zone));
            for &partner in &partners {
                let name = Name::new(partner).expect("a name");
                assert_eq!(found.is_linked_to(&name), linked.contains(&partner), "{partner} at {id}");
            }
        };
        let found = directory.locate(&resource("House", &[id])).expect("the house is found");
        fits(&found);
        assert_eq!(found.directory_version, directory.version());
        for (kind, key) in [("Door", "doors"), ("Barrier", "barriers")] {
            let own = items_of(house, key);
            for &part in &all {
                let found = directory.locate(&resource(kind, &[id, part]));
                assert_eq!(found.is_some(), own.contains(&part), "{kind} {part} of {id}");
                if let Some(found) = found {
                    fits(&found);
                    assert_eq!(found.ancestors, vec![resource("House", &[id])]);
                }
            }
        }
    }
    true
}

fn items_of<'n>(house: &'n Node, key: &str) -> Vec<&'n str> {
    member(house, key).map(items).unwrap_or_default().iter().filter_map(text).collect()
}

fn resource(kind: &str, parts: &[&str]) -> ResourceId {
    ResourceId { kind: kind.into(), parts: parts.iter().map(|part| Box::from(*part)).collect() }
}

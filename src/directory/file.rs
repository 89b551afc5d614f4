//! The directory file: what is written, read as YAML. All of its faults are told at once, each with its place.
//!
//! ```yaml
//! version: 1
//! revision: 7
//! made_at: 2026-11-27T03:00:00Z
//! tenants: [north, south]
//! houses:
//!   - {id: house-1, tenant: north, zone: Europe/Moscow, partners: [smarthome], doors: [main, yard], barriers: [gate]}
//! ```
//! `version` is the format's, `revision` the data's: records carry it, so it is at most 2⁵³ − 1, which JSON carries. A house's id is unique in the file; those of its doors
//! and barriers are unique, each kind for itself, within the house. Ids are compared byte by byte.

use crate::clock::UnixMillis;
use crate::diagnostic::Diagnostics;
use crate::diagnostic::Source;
use crate::diagnostic::nearest;
use crate::directory::rules;
use crate::directory::rules::Names;
use crate::directory::rules::RuleFault;
use crate::directory::rules::Rules;
use crate::directory::snapshot::Directory;
use crate::directory::snapshot::House;
use crate::json;
use crate::model::Name;
use crate::model::Zone;
use crate::yaml;
use crate::yaml::Budget;
use crate::yaml::Node;
use crate::yaml::Reader;

impl Directory {
    /// Reads a directory file.
    ///
    /// # Errors
    /// All faults of the file: syntax, unknown keys, ids that are no names or stand twice, unknown tenants and zones.
    pub fn compile(source: &Source) -> Result<Self, Diagnostics> {
        let tree = yaml::parse_within(source, Budget::DATA)?;
        let reader = Reader::new(source.clone());
        let directory = read(&reader, &tree);
        reader.finish(directory)
    }

    /// Reads a directory that stands in another file of people's, as a mapping like that of a directory file. Faults go to
    /// `reader`; `None` if there is one.
    #[must_use]
    pub fn read(reader: &Reader, tree: &Node) -> Option<Self> {
        read(reader, tree)
    }
}

fn read(reader: &Reader, tree: &Node) -> Option<Directory> {
    let fields = reader.fields(tree)?;
    let version = fields.required("version").and_then(|node| reader.bounded(node, 1, 1));
    let revision = fields.required("revision").and_then(|node| reader.bounded(node, 0, json::MAX_MAGNITUDE));
    let made_at = fields.optional("made_at").map(|node| read_instant(reader, node));
    let tenants = fields.required("tenants").and_then(|node| reader.list(node));
    let houses = fields.required("houses").and_then(|node| reader.list(node));
    fields.finish();
    let houses = houses?;
    let mut rules = Rules::new(houses.len());
    // A fault in one tenant leaves the others to be checked against.
    for item in tenants? {
        if let Some(text) = reader.text(item) {
            told(reader, item, "tenant", text, rules.add_tenant(text));
        }
    }
    for item in houses {
        if let Some((id, house)) = read_house(reader, item, &mut rules) {
            told(reader, item, "house", id.as_str(), rules.add_house(&id, house));
        }
    }
    version?;
    let made_at = made_at.map_or(Some(None), |made_at| made_at.map(Some));
    let (tenants, houses) = rules.into_content();
    Directory::new(u64::try_from(revision?).ok()?, made_at?, tenants, houses)
}

fn read_instant(reader: &Reader, node: &Node) -> Option<UnixMillis> {
    let text = reader.text(node)?;
    rules::instant(text).or_else(|| {
        let fault = reader.source().fault("not-an-instant", node.place, format!("`{text}` is no instant in UTC"));
        reader.report(fault.help("for instance `2026-11-27T03:00:00Z` (RFC 3339)"));
        None
    })
}

fn read_house(reader: &Reader, node: &Node, rules: &mut Rules) -> Option<(Name, House)> {
    let fields = reader.fields(node)?;
    let id = fields.required("id").and_then(|node| {
        let text = reader.text(node)?;
        told(reader, node, "house", text, Name::new(text).map_err(RuleFault::from))
    });
    let tenant = fields.required("tenant").and_then(|node| read_tenant(reader, node, rules));
    let zone = fields.required("zone").and_then(|node| read_zone(reader, node, rules));
    let partners = fields.required("partners").map(|node| read_names(reader, node, "partner"));
    let doors = fields.optional("doors").map(|node| read_names(reader, node, "door"));
    let barriers = fields.optional("barriers").map(|node| read_names(reader, node, "barrier"));
    fields.finish();
    let house = House {
        tenant: tenant?,
        zone: zone?,
        partners: rules.partners(partners?),
        doors: doors.map(Names::into_ids).unwrap_or_default(),
        barriers: barriers.map(Names::into_ids).unwrap_or_default(),
    };
    Some((id?, house))
}

fn read_tenant(reader: &Reader, node: &Node, rules: &Rules) -> Option<Name> {
    let text = reader.text(node)?;
    rules.tenant(text).map_or_else(
        |fault| {
            let fault = reader.source().fault("unknown-tenant", node.place, format!("`{text}` {fault}"));
            reader.report(match nearest(text, rules.tenants()) {
                Some(near) => fault.help(format!("did you mean `{near}`?")),
                None => fault.help("add it under `tenants`, or correct the house"),
            });
            None
        },
        Some,
    )
}

fn read_zone(reader: &Reader, node: &Node, rules: &mut Rules) -> Option<Zone> {
    let text = reader.text(node)?;
    rules.zone(text).map_or_else(
        |fault| {
            let fault = reader.source().fault("unknown-zone", node.place, format!("`{text}` {fault}"));
            reader.report(match nearest(text, Zone::names().iter().map(String::as_str)) {
                Some(near) => fault.help(format!("did you mean `{near}`?")),
                None => fault.help("for instance `Europe/Moscow` or `Asia/Vladivostok`, spelled as the database does"),
            });
            None
        },
        Some,
    )
}

/// The names of a list; what is wrong with one leaves the others.
fn read_names(reader: &Reader, node: &Node, what: &str) -> Names {
    let mut names = Names::default();
    for item in reader.list(node).unwrap_or_default() {
        if let Some(text) = reader.text(item) {
            told(reader, item, what, text, names.add(text));
        }
    }
    names
}

/// What came of a piece; a fault of it is reported where it stands.
fn told<T>(reader: &Reader, node: &Node, what: &str, text: &str, result: Result<T, RuleFault>) -> Option<T> {
    let fault = result.map_err(|fault| match fault {
        RuleFault::Repeated => {
            let message = format!("the {what} `{text}` stands here a second time");
            let fault = reader.source().fault("repeated-id", node.place, message);
            fault.help("take it out, or correct the id: one id is one thing")
        }
        RuleFault::NotAName(_) | RuleFault::UnknownTenant | RuleFault::UnknownZone => {
            let fault = reader.source().fault("not-a-name", node.place, fault.to_string());
            fault.help("for instance `house-17`, with at most 64 characters")
        }
    });
    fault.map_err(|fault| reader.report(fault)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ResourceId;

    const TWO_HOUSES: &str = "version: 1\nrevision: 7\ntenants: [north, south]\nhouses:\n  - {id: h1, tenant: north, zone: Europe/Moscow, partners: [smarthome, parkline], doors: [main, yard], barriers: [main]}\n  - {id: h2, tenant: south, zone: Asia/Vladivostok, partners: [], doors: [main]}\n";

    fn directory(text: &str) -> Result<Directory, Diagnostics> {
        Directory::compile(&Source::new("directory.yaml", text))
    }

    fn id(kind: &str, parts: &[&str]) -> ResourceId {
        ResourceId { kind: kind.into(), parts: parts.iter().map(|part| Box::from(*part)).collect() }
    }

    #[test]
    fn a_door_is_found_with_its_house_its_tenant_and_the_revision() {
        let directory = directory(TWO_HOUSES).unwrap();
        let found = directory.locate(&id("Door", &["h2", "main"])).unwrap();
        assert_eq!(found.tenant.as_str(), "south");
        assert_eq!(found.ancestors, [id("House", &["h2"])]);
        assert_eq!((found.directory_version, directory.version()), (7, 7));
        let house = directory.locate(&id("House", &["h1"])).unwrap();
        assert!(house.ancestors.is_empty());
        assert!(directory.locate(&id("Barrier", &["h1", "main"])).is_some());
    }

    #[test]
    fn a_thing_goes_by_its_houses_clocks_and_is_linked_to_its_houses_partners() {
        let directory = directory(TWO_HOUSES).unwrap();
        let links = |resource: &ResourceId| {
            let found = directory.locate(resource).unwrap();
            let linked = ["parkline", "smarthome", "smart"].map(|name| found.is_linked_to(&Name::new(name).unwrap()));
            (found.zone.name().to_owned(), linked)
        };
        for thing in [id("House", &["h1"]), id("Door", &["h1", "yard"]), id("Barrier", &["h1", "main"])] {
            assert_eq!(links(&thing), ("Europe/Moscow".to_owned(), [true, true, false]), "{thing:?}");
        }
        assert_eq!(links(&id("Door", &["h2", "main"])), ("Asia/Vladivostok".to_owned(), [false; 3]));
    }

    #[test]
    fn what_is_not_there_is_not_found_nor_under_another_kind_or_house() {
        let directory = directory(TWO_HOUSES).unwrap();
        for missing in [
            id("Door", &["h2", "yard"]),
            id("Door", &["h3", "main"]),
            id("Door", &["h1"]),
            id("House", &["h1", "main"]),
            id("Barrier", &["h2", "main"]),
            id("Car", &["h1", "main"]),
            id("Door", &["h1", "main", "x"]),
            id("Door", &[]),
            id("Door", &["H1", "main"]),
        ] {
            assert!(directory.locate(&missing).is_none(), "{missing:?}");
        }
    }

    #[test]
    fn every_fault_of_a_file_is_told_at_once_with_its_line() {
        let text = "version: 2\nrevision: 7\ntenants: [north, south, north]\nhouses:\n  - {id: h1, tenant: nort, zone: Europe/Moskow, partners: [a, a], doors: [main, main]}\n  - {id: h2, tenant: south, zone: UTC, partners: [], barrier: [x]}\n  - {id: h2, tenant: south, zone: UTC, partners: []}\n  - {id: 'a b', tenant: south, doors: [c]}\n";
        let told = directory(text).unwrap_err().to_string();
        for expected in [
            "directory.yaml:1:10",
            "the tenant `north` stands here a second time",
            "`nort` is not in the list of tenants",
            "did you mean `north`?",
            "the door `main` stands here a second time",
            "`Europe/Moskow` is no time zone of the IANA database",
            "did you mean `Europe/Moscow`?",
            "the partner `a` stands here a second time",
            "unknown key `barrier`",
            "the key `zone` is missing",
            "the key `partners` is missing",
            "the house `h2` stands here a second time",
            "directory.yaml:8:10",
        ] {
            assert!(told.contains(expected), "{expected} in\n{told}");
        }
    }

    #[test]
    fn a_revision_is_a_number_that_a_record_can_carry() {
        let revised = |number: &str| directory(&TWO_HOUSES.replace("revision: 7", &format!("revision: {number}")));
        assert_eq!(revised("9007199254740991").unwrap().version(), 9_007_199_254_740_991);
        for beyond in ["9007199254740992", "9223372036854775807"] {
            let told = revised(beyond).unwrap_err().to_string();
            assert!(told.contains("directory.yaml:2:11"), "{told}");
        }
    }

    #[test]
    fn ten_thousand_houses_of_seventeen_doors_are_within_the_budget() {
        let mut text = String::from("version: 1\nrevision: 1\ntenants: [north]\nhouses:\n");
        for house in 0..10_000 {
            let doors: Vec<String> = (0..17).map(|door| format!("d{door}")).collect();
            let line = format!(
                "  - {{id: h{house}, tenant: north, zone: Europe/Moscow, partners: [smarthome], doors: [{}]}}\n",
                doors.join(", ")
            );
            text.push_str(&line);
        }
        let directory = directory(&text).unwrap();
        assert_eq!(directory.houses(), 10_000);
        assert!(directory.locate(&id("Door", &["h9999", "d16"])).is_some());
    }
}

//! The directory file: written shape, checks, and the snapshot that is asked.
//!
//! ```yaml
//! version: 1
//! revision: 7
//! tenants: [north, south]
//! houses:
//!   - {id: house-1, tenant: north, doors: [main, yard], barriers: [gate]}
//! ```
//! `version` is the format's, `revision` the data's: records carry it, so it is at most 2⁵³ − 1, which JSON carries. A house's id is unique in the file; those of its doors
//! and barriers are unique, each kind for itself, within the house. Ids are compared byte by byte.

use crate::diagnostic::Diagnostics;
use crate::diagnostic::Source;
use crate::diagnostic::nearest;
use crate::json;
use crate::model::Located;
use crate::model::Name;
use crate::model::ResourceId;
use crate::model::TenantId;
use crate::yaml;
use crate::yaml::Budget;
use crate::yaml::Node;
use crate::yaml::Reader;
use std::collections::HashMap;
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

/// The entity types that a directory knows, as contracts and the Cedar schema write them.
const HOUSE: &str = "House";
const DOOR: &str = "Door";
const BARRIER: &str = "Barrier";

/// One snapshot of what stands where.
pub struct Directory {
    revision: u64,
    houses: HashMap<Box<str>, House>,
    house_kind: Arc<str>,
    nobody: TenantId,
}

/// A house; the ids of its parts are sorted.
struct House {
    tenant: TenantId,
    doors: Box<[Box<str>]>,
    barriers: Box<[Box<str>]>,
}

impl Directory {
    /// Reads a directory file.
    ///
    /// # Errors
    /// All faults of the file: syntax, unknown keys, ids that are no names or stand twice, unknown tenants.
    pub fn compile(source: &Source) -> Result<Self, Diagnostics> {
        let tree = yaml::parse_within(source, Budget::DATA)?;
        let reader = Reader::new(source.clone());
        let directory = read(&reader, &tree);
        reader.finish(directory)
    }

    /// Finds a thing by its id. Costs the same whether it is there or not, but for the answer itself.
    #[must_use]
    pub fn locate(&self, resource: &ResourceId) -> Option<Located> {
        let (house_id, part) = match resource.parts.as_slice() {
            [house] => (house, None),
            [house, part] => (house, Some(part)),
            _ => return None,
        };
        let house = self.houses.get(house_id)?;
        let ancestors = match (&*resource.kind, part) {
            (HOUSE, None) => Vec::new(),
            (DOOR, Some(door)) if has(&house.doors, door) => vec![self.house(house_id)],
            (BARRIER, Some(barrier)) if has(&house.barriers, barrier) => vec![self.house(house_id)],
            _ => return None,
        };
        Some(Located {
            resource: resource.clone(),
            tenant: house.tenant.clone(),
            ancestors,
            directory_version: self.revision,
        })
    }

    /// What policies are asked about in place of a thing that is not there, so that asking takes as long. It is in nobody's
    /// tenant, and no answer about it counts.
    #[must_use]
    pub fn stand_in(&self, resource: &ResourceId) -> Located {
        let ancestors = match resource.parts.as_slice() {
            [house, _] => vec![self.house(house)],
            _ => Vec::new(),
        };
        let tenant = self.nobody.clone();
        Located { resource: resource.clone(), tenant, ancestors, directory_version: self.revision }
    }

    /// The data's revision, which records carry.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.revision
    }

    /// How many houses there are.
    #[must_use]
    pub fn houses(&self) -> usize {
        self.houses.len()
    }

    fn house(&self, id: &str) -> ResourceId {
        ResourceId { kind: Arc::clone(&self.house_kind), parts: vec![id.into()] }
    }
}

/// Houses are counted, not listed: there may be ten thousand.
impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Directory {{ revision {}, {} houses }}", self.revision, self.houses.len())
    }
}

fn read(reader: &Reader, tree: &Node) -> Option<Directory> {
    let fields = reader.fields(tree)?;
    let version = fields.required("version").and_then(|node| reader.bounded(node, 1, 1));
    let revision = fields.required("revision").and_then(|node| reader.bounded(node, 0, json::MAX_MAGNITUDE));
    let tenants = fields.required("tenants").and_then(|node| read_tenants(reader, node));
    let houses = fields.required("houses");
    fields.finish();
    let houses = read_houses(reader, houses?, &tenants?)?;
    version?;
    let nobody = Name::new("nobody").ok()?;
    Some(Directory { revision: u64::try_from(revision?).ok()?, houses, house_kind: HOUSE.into(), nobody })
}

/// The tenants by name. A fault in one leaves the others to be checked against.
fn read_tenants(reader: &Reader, node: &Node) -> Option<HashMap<Box<str>, TenantId>> {
    let mut tenants = HashMap::new();
    for item in reader.list(node)? {
        let Some(tenant) = read_name(reader, item) else {
            continue;
        };
        if tenants.insert(tenant.as_str().into(), tenant.clone()).is_some() {
            repeated(reader, item, "tenant", tenant.as_str());
        }
    }
    Some(tenants)
}

fn read_houses(
    reader: &Reader,
    node: &Node,
    tenants: &HashMap<Box<str>, TenantId>,
) -> Option<HashMap<Box<str>, House>> {
    let items = reader.list(node)?;
    let mut houses = HashMap::with_capacity(items.len());
    for item in items {
        let Some((id, house)) = read_house(reader, item, tenants) else {
            continue;
        };
        if houses.contains_key(&id) {
            repeated(reader, item, "house", &id);
        }
        houses.insert(id, house);
    }
    Some(houses)
}

fn read_house(reader: &Reader, node: &Node, tenants: &HashMap<Box<str>, TenantId>) -> Option<(Box<str>, House)> {
    let fields = reader.fields(node)?;
    let id = fields.required("id").and_then(|node| read_name(reader, node));
    let tenant = fields.required("tenant").and_then(|node| read_tenant(reader, node, tenants));
    let doors = fields.optional("doors").map(|node| read_ids(reader, node, "door"));
    let barriers = fields.optional("barriers").map(|node| read_ids(reader, node, "barrier"));
    fields.finish();
    let house = House { tenant: tenant?, doors: doors.unwrap_or_default(), barriers: barriers.unwrap_or_default() };
    Some((id?.as_str().into(), house))
}

fn read_tenant(reader: &Reader, node: &Node, tenants: &HashMap<Box<str>, TenantId>) -> Option<TenantId> {
    let name = reader.text(node)?;
    if let Some(tenant) = tenants.get(name) {
        return Some(tenant.clone());
    }
    let fault = reader.source().fault("unknown-tenant", node.place, format!("`{name}` is not in the list of tenants"));
    let known = tenants.keys().map(AsRef::as_ref);
    reader.report(match nearest(name, known) {
        Some(near) => fault.help(format!("did you mean `{near}`?")),
        None => fault.help("add it under `tenants`, or correct the house"),
    });
    None
}

/// The ids of a house's parts, sorted for [`has`].
fn read_ids(reader: &Reader, node: &Node, what: &str) -> Box<[Box<str>]> {
    let items = reader.list(node).unwrap_or_default();
    let mut seen = HashSet::with_capacity(items.len());
    for item in items {
        if let Some(id) = read_name(reader, item)
            && !seen.insert(Box::<str>::from(id.as_str()))
        {
            repeated(reader, item, what, id.as_str());
        }
    }
    let mut ids: Vec<Box<str>> = seen.into_iter().collect();
    ids.sort_unstable();
    ids.into()
}

fn read_name(reader: &Reader, node: &Node) -> Option<Name> {
    let text = reader.text(node)?;
    match Name::new(text) {
        Ok(name) => Some(name),
        Err(error) => {
            let fault = reader.source().fault("not-a-name", node.place, error.to_string());
            reader.report(fault.help("for instance `house-17`, with at most 64 characters"));
            None
        }
    }
}

fn repeated(reader: &Reader, node: &Node, what: &str, id: &str) {
    let message = format!("the {what} `{id}` stands here a second time");
    let fault = reader.source().fault("repeated-id", node.place, message);
    reader.report(fault.help("take it out, or correct the id: one id is one thing"));
}

fn has(sorted: &[Box<str>], id: &str) -> bool {
    sorted.binary_search_by(|known| (**known).cmp(id)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO_HOUSES: &str = "version: 1\nrevision: 7\ntenants: [north, south]\nhouses:\n  - {id: h1, tenant: north, doors: [main, yard], barriers: [main]}\n  - {id: h2, tenant: south, doors: [main]}\n";

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
        let text = "version: 2\nrevision: 7\ntenants: [north, south, north]\nhouses:\n  - {id: h1, tenant: nort, doors: [main, main]}\n  - {id: h2, tenant: south, zone: x}\n  - {id: h2, tenant: south}\n  - {id: 'a b', tenant: south}\n";
        let told = directory(text).unwrap_err().to_string();
        for expected in [
            "directory.yaml:1:10",
            "the tenant `north` stands here a second time",
            "`nort` is not in the list of tenants",
            "did you mean `north`?",
            "the door `main` stands here a second time",
            "unknown key `zone`",
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
            let line = format!("  - {{id: h{house}, tenant: north, doors: [{}]}}\n", doors.join(", "));
            text.push_str(&line);
        }
        let directory = directory(&text).unwrap();
        assert_eq!(directory.houses(), 10_000);
        assert!(directory.locate(&id("Door", &["h9999", "d16"])).is_some());
    }
}

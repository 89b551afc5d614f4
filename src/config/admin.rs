//! `listeners.admin` as it is written: where the admin socket lies, and who may act there.
//!
//! Two uids may be one person's accounts, but one uid is never two people: whoever acted would then be anybody's guess.

use crate::config::settings::AdminPerson;
use crate::config::values;
use crate::config::values::At;
use crate::config::values::Map;
use crate::config::written::words_of;
use crate::model::Role;
use crate::yaml::Node;
use crate::yaml::Reader;
use std::path::PathBuf;

/// The socket, and those who are heard there; `None`: the owner of the process alone.
pub(super) type Admin = (At<PathBuf>, Option<Vec<AdminPerson>>);

pub(super) fn read(reader: &Reader, node: &Node) -> Option<Admin> {
    let map = Map::open(reader, node)?;
    let socket = map.need("socket", values::path);
    let persons = map.may("roles", persons);
    map.close();
    Some((socket?, persons?))
}

fn persons(reader: &Reader, node: &Node) -> Option<Vec<AdminPerson>> {
    let items = reader.list(node)?;
    if items.is_empty() {
        let help = "name somebody, or leave `roles` out: then the owner of the process is heard";
        return values::fault(reader, node, "empty-list", "this list needs an entry", Some(help));
    }
    let read: Vec<_> = items.iter().map(|item| person(reader, item)).collect();
    let mut seen = Vec::new();
    for (item, found) in items.iter().zip(&read) {
        let Some(uid) = found.as_ref().map(|found| found.uid) else { continue };
        if seen.contains(&uid) {
            let fault = reader.source().fault("twice", item.place, format!("the uid {uid} stands here twice"));
            reader.report(fault.help("one account is one person's: give all roles in one entry"));
        }
        seen.push(uid);
    }
    read.into_iter().collect()
}

fn person(reader: &Reader, node: &Node) -> Option<AdminPerson> {
    let map = Map::open(reader, node)?;
    // The last uid is the system's word for none.
    let uid = map.need("uid", |reader, node| reader.bounded(node, 0, i64::from(u32::MAX) - 1));
    let person = map.need("person", values::name);
    let roles = map.need("roles", |reader, node| words_of(reader, node, &Role::ALL.map(|role| (role.word(), role))));
    map.close();
    Some(AdminPerson { uid: u32::try_from(uid?).ok()?, person: person?.value, roles: roles? })
}

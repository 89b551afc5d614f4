//! A directory as text: the snapshot document that says what it holds, in one spelling. The same content is the same bytes,
//! whoever brought it and in whatever order, so that their digest names the content.

use crate::directory::snapshot::Directory;
use crate::directory::snapshot::House;
use crate::json;
use std::io::Write;

impl Directory {
    /// The snapshot document of what this holds: tenants, houses by id, and all lists in the order of their bytes.
    #[must_use]
    pub fn text(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.houses.len().saturating_mul(256));
        // Writing into memory cannot fail.
        let _ = write!(out, "{{\"version\":1,\"kind\":\"snapshot\",\"revision\":{}", self.revision);
        if let Some(made_at) = self.made_at {
            let _ = write!(out, ",\"made_at\":\"{made_at}\"");
        }
        list(&mut out, "tenants", self.tenants.iter().map(|tenant| tenant.as_str()));
        out.extend_from_slice(b",\"houses\":[");
        let mut houses: Vec<_> = self.houses.iter().collect();
        houses.sort_unstable_by_key(|(id, _)| &***id);
        for (index, (id, house)) in houses.into_iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            write_house(&mut out, id, house);
        }
        out.extend_from_slice(b"]}");
        out
    }
}

fn write_house(out: &mut Vec<u8>, id: &str, house: &House) {
    out.extend_from_slice(b"{\"id\":");
    json::write_string(id, out);
    out.extend_from_slice(b",\"tenant\":");
    json::write_string(house.tenant.as_str(), out);
    out.extend_from_slice(b",\"zone\":");
    json::write_string(house.zone.name(), out);
    list(out, "partners", house.partners.iter().map(AsRef::as_ref));
    list(out, "doors", house.doors.iter().map(AsRef::as_ref));
    list(out, "barriers", house.barriers.iter().map(AsRef::as_ref));
    out.push(b'}');
}

fn list<'t>(out: &mut Vec<u8>, name: &str, texts: impl Iterator<Item = &'t str>) {
    out.push(b',');
    json::write_string(name, out);
    out.extend_from_slice(b":[");
    for (index, text) in texts.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        json::write_string(text, out);
    }
    out.push(b']');
}

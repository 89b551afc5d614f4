//! Two versions of `requirements.yaml`, key by key, as they are written.
//!
//! The file is a tree of maps, lists and plain values, and a list is a set: in which order it is written means nothing. Which way
//! an entry goes, [`ENTRIES`] says, and which keys demand nothing where they are absent, [`DEMANDS`]. What stands in neither is not
//! derived, so that a key that is new counts as wider until somebody has thought about it.

use crate::diagnostic::Diagnostics;
use crate::diagnostic::Source;
use crate::model::ChangeKind;
use crate::model::Difference;
use crate::model::Rating;
use crate::yaml;
use crate::yaml::Node;
use crate::yaml::Yaml;

/// What an entry more means.
#[derive(Clone, Copy)]
enum Entries {
    /// Each entry allows something.
    Allow,
    /// Each entry demands something.
    Demand,
}

/// The lists, and maps by name, of which it is known what an entry more means; by their keys.
const ENTRIES: &[(&str, Entries, &str)] = &[
    ("issuers", Entries::Allow, "an issuer whose tokens the configuration may accept"),
    ("partners", Entries::Allow, "a partner that the configuration may have"),
    ("hosts", Entries::Allow, "a host to which requests may go"),
    ("ca", Entries::Allow, "an authority that the configuration may trust"),
    ("client_ca.backend", Entries::Allow, "an authority that may certify callers"),
    ("client_ca.partner", Entries::Allow, "an authority that may certify callers"),
    ("softeners", Entries::Allow, "what the configuration may let through beyond a default"),
    ("roles", Entries::Demand, "a role in which somebody must be named"),
    ("bind", Entries::Allow, "a way in which tokens may be bound"),
];

/// Keys that demand something where they stand, and nothing where they are absent.
const DEMANDS: &[&str] = &["ca", "client_ca", "client_ca.backend", "client_ca.partner", "backend", "roles", "bind"];

pub(super) fn compare(old: &Source, new: &Source) -> Result<Vec<Difference>, Diagnostics> {
    let mut walk = Walk { found: Vec::new(), place: vec!["requirements.yaml".into()] };
    walk.nodes("", &yaml::parse(old)?, &yaml::parse(new)?);
    Ok(walk.found)
}

struct Walk {
    found: Vec<Difference>,
    place: Vec<Box<str>>,
}

impl Walk {
    /// Two values of one key.
    fn nodes(&mut self, key: &str, old: &Node, new: &Node) {
        match (&old.value, &new.value) {
            (Yaml::Map(before), Yaml::Map(after)) => {
                let same = |name: &str, others: &[(yaml::Key, Node)]| {
                    others.iter().find(|(known, _)| known.text == name).map(|(_, node)| node.clone())
                };
                let inner = |name: &str| if key == "client_ca" { format!("{key}.{name}") } else { name.to_owned() };
                for (name, node) in before {
                    let inner = inner(&name.text);
                    self.within(&name.text, |this| match same(&name.text, after) {
                        Some(other) => this.nodes(&inner, node, &other),
                        None => this.member(key, &inner, Some(told(node)), None),
                    });
                }
                for (name, node) in after.iter().filter(|(name, _)| same(&name.text, before).is_none()) {
                    self.within(&name.text, |this| this.member(key, &inner(&name.text), None, Some(told(node))));
                }
            }
            (Yaml::List(before), Yaml::List(after)) => {
                let (before, after): (Vec<_>, Vec<_>) =
                    (before.iter().map(told).collect(), after.iter().map(told).collect());
                for entry in before.iter().filter(|entry| !after.contains(entry)) {
                    self.entry(key, Some(entry.clone()), None);
                }
                for entry in after.iter().filter(|entry| !before.contains(entry)) {
                    self.entry(key, None, Some(entry.clone()));
                }
            }
            (one, other) if one == other => {}
            _ => {
                let kind = if key == "environment" { ChangeKind::Environment } else { ChangeKind::Requirement };
                let meaning = "another value is demanded of the configuration";
                self.push(kind, Rating::Underived, Some(told(old)), Some(told(new)), meaning);
            }
        }
    }

    /// A member of the map at `key` that is there in one version alone; `inner` is its own key.
    fn member(&mut self, key: &str, inner: &str, old: Option<String>, new: Option<String>) {
        let is_entry = ENTRIES.iter().any(|(known, ..)| *known == key);
        if is_entry || !DEMANDS.contains(&inner) && inner != "softeners" {
            return self.entry(key, old, new);
        }
        // Without the list of softeners none is allowed; without any other of these all is.
        let (rating, meaning) = match new.is_some() == (inner == "softeners") {
            true => (Rating::Widens, "less is demanded of the configuration"),
            false => (Rating::Narrows, "more is demanded of the configuration"),
        };
        self.push(ChangeKind::Requirement, rating, old, new, meaning);
    }

    /// An entry of `key` that is there in one version alone.
    fn entry(&mut self, key: &str, old: Option<String>, new: Option<String>) {
        let known = ENTRIES.iter().find(|(known, ..)| *known == key);
        let (rating, meaning) = match (known, new.is_some()) {
            (Some((_, Entries::Allow, meaning)), true) | (Some((_, Entries::Demand, meaning)), false) => {
                (Rating::Widens, *meaning)
            }
            (Some((_, Entries::Allow, meaning)), false) | (Some((_, Entries::Demand, meaning)), true) => {
                (Rating::Narrows, *meaning)
            }
            (None, _) => (Rating::Underived, "something else is demanded of the configuration"),
        };
        self.push(ChangeKind::Requirement, rating, old, new, meaning);
    }

    fn push(
        &mut self,
        kind: ChangeKind,
        rating: Rating,
        old: Option<String>,
        new: Option<String>,
        meaning: &'static str,
    ) {
        let place = self.place.clone();
        self.found.push(Difference { kind, rating, place, old, new, meaning, example: None });
    }

    fn within(&mut self, step: &str, compare: impl FnOnce(&mut Self)) {
        self.place.push(step.into());
        compare(self);
        self.place.pop();
    }
}

/// A value in one line.
fn told(node: &Node) -> String {
    match &node.value {
        Yaml::Null => "null".to_owned(),
        Yaml::Bool(truth) => truth.to_string(),
        Yaml::Integer(number) => number.to_string(),
        Yaml::Float(number) => number.to_string(),
        Yaml::Text(text) => text.clone(),
        Yaml::List(items) => format!("[{}]", items.iter().map(told).collect::<Vec<_>>().join(", ")),
        Yaml::Map(members) => {
            let members: Vec<String> =
                members.iter().map(|(key, node)| format!("{}: {}", key.text, told(node))).collect();
            format!("{{{}}}", members.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rated(old: &str, new: &str) -> Vec<(String, Rating)> {
        let source = |text: &str| Source::new("requirements.yaml", text);
        let found = compare(&source(old), &source(new)).unwrap();
        found.into_iter().map(|one| (one.place[1..].join("."), one.rating)).collect()
    }

    #[test]
    fn what_is_allowed_more_widens_and_what_nobody_thought_about_counts_as_wider() {
        let old = "environment: test\nissuers: [a, b]\npartners:\n  x: {hosts: [h1, h2]}\nother: [1]\n";
        for (from, to, place, rating) in [
            ("[a, b]", "[a, b, c]", "issuers", Rating::Widens),
            ("[a, b]", "[b]", "issuers", Rating::Narrows),
            ("h1, h2", "h1", "partners.x.hosts", Rating::Narrows),
            ("h1, h2", "h1, h2, h3", "partners.x.hosts", Rating::Widens),
            ("[h1, h2]}", "[h1, h2]}\n  y: {hosts: [h1]}", "partners.y", Rating::Widens),
            ("test", "production", "environment", Rating::Underived),
            ("[h1, h2]}", "[h1, h2], ca: [p1]}", "partners.x.ca", Rating::Narrows),
            ("other: [1]", "other: [1]\nroles: [lifter]", "roles", Rating::Narrows),
            ("other: [1]", "other: [1]\nsofteners: {a: 1}", "softeners", Rating::Widens),
            ("other: [1]", "other: [1]\nclient_ca: {backend: [p1]}", "client_ca", Rating::Narrows),
            ("other: [1]", "other: [1]\nbackend: {hosts: [h]}", "backend", Rating::Narrows),
            ("other: [1]", "other: [1, 2]", "other", Rating::Underived),
            ("other: [1]", "other: [1]\nmore: true", "more", Rating::Underived),
            ("other: [1]\n", "", "other", Rating::Underived),
        ] {
            assert_eq!(rated(old, &old.replace(from, to)), [(place.to_owned(), rating)], "{to}");
        }
        assert_eq!(rated(old, &old.replace("[a, b]", "[b, a] # in another order")), []);
        let old = "client_ca: {backend: [p1]}\nroles: [lifter]\nsofteners: {a: 1}\nissuer: {bind: [mtls]}\npartners: {roles: {hosts: [h]}}\n";
        for (from, to, place, rating) in [
            ("[p1]", "[p1, p2]", "client_ca.backend", Rating::Widens),
            ("[p1]", "[p1], partner: [p2]", "client_ca.partner", Rating::Narrows),
            ("[lifter]", "[lifter, operator]", "roles", Rating::Narrows),
            ("[lifter]", "[]", "roles", Rating::Widens),
            ("a: 1", "a: 1, b: 2", "softeners.b", Rating::Widens),
            ("a: 1", "a: 2", "softeners.a", Rating::Underived),
            ("softeners: {a: 1}\n", "", "softeners", Rating::Narrows),
            ("[mtls]", "[mtls, dpop]", "issuer.bind", Rating::Widens),
            ("[mtls]", "[]", "issuer.bind", Rating::Narrows),
            ("{roles: {hosts: [h]}}", "{}", "partners.roles", Rating::Narrows),
        ] {
            assert_eq!(rated(old, &old.replace(from, to)), [(place.to_owned(), rating)], "{to}");
        }
    }
}

//! A place in the partner's file: the node, and the JSON pointer that leads to it.

use crate::contract::refs::entry;
use crate::yaml::Key;
use crate::yaml::Node;
use crate::yaml::Yaml;

/// A node and where it stands.
#[derive(Clone)]
pub(super) struct Here<'a> {
    pub(super) node: &'a Node,
    pub(super) pointer: String,
}

/// The most references that are followed from one to the next.
const MAX_HOPS: usize = 32;

impl<'a> Here<'a> {
    pub(super) const fn root(node: &'a Node) -> Self {
        Self { node, pointer: String::new() }
    }

    /// The value of a key, if there is one.
    pub(super) fn get(&self, key: &str) -> Option<Self> {
        entry(self.node, key).map(|node| self.inside(node, key))
    }

    /// All entries of a mapping.
    pub(super) fn entries(&self) -> Vec<(&'a Key, Self)> {
        match &self.node.value {
            Yaml::Map(entries) => entries.iter().map(|(key, node)| (key, self.inside(node, &key.text))).collect(),
            _ => Vec::new(),
        }
    }

    /// All items of a list.
    pub(super) fn items(&self) -> Vec<Self> {
        match &self.node.value {
            Yaml::List(items) => {
                items.iter().enumerate().map(|(index, node)| self.inside(node, &index.to_string())).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The texts of a list, in order; what is no text is passed over.
    pub(super) fn texts(&self) -> Vec<&'a str> {
        match &self.node.value {
            Yaml::List(items) => items.iter().filter_map(text).collect(),
            _ => Vec::new(),
        }
    }

    pub(super) fn text(&self) -> Option<&'a str> {
        text(self.node)
    }

    /// The text of a key.
    pub(super) fn text_of(&self, key: &str) -> Option<&'a str> {
        entry(self.node, key).and_then(text)
    }

    /// Whether a key says `true`.
    pub(super) fn says(&self, key: &str) -> bool {
        entry(self.node, key).is_some_and(|node| node.value == Yaml::Bool(true))
    }

    pub(super) const fn is_map(&self) -> bool {
        matches!(self.node.value, Yaml::Map(_))
    }

    /// A text, a number or a truth value as text.
    pub(super) fn scalar(&self) -> Option<String> {
        match &self.node.value {
            Yaml::Text(text) => Some(text.clone()),
            Yaml::Integer(number) => Some(number.to_string()),
            Yaml::Float(number) => Some(number.to_string()),
            Yaml::Bool(truth) => Some(truth.to_string()),
            Yaml::Null | Yaml::List(_) | Yaml::Map(_) => None,
        }
    }

    /// What a reference within the file leads to (RFC 6901 in a fragment).
    pub(super) fn at(&self, reference: &str) -> Option<Self> {
        let inside = reference.strip_prefix("#/")?;
        inside.split('/').try_fold(self.clone(), |here, step| {
            let name = step.replace("~1", "/").replace("~0", "~").replace("%7B", "{").replace("%7D", "}");
            match &here.node.value {
                Yaml::List(items) => {
                    let index = name.parse::<usize>().ok()?;
                    items.get(index).map(|node| here.inside(node, &name))
                }
                _ => here.get(&name),
            }
        })
    }

    /// What stands here, or what it refers to within `root`.
    pub(super) fn resolved(&self, root: &Self) -> Option<Self> {
        let mut here = self.clone();
        for _ in 0..MAX_HOPS {
            match here.text_of("$ref") {
                None => return Some(here),
                Some(reference) => here = root.at(reference)?,
            }
        }
        None
    }

    fn inside(&self, node: &'a Node, step: &str) -> Self {
        Self { node, pointer: format!("{}/{}", self.pointer, step.replace('~', "~0").replace('/', "~1")) }
    }
}

fn text(node: &Node) -> Option<&str> {
    match &node.value {
        Yaml::Text(text) => Some(text),
        _ => None,
    }
}

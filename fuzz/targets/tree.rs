//! A second look at operators' YAML: the bare tree, without what any room makes of it.

use portcullis::diagnostic::Source;
use portcullis::yaml::Budget;
use portcullis::yaml::Node;
use portcullis::yaml::Yaml;
use portcullis::yaml::parse_within;

/// The tree of a text that some room has accepted.
pub fn tree(text: &str) -> Node {
    parse_within(&Source::new("again.yaml", text), Budget::DATA).unwrap_or_else(|faults| panic!("{faults}"))
}

/// The members of a mapping; none if it is none.
pub fn members(node: &Node) -> impl Iterator<Item = (&str, &Node)> {
    let entries = match &node.value {
        Yaml::Map(entries) => &entries[..],
        _ => &[],
    };
    entries.iter().map(|(key, value)| (key.text.as_str(), value))
}

/// The items of a list; none if it is none.
pub fn items(node: &Node) -> &[Node] {
    match &node.value {
        Yaml::List(items) => items,
        _ => &[],
    }
}

/// A member of a mapping.
pub fn member<'n>(node: &'n Node, name: &str) -> Option<&'n Node> {
    members(node).find(|(known, _)| *known == name).map(|(_, value)| value)
}

/// What stands there, if it is text.
pub fn text(node: &Node) -> Option<&str> {
    match &node.value {
        Yaml::Text(text) => Some(text),
        _ => None,
    }
}

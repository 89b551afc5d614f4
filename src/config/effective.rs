//! The configuration as it is in effect: every key with its value and where that comes from, and no file but `gateway.yaml`
//! is read for it. Of a secret the path is told, as `file:…`.

use crate::config::credentials;
use crate::config::deliver;
use crate::config::explain::Absent;
use crate::config::explain::KEYS;
use crate::config::explain::Key;
use crate::config::explain::LIMITS;
use crate::config::settings::read;
use crate::config::softeners::in_unit;
use crate::config::values;
use crate::config::written;
use crate::diagnostic::Diagnostics;
use crate::diagnostic::Source;
use crate::limits::TABLE;
use crate::yaml;
use crate::yaml::Node;
use crate::yaml::Yaml;
use std::path::Path;

/// One key in effect.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Effective {
    /// Its path in this file: `partners.smarthome.tls.ca`.
    pub key: String,
    /// Its value; `None` where there is none.
    pub value: Option<String>,
    /// The line of the file where it stands; `None` for a default.
    pub line: Option<u32>,
}

/// Every key of this file with its value, those that stand there and those that do not.
///
/// # Errors
/// The faults of the file as it is written.
pub fn effective(path: &Path) -> Result<Vec<Effective>, Diagnostics> {
    effective_of(read(path)?)
}

/// Every key of a file that was read earlier.
///
/// # Errors
/// As [`effective`].
pub fn effective_of(source: Source) -> Result<Vec<Effective>, Diagnostics> {
    let root = yaml::parse(&source)?;
    let reader = yaml::Reader::new(source);
    let written = written::read(&reader, &root);
    let written = reader.finish(written)?;
    let mut all = Vec::new();
    for key in KEYS {
        let path: Vec<&str> = key.path.split('.').collect();
        found(Some(&root), &path, "", &mut |at, node, parent| all.push(in_effect(key, at, node, parent)));
    }
    let mut limits = written.limits;
    for row in TABLE {
        let node = member(&root, LIMITS.trim_end_matches('.')).and_then(|limits| member(limits, row.name));
        let value = limits.field(row.name).copied().unwrap_or(row.default);
        let (key, line) = (format!("{LIMITS}{}", row.name), node.map(|node| node.place.line));
        all.push(Effective { key, value: Some(in_unit(row, value)), line });
    }
    Ok(all)
}

fn in_effect(key: &Key, at: String, node: Option<&Node>, parent: Option<&Node>) -> Effective {
    let value = match node {
        Some(node) if key.takes.is_secret() => Some(places(node)),
        Some(node) => Some(shown(node)),
        None => match key.absent {
            Absent::Fault | Absent::Unfetched | Absent::Nothing => None,
            Absent::Value(value) => Some(value.to_owned()),
            Absent::Cores => Some(written::cores().to_string()),
            Absent::UpstreamHost => parent.and_then(|partner| member(partner, "upstream")).and_then(host_of),
            Absent::EndpointHost => parent.and_then(|webhooks| member(webhooks, "endpoint")).and_then(deliver::host_of),
            Absent::RemoteHost => parent.and_then(remote_host_of),
        },
    };
    Effective { key: at, value, line: node.map(|node| node.place.line) }
}

/// Calls `each` with every place that this path names: its key, its value, and the mapping that it stands in, or would.
fn found<'n>(
    node: Option<&'n Node>,
    path: &[&str],
    at: &str,
    each: &mut dyn FnMut(String, Option<&'n Node>, Option<&'n Node>),
) {
    let Some((segment, below)) = path.split_first() else { return };
    let joined = |name: &str| if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") };
    let mut go = |name: String, value: Option<&'n Node>| match below {
        [] => each(name, value, node),
        _ => found(value, below, &name, each),
    };
    match (segment.strip_suffix("[]"), node.map(|node| &node.value)) {
        (_, Some(Yaml::Map(entries))) if *segment == "<name>" => {
            entries.iter().for_each(|(key, value)| go(joined(&key.text), Some(value)));
        }
        (Some(list), _) => {
            let items = node.and_then(|node| member(node, list)).map(|list| &list.value);
            if let Some(Yaml::List(items)) = items {
                let named = items.iter().enumerate().map(|(index, item)| (joined(&format!("{list}[{index}]")), item));
                named.for_each(|(name, item)| go(name, Some(item)));
            }
        }
        (None, _) => go(joined(segment), node.and_then(|node| member(node, segment))),
    }
}

fn member<'n>(node: &'n Node, name: &str) -> Option<&'n Node> {
    match &node.value {
        Yaml::Map(entries) => entries.iter().find(|(key, _)| key.text == name).map(|(_, value)| value),
        _ => None,
    }
}

/// Where secrets lie; `credential:NAME` says by itself that it is a place.
fn places(node: &Node) -> String {
    match &node.value {
        Yaml::List(items) => format!("[{}]", items.iter().map(places).collect::<Vec<_>>().join(", ")),
        _ if credentials::name_in(&shown(node)).is_some() => shown(node),
        _ => format!("file:{}", shown(node)),
    }
}

/// A value as it was written.
fn shown(node: &Node) -> String {
    match &node.value {
        Yaml::Null => "null".to_owned(),
        Yaml::Bool(value) => value.to_string(),
        Yaml::Integer(value) => value.to_string(),
        Yaml::Float(value) => value.to_string(),
        Yaml::Text(text) => text.clone(),
        Yaml::List(items) => format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(", ")),
        Yaml::Map(entries) => {
            let entries = entries.iter().map(|(key, value)| format!("{}: {}", key.text, shown(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
    }
}

/// The host of a destination, by its address or its URL.
fn remote_host_of(destination: &Node) -> Option<String> {
    let url = member(destination, "url").or_else(|| member(destination, "discovery"));
    match (member(destination, "address").map(|node| &node.value), url) {
        (Some(Yaml::Text(text)), _) => values::host_of_remote(text),
        (_, Some(url)) => deliver::host_of(url),
        _ => None,
    }
}

fn host_of(upstream: &Node) -> Option<String> {
    match &upstream.value {
        Yaml::Text(text) => values::parse_upstream(text).filter(|at| !at.is_address).map(|at| at.host.to_string()),
        _ => None,
    }
}

//! Every key that `gateway.yaml` may hold, as its reader asks for them: there is no list beside the reader that could say
//! otherwise.

use crate::config::written;
use crate::diagnostic::Diagnostics;
use crate::diagnostic::Place;
use crate::diagnostic::Source;
use crate::yaml;
use crate::yaml::ANY_KEY;
use crate::yaml::Node;
use crate::yaml::Yaml;
use std::collections::BTreeSet;

/// The paths of all keys that the reader asks for in this file, whether they stand in it or not, but for those that hold
/// further keys: `a.b`, `a[].b` in the items of a list, `<name>` for a key of the operator's choice (a partner, a limit).
///
/// What lies below a mapping is asked for only where the mapping stands: an optional one that is absent is given as one
/// key. No file that this one names is read.
///
/// # Errors
/// The faults of the file as it is written.
pub fn known_keys(source: Source) -> Result<BTreeSet<String>, Diagnostics> {
    let root = yaml::parse(&source)?;
    let reader = yaml::Reader::noting(source);
    let written = written::read(&reader, &root);
    let asked = reader.asked();
    reader.finish(written)?;
    let mut keys = BTreeSet::new();
    collect(&root, "", &asked, &mut keys);
    // What stands in one place and not in another is no key of its own there: those below it are.
    let below = |key: &str| keys.iter().any(|other| other.strip_prefix(key).is_some_and(|rest| rest.starts_with('.')));
    let mappings: Vec<_> = keys.iter().filter(|key| below(key)).cloned().collect();
    keys.retain(|key| !mappings.contains(key));
    Ok(keys)
}

/// Adds the keys that were asked for at and below a value; whether there were any. As deep as the file is nested, which
/// the parser bounds.
fn collect(node: &Node, path: &str, asked: &[(Place, &'static str)], keys: &mut BTreeSet<String>) -> bool {
    let entries = match &node.value {
        Yaml::List(items) => {
            let path = format!("{path}[]");
            let mut any = false;
            for item in items {
                any |= collect(item, &path, asked, keys);
            }
            return any;
        }
        Yaml::Map(entries) => entries,
        _ => return false,
    };
    let here: BTreeSet<_> = asked.iter().filter(|(place, _)| *place == node.place).map(|(_, key)| *key).collect();
    for key in &here {
        let path = if path.is_empty() { (*key).to_owned() } else { format!("{path}.{key}") };
        let is_it = |text: &str| if *key == ANY_KEY { !here.contains(text) } else { text == *key };
        let mut any = false;
        for (_, value) in entries.iter().filter(|(key, _)| is_it(&key.text)) {
            any |= collect(value, &path, asked, keys);
        }
        if !any {
            keys.insert(path);
        }
    }
    !here.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_are_those_that_the_reader_asks_for_whether_they_stand_in_the_file_or_not() {
        let example = include_str!("../../gateway.yaml");
        let keys = known_keys(Source::new("gateway.yaml", example)).unwrap();
        for key in [
            "version",
            "workers",
            "listeners.backend.tls.crl",
            "listeners.ops.address",
            "issuers[].jwks.file",
            "issuers[].bind",
            "sessions.keys",
            "partners.<name>.server_name",
            "partners.<name>.token.client_id",
            "store.sqlite.path",
            "limits.<name>",
        ] {
            assert!(keys.contains(key), "{key} is not among {keys:?}");
        }
        for key in ["listeners", "issuers", "partners", "limits", "sessions.bind", "partners.<name>.token"] {
            assert!(!keys.contains(key), "{key} is among {keys:?}");
        }
    }

    #[test]
    fn a_mapping_that_is_absent_is_one_key_and_a_file_with_faults_has_none() {
        let example = include_str!("../../gateway.yaml");
        let without = example.replace("  ops: {address: \"127.0.0.1:9464\"}", "");
        let keys = known_keys(Source::new("gateway.yaml", without)).unwrap();
        assert!(keys.contains("listeners.ops") && !keys.contains("listeners.ops.address"), "{keys:?}");
        let wrong = example.replace("version: 1", "version: 2");
        assert!(known_keys(Source::new("gateway.yaml", wrong)).is_err());
    }
}

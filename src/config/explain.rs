//! Keys of `gateway.yaml` in words: found by their paths, and told. What is said of each stands in one table (`table.rs`); the
//! limits explain themselves, in their own.
//!
//! That the table has exactly the keys that the reader asks for, `tests/it/config.rs` sees to, and that the documentation
//! has them too.

mod table;
mod words;

pub use table::KEYS;
pub use words::Absent;
pub use words::Takes;

use crate::config::softeners::in_unit;
use crate::limits::Limit;
use crate::limits::TABLE;

/// One key that is no limit.
#[derive(Clone, Debug)]
pub struct Key {
    /// Its path: `[]` for the items of a list, `<name>` for names that the operator chooses.
    pub path: &'static str,
    /// What it takes.
    pub takes: Takes,
    /// What applies where it is absent.
    pub absent: Absent,
    /// What it does.
    pub effect: &'static str,
}

/// A key in words.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Explained {
    /// Its path.
    pub path: String,
    /// What it takes.
    pub takes: String,
    /// What applies where it is absent.
    pub absent: String,
    /// What it does.
    pub effect: String,
    /// What happens one past it; of a limit only.
    pub beyond: Option<&'static str>,
    /// Where its default comes from; of a limit only.
    pub source: Option<&'static str>,
    /// Where it is documented.
    pub docs: &'static str,
}

/// The page and place that explain keys, and limits.
const DOCS: &str = "docs/operations.md#configuration";
const DOCS_OF_LIMITS: &str = "docs/operations.md#limits";

/// The mapping of the limits.
pub(super) const LIMITS: &str = "limits.";

/// The keys that `asked` names, or that stand below it: a path as above, or one of a file (`partners.smarthome.tls.ca`,
/// `issuers[0]`), or the name of a limit alone. Empty where there is none.
#[must_use]
pub fn explain(asked: &str) -> Vec<Explained> {
    let limits = TABLE.iter().filter(|limit| {
        let path = format!("{LIMITS}{}", limit.name);
        limit.name == asked || names(asked, &path)
    });
    let keys = KEYS.iter().filter(|key| names(asked, key.path));
    keys.map(Key::explained).chain(limits.map(explained)).collect()
}

/// The paths of all keys.
pub fn paths() -> impl Iterator<Item = String> {
    let limits = TABLE.iter().map(|limit| format!("{LIMITS}{}", limit.name));
    KEYS.iter().map(|key| key.path.to_owned()).chain(limits)
}

/// Whether `asked` is this path, or the beginning of it; empty, it is that of all.
fn names(asked: &str, path: &str) -> bool {
    let fits = |asked: &str, segment: &str| match segment.strip_suffix("[]") {
        _ if segment == "<name>" => true,
        Some(list) => asked.split('[').next() == Some(list),
        None => asked == segment,
    };
    let asked: Vec<&str> = asked.split('.').filter(|segment| !segment.is_empty()).collect();
    let path: Vec<&str> = path.split('.').collect();
    asked.len() <= path.len() && asked.iter().zip(&path).all(|(asked, segment)| fits(asked, segment))
}

impl Key {
    fn explained(&self) -> Explained {
        Explained {
            path: self.path.to_owned(),
            takes: self.takes.words(),
            absent: self.absent.words().to_owned(),
            effect: self.effect.to_owned(),
            beyond: None,
            source: None,
            docs: DOCS,
        }
    }
}

impl Takes {
    /// Whether what lies there must not be shown.
    pub(super) const fn is_secret(&self) -> bool {
        matches!(self, Self::File(true) | Self::SecretFiles)
    }
}

fn explained(limit: &Limit) -> Explained {
    let kind = match limit.name {
        name if name.ends_with("_ms") || name.ends_with("_s") => "duration",
        name if name.contains("bytes") => "size",
        _ => "whole number",
    };
    Explained {
        path: format!("{LIMITS}{}", limit.name),
        takes: format!("{kind} from {} to {}", in_unit(limit, limit.low), in_unit(limit, limit.high)),
        absent: in_unit(limit, limit.default),
        effect: limit.what.trim().trim_end_matches('.').to_owned(),
        beyond: Some(limit.beyond),
        source: Some(limit.source),
        docs: DOCS_OF_LIMITS,
    }
}

#[cfg(test)]
mod tests;

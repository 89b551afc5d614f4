//! What of a configuration is softer than the defaults: for `/-/status`, so that nobody has to compare files to know.

use crate::config::settings::Config;
use crate::config::settings::ListenAddress;
use crate::config::units;
use crate::limits::Limit;
use crate::limits::TABLE;
use crate::model::DEVELOPMENT;

/// A setting that lets through more than its default would.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Softener {
    /// The key.
    pub key: String,
    /// What it does.
    pub says: String,
}

/// Limits of which more is not softer: they say how long going down waits.
const OF_GOING_DOWN: &str = "shutdown_";

impl Config {
    /// All softeners in force, in the order of the documentation.
    #[must_use]
    pub fn softeners(&self) -> Vec<Softener> {
        let mut found = Vec::new();
        let mut add = |key: String, says: String| found.push(Softener { key, says });
        if self.environment.as_str() == DEVELOPMENT {
            add("environment".to_owned(), "this gateway is for development, not for people's doors".to_owned());
        }
        if self.signers.is_none() {
            add("policies.signers".to_owned(), "nobody need have signed the bundle".to_owned());
        }
        let open = match &self.ops {
            ListenAddress::Bind(address) => (!address.ip().is_loopback()).then(|| format!("`{address}`")),
            ListenAddress::HandedOver(name) => Some(format!("an address of the supervisor's choice, `{name}`")),
        };
        if let Some(at) = open {
            let says = format!("metrics and status can be read from other machines, in plain HTTP, at {at}");
            add("listeners.ops.address".to_owned(), says);
        }
        let mut limits = self.limits.clone();
        for row in TABLE.iter().filter(|row| !row.name.starts_with(OF_GOING_DOWN)) {
            let set = limits.field(row.name).copied().unwrap_or(row.default);
            if set > row.default {
                let says = format!("{} instead of {}", in_unit(row, set), in_unit(row, row.default));
                add(format!("limits.{}", row.name), says);
            }
        }
        found
    }
}

/// A limit's value as `gateway.yaml` would write it.
pub(super) fn in_unit(row: &Limit, value: u64) -> String {
    match row.name {
        name if name.ends_with("_ms") => units::duration_text(value),
        name if name.ends_with("_s") => units::duration_text(value.saturating_mul(1_000)),
        name if name.contains("bytes") => units::size_text(value),
        _ => value.to_string(),
    }
}

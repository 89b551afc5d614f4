//! Descriptors: as many as the limits promise, taken at start, or no start.
//!
//! A gateway that runs out of them refuses whoever comes next, and that may be the operator, or the log that wants a new
//! segment. So the soft limit is raised to the hard one (`getrlimit(2)`), and what the limits allow at once must fit below
//! it with a reserve. Then nobody who comes from outside can take the last one.

use crate::config::Config;
use crate::config::TokenSettings;
use crate::diagnostic::Diagnostic;
use crate::wire;
use rustix::process::Resource;
use rustix::process::Rlimit;
use rustix::process::getrlimit;
use rustix::process::setrlimit;

/// What is open beside connections: log, store, locks, sockets, runtimes; 64 readers of the ops listener, 16 of the admin
/// socket, and as many again.
const RESERVE: u64 = 256;

/// Raises the soft limit, and makes sure that it is enough.
///
/// # Errors
/// `too-few-descriptors`, at `connections_max`.
pub(super) fn provide(config: &Config) -> Result<(), Diagnostic> {
    let limit = getrlimit(Resource::Nofile);
    // Failing leaves the soft limit as it is, which is then looked at.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    suffice(config, getrlimit(Resource::Nofile).current)
}

/// Makes sure that the hard limit is enough, and raises nothing.
///
/// # Errors
/// As [`provide`].
pub(super) fn examine(config: &Config) -> Result<(), Diagnostic> {
    suffice(config, getrlimit(Resource::Nofile).maximum)
}

fn suffice(config: &Config, given: Option<u64>) -> Result<(), Diagnostic> {
    let needed = needed(config);
    if given.is_none_or(|given| given >= needed) {
        return Ok(());
    }
    let connections = config.limits.connections_max;
    let message = format!(
        "{connections} connections need {needed} descriptors with what else is open, and this process may have {}",
        given.unwrap_or(u64::MAX)
    );
    let fault = config.source.fault("too-few-descriptors", config.places.connections_max, message);
    Err(fault.help(format!(
        "raise the hard limit (systemd: `LimitNOFILE={needed}`; a shell: `ulimit -n {needed}`), or lower `connections_max`"
    )))
}

/// All that may be open at once. A worker takes a connection before it can be counted, so each may hold one more.
fn needed(config: &Config) -> u64 {
    let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    let workers = count(config.workers.get());
    let of_partners = config.partner_listener.as_ref();
    let of_partners = of_partners.map_or(0, |_| config.limits.partner_connections_max.saturating_add(workers));
    // Of authorisation servers as well.
    let fetched = config.partners.iter().filter(|partner| matches!(partner.token, TokenSettings::Fetched(_))).count();
    let places = count(config.partners.len()).saturating_add(count(fetched));
    let pooled = workers.saturating_mul(places).saturating_mul(count(wire::MAX_IDLE));
    [config.limits.connections_max, of_partners, config.limits.exchanges_max, pooled, workers, RESERVE]
        .into_iter()
        .fold(0, u64::saturating_add)
}

//! What a start would refuse, found without starting: for a new program, or a new configuration, beside the gateway that runs.
//!
//! Store and log are looked at and not opened: nothing is written, locked or mended, so that the gateway that has them does
//! not notice. That an address, the store or the log is in use is no fault here, since it is that gateway's; that an address
//! is none of this machine's is one.

use crate::approval::History;
use crate::audit;
use crate::clock::UnixMillis;
use crate::config::Config;
use crate::config::ListenAddress;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use crate::diagnostic::Place;
use crate::gateway::approvals::Signing;
use crate::gateway::descriptors;
use crate::gateway::epochs;
use crate::gateway::log_fault;
use crate::gateway::rooms::candidate;
use crate::gateway::unusable;
use crate::store;
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::net::TcpListener;

/// Everything that a start by this configuration would refuse now, at once.
///
/// # Errors
/// All of it.
pub fn check(config: &Config, now: UnixMillis) -> Result<(), Diagnostics> {
    let mut faults = Diagnostics::new();
    descriptors::examine(config).unwrap_or_else(|fault| faults.push(fault));
    let candidate = candidate(config).map_err(|wrong| faults.extend(wrong)).ok();
    let Config { source, places, .. } = config;
    let listeners = [
        ("listeners.backend.address", &config.backend.address, places.backend),
        ("listeners.ops.address", &config.ops, places.ops),
    ];
    for (key, address, place) in listeners {
        is_of_this_machine(key, address).unwrap_or_else(|fault| faults.push(fault.asked_at(source, place)));
    }
    let mut refuse = |what: &str, path, error: &dyn Error, place: Place, help: &str| {
        faults.push(unusable(what, path, error).asked_at(source, place).help(help));
    };
    // One that is not there is begun by the start.
    let mut history = Some(History::default());
    let mut even = None;
    if config.store.path.exists() {
        let (path, key) = (&config.store.path, &config.store.key);
        let found = store::examine(path, key);
        let seen = found.as_ref().ok().map(|standing| standing.epoch);
        history = found.and_then(|_| store::activations(path, key)).map_or_else(
            |error| {
                let help = "a store of this program, under the key that it was made with; what is damaged is restored \
                            from a backup";
                refuse("store", path, &error, places.store, help);
                None
            },
            Some,
        );
        even = seen.zip(store::log_seen(path).ok());
    }
    match audit::examine(&config.audit.directory, &config.audit.signer, now) {
        Err(error) => faults.push(log_fault::told(&config.audit.directory, &error).asked_at(source, places.audit)),
        Ok(()) => {
            let compared = even.map(|(seen, note)| {
                epochs::held(config, note.as_deref()).and_then(|()| epochs::compare(config, seen).map(drop))
            });
            compared.unwrap_or(Ok(())).unwrap_or_else(|fault| faults.push(fault));
        }
    }
    if let (Some(candidate), Some(history)) = (candidate, history) {
        let approved = Signing::of(config).examine(&candidate.bundle, now, &history);
        approved.unwrap_or_else(|wrong| faults.extend(wrong));
    }
    faults.or_fail(())
}

/// Whether a socket can be bound to the address, on whatever port is free. What a supervisor binds is not ours to try.
fn is_of_this_machine(key: &str, address: &ListenAddress) -> Result<(), Diagnostic> {
    let ListenAddress::Bind(address) = address else { return Ok(()) };
    match TcpListener::bind(SocketAddr::new(address.ip(), 0)) {
        Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => {
            let message = format!("`{}` of `{key}` is no address of this machine", address.ip());
            Err(Diagnostic::without_file("address-not-bound", message).help("`ip address` lists those that are"))
        }
        _ => Ok(()),
    }
}

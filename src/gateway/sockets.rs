//! The sockets of a gateway, bound before any task starts, so that an address in use is a refusal to start.

use crate::admin::AdminSocket;
use crate::config::Config;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use crate::diagnostic::Place;
use crate::gateway::internal;
use std::io;
use std::net::SocketAddr;
use std::net::TcpListener;

/// What is bound before any task starts.
pub(super) struct Sockets {
    pub(super) backend: TcpListener,
    pub(super) ops: TcpListener,
    pub(super) admin: Option<AdminSocket>,
}

impl Sockets {
    /// Binds them all; an address in use is told at once.
    pub(super) fn bind(config: &Config) -> Result<Self, Diagnostics> {
        let mut faults = Diagnostics::new();
        let Config { source, places, .. } = config;
        let mut listen = |key: &str, address: SocketAddr, place: Place| {
            let bound = TcpListener::bind(address).and_then(|socket| socket.set_nonblocking(true).map(|()| socket));
            bound.map_err(|error| faults.push(not_bound(key, address, &error).asked_at(source, place))).ok()
        };
        let backend = listen("listeners.backend.address", config.backend.address, places.backend);
        let ops = listen("listeners.ops.address", config.ops, places.ops);
        let admin = match &config.admin_socket {
            Some(path) => {
                let bound = AdminSocket::bind(path);
                bound.map_err(|fault| faults.push(fault.asked_at(source, places.admin_socket))).ok()
            }
            None => None,
        };
        match (backend, ops) {
            (Some(backend), Some(ops)) => faults.or_fail(Self { backend, ops, admin }),
            _ => Err(faults),
        }
    }
}

fn not_bound(key: &str, address: SocketAddr, error: &io::Error) -> Diagnostic {
    let (code, what) = match error.kind() {
        io::ErrorKind::AddrInUse => ("address-in-use", "is in use".to_owned()),
        _ => ("address-not-bound", format!("cannot be bound: {error}")),
    };
    let fault = Diagnostic::without_file(code, format!("`{address}` of `{key}` {what}"));
    fault.help("stop whatever listens there, or choose another address")
}

/// The address that a socket is bound to.
pub(super) fn address(socket: &TcpListener) -> Result<SocketAddr, Diagnostics> {
    socket.local_addr().map_err(|error| internal("a socket's address", &error))
}

//! The sockets of a gateway, bound or taken over before any task starts, so that an address in use is a refusal to start.

use crate::admin::AdminSocket;
use crate::admin::Persons;
use crate::config::Config;
use crate::config::ListenAddress;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use crate::diagnostic::Place;
use crate::gateway::inherited::Inherited;
use crate::gateway::internal;
use std::io;
use std::net::SocketAddr;
use std::net::TcpListener;

/// What is bound before any task starts.
pub(super) struct Sockets {
    backend: TcpListener,
    partner: Option<TcpListener>,
    pub(super) ops: TcpListener,
    pub(super) admin: Option<AdminSocket>,
}

/// The sockets that a worker accepts on.
pub(super) struct CallerSockets {
    pub(super) backend: TcpListener,
    pub(super) partner: Option<TcpListener>,
}

/// The addresses that the sockets are bound to.
#[derive(Clone, Copy)]
pub(super) struct Addresses {
    pub(super) backend: SocketAddr,
    pub(super) partner: Option<SocketAddr>,
    pub(super) ops: SocketAddr,
}

impl Sockets {
    /// Binds them all, or takes them over; an address in use is told at once, and so is a socket that nobody asked for.
    pub(super) fn bind(config: &Config) -> Result<Self, Diagnostics> {
        let mut faults = Diagnostics::new();
        let mut inherited = Inherited::from_environment();
        let Config { source, places, .. } = config;
        let mut listen = |key: &str, address: &ListenAddress, place: Place| {
            let opened = open(&mut inherited, key, address);
            opened.map_err(|fault| faults.push(fault.asked_at(source, place))).ok()
        };
        let backend = listen("listeners.backend.address", &config.backend.address, places.backend);
        let partner = config.partner_listener.as_ref();
        let partner = partner.map(|to| listen("listeners.partner.address", &to.address, places.partner_listener));
        let ops = listen("listeners.ops.address", &config.ops, places.ops);
        let left = inherited.left();
        if faults.is_empty() && !left.is_empty() {
            let message = format!("sockets were handed over that no listener takes: {}", left.join(", "));
            let fault = Diagnostic::without_file("socket-not-asked-for", message);
            faults.push(fault.help("write `address: systemd:NAME` at a listener, or stop the socket unit"));
        }
        let admin = match &config.admin_socket {
            Some(path) => {
                let bound = AdminSocket::bind(path, persons(config));
                bound.map_err(|fault| faults.push(fault.asked_at(source, places.admin_socket))).ok()
            }
            None => None,
        };
        match (backend, ops) {
            (Some(backend), Some(ops)) => faults.or_fail(Self { backend, partner: partner.flatten(), ops, admin }),
            _ => Err(faults),
        }
    }

    /// Where they are bound: where the configuration says port 0, the system has chosen one.
    pub(super) fn addresses(&self) -> Result<Addresses, Diagnostics> {
        Ok(Addresses {
            backend: address(&self.backend)?,
            partner: self.partner.as_ref().map(address).transpose()?,
            ops: address(&self.ops)?,
        })
    }

    /// The sockets for one more worker.
    pub(super) fn of_callers(&self) -> Result<CallerSockets, Diagnostics> {
        let copy = |socket: &TcpListener| socket.try_clone().map_err(|error| internal("the listening socket", &error));
        Ok(CallerSockets { backend: copy(&self.backend)?, partner: self.partner.as_ref().map(copy).transpose()? })
    }
}

/// One socket, of which no call waits.
fn open(inherited: &mut Inherited, key: &str, address: &ListenAddress) -> Result<TcpListener, Diagnostic> {
    let (socket, told) = match address {
        ListenAddress::Bind(address) => {
            let bound = TcpListener::bind(address).map_err(|error| not_bound(key, *address, &error))?;
            (bound, address.to_string())
        }
        ListenAddress::HandedOver(name) => {
            let taken = inherited.take(name).map_err(|fault| fault.fault(key, name))?;
            (taken, format!("systemd:{name}"))
        }
    };
    let waits = |error| Diagnostic::without_file("address-not-bound", format!("`{told}` of `{key}`: {error}"));
    socket.set_nonblocking(true).map_err(waits)?;
    Ok(socket)
}

/// Who is heard at the admin socket.
fn persons(config: &Config) -> Persons {
    let Some(named) = &config.admin_persons else { return Persons::owner() };
    Persons::named(named.iter().map(|named| (named.uid, named.person.clone(), named.roles.clone())))
}

fn not_bound(key: &str, address: SocketAddr, error: &io::Error) -> Diagnostic {
    let (code, what) = match error.kind() {
        io::ErrorKind::AddrInUse => ("address-in-use", "is in use".to_owned()),
        _ => ("address-not-bound", format!("cannot be bound: {error}")),
    };
    let fault = Diagnostic::without_file(code, format!("`{address}` of `{key}` {what}"));
    fault.help("stop whatever listens there, or choose another address")
}

fn address(socket: &TcpListener) -> Result<SocketAddr, Diagnostics> {
    socket.local_addr().map_err(|error| internal("a socket's address", &error))
}

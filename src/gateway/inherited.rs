//! Sockets that the supervisor has bound and hands over (socket activation, sd_listen_fds(3)), each under a name.
//!
//! They outlive the process: while a gateway restarts, who connects waits in the socket's queue instead of being refused,
//! and a port below 1024 needs no privilege here. What is handed over and what `gateway.yaml` asks for must be the same:
//! a socket that nobody serves would take connections and never answer.

use crate::diagnostic::Diagnostic;
use crate::model::Name;
use listenfd::ListenFd;
use rustix::net::sockopt::socket_acceptconn;
use std::env;
use std::io;
use std::net::TcpListener;
use std::process;

/// What the supervisor handed over, and what of it is not taken yet.
pub(super) struct Inherited {
    sockets: ListenFd,
    /// The name of each, in their order; `None` once it is taken.
    names: Vec<Option<String>>,
}

/// Why a socket cannot be taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotInherited {
    /// There is none of that name; these are the names that there are.
    #[error("was not handed over{}", told(.0))]
    Unknown(Vec<String>),
    /// Several have that name, as several `ListenStream=` of one unit do.
    #[error("was handed over several times")]
    Several,
    /// It is no TCP socket.
    #[error("is no TCP socket")]
    NotTcp(#[source] io::Error),
    /// It is connected or only bound: `Accept=yes`, for instance.
    #[error("does not listen")]
    NotListening,
}

impl Inherited {
    /// Takes over what is meant for this process. The variables go with it, and this must come before any thread: see
    /// `std::env::remove_var`, which `listenfd` calls where there is something to take.
    pub(super) fn from_environment() -> Self {
        let number = |name: &str| env::var(name).ok().and_then(|text| text.parse::<u32>().ok());
        if number("LISTEN_PID") != Some(process::id()) {
            return Self { sockets: ListenFd::empty(), names: Vec::new() };
        }
        let named = env::var("LISTEN_FDNAMES").unwrap_or_default();
        let sockets = ListenFd::from_env();
        let mut names: Vec<_> = named.split(':').map(|name| Some(name.to_owned())).collect();
        if names.len() != sockets.len() {
            // As systemd itself calls what nobody named.
            names = vec![Some("unknown".to_owned()); sockets.len()];
        }
        Self { sockets, names }
    }

    /// The listening socket of that name.
    ///
    /// # Errors
    /// [`NotInherited`]; nothing was taken then.
    pub(super) fn take(&mut self, name: &Name) -> Result<TcpListener, NotInherited> {
        let is_it = |given: &Option<String>| given.as_deref() == Some(name.as_str());
        let mut at = self.names.iter().enumerate().filter(|(_, given)| is_it(given)).map(|(at, _)| at);
        let Some(first) = at.next() else { return Err(NotInherited::Unknown(self.left())) };
        if at.next().is_some() {
            return Err(NotInherited::Several);
        }
        let taken = self.sockets.take_tcp_listener(first).map_err(NotInherited::NotTcp)?;
        let socket = taken.ok_or_else(|| NotInherited::Unknown(self.left()))?;
        if !socket_acceptconn(&socket).unwrap_or(false) {
            return Err(NotInherited::NotListening);
        }
        if let Some(name) = self.names.get_mut(first) {
            *name = None;
        }
        Ok(socket)
    }

    /// The names of those that nobody has taken.
    pub(super) fn left(&self) -> Vec<String> {
        self.names.iter().flatten().cloned().collect()
    }
}

impl NotInherited {
    /// The refusal to start, for the listener's key.
    pub(super) fn fault(&self, key: &str, name: &Name) -> Diagnostic {
        let fault = Diagnostic::without_file("socket-not-inherited", format!("the socket `{name}` of `{key}` {self}"));
        fault.help(format!(
            "a socket unit with one `ListenStream=` and `FileDescriptorName={name}` hands it over; or write an address"
        ))
    }
}

fn told(names: &[String]) -> String {
    if names.is_empty() { String::new() } else { format!("; there are left: {}", names.join(", ")) }
}

//! A door for those who call, as it is wired: what it shows, whom it lets in, and how many.

use crate::clock::Clock;
use crate::config::CallerListener;
use crate::config::Config;
use crate::crypto;
use crate::crypto::ClientTrust;
use crate::crypto::OwnCertificate;
use crate::crypto::TlsError;
use crate::diagnostic::Diagnostics;
use crate::gateway::internal;
use crate::limits::Limits;
use crate::listener::Door;
use crate::model::Side;
use crate::pipeline::BodyMemory;
use crate::tasks::Tasks;
use std::sync::Arc;
use tokio::sync::watch;

/// What of a door is exchanged when its files change.
#[derive(Clone)]
pub(super) struct Entrance {
    side: Side,
    own: Arc<OwnCertificate>,
    pub(super) clients: Arc<ClientTrust>,
}

/// What all doors share.
pub(super) struct Shared {
    pub(super) limits: Arc<Limits>,
    pub(super) memory: BodyMemory,
    pub(super) connections: Tasks,
    pub(super) going_down: watch::Receiver<bool>,
    pub(super) clock: Arc<dyn Clock>,
}

impl Entrance {
    /// The door of `side`, by what is configured.
    pub(super) fn new(side: Side, listener: &CallerListener) -> Result<Self, Diagnostics> {
        let clients = ClientTrust::new(listener.tls.roots.clone(), listener.crls.clone());
        let clients = clients.map_err(|error| internal("the trust in clients", &error))?;
        let own = OwnCertificate::new(&listener.tls.identity);
        Ok(Self { side, own: Arc::new(own), clients: Arc::new(clients) })
    }

    /// The doors of a configuration: the backend's, and the partners' if there is one.
    pub(super) fn all(config: &Config) -> Result<(Self, Option<Self>), Diagnostics> {
        let partner = config.partner_listener.as_ref().map(|listener| Self::new(Side::Partner, listener));
        Ok((Self::new(Side::Backend, &config.backend)?, partner.transpose()?))
    }

    /// What each worker's listener is made of.
    pub(super) fn door(&self, shared: &Shared) -> Result<Door, Diagnostics> {
        let Shared { limits, memory, connections, going_down, clock } = shared;
        let tls = crypto::server_config(Arc::clone(&self.own), Arc::clone(&self.clients), Arc::clone(clock));
        Ok(Door {
            side: self.side,
            tls: tls.map_err(|error| internal("the TLS configuration", &error))?,
            clients: Arc::clone(&self.clients),
            connections_max: match self.side {
                Side::Backend => limits.connections_max,
                Side::Partner => limits.partner_connections_max,
            },
            limits: Arc::clone(limits),
            body_memory: memory.clone(),
            census: Arc::default(),
            connections: connections.clone(),
            going_down: going_down.clone(),
        })
    }

    /// Shows, and trusts, what `listener` says, from the next handshake and the next request on.
    ///
    /// # Errors
    /// [`TlsError`]; then all is as it was.
    pub(super) fn replace(&self, listener: CallerListener) -> Result<(), TlsError> {
        self.clients.replace(listener.tls.roots, listener.crls)?;
        self.own.replace(&listener.tls.identity);
        Ok(())
    }
}

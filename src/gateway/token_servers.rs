//! The partners' authorisation servers: the tokens that they gave, every worker's connections to them, and the exchange of
//! keys and certificates while the gateway runs.

use crate::config;
use crate::config::TlsPeer;
use crate::config::TokenServer;
use crate::config::TokenSettings;
use crate::crypto::Outward;
use crate::crypto::TlsError;
use crate::diagnostic::Diagnostics;
use crate::gateway::internal;
use crate::gateway::issuers;
use crate::limits::Limits;
use crate::model::PartnerName;
use crate::partner::ClientKeys;
use crate::partner::FetchedTokens;
use crate::partner::Minting;
use crate::partner::TOKEN_ANSWER_MAX_BYTES;
use crate::partner::TokenSource;
use crate::pipeline::Core;
use crate::wire::Client;
use crate::wire::Place;
use std::sync::Arc;

/// The tokens of one partner, before they have a worker's connections.
pub(super) enum Tokens {
    Minted(Arc<Minting>),
    Fetched { tokens: Arc<FetchedTokens>, place: Place, side: Arc<Outward> },
}

/// An authorisation server, as all workers know it.
pub(super) struct Server {
    tokens: Arc<FetchedTokens>,
    clients: Vec<Client>,
}

/// What a changed file makes of a server: our side there, and our keys.
pub(super) struct Change {
    side: Arc<Outward>,
    keys: ClientKeys,
}

impl Tokens {
    /// Those of a partner to whom we show `own`.
    pub(super) fn new(
        core: &Core,
        partner: &PartnerName,
        settings: TokenSettings,
        own: &TlsPeer,
        limits: &Limits,
    ) -> Result<Self, Diagnostics> {
        let server = match settings {
            TokenSettings::Minted(minting) => return Ok(Self::Minted(Arc::new(minting))),
            TokenSettings::Fetched(server) => server,
        };
        let side = side(&server, own, core);
        let side = side.map_err(|error| internal("the connections to an authorisation server", &error))?;
        let TokenServer { at, request, keys } = *server;
        let place = Place {
            host: at.host,
            port: at.port,
            server_name: at.server_name,
            connect_timeout: Limits::millis(limits.connect_timeout_ms).min(request.timeout),
            exchange_timeout: request.timeout,
            answer_max_bytes: TOKEN_ANSWER_MAX_BYTES,
            clock: Arc::clone(&core.clock),
        };
        let (clock, metrics) = (Arc::clone(&core.clock), Arc::clone(&core.metrics));
        let tokens = Arc::new(FetchedTokens::new(partner.clone(), request, keys, clock, metrics));
        Ok(Self::Fetched { tokens, place, side })
    }

    /// The same with connections of one worker's own, which are told to `server`.
    pub(super) fn source(&self, server: &mut Option<Server>) -> Result<TokenSource, Diagnostics> {
        let (tokens, place, side) = match self {
            Self::Minted(minting) => return Ok(TokenSource::Minted(Arc::clone(minting))),
            Self::Fetched { tokens, place, side } => (tokens, place, side),
        };
        let authority = issuers::authority(&place.server_name, place.port);
        let client = Client::naming(authority, place.clone(), Arc::clone(side));
        let client = client.map_err(|error| internal("the connections to an authorisation server", &error))?;
        let known = server.get_or_insert_with(|| Server { tokens: Arc::clone(tokens), clients: Vec::new() });
        known.clients.push(client.clone());
        Ok(TokenSource::Fetched { tokens: Arc::clone(tokens), server: Arc::new(client) })
    }
}

impl Change {
    /// To what a partner's configuration says now; `None` where its tokens are minted.
    ///
    /// # Errors
    /// [`TlsError`].
    pub(super) fn to(partner: &config::PartnerSettings, core: &Core) -> Result<Option<Self>, TlsError> {
        let TokenSettings::Fetched(server) = &partner.token else { return Ok(None) };
        Ok(Some(Self { side: side(server, &partner.tls, core)?, keys: server.keys.clone() }))
    }
}

/// What whoever looks at the gateway is told of a server.
pub(super) struct ServerSeen {
    /// Which partner's.
    pub(super) partner: PartnerName,
    /// The tokens that it gave.
    pub(super) tokens: Arc<FetchedTokens>,
}

impl Server {
    /// What there is to look at.
    pub(super) fn seen(&self, partner: &PartnerName) -> ServerSeen {
        ServerSeen { partner: partner.clone(), tokens: Arc::clone(&self.tokens) }
    }

    /// Goes by other files from now on. No token that was fetched before is used again: it may be bound to the certificate that
    /// was shown then (RFC 8705 §3).
    pub(super) fn replace(&self, change: Change) {
        self.clients.iter().for_each(|client| client.replace(Arc::clone(&change.side)));
        self.tokens.replace(change.keys);
    }
}

/// Our side towards an authorisation server of a partner to whom we show `own`: what is named for it, else nothing where a key
/// says who we are, else the same certificate, to which the server can then bind its tokens.
fn side(server: &TokenServer, own: &TlsPeer, core: &Core) -> Result<Arc<Outward>, TlsError> {
    let named = server.at.identity.as_ref();
    let shown = named.or_else(|| server.keys.is_empty().then_some(&own.identity));
    let (roots, clock) = (server.at.roots.clone(), Arc::clone(&core.clock));
    Outward::speaking(&["http/1.1"], shown, roots, Vec::new(), clock).map(Arc::new)
}

//! The simulated partner: a strict resource server that moves doors or barriers, and can misbehave in many ways, each of
//! which has a name.
//!
//! It stands for the platform that the gateway protects and is protected from. It lets in only the gateway's certificate,
//! verifies the partner token (signature, type, issuer, audience, times, one right for what the path names, each `jti`
//! once) and the signature over the whole request (RFC 9421), takes what its sample contract declares and nothing else, and then counts the move of a door. It shares no parser of
//! HTTP with the gateway.
//!
//! Everything is on loopback. What a test must wait for is in [`Progress`]; nothing is waited for by time.

mod answer;
mod book;
mod command;
mod connection;
mod misbehaviour;
mod platform;
mod premises;
mod refusal;
mod signature;
mod token;

#[cfg(test)]
mod tests;

use crate::clock::Clock;
use crate::clock::SystemClock;
use crate::crypto::TlsIdentity;
use crate::crypto::server_config_speaking;
use crate::devkit::pki::GATEWAY;
use crate::devkit::pki::GATEWAY_AT_PARKLINE;
use crate::devkit::pki::Pki;
use crate::devkit::pki::PkiError;
use crate::devkit::serving::Serving;
use arc_swap::ArcSwap;
use book::Book;
use command::Target;
use premises::Premises;
use rustls_pki_types::CertificateDer;
use std::io;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

pub use book::ConnectionLog;
pub use book::Progress;
pub use misbehaviour::Misbehaviour;
pub use platform::Platform;
pub use premises::Doors;
pub use token::TokenMaker;
pub use token::TokenTrust;

/// What a simulated partner is made of.
pub struct PartnerSettings {
    /// Where it listens. Port 0 takes a free one.
    pub address: SocketAddr,
    /// What it shows.
    pub identity: TlsIdentity,
    /// Who signs the gateway's certificate for it.
    pub client_roots: Vec<CertificateDer<'static>>,
    /// The URI that the gateway's certificate for it bears, as its only name.
    pub client_name: String,
    /// Whose tokens it accepts.
    pub trust: TokenTrust,
    /// What it does.
    pub platform: Platform,
    /// Its doors, or barriers.
    pub doors: Doors,
    /// Its clock.
    pub clock: Arc<dyn Clock>,
}

/// A partner at work. Dropping it stops it without waiting.
pub struct SimulatedPartner {
    address: SocketAddr,
    shared: Arc<Shared>,
    serving: Serving,
}

/// What all its connections share.
struct Shared {
    acceptor: TlsAcceptor,
    client_name: String,
    /// Exchanged while it runs.
    trust: ArcSwap<TokenTrust>,
    platform: Platform,
    premises: Premises,
    clock: Arc<dyn Clock>,
    book: Book,
    misbehaviour: watch::Sender<Option<Misbehaviour>>,
    /// Grows with every release.
    released: watch::Sender<u64>,
}

impl PartnerSettings {
    /// The smart-home partner of a development PKI, on a free port of 127.0.0.1, with the machine's clock and any door.
    ///
    /// # Errors
    /// [`PkiError::Use`].
    pub fn new(pki: &Pki, trust: TokenTrust) -> Result<Self, PkiError> {
        Ok(Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            identity: pki.partner.identity()?,
            client_roots: vec![pki.partner_authority.root()],
            client_name: GATEWAY.to_owned(),
            trust,
            platform: Platform::SmartHome,
            doors: Doors::Any,
            clock: Arc::new(SystemClock::new()),
        })
    }

    /// The same for the partner that runs the barriers, with an authority of its own.
    ///
    /// # Errors
    /// [`PkiError::Use`].
    pub fn parkline(pki: &Pki, trust: TokenTrust) -> Result<Self, PkiError> {
        Ok(Self {
            identity: pki.parkline.identity()?,
            client_roots: vec![pki.parkline_authority.root()],
            client_name: GATEWAY_AT_PARKLINE.to_owned(),
            platform: Platform::Parkline,
            ..Self::new(pki, trust)?
        })
    }
}

impl SimulatedPartner {
    /// Starts a well-behaved partner.
    ///
    /// # Errors
    /// If the address cannot be had, or nothing can be trusted.
    pub async fn start(settings: PartnerSettings) -> io::Result<Self> {
        let tls = server_config_speaking(&settings.identity, settings.client_roots, &["http/1.1"]);
        let listener = TcpListener::bind(settings.address).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            acceptor: TlsAcceptor::from(tls.map_err(io::Error::other)?),
            client_name: settings.client_name,
            trust: ArcSwap::from_pointee(settings.trust),
            platform: settings.platform,
            premises: Premises::new(settings.doors),
            clock: settings.clock,
            book: Book::new(),
            misbehaviour: watch::Sender::new(None),
            released: watch::Sender::new(0),
        });
        let served = Arc::clone(&shared);
        let serving = Serving::begin(listener, move |tcp| {
            let (open, shared) = (Open::new(&served), Arc::clone(&served));
            async move {
                // The whole of it, not its number alone: it is open for as long as this goes on.
                let open = open;
                connection::serve(shared, open.number, tcp).await;
            }
        });
        Ok(Self { address, shared, serving })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Misbehaves in that way from the next exchange on (the next connection, where it is about the handshake).
    pub fn behave(&self, misbehaviour: Misbehaviour) {
        self.shared.misbehaviour.send_replace(Some(misbehaviour));
    }

    /// Behaves well from the next exchange on. What hangs goes on hanging.
    pub fn behave_well(&self) {
        self.shared.misbehaviour.send_replace(None);
    }

    /// Accepts the tokens and requests of these keys, and no others, from the next exchange on.
    pub fn trust(&self, trust: TokenTrust) {
        self.shared.trust.store(Arc::new(trust));
    }

    /// Lets everything that hangs go on: the answer is sent, the handshake is made.
    pub fn release(&self) {
        self.shared.released.send_modify(|times| *times = times.wrapping_add(1));
    }

    /// Blocks a door or barrier: commands for it are answered 409 `blocked`, as the contract declares.
    pub fn block(&self, house: &str, door: &str) {
        self.shared.premises.block(target(house, door));
    }

    /// How often that door or barrier has moved.
    #[must_use]
    pub fn actuations(&self, house: &str, door: &str) -> u64 {
        self.shared.premises.moved(&target(house, door))
    }

    /// How often any of them has moved.
    #[must_use]
    pub fn total_actuations(&self) -> u64 {
        self.shared.premises.moved_in_all()
    }

    /// What it refused, word for word as in its answers, in order.
    #[must_use]
    pub fn refusals(&self) -> Vec<&'static str> {
        self.shared.book.refusals()
    }

    /// All connections in the order of their acceptance, with every byte above TLS.
    #[must_use]
    pub fn raw(&self) -> Vec<ConnectionLog> {
        self.shared.book.connections()
    }

    /// How many bytes came in above TLS on each connection, in the order of their acceptance.
    #[must_use]
    pub fn received(&self) -> Vec<usize> {
        self.shared.book.received_bytes()
    }

    /// How far it is.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.shared.book.progress()
    }

    /// Waits until it is so far. Bounds no time: that is the test's.
    pub async fn until(&self, reached: impl FnMut(&Progress) -> bool) {
        self.shared.book.until(reached).await;
    }

    /// Stops: the port is closed and every connection cut, also those that hang. What was seen can still be asked.
    pub async fn stop(&self) {
        self.serving.stop().await;
    }
}

/// A connection that was accepted. It has ended when this is dropped, in whatever way.
struct Open {
    number: usize,
    shared: Arc<Shared>,
}

impl Open {
    fn new(shared: &Arc<Shared>) -> Self {
        Self { number: shared.book.accepted(), shared: Arc::clone(shared) }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.shared.book.count(|progress| progress.ended += 1);
    }
}

impl Shared {
    /// Hangs until the next release.
    async fn hang(&self) {
        let mut released = self.released.subscribe();
        let _hanging = self.book.hangs();
        let _ = released.changed().await;
    }
}

fn target(house: &str, door: &str) -> Target {
    Target { house: house.to_owned(), thing: door.to_owned() }
}

//! A pool of TLS connections to one place under one identity of ours. Two identities, or two places, are two pools.
//!
//! A pooled connection is looked at before it is used again: if the other side has closed it, or sent something that
//! nobody asked for, it is dropped before a byte of the next request leaves. However much it is used, it is dropped once
//! it is old: their certificate is looked at when a connection is made and not again. Whether ours is in force, and the lists
//! about theirs, is asked each time.

use crate::clock::Clock;
use crate::crypto;
use crate::crypto::Certificate;
use crate::crypto::Crl;
use crate::crypto::Lapsed;
use crate::crypto::Outward;
use crate::crypto::TlsIdentity;
use crate::wire::exchange;
use crate::wire::exchange::Connect;
use crate::wire::exchange::Connection;
use crate::wire::exchange::Exchanged;
use crate::wire::exchange::Response;
use crate::wire::fault::ConnectFault;
use crate::wire::fault::ExchangeFault;
use crate::wire::fault::ExchangeFaultKind;
use crate::wire::request::Request;
use arc_swap::ArcSwap;
use async_trait::async_trait;
use parking_lot::Mutex;
use rustix::net::RecvFlags;
use rustls::CertificateError;
use rustls::IoState;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::ServerName;
use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Connections kept for the next exchange, at most.
pub const MAX_IDLE: usize = 128;

/// How long a connection is kept without use, in steady time. Shorter than what servers usually wait, so that they rarely close first.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a connection is used at all, in steady time: so long may it outlive a certificate.
const MAX_AGE: Duration = Duration::from_secs(300);

/// Addresses of one name that are tried; each has its share of the time.
const MAX_ADDRESSES: usize = 8;

/// Where, as whom, and within which bounds.
pub struct ClientSettings<'a> {
    /// Host name or address.
    pub host: Box<str>,
    /// The port.
    pub port: u16,
    /// The name that the certificate must bear; sent as SNI and as `Host`.
    pub server_name: Box<str>,
    /// What we show.
    pub identity: &'a TlsIdentity,
    /// Who signs the other side's certificate; nobody else does.
    pub roots: Vec<CertificateDer<'static>>,
    /// The revocation lists about the other side; without any, none is asked.
    pub lists: Vec<Crl>,
    /// For connecting, handshake included.
    pub connect_timeout: Duration,
    /// For one exchange on a connection that stands.
    pub exchange_timeout: Duration,
    /// The largest body of an answer, in bytes.
    pub answer_max_bytes: usize,
    /// By which certificates and a pooled connection's age are told.
    pub clock: Arc<dyn Clock>,
}

/// Where, and within which bounds, for one whose side of the handshakes is made elsewhere.
#[derive(Clone)]
pub struct Place {
    /// Host name or address.
    pub host: Box<str>,
    /// The port.
    pub port: u16,
    /// The name that the certificate must bear; sent as SNI and as `Host`.
    pub server_name: Box<str>,
    /// For connecting, handshake included.
    pub connect_timeout: Duration,
    /// For one exchange on a connection that stands.
    pub exchange_timeout: Duration,
    /// The largest body of an answer, in bytes.
    pub answer_max_bytes: usize,
    /// By which certificates and a pooled connection's age are told.
    pub clock: Arc<dyn Clock>,
}

/// Why a client cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The TLS configuration cannot be made.
    #[error("the TLS configuration cannot be made: {0}")]
    Tls(#[from] crypto::TlsError),
    /// The server's name is no name.
    #[error("the server's name is not a DNS name")]
    ServerName,
}

/// Connections to one place. Clones share the pool.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

struct Shared {
    host: Box<str>,
    port: u16,
    authority: Box<str>,
    server_name: ServerName<'static>,
    /// As whom, and whom we trust; with the number of its pool.
    side: ArcSwap<Side>,
    connect_timeout: Duration,
    exchange_timeout: Duration,
    answer_max_bytes: usize,
    clock: Arc<dyn Clock>,
    idle: Mutex<Vec<Idle>>,
    /// Connections that are being used, or made.
    in_use: AtomicUsize,
}

/// A pool of which one connection is in use until this is dropped.
struct InUse(Arc<Shared>);

/// How many connections stand, at one moment.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Connections {
    /// In the pool, without an exchange. One that the other side has closed counts until it is looked at.
    pub idle: usize,
    /// With an exchange, or being made.
    pub in_use: usize,
}

/// Our side of the handshakes. What was connected under another one is not used again.
struct Side {
    number: u64,
    outward: Arc<Outward>,
}

struct Idle {
    stream: TlsStream<TcpStream>,
    /// The side under which it was made.
    side: u64,
    /// When it was made, in steady time.
    born: Duration,
    /// When it was put into the pool, in steady time.
    since: Duration,
}

/// One connection, taken from the pool or made anew.
struct Taken {
    stream: TlsStream<TcpStream>,
    side: u64,
    born: Duration,
    pool: InUse,
}

/// A connection over which exactly one whole answer has come. It is closed when dropped, so whoever forgets it, or finds
/// the answer wanting, leaves nothing behind for the next exchange.
pub struct Spent(Taken);

impl Spent {
    /// Gives the connection back to its pool. Only for an answer that was found valid: who answers wrongly once may have
    /// more to say that nobody asked for.
    pub fn give_back(self) {
        let Taken { stream, side, born, pool } = self.0;
        pool.put_back(stream, side, born);
    }
}

impl Client {
    /// A client without connections.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn new(settings: ClientSettings<'_>) -> Result<Self, ClientError> {
        let clock = Arc::clone(&settings.clock);
        let outward = Arc::new(Outward::new(settings.identity, settings.roots, settings.lists, clock)?);
        let ClientSettings { host, port, server_name, connect_timeout, exchange_timeout, .. } = settings;
        let (answer_max_bytes, clock) = (settings.answer_max_bytes, settings.clock);
        Self::to(Place { host, port, server_name, connect_timeout, exchange_timeout, answer_max_bytes, clock }, outward)
    }

    /// A client without connections that goes by `outward`.
    ///
    /// # Errors
    /// [`ClientError::ServerName`].
    pub fn to(place: Place, outward: Arc<Outward>) -> Result<Self, ClientError> {
        let authority = place.server_name.clone();
        Self::naming(authority, place, outward)
    }

    /// The same, whose requests bear `authority` as `Host`: the server's name and a port, where those who are asked make
    /// addresses of it.
    ///
    /// # Errors
    /// [`ClientError::ServerName`].
    pub fn naming(authority: Box<str>, place: Place, outward: Arc<Outward>) -> Result<Self, ClientError> {
        let name = ServerName::try_from(place.server_name.to_string()).map_err(|_| ClientError::ServerName)?;
        Ok(Self {
            shared: Arc::new(Shared {
                host: place.host,
                port: place.port,
                authority,
                server_name: name,
                side: ArcSwap::from_pointee(Side { number: 0, outward }),
                connect_timeout: place.connect_timeout,
                exchange_timeout: place.exchange_timeout,
                answer_max_bytes: place.answer_max_bytes,
                clock: place.clock,
                idle: Mutex::default(),
                in_use: AtomicUsize::new(0),
            }),
        })
    }

    /// Goes by `outward` from the next handshake on. What stands idle under the old side is retired at once, and what is under way
    /// when it is done.
    pub fn replace(&self, outward: Arc<Outward>) {
        let number = self.shared.side.load().number.saturating_add(1);
        self.shared.side.store(Arc::new(Side { number, outward }));
        self.shared.idle.lock().clear();
    }

    /// How many connections stand now.
    #[must_use]
    pub fn connections(&self) -> Connections {
        let (idle, in_use) = (self.shared.idle.lock().len(), self.shared.in_use.load(Ordering::Relaxed));
        Connections { idle, in_use }
    }
}

impl Client {
    /// A connection of its own, which no pool has or gets, and the time for what goes over it.
    pub(super) async fn open_apart(&self) -> Result<(TlsStream<TcpStream>, Duration), ConnectFault> {
        let pool = InUse::of(&self.shared);
        let (stream, _) = pool.connect_anew(&pool.side.load_full()).await?;
        Ok((stream, pool.exchange_timeout))
    }
}

impl InUse {
    fn of(pool: &Arc<Shared>) -> Self {
        pool.in_use.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(pool))
    }
}

impl Deref for InUse {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        self.0.in_use.fetch_sub(1, Ordering::Relaxed);
    }
}

#[async_trait]
impl Connect for Client {
    async fn connect(&self) -> Result<Box<dyn Connection>, ConnectFault> {
        let pool = InUse::of(&self.shared);
        let side = pool.side.load_full();
        if let Some(fault) = pool.lapsed(&side) {
            return Err(fault);
        }
        if let Some((stream, born)) = pool.take(side.number) {
            return Ok(Box::new(Taken { stream, side: side.number, born, pool }));
        }
        let (stream, born) = pool.connect_anew(&side).await?;
        Ok(Box::new(Taken { stream, side: side.number, born, pool }))
    }

    fn lapsed(&self) -> Option<ConnectFault> {
        self.shared.lapsed(&self.shared.side.load())
    }
}

#[async_trait]
impl Connection for Taken {
    fn authority(&self) -> &str {
        &self.pool.authority
    }

    async fn exchange(mut self: Box<Self>, request: Request) -> Result<Response, ExchangeFault> {
        let (deadline, max_bytes) = (self.pool.exchange_timeout, self.pool.answer_max_bytes);
        let exchanged = exchange::whole(&mut self.stream, &self.pool.authority, request, deadline, max_bytes).await?;
        if session_of(&mut self.stream).is_none_or(|state| state.plaintext_bytes_to_read() > 0) {
            return Err(ExchangeFault::after_sending(ExchangeFaultKind::Excess));
        }
        let Exchanged { status, fields, body, reusable } = exchanged;
        Ok(Response { status, fields, body, spent: reusable.then(|| Spent(*self)) })
    }
}

impl Shared {
    fn lapsed(&self, side: &Side) -> Option<ConnectFault> {
        side.outward.lapsed(self.clock.now().seconds()).map(|lapsed| match lapsed {
            Lapsed::OwnCertificate => ConnectFault::OwnCertificate,
            Lapsed::List => ConnectFault::List,
        })
    }

    /// A pooled connection that is still good; those that are not are dropped on the way.
    fn take(&self, now: u64) -> Option<(TlsStream<TcpStream>, Duration)> {
        loop {
            let Idle { mut stream, side, born, since } = self.idle.lock().pop()?;
            if side == now && self.is_good(born, since) && is_quiet(&mut stream) {
                return Some((stream, born));
            }
        }
    }

    fn put_back(&self, mut stream: TlsStream<TcpStream>, side: u64, born: Duration) {
        if side != self.side.load().number || !is_quiet(&mut stream) {
            return;
        }
        let mut idle = self.idle.lock();
        idle.retain(|one| self.is_good(one.born, one.since));
        if idle.len() < MAX_IDLE {
            idle.push(Idle { stream, side, born, since: self.clock.steady() });
        }
    }

    fn is_good(&self, born: Duration, since: Duration) -> bool {
        let now = self.clock.steady();
        now.saturating_sub(since) < IDLE_TIMEOUT && now.saturating_sub(born) < MAX_AGE
    }

    /// A new connection, and when it was begun, in steady time.
    async fn connect_anew(&self, side: &Side) -> Result<(TlsStream<TcpStream>, Duration), ConnectFault> {
        if let Some(fault) = self.lapsed(side) {
            return Err(fault);
        }
        let born = self.clock.steady();
        let connector = TlsConnector::from(Arc::clone(side.outward.config()));
        let opened = async { self.open(&connector, &self.resolve().await?).await };
        let opened = tokio::time::timeout(self.connect_timeout, opened).await;
        Ok((opened.map_err(|_| ConnectFault::Timeout)??, born))
    }

    async fn resolve(&self) -> Result<Vec<SocketAddr>, ConnectFault> {
        let addresses = tokio::net::lookup_host((&*self.host, self.port)).await.map_err(|_| ConnectFault::Resolve)?;
        Ok(addresses.take(MAX_ADDRESSES).collect())
    }

    /// A connection to the first of these addresses where there is the server that it must be. One that hangs leaves the
    /// others their share of the time.
    async fn open(
        &self,
        connector: &TlsConnector,
        addresses: &[SocketAddr],
    ) -> Result<TlsStream<TcpStream>, ConnectFault> {
        let shares = u32::try_from(addresses.len()).unwrap_or(u32::MAX).max(1);
        let share = self.connect_timeout.checked_div(shares).unwrap_or(self.connect_timeout);
        let mut fault = ConnectFault::Resolve;
        for address in addresses {
            match tokio::time::timeout(share, self.open_at(connector, *address)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(why)) => fault = why,
                Err(_) => fault = ConnectFault::Timeout,
            }
        }
        Err(fault)
    }

    async fn open_at(
        &self,
        connector: &TlsConnector,
        address: SocketAddr,
    ) -> Result<TlsStream<TcpStream>, ConnectFault> {
        let tcp = TcpStream::connect(address).await.map_err(|_| ConnectFault::Refused)?;
        // Without it a small request may wait for an acknowledgement; failing costs speed only.
        let _ = tcp.set_nodelay(true);
        let tls = connector.connect(self.server_name.clone(), tcp).await.map_err(|error| refused(&error))?;
        let leaf = tls.get_ref().1.peer_certificates().and_then(|chain| chain.first());
        let certificate = leaf.and_then(|leaf| Certificate::parse(leaf).ok()).ok_or(ConnectFault::Handshake)?;
        if certificate.server_auth { Ok(tls) } else { Err(ConnectFault::Purpose) }
    }
}

/// What of the other side's certificate ended a handshake; what the other side says of ours is not told apart.
fn refused(error: &std::io::Error) -> ConnectFault {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    match inner {
        Some(rustls::Error::InvalidCertificate(CertificateError::Revoked)) => ConnectFault::Revoked,
        Some(rustls::Error::InvalidCertificate(
            CertificateError::UnknownRevocationStatus
            | CertificateError::ExpiredRevocationList
            | CertificateError::ExpiredRevocationListContext { .. },
        )) => ConnectFault::Unlisted,
        _ => ConnectFault::Handshake,
    }
}

/// Whether nothing at all has come over a connection that owes us nothing: no bytes, and no end. What the TLS session has
/// already taken from the socket no look at the socket shows, so both are asked.
fn is_quiet(stream: &mut TlsStream<TcpStream>) -> bool {
    let idle = |state: IoState| state.plaintext_bytes_to_read() == 0 && !state.peer_has_closed();
    if !session_of(stream).is_some_and(idle) {
        return false;
    }
    let mut byte = [0; 1];
    let socket = stream.get_ref().0;
    let peeked = rustix::net::recv(socket, &mut byte, RecvFlags::PEEK | RecvFlags::DONTWAIT);
    matches!(peeked, Err(rustix::io::Errno::WOULDBLOCK))
}

/// What the TLS session holds already; `None` if it is broken. Reads nothing from the socket.
fn session_of(stream: &mut TlsStream<TcpStream>) -> Option<IoState> {
    stream.get_mut().1.process_new_packets().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;
    use crate::devkit::Pki;
    use std::net::Ipv4Addr;
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    #[tokio::test]
    async fn every_address_is_tried_also_behind_one_that_refuses_and_one_that_hangs() {
        crypto::install_provider().unwrap();
        let pki = Pki::new(SystemClock::new().now().seconds()).unwrap();
        let config = crypto::server_config_speaking(
            &pki.partner.identity().unwrap(),
            vec![pki.partner_authority.root()],
            &["http/1.1"],
        );
        let acceptor = TlsAcceptor::from(config.unwrap());
        let here = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
        let (good, hanging, gone) = (here().await.unwrap(), here().await.unwrap(), here().await.unwrap());
        let [at_good, at_hanging, at_gone] = [&good, &hanging, &gone].map(|place| place.local_addr().unwrap());
        drop(gone);
        let client = |connect_timeout| {
            Client::new(ClientSettings {
                host: "127.0.0.1".into(),
                port: at_good.port(),
                server_name: "partner.example".into(),
                identity: &pki.gateway_at_partner.identity().unwrap(),
                roots: vec![pki.partner_authority.root()],
                lists: Vec::new(),
                connect_timeout,
                exchange_timeout: Duration::from_secs(20),
                answer_max_bytes: 4096,
                clock: Arc::new(SystemClock::new()),
            })
        };
        let patient = client(Duration::from_secs(3)).unwrap().shared;
        let side = patient.side.load_full();
        let connector = TlsConnector::from(Arc::clone(side.outward.config()));
        let served = async { acceptor.accept(good.accept().await.unwrap().0).await };
        let addresses = [at_gone, at_hanging, at_good];
        let (opened, served) = tokio::join!(patient.open(&connector, &addresses), served);
        assert!(opened.is_ok() && served.is_ok(), "{:?}", opened.err());
        let hasty = client(Duration::from_millis(50)).unwrap().shared;
        assert_eq!(hasty.open(&connector, &[at_hanging, at_gone]).await.err(), Some(ConnectFault::Refused));
        assert_eq!(hasty.open(&connector, &[at_gone, at_hanging]).await.err(), Some(ConnectFault::Timeout));
        assert_eq!(hasty.open(&connector, &[]).await.err(), Some(ConnectFault::Resolve));
    }
}

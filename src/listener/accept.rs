//! The accept loop: connections taken within their caps, handshakes done within their deadline and counted by fault, and
//! each connection handed to its version of HTTP.

use crate::crypto::Certificate;
use crate::crypto::ClientTrust;
use crate::crypto::Standing;
use crate::limits::Limits;
use crate::listener::connection::Connection;
use crate::listener::connection::Shared;
use crate::listener::http1;
use crate::listener::http2;
use crate::listener::stream::Secured;
use crate::model::Side;
use crate::pipeline::BodyMemory;
use crate::pipeline::Gate;
use crate::tasks::Tasks;
use crate::telemetry::ConnectionRefusal;
use crate::telemetry::HandshakeFailure;
use crate::telemetry::Metrics;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

/// How long accepting pauses when the machine has no descriptor left, so that the loop does not spin.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(100);

/// What every worker's listener is made of; clones share all of it.
#[derive(Clone)]
pub struct Door {
    /// Who calls here.
    pub side: Side,
    /// The server side of TLS.
    pub tls: Arc<rustls::ServerConfig>,
    /// Whom it lets in; asked again for as long as a connection stands.
    pub clients: Arc<ClientTrust>,
    /// How many connections it may have.
    pub connections_max: u64,
    /// The limits in force.
    pub limits: Arc<Limits>,
    /// What bodies may hold.
    pub body_memory: BodyMemory,
    /// Who is connected, over all workers.
    pub census: Arc<Census>,
    /// The tasks of its connections.
    pub connections: Tasks,
    /// Turns `true` when the gateway goes down.
    pub going_down: watch::Receiver<bool>,
}

/// A listener for callers: TLS with client certificates, HTTP/1.1 and HTTP/2.
pub struct Listener {
    side: Side,
    shared: Arc<Shared>,
    tls: TlsAcceptor,
    clients: Arc<ClientTrust>,
    connections_max: u64,
    census: Arc<Census>,
    metrics: Arc<Metrics>,
    connections: Tasks,
}

impl Listener {
    /// A worker's listener, behind which stands `gate`.
    #[must_use]
    pub fn new(door: Door, gate: Arc<Gate>) -> Self {
        let Door { side, tls, clients, connections_max, limits, body_memory, census, connections, going_down } = door;
        let metrics = Arc::clone(&gate.core().metrics);
        let shared = Arc::new(Shared { gate, limits, body_memory, tasks: connections.clone(), going_down });
        Self { side, shared, tls: TlsAcceptor::from(tls), clients, connections_max, census, metrics, connections }
    }

    /// Takes connections from `socket` until the gateway goes down.
    pub async fn run(self, socket: TcpListener) {
        let listener = Arc::new(self);
        let mut going_down = listener.shared.going_down.clone();
        loop {
            let accepted = tokio::select! {
                _ = going_down.wait_for(|down| *down) => return,
                accepted = socket.accept() => accepted,
            };
            match accepted {
                Ok((tcp, address)) => Arc::clone(&listener).admit(tcp, address.ip()),
                // The peer gave up in the queue, or descriptors ran out: neither ends the loop.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(_) => {
                    listener.metrics.connection_refused(listener.side.into(), ConnectionRefusal::Resources);
                    tokio::time::sleep(EXHAUSTED_PAUSE).await;
                }
            }
        }
    }

    fn admit(self: Arc<Self>, tcp: TcpStream, peer: IpAddr) {
        let seat = match self.census.seat(peer, self.connections_max, &self.shared.limits) {
            Ok(seat) => seat,
            Err(full) => return self.metrics.connection_refused(self.side.into(), full),
        };
        let listener = Arc::clone(&self);
        let _task = self.connections.spawn(async move {
            let open = listener.metrics.connection(listener.side.into());
            listener.serve(tcp).await;
            drop((open, seat));
        });
    }

    async fn serve(&self, tcp: TcpStream) {
        // Each apart, so that a connection of HTTP/1.1, which may stand idle for long, makes room for nobody else's state.
        let Some((connection, secured)) = Box::pin(self.shake_hands(tcp)).await else { return };
        if secured.is_h2() {
            Box::pin(http2::serve(connection, secured)).await;
        } else {
            http1::serve(&connection, secured).await;
        }
    }

    /// The connection after its handshake; `None` where that failed, which is counted.
    async fn shake_hands(&self, tcp: TcpStream) -> Option<(Connection, Box<Secured>)> {
        // Without it small answers wait for the peer's delayed acknowledgement; failing costs speed only.
        let _ = tcp.set_nodelay(true);
        let failed = |reason| {
            self.metrics.handshake_failed(reason);
            None
        };
        let deadline = Limits::millis(self.shared.limits.handshake_timeout_ms);
        let tls = match tokio::time::timeout(deadline, self.tls.accept(tcp)).await {
            Ok(Ok(tls)) => tls,
            Ok(Err(error)) => return failed(failure(&error)),
            Err(_) => return failed(HandshakeFailure::Timeout),
        };
        let (shown, name) = {
            let session = tls.get_ref().1;
            let chain = session.peer_certificates().unwrap_or_default();
            let certificate = chain.first().and_then(|der| Certificate::parse(der).ok());
            let standing = Standing::new(Arc::clone(&self.clients), chain);
            (certificate.zip(standing), session.server_name().map(Box::from))
        };
        // The verifier demanded a certificate and read it; one that cannot be read again is nobody's.
        let Some((certificate, standing)) = shown else { return failed(HandshakeFailure::CertificateUntrusted) };
        let visitor = self.shared.gate.greet(self.side, certificate, standing, name);
        let connection = Connection::new(Arc::clone(&self.shared), visitor);
        Some((connection, Box::new(Secured::new(tls, &self.shared.limits))))
    }
}

/// Who is connected: all together and by address, against the caps.
#[derive(Default)]
pub struct Census(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    total: u64,
    by_address: HashMap<IpAddr, u64>,
}

/// A connection's place; given back when dropped.
struct Seat {
    census: Arc<Census>,
    address: IpAddr,
}

impl Census {
    fn seat(self: &Arc<Self>, address: IpAddr, most: u64, limits: &Limits) -> Result<Seat, ConnectionRefusal> {
        let mut counts = self.0.lock();
        if counts.total >= most {
            return Err(ConnectionRefusal::TooMany);
        }
        let of_address = counts.by_address.entry(address).or_default();
        if *of_address >= limits.connections_per_peer_max {
            return Err(ConnectionRefusal::TooManyOfPeer);
        }
        *of_address = of_address.saturating_add(1);
        counts.total = counts.total.saturating_add(1);
        Ok(Seat { census: Arc::clone(self), address })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut counts = self.census.0.lock();
        counts.total = counts.total.saturating_sub(1);
        if let Some(of_address) = counts.by_address.get_mut(&self.address) {
            *of_address = of_address.saturating_sub(1);
            if *of_address == 0 {
                counts.by_address.remove(&self.address);
            }
        }
    }
}

/// The kind of a handshake's failure, from a closed list; never its text.
fn failure(error: &io::Error) -> HandshakeFailure {
    use rustls::CertificateError as Certificate;
    use rustls::Error as Tls;
    use rustls::PeerIncompatible as Incompatible;
    let Some(fault) = error.get_ref().and_then(|inner| inner.downcast_ref::<Tls>()) else {
        return HandshakeFailure::Closed;
    };
    match fault {
        Tls::InvalidMessage(_) => HandshakeFailure::NotTls,
        // The library looks for signature algorithms before it looks at the version. That extension came with TLS 1.2
        // (RFC 5246 §7.4.1.4.1), whose clients all send it: who does not, speaks an older one.
        Tls::PeerIncompatible(
            Incompatible::Tls12NotOffered
            | Incompatible::Tls12NotOfferedOrEnabled
            | Incompatible::Tls13RequiredForQuic
            | Incompatible::SignatureAlgorithmsExtensionRequired,
        ) => HandshakeFailure::Version,
        Tls::PeerIncompatible(_) => HandshakeFailure::Parameters,
        Tls::NoApplicationProtocol => HandshakeFailure::Protocol,
        Tls::NoCertificatesPresented => HandshakeFailure::CertificateMissing,
        Tls::InvalidCertificate(
            Certificate::Expired
            | Certificate::ExpiredContext { .. }
            | Certificate::NotValidYet
            | Certificate::NotValidYetContext { .. },
        ) => HandshakeFailure::CertificateExpired,
        Tls::InvalidCertificate(Certificate::InvalidPurpose | Certificate::InvalidPurposeContext { .. }) => {
            HandshakeFailure::CertificatePurpose
        }
        Tls::InvalidCertificate(Certificate::Revoked) => HandshakeFailure::CertificateRevoked,
        Tls::InvalidCertificate(
            Certificate::UnknownRevocationStatus
            | Certificate::ExpiredRevocationList
            | Certificate::ExpiredRevocationListContext { .. },
        ) => HandshakeFailure::RevocationUnknown,
        Tls::InvalidCertificate(_) => HandshakeFailure::CertificateUntrusted,
        Tls::AlertReceived(_) => HandshakeFailure::PeerAlert,
        _ => HandshakeFailure::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seats_are_given_up_to_each_cap_and_come_back() {
        let limits = Limits { connections_per_peer_max: 2, ..Limits::default() };
        let census = Arc::new(Census::default());
        let (here, there) = (IpAddr::from([127, 0, 0, 1]), IpAddr::from([127, 0, 0, 2]));
        let first = census.seat(here, 3, &limits).unwrap();
        let _second = census.seat(here, 3, &limits).unwrap();
        assert_eq!(census.seat(here, 3, &limits).err(), Some(ConnectionRefusal::TooManyOfPeer));
        let _third = census.seat(there, 3, &limits).unwrap();
        assert_eq!(census.seat(there, 3, &limits).err(), Some(ConnectionRefusal::TooMany));
        drop(first);
        assert!(census.seat(here, 3, &limits).is_ok());
    }
}

//! The simulated endpoint: where a partner takes events. It lets in only the gateway's certificate, verifies the signature by
//! itself (Standard Webhooks, HMAC-SHA256 over `id.timestamp.body`; no code of the gateway's), keeps what it was sent, and can
//! fail at every phase of a delivery, each in a way that has a name.

use crate::clock::Clock;
use crate::clock::SystemClock;
use crate::crypto::Certificate;
use crate::crypto::SubjectName;
use crate::crypto::server_config_speaking;
use crate::devkit::http1::Head;
use crate::devkit::pki::GATEWAY;
use crate::devkit::pki::Pki;
use crate::devkit::serving::Serving;
use crate::devkit::serving::request;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::Hmac;
use hmac::KeyInit;
use hmac::Mac;
use std::io;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// Where it takes events.
const PATH: &str = "/webhooks";

/// Seconds by which a timestamp may be old or ahead, as the reference libraries have it.
const TOLERANCE_S: u64 = 300;

/// How the endpoint behaves.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Manner {
    /// Takes every event: 204.
    Takes,
    /// Answers with this status, and `Retry-After` where one is given.
    Says(u16, Option<&'static str>),
    /// Sends whoever comes elsewhere: 307.
    Redirects,
    /// Takes the event, and says so in a body of so many bytes.
    Chatters(usize),
    /// Closes the connection before the handshake.
    ClosesAtOnce,
    /// Closes it after the first bytes of a request.
    ClosesInRequest,
    /// Closes it after the whole request.
    ClosesBeforeAnswer,
    /// Closes it in the middle of its answer.
    ClosesInAnswer,
    /// Reads the request and is silent until it is released.
    Hangs,
}

/// What came in one request, whole.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// `webhook-id`.
    pub id: String,
    /// `webhook-timestamp`.
    pub timestamp: String,
    /// `webhook-signature`.
    pub signature: String,
    /// All fields in order.
    pub fields: Vec<(String, String)>,
    /// The body.
    pub body: String,
    /// What is wrong with it; `None` where it is the gateway's, signed and timely.
    pub fault: Option<&'static str>,
    /// Whether it was answered with 2xx.
    pub taken: bool,
}

/// An endpoint at work. Dropping it stops it.
pub struct SimulatedEndpoint {
    address: SocketAddr,
    shared: Arc<Shared>,
    serving: Serving,
}

struct Shared {
    acceptor: TlsAcceptor,
    secret: Vec<u8>,
    clock: Arc<dyn Clock>,
    manner: watch::Sender<Manner>,
    /// How many connections were accepted, and what came.
    seen: watch::Sender<(usize, Vec<Attempt>)>,
    released: watch::Sender<u64>,
}

impl SimulatedEndpoint {
    /// Starts an endpoint of the partner of a development PKI, on a free port, that shares `secret` (`whsec_…`) with the gateway.
    ///
    /// # Errors
    /// If the address cannot be had, or the secret is none.
    pub async fn start(pki: &Pki, secret: &str) -> io::Result<Self> {
        Self::start_at(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), pki, secret, Arc::new(SystemClock::new())).await
    }

    /// The same at an address, by another clock.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn start_at(address: SocketAddr, pki: &Pki, secret: &str, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let identity = pki.partner.identity().map_err(io::Error::other)?;
        let tls = server_config_speaking(&identity, vec![pki.partner_authority.root()], &["http/1.1"]);
        let encoded = secret.trim().strip_prefix("whsec_").ok_or_else(|| io::Error::other("no webhook secret"))?;
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            acceptor: TlsAcceptor::from(tls.map_err(io::Error::other)?),
            secret: STANDARD.decode(encoded).map_err(io::Error::other)?,
            clock,
            manner: watch::Sender::new(Manner::Takes),
            seen: watch::Sender::default(),
            released: watch::Sender::new(0),
        });
        let served = Arc::clone(&shared);
        let serving = Serving::begin(listener, move |tcp| {
            served.seen.send_modify(|(connections, _)| *connections += 1);
            let shared = Arc::clone(&served);
            async move { shared.serve(tcp).await.unwrap_or_default() }
        });
        Ok(Self { address, shared, serving })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it takes events.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://{}{PATH}", self.address)
    }

    /// Behaves so from the next connection on.
    pub fn behave(&self, manner: Manner) {
        self.shared.manner.send_replace(manner);
    }

    /// Lets everything that hangs go on: the event is taken.
    pub fn release(&self) {
        self.shared.released.send_modify(|times| *times = times.wrapping_add(1));
    }

    /// What came, in order.
    #[must_use]
    pub fn attempts(&self) -> Vec<Attempt> {
        self.shared.seen.borrow().1.clone()
    }

    /// How many connections were accepted.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.seen.borrow().0
    }

    /// Waits until so many connections were accepted and this holds of what came. Bounds no time: that is the test's.
    pub async fn until(&self, mut reached: impl FnMut(usize, &[Attempt]) -> bool) {
        // The sender lives as long as `self`: waiting cannot fail.
        let _ = self.shared.seen.subscribe().wait_for(|(connections, came)| reached(*connections, came)).await;
    }

    /// Stops: the port is closed and every connection cut.
    pub async fn stop(&self) {
        self.serving.stop().await;
    }
}

impl Shared {
    /// One connection; `None` where it ended.
    async fn serve(&self, tcp: TcpStream) -> Option<()> {
        if *self.manner.borrow() == Manner::ClosesAtOnce {
            return None;
        }
        let mut stream = self.acceptor.accept(tcp).await.ok()?;
        let mut buffer = Vec::new();
        loop {
            let goes_on = || *self.manner.borrow() != Manner::ClosesInRequest;
            let (head, body) = request(&mut stream, &mut buffer, goes_on).await?;
            let manner = *self.manner.borrow();
            let fault = self.fault(&stream, &head, &body);
            let (status, more) = match (fault, manner) {
                (Some(_), _) => (401, String::new()),
                (None, Manner::Says(status, None)) => (status, String::new()),
                (None, Manner::Says(status, Some(after))) => (status, format!("Retry-After: {after}\r\n")),
                (None, Manner::Redirects) => (307, "Location: https://elsewhere.example/webhooks\r\n".to_owned()),
                (None, Manner::Chatters(_)) => (200, String::new()),
                (None, _) => (204, String::new()),
            };
            let closes = manner == Manner::ClosesBeforeAnswer;
            let text = |name| head.only(name).unwrap_or_default().to_owned();
            let attempt = Attempt {
                id: text("webhook-id"),
                timestamp: text("webhook-timestamp"),
                signature: text("webhook-signature"),
                fields: head.fields.clone(),
                body: String::from_utf8_lossy(&body).into_owned(),
                fault,
                taken: (200..300).contains(&status) && !closes,
            };
            self.seen.send_modify(|(_, came)| came.push(attempt));
            if closes {
                return None;
            }
            if manner == Manner::Hangs {
                let mut released = self.released.subscribe();
                let _ = released.changed().await;
            }
            let length = if let Manner::Chatters(bytes) = manner { bytes } else { 0 };
            let framing = if status == 204 { String::new() } else { format!("Content-Length: {length}\r\n") };
            let answer = format!("HTTP/1.1 {status} Answer\r\n{more}{framing}\r\n{}", "x".repeat(length));
            let answer = answer.as_bytes();
            let leaving = if manner == Manner::ClosesInAnswer { answer.get(..12)? } else { answer };
            stream.write_all(leaving).await.ok()?;
            stream.flush().await.ok()?;
            if manner == Manner::ClosesInAnswer {
                return None;
            }
        }
    }

    /// What is wrong with a request, if anything is.
    fn fault(&self, stream: &TlsStream<TcpStream>, head: &Head, body: &[u8]) -> Option<&'static str> {
        let leaf = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
        let certificate = leaf.and_then(|leaf| Certificate::parse(leaf).ok());
        if certificate.is_none_or(|certificate| certificate.names != [SubjectName::Uri(GATEWAY.into())]) {
            return Some("not-the-gateway");
        }
        if head.start != format!("POST {PATH} HTTP/1.1") || head.only("content-type") != Some("application/json") {
            return Some("request");
        }
        let fields = [head.only("webhook-id"), head.only("webhook-timestamp"), head.only("webhook-signature")];
        let [Some(id), Some(at), Some(signatures)] = fields else { return Some("headers") };
        let Ok(mut mac) = Hmac::<sha2::Sha256>::new_from_slice(&self.secret) else { return Some("secret") };
        for part in [id.as_bytes(), b".", at.as_bytes(), b".", body] {
            mac.update(part);
        }
        let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        if !signatures.split(' ').any(|signature| signature == expected) {
            return Some("signature");
        }
        let now = self.clock.now().seconds().get();
        let timely = at.parse::<u64>().is_ok_and(|at| at.abs_diff(now) <= TOLERANCE_S);
        (!timely).then_some("timestamp")
    }
}

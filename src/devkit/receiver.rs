//! A simulated receiver of webhooks: takes POST at one path over mutual TLS, verifies each signature by itself, keeps what it
//! took, and answers what it is told to answer.
//!
//! It stands for the backend that takes partners' events, and that tells them how it stands with a grant. It verifies with no code of the gateway's: the headers are taken apart
//! here, and the authentication code is the library's. What is not signed as it must be is refused and kept apart.

use crate::clock::Clock;
use crate::crypto::Certificate;
use crate::crypto::SubjectName;
use crate::crypto::TlsIdentity;
use crate::crypto::server_config_speaking;
use crate::devkit::http1::Head;
use crate::devkit::serving::Serving;
use crate::devkit::serving::request;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::Hmac;
use hmac::KeyInit;
use hmac::Mac;
use parking_lot::Mutex;
use rustls_pki_types::CertificateDer;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// Seconds that a signature may lie from the receiver's clock.
const TOLERANCE_S: u64 = 300;

/// What a receiver is made of.
pub struct ReceiverSettings {
    /// Where it listens. Port 0 takes a free one.
    pub address: SocketAddr,
    /// What it shows.
    pub identity: TlsIdentity,
    /// Who signs the gateway's certificate for it.
    pub client_roots: Vec<CertificateDer<'static>>,
    /// The URI that the gateway's certificate for it bears, as its only name.
    pub client_name: String,
    /// Where it takes events.
    pub path: String,
    /// The secret, as in its file: `whsec_…`.
    pub secret: String,
    /// Its clock.
    pub clock: Arc<dyn Clock>,
}

/// A receiver at work. Dropping it stops it without waiting.
pub struct EventReceiver {
    address: SocketAddr,
    shared: Arc<Shared>,
    serving: Serving,
}

/// An event as it came.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ReceivedEvent {
    /// `webhook-id`.
    pub id: String,
    /// All fields in order, names as they were spelled.
    pub fields: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

struct Shared {
    acceptor: TlsAcceptor,
    client_name: String,
    path: String,
    secret: Vec<u8>,
    clock: Arc<dyn Clock>,
    status: Mutex<u16>,
    book: watch::Sender<Book>,
    /// What it says when it is asked, byte by byte; `None` closes without a word.
    says: Mutex<Option<Vec<u8>>>,
}

/// What it has seen.
#[derive(Clone, Debug, Default)]
struct Book {
    taken: Vec<ReceivedEvent>,
    /// Good events that were answered otherwise than 2xx.
    turned_away: usize,
    refused: Vec<&'static str>,
    asked: Vec<AskedFor>,
}

/// What a partner asked for, as it came.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AskedFor {
    /// The first line.
    pub start: String,
    /// All fields in order, names as they were spelled.
    pub fields: Vec<(String, String)>,
}

/// How it stands with every grant, until it is told otherwise.
const GRANT: &str = r#"{"houseId":"house-1","status":"active","userId":"guest-petrov","reason":"by-request"}"#;

impl EventReceiver {
    /// Starts a receiver that answers 204.
    ///
    /// # Errors
    /// If the address cannot be had, nothing can be trusted, or the secret is none.
    pub async fn start(settings: ReceiverSettings) -> io::Result<Self> {
        let tls = server_config_speaking(&settings.identity, settings.client_roots, &["http/1.1"]);
        let encoded = settings.secret.trim_end().strip_prefix("whsec_").unwrap_or_default();
        let listener = TcpListener::bind(settings.address).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            acceptor: TlsAcceptor::from(tls.map_err(io::Error::other)?),
            client_name: settings.client_name,
            path: settings.path,
            secret: STANDARD.decode(encoded).map_err(io::Error::other)?,
            clock: settings.clock,
            status: Mutex::new(204),
            book: watch::Sender::new(Book::default()),
            says: Mutex::new(Some(whole_answer(200, GRANT))),
        });
        let served = Arc::clone(&shared);
        let serving = Serving::begin(listener, move |tcp| {
            let shared = Arc::clone(&served);
            async move { shared.serve(tcp).await }
        });
        Ok(Self { address, shared, serving })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Says this from now on when a partner asks for a grant.
    pub fn tell(&self, status: u16, body: &str) {
        *self.shared.says.lock() = Some(whole_answer(status, body));
    }

    /// Closes without a word from now on when a partner asks for a grant.
    pub fn break_off(&self) {
        *self.shared.says.lock() = None;
    }

    /// What it was asked for, in order.
    #[must_use]
    pub fn asked(&self) -> Vec<AskedFor> {
        self.shared.book.borrow().asked.clone()
    }

    /// Answers good events with this status from now on; what is no 2xx is not taken.
    pub fn answer(&self, status: u16) {
        *self.shared.status.lock() = status;
    }

    /// What it took, in order.
    #[must_use]
    pub fn taken(&self) -> Vec<ReceivedEvent> {
        self.shared.book.borrow().taken.clone()
    }

    /// Why it refused what it refused, in order.
    #[must_use]
    pub fn refused(&self) -> Vec<&'static str> {
        self.shared.book.borrow().refused.clone()
    }

    /// Waits until it has taken so many. Bounds no time: that is the test's.
    pub async fn until_taken(&self, count: usize) {
        // The sender lives as long as `self`: waiting cannot fail.
        let _ = self.shared.book.subscribe().wait_for(|book| book.taken.len() >= count).await;
    }

    /// Waits until it has turned so many good ones away.
    pub async fn until_turned_away(&self, count: usize) {
        let _ = self.shared.book.subscribe().wait_for(|book| book.turned_away >= count).await;
    }

    /// Stops: the port is closed and every connection cut. What was seen can still be asked.
    pub async fn stop(&self) {
        self.serving.stop().await;
    }
}

impl Shared {
    /// Request after request, until the other side ends the connection or breaks the rules.
    async fn serve(&self, tcp: TcpStream) {
        let Ok(mut stream) = self.acceptor.accept(tcp).await else { return };
        let is_gateway = names(&stream, &self.client_name);
        let mut buffer = Vec::new();
        while let Some((head, body)) = request(&mut stream, &mut buffer, || true).await {
            if is_gateway && head.start.starts_with("GET ") {
                let asked = AskedFor { start: head.start, fields: head.fields };
                self.book.send_modify(|book| book.asked.push(asked));
                let Some(answer) = self.says.lock().clone() else { return };
                if stream.write_all(&answer).await.is_err() || stream.flush().await.is_err() {
                    return;
                }
                continue;
            }
            let status = match self.judge(is_gateway, &head, &body) {
                Ok(event) => self.take(event),
                Err(word) => {
                    self.book.send_modify(|book| book.refused.push(word));
                    403
                }
            };
            let answer = format!("HTTP/1.1 {status} x\r\nContent-Length: 0\r\n\r\n");
            let answer = if status == 204 { answer.replace("Content-Length: 0\r\n", "") } else { answer };
            if stream.write_all(answer.as_bytes()).await.is_err() || stream.flush().await.is_err() {
                return;
            }
        }
    }

    /// Keeps a good event, or turns it away, as it was told; the status of the answer.
    fn take(&self, event: ReceivedEvent) -> u16 {
        let status = *self.status.lock();
        self.book.send_modify(|book| {
            if (200..300).contains(&status) {
                book.taken.push(event);
            } else {
                book.turned_away += 1;
            }
        });
        status
    }

    fn judge(&self, is_gateway: bool, head: &Head, body: &[u8]) -> Result<ReceivedEvent, &'static str> {
        if !is_gateway {
            return Err("not-the-gateway");
        }
        if head.start != format!("POST {} HTTP/1.1", self.path) {
            return Err("elsewhere");
        }
        let only = |name| head.only(name).ok_or("header");
        let (id, at) = (only("webhook-id")?, only("webhook-timestamp")?);
        let time: u64 = at.parse().map_err(|_| "timestamp")?;
        if self.clock.now().seconds().get().abs_diff(time) > TOLERANCE_S {
            return Err("timestamp");
        }
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&self.secret).map_err(|_| "secret")?;
        mac.update(format!("{id}.{at}.").as_bytes());
        mac.update(body);
        let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        if !only("webhook-signature")?.split(' ').any(|signature| signature == expected) {
            return Err("signature");
        }
        let body = String::from_utf8(body.to_vec()).map_err(|_| "body")?;
        Ok(ReceivedEvent { id: id.to_owned(), fields: head.fields.clone(), body })
    }
}

/// A whole answer in JSON, or without a body.
fn whole_answer(status: u16, body: &str) -> Vec<u8> {
    let kind = if body.is_empty() { "" } else { "Content-Type: application/json\r\n" };
    format!("HTTP/1.1 {status} x\r\n{kind}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// Whether the client's certificate bears `name` as its only name.
fn names(stream: &TlsStream<TcpStream>, name: &str) -> bool {
    let leaf = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
    let certificate = leaf.and_then(|leaf| Certificate::parse(leaf).ok());
    certificate.is_some_and(|certificate| certificate.names == [SubjectName::Uri(name.into())])
}

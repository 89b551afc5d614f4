//! The simulated backend: a small client of HTTP/1.1 over TLS (RFC 9112) for the demo and the tests.
//!
//! It gives back every field of an answer in order and as it was spelled, so that a suspicious test can look for what
//! should not be there, and it tells a refused handshake apart from a broken exchange. It repairs nothing: an answer that
//! is not one whole message is a fault. Every call has a deadline.

use crate::crypto::TlsError;
use crate::crypto::TlsIdentity;
use crate::crypto::client_config;
use crate::devkit::http1::Framing;
use crate::devkit::http1::Head;
use crate::devkit::http1::Malformed;
use crate::devkit::http1::unchunk;
use crate::json;
use crate::json::Limits;
use crate::json::Value;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::ServerName;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::Error as HandshakeError;

/// How long a call may take, where nothing else is said. Long enough for every limit of the gateway to strike first.
const DEADLINE: Duration = Duration::from_secs(30);

/// A client of one server, with one identity or none.
#[derive(Clone)]
pub struct Backend {
    address: SocketAddr,
    host: String,
    server_name: ServerName<'static>,
    connector: TlsConnector,
    deadline: Duration,
}

/// A connection that stands, for one exchange after the other.
pub struct BackendConnection {
    stream: TlsStream<TcpStream>,
    host: String,
    deadline: Duration,
    buffer: Vec<u8>,
    /// Whether anything has come over it: until then an alert is the end of the handshake.
    has_answered: bool,
}

/// An answer, field by field as it came.
#[derive(Clone, PartialEq)]
pub struct BackendAnswer {
    /// The status.
    pub status: u16,
    /// All fields in order, names as they were spelled.
    pub headers: Vec<(String, String)>,
    /// The body, without framing.
    pub body: Vec<u8>,
}

/// Why there is no client.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BackendSetupError {
    /// The TLS configuration cannot be made.
    #[error("the TLS configuration cannot be made: {0}")]
    Tls(#[from] TlsError),
    /// The server's name is neither a DNS name nor an address.
    #[error("the server's name is neither a DNS name nor an address")]
    ServerName,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum BackendFault {
    /// Nobody listens there.
    #[error("cannot connect")]
    Connect(#[source] io::Error),
    /// The handshake failed, or the server refused our certificate. With TLS 1.3 the latter comes only when the client
    /// believes that the handshake is done (RFC 8446 §4.4.2.4), so an alert before the first answer counts as one.
    #[error("the handshake failed")]
    Handshake(#[source] io::Error),
    /// The connection ended before an answer was whole; `received` is how much of it had come.
    #[error("the connection ended after {received} bytes of the answer")]
    Ended {
        /// Bytes of the answer.
        received: usize,
    },
    /// What came is no answer.
    #[error("the answer is malformed")]
    Malformed(#[source] Malformed),
    /// The deadline is over.
    #[error("no answer within the deadline")]
    Deadline,
}

impl Backend {
    /// A client of the server at `address` that must be `server_name`; `identity` is what it shows, if anything.
    ///
    /// # Errors
    /// [`BackendSetupError`].
    pub fn new(
        address: SocketAddr,
        server_name: &str,
        identity: Option<&TlsIdentity>,
        roots: Vec<CertificateDer<'static>>,
    ) -> Result<Self, BackendSetupError> {
        let connector = TlsConnector::from(client_config(identity, roots, &["http/1.1"])?);
        let name = ServerName::try_from(server_name.to_owned()).map_err(|_| BackendSetupError::ServerName)?;
        Ok(Self { address, host: server_name.to_owned(), server_name: name, connector, deadline: DEADLINE })
    }

    /// The same, within another deadline.
    #[must_use]
    pub fn within(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    /// The same, calling another `Host` than the server's name.
    #[must_use]
    pub fn calling(self, host: &str) -> Self {
        Self { host: host.to_owned(), ..self }
    }

    /// One request on a connection of its own. `Host`, `Content-Length` and `Connection: close` are added; `headers` come
    /// as they are, in order.
    ///
    /// # Errors
    /// [`BackendFault`].
    pub async fn call(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<BackendAnswer, BackendFault> {
        let mut connection = self.connect().await?;
        let headers: Vec<_> = headers.iter().copied().chain([("Connection", "close")]).collect();
        connection.call(method, target, &headers, body).await
    }

    /// A connection for several requests.
    ///
    /// # Errors
    /// [`BackendFault::Connect`], [`BackendFault::Handshake`], [`BackendFault::Deadline`].
    pub async fn connect(&self) -> Result<BackendConnection, BackendFault> {
        let connecting = async {
            let tcp = TcpStream::connect(self.address).await.map_err(BackendFault::Connect)?;
            // Without it a small request may wait for an acknowledgement; failing costs speed only.
            let _ = tcp.set_nodelay(true);
            self.connector.connect(self.server_name.clone(), tcp).await.map_err(BackendFault::Handshake)
        };
        let stream = tokio::time::timeout(self.deadline, connecting).await.map_err(|_| BackendFault::Deadline)??;
        let (host, deadline) = (self.host.clone(), self.deadline);
        Ok(BackendConnection { stream, host, deadline, buffer: Vec::new(), has_answered: false })
    }
}

impl BackendConnection {
    /// One request and its answer. `Host` and `Content-Length` are added.
    ///
    /// # Errors
    /// [`BackendFault`].
    pub async fn call(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<BackendAnswer, BackendFault> {
        let request = self.request(method, target, headers, body);
        // A server that refuses us may have ended the connection already; what it said stands there to be read.
        let sent = self.send(&request).await;
        let answer = self.answer().await;
        match (sent, answer) {
            (Err(fault), Err(BackendFault::Ended { received: 0 })) => Err(fault),
            (_, answer) => answer,
        }
    }

    /// The bytes of a request as [`call`](Self::call) sends them: for tests that send them piece by piece.
    #[must_use]
    pub fn request(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
        let mut head = format!("{method} {target} HTTP/1.1\r\nHost: {}\r\n", self.host);
        for (name, value) in headers {
            head.push_str(name);
            head.push_str(": ");
            head.push_str(value);
            head.push_str("\r\n");
        }
        if !body.is_empty() || method == "POST" {
            head.push_str("Content-Length: ");
            head.push_str(&body.len().to_string());
            head.push_str("\r\n");
        }
        head.push_str("\r\n");
        let mut request = head.into_bytes();
        request.extend_from_slice(body);
        request
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// [`BackendFault::Ended`], [`BackendFault::Deadline`].
    pub async fn send(&mut self, bytes: &[u8]) -> Result<(), BackendFault> {
        let sending = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        let sent = tokio::time::timeout(self.deadline, sending).await.map_err(|_| BackendFault::Deadline)?;
        sent.map_err(|_| BackendFault::Ended { received: 0 })
    }

    /// Reads one answer; interim ones (RFC 9110 §15.2) are passed over.
    ///
    /// # Errors
    /// [`BackendFault`].
    pub async fn answer(&mut self) -> Result<BackendAnswer, BackendFault> {
        let deadline = self.deadline;
        tokio::time::timeout(deadline, self.read_answer()).await.map_err(|_| BackendFault::Deadline)?
    }

    /// Waits for the other side to end the connection; gives what it sent before.
    ///
    /// # Errors
    /// [`BackendFault::Deadline`].
    pub async fn rest(&mut self) -> Result<Vec<u8>, BackendFault> {
        let deadline = self.deadline;
        let reading = async { while self.fill().await.is_ok() {} };
        tokio::time::timeout(deadline, reading).await.map_err(|_| BackendFault::Deadline)?;
        Ok(std::mem::take(&mut self.buffer))
    }

    async fn read_answer(&mut self) -> Result<BackendAnswer, BackendFault> {
        loop {
            let head = loop {
                match Head::read(&self.buffer).map_err(BackendFault::Malformed)? {
                    Some(head) => break head,
                    None => self.fill().await?,
                }
            };
            let status = status(&head.start).ok_or(BackendFault::Malformed(Malformed::StartLine))?;
            if (100..200).contains(&status) && status != 101 {
                self.buffer.drain(..head.bytes);
                continue;
            }
            let body = self.read_body(&head).await?;
            return Ok(BackendAnswer { status, headers: head.fields, body });
        }
    }

    /// Takes head and body from the buffer.
    async fn read_body(&mut self, head: &Head) -> Result<Vec<u8>, BackendFault> {
        match head.framing().map_err(BackendFault::Malformed)? {
            Framing::Length(length) => {
                let end = head.bytes.saturating_add(length);
                while self.buffer.len() < end {
                    self.fill().await?;
                }
                Ok(self.buffer.drain(..end).skip(head.bytes).collect())
            }
            Framing::Chunked => loop {
                let chunks = self.buffer.get(head.bytes..).unwrap_or_default();
                if let Some(whole) = unchunk(chunks).map_err(BackendFault::Malformed)? {
                    self.buffer.drain(..head.bytes + whole.bytes);
                    return Ok(whole.body);
                }
                self.fill().await?;
            },
        }
    }

    async fn fill(&mut self) -> Result<(), BackendFault> {
        let received = self.buffer.len();
        match self.stream.read_buf(&mut self.buffer).await {
            Ok(0) => Err(BackendFault::Ended { received }),
            Ok(_) => {
                self.has_answered = true;
                Ok(())
            }
            Err(error) if !self.has_answered && is_alert(&error) => Err(BackendFault::Handshake(error)),
            Err(_) => Err(BackendFault::Ended { received }),
        }
    }
}

impl BackendAnswer {
    /// The value of the field of that name, in any case, if it stands there once.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        values.next().filter(|_| values.next().is_none()).map(|(_, value)| value.as_str())
    }

    /// The body as JSON, if it is.
    #[must_use]
    pub fn json(&self) -> Option<Value> {
        json::parse(&self.body, Limits::default()).ok()
    }

    /// The body as text; what is none is replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl std::fmt::Debug for BackendAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "BackendAnswer({}, {} fields, {} bytes)", self.status, self.headers.len(), self.body.len())
    }
}

/// The status of a first line (RFC 9112 §4).
fn status(start: &str) -> Option<u16> {
    let mut words = start.splitn(3, ' ');
    let version = words.next()?;
    let digits = words.next().filter(|digits| digits.len() == 3 && digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    (version == "HTTP/1.1").then(|| digits.parse().ok())?
}

fn is_alert(error: &io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    matches!(inner, Some(HandshakeError::AlertReceived(_)))
}

//! Who takes records: a receiver of syslog over TLS and one of OTLP/HTTP, strict, of the tests' own making, so that the exporters do
//! not meet their own mistakes. Each does as it is told with the next batches, and else takes them.

use crate::harness::stage::Stage;
use parking_lot::Mutex;
use portcullis::crypto::server_config_speaking;
use portcullis::devkit::Leaf;
use portcullis::devkit::Validity;
use std::collections::VecDeque;
use std::io::ErrorKind;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// What is done with one batch.
#[derive(Clone, Debug)]
pub enum Deed {
    /// Taken, and said so.
    Take,
    /// So many bytes are read, and then the connection is reset.
    Reset(usize),
    /// Neither answered nor ended, until the receiver is released; then it is not taken.
    Hang,
    /// Read whole, and answered with this instead: of OTLP alone.
    Answer(String),
}

/// What came, as it came.
#[derive(Clone, Debug)]
pub struct Lot {
    /// The head of a request; empty of syslog.
    pub head: String,
    /// All bytes behind it.
    pub bytes: Vec<u8>,
    /// What was done with it.
    pub deed: Deed,
}

struct Shared {
    deeds: Mutex<VecDeque<Deed>>,
    lots: Mutex<Vec<Lot>>,
    released: watch::Sender<bool>,
}

/// One receiver; ends when dropped.
pub struct Receiver {
    pub address: SocketAddr,
    shared: Arc<Shared>,
    running: JoinHandle<()>,
}

/// Writes the certificate and key that an exporter shows, as `pki/export.pem` and `pki/export.key`.
pub fn export_identity(stage: &Stage) {
    let leaf = Leaf::client("spiffe://prop.example/export", Validity::a_day_from(crate::harness::now()));
    stage.pki.partner_authority.issue(&leaf).unwrap().write(&stage.path("pki"), "export").unwrap();
}

/// Writes three destinations into the stage's configuration, with every key that there is.
pub fn export_records(stage: &Stage, siem: SocketAddr, otel: SocketAddr) {
    export_identity(stage);
    let validity = Validity::a_day_from(crate::harness::now());
    let leaf = Leaf::client("spiffe://prop.example/otel", validity);
    stage.pki.partner_authority.issue(&leaf).unwrap().write(&stage.path("pki"), "otel").unwrap();
    for name in ["one", "other"] {
        let path = stage.path(&format!("pki/{name}.headers"));
        std::fs::write(&path, format!("Authorization: Bearer {name}\n")).unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    }
    let (tls, key) = ("ca: pki/partner-authority.pem", "checkpoint_key: pki/checkpoint.key");
    let siem = format!(
        "{{name: siem, syslog: {{address: \"{siem}\", server_name: partner.example, format: rfc5424,
          tls: {{{tls}, certificate: pki/export.pem, key: pki/export.key}}}}}}"
    );
    let otel = format!(
        "{{name: otel, otlp: {{url: \"https://{otel}/v1/logs\", server_name: partner.example, headers_file: pki/one.headers,
          tls: {{{tls}, certificate: pki/otel.pem, key: pki/otel.key}}}}}}"
    );
    let archive = "{name: archive, file: {path: state/archive.jsonl, format: jsonl}}";
    stage.edit("gateway.yaml", key, &format!("{key}, exports: [{siem}, {otel}, {archive}]"));
}

impl Receiver {
    /// One that takes syslog over TLS and asks for a client certificate of the partner's authority.
    pub fn syslog(stage: &Stage) -> Self {
        Self::start(stage, false)
    }

    /// One that takes OTLP/HTTP, the same.
    pub fn otlp(stage: &Stage) -> Self {
        Self::start(stage, true)
    }

    fn start(stage: &Stage, http: bool) -> Self {
        let identity = stage.pki.partner.identity().unwrap();
        let protocols: &[&str] = if http { &["http/1.1"] } else { &[] };
        let config = server_config_speaking(&identity, vec![stage.pki.partner_authority.root()], protocols).unwrap();
        let listener = stage.wait(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let address = listener.local_addr().unwrap();
        let shared =
            Arc::new(Shared { deeds: Mutex::default(), lots: Mutex::default(), released: watch::Sender::new(false) });
        let serving = Arc::clone(&shared);
        let running = stage.beside(async move {
            let acceptor = TlsAcceptor::from(config);
            loop {
                let (tcp, _) = listener.accept().await.unwrap();
                // Who is not let in is told so by TLS itself.
                let Ok(line) = acceptor.accept(tcp).await else { continue };
                if http { serving.requests(line).await } else { serving.messages(line).await }
            }
        });
        Self { address, shared, running }
    }

    /// What is done with the next batches, one after the other.
    pub fn next(&self, deeds: &[Deed]) {
        self.shared.deeds.lock().extend(deeds.iter().cloned());
    }

    /// Whether it has done all that it was told.
    pub fn has_done_all(&self) -> bool {
        self.shared.deeds.lock().is_empty()
    }

    /// Everything that came.
    pub fn lots(&self) -> Vec<Lot> {
        self.shared.lots.lock().clone()
    }

    /// What it took.
    pub fn taken(&self) -> Vec<Lot> {
        self.lots().into_iter().filter(|lot| matches!(lot.deed, Deed::Take)).collect()
    }

    /// Goes on with what hangs.
    pub fn release(&self) {
        self.shared.released.send_replace(true);
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.running.abort();
    }
}

impl Shared {
    fn deed(&self) -> Deed {
        self.deeds.lock().pop_front().unwrap_or(Deed::Take)
    }

    fn came(&self, head: String, bytes: Vec<u8>, deed: Deed) {
        self.lots.lock().push(Lot { head, bytes, deed });
    }

    /// One lot of syslog messages: all that comes over one connection.
    async fn messages(&self, mut line: TlsStream<TcpStream>) {
        let deed = self.deed();
        let mut bytes = Vec::new();
        match &deed {
            Deed::Reset(most) => {
                bytes.resize(*most, 0);
                line.read_exact(&mut bytes).await.unwrap();
                reset(&line);
            }
            // It may have been read with the handshake, and then an end in order would say that it was taken.
            Deed::Hang => {
                self.hang().await;
                reset(&line);
            }
            Deed::Take | Deed::Answer(_) => {
                // Who is ended in the midst of it says no farewell; what came has come.
                if let Err(error) = line.read_to_end(&mut bytes).await {
                    assert_eq!(error.kind(), ErrorKind::UnexpectedEof, "{error}");
                }
            }
        }
        self.came(String::new(), bytes, deed);
    }

    /// Requests, as long as the connection stands.
    async fn requests(&self, mut line: TlsStream<TcpStream>) {
        let mut buffer = Vec::new();
        loop {
            let Some((head, body)) = request(&mut line, &mut buffer).await else { return };
            let deed = self.deed();
            let answer = match &deed {
                Deed::Take => {
                    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}".to_owned()
                }
                Deed::Answer(answer) => answer.clone(),
                Deed::Reset(_) => {
                    reset(&line);
                    return self.came(head, body, deed);
                }
                Deed::Hang => {
                    self.came(head, body, deed);
                    self.hang().await;
                    return;
                }
            };
            self.came(head, body, deed);
            if line.write_all(answer.as_bytes()).await.is_err() || line.flush().await.is_err() {
                return;
            }
        }
    }

    async fn hang(&self) {
        let _ = self.released.subscribe().wait_for(|released| *released).await;
    }
}

/// Closing resets the connection from now on.
fn reset(line: &TlsStream<TcpStream>) {
    rustix::net::sockopt::set_socket_linger(line.get_ref().0, Some(std::time::Duration::ZERO)).unwrap();
}

/// The next request, head and body; `None` where the connection ends.
async fn request(line: &mut TlsStream<TcpStream>, buffer: &mut Vec<u8>) -> Option<(String, Vec<u8>)> {
    let end = loop {
        if let Some(at) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        if line.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(buffer.drain(..end).collect()).unwrap();
    let lengths: Vec<usize> = head
        .lines()
        .filter_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ").map(|n| n.parse().unwrap()))
        .collect();
    let [length] = lengths[..] else { panic!("one length in {head}") };
    while buffer.len() < length {
        if line.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
    Some((head, buffer.drain(..length).collect()))
}

/// The messages of RFC 5425 §4.3: `MSG-LEN SP SYSLOG-MSG`, none begun and not ended.
pub fn counted_messages(bytes: &[u8]) -> Vec<String> {
    let (mut rest, mut messages) = (bytes, Vec::new());
    while !rest.is_empty() {
        let space = rest.iter().position(|byte| *byte == b' ').expect("a length ends with a space");
        let digits = std::str::from_utf8(&rest[..space]).unwrap();
        assert!(digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0'), "MSG-LEN {digits}");
        let length: usize = digits.parse().unwrap();
        let message = &rest[space + 1..space + 1 + length];
        messages.push(String::from_utf8(message.to_vec()).unwrap());
        rest = &rest[space + 1 + length..];
    }
    messages
}

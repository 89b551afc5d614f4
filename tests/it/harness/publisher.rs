//! Who publishes, and who is asked about tokens: a server over TLS that asks for a client certificate, of the tests' own making,
//! whose pages say what a test wants them to say. It counts who asks for what, and keeps what was asked, so that a test can show
//! that a fault was met.

use crate::harness::stage::Stage;
use crate::harness::stage::now;
use parking_lot::Mutex;
use portcullis::crypto::SigningAlgorithm;
use portcullis::crypto::SigningKey;
use portcullis::crypto::server_config_speaking;
use portcullis::devkit::Authority;
use portcullis::devkit::Leaf;
use portcullis::devkit::Validity;
use portcullis::tasks::Tasks;
use rustls::ServerConfig;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// The name in its certificate.
pub const PUBLISHER: &str = "login.prop.example";

/// How many bytes an endless page has.
pub const ENDLESS: usize = 50 * 1024 * 1024;

/// What a page does.
#[derive(Clone, Debug)]
pub enum Page {
    /// Says these bytes, head and all, and goes on.
    Say(Vec<u8>),
    /// Says these bytes and ends the connection.
    BreakOff(Vec<u8>),
    /// The same, once the publisher lets go.
    Held(Vec<u8>),
    /// Says nothing, and does not end.
    Hang,
    /// Says these bytes one by one, each for itself, and then nothing more, and does not end.
    Drip(Vec<u8>),
    /// Says this head, and then [`ENDLESS`] bytes of nothing, in pieces of a chunk each.
    Endless(String),
}

struct Shared {
    config: Mutex<Arc<ServerConfig>>,
    pages: Mutex<BTreeMap<String, Page>>,
    asked: Mutex<Vec<String>>,
    /// The bodies that came, the newest last.
    forms: Mutex<Vec<String>>,
    sent: AtomicUsize,
    held: watch::Sender<bool>,
}

/// One publisher; ends when dropped.
pub struct Publisher {
    pub address: SocketAddr,
    shared: Arc<Shared>,
    running: Option<JoinHandle<()>>,
    /// With another authority than the one that is trusted.
    impostor: Arc<ServerConfig>,
}

impl Page {
    /// A page of this status and media type, with more fields.
    pub fn of(status: &str, fields: &str, body: &str) -> Self {
        let length = body.len();
        Self::Say(format!("HTTP/1.1 {status}\r\n{fields}Content-Length: {length}\r\n\r\n{body}").into_bytes())
    }

    /// A good page of JSON.
    pub fn json(body: &str) -> Self {
        Self::of("200 OK", "Content-Type: application/json\r\n", body)
    }
}

impl Publisher {
    /// One that trusts the certificate `pki/at-login.pem`, and whose own is of `pki/login-authority.pem`. Both are written.
    pub fn start(stage: &Stage) -> Self {
        let validity = Validity::a_day_from(now());
        let authority = Authority::new("login authority", validity).unwrap();
        std::fs::write(stage.path("pki/login-authority.pem"), authority.pem()).unwrap();
        let ours = authority.issue(&Leaf::client("spiffe://prop.example/gateway", validity)).unwrap();
        ours.write(&stage.path("pki"), "at-login").unwrap();
        // A key serves one purpose: another issuer at the same place has another one.
        let other = authority.issue(&Leaf::client("spiffe://prop.example/gateway", validity)).unwrap();
        other.write(&stage.path("pki"), "at-login-too").unwrap();
        let asking = authority.issue(&Leaf::client("spiffe://prop.example/gateway", validity)).unwrap();
        asking.write(&stage.path("pki"), "asking-at-login").unwrap();
        let config = |issuer: &Authority| {
            let server = issuer.issue(&Leaf::server(&[PUBLISHER], validity)).unwrap();
            server_config_speaking(&server.identity().unwrap(), vec![authority.root()], &["http/1.1"]).unwrap()
        };
        let (config, impostor) = (config(&authority), config(&Authority::new("another", validity).unwrap()));
        let shared = Arc::new(Shared {
            config: Mutex::new(config),
            pages: Mutex::default(),
            asked: Mutex::default(),
            forms: Mutex::default(),
            sent: AtomicUsize::new(0),
            held: watch::Sender::new(true),
        });
        let nobody = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let mut publisher = Self { address: nobody, shared, running: None, impostor };
        publisher.resume(stage);
        publisher
    }

    /// Another one of the same authority, which trusts the same.
    pub fn another(&self, stage: &Stage) -> Self {
        let shared = Arc::new(Shared {
            config: Mutex::new(Arc::clone(&*self.shared.config.lock())),
            pages: Mutex::default(),
            asked: Mutex::default(),
            forms: Mutex::default(),
            sent: AtomicUsize::new(0),
            held: watch::Sender::new(true),
        });
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let mut other = Self { address, shared, running: None, impostor: Arc::clone(&self.impostor) };
        other.resume(stage);
        other
    }

    /// What a page does from now on.
    pub fn page(&self, path: &str, page: Page) {
        self.shared.pages.lock().insert(path.to_owned(), page);
    }

    /// How many times a page was asked for.
    pub fn asked(&self, path: &str) -> usize {
        self.shared.asked.lock().iter().filter(|asked| *asked == path).count()
    }

    /// The newest body that came, which is a form: its parameters, in order.
    pub fn form(&self) -> Vec<(String, String)> {
        let forms = self.shared.forms.lock();
        let pairs = forms.last().expect("nobody sent a form").split('&');
        pairs.map(|pair| pair.split_once('=').unwrap()).map(|(name, value)| (name.to_owned(), decoded(value))).collect()
    }

    /// Lets go of the pages that are held.
    pub fn lets_go(&self) {
        self.shared.held.send_replace(false);
    }

    /// How many bytes of endless pages could be written.
    pub fn sent(&self) -> usize {
        self.shared.sent.load(Ordering::SeqCst)
    }

    /// Shows a certificate of another authority from now on, or its own again.
    pub fn swaps_certificates(&mut self) {
        std::mem::swap(&mut *self.shared.config.lock(), &mut self.impostor);
    }

    /// Is gone: connections are refused.
    pub fn stop(&mut self, stage: &Stage) {
        if let Some(running) = self.running.take() {
            running.abort();
            assert!(stage.wait(running).unwrap_err().is_cancelled());
        }
    }

    /// Is there again, where it was.
    pub fn resume(&mut self, stage: &Stage) {
        let listener = stage.wait(TcpListener::bind(self.address)).unwrap();
        self.address = listener.local_addr().unwrap();
        let shared = Arc::clone(&self.shared);
        self.running = Some(stage.beside(async move {
            let tasks = Tasks::new();
            loop {
                let (tcp, _) = listener.accept().await.unwrap();
                let acceptor = TlsAcceptor::from(Arc::clone(&*shared.config.lock()));
                let shared = Arc::clone(&shared);
                drop(tasks.spawn(async move {
                    // Who is not let in is told so by TLS itself.
                    if let Ok(line) = acceptor.accept(tcp).await {
                        shared.serve(line).await;
                    }
                }));
            }
        }));
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        if let Some(running) = &self.running {
            running.abort();
        }
    }
}

impl Shared {
    async fn serve(&self, mut line: TlsStream<TcpStream>) {
        let mut buffer = Vec::new();
        loop {
            let end = loop {
                if let Some(at) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                    break at + 4;
                }
                if !matches!(line.read_buf(&mut buffer).await, Ok(1..)) {
                    return;
                }
            };
            let head = String::from_utf8(buffer.drain(..end).collect()).unwrap();
            let path = head.split(' ').nth(1).unwrap().to_owned();
            assert!(head.contains(&format!("\r\nhost: {PUBLISHER}:")), "{head}");
            if head.starts_with("POST ") {
                assert!(head.contains("\r\ncontent-type: application/x-www-form-urlencoded\r\n"), "{head}");
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
                let length: usize = length.parse().unwrap();
                while buffer.len() < length {
                    if !matches!(line.read_buf(&mut buffer).await, Ok(1..)) {
                        return;
                    }
                }
                self.forms.lock().push(String::from_utf8(buffer.drain(..length).collect()).unwrap());
            } else {
                assert!(head.starts_with("GET "), "{head}");
            }
            let page = self.pages.lock().get(&path).cloned().unwrap_or_else(|| Page::of("404 Not Found", "", ""));
            self.asked.lock().push(path);
            match page {
                Page::Say(bytes) => {
                    if line.write_all(&bytes).await.is_err() || line.flush().await.is_err() {
                        return;
                    }
                }
                Page::BreakOff(bytes) => {
                    let _ = line.write_all(&bytes).await;
                    let _ = line.shutdown().await;
                    return;
                }
                Page::Held(bytes) => {
                    let _ = self.held.subscribe().wait_for(|held| !held).await;
                    if line.write_all(&bytes).await.is_err() || line.flush().await.is_err() {
                        return;
                    }
                }
                Page::Hang => std::future::pending().await,
                Page::Drip(bytes) => {
                    for byte in bytes {
                        if line.write_all(&[byte]).await.is_err() || line.flush().await.is_err() {
                            return;
                        }
                    }
                    std::future::pending().await
                }
                Page::Endless(head) => {
                    let piece = [format!("{:x}\r\n", 64 * 1024).as_bytes(), &[b' '; 64 * 1024], b"\r\n"].concat();
                    let mut left = ENDLESS;
                    if line.write_all(head.as_bytes()).await.is_err() {
                        return;
                    }
                    while left > 0 && line.write_all(&piece).await.is_ok() {
                        left = left.saturating_sub(piece.len());
                        self.sent.fetch_add(piece.len(), Ordering::SeqCst);
                    }
                    return;
                }
            }
        }
    }
}

/// A value of a form.
fn decoded(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.bytes());
    while let Some(byte) = rest.next() {
        let mut digit = || char::from(rest.next().unwrap()).to_digit(16).unwrap();
        bytes.push(if byte == b'%' { u8::try_from(digit() * 16 + digit()).unwrap() } else { byte });
    }
    String::from_utf8(bytes).unwrap()
}

/// The name of the issuer that is asked about its tokens, and as which client.
pub const ASKED_ISSUER: &str = "https://opaque.prop.example";

/// Writes a private key that signs, which nobody but us may read, to this place.
pub fn write_key(stage: &Stage, name: &str) -> SigningKey {
    let pem = SigningKey::generate_pem(SigningAlgorithm::Es256).unwrap();
    let fresh = stage.path(&format!("{name}.fresh"));
    std::fs::write(&fresh, pem.expose()).unwrap();
    std::fs::set_permissions(&fresh, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::rename(fresh, stage.path(name)).unwrap();
    SigningKey::from_pem(&pem).unwrap()
}

/// Adds an issuer to the stage's configuration, [`ASKED_ISSUER`], which is asked about its tokens at `/introspect`, with every key
/// that there is; and has it approved.
pub fn ask_about_tokens(stage: &Stage, publisher: SocketAddr) {
    write_key(stage, "pki/introspection.key");
    let tls = "tls: {ca: pki/login-authority.pem, certificate: pki/asking-at-login.pem, key: pki/asking-at-login.key}";
    let issuer = format!(
        "  - {{issuer: \"{ASKED_ISSUER}\", audience: \"https://gateway.prop.example\", max_lifetime: 1h, bind: [mtls],
     introspection: {{url: \"https://{publisher}/introspect\", server_name: {PUBLISHER}, client_id: portcullis,
     audience: \"{ASKED_ISSUER}\", key: pki/introspection.key, keep: 5s, timeout: 2s, {tls}}}}}\n"
    );
    stage.edit("gateway.yaml", "sessions:\n", &format!("{issuer}sessions:\n"));
    let from = "  - https://login.prop.example\n";
    stage.edit("policies/requirements.yaml", from, &format!("{from}  - {ASKED_ISSUER}\n"));
}

/// Adds two issuers to the stage's configuration, `https://published.prop.example` with its keys at `/keys`, and
/// `https://discovered.prop.example` with its metadata at `/metadata`, with every key that there is; and has them approved.
pub fn publish_keys(stage: &Stage, publisher: SocketAddr) {
    let particular = "token_types: [at+jwt], clock_skew: 60s, required_claims: [tenant, roles, device_id, car_id, sid],
     claims: {tenant: tenant, roles: roles, device_id: device_id, car_id: car_id, sid: sid, client_id: client_id, houses: houses},";
    let issuer = |name: &str, key: &str, path: &str, own: &str| {
        let tls = format!("tls: {{ca: pki/login-authority.pem, certificate: pki/{own}.pem, key: pki/{own}.key}}");
        format!(
            "  - {{issuer: \"https://{name}.prop.example\", audience: \"https://gateway.prop.example\", algorithms: [ES256],
     max_lifetime: 1h, bind: [mtls], {particular}
     jwks: {{{key}: \"https://{publisher}{path}\", server_name: {PUBLISHER}, keep: 1h, {tls}}}}}\n"
        )
    };
    let both = [
        issuer("published", "url", "/keys", "at-login"),
        issuer("discovered", "discovery", "/metadata", "at-login-too"),
    ]
    .concat();
    stage.edit("gateway.yaml", "sessions:\n", &format!("{both}sessions:\n  subjects: shared\n"));
    let from = "  - https://login.prop.example\n";
    let approved = format!("{from}  - https://published.prop.example\n  - https://discovered.prop.example\n");
    stage.edit("policies/requirements.yaml", from, &approved);
}

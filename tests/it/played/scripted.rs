//! Whoever stands behind the gateway: takes one request over mutual TLS, keeps its bytes, and answers what a case says.

use parking_lot::Mutex;
use portcullis::crypto::TlsIdentity;
use portcullis::crypto::server_config_speaking;
use portcullis::tasks::Tasks;
use rustls_pki_types::CertificateDer;
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

/// One that listens, on a port of its own.
pub struct Scripted {
    pub address: SocketAddr,
    shared: Arc<Shared>,
    listening: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    acceptor: TlsAcceptor,
    /// What is answered, byte by byte; `None` closes without a word.
    says: Mutex<Option<Vec<u8>>>,
    came: watch::Sender<Vec<Vec<u8>>>,
    tasks: Tasks,
}

impl Scripted {
    /// Shows `identity` and lets in whom `root` has signed.
    pub async fn start(identity: &TlsIdentity, root: CertificateDer<'static>) -> Self {
        let tls = server_config_speaking(identity, vec![root], &["http/1.1"]).unwrap();
        let shared = Arc::new(Shared {
            acceptor: TlsAcceptor::from(tls),
            says: Mutex::default(),
            came: watch::Sender::default(),
            tasks: Tasks::new(),
        });
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let listening = Mutex::new(Some(shared.tasks.spawn(Arc::clone(&shared).accept(listener))));
        Self { address, shared, listening }
    }

    /// Answers so from now on.
    pub fn say(&self, answer: Option<Vec<u8>>) {
        *self.shared.says.lock() = answer;
    }

    /// Takes no connection, until it is opened again.
    pub async fn shut(&self) {
        let listening = self.listening.lock().take().unwrap();
        listening.abort();
        assert!(listening.await.unwrap_err().is_cancelled());
    }

    /// Takes connections again, where it stood.
    pub async fn open(&self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        let accepting = Arc::clone(&self.shared).accept(listener);
        *self.listening.lock() = Some(self.shared.tasks.spawn(accepting));
    }

    /// The requests that came, byte by byte.
    pub fn came(&self) -> Vec<Vec<u8>> {
        self.shared.came.borrow().clone()
    }

    /// Waits until so many have come.
    pub async fn until(&self, requests: usize) {
        self.shared.came.subscribe().wait_for(|came| came.len() >= requests).await.unwrap();
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        if let Some(listening) = self.listening.lock().take() {
            listening.abort();
        }
    }
}

impl Shared {
    async fn accept(self: Arc<Self>, listener: TcpListener) {
        while let Ok((tcp, _)) = listener.accept().await {
            let shared = Arc::clone(&self);
            // A connection that breaks is the gateway's to tell.
            drop(self.tasks.spawn(async move { shared.serve(tcp).await.ok() }));
        }
    }

    async fn serve(&self, tcp: TcpStream) -> std::io::Result<()> {
        tcp.set_nodelay(true)?;
        let mut stream = self.acceptor.accept(tcp).await?;
        let mut request = Vec::new();
        while !is_whole(&request) {
            if stream.read_buf(&mut request).await? == 0 {
                return Ok(());
            }
        }
        let answer = self.says.lock().clone();
        self.came.send_modify(|came| came.push(request));
        if let Some(answer) = answer {
            stream.write_all(&answer).await?;
            stream.shutdown().await?;
        }
        Ok(())
    }
}

/// Whether head and body are all there.
fn is_whole(request: &[u8]) -> bool {
    let Some(end) = request.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { return false };
    let head = String::from_utf8_lossy(&request[..end]).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    request.len() >= end + 4 + length.map_or(0, |digits| digits.parse::<usize>().unwrap())
}

//! A partner that answers every command alike, at once or after a while. It checks its caller's certificate and nothing else.

use crate::Fallible;
use crate::house::UPSTREAM;
use portcullis::crypto::TlsIdentity;
use portcullis::crypto::read_certificates;
use portcullis::crypto::server_config_speaking;
use portcullis::tasks::Tasks;
use std::io::Write;
use std::path::Path;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

const ANSWER: &str = r#"{"status":"opened","operationId":"11111111-2222-4333-8444-555555555555","openedAt":"2026-01-01T00:00:00Z","ttl":5}"#;

/// Serves until the process is ended; says its address first.
pub fn serve(folder: &Path, millis: u64) -> Fallible<()> {
    let identity = TlsIdentity::read(&folder.join("pki/upstream.pem"), &folder.join("pki/upstream.key"))?;
    let roots = read_certificates(&folder.join("pki/authority.pem"))?;
    let acceptor = TlsAcceptor::from(server_config_speaking(&identity, roots, &["http/1.1"])?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?);
        std::io::stdout().flush()?;
        let tasks = Tasks::new();
        loop {
            let (socket, _) = listener.accept().await?;
            let acceptor = acceptor.clone();
            // A connection that fails is the gateway's to tell.
            drop(tasks.spawn(async move { answer(socket, acceptor, Duration::from_millis(millis)).await.ok() }));
        }
    })
}

/// Answers what comes over one connection, one command after the other.
async fn answer(socket: TcpStream, acceptor: TlsAcceptor, after: Duration) -> std::io::Result<()> {
    socket.set_nodelay(true)?;
    let mut stream = acceptor.accept(socket).await?;
    let length = ANSWER.len();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nServer: {UPSTREAM}\r\nContent-Length: {length}\r\n\r\n"
    );
    let answer = [head.as_bytes(), ANSWER.as_bytes()].concat();
    let mut received = Vec::new();
    loop {
        if stream.read_buf(&mut received).await? == 0 {
            return Ok(());
        }
        let Some(end) = whole(&received) else { continue };
        received.drain(..end);
        tokio::time::sleep(after).await;
        stream.write_all(&answer).await?;
    }
}

/// Where the first request ends, if all of it is there.
fn whole(received: &[u8]) -> Option<usize> {
    let head = received.windows(4).position(|bytes| bytes == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(received.get(..head)?).ok()?.to_ascii_lowercase();
    let length: usize = text.split("content-length:").nth(1)?.lines().next()?.trim().parse().ok()?;
    (received.len() >= head + length).then_some(head + length)
}

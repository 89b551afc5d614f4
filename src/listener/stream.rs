//! One TLS connection as Pingora's sessions want it: our own handshake underneath, small writes gathered on top.
//!
//! The handshake is rustls' own, because what it tells (the name that was asked for, the certificates, the kind of fault)
//! does not come through Pingora's acceptor. A session writes head and body apart; they are gathered until it flushes, so
//! that an answer is one TLS record and one packet. Nothing is kept while a connection stands idle.
//!
//! A body in chunks is held against the strict grammar of that coding on its way to the session, byte by byte: what the
//! session would repair it never sees, and nothing behind it either.

use crate::chunks::Grammar;
use crate::limits::Limits;
use async_trait::async_trait;
use bytes::BytesMut;
use pingora::protocols::ALPN;
use pingora::protocols::GetProxyDigest;
use pingora::protocols::GetSocketDigest;
use pingora::protocols::GetTimingDigest;
use pingora::protocols::Peek;
use pingora::protocols::Shutdown;
use pingora::protocols::SocketDigest;
use pingora::protocols::Ssl;
use pingora::protocols::TimingDigest;
use pingora::protocols::UniqueID;
use pingora::protocols::UniqueIDType;
use pingora::protocols::raw_connect::ProxyDigest;
use std::fmt;
use std::io;
use std::os::fd::AsRawFd;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::task::ready;
use std::time::Duration;
use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWrite;
use tokio::io::AsyncWriteExt;
use tokio::io::ReadBuf;
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

/// What an HTTP/2 connection begins with (RFC 9113 §3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Bytes gathered before they are written without waiting for a flush; a TLS record holds 16 KiB (RFC 8446 §5.1).
const GATHER_MAX_BYTES: usize = 16 * 1024;

/// A server-side TLS connection after its handshake.
pub struct Secured {
    tls: TlsStream<TcpStream>,
    /// What was read already and is read again first.
    early: &'static [u8],
    gathered: Vec<u8>,
    written: usize,
    h2: bool,
    guard: Guard,
    goodbye: Duration,
}

/// What may be read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Guard {
    /// Whatever comes: a head, or a body that its length ends.
    Open,
    /// A body in chunks, and then whatever comes.
    Chunked(Grammar),
    /// Nothing any more: the chunks are malformed, and where the body ends nobody knows.
    Broken,
}

impl Secured {
    /// Takes a connection whose handshake is done, and which is ended within `limits`.
    #[must_use]
    pub fn new(tls: TlsStream<TcpStream>, limits: &Limits) -> Self {
        let h2 = tls.get_ref().1.alpn_protocol() == Some(b"h2");
        let goodbye = Limits::millis(limits.drain_timeout_ms);
        Self { tls, early: &[], gathered: Vec::new(), written: 0, h2, guard: Guard::Open, goodbye }
    }

    /// From here on comes a body in chunks, of which `begun` has been read already. Cuts off what is malformed of it.
    pub fn expect_chunks(&mut self, begun: &mut BytesMut, at: usize) {
        self.guard = Guard::Chunked(Grammar::new());
        let admitted = self.guard.admit(begun.get(at..).unwrap_or_default());
        begun.truncate(at.saturating_add(admitted));
    }

    /// Whether a body in chunks was malformed. Nothing can be read any more then, and the connection must end.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.guard == Guard::Broken
    }

    /// Ends the connection: what was written goes out, then the end of TLS and of our half; then, so that a peer that is
    /// still sending reads all that instead of a reset, what it sends is read and forgotten, at most `max_bytes`. All of
    /// that within `drain_timeout_ms`.
    pub async fn end(mut self, max_bytes: u64) {
        let goodbye = self.goodbye;
        let ended = async {
            if AsyncWriteExt::shutdown(&mut self).await.is_ok() {
                let (mut tcp, _) = self.tls.into_inner();
                forget(&mut tcp, max_bytes).await;
            }
        };
        // Too slow is as good as too much: closing is all that is left, and it is done by dropping.
        let _ = tokio::time::timeout(goodbye, ended).await;
    }

    /// Whether HTTP/2 was agreed on.
    #[must_use]
    pub const fn is_h2(&self) -> bool {
        self.h2
    }

    /// Waits for the preface of HTTP/2; `false` if something else comes, or nothing within `deadline`. The framework would
    /// wait for it without end.
    pub async fn begins_h2(&mut self, deadline: Duration) -> bool {
        let begins = begins_h2(&mut self.tls, deadline).await;
        self.early = if begins { PREFACE } else { &[] };
        begins
    }

    /// Writes what was gathered; afterwards nothing is held.
    fn poll_gathered(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(rest) = self.gathered.get(self.written..).filter(|rest| !rest.is_empty()) {
            let count = ready!(Pin::new(&mut self.tls).poll_write(context, rest))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.written = self.written.saturating_add(count);
        }
        self.gathered = Vec::new();
        self.written = 0;
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Secured {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.early.is_empty() {
            let (now, later) = self.early.split_at(self.early.len().min(buffer.remaining()));
            buffer.put_slice(now);
            self.early = later;
            return Poll::Ready(Ok(()));
        }
        if self.is_broken() {
            return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.tls).poll_read(context, buffer))?;
        let fresh = buffer.filled().get(before..).unwrap_or_default();
        let (came, admitted) = (fresh.len(), self.guard.admit(fresh));
        buffer.set_filled(before.saturating_add(admitted));
        // No bytes at all would be taken for the end of the connection.
        let nothing_left = admitted == 0 && came > 0;
        Poll::Ready(if nothing_left { Err(io::ErrorKind::InvalidData.into()) } else { Ok(()) })
    }
}

impl AsyncWrite for Secured {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.gathered.len().saturating_add(bytes.len()) > GATHER_MAX_BYTES {
            ready!(self.poll_gathered(context))?;
        }
        if bytes.len() > GATHER_MAX_BYTES {
            return Pin::new(&mut self.tls).poll_write(context, bytes);
        }
        self.gathered.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_gathered(context))?;
        Pin::new(&mut self.tls).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_gathered(context))?;
        Pin::new(&mut self.tls).poll_shutdown(context)
    }
}

#[async_trait]
impl Shutdown for Secured {
    async fn shutdown(&mut self) {
        let goodbye = self.goodbye;
        // The other side may be gone, or not read: closing is all that is left, and it is done by dropping.
        let _ = tokio::time::timeout(goodbye, AsyncWriteExt::shutdown(self)).await;
    }
}

impl UniqueID for Secured {
    fn id(&self) -> UniqueIDType {
        self.tls.get_ref().0.as_raw_fd()
    }
}

impl Ssl for Secured {
    fn selected_alpn_proto(&self) -> Option<ALPN> {
        Some(if self.h2 { ALPN::H2 } else { ALPN::H1 })
    }
}

impl GetTimingDigest for Secured {
    fn get_timing_digest(&self) -> Vec<Option<TimingDigest>> {
        Vec::new()
    }
}

impl GetProxyDigest for Secured {
    fn get_proxy_digest(&self) -> Option<Arc<ProxyDigest>> {
        None
    }
}

impl GetSocketDigest for Secured {
    fn get_socket_digest(&self) -> Option<Arc<SocketDigest>> {
        None
    }
}

#[async_trait]
impl Peek for Secured {}

impl fmt::Debug for Secured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.h2 { "a TLS connection (h2)" } else { "a TLS connection (http/1.1)" })
    }
}

impl Guard {
    /// How many of these bytes, which came next, may be read.
    fn admit(&mut self, bytes: &[u8]) -> usize {
        let Self::Chunked(mut grammar) = *self else { return if *self == Self::Open { bytes.len() } else { 0 } };
        let mut rest = bytes;
        loop {
            match grammar.read(rest) {
                Ok(Some(piece)) => rest = rest.get(piece.bytes()..).unwrap_or_default(),
                Ok(None) => {
                    *self = if grammar.is_whole() { Self::Open } else { Self::Chunked(grammar) };
                    return bytes.len();
                }
                Err(_) => {
                    *self = Self::Broken;
                    return bytes.len().saturating_sub(rest.len());
                }
            }
        }
    }
}

/// Reads to the end, or until more than `max_bytes` have come.
async fn forget(stream: &mut (impl AsyncRead + Unpin), max_bytes: u64) {
    let mut left = max_bytes;
    let mut buffer = [0; 1024];
    while left > 0 {
        match stream.read(&mut buffer).await {
            Ok(count @ 1..) => left = left.saturating_sub(u64::try_from(count).unwrap_or(u64::MAX)),
            Ok(0) | Err(_) => return,
        }
    }
}

async fn begins_h2(stream: &mut (impl AsyncRead + Unpin), deadline: Duration) -> bool {
    let mut preface = [0; PREFACE.len()];
    let read = tokio::time::timeout(deadline, stream.read_exact(&mut preface)).await;
    matches!(read, Ok(Ok(_))) && preface == *PREFACE
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::clock::SystemClock;
    use crate::crypto;
    use crate::devkit::Pki;
    use std::net::Ipv4Addr;
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;
    use tokio_rustls::TlsConnector;

    #[test]
    fn chunks_are_admitted_up_to_the_first_malformed_byte_and_nothing_after_it() {
        let mut guard = Guard::Chunked(Grammar::new());
        assert_eq!(guard.admit(b"4\r\nWi"), 5);
        assert_eq!(guard.admit(b"ki\r\n0;x=y\r\n\r\nGET / HTTP/1.1\r\n"), 5);
        assert_eq!((guard, guard.admit(b"0\r\n\r\n")), (Guard::Broken, 0));
        let mut guard = Guard::Chunked(Grammar::new());
        let whole = b"4\r\nWiki\r\n0\r\n\r\nZZ of the next request";
        assert_eq!((guard.admit(whole), guard), (whole.len(), Guard::Open));
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_peer_still_sends_is_forgotten_up_to_the_limit_and_not_beyond() {
        let (mut ours, mut theirs) = tokio::io::duplex(64 * 1024);
        theirs.write_all(&[b'x'; 4096]).await.unwrap();
        forget(&mut ours, 2048).await;
        let mut rest = vec![0; 4096];
        assert_eq!(ours.read(&mut rest).await.unwrap(), 2048);
        forget(&mut ours, 0).await;
        drop(theirs);
        forget(&mut ours, 1).await;
    }

    #[tokio::test(start_paused = true)]
    async fn only_the_whole_preface_within_its_time_begins_http2() {
        let deadline = Duration::from_millis(100);
        assert!(begins_h2(&mut &PREFACE[..], deadline).await);
        assert!(!begins_h2(&mut &PREFACE[..23], deadline).await, "broken off");
        assert!(!begins_h2(&mut &b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"[..], deadline).await);
        let (_silent, mut ours) = tokio::io::duplex(64);
        let begun = tokio::time::timeout(Duration::from_millis(101), begins_h2(&mut ours, deadline));
        assert!(!begun.await.unwrap(), "and no longer");
    }

    /// Both ends of a connection whose handshake is done; the first is ended within so many milliseconds.
    async fn pair(drain_timeout_ms: u64) -> (Secured, tokio_rustls::client::TlsStream<TcpStream>) {
        crypto::install_provider().unwrap();
        let pki = Pki::new(SystemClock::new().now().seconds()).unwrap();
        let roots = vec![pki.backend_authority.root()];
        let server = crypto::server_config_speaking(&pki.gateway.identity().unwrap(), roots, &["http/1.1"]).unwrap();
        let roots = vec![pki.gateway_authority.root()];
        let client = crypto::client_config(Some(&pki.backend.identity().unwrap()), roots, &["http/1.1"]).unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let theirs = async {
            let tcp = TcpStream::connect(address).await.unwrap();
            TlsConnector::from(client).connect("localhost".try_into().unwrap(), tcp).await.unwrap()
        };
        let ours = async { TlsAcceptor::from(server).accept(listener.accept().await.unwrap().0).await.unwrap() };
        let (ours, theirs) = tokio::join!(ours, theirs);
        (Secured::new(ours, &Limits { drain_timeout_ms, ..Limits::default() }), theirs)
    }

    #[tokio::test]
    async fn ending_a_connection_takes_no_longer_than_its_time_whatever_the_peer_does_not_do() {
        const PATIENCE: Duration = Duration::from_secs(20);
        // It does not read: nothing more goes out, not even the end of TLS.
        let (mut ours, theirs) = pair(50).await;
        let filled = async { while ours.write_all(&[b'x'; 32 * 1024]).await.is_ok() {} };
        assert!(tokio::time::timeout(Duration::from_millis(500), filled).await.is_err(), "the socket takes no more");
        tokio::time::timeout(PATIENCE, ours.end(u64::MAX)).await.unwrap();
        drop(theirs);
        // It reads, and does not close.
        let (ours, mut theirs) = pair(50).await;
        tokio::time::timeout(PATIENCE, ours.end(u64::MAX)).await.unwrap();
        assert_eq!(theirs.read(&mut [0; 1]).await.unwrap(), 0, "it was told of the end");
    }

    #[tokio::test]
    async fn a_peer_that_still_sends_reads_what_was_written_and_the_end() {
        let (mut ours, mut theirs) = pair(20_000).await;
        ours.write_all(b"no").await.unwrap();
        theirs.write_all(&[b'x'; 32 * 1024]).await.unwrap();
        theirs.flush().await.unwrap();
        let peer = async {
            let mut read = Vec::new();
            theirs.read_to_end(&mut read).await.unwrap();
            drop(theirs);
            read
        };
        let ((), read) = tokio::join!(ours.end(u64::MAX), peer);
        assert_eq!(read, b"no");
    }
}

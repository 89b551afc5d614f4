//! One TLS connection as Pingora's sessions want it: our own handshake underneath, small writes gathered on top.
//!
//! The handshake is rustls' own, because what it tells (the name that was asked for, the certificates, the kind of fault)
//! does not come through Pingora's acceptor. A session writes head and body apart; they are gathered until it flushes, so
//! that an answer is one TLS record and one packet. Nothing is kept while a connection stands idle.

use async_trait::async_trait;
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
}

impl Secured {
    /// Takes a connection whose handshake is done.
    #[must_use]
    pub fn new(tls: TlsStream<TcpStream>) -> Self {
        let h2 = tls.get_ref().1.alpn_protocol() == Some(b"h2");
        Self { tls, early: &[], gathered: Vec::new(), written: 0, h2 }
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
        Pin::new(&mut self.tls).poll_read(context, buffer)
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
        // The other side may be gone: closing is all that is left, and it is done by dropping.
        let _ = AsyncWriteExt::shutdown(self).await;
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

async fn begins_h2(stream: &mut (impl AsyncRead + Unpin), deadline: Duration) -> bool {
    let mut preface = [0; PREFACE.len()];
    let read = tokio::time::timeout(deadline, stream.read_exact(&mut preface)).await;
    matches!(read, Ok(Ok(_))) && preface == *PREFACE
}

#[cfg(test)]
mod tests {
    use super::*;

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
}

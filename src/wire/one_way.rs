//! Bytes to one who answers nothing: a connection of their own for each lot, and the only answer that there is, the end of
//! that connection.
//!
//! A write that succeeds says that our kernel has the bytes, and an acknowledgement of TCP that theirs has; neither says that
//! anybody has read them. So the lot ends with `close_notify` (RFC 8446 §6.1, RFC 5246 §7.2.1), which the other side comes upon
//! behind the last byte, and then *its* end is awaited. Who closes a connection without having read all that its kernel
//! acknowledged resets it (RFC 9293 §3.6, RFC 2525 §2.17); who had closed before acknowledges nothing more. So an end in order, with
//! every byte of ours acknowledged, is the word of the process at the other end that it has read them all. Our own half of the
//! TCP connection stays open until then, or that could not be told apart afterwards.
//!
//! Whether the other side sends `close_notify` too is not asked: it must (RFC 5425 §4.4), and GnuTLS under rsyslog does not. Who
//! can put packets between us could forge such an end; what is lost then is missed by its number at the other side.

use crate::wire::client::Client;
use crate::wire::fault::ConnectFault;
use crate::wire::fault::ExchangeFault;
use crate::wire::fault::ExchangeFaultKind as Fault;
use pingora::protocols::l4::ext::get_tcp_info;
use std::io;
use std::os::fd::AsRawFd;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// The state of a TCP connection that the other side has ended in order, and we have not (`CLOSE_WAIT` in the kernel's
/// numbers, `include/net/tcp_states.h`).
const CLOSE_WAIT: u8 = 8;

/// A connection that carries one lot of bytes.
#[must_use = "nothing is received before it is delivered"]
pub struct OneWay {
    stream: TlsStream<TcpStream>,
    deadline: Duration,
}

impl Client {
    /// A new connection for one lot, outside of the pool; nothing was sent over it.
    ///
    /// # Errors
    /// [`ConnectFault`].
    pub async fn one_way(&self) -> Result<OneWay, ConnectFault> {
        let (stream, deadline) = self.open_apart().await?;
        Ok(OneWay { stream, deadline })
    }
}

impl OneWay {
    /// Sends `bytes` and ends the connection. Good only once the other side has read them all and closed.
    ///
    /// # Errors
    /// [`ExchangeFault`], after which nobody can say how much of it was received.
    pub async fn deliver(mut self, bytes: &[u8]) -> Result<(), ExchangeFault> {
        let delivered = tokio::time::timeout(self.deadline, deliver(&mut self.stream, bytes)).await;
        delivered.unwrap_or(Err(Fault::Timeout)).map_err(ExchangeFault::after_sending)
    }
}

async fn deliver(stream: &mut TlsStream<TcpStream>, bytes: &[u8]) -> Result<(), Fault> {
    stream.write_all(bytes).await.map_err(|_| Fault::Send)?;
    stream.get_mut().1.send_close_notify();
    stream.flush().await.map_err(|_| Fault::Send)?;
    let mut byte = [0; 1];
    match stream.read(&mut byte).await {
        // `close_notify`: the end of TCP follows it.
        Ok(0) => match stream.get_mut().0.read(&mut byte).await {
            Ok(0) => {}
            Ok(_) => return Err(Fault::Excess),
            Err(_) => return Err(Fault::BrokenOff),
        },
        Ok(_) => return Err(Fault::Excess),
        // The end of TCP alone.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {}
        Err(_) => return Err(Fault::BrokenOff),
    }
    if is_read_to_its_end(stream.get_ref().0) { Ok(()) } else { Err(Fault::BrokenOff) }
}

/// Whether the other side has ended in order with all of our bytes acknowledged.
fn is_read_to_its_end(socket: &TcpStream) -> bool {
    get_tcp_info(socket.as_raw_fd())
        .is_ok_and(|tcp| tcp.tcpi_state == CLOSE_WAIT && tcp.tcpi_unacked == 0 && tcp.tcpi_notsent_bytes == 0)
}

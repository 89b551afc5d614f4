//! The other end of the ops listener, for a command: reads one page over plain HTTP.
//!
//! It blocks, and is not for a gateway. It reads an answer as our own listener gives it: one status line, a head, and a body
//! that the end of the connection ends. Whoever listens there may be anybody, so that what is read is bounded in bytes and
//! time, and whoever shows it escapes it.

use crate::clock::Clock;
use crate::clock::SystemClock;
use std::io;
use std::io::Read;
use std::io::Write;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;
use std::net::TcpStream;
use std::time::Duration;

/// For the whole page, from connecting to its last byte.
const PAGE_TIMEOUT: Duration = Duration::from_secs(5);
/// The largest page, head and body, in bytes: metrics of a thousand operations are a tenth of it.
const PAGE_MAX_BYTES: usize = 8 * 1024 * 1024;

/// A page as it was read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Looked {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: String,
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum LookFault {
    /// Nobody listens there, or the connection broke.
    #[error("no gateway was reached: {0}")]
    NotReached(#[from] io::Error),
    /// It did not end in time.
    #[error("the page did not come within 5 seconds")]
    TooSlow,
    /// It is larger than a page of ours.
    #[error("the page is larger than 8 MiB")]
    TooLarge,
    /// It is no answer of HTTP, or no text.
    #[error("what answers there is no ops listener")]
    NotOurs,
}

/// Reads the page `path` of the ops listener at `address`. Where that stands for all addresses, this machine is asked.
///
/// # Errors
/// [`LookFault`].
pub fn look(address: SocketAddr, path: &str) -> Result<Looked, LookFault> {
    let (clock, address) = (SystemClock::new(), reachable(address));
    let left = || PAGE_TIMEOUT.checked_sub(clock.steady()).filter(|left| !left.is_zero()).ok_or(LookFault::TooSlow);
    let mut stream = TcpStream::connect_timeout(&address, left()?)?;
    stream.set_write_timeout(Some(left()?))?;
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").as_bytes())?;
    let (mut page, mut part) = (Vec::new(), vec![0; 64 * 1024]);
    loop {
        stream.set_read_timeout(Some(left()?))?;
        let read = match stream.read(&mut part) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                return Err(LookFault::TooSlow);
            }
            Err(error) => return Err(error.into()),
        };
        page.extend_from_slice(part.get(..read).unwrap_or_default());
        if page.len() > PAGE_MAX_BYTES {
            return Err(LookFault::TooLarge);
        }
    }
    parsed(page).ok_or(LookFault::NotOurs)
}

/// Nobody can connect to the address that stands for all of them.
fn reachable(address: SocketAddr) -> SocketAddr {
    let here = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(here, address.port())
}

fn parsed(page: Vec<u8>) -> Option<Looked> {
    let text = String::from_utf8(page).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let rest = head.strip_prefix("HTTP/1.1 ")?;
    let status = rest.get(..3)?.parse().ok()?;
    Some(Looked { status, body: body.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    /// What is made of an answer, after which the other side closes.
    fn looked(answer: &'static [u8]) -> Result<Looked, LookFault> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let serving = std::thread::Builder::new().spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut head = [0; 1024];
            let read = stream.read(&mut head).unwrap();
            assert!(head[..read].starts_with(b"GET /-/status HTTP/1.1\r\n"));
            // Who has read enough may be gone.
            let _ = stream.write_all(answer);
        });
        let looked = look(address, "/-/status");
        serving.unwrap().join().unwrap();
        looked
    }

    #[test]
    fn a_page_is_read_and_what_is_none_is_refused() {
        let page = looked(b"HTTP/1.1 503 No\r\nA: b\r\n\r\nbody").unwrap();
        assert_eq!(page, Looked { status: 503, body: "body".to_owned() });
        for wrong in [&b""[..], b"SSH-2.0-x\r\n", b"HTTP/1.1 2", b"HTTP/1.1 xyz\r\n\r\n", b"HTTP/1.1 200\r\n\r\n\xff"] {
            assert!(matches!(looked(wrong), Err(LookFault::NotOurs)), "{wrong:?}");
        }
    }

    #[test]
    fn a_page_of_8_mib_is_read_and_a_byte_more_is_not() {
        let head = b"HTTP/1.1 200 OK\r\n\r\n";
        let page = |bytes: usize| [&head[..], &vec![b'x'; bytes - head.len()]].concat().leak();
        assert_eq!(looked(page(PAGE_MAX_BYTES)).unwrap().body.len(), PAGE_MAX_BYTES - head.len());
        assert!(matches!(looked(page(PAGE_MAX_BYTES + 1)), Err(LookFault::TooLarge)));
    }

    #[test]
    fn who_listens_everywhere_is_asked_here() {
        let here = |text: &str| reachable(text.parse().unwrap()).to_string();
        assert_eq!([here("0.0.0.0:1"), here("[::]:1"), here("10.1.2.3:1")], ["127.0.0.1:1", "[::1]:1", "10.1.2.3:1"]);
    }
}

//! One request and its one whole answer over one connection.

use crate::wire::answer::AnswerHead;
use crate::wire::answer::Framing;
use crate::wire::answer::MAX_HEAD_BYTES;
use crate::wire::answer::read_head;
use crate::wire::chunked::Chunks;
use crate::wire::client::Spent;
use crate::wire::fault::ConnectFault;
use crate::wire::fault::ExchangeFault;
use crate::wire::fault::ExchangeFaultKind as Fault;
use crate::wire::request::Request;
use async_trait::async_trait;
use bytes::Bytes;
use bytes::BytesMut;
use http::HeaderMap;
use http::Method;
use http::StatusCode;
use std::time::Duration;
use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWrite;
use tokio::io::AsyncWriteExt;

/// Interim answers (1xx) that are passed over; the next one is a fault.
const MAX_INTERIM: usize = 8;

/// Opens connections to one place under one identity.
#[async_trait]
pub trait Connect: Send + Sync {
    /// A connection over which nothing of the next request has been sent.
    ///
    /// # Errors
    /// [`ConnectFault`]; nothing was sent.
    async fn connect(&self) -> Result<Box<dyn Connection>, ConnectFault>;

    /// Why nobody would be asked now: our own certificate, or a list about theirs, is not in force.
    fn lapsed(&self) -> Option<ConnectFault> {
        None
    }
}

/// A connection that is good for one exchange.
#[async_trait]
pub trait Connection: Send {
    /// What is sent as `Host`.
    fn authority(&self) -> &str;

    /// Sends the request, once, and reads the whole answer.
    ///
    /// # Errors
    /// [`ExchangeFault`], which tells whether bytes may have left. It is never tried again here.
    async fn exchange(self: Box<Self>, request: Request) -> Result<Response, ExchangeFault>;
}

/// A whole answer, within limits. Nobody has held it against a contract yet.
pub struct Response {
    /// The status, 200 to 599.
    pub status: StatusCode,
    /// All fields.
    pub fields: HeaderMap,
    /// The body, whole.
    pub body: Bytes,
    /// The connection that it came over, where that may carry another exchange; closed when dropped.
    pub spent: Option<Spent>,
}

/// An answer, and whether the connection may carry another exchange.
pub struct Exchanged {
    /// The status, 200 to 599.
    pub status: StatusCode,
    /// All fields.
    pub fields: HeaderMap,
    /// The body, whole.
    pub body: Bytes,
    /// Whether the answer lets the connection stay open.
    pub reusable: bool,
}

/// The whole exchange over any stream: the request as it is written to `authority`, once, and its answer within the deadline.
pub(super) async fn whole<S>(
    stream: &mut S,
    authority: &str,
    request: Request,
    deadline: Duration,
    max_bytes: usize,
) -> Result<Exchanged, ExchangeFault>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let bytes = request.encode(authority).map_err(ExchangeFault::before_sending)?;
    let exchanged = over(stream, &request.method, &bytes, request.leaving, max_bytes);
    let exchanged = tokio::time::timeout(deadline, exchanged).await;
    exchanged.map_err(|_| ExchangeFault::after_sending(Fault::Timeout))?
}

/// Writes the request, one of `method`, and reads the answer over any stream.
async fn over<S>(
    stream: &mut S,
    method: &Method,
    request: &[u8],
    leaving: Option<Box<dyn Send + Sync>>,
    max_bytes: usize,
) -> Result<Exchanged, ExchangeFault>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    // From the first write on, nobody can say what the other side has.
    let sent = async {
        let first = stream.write(request).await?;
        drop(leaving);
        stream.write_all(request.get(first..).unwrap_or_default()).await?;
        stream.flush().await
    };
    sent.await.map_err(|_| ExchangeFault::after_sending(Fault::Send))?;
    read_answer(stream, method, max_bytes).await.map_err(ExchangeFault::after_sending)
}

/// Reads the whole answer to a request of `method`, whose body has at most `max_bytes`, and not a byte more than has come
/// with it. Every exchange ends here; it is open so that any bytes can be held against it (`fuzz/`).
///
/// # Errors
/// The [`Fault`] that the answer is, or how it broke off.
pub async fn read_answer<S: AsyncRead + Unpin>(
    stream: &mut S,
    method: &Method,
    max_bytes: usize,
) -> Result<Exchanged, Fault> {
    let mut buffer = BytesMut::with_capacity(2048);
    for _ in 0..=MAX_INTERIM {
        let head = head(stream, &mut buffer).await?;
        if head.status == StatusCode::SWITCHING_PROTOCOLS {
            return Err(Fault::Interim);
        }
        if head.status.is_informational() {
            continue;
        }
        // The length in an answer to HEAD is that of a body which does not follow (RFC 9112 §6.3).
        let framing = if method == Method::HEAD { Framing::Length(0) } else { head.framing };
        let body = body(stream, &mut buffer, framing, max_bytes).await?;
        if !buffer.is_empty() {
            return Err(Fault::Excess);
        }
        let AnswerHead { status, fields, closes, .. } = head;
        return Ok(Exchanged { status, fields, body, reusable: !closes });
    }
    Err(Fault::Interim)
}

async fn head<S: AsyncRead + Unpin>(stream: &mut S, buffer: &mut BytesMut) -> Result<AnswerHead, Fault> {
    // Each byte is looked at once, however slowly they come: the end can lie across the last three and the new ones.
    let mut seen = 0_usize;
    loop {
        let fresh = buffer.get(seen..).unwrap_or_default();
        let end = fresh.windows(4).position(|window| window == b"\r\n\r\n");
        if let Some(length) = end.map(|at| at.saturating_add(seen).saturating_add(4)) {
            return if length > MAX_HEAD_BYTES { Err(Fault::TooLarge) } else { read_head(&buffer.split_to(length)) };
        }
        if buffer.len() >= MAX_HEAD_BYTES {
            return Err(Fault::TooLarge);
        }
        seen = buffer.len().saturating_sub(3);
        more(stream, buffer).await?;
    }
}

async fn body<S: AsyncRead + Unpin>(
    stream: &mut S,
    buffer: &mut BytesMut,
    framing: Framing,
    max_bytes: usize,
) -> Result<Bytes, Fault> {
    match framing {
        Framing::Length(length) => {
            if length > max_bytes {
                return Err(Fault::TooLarge);
            }
            while buffer.len() < length {
                more(stream, buffer).await?;
            }
            Ok(buffer.split_to(length).freeze())
        }
        Framing::Chunked => {
            let mut chunks = Chunks::new(max_bytes);
            while !chunks.take(buffer)? {
                more(stream, buffer).await?;
            }
            Ok(chunks.into_body())
        }
    }
}

async fn more<S: AsyncRead + Unpin>(stream: &mut S, buffer: &mut BytesMut) -> Result<(), Fault> {
    buffer.reserve(2048);
    match stream.read_buf(buffer).await {
        Ok(1..) => Ok(()),
        Ok(0) | Err(_) => Err(Fault::BrokenOff),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";

    /// What comes of an answer that arrives in these pieces before the other side closes.
    async fn answered(pieces: &[&str]) -> Result<(u16, String, bool), ExchangeFault> {
        let (mut ours, mut theirs) = tokio::io::duplex(64);
        let answer: Vec<Vec<u8>> = pieces.iter().map(|piece| piece.as_bytes().to_vec()).collect();
        let partner = async move {
            let mut request = [0; 6];
            theirs.read_exact(&mut request).await.unwrap();
            for piece in answer {
                if theirs.write_all(&piece).await.is_err() {
                    return;
                }
            }
        };
        let gateway = async move {
            let exchanged = over(&mut ours, &Method::GET, b"GET /x", None, 100).await;
            // Dropped at once: a partner that still writes learns that nobody reads.
            drop(ours);
            exchanged
        };
        let (_, exchanged) = tokio::join!(partner, gateway);
        exchanged.map(|Exchanged { status, body, reusable, .. }| {
            (status.as_u16(), String::from_utf8(body.to_vec()).unwrap(), reusable)
        })
    }

    #[tokio::test]
    async fn a_whole_answer_is_read_however_it_is_cut() {
        for cut in 0..OK.len() {
            let (first, second) = OK.split_at(cut);
            assert_eq!(answered(&[first, second]).await, Ok((200, "{}".into(), true)), "{cut}");
        }
    }

    #[tokio::test]
    async fn an_answer_that_breaks_off_at_any_byte_is_no_answer() {
        for end in 0..OK.len() {
            let fault = answered(&[OK.split_at(end).0]).await.unwrap_err();
            assert_eq!(fault, ExchangeFault::after_sending(Fault::BrokenOff), "{end}");
        }
    }

    #[tokio::test]
    async fn eight_interim_answers_are_passed_over_and_a_ninth_is_a_fault() {
        let interim = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n";
        assert!(answered(&[&interim.repeat(8), OK]).await.is_ok());
        assert_eq!(answered(&[&interim.repeat(9), OK]).await, Err(ExchangeFault::after_sending(Fault::Interim)));
        let switching = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n";
        assert_eq!(answered(&[switching, OK]).await, Err(ExchangeFault::after_sending(Fault::Interim)));
    }

    #[tokio::test]
    async fn what_goes_with_the_first_bytes_is_gone_before_the_answer_and_before_the_rest_is_taken() {
        let (mut ours, mut theirs) = tokio::io::duplex(64);
        let (leaving, mut left) = tokio::sync::oneshot::channel::<()>();
        let request = vec![b'x'; 1_000];
        let exchange = over(&mut ours, &Method::GET, &request, Some(Box::new(leaving)), 100);
        let partner = async {
            let mut byte = [0; 1];
            assert!(matches!(left.try_recv(), Err(tokio::sync::oneshot::error::TryRecvError::Empty)));
            theirs.read_exact(&mut byte).await.unwrap();
            assert!((&mut left).await.is_err(), "dropped, while most of the request has not even been written");
            drop(theirs);
        };
        let (_, exchanged) = tokio::join!(partner, exchange);
        assert!(exchanged.is_err());
    }

    #[tokio::test]
    async fn a_second_answer_behind_the_first_is_a_fault() {
        assert_eq!(answered(&[&OK.repeat(2)]).await, Err(ExchangeFault::after_sending(Fault::Excess)));
    }

    #[tokio::test]
    async fn a_body_holds_its_limit_and_not_one_byte_more() {
        let answer = |size: usize| format!("HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n{}", "x".repeat(size));
        assert!(answered(&[&answer(100)]).await.is_ok());
        assert_eq!(answered(&[&answer(101)]).await, Err(ExchangeFault::after_sending(Fault::TooLarge)));
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert!(answered(&[chunked, "64\r\n", &"x".repeat(100), "\r\n0\r\n\r\n"]).await.is_ok());
        assert_eq!(answered(&[chunked, "65\r\n"]).await, Err(ExchangeFault::after_sending(Fault::TooLarge)));
    }

    #[tokio::test]
    async fn a_head_holds_its_limit_and_not_one_byte_more_also_an_interim_one() {
        let head = |status: &str, size: usize| {
            let rest = format!("HTTP/1.1 {status}\r\nX: \r\n\r\n").len();
            format!("HTTP/1.1 {status}\r\nX: {}\r\n\r\n", "x".repeat(size - rest))
        };
        for status in ["204 No Content", "103 Early Hints"] {
            let whole = format!("{}{}", head(status, MAX_HEAD_BYTES), if status.starts_with('1') { OK } else { "" });
            assert!(answered(&[&whole]).await.is_ok(), "{status}");
            let fault = answered(&[&head(status, MAX_HEAD_BYTES + 1)]).await;
            assert_eq!(fault, Err(ExchangeFault::after_sending(Fault::TooLarge)), "{status}");
        }
    }

    #[tokio::test]
    async fn a_connection_that_is_to_be_closed_is_not_used_again() {
        let closing = "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";
        assert_eq!(answered(&[closing]).await, Ok((204, String::new(), false)));
    }
}

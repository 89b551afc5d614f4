//! Writing an answer. A door writes nothing but what was concluded, with the fields that every answer carries.

use crate::limits::Limits;
use crate::model::Receipt;
use crate::model::Reply;
use crate::pipeline::Concluded;
use bytes::Bytes;
use h2::server::SendResponse;
use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::Response;
use http::StatusCode;
use http::header;
use pingora::http::ResponseHeader;
use pingora::protocols::http::ServerSession;
use std::future::poll_fn;

/// The connection is gone, or the answer cannot be written; there is nobody left to tell.
#[derive(Clone, Copy, Debug)]
pub struct NotWritten;

/// Writes a concluded answer, whole, within `reply_timeout_ms`: one who does not read holds neither memory nor a stream.
///
/// # Errors
/// [`NotWritten`] when the peer has gone or does not read. The outcome is on record all the same.
pub async fn write(session: &mut ServerSession, concluded: Concluded, limits: &Limits) -> Result<(), NotWritten> {
    let receipt = concluded.receipt();
    within(limits, write_whole(session, receipt, concluded.into_reply())).await
}

async fn within(limits: &Limits, written: impl Future<Output = Result<(), NotWritten>>) -> Result<(), NotWritten> {
    let deadline = Limits::millis(limits.reply_timeout_ms);
    tokio::time::timeout(deadline, written).await.unwrap_or(Err(NotWritten))
}

async fn write_whole(session: &mut ServerSession, receipt: Receipt, reply: Reply) -> Result<(), NotWritten> {
    let fields = fields(receipt, &reply)?;
    let mut head = ResponseHeader::build(reply.status, Some(fields.len())).map_err(drop_error)?;
    for (name, value) in &fields {
        head.append_header(name.clone(), value.clone()).map_err(drop_error)?;
    }
    session.write_response_header(Box::new(head)).await.map_err(drop_error)?;
    session.write_response_body(reply.body, true).await.map_err(drop_error)
}

/// Writes a concluded answer to a request of `method` on a stream of HTTP/2, whole, within `reply_timeout_ms`. The stream
/// of one who does not read is reset.
///
/// # Errors
/// [`NotWritten`] when the peer has gone, has reset the stream, or does not read. The outcome is on record all the same.
pub async fn write_http2(
    respond: SendResponse<Bytes>,
    method: &Method,
    concluded: Concluded,
    limits: &Limits,
) -> Result<(), NotWritten> {
    let receipt = concluded.receipt();
    let mut reply = concluded.into_reply();
    let fields = fields(receipt, &reply)?;
    if method == Method::HEAD {
        reply.body = Bytes::new();
    }
    within(limits, send(respond, fields, reply)).await
}

/// Where there is no body the head ends the stream: no frame of data follows it.
async fn send(mut respond: SendResponse<Bytes>, fields: HeaderMap, reply: Reply) -> Result<(), NotWritten> {
    let Reply { status, mut body, .. } = reply;
    let mut head = Response::new(());
    (*head.status_mut(), *head.headers_mut()) = (status, fields);
    let mut stream = respond.send_response(head, body.is_empty()).map_err(drop_error)?;
    while !body.is_empty() {
        stream.reserve_capacity(body.len());
        let room = poll_fn(|context| stream.poll_capacity(context)).await.ok_or(NotWritten)?.map_err(drop_error)?;
        if room > 0 {
            let now = body.split_to(room.min(body.len()));
            stream.send_data(now, body.is_empty()).map_err(drop_error)?;
        }
    }
    Ok(())
}

/// The fields of an answer: its own, and those that every answer carries.
fn fields(receipt: Receipt, reply: &Reply) -> Result<HeaderMap, NotWritten> {
    let mut fields = HeaderMap::with_capacity(reply.fields.len().saturating_add(6));
    for (name, value) in &reply.fields {
        fields.append(name, value.clone());
    }
    fields.insert("receipt-id", HeaderValue::try_from(receipt.to_string()).map_err(drop_error)?);
    fields.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    fields.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // RFC 9110 §8.6: an answer that cannot have a body has no length either.
    if reply.status != StatusCode::NO_CONTENT {
        fields.insert(header::CONTENT_LENGTH, reply.body.len().into());
    }
    fields.insert(header::DATE, pingora::protocols::http::date::get_cached_date());
    Ok(fields)
}

/// A concluded answer as the bytes of an HTTP/1.1 message that ends its connection: for requests whose head no session may
/// see.
#[must_use]
pub fn raw_http1(concluded: Concluded) -> Vec<u8> {
    let receipt = concluded.receipt();
    let reply = concluded.into_reply();
    let mut head = format!("HTTP/1.1 {}\r\n", reply.status);
    for (name, value) in &reply.fields {
        // Fields of refusals are our own constants.
        head.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap_or_default()));
    }
    head.push_str(&format!("receipt-id: {receipt}\r\ncache-control: no-store\r\nx-content-type-options: nosniff\r\n"));
    head.push_str(&format!("content-length: {}\r\nconnection: close\r\n\r\n", reply.body.len()));
    [head.as_bytes(), &reply.body].concat()
}

/// The framework's errors may quote the peer: they end here.
fn drop_error<E>(_: E) -> NotWritten {
    NotWritten
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::io::AsyncReadExt;

    const HEAD: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

    fn session(stream: tokio::io::DuplexStream) -> ServerSession {
        let mut session = ServerSession::new_http1(Box::new(stream));
        session.set_pipelining_enabled(true);
        session.set_pipelined_prefix(HEAD.into());
        session
    }

    fn reply(status: StatusCode, body: &[u8]) -> Reply {
        Reply { status, fields: Vec::new(), body: Bytes::copy_from_slice(body) }
    }

    #[tokio::test]
    async fn a_body_has_a_length_and_an_answer_that_cannot_have_one_has_none() {
        for (status, body, expected) in [
            (200, &b"{}"[..], Some("content-length: 2\r\n")),
            (404, b"", Some("content-length: 0\r\n")),
            (204, b"", None),
        ] {
            let (ours, mut theirs) = tokio::io::duplex(4096);
            let mut session = session(ours);
            assert!(session.read_request().await.unwrap());
            let status = StatusCode::from_u16(status).unwrap();
            write_whole(&mut session, Receipt::new([7; 16]), reply(status, body)).await.unwrap();
            drop(session);
            let mut written = String::new();
            theirs.read_to_string(&mut written).await.unwrap();
            let written = written.to_ascii_lowercase();
            assert!(written.contains("receipt-id: r-") && written.contains("cache-control: no-store\r\n"), "{written}");
            assert_eq!(written.contains("content-length"), expected.is_some(), "{written}");
            assert!(expected.is_none_or(|line| written.contains(line)), "{written}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_who_does_not_read_is_left_at_the_deadline() {
        let (ours, theirs) = tokio::io::duplex(64);
        let mut session = session(ours);
        assert!(session.read_request().await.unwrap());
        let limits = Limits { reply_timeout_ms: 100, ..Limits::default() };
        let reply = reply(StatusCode::OK, &[b'x'; 4096]);
        let written = within(&limits, write_whole(&mut session, Receipt::new([7; 16]), reply));
        assert!(tokio::time::timeout(Duration::from_millis(101), written).await.unwrap().is_err());
        drop(theirs);
    }
}

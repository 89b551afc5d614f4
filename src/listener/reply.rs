//! Writing an answer. A door writes nothing but what was concluded, with the fields that every answer carries.

use crate::pipeline::Concluded;
use http::header;
use pingora::http::ResponseHeader;
use pingora::protocols::http::ServerSession;

/// The connection is gone, or the answer cannot be written; there is nobody left to tell.
#[derive(Clone, Copy, Debug)]
pub struct NotWritten;

/// Writes a concluded answer, whole.
///
/// # Errors
/// [`NotWritten`] when the peer has gone. The outcome is on record all the same.
pub async fn write(session: &mut ServerSession, concluded: Concluded) -> Result<(), NotWritten> {
    let receipt = concluded.receipt().to_string();
    let reply = concluded.into_reply();
    let mut head =
        ResponseHeader::build(reply.status, Some(reply.fields.len().saturating_add(6))).map_err(drop_error)?;
    for (name, value) in reply.fields {
        head.append_header(name, value).map_err(drop_error)?;
    }
    head.insert_header("receipt-id", receipt).map_err(drop_error)?;
    head.insert_header(header::CACHE_CONTROL, "no-store").map_err(drop_error)?;
    head.insert_header(header::X_CONTENT_TYPE_OPTIONS, "nosniff").map_err(drop_error)?;
    head.insert_header(header::CONTENT_LENGTH, reply.body.len()).map_err(drop_error)?;
    head.insert_header(header::DATE, pingora::protocols::http::date::get_cached_date()).map_err(drop_error)?;
    session.write_response_header(Box::new(head)).await.map_err(drop_error)?;
    session.write_response_body(reply.body, true).await.map_err(drop_error)
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

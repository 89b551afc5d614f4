//! HTTP/1.1: our own loop over the requests of a connection. We read each head, check its raw bytes, and only then let
//! the framework's session see them.

use crate::limits::Limits;
use crate::listener::body::WireBody;
use crate::listener::body::drain;
use crate::listener::connection::Connection;
use crate::listener::head::HeadFault;
use crate::listener::head::check_head;
use crate::listener::head::end_of_head;
use crate::listener::reply;
use crate::listener::request;
use crate::pipeline::DoorFault;
use bytes::BytesMut;
use http::header;
use pingora::protocols::Stream;
use pingora::protocols::http::ServerSession;
use tokio::io::AsyncReadExt;

/// How many bytes of a connection's first read are allocated while it stands idle.
const IDLE_BUFFER_BYTES: usize = 512;

/// Seconds of keep-alive that the session is told; our own deadline is the one that counts.
const KEEPALIVE_SECONDS: u64 = 60;

/// Serves a connection until it is closed, by the peer, by a fault, or because the gateway goes down.
pub async fn serve(connection: &Connection, mut stream: Stream) {
    let mut left = BytesMut::new();
    loop {
        let head = match read_head(connection, &mut stream, left).await {
            Ok(Some(head)) => head,
            Ok(None) => return,
            Err(fault) => return refuse_head(connection, stream, fault).await,
        };
        let Some((next, rest)) = exchange(connection, stream, head).await else { return };
        stream = next;
        left = rest;
    }
}

/// Reads up to the end of a head, with whatever of the body came along; `None` when the peer closed, was too slow, or the
/// gateway goes down between two requests.
async fn read_head(
    connection: &Connection,
    stream: &mut Stream,
    mut buffer: BytesMut,
) -> Result<Option<BytesMut>, HeadFault> {
    let limits = connection.limits();
    if buffer.is_empty() {
        buffer.reserve(IDLE_BUFFER_BYTES);
        let idle = Limits::millis(limits.idle_timeout_ms);
        let first = tokio::select! {
            () = connection.going_down() => return Ok(None),
            first = tokio::time::timeout(idle, stream.read_buf(&mut buffer)) => first,
        };
        if !matches!(first, Ok(Ok(1..))) {
            return Ok(None);
        }
    }
    let whole = tokio::time::timeout(Limits::millis(limits.head_timeout_ms), rest_of_head(stream, buffer, limits));
    // A head that does not come in time gets no answer: the connection is closed on who sends it drop by drop.
    let Some(buffer) = whole.await.unwrap_or(Ok(None))? else { return Ok(None) };
    let end = end_of_head(&buffer).unwrap_or(buffer.len());
    check_head(buffer.get(..end).unwrap_or_default(), limits)?;
    Ok(Some(buffer))
}

async fn rest_of_head(
    stream: &mut Stream,
    mut buffer: BytesMut,
    limits: &Limits,
) -> Result<Option<BytesMut>, HeadFault> {
    let limit = usize::try_from(limits.head_max_bytes).unwrap_or(usize::MAX);
    let mut seen = 0;
    loop {
        // Only what is new, and the three bytes before it: a head that comes byte by byte is looked at once.
        if buffer.get(seen..).and_then(end_of_head).is_some() {
            return Ok(Some(buffer));
        }
        seen = buffer.len().saturating_sub(3);
        if buffer.len() >= limit {
            return Err(HeadFault::TooLong);
        }
        buffer.reserve(4096);
        if !matches!(stream.read_buf(&mut buffer).await, Ok(1..)) {
            return Ok(None);
        }
    }
}

/// One request and its answer; the stream again, with what was read beyond the request, if the connection lives on.
async fn exchange(connection: &Connection, stream: Stream, head: BytesMut) -> Option<(Stream, BytesMut)> {
    let mut session = ServerSession::new_http1(stream);
    session.set_keepalive(Some(KEEPALIVE_SECONDS));
    session.set_pipelining_enabled(true);
    session.set_pipelined_prefix(head);
    // The framework's own checks come on top of ours; what it says about a fault may quote the head and goes nowhere.
    if !matches!(session.read_request().await, Ok(true)) {
        let _concluded = connection.gate().refuse_head(connection.visitor(), DoorFault::Head).await;
        return None;
    }
    let wants_close = wants_close(&session);
    let concluded = {
        let head = request::head_of_http1(&mut session);
        let mut body = WireBody::new(&mut session, connection.body_memory(), connection.limits());
        match head {
            Ok(head) => connection.gate().handle(connection.visitor(), head, &mut body).await,
            Err(fault) => connection.gate().refuse_head(connection.visitor(), fault).await,
        }
    };
    let unread = !session.is_body_done();
    if unread || wants_close || connection.is_going_down() {
        session.set_keepalive(None);
    }
    reply::write(&mut session, concluded, connection.limits()).await.ok()?;
    if unread {
        drain(&mut session, connection.limits()).await;
    }
    let (stream, rest) = session.finish().await.ok()??.into_parts();
    Some((stream, rest.unwrap_or_default()))
}

fn wants_close(session: &ServerSession) -> bool {
    let named = |value: &http::HeaderValue| {
        value.to_str().is_ok_and(|text| text.split(',').any(|part| part.trim().eq_ignore_ascii_case("close")))
    };
    session.req_header().headers.get_all(header::CONNECTION).iter().any(named)
}

/// Answers a head that no session may see: by hand, and the connection is closed.
async fn refuse_head(connection: &Connection, mut stream: Stream, fault: HeadFault) {
    let concluded = connection.gate().refuse_head(connection.visitor(), request::fault_of(fault)).await;
    let bytes = reply::raw_http1(concluded);
    let written = async {
        tokio::io::AsyncWriteExt::write_all(&mut stream, &bytes).await?;
        tokio::io::AsyncWriteExt::flush(&mut stream).await
    };
    let deadline = Limits::millis(connection.limits().reply_timeout_ms);
    // Whether the peer still reads is its own affair.
    let _ = tokio::time::timeout(deadline, written).await;
    stream.shutdown().await;
}

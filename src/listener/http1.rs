//! HTTP/1.1: our own loop over the requests of a connection. We read each head, check its raw bytes, and only then let
//! the framework's session see them.

use crate::limits::Limits;
use crate::listener::body::WireBody;
use crate::listener::connection::Connection;
use crate::listener::head::Framing;
use crate::listener::head::HeadFault;
use crate::listener::head::check_head;
use crate::listener::head::end_of_head;
use crate::listener::reply;
use crate::listener::request;
use crate::listener::stream::Secured;
use crate::pipeline::Concluded;
use crate::pipeline::DoorFault;
use bytes::BytesMut;
use http::StatusCode;
use http::header;
use pingora::protocols::http::ServerSession;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;

/// How many bytes of a connection's first read are allocated while it stands idle.
const IDLE_BUFFER_BYTES: usize = 512;

/// A strict head, and whatever came along behind it.
struct ReadHead {
    bytes: BytesMut,
    /// Where the head ends.
    end: usize,
    framing: Framing,
}

/// What becomes of a connection after an exchange.
enum After {
    /// It lives on, with what was read beyond the request.
    Reuse(Box<Secured>, BytesMut),
    /// It ends. The peer may still be sending: so much of that is read and forgotten.
    End(Box<Secured>, u64),
    /// It is gone.
    Gone,
}

/// Serves a connection until it is closed, by the peer, by a fault, or because the gateway goes down.
pub async fn serve(connection: &Connection, mut secured: Box<Secured>) {
    let mut left = BytesMut::new();
    loop {
        let head = match read_head(connection, &mut secured, left).await {
            Ok(Some(head)) => head,
            Ok(None) => return secured.end(0).await,
            Err(fault) => return refuse_head(connection, secured, fault).await,
        };
        // Apart, so that a connection that stands idle makes no room for the state of an exchange.
        match Box::pin(exchange(connection, secured, head)).await {
            After::Reuse(next, rest) => (secured, left) = (next, rest),
            After::End(last, drain) => return last.end(drain).await,
            After::Gone => return,
        }
    }
}

/// Reads up to the end of a head, with whatever of the body came along; `None` when the peer closed, was too slow, or the
/// gateway goes down between two requests.
async fn read_head(
    connection: &Connection,
    stream: &mut Secured,
    mut buffer: BytesMut,
) -> Result<Option<ReadHead>, HeadFault> {
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
    let Some(bytes) = whole.await.unwrap_or(Ok(None))? else { return Ok(None) };
    let end = end_of_head(&bytes).unwrap_or(bytes.len());
    let framing = check_head(bytes.get(..end).unwrap_or_default(), limits)?;
    Ok(Some(ReadHead { bytes, end, framing }))
}

async fn rest_of_head(
    stream: &mut Secured,
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

/// One request and its answer.
async fn exchange(connection: &Connection, mut secured: Box<Secured>, head: ReadHead) -> After {
    let limits = connection.limits();
    let ReadHead { mut bytes, end, framing } = head;
    if framing == Framing::Chunked {
        secured.expect_chunks(&mut bytes, end);
    }
    let mut session = ServerSession::new_http1(secured);
    // Some, because without any the session closes; how long a connection may stand idle is ours to say, not its.
    session.set_keepalive(Some(0));
    session.set_pipelining_enabled(true);
    session.set_pipelined_prefix(bytes);
    // The framework's own checks come on top of ours; what it says about a fault may quote the head and goes nowhere.
    if !matches!(session.read_request().await, Ok(true)) {
        let Some(secured) = taken_back(session) else { return After::Gone };
        refuse(connection, secured, DoorFault::Head).await;
        return After::Gone;
    }
    let wants_close = wants_close(&session);
    let (concluded, failed) = {
        let head = request::head_of_http1(&mut session);
        let mut body = WireBody::new(&mut session, connection.body_memory(), limits);
        let concluded = match head {
            Ok(head) => connection.gate().handle(connection.visitor(), head, &mut body).await,
            Err(fault) => connection.gate().refuse_head(connection.visitor(), fault).await,
        };
        if comes_again(&concluded) {
            body.forget(limits.drain_max_bytes);
        }
        (concluded, body.has_failed())
    };
    // Only where a request ended is the next one's beginning known.
    let ended = !failed && session.is_body_done();
    let lives_on = ended && !wants_close && !connection.is_going_down();
    // Said anew: an interim answer (100) makes the session forget it.
    session.set_keepalive(lives_on.then_some(0));
    let written = reply::write(&mut session, concluded, limits).await;
    let drain = if ended { 0 } else { limits.drain_max_bytes };
    match (written, lives_on) {
        (Ok(()), true) => reuse(session, limits).await,
        (Ok(()), false) => taken_back(session).map_or(After::Gone, |secured| After::End(secured, drain)),
        (Err(_), _) => After::Gone,
    }
}

/// The connection for its next request. All of the last one has been read and its answer written: nothing is awaited
/// here, and if it were, not for long.
async fn reuse(session: ServerSession, limits: &Limits) -> After {
    let finished = tokio::time::timeout(Limits::millis(limits.reply_timeout_ms), session.finish()).await;
    let Ok(Ok(Some(reusable))) = finished else { return After::Gone };
    let (stream, rest) = reusable.into_parts();
    match stream.into_any().downcast() {
        Ok(secured) => After::Reuse(secured, rest.unwrap_or_default()),
        Err(_) => After::Gone,
    }
}

/// The connection out of a session that ends.
fn taken_back(session: ServerSession) -> Option<Box<Secured>> {
    match session {
        ServerSession::H1(session) => session.into_inner().into_any().downcast().ok(),
        _ => None,
    }
}

/// Whether who is refused did nothing wrong but come too soon. It will come again, and a handshake for each such refusal would
/// take from the others what the limit keeps for them. Any other refusal of an unread body ends the connection.
fn comes_again(concluded: &Concluded) -> bool {
    matches!(concluded.reply().status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE)
}

fn wants_close(session: &ServerSession) -> bool {
    let named = |value: &http::HeaderValue| {
        value.to_str().is_ok_and(|text| text.split(',').any(|part| part.trim().eq_ignore_ascii_case("close")))
    };
    session.req_header().headers.get_all(header::CONNECTION).iter().any(named)
}

/// Answers a head that no session may see.
async fn refuse_head(connection: &Connection, secured: Box<Secured>, fault: HeadFault) {
    refuse(connection, secured, request::fault_of(fault)).await;
}

/// Answers by hand what no session may answer, and ends the connection.
async fn refuse(connection: &Connection, mut secured: Box<Secured>, fault: DoorFault) {
    let limits = connection.limits();
    let concluded = connection.gate().refuse_head(connection.visitor(), fault).await;
    let bytes = reply::raw_http1(concluded);
    let written = async {
        secured.write_all(&bytes).await?;
        secured.flush().await
    };
    // Whether the peer still reads is its own affair.
    if matches!(tokio::time::timeout(Limits::millis(limits.reply_timeout_ms), written).await, Ok(Ok(()))) {
        secured.end(limits.drain_max_bytes).await;
    }
}

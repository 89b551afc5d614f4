//! HTTP/2 (RFC 9113): our own loop over the streams of a connection. The codec drives the frames and refuses what breaks
//! their rules; what a head says is checked and refused by us, on record, like any other.
//!
//! A stream's place is held by its exchange, not by the stream: who resets a stream does not get its place back before
//! the exchange has ended, so that nobody has more exchanges under way than streams (CVE-2023-44487 and its kin).

use crate::limits::Limits;
use crate::listener::connection::Connection;
use crate::listener::reply;
use crate::listener::request;
use crate::listener::stream::Secured;
use crate::listener::stream_body::StreamBody;
use crate::model::Head;
use crate::pipeline::DoorFault;
use crate::tasks::Tasks;
use crate::telemetry::Http2Fault;
use bytes::Bytes;
use h2::Reason;
use h2::RecvStream;
use h2::server::Builder;
use h2::server::SendResponse;
use http::Method;
use http::Request;

/// What a peer may have sent that no exchange has read yet, for a stream and for the whole connection: the window that
/// the protocol begins with (RFC 9113 §6.9.2).
const WINDOW_BYTES: u32 = 65_535;

/// Malformed heads of one connection that are answered; then it is told to go.
const MALFORMED_MAX: usize = 32;

/// Streams of one connection that are refused because their places are taken; then it is cut.
const REFUSED_MAX: usize = 1_000;

/// Streams that the codec has reset for their faults, of one connection; then it ends it (`enhance-your-calm`).
const CODEC_RESETS_MAX: usize = 100;

/// Streams that the peer has reset before they were taken; one more ends the connection.
const UNTAKEN_RESETS_MAX: usize = 20;

/// The codec answers a longer list of fields with a bare 431, and ends the connection at four times as much. Up to this
/// many times `head_max_bytes` it lets a list through, and the refusal is ours.
const LIST_TOLERANCE: u64 = 2;

type Frames = h2::server::Connection<Box<Secured>, Bytes>;

/// The streams of one connection.
struct Streams {
    connection: Connection,
    frames: Frames,
    /// Those whose exchange has not ended.
    under_way: Tasks,
    refused: usize,
    malformed: usize,
    is_closing: bool,
}

/// Serves a connection until it is closed or the gateway goes down (then with GOAWAY, RFC 9113 §6.8).
pub async fn serve(connection: Connection, mut secured: Box<Secured>) {
    let deadline = Limits::millis(connection.limits().head_timeout_ms);
    if !secured.begins_h2(deadline).await {
        return connection.gate().core().metrics.http2_fault(Http2Fault::Preface);
    }
    let handshake = options(connection.limits()).handshake(secured);
    match tokio::time::timeout(deadline, handshake).await {
        Ok(Ok(frames)) => {
            let under_way = Tasks::new();
            Streams { connection, frames, under_way, refused: 0, malformed: 0, is_closing: false }.run().await;
        }
        Ok(Err(error)) => connection.gate().core().metrics.http2_fault(fault_of(&error)),
        Err(_) => connection.gate().core().metrics.http2_fault(Http2Fault::Preface),
    }
}

fn options(limits: &Limits) -> Builder {
    let mut options = Builder::new();
    // Frames of CONTINUATION are bounded by the codec: by as many as the list of fields may need (CVE-2024-27316).
    options
        .max_header_list_size(small(limits.head_max_bytes.saturating_mul(LIST_TOLERANCE)))
        .max_concurrent_streams(small(limits.h2_streams_max))
        .max_concurrent_reset_streams(usize::try_from(limits.h2_streams_max).unwrap_or(usize::MAX))
        .max_local_error_reset_streams(Some(CODEC_RESETS_MAX))
        .max_pending_accept_reset_streams(UNTAKEN_RESETS_MAX)
        .initial_window_size(WINDOW_BYTES)
        .initial_connection_window_size(WINDOW_BYTES);
    options
}

impl Streams {
    async fn run(mut self) {
        let limits = self.connection.limits();
        let (idle, goodbye) = (Limits::millis(limits.idle_timeout_ms), Limits::millis(limits.drain_timeout_ms));
        loop {
            let patience = if self.is_closing { goodbye } else { idle };
            let accepted = tokio::select! {
                biased;
                () = self.connection.going_down(), if !self.is_closing => {
                    self.close();
                    continue;
                }
                // This drives the whole connection, also where it never gives a stream.
                accepted = self.frames.accept() => accepted,
                () = idle_for(&self.under_way, patience) => {
                    if self.is_closing {
                        return;
                    }
                    self.close();
                    continue;
                }
            };
            match accepted {
                Some(Ok((request, respond))) => self.take(request, respond),
                Some(Err(error)) => return self.count(fault_of(&error)),
                None => return,
            }
        }
    }

    /// Takes no stream any more than those that are on their way already.
    fn close(&mut self) {
        self.frames.graceful_shutdown();
        self.is_closing = true;
    }

    /// Gives a stream a place of its own, or refuses it: by RFC 9113 §8.7 nothing was done for it then.
    fn take(&mut self, request: Request<RecvStream>, mut respond: SendResponse<Bytes>) {
        let limits = self.connection.limits();
        if u64::try_from(self.under_way.running()).unwrap_or(u64::MAX) >= limits.h2_streams_max {
            respond.send_reset(Reason::REFUSED_STREAM);
            self.count(Http2Fault::StreamRefused);
            self.refused = self.refused.saturating_add(1);
            if self.refused >= REFUSED_MAX {
                self.frames.abrupt_shutdown(Reason::ENHANCE_YOUR_CALM);
                self.is_closing = true;
            }
            return;
        }
        let (parts, body) = request.into_parts();
        let method = parts.method.clone();
        let head = request::head_of_http2(parts, body.is_end_stream(), limits);
        if head.is_err() {
            self.malformed = self.malformed.saturating_add(1);
            if self.malformed >= MALFORMED_MAX && !self.is_closing {
                self.count(Http2Fault::MalformedHeads);
                self.close();
            }
        }
        let (connection, place) = (self.connection.clone(), self.connection.tasks().hold());
        let _task = self.under_way.spawn(async move {
            answer(&connection, &method, head, body, respond).await;
            drop(place);
        });
    }

    fn count(&self, fault: Http2Fault) {
        self.connection.gate().core().metrics.http2_fault(fault);
    }
}

/// One request and its answer.
async fn answer(
    connection: &Connection,
    method: &Method,
    head: Result<Head, DoorFault>,
    mut body: RecvStream,
    respond: SendResponse<Bytes>,
) {
    let concluded = match head {
        Ok(head) => {
            let mut body = StreamBody::new(&mut body, &head, connection.body_memory(), connection.limits());
            connection.gate().handle(connection.visitor(), head, &mut body).await
        }
        Err(fault) => connection.gate().refuse_head(connection.visitor(), fault).await,
    };
    // Whether anybody still waits for it is the peer's own affair; the outcome is on record.
    let _ = reply::write_http2(respond, method, concluded, connection.limits()).await;
}

/// Waits until nothing has been under way for so long.
async fn idle_for(under_way: &Tasks, patience: std::time::Duration) {
    under_way.idle().await;
    tokio::time::sleep(patience).await;
}

/// The kind of a connection's end, from a closed list; never its text.
fn fault_of(error: &h2::Error) -> Http2Fault {
    if error.is_io() {
        return Http2Fault::BrokenOff;
    }
    if error.is_remote() {
        return Http2Fault::PeerError;
    }
    match error.reason() {
        Some(Reason::PROTOCOL_ERROR) => Http2Fault::Protocol,
        Some(Reason::FLOW_CONTROL_ERROR) => Http2Fault::FlowControl,
        Some(Reason::FRAME_SIZE_ERROR) => Http2Fault::FrameSize,
        Some(Reason::COMPRESSION_ERROR) => Http2Fault::Compression,
        Some(Reason::ENHANCE_YOUR_CALM) => Http2Fault::EnhanceYourCalm,
        _ => Http2Fault::Other,
    }
}

fn small(limit: u64) -> u32 {
    u32::try_from(limit).unwrap_or(u32::MAX)
}

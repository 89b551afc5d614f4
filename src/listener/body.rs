//! A request's body on the wire: read whole, once, within its limit and its deadline, when the way asks for it.

use crate::limits::Limits;
use crate::pipeline::Body;
use crate::pipeline::BodyFault;
use bytes::Bytes;
use bytes::BytesMut;
use pingora::protocols::http::ServerSession;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;

/// How long a refused request's rest is drained, so that the refusal is read before the reset.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);

/// What all bodies together may hold, counted in KiB.
#[derive(Clone)]
pub struct BodyMemory(Arc<Semaphore>);

/// One request's body.
pub struct WireBody<'s> {
    session: &'s mut ServerSession,
    memory: &'s BodyMemory,
    held: Option<OwnedSemaphorePermit>,
    deadline: Duration,
    expects_continue: bool,
}

impl BodyMemory {
    /// Room for `limits.bytes_in_flight_max`.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        let kib = usize::try_from(limits.bytes_in_flight_max / 1024).unwrap_or(Semaphore::MAX_PERMITS);
        Self(Arc::new(Semaphore::new(kib.clamp(1, Semaphore::MAX_PERMITS))))
    }

    fn hold(&self, bytes: usize) -> Result<OwnedSemaphorePermit, BodyFault> {
        let kib = u32::try_from(bytes.div_ceil(1024).max(1)).map_err(|_| BodyFault::Overload)?;
        Arc::clone(&self.0).try_acquire_many_owned(kib).map_err(|_| BodyFault::Overload)
    }
}

impl<'s> WireBody<'s> {
    /// The body of `session`'s request.
    pub fn new(session: &'s mut ServerSession, memory: &'s BodyMemory, limits: &Limits) -> Self {
        let expects_continue = session.req_header().headers.contains_key(http::header::EXPECT);
        Self { session, memory, held: None, deadline: Limits::millis(limits.body_timeout_ms), expects_continue }
    }

    async fn collect(&mut self, max_bytes: usize) -> Result<Bytes, BodyFault> {
        if self.expects_continue {
            self.expects_continue = false;
            self.session.write_continue_response().await.map_err(|_| BodyFault::Incomplete)?;
        }
        let mut body = BytesMut::new();
        while let Some(chunk) = self.session.read_request_body().await.map_err(|error| fault_of(&error))? {
            if body.len().saturating_add(chunk.len()) > max_bytes {
                return Err(BodyFault::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }
}

impl Body for WireBody<'_> {
    async fn read(&mut self, max_bytes: usize) -> Result<Bytes, BodyFault> {
        let declared = self.session.get_header(http::header::CONTENT_LENGTH);
        let declared = declared.and_then(|value| value.to_str().ok()).and_then(|text| text.parse::<usize>().ok());
        self.held = Some(self.memory.hold(declared.unwrap_or(max_bytes).min(max_bytes))?);
        let deadline = self.deadline;
        tokio::time::timeout(deadline, self.collect(max_bytes)).await.unwrap_or(Err(BodyFault::Timeout))
    }
}

/// Reads and forgets what is left of a refused request's body, at most `drain_max_bytes` and a second; then the
/// connection is closed, whatever still comes.
pub async fn drain(session: &mut ServerSession, limits: &Limits) {
    let mut left = usize::try_from(limits.drain_max_bytes).unwrap_or(usize::MAX);
    let all = async {
        while let Ok(Some(chunk)) = session.read_request_body().await {
            left = left.saturating_sub(chunk.len());
            if left == 0 {
                return;
            }
        }
    };
    // Too slow is as good as too much: the connection is closed next.
    let _ = tokio::time::timeout(DRAIN_TIMEOUT, all).await;
}

/// The framework's error by kind; its text may hold what the peer sent and goes nowhere.
fn fault_of(error: &pingora::Error) -> BodyFault {
    use pingora::ErrorType as Kind;
    match error.etype() {
        Kind::ReadTimedout => BodyFault::Timeout,
        Kind::InvalidHTTPHeader => BodyFault::Framing,
        _ => BodyFault::Incomplete,
    }
}

//! A request's body over HTTP/1.1: read whole, once, within its limit and its deadline, when the way asks for it.

use crate::limits::Limits;
use crate::listener::stream::Secured;
use crate::pipeline::Body;
use crate::pipeline::BodyFault;
use crate::pipeline::BodyMemory;
use crate::pipeline::HeldMemory;
use bytes::Bytes;
use bytes::BytesMut;
use pingora::protocols::http::ServerSession;
use std::pin::pin;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;
use std::time::Duration;

/// One request's body.
pub struct WireBody<'s> {
    session: &'s mut ServerSession,
    memory: &'s BodyMemory,
    held: Option<HeldMemory>,
    deadline: Duration,
    expects_continue: bool,
    failed: bool,
}

impl<'s> WireBody<'s> {
    /// The body of `session`'s request.
    pub fn new(session: &'s mut ServerSession, memory: &'s BodyMemory, limits: &Limits) -> Self {
        let expects_continue = session.req_header().headers.contains_key(http::header::EXPECT);
        let deadline = Limits::millis(limits.body_timeout_ms);
        Self { session, memory, held: None, deadline, expects_continue, failed: false }
    }

    /// Whether reading it failed, for whatever reason: then nobody knows where it ends.
    #[must_use]
    pub const fn has_failed(&self) -> bool {
        self.failed
    }

    /// Reads and forgets a body that nobody asked for, so that the connection need not end with the refusal: the next
    /// handshake would cost both sides far more. Only what has arrived already, at most `max_bytes`: nobody is waited for, and
    /// who waits for `100 Continue` has not sent it.
    pub fn forget(&mut self, max_bytes: u64) {
        let mut left = max_bytes;
        while !self.failed && !self.expects_continue && !self.session.is_body_done() {
            // A read that is pending is dropped, and with it what it knew: then the connection ends.
            let read = pin!(self.next()).poll(&mut Context::from_waker(Waker::noop()));
            let forgotten = match read {
                Poll::Ready(Ok(Some(chunk))) => left.checked_sub(chunk.len() as u64),
                Poll::Ready(Ok(None)) => Some(left).filter(|_| self.session.is_body_done()),
                Poll::Ready(Err(_)) | Poll::Pending => None,
            };
            match forgotten {
                Some(rest) => left = rest,
                None => self.failed = true,
            }
        }
    }

    async fn collect(&mut self, max_bytes: usize) -> Result<Bytes, BodyFault> {
        if self.expects_continue {
            self.expects_continue = false;
            self.session.write_continue_response().await.map_err(|_| BodyFault::Incomplete)?;
        }
        let mut body = BytesMut::new();
        while let Some(chunk) = self.next().await? {
            if body.len().saturating_add(chunk.len()) > max_bytes {
                return Err(BodyFault::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }

    /// The next bytes of the body. The framework's error may hold what the peer sent, and goes nowhere.
    async fn next(&mut self) -> Result<Option<Bytes>, BodyFault> {
        let read = self.session.read_request_body().await;
        read.map_err(|_| if is_broken(self.session) { BodyFault::Framing } else { BodyFault::Incomplete })
    }

    async fn whole(&mut self, max_bytes: usize) -> Result<Bytes, BodyFault> {
        let declared = self.session.get_header(http::header::CONTENT_LENGTH);
        let declared = declared.and_then(|value| value.to_str().ok()).and_then(|text| text.parse::<usize>().ok());
        self.held = Some(self.memory.hold(declared.unwrap_or(max_bytes).min(max_bytes))?);
        let deadline = self.deadline;
        tokio::time::timeout(deadline, self.collect(max_bytes)).await.unwrap_or(Err(BodyFault::Timeout))
    }
}

impl Body for WireBody<'_> {
    async fn read(&mut self, max_bytes: usize) -> Result<Bytes, BodyFault> {
        let whole = self.whole(max_bytes).await;
        self.failed |= whole.is_err();
        whole
    }
}

/// Whether the session's connection has cut off chunks that are malformed; the session itself sees a broken read.
fn is_broken(session: &ServerSession) -> bool {
    let stream = session.as_http1().map(|session| (**session.stream()).as_any());
    stream.and_then(|stream| stream.downcast_ref::<Secured>()).is_some_and(Secured::is_broken)
}

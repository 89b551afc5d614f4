//! What a way needs from the door that it is entered by: who is there, and a body that can be read once, when it is time.

use crate::audit::Facts;
use crate::clock::Clock;
use crate::pipeline::trail::Trail;
use crate::telemetry::Step;
use bytes::Bytes;
use std::future::Future;

/// The body of a request, still on the wire. Nobody's body is read before the caller is known.
pub trait Body: Send {
    /// Reads the whole body, at most `max_bytes`, within the door's deadline.
    ///
    /// # Errors
    /// [`BodyFault`]; what was read is lost then.
    fn read(&mut self, max_bytes: usize) -> impl Future<Output = Result<Bytes, BodyFault>> + Send;
}

/// Reads the whole body, at most `max_bytes`, and notes how large it was and how long it took.
///
/// # Errors
/// [`BodyFault`].
pub async fn whole<B: Body>(
    body: &mut B,
    max_bytes: usize,
    facts: &mut Facts,
    trail: &mut Trail,
    clock: &dyn Clock,
) -> Result<Bytes, BodyFault> {
    let bytes = body.read(max_bytes).await?;
    facts.sizes.request = Some(bytes.len() as u64);
    trail.done(Step::Body, clock);
    Ok(bytes)
}

/// Why a body could not be read.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BodyFault {
    /// One byte more than the operation allows.
    #[error("the body is too large")]
    TooLarge,
    /// It did not come in time.
    #[error("the body did not come in time")]
    Timeout,
    /// It broke off.
    #[error("the body broke off")]
    Incomplete,
    /// Its framing is malformed.
    #[error("the body's framing is malformed")]
    Framing,
    /// All requests together hold as many bytes as is allowed.
    #[error("too many bytes are in flight")]
    Overload,
}

/// A body that lies ready, for tests and for doors that have read it.
impl Body for Bytes {
    async fn read(&mut self, max_bytes: usize) -> Result<Bytes, BodyFault> {
        if self.len() > max_bytes { Err(BodyFault::TooLarge) } else { Ok(self.clone()) }
    }
}

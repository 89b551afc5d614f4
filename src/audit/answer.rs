//! The answer that an idempotency key keeps, as bytes: sealed before it is written, bound to its receipt.
//!
//! It may speak of the persons of the exchange, so it is sealed under a key that is made of their rows in the store
//! ([`AnswerKey`]): when one of those is erased, nobody can open it any more, whatever other keys they have. An answer of an
//! exchange without persons is sealed under the log's own key.
//!
//! Status (two bytes), number of fields (one byte), then the fields, then the body. A field is a zero byte, its name and its
//! value, each preceded by its length (two bytes, four for a value); one of [`USUAL`] is its place there, counted from one,
//! since outcomes are many and most answers are alike. Numbers have their big end first. What was sealed is ours, so that a form that does not fit is
//! a fault of the same kind as a seal that does not open.

use crate::audit::outcome::OutcomeState;
use crate::crypto::Sealer;
use crate::crypto::SecretKey;
use crate::model::Receipt;
use crate::model::Reply;
use bytes::Bytes;
use http::HeaderName;
use http::HeaderValue;
use http::StatusCode;
use std::fmt;
use std::sync::Arc;

/// An answer that an outcome on record kept; only [`Log::recorded_answer`](crate::audit::Log::recorded_answer) makes one,
/// so that nothing else can be given out again as what the partner said.
#[must_use = "an answer that nobody reads tells nobody how the command ended"]
pub struct RecordedAnswer {
    state: OutcomeState,
    reply: Reply,
}

impl RecordedAnswer {
    pub(super) const fn new(state: OutcomeState, reply: Reply) -> Self {
        Self { state, reply }
    }

    /// How the command ended.
    #[must_use]
    pub const fn state(&self) -> OutcomeState {
        self.state
    }

    /// The answer.
    #[must_use]
    pub fn into_reply(self) -> Reply {
        self.reply
    }
}

impl fmt::Debug for RecordedAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecordedAnswer {{ {:?}, {}, {} bytes }}", self.state, self.reply.status, self.reply.body.len())
    }
}

/// The key under which the answer of one exchange is kept; gone when a person of it is erased. Only
/// [`Handles::of`](crate::audit::Handles::of) makes one.
#[derive(Clone)]
pub struct AnswerKey(Arc<SecretKey>);

impl AnswerKey {
    pub(super) fn new(key: SecretKey) -> Self {
        Self(Arc::new(key))
    }

    pub(super) fn sealer(&self) -> Sealer {
        Sealer::new(&self.0)
    }
}

impl fmt::Debug for AnswerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AnswerKey")
    }
}

/// Fields that most answers have. What is kept names them by their place: add behind the last.
const USUAL: [(HeaderName, &[u8]); 1] = [(http::header::CONTENT_TYPE, b"application/json")];

/// The longest body that is kept. The outcome of a command with a longer one counts as unknown when it is repeated.
pub(super) const KEPT_MAX_BYTES: usize = 4 * 1024 * 1024;

/// Seals an answer; `None` if it is too long to be kept.
pub(super) fn seal(sealer: &Sealer, receipt: Receipt, reply: &Reply) -> Option<Vec<u8>> {
    if reply.body.len() > KEPT_MAX_BYTES {
        return None;
    }
    let mut plain = Vec::with_capacity(reply.body.len() + 256);
    plain.extend_from_slice(&reply.status.as_u16().to_be_bytes());
    plain.push(u8::try_from(reply.fields.len()).ok()?);
    for (name, value) in &reply.fields {
        let usual = USUAL.iter().position(|(known, usual)| known == name && *usual == value.as_bytes());
        plain.push(usual.map_or(Some(0), |place| u8::try_from(place + 1).ok())?);
        if usual.is_some() {
            continue;
        }
        plain.extend_from_slice(&u16::try_from(name.as_str().len()).ok()?.to_be_bytes());
        plain.extend_from_slice(name.as_str().as_bytes());
        plain.extend_from_slice(&u32::try_from(value.len()).ok()?.to_be_bytes());
        plain.extend_from_slice(value.as_bytes());
    }
    plain.extend_from_slice(&reply.body);
    Some(sealer.seal(&bound_to(receipt), &plain))
}

/// Opens what [`seal`] sealed for this receipt.
pub(super) fn open(sealer: &Sealer, receipt: Receipt, sealed: &[u8]) -> Option<Reply> {
    let plain = sealer.open(&bound_to(receipt), sealed).ok()?;
    let (status, rest) = plain.split_first_chunk()?;
    let (count, mut rest) = rest.split_first()?;
    let mut fields = Vec::new();
    for _ in 0..*count {
        let (place, after) = rest.split_first()?;
        if let Some(place) = usize::from(*place).checked_sub(1) {
            let (name, value) = USUAL.get(place)?;
            fields.push((name.clone(), HeaderValue::from_bytes(value).ok()?));
            rest = after;
            continue;
        }
        let (length, after) = after.split_first_chunk()?;
        let (name, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        let (length, after) = after.split_first_chunk()?;
        let (value, after) = after.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
        fields.push((HeaderName::from_bytes(name).ok()?, HeaderValue::from_bytes(value).ok()?));
        rest = after;
    }
    let status = StatusCode::from_u16(u16::from_be_bytes(*status)).ok()?;
    Some(Reply { status, fields, body: Bytes::copy_from_slice(rest) })
}

fn bound_to(receipt: Receipt) -> Vec<u8> {
    format!("audit answer of {receipt}").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_opens_under_its_receipt_only() {
        let sealer = Sealer::new(&SecretKey::new([7; 32]));
        let field = |name, value| (name, HeaderValue::from_static(value));
        let fields = vec![
            field(http::header::CONTENT_TYPE, "application/json"),
            field(http::header::CONTENT_TYPE, "application/problem+json"),
            field(http::header::RETRY_AFTER, "application/json"),
        ];
        let reply = Reply { status: StatusCode::CREATED, fields, body: Bytes::from_static(b"{\"a\":1}") };
        let (one, other) = (Receipt::new([1; 16]), Receipt::new([2; 16]));
        let sealed = seal(&sealer, one, &reply).unwrap();
        let opened = open(&sealer, one, &sealed).unwrap();
        assert_eq!((opened.status, opened.fields, opened.body), (reply.status, reply.fields, reply.body));
        assert!(open(&sealer, other, &sealed).is_none());
    }

    #[test]
    fn an_answer_of_4_mib_is_kept_and_not_one_byte_more() {
        let sealer = Sealer::new(&SecretKey::new([7; 32]));
        let reply = |length| Reply { status: StatusCode::OK, fields: Vec::new(), body: vec![b'a'; length].into() };
        assert!(seal(&sealer, Receipt::new([1; 16]), &reply(KEPT_MAX_BYTES)).is_some());
        assert!(seal(&sealer, Receipt::new([1; 16]), &reply(KEPT_MAX_BYTES + 1)).is_none());
    }
}

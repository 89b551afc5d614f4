//! The proofs of this room: [`Recorded`], a durable intent; [`Noted`], a durable note; [`Concluded`], what a door may
//! write.

use crate::audit::answer::AnswerKey;
use crate::audit::facts::Facts;
use crate::audit::facts::KeyDigests;
use crate::audit::log::Log;
use crate::audit::outcome::OutcomeState;
use crate::model::AnswerPlace;
use crate::model::Epoch;
use crate::model::OperationId;
use crate::model::PartnerName;
use crate::model::Reason;
use crate::model::Receipt;
use crate::model::Reply;
use crate::model::Sha256;
use crate::protect::Protected;
use http::HeaderName;
use http::HeaderValue;
use std::fmt;

/// Proof that the intent of an exchange is durable; only [`Log::intent`](crate::audit::Log::intent) makes one, and
/// [`Log::outcome`](crate::audit::Log::outcome) takes it, so that an intent has one outcome. Dropped, it leaves a record
/// that the outcome is unknown.
///
/// What was permitted and protected is recorded, and ends once:
/// ```
/// use portcullis::{audit::{AuditFault, Concluded, Facts, Log, Outcome, Recorded}, clock::UnixMillis, contract::Rebuilt};
/// use portcullis::{model::Reply, policy::Permit, protect::Protected};
/// async fn intend(l: &Log, p: &Permit, o: &Protected, r: &Rebuilt, f: &Facts, now: UnixMillis) -> Result<Recorded, AuditFault> {
///     l.intent(p, o, f, now).await
/// }
/// async fn end(l: &Log, r: Recorded, o: Outcome, reply: Reply, now: UnixMillis) -> Concluded {
///     l.outcome(r, o, reply, now).await
/// }
/// ```
/// What was rebuilt and not protected is not:
/// ```compile_fail
/// use portcullis::{audit::{AuditFault, Concluded, Facts, Log, Outcome, Recorded}, clock::UnixMillis, contract::Rebuilt};
/// use portcullis::{model::Reply, policy::Permit, protect::Protected};
/// async fn intend(l: &Log, p: &Permit, o: &Protected, r: &Rebuilt, f: &Facts, now: UnixMillis) -> Result<Recorded, AuditFault> {
///     l.intent(p, r, f, now).await
/// }
/// async fn end(l: &Log, r: Recorded, o: Outcome, reply: Reply, now: UnixMillis) -> Concluded {
///     l.outcome(r, o, reply, now).await
/// }
/// ```
/// Nor is what no policy permitted:
/// ```compile_fail
/// use portcullis::{audit::{AuditFault, Concluded, Facts, Log, Outcome, Recorded}, clock::UnixMillis, contract::Rebuilt};
/// use portcullis::{model::Reply, policy::Permit, protect::Protected};
/// async fn intend(l: &Log, p: &Permit, o: &Protected, r: &Rebuilt, f: &Facts, now: UnixMillis) -> Result<Recorded, AuditFault> {
///     l.intent(o, o, f, now).await
/// }
/// async fn end(l: &Log, r: Recorded, o: Outcome, reply: Reply, now: UnixMillis) -> Concluded {
///     l.outcome(r, o, reply, now).await
/// }
/// ```
/// Nor does an intent have a second outcome:
/// ```compile_fail
/// use portcullis::{audit::{AuditFault, Concluded, Facts, Log, Outcome, Recorded}, clock::UnixMillis, contract::Rebuilt};
/// use portcullis::{model::Reply, policy::Permit, protect::Protected};
/// async fn intend(l: &Log, p: &Permit, o: &Protected, r: &Rebuilt, f: &Facts, now: UnixMillis) -> Result<Recorded, AuditFault> {
///     l.intent(p, o, f, now).await
/// }
/// async fn end(l: &Log, r: Recorded, o: Outcome, reply: Reply, now: UnixMillis) -> Concluded {
///     let _ = l.outcome(r, o.clone(), reply.clone(), now).await;
///     l.outcome(r, o, reply, now).await
/// }
/// ```
#[must_use = "an intent must have an outcome"]
pub struct Recorded {
    receipt: Receipt,
    partner: PartnerName,
    operation: OperationId,
    digest: Sha256,
    epoch: Epoch,
    bundle: Sha256,
    key: Option<KeyDigests>,
    answers: Option<AnswerKey>,
    open: Option<Open>,
}

/// An intent that has no outcome yet, and what is to be recorded if nobody gives one.
struct Open {
    log: Log,
    state: OutcomeState,
}

/// Proof that a note is durable.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct Noted {
    pub(super) receipt: Receipt,
}

/// The field in which a nonce for proofs of possession is given out (RFC 9449 §8.1).
const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// What a door may write: an answer whose end is on record, or the neutral problem that it could not be recorded. Only
/// this room makes one.
///
/// A refusal that was recorded may be written:
/// ```
/// use portcullis::{audit::{Concluded, Facts, Log}, clock::UnixMillis, model::Reason, problem::Problem};
/// async fn refuse(log: &Log, facts: &Facts, problem: &Problem, now: UnixMillis) -> Concluded {
///     log.refusal(facts, Reason::Revoked, problem, now).await
/// }
/// ```
/// One that was not may not:
/// ```compile_fail
/// use portcullis::{audit::{Concluded, Facts, Log}, clock::UnixMillis, model::Reason, problem::Problem};
/// async fn refuse(log: &Log, facts: &Facts, problem: &Problem, now: UnixMillis) -> Concluded {
///     problem.reply(facts.receipt)
/// }
/// ```
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct Concluded {
    pub(super) receipt: Receipt,
    pub(super) reason: Reason,
    pub(super) reply: Reply,
    pub(super) kept_at: Option<AnswerPlace>,
}

impl Concluded {
    /// The same answer with a nonce for the proofs of possession to come (RFC 9449 §8.2), where there is one to offer. It is no
    /// part of what is on record.
    pub fn offering(mut self, nonce: Option<String>) -> Self {
        if let Some(value) = nonce.and_then(|nonce| HeaderValue::try_from(nonce).ok()) {
            self.reply.fields.push((DPOP_NONCE, value));
        }
        self
    }
}

impl Recorded {
    /// An intent that was handed to the writer; until it is durable, dropping it means that nothing was sent.
    pub(super) fn new(protected: &Protected, facts: &Facts, log: Log) -> Self {
        let open = Some(Open { log, state: OutcomeState::NotSent });
        Self {
            receipt: facts.receipt,
            partner: protected.partner().clone(),
            operation: protected.operation().clone(),
            digest: protected.digest(),
            epoch: facts.epoch,
            bundle: facts.bundle,
            key: facts.key,
            answers: facts.answers.clone(),
            open,
        }
    }

    /// What is to be recorded from now on if nobody gives an outcome.
    pub(super) const fn leave_as(&mut self, state: OutcomeState) {
        if let Some(open) = &mut self.open {
            open.state = state;
        }
    }

    /// The outcome is given, or there is no intent on record.
    pub(super) fn forget(&mut self) {
        self.open = None;
    }

    /// A recorded intent in no log, for the tests of rooms that demand one.
    #[cfg(test)]
    pub fn for_test(protected: &Protected, facts: &Facts) -> Self {
        Self {
            receipt: facts.receipt,
            partner: protected.partner().clone(),
            operation: protected.operation().clone(),
            digest: protected.digest(),
            epoch: facts.epoch,
            bundle: facts.bundle,
            key: facts.key,
            answers: facts.answers.clone(),
            open: None,
        }
    }

    /// The receipt.
    #[must_use]
    pub const fn receipt(&self) -> Receipt {
        self.receipt
    }

    /// The partner for whom the recorded request is protected.
    #[must_use]
    pub const fn partner(&self) -> &PartnerName {
        &self.partner
    }

    /// The operation.
    #[must_use]
    pub const fn operation(&self) -> &OperationId {
        &self.operation
    }

    /// The digest of the only bytes that may leave under this record.
    #[must_use]
    pub const fn digest(&self) -> Sha256 {
        self.digest
    }

    /// The epoch that the exchange saw.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The bundle that judged it.
    #[must_use]
    pub const fn bundle(&self) -> Sha256 {
        self.bundle
    }

    /// The idempotency key that became durable with it.
    #[must_use]
    pub const fn key(&self) -> Option<KeyDigests> {
        self.key
    }
}

impl Recorded {
    /// The key under which its answer is kept.
    pub(super) const fn answers(&self) -> Option<&AnswerKey> {
        self.answers.as_ref()
    }
}

impl Noted {
    /// A note in no log, for the tests of rooms that demand one.
    #[cfg(test)]
    pub const fn for_test() -> Self {
        Self { receipt: Receipt::new([0; 16]) }
    }

    /// The receipt of the facts that were noted.
    #[must_use]
    pub const fn receipt(&self) -> Receipt {
        self.receipt
    }

    /// The answer of the one who asked for what was noted.
    pub fn conclude(self, reason: Reason, reply: Reply) -> Concluded {
        Concluded { receipt: self.receipt, reason, reply, kept_at: None }
    }
}

impl Concluded {
    /// The receipt that goes with the answer.
    #[must_use]
    pub const fn receipt(&self) -> Receipt {
        self.receipt
    }

    /// Why the exchange ended, as the caller was told: for metrics. `not-recordable` and `outcome-unknown` where the
    /// record could not be made durable.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        self.reason
    }

    /// Where the partner's answer was kept for a repeated idempotency key; `None` where none was.
    #[must_use]
    pub const fn kept_at(&self) -> Option<AnswerPlace> {
        self.kept_at
    }

    /// The answer.
    #[must_use]
    pub const fn reply(&self) -> &Reply {
        &self.reply
    }

    /// The answer, for the door that writes it.
    #[must_use]
    pub fn into_reply(self) -> Reply {
        self.reply
    }
}

impl Drop for Recorded {
    fn drop(&mut self) {
        if let Some(open) = self.open.take() {
            open.log.close(self.receipt, open.state);
        }
    }
}

impl fmt::Debug for Recorded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recorded {{ {}, {} of {} }}", self.receipt, self.operation, self.partner)
    }
}

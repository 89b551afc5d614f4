//! What is known of an exchange, gathered step by step: the part of a record that its way fills in.
//!
//! Only what may stand in a record fits in: persons as [`Handle`]s, things as the directory knows them, digests of
//! idempotency keys and bodies. The types are the minimisation.

use crate::audit::answer::AnswerKey;
use crate::audit::handles::Handle;
use crate::audit::receipts::Told;
use crate::model::AdminDoor;
use crate::model::Epoch;
use crate::model::IdentifierKind;
use crate::model::InputValue;
use crate::model::Located;
use crate::model::Name;
use crate::model::OperationId;
use crate::model::PartnerName;
use crate::model::PersonName;
use crate::model::Receipt;
use crate::model::Role;
use crate::model::Sha256;
use crate::model::TenantId;
use crate::model::TraceId;
use crate::model::TraceParent;
use crate::telemetry::Step;
use std::sync::Arc;
use std::time::Duration;

/// What is known of an exchange so far. Nothing in it is a stranger's text.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The receipt that the caller is given.
    pub receipt: Receipt,
    /// The epoch of revocations that the exchange saw when it was admitted.
    pub epoch: Epoch,
    /// The digest of the bundle by which it is judged.
    pub bundle: Sha256,
    /// The partner concerned.
    pub partner: Option<PartnerName>,
    /// The operation.
    pub operation: Option<OperationId>,
    /// What the contract says it is for.
    pub purpose: Option<Name>,
    /// The name in the peer's verified certificate.
    pub peer: Option<Arc<str>>,
    /// The thumbprint of that certificate.
    pub certificate: Option<Sha256>,
    /// Who acts on the gateway itself, where it is a person.
    pub by: Option<By>,
    /// Whether it is known who asks. Refusals before that are recorded one by one at a lesser rate.
    pub caller_known: bool,
    /// The tenant of the token.
    pub tenant: Option<TenantId>,
    /// The person.
    pub subject: Option<Handle>,
    /// The person's device.
    pub device: Option<Handle>,
    /// The person's car.
    pub car: Option<Handle>,
    /// The key under which an answer is kept, which goes with any of these three.
    pub answers: Option<AnswerKey>,
    /// The thing, once the directory knows it; what it does not know is never recorded.
    pub located: Option<Arc<Located>>,
    /// The version of the directory that did not know the thing.
    pub unknown_to: Option<u64>,
    /// What policy decided of what has no intent: a refusal, also one that a permit preceded, or what a peer does in its own
    /// name. An intent takes its decision from the permit instead.
    pub decided: Option<Decided>,
    /// The idempotency key and what it is bound to.
    pub key: Option<KeyDigests>,
    /// The `jti` of the partner token, once it is minted: random, ours, and named in the partner's events.
    pub partner_token: Option<Box<str>>,
    /// What an event of the partner tells of a command, by its token.
    pub command: Option<Told>,
    /// The trace that the request belongs to, and the one that the partner is given in its place.
    pub trace: Option<TraceParent>,
    pub partner_trace: Option<TraceId>,
    /// Sizes in bytes.
    pub sizes: Sizes,
    /// How long each step took.
    pub steps: Steps,
    /// How long its way has waited for disks so far; a record waits for what is left. Stands in no record.
    pub waited: Duration,
}

/// A person who acts on the gateway itself, as the record names them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct By {
    /// Who, by the name that the configuration gives.
    pub person: PersonName,
    /// In which role.
    pub role: Role,
    /// By which door.
    pub door: AdminDoor,
}

/// A decision that no permit of an exchange carries.
#[derive(Clone, Debug, Default)]
pub struct Decided {
    /// Whether policy permitted it; what ended it then came after.
    pub permitted: bool,
    /// The ids of the determining policies.
    pub policies: Vec<Arc<str>>,
    /// What the action's policies read: its name and value.
    pub inputs: Vec<(Arc<str>, InputValue)>,
    /// The ids of the policies that could not be evaluated.
    pub errors: Vec<Arc<str>>,
}

/// An idempotency key, as two digests that tell nothing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct KeyDigests {
    /// Keyed digest of the key and its scope.
    pub key: Sha256,
    /// Digest of the rebuilt request that the key is bound to.
    pub body: Sha256,
}

/// Sizes in bytes, as far as known.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Sizes {
    /// The request's body as it came.
    pub request: Option<u64>,
    /// The request's body as it left.
    pub sent: Option<u64>,
    /// The partner's answer.
    pub answer: Option<u64>,
    /// The reply's body.
    pub reply: Option<u64>,
}

/// How long each step took, in whole microseconds; an hour and more counts as an hour.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Steps([Option<u32>; Step::ALL.len()]);

impl Facts {
    /// What is known of an exchange from its first byte on.
    #[must_use]
    pub fn new(receipt: Receipt, epoch: Epoch, bundle: Sha256) -> Self {
        Self {
            receipt,
            epoch,
            bundle,
            partner: None,
            operation: None,
            purpose: None,
            peer: None,
            certificate: None,
            by: None,
            caller_known: false,
            tenant: None,
            subject: None,
            device: None,
            car: None,
            answers: None,
            located: None,
            unknown_to: None,
            decided: None,
            key: None,
            partner_token: None,
            command: None,
            trace: None,
            partner_trace: None,
            sizes: Sizes::default(),
            steps: Steps::default(),
            waited: Duration::ZERO,
        }
    }
}

impl Facts {
    /// Notes the handle of a user, a device or a car where it belongs; of nothing else there is one.
    pub const fn note_handle(&mut self, kind: IdentifierKind, handle: Option<Handle>) {
        match kind {
            IdentifierKind::User => self.subject = handle,
            IdentifierKind::Device => self.device = handle,
            IdentifierKind::Car => self.car = handle,
            IdentifierKind::House
            | IdentifierKind::Door
            | IdentifierKind::Barrier
            | IdentifierKind::Tenant
            | IdentifierKind::Request => {}
        }
    }

    /// The handle of the token's own user, device or car.
    pub(super) const fn handle(&self, kind: IdentifierKind) -> Option<Handle> {
        match kind {
            IdentifierKind::User => self.subject,
            IdentifierKind::Device => self.device,
            IdentifierKind::Car => self.car,
            IdentifierKind::House
            | IdentifierKind::Door
            | IdentifierKind::Barrier
            | IdentifierKind::Tenant
            | IdentifierKind::Request => None,
        }
    }
}

impl Steps {
    /// Notes how long a step took; a later call replaces an earlier one.
    pub fn took(&mut self, step: Step, time: Duration) {
        const HOUR: u32 = 3_600_000_000;
        let micros = u32::try_from(time.as_micros()).unwrap_or(HOUR).min(HOUR);
        if let Some(place) = self.0.get_mut(step as usize) {
            *place = Some(micros);
        }
    }

    /// The steps that were taken, in the order of the list, with their microseconds.
    pub fn iter(&self) -> impl Iterator<Item = (Step, u32)> {
        Step::ALL.iter().zip(self.0).filter_map(|(step, micros)| Some((*step, micros?)))
    }
}

impl Default for Steps {
    fn default() -> Self {
        Self([None; Step::ALL.len()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_come_in_their_order_and_none_is_longer_than_an_hour() {
        let mut steps = Steps::default();
        steps.took(Step::Total, Duration::from_secs(9_000_000));
        steps.took(Step::Declare, Duration::from_micros(7));
        let found: Vec<_> = steps.iter().collect();
        assert_eq!(found, [(Step::Declare, 7), (Step::Total, 3_600_000_000)]);
    }
}

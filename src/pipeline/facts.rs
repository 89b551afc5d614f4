//! Gathering what the record will say, as a way learns it. Persons become handles here; nothing else of theirs goes on.

use crate::audit::Facts;
use crate::audit::HandleFault;
use crate::audit::KeyDigests;
use crate::contract::Operation;
use crate::crypto;
use crate::guard::Reservation;
use crate::identity::Caller;
use crate::model::IdentifierKind;
use crate::model::Located;
use crate::model::PartnerName;
use crate::model::Reason;
use crate::model::Receipt;
use crate::model::TraceParent;
use crate::partner::Voucher;
use crate::pipeline::gate::Gate;
use crate::pipeline::gate::Visitor;
use crate::pipeline::refusal::Refusal;
use crate::pipeline::route::Snapshot;
use crate::pipeline::trail::Trail;
use crate::problem::ProblemType;
use crate::protect::Protected;
use std::sync::Arc;

impl Gate {
    /// What is known of a request before anything was asked: a receipt, the epoch, the bundle, the peer.
    pub(super) fn facts(&self, visitor: &Visitor, snapshot: &Snapshot) -> Facts {
        let bundle = snapshot.bundle.digest();
        let mut facts = Facts::new(Receipt::new(crypto::random()), self.core.guard.epoch(), bundle);
        facts.peer = visitor.peer.as_ref().ok().map(|peer| Arc::from(peer.name()));
        facts.certificate = Some(visitor.certificate);
        facts
    }

    /// Who is asking, as handles.
    ///
    /// # Errors
    /// [`HandleFault`]: without a handle there is no record, and without a record nothing goes on.
    pub(super) async fn note_caller(&self, facts: &mut Facts, caller: &Caller) -> Result<(), HandleFault> {
        let Some(token) = caller.token() else { return Ok(()) };
        facts.tenant.clone_from(&token.tenant);
        let of = |kind, value: Option<_>| value.map(|value| (kind, value));
        let identifiers = [
            of(IdentifierKind::User, Some(&token.subject)),
            of(IdentifierKind::Device, token.device.as_ref()),
            of(IdentifierKind::Car, token.car.as_ref()),
        ];
        let named = self.patiently(facts, self.core.handles.of(&token.issuer, identifiers), HandleFault).await?;
        [facts.subject, facts.device, facts.car] = named.handles;
        facts.answers = named.answers;
        facts.caller_known = true;
        Ok(())
    }
}

/// Which operation was asked for.
pub fn note_operation(facts: &mut Facts, operation: &Operation) {
    facts.operation = Some(operation.id.clone());
    facts.purpose = Some(operation.purpose.clone());
}

/// What the intent needs on top: the place, the key, what will leave.
pub fn note_intent(
    facts: &mut Facts,
    trail: &mut Trail,
    reservation: Option<&Reservation>,
    protected: &Protected,
    voucher: Option<&Voucher>,
) {
    facts.steps = trail.unrecorded();
    facts.key = reservation.map(|key| KeyDigests { key: key.key_digest(), body: key.body_digest() });
    facts.sizes.sent = Some(protected.outgoing().body.len() as u64);
    facts.partner_token = voucher.map(|voucher| voucher.jti().into());
    facts.partner_trace = voucher.and_then(Voucher::trace).map(TraceParent::trace);
}

/// Notes the thing that a request is about. One that is not there, and one where the partner does not act, are the same to
/// whoever asks; the record tells them apart. Called once policies were asked, so that all of it takes the same work.
///
/// # Errors
/// [`Reason::ResourceUnknown`], [`Reason::PartnerNotLinked`].
pub fn note_place(facts: &mut Facts, located: Located, is_there: bool, partner: &PartnerName) -> Result<(), Refusal> {
    if !is_there {
        facts.unknown_to = Some(located.directory_version);
        return Err(Refusal::new(Reason::ResourceUnknown, ProblemType::NotFound));
    }
    let is_linked = located.is_linked_to(partner);
    facts.located = Some(Arc::new(located));
    if is_linked { Ok(()) } else { Err(Refusal::new(Reason::PartnerNotLinked, ProblemType::NotFound)) }
}

//! The way of a revocation: from the backend (`POST /-/revocations`) or from a person at an admin door (`act.rs`). Narrowing
//! is fast: it is effective on this node before anything else is tried, then stored, then recorded, and only then answered.
//!
//! A name that is nobody's would be a false safety. A person's order must name an operation, a partner and a tenant that
//! are known here. So must a peer's that stops many; but in a peer's order about one person, the tenant may be one that the
//! directory does not know yet: it is a program's, and refusing it could be too late when the directory has caught up.

use crate::audit::Concluded;
use crate::audit::Facts;
use crate::audit::Note;
use crate::audit::Noted;
use crate::audit::Revoked;
use crate::guard::OrderFault;
use crate::guard::OrderedBy;
use crate::guard::Revocation;
use crate::guard::RevocationKind;
use crate::guard::RevokeFault;
use crate::json;
use crate::json::Value;
use crate::model::Epoch;
use crate::model::Head;
use crate::model::Reason;
use crate::model::Reply;
use crate::model::Stranger;
use crate::model::TenantId;
use crate::pipeline::gate::Gate;
use crate::pipeline::gate::Visitor;
use crate::pipeline::known::unknown_name;
use crate::pipeline::operation;
use crate::pipeline::own;
use crate::pipeline::own::Form;
use crate::pipeline::port::Body;
use crate::pipeline::refusal::Refusal;
use crate::pipeline::refusal::by_permit;
use crate::pipeline::trail::Trail;
use crate::problem::Problem;
use crate::problem::ProblemType;
use crate::problem::WrongPlace;
use http::StatusCode;

/// The path of this way.
pub const PATH: &str = "/-/revocations";

/// The longest order, in bytes.
const ORDER_MAX_BYTES: usize = 4096;

/// The Cedar action that a peer needs.
const ACTION: &str = "revoke";

/// The Cedar action that a peer needs to stop many at once.
const STOP: &str = "emergencyStop";

/// How far a revocation has come when it is answered: in force and on record on this node.
pub(super) const STATE: &str = "local";

/// Who is to have no rights from now on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RevocationOrder {
    /// What kind of thing `value` names.
    pub kind: RevocationKind,
    /// The tenant in which it holds; `None` for all.
    pub tenant: Option<TenantId>,
    /// Which one.
    pub value: Stranger,
}

/// What became of an order, which is in force.
pub(super) struct CarriedOut {
    pub(super) epoch: Epoch,
    pub(super) stored: bool,
    pub(super) noted: Option<Noted>,
}

impl RevocationOrder {
    /// What it means.
    ///
    /// # Errors
    /// [`OrderFault`] where it could never stop anything.
    pub fn meant(self) -> Result<Revocation, OrderFault> {
        Revocation::of(self.kind, self.tenant, self.value)
    }
}

impl Gate {
    /// Puts an order in force, then on the store, then on record; each is tried whatever became of the one before. `None`
    /// where it was not taken, for want of room.
    pub(super) async fn carry_out(
        &self,
        facts: &mut Facts,
        revocation: Revocation,
        by: OrderedBy,
    ) -> Option<CarriedOut> {
        let core = &self.core;
        let now = core.clock.now();
        facts.tenant.clone_from(&revocation.tenant);
        let (kind, tenant) = (revocation.kind.word(), revocation.tenant.clone());
        let digest = core.guard.revocation_digest(&revocation);
        let (epoch, stored) = match core.guard.revoke(revocation, by, now).await {
            Ok(epoch) => (epoch, true),
            // Neither is told as done: whoever repeats it waits for the store, and for older commands, again.
            Err(RevokeFault::NotStored { epoch, .. } | RevokeFault::Departing { epoch }) => (epoch, false),
            Err(RevokeFault::Full) => return None,
        };
        facts.epoch = epoch;
        let note = Note::Revocation(Revoked { kind, digest, tenant, epoch, stored });
        let noted = self.log.note(facts, note, core.clock.now()).await.ok();
        Some(CarriedOut { epoch, stored, noted })
    }
}

/// Handles an order of the backend.
pub async fn requested<B: Body>(gate: &Gate, visitor: &Visitor, head: &Head, body: &mut B) -> Concluded {
    let trail = Trail::begin(gate.core.clock.as_ref());
    let mut facts = gate.facts(visitor, &gate.core.snapshot.load());
    let revocation = match ordered(gate, visitor, head, body, &mut facts).await {
        Ok(revocation) => revocation,
        Err(refusal) => return operation::refuse(gate, facts, not_in_force(refusal), trail).await,
    };
    let Some(CarriedOut { epoch, stored, noted }) = gate.carry_out(&mut facts, revocation, OrderedBy::Peer).await
    else {
        let refusal = Refusal::new(Reason::RevocationsFull, ProblemType::NotRevoked);
        return operation::refuse(gate, facts, refusal, trail).await;
    };
    let concluded = match noted {
        Some(noted) if stored => noted.conclude(Reason::Done, reply(epoch)),
        // In force all the same, and kept for the next attempt; but nobody is told that it will last.
        Some(noted) => {
            let reply = Problem::from(ProblemType::NotLasting).reply(noted.receipt());
            noted.conclude(Reason::NotLasting, reply)
        }
        None => gate.log.revoked_unrecorded(&facts),
    };
    operation::concluded_alone(gate, concluded)
}

/// Who asks, for what, and whether they may.
async fn ordered<B: Body>(
    gate: &Gate,
    visitor: &Visitor,
    head: &Head,
    body: &mut B,
    facts: &mut Facts,
) -> Result<Revocation, Refusal> {
    let core = &gate.core;
    let caller = own::meet(gate, visitor, head, Form::json("POST"), facts)?;
    let bytes = body.read(ORDER_MAX_BYTES).await?;
    let revocation = read(&bytes).map_err(Refusal::of_body)?;
    let snapshot = core.snapshot.load();
    facts.bundle = snapshot.bundle.digest();
    let (action, tenant) = (action_of(revocation.kind), revocation.tenant.as_ref());
    let permit = snapshot.bundle.policies().authorize_peer(&caller, action, tenant, core.clock.now())?;
    facts.decided = Some(by_permit(permit.decision()));
    core.guard.pace_revocation(caller.peer().name(), core.clock.steady())?;
    // Only who may revoke learns which names are known.
    if revocation.kind.stops_many() && unknown_name(&snapshot, &revocation).is_some() {
        let place = WrongPlace { part: "body", pointer: "/value".to_owned(), expected: "known name" };
        return Err(Refusal { reason: Reason::NameUnknown, ..Refusal::of_body(place) });
    }
    Ok(revocation)
}

/// The Cedar action for a kind: policy tells apart who takes rights from one person and who may stop many.
const fn action_of(kind: RevocationKind) -> &'static str {
    if kind.stops_many() { STOP } else { ACTION }
}

/// What ended before it came to a revocation: the caller must not take it for one that is in force and not yet stored.
fn not_in_force(mut refusal: Refusal) -> Refusal {
    if refusal.problem.kind == ProblemType::Unavailable {
        refusal.problem.kind = ProblemType::NotRevoked;
    }
    refusal
}

/// Reads an order: `kind`, `value`, perhaps `tenant`, and nothing else.
///
/// # Errors
/// The place that is wrong.
pub fn read(bytes: &[u8]) -> Result<Revocation, WrongPlace> {
    let wrong = |pointer: &str, expected| WrongPlace { part: "body", pointer: pointer.to_owned(), expected };
    let tree = json::parse(bytes, json::Limits::default()).map_err(|_| wrong("", "JSON"))?;
    let members = tree.as_object().ok_or_else(|| wrong("", "object"))?;
    if members.iter().any(|(name, _)| !matches!(name, "kind" | "value" | "tenant")) {
        return Err(wrong("", "kind, value, tenant only"));
    }
    let word = tree.get("kind").and_then(Value::as_str);
    let kind = word.and_then(RevocationKind::from_word).ok_or_else(|| wrong("/kind", "kind of revocation"))?;
    let value = tree.get("value").and_then(Value::as_str).ok_or_else(|| wrong("/value", "text"))?;
    let tenant = match tree.get("tenant") {
        None => None,
        Some(tenant) => {
            let name = tenant.as_str().and_then(|text| TenantId::new(text).ok());
            Some(name.ok_or_else(|| wrong("/tenant", "name"))?)
        }
    };
    Revocation::of(kind, tenant, Stranger::new(value)).map_err(|fault| match fault {
        OrderFault::Value => wrong("/value", "1 to 256 bytes, as the kind demands"),
        OrderFault::Tenant => wrong("/tenant", "none for this kind"),
    })
}

fn reply(epoch: Epoch) -> Reply {
    Reply::json(StatusCode::OK, format!("{{\"epoch\":{epoch},\"state\":\"{STATE}\"}}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_read_closed_world() {
        let order = read(br#"{"kind":"device","value":"d-1","tenant":"north"}"#).unwrap();
        assert_eq!((order.kind, order.value.expose()), (RevocationKind::Device, "d-1"));
        let stop = read(br#"{"kind":"tenant","value":"north"}"#).unwrap();
        assert_eq!(stop.tenant, Some(TenantId::new("north").unwrap()), "policy is asked about the tenant itself");
        for (text, pointer) in [
            (r#"{"kind":"device"}"#, "/value"),
            (r#"{"kind":"device","value":""}"#, "/value"),
            (r#"{"kind":"house","value":"h"}"#, "/kind"),
            (r#"{"kind":"device","value":"d","tenant":"no such name"}"#, "/tenant"),
            (r#"{"kind":"tenant","value":"north","tenant":"north"}"#, "/tenant"),
            (r#"{"kind":"certificate","value":"0F"}"#, "/value"),
            (r#"{"kind":"device","value":"d","why":"x"}"#, ""),
            (r#"{"kind":"device","kind":"token","value":"d"}"#, ""),
            ("[]", ""),
        ] {
            assert_eq!(read(text.as_bytes()).unwrap_err().pointer, pointer, "{text}");
        }
    }
}

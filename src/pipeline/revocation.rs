//! The way of a revocation: from the backend (`POST /-/revocations`) or the operator's socket. Narrowing is fast: it is
//! effective on this node before anything else is tried, then stored, then recorded, and only then answered.

use crate::audit::Concluded;
use crate::audit::Facts;
use crate::audit::Note;
use crate::audit::Noted;
use crate::audit::Revoked;
use crate::crypto;
use crate::guard::OrderedBy;
use crate::guard::Revocation;
use crate::guard::RevocationKind;
use crate::guard::RevokeFault;
use crate::json;
use crate::json::Value;
use crate::model::Epoch;
use crate::model::Head;
use crate::model::Reason;
use crate::model::Receipt;
use crate::model::Reply;
use crate::model::Stranger;
use crate::model::TenantId;
use crate::pipeline::gate::Gate;
use crate::pipeline::gate::Visitor;
use crate::pipeline::operation;
use crate::pipeline::own;
use crate::pipeline::own::Form;
use crate::pipeline::port::Body;
use crate::pipeline::refusal::Refusal;
use crate::pipeline::refusal::decided;
use crate::pipeline::trail::Trail;
use crate::problem::Problem;
use crate::problem::ProblemType;
use crate::problem::WrongPlace;
use bytes::Bytes;
use http::HeaderValue;
use http::StatusCode;
use http::header;
use std::sync::Arc;

/// The path of this way.
pub const PATH: &str = "/-/revocations";

/// The longest order, in bytes.
const ORDER_MAX_BYTES: usize = 4096;

/// The Cedar action that a peer needs.
const ACTION: &str = "revoke";

/// How far a revocation has come when it is answered: in force and on record on this node.
const STATE: &str = "local";

/// Who is to have no rights from now on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RevocationOrder {
    /// What kind of thing `value` names.
    pub kind: RevocationKind,
    /// The tenant that the subject or device belongs to; `None` where tokens carry none.
    pub tenant: Option<TenantId>,
    /// The subject, device, session or token.
    pub value: Stranger,
}

/// Who revokes.
#[derive(Clone, Debug)]
pub enum Revoker {
    /// The operator, by the Unix socket that only its owner may open.
    Operator,
    /// A peer of the backend listener, by name.
    Peer(Arc<str>),
}

/// How a revocation ended.
#[derive(Debug)]
pub struct RevocationReply {
    /// The epoch from which it is in force, stored and recorded; or why that much cannot be said.
    pub outcome: Result<Epoch, Reason>,
    /// The record's receipt.
    pub receipt: Receipt,
    /// How far it has come: `local`.
    pub state: &'static str,
}

/// What became of an order, which is in force.
struct CarriedOut {
    epoch: Epoch,
    stored: bool,
    noted: Option<Noted>,
}

impl Gate {
    /// Revokes on behalf of `by`, who has been asked about already. In force before anything is awaited.
    pub async fn revoke(&self, order: RevocationOrder, by: Revoker) -> RevocationReply {
        let mut facts = Facts::new(
            Receipt::new(crypto::random()),
            self.core.guard.epoch(),
            self.core.snapshot.load().bundle.digest(),
        );
        facts.peer = by.name();
        let outcome = match self.carry_out(&mut facts, order, by.orders()).await {
            Some(carried) => {
                carried.noted.is_some_and(|_| carried.stored).then_some(carried.epoch).ok_or(Reason::NotLasting)
            }
            None => Err(Reason::RevocationsFull),
        };
        self.core.metrics.concluded(outcome.err().unwrap_or(Reason::Done));
        RevocationReply { outcome, receipt: facts.receipt, state: STATE }
    }

    /// Puts an order in force, then on the store, then on record; each is tried whatever became of the one before. `None`
    /// where it was not taken, for want of room.
    async fn carry_out(&self, facts: &mut Facts, order: RevocationOrder, by: OrderedBy) -> Option<CarriedOut> {
        let core = &self.core;
        let now = core.clock.now();
        facts.tenant.clone_from(&order.tenant);
        let (kind, tenant) = (order.kind.word(), order.tenant.clone());
        let revocation = Revocation { kind: order.kind, tenant: order.tenant, value: order.value };
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

impl Revoker {
    const fn orders(&self) -> OrderedBy {
        match self {
            Self::Operator => OrderedBy::Operator,
            Self::Peer(_) => OrderedBy::Peer,
        }
    }

    fn name(&self) -> Option<Arc<str>> {
        match self {
            Self::Operator => Some(Arc::from("operator")),
            Self::Peer(name) => Some(Arc::clone(name)),
        }
    }
}

/// Handles an order of the backend.
pub async fn requested<B: Body>(gate: &Gate, visitor: &Visitor, head: &Head, body: &mut B) -> Concluded {
    let trail = Trail::begin(gate.core.clock.as_ref());
    let mut facts = gate.facts(visitor, &gate.core.snapshot.load());
    let order = match ordered(gate, visitor, head, body, &mut facts).await {
        Ok(order) => order,
        Err(refusal) => return operation::refuse(gate, facts, not_in_force(refusal), trail).await,
    };
    let Some(CarriedOut { epoch, stored, noted }) = gate.carry_out(&mut facts, order, OrderedBy::Peer).await else {
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
    gate.core.metrics.concluded(concluded.reason());
    concluded
}

/// Who asks, for what, and whether they may.
async fn ordered<B: Body>(
    gate: &Gate,
    visitor: &Visitor,
    head: &Head,
    body: &mut B,
    facts: &mut Facts,
) -> Result<RevocationOrder, Refusal> {
    let core = &gate.core;
    let caller = own::meet(gate, visitor, head, Form::json("POST"), facts)?;
    let bytes = body.read(ORDER_MAX_BYTES).await?;
    let order = read(&bytes).map_err(Refusal::of_body)?;
    let snapshot = core.snapshot.load();
    facts.bundle = snapshot.bundle.digest();
    let permit = snapshot.bundle.policies().authorize_peer(&caller, ACTION, order.tenant.as_ref())?;
    facts.decided = Some(decided(permit.decision()));
    core.guard.pace_revocation(caller.peer().name(), core.clock.steady())?;
    Ok(order)
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
pub fn read(bytes: &[u8]) -> Result<RevocationOrder, WrongPlace> {
    let wrong = |pointer: &str, expected| WrongPlace { part: "body", pointer: pointer.to_owned(), expected };
    let tree = json::parse(bytes, json::Limits::default()).map_err(|_| wrong("", "JSON"))?;
    let members = tree.as_object().ok_or_else(|| wrong("", "object"))?;
    if members.iter().any(|(name, _)| !matches!(name, "kind" | "value" | "tenant")) {
        return Err(wrong("", "kind, value, tenant only"));
    }
    let word = tree.get("kind").and_then(Value::as_str);
    let kind = word.and_then(RevocationKind::from_word).ok_or_else(|| wrong("/kind", "kind of revocation"))?;
    let value = tree.get("value").and_then(Value::as_str);
    let value =
        value.filter(|text| (1..=256).contains(&text.len())).ok_or_else(|| wrong("/value", "1 to 256 bytes"))?;
    let tenant = match tree.get("tenant") {
        None => None,
        Some(tenant) => {
            let name = tenant.as_str().and_then(|text| TenantId::new(text).ok());
            Some(name.ok_or_else(|| wrong("/tenant", "name"))?)
        }
    };
    Ok(RevocationOrder { kind, tenant, value: Stranger::new(value) })
}

fn reply(epoch: Epoch) -> Reply {
    Reply {
        status: StatusCode::OK,
        fields: vec![(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))],
        body: Bytes::from(format!("{{\"epoch\":{epoch},\"state\":\"{STATE}\"}}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_read_closed_world() {
        let order = read(br#"{"kind":"device","value":"d-1","tenant":"north"}"#).unwrap();
        assert_eq!((order.kind, order.value.expose()), (RevocationKind::Device, "d-1"));
        for (text, pointer) in [
            (r#"{"kind":"device"}"#, "/value"),
            (r#"{"kind":"device","value":""}"#, "/value"),
            (r#"{"kind":"house","value":"h"}"#, "/kind"),
            (r#"{"kind":"device","value":"d","tenant":"no such name"}"#, "/tenant"),
            (r#"{"kind":"device","value":"d","why":"x"}"#, ""),
            (r#"{"kind":"device","kind":"token","value":"d"}"#, ""),
            ("[]", ""),
        ] {
            assert_eq!(read(text.as_bytes()).unwrap_err().pointer, pointer, "{text}");
        }
    }
}

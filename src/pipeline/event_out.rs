//! The way of an outbound event, from the backend into the outbox: `POST /-/events`, in order; the first "no" ends it. What is
//! answered with 202 is on record and durably queued; how it gets to the partner is `delivery`'s.

use crate::audit::Concluded;
use crate::audit::Facts;
use crate::contract;
use crate::contract::RebuiltEvent;
use crate::guard::EventRevocable;
use crate::model::Direction;
use crate::model::Head;
use crate::model::Reason;
use crate::model::Receipt;
use crate::model::Reply;
use crate::model::Stranger;
use crate::pipeline::facts;
use crate::pipeline::gate::Gate;
use crate::pipeline::gate::Visitor;
use crate::pipeline::operation;
use crate::pipeline::own;
use crate::pipeline::own::Form;
use crate::pipeline::port::Body;
use crate::pipeline::port::whole;
use crate::pipeline::refusal::Refusal;
use crate::pipeline::refusal::by_permit;
use crate::pipeline::route::route_of;
use crate::pipeline::trail::Trail;
use crate::policy::EventPermit;
use crate::policy::Sender;
use crate::problem::ProblemType;
use crate::protect::ProtectedEvent;
use crate::telemetry::Step;
use crate::webhook::Known;
use crate::webhook::OutboxFault;
use crate::webhook::Queued;
use crate::webhook::Source;
use bytes::Bytes;
use http::StatusCode;
use std::sync::Arc;

/// The path of this way.
pub const PATH: &str = "/-/events";

/// How the first half of the way ended well.
enum Taken {
    /// An event that may be queued.
    Fresh(Box<Fresh>),
    /// One that was queued before, under the same id.
    Before(Receipt),
}

/// A permitted event; what is missing is the record, and then its place in the outbox.
struct Fresh {
    event: RebuiltEvent,
    permit: EventPermit,
    protected: ProtectedEvent,
    who: EventRevocable,
    peer: Arc<str>,
    id: Stranger,
}

/// Handles an event of the backend.
pub async fn requested<B: Body>(gate: &Gate, visitor: &Visitor, head: &Head, body: &mut B) -> Concluded {
    let mut trail = Trail::begin(gate.core.clock.as_ref());
    let mut facts = gate.facts(visitor, &gate.core.snapshot.load());
    match permitted(gate, visitor, head, body, &mut facts, &mut trail).await {
        Ok(Taken::Fresh(fresh)) => queue(gate, *fresh, facts, trail).await,
        Ok(Taken::Before(first)) => repeat(gate, first, facts, trail).await,
        Err(refusal) => operation::refuse(gate, facts, refusal, trail).await,
    }
}

/// The steps before anything has an effect.
async fn permitted<B: Body>(
    gate: &Gate,
    visitor: &Visitor,
    head: &Head,
    body: &mut B,
    facts: &mut Facts,
    trail: &mut Trail,
) -> Result<Taken, Refusal> {
    let core = &gate.core;
    let clock = core.clock.as_ref();
    let caller = own::meet(gate, visitor, head, Form::json("POST"), facts)?;
    trail.done(Step::Identify, clock);

    // The partner is the one of the authority. Without an endpoint nothing can ever be delivered to it.
    let nothing_here = || Refusal::new(Reason::UnknownOperation, ProblemType::NotFound);
    let route = route_of(&gate.routes, &head.authority, visitor.server_name.as_deref())?;
    facts.partner = Some(route.name.clone());
    let snapshot = core.snapshot.load_full();
    facts.bundle = snapshot.bundle.digest();
    let contract = snapshot.bundle.contract(&route.name).filter(|_| route.has_endpoint).ok_or_else(nothing_here)?;
    let id = contract::idempotency_key(&head.fields)
        .map_err(|()| Refusal::new(Reason::IdempotencyKeyInvalid, ProblemType::InvalidRequest))?;

    let most = usize::try_from(contract.event_max_bytes()).unwrap_or(usize::MAX);
    let bytes = whole(body, most, facts, trail, clock).await?;

    let event = contract::rebuild_event(contract, Direction::Outbound, &bytes);
    let event = event.map_err(|fault| Refusal::of_contract(&fault, true))?;
    facts.operation = Some(event.event().name.clone());
    facts.purpose = Some(event.event().purpose.clone());
    trail.done(Step::Rebuild, clock);

    // As for a command: what is not there is asked about all the same, so that it takes the same work.
    let (located, is_there) = match snapshot.directory.locate(event.resource()) {
        Some(located) => (located, true),
        None => (snapshot.directory.stand_in(event.resource()), false),
    };
    let decision = snapshot.bundle.policies().decide_event(Sender::of_caller(&caller), &event, &located, clock.now());
    trail.done(Step::Decide, clock);
    facts::note_place(facts, located, is_there, &route.name)
        .map_err(|refusal| refusal.after_decision(decision.as_ref().map(EventPermit::decision)))?;
    route.count(&core.metrics, &event.event().name, &decision);
    let permit = decision?;
    let refused = |refusal: Refusal| refusal.after_permit(permit.decision());

    let who = core.guard.event_revocable(&event, permit.tenant());
    if core.guard.is_event_revoked(&who) {
        return Err(refused(Refusal::new(Reason::Revoked, ProblemType::Forbidden)));
    }
    let source = Source { peer: caller.peer().name(), id: id.expose() };
    let known = gate.patiently(facts, core.outbox.known(source, &event), OutboxFault::Failed).await;
    if let Some(known) = known.map_err(|fault| refused(fault.into()))? {
        facts.decided = Some(by_permit(permit.decision()));
        core.guard.pace_answer(caller.peer().name(), clock.steady())?;
        return before(known);
    }
    let protected = route.protector.protect_event(&permit, &event).map_err(|fault| refused(fault.into()))?;
    // Last, so that only what would be taken is counted.
    let peer: Arc<str> = Arc::from(caller.peer().name());
    core.guard.pace_event(&peer, clock.steady()).map_err(|fault| refused(fault.into()))?;
    trail.done(Step::Protect, clock);
    Ok(Taken::Fresh(Box::new(Fresh { event, permit, protected, who, peer, id })))
}

/// On record first, then in the outbox, and only then answered.
async fn queue(gate: &Gate, fresh: Fresh, mut facts: Facts, mut trail: Trail) -> Concluded {
    let core = &gate.core;
    let Fresh { event, permit, protected, who, peer, id } = fresh;
    facts.steps = trail.unrecorded();
    let (now, began) = (core.clock.now(), core.clock.steady());
    let Ok(recorded) = gate.log.event(&permit, &protected, &facts, now).await else {
        return operation::concluded_alone(gate, gate.log.unrecorded(&facts));
    };
    trail.done(Step::Intent, core.clock.as_ref());
    gate.has_waited(&mut facts, began);
    let source = Source { peer: &peer, id: id.expose() };
    let queued = core.outbox.queue(&recorded, &event, source, who.digests(), permit.tenant(), now);
    match gate.patiently(&mut facts, queued, OutboxFault::Failed).await.map_err(Refusal::from).and_then(|queued| {
        match queued {
            Queued::Now => Ok(None),
            Queued::Before(known) => before(known).map(Some),
        }
    }) {
        Ok(None) => operation::counted(gate, recorded.conclude(Reason::Done, reply()), &trail),
        // Somebody else brought it in the meantime.
        Ok(Some(Taken::Before(first))) => repeat(gate, first, facts, trail).await,
        Ok(Some(Taken::Fresh(_))) => gate.log.unrecorded(&facts),
        Err(refusal) => operation::refuse(gate, facts, refusal.after_permit(permit.decision()), trail).await,
    }
}

/// Tells once more that an event is queued.
async fn repeat(gate: &Gate, first: Receipt, mut facts: Facts, mut trail: Trail) -> Concluded {
    facts.steps = trail.unrecorded();
    let concluded = gate.log.repeat(&facts, first, reply(), gate.core.clock.now()).await;
    operation::ended(gate, concluded, trail)
}

/// An id that was used before is good for the same event alone.
fn before(known: Known) -> Result<Taken, Refusal> {
    if known.same {
        Ok(Taken::Before(known.receipt))
    } else {
        Err(Refusal::new(Reason::IdempotencyKeyReused, ProblemType::KeyReused))
    }
}

fn reply() -> Reply {
    Reply::json(StatusCode::ACCEPTED, Bytes::from_static(br#"{"state":"queued"}"#))
}

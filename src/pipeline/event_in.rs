//! The way of an inbound event, from a partner to the backend, in order; the first "no" ends it. A courier delivers what was
//! queued here.
//!
//! The partner is known by its certificate before its event is looked at (`from_partner`). The signature is held against the
//! raw bytes before anybody parses them; then they are parsed once, by the contract, and only what was rebuilt goes on. An
//! id that was taken before is answered as it was then, without a second effect, where it tells the same, since senders repeat;
//! where it tells something else, it is refused. An event is answered 2xx only once it is on record and durably queued.

use crate::audit::Concluded;
use crate::audit::Facts;
use crate::audit::OutcomeState;
use crate::audit::Told;
use crate::contract;
use crate::contract::RebuiltEvent;
use crate::model::Direction;
use crate::model::Head;
use crate::model::Reason;
use crate::model::Receipt;
use crate::model::Reply;
use crate::pipeline::facts;
use crate::pipeline::from_partner::Met;
use crate::pipeline::gate::Gate;
use crate::pipeline::operation;
use crate::pipeline::own;
use crate::pipeline::own::Form;
use crate::pipeline::port::Body;
use crate::pipeline::port::whole;
use crate::pipeline::refusal::Refusal;
use crate::pipeline::route::Snapshot;
use crate::pipeline::trail::Trail;
use crate::policy::EventPermit;
use crate::policy::Sender;
use crate::problem::ProblemType;
use crate::protect::ProtectedEvent;
use crate::telemetry::Step;
use crate::webhook::OutboxFault;
use crate::webhook::Queued;
use crate::webhook::Source;
use crate::webhook::Verified;
use bytes::Bytes;
use http::StatusCode;
use std::sync::Arc;

/// Where partners send their events.
pub const PATH: &str = "/-/events";

/// How the names of events begin that may tell what became of a command, and those that do.
const ABOUT_ACCESS: &str = "access.";
const GRANTED: &str = "access.granted";
const REFUSED: &str = "access.refused";

/// The form of a request that brings one.
const FORM: Form = Form::json("POST");

/// How an event comes through.
enum Passed {
    /// It may be taken.
    Fresh(Box<Event>),
    /// It was taken before, under this receipt, and told the same.
    Again(Receipt),
}

/// An event that may be taken; what is missing is the record, and then the queue.
struct Event {
    met: Met,
    verified: Verified,
    rebuilt: RebuiltEvent,
    permit: EventPermit,
    protected: ProtectedEvent,
}

/// Handles an event of a partner who is known.
pub async fn received<B: Body>(
    gate: &Gate,
    met: Met,
    head: &Head,
    body: &mut B,
    snapshot: Arc<Snapshot>,
    mut facts: Facts,
    mut trail: Trail,
) -> Concluded {
    match permitted(gate, met, head, body, &snapshot, &mut facts, &mut trail).await {
        Ok(Passed::Fresh(event)) => {
            // As after an intent: a sender who hangs up leaves no event on record that is not queued.
            let receipt = facts.receipt;
            let task = gate.core.exchanges.spawn(take(gate.clone(), *event, facts, trail));
            task.await.unwrap_or_else(|_| gate.log.abandoned(receipt))
        }
        Ok(Passed::Again(first)) => repeat(gate, first, facts, trail).await,
        Err(refusal) => operation::refuse(gate, facts, refusal, trail).await,
    }
}

/// The steps before anything has an effect.
async fn permitted<B: Body>(
    gate: &Gate,
    met: Met,
    head: &Head,
    body: &mut B,
    snapshot: &Snapshot,
    facts: &mut Facts,
    trail: &mut Trail,
) -> Result<Passed, Refusal> {
    let core = &gate.core;
    let clock = core.clock.as_ref();
    own::has_form(head, FORM).map_err(|(reason, kind)| Refusal::new(reason, kind))?;
    // Where no event is declared, none is read.
    let contract = snapshot.bundle.contract(&met.route.name).filter(|contract| contract.event_max_bytes() > 0);
    let contract = contract.ok_or_else(|| Refusal::new(Reason::UnknownOperation, ProblemType::NotFound))?;
    trail.done(Step::Declare, clock);

    let most = usize::try_from(contract.event_max_bytes()).unwrap_or(usize::MAX);
    let bytes = whole(body, most, facts, trail, clock).await?;
    let verified = met.calls.verifier().verify(&head.fields, bytes, clock.now().seconds())?;
    trail.done(Step::Admit, clock);

    let rebuilt = contract::rebuild_event(contract, Direction::Inbound, verified.body());
    let rebuilt = rebuilt.map_err(|fault| Refusal::of_contract(&fault, true))?;
    facts.operation = Some(rebuilt.event().name.clone());
    facts.purpose = Some(rebuilt.event().purpose.clone());
    trail.done(Step::Rebuild, clock);

    let known = core.outbox.known(source(&met, &verified), &rebuilt);
    if let Some(known) = gate.patiently(facts, known, OutboxFault::Failed).await? {
        core.guard.pace_answer(met.partner.peer().name(), clock.steady())?;
        return again(known.receipt, known.same);
    }
    trail.done(Step::Bind, clock);

    let permit = decide(gate, &met, snapshot, &rebuilt, facts, trail)?;
    let protected = met.route.protector.protect_event(&permit, &rebuilt);
    let protected = protected.map_err(|fault| Refusal::of_event(fault).after_permit(permit.decision()))?;
    // Last, so that only what would be taken is counted.
    let paced = core.guard.pace_event(met.partner.peer().name(), clock.steady());
    paced.map_err(|fault| Refusal::from(fault).after_permit(permit.decision()))?;
    trail.done(Step::Protect, clock);
    Ok(Passed::Fresh(Box::new(Event { met, verified, rebuilt, permit, protected })))
}

/// Asks the directory for the thing, and the policies for the event.
fn decide(
    gate: &Gate,
    met: &Met,
    snapshot: &Snapshot,
    rebuilt: &RebuiltEvent,
    facts: &mut Facts,
    trail: &mut Trail,
) -> Result<EventPermit, Refusal> {
    // As for operations: what is not there, or not there for this partner, takes the same work.
    let (located, is_there) = match snapshot.directory.locate(rebuilt.resource()) {
        Some(located) => (located, true),
        None => (snapshot.directory.stand_in(rebuilt.resource()), false),
    };
    let decision = snapshot.bundle.policies().decide_event(
        Sender::of_partner(&met.partner),
        rebuilt,
        &located,
        gate.core.clock.now(),
    );
    trail.done(Step::Decide, gate.core.clock.as_ref());
    let admitted = gate.core.guard.admit_event(&met.route.name, &located.tenant);
    facts.tenant = is_there.then(|| located.tenant.clone());
    let by_then = || decision.as_ref().map(EventPermit::decision);
    facts::note_place(facts, located, is_there, &met.route.name)
        .map_err(|refusal| refusal.after_decision(by_then()))?;
    admitted.map_err(|fault| Refusal::from(fault).after_decision(by_then()))?;
    met.route.count(&gate.core.metrics, &rebuilt.event().name, &decision);
    Ok(decision?)
}

/// On record, then durably queued, and only then answered.
async fn take(gate: Gate, event: Event, mut facts: Facts, mut trail: Trail) -> Concluded {
    let core = Arc::clone(&gate.core);
    let Event { met, verified, rebuilt, permit, protected } = event;
    facts.steps = trail.unrecorded();
    facts.sizes.sent = Some(protected.body().len() as u64);
    facts.command = told(&gate, &met, &rebuilt);
    let (now, began) = (core.clock.now(), core.clock.steady());
    let Ok(recorded) = gate.log.event(&permit, &protected, &facts, now).await else {
        let concluded = gate.log.unrecorded(&facts);
        trail.done(Step::Intent, core.clock.as_ref());
        return operation::counted(&gate, concluded, &trail);
    };
    trail.done(Step::Intent, core.clock.as_ref());
    gate.has_waited(&mut facts, began);
    // Nobody's revocation keeps from the backend what has happened.
    let queued = core.outbox.queue(&recorded, &rebuilt, source(&met, &verified), &[], permit.tenant(), now);
    let queued = gate.patiently(&mut facts, queued, OutboxFault::Failed).await;
    trail.done(Step::Outcome, core.clock.as_ref());
    let refusal = match queued {
        Ok(Queued::Now) => {
            return operation::counted(&gate, recorded.conclude(Reason::Done, accepted()), &trail);
        }
        // Another attempt of the same event came between the look and the queue.
        Ok(Queued::Before(known)) => match again(known.receipt, known.same) {
            Ok(_) => return repeat(&gate, known.receipt, facts, trail).await,
            Err(refusal) => refusal,
        },
        Err(fault) => fault.into(),
    };
    operation::refuse(&gate, facts, refusal.after_permit(permit.decision()), trail).await
}

/// What an event about access tells of the command whose token it names, if that is one of this partner's.
fn told(gate: &Gate, met: &Met, rebuilt: &RebuiltEvent) -> Option<Told> {
    let name = rebuilt.event().name.as_str();
    let state = match name {
        GRANTED => Some(OutcomeState::Done),
        REFUSED => Some(OutcomeState::Refused),
        // Whether something moved is not known, or not to be concluded.
        _ => None,
    };
    let tokens = if name.starts_with(ABOUT_ACCESS) { rebuilt.requests() } else { Vec::new() };
    let command = tokens.iter().find_map(|jti| gate.log.command_of(&met.route.name, jti))?;
    Some(Told { command, state })
}

/// What is said of an id that was taken before.
fn again(first: Receipt, same: bool) -> Result<Passed, Refusal> {
    if same {
        return Ok(Passed::Again(first));
    }
    Err(Refusal::new(Reason::EventIdReused, ProblemType::EventIdReused))
}

/// Answers an event that was taken before as it was then.
async fn repeat(gate: &Gate, first: Receipt, mut facts: Facts, mut trail: Trail) -> Concluded {
    facts.steps = trail.unrecorded();
    let concluded = gate.log.repeat(&facts, first, accepted(), gate.core.clock.now()).await;
    operation::ended(gate, concluded, trail)
}

/// Whose event it is, and under which id.
fn source<'e>(met: &'e Met, verified: &'e Verified) -> Source<'e> {
    Source { peer: met.partner.peer().name(), id: verified.id().as_str() }
}

/// All that its sender learns: that it need not send it again.
fn accepted() -> Reply {
    Reply { status: StatusCode::NO_CONTENT, fields: Vec::new(), body: Bytes::new() }
}

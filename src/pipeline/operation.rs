//! The way of an outbound operation, from the backend to the partner. Steps 2 to 6 stand here, in order; the first "no"
//! ends it. Steps 4 to 6 are those of an inbound one, too (`inbound`): the proofs tell which way it goes. From the intent on (step 7) the exchange runs in a task of its own: `exchange`.

use crate::audit::Checkpoint;
use crate::audit::Concluded;
use crate::audit::Facts;
use crate::audit::Note;
use crate::clock::UnixMillis;
use crate::contract;
use crate::contract::Declared;
use crate::contract::Rebuilt;
use crate::guard::Admitted;
use crate::guard::Bound;
use crate::guard::Paced;
use crate::identity::Caller;
use crate::identity::Proof;
use crate::identity::TokenDemand;
use crate::model::Direction;
use crate::model::Head;
use crate::model::Reason;
use crate::model::Reply;
use crate::pipeline::directory;
use crate::pipeline::exchange;
use crate::pipeline::exchange::Asked;
use crate::pipeline::exchange::Command;
use crate::pipeline::exchange::Towards;
use crate::pipeline::facts;
use crate::pipeline::gate::Gate;
use crate::pipeline::gate::Visitor;
use crate::pipeline::identify;
use crate::pipeline::port::Body;
use crate::pipeline::port::whole;
use crate::pipeline::refusal::Refusal;
use crate::pipeline::repeat;
use crate::pipeline::repeat::Repeated;
use crate::pipeline::route::Route;
use crate::pipeline::route::Snapshot;
use crate::pipeline::route::route_of;
use crate::pipeline::trace::towards_partner;
use crate::pipeline::trail::Trail;
use crate::policy::Permit;
use crate::problem::ProblemType;
use crate::telemetry::Step;
use std::sync::Arc;

/// How the first half of the way ended well.
pub enum Granted {
    /// A command that may be carried out.
    Fresh(Box<Command>),
    /// A command that was given before, under the same idempotency key.
    Again(Box<Repeated>),
}

/// Handles one request on a contract's path.
pub async fn outbound<B: Body>(gate: &Gate, visitor: &Visitor, head: &Head, body: &mut B) -> Concluded {
    let mut trail = Trail::begin(gate.core.clock.as_ref());
    // One exchange, one snapshot: whatever is loaded meanwhile is for those who come after.
    let snapshot = gate.core.snapshot.load_full();
    let mut facts = gate.facts(visitor, &snapshot);
    facts.trace = Some(gate.trace_of(visitor, head));
    let guard = &gate.core.guard;
    let (permitted, newer) = match arrived(gate, visitor, snapshot, head, &mut facts, &mut trail).await {
        Ok(arrived) => {
            let nonce = arrived.caller.proof().and_then(Proof::nonce);
            let newer = guard.newer_nonce(nonce, gate.core.clock.now());
            (permitted(gate, arrived, head, body, &mut facts, &mut trail).await, newer)
        }
        Err(refusal) => (Err(refusal), None),
    };
    let nonce = needed_nonce(gate, &permitted).or(newer);
    carry_on(gate, permitted, facts, trail).await.offering(nonce)
}

/// The nonce that must come with an answer which asks for one (RFC 9449 §8, §9).
pub fn needed_nonce<T>(gate: &Gate, ended: &Result<T, Refusal>) -> Option<String> {
    let core = &gate.core;
    let needed = matches!(ended, Err(refusal) if refusal.reason == Reason::DpopNonceNeeded);
    needed.then(|| core.guard.nonce(core.clock.now()))
}

/// What comes after the first half of the way, whichever way it goes.
pub async fn carry_on(gate: &Gate, permitted: Result<Granted, Refusal>, facts: Facts, trail: Trail) -> Concluded {
    match permitted {
        Ok(Granted::Fresh(command)) => exchange::run(gate, *command, facts, trail).await,
        Ok(Granted::Again(repeated)) => repeat::answer(gate, *repeated, facts, trail).await,
        Err(refusal) => refuse(gate, facts, refusal, trail).await,
    }
}

/// A declared request of a known caller.
pub struct Arrived {
    pub route: Arc<Route>,
    pub snapshot: Arc<Snapshot>,
    pub declared: Declared,
    pub caller: Caller,
    pub paced: Paced,
}

/// Steps 2 and 3: what the backend asks for, and who asks.
async fn arrived(
    gate: &Gate,
    visitor: &Visitor,
    snapshot: Arc<Snapshot>,
    head: &Head,
    facts: &mut Facts,
    trail: &mut Trail,
) -> Result<Arrived, Refusal> {
    let core = &gate.core;
    let clock = core.clock.as_ref();
    let now = clock.now();
    let route = route_of(&gate.routes, &head.authority, visitor.server_name.as_deref())?;
    facts.partner = Some(route.name.clone());

    // A bundle without a contract for a partner lets nothing cross to it.
    let contract = snapshot.bundle.contract(&route.name);
    let contract = contract.ok_or_else(|| Refusal::new(Reason::UnknownOperation, ProblemType::NotFound))?;
    let declared = contract::declare(contract, head).map_err(|fault| Refusal::of_contract(&fault, false))?;
    facts::note_operation(facts, declared.operation());
    trail.done(Step::Declare, clock);

    let peer = visitor.peer.as_ref().map_err(|fault| *fault)?;
    let paced = core.guard.pace(peer.name(), clock.steady())?;
    let demand = if declared.operation().actuates.is_some() { TokenDemand::Session } else { TokenDemand::Any };
    let caller = identify::caller(core, peer, head, demand, now).await;
    let caller = caller.map_err(|fault| Refusal::from(fault).of_token_in(&head.fields))?;
    gate.note_caller(facts, &caller).await?;
    trail.done(Step::Identify, clock);
    Ok(Arrived { route: Arc::clone(route), snapshot, declared, caller, paced })
}

/// Steps 4 to 6, whichever way it goes.
pub async fn permitted<B: Body>(
    gate: &Gate,
    arrived: Arrived,
    head: &Head,
    body: &mut B,
    facts: &mut Facts,
    trail: &mut Trail,
) -> Result<Granted, Refusal> {
    let core = &gate.core;
    let clock = core.clock.as_ref();
    let Arrived { route, snapshot, declared, caller, paced } = arrived;
    let admitted = core.guard.admit(paced, &declared, &caller, &head.fields, clock.now());
    let admitted = admitted.map_err(|fault| Refusal::of_guard(fault, declared.operation(), &caller))?;
    facts.epoch = admitted.epoch();
    trail.done(Step::Admit, clock);

    let most = usize::try_from(declared.body_max_bytes()).unwrap_or(usize::MAX);
    let bytes = whole(body, most, facts, trail, clock).await?;
    // The body took its time: what is asked from here on is asked as of now.
    let now = clock.now();

    let rebuilt = contract::rebuild(declared, &caller, &bytes).map_err(|fault| Refusal::of_contract(&fault, true))?;
    trail.done(Step::Rebuild, clock);

    let bound = core.guard.bind(&admitted, &caller, &rebuilt, now)?;
    trail.done(Step::Bind, clock);

    // Policies are asked about what is not there, or not there for this partner, too, so that it takes the same work; what
    // they say about it is nothing.
    let (located, is_there) = match snapshot.directory.locate(rebuilt.resource()) {
        Some(located) => (located, true),
        None => (snapshot.directory.stand_in(rebuilt.resource()), false),
    };
    let decision = snapshot.bundle.policies().decide(&admitted, &caller, &rebuilt, &located, now);
    trail.done(Step::Decide, clock);
    facts::note_place(facts, located, is_there, &route.name)
        .map_err(|refusal| refusal.after_decision(decision.as_ref().map(Permit::decision)))?;
    route.count(&core.metrics, &rebuilt.operation().id, &decision);
    let permit = decision.map_err(|fault| Refusal::of_policy(fault, &admitted))?;
    let rest = Permitted { caller, admitted, bound, rebuilt, permit: permit.clone() };
    let granted = granted(gate, &route, snapshot, rest, facts, trail, now).await;
    granted.map_err(|refusal| refusal.after_permit(permit.decision()))
}

/// What policy permits, before it is known whether it may be carried out.
struct Permitted {
    caller: Caller,
    admitted: Admitted,
    bound: Bound,
    rebuilt: Rebuilt,
    permit: Permit,
}

/// The steps between the permit and the intent.
async fn granted(
    gate: &Gate,
    route: &Arc<Route>,
    snapshot: Arc<Snapshot>,
    permitted: Permitted,
    facts: &Facts,
    trail: &mut Trail,
    now: UnixMillis,
) -> Result<Granted, Refusal> {
    let core = &gate.core;
    let Permitted { caller, admitted, bound, rebuilt, permit } = permitted;
    let placed = core.guard.place(admitted, &permit)?;

    let asked = Asked { route: Arc::clone(route), snapshot, rebuilt, permit };
    let reservation = match bound {
        Bound::NoKey => None,
        Bound::Reserved(reservation) => Some(reservation),
        Bound::Past(first, outcome) => {
            core.guard.pace_answer(caller.peer().name(), core.clock.steady())?;
            return Ok(Granted::Again(Box::new(Repeated { asked, first, outcome })));
        }
    };

    let moves = asked.rebuilt.operation().actuates.is_some();
    if moves && !core.updates.is_timely(&asked.snapshot.directory, now) {
        return Err(directory::too_old());
    }
    let direction = asked.rebuilt.operation().direction;
    let room = match (direction, &route.inward) {
        (Direction::Outbound, _) => &route.room,
        (Direction::Inbound, Some(inward)) => &inward.room,
        (Direction::Inbound, None) => return Err(Refusal::new(Reason::BackendUnreachable, ProblemType::Unavailable)),
    };
    let seat = room.seat()?;
    let protected = route.protector.protect(&asked.permit, &caller, &asked.rebuilt);
    let protected = protected.map_err(|fault| Refusal::of_protection(fault, direction))?;
    trail.done(Step::Protect, core.clock.as_ref());
    let towards = match direction {
        Direction::Outbound => {
            let seen = gate.log().checkpoint();
            let seen = seen.as_deref().map(Checkpoint::head);
            let voucher = route.partner.voucher(&protected, placed.admitted(), seen, now).await;
            if route.partner.fetches() {
                trail.done(Step::Token, core.clock.as_ref());
            }
            Towards::Partner(voucher?.traced(towards_partner(facts.trace)))
        }
        Direction::Inbound => Towards::Backend,
    };

    Ok(Granted::Fresh(Box::new(Command { asked, caller, placed, reservation, seat, protected, towards })))
}

/// Records what was given, then gives it; what could not be recorded nobody gets.
pub async fn noted(gate: &Gate, mut facts: Facts, note: Note, reply: Reply, mut trail: Trail) -> Concluded {
    let core = &gate.core;
    facts.steps = trail.unrecorded();
    let concluded = match gate.log.note(&facts, note, core.clock.now()).await {
        Ok(noted) => noted.conclude(Reason::Done, reply),
        Err(_) => gate.log.unrecorded(&facts),
    };
    ended(gate, concluded, trail)
}

/// Records a refusal, then answers it.
pub async fn refuse(gate: &Gate, mut facts: Facts, refusal: Refusal, mut trail: Trail) -> Concluded {
    let core = &gate.core;
    facts.steps = trail.unrecorded();
    if let Some(decided) = refusal.decided {
        facts.decided = Some(*decided);
    }
    let concluded = gate.log.refusal(&facts, refusal.reason, &refusal.problem, core.clock.now()).await;
    ended(gate, concluded, trail)
}

/// Counts how a way ended, whose last step was the record of it.
pub fn ended(gate: &Gate, concluded: Concluded, mut trail: Trail) -> Concluded {
    trail.done(Step::Outcome, gate.core.clock.as_ref());
    counted(gate, concluded, &trail)
}

/// Counts how a way ended, and what its steps took.
pub fn counted(gate: &Gate, concluded: Concluded, trail: &Trail) -> Concluded {
    let core = &gate.core;
    trail.count(&core.metrics, core.clock.as_ref());
    concluded_alone(gate, concluded)
}

/// Counts how a way ended whose steps nobody knows, or are not told.
pub fn concluded_alone(gate: &Gate, concluded: Concluded) -> Concluded {
    gate.core.metrics.concluded(concluded.reason());
    concluded
}

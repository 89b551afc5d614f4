//! What partners ask for at their own door: who is there, before anything else, and the fork between its paths.
//!
//! Nothing of the backend's door is found here, no operation that the backend asks for and none of its own paths; and what is
//! here is told to partners alone.

use crate::audit::Concluded;
use crate::audit::Facts;
use crate::guard::Paced;
use crate::identity::KnownPartner;
use crate::model::Head;
use crate::model::Reason;
use crate::pipeline::calls::Calls;
use crate::pipeline::client_token;
use crate::pipeline::event_in;
use crate::pipeline::gate::Gate;
use crate::pipeline::gate::Visitor;
use crate::pipeline::inbound;
use crate::pipeline::operation;
use crate::pipeline::own;
use crate::pipeline::partner_checkpoint;
use crate::pipeline::partner_keys;
use crate::pipeline::port::Body;
use crate::pipeline::refusal::DoorFault;
use crate::pipeline::refusal::Refusal;
use crate::pipeline::route::Route;
use crate::pipeline::route::route_of;
use crate::pipeline::trail::Trail;
use crate::problem::ProblemType;
use crate::telemetry::Step;
use std::sync::Arc;

/// Who is there, and by which way.
pub struct Met {
    pub partner: KnownPartner,
    pub route: Arc<Route>,
    pub calls: Arc<Calls>,
    pub paced: Paced,
}

/// Handles a request at the partners' door.
pub async fn requested<B: Body>(gate: &Gate, visitor: &Visitor, head: &Head, body: &mut B) -> Concluded {
    let mut trail = Trail::begin(gate.core.clock.as_ref());
    // One exchange, one snapshot: whatever is loaded meanwhile is for those who come after.
    let snapshot = gate.core.snapshot.load_full();
    let mut facts = gate.facts(visitor, &snapshot);
    let met = meet(gate, visitor, head, &mut facts);
    trail.done(Step::Identify, gate.core.clock.as_ref());
    let refusal = match met {
        Ok(met) if *head.path == *event_in::PATH => {
            return event_in::received(gate, met, head, body, snapshot, facts, trail).await;
        }
        Ok(met) if *head.path == *client_token::PATH => {
            return client_token::asked(gate, met, head, body, &snapshot, facts, trail).await;
        }
        Ok(met) if [client_token::KEYS_PATH, client_token::METADATA_PATH].contains(&&*head.path) => {
            return client_token::published(gate, met, head, &snapshot, facts, trail).await;
        }
        Ok(met) if *head.path == *partner_keys::PATH => {
            return partner_keys::asked(gate, &met, head, facts, trail).await;
        }
        Ok(met) if *head.path == *partner_checkpoint::PATH => {
            return partner_checkpoint::asked(gate, &met, head, facts, trail).await;
        }
        // What is left of our own paths is none; all others are the contract's.
        Ok(met) if !own::PREFIXES.iter().any(|prefix| head.path.starts_with(prefix)) => {
            return inbound::asked(gate, met, head, body, snapshot, facts, trail).await;
        }
        Ok(_) => Refusal::new(Reason::UnknownOperation, ProblemType::NotFound),
        Err(refusal) => refusal,
    };
    operation::refuse(gate, facts, refusal, trail).await
}

/// Meets whoever asks: at the authority of a partner that may call, by that partner's certificate, trusted now, and within
/// the partner's rate.
///
/// # Errors
/// The first of these that is not so.
fn meet(gate: &Gate, visitor: &Visitor, head: &Head, facts: &mut Facts) -> Result<Met, Refusal> {
    let core = &gate.core;
    let route = route_of(&gate.routes, &head.authority, visitor.server_name.as_deref())?;
    let calls = route.calls.as_ref().ok_or(DoorFault::Authority)?;
    facts.partner = Some(route.name.clone());
    let peer = visitor.peer.as_ref().map_err(|fault| *fault)?;
    let partner = core.identity.partner(peer, &route.name, calls.peer(), core.clock.now().seconds())?;
    let paced = core.guard.pace(calls.pace(), core.clock.steady())?;
    core.guard.admit_certificate(partner.peer().certificate().thumbprint)?;
    facts.caller_known = true;
    Ok(Met { partner, route: Arc::clone(route), calls: Arc::clone(calls), paced })
}

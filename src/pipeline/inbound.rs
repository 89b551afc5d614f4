//! The way of an inbound operation, from a partner to the backend: that of an outbound one with other ports.
//!
//! The partner is known by its certificate (`from_partner`); that alone opens nothing here. It brings a token of its own, issued
//! at this listener to the client of this very partner and for this connection's certificate, with the scope that its contract
//! demands of the operation. From there on the steps, their proofs and their order are the other way's: admitted, rebuilt,
//! permitted to the principal `Partner`, pseudonyms turned back, on record, and only then the backend is asked, once.

use crate::audit::Concluded;
use crate::audit::Facts;
use crate::contract;
use crate::identity::IdentityFault;
use crate::model::Head;
use crate::model::Reason;
use crate::pipeline::facts;
use crate::pipeline::from_partner::Met;
use crate::pipeline::gate::Gate;
use crate::pipeline::operation;
use crate::pipeline::operation::Arrived;
use crate::pipeline::operation::Granted;
use crate::pipeline::port::Body;
use crate::pipeline::refusal::Refusal;
use crate::pipeline::route::Snapshot;
use crate::pipeline::trail::Trail;
use crate::problem::ProblemType;
use crate::telemetry::Step;
use std::sync::Arc;

/// Handles what a partner who is known asks for on a contract's path.
pub async fn asked<B: Body>(
    gate: &Gate,
    met: Met,
    head: &Head,
    body: &mut B,
    snapshot: Arc<Snapshot>,
    mut facts: Facts,
    mut trail: Trail,
) -> Concluded {
    let permitted = permitted(gate, met, head, body, snapshot, &mut facts, &mut trail).await;
    operation::carry_on(gate, permitted, facts, trail).await
}

/// The steps before anything has an effect.
async fn permitted<B: Body>(
    gate: &Gate,
    met: Met,
    head: &Head,
    body: &mut B,
    snapshot: Arc<Snapshot>,
    facts: &mut Facts,
    trail: &mut Trail,
) -> Result<Granted, Refusal> {
    let core = &gate.core;
    let now = core.clock.now();
    let nowhere = || Refusal::new(Reason::UnknownOperation, ProblemType::NotFound);
    let contract = snapshot.bundle.contract(&met.route.name).ok_or_else(nowhere)?;
    let declared = contract::declare_inbound(contract, head).map_err(|fault| Refusal::of_contract(&fault, true))?;
    facts::note_operation(facts, declared.operation());
    trail.done(Step::Declare, core.clock.as_ref());

    // Without a token nobody is asked, although the certificate is good.
    let client = met.calls.client().ok_or(IdentityFault::TokenMissing)?;
    let tokens = core.client_tokens.as_ref().ok_or(IdentityFault::TokenMissing)?.load();
    let scope = declared.operation().scope.as_deref().ok_or_else(nowhere)?;
    let caller = tokens.verify(&met.partner, client, scope, &head.fields, now.seconds())?;
    trail.done(Step::Identify, core.clock.as_ref());

    let Met { route, paced, .. } = met;
    let arrived = Arrived { route, snapshot, declared, caller, paced };
    operation::permitted(gate, arrived, head, body, facts, trail).await
}

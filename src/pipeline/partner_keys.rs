//! The way of `GET /-/jwks` at the partners' door: the keys by which this partner verifies its tokens and the signatures of
//! requests to it, those that will sign later included. Each partner is told its own.

use crate::audit::Concluded;
use crate::audit::Facts;
use crate::model::Head;
use crate::model::Reply;
use crate::pipeline::from_partner::Met;
use crate::pipeline::gate::Gate;
use crate::pipeline::operation;
use crate::pipeline::own;
use crate::pipeline::own::Form;
use crate::pipeline::refusal::Refusal;
use crate::pipeline::trail::Trail;
use http::StatusCode;

/// Where the keys are.
pub const PATH: &str = "/-/jwks";

/// Tells a partner that was met its keys.
pub async fn asked(gate: &Gate, met: &Met, head: &Head, facts: Facts, trail: Trail) -> Concluded {
    if let Err((reason, kind)) = own::has_form(head, Form::bare("GET")) {
        return operation::refuse(gate, facts, Refusal::new(reason, kind), trail).await;
    }
    let reply = Reply::json(StatusCode::OK, met.route.partner.jwks());
    operation::concluded_alone(gate, gate.log.published(&facts, reply))
}

//! The way of `GET /-/checkpoint` at the partners' door: the newest signed checkpoint of the log, for any partner that wants to be
//! a witness of it, also one whose tokens and requests tell none. It is the same for everybody and holds a number, a root and a
//! signature: nothing of a record. Who asks is met as everywhere here, by certificate and within its rate, and is not recorded.

use crate::audit::Concluded;
use crate::audit::Facts;
use crate::model::Head;
use crate::model::Reason;
use crate::model::Reply;
use crate::pipeline::from_partner::Met;
use crate::pipeline::gate::Gate;
use crate::pipeline::operation;
use crate::pipeline::own;
use crate::pipeline::own::Form;
use crate::pipeline::refusal::Refusal;
use crate::pipeline::trail::Trail;
use crate::problem::ProblemType;

/// Where it is.
pub const PATH: &str = "/-/checkpoint";

/// Tells a partner that was met how far the log has come; before there is a checkpoint there is nothing here.
pub async fn asked(gate: &Gate, _met: &Met, head: &Head, facts: Facts, trail: Trail) -> Concluded {
    if let Err((reason, kind)) = own::has_form(head, Form::bare("GET")) {
        return operation::refuse(gate, facts, Refusal::new(reason, kind), trail).await;
    }
    let Some(checkpoint) = gate.log.checkpoint() else {
        let nothing = Refusal::new(Reason::UnknownOperation, ProblemType::NotFound);
        return operation::refuse(gate, facts, nothing, trail).await;
    };
    let reply = Reply::text(checkpoint.note().to_owned());
    operation::concluded_alone(gate, gate.log.published(&facts, reply))
}

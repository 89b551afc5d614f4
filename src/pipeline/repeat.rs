//! A command that was given before under the same idempotency key: the same answer again, and nothing moves.

use crate::audit::Concluded;
use crate::audit::Facts;
use crate::audit::OutcomeState;
use crate::audit::RecallFault;
use crate::model::PastOutcome;
use crate::model::Receipt;
use crate::model::Reply;
use crate::partner::Answer;
use crate::pipeline::exchange::Asked;
use crate::pipeline::gate::Gate;
use crate::pipeline::operation;
use crate::pipeline::refusal::Refusal;
use crate::pipeline::refusal::by_permit;
use crate::pipeline::trail::Trail;

/// A repeated command: permitted anew, and known.
pub struct Repeated {
    pub asked: Asked,
    pub first: Receipt,
    pub outcome: PastOutcome,
}

/// Gives the recorded answer again; where it is not known, says so again.
pub async fn answer(gate: &Gate, repeated: Repeated, mut facts: Facts, mut trail: Trail) -> Concluded {
    // It was permitted anew, and that stands in whichever record ends it.
    facts.decided = Some(by_permit(repeated.asked.permit.decision()));
    let mut memory = match repeated.asked.route.room.answer() {
        Ok(memory) => memory,
        Err(fault) => return operation::refuse(gate, facts, fault.into(), trail).await,
    };
    match recall(gate, &repeated, &mut facts).await {
        Some(mut reply) => {
            reply.body = memory.with(reply.body);
            facts.steps = trail.unrecorded();
            let concluded = gate.log.repeat(&facts, repeated.first, reply, gate.core.clock.now()).await;
            operation::ended(gate, concluded, trail)
        }
        None => operation::refuse(gate, facts, Refusal::outcome_unknown(), trail).await,
    }
}

/// The first command's answer: the partner's, checked and restored as if it had come now, or our own. None if its persons are
/// not those of the first, or one was erased since: then it does not open.
async fn recall(gate: &Gate, repeated: &Repeated, facts: &mut Facts) -> Option<Reply> {
    let PastOutcome::Answered(place) = repeated.outcome else { return None };
    let key = facts.answers.clone();
    let kept = gate.log.recorded_answer(place, repeated.first, key.as_ref());
    let kept = gate.patiently(facts, kept, RecallFault::Late).await.ok()?;
    match kept.state() {
        OutcomeState::Done | OutcomeState::Refused => {
            repeated.asked.read(Answer::of_record(kept)).ok().map(|taken| taken.reply)
        }
        OutcomeState::Withdrawn | OutcomeState::NotSent => Some(kept.into_reply()),
        OutcomeState::Unknown => None,
    }
}

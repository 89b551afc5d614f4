//! The way of `GET /-/receipts/{id}`: what became of a command, told to the peer that gave it.
//!
//! Whose a command is, is the name in the peer's certificate: the same backend, whichever person's token came with it, since
//! a person's app never speaks to the gateway by itself. The answer holds state, reason and times, and nothing of the
//! request. Another's receipt, one that is not there, one that is forgotten and what is no receipt at all get the same 404
//! after the same steps. Refusals have no state to ask for: whoever was refused knows that nothing was sent.

use crate::audit::Concluded;
use crate::audit::Facts;
use crate::audit::Note;
use crate::audit::OutcomeState;
use crate::audit::ReceiptState;
use crate::json;
use crate::json::Object;
use crate::json::Value;
use crate::model::Head;
use crate::model::Reason;
use crate::model::Receipt;
use crate::model::Reply;
use crate::pipeline::gate::Gate;
use crate::pipeline::gate::Visitor;
use crate::pipeline::operation;
use crate::pipeline::own;
use crate::pipeline::own::Form;
use crate::pipeline::refusal::Refusal;
use crate::pipeline::trail::Trail;
use crate::problem::ProblemType;
use http::StatusCode;

/// What the paths of this way begin with; the receipt follows.
pub const PREFIX: &str = "/-/receipts/";

/// The word for a command that has no outcome yet.
const RUNNING: &str = "running";

/// Tells a backend what became of a command.
pub async fn requested(gate: &Gate, visitor: &Visitor, head: &Head) -> Concluded {
    let trail = Trail::begin(gate.core.clock.as_ref());
    let mut facts = gate.facts(visitor, &gate.core.snapshot.load());
    let (receipt, state) = match asked(gate, visitor, head, &mut facts) {
        Ok(found) => found,
        Err(refusal) => return operation::refuse(gate, facts, refusal, trail).await,
    };
    let concluded = match gate.log.note(&facts, Note::Receipt { of: receipt }, gate.core.clock.now()).await {
        Ok(noted) => noted.conclude(Reason::Done, reply(receipt, state)),
        Err(_) => gate.log.unrecorded(&facts),
    };
    operation::concluded_alone(gate, concluded)
}

/// Who asks, and what is known of their command.
fn asked(gate: &Gate, visitor: &Visitor, head: &Head, facts: &mut Facts) -> Result<(Receipt, ReceiptState), Refusal> {
    let caller = own::meet(gate, visitor, head, Form::bare("GET"), facts)?;
    gate.core.guard.pace_answer(caller.peer().name(), gate.core.clock.steady())?;
    // What is no receipt is looked for as well, so that it takes as long.
    let nobodys = Receipt::new([0; 16]);
    let receipt = head.path.strip_prefix(PREFIX).and_then(Receipt::parse).unwrap_or(nobodys);
    let found = gate.log.receipt(receipt, caller.peer().name(), gate.core.clock.now());
    found.map(|state| (receipt, state)).ok_or_else(|| Refusal::new(Reason::ReceiptUnknown, ProblemType::NotFound))
}

fn reply(receipt: Receipt, state: ReceiptState) -> Reply {
    let mut members = Object::new();
    members.insert("receipt", receipt.to_string());
    let settled = state.settled();
    let (ended, told) = (state.ended.map(|(state, ..)| state), settled.map(|(state, _)| state));
    members.insert("state", told.or(ended).map_or(RUNNING, OutcomeState::word));
    if let Some((_, reason, _)) = state.ended {
        members.insert("reason", reason.code());
    }
    members.insert("recorded", state.recorded.to_string());
    if let Some((.., at)) = state.ended {
        members.insert("ended", at.to_string());
    }
    if let Some((_, at)) = settled {
        members.insert("settled", at.to_string());
    }
    let mut body = Vec::with_capacity(192);
    json::write(&Value::Object(members), &mut body);
    Reply::json(StatusCode::OK, body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::UnixMillis;

    #[test]
    fn a_state_is_told_with_its_reason_and_times() {
        let (receipt, recorded) = (Receipt::new([7; 16]), UnixMillis::new(1_700_000_000_123));
        let of = |ended, told| reply(receipt, ReceiptState { recorded, ended, told }).body.to_vec();
        let told = |ended| String::from_utf8(of(ended, None)).unwrap();
        let running = format!(r#"{{"receipt":"{receipt}","state":"running","recorded":"2023-11-14T22:13:20.123Z"}}"#);
        assert_eq!(told(None), running);
        let ended = Some((OutcomeState::NotSent, Reason::PartnerUnreachable, recorded.plus(1)));
        let unsent = running.replace(r#""running""#, r#""not-sent","reason":"partner-unreachable""#);
        assert_eq!(told(ended), unsent.replace('}', r#","ended":"2023-11-14T22:13:20.124Z"}"#));
        let ended = Some((OutcomeState::Unknown, Reason::OutcomeUnknown, recorded.plus(1)));
        let settled = String::from_utf8(of(ended, Some((OutcomeState::Done, recorded.plus(2))))).unwrap();
        let times = r#""ended":"2023-11-14T22:13:20.124Z","settled":"2023-11-14T22:13:20.125Z"}"#;
        assert!(
            settled.contains(r#""state":"done","reason":"outcome-unknown""#) && settled.ends_with(times),
            "{settled}"
        );
    }
}

//! A case that asks for a session: what the policies' part of it comes to (`policy::narrow`). Who the app instance is, and by
//! which key its session is bound, is no question to policies, so no case says it.
//!
//! The token is verified as any other, and bound to its peer; the reply is the list of the rights that a session would have.

use crate::identity::Peer;
use crate::identity::TokenDemand;
use crate::identity::read_rights;
use crate::identity::write_rights;
use crate::model::Reason;
use crate::pipeline::Gate;
use crate::pipeline::Refusal;
use crate::policy::Narrowed;
use crate::workbench::case::Asks;
use crate::workbench::case::SESSION_PATH;
use crate::workbench::keeper::Keeper;
use crate::workbench::played::Played;
use crate::workbench::played::PlayedDecision;
use crate::workbench::played::Reply;
use http::HeaderMap;
use http::Method;
use std::sync::Arc;

/// The status of a reply with rights, and of one without: RFC 6749 §5.1 and §5.2.
const GIVEN: u16 = 200;
const REFUSED: u16 = 400;

/// Whether a case asks for a session.
pub(super) fn asks_for_session(asks: &Asks) -> bool {
    matches!(asks, Asks::Request { target, .. } if target == SESSION_PATH)
}

/// What comes of such a case, before a gate on which its revocations are in force.
pub(super) fn played(gate: &Gate, peer: &Peer, sent: (&HeaderMap, &[u8]), keeper: &Keeper) -> Played {
    let ids = |ids: &[Arc<str>]| ids.iter().map(ToString::to_string).collect::<Vec<String>>();
    let (reason, decision, body) = match narrowed(gate, peer, sent) {
        Ok(narrowed) => {
            let mut body = Vec::new();
            write_rights(narrowed.rights(), &mut body);
            let policies = ids(narrowed.decision().policies());
            (Reason::Done, Some(PlayedDecision { allow: true, policies, errors: Vec::new() }), Some(body))
        }
        Err(refusal) => {
            let decided = refusal.decided.map(|decided| PlayedDecision {
                allow: false,
                policies: ids(&decided.policies),
                errors: ids(&decided.errors),
            });
            (refusal.reason, decided, None)
        }
    };
    let asked = keeper.kept();
    let status = if body.is_some() { GIVEN } else { REFUSED };
    Played {
        reason,
        allowed: body.is_some(),
        // What policies were not asked they did not decide.
        decision: decision.filter(|_| !asked.is_empty()),
        operation: None,
        detail: None,
        sent: None,
        reply: Reply { status, fields: Vec::new(), body: body.unwrap_or_default() },
        asked,
        records: Vec::new(),
    }
}

fn narrowed(gate: &Gate, peer: &Peer, (fields, body): (&HeaderMap, &[u8])) -> Result<Narrowed, Refusal> {
    let core = gate.core();
    let (now, snapshot) = (core.clock.now(), core.snapshot.load_full());
    let path = SESSION_PATH;
    let caller = core.identity.verify(peer, fields, &Method::POST, path, TokenDemand::Any, None, now.seconds())?;
    let asked = read_rights(body)?;
    Ok(gate.narrow(&snapshot, &caller, &asked, now)?)
}

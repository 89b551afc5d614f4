//! The gateway's own paths of the backend listener, all under `/-/` and `/.well-known/`: the fork between them, and what is asked of whoever
//! comes to one, as strictly as a contract would ask it.

use crate::audit::Concluded;
use crate::audit::Facts;
use crate::contract;
use crate::guard::Paced;
use crate::identity::Caller;
use crate::model::Head;
use crate::model::Reason;
use crate::pipeline::directory;
use crate::pipeline::event_out;
use crate::pipeline::gate::Gate;
use crate::pipeline::gate::Visitor;
use crate::pipeline::metadata;
use crate::pipeline::operation;
use crate::pipeline::port::Body;
use crate::pipeline::receipt;
use crate::pipeline::refusal::DoorFault;
use crate::pipeline::refusal::Refusal;
use crate::pipeline::revocation;
use crate::pipeline::route::route_of;
use crate::pipeline::route::without_port;
use crate::pipeline::session;
use crate::pipeline::trail::Trail;
use crate::problem::ProblemType;

/// What every path of the gateway itself begins with.
pub const PREFIX: &str = "/-/";

/// What the gateway's own paths begin with at either door; no contract declares such a path.
pub const PREFIXES: [&str; 2] = [PREFIX, "/.well-known/"];

/// The form of a request to one of these paths; nothing else passes.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    method: &'static str,
    brings: Brings,
}

/// What comes with it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Brings {
    Nothing,
    Json,
    Form,
}

impl Form {
    /// A request that brings one JSON document.
    #[must_use]
    pub const fn json(method: &'static str) -> Self {
        Self { method, brings: Brings::Json }
    }

    /// A request that brings one form, by `POST`.
    #[must_use]
    pub const fn encoded() -> Self {
        Self { method: "POST", brings: Brings::Form }
    }

    /// A request that brings nothing.
    #[must_use]
    pub const fn bare(method: &'static str) -> Self {
        Self { method, brings: Brings::Nothing }
    }
}

/// Handles a request to one of these paths.
pub async fn requested<B: Body>(gate: &Gate, visitor: &Visitor, head: &Head, body: &mut B) -> Concluded {
    match head.path.as_ref() {
        event_out::PATH => event_out::requested(gate, visitor, head, body).await,
        revocation::PATH => revocation::requested(gate, visitor, head, body).await,
        directory::PATH => directory::requested(gate, visitor, head, body).await,
        session::PATH => session::requested(gate, visitor, head, body).await,
        metadata::KEYS_PATH => metadata::requested(gate, visitor, head).await,
        path if metadata::lies_at(&gate.core.sessions, path) => metadata::requested(gate, visitor, head).await,
        path if path.starts_with(receipt::PREFIX) => receipt::requested(gate, visitor, head).await,
        _ => nowhere(gate, visitor, head).await,
    }
}

/// Meets whoever asks: at an authority that is served, in the right form, within the peer's rate, and trusted now.
///
/// # Errors
/// The first of these that is not so.
pub fn meet(gate: &Gate, visitor: &Visitor, head: &Head, form: Form, facts: &mut Facts) -> Result<Caller, Refusal> {
    meet_paced(gate, visitor, head, form, facts).map(|(caller, _)| caller)
}

/// The same, with the proof that the peer's rate was asked.
///
/// # Errors
/// As [`meet`].
pub fn meet_paced(
    gate: &Gate,
    visitor: &Visitor,
    head: &Head,
    form: Form,
    facts: &mut Facts,
) -> Result<(Caller, Paced), Refusal> {
    at_home(gate, visitor, head)?;
    has_form(head, form).map_err(|(reason, kind)| Refusal::new(reason, kind))?;
    let core = &gate.core;
    let peer = visitor.peer.as_ref().map_err(|fault| *fault)?;
    let paced = core.guard.pace(peer.name(), core.clock.steady())?;
    let caller = core.identity.peer_only(peer, core.clock.now().seconds())?;
    core.guard.admit_peer(&caller)?;
    facts.caller_known = true;
    Ok((caller, paced))
}

/// The gateway's own paths are at the partners' authorities, like everything else, and where the gateway is known to be; and
/// at no other name than the handshake's.
///
/// # Errors
/// [`DoorFault::Authority`].
fn at_home(gate: &Gate, visitor: &Visitor, head: &Head) -> Result<(), DoorFault> {
    let (asked, public) = (without_port(&head.authority), gate.core.sessions.public_url().host());
    let by_its_name = asked == public;
    match visitor.server_name.as_deref() {
        Some(name) if by_its_name && !name.eq_ignore_ascii_case(asked) => Err(DoorFault::Authority),
        _ if by_its_name => Ok(()),
        name => route_of(&gate.routes, &head.authority, name).map(drop),
    }
}

/// Where nothing is; told only at an authority that is served.
async fn nowhere(gate: &Gate, visitor: &Visitor, head: &Head) -> Concluded {
    let trail = Trail::begin(gate.core.clock.as_ref());
    let facts = gate.facts(visitor, &gate.core.snapshot.load());
    let refusal = match at_home(gate, visitor, head) {
        Ok(()) => Refusal::new(Reason::UnknownOperation, ProblemType::NotFound),
        Err(fault) => Refusal::from(fault),
    };
    operation::refuse(gate, facts, refusal, trail).await
}

/// Whether a head has this form, held as strictly as by a contract.
pub fn has_form(head: &Head, form: Form) -> Result<(), (Reason, ProblemType)> {
    if head.method != form.method {
        return Err((Reason::MethodNotDeclared, ProblemType::MethodNotAllowed));
    }
    if head.query.is_some() {
        return Err((Reason::QueryInvalid, ProblemType::InvalidRequest));
    }
    if contract::holds_refused_field(&head.fields) {
        return Err((Reason::RefusedField, ProblemType::BadRequest));
    }
    let fits = match form.brings {
        Brings::Nothing => true,
        Brings::Json => !contract::says_coded(&head.fields) && contract::says_json(&head.fields),
        Brings::Form => !contract::says_coded(&head.fields) && contract::says_form(&head.fields),
    };
    if !fits {
        return Err((Reason::MediaTypeNotDeclared, ProblemType::UnsupportedMediaType));
    }
    if form.brings == Brings::Nothing && !head.no_body && head.content_length != Some(0) {
        return Err((Reason::BodyInvalid, ProblemType::InvalidRequest));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const POST: Form = Form::json("POST");
    const JSON: (&str, &str) = ("content-type", "application/json");

    fn reason(
        form: Form,
        method: &str,
        query: Option<&str>,
        fields: &[(&'static str, &'static str)],
    ) -> Option<Reason> {
        let head = Head {
            method: method.parse().unwrap(),
            path: "/-/somewhere".into(),
            query: query.map(Box::from),
            authority: "gateway.test".into(),
            fields: fields.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect(),
            content_length: (method == "POST").then_some(2),
            no_body: method != "POST",
        };
        has_form(&head, form).err().map(|(reason, _)| reason)
    }

    #[test]
    fn a_head_is_held_as_strictly_as_by_a_contract() {
        assert_eq!(reason(POST, "POST", None, &[JSON]), None);
        assert_eq!(reason(POST, "POST", Some("a=b"), &[JSON]), Some(Reason::QueryInvalid));
        assert_eq!(reason(POST, "PUT", None, &[JSON]), Some(Reason::MethodNotDeclared));
        for field in [("x-forwarded-for", "a"), ("cookie", "a=b"), ("te", "gzip")] {
            assert_eq!(reason(POST, "POST", None, &[JSON, field]), Some(Reason::RefusedField), "{field:?}");
        }
        let coded = [JSON, ("content-encoding", "gzip")];
        for types in [&[][..], &[JSON, JSON][..], &[("content-type", "text/plain")][..], &coded[..]] {
            assert_eq!(reason(POST, "POST", None, types), Some(Reason::MediaTypeNotDeclared), "{types:?}");
        }
        let bare = |method| Form::bare(method);
        assert_eq!(reason(bare("GET"), "GET", None, &[]), None);
        assert_eq!(reason(bare("GET"), "GET", Some("a=b"), &[]), Some(Reason::QueryInvalid));
        assert_eq!(reason(bare("GET"), "HEAD", None, &[]), Some(Reason::MethodNotDeclared));
        assert_eq!(reason(bare("POST"), "POST", None, &[JSON]), Some(Reason::BodyInvalid), "it brings two bytes");
    }
}

//! A case, explained from what came of playing it: its records, what Cedar was asked, and the contract, asked once more where
//! the caller was told nothing.

use crate::bundle::Bundle;
use crate::contract;
use crate::contract::ContractFault;
use crate::identity::TokenKind;
use crate::json;
use crate::json::Value;
use crate::model::Direction;
use crate::model::Head;
use crate::model::Name;
use crate::model::Reason;
use crate::model::Recordable;
use crate::policy::Asked;
use crate::policy::Fact;
use crate::policy::Placed;
use crate::problem::WrongPlace;
use crate::workbench::Asks;
use crate::workbench::Case;
use crate::workbench::CaseToken;
use crate::workbench::Played;
use crate::workbench::Stage;
use crate::workbench::StageFault;
use crate::workbench::explain::ContractRule;
use crate::workbench::explain::Explanation;
use crate::workbench::explain::PolicyView;
use crate::workbench::explain::of_receipt;
use crate::workbench::explain::seen;
use crate::workbench::explain::seen::Seen;
use crate::workbench::explain::seen::Taken;
use crate::workbench::explain::step::WayStep;
use crate::workbench::explain::story::Story;
use crate::workbench::explain::story::text;
use http::HeaderMap;
use http::Method;
use std::sync::Arc;

/// Plays cases of one bundle, and explains what came of each.
pub struct Explainer {
    stage: Stage,
}

impl Explainer {
    /// For the cases of `bundle`.
    ///
    /// # Errors
    /// [`StageFault`] where there is no stage for it.
    pub fn of(bundle: Arc<Bundle>) -> Result<Self, StageFault> {
        Ok(Self { stage: Stage::of(bundle)? })
    }

    /// Plays a case and explains what came of it; `None` where it left no record, which no case does.
    ///
    /// # Errors
    /// [`StageFault`] where it cannot be played.
    pub fn explain(&self, case: &Case) -> Result<Option<Explanation>, StageFault> {
        let played = self.stage.play(case)?;
        Ok(of_case(self.stage.bundle(), case, &played))
    }
}

/// Explains what came of a case.
fn of_case(bundle: &Bundle, case: &Case, played: &Played) -> Option<Explanation> {
    let records: Vec<Value> =
        played.records.iter().filter_map(|line| json::parse(line.as_bytes(), json::Limits::default()).ok()).collect();
    let own = own_records(&records);
    let story = Story::of(&own)?;
    let ended = story.ended();
    let mut notes = Vec::new();
    let policies = story.decision().and_then(|(allow, determining)| {
        let view = view(bundle, played.asked.first()?, &Taken { allow, policies: determining });
        if view.is_none() {
            notes.push("The policies of this bundle do not know the action.".to_owned());
        }
        view
    });
    if story.decision().is_none() && matches!(story.kind(), "refusal" | "intent" | "event") {
        notes.push("Policies were not asked, or what they said does not count.".to_owned());
    }
    let mut facts = vec![("at", case.at.to_string())];
    facts.extend(of_receipt::facts(&story).into_iter().filter(|(label, _)| *label != "recorded"));
    // What the stage calls a person is another word in every run.
    facts.retain(|(label, _)| *label != "caller");
    facts.extend(case.caller.token.as_ref().map(|token| ("token", of_token(token))));
    if ended.known.map(WayStep::of) == Some(WayStep::Guard) && !case.revoked.is_empty() {
        let kinds: Vec<&str> = case.revoked.iter().map(|(kind, ..)| kind.word()).collect();
        facts.push(("revoked", kinds.join(", ")));
    }
    Some(Explanation {
        about: format!("case {} ({}:{})", case.name, case.source.path().display(), case.place.line),
        allowed: ended.allowed,
        contract: contract_rule(bundle, case, played, &story, ended.known),
        step: ended.step,
        facts,
        reason: ended.reason,
        says: ended.says,
        policies,
        notes,
    })
}

/// The records of the case itself, behind those of what was set up for it.
fn own_records(records: &[Value]) -> Vec<&Value> {
    let begins = |record: &&Value| {
        matches!(
            text(record, "kind"),
            Some("intent" | "refusal" | "repeat" | "event" | "revocation" | "directory" | "receipt" | "refusals")
        )
    };
    let receipt = records.iter().rev().find(begins).and_then(|record| text(record, "receipt"));
    records.iter().filter(|record| receipt.is_some() && text(record, "receipt") == receipt).collect()
}

/// What of a token speaks of no person.
fn of_token(token: &CaseToken) -> String {
    let mut told = vec![token.kind.word().to_owned()];
    told.extend(token.tenant.as_ref().map(|tenant| format!("of {tenant}")));
    if !token.roles.is_empty() {
        told.push(format!("roles {}", token.roles.join(", ")));
    }
    if !token.houses.is_empty() {
        told.push(format!("houses {}", token.houses.join(", ")));
    }
    let rights = token.rights.iter().map(|right| {
        let thing = if right.things.is_empty() { String::new() } else { format!("/{}", right.things.join("+")) };
        format!("{} on {}{thing}", right.actions.join("+"), right.house)
    });
    let rights: Vec<String> = rights.collect();
    if !rights.is_empty() {
        told.push(format!("rights {}", rights.join(", ")));
    }
    told.push(format!("{} s old, good for {} s", token.age_s, token.lifetime_s));
    told.push(match (&token.bound_to, token.kind) {
        (Some(peer), TokenKind::SignIn) => format!("bound to {peer}"),
        (Some(peer), TokenKind::Session) => format!("bound to its app, through {peer}"),
        (None, _) => "bound to none".to_owned(),
    });
    told.join("; ")
}

/// What the policies came to, by what Cedar was asked.
fn view(bundle: &Bundle, asked: &Asked, taken: &Taken<'_>) -> Option<PolicyView> {
    let weighed = bundle.policies().weigh(asked)?;
    let mut seen = Seen { complete: true, ..Seen::default() };
    for attribute in asked.context() {
        seen.insert(&attribute.name, &attribute.value, attribute.recordable);
    }
    for (name, placed) in [("principal", asked.principal()), ("resource", asked.resource())] {
        let Placed { uid, within } = placed;
        seen.insert(name, &Fact::Entity(uid), Recordable::Value);
        let within = within.into_iter().map(Fact::Entity).collect();
        seen.insert(&format!("{name}.in"), &Fact::Set(within), Recordable::Value);
    }
    Some(seen::view(bundle, asked.action(), &weighed, &seen, taken))
}

/// What the contract had against it.
fn contract_rule(
    bundle: &Bundle,
    case: &Case,
    played: &Played,
    story: &Story<'_>,
    reason: Option<Reason>,
) -> Option<ContractRule> {
    let step = reason.map(WayStep::of)?;
    let of_contract =
        matches!(step, WayStep::Declare | WayStep::Rebuild) || reason == Some(Reason::IdempotencyKeyInvalid);
    let at = story.ending.and_then(|ending| ending.get("at"));
    if !of_contract && at.is_none() {
        return None;
    }
    if let Some(at) = at {
        let place = format!("the partner's answer, {} {}", text(at, "in")?, text(at, "pointer")?);
        let expected = text(at, "expected").map(str::to_owned);
        return Some(ContractRule { place: Some(place.trim_end().to_owned()), expected, declared: None });
    }
    let (partner, told) = match &case.asks {
        Asks::Request { partner, direction, method, target, fields, body, .. } => {
            let way = (partner, *direction);
            (partner, again(bundle, way, method, target, fields, body.len()))
        }
        Asks::Event { partner, .. } => (partner, None),
    };
    let place =
        told.as_ref().and_then(|fault| fault.place().map(Place::from)).or_else(|| told_to_caller(&played.reply.body));
    let operation = story.name("operation").or_else(|| named_by(bundle, partner, case));
    let declared = declared(bundle, partner, operation.as_ref(), place.as_ref(), reason);
    let shown = place.as_ref().map(|place| format!("{} {}", place.part, place.pointer).trim_end().to_owned());
    Some(ContractRule { place: shown, expected: place.map(|place| place.expected), declared })
}

/// The head, asked once more: a caller who is not known yet was told nothing.
fn again(
    bundle: &Bundle,
    (partner, direction): (&Name, Direction),
    method: &Method,
    target: &str,
    fields: &HeaderMap,
    length: usize,
) -> Option<ContractFault> {
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    let head = Head {
        method: method.clone(),
        path: path.into(),
        query: query.map(Box::from),
        authority: Box::default(),
        fields: fields.clone(),
        content_length: (length > 0).then(|| u64::try_from(length).unwrap_or(u64::MAX)),
        no_body: length == 0,
    };
    let contract = bundle.contract(partner)?;
    match direction {
        Direction::Outbound => contract::declare(contract, &head).err(),
        Direction::Inbound => contract::declare_inbound(contract, &head).err(),
    }
}

/// A place that did not fit, as a problem document tells it.
struct Place {
    part: String,
    pointer: String,
    expected: String,
}

/// The first place of the problem document that the caller received.
fn told_to_caller(body: &[u8]) -> Option<Place> {
    let problem = json::parse(body, json::Limits::default()).ok()?;
    let error = problem.get("errors")?.as_array()?.first()?;
    let word = |name: &str| text(error, name).map(str::to_owned);
    Some(Place { part: word("in")?, pointer: word("pointer")?, expected: word("expected")? })
}

impl From<&WrongPlace> for Place {
    fn from(wrong: &WrongPlace) -> Self {
        let WrongPlace { part, pointer, expected } = wrong;
        Self { part: (*part).to_owned(), pointer: pointer.clone(), expected: (*expected).to_owned() }
    }
}

/// The operation whose path and method a request has, or the event that a body names, where no record names it yet.
fn named_by(bundle: &Bundle, partner: &Name, case: &Case) -> Option<Name> {
    let contract = bundle.contract(partner)?;
    match &case.asks {
        Asks::Request { method, target, .. } => {
            let path = target.split('?').next().unwrap_or_default();
            Some(contract.operation_of(method, path)?.id.clone())
        }
        Asks::Event { body, .. } => {
            let mut texts = Vec::new();
            body.texts(&mut texts);
            contract.events().iter().find(|event| texts.contains(&event.name.as_str())).map(|event| event.name.clone())
        }
    }
}

/// What the contract declares at a place, or for the operation as a whole.
fn declared(
    bundle: &Bundle,
    partner: &Name,
    operation: Option<&Name>,
    place: Option<&Place>,
    reason: Option<Reason>,
) -> Option<String> {
    let contract = bundle.contract(partner)?;
    let known = contract.operations().iter().find(|known| Some(&known.id) == operation);
    let event = contract.events().iter().find(|known| Some(&known.name) == operation);
    match (place, reason) {
        (Some(place), _) => known
            .and_then(|operation| operation.declared_at(&place.part, &place.pointer))
            .or_else(|| event.and_then(|event| event.declared_at(&place.part, &place.pointer))),
        (None, Some(Reason::IdentifierMismatch)) => Some(known?.bound_to_claims().join(", ")),
        (None, Some(Reason::MediaTypeNotDeclared)) => Some(known?.declared_media_types()),
        (None, Some(Reason::BodyTooLarge)) => {
            let most = known.map(|known| known.body_max_bytes).or_else(|| event.map(|event| event.body_max_bytes))?;
            Some(format!("a body of at most {most} bytes"))
        }
        (None, Some(Reason::MethodNotDeclared)) => None,
        (None, _) => known.map(|operation| format!("{} {}", operation.method, operation.path)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_that_a_caller_was_told_is_read_back() {
        let body = br#"{"errors":[{"in":"body","pointer":"/userId","expected":"length"}]}"#;
        let place = told_to_caller(body).unwrap();
        assert_eq!((&*place.part, &*place.pointer, &*place.expected), ("body", "/userId", "length"));
        for none in [&b"{}"[..], b"", br#"{"errors":[]}"#, br#"{"errors":[{"in":"body"}]}"#] {
            assert!(told_to_caller(none).is_none());
        }
    }
}

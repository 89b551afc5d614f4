//! A receipt, explained from what stands in the log under it, together with a bundle.

use crate::audit::Found;
use crate::audit::FoundRecord;
use crate::bundle::Bundle;
use crate::clock::UnixMillis;
use crate::clock::UnixSeconds;
use crate::json::Value;
use crate::model::Direction;
use crate::model::Name;
use crate::model::Receipt;
use crate::model::Recordable;
use crate::policy::DemandedBy;
use crate::policy::Fact;
use crate::policy::RecordedQuestion;
use crate::workbench::explain::ContractRule;
use crate::workbench::explain::Explanation;
use crate::workbench::explain::PolicyView;
use crate::workbench::explain::seen;
use crate::workbench::explain::seen::Seen;
use crate::workbench::explain::seen::Taken;
use crate::workbench::explain::shown;
use crate::workbench::explain::step::WayStep;
use crate::workbench::explain::story::Ended;
use crate::workbench::explain::story::Story;
use crate::workbench::explain::story::text;

/// Explains what stands under `receipt`. `bundle` is the one whose policies are looked at; it is said where another one
/// judged.
#[must_use]
pub fn of_receipt(bundle: &Bundle, receipt: Receipt, found: &Found) -> Option<Explanation> {
    let records: Vec<&Value> = found.records.iter().map(FoundRecord::value).collect();
    let story = Story::of(&records)?;
    let ended = story.ended();
    // As much of the digest as records hold of it.
    let same =
        story.text("bundle").is_some_and(|told| told.len() >= 32 && bundle.digest().to_string().starts_with(told));
    let mut notes = notes(&story, &ended, same, bundle);
    if let Some(damage) = &found.damaged {
        notes.push(format!(
            "The log is damaged: {damage}. What stands under this receipt behind that place is not told."
        ));
    }
    let policies = policies(&story, bundle, same, &mut notes);
    let mut facts = facts(&story);
    if !same {
        facts.insert(0, ("judged by", "another bundle than the one given here: see the note".to_owned()));
    }
    Some(Explanation {
        about: format!("receipt {receipt}"),
        allowed: ended.allowed,
        contract: contract(&story, &ended, bundle),
        step: ended.step,
        facts,
        reason: ended.reason,
        says: ended.says,
        policies,
        notes,
    })
}

/// What the records say of it. All of it is ours or the operator's: records hold no stranger's text.
pub(super) fn facts(story: &Story<'_>) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    let mut add = |label, value: Option<String>| facts.extend(value.map(|value| (label, value)));
    let own = |name: &str| story.text(name).map(str::to_owned);
    let ending = |name: &str| story.ending.and_then(|ending| text(ending, name)).map(str::to_owned);
    add("recorded", own("time").map(|time| format!("{time}, as {}", story.kind())));
    let towards = own("partner").map(|partner| format!(" of {partner}")).unwrap_or_default();
    let purpose = own("purpose").map(|purpose| format!(", for {purpose}")).unwrap_or_default();
    add("operation", own("operation").map(|operation| format!("{operation}{towards}{purpose}")));
    let thing = story.resource().map(|(id, tenant)| format!("{} {} of {tenant}", id.kind, id.parts.join("/")));
    add("thing", thing);
    add("sent by", own("peer"));
    let handles = ["subject", "device", "car"].map(|name| own(name).map(|handle| format!("{name} {handle}")));
    let handles: Vec<String> = handles.into_iter().flatten().collect();
    add("caller", (!handles.is_empty()).then(|| handles.join(", ")));
    add("tenant", own("tenant"));
    let person = story.opening.get("by");
    add("person", person.and_then(|by| Some(format!("{} as {}", text(by, "person")?, text(by, "role")?))));
    add("act", own("act"));
    add("asks about", own("of").map(|of| format!("receipt {of}")));
    add("repeats", own("first").map(|first| format!("receipt {first}")));
    add(
        "ended",
        ending("time").map(|time| match ending("state") {
            Some(state) => format!("{time}, {state}"),
            None => time,
        }),
    );
    add("detail", ending("detail").or_else(|| own("detail")));
    let status = story.ending.and_then(|ending| ending.get("status")?.as_integer());
    add("partner's answer", status.map(|status| format!("status {status}")));
    facts
}

/// A rule of the contract, as far as the record tells it.
fn contract(story: &Story<'_>, ended: &Ended, bundle: &Bundle) -> Option<ContractRule> {
    if let Some(at) = story.ending.and_then(|ending| ending.get("at")) {
        let pointer = text(at, "pointer").unwrap_or_default();
        let place = format!("the partner's answer, {} {pointer}", text(at, "in").unwrap_or_default());
        return Some(ContractRule {
            place: Some(place.trim_end().to_owned()),
            expected: text(at, "expected").map(str::to_owned),
            declared: None,
        });
    }
    let step = ended.known.map(WayStep::of)?;
    if !matches!(step, WayStep::Declare | WayStep::Rebuild) {
        return None;
    }
    let contract = story.name("partner").and_then(|partner| bundle.contract(&partner).cloned());
    let operation = story.name("operation");
    let operation = contract
        .as_ref()
        .and_then(|contract| contract.operations().iter().find(|known| Some(&known.id) == operation.as_ref()));
    let bound = operation.map(|operation| operation.bound_to_claims());
    let declared = match ended.known {
        Some(crate::model::Reason::IdentifierMismatch) => bound.map(|bound| bound.join(", ")),
        _ => operation.map(|operation| format!("{} {}", operation.method, operation.path)),
    };
    Some(ContractRule { place: None, expected: None, declared })
}

/// What is not known, and what to keep in mind.
fn notes(story: &Story<'_>, ended: &Ended, same: bool, bundle: &Bundle) -> Vec<String> {
    let mut notes = Vec::new();
    match story.text("bundle") {
        Some(_) if same => {}
        Some(digest) => notes.push(format!(
            "Another bundle judged then: its digest begins with {digest}, and that of the one given here is {}. Contract and policies \
             below are those of the one given here.",
            bundle.digest()
        )),
        None => notes.push("The record does not tell by which bundle it was judged.".to_owned()),
    }
    let step = ended.known.map(WayStep::of);
    if matches!(step, Some(WayStep::Declare | WayStep::Rebuild)) && story.kind() == "refusal" {
        notes.push(
            "The record does not hold which place of the request did not fit: play the request as a case.".to_owned(),
        );
    }
    if step == Some(WayStep::Place) {
        notes.push("The record does not hold what the directory said then, but for its version.".to_owned());
    }
    if story.decision().is_none() && matches!(story.kind(), "refusal" | "intent" | "event") {
        notes.push("Policies were not asked, or what they said does not count.".to_owned());
    }
    notes
}

/// What the policies came to, by as much as the record holds.
fn policies(story: &Story<'_>, bundle: &Bundle, same: bool, notes: &mut Vec<String>) -> Option<PolicyView> {
    let (allow, determining) = story.decision()?;
    let taken = Taken { allow, policies: determining };
    let view = weighed(story, bundle, same, &taken);
    if view.is_none() {
        let named = if taken.policies.is_empty() { "none".to_owned() } else { taken.policies.join(", ") };
        notes.push(format!(
            "What the policies came to cannot be worked out again from this record with this bundle. The record names as \
             determining: {named}."
        ));
    }
    view
}

/// The question of the record put again; `None` where the bundle does not know what it was about.
fn weighed(story: &Story<'_>, bundle: &Bundle, same: bool, taken: &Taken<'_>) -> Option<PolicyView> {
    let (partner, operation) = (story.name("partner")?, story.name("operation")?);
    let (by, action) = asker(bundle, &partner, &operation)?;
    let (resource, tenant) = story.resource()?;
    let peer = story.text("peer").unwrap_or_default();
    let inputs = story.inputs();
    let is_of_person = |name: &str| {
        let recordable = bundle.policies().recordable(&action, name);
        recordable.is_some_and(|recordable| recordable != Recordable::Value)
    };
    let known = inputs.iter().map(|(name, fact)| (*name, fact.clone().filter(|_| !is_of_person(name))));
    let question = RecordedQuestion {
        by,
        peer,
        partner: &partner,
        action: &action,
        resource: &resource,
        tenant: &tenant,
        now: found_time(story),
        inputs: known.collect(),
        by_the_same: same,
    };
    let weighed = bundle.policies().weigh_recorded(&question)?;
    let mut seen = seen_on_record(&inputs, is_of_person);
    seen.complete = same;
    let thing = format!("{} {} of {tenant}", resource.kind, resource.parts.join("/"));
    seen.values.insert("resource".to_owned(), thing);
    let principal = match by {
        DemandedBy::User => {
            story.text("subject").map_or("(the caller)".to_owned(), |handle| format!("subject {handle}"))
        }
        DemandedBy::Backend => format!("Backend::\"{peer}\""),
        DemandedBy::Partner | DemandedBy::Client => format!("Partner::\"{partner}\""),
    };
    seen.values.insert("principal".to_owned(), principal);
    Some(seen::view(bundle, &action, &weighed, &seen, taken))
}

/// What the policies read, as the record has it: of a person the handle, or that it was withheld.
fn seen_on_record(inputs: &[(&str, Option<Fact>)], is_of_person: impl Fn(&str) -> bool) -> Seen {
    let mut seen = Seen::default();
    for (name, fact) in inputs {
        let of_person = is_of_person(name);
        if of_person || fact.is_none() {
            seen.persons.push((*name).to_owned());
        }
        let value = match fact {
            Some(Fact::Text(handle)) if of_person => handle.clone(),
            Some(fact) if !of_person => shown::value(fact),
            _ => "(withheld)".to_owned(),
        };
        seen.values.insert((*name).to_owned(), value);
    }
    seen
}

/// When a record was made, by which permits that have an end are looked at.
fn found_time(story: &Story<'_>) -> Option<UnixSeconds> {
    UnixMillis::parse(story.text("time")?).map(UnixMillis::seconds)
}

/// Who asks by an operation or event of this name, and the action that it is.
fn asker(bundle: &Bundle, partner: &Name, name: &Name) -> Option<(DemandedBy, String)> {
    let contract = bundle.contract(partner)?;
    if let Some(operation) = contract.operations().iter().find(|operation| operation.id == *name) {
        let by = match operation.direction {
            Direction::Outbound => DemandedBy::User,
            Direction::Inbound => DemandedBy::Client,
        };
        return Some((by, operation.action.to_string()));
    }
    let event = contract.events().iter().find(|event| event.name == *name)?;
    let by = match event.direction {
        Direction::Outbound => DemandedBy::Backend,
        Direction::Inbound => DemandedBy::Partner,
    };
    Some((by, event.action.to_string()))
}

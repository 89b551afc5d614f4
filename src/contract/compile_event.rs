//! What one webhook as written means: an event that goes to the partner, or comes from it.
//!
//! Its body is what Standard Webhooks recommend, and nothing beside it: `type` is the event's name, `timestamp` when it happened,
//! `data` all the rest. No token speaks for an event, so no identifier in it is bound to a claim; instead the partner never learns
//! who a person is: towards it such an identifier is not kept, and from it nothing but a pseudonym is taken.

use crate::contract::compile;
use crate::contract::compile_body::not_null;
use crate::contract::compile_operation::required_leaf;
use crate::contract::compile_schema::Position;
use crate::contract::compile_schema::SchemaCompiler;
use crate::contract::cost::Cost;
use crate::contract::event::DATA;
use crate::contract::event::Event;
use crate::contract::event::TIMESTAMP;
use crate::contract::event::TYPE;
use crate::contract::format::Format;
use crate::contract::leaf::Check;
use crate::contract::operation::ResourceRule;
use crate::contract::pattern::Patterns;
use crate::contract::schema::Object;
use crate::contract::schema::Schema;
use crate::contract::written;
use crate::contract::written::At;
use crate::contract::written::EventWords;
use crate::contract::written::Member;
use crate::contract::written::Shape;
use crate::contract::written::Webhook;
use crate::diagnostic::Place;
use crate::limits::Limits;
use crate::model::DataClass;
use crate::model::Direction;
use crate::yaml::Reader;

/// Compiles an event.
pub(super) fn compile(
    reader: &Reader,
    written: Webhook<'_>,
    limits: &Limits,
    patterns: &mut Patterns,
) -> Option<Event> {
    let Webhook { name, words, body } = written;
    let mut schemas = SchemaCompiler {
        reader,
        limits: compile::json_limits(limits),
        patterns,
        fields: Vec::new(),
        cost: Cost::default(),
        tokenless: Some(words.direction.value),
    };
    not_null(reader, &body)?;
    let Shape::Object(object) = &body.shape else {
        fault(reader, body.place, "the body of an event is no object with declared properties");
        return None;
    };
    let whole = is_envelope(reader, body.place, name.value.as_str(), &object.members);
    let root = Position::taken_whole();
    let envelope = schemas.body(limits.body_max_bytes, |schemas| schemas.object(body.place, &object.members, &root));
    let fields = schemas.fields;
    let (true, Some(envelope)) = (whole, envelope) else { return None };
    let public = [TYPE, TIMESTAMP]
        .iter()
        .all(|name| required_leaf(&envelope, name).is_some_and(|leaf| leaf.rule.class == DataClass::Public));
    if !public {
        fault(reader, body.place, "`type` and `timestamp` of an event are not of class `public`");
        return None;
    }
    narrows_outward(reader, &words);
    let resource = resource(reader, &words, data(&envelope)?);
    Some(Event {
        name: name.value,
        action: words.action,
        resource: resource?,
        direction: words.direction.value,
        narrows: words.narrows.is_some_and(|narrows| narrows.value),
        purpose: words.purpose,
        legal_basis: words.legal_basis,
        body_max_bytes: limits.body_max_bytes,
        fields,
        envelope,
    })
}

/// The schema of an event's data.
fn data(envelope: &Object) -> Option<&Object> {
    match &envelope.member(DATA)?.1.schema {
        Schema::Object(data) => Some(data),
        Schema::Array(_)
        | Schema::Leaf(_)
        | Schema::Map(_)
        | Schema::Choice(_)
        | Schema::Kinds(_)
        | Schema::Nullable(_) => None,
    }
}

/// Whether a body is what an event's must be.
fn is_envelope(reader: &Reader, place: Place, name: &str, members: &[Member<'_>]) -> bool {
    let mut whole = true;
    let mut refuse = |place, message: &str| {
        fault(reader, place, message);
        whole = false;
    };
    for wanted in [TYPE, TIMESTAMP, DATA] {
        match members.iter().find(|member| member.name.value == wanted) {
            Some(member) if member.required => {
                if let Some(message) = unfit(wanted, name, &member.schema) {
                    refuse(member.name.place, &message);
                }
            }
            Some(member) => refuse(member.name.place, &format!("`{wanted}` of an event is not required")),
            None => refuse(place, &format!("the event has no `{wanted}`")),
        }
    }
    for member in members.iter().filter(|member| ![TYPE, TIMESTAMP, DATA].contains(&member.name.value)) {
        refuse(member.name.place, &format!("`{}` stands beside the `data` of an event", member.name.value));
    }
    whole
}

/// What is wrong with a member of an event's body.
fn unfit(wanted: &str, name: &str, schema: &written::Schema<'_>) -> Option<String> {
    let fits = schema.null.is_none()
        && match (wanted, &schema.shape) {
            (TYPE, Shape::Text { limits, .. }) => limits.words.as_deref() == Some(&[name]),
            (TIMESTAMP, Shape::Text { limits, .. }) => limits.format == Some(Format::DateTime),
            (DATA, Shape::Object(_)) => true,
            _ => false,
        };
    let message = match wanted {
        TYPE => format!("`type` of the event is not `const: {name}`"),
        TIMESTAMP => "`timestamp` of an event is not `format: date-time`".to_owned(),
        _ => "`data` of an event is no object with declared properties".to_owned(),
    };
    (!fits).then_some(message)
}

/// The names that make the resource's id: members of the data that are always there, as text that we can read.
fn resource(reader: &Reader, words: &EventWords<'_>, data: &Object) -> Option<ResourceRule> {
    for At { place, value: name } in &words.id {
        let is_text = required_leaf(data, name).map(|leaf| matches!(leaf.check, Check::Text(_)));
        let message = match is_text {
            Some(true) => continue,
            Some(false) => format!("`{name}` is not text, or a pseudonym"),
            None => format!("`{name}` is no value of this event's data that is always there"),
        };
        let fault = reader.source().fault("resource-id", *place, message);
        reader.report(fault.help("name required members of `data` whose text crosses as it is"));
        return None;
    }
    Some(ResourceRule { kind: words.kind.as_str().into(), id: words.id.iter().map(|at| at.value.into()).collect() })
}

/// What comes from a partner takes no rights away there.
fn narrows_outward(reader: &Reader, words: &EventWords<'_>) {
    if let (Some(narrows), Direction::Inbound) = (words.narrows, words.direction.value) {
        let message = "`narrows` stands at an event that comes from the partner";
        reader.report(reader.source().fault("narrows-unfit", narrows.place, message).help("take it out"));
    }
}

fn fault(reader: &Reader, place: Place, message: &str) {
    let help = "an event is `{type, timestamp, data}`, all three required: see \"An event\" in docs/contract.md";
    reader.report(reader.source().fault("event-body", place, message).help(help));
}

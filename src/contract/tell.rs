//! What stands in a contract, in short words for people: one line for an operation, a field, a value's rules.
//!
//! The texts are the operator's, as they stand in the file; whoever shows them shows them as plain text.

use crate::contract::event::Event;
use crate::contract::leaf::Bound;
use crate::contract::leaf::Bounds;
use crate::contract::leaf::Check;
use crate::contract::leaf::LeafSchema;
use crate::contract::leaf::TextCheck;
use crate::contract::multiple::Multiple;
use crate::contract::operation::Actuates;
use crate::contract::operation::AnswerShape;
use crate::contract::operation::FieldRule;
use crate::contract::operation::Idempotency;
use crate::contract::operation::Operation;
use crate::contract::operation::RecordRule;
use crate::contract::operation::ResourceRule;
use crate::contract::operation::RightDemand;
use crate::contract::schema::Object;
use crate::contract::schema::Parameter;
use crate::contract::schema::Schema;
use crate::json;
use crate::json::Number;
use crate::model::Authentication;

/// The most things that one line lists.
const MAX_LISTED: usize = 12;

/// `a, b, c`, and how many there are where they are too many to list.
pub(super) fn list(mut items: impl Iterator<Item = String>) -> String {
    let shown: Vec<String> = items.by_ref().take(MAX_LISTED).collect();
    match items.count() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// One step of a JSON pointer.
pub(super) fn step(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

pub(super) fn operation(operation: &Operation) -> String {
    let moves = operation.actuates.map_or("", actuates_word);
    let moves = if moves.is_empty() { String::new() } else { format!(", moves a {moves}") };
    let fields = operation.fields.iter().filter(|field| field.status.is_none());
    let names = list(fields.map(|field| format!("{} ({})", field.pointer, field.rule.class.word())));
    let (method, path, action) = (&operation.method, &operation.path, &operation.action);
    let asked = operation.scope.as_ref().map(|scope| format!(", inbound by scope {scope}")).unwrap_or_default();
    let brings = if names.is_empty() { "nothing".to_owned() } else { names };
    format!("{method} {path}, action {action}, {}{moves}{asked}, brings {brings}", resource(&operation.resource))
}

pub(super) fn event(event: &Event) -> String {
    let names = list(event.fields.iter().map(|field| format!("{} ({})", field.pointer, field.rule.class.word())));
    let (way, action) = (event.direction.word(), &event.action);
    format!("{way}, action {action}, {}, brings {names}", resource(&event.resource))
}

pub(super) fn resource(resource: &ResourceRule) -> String {
    let id: Vec<&str> = resource.id.iter().map(AsRef::as_ref).collect();
    format!("{} of {}", resource.kind, id.join(", "))
}

pub(super) fn actuates(actuates: Actuates) -> String {
    actuates_word(actuates).to_owned()
}

fn actuates_word(actuates: Actuates) -> &'static str {
    Actuates::ALL.iter().find(|(_, known)| *known == actuates).map_or("", |(word, _)| word)
}

pub(super) fn idempotency(idempotency: &Idempotency) -> String {
    match idempotency {
        Idempotency::Header => "header".to_owned(),
        Idempotency::BodyField(name) => format!("the body's {name}"),
    }
}

/// `acr one of high, highest; amr all of otp; at most 300 s ago`.
pub(super) fn authentication(demand: &Authentication) -> String {
    let of = |word: &str, values: &[Box<str>]| (!values.is_empty()).then(|| format!("{word} {}", values.join(", ")));
    let age = demand.max_age_s.map(|seconds| format!("at most {seconds} s ago"));
    let all = [of("acr one of", &demand.levels), of("amr all of", &demand.means), age];
    all.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

pub(super) fn right(right: &RightDemand) -> String {
    format!("{}, {}", right.kind.word(), right.action)
}

pub(super) fn records(records: &RecordRule) -> String {
    let array = if records.array.is_empty() { "the body" } else { &records.array };
    format!("{array}, house in {}", records.house)
}

pub(super) fn null() -> Option<String> {
    Some("null".to_owned())
}

pub(super) fn answer(answer: &AnswerShape) -> String {
    let headers = answer.fields.iter().map(|(name, parameter)| format!("{name} ({})", leaf(&parameter.leaf)));
    let bodies = answer.bodies.iter().map(|form| schema(&form.schema));
    let told = list(headers.chain(bodies));
    if told.is_empty() { "no body".to_owned() } else { told }
}

pub(super) fn parameter(parameter: &Parameter) -> String {
    let one = leaf(&parameter.leaf);
    match &parameter.list {
        None => one,
        Some(list) => format!("a list of {} to {}: {one}", list.min_items, list.max_items),
    }
}

pub(super) fn branch(property: &str, value: &str, branch: &Object) -> String {
    format!("{property} = {value}: {}", object(branch))
}

pub(super) fn object(object: &Object) -> String {
    let members = object.members.iter().map(|member| {
        let optional = if member.required { "" } else { "?" };
        format!("{}{optional} ({})", member.name, schema(&member.schema))
    });
    let told = list(members);
    if told.is_empty() { "an empty object".to_owned() } else { format!("an object of {told}") }
}

pub(super) fn schema(told: &Schema) -> String {
    match told {
        Schema::Object(inner) => object(inner),
        Schema::Array(array) => {
            format!("a list of {} to {}: {}", array.min_items, array.max_items, schema(&array.items))
        }
        Schema::Leaf(inner) => leaf(inner),
        Schema::Map(map) => {
            let (names, values) = (text(&map.names), schema(&map.values));
            format!("a map of {} to {}, names {names}, values {values}", map.min_members, map.max_members)
        }
        Schema::Choice(choice) => list(choice.told().map(|(value, inner)| branch(&choice.property, value, inner))),
        Schema::Kinds(kinds) => list(kinds.branches.iter().map(|(kind, inner)| format!("{kind}: {}", schema(inner)))),
        Schema::Nullable(inner) => format!("null or {}", schema(inner)),
    }
}

pub(super) fn leaf(leaf: &LeafSchema) -> String {
    let check = match &leaf.check {
        Check::Text(check) => text(check),
        Check::Integer(range) => format!("integer{}", bounds(range)),
        Check::Number(range) => format!("number{}", bounds(range)),
        Check::Boolean(None) => "boolean".to_owned(),
        Check::Boolean(Some(only)) => format!("only {only}"),
        Check::Pseudonym => "pseudonym".to_owned(),
    };
    let claim = leaf.claim.as_ref().map(|claim| format!(", claim {claim}")).unwrap_or_default();
    format!("{check}, {}{claim}", rule(&leaf.rule))
}

fn rule(rule: &FieldRule) -> String {
    let of = rule.of.map(|of| format!(" of {}", of.word())).unwrap_or_default();
    format!("{}{of}, {}", rule.class.word(), rule.protection.word())
}

pub(super) fn text(check: &TextCheck) -> String {
    let mut told = "text".to_owned();
    if check.min_length > 0 {
        told.push_str(&format!(" of at least {}", check.min_length));
    }
    if let Some(most) = check.max_length {
        told.push_str(&format!(" of at most {most}"));
    }
    if let Some(pattern) = &check.pattern {
        told.push_str(&format!(" {}", pattern.text()));
    }
    if let Some(format) = check.format {
        told.push_str(&format!(" {}", format.word()));
    }
    if let Some(words) = &check.words {
        told.push_str(&format!(" out of {}", list(words.iter().map(ToString::to_string))));
    }
    told
}

pub(super) fn bounds(bounds: &Bounds) -> String {
    let mut told = String::new();
    if let Some(low) = bounds.low {
        told.push_str(&format!(" {}", bound(low, true)));
    }
    if let Some(high) = bounds.high {
        told.push_str(&format!(" {}", bound(high, false)));
    }
    if let Some(of) = bounds.multiple_of {
        told.push_str(&format!(" multiple of {}", multiple(of)));
    }
    if let Some(numbers) = &bounds.numbers {
        told.push_str(&format!(" out of {}", list(numbers.iter().map(|one| number(*one)))));
    }
    told
}

pub(super) fn bound(bound: Bound, low: bool) -> String {
    let word = match (low, bound.exclusive) {
        (true, false) => "from",
        (true, true) => "above",
        (false, false) => "to",
        (false, true) => "below",
    };
    format!("{word} {}", number(bound.at))
}

pub(super) fn multiple(multiple: Multiple) -> String {
    multiple.to_string()
}

pub(super) fn number(number: Number) -> String {
    let mut text = Vec::new();
    json::write_number(number, &mut text);
    String::from_utf8(text).unwrap_or_default()
}

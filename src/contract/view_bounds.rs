//! What bounds a value, in words: for people who read a contract, in one line each.

use crate::contract::written::Array;
use crate::contract::written::Map;
use crate::contract::written::Object;
use crate::contract::written::Range;
use crate::contract::written::Schema;
use crate::contract::written::Shape;
use crate::contract::written::Text;
use crate::json;
use crate::json::Number;

/// The kind of a value, as the contract writes it.
pub(super) fn kind(schema: &Schema<'_>) -> String {
    let kind = match &schema.shape {
        Shape::Object(_) => "object",
        Shape::Map(_) => "map",
        Shape::Choice(_) => "one object of several",
        Shape::Kinds(_) => "one kind of several",
        Shape::Array(_) => "array",
        Shape::Text { .. } => "string",
        Shape::Number { whole: true, .. } => "integer",
        Shape::Number { whole: false, .. } => "number",
        Shape::Boolean { .. } => "boolean",
    };
    if schema.null.is_some() { format!("{kind} or null") } else { kind.to_owned() }
}

/// The kind of JSON value, as pointers name it.
pub(super) fn json_kind(shape: &Shape<'_>) -> json::Kind {
    match shape {
        Shape::Object(_) | Shape::Map(_) | Shape::Choice(_) | Shape::Kinds(_) => json::Kind::Object,
        Shape::Array(_) => json::Kind::Array,
        Shape::Text { .. } => json::Kind::String,
        Shape::Number { .. } => json::Kind::Number,
        Shape::Boolean { .. } => json::Kind::Boolean,
    }
}

/// Its limits; empty where its kind says all.
pub(super) fn bounds(shape: &Shape<'_>) -> String {
    match shape {
        Shape::Object(object) => format!("{} members, no others", object.members.len()),
        Shape::Map(Map { min_members, max_members, .. }) => {
            format!("{} members", range(*min_members, *max_members))
        }
        Shape::Choice(choice) => format!("told by `{}`", choice.property.value),
        Shape::Kinds(_) => String::new(),
        Shape::Array(Array { min_items, max_items, unique, .. }) => {
            format!("{} elements{}", range(*min_items, *max_items), if *unique { ", none twice" } else { "" })
        }
        Shape::Text { limits, .. } => text(limits),
        Shape::Number { limits, .. } => number(limits),
        Shape::Boolean { only, .. } => only.map(|only| format!("only `{only}`")).unwrap_or_default(),
    }
}

/// The values that tell a branch of a choice.
pub(super) fn told_by(object: &Object<'_>, property: &str) -> String {
    let member = object.members.iter().find(|member| member.name.value == property);
    match member.map(|member| &member.schema.shape) {
        Some(Shape::Text { limits, .. }) => format!("where `{property}` is {}", listed(limits)),
        _ => String::new(),
    }
}

fn range(fewest: usize, most: Option<usize>) -> String {
    match most {
        Some(most) if most == fewest => most.to_string(),
        Some(most) => format!("{fewest} to {most}"),
        None => format!("at least {fewest}"),
    }
}

fn listed(limits: &Text<'_>) -> String {
    let words = limits.words.iter().flatten().map(|word| format!("`{word}`"));
    words.collect::<Vec<_>>().join(", ")
}

fn text(limits: &Text<'_>) -> String {
    let mut told = Vec::new();
    if limits.words.is_some() {
        told.push(listed(limits));
    }
    if limits.min_length > 0 || limits.max_length.is_some() {
        told.push(format!("{} characters", range(limits.min_length, limits.max_length)));
    }
    told.extend(limits.format.map(|format| format.word().to_owned()));
    told.extend(limits.pattern.map(|pattern| format!("`{}`", pattern.value)));
    told.join(", ")
}

fn number(limits: &Range) -> String {
    let mut told = Vec::new();
    if let Some(numbers) = &limits.numbers {
        told.push(numbers.iter().map(|number| spelled(*number)).collect::<Vec<_>>().join(", "));
    }
    let end = |(at, exclusive): (Number, bool), over: &'static str, from: &'static str| {
        format!("{} {}", if exclusive { over } else { from }, spelled(at))
    };
    let ends = [limits.low.map(|low| end(low, "above", "from")), limits.high.map(|high| end(high, "below", "to"))];
    let ends: Vec<String> = ends.into_iter().flatten().collect();
    if !ends.is_empty() {
        told.push(ends.join(" "));
    }
    told.extend(limits.multiple_of.map(|multiple| format!("a multiple of {multiple}")));
    told.join(", ")
}

fn spelled(number: Number) -> String {
    let mut text = Vec::new();
    json::write_number(number, &mut text);
    String::from_utf8(text).unwrap_or_default()
}

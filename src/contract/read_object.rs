//! Reading objects as they are written: with declared members, as maps of free names, as one of several (`oneOf`), or put together
//! from parts (`allOf`).
//!
//! All of them are closed. `additionalProperties: false` says so of one object; of the whole that `allOf` makes,
//! `unevaluatedProperties: false` does (JSON Schema Core §11.3). Beside `allOf` the former would forbid to one part what the others
//! declare, so there it is a fault.

use std::collections::BTreeSet;

use crate::contract::read_choice;
use crate::contract::read_leaf;
use crate::contract::read_schema;
use crate::contract::refs::Refs;
use crate::contract::written::At;
use crate::contract::written::Map;
use crate::contract::written::Member;
use crate::contract::written::Object;
use crate::contract::written::Schema;
use crate::contract::written::Shape;
use crate::diagnostic::Place;
use crate::yaml::Fields;
use crate::yaml::Node;
use crate::yaml::Yaml;

/// Reads what stands beside `type: object`.
pub(super) fn read<'a>(refs: &Refs<'a>, fields: &Fields<'a>, null: Option<Place>) -> Option<Shape<'a>> {
    let composed = fields.optional("oneOf").or_else(|| fields.optional("allOf"));
    if let Some(place) = null.filter(|_| composed.is_some()) {
        // JSON Schema holds `null` against the branches and parts as well, and they are objects.
        let fault =
            refs.reader.source().fault("null-unfit", place, "`null` is allowed here and fits no branch and no part");
        refs.reader.report(fault.help("take `null` out of `type`"));
        fields.rest();
        return None;
    }
    if let Some(node) = fields.optional("oneOf") {
        return read_choice::one_of(refs, fields, node).map(Shape::Choice);
    }
    let parts = fields.optional("allOf");
    let additional = fields.optional("additionalProperties");
    match additional.map(|node| (node, &node.value)) {
        Some((node, Yaml::Map(_))) if parts.is_none() => return map(refs, fields, node).map(Shape::Map),
        Some((node, value)) if *value != Yaml::Bool(false) => {
            let fault =
                refs.reader.source().fault("open-object", node.place, "`additionalProperties` can only be `false`");
            refs.reader
                .report(fault.help("a contract is closed: declare each property, or a map with `propertyNames`"));
        }
        _ => {}
    }
    if parts.is_none()
        && let Some(node) = fields.optional("patternProperties")
    {
        return patterned(refs, fields, node, additional.is_some()).map(Shape::Map);
    }
    let own = members(refs, fields);
    let closed = additional.map(|node| node.place);
    match parts {
        None => Some(Shape::Object(Object { members: own?, closed })),
        Some(node) => whole(refs, fields, node, own, closed).map(Shape::Object),
    }
}

/// The members that are declared by name.
fn members<'a>(refs: &Refs<'a>, fields: &Fields<'a>) -> Option<Vec<Member<'a>>> {
    let reader = refs.reader;
    let required = fields.optional("required").map_or(Some(&[][..]), |node| reader.list(node))?;
    let required: Option<Vec<At<&str>>> =
        required.iter().map(|node| reader.text(node).map(|value| At { place: node.place, value })).collect();
    let required = required?;
    let properties = fields.optional("properties").and_then(|node| reader.fields(node));
    let properties = properties.map(|properties| properties.rest()).unwrap_or_default();
    let known: BTreeSet<&str> = properties.iter().map(|(key, _)| key.text.as_str()).collect();
    let mut listed = BTreeSet::new();
    for name in &required {
        if !known.contains(name.value) {
            let fault = reader.source().fault(
                "required-unknown",
                name.place,
                format!("`{}` is required and not declared", name.value),
            );
            reader.report(fault.help("declare it under `properties`, or take it out of `required`"));
        }
        if !listed.insert(name.value) {
            let fault =
                reader.source().fault("required-twice", name.place, format!("`{}` is listed twice", name.value));
            reader.report(fault.help("take one of them out"));
        }
    }
    // All are read, so that all faults are found; then one that failed fails the whole.
    let members: Vec<Option<Member<'a>>> = properties
        .into_iter()
        .map(|(key, node)| {
            let name = At { place: key.place, value: key.text.as_str() };
            let required = listed.contains(name.value);
            Some(Member { name, required, schema: read_schema::schema(refs, node)? })
        })
        .collect();
    members.into_iter().collect()
}

/// An object put together from its `own` members and those of its parts, of which no two have one of the same name.
fn whole<'a>(
    refs: &Refs<'a>,
    fields: &Fields<'a>,
    node: &'a Node,
    own: Option<Vec<Member<'a>>>,
    closed: Option<Place>,
) -> Option<Object<'a>> {
    let reader = refs.reader;
    let unfit = |place: Place, message: String| {
        let fault = reader.source().fault("merge-unfit", place, message);
        reader.report(fault.help("`allOf` puts objects together that have no property in common"));
    };
    let says_closed = |place: Place| {
        let message = "`additionalProperties` in or beside `allOf` would forbid what the other parts declare";
        let fault = reader.source().fault("merge-unfit", place, message);
        reader.report(fault.help("write `unevaluatedProperties: false` beside `allOf`"));
    };
    if let Some(node) = fields.optional("unevaluatedProperties")
        && node.value != Yaml::Bool(false)
    {
        let fault = reader.source().fault("open-object", node.place, "`unevaluatedProperties` can only be `false`");
        reader.report(fault.help("a contract is closed: write `false`, or leave it out"));
    }
    if let Some(place) = closed {
        says_closed(place);
    }
    let parts: Vec<Option<Schema<'a>>> =
        reader.list(node)?.iter().map(|part| read_schema::schema(refs, part)).collect();
    if parts.is_empty() {
        unfit(node.place, "`allOf` has no parts".to_owned());
    }
    let mut members = own?;
    let mut names: BTreeSet<&str> = members.iter().map(|member| member.name.value).collect();
    for part in parts.into_iter().collect::<Option<Vec<_>>>()? {
        let (Shape::Object(object), None) = (part.shape, part.null) else {
            unfit(part.place, "a part of `allOf` is no object with declared properties".to_owned());
            return None;
        };
        if let Some(place) = object.closed {
            says_closed(place);
        }
        for member in object.members {
            if !names.insert(member.name.value) {
                unfit(member.name.place, format!("two parts of `allOf` declare `{}`", member.name.value));
            }
            members.push(member);
        }
    }
    Some(Object { members, closed: None })
}

/// A map whose names fit one pattern (JSON Schema Core §10.3.2.2): its values are that pattern's. `propertyNames` gives the names
/// their class, and may bound them further, by all but a pattern.
fn patterned<'a>(refs: &Refs<'a>, fields: &Fields<'a>, node: &'a Node, closed: bool) -> Option<Map<'a>> {
    let reader = refs.reader;
    if !closed {
        let fault =
            reader.source().fault("open-object", node.place, "`patternProperties` stands alone and closes nothing");
        reader.report(fault.help("write `additionalProperties: false` beside it"));
    }
    let names = fields.required("propertyNames");
    let counts = read_leaf::counts(refs, fields, "minProperties", "maxProperties");
    let entries = reader.fields(node)?.rest();
    let [(pattern, values)] = entries.as_slice() else {
        let message = "`patternProperties` can have one pattern only: a name could fit several";
        let fault = reader.source().fault("name-unfit", node.place, message);
        reader.report(fault.help("write one pattern with alternatives, or declare the properties by name"));
        return None;
    };
    let values = read_schema::schema(refs, values);
    let names = names.and_then(|node| read_schema::names(refs, node, pattern));
    let (min_members, max_members) = counts?;
    Some(Map { names: Box::new(names?), values: Box::new(values?), min_members, max_members })
}

/// A map: its values are `node`'s.
fn map<'a>(refs: &Refs<'a>, fields: &Fields<'a>, node: &'a Node) -> Option<Map<'a>> {
    let values = read_schema::schema(refs, node);
    let names = fields.required("propertyNames").and_then(|node| read_schema::schema(refs, node));
    let (min_members, max_members) = read_leaf::counts(refs, fields, "minProperties", "maxProperties")?;
    Some(Map { names: Box::new(names?), values: Box::new(values?), min_members, max_members })
}

//! Reading schemas as they are written: the keywords that we know, each where it means something, and no others.
//!
//! Annotations (JSON Schema Validation §9) are let through. Leaves are `read_leaf.rs`'s, objects `read_object.rs`'s. A keyword of another type's, or of JSON Schema at large, is a fault that names it.

use crate::contract::read_any;
use crate::contract::read_leaf;
use crate::contract::read_object;
use crate::contract::refs::Refs;
use crate::contract::written::Array;
use crate::contract::written::At;
use crate::contract::written::FieldWords;
use crate::contract::written::Schema;
use crate::contract::written::Shape;
use crate::contract::written_words;
use crate::diagnostic::Place;
use crate::yaml::Fields;
use crate::yaml::Key;
use crate::yaml::Node;
use crate::yaml::Yaml;

/// What says something to people only.
const ANNOTATIONS: [&str; 6] = ["title", "description", "example", "examples", "deprecated", "$comment"];

/// Takes the annotations of a map, so that they are not unknown.
pub(super) fn annotations(fields: &Fields<'_>) {
    for annotation in ANNOTATIONS {
        fields.optional(annotation);
    }
}

/// Reads a schema, or the one that it refers to.
pub(super) fn schema<'a>(refs: &Refs<'a>, node: &'a Node) -> Option<Schema<'a>> {
    refs.follow(node, &|node| one(refs, node))
}

fn one<'a>(refs: &Refs<'a>, node: &'a Node) -> Option<Schema<'a>> {
    refs.count(node.place)?;
    let reader = refs.reader;
    let fields = reader.fields(node)?;
    annotations(&fields);
    if read_any::is_meant(node)
        && let Some(list) = fields.optional("anyOf")
    {
        let read = read_any::read(refs, &fields, list);
        fields.finish();
        return read.map(|(null, shape)| Schema { place: node.place, null, shape });
    }
    let kind = fields.required("type").and_then(|node| kind(refs, node));
    let null = kind.and_then(|(_, null)| null);
    let shape = kind.and_then(|(kind, null)| match kind {
        Kind::Object => read_object::read(refs, &fields, null),
        Kind::Array => array(refs, &fields),
        Kind::Text => {
            let limits = read_leaf::text(refs, &fields, null);
            let words = leaf_words(refs, &fields)?;
            Some(Shape::Text { limits: limits?, words })
        }
        Kind::Integer | Kind::Number => {
            let whole = matches!(kind, Kind::Integer);
            let limits = read_leaf::range(refs, &fields, whole, null);
            let words = leaf_words(refs, &fields)?;
            Some(Shape::Number { whole, limits: limits?, words })
        }
        Kind::Boolean => {
            let only = read_leaf::only(refs, &fields, null);
            let words = leaf_words(refs, &fields)?;
            Some(Shape::Boolean { only: only?, words })
        }
    });
    if kind.is_some() {
        fields.finish();
    }
    Some(Schema { place: node.place, null, shape: shape? })
}

/// Reads the schema of a map's names, whose pattern stands outside it.
pub(super) fn names<'a>(refs: &Refs<'a>, node: &'a Node, pattern: &'a Key) -> Option<Schema<'a>> {
    let mut names = schema(refs, node)?;
    if let Shape::Text { limits, .. } = &mut names.shape {
        if let Some(own) = &limits.pattern {
            let message = "the names of the map have two patterns";
            let fault = refs.reader.source().fault("name-unfit", own.place, message);
            refs.reader.report(fault.help("`patternProperties` says it: take this one out"));
            return None;
        }
        limits.pattern = Some(At { place: pattern.place, value: &pattern.text });
    }
    Some(names)
}

/// The type, and where it says that `null` may stand there too.
fn kind(refs: &Refs<'_>, node: &Node) -> Option<(Kind, Option<Place>)> {
    let kinds = [
        ("object", Kind::Object),
        ("array", Kind::Array),
        ("string", Kind::Text),
        ("integer", Kind::Integer),
        ("number", Kind::Number),
        ("boolean", Kind::Boolean),
    ];
    let reader = refs.reader;
    let Yaml::List(types) = &node.value else { return reader.word(node, &kinds).map(|kind| (kind, None)) };
    let is_null = |node: &Node| matches!(&node.value, Yaml::Text(text) if text == "null");
    match types.as_slice() {
        [one, null] if is_null(null) => reader.word(one, &kinds).map(|kind| (kind, Some(null.place))),
        _ => {
            let message = "a list of types can only be one type and then `\"null\"`";
            let fault = reader.source().fault("type-list", node.place, message);
            reader.report(fault.help("write `type: [string, \"null\"]`, or one type alone"));
            None
        }
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Object,
    Array,
    Text,
    Integer,
    Number,
    Boolean,
}

/// The outer `None` is a fault, the inner one an absent key.
fn leaf_words<'a>(refs: &Refs<'a>, fields: &Fields<'a>) -> Option<Option<FieldWords<'a>>> {
    match fields.optional("x-portcullis") {
        None => Some(None),
        Some(node) => written_words::field(refs.reader, node).map(Some),
    }
}

fn array<'a>(refs: &Refs<'a>, fields: &Fields<'a>) -> Option<Shape<'a>> {
    let items = fields.required("items").and_then(|node| schema(refs, node));
    let bounds = read_leaf::counts(refs, fields, "minItems", "maxItems");
    let unique = fields.optional("uniqueItems").map_or(Some(false), |node| refs.reader.boolean(node));
    let (min_items, max_items) = bounds?;
    Some(Shape::Array(Array { items: Box::new(items?), min_items, max_items, unique: unique? }))
}

//! Reading schemas as they are written: the keywords that we know, each where it means something, and no others.
//!
//! Annotations (JSON Schema Validation §9) are let through. `additionalProperties` may say `false`, which is so in any case.
//! A keyword of another type's, or of JSON Schema at large, is a fault that names it.

use crate::contract::refs::Refs;
use crate::contract::written::At;
use crate::contract::written::FieldWords;
use crate::contract::written::Member;
use crate::contract::written::Range;
use crate::contract::written::Schema;
use crate::contract::written::Shape;
use crate::contract::written::Text;
use crate::contract::written_words;
use crate::json::Number;
use crate::yaml::Fields;
use crate::yaml::Node;
use crate::yaml::Yaml;

/// What says something to people only.
const ANNOTATIONS: [&str; 6] = ["title", "description", "example", "examples", "deprecated", "$comment"];
/// The most characters or elements that a bound may allow; bodies are far smaller.
const MAX_COUNT: i64 = 8 * 1024 * 1024;

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
    let kinds = [
        ("object", Kind::Object),
        ("array", Kind::Array),
        ("string", Kind::Text),
        ("integer", Kind::Integer),
        ("number", Kind::Number),
        ("boolean", Kind::Boolean),
    ];
    let kind = fields.required("type").and_then(|node| reader.word(node, &kinds));
    let shape = kind.and_then(|kind| match kind {
        Kind::Object => object(refs, &fields),
        Kind::Array => array(refs, &fields),
        Kind::Text => {
            let limits = text(refs, &fields);
            let words = leaf_words(refs, &fields)?;
            Some(Shape::Text { limits: limits?, words })
        }
        Kind::Integer | Kind::Number => {
            let whole = matches!(kind, Kind::Integer);
            let limits = range(refs, &fields, whole);
            let words = leaf_words(refs, &fields)?;
            Some(Shape::Number { whole, limits: limits?, words })
        }
        Kind::Boolean => Some(Shape::Boolean { words: leaf_words(refs, &fields)? }),
    });
    if kind.is_some() {
        fields.finish();
    }
    Some(Schema { place: node.place, shape: shape? })
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

fn object<'a>(refs: &Refs<'a>, fields: &Fields<'a>) -> Option<Shape<'a>> {
    let reader = refs.reader;
    if let Some(node) = fields.optional("additionalProperties")
        && node.value != Yaml::Bool(false)
    {
        let fault = reader.source().fault("open-object", node.place, "`additionalProperties` can only be `false`");
        reader.report(fault.help("a contract is closed: declare each property"));
    }
    let required = fields.optional("required").map_or(Some(&[][..]), |node| reader.list(node))?;
    let required: Option<Vec<At<&str>>> =
        required.iter().map(|node| reader.text(node).map(|value| At { place: node.place, value })).collect();
    let required = required?;
    let properties = fields.optional("properties").and_then(|node| reader.fields(node));
    let properties = properties.map(|properties| properties.rest()).unwrap_or_default();
    for (index, name) in required.iter().enumerate() {
        if !properties.iter().any(|(key, _)| key.text == name.value) {
            reader.fault("required-unknown", name.place, format!("`{}` is required and not declared", name.value));
        }
        if required.iter().take(index).any(|earlier| earlier.value == name.value) {
            reader.fault("required-twice", name.place, format!("`{}` is listed twice", name.value));
        }
    }
    // All are read, so that all faults are found; then one that failed fails the whole.
    let members: Vec<Option<Member<'a>>> = properties
        .into_iter()
        .map(|(key, node)| {
            let name = At { place: key.place, value: key.text.as_str() };
            let required = required.iter().any(|required| required.value == key.text);
            Some(Member { name, required, schema: schema(refs, node)? })
        })
        .collect();
    members.into_iter().collect::<Option<Vec<_>>>().map(Shape::Object)
}

fn array<'a>(refs: &Refs<'a>, fields: &Fields<'a>) -> Option<Shape<'a>> {
    let items = fields.required("items").and_then(|node| schema(refs, node));
    let min_items = count(refs, fields, "minItems")?.unwrap_or(0);
    let max_items = count(refs, fields, "maxItems")?;
    in_order(refs, fields, Some(min_items) > max_items && max_items.is_some())?;
    Some(Shape::Array { items: Box::new(items?), min_items, max_items })
}

fn text<'a>(refs: &Refs<'a>, fields: &Fields<'a>) -> Option<Text<'a>> {
    let reader = refs.reader;
    let min_length = count(refs, fields, "minLength")?.unwrap_or(0);
    let max_length = count(refs, fields, "maxLength")?;
    in_order(refs, fields, Some(min_length) > max_length && max_length.is_some())?;
    let pattern = match fields.optional("pattern") {
        None => None,
        Some(node) => Some(At { place: node.place, value: reader.text(node)? }),
    };
    let words = enumeration(refs, fields, &|node| reader.text(node))?;
    Some(Text { min_length, max_length, pattern, words })
}

fn range<'a>(refs: &Refs<'a>, fields: &Fields<'a>, whole: bool) -> Option<Range> {
    let read = |node: &'a Node| number(refs, node, whole);
    let bound = |inclusive: &'static str, exclusive: &'static str| -> Option<Option<(Number, bool)>> {
        match (fields.optional(inclusive), fields.optional(exclusive)) {
            (None, None) => Some(None),
            (Some(node), None) => Some(Some((read(node)?, false))),
            (None, Some(node)) => Some(Some((read(node)?, true))),
            (Some(_), Some(node)) => {
                let message = format!("`{inclusive}` and `{exclusive}` stand together");
                refs.reader.fault("bounds", node.place, message);
                None
            }
        }
    };
    let (low, high) = (bound("minimum", "exclusiveMinimum"), bound("maximum", "exclusiveMaximum"));
    let numbers = enumeration(refs, fields, &read);
    let (low, high, numbers) = (low?, high?, numbers?);
    let empty =
        |((low, above), (high, below)): ((Number, bool), (Number, bool))| low > high || low == high && (above || below);
    in_order(refs, fields, low.zip(high).is_some_and(empty))?;
    Some(Range { low, high, numbers })
}

/// The values of `enum`: at least one, none twice. The outer `None` is a fault.
fn enumeration<'a, T: PartialEq>(
    refs: &Refs<'a>,
    fields: &Fields<'a>,
    read: &dyn Fn(&'a Node) -> Option<T>,
) -> Option<Option<Vec<T>>> {
    let Some(node) = fields.optional("enum") else { return Some(None) };
    let mut values = Vec::new();
    for item in refs.reader.list(node)? {
        let value = read(item)?;
        if values.contains(&value) {
            refs.reader.fault("enum", item.place, "this value of `enum` stands there twice");
            return None;
        }
        values.push(value);
    }
    if values.is_empty() {
        refs.reader.fault("enum", node.place, "`enum` has no values, so nothing would fit");
        return None;
    }
    Some(Some(values))
}

fn number(refs: &Refs<'_>, node: &Node, whole: bool) -> Option<Number> {
    let number = match node.value {
        Yaml::Integer(integer) => Number::try_from(integer).ok(),
        Yaml::Float(double) => Number::try_from(double).ok(),
        _ => return refs.reader.wrong_type(node, "a number"),
    };
    let number = number.filter(|number| !whole || number.as_integer().is_some());
    if number.is_none() {
        let message =
            if whole { "expected a whole number within ±(2⁵³ − 1)" } else { "the number is out of range" };
        refs.reader.fault("bounds", node.place, message);
    }
    number
}

fn count(refs: &Refs<'_>, fields: &Fields<'_>, key: &'static str) -> Option<Option<usize>> {
    match fields.optional(key) {
        None => Some(None),
        Some(node) => refs.reader.bounded(node, 0, MAX_COUNT).and_then(|count| usize::try_from(count).ok()).map(Some),
    }
}

/// Reports that nothing lies between two bounds.
fn in_order(refs: &Refs<'_>, fields: &Fields<'_>, empty: bool) -> Option<()> {
    if empty {
        refs.reader.fault("bounds", fields.place(), "the lower bound lies above the upper one, so nothing would fit");
        return None;
    }
    Some(())
}

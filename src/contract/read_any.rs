//! Reading `anyOf` as it is written, where it can be closed: every value that comes is one branch's, and before it is read it is
//! known which.
//!
//! JSON Schema lets a value fit several branches at once, and then nobody could say what becomes of its fields. So the branches
//! are told apart by what kind of value they are, or, where all are objects, by a property that each requires with texts of its
//! own; what nothing tells apart is a fault that says so. `{type: "null"}` is a branch like any other, and means that `null` may
//! stand there too.

use std::collections::BTreeSet;

use crate::contract::read_choice;
use crate::contract::read_schema;
use crate::contract::refs::Refs;
use crate::contract::refs::entry;
use crate::contract::written::At;
use crate::contract::written::Choice;
use crate::contract::written::Schema;
use crate::contract::written::Shape;
use crate::diagnostic::Place;
use crate::json::Kind;
use crate::yaml::Fields;
use crate::yaml::Node;
use crate::yaml::Yaml;

/// Whether `anyOf` says what the values are: it stands alone, or beside `type: object`. Elsewhere it is a keyword that is not known.
pub(super) fn is_meant(node: &Node) -> bool {
    let objects = |kind: &Node| matches!(&kind.value, Yaml::Text(text) if text == "object");
    entry(node, "type").is_none_or(objects) && entry(node, "oneOf").is_none()
}

/// Reads the branches in `list`: where `null` may stand, and the shape of all else. The outer `None` is a fault.
pub(super) fn read<'a>(refs: &Refs<'a>, fields: &Fields<'a>, list: &'a Node) -> Option<(Option<Place>, Shape<'a>)> {
    let reader = refs.reader;
    let objects = fields.optional("type").map_or(Some(()), |node| reader.word(node, &[("object", ())]));
    let discriminator = fields.optional("discriminator").map(|node| read_choice::discriminator(reader, node));
    let mut null = None;
    let mut branches = Vec::new();
    // All are read, so that all faults are found; then one that failed fails the whole.
    let mut whole = objects.is_some();
    for node in reader.list(list)? {
        if is_null(node) {
            reader.fields(node)?.optional("type");
            whole &= only_once(refs, &mut null, node.place);
            continue;
        }
        match read_schema::schema(refs, node) {
            Some(mut schema) => {
                if let Some(place) = schema.null.take() {
                    whole &= only_once(refs, &mut null, place);
                }
                branches.push((schema, read_choice::name(node)));
            }
            None => whole = false,
        }
    }
    if !whole {
        return None;
    }
    if branches.len() == 1 && discriminator.is_none() {
        return branches.pop().map(|(schema, _)| (null, schema.shape));
    }
    let of_objects = branches.iter().all(|(schema, _)| matches!(schema.shape, Shape::Object(_)));
    if let Some(discriminator) = discriminator {
        let (property, mapping) = discriminator?;
        let (branches, names) = branches.into_iter().unzip();
        return Some((null, Shape::Choice(Choice { property, branches, names, mapping })));
    }
    if of_objects {
        let (branches, names): (Vec<_>, Vec<_>) = branches.into_iter().unzip();
        let property = At { place: list.place, value: telling(refs, list, &branches)? };
        return Some((null, Shape::Choice(Choice { property, branches, names, mapping: None })));
    }
    let branches: Vec<Schema<'a>> = branches.into_iter().map(|(schema, _)| schema).collect();
    of_several_kinds(refs, list, &branches)?;
    Some((null, Shape::Kinds(branches)))
}

/// Whether a branch is `{type: "null"}`.
fn is_null(node: &Node) -> bool {
    let only = matches!(&node.value, Yaml::Map(entries) if entries.len() == 1);
    only && entry(node, "type").is_some_and(|kind| matches!(&kind.value, Yaml::Text(text) if text == "null"))
}

/// Notes that `null` may stand there; reports a second place that says so.
fn only_once(refs: &Refs<'_>, null: &mut Option<Place>, place: Place) -> bool {
    let first = null.replace(place).is_none();
    if !first {
        refuse(refs, place, "two branches of `anyOf` allow `null`".to_owned(), "let one of them say it");
    }
    first
}

/// The property that tells objects apart: each requires it, as text with listed values, and no value stands in two of them.
fn telling<'a>(refs: &Refs<'a>, list: &Node, branches: &[Schema<'a>]) -> Option<&'a str> {
    let listed = |schema: &Schema<'a>, name: &str| -> Option<Vec<&'a str>> {
        let Shape::Object(object) = &schema.shape else { return None };
        let member = object.members.iter().find(|member| member.name.value == name && member.required)?;
        match (&member.schema.shape, member.schema.null) {
            (Shape::Text { limits, .. }, None) => limits.words.clone(),
            _ => None,
        }
    };
    let tells = |name: &str| {
        let mut known = BTreeSet::new();
        let mut all = branches.iter().map(|branch| listed(branch, name));
        all.all(|words| words.is_some_and(|words| words.into_iter().all(|word| known.insert(word))))
    };
    let Some(Schema { shape: Shape::Object(first), .. }) = branches.first() else {
        refuse(
            refs,
            list.place,
            "`anyOf` has no branches, so nothing would fit".to_owned(),
            "list what may stand here",
        );
        return None;
    };
    let found = first.members.iter().map(|member| member.name.value).find(|name| tells(name));
    if found.is_none() {
        let message = "nothing tells the branches of `anyOf` apart: an object could fit several of them";
        let help =
            "let each branch require one and the same property, a text with `const` or `enum` and values of its own";
        refuse(refs, list.place, message.to_owned(), help);
    }
    found
}

/// Reports branches that are values of one kind.
fn of_several_kinds(refs: &Refs<'_>, list: &Node, branches: &[Schema<'_>]) -> Option<()> {
    let mut known = Vec::new();
    for branch in branches {
        let Some(kind) = kind_of(&branch.shape) else {
            let message = "a branch of `anyOf` is an `anyOf` of several kinds itself";
            refuse(refs, branch.place, message.to_owned(), "put its branches into the one list");
            return None;
        };
        if known.contains(&kind) {
            let message =
                format!("two branches of `anyOf` are of one kind ({kind}), and nothing tells which one a value is");
            let help = match kind {
                Kind::Object => "put the objects into an `anyOf` of their own, where a property tells them apart",
                _ => "make one branch of them",
            };
            refuse(refs, branch.place, message, help);
            return None;
        }
        known.push(kind);
    }
    if known.is_empty() {
        refuse(
            refs,
            list.place,
            "`anyOf` has no branches, so nothing would fit".to_owned(),
            "list what may stand here",
        );
        return None;
    }
    Some(())
}

/// The kind of the values of a shape, if they are all of one.
pub(super) const fn kind_of(shape: &Shape<'_>) -> Option<Kind> {
    match shape {
        Shape::Object(_) | Shape::Map(_) | Shape::Choice(_) => Some(Kind::Object),
        Shape::Array(_) => Some(Kind::Array),
        Shape::Text { .. } => Some(Kind::String),
        // Whole or not, JSON writes both alike.
        Shape::Number { .. } => Some(Kind::Number),
        Shape::Boolean { .. } => Some(Kind::Boolean),
        Shape::Kinds(_) => None,
    }
}

fn refuse(refs: &Refs<'_>, place: Place, message: String, help: &'static str) {
    refs.reader.report(refs.reader.source().fault("any-of", place, message).help(help));
}

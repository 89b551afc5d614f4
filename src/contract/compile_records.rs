//! Lists in answers: which one holds records, and what in a record names its house.
//!
//! A partner that answers with a list chooses what stands in it, so a list is where another house's records would come in. A
//! list that says anything about anybody loads only if the operation names it as its `records` and each element names its
//! house; what the house is, the answer's way back holds against the house that was asked for. Lists of public values, and of
//! what does not cross, need nothing.

use crate::contract::written;
use crate::contract::written::At;
use crate::contract::written::FieldWords;
use crate::contract::written::Protect;
use crate::contract::written::RecordWords;
use crate::contract::written::Schema;
use crate::contract::written::Shape;
use crate::diagnostic::Place;
use crate::model::DataClass;
use crate::model::IdentifierKind;
use crate::model::Protection;
use crate::yaml::Reader;

/// Holds the lists of all answers against what the operation says of its records.
pub(super) fn check(reader: &Reader, written: &written::Operation<'_>) {
    let records = written.words.records.as_ref();
    let mut found = false;
    for answer in &written.answers {
        for body in &answer.bodies {
            let records = records.filter(|_| answer.status.value.is_success());
            found |= records.is_some();
            let named = records.and_then(|records| named(reader, records, &body.schema));
            lists(reader, &body.schema, named);
        }
    }
    if let Some(records) = records.filter(|_| !found) {
        refuse_array(reader, records.array.place, "no answer of 200 to 299 has a body that could hold records");
    }
}

/// The array that `records` names in a body.
fn named<'s, 'a>(reader: &Reader, records: &RecordWords<'_>, body: &'s Schema<'a>) -> Option<&'s Schema<'a>> {
    let At { place, value: pointer } = records.array;
    let Some(array) = at_pointer(body, pointer) else {
        refuse_array(reader, place, &format!("`{pointer}` leads to nothing in the answer of line {}", body.place.line));
        return None;
    };
    let (Shape::Array(list), None) = (&array.shape, array.null) else {
        refuse_array(reader, place, &format!("`{pointer}` is no array, which stands in line {}", array.place.line));
        return None;
    };
    if !names_its_house(&list.items, records.house.value) {
        let message = format!("`{}` does not name the house of each record", records.house.value);
        let fault = reader.source().fault("records-house", records.house.place, message);
        reader.report(fault.help(
            "each element is an object that requires it: a text with `class: identifier, of: house`, not encrypted",
        ));
    }
    Some(array)
}

/// The schema to which a JSON pointer (RFC 6901) leads through members of objects.
fn at_pointer<'s, 'a>(body: &'s Schema<'a>, pointer: &str) -> Option<&'s Schema<'a>> {
    let Some(path) = pointer.strip_prefix('/') else { return Some(body).filter(|_| pointer.is_empty()) };
    path.split('/').try_fold(body, |schema, piece| {
        let name = piece.replace("~1", "/").replace("~0", "~");
        match &schema.shape {
            Shape::Object(object) if schema.null.is_none() => {
                object.members.iter().find(|member| member.name.value == name).map(|member| &member.schema)
            }
            _ => None,
        }
    })
}

/// Whether every such element says by this member of which house it is.
fn names_its_house(element: &Schema<'_>, name: &str) -> bool {
    let (Shape::Object(object), None) = (&element.shape, element.null) else { return false };
    let member = object.members.iter().find(|member| member.name.value == name && member.required);
    member.is_some_and(|member| match (&member.schema.shape, member.schema.null) {
        (Shape::Text { words: Some(words), .. }, None) => {
            words.class == DataClass::Identifier
                && words.of.is_some_and(|of| of.value == IdentifierKind::House)
                && protection(words) != Some(Protection::RequireEncrypted)
        }
        _ => false,
    })
}

/// Reports every list that says something and is not `named`.
fn lists<'a>(reader: &Reader, schema: &Schema<'a>, named: Option<&Schema<'a>>) {
    match &schema.shape {
        Shape::Array(_) if named.is_some_and(|named| std::ptr::eq(named, schema)) => {}
        Shape::Array(list) if speaks(&list.items) => refuse_list(reader, schema.place),
        Shape::Map(map) if speaks(&map.names) || speaks(&map.values) => refuse_list(reader, schema.place),
        Shape::Object(object) => object.members.iter().for_each(|member| lists(reader, &member.schema, named)),
        Shape::Choice(choice) => choice.branches.iter().for_each(|branch| lists(reader, branch, named)),
        Shape::Kinds(branches) => branches.iter().for_each(|branch| lists(reader, branch, named)),
        Shape::Array(_) | Shape::Map(_) | Shape::Text { .. } | Shape::Number { .. } | Shape::Boolean { .. } => {}
    }
}

/// Whether a value says anything that crosses and is not public.
fn speaks(schema: &Schema<'_>) -> bool {
    match &schema.shape {
        Shape::Object(object) => object.members.iter().any(|member| speaks(&member.schema)),
        Shape::Map(map) => speaks(&map.names) || speaks(&map.values),
        Shape::Choice(choice) => choice.branches.iter().any(speaks),
        Shape::Kinds(branches) => branches.iter().any(speaks),
        Shape::Array(list) => speaks(&list.items),
        Shape::Text { words, .. } | Shape::Number { words, .. } | Shape::Boolean { words, .. } => words
            .as_ref()
            .is_some_and(|words| words.class != DataClass::Public && protection(words) != Some(Protection::Drop)),
    }
}

fn protection(words: &FieldWords<'_>) -> Option<Protection> {
    match words.protect?.value {
        Protect::Known(protection) => Some(protection),
        Protect::Encrypt => None,
    }
}

fn refuse_array(reader: &Reader, place: Place, message: &str) {
    let fault = reader.source().fault("records-array", place, message);
    reader
        .report(fault.help("`array` is a JSON pointer to it in each answer of 200 to 299; the body itself is `\"\"`"));
}

fn refuse_list(reader: &Reader, place: Place) {
    let message = "nothing says of which house each element of this list is";
    let fault = reader.source().fault("records-missing", place, message);
    reader.report(fault.help(
        "name it in `x-portcullis` of the operation: `records: {array: /events, house: houseId}`, for an answer of 200 to 299",
    ));
}

//! A body by its schema: one pass over the text that takes what is declared, in whatever order it comes, and leaves a tree in the
//! declared order.
//!
//! The schema pulls from the strict reader of `json/`; nothing is skipped, so whatever is not declared ends the reading. A fault
//! names its place by declared names and indices only.

use crate::contract::expected;
use crate::contract::leaf;
use crate::contract::leaf::Check;
use crate::contract::leaf::LeafSchema;
use crate::contract::pull::Pull;
use crate::contract::pull::Tree;
use crate::contract::schema::Array;
use crate::contract::schema::Choice;
use crate::contract::schema::Map;
use crate::contract::schema::Object;
use crate::contract::schema::Schema;
use crate::json;
use crate::json::Fault;
use crate::json::Kind;
use crate::json::Limits;
use crate::json::Reader;
use crate::json::Value;
use crate::problem::WrongPlace;
use std::collections::HashSet;
use std::fmt::Write;
use std::sync::Arc;

/// Why a body is not taken.
pub(super) enum BodyFault {
    /// It is not strict JSON within the limits of all JSON.
    Malformed(Fault),
    /// It does not fit its schema.
    Wrong(WrongPlace),
}

/// Parses a body that is an object.
pub(super) fn parse_object(schema: &Object, text: &[u8], limits: Limits) -> Result<Value, BodyFault> {
    parse_with(text, limits, |reader| object(schema, reader))
}

/// Parses a body that is an object, of the schema that the text of its member `property` tells.
pub(super) fn parse_told<'s>(
    property: &str,
    text: &[u8],
    limits: Limits,
    told: impl FnOnce(&str) -> Option<&'s Object>,
) -> Result<Value, BodyFault> {
    parse_with(text, limits, |reader| {
        if Pull::peek(reader)? != Kind::Object {
            return Err(Stop::wrong(expected::OBJECT));
        }
        let whole = Pull::value(reader)?;
        let at_property = |expected| Stop::wrong(expected).within(Step::Member(property.into()));
        let word = whole.get(property).ok_or_else(|| at_property(expected::PRESENT))?;
        let word = word.as_str().ok_or_else(|| at_property(expected::TEXT))?;
        let schema = told(word).ok_or_else(|| at_property(expected::WORD))?;
        object(schema, &mut Tree::new(whole))
    })
}

/// Parses a body of any shape.
pub(super) fn parse(schema: &Schema, text: &[u8], limits: Limits) -> Result<Value, BodyFault> {
    parse_with(text, limits, |reader| value(schema, reader))
}

fn parse_with(
    text: &[u8],
    limits: Limits,
    read: impl FnOnce(&mut Reader<'_>) -> Result<Value, Stop>,
) -> Result<Value, BodyFault> {
    let mut reader = Reader::new(text, limits).map_err(|error| BodyFault::Malformed(error.fault()))?;
    let value = read(&mut reader).map_err(Stop::into_fault)?;
    reader.finish().map_err(|error| BodyFault::Malformed(error.fault()))?;
    Ok(value)
}

/// Whether every identifier that is bound to a claim equals it.
pub(super) fn identifiers_fit<'c>(schema: &Schema, value: &Value, claim: &dyn Fn(&str) -> Option<&'c str>) -> bool {
    match (schema, value) {
        _ if !schema.binds() => true,
        (Schema::Object(object), Value::Object(_)) => members_fit(object, value, claim),
        (Schema::Array(array), Value::Array(elements)) => {
            elements.iter().all(|element| identifiers_fit(&array.items, element, claim))
        }
        (Schema::Leaf(leaf), value) => identifier_fits(leaf, value, claim),
        (Schema::Map(map), Value::Object(members)) => {
            members.iter().all(|(_, value)| identifiers_fit(&map.values, value, claim))
        }
        (Schema::Choice(choice), value) => {
            choice.branch_of(value).is_some_and(|object| members_fit(object, value, claim))
        }
        (Schema::Kinds(kinds), value) => {
            kinds.of(value.kind()).is_some_and(|schema| identifiers_fit(schema, value, claim))
        }
        (Schema::Nullable(_), Value::Null) => true,
        (Schema::Nullable(inner), value) => identifiers_fit(inner, value, claim),
        (Schema::Object(_) | Schema::Array(_) | Schema::Map(_), _) => false,
    }
}

/// As [`identifiers_fit`], of an object.
pub(super) fn members_fit<'c>(object: &Object, value: &Value, claim: &dyn Fn(&str) -> Option<&'c str>) -> bool {
    let mut members = value.as_object().into_iter().flat_map(json::Object::iter);
    members.all(|(name, value)| {
        object.member(name).is_none_or(|(_, member)| identifiers_fit(&member.schema, value, claim))
    })
}

/// As [`identifiers_fit`], of one leaf.
pub(super) fn identifier_fits<'c>(leaf: &LeafSchema, value: &Value, claim: &dyn Fn(&str) -> Option<&'c str>) -> bool {
    match &leaf.claim {
        None => true,
        // The elements of a list in a query.
        Some(_) if value.as_array().is_some() => {
            value.as_array().into_iter().flatten().all(|element| identifier_fits(leaf, element, claim))
        }
        Some(name) => value.as_str().is_some_and(|text| claim(name) == Some(text)),
    }
}

/// Why reading stopped, with the way back to the root collected while it unwinds.
enum Stop {
    Malformed(Fault),
    Wrong { expected: &'static str, way: Vec<Step> },
}

enum Step {
    Member(Arc<str>),
    /// A member of a map, whose name is a stranger's.
    Any,
    Element(usize),
}

impl Stop {
    const fn wrong(expected: &'static str) -> Self {
        Self::Wrong { expected, way: Vec::new() }
    }

    /// The same, one level further out.
    fn within(mut self, step: Step) -> Self {
        if let Self::Wrong { way, .. } = &mut self {
            way.push(step);
        }
        self
    }

    fn into_fault(self) -> BodyFault {
        match self {
            Self::Malformed(fault) => BodyFault::Malformed(fault),
            Self::Wrong { expected, way } => {
                BodyFault::Wrong(WrongPlace { part: "body", pointer: pointer(&way), expected })
            }
        }
    }
}

/// A value of another kind than the schema's, or too long a text, is the schema's fault to name; all else is not JSON.
impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::WrongKind { wanted, .. } => Self::wrong(match wanted {
                Kind::Object => expected::OBJECT,
                Kind::Array => expected::ARRAY,
                Kind::String => expected::TEXT,
                Kind::Number => expected::NUMBER,
                Kind::Boolean => expected::BOOLEAN,
                Kind::Null => expected::DECLARED,
            }),
            Fault::StringTooLong => Self::wrong(expected::LENGTH),
            other => Self::Malformed(other),
        }
    }
}

fn value(schema: &Schema, pull: &mut impl Pull) -> Result<Value, Stop> {
    match schema {
        Schema::Object(schema) => object(schema, pull),
        Schema::Array(schema) => array(schema, pull),
        Schema::Leaf(schema) => leaf(schema, pull),
        Schema::Map(schema) => map(schema, pull),
        Schema::Choice(schema) => choice(schema, pull),
        Schema::Kinds(schema) => {
            let kind = pull.peek()?;
            schema.of(kind).ok_or(Stop::wrong(expected::KIND)).and_then(|schema| value(schema, pull))
        }
        Schema::Nullable(_) if pull.peek()? == Kind::Null => {
            pull.null()?;
            Ok(Value::Null)
        }
        Schema::Nullable(inner) => value(inner, pull),
    }
}

fn object(schema: &Object, pull: &mut impl Pull) -> Result<Value, Stop> {
    pull.begin_object()?;
    // Only what is there is kept and sorted, so that an empty object of many optional members costs nothing.
    let mut present: Vec<(usize, Arc<str>, Value)> = Vec::new();
    let mut required = 0;
    while let Some(name) = pull.next_key()? {
        let (index, member) = schema.member(&name).ok_or(Stop::wrong(expected::DECLARED))?;
        let taken = value(&member.schema, pull).map_err(|stop| stop.within(Step::Member(member.name.clone())))?;
        required += usize::from(member.required);
        present.push((index, member.name.clone(), taken));
    }
    present.sort_unstable_by_key(|(index, ..)| *index);
    if required < schema.required {
        let is_there = |index: usize| present.binary_search_by_key(&index, |(index, ..)| *index).is_ok();
        let mut members = schema.members.iter().enumerate();
        let missing = members.find(|(index, member)| member.required && !is_there(*index));
        let stop = Stop::wrong(expected::PRESENT);
        return Err(match missing {
            Some((_, missing)) => stop.within(Step::Member(missing.name.clone())),
            None => stop,
        });
    }
    let members = present.into_iter().map(|(_, name, value)| (name, value)).collect();
    Ok(Value::Object(json::Object::of_distinct(members)))
}

fn map(schema: &Map, pull: &mut impl Pull) -> Result<Value, Stop> {
    pull.begin_object()?;
    let mut members: Vec<(Arc<str>, Value)> = Vec::new();
    while let Some(name) = pull.next_key()? {
        if members.len() == schema.max_members {
            return Err(Stop::wrong(expected::MEMBERS));
        }
        schema.names.fits(&name).map_err(|_| Stop::wrong(expected::DECLARED))?;
        let name = Arc::from(&*name);
        members.push((name, value(&schema.values, pull).map_err(|stop| stop.within(Step::Any))?));
    }
    if members.len() < schema.min_members {
        return Err(Stop::wrong(expected::MEMBERS));
    }
    // One order, whatever the sender's: two maps of the same members are one text.
    members.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    Ok(Value::Object(json::Object::of_distinct(members)))
}

fn choice(schema: &Choice, pull: &mut impl Pull) -> Result<Value, Stop> {
    if pull.peek()? != Kind::Object {
        return Err(Stop::wrong(expected::OBJECT));
    }
    let whole = pull.value()?;
    let at_property = |expected| Stop::wrong(expected).within(Step::Member(schema.property.clone()));
    let told = whole.get(&schema.property).ok_or_else(|| at_property(expected::PRESENT))?;
    let told = told.as_str().ok_or_else(|| at_property(expected::TEXT))?;
    let branch = schema.branch(told).ok_or_else(|| at_property(expected::WORD))?;
    object(branch, &mut Tree::new(whole))
}

fn array(schema: &Array, pull: &mut impl Pull) -> Result<Value, Stop> {
    pull.begin_array()?;
    let mut elements = Vec::new();
    let mut seen = HashSet::new();
    while pull.next_element()? {
        if elements.len() == schema.max_items {
            return Err(Stop::wrong(expected::ITEMS));
        }
        let element = value(&schema.items, pull).map_err(|stop| stop.within(Step::Element(elements.len())))?;
        if schema.unique && !seen.insert(spelled(&element)) {
            return Err(Stop::wrong(expected::UNIQUE).within(Step::Element(elements.len())));
        }
        elements.push(element);
    }
    if elements.len() < schema.min_items {
        return Err(Stop::wrong(expected::ITEMS));
    }
    Ok(Value::Array(elements))
}

/// The one spelling of a value that was taken: its members stand in declared order, its numbers have one form. Equal values are
/// equal texts, and those can be hashed (keyed at random by the standard library).
pub(super) fn spelled(value: &Value) -> Vec<u8> {
    let mut text = Vec::new();
    json::write(value, &mut text);
    text
}

fn leaf(schema: &LeafSchema, pull: &mut impl Pull) -> Result<Value, Stop> {
    match &schema.check {
        Check::Text(check) => {
            let text = pull.string(check.max_bytes())?;
            check.fits(&text).map_err(Stop::wrong)?;
            Ok(Value::String(text.into()))
        }
        Check::Pseudonym => {
            let text = pull.string(usize::MAX)?;
            leaf::pseudonym(&text).map_err(Stop::wrong)?;
            Ok(Value::String(text.into()))
        }
        Check::Integer(bounds) => Ok(Value::Number(bounds.integer(pull.number()?).map_err(Stop::wrong)?)),
        Check::Number(bounds) => Ok(Value::Number(bounds.number(pull.number()?).map_err(Stop::wrong)?)),
        Check::Boolean(only) => Ok(Value::Boolean(leaf::boolean(*only, pull.boolean()?).map_err(Stop::wrong)?)),
    }
}

/// The JSON pointer (RFC 6901) of a way that begins at its end.
fn pointer(way: &[Step]) -> String {
    let mut pointer = String::new();
    for step in way.iter().rev() {
        pointer.push('/');
        match step {
            Step::Any => pointer.push('*'),
            Step::Member(name) => pointer.push_str(&name.replace('~', "~0").replace('/', "~1")),
            // Writing to a string cannot fail.
            Step::Element(index) => drop(write!(pointer, "{index}")),
        }
    }
    pointer
}

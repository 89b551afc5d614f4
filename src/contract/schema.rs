//! A schema, compiled: what may stand where, in the order in which it is rebuilt; and the check of one leaf.
//!
//! Closed world: an object has the members that are listed here and no others. Lengths of text are in characters (Unicode code
//! points, JSON Schema Validation §6.3), those of arrays in elements. Walking a body by a schema is `body.rs`'s.

use std::sync::Arc;

use crate::contract::expected;
use crate::contract::operation::FieldRule;
use crate::contract::pattern::Pattern;
use crate::json;
use crate::json::Number;
use crate::json::Value;
use crate::model::pseudonym_digits;

/// What may stand at one place.
pub(super) enum Schema {
    Object(Object),
    Array(Box<Array>),
    Leaf(Box<LeafSchema>),
}

/// Named members.
pub(super) struct Object {
    /// In declared order, which is the order of the rebuilt text.
    pub(super) members: Vec<Member>,
    /// Indices of `members`, by name.
    by_name: Vec<usize>,
    /// Whether a leaf in it is bound to a claim.
    binds: bool,
}

/// One member of an object.
pub(super) struct Member {
    pub(super) name: Arc<str>,
    /// The name as it is written before its value: quoted, escaped, with its colon.
    pub(super) key: Box<[u8]>,
    pub(super) required: bool,
    pub(super) schema: Schema,
}

/// Elements of one kind.
pub(super) struct Array {
    pub(super) items: Schema,
    pub(super) min_items: usize,
    pub(super) max_items: usize,
}

/// A value that holds no others.
pub(super) struct LeafSchema {
    pub(super) rule: FieldRule,
    /// The claim of the token that it must equal.
    pub(super) claim: Option<Arc<str>>,
    pub(super) check: Check,
}

/// What a leaf must be.
pub(super) enum Check {
    Text(TextCheck),
    Integer(Bounds),
    Number(Bounds),
    Boolean,
    /// A pseudonym, in an answer: what it stands for was checked when it went out.
    Pseudonym,
}

/// What a text must be.
#[derive(Default)]
pub(super) struct TextCheck {
    pub(super) min_length: usize,
    pub(super) max_length: Option<usize>,
    pub(super) pattern: Option<Pattern>,
    pub(super) words: Option<Vec<Box<str>>>,
}

/// How large a number may be.
#[derive(Default)]
pub(super) struct Bounds {
    pub(super) low: Option<Bound>,
    pub(super) high: Option<Bound>,
    pub(super) numbers: Option<Vec<Number>>,
}

/// One end of a range.
#[derive(Clone, Copy)]
pub(super) struct Bound {
    pub(super) at: Number,
    /// Whether `at` itself is outside.
    pub(super) exclusive: bool,
}

/// A parameter of a request, or a header of an answer.
pub(super) struct Parameter {
    pub(super) name: Arc<str>,
    pub(super) required: bool,
    pub(super) leaf: LeafSchema,
}

impl Schema {
    /// Whether a leaf in it is bound to a claim.
    pub(super) fn binds(&self) -> bool {
        match self {
            Self::Object(object) => object.binds,
            Self::Array(array) => array.items.binds(),
            Self::Leaf(leaf) => leaf.claim.is_some(),
        }
    }
}

impl Object {
    pub(super) fn new(members: Vec<Member>) -> Self {
        let mut by_name: Vec<usize> = (0..members.len()).collect();
        by_name.sort_by_key(|index| members.get(*index).map(|member| member.name.clone()));
        let binds = members.iter().any(|member| member.schema.binds());
        Self { members, by_name, binds }
    }

    /// The index and the member of this name.
    pub(super) fn member(&self, name: &str) -> Option<(usize, &Member)> {
        let name_at = |index: &usize| self.members.get(*index).map_or("", |member| &*member.name);
        let found = self.by_name.binary_search_by(|index| name_at(index).cmp(name)).ok()?;
        let index = *self.by_name.get(found)?;
        Some((index, self.members.get(index)?))
    }
}

impl Member {
    pub(super) fn new(name: &str, required: bool, schema: Schema) -> Self {
        let mut key = Vec::with_capacity(name.len() + 3);
        json::write_string(name, &mut key);
        key.push(b':');
        Self { name: name.into(), key: key.into_boxed_slice(), required, schema }
    }
}

impl LeafSchema {
    /// The kind of its values.
    pub(super) const fn kind(&self) -> json::Kind {
        match self.check {
            Check::Text(_) | Check::Pseudonym => json::Kind::String,
            Check::Integer(_) | Check::Number(_) => json::Kind::Number,
            Check::Boolean => json::Kind::Boolean,
        }
    }

    /// The value that `text` of a path, query or header spells, or what was expected.
    pub(super) fn decode(&self, text: &str) -> Result<Value, &'static str> {
        match &self.check {
            Check::Text(check) => check.fits(text).map(|()| Value::from(text)),
            Check::Pseudonym => pseudonym(text).map(|()| Value::from(text)),
            Check::Integer(bounds) => bounds.integer(number(text).ok_or(expected::INTEGER)?).map(Value::Number),
            Check::Number(bounds) => bounds.number(number(text).ok_or(expected::NUMBER)?).map(Value::Number),
            Check::Boolean => match text {
                "true" => Ok(Value::Boolean(true)),
                "false" => Ok(Value::Boolean(false)),
                _ => Err(expected::BOOLEAN),
            },
        }
    }
}

impl TextCheck {
    /// The most bytes that a text of `max_length` characters has.
    pub(super) const fn max_bytes(&self) -> usize {
        match self.max_length {
            Some(characters) => characters.saturating_mul(4),
            None => usize::MAX,
        }
    }

    pub(super) fn fits(&self, text: &str) -> Result<(), &'static str> {
        if let Some(words) = &self.words
            && !words.iter().any(|word| **word == *text)
        {
            return Err(expected::WORD);
        }
        // A character has one to four bytes: most texts need not be counted.
        let long_enough = text.len() / 4 >= self.min_length || text.chars().count() >= self.min_length;
        let short_enough = self.max_length.is_none_or(|most| text.len() <= most || text.chars().count() <= most);
        if !long_enough || !short_enough {
            return Err(expected::LENGTH);
        }
        match &self.pattern {
            Some(pattern) if !pattern.matches(text) => Err(expected::PATTERN),
            _ => Ok(()),
        }
    }
}

impl Bounds {
    pub(super) fn integer(&self, number: Number) -> Result<Number, &'static str> {
        if number.as_integer().is_none() {
            return Err(expected::INTEGER);
        }
        self.number(number)
    }

    pub(super) fn number(&self, number: Number) -> Result<Number, &'static str> {
        let too_low = self.low.is_some_and(|low| number < low.at || low.exclusive && number == low.at);
        let too_high = self.high.is_some_and(|high| number > high.at || high.exclusive && number == high.at);
        if too_low || too_high {
            return Err(expected::BOUNDS);
        }
        match &self.numbers {
            Some(numbers) if !numbers.contains(&number) => Err(expected::WORD),
            _ => Ok(number),
        }
    }
}

/// Whether `text` has the shape of a pseudonym.
pub(super) fn pseudonym(text: &str) -> Result<(), &'static str> {
    pseudonym_digits(text).map(|_| ()).ok_or(expected::PSEUDONYM)
}

/// The JSON number that is the whole of `text`.
fn number(text: &str) -> Option<Number> {
    let spelled = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E');
    if !text.bytes().all(spelled) {
        return None;
    }
    let mut reader = json::Reader::new(text.as_bytes(), json::Limits::default()).ok()?;
    let number = reader.number().ok()?;
    reader.finish().ok()?;
    Some(number)
}

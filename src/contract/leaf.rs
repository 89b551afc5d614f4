//! What one leaf must be, and whether a value is that. Lengths of text are in characters (Unicode code points, JSON Schema
//! Validation §6.3).

use std::sync::Arc;

use crate::contract::expected;
use crate::contract::format::Format;
use crate::contract::multiple::Multiple;
use crate::contract::operation::FieldRule;
use crate::contract::pattern::Pattern;
use crate::json;
use crate::json::Number;
use crate::json::Value;
use crate::model::pseudonym_digits;

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
    /// Any, or this one only.
    Boolean(Option<bool>),
    /// A pseudonym, in an answer: what it stands for was checked when it went out.
    Pseudonym,
}

/// What a text must be.
#[derive(Default)]
pub(super) struct TextCheck {
    pub(super) min_length: usize,
    pub(super) max_length: Option<usize>,
    pub(super) pattern: Option<Pattern>,
    pub(super) format: Option<Format>,
    /// Sorted.
    pub(super) words: Option<Box<[Box<str>]>>,
}

/// How large a number may be.
#[derive(Default)]
pub(super) struct Bounds {
    pub(super) low: Option<Bound>,
    pub(super) high: Option<Bound>,
    pub(super) multiple_of: Option<Multiple>,
    /// Sorted.
    pub(super) numbers: Option<Box<[Number]>>,
}

/// One end of a range.
#[derive(Clone, Copy)]
pub(super) struct Bound {
    pub(super) at: Number,
    /// Whether `at` itself is outside.
    pub(super) exclusive: bool,
}

impl LeafSchema {
    /// The kind of its values.
    pub(super) const fn kind(&self) -> json::Kind {
        match self.check {
            Check::Text(_) | Check::Pseudonym => json::Kind::String,
            Check::Integer(_) | Check::Number(_) => json::Kind::Number,
            Check::Boolean(_) => json::Kind::Boolean,
        }
    }

    /// The value that `text` of a path, query or header spells, or what was expected.
    pub(super) fn decode(&self, text: &str) -> Result<Value, &'static str> {
        match &self.check {
            Check::Text(check) => check.fits(text).map(|()| Value::from(text)),
            Check::Pseudonym => pseudonym(text).map(|()| Value::from(text)),
            Check::Integer(bounds) => bounds.integer(number(text).ok_or(expected::INTEGER)?).map(Value::Number),
            Check::Number(bounds) => bounds.number(number(text).ok_or(expected::NUMBER)?).map(Value::Number),
            Check::Boolean(only) => match text {
                "true" => boolean(*only, true).map(Value::Boolean),
                "false" => boolean(*only, false).map(Value::Boolean),
                _ => Err(expected::BOOLEAN),
            },
        }
    }
}

impl TextCheck {
    /// The most bytes that a text of `max_length` characters has. What is longer than its format is not of that format, which is
    /// another fault.
    pub(super) const fn max_bytes(&self) -> usize {
        match self.max_length {
            Some(characters) => characters.saturating_mul(4),
            None => usize::MAX,
        }
    }

    pub(super) fn fits(&self, text: &str) -> Result<(), &'static str> {
        if let Some(words) = &self.words
            && words.binary_search_by(|word| (**word).cmp(text)).is_err()
        {
            return Err(expected::WORD);
        }
        // A character has one to four bytes: most texts need not be counted.
        let long_enough = text.len() / 4 >= self.min_length || text.chars().count() >= self.min_length;
        let short_enough = self.max_length.is_none_or(|most| text.len() <= most || text.chars().count() <= most);
        if !long_enough || !short_enough {
            return Err(expected::LENGTH);
        }
        if self.format.is_some_and(|format| !format.fits(text)) {
            return Err(expected::FORMAT);
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
        if self.multiple_of.is_some_and(|multiple| !multiple.fits(number)) {
            return Err(expected::MULTIPLE);
        }
        match &self.numbers {
            Some(numbers) if numbers.binary_search(&number).is_err() => Err(expected::WORD),
            _ => Ok(number),
        }
    }
}

/// The truth value, if it is the one that may be.
pub(super) fn boolean(only: Option<bool>, truth: bool) -> Result<bool, &'static str> {
    if only.is_none_or(|only| only == truth) { Ok(truth) } else { Err(expected::WORD) }
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

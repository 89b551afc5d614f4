//! A JSON text as a tree that owns its parts.
//!
//! Invariants: no object has two members of one name, and every number is one of I-JSON, so each tree has exactly one
//! canonical text. Trees that [`parse`] makes are at most [`Limits::max_depth`] deep; what walks a tree may therefore
//! recurse.

use std::fmt;
use std::sync::Arc;

use crate::json::error::JsonError;
use crate::json::error::Kind;
use crate::json::number::Number;
use crate::json::reader::Limits;
use crate::json::reader::Reader;

/// Reads a whole text: one value, nothing but white space around it.
///
/// # Errors
/// The first [`Fault`](crate::json::Fault) in the text.
pub fn parse(text: &[u8], limits: Limits) -> Result<Value, JsonError> {
    let mut reader = Reader::new(text, limits)?;
    let value = read_value(&mut reader)?;
    reader.finish()?;
    Ok(value)
}

/// A JSON value. `Debug` tells kind and size, never content.
#[derive(Clone, Eq, PartialEq)]
pub enum Value {
    /// `null`
    Null,
    /// `true` or `false`
    Boolean(bool),
    /// A number.
    Number(Number),
    /// A string.
    String(Box<str>),
    /// Elements in their order.
    Array(Vec<Value>),
    /// Members.
    Object(Object),
}

impl Value {
    /// What the value is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Value::Null => Kind::Null,
            Value::Boolean(_) => Kind::Boolean,
            Value::Number(_) => Kind::Number,
            Value::String(_) => Kind::String,
            Value::Array(_) => Kind::Array,
            Value::Object(_) => Kind::Object,
        }
    }

    /// The member `name`, if this is an object that has it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.as_object()?.get(name)
    }

    /// The truth value, if this is one.
    #[must_use]
    pub const fn as_boolean(&self) -> Option<bool> {
        match self {
            Value::Boolean(boolean) => Some(*boolean),
            _ => None,
        }
    }

    /// The number, if this is one.
    #[must_use]
    pub const fn as_number(&self) -> Option<Number> {
        match self {
            Value::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// The integer, if this is a whole number.
    #[must_use]
    pub fn as_integer(&self) -> Option<i64> {
        self.as_number()?.as_integer()
    }

    /// The string, if this is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The elements, if this is an array.
    #[must_use]
    pub fn as_array(&self) -> Option<&[Value]> {
        match self {
            Value::Array(elements) => Some(elements),
            _ => None,
        }
    }

    /// The object, if this is one.
    #[must_use]
    pub const fn as_object(&self) -> Option<&Object> {
        match self {
            Value::Object(object) => Some(object),
            _ => None,
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Null | Value::Boolean(_) => write!(f, "{}", self.kind()),
            Value::Number(number) => number.fmt(f),
            Value::String(text) => write!(f, "string({} bytes)", text.len()),
            Value::Array(elements) => write!(f, "array({} elements)", elements.len()),
            Value::Object(object) => object.fmt(f),
        }
    }
}

impl From<bool> for Value {
    fn from(boolean: bool) -> Self {
        Value::Boolean(boolean)
    }
}

impl From<Number> for Value {
    fn from(number: Number) -> Self {
        Value::Number(number)
    }
}

impl From<i32> for Value {
    fn from(integer: i32) -> Self {
        Value::Number(integer.into())
    }
}

impl From<u32> for Value {
    fn from(integer: u32) -> Self {
        Value::Number(integer.into())
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::String(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Value::String(text.into_boxed_str())
    }
}

impl From<Vec<Value>> for Value {
    fn from(elements: Vec<Value>) -> Self {
        Value::Array(elements)
    }
}

impl From<Object> for Value {
    fn from(object: Object) -> Self {
        Value::Object(object)
    }
}

/// The members of an object, in the order they came or were inserted; each name once.
///
/// Names are shared, so that a room with a compiled schema builds objects without copying them. Look-ups walk the
/// members: for the few that an object has, that is faster than hashing.
#[derive(Clone, Default)]
pub struct Object(Vec<(Arc<str>, Value)>);

impl Object {
    /// An object without members.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// An object of these members. That no name stands twice among them, the caller has made sure of.
    pub(crate) const fn of_distinct(members: Vec<(Arc<str>, Value)>) -> Self {
        Self(members)
    }

    /// Its members, in their order.
    pub(crate) fn into_members(self) -> Vec<(Arc<str>, Value)> {
        self.0
    }

    /// Sets the member `name`, in its old place if there was one, and returns what it was before.
    pub fn insert(&mut self, name: impl Into<Arc<str>>, value: impl Into<Value>) -> Option<Value> {
        let (name, value) = (name.into(), value.into());
        if let Some((_, old)) = self.0.iter_mut().find(|(known, _)| *known == name) {
            return Some(std::mem::replace(old, value));
        }
        self.0.push((name, value));
        None
    }

    /// The member `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// All members, in order.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (&**name, value))
    }

    /// The number of members.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn sorted(&self) -> Vec<(&str, &Value)> {
        let mut members: Vec<_> = self.iter().collect();
        members.sort_unstable_by_key(|(name, _)| *name);
        members
    }
}

/// Objects are equal whatever the order of their members (RFC 8259 §1).
impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        if self.len() != other.len() {
            return false;
        }
        // Texts from one writer agree in order, which saves the sorting.
        if self.iter().map(|(name, _)| name).eq(other.iter().map(|(name, _)| name)) {
            return self.iter().eq(other.iter());
        }
        self.sorted() == other.sorted()
    }
}

impl Eq for Object {}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "object({} members)", self.len())
    }
}

/// Members given later replace earlier ones of the same name.
impl<N: Into<Arc<str>>, V: Into<Value>> FromIterator<(N, V)> for Object {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(members: I) -> Self {
        let mut object = Self::new();
        for (name, value) in members {
            object.insert(name, value);
        }
        object
    }
}

/// Recurses as deep as the reader lets it, which is at most 255 levels.
pub(super) fn read_value(reader: &mut Reader<'_>) -> Result<Value, JsonError> {
    Ok(match reader.peek()? {
        Kind::Null => {
            reader.null()?;
            Value::Null
        }
        Kind::Boolean => Value::Boolean(reader.boolean()?),
        Kind::Number => Value::Number(reader.number()?),
        Kind::String => Value::String(reader.string(usize::MAX)?.into()),
        Kind::Array => {
            reader.begin_array()?;
            let mut elements = Vec::new();
            while reader.next_element()? {
                elements.push(read_value(reader)?);
            }
            Value::Array(elements)
        }
        Kind::Object => {
            reader.begin_object()?;
            let mut members = Vec::new();
            // Not by `insert`: that the name is new, the reader has made sure of.
            while let Some(name) = reader.next_key()? {
                members.push((Arc::from(&*name), read_value(reader)?));
            }
            Value::Object(Object(members))
        }
    })
}

//! A value that a decision read, as its record may hold it.

use crate::model::class::IdentifierKind;
use std::fmt;

/// A value for the record. `Debug` shows a text's length alone: roles, scopes and rights are a stranger's words.
#[derive(Clone, Eq, PartialEq)]
pub enum InputValue {
    /// The value as JSON text.
    Json(Box<str>),
    /// The identifier of the token's own user, device or car. The record holds the handle that stands for it.
    Person(IdentifierKind),
    /// It may speak of a person and has no handle: the record holds that it was read, and nothing of it.
    Withheld,
}

/// What a record may hold of a validated value of a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Recordable {
    /// The value: it speaks of no person.
    Value,
    /// A handle: it is the token's own user, device or car.
    Handle(IdentifierKind),
    /// That it was read.
    Nothing,
}

impl fmt::Debug for InputValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(text) => write!(f, "<{} bytes>", text.len()),
            Self::Person(kind) => write!(f, "<handle of a {}>", kind.word()),
            Self::Withheld => f.write_str("<withheld>"),
        }
    }
}

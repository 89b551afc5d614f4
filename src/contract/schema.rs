//! A schema, compiled: what may stand where, in the order in which it is rebuilt.
//!
//! Closed world: an object has the members that are listed here and no others. Lengths of text are in characters (Unicode code
//! points, JSON Schema Validation §6.3), those of arrays in elements.

use std::sync::Arc;

use crate::contract::operation::FieldRule;
use crate::contract::pattern::Pattern;
use crate::json::Number;

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
    /// Indices of `members`, by name, for look-up.
    pub(super) by_name: Vec<usize>,
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
}

/// What a text must be.
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
    pub(super) words: Option<Vec<Number>>,
}

/// One end of a range.
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

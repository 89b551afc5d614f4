//! A schema, compiled: what may stand where, in the order in which it is rebuilt.
//!
//! Closed world: an object has the members that are listed here and no others. Lengths of arrays are in elements. What one leaf
//! must be is `leaf.rs`'s, walking a body by a schema `body.rs`'s.

use std::sync::Arc;

use crate::contract::leaf::LeafSchema;
use crate::json;

/// What may stand at one place.
pub(super) enum Schema {
    Object(Object),
    Array(Box<Array>),
    Leaf(Box<LeafSchema>),
    /// What is inside, or `null`.
    Nullable(Box<Schema>),
}

/// Named members.
pub(super) struct Object {
    /// In declared order, which is the order of the rebuilt text.
    pub(super) members: Vec<Member>,
    /// How many of them must be there.
    pub(super) required: usize,
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
    /// Whether no two elements may be equal.
    pub(super) unique: bool,
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
            Self::Nullable(inner) => inner.binds(),
        }
    }
}

impl Object {
    pub(super) fn new(members: Vec<Member>) -> Self {
        let mut by_name: Vec<usize> = (0..members.len()).collect();
        by_name.sort_by_key(|index| members.get(*index).map(|member| member.name.clone()));
        let binds = members.iter().any(|member| member.schema.binds());
        let required = members.iter().filter(|member| member.required).count();
        Self { members, required, by_name, binds }
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

//! A schema, compiled: what may stand where, in the order in which it is rebuilt.
//!
//! Closed world: an object has the members that are listed here and no others. Lengths of arrays are in elements. What one leaf
//! must be is `leaf.rs`'s, walking a body by a schema `body.rs`'s.

use std::sync::Arc;

use crate::contract::leaf::LeafSchema;
use crate::contract::leaf::TextCheck;
use crate::contract::operation::FieldRule;
use crate::json;
use crate::json::Value;

/// What may stand at one place.
pub(super) enum Schema {
    Object(Object),
    Array(Box<Array>),
    Leaf(Box<LeafSchema>),
    Map(Box<Map>),
    Choice(Box<Choice>),
    Kinds(Box<Kinds>),
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

/// Members of free names, all of one kind; rebuilt in the order of their names.
pub(super) struct Map {
    pub(super) names: TextCheck,
    /// What the contract says of the names themselves.
    pub(super) names_rule: FieldRule,
    pub(super) values: Schema,
    pub(super) min_members: usize,
    pub(super) max_members: usize,
}

/// One of several objects; a member that all of them have tells which.
pub(super) struct Choice {
    /// The name of that member.
    pub(super) property: Arc<str>,
    branches: Vec<Object>,
    /// Its values and the index of the branch, sorted.
    by_value: Vec<(Box<str>, usize)>,
}

/// Values of several kinds, each with a schema of its own.
pub(super) struct Kinds {
    pub(super) branches: Vec<(json::Kind, Schema)>,
}

/// A parameter of a request, or a header of an answer.
pub(super) struct Parameter {
    pub(super) name: Arc<str>,
    pub(super) required: bool,
    /// Of each element, if it is a list.
    pub(super) leaf: LeafSchema,
    /// How many there may be, if it is a list.
    pub(super) list: Option<List>,
}

/// How many values of one name a query may have.
pub(super) struct List {
    pub(super) min_items: usize,
    pub(super) max_items: usize,
    /// Whether no two may be equal.
    pub(super) unique: bool,
}

impl Schema {
    /// Whether a leaf in it is bound to a claim.
    pub(super) fn binds(&self) -> bool {
        match self {
            Self::Object(object) => object.binds,
            Self::Array(array) => array.items.binds(),
            Self::Leaf(leaf) => leaf.claim.is_some(),
            Self::Map(map) => map.values.binds(),
            Self::Choice(choice) => choice.branches.iter().any(|branch| branch.binds),
            Self::Kinds(kinds) => kinds.branches.iter().any(|(_, branch)| branch.binds()),
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

impl Kinds {
    /// What values of this kind must be, if there may be any.
    pub(super) fn of(&self, kind: json::Kind) -> Option<&Schema> {
        self.branches.iter().find(|(known, _)| *known == kind).map(|(_, branch)| branch)
    }
}

impl Choice {
    /// Of branches, each with the values that tell it from the others. That no two share one, the caller has made sure of.
    pub(super) fn new(property: Arc<str>, branches: Vec<(Vec<Box<str>>, Object)>) -> Self {
        let mut by_value = Vec::new();
        let mut objects = Vec::new();
        for (index, (values, object)) in branches.into_iter().enumerate() {
            by_value.extend(values.into_iter().map(|value| (value, index)));
            objects.push(object);
        }
        by_value.sort_unstable();
        Self { property, branches: objects, by_value }
    }

    /// The values that tell a branch, each with its branch, sorted.
    pub(super) fn told(&self) -> impl Iterator<Item = (&str, &Object)> {
        self.by_value.iter().filter_map(|(value, index)| Some((&**value, self.branches.get(*index)?)))
    }

    /// The branch that a value tells.
    pub(super) fn branch(&self, value: &str) -> Option<&Object> {
        let found = self.by_value.binary_search_by(|(known, _)| (**known).cmp(value)).ok()?;
        self.branches.get(self.by_value.get(found)?.1)
    }

    /// All branches, in the order of the contract.
    pub(super) fn branches(&self) -> impl Iterator<Item = &Object> {
        self.branches.iter()
    }

    /// The branch of a value that was taken.
    pub(super) fn branch_of(&self, value: &Value) -> Option<&Object> {
        self.branch(value.get(&self.property)?.as_str()?)
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

//! What a schema as written means: which values fit, and what is done with them. Lists every leaf on the way, and what the worst
//! body costs.
//!
//! Every array ends somewhere, and no body costs out of proportion to its length (`cost.rs`). What one leaf means is
//! `compile_leaf.rs`'s.

use crate::contract::cost;
use crate::contract::cost::Cost;
use crate::contract::operation::Field;
use crate::contract::pattern::Patterns;
use crate::contract::schema::Array;
use crate::contract::schema::Member;
use crate::contract::schema::Object;
use crate::contract::schema::Schema;
use crate::contract::written;
use crate::contract::written::Shape;
use crate::diagnostic::Place;
use crate::json;
use crate::model::Part;
use crate::yaml::Reader;

/// Compiles schemas of one operation and lists their leaves.
pub(super) struct SchemaCompiler<'r> {
    pub(super) reader: &'r Reader,
    pub(super) limits: json::Limits,
    pub(super) patterns: &'r mut Patterns,
    pub(super) fields: Vec<Field>,
    /// Of the body that is being compiled.
    pub(super) cost: Cost,
}

/// Where a schema stands.
#[derive(Clone)]
pub(super) struct Position {
    pub(super) part: Part,
    /// The status of the answer; `None` in a request.
    pub(super) status: Option<u16>,
    pub(super) pointer: String,
    /// Whether all levels above are always there.
    pub(super) required: bool,
    /// Arrays and objects around it.
    pub(super) depth: u8,
    /// The most values that can stand here in one body, apart from its length.
    pub(super) count: u64,
    /// Bytes of the name and the comma around each of them, and steps to find its place.
    pub(super) around: (u64, u64),
    /// Arrays around it that are sets: each compares all its bytes.
    pub(super) sets: u64,
}

impl Position {
    pub(super) const fn root(part: Part, status: Option<u16>) -> Self {
        Self::named_owned(part, status, String::new(), true)
    }

    pub(super) fn named(part: Part, status: Option<u16>, name: &str, required: bool) -> Self {
        Self::named_owned(part, status, name.to_owned(), required)
    }

    const fn named_owned(part: Part, status: Option<u16>, pointer: String, required: bool) -> Self {
        Self { part, status, pointer, required, depth: 0, count: 1, around: (0, 0), sets: 0 }
    }

    /// Of a member of an object that has `siblings`.
    fn member(&self, member: &written::Member<'_>, siblings: usize) -> Self {
        let name = member.name.value;
        // The name in quotation marks, a colon, a comma.
        let bytes = u64::try_from(name.len()).unwrap_or(u64::MAX).saturating_add(4);
        let around = (bytes, cost::NAME.saturating_add(cost::search(siblings)));
        Self { around, ..self.inside(&name.replace('~', "~0").replace('/', "~1"), member.required) }
    }

    /// Of the elements of an array.
    fn element(&self, max_items: usize, unique: bool) -> Self {
        let count = self.count.saturating_mul(u64::try_from(max_items).unwrap_or(u64::MAX));
        let steps = if unique { cost::UNIQUE } else { 0 };
        let sets = self.sets + u64::from(unique);
        Self { count, around: (1, steps), sets, ..self.inside("*", false) }
    }

    fn inside(&self, step: &str, required: bool) -> Self {
        Self {
            pointer: format!("{}/{step}", self.pointer),
            required: self.required && required,
            depth: self.depth.saturating_add(1),
            ..self.clone()
        }
    }

    /// The same place, where `null` may stand too.
    fn nullable(&self) -> Self {
        Self { required: false, ..self.clone() }
    }
}

impl SchemaCompiler<'_> {
    /// Compiles the schema of one body of at most `max_bytes`, and holds its worst case against what a byte may cost.
    pub(super) fn body<T>(&mut self, max_bytes: u64, compile: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        self.cost = Cost::default();
        let compiled = compile(self);
        let worst = std::mem::take(&mut self.cost).worst(max_bytes);
        if worst.steps_per_byte > cost::MAX_STEPS_PER_BYTE {
            let message = format!(
                "a body of {max_bytes} bytes could cost {} steps of work for each byte, and {} are allowed; this costs most",
                worst.steps_per_byte,
                cost::MAX_STEPS_PER_BYTE
            );
            let fault = self.reader.source().fault("too-dear", worst.dearest, message);
            self.reader.report(fault.help("lower `maxItems` around it, or take a pseudonym, a set or a pattern away"));
            return None;
        }
        compiled
    }

    /// Compiles a schema of any shape.
    pub(super) fn schema(&mut self, written: &written::Schema<'_>, at: &Position) -> Option<Schema> {
        if written.null.is_some() {
            return self.shape(written, &at.nullable()).map(|schema| Schema::Nullable(Box::new(schema)));
        }
        self.shape(written, at)
    }

    fn shape(&mut self, written: &written::Schema<'_>, at: &Position) -> Option<Schema> {
        match &written.shape {
            Shape::Object(members) => self.object(written.place, members, at).map(Schema::Object),
            Shape::Array(array) => self.array(written.place, array, at).map(|array| Schema::Array(Box::new(array))),
            Shape::Text { .. } | Shape::Number { .. } | Shape::Boolean { .. } => {
                self.leaf(written, at).map(|leaf| Schema::Leaf(Box::new(leaf)))
            }
        }
    }

    /// Compiles the members of an object.
    pub(super) fn object(&mut self, place: Place, members: &[written::Member<'_>], at: &Position) -> Option<Object> {
        self.within_depth(place, at)?;
        self.count_value(place, at, cost::CONTAINER, 2);
        if members.len() > self.limits.max_members {
            let message = format!("the object has {} properties, and `json_max_members` allows fewer", members.len());
            self.reader.fault("too-many-members", place, message);
            return None;
        }
        // All are compiled, so that all faults are found; then one that failed fails the whole.
        let compiled: Vec<Option<Member>> = members
            .iter()
            .map(|member| {
                let schema = self.schema(&member.schema, &at.member(member, members.len()))?;
                Some(Member::new(member.name.value, member.required, schema))
            })
            .collect();
        compiled.into_iter().collect::<Option<Vec<_>>>().map(Object::new)
    }

    fn array(&mut self, place: Place, written: &written::Array<'_>, at: &Position) -> Option<Array> {
        self.within_depth(place, at)?;
        self.count_value(place, at, cost::CONTAINER, 2);
        let Some(max_items) = written.max_items else {
            let fault = self.reader.source().fault("unbounded-array", place, "the array has no `maxItems`");
            self.reader.report(fault.help("say how many elements there can be"));
            return None;
        };
        let items = self.schema(&written.items, &at.element(max_items, written.unique))?;
        Some(Array { items, min_items: written.min_items, max_items, unique: written.unique })
    }

    /// Counts the values that can stand at a place: each costs `steps` and has at least `bytes`.
    pub(super) fn count_value(&mut self, place: Place, at: &Position, steps: u64, bytes: u64) {
        let (around_bytes, around_steps) = at.around;
        // Whatever it is, a set writes it out once more.
        let steps = steps.saturating_add(around_steps).saturating_add(at.sets.saturating_mul(cost::VALUE));
        self.cost.each_value(place, steps, bytes.saturating_add(around_bytes), at.count);
        self.cost.each_byte(place, cost::BYTE.saturating_add(at.sets.saturating_mul(cost::BYTE)));
    }

    fn within_depth(&self, place: Place, at: &Position) -> Option<()> {
        if at.depth < self.limits.max_depth {
            return Some(());
        }
        let message = format!("nested more deeply than the {} levels of `json_max_depth`", self.limits.max_depth);
        self.reader.fault("too-deep", place, message);
        None
    }
}

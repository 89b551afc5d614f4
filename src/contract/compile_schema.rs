//! What a schema as written means: which values fit, and what is done with them. Lists every leaf on the way, and what the worst
//! body costs.
//!
//! Every array ends somewhere, and no body costs out of proportion to its length (`cost.rs`). What one leaf means is
//! `compile_leaf.rs`'s, what a choice means `compile_choice.rs`'s.

use crate::contract::cost;
use crate::contract::cost::Cost;
use crate::contract::leaf::Check;
use crate::contract::leaf::TextCheck;
use crate::contract::operation::Field;
use crate::contract::operation::FieldRule;
use crate::contract::pattern::Patterns;
use crate::contract::schema::Array;
use crate::contract::schema::Map;
use crate::contract::schema::Member;
use crate::contract::schema::Object;
use crate::contract::schema::Schema;
use crate::contract::written;
use crate::contract::written::Shape;
use crate::diagnostic::Place;
use crate::json;
use crate::model::Direction;
use crate::model::Part;
use crate::model::Protection;
use crate::yaml::Reader;

/// Compiles schemas of one operation and lists their leaves.
pub(super) struct SchemaCompiler<'r> {
    pub(super) reader: &'r Reader,
    pub(super) limits: json::Limits,
    pub(super) patterns: &'r mut Patterns,
    pub(super) fields: Vec<Field>,
    /// Of the body that is being compiled.
    pub(super) cost: Cost,
    /// Which way it goes, of what no token of a person speaks for: an event, or an inbound operation's request and, the other
    /// way, its answers. `None` for an outbound operation.
    pub(super) tokenless: Option<Direction>,
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
    /// Sets and choices around it: each goes through all its bytes once more.
    pub(super) sets: u64,
}

impl Position {
    pub(super) const fn root(part: Part, status: Option<u16>) -> Self {
        Self::named_owned(part, status, String::new(), true)
    }

    /// Of an event's body: taken whole first, then once more by the schema that its `type` tells.
    pub(super) fn taken_whole() -> Self {
        Self { sets: 1, ..Self::root(Part::Body, None) }
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

    /// Of the values of a map.
    fn in_map(&self, max_members: usize) -> Self {
        // Two quotation marks, a colon and a comma around a name that may be empty; names are sorted.
        let around = (4, cost::NAME.saturating_add(cost::search(max_members)));
        Self { around, ..self.element(max_members, false) }
    }

    /// Of the names of a map.
    fn name_in_map(&self, max_members: usize) -> Self {
        let pointer = format!("{}/*#", self.pointer);
        Self { pointer, around: (2, 0), ..self.element(max_members, false) }
    }

    /// Of a branch that is told by the kind of its values. Policies have no name for it.
    pub(super) fn of_kind(&self, kind: json::Kind) -> Self {
        Self { pointer: format!("{}/({kind})", self.pointer), required: false, ..self.clone() }
    }

    /// Of a branch of a choice: it need not be the one, and everything is gone through twice.
    pub(super) fn branch(&self) -> Self {
        Self { sets: self.sets.saturating_add(1), required: false, ..self.clone() }
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
            Shape::Object(object) => self.object(written.place, &object.members, at).map(Schema::Object),
            Shape::Map(map) => self.map(written.place, map, at).map(|map| Schema::Map(Box::new(map))),
            Shape::Choice(choice) => {
                self.choice(written.place, choice, at).map(|choice| Schema::Choice(Box::new(choice)))
            }
            Shape::Kinds(branches) => self.kinds(branches, at).map(|kinds| Schema::Kinds(Box::new(kinds))),
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
            let fault = self.reader.source().fault("too-many-members", place, message);
            self.reader.report(fault.help("have fewer, or raise `limits.json_max_members` in gateway.yaml"));
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
        let max_items = self.max_items(place, written)?;
        let items = self.schema(&written.items, &at.element(max_items, written.unique))?;
        Some(Array { items, min_items: written.min_items, max_items, unique: written.unique })
    }

    /// How many elements an array may have.
    pub(super) fn max_items(&self, place: Place, written: &written::Array<'_>) -> Option<usize> {
        if written.max_items.is_none() {
            let fault = self.reader.source().fault("unbounded-array", place, "the array has no `maxItems`");
            self.reader.report(fault.help("say how many elements there can be"));
        }
        written.max_items
    }

    /// Compiles a map. Its names come from a stranger and cross as they are, so they are leaves with a class of their own.
    fn map(&mut self, place: Place, written: &written::Map<'_>, at: &Position) -> Option<Map> {
        self.within_depth(place, at)?;
        self.count_value(place, at, cost::CONTAINER, 2);
        let Some(max_members) = written.max_members else {
            let fault = self.reader.source().fault("unbounded-map", place, "the map has no `maxProperties`");
            self.reader.report(fault.help("say how many members there can be"));
            return None;
        };
        if max_members > self.limits.max_members {
            let message = format!("the map may have {max_members} members, and `json_max_members` allows fewer");
            let fault = self.reader.source().fault("too-many-members", place, message);
            self.reader.report(fault.help("have fewer, or raise `limits.json_max_members` in gateway.yaml"));
            return None;
        }
        let names = self.map_names(&written.names, &at.name_in_map(max_members));
        let values = self.schema(&written.values, &at.in_map(max_members));
        let (names, names_rule) = names?;
        Some(Map { names, names_rule, values: values?, min_members: written.min_members, max_members })
    }

    fn map_names(&mut self, written: &written::Schema<'_>, at: &Position) -> Option<(TextCheck, FieldRule)> {
        let is_text = written.null.is_none() && matches!(written.shape, Shape::Text { .. });
        let leaf = if is_text { Some(self.leaf(written, at)?) } else { None };
        match leaf.map(|leaf| (leaf.check, leaf.rule, leaf.claim)) {
            Some((Check::Text(check), rule, None)) if rule.protection == Protection::Keep => Some((check, rule)),
            _ => {
                let message = "the names of a map are always text that crosses as it is";
                let fault = self.reader.source().fault("name-unfit", written.place, message);
                self.reader.report(fault.help("write `type: string`, a class, and `protect: keep`"));
                None
            }
        }
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
        let fault = self.reader.source().fault("too-deep", place, message);
        self.reader.report(fault.help("nest less, or raise `limits.json_max_depth` in gateway.yaml"));
        None
    }
}

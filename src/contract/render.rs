//! Writing out what was rebuilt: a walk over schema and value in which another room says what becomes of each leaf.
//!
//! Names, order and structure come from the contract; only leaves come from the value, and each passes through `transform`, in
//! the order in which it is written. Text is escaped by `json/`; in a target only unreserved characters stand bare.

use crate::contract::leaf::LeafSchema;
use crate::contract::operation::Operation;
use crate::contract::operation::Segment;
use crate::contract::schema::Array;
use crate::contract::schema::Map;
use crate::contract::schema::Object;
use crate::contract::schema::Parameter;
use crate::contract::schema::Schema;
use crate::contract::target;
use crate::json;
use crate::json::Value;
use crate::model::Leaf;
use crate::model::Part;
use crate::model::Protection;
use crate::model::Treated;
use http::HeaderName;
use http::HeaderValue;

/// Who says what becomes of each leaf.
pub(super) type Transform<'t, E> = dyn FnMut(Leaf<'_>) -> Result<Treated, E> + 't;

/// What a walk writes, leaf by leaf.
pub(super) struct Walk<'w, 't, E> {
    transform: &'w mut Transform<'t, E>,
}

impl<'w, 't, E> Walk<'w, 't, E> {
    pub(super) const fn new(transform: &'w mut Transform<'t, E>) -> Self {
        Self { transform }
    }

    /// Path and query.
    ///
    /// A path value cannot be dropped: the compiler refuses it. Should a transform drop one all the same, nothing stands in its
    /// place, and no partner has such a path.
    pub(super) fn target(
        &mut self,
        operation: &Operation,
        path: &[Value],
        query: &[Option<Value>],
    ) -> Result<String, E> {
        let mut target = String::with_capacity(128);
        for segment in &operation.segments {
            target.push('/');
            match segment {
                Segment::Literal(text) => target.push_str(text),
                Segment::Parameter(index) => {
                    if let (Some(parameter), Some(value)) = (operation.path_parameters.get(*index), path.get(*index)) {
                        let text = self.text(Part::Path, &parameter.leaf, value)?;
                        target::encode(text.as_deref().unwrap_or_default(), &mut target);
                    }
                }
            }
        }
        let mut separator = '?';
        for (parameter, value) in operation.query_parameters.iter().zip(query) {
            let Some(value) = value else { continue };
            for value in value.as_array().unwrap_or(std::slice::from_ref(value)) {
                let Some(text) = self.text(Part::Query, &parameter.leaf, value)? else { continue };
                target.push(separator);
                separator = '&';
                target.push_str(&parameter.name);
                target.push('=');
                target::encode(&text, &mut target);
            }
        }
        Ok(target)
    }

    /// Header fields.
    pub(super) fn fields<'p>(
        &mut self,
        parameters: impl Iterator<Item = (&'p HeaderName, &'p Parameter)>,
        values: &[Option<Value>],
    ) -> Result<Vec<(HeaderName, HeaderValue)>, E> {
        let mut fields = Vec::new();
        for ((name, parameter), value) in parameters.zip(values) {
            let Some(value) = value else { continue };
            let text = self.text(Part::Header, &parameter.leaf, value)?;
            // What is no field value is left out: checked values are, and so are pseudonyms.
            if let Some(Ok(value)) = text.map(HeaderValue::try_from) {
                fields.push((name.clone(), value));
            }
        }
        Ok(fields)
    }

    /// A body; `false` if nothing of it crosses, and nothing was written.
    pub(super) fn body(&mut self, schema: &Schema, value: &Value, out: &mut Vec<u8>) -> Result<bool, E> {
        match (schema, value) {
            (Schema::Object(object), value) => self.object(object, value, out).map(|()| true),
            (Schema::Array(array), Value::Array(elements)) => self.array(array, elements, out).map(|()| true),
            (Schema::Leaf(leaf), value) => self.leaf(leaf, value, out),
            (Schema::Map(map), value) => self.map(map, value, out).map(|()| true),
            (Schema::Choice(choice), value) => match choice.branch_of(value) {
                Some(object) => self.object(object, value, out).map(|()| true),
                None => Ok(false),
            },
            (Schema::Kinds(kinds), value) => match kinds.of(value.kind()) {
                Some(schema) => self.body(schema, value, out),
                None => Ok(false),
            },
            (Schema::Nullable(inner), Value::Null) => Ok(null(inner, out)),
            (Schema::Nullable(inner), value) => self.body(inner, value, out),
            (Schema::Array(_), _) => Ok(false),
        }
    }

    /// An object, at least its braces.
    pub(super) fn object(&mut self, schema: &Object, value: &Value, out: &mut Vec<u8>) -> Result<(), E> {
        out.push(b'{');
        let mut first = true;
        // The values are in declared order. They lead, so that members which are not there cost nothing.
        for (name, value) in value.as_object().into_iter().flat_map(json::Object::iter) {
            let Some((_, member)) = schema.member(name) else { continue };
            let start = out.len();
            if !first {
                out.push(b',');
            }
            out.extend_from_slice(&member.key);
            if self.body(&member.schema, value, out)? {
                first = false;
            } else {
                out.truncate(start);
            }
        }
        out.push(b'}');
        Ok(())
    }

    fn map(&mut self, schema: &Map, value: &Value, out: &mut Vec<u8>) -> Result<(), E> {
        out.push(b'{');
        let mut first = true;
        for (name, value) in value.as_object().into_iter().flat_map(json::Object::iter) {
            let start = out.len();
            if !first {
                out.push(b',');
            }
            json::write_string(name, out);
            out.push(b':');
            if self.body(&schema.values, value, out)? {
                first = false;
            } else {
                out.truncate(start);
            }
        }
        out.push(b'}');
        Ok(())
    }

    fn array(&mut self, schema: &Array, elements: &[Value], out: &mut Vec<u8>) -> Result<(), E> {
        out.push(b'[');
        let mut first = true;
        for element in elements {
            let start = out.len();
            if !first {
                out.push(b',');
            }
            if self.body(&schema.items, element, out)? {
                first = false;
            } else {
                out.truncate(start);
            }
        }
        out.push(b']');
        Ok(())
    }

    fn leaf(&mut self, schema: &LeafSchema, value: &Value, out: &mut Vec<u8>) -> Result<bool, E> {
        match self.treat(Part::Body, schema, value)? {
            Treated::Keep => json::write(value, out),
            Treated::Text(text) => json::write_string(&text, out),
            Treated::Drop => return Ok(false),
        }
        Ok(true)
    }

    /// A leaf outside a body, as plain text.
    fn text(&mut self, part: Part, schema: &LeafSchema, value: &Value) -> Result<Option<String>, E> {
        Ok(match self.treat(part, schema, value)? {
            Treated::Keep => Some(target::plain_text(value)),
            Treated::Text(text) => Some(text),
            Treated::Drop => None,
        })
    }

    fn treat(&mut self, part: Part, schema: &LeafSchema, value: &Value) -> Result<Treated, E> {
        (self.transform)(Leaf {
            part,
            class: schema.rule.class,
            kind: schema.rule.of,
            protection: schema.rule.protection,
            text: value.as_str(),
        })
    }
}

/// Writes `null`, unless a leaf stands there that never crosses. Nothing else can become of it: it names nobody, and there is
/// nothing to encrypt.
fn null(schema: &Schema, out: &mut Vec<u8>) -> bool {
    let crosses = !matches!(schema, Schema::Leaf(leaf) if leaf.rule.protection == Protection::Drop);
    if crosses {
        json::write(&Value::Null, out);
    }
    crosses
}

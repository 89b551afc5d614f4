//! The forms of bodies: of a request and of its answers, each with a media type and a schema of its own.
//!
//! A request says its form by `Content-Type`. Policies speak of a body's values by name whatever the form, so forms that have a
//! name in common agree on what it is, and a name that one of them lacks may be absent.

use crate::contract::compile_operation::fields_stand_once;
use crate::contract::compile_operation::header;
use crate::contract::compile_schema::Position;
use crate::contract::compile_schema::SchemaCompiler;
use crate::contract::operation::AnswerShape;
use crate::contract::operation::Field;
use crate::contract::operation::Form;
use crate::contract::schema::Object;
use crate::contract::schema::Schema;
use crate::contract::written;
use crate::contract::written::At;
use crate::contract::written::Shape;
use crate::diagnostic::Place;
use crate::limits::Limits;
use crate::model::Part;
use crate::model::Protection;
use crate::yaml::Reader;
use http::HeaderValue;
use http::Method;

/// The forms of a request's body; none where it has no body.
pub(super) fn request(
    schemas: &mut SchemaCompiler<'_>,
    written: &written::Operation<'_>,
    max_bytes: u64,
) -> Option<Vec<Form<Object>>> {
    if let Some(body) = written.bodies.first()
        && matches!(written.method, Method::GET | Method::OPTIONS | Method::DELETE)
    {
        let message = format!("a body of {} has no meaning (RFC 9110 §9.3)", written.method);
        let fault = schemas.reader.source().fault("body-unfit", body.schema.place, message);
        schemas.reader.report(fault.help("take the body out"));
    }
    // All are compiled, so that all faults are found; then one that failed fails the whole.
    let forms: Vec<_> = written.bodies.iter().map(|body| request_body(schemas, body, max_bytes)).collect();
    forms.into_iter().collect()
}

fn request_body(schemas: &mut SchemaCompiler<'_>, written: &written::Body<'_>, max_bytes: u64) -> Option<Form<Object>> {
    let schema = &written.schema;
    not_null(schemas.reader, schema)?;
    let Shape::Object(object) = &schema.shape else {
        let message = "the body of a request must be an object with declared properties";
        let fault = schemas.reader.source().fault("body-not-an-object", schema.place, message);
        schemas.reader.report(fault.help("let what it is be a property of an object"));
        return None;
    };
    let root = Position::root(Part::Body, None);
    let schema = schemas.body(max_bytes, |schemas| schemas.object(schema.place, &object.members, &root))?;
    Some(Form { media_type: media_type(written)?, schema })
}

fn answer_body(
    schemas: &mut SchemaCompiler<'_>,
    written: &written::Body<'_>,
    status: Option<u16>,
    max_bytes: u64,
) -> Option<Form<Schema>> {
    let schema = &written.schema;
    not_null(schemas.reader, schema)?;
    if matches!(schema.shape, Shape::Text { .. } | Shape::Number { .. } | Shape::Boolean { .. } | Shape::Kinds(_)) {
        let message = "the body of an answer must be an object or an array";
        let fault = schemas.reader.source().fault("body-not-an-object", schema.place, message);
        schemas.reader.report(fault.help("let what it is be a property of an object"));
    }
    let root = Position::root(Part::Body, status);
    let schema = schemas.body(max_bytes, |schemas| schemas.schema(schema, &root))?;
    Some(Form { media_type: media_type(written)?, schema })
}

fn media_type(written: &written::Body<'_>) -> Option<HeaderValue> {
    HeaderValue::from_str(written.media_type).ok()
}

/// Makes the values of several forms of a request's body agree, by name.
pub(super) fn agree(reader: &Reader, place: Place, forms: usize, fields: &mut [Field]) {
    if forms < 2 {
        return;
    }
    let of_body = |field: &&Field| field.part == Part::Body && field.status.is_none();
    let named: Vec<Field> = fields.iter().filter(of_body).filter(|field| is_named(field)).cloned().collect();
    for field in fields.iter_mut().filter(|field| of_body(&&**field) && is_named(field)) {
        let same = || named.iter().filter(|other| other.pointer == field.pointer);
        let what = |field: &Field| (field.kind, field.whole, field.rule, field.claim.clone());
        if same().any(|other| what(other) != what(field)) {
            let message = format!("`{}` is not the same in all forms of the body", field.pointer);
            let fault = reader.source().fault("ambiguous-name", place, message);
            reader.report(
                fault.help("policies speak of values by name: give it one type and one `x-portcullis`, or rename it"),
            );
        }
        field.required &= same().filter(|other| other.required).count() == forms;
    }
}

/// Whether a leaf is of the top level, where values have names.
fn is_named(field: &Field) -> bool {
    field.pointer.strip_prefix('/').is_some_and(|name| !name.contains('/'))
}

/// A body that may be longer than others is one that brings something encrypted, and finds room beside an answer.
pub(super) fn holds_its_limit(reader: &Reader, written: &written::Operation<'_>, limits: &Limits, fields: &[Field]) {
    let Some(At { place, value: max_bytes }) = written.words.body_max_bytes else { return };
    let unfit = |message: &str, help: &str| {
        reader.report(reader.source().fault("body-limit", place, message).help(help));
    };
    let encrypted = |field: &Field| {
        field.status.is_none() && field.part == Part::Body && field.rule.protection == Protection::RequireEncrypted
    };
    if written.bodies.is_empty() {
        unfit("the operation has no body to be limited", "take `limits` out");
    } else if max_bytes > limits.body_max_bytes && !fields.iter().any(encrypted) {
        let message = "nothing in this body is encrypted, so it needs to be no longer than others";
        unfit(message, "raise `limits.body_max_bytes` in gateway.yaml where all bodies may be longer");
    } else if max_bytes.saturating_add(limits.answer_max_bytes) > limits.bytes_in_flight_max {
        let message = "such a body and an answer do not fit into `bytes_in_flight_max` together";
        unfit(message, "lower it, or raise `limits.bytes_in_flight_max` in gateway.yaml");
    }
}

/// The media types of all answers, each once, as `Accept` lists them.
pub(super) fn accept(answers: &[AnswerShape]) -> HeaderValue {
    let mut types: Vec<&[u8]> = Vec::new();
    for form in answers.iter().flat_map(|answer| &answer.bodies) {
        if !types.contains(&form.media_type.as_bytes()) {
            types.push(form.media_type.as_bytes());
        }
    }
    let list = types.join(&b", "[..]);
    HeaderValue::from_bytes(&list)
        .ok()
        .filter(|list| !list.is_empty())
        .unwrap_or(HeaderValue::from_static("application/json"))
}

/// The declared answers.
pub(super) fn answers(
    schemas: &mut SchemaCompiler<'_>,
    written: &written::Operation<'_>,
    max_bytes: u64,
) -> Option<Vec<AnswerShape>> {
    let mut shapes = Vec::new();
    let mut whole = true;
    for answer in &written.answers {
        match answer_shape(schemas, answer, max_bytes) {
            Some(shape) => shapes.push(shape),
            None => whole = false,
        }
    }
    if !written.answers.iter().any(|answer| answer.status.value.is_success()) {
        let message = "no answer of 200 to 299 is declared, so no success would be one";
        schemas.reader.fault("no-success", written.place, message);
    }
    whole.then_some(shapes)
}

fn answer_shape(
    schemas: &mut SchemaCompiler<'_>,
    written: &written::Answer<'_>,
    max_bytes: u64,
) -> Option<AnswerShape> {
    let status = written.status.value;
    let code = Some(status.as_u16());
    let headers: Vec<_> = written.headers.iter().map(|written| header(schemas, written, code)).collect();
    if let Some(body) = written.bodies.first()
        && matches!(status.as_u16(), 204 | 205 | 304)
    {
        let message = format!("an answer of {} has no body (RFC 9110 §15)", status.as_u16());
        let fault = schemas.reader.source().fault("body-unfit", body.schema.place, message);
        schemas.reader.report(fault.help("take the body out"));
    }
    let bodies: Vec<_> = written.bodies.iter().map(|body| answer_body(schemas, body, code, max_bytes)).collect();
    let fields = headers.into_iter().collect::<Option<Vec<_>>>()?;
    fields_stand_once(schemas.reader, &fields, written.status.place);
    Some(AnswerShape { status, fields, bodies: bodies.into_iter().collect::<Option<Vec<_>>>()? })
}

/// Reports a value that may be `null` where only something or nothing can stand.
pub(super) fn not_null(reader: &Reader, schema: &written::Schema<'_>) -> Option<()> {
    let Some(place) = schema.null else { return Some(()) };
    let fault = reader.source().fault("null-unfit", place, "a body, a parameter or a header cannot be `null`");
    reader.report(fault.help("it is there or it is not: say `required: false` where it may be absent"));
    None
}

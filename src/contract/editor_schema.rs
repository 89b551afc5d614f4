//! Contracts as JSON Schema (2020-12), for editors: OpenAPI's outline, and `x-portcullis` in full.
//!
//! That the keys are those that the readers ask for (`written_words.rs`), a test sees to. What a contract as a whole must say, only
//! compiling it tells.

use crate::contract::format::Format;
use crate::contract::operation::Actuates;
use crate::json::Object;
use crate::json::Value;
use crate::model::DataClass;
use crate::model::Direction;
use crate::model::IdentifierKind;
use crate::model::Protection;
use crate::model::RightKind;

/// A name (`model::Name`).
const NAME: &str = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$";

/// The schema of `contracts/<partner>.openapi.yaml`.
#[must_use]
pub fn schema() -> Value {
    let operations = ["get", "put", "post", "patch", "delete", "options"];
    let mut item: Vec<(&str, Value)> = operations.iter().map(|method| (*method, to("operation"))).collect();
    item.push(("parameters", list_of(to("parameter"))));
    let named = |value: Value| record([("type", "object".into()), ("additionalProperties", value)]);
    let components = open(vec![
        ("schemas", named(to("schema"))),
        ("parameters", named(to("parameter"))),
        ("requestBodies", named(to("body"))),
        ("responses", named(to("answer"))),
        ("headers", named(to("header"))),
    ]);
    let definitions = record([
        ("document", document()),
        ("operationWords", operation_words()),
        ("eventWords", event_words()),
        ("leafWords", leaf_words()),
        ("resource", resource()),
        ("operation", operation()),
        ("event", event()),
        ("parameter", parameter()),
        ("header", open(vec![("required", of("boolean")), ("schema", to("schema"))])),
        ("body", open(vec![("required", record([("const", true.into())])), ("content", to("content"))])),
        ("answer", open(vec![("headers", named(to("header"))), ("content", to("content"))])),
        ("content", named(open(vec![("schema", to("schema"))]))),
        ("schema", leaf_schema()),
    ]);
    record([
        ("$schema", "https://json-schema.org/draft/2020-12/schema".into()),
        ("title", "a contract of Portcullis".into()),
        ("type", "object".into()),
        ("required", strings(&["openapi", "info", "x-portcullis", "paths"])),
        ("additionalProperties", false.into()),
        (
            "properties",
            record([
                ("openapi", text("^3\\.1\\.", "the version of OpenAPI")),
                ("info", of("object")),
                ("tags", of("array")),
                ("x-portcullis", to("document")),
                ("paths", named(open(item))),
                (
                    "webhooks",
                    named(record([
                        ("type", "object".into()),
                        ("required", strings(&["post"])),
                        ("additionalProperties", false.into()),
                        ("properties", record([("post", to("event"))])),
                    ])),
                ),
                ("components", components),
            ]),
        ),
        ("$defs", definitions),
    ])
}

fn document() -> Value {
    closed(
        &["partner", "recipient", "country", "retention"],
        vec![
            ("partner", text(NAME, "the file's name, and a key under `partners` in gateway.yaml")),
            ("recipient", text("\\S", "who receives the data")),
            ("country", text("^[A-Z]{2}$", "where (ISO 3166-1)")),
            ("retention", text("^P([0-9]+[YMWD])+$", "how long it is kept there (ISO 8601), for instance P30D")),
        ],
    )
}

fn operation_words() -> Value {
    let actuates = Actuates::ALL.map(|(word, _)| word);
    let rights = RightKind::ALL.map(RightKind::word);
    closed(
        &["action", "resource", "direction", "purpose", "legal_basis"],
        vec![
            ("action", text(NAME, "the Cedar action")),
            ("resource", to("resource")),
            ("direction", words(&directions(), "which way it goes")),
            ("purpose", text(NAME, "what the data is used for")),
            ("legal_basis", text(NAME, "why it may be")),
            (
                "right",
                closed(
                    &["type", "action"],
                    vec![
                        ("type", words(&rights, "the kind of right")),
                        ("action", text(NAME, "the action that it lists")),
                    ],
                ),
            ),
            ("scope", text("^[!-~]{1,64}$", "of `direction: inbound`: the scope that the partner's token must have")),
            ("actuates", words(&actuates, "what it moves; then `max_age` and `idempotency` are required")),
            ("max_age", text("^[0-9]+[sm]$", "how old a command may be, 1s to 60m")),
            ("acr", values("the levels of authentication of which the token must name one")),
            ("amr", values("the means of authentication that the token must name, all of them")),
            ("max_auth_age", text("^[0-9]+[smh]$", "how long ago the user may have been authenticated, 1s to 24h")),
            ("idempotency", text(".", "`header`, or the name of a required text of the body")),
            (
                "records",
                closed(
                    &["array", "house"],
                    vec![
                        ("array", text("^(/.*)?$", "a JSON pointer to the list of records in each answer of 2xx")),
                        ("house", text(".", "the member of each record that names its house")),
                    ],
                ),
            ),
            (
                "limits",
                closed(&["body_max_bytes"], vec![("body_max_bytes", text("^[0-9]+(KiB|MiB)$", "the longest body"))]),
            ),
            ("life_safety", words(&["egress"], "it lets people out; then `local_override: true` is required")),
            ("local_override", of("boolean")),
        ],
    )
}

/// What `acr` and `amr` list.
fn values(told: &str) -> Value {
    record([
        ("type", "array".into()),
        ("minItems", 1_u32.into()),
        ("maxItems", 8_u32.into()),
        ("uniqueItems", true.into()),
        ("items", text("^[!#-\\[\\]-~]{1,128}$", "one value")),
        ("description", told.into()),
    ])
}

fn event_words() -> Value {
    closed(
        &["action", "resource", "direction", "purpose", "legal_basis"],
        vec![
            ("action", text(NAME, "the Cedar action")),
            ("resource", to("resource")),
            ("direction", words(&directions(), "which way it goes")),
            ("narrows", of("boolean")),
            ("purpose", text(NAME, "what the data is used for")),
            ("legal_basis", text(NAME, "why it may be")),
        ],
    )
}

fn leaf_words() -> Value {
    let protections = Protection::ALL.map(Protection::word);
    closed(
        &["class"],
        vec![
            ("class", words(&DataClass::ALL.map(DataClass::word), "what kind of data it is")),
            ("of", words(&IdentifierKind::ALL.map(IdentifierKind::word), "what an identifier names")),
            ("claim", words(&["sub", "device_id", "car_id", "tenant"], "the claim of the token that it equals")),
            ("protect", words(&protections, "what happens to it on its way; of what is public it may be left out")),
        ],
    )
}

fn resource() -> Value {
    closed(
        &["type", "id"],
        vec![
            ("type", text(NAME, "the entity type, for instance Door")),
            (
                "id",
                record([
                    ("type", "array".into()),
                    ("minItems", 1_u32.into()),
                    ("items", of("string")),
                    ("description", "the values that name it, outermost first".into()),
                ]),
            ),
        ],
    )
}

fn operation() -> Value {
    with_required(
        &["operationId", "x-portcullis", "responses"],
        vec![
            ("operationId", text(NAME, "its name")),
            ("x-portcullis", to("operationWords")),
            ("parameters", list_of(to("parameter"))),
            ("requestBody", to("body")),
            (
                "responses",
                record([
                    ("type", "object".into()),
                    ("propertyNames", record([("pattern", "^[2-5][0-9][0-9]$".into())])),
                    ("additionalProperties", to("answer")),
                ]),
            ),
        ],
    )
}

fn event() -> Value {
    with_required(
        &["x-portcullis", "requestBody"],
        vec![("x-portcullis", to("eventWords")), ("requestBody", to("body"))],
    )
}

fn parameter() -> Value {
    open(vec![
        ("name", of("string")),
        ("in", words(&["path", "query", "header"], "where it stands")),
        ("required", of("boolean")),
        ("schema", to("schema")),
    ])
}

fn leaf_schema() -> Value {
    let named = record([("type", "object".into()), ("additionalProperties", to("schema"))]);
    let formats = Format::ALL.map(Format::word);
    let formats: Vec<&str> = formats.into_iter().chain(["int32", "int64"]).collect();
    open(vec![
        ("x-portcullis", to("leafWords")),
        ("properties", named.clone()),
        ("patternProperties", named),
        ("items", to("schema")),
        ("propertyNames", to("schema")),
        ("format", words(&formats, "a shape of text, or the width of a whole number")),
        ("allOf", list_of(to("schema"))),
        ("oneOf", list_of(to("schema"))),
        ("anyOf", list_of(to("schema"))),
    ])
}

fn directions() -> [&'static str; 2] {
    [Direction::Outbound, Direction::Inbound].map(Direction::word)
}

/// A mapping with these keys and no others.
fn closed(required: &[&str], keys: Vec<(&str, Value)>) -> Value {
    let mut schema = Object::new();
    schema.insert("type", "object");
    schema.insert("additionalProperties", false);
    schema.insert("required", strings(required));
    schema.insert("properties", keys.into_iter().collect::<Object>());
    schema.into()
}

/// A mapping with these keys and whatever else OpenAPI allows there.
fn open(keys: Vec<(&str, Value)>) -> Value {
    record([("type", "object".into()), ("properties", keys.into_iter().collect::<Object>().into())])
}

fn with_required(required: &[&str], keys: Vec<(&str, Value)>) -> Value {
    record([
        ("type", "object".into()),
        ("required", strings(required)),
        ("properties", keys.into_iter().collect::<Object>().into()),
    ])
}

fn to(name: &str) -> Value {
    record([("$ref", format!("#/$defs/{name}").into())])
}

fn of(kind: &str) -> Value {
    record([("type", kind.into())])
}

fn list_of(items: Value) -> Value {
    record([("type", "array".into()), ("items", items)])
}

fn text(pattern: &str, told: &str) -> Value {
    record([("type", "string".into()), ("pattern", pattern.into()), ("description", told.into())])
}

fn words(all: &[&str], told: &str) -> Value {
    record([("enum", strings(all)), ("description", told.into())])
}

fn strings(all: &[&str]) -> Value {
    all.iter().map(|word| Value::from(*word)).collect::<Vec<_>>().into()
}

fn record<const N: usize>(members: [(&str, Value); N]) -> Value {
    members.into_iter().collect::<Object>().into()
}

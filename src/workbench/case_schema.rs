//! Test cases as JSON Schema (2020-12), for editors. That its keys are those that the readers of cases ask for, a test sees to, by
//! asking each reader for a key that it does not know.
//!
//! A value of a matrix (`${name}`) may stand in the place of any text, number or word, so these are not held too narrowly.

use crate::json::Object;
use crate::json::Value;
use crate::model::Reason;
use crate::model::RightKind;
use crate::pipeline::RevocationKind;

/// The schema of `tests/*.yaml`.
#[must_use]
pub fn case_schema() -> Value {
    let mut case: Vec<(&str, Value)> =
        vec![("name", text("what it shows; no two cases have one name")), ("matrix", anything())];
    case.extend(layer());
    let base = closed(&[], layer());
    let root = closed(
        &["version"],
        vec![
            ("version", record([("const", 1_u32.into())])),
            ("bases", record([("type", "object".into()), ("additionalProperties", base)])),
            ("cases", array(closed(&["name"], case))),
        ],
    );
    let mut schema = Object::new();
    schema.insert("$schema", "https://json-schema.org/draft/2020-12/schema");
    schema.insert("title", "test cases of Portcullis");
    for (name, value) in root.as_object().into_iter().flat_map(Object::iter) {
        schema.insert(name, value.clone());
    }
    schema.insert("$defs", definitions());
    schema.into()
}

/// What bases and cases may say alike.
fn layer() -> Vec<(&'static str, Value)> {
    vec![
        ("extends", any(&[text("a base that lies under it"), list(text(""))])),
        ("time", text("when: `2026-11-27T09:00:00Z`, or by the clocks of a zone `2026-11-27T12:00 Europe/Moscow`")),
        ("directory", object(&["version", "revision", "made_at", "tenants", "houses"])),
        ("revoked", list(to("revocation"))),
        ("caller", to("caller")),
        ("request", to("request")),
        ("event", to("event")),
        ("revocation", record([("type", "object".into())])),
        ("directory_update", record([("type", "object".into())])),
        ("session", closed(&["rights"], vec![("rights", list(to("right")))])),
        ("answer", to("answer")),
        ("expect", to("expect")),
    ]
}

fn definitions() -> Value {
    let kinds = RevocationKind::ALL.map(RevocationKind::word);
    let rights = RightKind::ALL.map(RightKind::word);
    record([
        (
            "revocation",
            closed(&["kind", "value"], vec![("kind", word(&kinds)), ("value", anything()), ("tenant", anything())]),
        ),
        (
            "caller",
            closed(
                &[],
                vec![("peer", text("the name in the certificate")), ("token", to("token")), ("client", to("client"))],
            ),
        ),
        ("client", closed(&["scopes"], vec![("scopes", list(anything()))])),
        (
            "token",
            closed(
                &[],
                vec![
                    ("kind", word(&["session", "sign-in"])),
                    ("issuer", anything()),
                    ("subject", anything()),
                    ("tenant", anything()),
                    ("roles", list(anything())),
                    ("scopes", list(anything())),
                    ("acr", anything()),
                    ("amr", list(anything())),
                    ("auth_age", span()),
                    ("rights", list(to("right"))),
                    ("houses", list(anything())),
                    ("device", anything()),
                    ("car", anything()),
                    ("session", anything()),
                    ("client", anything()),
                    ("id", anything()),
                    ("age", span()),
                    ("lifetime", span()),
                    ("bound_to", text("another peer than the caller, or `nobody`")),
                ],
            ),
        ),
        (
            "right",
            closed(
                &["type", "actions", "house"],
                vec![
                    ("type", word(&rights)),
                    ("actions", list(anything())),
                    ("house", anything()),
                    ("door", anything()),
                    ("doors", list(anything())),
                    ("barrier", anything()),
                    ("barriers", list(anything())),
                    ("not_before", text("when it begins to count, as `time` is written")),
                    ("not_after", text("the last second in which it counts")),
                    ("hours", list(to("hours"))),
                    ("grant", anything()),
                ],
            ),
        ),
        (
            "hours",
            closed(
                &["days", "from", "until"],
                vec![("days", list(anything())), ("from", anything()), ("until", anything())],
            ),
        ),
        (
            "request",
            closed(
                &[],
                vec![
                    ("operation", text("the `operationId`")),
                    ("partner", anything()),
                    ("path", object(&[])),
                    ("query", object(&[])),
                    ("method", anything()),
                    ("target", anything()),
                    ("headers", object(&[])),
                    ("body", anything()),
                    ("body_text", anything()),
                    ("age", span()),
                    ("idempotency_key", anything()),
                ],
            ),
        ),
        (
            "event",
            closed(
                &[],
                vec![
                    ("partner", anything()),
                    ("name", anything()),
                    ("timestamp", anything()),
                    ("data", object(&[])),
                    ("body", anything()),
                    ("body_text", anything()),
                    ("direction", word(&["outbound", "inbound"])),
                    ("id", anything()),
                    ("signature", word(&["right", "wrong", "none"])),
                    ("tenant", anything()),
                ],
            ),
        ),
        (
            "answer",
            closed(
                &[],
                vec![
                    ("fault", word(&["unreachable", "breaks-off", "garbage", "silent"])),
                    ("status", number()),
                    ("headers", object(&[])),
                    ("body", anything()),
                    ("body_text", anything()),
                ],
            ),
        ),
        ("expect", expectation()),
        ("sent", sent()),
        ("reply", reply()),
    ])
}

fn expectation() -> Value {
    let reasons: Vec<&str> = Reason::ALL.iter().map(|reason| reason.code()).collect();
    closed(
        &[],
        vec![
            ("outcome", word(&["allowed", "refused"])),
            ("reason", word(&reasons)),
            ("policies", list(text("the `@id` of a policy that determines"))),
            ("partner", any(&[word(&["nothing"]), to("sent")])),
            ("backend", any(&[word(&["nothing"]), to("sent")])),
            ("caller", to("reply")),
        ],
    )
}

fn reply() -> Value {
    closed(
        &[],
        vec![
            ("status", number()),
            ("problem", anything()),
            ("headers", object(&[])),
            ("body", anything()),
            ("body_text", anything()),
        ],
    )
}

fn sent() -> Value {
    closed(
        &[],
        vec![
            ("method", anything()),
            ("path", anything()),
            ("headers", object(&[])),
            ("body", anything()),
            ("body_text", anything()),
            ("token", object(&[])),
        ],
    )
}

/// A mapping with these keys and no others.
fn closed(required: &[&str], keys: Vec<(&str, Value)>) -> Value {
    let required: Vec<Value> = required.iter().map(|word| Value::from(*word)).collect();
    record([
        ("type", "object".into()),
        ("additionalProperties", false.into()),
        ("required", required.into()),
        ("properties", keys.into_iter().collect::<Object>().into()),
    ])
}

/// A mapping with these keys, or with any where none are named; or a value of the matrix.
fn object(keys: &[&str]) -> Value {
    let properties: Object = keys.iter().map(|key| (*key, anything())).collect();
    let mapping = record([
        ("type", "object".into()),
        ("additionalProperties", keys.is_empty().into()),
        ("properties", properties.into()),
    ]);
    any(&[mapping, of_matrix()])
}

/// One of some words, or a value of the matrix.
fn word(all: &[&str]) -> Value {
    let all: Vec<Value> = all.iter().map(|word| Value::from(*word)).collect();
    any(&[record([("enum", all.into())]), of_matrix()])
}

/// A value of the matrix, or `~`, which takes away what a base says.
fn of_matrix() -> Value {
    let kinds: Vec<Value> = ["string", "null"].map(Value::from).into();
    record([("type", kinds.into()), ("pattern", "\\$\\{".into())])
}

fn span() -> Value {
    record([("type", "string".into()), ("pattern", "^([0-9]+[smhd]|none|.*\\$\\{.*)$".into())])
}

fn number() -> Value {
    any(&[record([("type", "integer".into()), ("minimum", 100_u32.into()), ("maximum", 599_u32.into())]), of_matrix()])
}

fn any(all: &[Value]) -> Value {
    record([("anyOf", all.to_vec().into())])
}

fn anything() -> Value {
    Object::new().into()
}

fn text(told: &str) -> Value {
    record([("type", "string".into()), ("description", told.into())])
}

fn array(items: Value) -> Value {
    record([("type", "array".into()), ("items", items)])
}

/// A list, or a value of the matrix.
fn list(items: Value) -> Value {
    any(&[array(items), of_matrix()])
}

/// What is defined below, or a value of the matrix.
fn to(name: &str) -> Value {
    any(&[record([("$ref", format!("#/$defs/{name}").into())]), of_matrix()])
}

fn record<const N: usize>(members: [(&str, Value); N]) -> Value {
    members.into_iter().collect::<Object>().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::Bundle;
    use crate::diagnostic::Source;
    use crate::limits::Limits;
    use crate::workbench::Suite;
    use std::collections::BTreeSet;
    use std::path::Path;

    /// What its reader knows beside the key `zzz`.
    fn known(bundle: &Bundle, text: &str) -> BTreeSet<String> {
        let faults = Suite::read(&[Source::new("cases.yaml", text)], bundle).unwrap_err();
        let unknown = faults.iter().find(|fault| fault.message == "unknown key `zzz`");
        let help = unknown.unwrap_or_else(|| panic!("{text}: {faults}")).help.clone().unwrap();
        help.strip_prefix("known here: ").unwrap().split(", ").map(str::to_owned).collect()
    }

    fn keys(schema: &Value) -> BTreeSet<String> {
        schema.get("properties").unwrap().as_object().unwrap().iter().map(|(key, _)| key.to_owned()).collect()
    }

    #[test]
    fn the_schema_has_the_keys_that_the_readers_of_cases_ask_for_and_no_others() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
        let bundle = Bundle::load(&folder, &Limits::default()).unwrap();
        let known = |text: &str| known(&bundle, text);
        let case = |more: &str| {
            let text = format!(
                "version: 1\ncases:\n  - name: a\n    time: 2026-11-27T12:00:00Z\n    directory: {{tenants: [], houses: []}}\n    {more}\n"
            );
            known(&text)
        };
        let schema = case_schema();
        let def = |name: &str| keys(schema.get("$defs").unwrap().get(name).unwrap());
        assert_eq!(keys(&schema), known("version: 1\nzzz: 1\n"));
        let cases = schema.get("properties").unwrap().get("cases").unwrap().get("items").unwrap();
        let read_before = ["name", "matrix", "extends"].map(str::to_owned);
        let of_case: BTreeSet<String> = keys(cases).into_iter().filter(|key| !read_before.contains(key)).collect();
        assert_eq!(of_case, case("zzz: 1"));
        assert_eq!(def("caller"), case("caller: {zzz: 1}"));
        assert_eq!(def("client"), case("caller: {peer: x, client: {scopes: [a], zzz: 1}}"));
        assert_eq!(def("token"), case("caller: {peer: x, token: {kind: session, zzz: 1}}"));
        let rights = ["door_access", "barrier_access", "house_access"];
        let rights = rights.map(|kind| {
            case(&format!("caller: {{peer: x, token: {{kind: session, rights: [{{type: {kind}, zzz: 1}}]}}}}"))
        });
        assert_eq!(def("right"), rights.into_iter().flatten().collect());
        let requests = ["operation: openDoor, path: {houseId: a, doorId: b}", "method: GET"];
        let requests = requests.map(|how| case(&format!("request: {{{how}, zzz: 1}}")));
        assert_eq!(def("request"), requests.into_iter().flatten().collect());
        assert_eq!(def("event"), case("event: {partner: smarthome, zzz: 1}"));
        let answers = ["status: 200", "fault: silent"].map(|how| case(&format!("answer: {{{how}, zzz: 1}}")));
        assert_eq!(def("answer"), answers.into_iter().flatten().collect());
        assert_eq!(def("revocation"), case("revoked: [{kind: device, zzz: 1}]"));
        assert_eq!(def("expect"), case("expect: {outcome: allowed, zzz: 1}"));
        assert_eq!(def("sent"), case("expect: {outcome: allowed, partner: {zzz: 1}}"));
        assert_eq!(def("reply"), case("expect: {outcome: allowed, caller: {zzz: 1}}"));
    }
}

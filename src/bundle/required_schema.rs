//! `requirements.yaml` as JSON Schema (2020-12), for editors. That its keys are those that its reader asks for, a test sees to.

use crate::bundle::required::BINDINGS;
use crate::json::Object;
use crate::json::Value;
use crate::model::Role;

/// A name that operators give (`model::Name`).
const NAME: &str = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$";

/// The schema of `requirements.yaml`.
#[must_use]
pub fn requirements_schema() -> Value {
    let hosts = |required: bool| {
        let keys = vec![
            ("hosts", list(text(".", "a host that requests may go to"))),
            ("ca", list(text("^[0-9A-Fa-f:]{64,95}$", "the SHA-256 of an authority's certificate or key"))),
        ];
        closed(if required { &["hosts"] } else { &[] }, keys)
    };
    let pins = || list(text("^[0-9A-Fa-f:]{64,95}$", "the SHA-256 of an authority's certificate or key"));
    let roles: Vec<Value> = Role::ALL.map(Role::word).map(Value::from).into();
    let bound = closed(
        &["issuer", "bind"],
        vec![
            ("issuer", text(".", "whose tokens")),
            ("hosts", list(text(".", "a host where its keys may be fetched"))),
            ("ca", list(text("^[0-9A-Fa-f:]{64,95}$", "the SHA-256 of an authority's certificate or key"))),
            ("bind", list(record([("enum", BINDINGS.map(|(word, _)| Value::from(word)).to_vec().into())]))),
        ],
    );
    let issuer =
        || record([("anyOf", vec![text(".", "whose tokens, bound in any way that there is"), bound.clone()].into())]);
    let partners = record([
        ("type", "object".into()),
        ("propertyNames", record([("pattern", NAME.into())])),
        ("additionalProperties", hosts(true)),
    ]);
    let keys = vec![
        ("version", record([("const", 1_u32.into())])),
        ("environment", text(NAME, "what the gateway is for; the same as in gateway.yaml")),
        ("issuers", list(issuer())),
        ("sessions", issuer()),
        ("partners", partners),
        ("backend", hosts(true)),
        ("client_ca", closed(&[], vec![("backend", pins()), ("partner", pins())])),
        ("roles", list(record([("enum", roles.into())]))),
        ("softeners", record([("type", "object".into())])),
    ];
    let root = closed(&["version", "environment", "issuers", "sessions", "partners"], keys);
    let mut schema = Object::new();
    schema.insert("$schema", "https://json-schema.org/draft/2020-12/schema");
    schema.insert("title", "requirements.yaml of Portcullis");
    for (name, value) in root.as_object().into_iter().flat_map(Object::iter) {
        schema.insert(name, value.clone());
    }
    schema.into()
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

fn text(pattern: &str, told: &str) -> Value {
    record([("type", "string".into()), ("pattern", pattern.into()), ("description", told.into())])
}

/// A list that is not empty.
fn list(items: Value) -> Value {
    record([("type", "array".into()), ("minItems", 1_u32.into()), ("items", items)])
}

fn record<const N: usize>(members: [(&str, Value); N]) -> Value {
    members.into_iter().collect::<Object>().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::required;
    use crate::diagnostic::Source;
    use crate::yaml;
    use crate::yaml::Reader;
    use std::collections::BTreeSet;

    /// What its reader knows beside the key `zzz`.
    fn known(text: &str) -> BTreeSet<String> {
        let source = Source::new("requirements.yaml", text);
        let root = yaml::parse(&source).unwrap();
        let reader = Reader::new(source);
        let read = required::read(&reader, &root).map(|_| ());
        let faults = reader.finish(read).unwrap_err();
        let unknown = faults.iter().find(|fault| fault.message == "unknown key `zzz`");
        let help = unknown.unwrap_or_else(|| panic!("{text}: {faults}")).help.clone().unwrap();
        help.strip_prefix("known here: ").unwrap().split(", ").map(str::to_owned).collect()
    }

    fn keys(schema: &Value) -> BTreeSet<String> {
        schema.get("properties").unwrap().as_object().unwrap().iter().map(|(key, _)| key.to_owned()).collect()
    }

    #[test]
    fn the_schema_has_the_keys_that_the_reader_of_requirements_asks_for_and_no_others() {
        let schema = requirements_schema();
        let of = |name: &str| schema.get("properties").unwrap().get(name).unwrap().clone();
        assert_eq!(keys(&schema), known("zzz: 1\n"));
        assert_eq!(keys(of("partners").get("additionalProperties").unwrap()), known("partners: {a: {zzz: 1}}\n"));
        assert_eq!(keys(&of("backend")), known("backend: {zzz: 1}\n"));
        assert_eq!(keys(&of("client_ca")), known("client_ca: {zzz: 1}\n"));
        let bound = of("sessions").get("anyOf").unwrap().as_array().unwrap()[1].clone();
        assert_eq!(keys(&bound), known("sessions: {zzz: 1}\n"));
    }
}

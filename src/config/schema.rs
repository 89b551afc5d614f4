//! `gateway.yaml` as JSON Schema (2020-12), for editors: made from the list of keys and the table of limits, so that it has the keys
//! that the reader has.
//!
//! An editor completes and marks what is plainly wrong. Whether a configuration can run, `portcullis check` tells: which keys go
//! together, and what lies in the files that they name, no schema says.

use crate::config::explain::Absent;
use crate::config::explain::KEYS;
use crate::config::explain::Key;
use crate::config::explain::LIMITS;
use crate::config::explain::Takes;
use crate::config::sessions::Subjects;
use crate::config::settings::Reload;
use crate::config::token_rules::TOKEN_TYPES;
use crate::crypto::Algorithm;
use crate::identity::Bind;
use crate::identity::RequiredClaim;
use crate::json::Number;
use crate::json::Object;
use crate::json::Value;
use crate::limits::Limit;
use crate::limits::TABLE;
use crate::model::Role;

/// A duration as `gateway.yaml` writes it.
const DURATION: &str = "^(0|[1-9][0-9]*)(ms|s|m|h|d)$";
/// A size as it writes it.
const SIZE: &str = "^(0|[1-9][0-9]*)(B|KiB|MiB|GiB)$";
/// A name that operators give (`model::Name`).
const NAME: &str = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$";

/// A mapping that is being put together.
#[derive(Default)]
struct Mapping {
    keys: Vec<(String, Part)>,
    required: Vec<String>,
}

/// What a key holds.
enum Part {
    Value(Value),
    Mapping(Mapping),
    /// A list of mappings.
    List(Mapping),
}

/// The schema of `gateway.yaml`.
#[must_use]
pub fn schema() -> Value {
    let mut root = Mapping::default();
    for key in KEYS {
        let path: Vec<&str> = key.path.split('.').collect();
        root.add(&path, described(key), key.absent == Absent::Fault);
    }
    for limit in TABLE {
        let path = format!("{LIMITS}{}", limit.name);
        let path: Vec<&str> = path.split('.').collect();
        root.add(&path, of_limit(limit), false);
    }
    let mut schema = object([
        ("$schema", "https://json-schema.org/draft/2020-12/schema".into()),
        ("title", "gateway.yaml of Portcullis".into()),
    ]);
    for (name, value) in root.written().iter() {
        schema.insert(name, value.clone());
    }
    schema.into()
}

impl Mapping {
    /// Adds a key by its path. A mapping is required if something in it is.
    fn add(&mut self, path: &[&str], value: Value, required: bool) {
        let Some((first, rest)) = path.split_first() else { return };
        let (name, is_list) = first.strip_suffix("[]").map_or((*first, false), |name| (name, true));
        if required && name != "<name>" && !self.required.iter().any(|known| known == name) {
            self.required.push(name.to_owned());
        }
        if rest.is_empty() {
            self.keys.push((name.to_owned(), Part::Value(value)));
            return;
        }
        let at = self.keys.iter().position(|(known, _)| known == name);
        if at.is_none() {
            let part = if is_list { Part::List(Self::default()) } else { Part::Mapping(Self::default()) };
            self.keys.push((name.to_owned(), part));
        }
        let index = at.unwrap_or(self.keys.len().saturating_sub(1));
        if let Some((_, Part::Mapping(inner) | Part::List(inner))) = self.keys.get_mut(index) {
            inner.add(rest, value, required);
        }
    }

    fn written(self) -> Object {
        let mut properties = Object::new();
        let mut schema = object([("type", "object".into()), ("additionalProperties", false.into())]);
        for (name, part) in self.keys {
            let value = match part {
                Part::Value(value) => value,
                Part::Mapping(inner) => inner.written().into(),
                Part::List(inner) => list(inner.written().into()),
            };
            if name == "<name>" {
                schema.insert("propertyNames", text(NAME));
                schema.insert("additionalProperties", value);
                schema.insert("minProperties", 1_u32);
            } else {
                properties.insert(name, value);
            }
        }
        if !properties.is_empty() {
            schema.insert("properties", properties);
        }
        if !self.required.is_empty() {
            let names: Vec<Value> = self.required.iter().map(|name| name.as_str().into()).collect();
            schema.insert("required", names);
        }
        schema
    }
}

fn described(key: &Key) -> Value {
    let explained = crate::config::explain(key.path);
    let absent = explained.first().map(|one| one.absent.clone()).unwrap_or_default();
    with_description(taken(&key.takes), &format!("{}\n\nDefault: {absent}", key.effect))
}

fn of_limit(limit: &Limit) -> Value {
    let explained = crate::config::explain(limit.name);
    let told = explained.first().map(|one| format!("{}\n\nDefault: {}; {}", one.effect, one.absent, one.takes));
    let value = match limit.name {
        name if name.ends_with("_ms") || name.ends_with("_s") => text(DURATION),
        name if name.contains("bytes") => text(SIZE),
        _ => integer(number(limit.low), number(limit.high)),
    };
    with_description(value, &told.unwrap_or_default())
}

fn with_description(value: Value, told: &str) -> Value {
    let mut schema = value.as_object().cloned().unwrap_or_default();
    schema.insert("description", told);
    schema.into()
}

/// What a key takes, as a schema.
fn taken(takes: &Takes) -> Value {
    let path = || object([("type", "string".into()), ("minLength", 1_u32.into()), ("maxLength", 512_u32.into())]);
    let files = || {
        let one: Value = path().into();
        object([("anyOf", vec![one.clone(), list(one)].into())]).into()
    };
    match takes {
        Takes::One => object([("const", 1_u32.into())]).into(),
        Takes::Count(within) => integer(signed(*within.start()), signed(*within.end())),
        Takes::Bytes(_) => text(SIZE),
        Takes::Seconds(_) => text(DURATION),
        Takes::Name => text(NAME),
        Takes::Address => text("^(systemd:.+|.+:[0-9]{1,5})$"),
        Takes::HostName => text("^[A-Za-z0-9-]+(\\.[A-Za-z0-9-]+)*$"),
        Takes::Origin => text("^[A-Za-z0-9][A-Za-z0-9._~:/-]{0,127}$"),
        Takes::Upstream | Takes::PublicUrl => text("^https://[^/]+$"),
        Takes::Endpoint => text("^https://[^/]+/.*$"),
        Takes::Remote => text("^[^/]+$"),
        Takes::Format(formats) => {
            let all: Vec<Value> = formats.iter().map(|(word, _)| Value::from(*word)).collect();
            object([("enum", all.into())]).into()
        }
        Takes::Path => text("^/.*$"),
        Takes::Files | Takes::SecretFiles => files(),
        Takes::Peers | Takes::Texts => list(path().into()),
        Takes::Algorithms => words(&Algorithm::ALL.map(Algorithm::name)),
        Takes::TokenTypes => words(&TOKEN_TYPES.map(|(word, _)| word)),
        Takes::Claims => words(&RequiredClaim::WORDS.map(|(word, _)| word)),
        Takes::ClaimPath => files(),
        Takes::Binding => words(&Bind::ALL.map(Bind::word)),
        Takes::Switch => object([("type", "boolean".into())]).into(),
        Takes::Reload => {
            let all = Reload::WORDS.map(|(word, _)| Value::from(word));
            object([("enum", Vec::from(all).into())]).into()
        }
        Takes::Subjects => {
            let all = Subjects::WORDS.map(|(word, _)| Value::from(word));
            object([("enum", Vec::from(all).into())]).into()
        }
        Takes::Persons => {
            let person = object([
                ("type", "object".into()),
                ("additionalProperties", false.into()),
                ("required", vec![Value::from("uid"), "person".into(), "roles".into()].into()),
                (
                    "properties",
                    object([
                        ("uid", integer(signed(0), signed(i64::from(u32::MAX) - 1))),
                        ("person", text(NAME)),
                        ("roles", words(&Role::ALL.map(Role::word))),
                    ])
                    .into(),
                ),
            ]);
            list(person.into())
        }
        // Texts, names of peers, paths: the schema knows no more of them.
        _ => path().into(),
    }
}

fn text(pattern: &str) -> Value {
    object([("type", "string".into()), ("pattern", pattern.into())]).into()
}

fn integer(low: Value, high: Value) -> Value {
    object([("type", "integer".into()), ("minimum", low), ("maximum", high)]).into()
}

fn words(all: &[&str]) -> Value {
    let all: Vec<Value> = all.iter().map(|word| Value::from(*word)).collect();
    list(object([("enum", all.into())]).into())
}

/// A list that is not empty.
fn list(items: Value) -> Value {
    object([("type", "array".into()), ("minItems", 1_u32.into()), ("items", items)]).into()
}

fn number(value: u64) -> Value {
    Number::try_from(value).map_or(Value::Null, Value::from)
}

fn signed(value: i64) -> Value {
    Number::try_from(value).map_or(Value::Null, Value::from)
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Object {
    members.into_iter().collect()
}

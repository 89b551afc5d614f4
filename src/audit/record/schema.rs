//! What each kind of record holds, as a JSON Schema (2020-12), so that whoever reads a log by a program of their own knows what
//! may come.
//!
//! The shapes of members are written once, as JSON; which of them a kind has stands in a `match`, so that a new kind does not
//! compile before it has said so. The tests of this room hold every record that they make against it.

use crate::audit::record::Kind;
use crate::json;
use crate::json::Object;
use crate::json::Value;
use crate::model::Reason;

/// Members of every record: version, kind, time and salt in front, the sum at the end.
const ALWAYS: &[&str] = &["v", "kind", "time", "salt", "sum"];
/// By what something was judged.
const JUDGED: &[&str] = &["receipt", "epoch", "bundle"];
/// Who takes part, as far as known.
const WHO: &[&str] = &["purpose", "peer", "by", "tenant", "subject", "device", "car"];
/// What it cost.
const COST: &[&str] = &["sizes", "micros"];

/// The shape of each member.
const SHAPES: &str = r##"{
  "v": {"const": 2},
  "time": {"$ref": "#/$defs/time"},
  "salt": {"$ref": "#/$defs/bytes"},
  "sum": {"type": "string", "pattern": "^[0-9a-f]{16}$"},
  "receipt": {"$ref": "#/$defs/receipt"},
  "epoch": {"$ref": "#/$defs/count"},
  "bundle": {"type": "string", "pattern": "^([0-9a-f]{32}){1,2}$"},
  "partner": {"$ref": "#/$defs/name"},
  "operation": {"$ref": "#/$defs/name"},
  "purpose": {"$ref": "#/$defs/name"},
  "tenant": {"$ref": "#/$defs/name"},
  "peer": {"type": "string"},
  "direction": {"enum": ["outbound", "inbound"]},
  "subject": {"$ref": "#/$defs/handle"},
  "device": {"$ref": "#/$defs/handle"},
  "car": {"$ref": "#/$defs/handle"},
  "by": {
    "type": "object", "additionalProperties": false, "required": ["person", "role", "door"],
    "properties": {"person": {"$ref": "#/$defs/name"}, "role": {"type": "string"}, "door": {"type": "string"}}
  },
  "resource": {
    "type": "object", "additionalProperties": false, "required": ["type", "id", "tenant", "directory"],
    "properties": {
      "type": {"type": "string"},
      "id": {"type": "array", "items": {"type": "string"}},
      "tenant": {"$ref": "#/$defs/name"},
      "directory": {"$ref": "#/$defs/count"}
    }
  },
  "directory": {"$ref": "#/$defs/count"},
  "digest": {"$ref": "#/$defs/digest"},
  "made_at": {"$ref": "#/$defs/time"},
  "houses": {"$ref": "#/$defs/count"},
  "doors": {"$ref": "#/$defs/count"},
  "version": {"type": "string"},
  "config": {"$ref": "#/$defs/digest"},
  "replaces": {"$ref": "#/$defs/digest"},
  "offered": {"$ref": "#/$defs/digest"},
  "fault": {"type": "string"},
  "faults": {"$ref": "#/$defs/count"},
  "sequence": {"$ref": "#/$defs/count"},
  "data": {"$ref": "#/$defs/digest"},
  "before": {"$ref": "#/$defs/digest"},
  "signed_by": {
    "type": "array",
    "items": {
      "type": "object", "additionalProperties": false, "required": ["role", "person"],
      "properties": {"role": {"type": "string"}, "person": {"$ref": "#/$defs/name"}}
    }
  },
  "decision": {
    "type": "object", "additionalProperties": false, "required": ["result", "policies", "inputs"],
    "properties": {
      "result": {"enum": ["allow", "deny"]},
      "policies": {"type": "array", "items": {"type": "string"}},
      "inputs": {"type": "object"},
      "errors": {"type": "array", "items": {"type": "string"}}
    }
  },
  "key": {
    "type": "object", "additionalProperties": false, "required": ["digest", "body"],
    "properties": {"digest": {"$ref": "#/$defs/bytes"}, "body": {"$ref": "#/$defs/bytes"}}
  },
  "protected": {"$ref": "#/$defs/bytes"},
  "token": {"type": "string"},
  "trace": {"$ref": "#/$defs/trace"},
  "partner_trace": {"$ref": "#/$defs/trace"},
  "state": {
    "enum": ["done", "refused", "withdrawn", "not-sent", "unknown", "sent", "delivered", "failed", "dead", "purged", "reopened"]
  },
  "detail": {"type": "string"},
  "at": {
    "type": "object", "additionalProperties": false, "required": ["in", "pointer", "expected"],
    "properties": {"in": {"type": "string"}, "pointer": {"type": "string"}, "expected": {"type": "string"}}
  },
  "attempt": {"$ref": "#/$defs/count"},
  "command": {"$ref": "#/$defs/receipt"},
  "told": {"enum": ["done", "refused"]},
  "status": {"type": "integer", "minimum": 100, "maximum": 599},
  "answer": {"type": "string", "pattern": "^[A-Za-z0-9_-]+$"},
  "count": {"$ref": "#/$defs/count"},
  "reasons": {"type": "object", "additionalProperties": {"$ref": "#/$defs/count"}, "propertyNames": {"$ref": "#/$defs/reason"}},
  "from": {"$ref": "#/$defs/time"},
  "until": {"$ref": "#/$defs/time"},
  "certificate": {"$ref": "#/$defs/digest"},
  "lost": {"$ref": "#/$defs/count"},
  "unknown": {"$ref": "#/$defs/count"},
  "replayed": {"$ref": "#/$defs/count"},
  "up_to": {"$ref": "#/$defs/count"},
  "cut": {
    "type": "object", "additionalProperties": false, "required": ["segment", "bytes"],
    "properties": {"segment": {"$ref": "#/$defs/count"}, "bytes": {"$ref": "#/$defs/count"}}
  },
  "archived": {
    "type": "object", "additionalProperties": false, "required": ["segment", "from", "to", "sha256"],
    "properties": {
      "segment": {"$ref": "#/$defs/count"},
      "from": {"$ref": "#/$defs/count"},
      "to": {"$ref": "#/$defs/count"},
      "sha256": {"$ref": "#/$defs/digest"}
    }
  },
  "revoked": {
    "type": "object", "additionalProperties": false, "required": ["kind", "digest", "epoch", "stored"],
    "properties": {
      "kind": {"type": "string"},
      "digest": {"$ref": "#/$defs/digest"},
      "tenant": {"$ref": "#/$defs/name"},
      "epoch": {"$ref": "#/$defs/count"},
      "stored": {"type": "boolean"}
    }
  },
  "act": {"enum": ["revoke", "propose-lift", "lift", "subject", "propose-erase", "erase", "erased"]},
  "about": {
    "type": "object", "additionalProperties": false, "required": ["kind"],
    "properties": {
      "kind": {"type": "string"}, "digest": {"$ref": "#/$defs/digest"}, "tenant": {"$ref": "#/$defs/name"}
    }
  },
  "proposed_by": {"$ref": "#/$defs/name"},
  "made": {"$ref": "#/$defs/count"},
  "ticket": {"type": "string", "pattern": "^[A-Z]{1,12}-[0-9]{1,8}$"},
  "changed": {"type": "array", "items": {"$ref": "#/$defs/digest"}},
  "secrets": {"$ref": "#/$defs/count"},
  "expected": {"$ref": "#/$defs/time"},
  "stepped": {"enum": ["forward", "back"]},
  "by_ms": {"$ref": "#/$defs/count"},
  "standing": {"enum": ["behind", "caught-up", "accepted"]},
  "highest": {"$ref": "#/$defs/time"},
  "of": {"$ref": "#/$defs/receipt"},
  "rights": {"$ref": "#/$defs/count"},
  "lifetime": {"$ref": "#/$defs/count"},
  "first": {"$ref": "#/$defs/receipt"},
  "scopes": {"type": "array", "items": {"type": "string"}},
  "sizes": {
    "type": "object", "additionalProperties": {"$ref": "#/$defs/count"},
    "propertyNames": {"enum": ["request", "sent", "answer", "reply"]}
  },
  "micros": {"type": "object", "additionalProperties": {"$ref": "#/$defs/count"}},
  "segment": {"$ref": "#/$defs/count"},
  "origin": {"type": "string"},
  "size": {"$ref": "#/$defs/count"},
  "root": {"$ref": "#/$defs/hash"},
  "frontier": {"type": "array", "items": {"$ref": "#/$defs/hash"}}
}"##;

/// What several members are made of.
const DEFINITIONS: &str = r##"{
  "time": {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z$"},
  "receipt": {"type": "string", "pattern": "^r-[a-z2-7]{26}$"},
  "handle": {"type": "string", "pattern": "^h-[0-9a-f]{32}$"},
  "digest": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
  "bytes": {"type": "string", "pattern": "^[A-Za-z0-9_-]{43}$"},
  "trace": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
  "hash": {"type": "string", "pattern": "^[A-Za-z0-9+/]{43}=$"},
  "name": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"},
  "count": {"type": "integer", "minimum": 0}
}"##;

/// Larger than what stands here.
const LIMITS: json::Limits =
    json::Limits { max_depth: 16, max_members: 256, max_elements: 256, max_string_bytes: 16 * 1024 };

/// The members that a kind always has, and those that it may have, beside those of [`ALWAYS`].
const fn members(kind: Kind) -> (&'static [&'static [&'static str]], &'static [&'static [&'static str]]) {
    match kind {
        Kind::Start => (&[JUDGED, &["version", "config"]], &[WHO, COST]),
        Kind::Stop => (&[JUDGED], &[WHO, COST]),
        Kind::Bundle => (&[JUDGED, &["directory", "digest"]], &[WHO, COST, &["replaces"]]),
        Kind::BundleRefused => (&[JUDGED, &["fault", "faults"]], &[WHO, COST, &["offered"]]),
        Kind::Activation => (&[JUDGED, &["sequence", "data", "signed_by"]], &[WHO, COST, &["before"]]),
        Kind::Directory => {
            (&[JUDGED, &["directory", "digest", "houses", "doors"]], &[WHO, COST, &["decision", "made_at"]])
        }
        Kind::Intent => (
            &[JUDGED, &["partner", "operation", "resource", "decision", "protected"]],
            &[WHO, COST, &["direction", "key", "token", "trace", "partner_trace"]],
        ),
        Kind::Outcome => (&[&["receipt", "state", "reason"]], &[COST, &["detail", "at", "status", "answer"]]),
        Kind::Refusal => (&[JUDGED, &["reason"]], &[WHO, COST, REFUSED]),
        Kind::Repeat => (&[JUDGED, &["reason", "first"]], &[WHO, COST, REFUSED]),
        Kind::Refusals => (&[&["receipt", "count", "reasons", "from", "until"]], &[&["peer", "certificate", "by"]]),
        Kind::Revocation => (&[JUDGED, &["revoked"]], &[WHO, COST, &["decision"]]),
        Kind::Event => (
            &[JUDGED, &["partner", "operation", "direction", "resource", "decision", "protected"]],
            &[WHO, COST, &["command", "told"]],
        ),
        Kind::Delivery => (
            &[JUDGED, &["partner", "operation", "direction", "state"]],
            &[WHO, COST, &["resource", "decision", "protected", "attempt", "detail", "status"]],
        ),
        Kind::Admin => (&[JUDGED, &["act", "reason"]], &[WHO, COST, &["about", "proposed_by", "made", "until"]]),
        Kind::ReIdentification => (&[JUDGED, &["about", "ticket", "reason"]], &[WHO, COST]),
        Kind::Key => (&[JUDGED, &["digest", "changed", "secrets"]], &[WHO, COST, &["replaces"]]),
        Kind::Clock => (&[JUDGED, &["by_ms"]], &[WHO, COST, &["expected", "stepped", "standing", "highest"]]),
        Kind::Archive => (&[JUDGED, &["archived"]], &[WHO, COST]),
        Kind::Receipt => (&[JUDGED, &["of"]], &[WHO, COST]),
        Kind::Token => (&[JUDGED, &["partner", "token", "scopes"]], &[WHO, COST]),
        Kind::Session => (&[JUDGED, &["token", "rights", "lifetime"]], &[WHO, COST, &["decision"]]),
        Kind::Segment => (&[&["segment", "origin", "size", "root", "frontier", "epoch"]], &[]),
        Kind::Recovery => (&[], &[JUDGED, WHO, COST, &["state", "unknown", "cut", "replayed", "up_to"]]),
        Kind::Gap => (&[&["lost"]], &[]),
    }
}

/// What a refusal may tell, and a repetition.
const REFUSED: &[&str] =
    &["partner", "operation", "certificate", "resource", "directory", "decision", "key", "trace", "partner_trace"];

/// The schema of one record, which is one line of a log.
#[must_use]
pub fn record_schema() -> Value {
    let read = |text: &str| json::parse(text.as_bytes(), LIMITS).ok();
    let mut shapes = read(SHAPES).and_then(|shapes| shapes.as_object().cloned()).unwrap_or_default();
    let mut definitions = read(DEFINITIONS).and_then(|shared| shared.as_object().cloned()).unwrap_or_default();
    let words: Vec<Value> = Kind::ALL.into_iter().map(|kind| Value::from(kind.word())).collect();
    let reasons: Vec<Value> = Reason::ALL.iter().map(|reason| Value::from(reason.code())).collect();
    definitions.insert("reason", one_of(reasons));
    shapes.insert("kind", one_of(words));
    shapes.insert("reason", Object::from_iter([("$ref", Value::from("#/$defs/reason"))]));
    let mut schema = Object::new();
    schema.insert("$schema", "https://json-schema.org/draft/2020-12/schema");
    schema.insert("title", "A record of the audit log of Portcullis, version 2");
    schema.insert("type", "object");
    schema.insert("required", texts(ALWAYS.iter().copied()));
    schema.insert("properties", shapes);
    schema.insert("additionalProperties", false);
    schema.insert("allOf", Kind::ALL.into_iter().map(of_kind).collect::<Vec<_>>());
    schema.insert("$defs", definitions);
    Value::Object(schema)
}

/// If it is of this kind, these members must stand in it, and no others may.
fn of_kind(kind: Kind) -> Value {
    let (required, optional) = members(kind);
    let required: Vec<&str> = required.iter().flat_map(|group| group.iter().copied()).collect();
    let optional = optional.iter().flat_map(|group| group.iter().copied());
    let known: Vec<&str> = ALWAYS.iter().copied().chain(required.iter().copied()).chain(optional).collect();
    let is_kind = Object::from_iter([("const", Value::from(kind.word()))]);
    let kind = Object::from_iter([("kind", Value::Object(is_kind))]);
    let when = Object::from_iter([("properties", Value::Object(kind))]);
    let mut then = Object::new();
    then.insert("required", texts(required.into_iter()));
    then.insert("propertyNames", one_of(known.into_iter().map(Value::from).collect()));
    let mut branch = Object::new();
    branch.insert("if", when);
    branch.insert("then", then);
    Value::Object(branch)
}

fn one_of(words: Vec<Value>) -> Value {
    let mut shape = Object::new();
    shape.insert("enum", words);
    Value::Object(shape)
}

fn texts<'t>(words: impl Iterator<Item = &'t str>) -> Vec<Value> {
    words.map(Value::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_schema_and_every_member_that_a_kind_has_has_its_shape() {
        let schema = record_schema();
        let shapes = schema.get("properties").and_then(Value::as_object).unwrap();
        for kind in Kind::ALL {
            let (required, optional) = members(kind);
            for name in required.iter().chain(optional).flat_map(|group| group.iter()) {
                assert!(shapes.get(name).is_some(), "{} of {}", name, kind.word());
            }
        }
        let mut text = Vec::new();
        json::write(&schema, &mut text);
        let schema: serde_json::Value = serde_json::from_slice(&text).unwrap();
        assert!(jsonschema::meta::is_valid(&schema));
    }
}

//! OpenTelemetry logs: the body of one request over OTLP/HTTP as JSON (OTLP 1.5, "JSON Protobuf Encoding"; log data model 1.x).
//!
//! One `resourceLogs`, one `scopeLogs`, a log record for each record, and one more for the checkpoint that covers them. By
//! the specification members are in lowerCamelCase, 64-bit integers are strings, `traceId` is hexadecimal. The body of a log
//! record is the record with its own members as a `kvlistValue`; where it stands, and what one searches for, are attributes:
//! `log.record.uid` (origin and index, by which a receiver tells what it has twice) and `portcullis.*`.
//!
//! `salt`, `sum` and the sealed `answer` stay in the log. JSON has its own escapes, and what hides or turns text goes by them too.

use crate::audit::formats::OURS;
use crate::audit::formats::PRODUCT;
use crate::audit::formats::VERSION;
use crate::audit::formats::entry;
use crate::audit::formats::entry::Covered;
use crate::audit::formats::entry::Entry;
use crate::audit::formats::escape;
use crate::audit::formats::meaning::Meaning;
use crate::audit::formats::meaning::Severity;
use crate::clock::UnixMillis;
use crate::json::Object;
use crate::json::Value;

/// Members that are attributes too: what one searches for.
const MEMBERS: &[&str] =
    &["receipt", "partner", "operation", "peer", "tenant", "subject", "device", "car", "state", "reason"];

/// A request that is being put together.
pub struct OtlpLogs {
    body: Vec<u8>,
    any: bool,
}

impl OtlpLogs {
    /// A request without log records, of the log of this origin.
    #[must_use]
    pub fn begin(origin: &str) -> Self {
        let host = entry::host(origin);
        let resource = attributes(&[
            ("service.name", text(&PRODUCT.to_ascii_lowercase())),
            ("service.version", text(VERSION)),
            ("host.name", text(host)),
            ("portcullis.log.origin", text(origin)),
        ]);
        let scope = object([("name", "portcullis.audit".into()), ("version", VERSION.into())]);
        let mut body = Vec::with_capacity(64 * 1024);
        body.extend_from_slice(b"{\"resourceLogs\":[{\"resource\":");
        escape::write_json(&object([("attributes", resource)]), &mut body);
        body.extend_from_slice(b",\"scopeLogs\":[{\"scope\":");
        escape::write_json(&scope, &mut body);
        body.extend_from_slice(b",\"logRecords\":[");
        Self { body, any: false }
    }

    /// Adds a record.
    pub fn record(&mut self, entry: &Entry<'_>) {
        let meaning = Meaning::of(entry.record);
        let mut about = place(entry.origin, entry.at.index);
        about.push(("portcullis.log.segment", integer(entry.at.segment)));
        about.push(("portcullis.log.offset", integer(entry.at.offset)));
        about.push(("portcullis.kind", text(entry.record.kind())));
        about.push(("portcullis.class", text(meaning.class.named().1)));
        about.push(("portcullis.outcome", text(meaning.status.named().1)));
        let named = MEMBERS.iter().filter_map(|name| Some((attribute_of(name)?, text(entry.record.text(name)?))));
        about.extend(named);
        let members = entry.record.value().as_object().into_iter().flat_map(Object::iter);
        let members = members.filter(|(name, _)| !OURS.contains(name));
        let body = key_values(members.map(|(name, value)| (name, any_value(value))));
        let trace = entry.record.text("trace").filter(|trace| is_trace(trace));
        let event = format!("portcullis.audit.{}", entry.record.kind());
        self.log_record(entry.record.time(), (meaning.severity, &event), body, &about, trace);
    }

    /// Adds the checkpoint that covers all of it, and gives the body of the request.
    #[must_use]
    pub fn end(mut self, covered: &Covered<'_>) -> Vec<u8> {
        let about = [
            ("log.record.uid", text(&format!("{}/checkpoint/{}", covered.origin, covered.size))),
            ("portcullis.kind", text("checkpoint")),
            ("portcullis.log.size", integer(covered.size)),
            ("portcullis.log.root", text(covered.root)),
        ];
        let named = (Severity::Informational, "portcullis.audit.checkpoint");
        self.log_record(covered.at, named, text(covered.note), &about, None);
        self.body.extend_from_slice(b"]}]}]}");
        self.body
    }

    /// How long it is so far, in bytes.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.body.len()
    }

    /// Whether it has no log record yet.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        !self.any
    }

    fn log_record(
        &mut self,
        at: UnixMillis,
        (severity, event): (Severity, &str),
        body: Value,
        about: &[(&str, Value)],
        trace: Option<&str>,
    ) {
        let (number, word) = severity_of(severity);
        let nanos = format!("{}000000", at.get());
        let mut record: Object = [
            ("timeUnixNano", Value::from(nanos.as_str())),
            ("observedTimeUnixNano", nanos.as_str().into()),
            ("severityNumber", number.into()),
            ("severityText", word.into()),
            ("eventName", event.into()),
            ("body", body),
            ("attributes", attributes(about)),
        ]
        .into_iter()
        .collect();
        if let Some(trace) = trace {
            record.insert("traceId", trace);
        }
        if std::mem::replace(&mut self.any, true) {
            self.body.push(b',');
        }
        escape::write_json(&record.into(), &mut self.body);
    }
}

/// The number and word of the log data model, "SeverityNumber".
const fn severity_of(severity: Severity) -> (u32, &'static str) {
    match severity {
        Severity::Informational => (9, "INFO"),
        Severity::Low => (10, "INFO2"),
        Severity::Medium => (13, "WARN"),
        Severity::High => (17, "ERROR"),
        Severity::Critical => (21, "FATAL"),
    }
}

fn place(origin: &str, index: u64) -> Vec<(&'static str, Value)> {
    vec![("log.record.uid", text(&format!("{origin}/{index}"))), ("portcullis.log.index", integer(index))]
}

/// The attribute for a member of [`MEMBERS`].
fn attribute_of(member: &str) -> Option<&'static str> {
    Some(match member {
        "receipt" => "portcullis.receipt",
        "partner" => "portcullis.partner",
        "operation" => "portcullis.operation",
        "peer" => "portcullis.peer",
        "tenant" => "portcullis.tenant",
        "subject" => "portcullis.subject",
        "device" => "portcullis.device",
        "car" => "portcullis.car",
        "state" => "portcullis.state",
        "reason" => "portcullis.reason",
        _ => return None,
    })
}

/// Sixteen bytes in lower hexadecimal, not all zero (W3C Trace Context §3.2.2.3).
fn is_trace(text: &str) -> bool {
    let hexadecimal = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    text.len() == 32 && text.bytes().all(hexadecimal) && text.bytes().any(|byte| byte != b'0')
}

fn attributes(all: &[(&str, Value)]) -> Value {
    let all: Vec<Value> = all.iter().map(|(key, value)| key_value(key, value.clone())).collect();
    all.into()
}

fn key_value(key: &str, value: Value) -> Value {
    object([("key", key.into()), ("value", value)])
}

fn key_values<'k>(all: impl Iterator<Item = (&'k str, Value)>) -> Value {
    let all: Vec<Value> = all.map(|(key, value)| key_value(key, value)).collect();
    object([("kvlistValue", object([("values", all.into())]))])
}

/// An `AnyValue`. `null` is one without a value.
fn any_value(value: &Value) -> Value {
    match value {
        Value::Null => Object::new().into(),
        Value::Boolean(value) => object([("boolValue", (*value).into())]),
        Value::Number(number) => match number.as_integer() {
            Some(integer) => object([("intValue", integer.to_string().as_str().into())]),
            None => object([("doubleValue", Value::Number(*number))]),
        },
        Value::String(value) => text(value),
        Value::Array(values) => {
            let values: Vec<Value> = values.iter().map(any_value).collect();
            object([("arrayValue", object([("values", values.into())]))])
        }
        Value::Object(members) => key_values(members.iter().map(|(name, value)| (name, any_value(value)))),
    }
}

fn text(text: &str) -> Value {
    object([("stringValue", text.into())])
}

fn integer(number: u64) -> Value {
    object([("intValue", number.to_string().as_str().into())])
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    members.into_iter().collect::<Object>().into()
}

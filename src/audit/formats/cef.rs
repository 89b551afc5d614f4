//! ArcSight's Common Event Format, version 0: `CEF:0|Portcullis|Portcullis|<version>|<kind>|<name>|<severity>|<extension>`.
//!
//! Source: "Implementing ArcSight Common Event Format (CEF)", version 25: in the header `\` and `|` are escaped and there is no
//! line feed; in a value of the extension `\` and `=` are, and line feed and carriage return are `\n` and `\r`. All other
//! characters that do not show go by [`escape`]; so does a space at either end of a value, which readers take away. A key of the
//! dictionary has its longest value there, and what is longer is cut and marked. What has no key of the dictionary stands as
//! JSON in `portcullisAuditRest`, whole.

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

/// The key for what has none in the dictionary, and the one for the note of a checkpoint.
const REST: &str = "portcullisAuditRest";
const CHECKPOINT: &str = "portcullisAuditCheckpoint";

/// Members with a key of their own: member, key, its longest value in bytes by the dictionary, label where it is a custom one.
const KEYS: &[(&str, &str, usize, Option<&str>)] = &[
    ("receipt", "flexString1", 1023, Some("receipt")),
    ("trace", "flexString2", 1023, Some("trace")),
    ("peer", "sourceServiceName", 1023, None),
    ("subject", "suid", 1023, None),
    ("partner", "destinationServiceName", 1023, None),
    ("operation", "cs1", 4000, Some("operation")),
    ("purpose", "cs4", 4000, Some("purpose")),
    ("tenant", "cs5", 4000, Some("tenant")),
    ("bundle", "cs6", 4000, Some("bundle")),
    ("reason", "reason", 1023, None),
    ("epoch", "cn1", 20, Some("epoch")),
    ("status", "cn2", 20, Some("partner status")),
    ("attempt", "cn3", 20, Some("attempt")),
    ("count", "cnt", 20, None),
];

pub(super) fn write(entry: &Entry<'_>, out: &mut Vec<u8>) {
    let meaning = Meaning::of(entry.record);
    header(entry.record.kind(), meaning.says, meaning.severity, out);
    let mut extension = Extension { out, first: true };
    extension.place(entry.origin, entry.record.time());
    extension.put("externalId", &entry.at.index.to_string(), 40);
    extension.put("cat", meaning.class.named().1, 1023);
    extension.put("outcome", meaning.status.named().1, 63);
    if let Some(disposition) = meaning.disposition {
        extension.put("act", disposition.named().1, 63);
    }
    let object = entry.record.value().as_object();
    let mut rest = Object::new();
    for (name, value) in object.into_iter().flat_map(Object::iter).filter(|(name, _)| !OURS.contains(name)) {
        if !extension.member(name, value) {
            rest.insert(name, value.clone());
        }
    }
    if let Some(policies) = entry.record.get("decision").and_then(|decision| decision.get("policies")) {
        extension.labelled("cs2", "policies", &names(policies, ","), 4000);
    }
    if let Some(resource) = entry.record.get("resource") {
        let id = resource.get("id").map(|id| names(id, "/")).unwrap_or_default();
        let kind = resource.get("type").and_then(Value::as_str).unwrap_or_default();
        extension.labelled("cs3", "resource", &format!("{kind}:{id}"), 4000);
    }
    if let Some(person) = entry.record.get("by").and_then(|by| by.get("person")).and_then(Value::as_str) {
        extension.put("suser", person, 1023);
    }
    for (name, key) in [("from", "start"), ("until", "end")] {
        if let Some(at) = entry.record.text(name).and_then(UnixMillis::parse) {
            extension.put(key, &at.get().to_string(), 20);
        }
    }
    rest.insert("segment", number(entry.at.segment));
    rest.insert("offset", number(entry.at.offset));
    extension.json(REST, &rest.into());
}

pub(super) fn write_checkpoint(covered: &Covered<'_>, out: &mut Vec<u8>) {
    header("checkpoint", "A signed checkpoint covers all records before it", Severity::Informational, out);
    let mut extension = Extension { out, first: true };
    extension.place(covered.origin, covered.at);
    extension.put("cat", "Event Log Activity", 1023);
    extension.labelled("cn1", "size", &covered.size.to_string(), 20);
    extension.labelled("cs1", "root", covered.root, 4000);
    extension.put(CHECKPOINT, covered.note, usize::MAX);
}

fn header(kind: &str, name: &str, severity: Severity, out: &mut Vec<u8>) {
    let severity = severity.in_cef();
    out.extend_from_slice(b"CEF:0");
    for part in [PRODUCT, PRODUCT, VERSION, kind, name, &severity.to_string()] {
        out.push(b'|');
        let part = escape::shown(part).replace('\\', "\\\\").replace('|', "\\|");
        out.extend_from_slice(part.as_bytes());
    }
    out.push(b'|');
}

/// The names in a list of texts.
fn names(list: &Value, between: &str) -> String {
    let names: Vec<&str> = list.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    names.join(between)
}

/// A number as it stands in JSON; one beyond what JSON carries as its digits.
pub(super) fn number(number: u64) -> Value {
    crate::json::Number::try_from(number).map_or_else(|_| number.to_string().into(), Value::from)
}

/// Writes keys and values, with a space between.
struct Extension<'o> {
    out: &'o mut Vec<u8>,
    first: bool,
}

impl Extension<'_> {
    /// When, and of which log.
    fn place(&mut self, origin: &str, at: UnixMillis) {
        self.put("rt", &at.get().to_string(), 20);
        self.put("dvchost", entry::host(origin), 100);
        self.put("deviceExternalId", origin, 255);
    }

    /// Writes a member that has a key; `false` if it has none.
    fn member(&mut self, name: &str, value: &Value) -> bool {
        let Some((_, key, longest, label)) = KEYS.iter().find(|(member, ..)| *member == name) else { return false };
        let text = match value {
            Value::String(text) => text.to_string(),
            Value::Number(number) => {
                let mut digits = Vec::new();
                crate::json::write_number(*number, &mut digits);
                String::from_utf8_lossy(&digits).into_owned()
            }
            Value::Null | Value::Boolean(_) | Value::Array(_) | Value::Object(_) => return false,
        };
        match label {
            Some(label) => self.labelled(key, label, &text, *longest),
            None => self.put(key, &text, *longest),
        }
        true
    }

    fn labelled(&mut self, key: &str, label: &str, text: &str, longest: usize) {
        self.put(&format!("{key}Label"), label, 1023);
        self.put(key, text, longest);
    }

    fn json(&mut self, key: &str, value: &Value) {
        let mut text = Vec::new();
        escape::write_json(value, &mut text);
        self.put(key, &String::from_utf8_lossy(&text), usize::MAX);
    }

    fn put(&mut self, key: &str, text: &str, longest: usize) {
        if !std::mem::take(&mut self.first) {
            self.out.push(b' ');
        }
        self.out.extend_from_slice(key.as_bytes());
        self.out.push(b'=');
        let text = escape::cut(escape::shown_but(text, &['\n', '\r']), longest);
        let last = text.chars().count().saturating_sub(1);
        for (index, c) in text.chars().enumerate() {
            match c {
                ' ' if index == 0 || index == last => self.out.extend_from_slice(br"\\u{20}"),
                '\\' => self.out.extend_from_slice(br"\\"),
                '=' => self.out.extend_from_slice(br"\="),
                '\n' => self.out.extend_from_slice(br"\n"),
                '\r' => self.out.extend_from_slice(br"\r"),
                c => self.out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
    }
}

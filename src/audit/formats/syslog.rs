//! Syslog messages (RFC 5424 §6): facility 13 ("log audit"), MSGID = kind, HOSTNAME = the host of the log's origin.
//!
//! Structured data says where the record stands (`log@32473`) and what it is about (`record@32473`); 32473 is the number that
//! RFC 5612 keeps for documentation, since there is none of our own. In a value `"`, `\` and `]` are escaped (§6.3.3), and what
//! does not show goes by [`escape`]. The text of the message is the rest of the record as JSON in nothing but ASCII, so that it
//! needs no BOM; another text begins with one as soon as it holds more than ASCII (§6.4).
//!
//! A message is at most [`MESSAGE_MAX_BYTES`] long, which receivers should take (RFC 5425 §4.3.1): where the record would make it
//! longer, the text says where the record stands instead. Messages of other formats that are wrapped are as long as they are.

use crate::audit::formats::OURS;
use crate::audit::formats::entry;
use crate::audit::formats::entry::Covered;
use crate::audit::formats::entry::Entry;
use crate::audit::formats::escape;
use crate::audit::formats::meaning::Meaning;
use crate::audit::formats::meaning::Severity;
use crate::audit::walk::Cursor;
use crate::clock::UnixMillis;
use crate::json::Object;
use crate::json::Value;

/// The longest message with a record's text, in bytes.
pub(super) const MESSAGE_MAX_BYTES: usize = 8192;
/// The longest value in structured data, in bytes, before the escapes of structured data itself.
const VALUE_BYTES: usize = 255;
/// RFC 5424 §6.2.1, table 1.
const FACILITY: u8 = 13;
const APP: &str = "portcullis";
/// UTF-8's byte order mark.
const BOM: &[u8] = b"\xEF\xBB\xBF";
/// The longest HOSTNAME, in bytes (§6).
const HOST_BYTES: usize = 255;

/// Members that stand in structured data.
const MEMBERS: &[&str] = &["receipt", "partner", "operation", "peer", "tenant", "subject", "device", "state", "reason"];

pub(super) fn write(entry: &Entry<'_>, out: &mut Vec<u8>) {
    let start = out.len();
    let meaning = Meaning::of(entry.record);
    header(meaning.severity, entry.record.time(), entry.origin, entry.record.kind(), out);
    place(entry, out);
    let mut data = Element::begin("record@32473", out);
    data.put("class", meaning.class.named().1);
    data.put("severity", meaning.severity.named().1);
    data.put("outcome", meaning.status.named().1);
    if let Some(disposition) = meaning.disposition {
        data.put("action", disposition.named().1);
    }
    for name in MEMBERS {
        if let Some(text) = entry.record.text(name) {
            data.put(name, text);
        }
    }
    data.end();
    let text_at = out.len();
    let object = entry.record.value().as_object().into_iter().flat_map(Object::iter);
    let rest: Object =
        object.filter(|(name, _)| !OURS.contains(name)).map(|(name, value)| (name, value.clone())).collect();
    out.push(b' ');
    escape::write_ascii_json(&rest.into(), out);
    if out.len() - start > MESSAGE_MAX_BYTES {
        let Entry { line, at: Cursor { segment, offset, .. }, .. } = entry;
        out.truncate(text_at);
        let told =
            format!(" a record of {} bytes, too long for a message: segment {segment}, offset {offset}", line.len());
        out.extend_from_slice(told.as_bytes());
    }
}

pub(super) fn write_checkpoint(covered: &Covered<'_>, out: &mut Vec<u8>) {
    header(Severity::Informational, covered.at, covered.origin, "checkpoint", out);
    covers(covered, out);
    let text: Object = [("checkpoint", Value::from(covered.note))].into_iter().collect();
    out.push(b' ');
    escape::write_ascii_json(&text.into(), out);
}

/// Wraps what another format writes of a record.
pub(super) fn wrap(entry: &Entry<'_>, text: &[u8], out: &mut Vec<u8>) {
    let severity = Meaning::of(entry.record).severity;
    header(severity, entry.record.time(), entry.origin, entry.record.kind(), out);
    place(entry, out);
    message(text, out);
}

/// Wraps what another format writes of a checkpoint.
pub(super) fn wrap_checkpoint(covered: &Covered<'_>, text: &[u8], out: &mut Vec<u8>) {
    header(Severity::Informational, covered.at, covered.origin, "checkpoint", out);
    covers(covered, out);
    message(text, out);
}

fn message(text: &[u8], out: &mut Vec<u8>) {
    out.push(b' ');
    if !text.is_ascii() {
        out.extend_from_slice(BOM);
    }
    out.extend_from_slice(text);
}

fn header(severity: Severity, at: UnixMillis, origin: &str, kind: &str, out: &mut Vec<u8>) {
    let priority = u16::from(FACILITY) * 8 + u16::from(severity.in_syslog());
    let host: String = entry::host(origin).chars().filter(char::is_ascii_graphic).take(HOST_BYTES).collect();
    let host = if host.is_empty() { "-" } else { &host };
    out.extend_from_slice(format!("<{priority}>1 {at} {host} {APP} - {kind} ").as_bytes());
}

fn place(entry: &Entry<'_>, out: &mut Vec<u8>) {
    let mut data = Element::begin("log@32473", out);
    data.put("origin", entry.origin);
    for (name, number) in [("index", entry.at.index), ("segment", entry.at.segment), ("offset", entry.at.offset)] {
        data.put(name, &number.to_string());
    }
    data.end();
}

fn covers(covered: &Covered<'_>, out: &mut Vec<u8>) {
    let mut data = Element::begin("log@32473", out);
    data.put("origin", covered.origin);
    data.put("size", &covered.size.to_string());
    data.put("root", covered.root);
    data.end();
}

/// One element of structured data.
struct Element<'o>(&'o mut Vec<u8>);

impl<'o> Element<'o> {
    fn begin(id: &str, out: &'o mut Vec<u8>) -> Self {
        out.push(b'[');
        out.extend_from_slice(id.as_bytes());
        Self(out)
    }

    fn put(&mut self, name: &str, text: &str) {
        self.0.push(b' ');
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(b"=\"");
        for c in escape::cut(escape::shown(text), VALUE_BYTES).chars() {
            if matches!(c, '"' | '\\' | ']') {
                self.0.push(b'\\');
            }
            self.0.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
        self.0.push(b'"');
    }

    fn end(self) {
        self.0.push(b']');
    }
}

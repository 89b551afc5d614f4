//! JSON lines: `{"log":{"origin":…,"index":…,"segment":…,"offset":…},"record":{…}}`.
//!
//! `record` is the line of the log, byte for byte, but that each character that hides or turns text is escaped (`\u007f` and
//! above; a record has no such escape of its own). Whoever turns those back has the leaf of the Merkle tree.

use crate::audit::formats::entry::Covered;
use crate::audit::formats::entry::Entry;
use crate::audit::formats::escape;
use crate::diagnostic::hides;
use crate::json;

pub(super) fn write(entry: &Entry<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"log\":{\"origin\":");
    string(entry.origin, out);
    for (name, number) in [("index", entry.at.index), ("segment", entry.at.segment), ("offset", entry.at.offset)] {
        out.extend_from_slice(format!(",\"{name}\":{number}").as_bytes());
    }
    out.extend_from_slice(b"},\"record\":");
    let line = entry.line.strip_suffix(b"\n").unwrap_or(entry.line);
    escape::json_text(line, hides, out);
    out.push(b'}');
}

pub(super) fn write_checkpoint(covered: &Covered<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"log\":{\"origin\":");
    string(covered.origin, out);
    out.extend_from_slice(format!(",\"size\":{},\"root\":", covered.size).as_bytes());
    string(covered.root, out);
    out.extend_from_slice(b"},\"checkpoint\":");
    string(covered.note, out);
    out.push(b'}');
}

fn string(text: &str, out: &mut Vec<u8>) {
    let mut written = Vec::new();
    json::write_string(text, &mut written);
    escape::json_text(&written, hides, out);
}

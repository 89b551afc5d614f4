//! Escapes: no line that leaves holds a control character, or one that turns text or hides in it.
//!
//! In JSON such a character becomes `\uXXXX`, which every reader turns back. For formats that have no escape of their own it
//! becomes `\u{X}` (its code point, hexadecimal), and a backslash before `u{` becomes `\u{5c}`, so that what was escaped
//! can be told from what looked like it and turned back.

use crate::diagnostic::hides;
use crate::json;
use crate::json::Value;
use std::fmt::Write;

/// Appends the compact text of a value.
pub(super) fn write_json(value: &Value, out: &mut Vec<u8>) {
    let mut text = Vec::new();
    json::write(value, &mut text);
    json_text(&text, hides, out);
}

/// Appends the compact text of a value in nothing but ASCII.
pub(super) fn write_ascii_json(value: &Value, out: &mut Vec<u8>) {
    let mut text = Vec::new();
    json::write(value, &mut text);
    json_text(&text, |c| hides(c) || !c.is_ascii(), out);
}

/// Appends a JSON text, each character that is `to_escape` as `\uXXXX`. Between tokens none of them can stand.
pub(super) fn json_text(text: &[u8], to_escape: impl Fn(char) -> bool, out: &mut Vec<u8>) {
    for c in String::from_utf8_lossy(text).chars() {
        if to_escape(c) {
            let mut escape = String::new();
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing into memory cannot fail.
                let _ = write!(escape, "\\u{unit:04x}");
            }
            out.extend_from_slice(escape.as_bytes());
        } else {
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
}

/// Text that stands on one line and shows all that it holds.
pub(super) fn shown(text: &str) -> String {
    shown_but(text, &[])
}

/// The same, but for characters that the format itself escapes later.
pub(super) fn shown_but(text: &str, but: &[char]) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if hides(c) && !but.contains(&c) || c == '\\' && rest.as_str().starts_with("u{") {
            let _ = write!(shown, "\\u{{{:x}}}", u32::from(c));
        } else {
            shown.push(c);
        }
    }
    shown
}

/// At most `bytes` bytes of a text, cut between characters; what is cut is marked by how many bytes there were.
pub(super) fn cut(text: String, bytes: usize) -> String {
    if text.len() <= bytes {
        return text;
    }
    let mark = format!("...[{} bytes]", text.len());
    let end = text.floor_char_boundary(bytes.saturating_sub(mark.len()));
    let (kept, _) = text.split_at_checked(end).unwrap_or_default();
    format!("{kept}{mark}")
}

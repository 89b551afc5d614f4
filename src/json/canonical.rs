//! The one text of a value: the JSON Canonicalization Scheme (RFC 8785), for what is hashed or signed.
//!
//! Strings and numbers are written as [`write`](crate::json::write) writes them, which is canonical already (RFC 8785
//! §3.2.2); what is added is the order of names, by UTF-16 code units (§3.2.3). A [`Value`] can hold nothing that has
//! no canonical text.

use crate::json::value::Value;
use crate::json::write::write_array;
use crate::json::write::write_members;
use crate::json::write::write_scalar;

/// The canonical text of `value`, in UTF-8.
#[must_use]
pub fn canonical(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    write_canonical(value, &mut out);
    out
}

fn write_canonical(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Array(elements) => write_array(elements, out, write_canonical),
        Value::Object(object) => {
            let mut members: Vec<(&str, &Value)> = object.iter().collect();
            // Not the order of UTF-8: characters beyond the first plane are surrogates here, which come before U+E000.
            members.sort_unstable_by(|(left, _), (right, _)| left.encode_utf16().cmp(right.encode_utf16()));
            write_members(members.into_iter(), out, write_canonical);
        }
        Value::Null | Value::Boolean(_) | Value::Number(_) | Value::String(_) => write_scalar(value, out),
    }
}

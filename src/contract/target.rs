//! Values in a target: decoded once, checked, and encoded again (RFC 3986).
//!
//! What two parsers read differently is refused before any schema is asked. In a path: an empty value, `.` and `..`, and decoded
//! `/`, `\`, `;`, `%` and control characters. In a query: a bare `+` (plus or space?), `;` (a separator to some), a second `=`, an
//! empty pair, a parameter twice unless it is a list. In both: what strict JSON does not carry either (noncharacters), and text that is not in
//! normalization form C (UAX #15), which two parsers may take for the same and two databases for different. What passes goes out with the unreserved characters of RFC 3986 §2.3 bare and all others
//! percent-encoded.

use std::collections::HashSet;

use crate::contract::body;
use crate::contract::expected;
use crate::contract::schema::List;
use crate::contract::schema::Parameter;
use crate::json;
use crate::json::Value;
use crate::problem::WrongPlace;
use unicode_normalization::is_nfc;

/// Decodes and checks the raw value of a path parameter.
pub(super) fn path_value(parameter: &Parameter, raw: &str) -> Result<Value, WrongPlace> {
    let wrong = |expected| WrongPlace { part: "path", pointer: parameter.name.as_ref().to_owned(), expected };
    // RFC 3986 §3.3: pchar, of which `;` has meant parameters of a segment.
    let bare = |byte: u8| {
        unreserved(byte)
            || matches!(byte, b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b'=' | b':' | b'@')
    };
    let text = decode(raw, bare).map_err(wrong)?;
    let confusing = |character: char| matches!(character, '/' | '\\' | ';' | '%') || character.is_control();
    if text.is_empty() || text == "." || text == ".." || text.contains(confusing) {
        return Err(wrong(expected::WELL_FORMED));
    }
    parameter.leaf.decode(&text).map_err(wrong)
}

/// Splits, decodes and checks a raw query; the values are in the order of `parameters`.
pub(super) fn query_values(parameters: &[Parameter], query: Option<&str>) -> Result<Vec<Option<Value>>, WrongPlace> {
    let wrong = |name: &str, expected| WrongPlace { part: "query", pointer: name.to_owned(), expected };
    let mut values: Vec<Option<Value>> = parameters.iter().map(|_| None).collect();
    for pair in query.into_iter().flat_map(|query| query.split('&')) {
        let (name, raw) = pair.split_once('=').ok_or_else(|| wrong("", expected::WELL_FORMED))?;
        let found = parameters.iter().zip(&mut values).find(|(parameter, _)| *parameter.name == *name);
        let (parameter, slot) = found.ok_or_else(|| wrong("", expected::DECLARED))?;
        let wrong = |expected| wrong(&parameter.name, expected);
        let earlier = slot.as_ref().map_or(0, |value| value.as_array().map_or(1, <[Value]>::len));
        match &parameter.list {
            None if earlier > 0 => return Err(wrong(expected::ONCE)),
            Some(list) if earlier == list.max_items => return Err(wrong(expected::ITEMS)),
            None | Some(_) => {}
        }
        let bare = |byte: u8| {
            unreserved(byte)
                || matches!(byte, b'!' | b'$' | b'\'' | b'(' | b')' | b'*' | b',' | b':' | b'@' | b'/' | b'?')
        };
        let text = decode(raw, bare).map_err(wrong)?;
        if text.contains(char::is_control) {
            return Err(wrong(expected::WELL_FORMED));
        }
        let value = parameter.leaf.decode(&text).map_err(wrong)?;
        match slot {
            Some(Value::Array(elements)) => elements.push(value),
            _ if parameter.list.is_some() => *slot = Some(Value::Array(vec![value])),
            _ => *slot = Some(value),
        }
    }
    for (parameter, value) in parameters.iter().zip(&values) {
        if let (Some(list), Some(Value::Array(elements))) = (&parameter.list, value) {
            whole_list(list, elements).map_err(|expected| wrong(&parameter.name, expected))?;
        }
    }
    match parameters.iter().zip(&values).find(|(parameter, value)| parameter.required && value.is_none()) {
        Some((missing, _)) => Err(wrong(&missing.name, expected::PRESENT)),
        None => Ok(values),
    }
}

/// What can only be said of a list once it is whole.
fn whole_list(list: &List, elements: &[Value]) -> Result<(), &'static str> {
    if elements.len() < list.min_items {
        return Err(expected::ITEMS);
    }
    let mut seen = HashSet::new();
    if list.unique && !elements.iter().all(|element| seen.insert(body::spelled(element))) {
        return Err(expected::UNIQUE);
    }
    Ok(())
}

/// Appends `text`, percent-encoded but for unreserved characters.
pub(super) fn encode(text: &str, out: &mut String) {
    const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    for byte in text.bytes() {
        if unreserved(byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.extend([byte >> 4, byte & 0xF].iter().filter_map(|nibble| DIGITS.get(usize::from(*nibble))));
        }
    }
}

/// The text of a leaf as it stands outside a body, not encoded yet.
pub(super) fn plain_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.as_ref().to_owned(),
        Value::Boolean(truth) => truth.to_string(),
        Value::Number(number) => {
            let mut text = Vec::with_capacity(24);
            json::write_number(*number, &mut text);
            text.iter().copied().map(char::from).collect()
        }
        Value::Null | Value::Array(_) | Value::Object(_) => String::new(),
    }
}

/// RFC 3986 §2.3.
pub(super) const fn unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// Percent-decodes, once; nothing but `bare` bytes may stand there as they are. What is decoded can stand in JSON, where it
/// may go: into a record.
fn decode(raw: &str, bare: impl Fn(u8) -> bool) -> Result<String, &'static str> {
    let text = percent_decoded(raw, bare).ok_or(expected::WELL_FORMED)?;
    if json::has_noncharacter(&text) {
        return Err(expected::CHARACTERS);
    }
    if !text.is_ascii() && !is_nfc(&text) {
        return Err(expected::NORMALIZED);
    }
    Ok(text)
}

fn percent_decoded(raw: &str, bare: impl Fn(u8) -> bool) -> Option<String> {
    let mut bytes = raw.bytes();
    let mut text = Vec::with_capacity(raw.len());
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let (high, low) = (hex(bytes.next()?)?, hex(bytes.next()?)?);
            text.push(high << 4 | low);
        } else if bare(byte) {
            text.push(byte);
        } else {
            return None;
        }
    }
    String::from_utf8(text).ok()
}

const fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noncharacters_and_text_that_is_not_normalized_are_refused_and_what_stands_beside_them_is_not() {
        let decoded = |raw: &str| decode(raw, unreserved);
        for (raw, text) in [
            ("%EF%BF%BD", "\u{FFFD}"),
            ("%EF%B7%8F", "\u{FDCF}"),
            ("%EF%B7%B0", "\u{FDF0}"),
            ("%F0%9F%BF%BD", "\u{1FFFD}"),
            ("caf%C3%A9", "caf\u{e9}"),
            ("%E1%84%90%E1%84%90", "\u{1110}\u{1110}"),
            ("%D0%B9", "\u{439}"),
        ] {
            assert_eq!(decoded(raw).as_deref(), Ok(text), "{raw}");
        }
        for raw in ["%EF%BF%BE", "a%EF%BF%BF", "%EF%B7%90", "%EF%B7%AF", "%F0%9F%BF%BE", "%F4%8F%BF%BF"] {
            assert_eq!(decoded(raw), Err(expected::CHARACTERS), "{raw}");
        }
        // A letter and its accent apart; the same letter of another block; a syllable in its parts.
        for raw in ["cafe%CC%81", "%D0%B8%CC%86", "%E2%84%AA", "%E1%84%80%E1%85%A1"] {
            assert_eq!(decoded(raw), Err(expected::NORMALIZED), "{raw}");
        }
        assert_eq!(decoded("%ED%A0%80"), Err(expected::WELL_FORMED), "a surrogate is no UTF-8");
    }
}

//! Compact text: no space, members in the order they have, escapes and digits as RFC 8785 §3.2.2 wants them.
//!
//! [`write_string`] and [`write_number`] serve rooms that write a known shape without building a tree; the braces,
//! commas and colons between are theirs.

use crate::json::decimal::Shortest;
use crate::json::number::Number;
use crate::json::scan::plain_prefix;
use crate::json::value::Value;

/// Appends the compact text of `value`.
pub fn write(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Array(elements) => write_array(elements, out, write),
        Value::Object(object) => write_members(object.iter(), out, write),
        Value::Null | Value::Boolean(_) | Value::Number(_) | Value::String(_) => write_scalar(value, out),
    }
}

/// Appends `text` in quotation marks, with those escapes only that are necessary.
pub fn write_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    loop {
        let (plain, special) = rest.split_at(plain_prefix(rest));
        out.extend_from_slice(plain);
        let Some((byte, after)) = special.split_first() else {
            break;
        };
        write_escape(*byte, out);
        rest = after;
    }
    out.push(b'"');
}

/// Appends `number` as ECMAScript writes it: the fewest digits that read as the same double.
pub fn write_number(number: Number, out: &mut Vec<u8>) {
    match number.as_integer() {
        Some(integer) => write_integer(integer, out),
        None => write_double(number.as_f64(), out),
    }
}

/// Appends a value that holds no others; of one that does, only the brackets.
pub(super) fn write_scalar(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Boolean(true) => out.extend_from_slice(b"true"),
        Value::Boolean(false) => out.extend_from_slice(b"false"),
        Value::Number(number) => write_number(*number, out),
        Value::String(text) => write_string(text, out),
        Value::Array(_) => out.extend_from_slice(b"[]"),
        Value::Object(_) => out.extend_from_slice(b"{}"),
    }
}

pub(super) fn write_array(elements: &[Value], out: &mut Vec<u8>, write_element: fn(&Value, &mut Vec<u8>)) {
    out.push(b'[');
    for (index, element) in elements.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_element(element, out);
    }
    out.push(b']');
}

pub(super) fn write_members<'v>(
    members: impl Iterator<Item = (&'v str, &'v Value)>,
    out: &mut Vec<u8>,
    write_member: fn(&Value, &mut Vec<u8>),
) {
    out.push(b'{');
    for (index, (name, value)) in members.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_string(name, out);
        out.push(b':');
        write_member(value, out);
    }
    out.push(b'}');
}

/// Appends the escape of a byte that is not plain.
fn write_escape(byte: u8, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let short = match byte {
        b'"' | b'\\' => byte,
        0x08 => b'b',
        0x09 => b't',
        0x0A => b'n',
        0x0C => b'f',
        0x0D => b'r',
        _ => {
            out.extend_from_slice(b"\\u00");
            for nibble in [byte >> 4, byte & 0xF] {
                out.extend(DIGITS.get(usize::from(nibble)));
            }
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

/// Appends a whole number.
pub fn write_integer(integer: i64, out: &mut Vec<u8>) {
    if integer < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(digits_of(integer.unsigned_abs(), &mut [0; 20]));
}

/// `Number::toString` of ECMAScript (ECMA-262 §6.1.6.1.20, RFC 8785 §3.2.2.3), for any finite double.
pub(super) fn write_double(double: f64, out: &mut Vec<u8>) {
    if double == 0.0 {
        out.push(b'0');
        return;
    }
    if double < 0.0 {
        out.push(b'-');
    }
    let shortest = Shortest::of(double.abs());
    let mut digits = [0; 20];
    let digits = digits_of(shortest.digits, &mut digits);
    let exponent = i32::try_from(digits.len()).unwrap_or(0) - 1 - shortest.places;
    set_digits(digits, exponent, out);
}

/// The digits of `number`, in the end of `buffer`; the largest number has twenty.
fn digits_of(mut number: u64, buffer: &mut [u8; 20]) -> &[u8] {
    let mut start = buffer.len();
    for place in buffer.iter_mut().rev() {
        let [digit, ..] = (number % 10).to_le_bytes();
        *place = b'0' + digit;
        start -= 1;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    buffer.get(start..).unwrap_or_default()
}

/// Sets `digits`, of which the first stands for units of 10^`exponent`.
fn set_digits(digits: &[u8], exponent: i32, out: &mut Vec<u8>) {
    let before_point = usize::try_from(exponent + 1).unwrap_or(0);
    match exponent {
        0..=20 if before_point >= digits.len() => {
            out.extend_from_slice(digits);
            out.resize(out.len() + before_point - digits.len(), b'0');
        }
        0..=20 => write_with_point(digits, before_point, out),
        -6..=-1 => {
            out.extend_from_slice(b"0.");
            out.resize(out.len() + exponent.unsigned_abs() as usize - 1, b'0');
            out.extend_from_slice(digits);
        }
        _ => {
            write_with_point(digits, 1, out);
            out.push(b'e');
            if exponent > 0 {
                out.push(b'+');
            }
            write_integer(i64::from(exponent), out);
        }
    }
}

/// Appends `digits`, with a point after the first `before_point` if any follow.
fn write_with_point(digits: &[u8], before_point: usize, out: &mut Vec<u8>) {
    let (whole, fraction) = digits.split_at_checked(before_point).unwrap_or((digits, &[]));
    out.extend_from_slice(whole);
    if !fraction.is_empty() {
        out.push(b'.');
        out.extend_from_slice(fraction);
    }
}

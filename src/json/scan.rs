//! The inside of strings: where plain text ends, what an escape means, which code points I-JSON forbids.
//!
//! Plain text is what both the reader may borrow and the writer may copy as it stands: everything but the quotation
//! mark, the backslash and the control characters below U+0020 (RFC 8259 §7; RFC 8785 §3.2.2.2).

use crate::json::error::Fault;

/// The byte 1 in each of eight lanes.
const ONES: u64 = 0x0101_0101_0101_0101;
/// The highest bit of each lane.
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;

/// The number of bytes before the first that is not plain.
pub(super) fn plain_prefix(bytes: &[u8]) -> usize {
    let (words, rest) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let marks = not_plain(u64::from_le_bytes(*word));
        if marks != 0 {
            return index * 8 + (marks.trailing_zeros() / 8) as usize;
        }
    }
    let plain = |byte: &u8| *byte >= 0x20 && *byte != b'"' && *byte != b'\\';
    let plain_rest = rest.iter().position(|byte| !plain(byte)).unwrap_or(rest.len());
    words.len() * 8 + plain_rest
}

/// Marks, by their highest bit, the lanes that are not plain. A borrow may mark lanes above the first falsely; the
/// lowest mark is exact, and only that one is used.
const fn not_plain(word: u64) -> u64 {
    let quotes = word ^ (ONES * b'"' as u64);
    let backslashes = word ^ (ONES * b'\\' as u64);
    let is_quote = quotes.wrapping_sub(ONES) & !quotes;
    let is_backslash = backslashes.wrapping_sub(ONES) & !backslashes;
    let is_control = word.wrapping_sub(ONES * 0x20) & !word;
    (is_quote | is_backslash | is_control) & HIGH_BITS
}

/// Reads the escape at the start of `bytes` (the backslash has gone): the character, and the bytes it took.
pub(super) fn unescape(bytes: &[u8]) -> Result<(char, usize), Fault> {
    let simple = match bytes.first().ok_or(Fault::EndedEarly)? {
        b'"' => '"',
        b'\\' => '\\',
        b'/' => '/',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return unescape_unicode(bytes),
        _ => return Err(Fault::UnknownEscape),
    };
    Ok((simple, 1))
}

/// Reads `uXXXX`, or `uXXXX\uXXXX` where the two are a surrogate pair.
fn unescape_unicode(bytes: &[u8]) -> Result<(char, usize), Fault> {
    let unit = code_unit(bytes.get(1..).unwrap_or_default())?;
    if let Some(character) = char::from_u32(unit) {
        return Ok((character, 5));
    }
    // Only surrogates are no characters here. The first must be a high one, an escaped low one must follow.
    let low = match bytes.get(5..) {
        Some([b'\\', b'u', digits @ ..]) if unit < 0xDC00 => code_unit(digits)?,
        Some([] | [b'\\']) => return Err(Fault::EndedEarly),
        _ => return Err(Fault::LoneSurrogate),
    };
    if !(0xDC00..=0xDFFF).contains(&low) {
        return Err(Fault::LoneSurrogate);
    }
    let code_point = 0x1_0000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
    char::from_u32(code_point).map(|character| (character, 11)).ok_or(Fault::LoneSurrogate)
}

/// Four hexadecimal digits.
fn code_unit(bytes: &[u8]) -> Result<u32, Fault> {
    let mut unit = 0;
    for position in 0..4 {
        let byte = bytes.get(position).ok_or(Fault::EndedEarly)?;
        let digit = char::from(*byte).to_digit(16).ok_or(Fault::UnknownEscape)?;
        unit = unit << 4 | digit;
    }
    Ok(unit)
}

/// Whether a noncharacter occurs: U+FDD0 to U+FDEF, and the last two code points of every plane (Unicode §23.7).
#[must_use]
pub fn has_noncharacter(text: &str) -> bool {
    // All of them begin with 0xEF or more in UTF-8, which Latin, Cyrillic and most other text never does.
    text.bytes().any(|byte| byte >= 0xEF) && text.chars().any(is_noncharacter)
}

const fn is_noncharacter(character: char) -> bool {
    matches!(character, '\u{FDD0}'..='\u{FDEF}') || character as u32 & 0xFFFE == 0xFFFE
}

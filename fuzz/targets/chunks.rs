//! The chunked coding: however a body is cut, it is what a simple decoder of the whole makes of it.

use portcullis::chunks::Grammar;
use portcullis::chunks::Malformed;
use portcullis::chunks::Piece;

pub const WORDS: &[&str] =
    &["\r\n", "\n", "0\r\n\r\n", "4\r\nWiki\r\n", ";x=y", "0x", "-1", "+1", "ffffffff", "000000001", " ", "X: y\r\n"];

/// What bytes are.
#[derive(Debug, Eq, PartialEq)]
pub enum Decoded {
    /// A body, and how many bytes it took.
    Whole(Vec<u8>, usize),
    /// The beginning of one.
    Short,
    /// Neither.
    Bad,
}

pub fn chunks(data: &[u8]) -> bool {
    let expected = decode(data);
    for step in [1, 2, 7, data.len().max(1)] {
        assert_eq!(by_grammar(data, step).unwrap_or(Decoded::Bad), expected, "in pieces of {step}");
    }
    matches!(expected, Decoded::Whole(..))
}

/// By the grammar, in pieces of `step` bytes.
fn by_grammar(data: &[u8], step: usize) -> Result<Decoded, Malformed> {
    let (mut grammar, mut body, mut taken) = (Grammar::new(), Vec::new(), 0);
    for mut bytes in data.chunks(step) {
        while let Some(piece) = grammar.read(bytes)? {
            let (here, rest) = bytes.split_at(piece.bytes());
            if matches!(piece, Piece::Data(_)) {
                body.extend_from_slice(here);
            }
            taken += here.len();
            bytes = rest;
        }
    }
    Ok(if grammar.is_whole() { Decoded::Whole(body, taken) } else { Decoded::Short })
}

/// RFC 9112 §7.1 over the whole, without extensions and trailers.
pub fn decode(data: &[u8]) -> Decoded {
    let (mut rest, mut body) = (data, Vec::new());
    loop {
        let digits = rest.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let (size, after) = rest.split_at(digits);
        if digits > 8 || digits == 0 && !after.is_empty() {
            return Decoded::Bad;
        }
        if digits == 0 {
            return Decoded::Short;
        }
        let size = usize::from_str_radix(std::str::from_utf8(size).unwrap(), 16).unwrap();
        rest = match behind_line_end(after) {
            Ok(rest) => rest,
            Err(found) => return found,
        };
        let Some((bytes, after)) = rest.split_at_checked(size) else { return Decoded::Short };
        body.extend_from_slice(bytes);
        rest = match behind_line_end(after) {
            Ok(rest) => rest,
            Err(found) => return found,
        };
        if size == 0 {
            return Decoded::Whole(body, data.len() - rest.len());
        }
    }
}

fn behind_line_end(rest: &[u8]) -> Result<&[u8], Decoded> {
    match rest.strip_prefix(b"\r\n") {
        Some(rest) => Ok(rest),
        None if b"\r\n".starts_with(rest) => Err(Decoded::Short),
        None => Err(Decoded::Bad),
    }
}

//! The grammar of the chunked coding (RFC 9112 §7.1), strictly, for both directions: no extensions, no trailers, CR LF
//! only, and sizes of one to eight hexadecimal digits.
//!
//! It decodes nothing and holds nothing: it says of the bytes at hand what they are, piece by piece, however they are
//! cut. The door holds what callers send against it before the framework's decoder sees a byte, because that one lets
//! extensions, blanks and trailers through and calls a broken body finished; `wire` decodes partners' answers by it.

/// The most hexadecimal digits of a chunk's size: four gigabytes less one byte, far beyond every limit of a body.
const MAX_DIGITS: u8 = 8;

/// Where in a body the next byte stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Grammar(Next);

/// What the next byte is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Next {
    /// A digit of a chunk's size, or the CR behind it.
    Size { value: usize, digits: u8 },
    /// The LF behind a size.
    SizeEnd { value: usize },
    /// Data of a chunk.
    Data { left: usize },
    /// The CR behind a chunk's data.
    DataCr,
    /// The LF behind it.
    DataLf,
    /// The CR of the empty line behind the last chunk: a trailer would stand here.
    EndCr,
    /// Its LF.
    EndLf,
    /// Nothing: the body is whole.
    Nothing,
}

/// What stands at the front of the bytes at hand.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Piece {
    /// So many bytes of sizes and line ends.
    Coding(usize),
    /// The last byte of a chunk's head, one byte of coding; so many bytes of data follow. Zero ends the body.
    Size(usize),
    /// So many bytes of the body.
    Data(usize),
    /// The last byte of all, one byte of coding: what follows is another message's.
    End,
}

/// Bytes that no sender of whole messages writes; where this body ends nobody can say any more.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the chunks are malformed")]
pub struct Malformed;

impl Grammar {
    /// The grammar before a body's first byte.
    #[must_use]
    pub const fn new() -> Self {
        Self(Next::Size { value: 0, digits: 0 })
    }

    /// Whether the body is whole.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        matches!(self.0, Next::Nothing)
    }

    /// Reads the next piece at the front of `bytes`, never more than one; `None` where there are none, and once the body
    /// is whole.
    ///
    /// # Errors
    /// [`Malformed`] at the first byte that does not belong there. Nothing may be read after that.
    pub fn read(&mut self, bytes: &[u8]) -> Result<Option<Piece>, Malformed> {
        let Some(first) = bytes.first() else { return Ok(None) };
        let (next, piece) = match self.0 {
            Next::Size { value, digits } => (size(value, digits, *first)?, Piece::Coding(1)),
            Next::SizeEnd { value } => {
                let next = if value == 0 { Next::EndCr } else { Next::Data { left: value } };
                (expect(*first, b'\n', next)?, Piece::Size(value))
            }
            Next::Data { left } => {
                let here = left.min(bytes.len());
                let left = left.saturating_sub(here);
                (if left == 0 { Next::DataCr } else { Next::Data { left } }, Piece::Data(here))
            }
            Next::DataCr => (expect(*first, b'\r', Next::DataLf)?, Piece::Coding(1)),
            Next::DataLf => (expect(*first, b'\n', Next::Size { value: 0, digits: 0 })?, Piece::Coding(1)),
            Next::EndCr => (expect(*first, b'\r', Next::EndLf)?, Piece::Coding(1)),
            Next::EndLf => (expect(*first, b'\n', Next::Nothing)?, Piece::End),
            Next::Nothing => return Ok(None),
        };
        self.0 = next;
        Ok(Some(piece))
    }
}

impl Default for Grammar {
    fn default() -> Self {
        Self::new()
    }
}

impl Piece {
    /// How many bytes it takes.
    #[must_use]
    pub const fn bytes(self) -> usize {
        match self {
            Self::Coding(count) | Self::Data(count) => count,
            Self::Size(_) | Self::End => 1,
        }
    }
}

/// One more digit of a size, or the CR behind at least one.
fn size(value: usize, digits: u8, byte: u8) -> Result<Next, Malformed> {
    let Some(digit) = char::from(byte).to_digit(16).and_then(|digit| usize::try_from(digit).ok()) else {
        return if digits > 0 { expect(byte, b'\r', Next::SizeEnd { value }) } else { Err(Malformed) };
    };
    if digits >= MAX_DIGITS {
        return Err(Malformed);
    }
    Ok(Next::Size { value: value.saturating_mul(16).saturating_add(digit), digits: digits.saturating_add(1) })
}

fn expect(byte: u8, wanted: u8, next: Next) -> Result<Next, Malformed> {
    if byte == wanted { Ok(next) } else { Err(Malformed) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many bytes of `coded` belong to its body, given in pieces of `step`; `None` if it is not whole.
    fn end_of(coded: &[u8], step: usize) -> Result<Option<usize>, Malformed> {
        let (mut chunks, mut taken) = (Grammar::new(), 0);
        for mut bytes in coded.chunks(step) {
            while let Some(piece) = chunks.read(bytes)? {
                taken += piece.bytes();
                bytes = &bytes[piece.bytes()..];
            }
        }
        Ok(chunks.is_whole().then_some(taken))
    }

    #[test]
    fn a_body_ends_at_its_last_byte_however_it_is_cut_and_what_follows_is_not_looked_at() {
        let coded = b"4\r\nWiki\r\nfF\r\n".iter().chain([b'x'; 255].iter()).chain(b"\r\n00\r\n\r\n").copied();
        let coded: Vec<u8> = coded.collect();
        let followed = [&coded[..], b"ZZ what another message says"].concat();
        for step in 1..=followed.len() {
            assert_eq!(end_of(&followed, step), Ok(Some(coded.len())), "{step}");
        }
        for end in 0..coded.len() {
            assert_eq!(end_of(&coded[..end], 7), Ok(None), "{end}");
        }
    }

    #[test]
    fn a_size_has_eight_digits_and_not_one_more() {
        assert_eq!(end_of(b"00000001\r\nx\r\n00000000\r\n\r\n", 100), Ok(Some(25)));
        assert_eq!(end_of(b"000000001\r\n", 100), Err(Malformed));
        let mut chunks = Grammar::new();
        let mut bytes = &b"FFFFFFFF\r\n"[..];
        while bytes.len() > 1 {
            let _piece = chunks.read(bytes);
            bytes = &bytes[1..];
        }
        assert_eq!(chunks.read(bytes), Ok(Some(Piece::Size(0xFFFF_FFFF))));
    }

    #[test]
    fn whatever_a_lax_reader_passes_over_is_malformed_at_its_first_byte() {
        for (good, bad) in [
            ("", "\r\n"),
            ("", "\n"),
            ("", " 4"),
            ("", "-1"),
            ("", "+1"),
            ("", "ZZ"),
            ("0", "x4"),
            ("4", "\n"),
            ("4", " \r\n"),
            ("4", "\t\r\n"),
            ("4", ";ext=1\r\n"),
            ("4\r", "\r\n"),
            ("4\r", "Wiki"),
            ("4\r\nWiki", "\n"),
            ("4\r\nWiki", "pedia\r\n"),
            ("4\r\nWiki\r", "0\r\n"),
            ("4\r\nWiki\r\n", "\r\n"),
            ("0\r\n", "X: y\r\n"),
            ("0\r\n", "\n"),
            ("0\r\n\r", "\r"),
        ] {
            assert_eq!(end_of(good.as_bytes(), 100), Ok(None), "{good:?}");
            for step in [1, 100] {
                assert_eq!(end_of(format!("{good}{bad}").as_bytes(), step), Err(Malformed), "{good:?} then {bad:?}");
            }
        }
    }
}

//! The chunked coding of an answer (RFC 9112 §7.1), strictly: no extensions, no trailers, lower and upper hexadecimal
//! digits only.
//!
//! What was decoded is taken off the buffer, so that an answer which comes byte by byte costs no more than one that
//! comes at once, and the buffer never holds more than one read beyond what is decoded.

use crate::wire::fault::ExchangeFaultKind as Fault;
use bytes::Bytes;
use bytes::BytesMut;

/// The most hexadecimal digits of a chunk's size.
const MAX_DIGITS: usize = 8;

/// The most bytes of chunk sizes and line ends, for each byte that the body may have: what more costs carries nothing.
const MAX_CODING_PER_BYTE: usize = 2;

/// A body on its way out of its coding.
pub(super) struct Chunks {
    body: BytesMut,
    next: Next,
    max_bytes: usize,
    /// How many more bytes the coding itself may take.
    coding_left: usize,
}

/// What the next bytes are.
#[derive(Clone, Copy)]
enum Next {
    Size,
    Data {
        left: usize,
    },
    EndOfData,
    /// After the last chunk comes an empty line at once: a trailer would stand here.
    EndOfBody,
}

impl Chunks {
    /// Nothing decoded yet of a body of at most `max_bytes`.
    pub(super) fn new(max_bytes: usize) -> Self {
        let coding_left = max_bytes.saturating_mul(MAX_CODING_PER_BYTE).saturating_add(1024);
        Self { body: BytesMut::new(), next: Next::Size, max_bytes, coding_left }
    }

    /// Takes as much off the buffer as can be decoded; `true` once the body is whole.
    pub(super) fn take(&mut self, buffer: &mut BytesMut) -> Result<bool, Fault> {
        loop {
            self.next = match self.next {
                Next::Size => match self.size(buffer)? {
                    None => return Ok(false),
                    Some(0) => Next::EndOfBody,
                    Some(left) => Next::Data { left },
                },
                Next::Data { left } => {
                    let here = left.min(buffer.len());
                    self.body.extend_from_slice(&buffer.split_to(here));
                    match left.saturating_sub(here) {
                        0 => Next::EndOfData,
                        left => {
                            self.next = Next::Data { left };
                            return Ok(false);
                        }
                    }
                }
                Next::EndOfData => match self.line_end(buffer)? {
                    false => return Ok(false),
                    true => Next::Size,
                },
                Next::EndOfBody => return self.line_end(buffer),
            };
        }
    }

    /// The body, once it is whole.
    pub(super) fn into_body(self) -> Bytes {
        self.body.freeze()
    }

    /// The size of the next chunk, if its line is there.
    fn size(&mut self, buffer: &mut BytesMut) -> Result<Option<usize>, Fault> {
        let line = buffer.get(..buffer.len().min(MAX_DIGITS.saturating_add(2))).unwrap_or_default();
        let Some(end) = line.windows(2).position(|pair| pair == b"\r\n") else {
            let digits = line.strip_suffix(b"\r").unwrap_or(line);
            let may_go_on = digits.len() <= MAX_DIGITS && digits.iter().all(u8::is_ascii_hexdigit);
            return if may_go_on { Ok(None) } else { Err(Fault::Framing) };
        };
        let size = size_of(line.get(..end).unwrap_or_default())?;
        if self.body.len().saturating_add(size) > self.max_bytes {
            return Err(Fault::TooLarge);
        }
        self.discard(buffer, end.saturating_add(2))?;
        Ok(Some(size))
    }

    /// Whether a line end was there; anything else is a fault at its first byte.
    fn line_end(&mut self, buffer: &mut BytesMut) -> Result<bool, Fault> {
        if buffer.starts_with(b"\r\n") {
            return self.discard(buffer, 2).map(|()| true);
        }
        if b"\r\n".starts_with(buffer) { Ok(false) } else { Err(Fault::Framing) }
    }

    fn discard(&mut self, buffer: &mut BytesMut, bytes: usize) -> Result<(), Fault> {
        self.coding_left = self.coding_left.checked_sub(bytes).ok_or(Fault::TooLarge)?;
        let _coding = buffer.split_to(bytes);
        Ok(())
    }
}

fn size_of(digits: &[u8]) -> Result<usize, Fault> {
    if digits.is_empty() || digits.len() > MAX_DIGITS || !digits.iter().all(u8::is_ascii_hexdigit) {
        return Err(Fault::Framing);
    }
    let text = std::str::from_utf8(digits).map_err(|_| Fault::Framing)?;
    usize::from_str_radix(text, 16).map_err(|_| Fault::Framing)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODED: &[u8] = b"4\r\nWiki\r\nA\r\n0123456789\r\n0\r\n\r\n";

    /// The body and what is left behind it, if this much makes it whole; given in pieces of `step` bytes.
    fn decoded(coded: &[u8], step: usize, max_bytes: usize) -> Result<Option<(Bytes, BytesMut)>, Fault> {
        let (mut chunks, mut buffer) = (Chunks::new(max_bytes), BytesMut::new());
        let mut whole = false;
        for piece in coded.chunks(step) {
            buffer.extend_from_slice(piece);
            whole = whole || chunks.take(&mut buffer)?;
        }
        Ok(whole.then(|| (chunks.into_body(), buffer)))
    }

    #[test]
    fn a_coded_body_is_whole_at_its_last_byte_and_at_none_before() {
        for end in 1..CODED.len() {
            assert_eq!(decoded(&CODED[..end], end, 100), Ok(None), "{end}");
        }
        for step in 1..=CODED.len() {
            let whole = Some((Bytes::from_static(b"Wiki0123456789"), BytesMut::new()));
            assert_eq!(decoded(CODED, step, 14), Ok(whole), "{step}");
            assert_eq!(decoded(CODED, step, 13), Err(Fault::TooLarge), "{step}");
        }
    }

    #[test]
    fn what_comes_behind_the_body_is_left_in_the_buffer() {
        let (_, left) = decoded(&[CODED, b"HTTP"].concat(), 100, 100).unwrap().unwrap();
        assert_eq!(&left[..], b"HTTP");
    }

    #[test]
    fn a_coding_that_outweighs_its_body_is_too_large() {
        // Five bytes of coding for each byte of body, and five more for the last chunk.
        let coded = |chunks: usize| [b"1\r\nx\r\n".repeat(chunks), b"0\r\n\r\n".to_vec()].concat();
        assert!(decoded(&coded(339), 7, 339).unwrap().is_some());
        assert_eq!(decoded(&coded(340), 7, 340), Err(Fault::TooLarge));
    }

    #[test]
    fn extensions_trailers_and_other_spellings_are_faults() {
        for coded in [
            "4;x=y\r\nWiki\r\n0\r\n\r\n",
            "0\r\nX: y\r\n\r\n",
            "4\r\nWikipedia\r\n",
            "+4\r\nWiki\r\n",
            " 4\r\nWiki\r\n",
            "0x4\r\n",
            "\r\n",
            "4\nWiki\r\n",
            "123456789\r\n",
            "garbage garbage",
        ] {
            for step in [1, 100] {
                assert_eq!(decoded(coded.as_bytes(), step, 100), Err(Fault::Framing), "{coded:?}");
            }
        }
    }
}

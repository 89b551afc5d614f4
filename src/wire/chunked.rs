//! The body of an answer in the chunked coding, put together by the one strict grammar of that coding.
//!
//! What was decoded is taken off the buffer, so that an answer which comes byte by byte costs no more than one that
//! comes at once, and the buffer never holds more than one read beyond what is decoded.

use crate::chunks::Grammar;
use crate::chunks::Piece;
use crate::wire::fault::ExchangeFaultKind as Fault;
use bytes::Bytes;
use bytes::BytesMut;

/// The most bytes of chunk sizes and line ends, for each byte that the body may have: what more costs carries nothing.
const MAX_CODING_PER_BYTE: usize = 2;

/// A body on its way out of its coding.
pub(super) struct Chunks {
    grammar: Grammar,
    body: BytesMut,
    max_bytes: usize,
    /// How many more bytes the coding itself may take.
    coding_left: usize,
}

impl Chunks {
    /// Nothing decoded yet of a body of at most `max_bytes`.
    pub(super) fn new(max_bytes: usize) -> Self {
        let coding_left = max_bytes.saturating_mul(MAX_CODING_PER_BYTE).saturating_add(1024);
        Self { grammar: Grammar::new(), body: BytesMut::new(), max_bytes, coding_left }
    }

    /// Takes as much off the buffer as can be decoded; `true` once the body is whole.
    pub(super) fn take(&mut self, buffer: &mut BytesMut) -> Result<bool, Fault> {
        while let Some(piece) = self.grammar.read(buffer).map_err(|_| Fault::Framing)? {
            let bytes = buffer.split_to(piece.bytes());
            match piece {
                Piece::Data(_) => self.body.extend_from_slice(&bytes),
                Piece::Size(size) if self.body.len().saturating_add(size) > self.max_bytes => {
                    return Err(Fault::TooLarge);
                }
                Piece::Coding(_) | Piece::Size(_) | Piece::End => {
                    self.coding_left = self.coding_left.checked_sub(bytes.len()).ok_or(Fault::TooLarge)?;
                }
            }
        }
        Ok(self.grammar.is_whole())
    }

    /// The body, once it is whole.
    pub(super) fn into_body(self) -> Bytes {
        self.body.freeze()
    }
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

//! The chunked coding of an answer (RFC 9112 §7.1), strictly: no extensions, no trailers, lower and upper hexadecimal
//! digits only.

use crate::wire::fault::ExchangeFaultKind as Fault;

/// What the bytes so far are.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Decoded {
    /// The coding has not ended.
    Unfinished,
    /// The body, and how many of the bytes it took.
    Whole { body: Vec<u8>, taken: usize },
}

/// Decodes from the beginning; called again with more bytes while unfinished.
pub(super) fn decode(bytes: &[u8], max_bytes: usize) -> Result<Decoded, Fault> {
    let mut body = Vec::new();
    let mut rest = bytes;
    loop {
        let Some(end) = rest.windows(2).position(|pair| pair == b"\r\n") else {
            return if rest.len() > 10 { Err(Fault::Framing) } else { Ok(Decoded::Unfinished) };
        };
        let size = size_of(rest.get(..end).unwrap_or_default())?;
        rest = rest.get(end.saturating_add(2)..).unwrap_or_default();
        if body.len().saturating_add(size) > max_bytes {
            return Err(Fault::TooLarge);
        }
        let Some((chunk, after)) = rest.split_at_checked(size) else { return Ok(Decoded::Unfinished) };
        // After the last chunk comes an empty line at once: a trailer would stand here.
        match after.split_at_checked(2) {
            Some((b"\r\n", after)) => rest = after,
            Some(_) => return Err(Fault::Framing),
            None if b"\r\n".starts_with(after) => return Ok(Decoded::Unfinished),
            None => return Err(Fault::Framing),
        }
        if size == 0 {
            return Ok(Decoded::Whole { body, taken: bytes.len().saturating_sub(rest.len()) });
        }
        body.extend_from_slice(chunk);
    }
}

fn size_of(digits: &[u8]) -> Result<usize, Fault> {
    if digits.is_empty() || digits.len() > 8 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return Err(Fault::Framing);
    }
    let text = std::str::from_utf8(digits).map_err(|_| Fault::Framing)?;
    usize::from_str_radix(text, 16).map_err(|_| Fault::Framing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coded_body_is_whole_at_its_last_byte_and_at_none_before() {
        let coded = b"4\r\nWiki\r\nA\r\n0123456789\r\n0\r\n\r\n";
        for end in 0..coded.len() {
            assert_eq!(decode(&coded[..end], 100), Ok(Decoded::Unfinished), "{end}");
        }
        let whole = Decoded::Whole { body: b"Wiki0123456789".to_vec(), taken: coded.len() };
        assert_eq!(decode(coded, 14), Ok(whole));
        assert_eq!(decode(coded, 13), Err(Fault::TooLarge));
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
            "123456789\r\n",
            "garbage garbage",
        ] {
            assert_eq!(decode(coded.as_bytes(), 100), Err(Fault::Framing), "{coded:?}");
        }
    }
}

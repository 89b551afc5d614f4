//! HTTP/1.1 (RFC 9112) as far as the simulated ends need it: a head taken apart, and where a body ends.
//!
//! Small on purpose, and shared with nothing of the gateway's: a test that reads the gateway's messages with the
//! gateway's own parser would share its mistakes. Nothing here does IO; one asks again when more bytes have come.

/// The longest head that is read, in bytes.
const MAX_HEAD_BYTES: usize = 64 * 1024;

/// The longest body that is read, in bytes.
const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;

/// The first line of a message and its fields, in order and as they were spelled.
pub(super) struct Head {
    pub(super) start: String,
    pub(super) fields: Vec<(String, String)>,
    /// How many bytes the head has, the empty line included.
    pub(super) bytes: usize,
}

/// Where the body of a message ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Framing {
    /// After so many bytes; zero where the head says nothing.
    Length(usize),
    /// After the last chunk and its trailer section.
    Chunked,
}

/// A body in chunks, put together.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Unchunked {
    pub(super) body: Vec<u8>,
    pub(super) trailers: Vec<(String, String)>,
    /// How many bytes it took, framing included.
    pub(super) bytes: usize,
}

/// What is wrong with a message.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Malformed {
    /// A head that does not end, or is no text.
    #[error("the head is longer than 64 KiB, or no text")]
    Head,
    /// The first line is none.
    #[error("the first line is none")]
    StartLine,
    /// A field without a colon, or with a name that is none.
    #[error("a field is none")]
    Field,
    /// Two lengths, a length that is no number, or an unknown transfer coding.
    #[error("the length is ambiguous, unknown, or above 16 MiB")]
    Length,
    /// Chunks that do not follow RFC 9112 §7.1.
    #[error("the chunks are broken")]
    Chunks,
}

impl Head {
    /// The head at the beginning of `bytes`, or `None` if its end has not come yet.
    pub(super) fn read(bytes: &[u8]) -> Result<Option<Self>, Malformed> {
        let Some(end) = find(bytes, b"\r\n\r\n") else {
            return if bytes.len() > MAX_HEAD_BYTES { Err(Malformed::Head) } else { Ok(None) };
        };
        let text = bytes.get(..end).and_then(|head| std::str::from_utf8(head).ok()).ok_or(Malformed::Head)?;
        let mut lines = text.split("\r\n");
        let start = lines.next().unwrap_or_default().to_owned();
        let fields = lines.map(field).collect::<Result<_, _>>()?;
        Ok(Some(Self { start, fields, bytes: end + 4 }))
    }

    /// All values of the field of that name, in any case.
    pub(super) fn all<'h>(&'h self, name: &'h str) -> impl Iterator<Item = &'h str> {
        self.fields.iter().filter(move |(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The value of a field that stands there once.
    pub(super) fn only(&self, name: &str) -> Option<&str> {
        let mut values = self.fields.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        values.next().filter(|_| values.next().is_none()).map(|(_, value)| value.as_str())
    }

    /// Whether the connection ends after this message.
    pub(super) fn closes(&self) -> bool {
        self.all("connection").any(|value| value.eq_ignore_ascii_case("close"))
    }

    /// Where the body ends.
    pub(super) fn framing(&self) -> Result<Framing, Malformed> {
        let chunked = self.all("transfer-encoding").next().is_some();
        let length = self.all("content-length").next().is_some();
        match (chunked, length) {
            (false, false) => Ok(Framing::Length(0)),
            (true, false) if self.only("transfer-encoding").is_some_and(|coding| coding == "chunked") => {
                Ok(Framing::Chunked)
            }
            (false, true) => {
                let digits = self.only("content-length").filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
                let length = digits.and_then(|digits| digits.parse().ok()).filter(|length| *length <= MAX_BODY_BYTES);
                length.map(Framing::Length).ok_or(Malformed::Length)
            }
            _ => Err(Malformed::Length),
        }
    }
}

/// Puts the chunks at the beginning of `bytes` together, or `None` if the end has not come yet.
pub(super) fn unchunk(bytes: &[u8]) -> Result<Option<Unchunked>, Malformed> {
    let mut body = Vec::new();
    let mut at = 0;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let Some(end) = find(rest, b"\r\n") else {
            return if rest.len() > MAX_HEAD_BYTES { Err(Malformed::Chunks) } else { Ok(None) };
        };
        let size = rest.get(..end).and_then(|line| std::str::from_utf8(line).ok()).ok_or(Malformed::Chunks)?;
        let hexadecimal = !size.is_empty() && size.bytes().all(|byte| byte.is_ascii_hexdigit());
        let size = usize::from_str_radix(size, 16).ok().filter(|_| hexadecimal).ok_or(Malformed::Chunks)?;
        if body.len().saturating_add(size) > MAX_BODY_BYTES {
            return Err(Malformed::Length);
        }
        at += end + 2;
        if size == 0 {
            return trailers(bytes, at, body);
        }
        let (Some(chunk), Some(after)) = (bytes.get(at..at + size), bytes.get(at + size..at + size + 2)) else {
            return Ok(None);
        };
        if after != b"\r\n" {
            return Err(Malformed::Chunks);
        }
        body.extend_from_slice(chunk);
        at += size + 2;
    }
}

fn trailers(bytes: &[u8], mut at: usize, body: Vec<u8>) -> Result<Option<Unchunked>, Malformed> {
    let mut trailers = Vec::new();
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let Some(end) = find(rest, b"\r\n") else { return Ok(None) };
        at += end + 2;
        if end == 0 {
            return Ok(Some(Unchunked { body, trailers, bytes: at }));
        }
        let line = rest.get(..end).and_then(|line| std::str::from_utf8(line).ok()).ok_or(Malformed::Field)?;
        trailers.push(field(line)?);
    }
}

fn field(line: &str) -> Result<(String, String), Malformed> {
    let (name, value) = line.split_once(':').ok_or(Malformed::Field)?;
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_token) || value.contains(['\r', '\n', '\0']) {
        return Err(Malformed::Field);
    }
    Ok((name.to_owned(), value.trim_matches([' ', '\t']).to_owned()))
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(text: &str) -> Head {
        Head::read(text.as_bytes()).unwrap().unwrap()
    }

    #[test]
    fn a_head_is_taken_apart_once_its_end_has_come() {
        let text = "POST /a HTTP/1.1\r\nHost: a.example\r\nX-Twice: 1\r\nx-twice: 2\r\n\r\n";
        for end in 0..text.len() {
            assert!(Head::read(&text.as_bytes()[..end]).unwrap().is_none(), "{end}");
        }
        let head = head(text);
        assert_eq!((head.start.as_str(), head.bytes), ("POST /a HTTP/1.1", text.len()));
        assert_eq!(
            (head.only("host"), head.only("x-twice"), head.all("X-Twice").count()),
            (Some("a.example"), None, 2)
        );
    }

    #[test]
    fn a_body_has_one_end_or_is_refused() {
        let framing = |fields: &str| head(&format!("HTTP/1.1 200 OK\r\n{fields}\r\n")).framing();
        assert_eq!(framing(""), Ok(Framing::Length(0)));
        assert_eq!(framing("Content-Length: 12\r\n"), Ok(Framing::Length(12)));
        assert_eq!(framing("Transfer-Encoding: chunked\r\n"), Ok(Framing::Chunked));
        for fields in [
            "Content-Length: 12\r\nContent-Length: 12\r\n",
            "Content-Length: +12\r\n",
            "Content-Length: \r\n",
            "Content-Length: 12\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: gzip\r\n",
            "Content-Length: 99999999999\r\n",
        ] {
            assert_eq!(framing(fields), Err(Malformed::Length), "{fields}");
        }
    }

    #[test]
    fn chunks_are_put_together_and_broken_ones_refused() {
        let text = b"3\r\nabc\r\nA\r\n0123456789\r\n0\r\nX-Late: 1\r\n\r\nnext";
        let end = text.len() - 4;
        for short in 0..end {
            assert_eq!(unchunk(&text[..short]), Ok(None), "{short}");
        }
        let trailers = vec![("X-Late".to_owned(), "1".to_owned())];
        assert_eq!(unchunk(text), Ok(Some(Unchunked { body: b"abc0123456789".to_vec(), trailers, bytes: end })));
        for broken in ["zz\r\n", "-1\r\n", "\r\n", "3;x\r\n", "1\r\nab\r\n"] {
            assert_eq!(unchunk(broken.as_bytes()), Err(Malformed::Chunks), "{broken:?}");
        }
    }
}

//! The strict reading of an HTTP/1.1 answer's head (RFC 9112 §4 and §5): what a lax parser repairs is a fault here.

use crate::wire::fault::ExchangeFaultKind as Fault;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::StatusCode;
use http::header;

/// The most fields of an answer.
const MAX_FIELDS: usize = 64;

/// The longest head of an answer, in bytes.
pub(super) const MAX_HEAD_BYTES: usize = 16 * 1024;

/// An answer's head, and how its body is framed.
pub(super) struct AnswerHead {
    pub(super) status: StatusCode,
    pub(super) fields: HeaderMap,
    pub(super) framing: Framing,
    pub(super) closes: bool,
}

/// How a body ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Framing {
    /// After so many bytes.
    Length(usize),
    /// After its last chunk.
    Chunked,
}

/// Reads a whole head, its empty line included.
pub(super) fn read_head(head: &[u8]) -> Result<AnswerHead, Fault> {
    let text = head.strip_suffix(b"\r\n\r\n").ok_or(Fault::StatusLine)?;
    let mut lines = split_lines(text);
    let status = status_of(lines.next().ok_or(Fault::StatusLine)?)?;
    let mut fields = HeaderMap::new();
    for (count, line) in lines.enumerate() {
        if count >= MAX_FIELDS {
            return Err(Fault::FieldLine);
        }
        let (name, value) = field_of(line)?;
        fields.append(name, value);
    }
    let framing = if status.is_informational() { Framing::Length(0) } else { framing_of(status, &fields)? };
    let closes = fields.get_all(header::CONNECTION).iter().any(|value| {
        value.to_str().is_ok_and(|text| text.split(',').any(|word| word.trim().eq_ignore_ascii_case("close")))
    });
    Ok(AnswerHead { status, fields, framing, closes })
}

/// Splits at CR LF; a bare CR or LF stays inside its line, where it is a fault.
fn split_lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let bytes = rest.take()?;
        match bytes.windows(2).position(|pair| pair == b"\r\n") {
            Some(at) => {
                rest = bytes.get(at.saturating_add(2)..);
                bytes.get(..at)
            }
            None => Some(bytes),
        }
    })
}

/// `HTTP/1.1 200 OK`; the reason may be empty, its space may not be missing.
fn status_of(line: &[u8]) -> Result<StatusCode, Fault> {
    let rest = line.strip_prefix(b"HTTP/1.1 ").ok_or(Fault::StatusLine)?;
    let (digits, reason) = rest.split_at_checked(3).ok_or(Fault::StatusLine)?;
    let reason = reason.strip_prefix(b" ").ok_or(Fault::StatusLine)?;
    if reason.iter().any(|byte| *byte < b' ' || *byte == 0x7f) {
        return Err(Fault::StatusLine);
    }
    let status = StatusCode::from_bytes(digits).map_err(|_| Fault::StatusLine)?;
    if (100..600).contains(&status.as_u16()) { Ok(status) } else { Err(Fault::StatusLine) }
}

fn field_of(line: &[u8]) -> Result<(HeaderName, HeaderValue), Fault> {
    let colon = line.iter().position(|byte| *byte == b':').ok_or(Fault::FieldLine)?;
    let (name, value) = line.split_at(colon);
    let name = HeaderName::from_bytes(name).map_err(|_| Fault::FieldLine)?;
    let value = trim_blanks(value.strip_prefix(b":").unwrap_or_default());
    let value = HeaderValue::from_bytes(value).map_err(|_| Fault::FieldLine)?;
    Ok((name, value))
}

/// Takes off the optional white space of RFC 9110 §5.6.3, which is space and tab; a CR, LF or form feed stays, and is a
/// fault.
fn trim_blanks(value: &[u8]) -> &[u8] {
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = value.iter().position(|byte| !blank(byte)).unwrap_or(value.len());
    let end = value.iter().rposition(|byte| !blank(byte)).map_or(start, |last| last.saturating_add(1));
    value.get(start..end).unwrap_or_default()
}

/// Exactly one length, or `chunked` alone; 204 and 304 have no body (RFC 9112 §6.3). Where only the end of the connection
/// would tell the end of the body, a cut answer could not be told from a whole one.
fn framing_of(status: StatusCode, fields: &HeaderMap) -> Result<Framing, Fault> {
    let mut lengths = fields.get_all(header::CONTENT_LENGTH).iter();
    let mut codings = fields.get_all(header::TRANSFER_ENCODING).iter();
    let bodiless = matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    match (lengths.next(), lengths.next(), codings.next(), codings.next()) {
        (Some(length), None, None, None) => {
            let digits = length.as_bytes();
            if digits.is_empty() || digits.len() > 10 || !digits.iter().all(u8::is_ascii_digit) {
                return Err(Fault::Framing);
            }
            let length = length.to_str().ok().and_then(|text| text.parse().ok()).ok_or(Fault::Framing)?;
            if bodiless && length != 0 { Err(Fault::Framing) } else { Ok(Framing::Length(length)) }
        }
        (None, None, Some(coding), None) if coding.as_bytes().eq_ignore_ascii_case(b"chunked") && !bodiless => {
            Ok(Framing::Chunked)
        }
        (None, None, None, None) if bodiless => Ok(Framing::Length(0)),
        _ => Err(Fault::Framing),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framing(head: &str) -> Result<Framing, Fault> {
        read_head(head.as_bytes()).map(|head| head.framing)
    }

    #[test]
    fn ordinary_heads_are_read() {
        assert_eq!(framing("HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n"), Ok(Framing::Length(12)));
        assert_eq!(framing("HTTP/1.1 200 \r\nTransfer-Encoding: Chunked\r\n\r\n"), Ok(Framing::Chunked));
        assert_eq!(framing("HTTP/1.1 204 No Content\r\n\r\n"), Ok(Framing::Length(0)));
        assert_eq!(framing("HTTP/1.1 200 OK\r\nContent-Length:\t 7 \t\r\n\r\n"), Ok(Framing::Length(7)));
        assert_eq!(framing("HTTP/1.1 100 Continue\r\n\r\n"), Ok(Framing::Length(0)));
        assert!(read_head(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: x, Close\r\n\r\n").unwrap().closes);
    }

    #[test]
    fn what_a_lax_parser_repairs_is_a_fault() {
        for (head, fault) in [
            ("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", Fault::StatusLine),
            ("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", Fault::StatusLine),
            ("HTTP/1.1  200 OK\r\nContent-Length: 0\r\n\r\n", Fault::StatusLine),
            ("HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n", Fault::StatusLine),
            ("HTTP/1.1 600 No\r\nContent-Length: 0\r\n\r\n", Fault::StatusLine),
            ("HTTP/2 200 OK\r\nContent-Length: 0\r\n\r\n", Fault::StatusLine),
            ("\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Fault::StatusLine),
            ("HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n", Fault::StatusLine),
            ("HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n", Fault::FieldLine),
            ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n folded\r\n\r\n", Fault::FieldLine),
            ("HTTP/1.1 200 OK\r\nContent-Length: 0\nX: y\r\n\r\n", Fault::FieldLine),
            ("HTTP/1.1 200 OK\r\nContent-Length: 0\n\r\n\r\n", Fault::FieldLine),
            ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\r\n\r\n", Fault::FieldLine),
            ("HTTP/1.1 200 OK\r\nContent-Length:\n0\r\n\r\n", Fault::FieldLine),
            ("HTTP/1.1 200 OK\r\nContent-Length: \x0c0\r\n\r\n", Fault::FieldLine),
            ("HTTP/1.1 200 OK\r\nno colon\r\n\r\n", Fault::FieldLine),
            ("HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n", Fault::FieldLine),
            ("HTTP/1.1 200 OK\r\n\r\n", Fault::Framing),
            ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", Fault::Framing),
            ("HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\n", Fault::Framing),
            ("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", Fault::Framing),
            ("HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n", Fault::Framing),
            ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", Fault::Framing),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", Fault::Framing),
            ("HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\n", Fault::Framing),
            ("HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", Fault::Framing),
        ] {
            assert_eq!(framing(head), Err(fault), "{head:?}");
        }
    }

    #[test]
    fn an_answer_has_64_fields_and_not_one_more() {
        let head = |count: usize| format!("HTTP/1.1 204 No\r\n{}\r\n", "X: y\r\n".repeat(count));
        assert!(framing(&head(64)).is_ok());
        assert_eq!(framing(&head(65)), Err(Fault::FieldLine));
    }
}

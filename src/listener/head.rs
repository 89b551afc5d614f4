//! The strict reading of an HTTP/1.1 request head (RFC 9112), on the raw bytes, before any framework sees them.
//!
//! What the framework's parser would accept silently is refused here: a length beside chunked transfer, other codings,
//! a second length, bare line feeds, leading empty lines, spaces and fragments in the target, a missing host, other
//! versions. Nothing is repaired. Reading sockets is `http1`'s work.

use crate::limits::Limits;

/// Why a head is refused. Holds nothing of the head.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum HeadFault {
    /// Longer than the limit.
    #[error("the head is longer than the limit")]
    TooLong,
    /// More fields than the limit.
    #[error("the head has more fields than the limit")]
    TooManyFields,
    /// The target is longer than the limit.
    #[error("the target is longer than the limit")]
    TargetTooLong,
    /// The request line is not `METHOD SP target SP HTTP/1.1`.
    #[error("the request line is malformed")]
    RequestLine,
    /// A line does not end with CR LF, or CR, LF or NUL stand inside.
    #[error("a line end is malformed")]
    LineEnd,
    /// A field line is not `name: value`, or is folded.
    #[error("a field line is malformed")]
    FieldLine,
    /// No `Host`, two of them, or an empty one.
    #[error("the host is missing or ambiguous")]
    Host,
    /// The body's length is ambiguous or its coding is not `chunked` alone.
    #[error("the framing is ambiguous")]
    Framing,
    /// `Upgrade`, or a `Connection` that names it.
    #[error("an upgrade is asked for")]
    Upgrade,
    /// `Expect` with anything but `100-continue`.
    #[error("an unknown expectation")]
    Expectation,
}

/// How a body is framed, as a strict head says it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Framing {
    /// By its length, which is zero where none is given.
    Length,
    /// In chunks.
    Chunked,
}

/// Where the head in `bytes` ends, behind its empty line; `None` if it has not ended yet.
#[must_use]
pub fn end_of_head(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at.saturating_add(4))
}

/// Checks a whole head, its empty line included, and tells how the body is framed.
///
/// # Errors
/// [`HeadFault`] names the first fault.
pub fn check_head(head: &[u8], limits: &Limits) -> Result<Framing, HeadFault> {
    if exceeds(head.len(), limits.head_max_bytes) {
        return Err(HeadFault::TooLong);
    }
    let lines = head.strip_suffix(b"\r\n\r\n").ok_or(HeadFault::LineEnd)?;
    let mut lines = Lines(Some(lines));
    let request_line = lines.next().ok_or(HeadFault::RequestLine)??;
    check_request_line(request_line, limits)?;
    let mut seen = Seen::default();
    for line in lines {
        seen.count = seen.count.saturating_add(1);
        if exceeds(seen.count, limits.head_max_fields) {
            return Err(HeadFault::TooManyFields);
        }
        seen.field(line?)?;
    }
    seen.finish()
}

/// The lines of a head, split at CR LF only.
struct Lines<'a>(Option<&'a [u8]>);

impl<'a> Iterator for Lines<'a> {
    type Item = Result<&'a [u8], HeadFault>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.0.take()?;
        let (line, after) = match rest.windows(2).position(|window| window == b"\r\n") {
            Some(at) => (rest.get(..at).unwrap_or_default(), rest.get(at.saturating_add(2)..)),
            None => (rest, None),
        };
        self.0 = after;
        let clean = !line.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0));
        Some(if clean { Ok(line) } else { Err(HeadFault::LineEnd) })
    }
}

/// What the fields said that matters for framing and routing.
#[derive(Default)]
struct Seen {
    count: usize,
    hosts: usize,
    lengths: usize,
    codings: usize,
}

impl Seen {
    fn field(&mut self, line: &[u8]) -> Result<(), HeadFault> {
        let colon = line.iter().position(|byte| *byte == b':').ok_or(HeadFault::FieldLine)?;
        let (name, rest) = line.split_at(colon);
        if name.is_empty() || !name.iter().all(|byte| is_token(*byte)) {
            return Err(HeadFault::FieldLine);
        }
        let value = trim(rest.strip_prefix(b":").unwrap_or_default());
        if value.iter().any(|byte| (*byte < b' ' && *byte != b'\t') || *byte == 0x7f) {
            return Err(HeadFault::FieldLine);
        }
        if name.eq_ignore_ascii_case(b"host") {
            self.hosts = self.hosts.saturating_add(1);
            if value.is_empty() {
                return Err(HeadFault::Host);
            }
        } else if name.eq_ignore_ascii_case(b"content-length") {
            self.lengths = self.lengths.saturating_add(1);
            // At most ten digits: far beyond every body limit, far from overflow.
            if value.is_empty() || value.len() > 10 || !value.iter().all(u8::is_ascii_digit) {
                return Err(HeadFault::Framing);
            }
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.codings = self.codings.saturating_add(1);
            if !value.eq_ignore_ascii_case(b"chunked") {
                return Err(HeadFault::Framing);
            }
        } else if name.eq_ignore_ascii_case(b"upgrade") {
            return Err(HeadFault::Upgrade);
        } else if name.eq_ignore_ascii_case(b"connection") {
            let names_upgrade = |part: &[u8]| trim(part).eq_ignore_ascii_case(b"upgrade");
            if value.split(|byte| *byte == b',').any(names_upgrade) {
                return Err(HeadFault::Upgrade);
            }
        } else if name.eq_ignore_ascii_case(b"expect") && !value.eq_ignore_ascii_case(b"100-continue") {
            return Err(HeadFault::Expectation);
        }
        Ok(())
    }

    const fn finish(&self) -> Result<Framing, HeadFault> {
        if self.hosts != 1 {
            return Err(HeadFault::Host);
        }
        if self.lengths.saturating_add(self.codings) > 1 {
            return Err(HeadFault::Framing);
        }
        Ok(if self.codings == 0 { Framing::Length } else { Framing::Chunked })
    }
}

fn check_request_line(line: &[u8], limits: &Limits) -> Result<(), HeadFault> {
    let mut parts = line.split(|byte| *byte == b' ');
    let (Some(method), Some(target), Some(version), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(HeadFault::RequestLine);
    };
    if exceeds(target.len(), limits.target_max_bytes) {
        return Err(HeadFault::TargetTooLong);
    }
    let origin_form = target.first() == Some(&b'/') && target.iter().all(|byte| is_target(*byte));
    if is_method(method) && origin_form && version == b"HTTP/1.1" { Ok(()) } else { Err(HeadFault::RequestLine) }
}

/// Whether a method is one that can be declared: one to sixteen capital letters.
pub(super) fn is_method(method: &[u8]) -> bool {
    !method.is_empty() && method.len() <= 16 && method.iter().all(u8::is_ascii_uppercase)
}

/// Whether a length lies beyond a limit.
pub(super) fn exceeds(length: usize, limit: u64) -> bool {
    u64::try_from(length).unwrap_or(u64::MAX) > limit
}

/// Whether a byte may stand in an origin-form target: RFC 3986 §3.3 and §3.4, percent signs included.
pub(super) const fn is_target(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'-' | b'.'
                | b'_'
                | b'~'
                | b'!'
                | b'$'
                | b'&'
                | b'\''
                | b'('
                | b')'
                | b'*'
                | b'+'
                | b','
                | b';'
                | b'='
                | b':'
                | b'@'
                | b'/'
                | b'?'
                | b'%'
        )
}

/// Whether a byte may stand in a token (RFC 9110 §5.6.2).
const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~'
        )
}

fn trim(value: &[u8]) -> &[u8] {
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = value.iter().position(|byte| !blank(byte)).unwrap_or(value.len());
    let end = value.iter().rposition(|byte| !blank(byte)).map_or(start, |at| at.saturating_add(1));
    value.get(start..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(head: &str) -> Option<HeadFault> {
        check_head(head.as_bytes(), &Limits::default()).err()
    }

    #[test]
    fn ordinary_heads_pass() {
        for head in [
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "POST /v1/houses/h/doors/d/open?reason=guest HTTP/1.1\r\nhost: a\r\nContent-Length: 0\r\n\r\n",
            "POST /a%20b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\nX: \r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nConnection: keep-alive\r\n\r\n",
        ] {
            assert_eq!(fault(head), None, "{head:?}");
        }
        let chunked = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: CHUNKED\r\n\r\n";
        assert_eq!(check_head(chunked, &Limits::default()), Ok(Framing::Chunked));
    }

    #[test]
    fn what_the_framework_lets_through_is_refused() {
        use HeadFault as F;
        for (head, expected) in [
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", F::Framing),
            ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", F::Framing),
            (
                "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n",
                F::Framing,
            ),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", F::Framing),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\n", F::Framing),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n", F::Framing),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n", F::Framing),
            ("POST / HTTP/1.1\nHost: a\r\n\r\n", F::LineEnd),
            ("GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", F::LineEnd),
            ("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", F::RequestLine),
            ("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", F::RequestLine),
            ("GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", F::RequestLine),
            ("GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", F::RequestLine),
            ("GET * HTTP/1.1\r\nHost: a\r\n\r\n", F::RequestLine),
            ("GET /é HTTP/1.1\r\nHost: a\r\n\r\n", F::RequestLine),
            ("GET / HTTP/1.0\r\nHost: a\r\n\r\n", F::RequestLine),
            ("GET /\r\nHost: a\r\n\r\n", F::RequestLine),
            ("gEt / HTTP/1.1\r\nHost: a\r\n\r\n", F::RequestLine),
            ("GET / HTTP/1.1\r\n\r\n", F::Host),
            ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", F::Host),
            ("GET / HTTP/1.1\r\nHost:\r\n\r\n", F::Host),
            ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", F::FieldLine),
            ("GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", F::FieldLine),
            ("GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", F::FieldLine),
            ("GET / HTTP/1.1\r\nHost: a\r\nX: a\u{1}b\r\n\r\n", F::FieldLine),
            ("GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n", F::LineEnd),
            ("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n", F::Upgrade),
            ("GET / HTTP/1.1\r\nHost: a\r\nConnection: close, Upgrade\r\n\r\n", F::Upgrade),
            ("GET / HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\n\r\n", F::Expectation),
        ] {
            assert_eq!(fault(head), Some(expected), "{head:?}");
        }
    }

    #[test]
    fn heads_targets_and_fields_hold_their_limit_and_not_one_more() {
        let limits = Limits::default();
        let of_size = |size: usize| {
            let rest = "GET / HTTP/1.1\r\nHost: a\r\nX: \r\n\r\n".len();
            format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(size - rest))
        };
        assert_eq!(check_head(of_size(16_384).as_bytes(), &limits), Ok(Framing::Length));
        assert_eq!(check_head(of_size(16_385).as_bytes(), &limits), Err(HeadFault::TooLong));
        let target = |size: usize| format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(size - 1));
        assert_eq!(check_head(target(2_048).as_bytes(), &limits), Ok(Framing::Length));
        assert_eq!(check_head(target(2_049).as_bytes(), &limits), Err(HeadFault::TargetTooLong));
        let fields = |count: usize| format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(count - 1));
        assert_eq!(check_head(fields(64).as_bytes(), &limits), Ok(Framing::Length));
        assert_eq!(check_head(fields(65).as_bytes(), &limits), Err(HeadFault::TooManyFields));
    }
}

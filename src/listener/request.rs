//! From the framework's request to ours: the head as plain values, its authority found and its framing named.

use crate::limits::Limits;
use crate::listener::head::HeadFault;
use crate::listener::head::exceeds;
use crate::listener::head::is_method;
use crate::listener::head::is_target;
use crate::model::Head;
use crate::pipeline::DoorFault;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::header;
use http::request::Parts;
use http::uri::PathAndQuery;
use http::uri::Scheme;
use pingora::protocols::http::ServerSession;

/// The longest authority that is looked at: a DNS name of 253 characters and a port.
const AUTHORITY_MAX_BYTES: usize = 260;

/// What a field counts beyond its name and value (RFC 9113 §6.5.2).
const FIELD_OVERHEAD_BYTES: usize = 32;

/// The head of an HTTP/1.1 request that [`crate::listener`]'s own check has passed.
///
/// # Errors
/// [`DoorFault::Head`] when the authority is malformed.
pub fn head_of_http1(session: &mut ServerSession) -> Result<Head, DoorFault> {
    let no_body = session.is_body_empty();
    let request = session.req_header();
    let authority = single(&request.headers, &header::HOST).ok_or(DoorFault::Head)?;
    head(request, &authority, no_body)
}

/// The head of an HTTP/2 request. The codec has refused malformed frames and pseudo-fields (RFC 9113 §8.1.1).
///
/// # Errors
/// [`DoorFault::Head`] when fields or target exceed their limits, the method or scheme is none that is served, the
/// authority is missing, malformed or contradicted by `Host`, or a field belongs to another version of HTTP.
pub fn head_of_http2(request: Parts, no_body: bool, limits: &Limits) -> Result<Head, DoorFault> {
    within(&request, limits)?;
    if request.uri.scheme() != Some(&Scheme::HTTPS) || !is_method(request.method.as_str().as_bytes()) {
        return Err(DoorFault::Head);
    }
    let authority = request.uri.authority().map(|authority| authority.as_str().to_ascii_lowercase());
    let authority = authority.ok_or(DoorFault::Head)?;
    if request.headers.contains_key(header::HOST)
        && single(&request.headers, &header::HOST).as_ref() != Some(&authority)
    {
        return Err(DoorFault::Head);
    }
    if request.headers.contains_key(header::EXPECT) {
        return Err(DoorFault::Head);
    }
    let target = target_of(&request).as_bytes();
    if target.first() != Some(&b'/') || !target.iter().all(|byte| is_target(*byte)) {
        return Err(DoorFault::Head);
    }
    head(&request, &authority, no_body)
}

/// What a door may say about a head that it refused.
#[must_use]
pub const fn fault_of(fault: HeadFault) -> DoorFault {
    match fault {
        HeadFault::TooLong
        | HeadFault::TooManyFields
        | HeadFault::TargetTooLong
        | HeadFault::RequestLine
        | HeadFault::LineEnd
        | HeadFault::FieldLine
        | HeadFault::Host
        | HeadFault::Framing
        | HeadFault::Expectation => DoorFault::Head,
        HeadFault::Upgrade => DoorFault::Upgrade,
    }
}

/// The limits that HTTP/1.1 heads are held against as raw bytes. The list of fields is measured as RFC 9113 §6.5.2 does,
/// pseudo-fields apart.
fn within(request: &Parts, limits: &Limits) -> Result<(), DoorFault> {
    let size = |(name, value): (&HeaderName, &HeaderValue)| {
        name.as_str().len().saturating_add(value.len()).saturating_add(FIELD_OVERHEAD_BYTES)
    };
    let list = request.headers.iter().map(size).fold(0, usize::saturating_add);
    let too_many = exceeds(request.headers.len(), limits.head_max_fields);
    if too_many || exceeds(target_of(request).len(), limits.target_max_bytes) || exceeds(list, limits.head_max_bytes) {
        return Err(DoorFault::Head);
    }
    Ok(())
}

/// Path and query as they came; the codec has taken off a fragment, which nothing here can see.
fn target_of(request: &Parts) -> &str {
    request.uri.path_and_query().map_or("", PathAndQuery::as_str)
}

fn head(request: &Parts, authority: &str, no_body: bool) -> Result<Head, DoorFault> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'[' | b']');
    if authority.is_empty() || authority.len() > AUTHORITY_MAX_BYTES || !authority.bytes().all(plain) {
        return Err(DoorFault::Head);
    }
    let length = match single(&request.headers, &header::CONTENT_LENGTH) {
        Some(text) => Some(text.parse().map_err(|_| DoorFault::Head)?),
        None if request.headers.contains_key(header::CONTENT_LENGTH) => return Err(DoorFault::Head),
        None => None,
    };
    Ok(Head {
        method: request.method.clone(),
        path: request.uri.path().into(),
        query: request.uri.query().map(Box::from),
        authority: authority.into(),
        fields: request.headers.clone(),
        content_length: length,
        no_body,
    })
}

/// The one value of a field, lower case; `None` when it is absent, repeated or not text.
fn single(fields: &HeaderMap, name: &header::HeaderName) -> Option<String> {
    let mut values = fields.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    if values.next().is_some() { None } else { Some(value.to_ascii_lowercase()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    const GOOD: &str = "https://a.example/x?y=z";

    fn parts(method: &str, uri: &str, fields: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn an_http2_head_holds_its_limits_and_not_one_more() {
        let limits = Limits { head_max_fields: 8, target_max_bytes: 256, head_max_bytes: 1024, ..Limits::default() };
        let read = |target: usize, fields: &[(&str, &str)]| {
            let uri = format!("https://a.example/{}", "x".repeat(target - 1));
            head_of_http2(parts("GET", &uri, fields), true, &limits).map(|head| head.fields.len())
        };
        assert_eq!(read(256, &[("x", "y"); 8]), Ok(8));
        assert_eq!(read(257, &[]), Err(DoorFault::Head));
        assert_eq!(read(256, &[("x", "y"); 9]), Err(DoorFault::Head));
        assert_eq!(read(1, &[("x", &"y".repeat(1024 - 33))]), Ok(1));
        assert_eq!(read(1, &[("x", &"y".repeat(1024 - 32))]), Err(DoorFault::Head));
    }

    #[test]
    fn an_http2_head_is_as_strict_as_one_of_http_1_1() {
        let read = |method, uri, fields: &[(&str, &str)]| {
            head_of_http2(parts(method, uri, fields), true, &Limits::default()).map(|head| head.authority.into_string())
        };
        assert_eq!(read("GET", GOOD, &[]), Ok("a.example".into()));
        assert_eq!(read("GET", GOOD, &[("host", "A.example")]), Ok("a.example".into()));
        for (method, uri, fields) in [
            ("get", GOOD, &[][..]),
            ("GET", "http://a.example/x", &[]),
            ("GET", "/x", &[]),
            ("GET", "/x", &[("host", "a.example")]),
            ("GET", GOOD, &[("host", "b.example")]),
            ("GET", GOOD, &[("host", "a.example"), ("host", "a.example")]),
            ("GET", "https://user@a.example/x", &[]),
            ("GET", GOOD, &[("expect", "100-continue")]),
            ("GET", GOOD, &[("content-length", "1"), ("content-length", "1")]),
            ("GET", GOOD, &[("content-length", "one")]),
            ("CONNECT", "a.example:443", &[]),
        ] {
            assert_eq!(read(method, uri, fields), Err(DoorFault::Head), "{method} {uri} {fields:?}");
        }
    }
}

//! From the framework's request to ours: the head as plain values, its authority found and its framing named.

use crate::limits::Limits;
use crate::listener::head::HeadFault;
use crate::listener::head::exceeds;
use crate::listener::head::is_target;
use crate::model::Head;
use crate::pipeline::DoorFault;
use http::HeaderMap;
use http::header;
use pingora::http::RequestHeader;
use pingora::protocols::http::ServerSession;

/// The longest authority that is looked at: a DNS name of 253 characters and a port.
const AUTHORITY_MAX_BYTES: usize = 260;

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

/// The head of an HTTP/2 request. The framework has refused malformed frames and pseudo-fields (RFC 9113 §8.1.1).
///
/// # Errors
/// [`DoorFault::Head`] when fields or target exceed their limits, the authority is missing, malformed or contradicted by
/// `Host`, or a field belongs to another version of HTTP.
pub fn head_of_http2(session: &mut ServerSession, limits: &Limits) -> Result<Head, DoorFault> {
    let no_body = session.is_body_empty();
    let request = session.req_header();
    within(request, limits)?;
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
    let target_is_strict =
        request.raw_path().first() == Some(&b'/') && request.raw_path().iter().all(|b| is_target(*b));
    if !target_is_strict {
        return Err(DoorFault::Head);
    }
    head(request, &authority, no_body)
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

/// The limits that HTTP/1.1 heads are held against as raw bytes. The framework bounds the list of fields as a whole.
fn within(request: &RequestHeader, limits: &Limits) -> Result<(), DoorFault> {
    let too_many = exceeds(request.headers.len(), limits.head_max_fields);
    if too_many || exceeds(request.raw_path().len(), limits.target_max_bytes) {
        return Err(DoorFault::Head);
    }
    Ok(())
}

fn head(request: &RequestHeader, authority: &str, no_body: bool) -> Result<Head, DoorFault> {
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

    #[test]
    fn an_http2_head_holds_its_limits_and_not_one_more() {
        let limits = Limits { head_max_fields: 8, target_max_bytes: 256, ..Limits::default() };
        let head = |target: usize, fields: usize| {
            let target = format!("/{}", "x".repeat(target - 1));
            let mut request = RequestHeader::build("GET", target.as_bytes(), None).unwrap();
            for _ in 0..fields {
                let _appended = request.append_header("x", "y").unwrap();
            }
            within(&request, &limits)
        };
        assert_eq!(head(256, 8), Ok(()));
        assert_eq!(head(257, 8), Err(DoorFault::Head));
        assert_eq!(head(256, 9), Err(DoorFault::Head));
    }
}

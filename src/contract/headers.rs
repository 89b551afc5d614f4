//! Header fields of a request: declared, the gateway's own, dropped, or refused.
//!
//! Undeclared fields do not cross; most are dropped. Refused is a request with a field that would mean another request to
//! whoever honours it: another method, target, origin, part or coding, or state that the contract does not speak of.

use crate::contract::expected;
use crate::contract::schema::Parameter;
use crate::form;
use crate::json::Value;
use crate::model::Stranger;
use crate::problem::WrongPlace;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::header;

/// Fields that are refused wherever they stand.
const REFUSED: &[&str] = &[
    "content-range",
    "cookie",
    "forwarded",
    "http2-settings",
    "if-range",
    "range",
    "trailer",
    "upgrade",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-host",
    "x-original-method",
    "x-original-uri",
    "x-original-url",
    "x-rewrite-url",
];

/// What the names of other refused fields begin with.
const REFUSED_PREFIX: &str = "x-forwarded-";

/// Fields that a contract cannot declare, because the gateway, or the framing, gives them their meaning; and `set-cookie` and
/// `location`, which never cross.
const RESERVED: &[&str] = &[
    "accept",
    "accept-encoding",
    "authorization",
    "baggage",
    "cache-control",
    "command-time",
    "connection",
    "content-digest",
    "content-encoding",
    "content-length",
    "content-location",
    "content-type",
    "date",
    "dpop",
    "expect",
    "host",
    "idempotency-key",
    "keep-alive",
    "location",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "receipt-id",
    "refresh",
    "server",
    "set-cookie",
    "signature",
    "signature-input",
    "te",
    "traceparent",
    "tracestate",
    "transfer-encoding",
    "user-agent",
    "via",
    "www-authenticate",
];

/// The longest idempotency key, in characters.
const MAX_KEY_LENGTH: usize = 128;

/// Whether a contract may declare this field.
pub(super) fn declarable(name: &str) -> bool {
    !RESERVED.contains(&name) && !is_refused(name) && !name.starts_with(':')
}

/// Whether a request holds a field that is refused wherever it stands, on the gateway's own paths too.
#[must_use]
pub fn holds_refused_field(fields: &HeaderMap) -> bool {
    let trailers_only = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"trailers");
    fields.keys().any(|name| is_refused(name.as_str())) || !fields.get_all(header::TE).iter().all(trailers_only)
}

/// Takes and checks the declared fields; the values are in the order of `parameters`.
pub(super) fn values<'p>(
    parameters: impl Iterator<Item = (&'p HeaderName, &'p Parameter)>,
    fields: &HeaderMap,
) -> Result<Vec<Option<Value>>, WrongPlace> {
    let mut values = Vec::new();
    for (name, parameter) in parameters {
        let wrong = |expected| WrongPlace { part: "header", pointer: parameter.name.as_ref().to_owned(), expected };
        let mut found = fields.get_all(name).iter();
        let value = match (found.next(), found.next()) {
            (None, _) if parameter.required => return Err(wrong(expected::PRESENT)),
            (None, _) => None,
            (Some(_), Some(_)) => return Err(wrong(expected::ONCE)),
            (Some(value), None) => {
                let text = visible(value).ok_or_else(|| wrong(expected::WELL_FORMED))?;
                Some(parameter.leaf.decode(text).map_err(wrong)?)
            }
        };
        values.push(value);
    }
    Ok(values)
}

/// The key of `Idempotency-Key`, a string (RFC 8941 §3.3.3) or bare; `Err` if it is missing, stands twice or is no such key.
///
/// A key is 1 to 128 characters out of `A-Z a-z 0-9 - . _ ~ : + / =`, so that both spellings of one key are one key.
///
/// # Errors
/// Nothing more is known of what is wrong.
#[expect(clippy::result_unit_err, reason = "there is one thing to say: it is no key")]
pub fn idempotency_key(fields: &HeaderMap) -> Result<Stranger, ()> {
    let mut found = fields.get_all("idempotency-key").iter();
    let (Some(value), None) = (found.next(), found.next()) else { return Err(()) };
    let text = visible(value).ok_or(())?;
    let key = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:+/=".contains(&byte);
    if key.is_empty() || key.len() > MAX_KEY_LENGTH || !key.bytes().all(plain) {
        return Err(());
    }
    Ok(Stranger::new(key))
}

/// Whether `Content-Type` stands there once and says `application/json`.
#[must_use]
pub fn says_json(fields: &HeaderMap) -> bool {
    media_type(fields).is_some_and(|essence| essence.eq_ignore_ascii_case("application/json"))
}

/// Whether `Content-Type` stands there once and says that the body is a form.
#[must_use]
pub fn says_form(fields: &HeaderMap) -> bool {
    media_type(fields).is_some_and(|essence| essence.eq_ignore_ascii_case(form::MEDIA_TYPE))
}

/// The media type of `Content-Type`, if it stands there once, alone or with `charset=utf-8`, which changes nothing.
pub(super) fn media_type(fields: &HeaderMap) -> Option<&str> {
    let mut found = fields.get_all(header::CONTENT_TYPE).iter();
    let (Some(value), None) = (found.next(), found.next()) else { return None };
    let text = visible(value)?;
    let (essence, parameter) = match text.split_once(';') {
        None => (text, None),
        Some((essence, parameter)) => (essence.trim_end_matches(' '), Some(parameter.trim_matches(' '))),
    };
    let utf8 = |parameter: &str| {
        parameter.eq_ignore_ascii_case("charset=utf-8") || parameter.eq_ignore_ascii_case("charset=\"utf-8\"")
    };
    parameter.is_none_or(utf8).then_some(essence)
}

/// Whether a contract may declare this media type: `application/json`, or `application/…+json` (RFC 6839 §3.1) in the one
/// spelling of small letters.
pub(super) fn is_json_type(media_type: &str) -> bool {
    let plain =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.' | b'+' | b'_');
    media_type == "application/json"
        || media_type.len() <= 127
            && media_type.strip_prefix("application/").and_then(|name| name.strip_suffix("+json")).is_some_and(|name| {
                name.starts_with(|first: char| first.is_ascii_alphanumeric()) && name.bytes().all(plain)
            })
}

/// Whether a body is said to be coded: by anything but `identity`, which says that it is not (RFC 9110 §8.4.1).
#[must_use]
pub fn says_coded(fields: &HeaderMap) -> bool {
    fields.get_all(header::CONTENT_ENCODING).iter().any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"))
}

fn is_refused(name: &str) -> bool {
    REFUSED.contains(&name) || name.starts_with(REFUSED_PREFIX)
}

/// A field's value, if it is printable ASCII and spaces only.
fn visible(value: &HeaderValue) -> Option<&str> {
    value.to_str().ok().filter(|text| !text.contains('\t'))
}

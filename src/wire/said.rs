//! What our requests say of us, and what answers say of themselves: the fields that every exchange of ours has.

use http::HeaderMap;
use http::HeaderValue;
use http::header;

/// Who we say that we are (RFC 9110 §10.1.5).
#[must_use]
pub fn user_agent() -> HeaderValue {
    HeaderValue::from_static(concat!("portcullis/", env!("CARGO_PKG_VERSION")))
}

/// Whether an answer says by one `Content-Type` that it is of one of these types, whatever its parameters, and is not coded.
#[must_use]
pub fn is_of_type(fields: &HeaderMap, types: &[&str]) -> bool {
    let mut given = fields.get_all(header::CONTENT_TYPE).iter();
    let (Some(given), None, None) = (given.next(), given.next(), fields.get(header::CONTENT_ENCODING)) else {
        return false;
    };
    let said = given.to_str().unwrap_or_default();
    let essence = said.split(';').next().unwrap_or_default().trim();
    types.iter().any(|known| known.eq_ignore_ascii_case(essence))
}

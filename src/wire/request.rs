//! A request as it leaves: one buffer, written whole.

use crate::wire::fault::ExchangeFaultKind;
use bytes::Bytes;
use http::HeaderName;
use http::HeaderValue;
use http::Method;

/// A request. `Host`, `Content-Length` and `Accept-Encoding: identity` are added when it is written.
pub struct Request {
    /// The method.
    pub method: Method,
    /// The target in origin form, already encoded.
    pub target: Box<str>,
    /// The fields, without framing.
    pub fields: Vec<(HeaderName, HeaderValue)>,
    /// The body; empty for none.
    pub body: Bytes,
    /// What is dropped as soon as the first bytes have left, or none will.
    pub leaving: Option<Box<dyn Send + Sync>>,
}

impl Request {
    /// The bytes to send to `host`.
    ///
    /// # Errors
    /// [`ExchangeFaultKind::Unwritable`] if the target is none, or a field is framing: then nothing leaves.
    pub(super) fn encode(&self, host: &str) -> Result<Vec<u8>, ExchangeFaultKind> {
        let target = self.target.as_bytes();
        if target.first() != Some(&b'/') || !target.iter().all(u8::is_ascii_graphic) {
            return Err(ExchangeFaultKind::Unwritable);
        }
        let mut bytes = Vec::with_capacity(self.body.len().saturating_add(2048));
        let mut line = |parts: &[&[u8]]| {
            parts.iter().for_each(|part| bytes.extend_from_slice(part));
            bytes.extend_from_slice(b"\r\n");
        };
        line(&[self.method.as_str().as_bytes(), b" ", target, b" HTTP/1.1"]);
        line(&[b"host: ", host.as_bytes()]);
        line(&[b"accept-encoding: identity"]);
        for (name, value) in &self.fields {
            if is_framing(name) {
                return Err(ExchangeFaultKind::Unwritable);
            }
            line(&[name.as_str().as_bytes(), b": ", value.as_bytes()]);
        }
        if !self.body.is_empty() || self.method == Method::POST || self.method == Method::PUT {
            line(&[b"content-length: ", self.body.len().to_string().as_bytes()]);
        }
        line(&[]);
        bytes.extend_from_slice(&self.body);
        Ok(bytes)
    }
}

/// Whether a field decides where the message ends or who it is for.
fn is_framing(name: &HeaderName) -> bool {
    use http::header as h;
    [
        h::HOST,
        h::CONTENT_LENGTH,
        h::TRANSFER_ENCODING,
        h::CONNECTION,
        h::UPGRADE,
        h::TRAILER,
        h::TE,
        h::EXPECT,
        h::ACCEPT_ENCODING,
    ]
    .contains(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::header;

    fn request(target: &str, fields: Vec<(HeaderName, HeaderValue)>, body: &'static str) -> Request {
        Request {
            method: Method::POST,
            target: target.into(),
            fields,
            body: Bytes::from_static(body.as_bytes()),
            leaving: None,
        }
    }

    #[test]
    fn a_request_is_written_whole_with_its_length() {
        let fields = vec![(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
        let bytes = request("/a?b=c", fields, "{}").encode("partner.test").unwrap();
        let expected = "POST /a?b=c HTTP/1.1\r\nhost: partner.test\r\naccept-encoding: identity\r\n\
                        content-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
        assert_eq!(String::from_utf8(bytes).unwrap(), expected);
    }

    #[test]
    fn neither_a_split_target_nor_a_framing_field_is_written() {
        for target in ["/a b", "/a\r\nx: y", "a", "", "/é"] {
            assert_eq!(
                request(target, Vec::new(), "").encode("h").err(),
                Some(ExchangeFaultKind::Unwritable),
                "{target}"
            );
        }
        let chunked = vec![(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"))];
        assert_eq!(request("/", chunked, "").encode("h").err(), Some(ExchangeFaultKind::Unwritable));
    }
}

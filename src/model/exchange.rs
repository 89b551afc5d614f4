//! What goes in at a door and what comes out of it: a request's head and a reply. Plain values; the listener makes the
//! one and writes the other.

use bytes::Bytes;
use std::fmt;

/// The head of a request, as the listener read it, strictly, from the connection.
#[derive(Clone)]
pub struct Head {
    /// The method.
    pub method: http::Method,
    /// The path, raw: still percent-encoded, beginning with `/`.
    pub path: Box<str>,
    /// The query, raw, without `?`; `None` where there was no `?`.
    pub query: Option<Box<str>>,
    /// `Host` or `:authority`, lower case, as sent.
    pub authority: Box<str>,
    /// All other fields.
    pub fields: http::HeaderMap,
    /// The declared length of the body; `None` where it is chunked or, in HTTP/2, not declared.
    pub content_length: Option<u64>,
    /// Whether there is no body at all (HTTP/2 END_STREAM, HTTP/1 neither length nor chunks).
    pub no_body: bool,
}

impl fmt::Debug for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Head {{ {}, path of {} bytes, {} fields }}", self.method, self.path.len(), self.fields.len())
    }
}

/// A whole answer: what a door writes, byte for byte, after its fixed fields.
#[derive(Clone)]
pub struct Reply {
    /// The status, 200 to 599.
    pub status: http::StatusCode,
    /// Declared fields, rebuilt; without framing, which the door adds.
    pub fields: Vec<(http::HeaderName, http::HeaderValue)>,
    /// The body, whole.
    pub body: Bytes,
}

impl Reply {
    /// A JSON document.
    #[must_use]
    pub fn json(status: http::StatusCode, body: impl Into<Bytes>) -> Self {
        let fields = vec![(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"))];
        Self { status, fields, body: body.into() }
    }

    /// A text that is no document, with 200.
    #[must_use]
    pub fn text(body: impl Into<Bytes>) -> Self {
        let plain = http::HeaderValue::from_static("text/plain; charset=utf-8");
        Self { status: http::StatusCode::OK, fields: vec![(http::header::CONTENT_TYPE, plain)], body: body.into() }
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reply {{ {}, {} fields, {} bytes }}", self.status, self.fields.len(), self.body.len())
    }
}

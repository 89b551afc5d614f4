//! What the partner answers: status, fields and body, as the bytes of one message.

use crate::json::Object;
use crate::json::Value;
use crate::json::write;

/// An answer of known length.
pub(super) struct Answer {
    status: u16,
    fields: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

/// What was asked for is done: from this the right answer is made, and every wrong one.
pub(super) struct Done {
    status: u16,
    body: Option<Value>,
}

impl Answer {
    pub(super) const fn empty(status: u16) -> Self {
        Self { status, fields: Vec::new(), body: Vec::new() }
    }

    pub(super) fn json(status: u16, body: &Value) -> Self {
        let mut text = Vec::new();
        write(body, &mut text);
        Self { body: text, ..Self::empty(status) }.with("Content-Type", "application/json")
    }

    /// One member that names what was wrong; never a value of the command's.
    pub(super) fn refusal(status: u16, member: &str, word: &str) -> Self {
        Self::json(status, &Object::from_iter([(member, word)]).into())
    }

    pub(super) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.fields.push((name, value.to_owned()));
        self
    }

    pub(super) fn said_to_be(mut self, media_type: &str) -> Self {
        self.fields.retain(|(name, _)| *name != "Content-Type");
        self.with("Content-Type", media_type)
    }

    pub(super) fn followed_by(mut self, more: &[u8]) -> Self {
        self.body.extend_from_slice(more);
        self
    }

    pub(super) fn body(&self) -> &[u8] {
        &self.body
    }

    /// The message.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, phrase(self.status));
        for (name, value) in &self.fields {
            head.push_str(name);
            head.push_str(": ");
            head.push_str(value);
            head.push_str("\r\n");
        }
        // An answer of 204 says by its status that it has no content (RFC 9110 §8.6).
        if self.status != 204 {
            head.push_str("Content-Length: ");
            head.push_str(&self.body.len().to_string());
            head.push_str("\r\n");
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

impl Done {
    /// With these members.
    pub(super) fn saying(members: impl IntoIterator<Item = (&'static str, Value)>) -> Self {
        Self::telling(Value::Object(members.into_iter().collect()))
    }

    /// With this body.
    pub(super) const fn telling(body: Value) -> Self {
        Self { status: 200, body: Some(body) }
    }

    /// Without a body.
    pub(super) const fn silently() -> Self {
        Self { status: 204, body: None }
    }

    /// The body, if the answer has one, and an empty object where it has none.
    pub(super) fn body(&self) -> Value {
        self.body.clone().unwrap_or_else(|| Object::new().into())
    }

    /// The body with more members: in itself, or in the first of its records.
    pub(super) fn body_with(&self, more: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
        let mut body = self.body();
        let object = match &mut body {
            Value::Array(records) => records.first_mut(),
            other => Some(other),
        };
        if let Some(Value::Object(members)) = object {
            for (name, value) in more {
                members.insert(name, value);
            }
        }
        body
    }

    /// The answer that the contract declares.
    pub(super) fn answer(&self) -> Answer {
        match &self.body {
            Some(body) => Answer::json(self.status, body),
            None => Answer::empty(self.status),
        }
    }
}

const fn phrase(status: u16) -> &'static str {
    match status {
        200 => "OK",
        202 => "Accepted",
        204 => "No Content",
        307 => "Temporary Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        _ => "Unknown",
    }
}

//! What the partner answers: status, fields and body, as the bytes of one message.

use crate::clock::UnixMillis;
use crate::json::Object;
use crate::json::Value;
use crate::json::write;

/// An answer of known length.
pub(super) struct Answer {
    status: u16,
    fields: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

/// A door that has just opened: from this the right answer is made, and every wrong one.
pub(super) struct Opened {
    pub(super) user: String,
    pub(super) at: UnixMillis,
}

impl Answer {
    pub(super) const fn empty(status: u16) -> Self {
        Self { status, fields: Vec::new(), body: Vec::new() }
    }

    pub(super) fn json(status: u16, body: &Object) -> Self {
        let mut text = Vec::new();
        write(&Value::Object(body.clone()), &mut text);
        Self { body: text, ..Self::empty(status) }.with("Content-Type", "application/json")
    }

    /// One member that names what was wrong; never a value of the command's.
    pub(super) fn refusal(status: u16, member: &str, word: &str) -> Self {
        Self::json(status, &Object::from_iter([(member, word)]))
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
        head.push_str("Content-Length: ");
        head.push_str(&self.body.len().to_string());
        head.push_str("\r\n\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

impl Opened {
    /// The members that the contract declares under 200.
    pub(super) fn body(&self) -> Object {
        Object::from_iter([
            ("status", "opened".to_owned()),
            ("openedAt", self.at.to_string()),
            ("userId", self.user.clone()),
        ])
    }

    /// The answer that the contract declares.
    pub(super) fn answer(&self) -> Answer {
        Answer::json(200, &self.body())
    }
}

const fn phrase(status: u16) -> &'static str {
    match status {
        200 => "OK",
        202 => "Accepted",
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

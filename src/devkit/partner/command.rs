//! A request read as the one command of the sample contract (`policies/contracts/smarthome.openapi.yaml`): one method,
//! one path, one query parameter, one body, and nothing else.

use crate::devkit::http1::Head;
use crate::devkit::partner::refusal::Refusal;
use crate::json;
use crate::json::Limits;

/// The longest id of a house or a door, in bytes.
const MAX_ID_BYTES: usize = 40;

/// The longest pseudonym, in bytes: far more than the gateway's, since what it makes of an id is its own affair.
const MAX_PSEUDONYM_BYTES: usize = 1024;

/// A request, read whole.
pub(super) struct Request {
    pub(super) head: Head,
    pub(super) body: Vec<u8>,
}

/// The door that a path names.
#[derive(Clone, Eq, Hash, PartialEq)]
pub(super) struct Target {
    pub(super) house: String,
    pub(super) door: String,
}

impl Request {
    /// The door to be opened.
    pub(super) fn target(&self) -> Result<Target, Refusal> {
        let mut words = self.head.start.split(' ');
        let (Some(method), Some(target), Some("HTTP/1.1"), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(Refusal::Malformed);
        };
        if self.head.only("host").is_none() {
            return Err(Refusal::Malformed);
        }
        let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
        let segments: Vec<&str> = path.split('/').collect();
        let ["", "v1", "houses", house, "doors", door, "open"] = segments.as_slice() else {
            return Err(Refusal::NoSuchPath);
        };
        if !is_id(house) || !is_id(door) {
            return Err(Refusal::NoSuchPath);
        }
        if method != "POST" {
            return Err(Refusal::Method);
        }
        if !matches!(query, None | Some("reason=access" | "reason=guest")) {
            return Err(Refusal::Query);
        }
        Ok(Target { house: (*house).to_owned(), door: (*door).to_owned() })
    }

    /// The bearer token.
    pub(super) fn token(&self) -> Result<&str, Refusal> {
        self.head.only("authorization").and_then(|value| value.strip_prefix("Bearer ")).ok_or(Refusal::NoToken)
    }

    /// For whom the door is to be opened, by pseudonym.
    pub(super) fn user(&self) -> Result<String, Refusal> {
        if self.head.only("content-type") != Some("application/json") {
            return Err(Refusal::MediaType);
        }
        let body = json::parse(&self.body, Limits::default()).map_err(|_| Refusal::Body)?;
        let members = body.as_object().ok_or(Refusal::Body)?;
        let is_pseudonym = |text: &&str| (1..=MAX_PSEUDONYM_BYTES).contains(&text.len());
        let mut user = None;
        for (name, value) in members.iter() {
            let text = value.as_str().filter(is_pseudonym).ok_or(Refusal::Body)?;
            match name {
                "userId" => user = Some(text.to_owned()),
                "deviceId" => {}
                _ => return Err(Refusal::Body),
            }
        }
        user.ok_or(Refusal::Body)
    }
}

/// The contract's pattern: `^[a-z0-9][a-z0-9-]{0,39}$`.
fn is_id(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=MAX_ID_BYTES).contains(&text.len()) && !text.starts_with('-') && text.bytes().all(allowed)
}

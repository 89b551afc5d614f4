//! A request read as one operation of the platform's (`platform.rs`): its method, its path, its query, its body, and
//! nothing else.

use crate::devkit::http1::Head;
use crate::devkit::partner::platform::Kind;
use crate::devkit::partner::platform::Operation;
use crate::devkit::partner::platform::Platform;
use crate::devkit::partner::refusal::Refusal;
use crate::json;
use crate::json::Limits;
use crate::json::Object;
use crate::json::Value;

/// The longest id of a house or a door, in bytes.
const MAX_ID_BYTES: usize = 40;

/// The longest word, in bytes.
const MAX_WORD_BYTES: usize = 64;

/// The longest pseudonym, in bytes: far more than the gateway's, since what it makes of an id is its own affair.
const MAX_PSEUDONYM_BYTES: usize = 1024;

/// Templates are long.
const BODY: Limits = Limits { max_depth: 4, max_members: 16, max_elements: 16, max_string_bytes: 16 * 1024 * 1024 };

/// A request, read whole.
pub(super) struct Request {
    pub(super) head: Head,
    pub(super) body: Vec<u8>,
}

/// What is asked for, and of what.
pub(super) struct Asked {
    pub(super) operation: &'static Operation,
    pub(super) house: String,
    /// The door or barrier that the path names.
    pub(super) thing: Option<String>,
    /// The word that it names, a grant's id.
    pub(super) word: Option<String>,
}

/// A door or barrier of a house.
#[derive(Clone, Eq, Hash, PartialEq)]
pub(super) struct Target {
    pub(super) house: String,
    pub(super) thing: String,
}

impl Request {
    /// What is asked for.
    pub(super) fn asked(&self, platform: Platform) -> Result<Asked, Refusal> {
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
        let fitting = platform.operations().iter().filter_map(|operation| Asked::at(operation, path));
        let fitting: Vec<Asked> = fitting.collect();
        if fitting.is_empty() {
            return Err(Refusal::NoSuchPath);
        }
        let asked = fitting.into_iter().find(|asked| asked.operation.method == method).ok_or(Refusal::Method)?;
        if query.is_some_and(|query| !asked.operation.queries.iter().any(|known| takes(known, query))) {
            return Err(Refusal::Query);
        }
        Ok(asked)
    }

    /// The bearer token.
    pub(super) fn token(&self) -> Result<&str, Refusal> {
        self.head.only("authorization").and_then(|value| value.strip_prefix("Bearer ")).ok_or(Refusal::NoToken)
    }

    /// The members of the body, each of which is as the operation says.
    pub(super) fn members(&self, operation: &Operation) -> Result<Object, Refusal> {
        if operation.members.is_empty() {
            return if self.body.is_empty() { Ok(Object::new()) } else { Err(Refusal::Body) };
        }
        if self.head.only("content-type") != Some("application/json") {
            return Err(Refusal::MediaType);
        }
        let Ok(Value::Object(members)) = json::parse(&self.body, BODY) else { return Err(Refusal::Body) };
        for (name, value) in members.iter() {
            let known = operation.members.iter().find(|(known, _, _)| *known == name);
            let fits = known.zip(value.as_str()).is_some_and(|((_, _, kind), text)| kind.fits(text));
            if !fits {
                return Err(Refusal::Body);
            }
        }
        let missing = operation.members.iter().any(|(name, required, _)| *required && members.get(name).is_none());
        if missing { Err(Refusal::Body) } else { Ok(members) }
    }
}

impl Asked {
    /// What is asked for at `path`, if the operation is found there.
    fn at(operation: &'static Operation, path: &str) -> Option<Self> {
        let mut asked = Self { operation, house: String::new(), thing: None, word: None };
        let given: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
        let wanted: Vec<&str> = operation.path.split('/').collect();
        if given.len() != wanted.len() {
            return None;
        }
        for (wanted, given) in wanted.into_iter().zip(given) {
            let fits = match wanted {
                "{house}" | "{thing}" => is_id(given),
                "{person}" => Kind::Pseudonym.fits(given),
                "{word}" => Kind::Word.fits(given),
                literal => literal == given,
            };
            if !fits {
                return None;
            }
            match wanted {
                "{house}" => given.clone_into(&mut asked.house),
                "{thing}" => asked.thing = Some(given.to_owned()),
                "{word}" => asked.word = Some(given.to_owned()),
                _ => {}
            }
        }
        Some(asked)
    }

    /// The door or barrier.
    pub(super) fn target(&self) -> Result<Target, Refusal> {
        let thing = self.thing.clone().ok_or(Refusal::NoSuchDoor)?;
        Ok(Target { house: self.house.clone(), thing })
    }
}

impl Kind {
    fn fits(self, text: &str) -> bool {
        let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        match self {
            Self::Pseudonym => (1..=MAX_PSEUDONYM_BYTES).contains(&text.len()) && text.bytes().all(unreserved),
            Self::Word => (1..=MAX_WORD_BYTES).contains(&text.len()) && text.bytes().all(unreserved),
            Self::Sealed => {
                let parts: Vec<&str> = text.split('.').collect();
                parts.len() == 5 && parts.iter().all(|part| !part.is_empty()) && text.bytes().all(unreserved)
            }
        }
    }
}

/// Whether an operation takes a query.
fn takes(known: &str, query: &str) -> bool {
    match known.strip_suffix('=') {
        Some(_) => query.strip_prefix(known).is_some_and(|number| number.parse::<u16>().is_ok()),
        None => query == known,
    }
}

/// The contracts' pattern: `^[a-z0-9][a-z0-9-]{0,39}$`.
fn is_id(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=MAX_ID_BYTES).contains(&text.len()) && !text.starts_with('-') && text.bytes().all(allowed)
}

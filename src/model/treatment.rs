//! What is done with one leaf of a rebuilt message, and what comes of it. Contract shows each leaf to protect while it
//! renders; these are the words in which they speak.

use crate::model::DataClass;
use crate::model::IdentifierKind;
use crate::model::Protection;
use bytes::Bytes;
use std::fmt;

/// What a pseudonym begins with. The character after the version is in no base64url digit, so nothing else reads so.
const PSEUDONYM_PREFIX: &str = "p1.";
/// The longest pseudonym in bytes: base64url of 4 KiB and the tag.
const PSEUDONYM_MAX_BYTES: usize = 5_504;

/// Where in a message a leaf stands.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Part {
    /// A value of the path.
    Path,
    /// A value of the query.
    Query,
    /// A declared header.
    Header,
    /// In the body.
    Body,
}

/// One validated leaf, as its contract declares it.
#[derive(Clone, Copy)]
pub struct Leaf<'a> {
    /// Where it stands.
    pub part: Part,
    /// Its data class.
    pub class: DataClass,
    /// What it names, if it is an identifier.
    pub kind: Option<IdentifierKind>,
    /// What its contract says shall happen to it.
    pub protection: Protection,
    /// The value, if it is text; numbers, booleans and null have none.
    pub text: Option<&'a str>,
}

/// What is done with a leaf.
#[derive(Clone, Eq, PartialEq)]
pub enum Treated {
    /// It crosses as it is.
    Keep,
    /// It does not cross.
    Drop,
    /// This text crosses in its place.
    Text(String),
}

/// A request ready to leave: rebuilt, and each leaf treated.
#[derive(Clone)]
pub struct Outgoing {
    /// The method.
    pub method: http::Method,
    /// Path and query; everything but the unreserved characters of RFC 3986 §2.3 is percent-encoded.
    pub target: Box<str>,
    /// The media type of the body, where there is one.
    pub content_type: Option<http::HeaderValue>,
    /// The media types of the declared answers.
    pub accept: http::HeaderValue,
    /// Declared headers, rebuilt; without framing, credentials and the media type.
    pub fields: Vec<(http::HeaderName, http::HeaderValue)>,
    /// The body, whole.
    pub body: Bytes,
}

/// Splits the digits of a pseudonym off its prefix; `None` if the text does not have a pseudonym's shape.
///
/// Shape alone: whether a pseudonym is ours, only its key can tell.
#[must_use]
pub fn pseudonym_digits(text: &str) -> Option<&str> {
    let digits = text.strip_prefix(PSEUDONYM_PREFIX)?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let fits = !digits.is_empty() && text.len() <= PSEUDONYM_MAX_BYTES && digits.bytes().all(plain);
    fits.then_some(digits)
}

/// Writes a pseudonym of base64url digits; the counterpart of [`pseudonym_digits`].
#[must_use]
pub fn pseudonym_of_digits(digits: &str) -> String {
    format!("{PSEUDONYM_PREFIX}{digits}")
}

impl fmt::Debug for Leaf<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = self.text.map_or(0, str::len);
        write!(f, "Leaf {{ {:?}, {:?}, {:?}, {length} bytes }}", self.part, self.class, self.protection)
    }
}

impl fmt::Debug for Treated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keep => f.write_str("Keep"),
            Self::Drop => f.write_str("Drop"),
            Self::Text(text) => write!(f, "Text of {} bytes", text.len()),
        }
    }
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (target, body) = (self.target.len(), self.body.len());
        write!(f, "Outgoing {{ {}, target of {target} bytes, body of {body} }}", self.method)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pseudonym_has_one_prefix_and_url_safe_digits_up_to_a_length() {
        assert_eq!(pseudonym_digits(&pseudonym_of_digits("aZ0-_")), Some("aZ0-_"));
        for text in ["", "p1.", "p2.abc", "abc", "p1.a b", "p1.a.b", "p1.a=", "p1.д"] {
            assert_eq!(pseudonym_digits(text), None, "{text:?}");
        }
        let longest = "a".repeat(PSEUDONYM_MAX_BYTES - PSEUDONYM_PREFIX.len());
        assert!(pseudonym_digits(&pseudonym_of_digits(&longest)).is_some());
        assert!(pseudonym_digits(&pseudonym_of_digits(&format!("{longest}a"))).is_none());
    }
}

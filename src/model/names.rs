//! Names that operators give: of partners, tenants, operations and actions. Short, plain, safe in logs and metrics.

use std::fmt;
use std::sync::Arc;

/// A name of 1 to 64 characters out of `A-Z a-z 0-9 . _ -`, beginning with a letter or digit.
///
/// Names come from files that operators write, never from a request, so they may be printed.
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Name(Arc<str>);

/// Why a text is not a [`Name`].
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NameError {
    /// Nothing, or more than 64 characters.
    #[error("a name has 1 to 64 characters")]
    Length,
    /// A character outside the alphabet, or a first one that is neither letter nor digit.
    #[error("a name consists of letters, digits, `.`, `_` and `-`, and begins with a letter or digit")]
    Character,
}

impl Name {
    /// Checks and takes a name.
    ///
    /// # Errors
    /// [`NameError`] when the length or a character is out of bounds.
    pub fn new(text: &str) -> Result<Self, NameError> {
        if text.is_empty() || text.len() > 64 {
            return Err(NameError::Length);
        }
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        let begins_well = text.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric);
        if !begins_well || !text.bytes().all(plain) {
            return Err(NameError::Character);
        }
        Ok(Self(text.into()))
    }

    /// A name of ours, which is one.
    pub(super) fn ours(text: &'static str) -> Self {
        Self(text.into())
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::new(text)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// The partner that a contract is made with, for instance `smarthome`.
pub type PartnerName = Name;
/// A management company, for instance `north`.
pub type TenantId = Name;
/// One operation of a contract: its OpenAPI `operationId`.
pub type OperationId = Name;
/// One event of a contract: the name of its webhook, for instance `grant.revoked`.
pub type EventName = Name;
/// Somebody who runs the gateway, as the configuration names them, for instance `ivanov`.
pub type PersonName = Name;
/// A Cedar action without type, for instance `openDoor`.
pub type ActionName = Name;

/// The environment in which what is for trying things may be used.
pub const DEVELOPMENT: &str = "development";
/// The environment of people's doors.
pub const PRODUCTION: &str = "production";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_holds_64_characters_and_not_one_more() {
        assert!(Name::new(&"a".repeat(64)).is_ok());
        assert_eq!(Name::new(&"a".repeat(65)), Err(NameError::Length));
        assert_eq!(Name::new(""), Err(NameError::Length));
    }

    #[test]
    fn a_name_has_no_character_that_means_something_elsewhere() {
        for text in ["-a", ".a", "a b", "a/b", "a\"", "дом", "a\n", "a|b"] {
            assert_eq!(Name::new(text), Err(NameError::Character), "{text:?}");
        }
    }
}

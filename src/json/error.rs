//! What can be wrong with a text, and where.
//!
//! A fault holds nothing of the text: it may reach a log or an answer. The offset counts bytes from the start of the
//! text; it is for operators and for tests.

use std::fmt;

/// What a value is, as its first byte tells.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Kind {
    /// `null`
    Null,
    /// `true` or `false`
    Boolean,
    /// A number, whole or not.
    Number,
    /// A string.
    String,
    /// Elements between brackets.
    Array,
    /// Members between braces.
    Object,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Null => "null",
            Kind::Boolean => "boolean",
            Kind::Number => "number",
            Kind::String => "string",
            Kind::Array => "array",
            Kind::Object => "object",
        })
    }
}

/// A fault and the byte at which it was noticed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{fault} at byte {offset}")]
pub struct JsonError {
    fault: Fault,
    offset: usize,
}

impl JsonError {
    pub(super) const fn new(fault: Fault, offset: usize) -> Self {
        Self { fault, offset }
    }

    /// What is wrong.
    #[must_use]
    pub const fn fault(self) -> Fault {
        self.fault
    }

    /// Where, in bytes from the start of the text.
    #[must_use]
    pub const fn offset(self) -> usize {
        self.offset
    }
}

/// Why a text is refused.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
pub enum Fault {
    /// The text is not UTF-8 (RFC 8259 §8.1).
    #[error("text is not UTF-8")]
    NotUtf8,
    /// The text begins with U+FEFF, which a sender must not add (RFC 8259 §8.1).
    #[error("text begins with a byte order mark")]
    ByteOrderMark,
    /// The text ends before its value does.
    #[error("text ends too early")]
    EndedEarly,
    /// A byte that the grammar does not allow at this place.
    #[error("byte not allowed here")]
    Misplaced,
    /// A comma with no element or member after it.
    #[error("comma before the closing bracket")]
    TrailingComma,
    /// Something follows the value.
    #[error("something follows the value")]
    TrailingData,
    /// A control character inside a string, not escaped (RFC 8259 §7).
    #[error("control character in a string")]
    ControlCharacter,
    /// A backslash followed by what is no escape (RFC 8259 §7).
    #[error("unknown escape in a string")]
    UnknownEscape,
    /// Half of a surrogate pair (RFC 7493 §2.1).
    #[error("lone surrogate in a string")]
    LoneSurrogate,
    /// A code point that Unicode keeps out of interchange, such as U+FFFE (RFC 7493 §2.1).
    #[error("noncharacter in a string")]
    Noncharacter,
    /// Two members of one object have the same name (RFC 7493 §2.3).
    #[error("duplicate name in an object")]
    DuplicateName,
    /// A number that is not spelled as RFC 8259 §6 says: leading zero, no digit after the point.
    #[error("number is not well formed")]
    NumberForm,
    /// A number beyond ±(2⁵³ − 1) (RFC 7493 §2.2).
    #[error("number is out of range")]
    NumberRange,
    /// A number with more precision than a double has (RFC 7493 §2.2); it would be forwarded as another number.
    #[error("number is too precise")]
    NumberPrecision,
    /// More arrays and objects inside one another than [`Limits::max_depth`](crate::json::Limits::max_depth).
    #[error("nested too deeply")]
    TooDeep,
    /// More members in an object than [`Limits::max_members`](crate::json::Limits::max_members).
    #[error("too many members in an object")]
    TooManyMembers,
    /// More elements in an array than [`Limits::max_elements`](crate::json::Limits::max_elements).
    #[error("too many elements in an array")]
    TooManyElements,
    /// A string or a name longer than its limit.
    #[error("string is too long")]
    StringTooLong,
    /// A well-formed value begins here, of another kind than the reader's user asked for.
    #[error("{found} where {wanted} is wanted")]
    WrongKind {
        /// What was asked for.
        wanted: Kind,
        /// What stands there.
        found: Kind,
    },
    /// The reader's user asked for something that cannot come now, or asked again after a fault. A mistake in the
    /// program; the text is refused all the same.
    #[error("reader was asked out of turn")]
    OutOfTurn,
}

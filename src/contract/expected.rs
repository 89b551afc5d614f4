//! What was expected at a place, in words for a problem document: the closed list.

/// A value is missing that must be there.
pub(super) const PRESENT: &str = "present";
/// Something stands there that is not declared.
pub(super) const DECLARED: &str = "declared";
/// Something stands there twice.
pub(super) const ONCE: &str = "once";
/// Not percent-encoded as RFC 3986 says, not UTF-8, or holding what never crosses.
pub(super) const WELL_FORMED: &str = "well-formed";
/// Unicode characters: no noncharacters (Unicode §23.7).
pub(super) const CHARACTERS: &str = "characters";
/// Text in normalization form C (UAX #15).
pub(super) const NORMALIZED: &str = "normalized";
/// A text.
pub(super) const TEXT: &str = "text";
/// A whole number.
pub(super) const INTEGER: &str = "integer";
/// A number.
pub(super) const NUMBER: &str = "number";
/// `true` or `false`.
pub(super) const BOOLEAN: &str = "boolean";
/// A value of one of the declared kinds.
pub(super) const KIND: &str = "kind";
/// An object.
pub(super) const OBJECT: &str = "object";
/// An array.
pub(super) const ARRAY: &str = "array";
/// One of the values of `enum`, or the one of `const`.
pub(super) const WORD: &str = "enum";
/// A text whose length is declared.
pub(super) const LENGTH: &str = "length";
/// A text that fits the declared pattern.
pub(super) const PATTERN: &str = "pattern";
/// A text of the declared format.
pub(super) const FORMAT: &str = "format";
/// A number within the declared bounds.
pub(super) const BOUNDS: &str = "bounds";
/// An array of as many elements as declared.
pub(super) const ITEMS: &str = "items";
/// A multiple of the declared number.
pub(super) const MULTIPLE: &str = "multiple";
/// An array in which no two elements are equal.
pub(super) const UNIQUE: &str = "unique";
/// A map of as many members as declared.
pub(super) const MEMBERS: &str = "members";
/// A pseudonym.
pub(super) const PSEUDONYM: &str = "pseudonym";

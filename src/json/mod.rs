//! Strict JSON: one reader for every text that a stranger may send, one tree, two writers.
//!
//! What is read is JSON of RFC 8259 narrowed to I-JSON (RFC 7493): UTF-8 without a byte order mark, no duplicate names
//! (also not after unescaping), no surrogates standing alone, no noncharacters, no number that a double cannot carry.
//! What lies beyond the [`Limits`] is refused too. Nothing is repaired and nothing is skipped, so two readers of an
//! accepted text cannot disagree about what it says.
//!
//! - [`Reader`] pulls one token after the other, for a room that knows what must come (a schema, a token's claims);
//!   names and strings are borrowed from the text unless they hold an escape.
//! - [`parse`] reads a whole text into a [`Value`].
//! - [`write()`] and the smaller [`write_string`], [`write_number`] make compact text; [`canonical`] makes the one text
//!   of RFC 8785. What was read, written and read again is the same value.
//!
//! A [`JsonError`] names the [`Fault`] and the place, never what stood there; [`Value`], [`Object`] and [`Number`]
//! print as kind and size. Which members may occur, and what they mean, is for other rooms.

mod canonical;
mod decimal;
mod error;
mod number;
mod reader;
mod scan;
mod value;
mod write;

pub use canonical::canonical;
pub use decimal::Decimal;
pub use error::Fault;
pub use error::JsonError;
pub use error::Kind;
pub use number::MAX_MAGNITUDE;
pub use number::Number;
pub use number::NumberOutOfRange;
pub use reader::Limits;
pub use reader::Reader;
pub use scan::has_noncharacter;
pub use value::Object;
pub use value::Value;
pub use value::parse;
pub use write::write;
pub use write::write_integer;
pub use write::write_number;
pub use write::write_string;

#[cfg(test)]
mod tests;

//! The reader: one pass over the bytes, one token at a time, each asked for by kind.
//!
//! Its user knows what must come (a schema, a claim set) and pulls just that. There is no way to skip a value: what
//! nobody asks for is not let through. The grammar is held here, so a user who asks in the wrong order gets
//! [`Fault::OutOfTurn`] and never an accepted text. The first fault is final: afterwards every question is out of turn.
//!
//! Sizes are in bytes of UTF-8 after unescaping, depth in arrays and objects around a value, counting from 1.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::json::error::Fault;
use crate::json::error::JsonError;
use crate::json::error::Kind;
use crate::json::number::Number;
use crate::json::number::read_number;
use crate::json::scan::has_noncharacter;
use crate::json::scan::plain_prefix;
use crate::json::scan::unescape;
use crate::json::value::Value;
use crate::json::value::read_value;

/// How large the parts of a text may be. What may not be exceeded stands here; a schema may ask for less.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Arrays and objects inside one another. A byte, so that no setting lets a text exhaust the stack of what recurses
    /// over it.
    pub max_depth: u8,
    /// Members of one object.
    pub max_members: usize,
    /// Elements of one array.
    pub max_elements: usize,
    /// Length of one string or name.
    pub max_string_bytes: usize,
}

impl Default for Limits {
    /// Enough for every operation that exchanges no documents; strings may fill a body of 64 KiB.
    fn default() -> Self {
        Self { max_depth: 16, max_members: 256, max_elements: 256, max_string_bytes: 64 * 1024 }
    }
}

/// Up to this many members, names are compared one by one; beyond, they are hashed (keyed at random by the standard
/// library), so that an object of very many members costs no more than its length.
const MAX_COMPARED_NAMES: usize = 16;

/// Pulls the tokens of one text.
pub struct Reader<'t> {
    text: &'t str,
    position: usize,
    limits: Limits,
    turn: Turn,
    /// The arrays and objects around the position, outermost first.
    open: Vec<Container<'t>>,
    /// The names seen in all open objects that are not hashed yet, outermost first.
    names: Vec<Cow<'t, str>>,
}

/// What may be asked for now.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Turn {
    /// A value begins here.
    Value,
    /// The first member of an object, or its end.
    FirstKey,
    /// A comma and a member, or the end of an object.
    NextKey,
    /// The first element of an array, or its end.
    FirstElement,
    /// A comma and an element, or the end of an array.
    NextElement,
    /// The end of the text.
    Finish,
    /// Nothing: there was a fault.
    Failed,
}

enum Container<'t> {
    Array { elements: usize },
    Object { members: usize, first_name: usize, hashed: Option<HashSet<Cow<'t, str>>> },
}

impl<'t> Reader<'t> {
    /// Begins to read `text`.
    ///
    /// # Errors
    /// [`Fault::NotUtf8`] and [`Fault::ByteOrderMark`], which concern the text as a whole.
    pub fn new(text: &'t [u8], limits: Limits) -> Result<Self, JsonError> {
        let text = std::str::from_utf8(text).map_err(|error| JsonError::new(Fault::NotUtf8, error.valid_up_to()))?;
        if text.starts_with('\u{FEFF}') {
            return Err(JsonError::new(Fault::ByteOrderMark, 0));
        }
        let open = Vec::with_capacity(usize::from(limits.max_depth.min(16)));
        Ok(Self { text, position: 0, limits, turn: Turn::Value, open, names: Vec::new() })
    }

    /// Where the reader stands, in bytes from the start; for a room that adds faults of its own.
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.position
    }

    /// The kind of the value that comes next, as its first byte tells. Takes nothing.
    ///
    /// # Errors
    /// [`Fault::EndedEarly`], or [`Fault::Misplaced`] where no value begins; [`Fault::OutOfTurn`].
    pub fn peek(&mut self) -> Result<Kind, JsonError> {
        self.in_turn(Turn::Value)?;
        match self.next_byte() {
            Some(b'{') => Ok(Kind::Object),
            Some(b'[') => Ok(Kind::Array),
            Some(b'"') => Ok(Kind::String),
            Some(b'-' | b'0'..=b'9') => Ok(Kind::Number),
            Some(b't' | b'f') => Ok(Kind::Boolean),
            Some(b'n') => Ok(Kind::Null),
            Some(b']') if self.follows_comma() => Err(self.fail(Fault::TrailingComma)),
            Some(_) => Err(self.fail(Fault::Misplaced)),
            None => Err(self.fail(Fault::EndedEarly)),
        }
    }

    /// Takes the brace that opens an object; [`next_key`](Self::next_key) follows.
    ///
    /// # Errors
    /// [`Fault::WrongKind`], [`Fault::TooDeep`]; as [`peek`](Self::peek).
    pub fn begin_object(&mut self) -> Result<(), JsonError> {
        self.want(Kind::Object)?;
        let first_name = self.names.len();
        self.open_container(Container::Object { members: 0, first_name, hashed: None }, Turn::FirstKey)
    }

    /// Takes the next name and its colon, after which its value must be taken; or the brace that closes the object, and
    /// there is none. The name comes unescaped and has not occurred in this object before.
    ///
    /// # Errors
    /// [`Fault::DuplicateName`], [`Fault::TooManyMembers`], [`Fault::TrailingComma`], and those of
    /// [`string`](Self::string).
    pub fn next_key(&mut self) -> Result<Option<Cow<'t, str>>, JsonError> {
        let first = self.turn == Turn::FirstKey;
        if !first {
            self.in_turn(Turn::NextKey)?;
        }
        match self.next_byte() {
            Some(b'}') => {
                self.position += 1;
                self.close_container();
                return Ok(None);
            }
            Some(b'"') if first => {}
            Some(b',') if !first => {
                self.position += 1;
                match self.next_byte() {
                    Some(b'"') => {}
                    Some(b'}') => return Err(self.fail(Fault::TrailingComma)),
                    Some(_) => return Err(self.fail(Fault::Misplaced)),
                    None => return Err(self.fail(Fault::EndedEarly)),
                }
            }
            Some(_) => return Err(self.fail(Fault::Misplaced)),
            None => return Err(self.fail(Fault::EndedEarly)),
        }
        let start = self.position;
        let name = self.take_string(self.limits.max_string_bytes)?;
        self.note_name(name.clone()).map_err(|fault| self.fail_at(fault, start))?;
        match self.next_byte() {
            Some(b':') => self.position += 1,
            Some(_) => return Err(self.fail(Fault::Misplaced)),
            None => return Err(self.fail(Fault::EndedEarly)),
        }
        self.turn = Turn::Value;
        Ok(Some(name))
    }

    /// Takes the bracket that opens an array; [`next_element`](Self::next_element) follows.
    ///
    /// # Errors
    /// [`Fault::WrongKind`], [`Fault::TooDeep`]; as [`peek`](Self::peek).
    pub fn begin_array(&mut self) -> Result<(), JsonError> {
        self.want(Kind::Array)?;
        self.open_container(Container::Array { elements: 0 }, Turn::FirstElement)
    }

    /// Whether another element comes, which must then be taken; if none does, takes the bracket that closes the array.
    ///
    /// # Errors
    /// [`Fault::TooManyElements`], [`Fault::Misplaced`], [`Fault::EndedEarly`], [`Fault::OutOfTurn`].
    pub fn next_element(&mut self) -> Result<bool, JsonError> {
        let first = self.turn == Turn::FirstElement;
        if !first {
            self.in_turn(Turn::NextElement)?;
        }
        match self.next_byte() {
            Some(b']') => {
                self.position += 1;
                self.close_container();
                return Ok(false);
            }
            Some(b',') if !first => self.position += 1,
            Some(_) if first => {}
            Some(_) => return Err(self.fail(Fault::Misplaced)),
            None => return Err(self.fail(Fault::EndedEarly)),
        }
        if let Some(Container::Array { elements }) = self.open.last_mut() {
            if *elements >= self.limits.max_elements {
                return Err(self.fail(Fault::TooManyElements));
            }
            *elements += 1;
        }
        self.turn = Turn::Value;
        Ok(true)
    }

    /// Takes a string of at most `max_bytes`, and never more than [`Limits::max_string_bytes`]. Borrowed unless it has
    /// escapes.
    ///
    /// # Errors
    /// [`Fault::WrongKind`], [`Fault::StringTooLong`], a fault inside the string; as [`peek`](Self::peek).
    pub fn string(&mut self, max_bytes: usize) -> Result<Cow<'t, str>, JsonError> {
        self.want(Kind::String)?;
        let text = self.take_string(max_bytes.min(self.limits.max_string_bytes))?;
        self.end_value();
        Ok(text)
    }

    /// Takes a number.
    ///
    /// # Errors
    /// [`Fault::WrongKind`], [`Fault::NumberForm`], [`Fault::NumberRange`], [`Fault::NumberPrecision`]; as
    /// [`peek`](Self::peek).
    pub fn number(&mut self) -> Result<Number, JsonError> {
        self.want(Kind::Number)?;
        let (number, length) = read_number(self.rest()).map_err(|(fault, length)| {
            let place = self.position + length;
            self.fail_at(fault, place)
        })?;
        self.position += length;
        self.end_value();
        Ok(number)
    }

    /// Takes `true` or `false`.
    ///
    /// # Errors
    /// [`Fault::WrongKind`]; as [`peek`](Self::peek).
    pub fn boolean(&mut self) -> Result<bool, JsonError> {
        self.want(Kind::Boolean)?;
        let truth = self.rest().starts_with('t');
        self.take_word(if truth { "true" } else { "false" })?;
        Ok(truth)
    }

    /// Takes `null`.
    ///
    /// # Errors
    /// [`Fault::WrongKind`]; as [`peek`](Self::peek).
    pub fn null(&mut self) -> Result<(), JsonError> {
        self.want(Kind::Null)?;
        self.take_word("null")
    }

    /// Takes a value of any kind, within the limits of all texts.
    ///
    /// # Errors
    /// Those of all other questions.
    pub fn value(&mut self) -> Result<Value, JsonError> {
        read_value(self)
    }

    /// Ends the reading: the value is whole, and only white space is left.
    ///
    /// # Errors
    /// [`Fault::TrailingData`]; [`Fault::OutOfTurn`] if the value is not read to its end.
    pub fn finish(mut self) -> Result<(), JsonError> {
        self.in_turn(Turn::Finish)?;
        match self.next_byte() {
            None => Ok(()),
            Some(_) => Err(self.fail(Fault::TrailingData)),
        }
    }

    fn in_turn(&mut self, turn: Turn) -> Result<(), JsonError> {
        if self.turn == turn { Ok(()) } else { Err(self.fail(Fault::OutOfTurn)) }
    }

    fn want(&mut self, wanted: Kind) -> Result<(), JsonError> {
        let found = self.peek()?;
        if found == wanted { Ok(()) } else { Err(self.fail(Fault::WrongKind { wanted, found })) }
    }

    fn fail(&mut self, fault: Fault) -> JsonError {
        self.fail_at(fault, self.position)
    }

    fn fail_at(&mut self, fault: Fault, place: usize) -> JsonError {
        self.turn = Turn::Failed;
        JsonError::new(fault, place)
    }

    /// What has not been taken yet. The position stands between characters at all times; were it not so, the text would
    /// seem to end, which is refused.
    fn rest(&self) -> &'t str {
        self.text.get(self.position..).unwrap_or_default()
    }

    /// Takes white space (RFC 8259 §2) and looks at what follows.
    fn next_byte(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        loop {
            match bytes.get(self.position) {
                Some(b' ' | b'\t' | b'\n' | b'\r') => self.position += 1,
                other => return other.copied(),
            }
        }
    }

    /// Whether the last byte taken, but for white space, is a comma.
    fn follows_comma(&self) -> bool {
        let taken = self.text.get(..self.position).unwrap_or_default();
        taken.trim_end_matches([' ', '\t', '\n', '\r']).ends_with(',')
    }

    fn open_container(&mut self, container: Container<'t>, turn: Turn) -> Result<(), JsonError> {
        if self.open.len() >= usize::from(self.limits.max_depth) {
            return Err(self.fail(Fault::TooDeep));
        }
        self.position += 1;
        self.open.push(container);
        self.turn = turn;
        Ok(())
    }

    fn close_container(&mut self) {
        if let Some(Container::Object { first_name, .. }) = self.open.pop() {
            self.names.truncate(first_name);
        }
        self.end_value();
    }

    /// After a value comes what the container around it says.
    fn end_value(&mut self) {
        self.turn = match self.open.last() {
            Some(Container::Object { .. }) => Turn::NextKey,
            Some(Container::Array { .. }) => Turn::NextElement,
            None => Turn::Finish,
        };
    }

    fn take_word(&mut self, word: &str) -> Result<(), JsonError> {
        let rest = self.rest();
        if !rest.starts_with(word) {
            return Err(self.fail(if word.starts_with(rest) { Fault::EndedEarly } else { Fault::Misplaced }));
        }
        self.position += word.len();
        self.end_value();
        Ok(())
    }

    /// Takes the string whose quotation mark comes next.
    fn take_string(&mut self, max_bytes: usize) -> Result<Cow<'t, str>, JsonError> {
        let start = self.position;
        self.position += 1;
        let plain = self.take_plain();
        let text = if self.text.as_bytes().get(self.position) == Some(&b'"') {
            Cow::Borrowed(plain)
        } else {
            Cow::Owned(self.take_escaped(plain, max_bytes)?)
        };
        if text.len() > max_bytes {
            return Err(self.fail_at(Fault::StringTooLong, start));
        }
        if has_noncharacter(&text) {
            return Err(self.fail_at(Fault::Noncharacter, start));
        }
        self.position += 1;
        Ok(text)
    }

    /// Takes what may stand in a string unescaped, up to the next byte that is special.
    fn take_plain(&mut self) -> &'t str {
        let rest = self.rest();
        // What ends a plain run is ASCII, so the run ends between characters.
        let plain = rest.get(..plain_prefix(rest.as_bytes())).unwrap_or_default();
        self.position += plain.len();
        plain
    }

    /// Takes the rest of a string that has begun with `plain`, up to its closing quotation mark.
    fn take_escaped(&mut self, plain: &str, max_bytes: usize) -> Result<String, JsonError> {
        let mut text = String::from(plain);
        loop {
            if text.len() > max_bytes {
                return Err(self.fail(Fault::StringTooLong));
            }
            match self.text.as_bytes().get(self.position) {
                Some(b'"') => return Ok(text),
                Some(b'\\') => {
                    let escape = self.text.as_bytes().get(self.position + 1..).unwrap_or_default();
                    let (character, length) = unescape(escape).map_err(|fault| self.fail(fault))?;
                    self.position += 1 + length;
                    text.push(character);
                    text.push_str(self.take_plain());
                }
                Some(_) => return Err(self.fail(Fault::ControlCharacter)),
                None => return Err(self.fail(Fault::EndedEarly)),
            }
        }
    }

    /// Counts a member of the innermost object and remembers its name.
    fn note_name(&mut self, name: Cow<'t, str>) -> Result<(), Fault> {
        let Some(Container::Object { members, first_name, hashed }) = self.open.last_mut() else {
            return Err(Fault::OutOfTurn);
        };
        if *members >= self.limits.max_members {
            return Err(Fault::TooManyMembers);
        }
        *members += 1;
        if let Some(hashed) = hashed {
            return if hashed.insert(name) { Ok(()) } else { Err(Fault::DuplicateName) };
        }
        let siblings = self.names.get(*first_name..).unwrap_or_default();
        if siblings.contains(&name) {
            return Err(Fault::DuplicateName);
        }
        self.names.push(name);
        if *members > MAX_COMPARED_NAMES {
            *hashed = Some(self.names.drain(*first_name..).collect());
        }
        Ok(())
    }
}

//! Where a body's parts are pulled from, one at a time: the text itself, or a part of it that had to be read before it was known
//! what it should be.
//!
//! Which branch of a choice an object is tells one of its members, and that can be the last one. Such an object is taken whole,
//! within the limits of all JSON, and then goes through the same questions as all else: there is one parser of a schema.

use std::borrow::Cow;
use std::sync::Arc;
use std::vec;

use crate::json::Fault;
use crate::json::Kind;
use crate::json::Number;
use crate::json::Reader;
use crate::json::Value;

/// What a schema pulls from. Each question is that of [`Reader`] by the same name.
pub(super) trait Pull {
    fn peek(&mut self) -> Result<Kind, Fault>;
    fn begin_object(&mut self) -> Result<(), Fault>;
    fn next_key(&mut self) -> Result<Option<Cow<'_, str>>, Fault>;
    fn begin_array(&mut self) -> Result<(), Fault>;
    fn next_element(&mut self) -> Result<bool, Fault>;
    fn string(&mut self, max_bytes: usize) -> Result<Cow<'_, str>, Fault>;
    fn number(&mut self) -> Result<Number, Fault>;
    fn boolean(&mut self) -> Result<bool, Fault>;
    fn null(&mut self) -> Result<(), Fault>;
    fn value(&mut self) -> Result<Value, Fault>;
}

impl Pull for Reader<'_> {
    fn peek(&mut self) -> Result<Kind, Fault> {
        Reader::peek(self).map_err(|error| error.fault())
    }

    fn begin_object(&mut self) -> Result<(), Fault> {
        Reader::begin_object(self).map_err(|error| error.fault())
    }

    fn next_key(&mut self) -> Result<Option<Cow<'_, str>>, Fault> {
        Reader::next_key(self).map_err(|error| error.fault())
    }

    fn begin_array(&mut self) -> Result<(), Fault> {
        Reader::begin_array(self).map_err(|error| error.fault())
    }

    fn next_element(&mut self) -> Result<bool, Fault> {
        Reader::next_element(self).map_err(|error| error.fault())
    }

    fn string(&mut self, max_bytes: usize) -> Result<Cow<'_, str>, Fault> {
        Reader::string(self, max_bytes).map_err(|error| error.fault())
    }

    fn number(&mut self) -> Result<Number, Fault> {
        Reader::number(self).map_err(|error| error.fault())
    }

    fn boolean(&mut self) -> Result<bool, Fault> {
        Reader::boolean(self).map_err(|error| error.fault())
    }

    fn null(&mut self) -> Result<(), Fault> {
        Reader::null(self).map_err(|error| error.fault())
    }

    fn value(&mut self) -> Result<Value, Fault> {
        Reader::value(self).map_err(|error| error.fault())
    }
}

/// A value that was read, given out part by part.
pub(super) struct Tree {
    /// The value whose turn it is.
    next: Option<Value>,
    /// What is left of the arrays and objects around it, outermost first.
    open: Vec<Level>,
}

enum Level {
    Array(vec::IntoIter<Value>),
    Object(vec::IntoIter<(Arc<str>, Value)>),
}

impl Tree {
    pub(super) const fn new(value: Value) -> Self {
        Self { next: Some(value), open: Vec::new() }
    }

    fn take(&mut self) -> Result<Value, Fault> {
        self.next.take().ok_or(Fault::OutOfTurn)
    }
}

impl Pull for Tree {
    fn peek(&mut self) -> Result<Kind, Fault> {
        self.next.as_ref().map(Value::kind).ok_or(Fault::OutOfTurn)
    }

    fn begin_object(&mut self) -> Result<(), Fault> {
        match self.take()? {
            Value::Object(object) => {
                self.open.push(Level::Object(object.into_members().into_iter()));
                Ok(())
            }
            other => Err(wrong(Kind::Object, &other)),
        }
    }

    fn next_key(&mut self) -> Result<Option<Cow<'_, str>>, Fault> {
        let Some(Level::Object(members)) = self.open.last_mut() else { return Err(Fault::OutOfTurn) };
        let Some((name, value)) = members.next() else {
            self.open.pop();
            return Ok(None);
        };
        self.next = Some(value);
        Ok(Some(Cow::Owned(name.as_ref().to_owned())))
    }

    fn begin_array(&mut self) -> Result<(), Fault> {
        match self.take()? {
            Value::Array(elements) => {
                self.open.push(Level::Array(elements.into_iter()));
                Ok(())
            }
            other => Err(wrong(Kind::Array, &other)),
        }
    }

    fn next_element(&mut self) -> Result<bool, Fault> {
        let Some(Level::Array(elements)) = self.open.last_mut() else { return Err(Fault::OutOfTurn) };
        self.next = elements.next();
        if self.next.is_none() {
            self.open.pop();
        }
        Ok(self.next.is_some())
    }

    fn string(&mut self, max_bytes: usize) -> Result<Cow<'_, str>, Fault> {
        match self.take()? {
            Value::String(text) if text.len() > max_bytes => Err(Fault::StringTooLong),
            Value::String(text) => Ok(Cow::Owned(text.into_string())),
            other => Err(wrong(Kind::String, &other)),
        }
    }

    fn number(&mut self) -> Result<Number, Fault> {
        let value = self.take()?;
        value.as_number().ok_or_else(|| wrong(Kind::Number, &value))
    }

    fn boolean(&mut self) -> Result<bool, Fault> {
        let value = self.take()?;
        value.as_boolean().ok_or_else(|| wrong(Kind::Boolean, &value))
    }

    fn null(&mut self) -> Result<(), Fault> {
        match self.take()? {
            Value::Null => Ok(()),
            other => Err(wrong(Kind::Null, &other)),
        }
    }

    fn value(&mut self) -> Result<Value, Fault> {
        self.take()
    }
}

const fn wrong(wanted: Kind, found: &Value) -> Fault {
    Fault::WrongKind { wanted, found: found.kind() }
}

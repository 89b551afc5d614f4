//! Why somebody looks for a person: the number of a ticket, which says it elsewhere, to those who may read it there.
//!
//! A reason in free words would be the place where a name gets into the record. So it is a queue and a number, and nothing
//! else fits: no name, no number plate, no telephone number.

use std::fmt;
use std::sync::Arc;

/// Letters of a queue.
const QUEUE_LETTERS: usize = 12;
/// Digits of a number within it: fewer than a telephone number has.
const NUMBER_DIGITS: usize = 8;

/// The number of a ticket: 1 to 12 capital letters, a hyphen, 1 to 8 digits; for instance `SEC-4711`.
#[derive(Clone, Eq, Hash, PartialEq)]
pub struct Ticket(Arc<str>);

/// The text is no ticket's number.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a ticket is 1 to 12 capital letters, a hyphen and 1 to 8 digits, for instance `SEC-4711`")]
pub struct TicketError;

impl Ticket {
    /// Checks and takes the number of a ticket.
    ///
    /// # Errors
    /// [`TicketError`] for anything of another form.
    pub fn new(text: &str) -> Result<Self, TicketError> {
        let (queue, number) = text.split_once('-').ok_or(TicketError)?;
        let is_queue =
            (1..=QUEUE_LETTERS).contains(&queue.len()) && queue.bytes().all(|byte| byte.is_ascii_uppercase());
        let is_number = (1..=NUMBER_DIGITS).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit());
        if is_queue && is_number { Ok(Self(text.into())) } else { Err(TicketError) }
    }

    /// The number as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Ticket {
    type Err = TicketError;

    fn from_str(text: &str) -> Result<Self, TicketError> {
        Self::new(text)
    }
}

impl fmt::Display for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_a_queue_and_a_number_within_their_lengths_and_nothing_else() {
        for text in ["S-1", "SEC-4711", &format!("{}-{}", "S".repeat(12), "1".repeat(8))] {
            assert_eq!(Ticket::new(text).map(|ticket| ticket.as_str().to_owned()), Ok(text.to_owned()));
        }
        let (long_queue, long_number) = (format!("{}-1", "S".repeat(13)), format!("S-{}", "1".repeat(9)));
        for text in [
            "",
            "-",
            "SEC",
            "SEC-",
            "-1",
            "sec-1",
            "SEC-1a",
            "SEC-1-1",
            "SEC 1",
            "SEC-1\n",
            "A123BC-77",
            "+7-9001234",
            "ДОМ-1",
        ]
        .into_iter()
        .chain([long_queue.as_str(), &long_number])
        {
            assert_eq!(Ticket::new(text), Err(TicketError), "{text:?}");
        }
    }
}

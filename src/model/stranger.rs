//! A value that came from a stranger, which therefore cannot be printed.

use std::fmt;

/// Text from a body, a token, a path or a header. `Debug` shows its length alone; there is no `Display`.
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Stranger(Box<str>);

impl Stranger {
    /// Takes the text.
    #[must_use]
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// The text, for comparing, protecting and forwarding; never for logs, metrics or errors.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Stranger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{} bytes>", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_the_length_alone() {
        assert_eq!(format!("{:?}", Stranger::new("Иванов")), "<12 bytes>");
    }
}

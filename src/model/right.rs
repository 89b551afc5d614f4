//! The types of rights that tokens carry (`authorization_details`, RFC 9396 §2): what a right is for.

/// The types that we know.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RightKind {
    /// To doors: one, or all of a house.
    Door,
    /// To barriers: one, or all of a house.
    Barrier,
    /// To what concerns a house as a whole.
    House,
}

impl RightKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Door, Self::Barrier, Self::House];

    /// The type of this name.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// The word in a token, and in a contract's `right`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Door => "door_access",
            Self::Barrier => "barrier_access",
            Self::House => "house_access",
        }
    }

    /// The member of an entry that names one thing of the house, if the type has one.
    #[must_use]
    pub const fn thing(self) -> Option<&'static str> {
        match self {
            Self::Door => Some("door"),
            Self::Barrier => Some("barrier"),
            Self::House => None,
        }
    }
}

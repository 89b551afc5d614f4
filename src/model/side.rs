//! Which side calls: each has a door of its own, and who is somebody at the one is nobody at the other.

/// Who calls at a door.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Side {
    /// The backend.
    Backend,
    /// A partner.
    Partner,
}

impl Side {
    /// The word in configuration, records and metrics.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Backend => "backend",
            Self::Partner => "partner",
        }
    }
}

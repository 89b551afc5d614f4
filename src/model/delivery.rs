//! How the delivery of an event stands: the words between outbox, records and metrics.

/// How a delivery stands after an attempt, or without one.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum DeliveryState {
    /// The endpoint took it.
    Delivered,
    /// It did not, and is asked again.
    Failed,
    /// It did not, and is not asked again; the event is kept.
    Dead,
    /// It may not go on any more, and nothing of it is kept.
    Purged,
}

impl DeliveryState {
    /// All states, in the order of the documentation.
    pub const ALL: [Self; 4] = [Self::Delivered, Self::Failed, Self::Dead, Self::Purged];

    /// The word in a record and in metrics.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Dead => "dead",
            Self::Purged => "purged",
        }
    }
}

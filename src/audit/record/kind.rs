//! The kinds of record, and the word of each.

use crate::audit::outcome::Note;
use crate::audit::outcome::OutcomeState;

/// The kinds of record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Start,
    Stop,
    Bundle,
    BundleRefused,
    Activation,
    Directory,
    Intent,
    Outcome,
    Refusal,
    Refusals,
    Repeat,
    Revocation,
    Event,
    Delivery,
    Admin,
    ReIdentification,
    Key,
    Clock,
    Receipt,
    Token,
    Session,
    Recovery,
    Archive,
    Gap,
    Segment,
}

impl Note {
    pub(super) const fn kind(&self) -> Kind {
        match self {
            Self::Start { .. } => Kind::Start,
            Self::Stop => Kind::Stop,
            Self::Replayed { .. } => Kind::Recovery,
            Self::Archive(_) => Kind::Archive,
            Self::Bundle { .. } => Kind::Bundle,
            Self::BundleRefused(_) => Kind::BundleRefused,
            Self::Activation(_) => Kind::Activation,
            Self::Directory(_) => Kind::Directory,
            Self::Revocation(_) => Kind::Revocation,
            Self::Delivery(_) => Kind::Delivery,
            Self::Admin(_) => Kind::Admin,
            Self::ReIdentified(_) => Kind::ReIdentification,
            Self::Key(_) => Kind::Key,
            Self::Clock(_) | Self::ClockStands(_) => Kind::Clock,
            Self::Receipt { .. } => Kind::Receipt,
            Self::Issued(_) => Kind::Token,
            Self::Session(_) => Kind::Session,
        }
    }
}

impl Kind {
    pub(crate) const ALL: [Self; 25] = [
        Self::Start,
        Self::Stop,
        Self::Bundle,
        Self::BundleRefused,
        Self::Activation,
        Self::Directory,
        Self::Intent,
        Self::Outcome,
        Self::Refusal,
        Self::Refusals,
        Self::Repeat,
        Self::Revocation,
        Self::Event,
        Self::Delivery,
        Self::Admin,
        Self::ReIdentification,
        Self::Key,
        Self::Clock,
        Self::Receipt,
        Self::Token,
        Self::Session,
        Self::Recovery,
        Self::Archive,
        Self::Gap,
        Self::Segment,
    ];

    /// The word in a record.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Bundle => "bundle",
            Self::BundleRefused => "bundle-refused",
            Self::Activation => "activation",
            Self::Directory => "directory",
            Self::Intent => "intent",
            Self::Outcome => "outcome",
            Self::Refusal => "refusal",
            Self::Refusals => "refusals",
            Self::Repeat => "repeat",
            Self::Revocation => "revocation",
            Self::Event => "event",
            Self::Delivery => "delivery",
            Self::Admin => "admin",
            Self::ReIdentification => "re-identification",
            Self::Key => "key",
            Self::Clock => "clock",
            Self::Receipt => "receipt",
            Self::Token => "token",
            Self::Session => "session",
            Self::Recovery => "recovery",
            Self::Archive => "archive",
            Self::Gap => "gap",
            Self::Segment => "segment",
        }
    }

    /// The words of all.
    pub(crate) fn words() -> impl Iterator<Item = &'static str> {
        Self::ALL.into_iter().map(Self::word)
    }

    pub(crate) fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

impl OutcomeState {
    pub(crate) fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}

//! What there is to do about a draft: each with its place in the partner's file.

use crate::contract::draft::here::Here;
use crate::diagnostic::Place;

/// What kind of finding it is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum FindingKind {
    /// A blank of the draft: people decide.
    Decide,
    /// What the description says and the draft does not.
    LeftOut,
    /// What the draft says otherwise.
    Changed,
}

/// One thing to do, or to know.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// What kind it is.
    pub kind: FindingKind,
    /// Stable, kebab-case, for instance `missing-class`.
    pub code: &'static str,
    /// Where it stands in the partner's file.
    pub place: Place,
    /// The same as a JSON pointer.
    pub pointer: String,
    /// The line of the draft: of the blank, or of the comment.
    pub line: u32,
    /// What is asked, left out or changed. Holds words of the partner's file: whoever shows it escapes it.
    pub message: String,
}

impl FindingKind {
    /// All, with their words.
    pub const ALL: [Self; 3] = [Self::Decide, Self::LeftOut, Self::Changed];

    /// Its word in a report and in the comments of a draft.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Decide => "decide",
            Self::LeftOut => "left out",
            Self::Changed => "changed",
        }
    }
}

/// A finding whose line in the draft is not known yet.
#[derive(Clone, Debug)]
pub(super) struct Note {
    pub(super) kind: FindingKind,
    pub(super) code: &'static str,
    pub(super) place: Place,
    pub(super) pointer: String,
    pub(super) message: String,
}

impl Note {
    pub(super) fn decide(at: &Here<'_>, code: &'static str, message: impl Into<String>) -> Self {
        Self::new(FindingKind::Decide, at, code, message)
    }

    pub(super) fn left_out(at: &Here<'_>, code: &'static str, message: impl Into<String>) -> Self {
        Self::new(FindingKind::LeftOut, at, code, message)
    }

    pub(super) fn changed(at: &Here<'_>, code: &'static str, message: impl Into<String>) -> Self {
        Self::new(FindingKind::Changed, at, code, message)
    }

    fn new(kind: FindingKind, at: &Here<'_>, code: &'static str, message: impl Into<String>) -> Self {
        Self { kind, code, place: at.node.place, pointer: at.pointer.clone(), message: message.into() }
    }
}

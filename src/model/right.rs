//! The rights that tokens carry (`authorization_details`, RFC 9396 §2): of which type, for what, where, and when they count.

use crate::model::place::Located;
use crate::model::stranger::Stranger;
use crate::model::window::Window;

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

    /// The member of an entry that lists things of the house, if the type has one.
    #[must_use]
    pub const fn things(self) -> Option<&'static str> {
        match self {
            Self::Door => Some("doors"),
            Self::Barrier => Some("barriers"),
            Self::House => None,
        }
    }
}

/// One right: what may be done, at which things of one house, and when.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Right {
    /// Its type.
    pub kind: RightKind,
    /// What may be done, for instance `open`; at least one.
    pub actions: Vec<Stranger>,
    /// In which house.
    pub house: Stranger,
    /// At which of its things.
    pub extent: Extent,
    /// When it counts.
    pub window: Window,
    /// By what this right can be revoked alone; `None` where it has no name of its own.
    pub grant: Option<Stranger>,
}

/// How far a right goes in its house.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Extent {
    /// To the house as a whole: to all its doors or barriers, or to what concerns itself.
    Whole,
    /// To these doors or barriers alone; at least one.
    Only(Vec<Stranger>),
}

impl Right {
    /// Whether it is of this kind and lists this action.
    #[must_use]
    pub fn is_for(&self, kind: RightKind, action: &str) -> bool {
        self.kind == kind && self.actions.iter().any(|known| known.expose() == action)
    }

    /// Whether it counts at `now`, in seconds of Unix time, for something at `located`. Hours of the week go by the clocks of
    /// the right's own house, so elsewhere a right that has any does not count.
    #[must_use]
    pub fn counts(&self, now: u64, located: &Located) -> bool {
        let zone = (located.house() == Some(self.house.expose())).then_some(&located.zone);
        self.window.holds(now, zone)
    }

    /// The things that it is for, one by one; `None` alone for the house as a whole.
    pub fn things(&self) -> impl Iterator<Item = Option<&Stranger>> {
        let (whole, only) = match &self.extent {
            Extent::Whole => (Some(None), &[][..]),
            Extent::Only(things) => (None, things.as_slice()),
        };
        whole.into_iter().chain(only.iter().map(Some))
    }

    /// Whether it reaches this thing of its house, `None` being the house as a whole.
    #[must_use]
    pub fn reaches(&self, thing: Option<&Stranger>) -> bool {
        match (&self.extent, thing) {
            (Extent::Whole, _) => true,
            (Extent::Only(things), Some(thing)) => things.contains(thing),
            (Extent::Only(_), None) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn right(actions: &[&str], extent: Extent) -> Right {
        Right {
            kind: RightKind::Door,
            actions: actions.iter().map(|action| Stranger::new(*action)).collect(),
            house: Stranger::new("house-1"),
            extent,
            window: Window::default(),
            grant: None,
        }
    }

    #[test]
    fn a_right_counts_only_for_its_own_kind_and_action() {
        let of = |actions: &[&str]| right(actions, Extent::Whole);
        assert!(of(&["close", "open"]).is_for(RightKind::Door, "open"));
        assert!(!of(&["close", "open"]).is_for(RightKind::Door, "lock"));
        assert!(!of(&["close", "open"]).is_for(RightKind::Barrier, "open"));
        assert!(!of(&[]).is_for(RightKind::Door, "open"));
    }

    #[test]
    fn a_right_to_a_house_reaches_all_of_it_and_one_to_doors_these_alone() {
        let (one, other) = (Stranger::new("door-1"), Stranger::new("door-2"));
        let reaches = |extent: Extent| {
            let right = right(&["open"], extent);
            [None, Some(&one), Some(&other)].map(|thing| right.reaches(thing))
        };
        assert_eq!(reaches(Extent::Whole), [true; 3]);
        assert_eq!(reaches(Extent::Only(vec![one.clone()])), [false, true, false]);
        let both = right(&["open"], Extent::Only(vec![one.clone(), other.clone()]));
        assert_eq!(both.things().collect::<Vec<_>>(), [Some(&one), Some(&other)]);
        assert_eq!(right(&["open"], Extent::Whole).things().collect::<Vec<_>>(), [None]);
    }
}

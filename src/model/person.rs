//! Who acts on the gateway itself: a person, by the name that the configuration gives, in a role, by a door.
//!
//! The name stands in every record of an act. It is an account's name, not a resident's: who runs a gateway answers for it.

use crate::model::names::PersonName;
use std::sync::Arc;

/// What somebody may do on the gateway.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Role {
    /// Revokes: narrows.
    Operator,
    /// Proposes and confirms that a revocation is lifted: widens, together with another person.
    Lifter,
    /// Goes from a person to the handle that stands for them in records.
    Investigator,
    /// Proposes and confirms that a person is erased, together with another person.
    Eraser,
}

/// In which role somebody signs a bundle.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum SigningRole {
    /// Answers for security.
    Infosec,
    /// Answers for the product.
    ProductOwner,
    /// Answers for personal data: which of them go to whom, and for what.
    DataOfficer,
}

/// The door by which somebody came.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AdminDoor {
    /// The Unix socket, where the kernel says who it is.
    Socket,
}

/// Somebody at a door, with all roles that they have.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Actor {
    /// Who.
    pub person: PersonName,
    /// What they may do.
    pub roles: Arc<[Role]>,
    /// Where they came in.
    pub door: AdminDoor,
}

impl Actor {
    /// Whoever owns the gateway's process, where the configuration names nobody: all roles, and no other person.
    #[must_use]
    pub fn owner(door: AdminDoor) -> Self {
        Self { person: PersonName::ours("owner"), roles: Role::ALL.into(), door }
    }
}

impl Role {
    /// All roles, in the order of the documentation.
    pub const ALL: [Self; 4] = [Self::Operator, Self::Lifter, Self::Investigator, Self::Eraser];

    /// The word in configuration and records.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Lifter => "lifter",
            Self::Investigator => "investigator",
            Self::Eraser => "eraser",
        }
    }
}

impl SigningRole {
    /// All roles, in the order of the documentation.
    pub const ALL: [Self; 3] = [Self::Infosec, Self::ProductOwner, Self::DataOfficer];

    /// The word in statements, in the list of signers and in records.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Infosec => "infosec",
            Self::ProductOwner => "product-owner",
            Self::DataOfficer => "data-officer",
        }
    }

    /// For people.
    #[must_use]
    pub const fn says(self) -> &'static str {
        match self {
            Self::Infosec => "infosec",
            Self::ProductOwner => "the product owner",
            Self::DataOfficer => "the personal-data officer",
        }
    }

    /// Reads what [`SigningRole::word`] wrote.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.word() == word)
    }
}

impl AdminDoor {
    /// The word in records.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Socket => "admin-socket",
        }
    }
}

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
    pub const ALL: [Self; 2] = [Self::Operator, Self::Lifter];

    /// The word in configuration and records.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Lifter => "lifter",
        }
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

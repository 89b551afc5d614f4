//! Who is heard at the admin socket: a uid that the kernel vouches for (SO_PEERCRED), and the person and roles behind it.
//!
//! A uid and not a group: a record names the person who acted, and a group is nobody. Where the configuration names nobody,
//! the one who owns the gateway's process is heard, as `owner`, with all roles; by root nobody is impersonated, for root can
//! become any of them anyway, and is heard only if named.

use crate::model::Actor;
use crate::model::AdminDoor;
use crate::model::PersonName;
use crate::model::Role;
use std::collections::HashMap;

/// The people who may act.
pub struct Persons {
    by_uid: HashMap<u32, Actor>,
    /// Whether the configuration names them.
    named: bool,
}

impl Persons {
    /// The owner of this process alone.
    #[must_use]
    pub fn owner() -> Self {
        let owner = rustix::process::geteuid().as_raw();
        Self { by_uid: HashMap::from([(owner, Actor::owner(AdminDoor::Socket))]), named: false }
    }

    /// Those who are named, each by uid; nobody else.
    #[must_use]
    pub fn named(persons: impl IntoIterator<Item = (u32, PersonName, Vec<Role>)>) -> Self {
        let actor = |(uid, person, roles): (_, _, Vec<_>)| {
            (uid, Actor { person, roles: roles.into(), door: AdminDoor::Socket })
        };
        Self { by_uid: persons.into_iter().map(actor).collect(), named: true }
    }

    /// Who has this uid.
    pub(super) fn who(&self, uid: u32) -> Option<&Actor> {
        self.by_uid.get(&uid)
    }

    /// The mode of the socket's file. Where others than the owner are heard, the file lets everybody knock, and the kernel
    /// says who does.
    pub(super) const fn mode(&self) -> u32 {
        if self.named { 0o666 } else { 0o600 }
    }
}

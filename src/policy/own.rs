//! The actions of the gateway's own, which no contract declares: who asks for each, and of what.

use crate::policy::entities::BACKEND;
use crate::policy::entities::BARRIER;
use crate::policy::entities::DOOR;
use crate::policy::entities::GATEWAY;
use crate::policy::entities::HOUSE;
use crate::policy::entities::TENANT;
use crate::policy::entities::USER;

/// Whether a session may be given a right.
pub(super) const ISSUE_SESSION: &str = "issueSession";

/// One action.
pub(super) struct OwnAction {
    pub(super) name: &'static str,
    /// The entity type of who asks.
    pub(super) principal: &'static str,
    /// The entity types of which it is asked.
    pub(super) resources: &'static [&'static str],
    /// The same for people.
    pub(super) told_resources: &'static str,
}

/// All of them.
pub(super) const OWN_ACTIONS: &[OwnAction] = &[
    by_peer("revoke"),
    by_peer("emergencyStop"),
    by_peer("updateDirectory"),
    OwnAction {
        name: ISSUE_SESSION,
        principal: USER,
        resources: &[DOOR, BARRIER, HOUSE],
        told_resources: "a `Door`, `Barrier` or `House`",
    },
];

impl OwnAction {
    /// The action of this name.
    pub(super) fn of(name: &str) -> Option<&'static Self> {
        OWN_ACTIONS.iter().find(|own| own.name == name)
    }

    /// Whether a peer asks for it in its own name.
    pub(super) fn is_a_peers(&self) -> bool {
        self.principal == BACKEND
    }
}

/// What a peer asks for in one tenant, or in all.
const fn by_peer(name: &'static str) -> OwnAction {
    let told_resources = "a `Tenant` or the `Gateway`";
    OwnAction { name, principal: BACKEND, resources: &[TENANT, GATEWAY], told_resources }
}

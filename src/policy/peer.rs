//! What a peer may do in its own name at the gateway's own paths, for instance `revoke`.
//!
//! The principal is `Backend::"<the name in its certificate>"`; the resource is the tenant that it acts in, or the gateway
//! where it acts in all.

use crate::clock::UnixMillis;
use crate::clock::UnixSeconds;
use crate::identity::Caller;
use crate::model::TenantId;
use crate::policy::Decision;
use crate::policy::Judgement;
use crate::policy::Policies;
use crate::policy::PolicyFault;
use crate::policy::own::OwnAction;

/// Proof that policy permits a peer an action at the gateway itself.
#[derive(Debug)]
#[must_use = "without this proof the gateway's own paths do nothing"]
pub struct PeerPermit {
    decision: Decision,
}

impl Policies {
    /// Asks whether this peer may do this in its own name, in `tenant` or, without one, in all; at `now`.
    ///
    /// # Errors
    /// [`PolicyFault::Denied`], [`PolicyFault::Errored`].
    pub fn authorize_peer(
        &self,
        caller: &Caller,
        action: &str,
        tenant: Option<&TenantId>,
        now: UnixMillis,
    ) -> Result<PeerPermit, PolicyFault> {
        let judgement = self.judge_peer(caller.peer().name(), action, tenant, Some(now.seconds()));
        let decision = judgement.into_permission()?;
        Ok(PeerPermit { decision })
    }

    /// Judges a peer's question; of what a contract declares, and of what the schema lacks, it is a deny.
    pub fn judge_peer(
        &self,
        peer: &str,
        action: &str,
        tenant: Option<&TenantId>,
        now: Option<UnixSeconds>,
    ) -> Judgement {
        let found = self.action(action).filter(|_| OwnAction::of(action).is_some_and(OwnAction::is_a_peers));
        match (found, self.types.given_peer(peer, tenant)) {
            (Some(action), Some(given)) => self.put(action, given, now, |plan| plan.build_for_peer(peer)),
            _ => Judgement::Denies(Decision::default()),
        }
    }
}

impl PeerPermit {
    /// What was decided, for the record.
    #[must_use]
    pub const fn decision(&self) -> &Decision {
        &self.decision
    }

    /// A permit for the tests of rooms that demand one.
    #[cfg(test)]
    pub fn for_test() -> Self {
        Self { decision: Decision::default() }
    }
}

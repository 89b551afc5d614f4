//! What a peer may do in its own name at the gateway's own paths, for instance `revoke`.

use crate::policy::Decision;

/// Proof that policy permits a peer an action at the gateway itself.
#[derive(Debug)]
#[must_use = "without this proof the gateway's own paths do nothing"]
pub struct PeerPermit {
    decision: Decision,
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

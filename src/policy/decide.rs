//! The proof of permission, and why there is none.

use crate::model::Located;
use crate::model::TenantId;
use crate::policy::Decision;
use std::sync::Arc;

/// Proof that policy permits one command on one thing. Only an Allow without any policy error makes one.
#[derive(Clone, Debug)]
#[must_use = "without this proof nothing is protected, recorded or sent"]
pub struct Permit {
    decision: Arc<Decision>,
    located: Arc<Located>,
}

/// Why there is no permit. Either way the record gets the decision, and the caller gets the same answer.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PolicyFault {
    /// A policy forbids it, or none permits it.
    #[error("policy denies")]
    Denied(Box<Decision>),
    /// A policy could not be evaluated; what the others say does not matter.
    #[error("a policy could not be evaluated")]
    Errored(Box<Decision>),
}

impl Permit {
    /// What was decided, for the record.
    #[must_use]
    pub fn decision(&self) -> &Decision {
        &self.decision
    }

    /// The thing it was decided about: its tenant, its ancestors, the directory's version.
    #[must_use]
    pub fn located(&self) -> &Located {
        &self.located
    }

    /// The tenant in which the thing stands.
    #[must_use]
    pub fn tenant(&self) -> &TenantId {
        &self.located.tenant
    }

    /// A permit for the tests of rooms that demand one.
    #[cfg(test)]
    pub fn for_test(located: Located, policies: &[&str]) -> Self {
        let policies = policies.iter().map(|id| Arc::from(*id)).collect();
        Self { decision: Arc::new(Decision { policies, ..Decision::default() }), located: Arc::new(located) }
    }
}

impl PolicyFault {
    /// What was decided, for the record.
    #[must_use]
    pub fn decision(&self) -> &Decision {
        match self {
            Self::Denied(decision) | Self::Errored(decision) => decision,
        }
    }
}

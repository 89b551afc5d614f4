//! One operation together with the contract that it is part of, so that an exchange keeps one snapshot from beginning to end.

use std::fmt;
use std::sync::Arc;

use crate::contract::operation::Contract;
use crate::contract::operation::Operation;
use crate::contract::operation::OperationIndex;

/// An operation that a request was routed to, and its contract.
#[derive(Clone)]
pub struct Routed {
    contract: Arc<Contract>,
    index: OperationIndex,
}

impl Routed {
    pub(super) const fn new(contract: Arc<Contract>, index: OperationIndex) -> Self {
        Self { contract, index }
    }

    /// The contract.
    #[must_use]
    pub const fn contract(&self) -> &Arc<Contract> {
        &self.contract
    }

    /// The operation.
    #[must_use]
    pub fn operation(&self) -> &Operation {
        self.contract.operation(self.index)
    }
}

impl fmt::Debug for Routed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Routed({} of {})", self.operation().id, self.contract.partner())
    }
}

//! The cheap half: a request's head against the contract. No body is read yet, and nobody is known yet.

use std::sync::Arc;

use crate::contract::fault::ContractFault;
use crate::contract::operation::Contract;
use crate::contract::operation::Operation;
use crate::contract::routed::Routed;
use crate::json::Value;
use crate::model::Head;
use crate::model::Stranger;

/// Proof that a request's head is declared; only [`declare`] makes one.
#[must_use = "without this proof the exchange ends here"]
#[derive(Debug)]
pub struct Declared {
    pub(super) routed: Routed,
    pub(super) path: Vec<Value>,
    pub(super) query: Vec<Option<Value>>,
    pub(super) headers: Vec<Option<Value>>,
    pub(super) idempotency_key: Option<Stranger>,
}

/// Finds the operation of a request and checks all that its head says: fields, path, query, media type, length.
///
/// # Errors
/// [`ContractFault`] names the first thing that does not fit.
pub fn declare(contract: &Arc<Contract>, head: &Head) -> Result<Declared, ContractFault> {
    let _ = (contract, head);
    Err(ContractFault::NotFound)
}

impl Declared {
    /// The operation.
    #[must_use]
    pub fn operation(&self) -> &Operation {
        self.routed.operation()
    }

    /// The contract.
    #[must_use]
    pub const fn contract(&self) -> &Arc<Contract> {
        self.routed.contract()
    }

    /// The longest body that may be read, in bytes.
    #[must_use]
    pub fn body_max_bytes(&self) -> u64 {
        self.operation().body_max_bytes
    }
}

//! The cheap half: a request's head against the contract. No body is read yet, and nobody is known yet.

use std::sync::Arc;

use crate::contract::fault::ContractFault;
use crate::contract::headers;
use crate::contract::operation::Contract;
use crate::contract::operation::Idempotency;
use crate::contract::operation::Operation;
use crate::contract::routed::Routed;
use crate::contract::router::NoRoute;
use crate::contract::target;
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
    if headers::holds_refused_field(&head.fields) {
        return Err(ContractFault::RefusedField);
    }
    let route = contract.router.route(&head.method, &head.path).map_err(|no_route| match no_route {
        NoRoute::Path => ContractFault::NotFound,
        NoRoute::Method => ContractFault::MethodNotDeclared,
    })?;
    let operation = contract.operation(route.operation);
    let path: Result<Vec<Value>, _> = operation
        .path_parameters
        .iter()
        .zip(route.values)
        .map(|(parameter, raw)| target::path_value(parameter, raw))
        .collect();
    let path = path.map_err(ContractFault::Path)?;
    let query =
        target::query_values(&operation.query_parameters, head.query.as_deref()).map_err(ContractFault::Query)?;
    let declared = operation.header_parameters.iter().map(|(name, parameter)| (name, parameter));
    let headers = headers::values(declared, &head.fields).map_err(ContractFault::Header)?;
    let idempotency_key = match operation.idempotency {
        Some(Idempotency::Header) => {
            Some(headers::idempotency_key(&head.fields).map_err(|()| ContractFault::IdempotencyKey)?)
        }
        Some(Idempotency::BodyField(_)) | None => None,
    };
    body_is_declared(operation, head)?;
    Ok(Declared { routed: Routed::new(contract.clone(), route.operation), path, query, headers, idempotency_key })
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

    /// The longest body that may be read, in bytes; 0 where none is declared.
    #[must_use]
    pub fn body_max_bytes(&self) -> u64 {
        self.operation().body_max_bytes
    }
}

/// What the head says of the body.
fn body_is_declared(operation: &Operation, head: &Head) -> Result<(), ContractFault> {
    if headers::says_coded(&head.fields) {
        return Err(ContractFault::MediaTypeNotDeclared);
    }
    let none = head.no_body || head.content_length == Some(0);
    match (&operation.body, none) {
        (None, true) => Ok(()),
        (None, false) => Err(ContractFault::BodyNotDeclared),
        (Some(_), true) => Err(ContractFault::BodyMissing),
        (Some(_), false) if !headers::says_json(&head.fields) => Err(ContractFault::MediaTypeNotDeclared),
        (Some(_), false) if head.content_length.is_some_and(|length| length > operation.body_max_bytes) => {
            Err(ContractFault::BodyTooLarge)
        }
        (Some(_), false) => Ok(()),
    }
}

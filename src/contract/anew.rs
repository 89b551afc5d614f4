//! A request that was rebuilt by one contract, held against another: what the one took, the other reads as if it had come now.
//!
//! The bytes are those that the first contract wrote, not the caller's: what leaves is still parsed once. The second contract
//! may drop nothing and add nothing, or the request is no longer the same.

use std::convert::Infallible;
use std::sync::Arc;

use crate::contract::declare::declare;
use crate::contract::declare::declare_inbound;
use crate::contract::fault::ContractFault;
use crate::contract::operation::Contract;
use crate::contract::operation::Idempotency;
use crate::contract::rebuild::Rebuilt;
use crate::contract::rebuild::rebuild;
use crate::identity::Caller;
use crate::model::Direction;
use crate::model::Head;
use crate::model::Outgoing;
use crate::model::Treated;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::header;

/// The field of the idempotency key.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Reads by `contract` what another one rebuilt.
///
/// # Errors
/// [`ContractFault`] names the first thing that does not fit.
pub fn rebuild_anew(contract: &Arc<Contract>, rebuilt: &Rebuilt, caller: &Caller) -> Result<Rebuilt, ContractFault> {
    let Ok(whole) = rebuilt.render::<Infallible>(&mut |_| Ok(Treated::Keep));
    let head = head(&whole, rebuilt)?;
    let declared = match rebuilt.operation().direction {
        Direction::Outbound => declare(contract, &head),
        Direction::Inbound => declare_inbound(contract, &head),
    };
    rebuild(declared?, caller, &whole.body)
}

/// The head that a caller would have sent.
fn head(whole: &Outgoing, rebuilt: &Rebuilt) -> Result<Head, ContractFault> {
    let mut fields = HeaderMap::new();
    for (name, value) in &whole.fields {
        fields.append(name.clone(), value.clone());
    }
    if let Some(media_type) = &whole.content_type {
        fields.insert(header::CONTENT_TYPE, media_type.clone());
    }
    if let (Some(Idempotency::Header), Some(key)) = (&rebuilt.operation().idempotency, rebuilt.idempotency_key()) {
        let key = HeaderValue::try_from(key.expose()).map_err(|_| ContractFault::IdempotencyKey)?;
        fields.insert(IDEMPOTENCY_KEY, key);
    }
    let (path, query) = match whole.target.split_once('?') {
        Some((path, query)) => (path, Some(query.into())),
        None => (&*whole.target, None),
    };
    Ok(Head {
        method: whole.method.clone(),
        path: path.into(),
        query,
        authority: Box::default(),
        fields,
        content_length: whole.content_type.as_ref().map(|_| whole.body.len() as u64),
        no_body: whole.content_type.is_none(),
    })
}

impl Rebuilt {
    /// Whether this is the same request for the same operation, which asks of its caller neither more nor less than `other` did:
    /// the same thing, right, authentication, age, key and values.
    #[must_use]
    pub fn is_the_same_as(&self, other: &Self) -> bool {
        let (ours, theirs) = (self.operation(), other.operation());
        ours.id == theirs.id
            && ours.actuates == theirs.actuates
            && ours.max_age_s == theirs.max_age_s
            && ours.authentication == theirs.authentication
            && ours.idempotency == theirs.idempotency
            && ours.right == theirs.right
            && ours.direction == theirs.direction
            && ours.scope == theirs.scope
            && self.contract().partner() == other.contract().partner()
            && self.resource() == other.resource()
            && self.idempotency_key() == other.idempotency_key()
            && self.digest() == other.digest()
    }
}

//! The body half: parsed once by the schema, held against the token, and rebuilt. The raw bytes go no further.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;

use crate::contract::body;
use crate::contract::body::BodyFault;
use crate::contract::declare::Declared;
use crate::contract::fault::ContractFault;
use crate::contract::operation::Contract;
use crate::contract::operation::Form;
use crate::contract::operation::Idempotency;
use crate::contract::operation::Operation;
use crate::contract::render::Walk;
use crate::contract::routed::Routed;
use crate::contract::schema::Object;
use crate::contract::target;
use crate::identity::Caller;
use crate::json::Value;
use crate::model::Leaf;
use crate::model::Outgoing;
use crate::model::ResourceId;
use crate::model::Sha256;
use crate::model::Stranger;
use crate::model::Treated;
use bytes::Bytes;
use sha2::Digest;

/// Proof that a whole request fits its contract and names only its caller's identifiers; only [`rebuild`] makes one.
#[must_use = "without this proof the exchange ends here"]
pub struct Rebuilt {
    routed: Routed,
    path: Vec<Value>,
    query: Vec<Option<Value>>,
    headers: Vec<Option<Value>>,
    body: Option<Value>,
    /// Which form of the body it is.
    form: Option<usize>,
    resource: ResourceId,
    idempotency_key: Option<Stranger>,
    digest: Sha256,
}

/// Parses the body by the operation's schema and compares identifiers with the claims of the caller's token.
///
/// # Errors
/// [`ContractFault`] names the first thing that does not fit. Which identifier is not the token's, it does not say.
///
/// Nobody's body is read before the caller is known:
/// ```
/// use portcullis::{contract::{ContractFault, Declared, Rebuilt, rebuild}, identity::Caller};
/// fn body(declared: Declared, caller: &Caller, body: &[u8]) -> Result<Rebuilt, ContractFault> {
///     rebuild(declared, caller, body)
/// }
/// ```
/// A peer alone is no caller:
/// ```compile_fail
/// use portcullis::{contract::{ContractFault, Declared, Rebuilt, rebuild}, identity::Caller};
/// fn body(declared: Declared, caller: &Caller, body: &[u8]) -> Result<Rebuilt, ContractFault> {
///     rebuild(declared, caller.peer(), body)
/// }
/// ```
/// Nor is a body read for what no contract declares:
/// ```compile_fail
/// use portcullis::{contract::{ContractFault, Declared, Rebuilt, rebuild}, identity::Caller};
/// fn body(declared: Declared, caller: &Caller, body: &[u8]) -> Result<Rebuilt, ContractFault> {
///     rebuild(caller, caller, body)
/// }
/// ```
pub fn rebuild(declared: Declared, caller: &Caller, body: &[u8]) -> Result<Rebuilt, ContractFault> {
    rebuild_for(declared, &|name| caller.token().and_then(|token| token.claim(name)), body)
}

/// As [`rebuild`], for a caller of whom only the claims are known.
pub(super) fn rebuild_for<'c>(
    declared: Declared,
    claim: &dyn Fn(&str) -> Option<&'c str>,
    body: &[u8],
) -> Result<Rebuilt, ContractFault> {
    let Declared { routed, path, query, headers, idempotency_key, form } = declared;
    let body = parse_body(&routed, form, body)?;
    let mut rebuilt = Rebuilt {
        path,
        query,
        headers,
        body,
        form,
        resource: ResourceId { kind: routed.operation().resource.kind.clone(), parts: Vec::new() },
        idempotency_key,
        digest: Sha256::new([0; 32]),
        routed,
    };
    if !rebuilt.identifiers_fit(claim) {
        return Err(ContractFault::IdentifierMismatch);
    }
    if let Some(Idempotency::BodyField(name)) = &rebuilt.operation().idempotency {
        let key = rebuilt.body.as_ref().and_then(|body| body.get(name)).and_then(Value::as_str);
        rebuilt.idempotency_key = Some(Stranger::new(key.ok_or(ContractFault::IdempotencyKey)?));
    }
    rebuilt.resource.parts = rebuilt.resource_parts();
    rebuilt.digest = rebuilt.digest_of_all();
    Ok(rebuilt)
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
    /// twice among them. `null` is none: policies see nothing.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&Value> {
        let operation = self.operation();
        if let Some(index) = operation.path_parameters.iter().position(|parameter| *parameter.name == *name) {
            return self.path.get(index);
        }
        if let Some(index) = operation.query_parameters.iter().position(|parameter| *parameter.name == *name) {
            return self.query.get(index)?.as_ref();
        }
        if let Some(index) = operation.header_parameters.iter().position(|(_, parameter)| *parameter.name == *name) {
            return self.headers.get(index)?.as_ref();
        }
        self.body.as_ref()?.get(name).filter(|value| **value != Value::Null)
    }

    /// SHA-256 over method, rebuilt target, header fields, media type and body: two requests of one digest ask for the same.
    #[must_use]
    pub const fn digest(&self) -> Sha256 {
        self.digest
    }

    /// The idempotency key, from where the operation says that it stands.
    #[must_use]
    pub const fn idempotency_key(&self) -> Option<&Stranger> {
        self.idempotency_key.as_ref()
    }

    /// Writes the request out; `transform` says what becomes of each leaf, in the order path, query, header fields, body.
    ///
    /// # Errors
    /// The first that `transform` returns.
    pub fn render<E>(&self, transform: &mut dyn FnMut(Leaf<'_>) -> Result<Treated, E>) -> Result<Outgoing, E> {
        let operation = self.operation();
        let mut walk = Walk::new(transform);
        let target = walk.target(operation, &self.path, &self.query)?;
        let declared = operation.header_parameters.iter().map(|(name, parameter)| (name, parameter));
        let fields = walk.fields(declared, &self.headers)?;
        let mut body = Vec::new();
        let mut content_type = None;
        if let (Some(form), Some(value)) = (self.form(), &self.body) {
            body.reserve(1024);
            walk.object(&form.schema, value, &mut body)?;
            content_type = Some(form.media_type.clone());
        }
        Ok(Outgoing {
            method: operation.method.clone(),
            target: target.into_boxed_str(),
            content_type,
            accept: operation.accept.clone(),
            fields,
            body: Bytes::from(body),
        })
    }

    /// The form of the body that was declared.
    fn form(&self) -> Option<&Form<Object>> {
        self.operation().bodies.get(self.form?)
    }

    fn identifiers_fit<'c>(&self, claim: &dyn Fn(&str) -> Option<&'c str>) -> bool {
        let operation = self.operation();
        let path = operation.path_parameters.iter().zip(self.path.iter().map(Some));
        let query = operation.query_parameters.iter().zip(self.query.iter().map(Option::as_ref));
        let headers = operation.header_parameters.iter().map(|(_, parameter)| parameter);
        let headers = headers.zip(self.headers.iter().map(Option::as_ref));
        let parameters = path
            .chain(query)
            .chain(headers)
            .all(|(parameter, value)| value.is_none_or(|value| body::identifier_fits(&parameter.leaf, value, claim)));
        parameters
            && match (self.form(), &self.body) {
                (Some(form), Some(value)) => body::members_fit(&form.schema, value, claim),
                _ => true,
            }
    }

    /// The texts that the compiler has made sure are always there.
    fn resource_parts(&self) -> Vec<Box<str>> {
        let names = self.operation().resource.id.iter();
        names.map(|name| self.value(name).map(target::plain_text).unwrap_or_default().into()).collect()
    }

    fn digest_of_all(&self) -> Sha256 {
        let Ok(whole) = self.render::<Infallible>(&mut |_| Ok(Treated::Keep));
        let mut digest = sha2::Sha256::new();
        let mut part = |bytes: &[u8]| {
            // The length first, so that no two lists of parts are the same bytes.
            digest.update(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
            digest.update(bytes);
        };
        part(whole.method.as_str().as_bytes());
        part(whole.target.as_bytes());
        for (name, value) in &whole.fields {
            part(name.as_str().as_bytes());
            part(value.as_bytes());
        }
        part(whole.content_type.as_ref().map_or(&[][..], |media_type| media_type.as_bytes()));
        part(&whole.body);
        Sha256::new(digest.finalize().into())
    }
}

impl fmt::Debug for Rebuilt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rebuilt({:?})", self.routed)
    }
}

fn parse_body(routed: &Routed, form: Option<usize>, body: &[u8]) -> Result<Option<Value>, ContractFault> {
    let operation = routed.operation();
    let Some(form) = form.and_then(|form| operation.bodies.get(form)) else {
        return if body.is_empty() { Ok(None) } else { Err(ContractFault::BodyNotDeclared) };
    };
    if u64::try_from(body.len()).unwrap_or(u64::MAX) > operation.body_max_bytes {
        return Err(ContractFault::BodyTooLarge);
    }
    if body.is_empty() {
        return Err(ContractFault::BodyMissing);
    }
    body::parse_object(&form.schema, body, routed.contract().json_limits).map(Some).map_err(|fault| match fault {
        BodyFault::Malformed(fault) => ContractFault::BodyMalformed(fault),
        BodyFault::Wrong(place) => ContractFault::Body(place),
    })
}

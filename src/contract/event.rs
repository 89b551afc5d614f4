//! An event of a contract, compiled, and one that came, rebuilt.
//!
//! An event is a webhook by its name: `{type, timestamp, data}` (Standard Webhooks, "Payload structure"). It goes to the partner
//! (outbound) or comes from it (inbound), and the same parser that the contract compiled takes both. What was taken is
//! [`RebuiltEvent`]; whatever goes on is written anew from it, and the raw bytes go no further.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;

use crate::contract::body;
use crate::contract::body::BodyFault;
use crate::contract::fault::ContractFault;
use crate::contract::operation::Contract;
use crate::contract::operation::Field;
use crate::contract::operation::ResourceRule;
use crate::contract::render::Walk;
use crate::contract::schema::Object;
use crate::contract::target;
use crate::json::Value;
use crate::model::ActionName;
use crate::model::Direction;
use crate::model::EventName;
use crate::model::IdentifierKind;
use crate::model::Leaf;
use crate::model::Name;
use crate::model::ResourceId;
use crate::model::Sha256;
use crate::model::Stranger;
use crate::model::Treated;
use bytes::Bytes;
use sha2::Digest;

/// The member that bears the event's name.
pub(super) const TYPE: &str = "type";
/// When it happened, RFC 3339.
pub(super) const TIMESTAMP: &str = "timestamp";
/// All that is told of it.
pub(super) const DATA: &str = "data";

/// One webhook of a contract.
pub struct Event {
    /// Its name, unique within the contract, for instance `grant.revoked`.
    pub name: EventName,
    /// The Cedar action.
    pub action: ActionName,
    /// The thing that it is about; the values that name it are members of the data.
    pub resource: ResourceRule,
    /// Which way it goes.
    pub direction: Direction,
    /// Whether it tells the partner of rights that end, so that it goes to the partner also when the person it is about is
    /// revoked.
    pub narrows: bool,
    /// What the data is used for.
    pub purpose: Name,
    /// Why it may be.
    pub legal_basis: Name,
    /// The longest body, in bytes.
    pub body_max_bytes: u64,
    /// Every leaf that may cross, in the order of the contract.
    pub fields: Vec<Field>,
    pub(super) envelope: Object,
}

/// Proof that a whole event fits its contract; only [`rebuild_event`] makes one.
#[must_use = "without this proof the event ends here"]
pub struct RebuiltEvent {
    contract: Arc<Contract>,
    index: EventIndex,
    body: Value,
    resource: ResourceId,
    digest: Sha256,
}

/// The index of an event in its contract; only the compiler makes one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct EventIndex(usize);

impl EventIndex {
    pub(super) const fn new(index: usize) -> Self {
        Self(index)
    }

    pub(super) const fn get(self) -> usize {
        self.0
    }
}

/// Parses an event that goes `direction` by the schema of the webhook that its `type` names, whole and once.
///
/// # Errors
/// [`ContractFault::BodyMissing`], [`ContractFault::BodyTooLarge`], [`ContractFault::BodyMalformed`], and
/// [`ContractFault::Body`] with the first place that does not fit: `/type` where no event of this name goes this way.
pub fn rebuild_event(
    contract: &Arc<Contract>,
    direction: Direction,
    bytes: &[u8],
) -> Result<RebuiltEvent, ContractFault> {
    if bytes.is_empty() {
        return Err(ContractFault::BodyMissing);
    }
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > contract.event_max_bytes() {
        return Err(ContractFault::BodyTooLarge);
    }
    let mut index = EventIndex::new(0);
    let body = body::parse_told(TYPE, bytes, contract.json_limits, |name| {
        index = contract.event_index(name, direction)?;
        Some(&contract.event_at(index).envelope)
    });
    let body = body.map_err(|fault| match fault {
        BodyFault::Malformed(fault) => ContractFault::BodyMalformed(fault),
        BodyFault::Wrong(place) => ContractFault::Body(place),
    })?;
    let event = contract.event_at(index);
    let mut rebuilt = RebuiltEvent {
        resource: ResourceId { kind: event.resource.kind.clone(), parts: Vec::new() },
        contract: Arc::clone(contract),
        index,
        body,
        digest: Sha256::new([0; 32]),
    };
    rebuilt.resource.parts = rebuilt.resource_parts();
    rebuilt.digest = Sha256::new(sha2::Sha256::digest(rebuilt.as_taken()).into());
    Ok(rebuilt)
}

impl RebuiltEvent {
    /// The event.
    #[must_use]
    pub fn event(&self) -> &Event {
        self.contract.event_at(self.index)
    }

    /// The contract.
    #[must_use]
    pub const fn contract(&self) -> &Arc<Contract> {
        &self.contract
    }

    /// The thing that it is about.
    #[must_use]
    pub const fn resource(&self) -> &ResourceId {
        &self.resource
    }

    /// The checked value of this name: a member of the data's top level. `null` is none: policies see nothing.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.body.get(DATA)?.get(name).filter(|value| **value != Value::Null)
    }

    /// When it happened, as its sender says: RFC 3339.
    #[must_use]
    pub fn timestamp(&self) -> &str {
        self.body.get(TIMESTAMP).and_then(Value::as_str).unwrap_or_default()
    }

    /// SHA-256 over the event as it was taken: two events of one digest tell the same.
    #[must_use]
    pub const fn digest(&self) -> Sha256 {
        self.digest
    }

    /// The event as it was taken: what its contract declares, rebuilt, and nothing else. [`rebuild_event`] takes it again.
    #[must_use]
    pub fn as_taken(&self) -> Bytes {
        // Not rendered: that leaves out a `null` whose value would be dropped, and here nothing is dropped yet.
        Bytes::from(body::spelled(&self.body))
    }

    /// The identifiers of users, devices and cars in it, each with its kind: in an inbound event they are pseudonyms.
    #[must_use]
    pub fn persons(&self) -> Vec<(IdentifierKind, Stranger)> {
        self.identifiers(IdentifierKind::must_equal_a_claim)
    }

    /// The identifiers of requests in it: by one of them a partner names the token that a command came with.
    #[must_use]
    pub fn requests(&self) -> Vec<Stranger> {
        let of_requests = self.identifiers(|kind| kind == IdentifierKind::Request);
        of_requests.into_iter().map(|(_, value)| value).collect()
    }

    fn identifiers(&self, wanted: impl Fn(IdentifierKind) -> bool) -> Vec<(IdentifierKind, Stranger)> {
        let mut found = Vec::new();
        let noted = self.render(&mut |leaf| {
            if let (Some(kind), Some(text)) = (leaf.kind.filter(|kind| wanted(*kind)), leaf.text) {
                found.push((kind, Stranger::new(text)));
            }
            Ok::<_, Infallible>(Treated::Keep)
        });
        match noted {
            Ok(_) => found,
            Err(never) => match never {},
        }
    }

    /// Writes the event out; `transform` says what becomes of each leaf.
    ///
    /// # Errors
    /// The first that `transform` returns.
    pub fn render<E>(&self, transform: &mut dyn FnMut(Leaf<'_>) -> Result<Treated, E>) -> Result<Bytes, E> {
        let mut bytes = Vec::with_capacity(1024);
        Walk::new(transform).object(&self.event().envelope, &self.body, &mut bytes)?;
        Ok(Bytes::from(bytes))
    }

    /// The texts that the compiler has made sure are always there.
    fn resource_parts(&self) -> Vec<Box<str>> {
        let names = self.event().resource.id.iter();
        names.map(|name| self.value(name).map(target::plain_text).unwrap_or_default().into()).collect()
    }
}

impl Contract {
    /// All events, in the order of the file.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// The longest event, in bytes; 0 where none is declared.
    #[must_use]
    pub fn event_max_bytes(&self) -> u64 {
        self.events.iter().map(|event| event.body_max_bytes).max().unwrap_or_default()
    }

    /// The event of this name that goes this way.
    fn event_index(&self, name: &str, direction: Direction) -> Option<EventIndex> {
        let is = |event: &Event| event.name.as_str() == name && event.direction == direction;
        self.events.iter().position(is).map(EventIndex::new)
    }
}

impl fmt::Debug for RebuiltEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RebuiltEvent({} of {})", self.event().name, self.contract.partner())
    }
}

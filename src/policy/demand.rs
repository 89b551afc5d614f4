//! What the contracts demand of the policies: which actions they name, on what, and which validated values they bring.
//!
//! Plain words, so that this room need not know a contract. Whoever assembles a bundle writes one [`Demand`] for each
//! operation and each event; at load each is held against the schema.

use crate::diagnostic::Place;
use crate::diagnostic::Source;
use crate::model::ActionName;
use crate::model::OperationId;
use crate::model::Recordable;

/// Who asks for an action.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DemandedBy {
    /// A person, by an operation and a token: the principal is a `User`.
    User,
    /// The backend, by an event that goes to the partner: the principal is a `Backend`.
    Backend,
    /// The partner, by an event that comes from it: the principal is a `Partner`.
    Partner,
    /// The partner, by an operation that it asks for and a token of its own: the principal is a `Partner`.
    Client,
}

/// The demand of one operation or event.
#[derive(Clone, Debug)]
pub struct Demand {
    /// The operation or event, for messages.
    pub operation: OperationId,
    /// Where its contract names the action, for messages; `None` where no contract stands behind it.
    pub stated: Option<(Source, Place)>,
    /// Who asks.
    pub by: DemandedBy,
    /// The Cedar action that it is.
    pub action: ActionName,
    /// The entity type of its resource, without namespace.
    pub resource: Box<str>,
    /// Whether each of its commands carries a time, so that it has an age.
    pub dated: bool,
    /// The values that `context.request` may hold.
    pub values: Vec<DemandValue>,
}

/// A validated value of an operation: of its path, its query, or the top level of its body, or of an event's data.
#[derive(Clone, Debug)]
pub struct DemandValue {
    /// Its name, which is the attribute's.
    pub name: Box<str>,
    /// What it is.
    pub kind: ValueKind,
    /// Whether it is always there.
    pub required: bool,
    /// What of it a record may hold.
    pub recordable: Recordable,
}

/// What a validated value may be, to be seen by policies.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ValueKind {
    /// Text: a Cedar `String`.
    Text,
    /// A whole number: a Cedar `Long`.
    Integer,
    /// `true` or `false`: a Cedar `Bool`.
    Boolean,
}

//! What a contract says, compiled: its operations, and every leaf value that may cross with its class and protection.
//!
//! These are the operator's words, resolved; they come from a file that was approved, so they may be printed. How a request is
//! held against them is `declare.rs` and `rebuild.rs`; how an answer is, `answer.rs`.

use std::sync::Arc;

use crate::contract::event::Event;
use crate::contract::event::EventIndex;
use crate::contract::router::Router;
use crate::contract::schema::Object;
use crate::contract::schema::Parameter;
use crate::contract::schema::Schema;
use crate::json;
use crate::model::ActionName;
use crate::model::Authentication;
use crate::model::DataClass;
use crate::model::Direction;
use crate::model::IdentifierKind;
use crate::model::Name;
use crate::model::OperationId;
use crate::model::Part;
use crate::model::PartnerName;
use crate::model::Protection;
use crate::model::RightKind;

/// One contract: what may cross between the backend and one partner.
pub struct Contract {
    pub(super) partner: PartnerName,
    pub(super) recipient: Box<str>,
    pub(super) country: Box<str>,
    pub(super) retention: Box<str>,
    pub(super) operations: Vec<Operation>,
    pub(super) events: Vec<Event>,
    /// The operations that the backend asks for.
    pub(super) router: Router,
    /// Those that the partner asks for: neither door finds what is the other's.
    pub(super) inbound: Router,
    pub(super) json_limits: json::Limits,
}

/// One method of one path.
pub struct Operation {
    /// Its `operationId`, unique within the contract.
    pub id: OperationId,
    /// The method.
    pub method: http::Method,
    /// The path as the contract writes it, for instance `/v1/houses/{houseId}`.
    pub path: Box<str>,
    /// The Cedar action.
    pub action: ActionName,
    /// The thing that it is done to.
    pub resource: ResourceRule,
    /// Which way it goes.
    pub direction: Direction,
    /// What it moves, if it moves something.
    pub actuates: Option<Actuates>,
    /// Whether it lets people out, in which case the contract states that the lock also opens locally.
    pub lets_people_out: bool,
    /// How old a command may be, in seconds; always there if it moves something.
    pub max_age_s: Option<u64>,
    /// Where the idempotency key stands; always there if it moves something.
    pub idempotency: Option<Idempotency>,
    /// What the data is used for.
    pub purpose: Name,
    /// Why it may be.
    pub legal_basis: Name,
    /// The entry of the token's `authorization_details` that grants it.
    pub right: Option<RightDemand>,
    /// The scope that a partner's token must have; there exactly if it is inbound.
    pub scope: Option<Arc<str>>,
    /// How the user must have been authenticated.
    pub authentication: Authentication,
    /// The longest body, in bytes.
    pub body_max_bytes: u64,
    /// Every leaf that may cross, in the order of the contract: path, query, header, body, answers.
    pub fields: Vec<Field>,
    /// Which list of its answers holds records; the compiler has held it against the answers.
    pub(super) records: Option<RecordRule>,
    pub(super) segments: Vec<Segment>,
    pub(super) path_parameters: Vec<Parameter>,
    pub(super) query_parameters: Vec<Parameter>,
    pub(super) header_parameters: Vec<(http::HeaderName, Parameter)>,
    /// The forms that the body can have; none where there is no body.
    pub(super) bodies: Vec<Form<Object>>,
    /// The media types of all answers, as `Accept` lists them.
    pub(super) accept: http::HeaderValue,
    pub(super) answers: Vec<AnswerShape>,
}

/// Which list of an answer holds records, and what in a record names its house.
#[derive(Eq, PartialEq)]
pub(super) struct RecordRule {
    /// A JSON pointer (RFC 6901).
    pub(super) array: Box<str>,
    pub(super) house: Box<str>,
}

/// One piece of a path between two slashes.
pub(super) enum Segment {
    /// Text that stands there as it is.
    Literal(Box<str>),
    /// The path parameter of this index.
    Parameter(usize),
}

/// One declared answer.
pub(super) struct AnswerShape {
    pub(super) status: http::StatusCode,
    pub(super) fields: Vec<(http::HeaderName, Parameter)>,
    /// The forms that the body can have; none where there is no body.
    pub(super) bodies: Vec<Form<Schema>>,
}

/// One form that a body can have.
pub(super) struct Form<S> {
    pub(super) media_type: http::HeaderValue,
    pub(super) schema: S,
}

impl<S> Form<S> {
    /// The form whose media type this is, in whatever case.
    pub(super) fn of<'f>(forms: &'f [Self], media_type: &str) -> Option<(usize, &'f Self)> {
        let is = |form: &Self| form.media_type.as_bytes().eq_ignore_ascii_case(media_type.as_bytes());
        forms.iter().enumerate().find(|(_, form)| is(form))
    }
}

/// How the thing is named that an operation is done to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ResourceRule {
    /// The entity type without namespace, for instance `Door`.
    pub kind: Arc<str>,
    /// The names of the validated values that make its id, outermost first.
    pub id: Vec<Arc<str>>,
}

/// What an operation moves.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Actuates {
    /// A door.
    Door,
    /// A barrier.
    Barrier,
}

/// Where the idempotency key of an operation stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Idempotency {
    /// In the header `Idempotency-Key`.
    Header,
    /// In this required text of the body.
    BodyField(Arc<str>),
}

/// Which entry of the token's `authorization_details` grants an operation.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RightDemand {
    /// The entry's `type`.
    pub kind: RightKind,
    /// The action that it must list.
    pub action: Name,
}

/// What a contract says of one leaf value: the `x-portcullis` of its schema.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct FieldRule {
    /// What kind of data it is.
    pub class: DataClass,
    /// What an identifier names; there exactly if the class is `identifier`.
    pub of: Option<IdentifierKind>,
    /// What happens to it on its way.
    pub protection: Protection,
}

/// One leaf that may cross, for whoever lists them: policy schema, register of flows, `contract show`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Field {
    /// Where it stands.
    pub part: Part,
    /// The status of the answer that it stands in; `None` in a request.
    pub status: Option<u16>,
    /// A parameter's or header's name, with `/*` the elements of a list; in a body a JSON pointer (RFC 6901) with `*` for any
    /// element or any member of a map, `/items/*/id`. `*#` are the names of a map's members.
    pub pointer: String,
    /// Class, kind and protection.
    pub rule: FieldRule,
    /// The claim of the token that it must equal.
    pub claim: Option<Arc<str>>,
    /// The kind of the value.
    pub kind: json::Kind,
    /// Whether it is a whole number.
    pub whole: bool,
    /// Whether it is always there (each level above it is required too).
    pub required: bool,
}

impl Contract {
    /// The partner that it is made with.
    #[must_use]
    pub const fn partner(&self) -> &PartnerName {
        &self.partner
    }

    /// Who receives the data, as the register of flows names them.
    #[must_use]
    pub fn recipient(&self) -> &str {
        &self.recipient
    }

    /// The recipient's country, ISO 3166-1 alpha-2.
    #[must_use]
    pub fn country(&self) -> &str {
        &self.country
    }

    /// How long the recipient keeps the data, an ISO 8601 duration.
    #[must_use]
    pub fn retention(&self) -> &str {
        &self.retention
    }

    /// All operations, in the order of the file.
    #[must_use]
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// The scopes that a token of the partner may have: those of its inbound operations.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        self.operations.iter().filter_map(|operation| operation.scope.as_deref())
    }

    /// The operation of this index.
    pub(super) fn operation(&self, index: OperationIndex) -> &Operation {
        #[expect(
            clippy::indexing_slicing,
            reason = "an `OperationIndex` is made by this contract's compiler, and operations are never removed"
        )]
        &self.operations[index.0]
    }

    /// The event of this index.
    pub(super) fn event_at(&self, index: EventIndex) -> &Event {
        #[expect(
            clippy::indexing_slicing,
            reason = "an `EventIndex` is made by looking into this contract's events, and none is ever removed"
        )]
        &self.events[index.get()]
    }
}

/// The index of an operation in its contract; only the compiler makes one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct OperationIndex(usize);

impl OperationIndex {
    pub(super) const fn new(index: usize) -> Self {
        Self(index)
    }
}

impl Actuates {
    /// All, with their words in a contract.
    pub const ALL: [(&'static str, Self); 2] = [("door", Self::Door), ("barrier", Self::Barrier)];

    /// The kind of identifier that names what is moved.
    #[must_use]
    pub const fn names(self) -> IdentifierKind {
        match self {
            Self::Door => IdentifierKind::Door,
            Self::Barrier => IdentifierKind::Barrier,
        }
    }
}

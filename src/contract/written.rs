//! A contract as it was written: the parts of the document that have a meaning here, each with its place, references followed.
//!
//! Nothing is resolved yet but types and words. What belongs together, and what is missing, the compiler says.

use crate::contract::format::Format;
use crate::contract::multiple::Multiple;
use crate::contract::operation::Actuates;
use crate::diagnostic::Place;
use crate::json::Number;
use crate::model::Authentication;
use crate::model::DataClass;
use crate::model::Direction;
use crate::model::IdentifierKind;
use crate::model::Name;
use crate::model::Protection;
use crate::model::RightKind;
use http::Method;

/// A value and where it stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct At<T> {
    pub(super) place: Place,
    pub(super) value: T,
}

/// The whole document.
pub(super) struct Document<'a> {
    /// `None` if they could not be read, as all below.
    pub(super) words: Option<ContractWords<'a>>,
    pub(super) paths: Vec<PathItem<'a>>,
    pub(super) webhooks: Vec<Option<Webhook<'a>>>,
}

/// `x-portcullis` of the document.
pub(super) struct ContractWords<'a> {
    pub(super) partner: Name,
    pub(super) recipient: &'a str,
    pub(super) country: &'a str,
    pub(super) retention: &'a str,
}

/// A path and its operations.
pub(super) struct PathItem<'a> {
    pub(super) template: At<&'a str>,
    pub(super) operations: Vec<Option<Operation<'a>>>,
}

/// An operation.
pub(super) struct Operation<'a> {
    pub(super) place: Place,
    pub(super) method: Method,
    pub(super) id: At<Name>,
    pub(super) words: OperationWords<'a>,
    /// Those of the path, then its own.
    pub(super) parameters: Vec<Parameter<'a>>,
    pub(super) bodies: Vec<Body<'a>>,
    pub(super) answers: Vec<Answer<'a>>,
}

/// `x-portcullis` of an operation.
pub(super) struct OperationWords<'a> {
    pub(super) action: Name,
    pub(super) kind: Name,
    pub(super) id: Vec<At<&'a str>>,
    pub(super) right: Option<(RightKind, Name)>,
    pub(super) scope: Option<At<&'a str>>,
    pub(super) direction: At<Direction>,
    pub(super) actuates: Option<At<Actuates>>,
    pub(super) egress: Option<Place>,
    pub(super) local_override: Option<At<bool>>,
    pub(super) max_age_s: Option<u64>,
    pub(super) authentication: Authentication,
    pub(super) idempotency: Option<At<&'a str>>,
    pub(super) records: Option<RecordWords<'a>>,
    /// The longest body, in bytes.
    pub(super) body_max_bytes: Option<At<u64>>,
    pub(super) purpose: Name,
    pub(super) legal_basis: Name,
}

/// `records` of an operation: a list of its answers, and the member of each element that names its house.
pub(super) struct RecordWords<'a> {
    /// A JSON pointer.
    pub(super) array: At<&'a str>,
    pub(super) house: At<&'a str>,
}

/// A webhook: an event that is posted.
pub(super) struct Webhook<'a> {
    pub(super) name: At<Name>,
    pub(super) words: EventWords<'a>,
    pub(super) body: Schema<'a>,
}

/// `x-portcullis` of a webhook.
pub(super) struct EventWords<'a> {
    pub(super) action: Name,
    pub(super) kind: Name,
    pub(super) id: Vec<At<&'a str>>,
    pub(super) direction: At<Direction>,
    pub(super) narrows: Option<At<bool>>,
    pub(super) purpose: Name,
    pub(super) legal_basis: Name,
}

/// Where a parameter stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum In {
    Path,
    Query,
    Header,
}

/// A parameter of a request, or a header of an answer.
pub(super) struct Parameter<'a> {
    pub(super) name: At<&'a str>,
    pub(super) location: In,
    pub(super) required: bool,
    pub(super) schema: Schema<'a>,
}

/// A declared answer.
pub(super) struct Answer<'a> {
    pub(super) status: At<http::StatusCode>,
    pub(super) headers: Vec<Parameter<'a>>,
    pub(super) bodies: Vec<Body<'a>>,
}

/// One form that a body can have.
pub(super) struct Body<'a> {
    pub(super) media_type: &'a str,
    pub(super) schema: Schema<'a>,
}

/// A schema.
pub(super) struct Schema<'a> {
    pub(super) place: Place,
    /// Where it says that `null` may stand there too.
    pub(super) null: Option<Place>,
    pub(super) shape: Shape<'a>,
}

/// What a schema says by its `type`.
pub(super) enum Shape<'a> {
    Object(Object<'a>),
    Map(Map<'a>),
    Choice(Choice<'a>),
    /// `anyOf` whose branches are values of several kinds.
    Kinds(Vec<Schema<'a>>),
    Array(Array<'a>),
    Text {
        limits: Text<'a>,
        words: Option<FieldWords<'a>>,
    },
    Number {
        whole: bool,
        limits: Range,
        words: Option<FieldWords<'a>>,
    },
    Boolean {
        only: Option<bool>,
        words: Option<FieldWords<'a>>,
    },
}

/// Keywords of objects.
pub(super) struct Object<'a> {
    pub(super) members: Vec<Member<'a>>,
    /// Where it says itself that it has no others.
    pub(super) closed: Option<Place>,
}

/// Keywords of maps: objects whose members have free names.
pub(super) struct Map<'a> {
    pub(super) names: Box<Schema<'a>>,
    pub(super) values: Box<Schema<'a>>,
    pub(super) min_members: usize,
    pub(super) max_members: Option<usize>,
}

/// `oneOf` with `discriminator`, or `anyOf` whose branches a property tells apart.
pub(super) struct Choice<'a> {
    pub(super) property: At<&'a str>,
    pub(super) branches: Vec<Schema<'a>>,
    /// The reference that each branch is, if it is one.
    pub(super) names: Vec<Option<&'a str>>,
    pub(super) mapping: Option<Mapping<'a>>,
}

/// `mapping` of a `discriminator`: values and the components that they tell.
pub(super) struct Mapping<'a> {
    pub(super) place: Place,
    pub(super) entries: Vec<(At<&'a str>, At<&'a str>)>,
}

/// Keywords of arrays.
pub(super) struct Array<'a> {
    pub(super) items: Box<Schema<'a>>,
    pub(super) min_items: usize,
    pub(super) max_items: Option<usize>,
    pub(super) unique: bool,
}

/// A property.
pub(super) struct Member<'a> {
    pub(super) name: At<&'a str>,
    pub(super) required: bool,
    pub(super) schema: Schema<'a>,
}

/// Keywords of text.
#[derive(Default)]
pub(super) struct Text<'a> {
    pub(super) min_length: usize,
    pub(super) max_length: Option<usize>,
    pub(super) pattern: Option<At<&'a str>>,
    pub(super) format: Option<Format>,
    /// `enum`, or the one of `const`; sorted.
    pub(super) words: Option<Vec<&'a str>>,
}

/// Keywords of numbers; the flags say that the bound itself is excluded.
#[derive(Default)]
pub(super) struct Range {
    pub(super) low: Option<(Number, bool)>,
    pub(super) high: Option<(Number, bool)>,
    pub(super) multiple_of: Option<Multiple>,
    /// `enum`, or the one of `const`; sorted.
    pub(super) numbers: Option<Vec<Number>>,
}

/// `x-portcullis` of a leaf.
pub(super) struct FieldWords<'a> {
    pub(super) place: Place,
    pub(super) class: DataClass,
    pub(super) of: Option<At<IdentifierKind>>,
    pub(super) claim: Option<At<&'a str>>,
    pub(super) protect: Option<At<Protect>>,
}

/// The words of `protect`; one of them only so that it can be refused by name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Protect {
    Known(Protection),
    Encrypt,
}

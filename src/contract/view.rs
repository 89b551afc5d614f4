//! The closed world of a contract, laid out to be read: every operation and event, every value that may cross with what bounds
//! it, and nothing else, because nothing else crosses.
//!
//! What operations and events are comes from the contract as it was compiled. Texts that the compiler turns into tables
//! (patterns, listed values) come from the document as it was written, which is read once more; that both name the same leaves,
//! the tests see to. All texts are the operator's: whoever shows them escapes them.

use crate::contract::event::Event;
use crate::contract::operation::Actuates;
use crate::contract::operation::Contract;
use crate::contract::operation::Idempotency;
use crate::contract::operation::Operation;
use crate::contract::operation::ResourceRule;
use crate::contract::read;
use crate::contract::tell;
use crate::contract::view_bounds;
use crate::contract::written;
use crate::contract::written::FieldWords;
use crate::contract::written::In;
use crate::contract::written::Protect;
use crate::contract::written::Schema;
use crate::contract::written::Shape;
use crate::diagnostic::Diagnostics;
use crate::diagnostic::Source;
use crate::limits::Limits;
use crate::model::DataClass;
use crate::model::Direction;
use crate::model::IdentifierKind;
use crate::model::Part;
use crate::model::Protection;
use crate::yaml;
use crate::yaml::Reader;

/// A contract, laid out.
#[derive(Clone, Debug)]
pub struct View {
    /// The partner that it is made with.
    pub partner: String,
    /// Who receives the data, the country (ISO 3166-1), and how long it is kept there (ISO 8601).
    pub recipient: [String; 3],
    /// In the order of the file.
    pub operations: Vec<ViewedOperation>,
    /// In the order of the file.
    pub events: Vec<ViewedEvent>,
}

/// An operation, laid out.
#[derive(Clone, Debug)]
pub struct ViewedOperation {
    /// Its `operationId`.
    pub id: String,
    /// The method.
    pub method: String,
    /// The path as the contract writes it.
    pub path: String,
    /// The Cedar action.
    pub action: String,
    /// The thing that it is done to, for instance `Door(houseId, doorId)`.
    pub resource: String,
    /// Which way it goes.
    pub direction: &'static str,
    /// The entry of the token's `authorization_details` that grants it, for instance `door_access: open`.
    pub right: Option<String>,
    /// The scope that the partner's token needs; of an inbound one only.
    pub scope: Option<String>,
    /// What it moves.
    pub actuates: Option<&'static str>,
    /// Whether it lets people out.
    pub lets_people_out: bool,
    /// How old a command may be, in seconds.
    pub max_age_s: Option<u64>,
    /// How the user must have been authenticated, in words; `None` where nothing is demanded.
    pub authentication: Option<String>,
    /// `header`, or the name of a member of the body.
    pub idempotency: Option<String>,
    /// The list of its answers and what in each element names its house, for instance `/events by houseId`.
    pub records: Option<String>,
    /// The longest body, in bytes; 0 where there is none.
    pub body_max_bytes: u64,
    /// What the data is used for, and why it may be.
    pub purpose: [String; 2],
    /// Parameters, in the order of the file.
    pub parameters: Vec<ViewedValue>,
    /// The forms of its body.
    pub bodies: Vec<ViewedBody>,
    /// The declared answers; there are no others.
    pub answers: Vec<ViewedAnswer>,
}

/// An event, laid out.
#[derive(Clone, Debug)]
pub struct ViewedEvent {
    /// Its name.
    pub name: String,
    /// The Cedar action.
    pub action: String,
    /// The thing that it is about.
    pub resource: String,
    /// Which way it goes.
    pub direction: &'static str,
    /// Whether it tells of rights that end.
    pub narrows: bool,
    /// The longest body, in bytes.
    pub body_max_bytes: u64,
    /// What the data is used for, and why it may be.
    pub purpose: [String; 2],
    /// Its values.
    pub body: ViewedBody,
}

/// One declared answer.
#[derive(Clone, Debug)]
pub struct ViewedAnswer {
    /// The status.
    pub status: u16,
    /// Its headers.
    pub headers: Vec<ViewedValue>,
    /// The forms of its body; none where it has no body.
    pub bodies: Vec<ViewedBody>,
}

/// One form of a body.
#[derive(Clone, Debug)]
pub struct ViewedBody {
    /// The media type.
    pub media_type: String,
    /// Every value in it, outer ones before what they hold.
    pub values: Vec<ViewedValue>,
}

/// One value that may cross, or what holds such.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ViewedValue {
    /// Where it stands.
    pub part: Part,
    /// A parameter's or header's name; in a body a JSON pointer as in [`crate::contract::Field`].
    pub pointer: String,
    /// `string`, `object`, `array or null` …
    pub kind: String,
    /// Its limits, in words; empty where its kind says all.
    pub bounds: String,
    /// Whether it is always there.
    pub required: bool,
    /// What kind of data it is and what happens to it; `None` of what holds others.
    pub leaf: Option<ViewedLeaf>,
}

/// What a contract says of a leaf.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ViewedLeaf {
    /// What kind of data it is.
    pub class: DataClass,
    /// What an identifier names.
    pub of: Option<IdentifierKind>,
    /// What happens to it on its way.
    pub protection: Protection,
    /// The claim of the token that it equals.
    pub claim: Option<String>,
}

impl View {
    /// Lays out the contract in `source`; `limits` are what it is compiled under.
    ///
    /// # Errors
    /// All faults of the contract: one that does not load has no closed world.
    pub fn of(source: &Source, limits: &Limits) -> Result<Self, Diagnostics> {
        let contract = Contract::compile_within(source, limits)?;
        let root = yaml::parse(source)?;
        let reader = Reader::new(source.clone());
        let view = read::document(&reader, &root).map(|document| view(&contract, &document));
        reader.finish(view)
    }
}

fn view(contract: &Contract, document: &written::Document<'_>) -> View {
    let written: Vec<_> = document.paths.iter().flat_map(|path| path.operations.iter().flatten()).collect();
    let operation = |one: &Operation| {
        written.iter().find(|known| known.id.value == one.id).map(|written| viewed_operation(one, written))
    };
    let webhooks: Vec<_> = document.webhooks.iter().flatten().collect();
    let event = |one: &Event| {
        webhooks.iter().find(|known| known.name.value == one.name).map(|written| viewed_event(one, written))
    };
    View {
        partner: contract.partner().to_string(),
        recipient: [contract.recipient(), contract.country(), contract.retention()].map(str::to_owned),
        operations: contract.operations().iter().filter_map(operation).collect(),
        events: contract.events().iter().filter_map(event).collect(),
    }
}

fn viewed_operation(one: &Operation, written: &written::Operation<'_>) -> ViewedOperation {
    let records = written.words.records.as_ref();
    let answers = written.answers.iter().map(|answer| ViewedAnswer {
        status: answer.status.value.as_u16(),
        headers: answer.headers.iter().flat_map(viewed_parameter).collect(),
        bodies: answer.bodies.iter().map(viewed_body).collect(),
    });
    ViewedOperation {
        id: one.id.to_string(),
        method: one.method.to_string(),
        path: one.path.to_string(),
        action: one.action.to_string(),
        resource: resource(&one.resource),
        direction: one.direction.word(),
        right: one.right.as_ref().map(|right| format!("{}: {}", right.kind.word(), right.action)),
        scope: one.scope.as_deref().map(str::to_owned),
        actuates: one
            .actuates
            .and_then(|what| Actuates::ALL.iter().find(|(_, one)| *one == what))
            .map(|(word, _)| *word),
        lets_people_out: one.lets_people_out,
        max_age_s: one.max_age_s,
        authentication: (!one.authentication.demands_nothing()).then(|| tell::authentication(&one.authentication)),
        idempotency: one.idempotency.as_ref().map(|place| match place {
            Idempotency::Header => "header".to_owned(),
            Idempotency::BodyField(name) => name.to_string(),
        }),
        records: records.map(|records| format!("{:?} by {}", records.array.value, records.house.value)),
        body_max_bytes: one.body_max_bytes,
        purpose: [one.purpose.to_string(), one.legal_basis.to_string()],
        parameters: written.parameters.iter().flat_map(viewed_parameter).collect(),
        bodies: written.bodies.iter().map(viewed_body).collect(),
        answers: answers.collect(),
    }
}

fn viewed_event(one: &Event, written: &written::Webhook<'_>) -> ViewedEvent {
    let mut values = Vec::new();
    walk(&written.body, &At { part: Part::Body, pointer: String::new(), required: true }, &mut values);
    ViewedEvent {
        name: one.name.to_string(),
        action: one.action.to_string(),
        resource: resource(&one.resource),
        direction: match one.direction {
            Direction::Outbound | Direction::Inbound => one.direction.word(),
        },
        narrows: one.narrows,
        body_max_bytes: one.body_max_bytes,
        purpose: [one.purpose.to_string(), one.legal_basis.to_string()],
        body: ViewedBody { media_type: "application/json".to_owned(), values },
    }
}

fn resource(rule: &ResourceRule) -> String {
    format!("{}({})", rule.kind, rule.id.join(", "))
}

fn viewed_parameter(written: &written::Parameter<'_>) -> Vec<ViewedValue> {
    let part = match written.location {
        In::Path => Part::Path,
        In::Query => Part::Query,
        In::Header => Part::Header,
    };
    let mut values = Vec::new();
    let at = At { part, pointer: written.name.value.to_owned(), required: written.required };
    walk(&written.schema, &at, &mut values);
    values
}

fn viewed_body(written: &written::Body<'_>) -> ViewedBody {
    let mut values = Vec::new();
    walk(&written.schema, &At { part: Part::Body, pointer: String::new(), required: true }, &mut values);
    ViewedBody { media_type: written.media_type.to_owned(), values }
}

/// Where a schema stands.
struct At {
    part: Part,
    pointer: String,
    required: bool,
}

impl At {
    fn inside(&self, step: &str, required: bool) -> Self {
        let pointer = format!("{}/{step}", self.pointer);
        Self { part: self.part, pointer, required: self.required && required }
    }

    fn maybe(&self) -> Self {
        Self { part: self.part, pointer: self.pointer.clone(), required: false }
    }
}

/// Lays out a schema and what it holds. Pointers and what is always there are the compiler's own (`compile_schema.rs`).
fn walk(schema: &Schema<'_>, at: &At, values: &mut Vec<ViewedValue>) {
    let at = if schema.null.is_some() { &at.maybe() } else { at };
    let row = ViewedValue {
        part: at.part,
        pointer: at.pointer.clone(),
        kind: view_bounds::kind(schema),
        bounds: view_bounds::bounds(&schema.shape),
        required: at.required,
        leaf: leaf(&schema.shape),
    };
    // Of a choice between kinds each branch tells for itself.
    if !matches!(schema.shape, Shape::Kinds(_)) {
        values.push(row);
    }
    match &schema.shape {
        Shape::Object(object) => members(object, at, values),
        Shape::Choice(choice) => {
            for (branch, number) in choice.branches.iter().zip(1..) {
                let Shape::Object(object) = &branch.shape else { continue };
                values.push(ViewedValue {
                    part: at.part,
                    pointer: at.pointer.clone(),
                    kind: format!("branch {number}"),
                    bounds: view_bounds::told_by(object, choice.property.value),
                    required: false,
                    leaf: None,
                });
                members(object, &at.maybe(), values);
            }
        }
        Shape::Kinds(branches) => {
            for branch in branches {
                let kind = view_bounds::json_kind(&branch.shape);
                let pointer = format!("{}/({kind})", at.pointer);
                walk(branch, &At { part: at.part, pointer, required: false }, values);
            }
        }
        Shape::Array(array) => walk(&array.items, &at.inside("*", false), values),
        Shape::Map(map) => {
            walk(&map.names, &at.inside("*#", false), values);
            walk(&map.values, &at.inside("*", false), values);
        }
        Shape::Text { .. } | Shape::Number { .. } | Shape::Boolean { .. } => {}
    }
}

fn members(object: &written::Object<'_>, at: &At, values: &mut Vec<ViewedValue>) {
    for member in &object.members {
        let step = member.name.value.replace('~', "~0").replace('/', "~1");
        walk(&member.schema, &at.inside(&step, member.required), values);
    }
}

fn leaf(shape: &Shape<'_>) -> Option<ViewedLeaf> {
    let (Shape::Text { words, .. } | Shape::Number { words, .. } | Shape::Boolean { words, .. }) = shape else {
        return None;
    };
    let FieldWords { class, of, claim, protect, .. } = words.as_ref()?;
    let protection = match protect.map(|at| at.value) {
        Some(Protect::Known(protection)) => protection,
        // The compiler takes no `encrypt`, and leaves out `protect` of what is public alone.
        Some(Protect::Encrypt) => return None,
        None => Protection::Keep,
    };
    let (of, claim) = (of.map(|at| at.value), claim.map(|at| at.value.to_owned()));
    Some(ViewedLeaf { class: *class, of, protection, claim })
}

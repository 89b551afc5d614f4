//! From the document as written to its meaning: the whole of it, its paths and its router.
//!
//! All faults of a document are found in one go. What one operation means is `compile_operation.rs`'s, what one value may be is
//! `compile_schema.rs`'s.

use std::collections::BTreeSet;

use crate::contract::compile_event;
use crate::contract::compile_operation;
use crate::contract::event::Event;
use crate::contract::operation::Contract;
use crate::contract::operation::Operation;
use crate::contract::operation::OperationIndex;
use crate::contract::pattern::Patterns;
use crate::contract::read;
use crate::contract::router;
use crate::contract::router::Piece;
use crate::contract::router::Router;
use crate::contract::target;
use crate::contract::written::At;
use crate::contract::written::ContractWords;
use crate::contract::written::Document;
use crate::diagnostic::Diagnostics;
use crate::diagnostic::Place;
use crate::diagnostic::Source;
use crate::json;
use crate::limits::Limits;
use crate::model::Direction;
use crate::yaml;
use crate::yaml::Reader;

impl Contract {
    /// Compiles a contract under the default limits.
    ///
    /// # Errors
    /// All faults of the document.
    pub fn compile(source: &Source) -> Result<Self, Diagnostics> {
        Self::compile_within(source, &Limits::default())
    }

    /// Compiles a contract; `limits` bound the bodies of its operations, the depth of all JSON and the members of its objects.
    ///
    /// # Errors
    /// All faults of the document.
    pub fn compile_within(source: &Source, limits: &Limits) -> Result<Self, Diagnostics> {
        let root = yaml::parse(source)?;
        let reader = Reader::new(source.clone());
        let contract = read::document(&reader, &root).and_then(|document| compile(&reader, document, limits));
        reader.finish(contract).map_err(|faults| without_repetition(&faults))
    }
}

/// A path as the router and the operations need it.
pub(super) struct Path<'a> {
    pub(super) template: At<&'a str>,
    pub(super) pieces: Vec<Piece>,
    /// The names of its parameters, in order.
    pub(super) names: Vec<&'a str>,
}

/// The limits of all JSON that this room reads. Arrays and texts are bounded by their schemas and by the body.
pub(super) fn json_limits(limits: &Limits) -> json::Limits {
    json::Limits {
        max_depth: u8::try_from(limits.json_max_depth).unwrap_or(u8::MAX),
        max_members: usize::try_from(limits.json_max_members).unwrap_or(usize::MAX),
        max_elements: usize::MAX,
        max_string_bytes: usize::MAX,
    }
}

fn compile(reader: &Reader, document: Document<'_>, limits: &Limits) -> Option<Contract> {
    let (mut router, mut inbound) = (Router::new(), Router::new());
    let mut operations: Vec<Operation> = Vec::new();
    let mut paths: Vec<Path<'_>> = Vec::new();
    let mut ids = BTreeSet::new();
    let mut patterns = Patterns::default();
    for item in document.paths {
        let Some(path) = path(reader, item.template) else { continue };
        if let Some(other) = paths.iter().find(|other| router::overlap(&other.pieces, &path.pieces)) {
            overlapping(reader, &path, other.template);
            continue;
        }
        for written in item.operations.into_iter().flatten() {
            if !ids.insert(written.id.value.clone()) {
                let message = format!("the operation `{}` stands there twice", written.id.value);
                reader.fault("duplicate-operation", written.id.place, message);
                continue;
            }
            let Some(operation) = compile_operation::compile(reader, &path, written, limits, &mut patterns) else {
                continue;
            };
            // Within one path no method can stand twice: it is a key of a map.
            let door = match operation.direction {
                Direction::Outbound => &mut router,
                Direction::Inbound => &mut inbound,
            };
            door.add(path.pieces.clone(), operation.method.clone(), OperationIndex::new(operations.len()));
            operations.push(operation);
        }
        paths.push(path);
    }
    let mut events: Vec<Event> = Vec::new();
    for written in document.webhooks.into_iter().flatten() {
        if !ids.insert(written.name.value.clone()) {
            let message = format!("an operation has the name `{}` of this event", written.name.value);
            reader.fault("duplicate-operation", written.name.place, message);
            continue;
        }
        events.extend(compile_event::compile(reader, written, limits, &mut patterns));
    }
    let ContractWords { partner, recipient, country, retention } = document.words?;
    Some(Contract {
        partner,
        recipient: recipient.into(),
        country: country.into(),
        retention: retention.into(),
        operations,
        events,
        router,
        inbound,
        json_limits: json_limits(limits),
    })
}

/// Takes a template apart.
fn path<'a>(reader: &Reader, template: At<&'a str>) -> Option<Path<'a>> {
    let At { place, value: text } = template;
    let Some(inside) = text.strip_prefix('/').filter(|inside| !inside.is_empty()) else {
        reader.fault("path-template", place, format!("the path `{text}` does not begin with `/` and a piece"));
        return None;
    };
    let mut names = Vec::new();
    let mut pieces = Vec::new();
    for piece in inside.split('/') {
        if let Some(name) = piece.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            if names.contains(&name) {
                reader.fault("path-template", place, format!("the parameter `{name}` stands in the path twice"));
                return None;
            }
            names.push(name);
            pieces.push(Piece::Any);
        } else if !piece.is_empty() && piece != "." && piece != ".." && piece.bytes().all(target::unreserved) {
            pieces.push(Piece::Literal(piece.into()));
        } else {
            let message = format!("`{piece}` cannot stand between two slashes of a path");
            let fault = reader.source().fault("path-template", place, message);
            reader.report(fault.help("a piece is one `{parameter}`, or letters, digits, `-`, `.`, `_` and `~`"));
            return None;
        }
    }
    match pieces.first() {
        Some(Piece::Literal(first)) if **first != *"-" && **first != *".well-known" => {
            Some(Path { template, pieces, names })
        }
        _ => {
            let message = format!("the path `{text}` would cover the gateway's own");
            let fault = reader.source().fault("reserved-path", place, message);
            reader
                .report(fault.help(
                    "`/-/` and `/.well-known/` are the gateway's; begin with another word, not with a parameter",
                ));
            None
        }
    }
}

fn overlapping(reader: &Reader, path: &Path<'_>, other: At<&str>) {
    let message = format!("one request could match both `{}` and `{}`", path.template.value, other.value);
    let fault = reader.source().fault("overlapping-paths", path.template.place, message);
    reader.report(fault.help(format!("the other one stands in line {}", other.place.line)));
}

/// A schema that is referred to twice is read twice, and its faults are found twice.
fn without_repetition(faults: &Diagnostics) -> Diagnostics {
    let mut seen: BTreeSet<(Place, &'static str, String)> = BTreeSet::new();
    let mut once = Diagnostics::new();
    for fault in faults.iter() {
        if seen.insert((fault.place, fault.code, fault.message.clone())) {
            once.push(fault.clone());
        }
    }
    once
}

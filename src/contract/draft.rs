//! The draft of a contract, made from the API description that a partner publishes (OpenAPI 3.0 or 3.1).
//!
//! A description says what a partner's platform can do; a contract says what may cross. What people must decide between the two is
//! left blank in the draft: a key without value, with a comment that says what is asked. A blank is no value to the compiler, so
//! the draft does not load until each is filled in, and permits nothing even then: no policy speaks of its actions.
//!
//! What a contract cannot say is left out or said otherwise, and each time that is a finding with its place in the partner's file.
//! Nothing is guessed: not what a field holds, not how long a text is, not which of several objects is meant.

mod choice;
mod finding;
mod here;
mod leaf;
mod lines;
mod measure;
mod operation;
mod path;
mod render;
mod schema;
mod shape;

use crate::contract::draft::finding::Note;
use crate::contract::draft::here::Here;
use crate::contract::draft::shape::Drafted;
use crate::contract::pattern::Patterns;
use crate::diagnostic::Diagnostics;
use crate::diagnostic::Source;
use crate::model::Name;
use crate::yaml;
use crate::yaml::Reader;
use std::collections::BTreeMap;

pub use finding::Finding;
pub use finding::FindingKind;

/// A draft and what is to be done about it.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The contract, with blanks.
    pub text: String,
    /// What is blank, left out or said otherwise, in the order of the draft.
    pub findings: Vec<Finding>,
    /// How many operations it has.
    pub operations: usize,
}

/// What is wanted of a description.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'a> {
    /// The partner's name in our bundle; blank where none is given.
    pub partner: Option<&'a Name>,
    /// The operations, by `operationId`; all where none is named.
    pub operations: &'a [String],
}

/// Makes the draft of a contract.
///
/// # Errors
/// The file is no YAML or JSON, or no OpenAPI 3.0 or 3.1, or has no operation of a wanted name.
pub fn draft(source: &Source, wanted: &Wanted<'_>) -> Result<Draft, Diagnostics> {
    let root = yaml::parse_foreign(source)?;
    let reader = Reader::new(source.clone());
    let dialect = dialect(&reader, &Here::root(&root));
    let dialect = reader.finish(dialect)?;
    let mut drafter = Drafter {
        root: Here::root(&root),
        dialect,
        patterns: Patterns::default(),
        components: BTreeMap::new(),
        open: Vec::new(),
        depth: 0,
    };
    let paths = path::all(&mut drafter, wanted);
    path::all_are_there(source, &root, wanted, &paths)?;
    Ok(render::render(&drafter, wanted, paths))
}

/// Which of the two languages a description is in; they differ in schemas.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Dialect {
    /// 3.0: `nullable`, boolean `exclusiveMinimum`, nothing beside `$ref`.
    Old,
    /// 3.1: JSON Schema 2020-12.
    New,
}

/// What is known while a draft is made.
struct Drafter<'a> {
    root: Here<'a>,
    dialect: Dialect,
    patterns: Patterns,
    /// `components/schemas` that were drafted; `None` of one that is nothing but a circle.
    components: BTreeMap<&'a str, Option<Drafted>>,
    /// The schemas that are being drafted, by pointer, outermost first.
    open: Vec<String>,
    depth: usize,
}

fn dialect(reader: &Reader, root: &Here<'_>) -> Option<Dialect> {
    let help = "portcullis takes OpenAPI 3.0 and 3.1; converters from Swagger 2.0 are to be had";
    let Some(version) = root.get("openapi") else {
        let message = "this is no OpenAPI 3.0 or 3.1: it has no key `openapi`";
        reader.report(reader.source().fault("openapi-version", root.node.place, message).help(help));
        return None;
    };
    let text = version.scalar().unwrap_or_default();
    match text.get(..3) {
        Some("3.0") => Some(Dialect::Old),
        Some("3.1") => Some(Dialect::New),
        _ => {
            let message = "this is no OpenAPI 3.0 or 3.1";
            reader.report(reader.source().fault("openapi-version", version.node.place, message).help(help));
            None
        }
    }
}

/// What was made of a part of the description, or why nothing could be.
type Made<T> = Result<T, Note>;

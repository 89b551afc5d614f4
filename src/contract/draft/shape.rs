//! A schema as the draft will say it.

use crate::contract::draft::finding::Note;
use crate::contract::draft::here::Here;
use crate::diagnostic::Place;

/// A schema of the draft.
#[derive(Clone, Debug)]
pub(super) struct Drafted {
    /// Where it stands in the partner's file.
    pub(super) place: Place,
    pub(super) pointer: String,
    pub(super) description: Option<String>,
    /// Whether `null` may stand there too.
    pub(super) null: bool,
    pub(super) notes: Vec<Note>,
    pub(super) form: Form,
}

/// What it says.
#[derive(Clone, Debug)]
pub(super) enum Form {
    /// A schema under `components`, by its name.
    Ref(String),
    Object(Vec<Member>),
    /// The values of a map, and how many there may be.
    Map(Box<Drafted>, Counts),
    /// The elements, how many there may be, and whether none stands twice.
    Array(Box<Drafted>, Counts, bool),
    Leaf(Leaf),
    /// Values of several kinds, each with a branch of its own.
    Kinds(Vec<Drafted>),
    /// Objects that a property tells apart.
    Choice(String, Vec<Drafted>),
    /// Nobody can tell from the description; why.
    Unknown(&'static str, String),
}

/// A member of an object.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) name: String,
    pub(super) required: bool,
    pub(super) schema: Drafted,
}

/// How few and how many.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) fewest: Option<i64>,
    pub(super) most: Option<i64>,
}

/// A value that holds no others.
#[derive(Clone, Debug)]
pub(super) struct Leaf {
    pub(super) kind: LeafKind,
    /// Its keywords as they are written.
    pub(super) keywords: Vec<(&'static str, String)>,
    /// `enum` or `const`, as they are written.
    pub(super) words: Option<Vec<String>>,
    /// Whether it is a text of which nobody says how long it can be.
    pub(super) endless: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum LeafKind {
    Text,
    Integer,
    Number,
    Boolean,
}

impl LeafKind {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Text => "string",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
        }
    }
}

/// A parameter of a request, or a header of an answer.
#[derive(Clone, Debug)]
pub(super) struct Parameter {
    pub(super) name: String,
    /// `path`, `query` or `header`.
    pub(super) location: &'static str,
    pub(super) required: bool,
    pub(super) schema: Drafted,
}

/// An answer.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: String,
    pub(super) description: Option<String>,
    pub(super) headers: Vec<Parameter>,
    /// Media type and schema.
    pub(super) body: Option<(String, Drafted)>,
    pub(super) notes: Vec<Note>,
}

/// An operation.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) place: Place,
    pub(super) pointer: String,
    pub(super) method: &'static str,
    pub(super) id: String,
    pub(super) description: Option<String>,
    pub(super) parameters: Vec<Parameter>,
    pub(super) body: Option<(String, Drafted)>,
    pub(super) answers: Vec<Answer>,
    /// The values that could name the thing that it is done to.
    pub(super) candidates: Vec<String>,
    pub(super) notes: Vec<Note>,
}

/// A path and what can be done at it.
#[derive(Clone, Debug)]
pub(super) struct Path {
    pub(super) template: String,
    pub(super) operations: Vec<Operation>,
}

/// All paths of a draft, and what stands at none of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Paths {
    pub(super) paths: Vec<Path>,
    /// Of the whole description.
    pub(super) notes: Vec<Note>,
    /// Every `operationId` that was met, also of what is left out.
    pub(super) met: Vec<String>,
}

impl Drafted {
    pub(super) fn new(here: &Here<'_>, form: Form) -> Self {
        Self {
            place: here.node.place,
            pointer: here.pointer.clone(),
            description: None,
            null: false,
            notes: Vec::new(),
            form,
        }
    }

    /// The same with notes.
    pub(super) fn noted(mut self, notes: Vec<Note>) -> Self {
        self.notes.extend(notes);
        self
    }
}

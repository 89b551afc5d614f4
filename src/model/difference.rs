//! What two versions of the rules differ in, and what each difference lets happen: the words in which contract, policy and bundle
//! tell it.
//!
//! A difference is rated by what may cross and who may do what. *Wider* is whatever lets one message cross, or one request
//! through, that the older version would have stopped. *Narrower* and *neutral* are said only where that follows from what was
//! compared; what nobody derived counts as wider.

/// What a difference lets happen.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Rating {
    /// Something may happen that could not.
    Widens,
    /// Nothing was derived, so that it counts as wider.
    Underived,
    /// Something may happen no more, and nothing new.
    Narrows,
    /// Nothing else may happen than before.
    Neutral,
}

/// What it is that differs. Each is one row of `docs/policy-changes.md`.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum ChangeKind {
    /// A contract, and so a partner.
    Contract,
    /// Who receives the data.
    Recipient,
    /// The recipient's country.
    Country,
    /// How long the recipient keeps the data.
    Retention,
    /// An operation.
    Operation,
    /// An operation's method.
    Method,
    /// An operation's path.
    Path,
    /// The Cedar action of an operation or event.
    Action,
    /// The thing that an operation or event is about.
    Resource,
    /// Which way an operation or event goes.
    Direction,
    /// What an operation moves.
    Actuates,
    /// Whether an operation lets people out.
    LifeSafety,
    /// How old a command may be.
    MaxAge,
    /// How the user must have been authenticated.
    Authentication,
    /// Where the idempotency key stands.
    Idempotency,
    /// What the data is used for.
    Purpose,
    /// Why it may be.
    LegalBasis,
    /// The entry of the token that grants an operation.
    Right,
    /// The scope that a partner's token needs.
    Scope,
    /// The longest body.
    Limits,
    /// Which list of an answer holds records.
    Records,
    /// An event.
    Event,
    /// Whether an event goes out also when its person is revoked.
    Narrows,
    /// A parameter, a header, a property.
    Field,
    /// Whether something must be there.
    Required,
    /// A form that a body can have, by its media type.
    Body,
    /// A declared answer, by its status.
    Answer,
    /// In which order properties are written.
    Order,
    /// The kind of a value.
    Type,
    /// Whether `null` may stand there.
    Null,
    /// A branch of a choice, or the property that tells it.
    Choice,
    /// How many elements or members there may be.
    Count,
    /// Whether no two elements may be equal.
    Unique,
    /// The data class of a field.
    Class,
    /// What an identifier names.
    Of,
    /// The claim of the token that a field must equal.
    Claim,
    /// What happens to a field on its way.
    Protect,
    /// How long a text may be.
    Length,
    /// The pattern of a text.
    Pattern,
    /// The format of a text.
    Format,
    /// The listed values (`enum`, `const`).
    Values,
    /// How large a number may be.
    Range,
    /// What a number must be a multiple of.
    MultipleOf,
    /// For which environment the bundle is.
    Environment,
    /// What the configuration may not undercut.
    Requirement,
    /// A type of entity in the Cedar schema, or what may stand in what.
    EntityType,
    /// An action of the Cedar schema, or its group.
    SchemaAction,
    /// Who may ask for an action, or of what.
    AppliesTo,
    /// What policies of an action may look at.
    Attribute,
    /// What stands in what without live data.
    Constant,
    /// A Cedar policy, by its `@id`.
    Policy,
    /// What is written above a policy for people.
    Annotation,
    /// What comes of a case of the tests.
    Decision,
    /// The cases of the tests.
    Tests,
    /// A file's text, where its meaning is the same.
    Text,
}

/// One difference.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Difference {
    /// What differs.
    pub kind: ChangeKind,
    /// What it lets happen.
    pub rating: Rating,
    /// Where, outermost first: `contract smarthome`, `operation openDoor`, `request`, `/userId`. From files, so to be shown as
    /// plain text.
    pub place: Vec<Box<str>>,
    /// What the older version says; `None` where it says nothing.
    pub old: Option<String>,
    /// What the newer version says; `None` where it says nothing.
    pub new: Option<String>,
    /// What follows from it, in words of our own.
    pub meaning: &'static str,
    /// A value or request for which it makes a difference, where one was found.
    pub example: Option<String>,
}

impl Rating {
    /// All, the widest first.
    pub const ALL: [Self; 4] = [Self::Widens, Self::Underived, Self::Narrows, Self::Neutral];

    /// The word for people.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Widens => "widens",
            Self::Underived => "widens (not derived)",
            Self::Narrows => "narrows",
            Self::Neutral => "neutral",
        }
    }

    /// The word for machines, and in file formats.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Widens => "widens",
            Self::Underived => "not-derived",
            Self::Narrows => "narrows",
            Self::Neutral => "neutral",
        }
    }

    /// Whether it must be taken for wider.
    #[must_use]
    pub const fn widens(self) -> bool {
        matches!(self, Self::Widens | Self::Underived)
    }
}

impl ChangeKind {
    /// All, in the order of the documentation.
    pub const ALL: [Self; 54] = [
        Self::Contract,
        Self::Recipient,
        Self::Country,
        Self::Retention,
        Self::Operation,
        Self::Method,
        Self::Path,
        Self::Action,
        Self::Resource,
        Self::Direction,
        Self::Actuates,
        Self::LifeSafety,
        Self::MaxAge,
        Self::Authentication,
        Self::Idempotency,
        Self::Purpose,
        Self::LegalBasis,
        Self::Right,
        Self::Limits,
        Self::Records,
        Self::Event,
        Self::Narrows,
        Self::Field,
        Self::Required,
        Self::Body,
        Self::Answer,
        Self::Order,
        Self::Type,
        Self::Null,
        Self::Choice,
        Self::Count,
        Self::Unique,
        Self::Class,
        Self::Of,
        Self::Claim,
        Self::Protect,
        Self::Length,
        Self::Pattern,
        Self::Format,
        Self::Values,
        Self::Range,
        Self::MultipleOf,
        Self::Environment,
        Self::Requirement,
        Self::EntityType,
        Self::SchemaAction,
        Self::AppliesTo,
        Self::Attribute,
        Self::Constant,
        Self::Policy,
        Self::Annotation,
        Self::Decision,
        Self::Tests,
        Self::Text,
    ];

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Contract => "contract",
            Self::Recipient => "recipient",
            Self::Country => "country",
            Self::Retention => "retention",
            Self::Operation => "operation",
            Self::Method => "method",
            Self::Path => "path",
            Self::Action => "action",
            Self::Resource => "resource",
            Self::Direction => "direction",
            Self::Actuates => "actuates",
            Self::LifeSafety => "life-safety",
            Self::MaxAge => "max-age",
            Self::Authentication => "authentication",
            Self::Idempotency => "idempotency",
            Self::Purpose => "purpose",
            Self::LegalBasis => "legal-basis",
            Self::Right => "right",
            Self::Scope => "scope",
            Self::Limits => "limits",
            Self::Records => "records",
            Self::Event => "event",
            Self::Narrows => "narrows",
            Self::Field => "field",
            Self::Required => "required",
            Self::Body => "body",
            Self::Answer => "answer",
            Self::Order => "order",
            Self::Type => "type",
            Self::Null => "null",
            Self::Choice => "choice",
            Self::Count => "count",
            Self::Unique => "unique",
            Self::Class => "class",
            Self::Of => "of",
            Self::Claim => "claim",
            Self::Protect => "protect",
            Self::Length => "length",
            Self::Pattern => "pattern",
            Self::Format => "format",
            Self::Values => "values",
            Self::Range => "range",
            Self::MultipleOf => "multiple-of",
            Self::Environment => "environment",
            Self::Requirement => "requirement",
            Self::EntityType => "entity-type",
            Self::SchemaAction => "schema-action",
            Self::AppliesTo => "applies-to",
            Self::Attribute => "attribute",
            Self::Constant => "constant",
            Self::Policy => "policy",
            Self::Annotation => "annotation",
            Self::Decision => "decision",
            Self::Tests => "tests",
            Self::Text => "text",
        }
    }
}

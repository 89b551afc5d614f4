//! What a schema as written means: which values fit, and what is done with them. Lists every leaf on the way.
//!
//! The rules of data classes are held here, so that a contract that breaks one does not load:
//! - every leaf has a class, and every class but `public` says what happens to it;
//! - an identifier says of what; in a request those of users, devices and cars equal a claim of the token;
//! - biometric data and secrets never cross as they are; only text can become a pseudonym, and only identifiers do;
//! - every text, and every array, ends somewhere.

use crate::contract::operation::Field;
use crate::contract::operation::FieldRule;
use crate::contract::pattern::Pattern;
use crate::contract::schema::Array;
use crate::contract::schema::Bound;
use crate::contract::schema::Bounds;
use crate::contract::schema::Check;
use crate::contract::schema::LeafSchema;
use crate::contract::schema::Member;
use crate::contract::schema::Object;
use crate::contract::schema::Schema;
use crate::contract::schema::TextCheck;
use crate::contract::written;
use crate::contract::written::FieldWords;
use crate::contract::written::Protect;
use crate::contract::written::Shape;
use crate::contract::written_words;
use crate::diagnostic::Place;
use crate::json;
use crate::model::DataClass;
use crate::model::IdentifierKind;
use crate::model::Part;
use crate::model::Protection;
use crate::yaml::Reader;

/// Compiles schemas of one operation and lists their leaves.
pub(super) struct SchemaCompiler<'r> {
    pub(super) reader: &'r Reader,
    pub(super) limits: json::Limits,
    pub(super) fields: Vec<Field>,
}

/// Where a schema stands.
#[derive(Clone)]
pub(super) struct Position {
    pub(super) part: Part,
    /// The status of the answer; `None` in a request.
    pub(super) status: Option<u16>,
    pub(super) pointer: String,
    /// Whether all levels above are always there.
    pub(super) required: bool,
    /// Arrays and objects around it.
    pub(super) depth: u8,
}

impl Position {
    pub(super) const fn root(part: Part, status: Option<u16>) -> Self {
        Self { part, status, pointer: String::new(), required: true, depth: 0 }
    }

    pub(super) fn named(part: Part, status: Option<u16>, name: &str, required: bool) -> Self {
        Self { part, status, pointer: name.to_owned(), required, depth: 0 }
    }

    fn inside(&self, step: &str, required: bool) -> Self {
        let step = step.replace('~', "~0").replace('/', "~1");
        Self {
            part: self.part,
            status: self.status,
            pointer: format!("{}/{step}", self.pointer),
            required: self.required && required,
            depth: self.depth.saturating_add(1),
        }
    }
}

impl SchemaCompiler<'_> {
    /// Compiles a schema of any shape.
    pub(super) fn schema(&mut self, written: &written::Schema<'_>, at: &Position) -> Option<Schema> {
        match &written.shape {
            Shape::Object(members) => self.object(written.place, members, at).map(Schema::Object),
            Shape::Array { items, min_items, max_items } => {
                self.within_depth(written.place, at)?;
                let Some(max_items) = *max_items else {
                    let fault =
                        self.reader.source().fault("unbounded-array", written.place, "the array has no `maxItems`");
                    self.reader.report(fault.help("say how many elements there can be"));
                    return None;
                };
                let items = self.schema(items, &at.inside("*", false))?;
                Some(Schema::Array(Box::new(Array { items, min_items: *min_items, max_items })))
            }
            Shape::Text { .. } | Shape::Number { .. } | Shape::Boolean { .. } => {
                self.leaf(written, at).map(|leaf| Schema::Leaf(Box::new(leaf)))
            }
        }
    }

    /// Compiles the members of an object.
    pub(super) fn object(&mut self, place: Place, members: &[written::Member<'_>], at: &Position) -> Option<Object> {
        self.within_depth(place, at)?;
        if members.len() > self.limits.max_members {
            let message = format!("the object has {} properties, and `json_max_members` allows fewer", members.len());
            self.reader.fault("too-many-members", place, message);
            return None;
        }
        // All are compiled, so that all faults are found; then one that failed fails the whole.
        let compiled: Vec<Option<Member>> = members
            .iter()
            .map(|member| {
                let schema = self.schema(&member.schema, &at.inside(member.name.value, member.required))?;
                Some(Member::new(member.name.value, member.required, schema))
            })
            .collect();
        compiled.into_iter().collect::<Option<Vec<_>>>().map(Object::new)
    }

    /// Compiles a schema that must be a leaf.
    pub(super) fn leaf(&mut self, written: &written::Schema<'_>, at: &Position) -> Option<LeafSchema> {
        let (check, words) = match &written.shape {
            Shape::Object(_) | Shape::Array { .. } => {
                self.reader.fault("not-a-leaf", written.place, "only text, numbers and booleans can stand here");
                return None;
            }
            Shape::Text { limits, words } => (self.text(written.place, limits).map(Check::Text), words),
            Shape::Number { whole, limits, words } => {
                let bound = |(at, exclusive): (json::Number, bool)| Bound { at, exclusive };
                let bounds = Bounds {
                    low: limits.low.map(bound),
                    high: limits.high.map(bound),
                    numbers: limits.numbers.clone(),
                };
                (Some(if *whole { Check::Integer(bounds) } else { Check::Number(bounds) }), words)
            }
            Shape::Boolean { words } => (Some(Check::Boolean), words),
        };
        let is_text = matches!(written.shape, Shape::Text { .. });
        let Some(words) = words else {
            written_words::missing_class(self.reader, written.place);
            return None;
        };
        let rule = self.rule(words, is_text, at);
        let claim = self.claim(words, is_text, at);
        let (mut check, rule, claim) = (check?, rule?, claim?);
        if at.status.is_some() && rule.protection == Protection::Pseudonymize {
            check = Check::Pseudonym;
        }
        let leaf = LeafSchema { rule, claim: claim.map(Into::into), check };
        self.fields.push(Field {
            part: at.part,
            status: at.status,
            pointer: at.pointer.clone(),
            rule,
            claim: leaf.claim.clone(),
            kind: leaf.kind(),
            whole: matches!(leaf.check, Check::Integer(_)),
            required: at.required,
        });
        Some(leaf)
    }

    fn within_depth(&self, place: Place, at: &Position) -> Option<()> {
        if at.depth < self.limits.max_depth {
            return Some(());
        }
        let message = format!("nested more deeply than the {} levels of `json_max_depth`", self.limits.max_depth);
        self.reader.fault("too-deep", place, message);
        None
    }

    fn text(&self, place: Place, written: &written::Text<'_>) -> Option<TextCheck> {
        if written.max_length.is_none() && written.pattern.is_none() && written.words.is_none() {
            let message = "the text has neither `maxLength` nor `pattern` nor `enum`";
            self.reader
                .report(self.reader.source().fault("unbounded-text", place, message).help("say how long it can be"));
            return None;
        }
        let pattern = match &written.pattern {
            None => None,
            Some(at) => match Pattern::compile(at.value) {
                Ok(pattern) => Some(pattern),
                Err(error) => {
                    let fault = self.reader.source().fault("pattern", at.place, error.to_string());
                    self.reader.report(fault.help(
                        "write `^(?:…)$` with literals, classes, `\\d`, `\\w`, `.`, groups, alternatives and repetition",
                    ));
                    return None;
                }
            },
        };
        let words = written.words.as_ref().map(|words| words.iter().map(|word| Box::from(*word)).collect());
        Some(TextCheck { min_length: written.min_length, max_length: written.max_length, pattern, words })
    }

    /// What `x-portcullis` says of a leaf.
    fn rule(&self, words: &FieldWords<'_>, is_text: bool, at: &Position) -> Option<FieldRule> {
        let of = match (words.class, words.of) {
            (DataClass::Identifier, None) => {
                let kinds = IdentifierKind::ALL.map(IdentifierKind::word).join(", ");
                return self.refuse("missing-of", words.place, "the identifier does not say `of` what it is", &kinds);
            }
            (DataClass::Identifier, Some(of)) => Some(of.value),
            (_, Some(of)) => {
                return self.refuse("of-unfit", of.place, "only an identifier is `of` something", "take `of` out");
            }
            (_, None) => None,
        };
        let protection = match (words.protect, words.class) {
            (None, DataClass::Public) => Protection::Keep,
            (None, class) => {
                let message = format!("a value of class `{}` does not say how to `protect` it", class.word());
                let known = Protection::ALL.map(Protection::word).join(", ");
                return self.refuse("missing-protect", words.place, &message, &known);
            }
            (Some(protect), class) => self.protection(protect, class, is_text, at)?,
        };
        Some(FieldRule { class: words.class, of, protection })
    }

    fn protection(
        &self,
        protect: written::At<Protect>,
        class: DataClass,
        is_text: bool,
        at: &Position,
    ) -> Option<Protection> {
        let protection = match protect.value {
            Protect::Known(protection) => protection,
            Protect::Encrypt => {
                let message = "`protect: encrypt` is not available yet";
                let help = "let the backend encrypt it and write `require-encrypted`, or `drop` it";
                return self.refuse("encrypt-not-available", protect.place, message, help);
            }
        };
        let fault = match (protection, class) {
            (Protection::Keep, DataClass::Biometric | DataClass::Secret) => {
                Some("biometric data and secrets cannot be kept")
            }
            (Protection::Drop, _) if at.part == Part::Path => Some("a value of the path cannot be dropped"),
            (Protection::Pseudonymize, DataClass::Identifier) if is_text => None,
            (Protection::Pseudonymize, _) => Some("only an identifier that is text can become a pseudonym"),
            (Protection::RequireEncrypted, _) if !is_text => Some("only text can be encrypted"),
            (Protection::Keep | Protection::Drop | Protection::RequireEncrypted, _) => None,
        };
        match fault {
            Some(message) => self.refuse("protect-unfit", protect.place, message, "choose another protection"),
            None => Some(protection),
        }
    }

    /// The claim that a leaf must equal; the outer `None` is a fault.
    fn claim<'w>(&self, words: &FieldWords<'w>, is_text: bool, at: &Position) -> Option<Option<&'w str>> {
        let kind = words.of.map(|of| of.value).filter(|_| words.class == DataClass::Identifier);
        let wanted = kind.and_then(claim_of);
        let in_request = at.status.is_none();
        match (&words.claim, wanted) {
            (None, Some(claim)) if in_request && kind.is_some_and(IdentifierKind::must_equal_a_claim) => {
                let message = "the identifier of a user, device or car does not say which `claim` it equals";
                self.refuse("missing-claim", words.place, message, &format!("add `claim: {claim}`"))
            }
            (None, _) => Some(None),
            (Some(claim), _) if !in_request => {
                let message = "a `claim` binds a request to its caller, and this is an answer";
                self.refuse("claim-unfit", claim.place, message, "take `claim` out")
            }
            (Some(claim), Some(wanted)) if claim.value == wanted && is_text => Some(Some(claim.value)),
            (Some(claim), Some(wanted)) => {
                let message = format!("`claim: {}` does not go with what this identifier is of", claim.value);
                self.refuse("claim-unfit", claim.place, &message, &format!("it must be text and say `claim: {wanted}`"))
            }
            (Some(claim), None) => {
                let message = "nothing in a token says what this value must be";
                self.refuse(
                    "claim-unfit",
                    claim.place,
                    message,
                    "`claim` goes with ids of a user, device, car or tenant",
                )
            }
        }
    }

    fn refuse<T>(&self, code: &'static str, place: Place, message: &str, help: &str) -> Option<T> {
        self.reader.report(self.reader.source().fault(code, place, message).help(help));
        None
    }
}

/// The claim of a token that says what an identifier must be.
const fn claim_of(kind: IdentifierKind) -> Option<&'static str> {
    match kind {
        IdentifierKind::User => Some("sub"),
        IdentifierKind::Device => Some("device_id"),
        IdentifierKind::Car => Some("car_id"),
        IdentifierKind::Tenant => Some("tenant"),
        IdentifierKind::House | IdentifierKind::Door | IdentifierKind::Barrier | IdentifierKind::Request => None,
    }
}

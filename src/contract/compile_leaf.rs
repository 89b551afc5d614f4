//! What one leaf as written means: its check, its class and what becomes of it, and the claim that it must equal.
//!
//! The rules of data classes are held here, so that a contract that breaks one does not load:
//! - every leaf has a class, and every class but `public` says what happens to it;
//! - an identifier says of what; in a request those of users, devices and cars equal a claim of the token;
//! - biometric data and secrets never cross as they are; only text can become a pseudonym, and only identifiers do;
//! - every text ends somewhere.

use crate::contract::compile_schema::Position;
use crate::contract::compile_schema::SchemaCompiler;
use crate::contract::cost;
use crate::contract::leaf::Bound;
use crate::contract::leaf::Bounds;
use crate::contract::leaf::Check;
use crate::contract::leaf::LeafSchema;
use crate::contract::leaf::TextCheck;
use crate::contract::operation::Field;
use crate::contract::operation::FieldRule;
use crate::contract::written;
use crate::contract::written::FieldWords;
use crate::contract::written::Protect;
use crate::contract::written::Shape;
use crate::contract::written_words;
use crate::diagnostic::Place;
use crate::json;
use crate::model::DataClass;
use crate::model::Direction;
use crate::model::IdentifierKind;
use crate::model::Part;
use crate::model::Protection;

impl SchemaCompiler<'_> {
    /// Compiles a schema that must be a leaf.
    pub(super) fn leaf(&mut self, written: &written::Schema<'_>, at: &Position) -> Option<LeafSchema> {
        let (check, words) = match &written.shape {
            Shape::Object(_) | Shape::Array(_) | Shape::Map(_) | Shape::Choice(_) | Shape::Kinds(_) => {
                self.reader.fault("not-a-leaf", written.place, "only text, numbers and booleans can stand here");
                return None;
            }
            Shape::Text { limits, words } => (self.text(written.place, limits).map(Check::Text), words),
            Shape::Number { whole, limits, words } => {
                let bound = |(at, exclusive): (json::Number, bool)| Bound { at, exclusive };
                let bounds = Bounds {
                    low: limits.low.map(bound),
                    high: limits.high.map(bound),
                    multiple_of: limits.multiple_of,
                    numbers: limits.numbers.as_deref().map(Box::from),
                };
                (Some(if *whole { Check::Integer(bounds) } else { Check::Number(bounds) }), words)
            }
            Shape::Boolean { only, words } => (Some(Check::Boolean(*only)), words),
        };
        let is_text = matches!(written.shape, Shape::Text { .. });
        let Some(words) = words else {
            written_words::missing_class(self.reader, written.place);
            return None;
        };
        let rule = self.rule(words, is_text, at);
        let claim = self.claim(words, is_text, at);
        let (mut check, rule, claim) = (check?, rule?, claim?);
        // Of what no token of a person speaks for, the way is said; else requests go to the partner and answers come from it.
        let comes_from_partner =
            self.tokenless.map_or(at.status.is_some(), |direction| direction == Direction::Inbound);
        if comes_from_partner && rule.protection == Protection::Pseudonymize {
            check = Check::Pseudonym;
        }
        if let (Some(_), Some(place)) = (claim, written.null) {
            let message = "what must equal a claim of the token cannot be `null`";
            return self.refuse("null-unfit", place, message, "leave the property out of `required` instead");
        }
        let leaf = LeafSchema { rule, claim: claim.map(Into::into), check };
        self.count_leaf(written.place, at, &leaf);
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

    /// Counts what the values of a leaf cost.
    fn count_leaf(&mut self, place: Place, at: &Position, leaf: &LeafSchema) {
        let listed = |count: Option<usize>| count.map_or(0, cost::search);
        let (own, bytes, per_byte) = match &leaf.check {
            Check::Text(check) => {
                let words = listed(check.words.as_ref().map(|words| words.len()));
                let counted = u64::from(check.min_length > 0 || check.max_length.is_some());
                let pattern = check.pattern.as_ref().map_or(0, |pattern| cost::table(pattern.table_bytes()));
                // A comparison ends at the first difference, and goes through eight bytes at once until then.
                (words, 2, counted + pattern + u64::from(check.format.is_some()) + words / 8)
            }
            Check::Pseudonym => (0, 4, 1),
            Check::Integer(bounds) | Check::Number(bounds) => {
                let steps = cost::NUMBER + listed(bounds.numbers.as_ref().map(|numbers| numbers.len()));
                match bounds.multiple_of {
                    // Only fractions are spelled to be compared, and none has fewer bytes than `0.1`.
                    Some(of) if !of.is_whole() => (steps + cost::MULTIPLE, 3, 0),
                    Some(_) | None => (steps, 1, 0),
                }
            }
            Check::Boolean(_) => (0, 4, 0),
        };
        let treated = if leaf.rule.protection == Protection::Pseudonymize { cost::PSEUDONYM } else { 0 };
        self.count_value(place, at, cost::VALUE + own + treated, bytes);
        let per_byte = per_byte + u64::from(leaf.rule.protection == Protection::RequireEncrypted);
        self.cost.each_byte(place, cost::BYTE.saturating_mul(at.sets + 1).saturating_add(per_byte));
    }

    fn text(&mut self, place: Place, written: &written::Text<'_>) -> Option<TextCheck> {
        let ends = written.format.is_some_and(|format| format.max_bytes().is_some());
        if written.max_length.is_none() && written.pattern.is_none() && written.words.is_none() && !ends {
            let message = "the text has neither `maxLength` nor `pattern` nor `enum`, and no `format` that ends it";
            self.reader
                .report(self.reader.source().fault("unbounded-text", place, message).help("say how long it can be"));
            return None;
        }
        let pattern = match &written.pattern {
            None => None,
            Some(at) => match self.patterns.compile(at.value) {
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
        let (min_length, max_length) = (written.min_length, written.max_length);
        Some(TextCheck { min_length, max_length, pattern, format: written.format, words })
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
        self.tells_no_person(words, of, protection)?;
        Some(FieldRule { class: words.class, of, protection })
    }

    /// No person's token speaks for an event, or for what a partner asks: who a person is stays here all the same.
    fn tells_no_person(
        &self,
        words: &FieldWords<'_>,
        of: Option<IdentifierKind>,
        protection: Protection,
    ) -> Option<()> {
        let of_person = of.is_some_and(IdentifierKind::must_equal_a_claim);
        let told = match self.tokenless {
            Some(Direction::Outbound) => protection == Protection::Keep,
            Some(Direction::Inbound) => protection != Protection::Pseudonymize,
            None => false,
        };
        if !of_person || !told {
            return Some(());
        }
        let message = "the identifier of a user, device or car in an event or an inbound operation is not `protect: pseudonymize`";
        let help = "the partner knows persons by their pseudonyms alone; towards it a value may also be dropped";
        self.refuse("event-person", words.place, message, help)
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
        let in_request = at.status.is_none() && self.tokenless.is_none();
        match (&words.claim, wanted) {
            (None, Some(claim)) if in_request && kind.is_some_and(IdentifierKind::must_equal_a_claim) => {
                let message = "the identifier of a user, device or car does not say which `claim` it equals";
                self.refuse("missing-claim", words.place, message, &format!("add `claim: {claim}`"))
            }
            (None, _) => Some(None),
            (Some(claim), _) if !in_request => {
                let message =
                    "a `claim` binds a request to its caller, and this is an answer, an event or an inbound operation";
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

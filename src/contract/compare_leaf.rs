//! Two versions of one leaf: what the contract says of it, and which values fit.
//!
//! Where one version lists its values, they are held against the other one by one, so that what is said is exact. Patterns are
//! compared as sets of texts (`inclusion.rs`). All other keywords are compared each for itself: if each of them lets fewer values
//! through, so do all together.

use crate::contract::compare::Comparison;
use crate::contract::inclusion;
use crate::contract::inclusion::Apart;
use crate::contract::leaf::Bound;
use crate::contract::leaf::Bounds;
use crate::contract::leaf::Check;
use crate::contract::leaf::LeafSchema;
use crate::contract::leaf::TextCheck;
use crate::contract::multiple::Multiple;
use crate::contract::operation::FieldRule;
use crate::contract::pattern::Pattern;
use crate::contract::tell;
use crate::json::Number;
use crate::model::ChangeKind;
use crate::model::DataClass;
use crate::model::IdentifierKind;
use crate::model::Protection;
use crate::model::Rating;

/// What is said where more, or fewer, values fit.
const VALUES: (&str, &str) = ("other values pass too", "other values are refused");

impl Comparison {
    pub(super) fn leaf(&mut self, old: &LeafSchema, new: &LeafSchema) {
        self.rule(&old.rule, &new.rule);
        self.claim(old.claim.as_deref(), new.claim.as_deref());
        match (&old.check, &new.check) {
            (Check::Text(old), Check::Text(new)) => self.text(old, new),
            (Check::Integer(old), Check::Integer(new)) => self.numbers(old, new, true, true),
            (Check::Number(old), Check::Number(new)) => self.numbers(old, new, false, false),
            (Check::Integer(old), Check::Number(new)) => self.numbers(old, new, true, false),
            (Check::Number(old), Check::Integer(new)) => self.numbers(old, new, false, true),
            (Check::Boolean(old), Check::Boolean(new)) => self.booleans(*old, *new),
            (Check::Pseudonym, Check::Pseudonym) => {}
            // What is done with it has changed, and that was told.
            (Check::Pseudonym, Check::Text(_)) | (Check::Text(_), Check::Pseudonym) => {}
            _ => {
                let told = (Some(tell::leaf(old)), Some(tell::leaf(new)));
                self.push(ChangeKind::Type, Rating::Underived, told.0, told.1, "it is another kind of value");
            }
        }
    }

    /// Class, kind and protection.
    pub(super) fn rule(&mut self, old: &FieldRule, new: &FieldRule) {
        if old.class != new.class {
            let (rating, meaning) = match (old.class, new.class) {
                (_, DataClass::Public) => {
                    (Rating::Widens, "it is handled as saying nothing about anybody, and recorded")
                }
                (DataClass::Biometric | DataClass::Secret, _) => {
                    (Rating::Widens, "it may be kept as it is, which its old class forbids")
                }
                _ => (Rating::Underived, "the contract says that data of this class crosses here"),
            };
            let told = |rule: &FieldRule| Some(rule.class.word().to_owned());
            self.push(ChangeKind::Class, rating, told(old), told(new), meaning);
        }
        if old.of != new.of {
            let told = |rule: &FieldRule| rule.of.map(|of| of.word().to_owned());
            let meaning = "it names something else: other checks hold it against the token and the house";
            self.push(ChangeKind::Of, Rating::Underived, told(old), told(new), meaning);
        }
        if old.protection != new.protection {
            let (rating, meaning) = self.protection(old, new);
            let told = |rule: &FieldRule| Some(rule.protection.word().to_owned());
            self.push(ChangeKind::Protect, rating, told(old), told(new), meaning);
        }
    }

    /// What follows from another protection: towards the partner pseudonyms tell less than the id; from it, they are an id of
    /// ours where anything could stand.
    const fn protection(&self, old: &FieldRule, new: &FieldRule) -> (Rating, &'static str) {
        let house = matches!(old.of, Some(IdentifierKind::House));
        match (old.protection, new.protection) {
            (Protection::RequireEncrypted, Protection::Drop) => {
                (Rating::Widens, "it does not cross any more, and need not be encrypted for the rest to pass")
            }
            (Protection::Keep | Protection::Pseudonymize, Protection::Drop) => {
                (Rating::Narrows, "it does not cross any more")
            }
            (Protection::Drop, _) => (Rating::Widens, "it crosses, which it did not"),
            (Protection::Keep, Protection::RequireEncrypted) if !self.to_partner && house => {
                (Rating::Widens, "nothing can hold it against the house that was asked for any more")
            }
            (Protection::Keep, Protection::RequireEncrypted) => {
                (Rating::Narrows, "it crosses encrypted to the recipient, or not at all")
            }
            (Protection::RequireEncrypted, Protection::Keep) => (Rating::Widens, "it crosses as it is, readable"),
            (Protection::Keep, Protection::Pseudonymize) if self.to_partner => {
                (Rating::Narrows, "the partner learns a pseudonym in its place")
            }
            (Protection::Pseudonymize, Protection::Keep) if self.to_partner => {
                (Rating::Widens, "the partner learns who or what it is")
            }
            _ => (Rating::Underived, "other texts pass, and what becomes of them is another thing"),
        }
    }

    fn claim(&mut self, old: Option<&str>, new: Option<&str>) {
        if old == new {
            return;
        }
        let (rating, meaning) = match (old, new) {
            (None, Some(_)) => (Rating::Narrows, "it must be what the caller's token says"),
            (Some(_), None) => {
                (Rating::Widens, "it need not be what the caller's token says: a caller may speak of another")
            }
            _ => (Rating::Underived, "another claim of the token says what it must be"),
        };
        self.push(ChangeKind::Claim, rating, old.map(ToOwned::to_owned), new.map(ToOwned::to_owned), meaning);
    }

    /// Which texts fit.
    pub(super) fn text(&mut self, old: &TextCheck, new: &TextCheck) {
        let words =
            |check: &TextCheck| check.words.as_ref().map(|words| words.iter().map(ToString::to_string).collect());
        let (before, after): (Option<Vec<String>>, Option<Vec<String>>) = (words(old), words(new));
        if before.is_some() || after.is_some() {
            let fits = |check: &TextCheck, word: &String| check.fits(word).is_ok();
            let same = tell::text(old) == tell::text(new);
            self.values((before, |word| fits(old, word)), (after, |word| fits(new, word)), same, Clone::clone);
            return;
        }
        let told = |characters: &usize| format!("at most {characters} characters");
        let longest = (old.max_length, new.max_length);
        self.at_most(ChangeKind::Length, longest, told, ("longer texts pass", "longer texts are refused"));
        let shortest = (old.min_length, new.min_length);
        self.at_least(ChangeKind::Length, shortest, "at least", ("shorter texts pass", "shorter texts are refused"));
        self.pattern(old.pattern.as_ref(), new.pattern.as_ref());
        if old.format != new.format {
            let rating = match (old.format, new.format) {
                (Some(_), None) => Rating::Widens,
                (None, Some(_)) => Rating::Narrows,
                _ => Rating::Underived,
            };
            let meaning = if rating == Rating::Narrows { VALUES.1 } else { VALUES.0 };
            let told = |check: &TextCheck| check.format.map(|format| format.word().to_owned());
            self.push(ChangeKind::Format, rating, told(old), told(new), meaning);
        }
    }

    fn pattern(&mut self, old: Option<&Pattern>, new: Option<&Pattern>) {
        let told = |pattern: Option<&Pattern>| pattern.map(|pattern| pattern.text().to_owned());
        let mut push = |rating, meaning, example| {
            self.push(ChangeKind::Pattern, rating, told(old), told(new), meaning);
            self.with_example(example);
        };
        let (one, other) = match (old, new) {
            (None, None) => return,
            (Some(_), None) => return push(Rating::Widens, VALUES.0, None),
            (None, Some(_)) => return push(Rating::Narrows, VALUES.1, None),
            (Some(one), Some(other)) if one.text() == other.text() => return,
            (Some(one), Some(other)) => (one, other),
        };
        match inclusion::compare(one, other) {
            None => push(Rating::Underived, "the two are too large to be compared", None),
            Some(Apart { gained: None, lost: None }) => push(Rating::Neutral, "both patterns fit the same texts", None),
            Some(Apart { gained, lost }) => {
                for (rating, meaning, text) in [(Rating::Widens, VALUES.0, gained), (Rating::Narrows, VALUES.1, lost)] {
                    if text.is_some() {
                        push(rating, meaning, text);
                    }
                }
            }
        }
    }

    /// Values of which one version at least lists all that fit: each is held against the other version.
    fn values<T: PartialEq>(
        &mut self,
        (old, fits_old): (Option<Vec<T>>, impl Fn(&T) -> bool),
        (new, fits_new): (Option<Vec<T>>, impl Fn(&T) -> bool),
        same: bool,
        told: impl Fn(&T) -> String,
    ) {
        if same {
            return;
        }
        let listed = |values: Option<&Vec<T>>| values.map(|values| tell::list(values.iter().map(&told)));
        let (before, after) = (listed(old.as_ref()), listed(new.as_ref()));
        let open = (old.is_none(), new.is_none());
        let gained = new.iter().flatten().find(|value| fits_new(value) && !fits_old(value));
        let lost = old.iter().flatten().find(|value| fits_old(value) && !fits_new(value));
        let (wider, narrower) = (gained.is_some() || open.1, lost.is_some() || open.0);
        if wider {
            self.push(ChangeKind::Values, Rating::Widens, before.clone(), after.clone(), VALUES.0);
            self.with_example(gained.map(&told));
        }
        if narrower {
            self.push(ChangeKind::Values, Rating::Narrows, before.clone(), after.clone(), VALUES.1);
            self.with_example(lost.map(&told));
        }
        if !wider && !narrower {
            self.push(ChangeKind::Values, Rating::Neutral, before, after, "the same values fit");
        }
    }

    fn booleans(&mut self, old: Option<bool>, new: Option<bool>) {
        let listed = |only: Option<bool>| only.map(|only| vec![only]);
        let fits = |only: Option<bool>, value: &bool| only.is_none_or(|only| only == *value);
        let (before, after) = (listed(old), listed(new));
        let sides = ((before, |value: &bool| fits(old, value)), (after, |value: &bool| fits(new, value)));
        self.values(sides.0, sides.1, old == new, ToString::to_string);
    }

    /// Which numbers fit; the flags say of each version whether it takes whole ones alone.
    fn numbers(&mut self, old: &Bounds, new: &Bounds, old_whole: bool, new_whole: bool) {
        if old_whole != new_whole {
            let (rating, meaning) = match new_whole {
                false => (Rating::Widens, "fractions pass too"),
                true => (Rating::Narrows, "fractions are refused"),
            };
            let told = |whole: bool| Some(if whole { "integer" } else { "number" }.to_owned());
            self.push(ChangeKind::Type, rating, told(old_whole), told(new_whole), meaning);
        }
        let listed = |bounds: &Bounds| bounds.numbers.as_ref().map(|numbers| numbers.to_vec());
        if old.numbers.is_some() || new.numbers.is_some() {
            let fits = |bounds: &Bounds, whole: bool, number: &Number| {
                if whole { bounds.integer(*number) } else { bounds.number(*number) }.is_ok()
            };
            let same = tell::bounds(old) == tell::bounds(new);
            let before = (listed(old), |number: &Number| fits(old, old_whole, number));
            let after = (listed(new), |number: &Number| fits(new, new_whole, number));
            self.values(before, after, same, |number| tell::number(*number));
            return;
        }
        self.bound((old.low, new.low), true);
        self.bound((old.high, new.high), false);
        if old.multiple_of == new.multiple_of {
            return;
        }
        let within = |one: Option<Multiple>, other: Option<Multiple>| match (one, other) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(one), Some(other)) => one.is_multiple_of(other),
        };
        let told = |bounds: &Bounds| bounds.multiple_of.map(tell::multiple);
        if !within(new.multiple_of, old.multiple_of) {
            self.push(ChangeKind::MultipleOf, Rating::Widens, told(old), told(new), VALUES.0);
        }
        if !within(old.multiple_of, new.multiple_of) {
            self.push(ChangeKind::MultipleOf, Rating::Narrows, told(old), told(new), VALUES.1);
        }
    }

    /// One end of a range; `low` tells which.
    fn bound(&mut self, (old, new): (Option<Bound>, Option<Bound>), low: bool) {
        // Further in is stricter; at one number, to exclude it is.
        let further = |one: Bound, other: Bound| match (one.at == other.at, low) {
            (true, _) => one.exclusive && !other.exclusive,
            (false, true) => one.at > other.at,
            (false, false) => one.at < other.at,
        };
        let rating = match (old, new) {
            (Some(_), None) => Rating::Widens,
            (None, Some(_)) => Rating::Narrows,
            (Some(old), Some(new)) if further(old, new) => Rating::Widens,
            (Some(old), Some(new)) if further(new, old) => Rating::Narrows,
            (Some(_), Some(_)) | (None, None) => return,
        };
        let meaning = if rating == Rating::Narrows { VALUES.1 } else { VALUES.0 };
        let told = |bound: Option<Bound>| bound.map(|bound| tell::bound(bound, low));
        self.push(ChangeKind::Range, rating, told(old), told(new), meaning);
    }
}

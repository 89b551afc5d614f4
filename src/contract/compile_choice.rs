//! What a choice as written means: which branch a value is of, told by one property, or by what kind of value it is.

use std::collections::BTreeSet;

use crate::contract::compile_schema::Position;
use crate::contract::compile_schema::SchemaCompiler;
use crate::contract::cost;
use crate::contract::read_any;
use crate::contract::schema::Choice;
use crate::contract::schema::Kinds;
use crate::contract::written;
use crate::contract::written::Shape;
use crate::diagnostic::Place;

/// What a reference to a schema begins with; a `mapping` may leave it out.
const SCHEMAS: &str = "#/components/schemas/";

impl SchemaCompiler<'_> {
    /// Compiles a choice between objects.
    pub(super) fn choice(&mut self, place: Place, written: &written::Choice<'_>, at: &Position) -> Option<Choice> {
        // Taken whole first, then once more by its branch.
        self.count_value(place, at, cost::CONTAINER, 2);
        let property = written.property.value;
        let mut branches = Vec::new();
        let mut whole = written.mapping.as_ref().is_none_or(|mapping| self.mapping_fits(written, mapping));
        let mut known: BTreeSet<&str> = BTreeSet::new();
        for branch in &written.branches {
            let values = self.telling(property, branch);
            for value in values.into_iter().flatten().copied() {
                if !known.insert(value) {
                    let message = format!("two branches are told by the value `{value}` of `{property}`");
                    self.untold(branch.place, message, "give each branch values of its own");
                    whole = false;
                }
            }
            let object = match &branch.shape {
                Shape::Object(object) => self.object(branch.place, &object.members, &at.branch()),
                _ => None,
            };
            match values.zip(object) {
                Some((values, object)) => {
                    branches.push((values.iter().map(|value| Box::from(*value)).collect(), object));
                }
                None => whole = false,
            }
        }
        whole.then(|| Choice::new(property.into(), branches))
    }

    /// Compiles a choice between values of several kinds, of which no two are of one.
    ///
    /// Policies speak of values by name and type, so what may be of several types has no name for them; and nothing in it may be
    /// bound to a claim, or a value of another kind would stand for nobody's.
    pub(super) fn kinds(&mut self, written: &[written::Schema<'_>], at: &Position) -> Option<Kinds> {
        let mut branches = Vec::new();
        let mut whole = true;
        for branch in written {
            let kind = read_any::kind_of(&branch.shape);
            let schema = kind.and_then(|kind| self.schema(branch, &at.of_kind(kind)));
            if schema.as_ref().is_some_and(crate::contract::schema::Schema::binds) {
                let message = "what must equal a claim of the token cannot be one of several kinds of value";
                let fault = self.reader.source().fault("claim-unfit", branch.place, message);
                self.reader.report(fault.help("let it be text alone, in a property of its own"));
                whole = false;
            }
            match kind.zip(schema) {
                Some(branch) => branches.push(branch),
                None => whole = false,
            }
        }
        whole.then_some(Kinds { branches })
    }

    /// The values of a property that tell a branch.
    fn telling<'w>(&self, property: &str, branch: &'w written::Schema<'_>) -> Option<&'w [&'w str]> {
        let help = format!("each branch is an object that requires `{property}`, a text with `const` or `enum`");
        let (Shape::Object(object), None) = (&branch.shape, branch.null) else {
            self.untold(branch.place, "a branch is no object with declared properties".to_owned(), &help);
            return None;
        };
        let words = words_of(object, property);
        if words.is_none() {
            let message = format!("nothing tells this branch: it does not require `{property}` with listed values");
            self.untold(branch.place, message, &help);
        }
        words
    }

    /// Whether `mapping` says what the branches say themselves: each of their values, and nothing else.
    fn mapping_fits(&self, written: &written::Choice<'_>, mapping: &written::Mapping<'_>) -> bool {
        let property = written.property.value;
        let named = |target: &str| {
            let fits = |name: &&str| *name == target || name.strip_prefix(SCHEMAS) == Some(target);
            written.names.iter().position(|name| name.as_ref().is_some_and(fits))
        };
        let values = |branch: &written::Schema<'_>| match &branch.shape {
            Shape::Object(object) => {
                words_of(object, property).unwrap_or_default().iter().map(ToString::to_string).collect()
            }
            _ => Vec::new(),
        };
        let mut fits = true;
        let mut mapped = BTreeSet::new();
        for (value, target) in &mapping.entries {
            let branch = named(target.value).and_then(|index| written.branches.get(index));
            if branch.is_none() {
                let message = format!("`{}` is no branch", target.value);
                self.untold(target.place, message, "name a component that a branch refers to, as its `$ref` does");
                fits = false;
            } else if branch.is_some_and(|branch| !values(branch).iter().any(|known| known == value.value)) {
                let message = format!("the branch says itself that `{}` is no value of its `{property}`", value.value);
                self.untold(value.place, message, "let `mapping` say what the branches' own `const` or `enum` say");
                fits = false;
            }
            mapped.insert(value.value.to_owned());
        }
        for value in written.branches.iter().flat_map(values).filter(|value| !mapped.contains(value)) {
            let message = format!("`mapping` leaves out `{value}`, which a branch lists");
            self.untold(mapping.place, message, "list every value, or leave `mapping` out: the branches say it");
            fits = false;
        }
        fits
    }

    fn untold(&self, place: Place, message: String, help: &str) {
        self.reader.report(self.reader.source().fault("discriminator", place, message).help(help));
    }
}

/// The listed values of a property that an object requires.
fn words_of<'w>(object: &'w written::Object<'_>, property: &str) -> Option<&'w [&'w str]> {
    let member = object.members.iter().find(|member| member.name.value == property && member.required)?;
    match (&member.schema.shape, member.schema.null) {
        (Shape::Text { limits, .. }, None) => limits.words.as_deref(),
        _ => None,
    }
}

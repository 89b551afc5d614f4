//! What a contract declares at a place of a request, in words: for whoever is told that what stood there does not fit.
//!
//! Words are the contract's own, which was approved: names, kinds, lengths, bounds. Nothing of any request is in them.

use crate::contract::event::Event;
use crate::contract::leaf::Bounds;
use crate::contract::leaf::Check;
use crate::contract::leaf::LeafSchema;
use crate::contract::leaf::TextCheck;
use crate::contract::operation::Contract;
use crate::contract::operation::Operation;
use crate::contract::schema::Object;
use crate::contract::schema::Parameter;
use crate::contract::schema::Schema;
use crate::json;
use crate::model::Part;
use std::fmt::Display;

/// How many names are told where anything but these is refused.
const NAMES_SHOWN: usize = 12;

impl Operation {
    /// What is declared at a place, told as a [`WrongPlace`](crate::problem::WrongPlace) tells it; `None` where the place is
    /// none of this operation's.
    #[must_use]
    pub fn declared_at(&self, part: &str, pointer: &str) -> Option<String> {
        match part {
            "path" => named(self.path_parameters.iter(), pointer),
            "query" => named(self.query_parameters.iter(), pointer),
            "header" => named(self.header_parameters.iter().map(|(_, parameter)| parameter), pointer),
            "body" => self.bodies.iter().find_map(|form| of_object(&form.schema, pointer)),
            _ => None,
        }
    }

    /// The media types of the body, or that there is none.
    #[must_use]
    pub fn declared_media_types(&self) -> String {
        let types: Vec<&str> = self.bodies.iter().filter_map(|form| form.media_type.to_str().ok()).collect();
        format!("a body of {}", list("no kind", &types))
    }

    /// The places that must hold what the token says, each with its claim: `body /userId = sub`.
    #[must_use]
    pub fn bound_to_claims(&self) -> Vec<String> {
        let bound = self.fields.iter().filter(|field| field.status.is_none());
        bound
            .filter_map(|field| Some(format!("{} {} = {}", part(field.part), field.pointer, field.claim.as_ref()?)))
            .collect()
    }
}

impl Event {
    /// What is declared at a place; `None` where the place is none of this event's.
    #[must_use]
    pub fn declared_at(&self, part: &str, pointer: &str) -> Option<String> {
        (part == "body").then(|| of_object(&self.envelope, pointer))?
    }
}

impl Contract {
    /// The operation of a method and a raw path, whatever else the request holds.
    #[must_use]
    pub fn operation_of(&self, method: &http::Method, path: &str) -> Option<&Operation> {
        let found = self.router.route(method, path).or_else(|_| self.inbound.route(method, path));
        found.ok().map(|route| self.operation(route.operation))
    }
}

const fn part(part: Part) -> &'static str {
    match part {
        Part::Path => "path",
        Part::Query => "query",
        Part::Header => "header",
        Part::Body => "body",
    }
}

/// A parameter; where no name is told, all of them.
fn named<'p>(parameters: impl Iterator<Item = &'p Parameter> + Clone, name: &str) -> Option<String> {
    if let Some(parameter) = parameters.clone().find(|parameter| *parameter.name == *name) {
        return Some(of_parameter(parameter));
    }
    let names: Vec<&str> = parameters.map(|parameter| &*parameter.name).collect();
    name.is_empty().then(|| format!("{}, and nothing else", list("nothing", &names)))
}

fn of_parameter(parameter: &Parameter) -> String {
    let one = of_leaf(&parameter.leaf);
    let all = match &parameter.list {
        Some(many) => {
            let unique = if many.unique { ", no two alike" } else { "" };
            format!("{} of: {one}{unique}", range(many.min_items, Some(many.max_items), "values"))
        }
        None => one,
    };
    if parameter.required { format!("{all}; required") } else { format!("{all}; optional") }
}

/// What stands at a JSON pointer (RFC 6901) into an object.
fn of_object(object: &Object, pointer: &str) -> Option<String> {
    let Some((name, rest)) = first(pointer) else {
        return Some(members(object));
    };
    let (_, member) = object.member(&name)?;
    let declared = of_schema(&member.schema, rest)?;
    let needed = if member.required { "required" } else { "optional" };
    Some(if rest.is_empty() { format!("{declared}; {needed}") } else { declared })
}

fn of_schema(schema: &Schema, pointer: &str) -> Option<String> {
    match schema {
        Schema::Object(object) => of_object(object, pointer),
        Schema::Nullable(inner) if pointer.is_empty() => Some(format!("{}, or null", of_schema(inner, pointer)?)),
        Schema::Nullable(inner) => of_schema(inner, pointer),
        Schema::Leaf(leaf) => pointer.is_empty().then(|| of_leaf(leaf)),
        Schema::Array(array) => match first(pointer) {
            Some((_, rest)) => of_schema(&array.items, rest),
            None => {
                let unique = if array.unique { ", no two alike" } else { "" };
                Some(format!("an array of {}{unique}", range(array.min_items, Some(array.max_items), "elements")))
            }
        },
        Schema::Map(map) => match first(pointer) {
            Some((_, rest)) => of_schema(&map.values, rest),
            None => Some(format!("an object of {}", range(map.min_members, Some(map.max_members), "members"))),
        },
        Schema::Choice(choice) => match pointer.is_empty() {
            true => Some(format!("one of several objects, which `{}` tells apart", choice.property)),
            false => choice.branches().find_map(|branch| of_object(branch, pointer)),
        },
        Schema::Kinds(kinds) => match pointer.is_empty() {
            true => {
                let all: Vec<String> = kinds.branches.iter().map(|(kind, _)| kind.to_string()).collect();
                Some(format!("a value of one kind: {}", all.join(", ")))
            }
            false => kinds.branches.iter().find_map(|(_, branch)| of_schema(branch, pointer)),
        },
    }
}

fn members(object: &Object) -> String {
    let names: Vec<&str> = object.members.iter().map(|member| &*member.name).collect();
    let required: Vec<&str> =
        object.members.iter().filter(|member| member.required).map(|member| &*member.name).collect();
    format!("an object with {}, and nothing else; required: {}", list("no members", &names), list("none", &required))
}

fn of_leaf(leaf: &LeafSchema) -> String {
    let kind = match &leaf.check {
        Check::Text(check) => of_text(check),
        Check::Integer(bounds) => of_number("a whole number", bounds),
        Check::Number(bounds) => of_number("a number", bounds),
        Check::Boolean(None) => "true or false".to_owned(),
        Check::Boolean(Some(only)) => format!("{only}"),
        Check::Pseudonym => "a pseudonym".to_owned(),
    };
    match &leaf.claim {
        Some(claim) => format!("{kind}, equal to the token's `{claim}`"),
        None => kind,
    }
}

fn of_text(check: &TextCheck) -> String {
    if let Some(words) = &check.words {
        let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
        return format!("one of {}", list("none", &words));
    }
    let mut text = match (check.min_length, check.max_length) {
        (0, None) => "a text".to_owned(),
        (least, most) => format!("a text of {}", range(least, most, "characters")),
    };
    if let Some(format) = check.format {
        text.push_str(&format!(", format {}", format.word()));
    }
    if check.pattern.is_some() {
        text.push_str(", of the pattern that the contract gives");
    }
    text
}

fn of_number(what: &str, bounds: &Bounds) -> String {
    let shown = |number: json::Number| {
        let mut text = Vec::new();
        json::write(&json::Value::from(number), &mut text);
        String::from_utf8(text).unwrap_or_default()
    };
    let mut text = what.to_owned();
    for (end, plain, exclusive) in [(bounds.low, "from", "above"), (bounds.high, "to", "below")] {
        if let Some(end) = end {
            text.push_str(&format!(" {} {}", if end.exclusive { exclusive } else { plain }, shown(end.at)));
        }
    }
    if let Some(numbers) = &bounds.numbers {
        let numbers: Vec<String> = numbers.iter().map(|number| shown(*number)).collect();
        text.push_str(&format!(", one of {}", numbers.join(", ")));
    }
    if bounds.multiple_of.is_some() {
        text.push_str(", a multiple of what the contract gives");
    }
    text
}

/// `1 to 64 characters`, `at most 64 characters`, `3 characters`.
fn range(least: usize, most: Option<usize>, of: &str) -> String {
    let told = |number: &dyn Display, before: &str| format!("{before}{number} {of}");
    match (least, most) {
        (least, Some(most)) if least == most => told(&most, ""),
        (0, Some(most)) => told(&most, "at most "),
        (least, Some(most)) => format!("{least} to {most} {of}"),
        (0, None) => of.to_owned(),
        (least, None) => told(&least, "at least "),
    }
}

fn list(none: &str, names: &[&str]) -> String {
    if names.is_empty() {
        return none.to_owned();
    }
    let shown: Vec<String> = names.iter().take(NAMES_SHOWN).map(|name| format!("`{name}`")).collect();
    let more = names.len().saturating_sub(NAMES_SHOWN);
    let tail = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{tail}", shown.join(", "))
}

/// The first name of a pointer, unescaped, and what comes behind it.
fn first(pointer: &str) -> Option<(String, &str)> {
    let inside = pointer.strip_prefix('/')?;
    let (name, rest) = inside.find('/').map_or((inside, ""), |at| inside.split_at(at));
    Some((name.replace("~1", "/").replace("~0", "~"), rest))
}

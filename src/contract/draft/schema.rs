//! Schemas of the description, one by one: references, objects, maps, arrays, wholes.
//!
//! A schema under `components` is drafted once and stays a component. Where references run in a circle, the last step of it is left
//! out: a contract has no circles, since no body has.

use crate::contract::draft::Dialect;
use crate::contract::draft::Drafter;
use crate::contract::draft::Made;
use crate::contract::draft::finding::Note;
use crate::contract::draft::here::Here;
use crate::contract::draft::shape::Counts;
use crate::contract::draft::shape::Drafted;
use crate::contract::draft::shape::Form;
use crate::contract::draft::shape::Member;
use crate::yaml::Yaml;

/// Where schemas with names stand.
const COMPONENTS: &str = "#/components/schemas/";

/// How deeply schemas are followed; a contract allows fewer levels.
const MAX_LEVELS: usize = 24;

/// The most characters of a description that the draft repeats.
const MAX_DESCRIPTION: usize = 200;

/// The most elements or members that a contract can allow.
const MAX_COUNT: i64 = 8 * 1024 * 1024;

/// The most properties that an object has in a draft, which is what `json_max_members` allows unless it is set otherwise.
const MAX_MEMBERS: usize = 256;

/// Keywords that are read, each where it means something.
const KNOWN: &[&str] = &[
    "$ref",
    "title",
    "description",
    "type",
    "nullable",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
    "enum",
    "const",
    "format",
    "pattern",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "allOf",
    "oneOf",
    "anyOf",
    "discriminator",
    // For people: what they say crosses nothing. Examples may be of real persons, so they are not repeated.
    "example",
    "examples",
    "deprecated",
    "externalDocs",
    "xml",
    "$comment",
];

/// What a schema says by its type.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Object,
    Array,
    Text,
    Integer,
    Number,
    Boolean,
}

impl<'a> Drafter<'a> {
    /// Drafts a schema; a note of why there is none, where it closes a circle.
    pub(super) fn schema(&mut self, here: &Here<'a>) -> Made<Drafted> {
        if self.depth >= MAX_LEVELS {
            return Err(Note::left_out(here, "too-deep", "it is nested too deeply"));
        }
        self.depth += 1;
        let made = match here.text_of("$ref") {
            Some(reference) => self.referred(here, reference),
            None => self.own(here),
        };
        self.depth -= 1;
        made
    }

    fn referred(&mut self, here: &Here<'a>, reference: &'a str) -> Made<Drafted> {
        let circle = |here: &Here<'_>| Note::left_out(here, "ref-cycle", format!("`{reference}` leads back to itself"));
        let Some(target) = self.root.at(reference) else {
            let why = format!("`{reference}` leads to nothing in this file");
            return Ok(Drafted::new(here, Form::Unknown("ref-outside", why)));
        };
        if self.open.contains(&target.pointer) {
            return Err(circle(here));
        }
        let name = reference.strip_prefix(COMPONENTS).filter(|name| !name.contains(['/', '~', '%']));
        if let Some(known) = name.and_then(|name| self.components.get(name)) {
            return match known {
                Some(_) => Ok(Drafted::new(here, Form::Ref(name.unwrap_or_default().to_owned()))),
                None => Err(circle(here)),
            };
        }
        self.open.push(target.pointer.clone());
        let made = self.schema(&target);
        self.open.pop();
        match name {
            Some(name) => {
                let whole = made.is_ok();
                let told = made.as_ref().err().cloned();
                self.components.insert(name, made.ok());
                match (whole, told) {
                    (true, _) => Ok(Drafted::new(here, Form::Ref(name.to_owned()))),
                    (false, Some(note)) => Err(note),
                    (false, None) => Err(circle(here)),
                }
            }
            None => made,
        }
    }

    /// A schema that stands here itself.
    fn own(&mut self, here: &Here<'a>) -> Made<Drafted> {
        if !here.is_map() {
            let why = "anything may stand here".to_owned();
            return Ok(Drafted::new(here, Form::Unknown("any-value", why)));
        }
        let mut notes = unknown_keywords(here);
        let mut made = self.form(here, &mut notes)?.noted(notes);
        if made.description.is_none() {
            made.description = description(here);
        }
        Ok(made)
    }

    fn form(&mut self, here: &Here<'a>, notes: &mut Vec<Note>) -> Made<Drafted> {
        let null = self.dialect == Dialect::Old && here.says("nullable");
        if let Some(parts) = here.get("allOf") {
            let mut made = self.whole(here, &parts, notes)?;
            made.null |= null;
            return Ok(made);
        }
        if let Some(branches) = here.get("oneOf").or_else(|| here.get("anyOf")) {
            let mut made = self.choice(here, &branches, notes)?;
            made.null |= null;
            return Ok(made);
        }
        let (kinds, listed_null) = kinds(here);
        let mut made = match kinds.as_slice() {
            [] => match inferred(here) {
                Some(kind) => self.of_kind(here, kind, notes)?,
                None => {
                    let why = "it does not say what it is".to_owned();
                    Drafted::new(here, Form::Unknown("any-value", why))
                }
            },
            [kind] => self.of_kind(here, *kind, notes)?,
            several => {
                let mut branches = Vec::new();
                for kind in several {
                    branches.push(self.of_kind(here, *kind, notes)?);
                }
                self.of_several(here, branches, notes)
            }
        };
        made.null |= null || listed_null;
        Ok(made)
    }

    fn of_kind(&mut self, here: &Here<'a>, kind: Kind, notes: &mut Vec<Note>) -> Made<Drafted> {
        match kind {
            Kind::Object => self.object(here, notes),
            Kind::Array => {
                let items = match here.get("items") {
                    Some(items) => self.schema(&items)?,
                    None => {
                        let why = "it does not say what its elements are".to_owned();
                        Drafted::new(here, Form::Unknown("any-value", why))
                    }
                };
                let counts = counts(here, "minItems", "maxItems", notes);
                Ok(Drafted::new(here, Form::Array(Box::new(items), counts, here.says("uniqueItems"))))
            }
            Kind::Text | Kind::Integer | Kind::Number | Kind::Boolean => {
                let leaf = self.leaf(here, kind, notes);
                Ok(Drafted::new(here, Form::Leaf(leaf)))
            }
        }
    }

    fn object(&mut self, here: &Here<'a>, notes: &mut Vec<Note>) -> Made<Drafted> {
        let additional = here.get("additionalProperties");
        let named = here.get("properties").is_some_and(|properties| !properties.entries().is_empty());
        let values = additional.clone().filter(|values| values.is_map() && !values.entries().is_empty());
        if let Some(values) = values {
            if named {
                let why = "further properties beside those with names: a contract has one or the other";
                notes.push(Note::left_out(&values, "open-object", why));
            } else {
                let made = self.schema(&values)?;
                let counts = counts(here, "minProperties", "maxProperties", notes);
                return Ok(Drafted::new(here, Form::Map(Box::new(made), counts)));
            }
        } else {
            open_ended(here, additional.as_ref(), named, notes);
        }
        let mut members = Vec::new();
        self.members(here, &mut members, notes);
        require(&mut members, here, notes);
        Ok(Drafted::new(here, Form::Object(members)))
    }

    /// Adds the properties that stand here; one that was there before is replaced.
    fn members(&mut self, here: &Here<'a>, members: &mut Vec<Member>, notes: &mut Vec<Note>) {
        let Some(properties) = here.get("properties") else { return };
        for (key, property) in properties.entries() {
            if members.len() >= MAX_MEMBERS {
                notes.push(Note::left_out(
                    &property,
                    "too-many-members",
                    "this property and those after it: there are too many",
                ));
                return;
            }
            match self.schema(&property) {
                Ok(schema) => {
                    let member = Member { name: key.text.clone(), required: false, schema };
                    match members.iter_mut().find(|known| known.name == key.text) {
                        Some(known) => {
                            let why = format!(
                                "`{}` is declared twice in what is put together; the later one is taken",
                                key.text
                            );
                            notes.push(Note::changed(&property, "declared-twice", why));
                            *known = member;
                        }
                        None => members.push(member),
                    }
                }
                Err(note) => notes.push(note),
            }
        }
    }

    /// `allOf`: one part alone is that part; several become one object.
    fn whole(&mut self, here: &Here<'a>, parts: &Here<'a>, notes: &mut Vec<Note>) -> Made<Drafted> {
        let own = ["properties", "required", "additionalProperties"].iter().any(|key| here.get(key).is_some());
        if let ([part], false) = (parts.items().as_slice(), own) {
            return self.schema(part);
        }
        let mut members = Vec::new();
        match self.put_together(here, &mut members, notes) {
            Ok(()) => {
                notes.push(Note::changed(here, "put-together", "the parts of `allOf` are written as one object"));
                Ok(Drafted::new(here, Form::Object(members)))
            }
            Err(note) if note.code == "ref-cycle" => Err(note),
            Err(note) => Ok(Drafted::new(here, Form::Unknown(note.code, note.message))),
        }
    }

    /// Adds the members of an object and of all its parts.
    fn put_together(&mut self, here: &Here<'a>, members: &mut Vec<Member>, notes: &mut Vec<Note>) -> Made<()> {
        let Some(here) = here.resolved(&self.root) else {
            return Err(Note::left_out(here, "ref-outside", "a part of it leads to nothing in this file"));
        };
        let is_object = matches!(kinds(&here).0.as_slice(), [] | [Kind::Object]);
        if !is_object || here.get("oneOf").is_some() || here.get("anyOf").is_some() {
            let why = "a part of `allOf` is no plain object".to_owned();
            return Err(Note::left_out(&here, "merge-unfit", why));
        }
        for part in here.get("allOf").map(|parts| parts.items()).unwrap_or_default() {
            let target = part.resolved(&self.root).unwrap_or_else(|| part.clone());
            if self.parts_open(&target) {
                return Err(Note::left_out(&part, "ref-cycle", "it is put together from itself"));
            }
            self.open.push(parts_mark(&target));
            let added = self.put_together(&part, members, notes);
            self.open.pop();
            added?;
        }
        if let Some(values) =
            here.get("additionalProperties").filter(Here::is_map).filter(|at| !at.entries().is_empty())
        {
            let why = "further properties beside those with names: a contract has one or the other";
            notes.push(Note::left_out(&values, "open-object", why));
        }
        self.members(&here, members, notes);
        require(members, &here, notes);
        Ok(())
    }

    /// Whether a whole is being put together that this is a part of.
    fn parts_open(&self, target: &Here<'_>) -> bool {
        self.open.contains(&parts_mark(target))
    }
}

/// What marks a part while it is being added; no pointer looks like it.
fn parts_mark(target: &Here<'_>) -> String {
    format!("allOf {}", target.pointer)
}

/// Says of an object that its description does not close how it is closed.
fn open_ended(here: &Here<'_>, additional: Option<&Here<'_>>, named: bool, notes: &mut Vec<Note>) {
    let open = additional.is_none_or(|at| at.node.value != Yaml::Bool(false));
    if !open {
        return;
    }
    let note = match (named, additional) {
        (true, None) => {
            Note::changed(here, "additional-properties", "whether there are others is not said; a contract has none")
        }
        (true, Some(at)) => Note::left_out(at, "open-object", "other properties than those with names"),
        (false, _) => {
            Note::left_out(here, "open-object", "an object of which nothing is said: declare what may stand in it")
        }
    };
    notes.push(note);
}

/// Marks the members that `required` lists.
fn require(members: &mut [Member], here: &Here<'_>, notes: &mut Vec<Note>) {
    let Some(required) = here.get("required") else { return };
    for name in required.texts() {
        match members.iter_mut().find(|member| member.name == name) {
            Some(member) => member.required = true,
            None => {
                let why = format!("`{name}` is required and not declared");
                notes.push(Note::left_out(&required, "required-unknown", why));
            }
        }
    }
}

/// The types that are named, and whether `null` is among them.
pub(super) fn kinds(here: &Here<'_>) -> (Vec<Kind>, bool) {
    let Some(named) = here.get("type") else { return (Vec::new(), false) };
    let words = named.text().map_or_else(|| named.texts(), |one| vec![one]);
    let kind = |word: &&str| {
        Some(match *word {
            "object" => Kind::Object,
            "array" => Kind::Array,
            "string" => Kind::Text,
            "integer" => Kind::Integer,
            "number" => Kind::Number,
            "boolean" => Kind::Boolean,
            _ => return None,
        })
    };
    (words.iter().filter_map(kind).collect(), words.contains(&"null"))
}

/// The type of a schema that names none, where its other keywords leave no doubt.
fn inferred(here: &Here<'_>) -> Option<Kind> {
    let has = |keys: &[&str]| keys.iter().any(|key| here.get(key).is_some());
    if here.get("type").is_some() {
        return None;
    }
    if has(&["properties", "additionalProperties", "required"]) {
        return Some(Kind::Object);
    }
    if has(&["items"]) {
        return Some(Kind::Array);
    }
    let words: Vec<_> = here.get("enum").map(|words| words.items()).unwrap_or_default();
    let words: Vec<_> = words.into_iter().chain(here.get("const")).collect();
    if !words.is_empty() {
        let texts = words.iter().all(|word| matches!(word.node.value, Yaml::Text(_)));
        let numbers = words.iter().all(|word| matches!(word.node.value, Yaml::Integer(_)));
        return if texts { Some(Kind::Text) } else { numbers.then_some(Kind::Integer) };
    }
    if has(&["pattern", "minLength", "maxLength"]) {
        return Some(Kind::Text);
    }
    has(&["minimum", "maximum"]).then_some(Kind::Number)
}

/// How few and how many there may be.
fn counts(here: &Here<'_>, fewest: &str, most: &str, notes: &mut Vec<Note>) -> Counts {
    let mut count = |key: &str| {
        let at = here.get(key)?;
        match at.node.value {
            Yaml::Integer(number) if (0..=MAX_COUNT).contains(&number) => Some(number),
            _ => {
                notes.push(Note::left_out(&at, "bounds", format!("`{key}` is more than any body holds, or no number")));
                None
            }
        }
    };
    let (fewest, most) = (count(fewest), count(most));
    match fewest.zip(most) {
        Some((low, high)) if low > high => Counts::default(),
        _ => Counts { fewest, most },
    }
}

/// What a description says for people, shortened.
pub(super) fn description(here: &Here<'_>) -> Option<String> {
    let text = here.text_of("description").or_else(|| here.text_of("title")).or_else(|| here.text_of("summary"))?;
    let mut words = String::new();
    for word in text.split_whitespace() {
        if words.chars().count() + word.chars().count() >= MAX_DESCRIPTION {
            words.push_str(" …");
            break;
        }
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str(word);
    }
    (!words.is_empty()).then_some(words)
}

/// Keywords that are left out because a contract has none such. Extensions (`x-…`) mean nothing here and are not told.
fn unknown_keywords(here: &Here<'_>) -> Vec<Note> {
    let unknown = |(key, at): (&crate::yaml::Key, Here<'_>)| {
        let said = !KNOWN.contains(&key.text.as_str()) && !key.text.starts_with("x-");
        said.then(|| Note::left_out(&at, "unsupported-keyword", format!("`{}`", key.text)))
    };
    here.entries().into_iter().filter_map(unknown).collect()
}

//! `oneOf` and `anyOf` of the description, where it can be told which branch a value is of; where it cannot, that is a blank.

use crate::contract::draft::Drafter;
use crate::contract::draft::Made;
use crate::contract::draft::finding::Note;
use crate::contract::draft::here::Here;
use crate::contract::draft::lines::quoted;
use crate::contract::draft::shape::Drafted;
use crate::contract::draft::shape::Form;
use crate::contract::draft::shape::Leaf;
use crate::contract::draft::shape::LeafKind;
use crate::contract::draft::shape::Member;
use crate::json;

impl<'a> Drafter<'a> {
    pub(super) fn choice(&mut self, here: &Here<'a>, list: &Here<'a>, notes: &mut Vec<Note>) -> Made<Drafted> {
        let mut branches = Vec::new();
        let mut references = Vec::new();
        let mut null = false;
        for branch in list.items() {
            if branch.text_of("type") == Some("null") || branch.text_of("format") == Some("null") {
                null = true;
                continue;
            }
            match self.schema(&branch) {
                Ok(mut made) => {
                    null |= std::mem::take(&mut made.null);
                    branches.push(made);
                    references.push(branch.text_of("$ref"));
                }
                Err(note) => notes.push(note),
            }
        }
        let property = here.get("discriminator").and_then(|at| at.text_of("propertyName"));
        let mut made = match (branches.len(), property) {
            (0, _) => {
                return Err(Note::left_out(here, "any-of", "there is no branch that it could be"));
            }
            (1, _) => branches.pop().unwrap_or_else(|| unknown(here)),
            (_, Some(property)) => {
                let told = Told { property, mapping: here.get("discriminator").and_then(|at| at.get("mapping")) };
                self.told(here, &branches, &references, &told, notes)
            }
            (_, None) => self.of_several(here, branches, notes),
        };
        made.null |= null;
        Ok(made)
    }

    /// One of several that no `discriminator` tells apart.
    pub(super) fn of_several(&mut self, here: &Here<'a>, branches: Vec<Drafted>, notes: &mut Vec<Note>) -> Drafted {
        let kinds: Vec<Option<json::Kind>> = branches.iter().map(|branch| self.kind(branch)).collect();
        let differ = kinds
            .iter()
            .enumerate()
            .all(|(index, kind)| kind.is_some() && !kinds.iter().skip(index + 1).any(|other| other == kind));
        if differ {
            return Drafted::new(here, Form::Kinds(branches));
        }
        if kinds.iter().all(|kind| *kind == Some(json::Kind::String)) {
            notes.push(Note::changed(here, "one-text", "several kinds of text are written as one"));
            return Drafted::new(here, Form::Leaf(self.one_text(&branches)));
        }
        let objects: Option<Vec<Vec<Member>>> = branches.iter().map(|branch| self.plain(branch)).collect();
        if let Some(objects) = objects
            && let Some(property) = telling(&objects)
        {
            let branch = |members| Drafted::new(here, Form::Object(members));
            return Drafted::new(here, Form::Choice(property, objects.into_iter().map(branch).collect()));
        }
        unknown(here)
    }

    /// Objects that a `discriminator` tells apart: each gets the values that mean it, where it does not list them itself.
    fn told(
        &self,
        here: &Here<'a>,
        branches: &[Drafted],
        references: &[Option<&'a str>],
        told: &Told<'a>,
        notes: &mut Vec<Note>,
    ) -> Drafted {
        let mut known: Vec<String> = Vec::new();
        let mut objects = Vec::new();
        for (branch, reference) in branches.iter().zip(references) {
            let Some(mut members) = self.plain(branch) else { return unknown(here) };
            let words = match told.words(&members, *reference) {
                Some(words) if !words.is_empty() && !words.iter().any(|word| known.contains(word)) => words,
                _ => return unknown(here),
            };
            known.extend(words.iter().cloned());
            let leaf = Leaf { kind: LeafKind::Text, keywords: Vec::new(), words: Some(words), endless: false };
            let schema = Drafted {
                place: branch.place,
                pointer: branch.pointer.clone(),
                ..Drafted::new(here, Form::Leaf(leaf))
            };
            match members.iter_mut().find(|member| member.name == told.property) {
                Some(member) => {
                    member.required = true;
                    member.schema = schema;
                }
                None => members.insert(0, Member { name: told.property.to_owned(), required: true, schema }),
            }
            objects.push(Drafted { form: Form::Object(members), notes: Vec::new(), ..branch.clone() });
        }
        notes.push(Note::changed(
            here,
            "told-apart",
            format!("each object says itself which `{}` means it", told.property),
        ));
        Drafted::new(here, Form::Choice(told.property.to_owned(), objects))
    }

    /// One text for several: what all list, or any.
    fn one_text(&self, branches: &[Drafted]) -> Leaf {
        let words = |branch: &Drafted| match &self.target(branch)?.form {
            Form::Leaf(leaf) => leaf.words.clone(),
            _ => None,
        };
        let listed: Option<Vec<Vec<String>>> = branches.iter().map(words).collect();
        let mut all: Vec<String> = listed.unwrap_or_default().concat();
        all.sort_unstable();
        all.dedup();
        let words = (!all.is_empty()).then_some(all);
        Leaf { kind: LeafKind::Text, keywords: Vec::new(), endless: words.is_none(), words }
    }

    /// What a schema is, references followed.
    pub(super) fn target<'s>(&'s self, schema: &'s Drafted) -> Option<&'s Drafted> {
        let mut schema = schema;
        // Components are in no circle: each step leads on.
        for _ in 0..=self.components.len() {
            match &schema.form {
                Form::Ref(name) => schema = self.components.get(name.as_str())?.as_ref()?,
                _ => return Some(schema),
            }
        }
        None
    }

    /// The kind of the values, if they are all of one and none is `null`.
    pub(super) fn kind(&self, schema: &Drafted) -> Option<json::Kind> {
        let target = self.target(schema)?;
        if target.null {
            return None;
        }
        Some(match &target.form {
            Form::Object(_) | Form::Map(..) | Form::Choice(..) => json::Kind::Object,
            Form::Array(..) => json::Kind::Array,
            Form::Leaf(leaf) => match leaf.kind {
                LeafKind::Text => json::Kind::String,
                LeafKind::Integer | LeafKind::Number => json::Kind::Number,
                LeafKind::Boolean => json::Kind::Boolean,
            },
            Form::Ref(_) | Form::Kinds(_) | Form::Unknown(..) => return None,
        })
    }

    /// The members of a plain object, references followed.
    pub(super) fn plain(&self, schema: &Drafted) -> Option<Vec<Member>> {
        let target = self.target(schema)?;
        match &target.form {
            Form::Object(members) if !target.null => Some(members.clone()),
            _ => None,
        }
    }
}

/// A `discriminator`.
struct Told<'a> {
    property: &'a str,
    mapping: Option<Here<'a>>,
}

impl Told<'_> {
    /// The values that mean a branch: those that it lists, those that are mapped to it, or its component's name.
    fn words(&self, members: &[Member], reference: Option<&str>) -> Option<Vec<String>> {
        let own = members.iter().find(|member| member.name == self.property);
        let own = own.and_then(|member| match &member.schema.form {
            Form::Leaf(Leaf { kind: LeafKind::Text, words, .. }) => words.clone(),
            _ => None,
        });
        let name = reference.and_then(|reference| reference.rsplit('/').next());
        let mapped = self.mapping.iter().flat_map(Here::entries).filter_map(|(key, target)| {
            let target = target.text()?;
            let means = Some(target) == reference || Some(target) == name;
            means.then(|| quoted(&key.text))
        });
        let mapped: Vec<String> = mapped.collect();
        if !mapped.is_empty() {
            return Some(mapped);
        }
        own.or_else(|| name.map(|name| vec![quoted(name)]))
    }
}

/// A property that each object requires, with listed texts of its own.
fn telling(objects: &[Vec<Member>]) -> Option<String> {
    let listed = |members: &[Member], name: &str| {
        let member = members.iter().find(|member| member.name == name && member.required && !member.schema.null)?;
        match &member.schema.form {
            Form::Leaf(Leaf { kind: LeafKind::Text, words, .. }) => words.clone(),
            _ => None,
        }
    };
    let tells = |name: &str| {
        let mut known: Vec<String> = Vec::new();
        objects.iter().all(|members| {
            let Some(words) = listed(members, name) else { return false };
            let apart = !words.iter().any(|word| known.contains(word));
            known.extend(words);
            apart
        })
    };
    objects.first()?.iter().map(|member| member.name.clone()).find(|name| tells(name))
}

fn unknown(here: &Here<'_>) -> Drafted {
    let why = "it is one of several, and nothing tells which".to_owned();
    Drafted::new(here, Form::Unknown("any-of", why))
}

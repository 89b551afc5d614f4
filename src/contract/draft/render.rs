//! The draft as text: our contract's order of keys, a blank for each decision, a comment for whatever is left out or changed.

use crate::contract::draft::Draft;
use crate::contract::draft::Drafter;
use crate::contract::draft::Wanted;
use crate::contract::draft::finding::FindingKind;
use crate::contract::draft::finding::Note;
use crate::contract::draft::lines::Lines;
use crate::contract::draft::lines::key;
use crate::contract::draft::lines::quoted;
use crate::contract::draft::shape::Answer;
use crate::contract::draft::shape::Counts;
use crate::contract::draft::shape::Drafted;
use crate::contract::draft::shape::Form;
use crate::contract::draft::shape::Leaf;
use crate::contract::draft::shape::Member;
use crate::contract::draft::shape::Operation;
use crate::contract::draft::shape::Parameter;
use crate::contract::draft::shape::Paths;
use crate::model::DataClass;
use std::collections::BTreeSet;

/// The most members that a map may have: `json_max_members` unless it is set otherwise.
const MAX_MEMBERS: i64 = 256;

/// What stands at the head of a draft.
const HEAD: &str = "\
# A draft, made from what the partner publishes. It does not load before every blank is filled in: each is a key without value,
# with a comment that begins with `decide:`. Lines in brackets are those of the partner's file. docs/contract.md tells what each
# key means. Nothing of this is permitted by any policy.";

/// Writes the draft.
pub(super) fn render(drafter: &Drafter<'_>, wanted: &Wanted<'_>, paths: Paths) -> Draft {
    let mut lines = Lines::default();
    HEAD.lines().for_each(|line| lines.put(0, line));
    lines.put(0, "openapi: 3.1.0");
    let info = drafter.root.get("info").unwrap_or_else(|| drafter.root.clone());
    let text = |name: &str| info.get(name).and_then(|at| at.scalar()).unwrap_or_default();
    lines.put(0, "info:");
    lines.put(1, &format!("title: {}", quoted(&text("title"))));
    lines.put(1, &format!("version: {}", quoted(&text("version"))));
    lines.put(0, "x-portcullis:");
    match wanted.partner {
        Some(name) => lines.put(1, &format!("partner: {}", key(name.as_str()))),
        None => {
            lines.blank(1, "partner", &Note::decide(&info, "partner", "its name in gateway.yaml, and of this file"))
        }
    }
    let asked = [
        ("recipient", "who receives the data"),
        ("country", "where, in two capital letters (ISO 3166-1)"),
        ("retention", "how long it is kept there (ISO 8601), for instance P30D"),
    ];
    for (word, what) in asked {
        lines.blank(1, word, &Note::decide(&info, word, what));
    }
    paths.notes.iter().for_each(|note| lines.note(0, note));
    lines.put(0, if paths.paths.is_empty() { "paths: {}" } else { "paths:" });
    let mut needed = BTreeSet::new();
    let mut operations = 0;
    for path in &paths.paths {
        lines.put(1, &format!("{}:", quoted(&path.template)));
        for one in &path.operations {
            operations += 1;
            operation(&mut lines, one);
            let parameters = one.parameters.iter().chain(one.answers.iter().flat_map(|answer| &answer.headers));
            parameters.for_each(|known| drafter.needs(&known.schema, &mut needed));
            let bodies = one.body.iter().chain(one.answers.iter().filter_map(|answer| answer.body.as_ref()));
            bodies.for_each(|(_, schema)| drafter.needs(schema, &mut needed));
        }
    }
    if !needed.is_empty() {
        lines.put(0, "components:");
        lines.put(1, "schemas:");
        for name in &needed {
            let Some(Some(made)) = drafter.components.get(name.as_str()) else { continue };
            lines.put(2, &format!("{}:", key(name)));
            schema(&mut lines, 3, made);
        }
    }
    let (text, findings) = lines.done();
    Draft { text, findings, operations }
}

/// A note about the operation as such.
fn asked(one: &Operation, code: &'static str, message: String) -> Note {
    Note { kind: FindingKind::Decide, code, place: one.place, pointer: one.pointer.clone(), message }
}

fn operation(lines: &mut Lines, one: &Operation) {
    lines.put(2, &format!("{}:", one.method));
    one.notes.iter().for_each(|note| lines.note(3, note));
    lines.put(3, &format!("operationId: {}", key(&one.id)));
    described(lines, 3, one.description.as_deref());
    lines.put(3, "x-portcullis:");
    lines.blank(
        4,
        "action",
        &asked(one, "action", "the Cedar action; the schema declares it, and a policy permits it".to_owned()),
    );
    lines.put(4, "resource:");
    lines.blank(5, "type", &asked(one, "resource", "what it is done to: House, Door, Barrier".to_owned()));
    let which = format!("what names it, outermost first, as a list; of {}", one.candidates.join(", "));
    lines.blank(5, "id", &asked(one, "resource-id", which));
    lines.put(4, "direction: outbound");
    let moves = "does it move something? then write `actuates`, `max_age` and `idempotency`, too; what is it for";
    lines.blank(4, "purpose", &asked(one, "purpose", moves.to_owned()));
    lines.blank(4, "legal_basis", &asked(one, "legal-basis", "why the data may be given".to_owned()));
    if !one.parameters.is_empty() {
        lines.put(3, "parameters:");
        one.parameters.iter().for_each(|known| parameter(lines, known));
    }
    if let Some((media_type, body)) = &one.body {
        lines.put(3, "requestBody:");
        lines.put(4, "required: true");
        content(lines, 4, media_type, body);
    }
    lines.put(3, "responses:");
    one.answers.iter().for_each(|one| answer(lines, one));
}

fn parameter(lines: &mut Lines, one: &Parameter) {
    lines.put(4, &format!("- name: {}", quoted(&one.name)));
    lines.put(5, &format!("in: {}", one.location));
    lines.put(5, &format!("required: {}", one.required));
    lines.put(5, "schema:");
    schema(lines, 6, &one.schema);
}

fn answer(lines: &mut Lines, one: &Answer) {
    lines.put(4, &format!("\"{}\":", one.status));
    one.notes.iter().for_each(|note| lines.note(5, note));
    lines.put(5, &format!("description: {}", quoted(one.description.as_deref().unwrap_or_default())));
    if !one.headers.is_empty() {
        lines.put(5, "headers:");
        for header in &one.headers {
            lines.put(6, &format!("{}:", key(&header.name)));
            lines.put(7, &format!("required: {}", header.required));
            lines.put(7, "schema:");
            schema(lines, 8, &header.schema);
        }
    }
    if let Some((media_type, body)) = &one.body {
        content(lines, 5, media_type, body);
    }
}

fn content(lines: &mut Lines, level: usize, media_type: &str, body: &Drafted) {
    lines.put(level, "content:");
    lines.put(level + 1, &format!("{media_type}:"));
    lines.put(level + 2, "schema:");
    schema(lines, level + 3, body);
}

fn described(lines: &mut Lines, level: usize, text: Option<&str>) {
    if let Some(text) = text {
        lines.put(level, &format!("description: {}", quoted(text)));
    }
}

fn schema(lines: &mut Lines, level: usize, one: &Drafted) {
    one.notes.iter().for_each(|note| lines.note(level, note));
    described(lines, level, one.description.as_deref());
    let ask = |code, message: &str| Note {
        kind: FindingKind::Decide,
        code,
        place: one.place,
        pointer: one.pointer.clone(),
        message: message.to_owned(),
    };
    match &one.form {
        // Neither a reference nor a choice says `null` beside itself: that is another branch.
        Form::Ref(_) | Form::Choice(..) if one.null => {
            let bare = Drafted { null: false, notes: Vec::new(), description: None, ..one.clone() };
            branches(lines, level, "anyOf", std::slice::from_ref(&bare), true);
        }
        Form::Ref(name) => lines.put(level, &format!("$ref: {}", quoted(&format!("#/components/schemas/{name}")))),
        Form::Kinds(all) => branches(lines, level, "anyOf", all, one.null),
        Form::Choice(property, all) => {
            lines.put(level, "type: object");
            lines.put(level, &format!("discriminator: {{propertyName: {}}}", quoted(property)));
            branches(lines, level, "oneOf", all, false);
        }
        Form::Object(members) => object(lines, level, members, one.null),
        Form::Map(values, counts) => {
            lines.put(level, &kind("object", one.null));
            lines.put(level, "propertyNames:");
            lines.put(level + 1, "type: string");
            lines.blank(level + 1, "maxLength", &ask("missing-limit", "how long can a name be at most"));
            class(lines, level + 1, &ask("missing-class", "what the names say"));
            let counts = Counts { most: counts.most.filter(|most| *most <= MAX_MEMBERS), ..*counts };
            let words = ("minProperties", "maxProperties");
            bounded(lines, level, words, counts, &ask("missing-limit", "how many members can there be"));
            lines.put(level, "additionalProperties:");
            schema(lines, level + 1, values);
        }
        Form::Array(items, counts, unique) => {
            lines.put(level, &kind("array", one.null));
            let asked = ask("missing-limit", "how many elements can there be");
            bounded(lines, level, ("minItems", "maxItems"), *counts, &asked);
            if *unique {
                lines.put(level, "uniqueItems: true");
            }
            lines.put(level, "items:");
            schema(lines, level + 1, items);
        }
        Form::Leaf(leaf) => {
            leaf_lines(lines, level, leaf, one.null);
            if leaf.endless {
                lines.blank(level, "maxLength", &ask("missing-limit", "how long can it be at most"));
            }
            class(lines, level, &ask("missing-class", &classes()));
        }
        Form::Unknown(code, why) => {
            lines.blank(level, "type", &ask(code, &format!("{why}; what may it be")));
            lines.blank(level, "maxLength", &ask("missing-limit", "how long can it be at most, if it is text"));
            class(lines, level, &ask("missing-class", &classes()));
        }
    }
}

fn classes() -> String {
    format!("what kind of data it is: {}", DataClass::ALL.map(DataClass::word).join(", "))
}

fn class(lines: &mut Lines, level: usize, asked: &Note) {
    lines.put(level, "x-portcullis:");
    lines.blank(level + 1, "class", asked);
}

fn kind(word: &str, null: bool) -> String {
    if null { format!("type: [{word}, \"null\"]") } else { format!("type: {word}") }
}

fn object(lines: &mut Lines, level: usize, members: &[Member], null: bool) {
    lines.put(level, &kind("object", null));
    lines.put(level, "additionalProperties: false");
    let required: Vec<String> =
        members.iter().filter(|member| member.required).map(|member| quoted(&member.name)).collect();
    if !required.is_empty() {
        lines.put(level, &format!("required: [{}]", required.join(", ")));
    }
    lines.put(level, if members.is_empty() { "properties: {}" } else { "properties:" });
    for member in members {
        lines.put(level + 1, &format!("{}:", key(&member.name)));
        schema(lines, level + 2, &member.schema);
    }
}

fn leaf_lines(lines: &mut Lines, level: usize, leaf: &Leaf, null: bool) {
    // A truth value of which one is meant says `const`, beside which `null` has no place.
    let constant = leaf.words.as_deref().filter(|words| words.len() == 1 && leaf.kind.word() == "boolean");
    lines.put(level, &kind(leaf.kind.word(), null && constant.is_none()));
    match (&leaf.words, constant) {
        (Some(_), Some([word])) => lines.put(level, &format!("const: {word}")),
        (Some(words), _) => {
            let null = if null { ", null" } else { "" };
            lines.put(level, &format!("enum: [{}{null}]", words.join(", ")));
        }
        (None, _) => {}
    }
    for (word, value) in &leaf.keywords {
        lines.put(level, &format!("{word}: {value}"));
    }
}

fn bounded(lines: &mut Lines, level: usize, words: (&str, &str), counts: Counts, asked: &Note) {
    if let Some(fewest) = counts.fewest.filter(|fewest| *fewest > 0) {
        lines.put(level, &format!("{}: {fewest}", words.0));
    }
    match counts.most {
        Some(most) => lines.put(level, &format!("{}: {most}", words.1)),
        None => lines.blank(level, words.1, asked),
    }
}

fn branches(lines: &mut Lines, level: usize, word: &str, all: &[Drafted], null: bool) {
    lines.put(level, &format!("{word}:"));
    for branch in all {
        lines.put(level + 1, "-");
        schema(lines, level + 2, branch);
    }
    if null {
        lines.put(level + 1, "- type: \"null\"");
    }
}

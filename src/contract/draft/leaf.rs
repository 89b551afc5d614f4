//! Texts, numbers and truth values of the description, keyword by keyword, as far as a contract says the same.

use crate::contract::draft::Drafter;
use crate::contract::draft::finding::Note;
use crate::contract::draft::here::Here;
use crate::contract::draft::lines::quoted;
use crate::contract::draft::schema::Kind;
use crate::contract::draft::shape::Leaf;
use crate::contract::draft::shape::LeafKind;
use crate::contract::format::Format;
use crate::contract::multiple::Multiple;
use crate::json;
use crate::json::Number;
use crate::yaml::Yaml;

/// The most characters that a contract can allow.
const MAX_LENGTH: i64 = 8 * 1024 * 1024;

impl<'a> Drafter<'a> {
    pub(super) fn leaf(&mut self, here: &Here<'a>, kind: Kind, notes: &mut Vec<Note>) -> Leaf {
        let kind = match kind {
            Kind::Integer => LeafKind::Integer,
            Kind::Number => LeafKind::Number,
            Kind::Boolean => LeafKind::Boolean,
            Kind::Text | Kind::Object | Kind::Array => LeafKind::Text,
        };
        let mut leaf = Leaf { kind, keywords: Vec::new(), words: words(here, kind, notes), endless: false };
        match kind {
            LeafKind::Text => self.text(here, &mut leaf, notes),
            LeafKind::Integer | LeafKind::Number => range(here, &mut leaf, notes),
            LeafKind::Boolean => {}
        }
        leaf
    }

    fn text(&mut self, here: &Here<'a>, leaf: &mut Leaf, notes: &mut Vec<Note>) {
        let mut ends = leaf.words.is_some();
        let length = |key: &str, notes: &mut Vec<Note>| {
            let at = here.get(key)?;
            match at.node.value {
                Yaml::Integer(number) if (0..=MAX_LENGTH).contains(&number) => Some(number),
                _ => {
                    notes.push(Note::left_out(
                        &at,
                        "bounds",
                        format!("`{key}` is more than any body holds, or no number"),
                    ));
                    None
                }
            }
        };
        let (low, high) = (length("minLength", notes), length("maxLength", notes));
        let in_order = low.zip(high).is_none_or(|(low, high)| low <= high);
        if let Some(low) = low.filter(|low| *low > 0 && in_order) {
            leaf.keywords.push(("minLength", low.to_string()));
        }
        if let Some(high) = high.filter(|_| in_order) {
            leaf.keywords.push(("maxLength", high.to_string()));
            ends = true;
        }
        if let Some(at) = here.get("pattern") {
            match at.text().map(|text| (text, self.patterns.compile(text))) {
                Some((text, Ok(_))) => {
                    leaf.keywords.push(("pattern", quoted(text)));
                    ends = true;
                }
                Some((text, Err(error))) => {
                    notes.push(Note::left_out(&at, "pattern", format!("the pattern `{text}`: {error}")));
                }
                None => notes.push(Note::left_out(&at, "pattern", "`pattern` is no text")),
            }
        }
        if let Some(at) = here.get("format") {
            match Format::ALL.iter().find(|format| at.text() == Some(format.word())) {
                Some(format) => {
                    leaf.keywords.push(("format", format.word().to_owned()));
                    ends |= format.max_bytes().is_some();
                }
                None => {
                    let word = at.scalar().unwrap_or_default();
                    notes.push(Note::left_out(&at, "format", format!("the format `{word}`, which nothing checks")));
                }
            }
        }
        leaf.endless = !ends;
    }
}

/// `enum` or `const`, each value once, as they are written.
fn words(here: &Here<'_>, kind: LeafKind, notes: &mut Vec<Note>) -> Option<Vec<String>> {
    let list = here.get("const").map(|one| vec![one]).or_else(|| here.get("enum").map(|list| list.items()))?;
    let mut words: Vec<String> = Vec::new();
    for item in list {
        let word = match (kind, &item.node.value) {
            (_, Yaml::Null) => continue,
            // `1`, `yes` or `2020-01-01` without quotes, where the type says text.
            (LeafKind::Text, _) => item.scalar().map(|text| quoted(&text)),
            (LeafKind::Boolean, Yaml::Bool(truth)) => Some(truth.to_string()),
            (LeafKind::Integer | LeafKind::Number, _) => number(&item, kind == LeafKind::Integer),
            (LeafKind::Boolean, _) => None,
        };
        match word {
            Some(word) if !words.contains(&word) => words.push(word),
            Some(_) => {}
            None => notes.push(Note::left_out(&item, "enum", "a listed value of another type than it should be")),
        }
    }
    let all_truths = kind == LeafKind::Boolean && words.len() != 1;
    (!words.is_empty() && !all_truths).then_some(words)
}

fn range(here: &Here<'_>, leaf: &mut Leaf, notes: &mut Vec<Note>) {
    let whole = leaf.kind == LeafKind::Integer;
    let low = end(here, "minimum", "exclusiveMinimum", whole, notes);
    let high = end(here, "maximum", "exclusiveMaximum", whole, notes);
    let format = here.text_of("format").filter(|word| whole && matches!(*word, "int32" | "int64"));
    let (least, most) = match format {
        Some("int32") => (f64::from(i32::MIN), f64::from(i32::MAX)),
        _ => (f64::NEG_INFINITY, f64::INFINITY),
    };
    let value = |bound: &Option<Bound>| bound.as_ref().map(|bound| bound.value);
    let from = value(&low).unwrap_or(f64::NEG_INFINITY).max(least);
    let to = value(&high).unwrap_or(f64::INFINITY).min(most);
    let open = [&low, &high].iter().any(|bound| bound.as_ref().is_some_and(|bound| bound.keyword.starts_with("ex")));
    if from > to || open && from >= to {
        notes.push(Note::left_out(here, "bounds", "bounds between which nothing lies"));
    } else {
        for bound in [low, high].into_iter().flatten() {
            leaf.keywords.push((bound.keyword, bound.text));
        }
    }
    if let Some(at) = here.get("multipleOf") {
        match number(&at, false).filter(|_| as_number(&at).and_then(Multiple::new).is_some()) {
            Some(text) => leaf.keywords.push(("multipleOf", text)),
            None => {
                notes.push(Note::left_out(&at, "multiple-of", "`multipleOf` has more places than a contract can tell"))
            }
        }
    }
    match (format, here.get("format")) {
        (Some(word), _) => leaf.keywords.push(("format", word.to_owned())),
        (None, Some(at)) if !matches!(at.text(), Some("double" | "float")) => {
            let word = at.scalar().unwrap_or_default();
            notes.push(Note::left_out(&at, "format", format!("the format `{word}`, which nothing checks")));
        }
        (None, _) => {}
    }
}

struct Bound {
    keyword: &'static str,
    text: String,
    value: f64,
}

/// One end of a range. In 3.0 `exclusiveMinimum: true` says that `minimum` itself is outside; in 3.1 it is a bound of its own.
fn end(
    here: &Here<'_>,
    inclusive: &'static str,
    exclusive: &'static str,
    whole: bool,
    notes: &mut Vec<Note>,
) -> Option<Bound> {
    let is_outside = here.says(exclusive);
    let own = here.get(exclusive).filter(|at| !matches!(at.node.value, Yaml::Bool(_)));
    let (keyword, at) = match (own, here.get(inclusive)) {
        (Some(own), _) => (exclusive, own),
        (None, Some(at)) if is_outside => {
            notes.push(Note::changed(&at, "converted", format!("`{exclusive}: true` is a number since OpenAPI 3.1")));
            (exclusive, at)
        }
        (None, Some(at)) => (inclusive, at),
        (None, None) => return None,
    };
    match number(&at, whole).zip(as_number(&at)) {
        Some((text, number)) => Some(Bound { keyword, text, value: number.as_f64() }),
        None => {
            notes.push(Note::left_out(&at, "bounds", format!("`{keyword}` beyond what a number can be here")));
            None
        }
    }
}

fn as_number(at: &Here<'_>) -> Option<Number> {
    match at.node.value {
        Yaml::Integer(number) => Number::try_from(number).ok(),
        Yaml::Float(number) => Number::try_from(number).ok(),
        _ => None,
    }
}

/// A number as it is written in JSON.
fn number(at: &Here<'_>, whole: bool) -> Option<String> {
    let number = as_number(at).filter(|number| !whole || number.as_integer().is_some())?;
    let mut text = Vec::new();
    json::write_number(number, &mut text);
    String::from_utf8(text).ok()
}

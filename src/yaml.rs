//! YAML files of operators as one tree whose every node knows its place, and the means to read it closed-world.
//!
//! YAML 1.2 core schema, one document, strict: duplicate keys, merge keys, anchors in numbers, `yes`/`on` as booleans and
//! foreign tags are faults. All other rooms read files through [`parse`] and [`Reader`], so that unknown keys, missing keys
//! and wrong types are reported the same way everywhere: all of a file's faults at once, with line, snippet and hint.

use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use crate::diagnostic::Place;
use crate::diagnostic::Source;
use crate::diagnostic::nearest;
use serde::Deserialize;
use serde::de;
use serde_yaml::Spanned;
use std::cell::Cell;
use std::cell::RefCell;
use std::fmt;

/// How large a file may be. Beyond either bound it is a fault, before anything is made of it.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Bytes of text.
    pub max_bytes: usize,
    /// Scalars, lists and mappings together.
    pub max_nodes: usize,
}

impl Budget {
    /// For what people write: configuration, contracts, requirements.
    pub const RULES: Self = Self { max_bytes: 4 * 1024 * 1024, max_nodes: 250_000 };
    /// For what machines export: the directory.
    pub const DATA: Self = Self { max_bytes: 64 * 1024 * 1024, max_nodes: 4_000_000 };
    /// For what partners publish of their APIs.
    pub const FOREIGN: Self = Self { max_bytes: 16 * 1024 * 1024, max_nodes: 2_000_000 };
}

/// How strictly a file is read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Hand {
    /// One of ours: neither aliases nor merge keys, so that what stands there is what is meant.
    Own,
    /// One of others, of which a draft is made that people read: aliases and merge keys are followed, within bounds, and it may
    /// be nested more deeply. No key stands twice here either: nobody could say which one is meant.
    Foreign,
}

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Where the value begins.
    pub place: Place,
    /// The value.
    pub value: Yaml,
}

/// A key of a map and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    /// Where the key begins.
    pub place: Place,
    /// The key.
    pub text: String,
}

/// A YAML value. Keys are text; the order is that of the file.
#[derive(Clone, Debug, PartialEq)]
pub enum Yaml {
    /// `null`, `~` or nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// Any other number, finite.
    Float(f64),
    /// Text.
    Text(String),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping; no key stands twice.
    Map(Vec<(Key, Node)>),
}

/// Parses one document that people wrote.
///
/// # Errors
/// One diagnostic with the parser's place and message: a syntax error or a breach of the strict rules above.
pub fn parse(source: &Source) -> Result<Node, Diagnostics> {
    parse_within(source, Budget::RULES)
}

/// Parses one document of at most the size that `budget` allows.
///
/// # Errors
/// As [`parse`].
pub fn parse_within(source: &Source, budget: Budget) -> Result<Node, Diagnostics> {
    parse_by(source, budget, Hand::Own)
}

/// Parses a document that others wrote: YAML or JSON, with aliases and merge keys followed.
///
/// # Errors
/// As [`parse`].
pub fn parse_foreign(source: &Source) -> Result<Node, Diagnostics> {
    parse_by(source, Budget::FOREIGN, Hand::Foreign)
}

fn parse_by(source: &Source, budget: Budget, hand: Hand) -> Result<Node, Diagnostics> {
    if source.text().len() > budget.max_bytes {
        let message = format!("the file is larger than {} bytes", budget.max_bytes);
        return Err(source
            .fault("file-too-large", Place::WHOLE, message)
            .help("take it apart, or leave out what is not needed")
            .into());
    }
    let options = serde_yaml::options! {
        strict_booleans: true,
        duplicate_keys: serde_yaml::DuplicateKeyPolicy::Error,
        merge_keys: match hand {
            Hand::Own => serde_yaml::MergeKeyPolicy::Error,
            Hand::Foreign => serde_yaml::MergeKeyPolicy::Merge,
        },
        with_snippet: false,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        reject_unsupported_tags: true,
        non_finite_float_policy: serde_yaml::NonFiniteFloatPolicy::Reject,
        budget: serde_yaml::budget! {
            max_depth: if hand == Hand::Own { 32 } else { 64 },
            max_aliases: if hand == Hand::Own { 0 } else { 10_000 },
            max_nodes: budget.max_nodes,
            // Each node is an event, each list and mapping two; the document's own make four.
            max_events: budget.max_nodes.saturating_mul(2).saturating_add(4),
        },
    };
    serde_yaml::from_str_with_options::<Node>(source.text(), options).map_err(|error| {
        let place = error.location().map_or(Place::WHOLE, |at| Place {
            line: u32::try_from(at.line()).unwrap_or(0),
            column: u32::try_from(at.column()).unwrap_or(0),
        });
        let message = error.to_string();
        let first = message.lines().next().unwrap_or("not YAML");
        let (message, help) = syntax(first);
        source.fault("yaml-syntax", place, message).help(help).into()
    })
}

/// The library's message without what it says to programmers, and what to do.
fn syntax(message: &str) -> (String, &'static str) {
    let message = message.trim_end_matches('.');
    let message = message.rsplit_once(" at line ").map_or(message, |(message, _)| message);
    if let Some(key) = message.strip_prefix("duplicate mapping key: ") {
        let key = key.split(", set ").next().unwrap_or_default();
        return (format!("the key `{key}` stands here a second time"), "keep one of them");
    }
    if message.starts_with("budget breached: Aliases") {
        return ("an alias stands here".to_owned(), "write the value itself");
    }
    if message.starts_with("budget breached: ") {
        return ("the file is nested too deeply, or holds too much".to_owned(), "take it apart");
    }
    (message.to_owned(), "look at indentation, brackets and quotes here and in the line before")
}

/// What a reader notes where a mapping may hold keys of the operator's choice.
pub const ANY_KEY: &str = "<name>";

/// Reads one file's tree and collects its faults.
pub struct Reader {
    source: Source,
    faults: RefCell<Diagnostics>,
    /// Which keys were asked for, each with the place of its mapping; kept by a reader that notes them.
    asked: Option<RefCell<Vec<(Place, &'static str)>>>,
}

/// The keys of one map: each may be taken once, and [`Fields::finish`] reports those that nobody took.
pub struct Fields<'a> {
    reader: &'a Reader,
    place: Place,
    entries: Vec<(&'a Key, &'a Node, Cell<bool>)>,
    asked: RefCell<Vec<&'static str>>,
}

impl Reader {
    /// A reader of `source`.
    #[must_use]
    pub const fn new(source: Source) -> Self {
        Self { source, faults: RefCell::new(Diagnostics::new()), asked: None }
    }

    /// A reader that notes besides every key that it is asked for; its memory grows with their number.
    #[must_use]
    pub const fn noting(source: Source) -> Self {
        Self { source, faults: RefCell::new(Diagnostics::new()), asked: Some(RefCell::new(Vec::new())) }
    }

    /// The keys that were asked for so far, each with the place of its mapping; [`ANY_KEY`] where any key may stand.
    /// Nothing unless this reader notes them.
    #[must_use]
    pub fn asked(&self) -> Vec<(Place, &'static str)> {
        self.asked.as_ref().map(|asked| asked.borrow().clone()).unwrap_or_default()
    }

    fn note(&self, place: Place, key: &'static str) {
        if let Some(asked) = &self.asked {
            asked.borrow_mut().push((place, key));
        }
    }

    /// The file.
    #[must_use]
    pub const fn source(&self) -> &Source {
        &self.source
    }

    /// Reports a fault at `place`.
    pub fn fault(&self, code: &'static str, place: Place, message: impl Into<String>) {
        self.report(self.source.fault(code, place, message));
    }

    /// Reports a fault that was put together elsewhere, for instance with help.
    pub fn report(&self, fault: Diagnostic) {
        self.faults.borrow_mut().push(fault);
    }

    /// `value`, if no fault was reported.
    ///
    /// # Errors
    /// All faults.
    pub fn finish<T>(self, value: Option<T>) -> Result<T, Diagnostics> {
        self.finish_with_warnings(value).map(|(value, _)| value)
    }

    /// The same, and with the value what a later release will refuse.
    ///
    /// # Errors
    /// All faults, warnings among them.
    pub fn finish_with_warnings<T>(self, value: Option<T>) -> Result<(T, Diagnostics), Diagnostics> {
        let faults = self.faults.into_inner();
        match value {
            Some(value) => {
                let warnings = faults.clone();
                faults.or_fail((value, warnings))
            }
            None if faults.is_empty() => Err(self
                .source
                .fault("unreadable", Place::WHOLE, "the file cannot be read as what it should be")
                .into()),
            None => Err(faults),
        }
    }

    /// The map's keys, or a fault.
    pub fn fields<'a>(&'a self, node: &'a Node) -> Option<Fields<'a>> {
        let Yaml::Map(entries) = &node.value else {
            return self.wrong_type(node, "a mapping");
        };
        let entries = entries.iter().map(|(key, value)| (key, value, Cell::new(false))).collect();
        Some(Fields { reader: self, place: node.place, entries, asked: RefCell::default() })
    }

    /// The list's items, or a fault.
    pub fn list<'a>(&self, node: &'a Node) -> Option<&'a [Node]> {
        match &node.value {
            Yaml::List(items) => Some(items),
            _ => self.wrong_type(node, "a list"),
        }
    }

    /// The text, or a fault.
    pub fn text<'a>(&self, node: &'a Node) -> Option<&'a str> {
        match &node.value {
            Yaml::Text(text) => Some(text),
            _ => self.wrong_type(node, "text"),
        }
    }

    /// The whole number, or a fault.
    pub fn integer(&self, node: &Node) -> Option<i64> {
        match &node.value {
            Yaml::Integer(number) => Some(*number),
            _ => self.wrong_type(node, "a whole number"),
        }
    }

    /// The whole number within inclusive bounds, or a fault.
    pub fn bounded(&self, node: &Node, low: i64, high: i64) -> Option<i64> {
        let number = self.integer(node)?;
        if (low..=high).contains(&number) {
            return Some(number);
        }
        let fault = self.source.fault("out-of-bounds", node.place, format!("`{number}` is not within {low} to {high}"));
        self.report(match low == high {
            true => fault.help(format!("write `{low}`")),
            false => fault.help(format!("take a whole number from {low} to {high}")),
        });
        None
    }

    /// The boolean, or a fault.
    pub fn boolean(&self, node: &Node) -> Option<bool> {
        match &node.value {
            Yaml::Bool(value) => Some(*value),
            _ => self.wrong_type(node, "`true` or `false`"),
        }
    }

    /// One of the words, or a fault that lists them and names the nearest.
    pub fn word<T: Copy>(&self, node: &Node, words: &[(&str, T)]) -> Option<T> {
        let text = self.text(node)?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
            return Some(*value);
        }
        let list: Vec<String> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
        let fault = self.source.fault("unknown-word", node.place, format!("`{text}` is none of {}", list.join(", ")));
        self.report(match nearest(text, words.iter().map(|(word, _)| *word)) {
            Some(near) => fault.help(format!("did you mean `{near}`?")),
            None => fault.help("take one of these words; there is no other"),
        });
        None
    }

    /// Reports that `node` is not what was wanted; always `None`.
    pub fn wrong_type<T>(&self, node: &Node, wanted: &str) -> Option<T> {
        let message = format!("expected {wanted}, found {}", node.value.kind());
        let help = match wanted {
            "a mapping" => "write `{key: value}`, or each `key: value` on a line of its own",
            "a list" => "write `[value]`, or each value on a line of its own after `- `",
            "text" => "write it in quotes, or with its unit where it is a time or a size, for instance `30s`",
            "a whole number" => "write digits alone, without quotes, unit or point",
            _ => "write what is expected, without quotes",
        };
        self.report(self.source.fault("wrong-type", node.place, message).help(help));
        None
    }
}

impl<'a> Fields<'a> {
    /// The value of a key that must be there, or a fault.
    pub fn required(&self, key: &'static str) -> Option<&'a Node> {
        let found = self.optional(key);
        if found.is_none() {
            let fault = self.reader.source.fault("missing-key", self.place, format!("the key `{key}` is missing"));
            self.reader.report(fault.help(format!("add `{key}:` to the mapping that begins here")));
        }
        found
    }

    /// The value of a key that may be absent.
    pub fn optional(&self, key: &'static str) -> Option<&'a Node> {
        self.asked.borrow_mut().push(key);
        self.reader.note(self.place, key);
        let (_, node, taken) = self.entries.iter().find(|(known, _, _)| known.text == key)?;
        taken.set(true);
        Some(node)
    }

    /// All entries whose keys nobody asked for by name, as taken: for maps with free keys.
    pub fn rest(&self) -> Vec<(&'a Key, &'a Node)> {
        self.reader.note(self.place, ANY_KEY);
        let open = self.entries.iter().filter(|(_, _, taken)| !taken.replace(true));
        open.map(|(key, node, _)| (*key, *node)).collect()
    }

    /// Where the map begins.
    #[must_use]
    pub const fn place(&self) -> Place {
        self.place
    }

    /// Reports every key that nobody asked for.
    pub fn finish(self) {
        let asked = self.asked.borrow();
        for (key, _, _) in self.entries.iter().filter(|(_, _, taken)| !taken.get()) {
            let fault = self.reader.source.fault("unknown-key", key.place, format!("unknown key `{}`", key.text));
            let known = || asked.iter().copied();
            self.reader.report(match nearest(&key.text, known()) {
                Some(near) => fault.help(format!("did you mean `{near}`?")),
                None => fault.help(format!("known here: {}", known().collect::<Vec<_>>().join(", "))),
            });
        }
    }
}

impl Yaml {
    /// What kind of value this is, for messages.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "a boolean",
            Self::Integer(_) => "a whole number",
            Self::Float(_) => "a number",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Map(_) => "a mapping",
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Yaml>::deserialize(deserializer)?;
        Ok(Self { place: place(&spanned.defined), value: spanned.value })
    }
}

impl<'de> Deserialize<'de> for Yaml {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> de::Visitor<'de> for AnyValue {
    type Value = Yaml;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<Yaml, E> {
        Ok(Yaml::Null)
    }

    fn visit_none<E>(self) -> Result<Yaml, E> {
        Ok(Yaml::Null)
    }

    fn visit_some<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Yaml, D::Error> {
        Yaml::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Yaml, E> {
        Ok(Yaml::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Yaml, E> {
        Ok(Yaml::Integer(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Yaml, E> {
        i64::try_from(value).map(Yaml::Integer).map_err(|_| E::custom("the number is too large"))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Yaml, E> {
        // Whole numbers beyond 64 bit arrive here: they have lost digits already.
        if value.is_finite() && value.abs() < 9_007_199_254_740_992.0 {
            Ok(Yaml::Float(value))
        } else {
            Err(E::custom("the number is too large"))
        }
    }

    fn visit_str<E>(self, value: &str) -> Result<Yaml, E> {
        Ok(Yaml::Text(value.to_owned()))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut items: A) -> Result<Yaml, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Yaml::List(list))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut entries: A) -> Result<Yaml, A::Error> {
        let mut map: Vec<(Key, Node)> = Vec::new();
        while let Some((key, value)) = entries.next_entry::<Spanned<String>, Node>()? {
            map.push((Key { place: place(&key.defined), text: key.value }, value));
        }
        Ok(Yaml::Map(map))
    }
}

fn place(at: &serde_yaml::Location) -> Place {
    Place { line: u32::try_from(at.line()).unwrap_or(0), column: u32::try_from(at.column()).unwrap_or(0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(text: &str) -> Result<Node, Diagnostics> {
        parse(&Source::new("test.yaml", text))
    }

    #[test]
    fn every_node_knows_its_place() {
        let node = tree("a: 1\nb:\n  - x\n  - {c: true}\n").unwrap();
        let Yaml::Map(entries) = &node.value else { panic!("not a map") };
        assert_eq!(entries[1].0.place, Place { line: 2, column: 1 });
        let Yaml::List(items) = &entries[1].1.value else { panic!("not a list") };
        assert_eq!(items[0], Node { place: Place { line: 3, column: 5 }, value: Yaml::Text("x".into()) });
        let Yaml::Map(inner) = &items[1].value else { panic!("not a map") };
        assert_eq!(inner[0].1, Node { place: Place { line: 4, column: 9 }, value: Yaml::Bool(true) });
    }

    #[test]
    fn scalars_follow_the_core_schema_and_quotes_make_text() {
        for (text, value) in [
            ("12", Yaml::Integer(12)),
            ("-3", Yaml::Integer(-3)),
            ("1.5", Yaml::Float(1.5)),
            ("'12'", Yaml::Text("12".into())),
            ("\"true\"", Yaml::Text("true".into())),
            ("yes", Yaml::Text("yes".into())),
            ("no", Yaml::Text("no".into())),
            ("true", Yaml::Bool(true)),
            ("null", Yaml::Null),
            ("~", Yaml::Null),
            ("30s", Yaml::Text("30s".into())),
        ] {
            assert_eq!(
                tree(&format!("key: {text}\n"))
                    .map(|node| match node.value {
                        Yaml::Map(mut entries) => entries.remove(0).1.value,
                        other => other,
                    })
                    .unwrap(),
                value,
                "{text}"
            );
        }
    }

    #[test]
    fn what_a_strict_file_may_not_hold_is_a_fault_with_a_place() {
        for text in [
            "a: 1\na: 2\n",
            "a: {b: 1, b: 2}\n",
            "a: &x {b: 1}\nc:\n  <<: *x\n",
            "a: &x 1\nb: *x\n",
            "a: [1\n",
            "a: .inf\n",
            "a: 1\n---\nb: 2\n",
            "a: 99999999999999999999\n",
        ] {
            let faults = tree(text).expect_err(text);
            assert_eq!(faults.iter().count(), 1, "{text}");
        }
    }

    #[test]
    fn of_a_foreign_file_aliases_and_merge_keys_are_followed_within_bounds_and_no_key_stands_twice() {
        let foreign = |text: &str| parse_foreign(&Source::new("partner.yaml", text));
        let node = foreign("a: &x {b: 1}\nc:\n  <<: *x\n  d: 2\ne: *x\n").unwrap();
        let Yaml::Map(entries) = &node.value else { panic!("not a map") };
        let Yaml::Map(merged) = &entries[1].1.value else { panic!("not a map") };
        assert_eq!(merged.len(), 2);
        assert_eq!(entries[2].1.value.kind(), "a mapping");
        assert!(foreign("{\"a\": {\"b\": [1, \"x\", null, true]}}").is_ok());
        let bomb = (0..9).fold("l0: &l0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n".to_owned(), |text, level| {
            let of_last = format!("*l{level}, ").repeat(10);
            format!("{text}l{}: &l{} [{}]\n", level + 1, level + 1, of_last.trim_end_matches(", "))
        });
        for text in ["a: 1\na: 2\n", &bomb, &"[".repeat(100)] {
            assert!(foreign(text).is_err(), "{}", text.get(..20).unwrap_or(text));
        }
    }

    #[test]
    fn all_faults_of_a_map_are_reported_at_once_with_the_nearest_name() {
        let source = Source::new("gateway.yaml", "version: one\nlisteneers: 3\n");
        let node = parse(&source).unwrap();
        let reader = Reader::new(source);
        let fields = reader.fields(&node).unwrap();
        assert_eq!(fields.required("version").and_then(|version| reader.integer(version)), None);
        assert!(fields.required("listeners").is_none());
        fields.finish();
        let text = reader.finish(Some(())).unwrap_err().to_string();
        assert!(text.contains("expected a whole number, found text"), "{text}");
        assert!(text.contains("the key `listeners` is missing"), "{text}");
        assert!(text.contains("gateway.yaml:2:1") && text.contains("did you mean `listeners`?"), "{text}");
    }
}

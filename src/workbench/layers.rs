//! From files to one mapping per case: bases laid under it (`extends`), and a case for each row of its `matrix`.
//!
//! A base may stand in another file than the case that extends it, so all files are read as if they were one, one below the
//! other; faults are told of the file that the line belongs to.

use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use crate::diagnostic::Place;
use crate::diagnostic::Source;
use crate::diagnostic::nearest;
use crate::yaml;
use crate::yaml::Key;
use crate::yaml::Node;
use crate::yaml::Reader;
use crate::yaml::Yaml;
use std::collections::BTreeMap;
use std::collections::BTreeSet;

/// The most cases of a suite, a matrix' rows among them.
const CASES_MAX: usize = 20_000;

/// All files, one below the other.
pub(super) struct Files {
    /// Each file with the lines above it.
    files: Vec<(u32, Source)>,
    trees: Vec<Node>,
    /// All of them as one.
    whole: Source,
}

/// A case with everything that it extends under it, and the values of one row in it.
pub(super) struct Layered {
    pub(super) name: String,
    pub(super) place: Place,
    pub(super) node: Node,
}

/// One row of a matrix: a value for each name.
type Row<'n> = Vec<(&'n str, &'n Node)>;

impl Files {
    /// Parses every file; what is no YAML is told and left out.
    pub(super) fn parse(sources: &[Source], faults: &mut Diagnostics) -> Self {
        let (mut files, mut trees, mut text) = (Vec::new(), Vec::new(), String::new());
        for source in sources {
            match yaml::parse(source) {
                Ok(mut tree) => {
                    let above = u32::try_from(text.matches('\n').count()).unwrap_or(u32::MAX);
                    move_down(&mut tree, above);
                    text.push_str(source.text());
                    text.push('\n');
                    files.push((above, source.clone()));
                    trees.push(tree);
                }
                Err(wrong) => faults.extend(wrong),
            }
        }
        Self { files, trees, whole: Source::new("tests", text) }
    }

    /// A reader of all of them.
    pub(super) fn reader(&self) -> Reader {
        Reader::new(self.whole.clone())
    }

    /// The file that a place belongs to, and the place in it.
    pub(super) fn place(&self, place: Place) -> Option<(Source, Place)> {
        let (above, source) = self.files.iter().rev().find(|(above, _)| *above < place.line)?;
        Some((source.clone(), Place { line: place.line.saturating_sub(*above), column: place.column }))
    }

    /// Faults as each of their files tells them, and each once: what is wrong with a base is wrong in every case.
    pub(super) fn told(&self, found: &Diagnostics) -> Diagnostics {
        let (mut told, mut seen) = (Diagnostics::new(), BTreeSet::new());
        for fault in found.iter() {
            if seen.insert((fault.place, fault.code, fault.message.clone())) {
                told.push(match self.place(fault.place) {
                    Some((source, place)) => Diagnostic { source: Some(source), place, ..fault.clone() },
                    None => fault.clone(),
                });
            }
        }
        told
    }

    /// Every case, layered.
    pub(super) fn cases<'n>(&'n self, reader: &'n Reader) -> Vec<Layered> {
        let (mut bases, mut cases) = (BTreeMap::new(), Vec::new());
        for tree in &self.trees {
            let Some(fields) = reader.fields(tree) else { continue };
            let _version = fields.required("version").and_then(|node| reader.bounded(node, 1, 1));
            if let Some(written) = fields.optional("bases").and_then(|node| reader.fields(node)) {
                for (key, node) in written.rest() {
                    if bases.insert(key.text.as_str(), node).is_some() {
                        let fault = reader.source().fault("twice", key.place, format!("a second base `{}`", key.text));
                        reader.report(fault.help("bases of all files share their names: rename one of them"));
                    }
                }
            }
            if let Some(written) = fields.optional("cases") {
                cases.extend(reader.list(written).unwrap_or_default());
            }
            fields.finish();
        }
        let layers = Layers { reader, bases };
        let mut layered = Vec::new();
        for node in cases {
            layers.case(node, &mut layered);
            if layered.len() > CASES_MAX {
                let fault = reader.source().fault("too-many-cases", node.place, "there are more than 20000 cases");
                reader.report(fault.help("take values out of a `matrix`"));
                layered.truncate(CASES_MAX);
                break;
            }
        }
        layered
    }
}

struct Layers<'n> {
    reader: &'n Reader,
    bases: BTreeMap<&'n str, &'n Node>,
}

impl<'n> Layers<'n> {
    fn case(&self, node: &'n Node, out: &mut Vec<Layered>) {
        let Some(fields) = self.reader.fields(node) else { return };
        let name = fields.required("name").and_then(|name| self.reader.text(name));
        let (matrix, extends) = (fields.optional("matrix"), fields.optional("extends"));
        let own = mapping(node.place, fields.rest());
        let Some(name) = name else { return };
        let Some(rows) = matrix.map_or_else(|| Some(vec![Row::new()]), |matrix| self.rows(matrix)) else { return };
        let mut used = BTreeSet::new();
        for (index, row) in rows.iter().enumerate() {
            let extends = extends.map(|extends| self.filled(extends, row, &mut used));
            // Filled first: a row may take away (`~`) what the base says.
            let own = self.filled(&own, row, &mut used);
            let filled = match &extends {
                None => own,
                Some(extends) => match self.extended(extends, &mut Vec::new()) {
                    Some(under) => laid_over(&self.filled(&under, row, &mut used), &own),
                    // What is missing then is the base, which has been told.
                    None => continue,
                },
            };
            out.push(Layered {
                name: self.named(node.place, name, row, index, &mut used),
                place: node.place,
                node: filled,
            });
        }
        self.report_unused(matrix, &rows, &used);
    }

    /// The name of a row's case: with its values in their places, or behind it.
    fn named(&self, place: Place, name: &str, row: &Row<'_>, index: usize, used: &mut BTreeSet<String>) -> String {
        let mut in_name = BTreeSet::new();
        let written = Node { place, value: Yaml::Text(name.to_owned()) };
        let filled = scalar(&self.filled(&written, row, &mut in_name)).unwrap_or_else(|| name.to_owned());
        let open = row.iter().filter(|(key, _)| !in_name.contains(*key));
        let rest: Vec<String> = open.map(|(key, value)| format!("{key}={}", shown(value, index))).collect();
        used.extend(in_name);
        if rest.is_empty() { filled } else { format!("{filled} [{}]", rest.join(", ")) }
    }

    fn report_unused(&self, matrix: Option<&Node>, rows: &[Row<'_>], used: &BTreeSet<String>) {
        let Some(matrix) = matrix else { return };
        let keys: BTreeSet<&str> = rows.iter().flatten().map(|(key, _)| *key).collect();
        for key in keys.into_iter().filter(|key| !used.contains(*key)) {
            let message = format!("the value `{key}` of the matrix stands nowhere in the case");
            let fault = self.reader.source().fault("unused-value", matrix.place, message);
            self.reader.report(fault.help(format!("write `${{{key}}}` where it belongs, or take it out")));
        }
    }

    /// What a case or base extends, laid one over the other; `None` where one of these is not there.
    fn extended(&self, extends: &Node, on_the_way: &mut Vec<String>) -> Option<Node> {
        let names: Vec<&Node> = match &extends.value {
            Yaml::List(names) => names.iter().collect(),
            _ => vec![extends],
        };
        let mut whole: Option<Node> = None;
        for node in names {
            let base = self.base(self.reader.text(node)?, node, on_the_way)?;
            whole = Some(match whole {
                Some(under) => laid_over(&under, &base),
                None => base,
            });
        }
        whole
    }

    fn base(&self, name: &str, asked: &Node, on_the_way: &mut Vec<String>) -> Option<Node> {
        let Some(node) = self.bases.get(name) else {
            let message = format!("there is no base `{name}`");
            let fault = self.reader.source().fault("unknown-base", asked.place, message);
            self.reader.report(match nearest(name, self.bases.keys().copied()) {
                Some(near) => fault.help(format!("did you mean `{near}`?")),
                None => fault.help("bases stand under `bases:` of a file in `tests/`, by their names"),
            });
            return None;
        };
        if on_the_way.iter().any(|known| known == name) {
            let fault = self.reader.source().fault("base-circle", asked.place, format!("`{name}` extends itself"));
            self.reader.report(fault.help("take one of the `extends` on the way out"));
            return None;
        }
        let fields = self.reader.fields(node)?;
        let extends = fields.optional("extends");
        let own = mapping(node.place, fields.rest());
        let Some(extends) = extends else { return Some(own) };
        on_the_way.push(name.to_owned());
        let under = self.extended(extends, on_the_way);
        on_the_way.pop();
        Some(laid_over(&under?, &own))
    }

    /// The rows of a matrix: each combination of a mapping's lists, or each mapping of a list.
    fn rows(&self, matrix: &'n Node) -> Option<Vec<Row<'n>>> {
        let mut rows = vec![Row::new()];
        match &matrix.value {
            Yaml::List(items) => {
                rows.clear();
                for item in items {
                    let row = self.reader.fields(item)?.rest();
                    rows.push(row.into_iter().map(|(key, node)| (key.text.as_str(), node)).collect());
                }
            }
            _ => {
                for (key, values) in self.reader.fields(matrix)?.rest() {
                    let values = self.reader.list(values)?;
                    if rows.len().saturating_mul(values.len()) > CASES_MAX {
                        let message = "the matrix has more than 20000 rows";
                        self.reader.fault("too-many-cases", matrix.place, message);
                        return None;
                    }
                    let longer =
                        |row: &Row<'n>, value| row.iter().copied().chain([(key.text.as_str(), value)]).collect();
                    rows = rows.iter().flat_map(|row| values.iter().map(move |value| longer(row, value))).collect();
                }
            }
        }
        if rows.is_empty() {
            let fault =
                self.reader.source().fault("empty-matrix", matrix.place, "the matrix has no row, so no case is played");
            self.reader.report(fault.help("give it a value, or take it out"));
        }
        Some(rows)
    }

    /// A node with the values of a row in the places of their names.
    fn filled(&self, node: &Node, row: &Row<'_>, used: &mut BTreeSet<String>) -> Node {
        let value = match &node.value {
            Yaml::Text(text) => return self.filled_text(node, text, row, used),
            Yaml::List(items) => Yaml::List(items.iter().map(|item| self.filled(item, row, used)).collect()),
            Yaml::Map(entries) => {
                let entries = entries.iter().map(|(key, value)| (key.clone(), self.filled(value, row, used)));
                Yaml::Map(entries.collect())
            }
            other => other.clone(),
        };
        Node { place: node.place, value }
    }

    fn filled_text(&self, node: &Node, text: &str, row: &Row<'_>, used: &mut BTreeSet<String>) -> Node {
        let mut whole = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            // `$${` is `${` itself.
            if let Some(before) = before.strip_suffix('$') {
                whole.push_str(before);
                whole.push_str("${");
                rest = after;
                continue;
            }
            whole.push_str(before);
            let Some((name, behind)) = after.split_once('}') else {
                let fault = self.reader.source().fault("unknown-value", node.place, "`${` is not closed");
                self.reader.report(fault.help("write `$${` for the text `${` itself"));
                return node.clone();
            };
            let Some((_, value)) = row.iter().find(|(known, _)| *known == name) else {
                let message = format!("`${{{name}}}` is no value of the case's matrix");
                let fault = self.reader.source().fault("unknown-value", node.place, message);
                self.reader.report(match nearest(name, row.iter().map(|(known, _)| *known)) {
                    Some(near) => fault.help(format!("did you mean `${{{near}}}`?")),
                    None => fault.help("add it to `matrix`, or write `$${` for the text `${` itself"),
                });
                return node.clone();
            };
            used.insert(name.to_owned());
            if before.is_empty() && behind.is_empty() && whole.is_empty() {
                return Node { place: node.place, value: value.value.clone() };
            }
            whole.push_str(&scalar(value).unwrap_or_default());
            rest = behind;
        }
        whole.push_str(rest);
        Node { place: node.place, value: Yaml::Text(whole) }
    }
}

/// A value in a case's name.
fn shown(value: &Node, row: usize) -> String {
    scalar(value).unwrap_or_else(|| format!("#{}", row.saturating_add(1)))
}

fn scalar(value: &Node) -> Option<String> {
    match &value.value {
        Yaml::Text(text) => Some(text.clone()),
        Yaml::Integer(number) => Some(number.to_string()),
        Yaml::Bool(value) => Some(value.to_string()),
        Yaml::Float(number) => Some(number.to_string()),
        Yaml::Null => Some("~".to_owned()),
        Yaml::List(_) | Yaml::Map(_) => None,
    }
}

fn mapping(place: Place, entries: Vec<(&Key, &Node)>) -> Node {
    let entries = entries.into_iter().map(|(key, node)| (key.clone(), node.clone())).collect();
    Node { place, value: Yaml::Map(entries) }
}

/// What is written over what lies under it: mappings key by key, where nothing (`~`) takes away what was there; all else
/// in place of it.
fn laid_over(under: &Node, over: &Node) -> Node {
    let (Yaml::Map(below), Yaml::Map(above)) = (&under.value, &over.value) else { return over.clone() };
    let mut entries: Vec<(Key, Node)> = Vec::with_capacity(below.len().saturating_add(above.len()));
    for (key, node) in below {
        match above.iter().find(|(known, _)| known.text == key.text) {
            Some((_, Node { value: Yaml::Null, .. })) => {}
            Some((key, over)) => entries.push((key.clone(), laid_over(node, over))),
            None => entries.push((key.clone(), node.clone())),
        }
    }
    let fresh = above.iter().filter(|(key, _)| !below.iter().any(|(known, _)| known.text == key.text));
    entries.extend(fresh.cloned());
    Node { place: over.place, value: Yaml::Map(entries) }
}

fn move_down(node: &mut Node, lines: u32) {
    let moved = |place: &mut Place| place.line = place.line.saturating_add(lines);
    moved(&mut node.place);
    match &mut node.value {
        Yaml::List(items) => items.iter_mut().for_each(|item| move_down(item, lines)),
        Yaml::Map(entries) => {
            for (key, value) in entries {
                moved(&mut key.place);
                move_down(value, lines);
            }
        }
        _ => {}
    }
}

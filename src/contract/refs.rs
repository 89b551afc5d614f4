//! `$ref` within the file: followed to the node that it names, never in a circle and never out of the document.
//!
//! Only `#/components/…` is followed. Beside `$ref` nothing may stand but `summary` and `description`: what else there is would be
//! easy to overlook. A component that nobody refers to is a fault, because nobody has checked it.

use std::cell::Cell;
use std::cell::RefCell;
use std::collections::BTreeSet;

use crate::diagnostic::Place;
use crate::yaml::Key;
use crate::yaml::Node;
use crate::yaml::Reader;
use crate::yaml::Yaml;

/// The most schemas in a contract, references followed; more would be a mistake, or meant to exhaust us.
const MAX_SCHEMAS: u32 = 20_000;

/// A document whose references can be followed.
pub(super) struct Refs<'a> {
    pub(super) reader: &'a Reader,
    root: &'a Node,
    /// The references that are being followed, outermost first.
    open: RefCell<Vec<&'a str>>,
    used: RefCell<BTreeSet<&'a str>>,
    schemas: Cell<u32>,
}

impl<'a> Refs<'a> {
    pub(super) const fn new(reader: &'a Reader, root: &'a Node) -> Self {
        Self {
            reader,
            root,
            open: RefCell::new(Vec::new()),
            used: RefCell::new(BTreeSet::new()),
            schemas: Cell::new(0),
        }
    }

    /// Reads `node` with `read`, or what it refers to.
    pub(super) fn follow<T>(&self, node: &'a Node, read: &dyn Fn(&'a Node) -> Option<T>) -> Option<T> {
        let Some(reference) = entry(node, "$ref") else { return read(node) };
        let text = self.reader.text(reference)?;
        let fields = self.reader.fields(node)?;
        for known in ["$ref", "summary", "description"] {
            fields.optional(known);
        }
        fields.finish();
        if self.open.borrow().contains(&text) {
            let message = format!("`{text}` refers to itself");
            self.reader.fault("ref-cycle", reference.place, message);
            return None;
        }
        let target = self.target(text, reference.place)?;
        self.open.borrow_mut().push(text);
        let value = self.follow(target, read);
        self.open.borrow_mut().pop();
        value
    }

    /// Counts one schema; `None` if there are too many.
    pub(super) fn count(&self, place: Place) -> Option<()> {
        let count = self.schemas.get() + 1;
        self.schemas.set(count);
        if count == MAX_SCHEMAS + 1 {
            let message = format!("the contract has more than {MAX_SCHEMAS} schemas, references followed");
            self.reader.fault("contract-too-large", place, message);
        }
        (count <= MAX_SCHEMAS).then_some(())
    }

    /// Reports components of sections that are not known, and, if the document could be read as a `whole`, such that nobody refers
    /// to.
    pub(super) fn finish(&self, components: Option<&'a Node>, whole: bool) {
        let Some(components) = components.and_then(|node| self.reader.fields(node)) else { return };
        for section in ["schemas", "parameters", "requestBodies", "responses", "headers"] {
            let Some(fields) = components.optional(section).and_then(|node| self.reader.fields(node)) else { continue };
            for (key, _) in fields.rest() {
                let pointer = format!("#/components/{section}/{}", escape(&key.text));
                if whole && !self.used.borrow().contains(&*pointer) {
                    let fault = self.reader.source().fault(
                        "unused-component",
                        key.place,
                        format!("nothing refers to `{pointer}`"),
                    );
                    self.reader.report(fault.help("what is not used is not checked: take it out"));
                }
            }
        }
        components.finish();
    }

    fn target(&self, text: &'a str, place: Place) -> Option<&'a Node> {
        let Some(inside) = text.strip_prefix("#/components/") else {
            let fault = self.reader.source().fault(
                "ref-outside",
                place,
                format!("`{text}` does not refer to a component of this file"),
            );
            self.reader.report(fault.help("write `#/components/schemas/<name>`"));
            return None;
        };
        self.used.borrow_mut().insert(text);
        let mut node = entry(self.root, "components");
        for step in inside.split('/') {
            let name = step.replace("~1", "/").replace("~0", "~");
            node = node.and_then(|node| entry(node, &name));
        }
        if node.is_none() || inside.split('/').count() != 2 {
            self.reader.fault("ref-unknown", place, format!("`{text}` is no component of this file"));
            return None;
        }
        node
    }
}

/// The value of a key of a map, if there is one; looks, and takes nothing.
pub(super) fn entry<'a>(node: &'a Node, name: &str) -> Option<&'a Node> {
    let Yaml::Map(entries) = &node.value else { return None };
    let found: Option<&(Key, Node)> = entries.iter().find(|(key, _)| key.text == name);
    found.map(|(_, value)| value)
}

fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

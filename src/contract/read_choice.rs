//! Reading what tells the branches of a choice apart: `discriminator`, with its `mapping` (OpenAPI 3.1.0 §4.8.25).

use crate::contract::read_schema;
use crate::contract::refs::Refs;
use crate::contract::refs::entry;
use crate::contract::written::At;
use crate::contract::written::Choice;
use crate::contract::written::Mapping;
use crate::contract::written::Schema;
use crate::yaml::Fields;
use crate::yaml::Node;
use crate::yaml::Reader;
use crate::yaml::Yaml;

/// Reads `oneOf`: one of several objects.
pub(super) fn one_of<'a>(refs: &Refs<'a>, fields: &Fields<'a>, list: &'a Node) -> Option<Choice<'a>> {
    let reader = refs.reader;
    let branches: Option<Vec<Option<Schema<'a>>>> =
        reader.list(list).map(|branches| branches.iter().map(|branch| read_schema::schema(refs, branch)).collect());
    let names = reader.list(list).map(|branches| branches.iter().map(name).collect());
    let discriminator = fields.required("discriminator").and_then(|node| discriminator(reader, node));
    let branches = branches?.into_iter().collect::<Option<Vec<_>>>()?;
    if branches.is_empty() {
        let fault = reader.source().fault("discriminator", list.place, "`oneOf` has no branches, so nothing would fit");
        reader.report(fault.help("list the objects that may stand here"));
        return None;
    }
    let (property, mapping) = discriminator?;
    Some(Choice { property, branches, names: names?, mapping })
}

/// The property that tells, and which of its values tells which component, if that is said.
pub(super) fn discriminator<'a>(reader: &'a Reader, node: &'a Node) -> Option<(At<&'a str>, Option<Mapping<'a>>)> {
    let fields = reader.fields(node)?;
    let property =
        fields.required("propertyName").and_then(|node| Some(At { place: node.place, value: reader.text(node)? }));
    let mapping = match fields.optional("mapping") {
        None => Some(None),
        Some(node) => reader.fields(node).and_then(|entries| {
            let entries = entries.rest().into_iter().map(|(key, node)| {
                let value = At { place: key.place, value: key.text.as_str() };
                Some((value, At { place: node.place, value: reader.text(node)? }))
            });
            Some(Some(Mapping { place: node.place, entries: entries.collect::<Option<_>>()? }))
        }),
    };
    fields.finish();
    Some((property?, mapping?))
}

/// The reference that a branch is, as text.
pub(super) fn name(branch: &Node) -> Option<&str> {
    match &entry(branch, "$ref")?.value {
        Yaml::Text(text) => Some(text),
        _ => None,
    }
}

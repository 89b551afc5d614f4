//! `portcullis new test`: a case in which somebody without a right asks, and is refused.

use crate::bundle::Bundle;
use crate::cli::new::Added;
use crate::cli::new::Place;
use crate::cli::new::edit;
use crate::cli::new::policy::operation;
use crate::contract::Field;
use crate::contract::Operation;
use crate::diagnostic::Diagnostics;
use crate::model::IdentifierKind;
use crate::model::Name;
use crate::model::Part;
use crate::yaml;
use clap::Args;

/// Adds a test case: the operation is asked for without a right to it, and refused. The body, if there is one, is yours to write.
///
/// It stands at the end of `tests/<FILE>.yaml`. Change it to what the operation must do, and to what it must not.
///
/// Exit codes: 0 added, 2 not: nothing was written.
#[derive(Args)]
#[command(
    after_help = "Example:\n  portcullis new test not-without-right --operation openGate --extends resident --file doors"
)]
pub(super) struct Arguments {
    /// Its name
    #[arg(value_name = "NAME")]
    case: String,
    /// The operation, by its `operationId`
    #[arg(long, value_name = "ID")]
    operation: String,
    /// The base that tells who asks, and where
    #[arg(long, value_name = "BASE", default_value = "resident")]
    extends: Name,
    /// The file of cases without its ending; one named after the resource where none is given
    #[arg(long, value_name = "FILE")]
    file: Option<Name>,
    #[command(flatten)]
    pub(super) place: Place,
}

pub(super) fn add(arguments: &Arguments, bundle: &Bundle) -> Result<Vec<Added>, Diagnostics> {
    let operation = operation(bundle, &arguments.operation)?;
    let kind = &operation.resource.kind;
    let file = arguments.file.as_ref().map_or_else(|| format!("{}s", kind.to_lowercase()), ToString::to_string);
    let path = format!("tests/{file}.yaml");
    let case = case(arguments, operation);
    let Some((_, source)) = bundle.files().find(|(known, _)| *known == path) else {
        let text = format!("# {kind}s.\nversion: 1\ncases:\n{}", edit::indented(&case, 3));
        return Ok(vec![Added { path, text }]);
    };
    let text = source.text();
    let root = yaml::parse(source)?;
    let Some(cases) = edit::entry(&root, "cases", None) else {
        let text = format!("{}\ncases:\n{}", text.trim_end(), edit::indented(&case, 3));
        return Ok(vec![Added { path, text }]);
    };
    let crate::yaml::Yaml::List(items) = &cases.node.value else {
        return Err(source.fault("wrong-type", cases.node.place, "`cases` is no list").help("write it as one").into());
    };
    // `- ` stands before the keys of an item.
    let margin = items.first().map_or(3, |first| first.place.column.saturating_sub(2)).max(1);
    let before = edit::end_before(text, cases.next);
    Ok(vec![Added { path, text: edit::with_lines(text, before, &edit::indented(&case, margin)) }])
}

fn case(arguments: &Arguments, operation: &Operation) -> String {
    let in_path = |field: &&Field| field.part == Part::Path && field.status.is_none();
    let values: Vec<String> = operation
        .fields
        .iter()
        .filter(in_path)
        .map(|field| format!("{}: {}", field.pointer, sample(field.rule.of)))
        .collect();
    let path = if values.is_empty() { String::new() } else { format!("    path: {{{}}}\n", values.join(", ")) };
    let has_body = operation.fields.iter().any(|field| field.part == Part::Body && field.status.is_none());
    let body = if has_body { "    body: {}\n" } else { "" };
    let name: String = arguments.case.chars().filter(|c| !c.is_control() && !matches!(c, '"' | '\\')).collect();
    format!(
        "- name: \"{name}\"\n  extends: {}\n  request:\n    operation: {}\n{path}{body}  expect:\n    outcome: refused\n    \
         reason: policy-denied\n    policies: []\n",
        arguments.extends, operation.id
    )
}

/// A thing of the sample's houses.
const fn sample(of: Option<IdentifierKind>) -> &'static str {
    match of {
        Some(IdentifierKind::House) => "house-1",
        Some(IdentifierKind::Door) => "door-1",
        Some(IdentifierKind::Barrier) => "gate-1",
        Some(IdentifierKind::User) => "resident-1",
        Some(IdentifierKind::Device) => "phone-1",
        Some(IdentifierKind::Car) => "car-1",
        Some(IdentifierKind::Tenant) => "north",
        Some(IdentifierKind::Request) | None => "request-1",
    }
}

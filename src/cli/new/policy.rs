//! `portcullis new policy`: what lets a role do an operation, with the conditions that its contract gives rise to.

use crate::bundle::Bundle;
use crate::cli::new::Added;
use crate::cli::new::Place;
use crate::cli::new::edit;
use crate::contract::Operation;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use crate::diagnostic::nearest;
use crate::model::Name;
use clap::Args;

/// Adds a policy that permits an operation to a role, for what the token grants and for what the contract says it is for.
///
/// It stands at the end of `cedar/<FILE>.cedar`. Read it, and write its reason: from then on the role may do it.
///
/// Exit codes: 0 added, 2 not: nothing was written.
#[derive(Args)]
#[command(
    after_help = "Example:\n  portcullis new policy open-granted-gate --operation openGate --role resident --file barriers"
)]
pub(super) struct Arguments {
    /// Its `@id`
    #[arg(value_name = "ID")]
    id: Name,
    /// The operation, by its `operationId`
    #[arg(long, value_name = "ID")]
    operation: String,
    /// Whom it permits it to, as tokens name the role
    #[arg(long, value_name = "ROLE")]
    role: Name,
    /// Why, in a line: it is shown wherever the policy decides
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// The policy file without its ending; one named after the resource where none is given
    #[arg(long, value_name = "FILE")]
    file: Option<Name>,
    #[command(flatten)]
    pub(super) place: Place,
}

/// The operation of this name.
pub(super) fn operation<'b>(bundle: &'b Bundle, id: &str) -> Result<&'b Operation, Diagnostic> {
    let all: Vec<&Operation> = bundle.contracts().flat_map(|contract| contract.operations()).collect();
    all.iter().copied().find(|operation| operation.id.as_str() == id).ok_or_else(|| {
        let fault = Diagnostic::without_file("unknown-operation", "the bundle has no operation of this name");
        match nearest(id, all.iter().map(|operation| operation.id.as_str())) {
            Some(near) => fault.help(format!("did you mean `{near}`?")),
            None => fault.help("`portcullis contract show` lists them"),
        }
    })
}

pub(super) fn add(arguments: &Arguments, bundle: &Bundle) -> Result<Vec<Added>, Diagnostics> {
    let operation = operation(bundle, &arguments.operation)?;
    let kind = &operation.resource.kind;
    let file = arguments.file.as_ref().map_or_else(|| format!("{}s", kind.to_lowercase()), ToString::to_string);
    let path = format!("cedar/{file}.cedar");
    let before = bundle.files().find(|(known, _)| *known == path).map(|(_, source)| source.text());
    let before = before.map_or_else(|| format!("// {kind}s: who may do what.\n"), str::to_owned);
    let policy = policy(arguments, operation, &namespace(bundle));
    let end = edit::end_before(&before, None);
    Ok(vec![Added { path, text: edit::with_lines(&before, end, &policy) }])
}

/// The namespace of the schema, with what separates it from a name.
fn namespace(bundle: &Bundle) -> String {
    let schema = bundle.files().find(|(path, _)| *path == "cedar/schema.cedarschema").map(|(_, source)| source.text());
    let named = schema.unwrap_or_default().lines().find_map(|line| line.trim().strip_prefix("namespace "));
    named.map(|rest| format!("{}::", rest.trim_end_matches('{').trim())).unwrap_or_default()
}

fn policy(arguments: &Arguments, operation: &Operation, space: &str) -> String {
    let Arguments { id, role, .. } = arguments;
    let kind = &operation.resource.kind;
    let reason = arguments.reason.clone().unwrap_or_else(|| format!("Who is {role} may do it, if the token says so."));
    let reason: String =
        reason.chars().map(|c| if c.is_control() || c == '"' || c == '\\' { ' ' } else { c }).collect();
    let mut conditions = Vec::new();
    if operation.actuates.is_some() {
        conditions.push("when { context.tokenKind == \"session\" }".to_owned());
    }
    conditions.push(format!("when {{ context.purpose == \"{}\" }}", operation.purpose));
    if operation.right.is_some() {
        conditions.push(if **kind == *"House" {
            "when { resource in context.grantedHouses }".to_owned()
        } else {
            format!("when {{ context.granted{kind}s.contains(resource) || resource in context.grantedHouses }}")
        });
    }
    format!(
        "\n@id(\"{id}\")\n@reason(\"{reason}\")\npermit (\n  principal is {space}User in {space}Role::\"{role}\",\n  \
         action == {space}Action::\"{}\",\n  resource is {space}{kind}\n)\n{};\n",
        operation.action,
        conditions.join("\n")
    )
}

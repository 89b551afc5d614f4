//! `portcullis new operation`: a skeleton in the contract, and its action in the schema. No policy permits it.

use crate::bundle::Bundle;
use crate::cli::new::Added;
use crate::cli::new::Place;
use crate::cli::new::edit;
use crate::cli::output::plain;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use crate::diagnostic::Source;
use crate::model::Name;
use crate::yaml;
use clap::Args;
use clap::ValueEnum;

/// Adds an operation to a contract, and its action to the Cedar schema; no policy permits it yet.
///
/// It is a skeleton that loads: parameters of the path with their classes, one answer. A body, further answers and what they
/// hold are written by hand (docs/contract.md).
///
/// Exit codes: 0 added, 2 not: nothing was written.
#[derive(Args)]
#[command(
    after_help = "Example:\n  portcullis new operation openGate --partner smarthome --resource barrier --path /h/{h}/g/{g}"
)]
pub(super) struct Arguments {
    /// Its `operationId`, which is the name of its Cedar action, too
    #[arg(value_name = "ID")]
    id: Name,
    /// The partner, by its name in the bundle
    #[arg(long, value_name = "NAME")]
    partner: Name,
    /// The path, for instance `/v1/houses/{houseId}/doors/{doorId}`: a house, and then the thing in it
    #[arg(long, value_name = "PATH")]
    path: String,
    /// The method
    #[arg(long, value_enum, default_value_t = Method::Post)]
    method: Method,
    /// What it is done to
    #[arg(long, value_enum)]
    resource: Resource,
    /// It moves the door or barrier
    #[arg(long)]
    moves: bool,
    /// What the data is used for
    #[arg(long, value_name = "NAME", default_value = "access")]
    purpose: Name,
    /// The action that the token's right lists; the operation's name where none is given
    #[arg(long, value_name = "NAME")]
    right: Option<Name>,
    #[command(flatten)]
    pub(super) place: Place,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Method {
    Get,
    Put,
    Post,
    Patch,
    Delete,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Resource {
    House,
    Door,
    Barrier,
}

impl Resource {
    /// Entity type, kind of identifier.
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::House => ("House", "house"),
            Self::Door => ("Door", "door"),
            Self::Barrier => ("Barrier", "barrier"),
        }
    }
}

pub(super) fn add(arguments: &Arguments, bundle: &Bundle) -> Result<Vec<Added>, Diagnostics> {
    let known = bundle.contracts().flat_map(|contract| contract.operations());
    if known.into_iter().any(|operation| operation.id == arguments.id) {
        let fault = Diagnostic::without_file("twice", format!("the bundle has an operation `{}`", arguments.id));
        return Err(fault.help("take another name: revocations speak of operations by their names alone").into());
    }
    let file = format!("contracts/{}.openapi.yaml", arguments.partner);
    let source = bundle.files().find(|(path, _)| *path == file).map(|(_, source)| source);
    let source = source.ok_or_else(|| {
        let fault = Diagnostic::without_file("unknown-partner", format!("there is no `{file}` in the bundle"));
        fault.help("`portcullis contract show` lists the contracts; a new one is a new file, and an entry in requirements.yaml")
    })?;
    let mut added = vec![Added { path: file, text: in_contract(arguments, source)? }];
    let schema = bundle.files().find(|(path, _)| *path == "cedar/schema.cedarschema").map(|(_, source)| source);
    if let Some(text) = schema.and_then(|schema| in_schema(arguments, schema.text())) {
        added.push(Added { path: "cedar/schema.cedarschema".to_owned(), text });
    }
    Ok(added)
}

fn in_contract(arguments: &Arguments, source: &Source) -> Result<String, Diagnostics> {
    let text = source.text();
    let root = yaml::parse(source)?;
    let unfit = || {
        let fault = source.fault("not-in-lines", root.place, "`paths` is not written in lines, one key on each");
        Diagnostics::from(fault.help("write it so, or add the operation by hand"))
    };
    let method = format!("{:?}", arguments.method).to_lowercase();
    let paths = edit::entry(&root, "paths", None).ok_or_else(unfit)?;
    let margin = edit::column(paths.node, paths.column).ok_or_else(unfit)?;
    let block = skeleton(arguments)?;
    let Some(item) = edit::entry(paths.node, &arguments.path, paths.next) else {
        let block =
            format!("{}:\n{}", arguments.path, edit::indented(&format!("{method}:\n{}", edit::indented(&block, 3)), 3));
        return Ok(edit::with_lines(text, edit::end_before(text, paths.next), &edit::indented(&block, margin)));
    };
    if edit::entry(item.node, &method, None).is_some() {
        let message = format!("`{}` has a `{method}` already", plain(&arguments.path));
        let fault = source.fault("twice", item.node.place, message);
        return Err(fault.help("nothing is overwritten: change it by hand").into());
    }
    let margin = edit::column(item.node, item.column).ok_or_else(unfit)?;
    let block = edit::indented(&format!("{method}:\n{}", edit::indented(&block, 3)), margin);
    Ok(edit::with_lines(text, edit::end_before(text, item.next), &block))
}

/// What stands below the method.
fn skeleton(arguments: &Arguments) -> Result<String, Diagnostics> {
    let names: Vec<&str> = arguments
        .path
        .split('/')
        .filter_map(|piece| piece.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')))
        .collect();
    let (kind, word) = arguments.resource.words();
    let of: Vec<&str> = if word == "house" { vec!["house"] } else { vec!["house", word] };
    if names.len() != of.len() {
        let fault = Diagnostic::without_file(
            "path-template",
            format!("`{}` does not name {}", plain(&arguments.path), of.join(" and ")),
        );
        let example =
            if word == "house" { "/v1/houses/{houseId}/…" } else { "/v1/houses/{houseId}/doors/{doorId}/…" };
        return Err(fault.help(format!("write it as `{example}`")).into());
    }
    let Arguments { id, purpose, .. } = arguments;
    let right = arguments.right.as_ref().unwrap_or(id);
    let moves = if arguments.moves {
        format!("  actuates: {word}\n  max_age: 10s\n  idempotency: header\n")
    } else {
        String::new()
    };
    let parameter = |(name, of): (&&str, &&str)| {
        format!(
            "  - name: {name}\n    in: path\n    required: true\n    schema:\n      type: string\n      \
             pattern: \"^[a-z0-9][a-z0-9-]{{0,39}}$\"\n      x-portcullis: {{class: identifier, of: {of}, protect: keep}}\n"
        )
    };
    let parameters: String = names.iter().zip(&of).map(parameter).collect();
    Ok(format!(
        "operationId: {id}\nx-portcullis:\n  action: {id}\n  resource: {{type: {kind}, id: [{}]}}\n  \
         right: {{type: {word}_access, action: {right}}}\n  direction: outbound\n{moves}  purpose: {purpose}\n  \
         legal_basis: contract\nparameters:\n{parameters}responses:\n  \"200\":\n    description: It was done.\n    content:\n      \
         application/json:\n        schema:\n          type: object\n          additionalProperties: false\n          \
         required: [status]\n          properties:\n            status:\n              type: string\n              const: done\n              \
         x-portcullis: {{class: public}}\n",
        names.join(", ")
    ))
}

/// The schema with the action, unless it has it.
fn in_schema(arguments: &Arguments, text: &str) -> Option<String> {
    let id = arguments.id.as_str();
    let declared = text.lines().filter_map(|line| line.trim().strip_prefix("action "));
    let mut names = declared.flat_map(|rest| rest.split(" appliesTo").next().unwrap_or_default().split(','));
    if names.any(|name| name.trim().trim_matches('"') == id) {
        return None;
    }
    let (kind, word) = arguments.resource.words();
    let granted = if word == "house" { String::new() } else { format!("    granted{kind}s: Set<{kind}>,\n") };
    let age = if arguments.moves { "    ageSeconds: Long,\n" } else { "" };
    let action = format!(
        "\naction {id} appliesTo {{\n  principal: [User],\n  resource: [{kind}],\n  context: {{\n    tokenKind: String,\n    \
         tenant?: Tenant,\n    resourceTenant: Tenant,\n{granted}    grantedHouses: Set<House>,\n{age}    purpose: String,\n    \
         partner: Partner,\n    peer: String,\n  }}\n}};\n"
    );
    // The last line of the namespace, if there is one.
    let lines: Vec<&str> = text.lines().collect();
    let end = lines.iter().rposition(|line| line.trim_end() == "}");
    Some(match end {
        Some(end) => edit::with_lines(text, u32::try_from(end).ok()? + 1, &edit::indented(&action, 3)),
        None => format!("{}\n{action}", text.trim_end()),
    })
}

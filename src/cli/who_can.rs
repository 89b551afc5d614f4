//! `portcullis who-can`: who may do something to a thing, and what somebody may do.

use crate::bundle::Bundle;
use crate::cli::output::Ending;
use crate::cli::output::Format;
use crate::cli::output::json_text;
use crate::cli::output::plain;
use crate::cli::output::say;
use crate::clock::Clock;
use crate::clock::SystemClock;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use crate::diagnostic::Source;
use crate::diagnostic::nearest;
use crate::directory::Directory;
use crate::json::Object;
use crate::json::Value;
use crate::limits::Limits;
use crate::model::Located;
use crate::model::ResourceId;
use crate::workbench;
use crate::workbench::Asker;
use crate::workbench::Condition;
use crate::workbench::Possible;
use crate::workbench::Residual;
use clap::Args;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;
use std::path::PathBuf;

/// Tells who may do ACTION to RESOURCE, or what somebody of a role may do, by the policies of a bundle and a directory file.
///
/// Nobody's token, no time and no request are known here. So it never says yes: for each policy that could permit it tells the
/// conditions that are left, and whether token, time, request, certificate or contract decide them; and the same for each
/// forbid that could stand against it.
///
/// Exit codes: 0 somebody may, 1 nobody may, 2 it could not be found out.
#[derive(Args)]
#[command(after_help = "Examples:\n  portcullis who-can openDoor Door:house-1/door-1 --directory directory.yaml\n  \
                  portcullis who-can --role concierge\n  portcullis who-can --as backend --format json")]
pub(super) struct Arguments {
    /// The action, as the policies name it
    #[arg(value_name = "ACTION", requires = "resource", required_unless_present_any = ["role", "asker"], conflicts_with_all = ["role", "asker"])]
    action: Option<String>,
    /// The thing: its type, and its id with `/` between the parts
    #[arg(value_name = "RESOURCE", value_parser = resource)]
    resource: Option<ResourceId>,
    /// What may somebody of this role do?
    #[arg(long, value_name = "ROLE", conflicts_with = "asker")]
    role: Option<String>,
    /// What may this one tell in its own name: `backend`, `backend=NAME` as its certificate has it, or `partner`?
    #[arg(long = "as", id = "asker", value_name = "WHO", value_parser = asker)]
    asker: Option<Asker>,
    /// The folder of the bundle
    #[arg(long, value_name = "FOLDER", default_value = "policies")]
    bundle: PathBuf,
    /// The directory in which the thing stands
    #[arg(long, value_name = "FILE", default_value = "directory.yaml")]
    directory: PathBuf,
    /// For whom the result is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// A question in words, and its answers.
struct Told {
    question: String,
    answers: Vec<Possible>,
}

pub(super) fn execute(arguments: &Arguments) -> Result<Ending, Diagnostics> {
    let Told { question, answers } = told(arguments)?;
    match arguments.format {
        Format::Text => say(&text(&question, &answers)),
        Format::Json => say(&json(&question, &answers)),
    }
    let anybody = answers.iter().any(Possible::is_possible);
    Ok(if anybody { Ending::Done } else { Ending::FoundSomething })
}

fn told(arguments: &Arguments) -> Result<Told, Diagnostics> {
    let bundle = Bundle::load(&arguments.bundle, &Limits::default())?;
    let now = SystemClock::new().now().seconds();
    if let (Some(action), Some(resource)) = (&arguments.action, &arguments.resource) {
        let located = locate(&arguments.directory, resource)?;
        known_action(&bundle, action)?;
        let thing = format!("{} {} of {}", resource.kind, resource.parts.join("/"), located.tenant);
        let question = format!("who may {action} on {thing}");
        return Ok(Told { question, answers: workbench::who_can(&bundle, action, &located, now) });
    }
    let asker = match (&arguments.role, &arguments.asker) {
        (Some(role), _) => Asker::Role(role.clone()),
        (None, Some(asker)) => asker.clone(),
        (None, None) => return Err(nothing_asked().into()),
    };
    Ok(Told { question: asked(&asker), answers: workbench::what_can(&bundle, &asker, now) })
}

fn resource(text: &str) -> Result<ResourceId, &'static str> {
    let (kind, id) = text.split_once(':').ok_or("a type and an id, for instance `Door:house-1/door-1`")?;
    let parts: Vec<Box<str>> = id.split('/').map(Box::from).collect();
    if kind.is_empty() || parts.iter().any(|part| part.is_empty()) {
        return Err("a type and an id without empty parts, for instance `Door:house-1/door-1`");
    }
    Ok(ResourceId { kind: kind.into(), parts })
}

fn asker(text: &str) -> Result<Asker, &'static str> {
    match text.split_once('=') {
        None if text == "backend" => Ok(Asker::Backend(None)),
        None if text == "partner" => Ok(Asker::Partner),
        Some(("backend", name)) if !name.is_empty() => Ok(Asker::Backend(Some(name.to_owned()))),
        _ => Err("`backend`, `backend=NAME` or `partner`; of persons ask with `--role`"),
    }
}

fn asked(asker: &Asker) -> String {
    match asker {
        Asker::Role(role) => format!("what somebody may do who has the role {role} and no other"),
        Asker::Backend(None) => "what the backend may announce".to_owned(),
        Asker::Backend(Some(name)) => format!("what the backend {name} may announce"),
        Asker::Partner => "what partners may report".to_owned(),
    }
}

fn nothing_asked() -> Diagnostic {
    Diagnostic::without_file("nothing-asked", "nothing is asked for").help("name an action and a thing, or `--role`")
}

fn locate(file: &Path, resource: &ResourceId) -> Result<Located, Diagnostics> {
    let text = std::fs::read_to_string(file).map_err(|error| {
        Diagnostic::without_file("unreadable-file", format!("`{}` cannot be read: {error}", file.display()))
            .help("name the directory with `--directory <file>`")
    })?;
    let directory = Directory::compile(&Source::new(file, text))?;
    directory.locate(resource).ok_or_else(|| {
        let thing = format!("{} {}", resource.kind, resource.parts.join("/"));
        Diagnostic::without_file("resource-unknown", format!("the directory knows no `{thing}`"))
            .help("for instance `House:house-1`, `Door:house-1/door-1`, `Barrier:house-1/gate-1`")
            .into()
    })
}

fn known_action(bundle: &Bundle, action: &str) -> Result<(), Diagnostics> {
    let known = bundle.policies().action_names();
    if known.iter().any(|name| **name == *action) {
        return Ok(());
    }
    let fault = Diagnostic::without_file("unknown-action", format!("nothing asks for the action `{action}`"));
    Err(match nearest(action, known.iter().map(AsRef::as_ref)) {
        Some(near) => fault.help(format!("did you mean `{near}`?")),
        None => fault.help(format!("there are {}", known.join(", "))),
    }
    .into())
}

fn text(question: &str, answers: &[Possible]) -> String {
    let mut out = format!("{}\n", plain(question));
    if answers.is_empty() {
        out.push_str("\n  nothing, and nobody: no policy could permit it\n");
    }
    table(&mut out, answers);
    answers.iter().for_each(|answer| detail(&mut out, answer));
    out
}

/// One row for each policy that could permit.
fn table(out: &mut String, answers: &[Possible]) {
    let mut rows: Vec<[String; 4]> = Vec::new();
    for answer in answers.iter().filter(|answer| answer.is_possible()) {
        let operation = plain(&format!("{} of {}", answer.operation, answer.partner));
        for permit in &answer.permits {
            let origins: BTreeSet<&str> =
                permit.conditions.iter().flat_map(|one| one.origins.iter().copied()).collect();
            let depends = match origins.is_empty() {
                true => "nothing else".to_owned(),
                false => origins.into_iter().collect::<Vec<_>>().join(", "),
            };
            rows.push([operation.clone(), plain(&permit.who), plain(&permit.policy), depends]);
        }
    }
    if rows.is_empty() {
        return;
    }
    rows.insert(0, ["operation", "who", "by policy", "if, by"].map(str::to_owned));
    let mut widths = [0; 3];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let [first, second, third] = widths;
    out.push('\n');
    for [operation, who, policy, depends] in &rows {
        let _ = writeln!(out, "  {operation:<first$}  {who:<second$}  {policy:<third$}  {depends}");
    }
}

/// The conditions that are left.
fn detail(out: &mut String, answer: &Possible) {
    let title = format!("{} of {}, on {}", answer.operation, answer.partner, answer.on);
    let _ = writeln!(out, "\n{}", plain(&title));
    if let Some(never) = &answer.never {
        let _ = writeln!(out, "  never: {}", plain(never));
    }
    if answer.permits.is_empty() {
        out.push_str("  nobody: no policy could permit it\n");
        return;
    }
    for permit in &answer.permits {
        let _ = writeln!(out, "  {} may, by {}: {}", plain(&permit.who), plain(&permit.policy), plain(&permit.reason));
        conditions(out, "if", permit);
    }
    for forbid in &answer.forbids {
        let _ = writeln!(out, "  and not, by {}: {}", plain(&forbid.policy), plain(&forbid.reason));
        conditions(out, "if", forbid);
    }
    if !answer.besides.is_empty() {
        let _ = writeln!(out, "  besides, whatever policies say: {}", plain(&answer.besides.join("; ")));
    }
}

fn conditions(out: &mut String, word: &str, residual: &Residual) {
    if residual.conditions.is_empty() {
        out.push_str("      in any case\n");
    }
    for Condition { text, origins } in &residual.conditions {
        let _ = writeln!(out, "      {word} {}  ({})", plain(text), origins.join(", "));
    }
}

fn json(question: &str, answers: &[Possible]) -> String {
    let object = |members: Vec<(&str, Value)>| Value::from(members.into_iter().collect::<Object>());
    let texts = |texts: &[String]| Value::from(texts.iter().map(|text| Value::from(text.as_str())).collect::<Vec<_>>());
    let condition = |one: &Condition| {
        let origins: Vec<Value> = one.origins.iter().map(|origin| Value::from(*origin)).collect();
        object(vec![("text", one.text.as_str().into()), ("decided_by", origins.into())])
    };
    let residual = |one: &Residual| {
        object(vec![
            ("policy", one.policy.as_str().into()),
            ("reason", one.reason.as_str().into()),
            ("who", one.who.as_str().into()),
            ("conditions", one.conditions.iter().map(condition).collect::<Vec<_>>().into()),
        ])
    };
    let possible = |one: &Possible| {
        object(vec![
            ("action", one.action.as_str().into()),
            ("operation", one.operation.as_str().into()),
            ("partner", one.partner.as_str().into()),
            ("on", one.on.as_str().into()),
            ("possible", one.is_possible().into()),
            ("never", one.never.as_deref().map_or(Value::Null, Value::from)),
            ("permits", one.permits.iter().map(residual).collect::<Vec<_>>().into()),
            ("forbids", one.forbids.iter().map(residual).collect::<Vec<_>>().into()),
            ("besides", texts(&one.besides)),
        ])
    };
    let answers: Vec<Value> = answers.iter().map(possible).collect();
    json_text(&object(vec![("question", question.into()), ("answers", answers.into())]))
}

#[cfg(test)]
mod tests;

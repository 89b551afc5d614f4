//! `portcullis contract show`: the closed world of a contract in tables.

use crate::cli::contract_files;
use crate::cli::output::DocumentFormat;
use crate::cli::output::Ending;
use crate::cli::output::json_text;
use crate::cli::output::plain;
use crate::cli::output::say;
use crate::cli::table::Table;
use crate::cli::table::markdown;
use crate::contract::View;
use crate::contract::ViewedBody;
use crate::contract::ViewedEvent;
use crate::contract::ViewedOperation;
use crate::contract::ViewedValue;
use crate::diagnostic::Diagnostics;
use crate::json::Number;
use crate::json::Object;
use crate::json::Value;
use crate::limits::Limits;
use crate::model::DataClass;
use crate::model::IdentifierKind;
use crate::model::Part;
use clap::Args;
use std::path::PathBuf;

/// Shows everything that a contract lets cross: operations, parameters, bodies, answers, events, and what bounds each value.
///
/// The world is closed: what is not shown does not cross. CONTRACT is a partner of the bundle, or a file; without it all
/// contracts of the bundle are shown. Limits are the defaults where the contract says none.
///
/// Exit codes: 0 shown, 2 a contract does not load, or is not there.
#[derive(Args)]
#[command(after_help = "Examples:\n  portcullis contract show smarthome\n  \
                  portcullis contract show --bundle policies --format markdown\n  \
                  portcullis contract show policies/contracts/smarthome.openapi.yaml --format json")]
pub(super) struct Arguments {
    /// A partner's name, or the file of a contract
    #[arg(value_name = "CONTRACT")]
    contract: Option<String>,
    /// The folder of the bundle
    #[arg(long, value_name = "DIR", default_value = "policies")]
    bundle: PathBuf,
    /// For whom the result is written
    #[arg(long, value_enum, default_value_t = DocumentFormat::Text)]
    format: DocumentFormat,
}

pub(super) fn execute(arguments: &Arguments) -> Result<Ending, Diagnostics> {
    let mut faults = Diagnostics::new();
    let mut views = Vec::new();
    for source in contract_files::find(arguments.contract.as_deref(), &arguments.bundle)? {
        match View::of(&source, &Limits::default()) {
            Ok(view) => views.push(view),
            Err(found) => faults.extend(found),
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    say(&match arguments.format {
        DocumentFormat::Text => views.iter().map(|view| page(view, &Terminal)).collect::<Vec<_>>().join("\n"),
        DocumentFormat::Markdown => views.iter().map(|view| page(view, &Markdown)).collect::<Vec<_>>().join("\n"),
        DocumentFormat::Json => {
            let all: Vec<Value> = views.iter().map(json).collect();
            json_text(&object([("contracts", all.into())]))
        }
    });
    Ok(Ending::Done)
}

/// How headings, lines and tables look.
trait Look {
    fn heading(&self, level: usize, text: &str) -> String;
    fn line(&self, text: &str) -> String;
    fn table(&self, table: &Table<'_>) -> String;
}

struct Terminal;
struct Markdown;

impl Look for Terminal {
    fn heading(&self, level: usize, text: &str) -> String {
        format!("{}{}\n", "  ".repeat(level.saturating_sub(1)), plain(text))
    }

    fn line(&self, text: &str) -> String {
        format!("  {}\n", plain(text))
    }

    fn table(&self, table: &Table<'_>) -> String {
        format!("{}\n", table.text("    "))
    }
}

impl Look for Markdown {
    fn heading(&self, level: usize, text: &str) -> String {
        format!("{} {}\n\n", "#".repeat(level + 1), markdown(text))
    }

    fn line(&self, text: &str) -> String {
        format!("{}\n\n", markdown(text))
    }

    fn table(&self, table: &Table<'_>) -> String {
        format!("{}\n", table.markdown())
    }
}

fn page(view: &View, look: &dyn Look) -> String {
    let [recipient, country, retention] = &view.recipient;
    let mut out = look.heading(1, &format!("contract with {}", view.partner));
    out.push_str(&look.line(&format!("to {recipient} ({country}), kept for {retention}")));
    let mut table = Table::new(&[
        "operation",
        "method",
        "path",
        "action",
        "resource",
        "right",
        "moves",
        "max age",
        "idempotency",
        "body",
        "records",
        "purpose, basis",
    ]);
    view.operations.iter().for_each(|one| table.row(operation_row(one)));
    if !table.is_empty() {
        out.push_str(&look.table(&table));
    }
    for one in &view.operations {
        out.push_str(&operation(one, look));
    }
    let mut table = Table::new(&["event", "goes", "action", "resource", "narrows", "body", "purpose, basis"]);
    view.events.iter().for_each(|one| table.row(event_row(one)));
    if !table.is_empty() {
        out.push_str(&look.table(&table));
    }
    for one in &view.events {
        out.push_str(&look.heading(2, &format!("{}: {}", one.name, one.direction)));
        out.push_str(&body(&one.body, "event", look));
    }
    out
}

fn operation_row(one: &ViewedOperation) -> Vec<String> {
    let moves = match (one.actuates, one.lets_people_out) {
        (Some(what), false) => what.to_owned(),
        (Some(what), true) => format!("{what}, lets people out"),
        (None, _) => String::new(),
    };
    vec![
        one.id.clone(),
        one.method.clone(),
        one.path.clone(),
        one.action.clone(),
        one.resource.clone(),
        one.right.clone().or_else(|| one.scope.as_ref().map(|scope| format!("inbound: {scope}"))).unwrap_or_default(),
        moves,
        one.max_age_s.map(|seconds| format!("{seconds}s")).unwrap_or_default(),
        one.idempotency.clone().unwrap_or_default(),
        if one.bodies.is_empty() { "none".to_owned() } else { size(one.body_max_bytes) },
        one.records.clone().unwrap_or_default(),
        one.purpose.join(", "),
    ]
}

fn event_row(one: &ViewedEvent) -> Vec<String> {
    vec![
        one.name.clone(),
        one.direction.to_owned(),
        one.action.clone(),
        one.resource.clone(),
        if one.narrows { "yes".to_owned() } else { String::new() },
        size(one.body_max_bytes),
        one.purpose.join(", "),
    ]
}

fn operation(one: &ViewedOperation, look: &dyn Look) -> String {
    let mut out = look.heading(2, &format!("{}: {} {}", one.id, one.method, one.path));
    if let Some(authentication) = &one.authentication {
        out.push_str(&look.heading(3, &format!("user authenticated: {authentication}")));
    }
    if !one.parameters.is_empty() {
        out.push_str(&look.heading(3, "parameters"));
        out.push_str(&look.table(&values(&one.parameters)));
    }
    for form in &one.bodies {
        out.push_str(&body(form, "request", look));
    }
    for answer in &one.answers {
        let name = format!("answer {}", answer.status);
        if !answer.headers.is_empty() {
            out.push_str(&look.heading(3, &format!("{name}, headers")));
            out.push_str(&look.table(&values(&answer.headers)));
        }
        if answer.bodies.is_empty() {
            out.push_str(&look.heading(3, &format!("{name}, without body")));
        }
        for form in &answer.bodies {
            out.push_str(&body(form, &name, look));
        }
    }
    if one.answers.last().is_some_and(|answer| answer.bodies.is_empty()) {
        out.push('\n');
    }
    out
}

fn body(form: &ViewedBody, of: &str, look: &dyn Look) -> String {
    let heading = look.heading(3, &format!("{of}, {}", form.media_type));
    format!("{heading}{}", look.table(&values(&form.values)))
}

fn values(all: &[ViewedValue]) -> Table<'static> {
    let mut table = Table::new(&["value", "in", "type", "limits", "always", "class", "protection", "claim"]);
    for one in all {
        let leaf = one.leaf.as_ref();
        let class = |leaf: &crate::contract::ViewedLeaf| match leaf.of {
            Some(of) => format!("{} of {}", leaf.class.word(), of.word()),
            None => leaf.class.word().to_owned(),
        };
        table.row(vec![
            if one.pointer.is_empty() { "(whole)".to_owned() } else { one.pointer.clone() },
            place(one.part).to_owned(),
            one.kind.clone(),
            one.bounds.clone(),
            if one.required { "yes" } else { "no" }.to_owned(),
            leaf.map(class).unwrap_or_default(),
            leaf.map(|leaf| leaf.protection.word().to_owned()).unwrap_or_default(),
            leaf.and_then(|leaf| leaf.claim.clone()).unwrap_or_default(),
        ]);
    }
    table
}

const fn place(part: Part) -> &'static str {
    match part {
        Part::Path => "path",
        Part::Query => "query",
        Part::Header => "header",
        Part::Body => "body",
    }
}

/// Bytes in the largest unit that holds them whole.
fn size(bytes: u64) -> String {
    match bytes {
        0 => "0".to_owned(),
        _ if bytes.is_multiple_of(1 << 20) => format!("{}MiB", bytes >> 20),
        _ if bytes.is_multiple_of(1 << 10) => format!("{}KiB", bytes >> 10),
        _ => format!("{bytes} bytes"),
    }
}

fn json(view: &View) -> Value {
    let [recipient, country, retention] = &view.recipient;
    object([
        ("partner", view.partner.as_str().into()),
        ("recipient", recipient.as_str().into()),
        ("country", country.as_str().into()),
        ("retention", retention.as_str().into()),
        ("operations", view.operations.iter().map(operation_json).collect::<Vec<_>>().into()),
        ("events", view.events.iter().map(event_json).collect::<Vec<_>>().into()),
    ])
}

fn operation_json(one: &ViewedOperation) -> Value {
    let text = |text: Option<&str>| text.map_or(Value::Null, Value::from);
    let [purpose, basis] = &one.purpose;
    let answers = one.answers.iter().map(|answer| {
        object([
            ("status", u32::from(answer.status).into()),
            ("headers", values_json(&answer.headers)),
            ("bodies", bodies_json(&answer.bodies)),
        ])
    });
    object([
        ("operation", one.id.as_str().into()),
        ("method", one.method.as_str().into()),
        ("path", one.path.as_str().into()),
        ("action", one.action.as_str().into()),
        ("resource", one.resource.as_str().into()),
        ("direction", one.direction.into()),
        ("right", text(one.right.as_deref())),
        ("scope", text(one.scope.as_deref())),
        ("actuates", text(one.actuates)),
        ("lets_people_out", one.lets_people_out.into()),
        ("max_age_s", one.max_age_s.map_or(Value::Null, count)),
        ("authentication", text(one.authentication.as_deref())),
        ("idempotency", text(one.idempotency.as_deref())),
        ("records", text(one.records.as_deref())),
        ("body_max_bytes", count(one.body_max_bytes)),
        ("purpose", purpose.as_str().into()),
        ("legal_basis", basis.as_str().into()),
        ("parameters", values_json(&one.parameters)),
        ("bodies", bodies_json(&one.bodies)),
        ("answers", answers.collect::<Vec<_>>().into()),
    ])
}

fn event_json(one: &ViewedEvent) -> Value {
    let [purpose, basis] = &one.purpose;
    object([
        ("event", one.name.as_str().into()),
        ("action", one.action.as_str().into()),
        ("resource", one.resource.as_str().into()),
        ("direction", one.direction.into()),
        ("narrows", one.narrows.into()),
        ("body_max_bytes", count(one.body_max_bytes)),
        ("purpose", purpose.as_str().into()),
        ("legal_basis", basis.as_str().into()),
        ("body", body_json(&one.body)),
    ])
}

fn bodies_json(all: &[ViewedBody]) -> Value {
    all.iter().map(body_json).collect::<Vec<_>>().into()
}

fn body_json(one: &ViewedBody) -> Value {
    object([("media_type", one.media_type.as_str().into()), ("values", values_json(&one.values))])
}

fn values_json(all: &[ViewedValue]) -> Value {
    let one = |one: &ViewedValue| {
        let leaf = one.leaf.as_ref();
        let word = |word: Option<&str>| word.map_or(Value::Null, Value::from);
        object([
            ("value", one.pointer.as_str().into()),
            ("in", place(one.part).into()),
            ("type", one.kind.as_str().into()),
            ("limits", one.bounds.as_str().into()),
            ("always", one.required.into()),
            ("class", word(leaf.map(|leaf| DataClass::word(leaf.class)))),
            ("of", word(leaf.and_then(|leaf| leaf.of).map(IdentifierKind::word))),
            ("protection", word(leaf.map(|leaf| leaf.protection.word()))),
            ("claim", word(leaf.and_then(|leaf| leaf.claim.as_deref()))),
        ])
    };
    all.iter().map(one).collect::<Vec<_>>().into()
}

fn count(number: u64) -> Value {
    Number::try_from(number).map_or(Value::Null, Value::from)
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    members.into_iter().collect::<Object>().into()
}

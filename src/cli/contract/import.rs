//! `portcullis contract import`: from what a partner publishes to the draft of a contract.

use crate::cli::contract_files;
use crate::cli::output::Ending;
use crate::cli::output::Format;
use crate::cli::output::json_text;
use crate::cli::output::plain;
use crate::cli::output::say;
use crate::contract;
use crate::contract::Draft;
use crate::contract::Finding;
use crate::contract::FindingKind;
use crate::contract::Wanted;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use crate::json::Object;
use crate::json::Value;
use crate::model::Name;
use clap::Args;
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;

/// Makes the draft of a contract from a partner's OpenAPI file (3.0 or 3.1, YAML or JSON).
///
/// Whatever people must decide is left blank: what kind of data each value is, how long a text can be, which action an operation
/// is. A blank is a key without value and a comment that begins with `decide:`. The draft does not load before each is filled in,
/// and permits nothing even then, because no policy speaks of its actions. What a contract cannot say is left out or said
/// otherwise, with a comment and the line of the partner's file.
///
/// Without `--output` the draft is the result; with it the draft is a new file, and the result tells every finding.
///
/// Exit codes: 0 drafted, 1 nothing of it can be an operation of ours, 2 the file is no such description, or the new file is there.
#[derive(Args)]
#[command(after_help = "Examples:\n  portcullis contract import partner.yaml --partner smarthome > draft.yaml\n  \
                  portcullis contract import partner.json --operation unlockDoor --output draft.yaml --format json")]
pub(super) struct Arguments {
    /// The partner's file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The partner's name in our bundle
    #[arg(long, value_name = "NAME")]
    partner: Option<Name>,
    /// Only this operation, by its `operationId`; may be given several times
    #[arg(long = "operation", value_name = "ID")]
    operations: Vec<String>,
    /// The file to make
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// For whom the result is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(super) fn execute(arguments: &Arguments) -> Result<Ending, Diagnostics> {
    let source = contract_files::read(&arguments.file)?;
    let wanted = Wanted { partner: arguments.partner.as_ref(), operations: &arguments.operations };
    let draft = contract::draft(&source, &wanted)?;
    let from = plain(&arguments.file.display().to_string());
    match (&arguments.output, arguments.format) {
        (None, Format::Text) => {
            say(&draft.text);
            let _ = writeln!(std::io::stderr(), "{}", summary(&draft));
        }
        (None, Format::Json) => say(&json(&draft, true)),
        (Some(output), format) => {
            write_new(output, &draft.text)?;
            say(&match format {
                Format::Text => told(&draft, &from, &plain(&output.display().to_string())),
                Format::Json => json(&draft, false),
            });
        }
    }
    Ok(if draft.operations == 0 { Ending::FoundSomething } else { Ending::Done })
}

/// Writes a file that is not there yet.
fn write_new(path: &Path, text: &str) -> Result<(), Diagnostic> {
    let written = OpenOptions::new().write(true).create_new(true).open(path).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.map_err(|error| {
        let message = format!("`{}` cannot be made: {error}", plain(&path.display().to_string()));
        Diagnostic::without_file("not-written", message).help("nothing is overwritten: name a file that is not there")
    })
}

fn summary(draft: &Draft) -> String {
    let count = |kind| draft.findings.iter().filter(|finding| finding.kind == kind).count();
    let [decide, left_out, changed] = FindingKind::ALL.map(count);
    format!(
        "{} operations, {decide} blanks to fill in, {left_out} left out, {changed} said otherwise; \
         comments in the draft tell each",
        draft.operations
    )
}

fn told(draft: &Draft, from: &str, to: &str) -> String {
    let mut out = String::new();
    for Finding { kind, code, place, pointer, line, message } in &draft.findings {
        let (word, message, pointer) = (kind.word(), plain(message), plain(pointer));
        let _ = writeln!(out, "{word}: {message} [{code}]\n  {to}:{line}  from {from}:{} {pointer}", place.line);
    }
    let _ = writeln!(out, "{}", summary(draft));
    out
}

fn json(draft: &Draft, whole: bool) -> String {
    let number = |number: usize| u32::try_from(number).map_or(Value::Null, Value::from);
    let finding = |one: &Finding| {
        let members: [(&str, Value); 7] = [
            ("kind", one.kind.word().into()),
            ("code", one.code.into()),
            ("line", one.place.line.into()),
            ("column", one.place.column.into()),
            ("pointer", one.pointer.as_str().into()),
            ("draft_line", one.line.into()),
            ("message", one.message.as_str().into()),
        ];
        Value::from(members.into_iter().collect::<Object>())
    };
    let findings: Vec<Value> = draft.findings.iter().map(finding).collect();
    let mut members: Object =
        [("operations", number(draft.operations)), ("findings", findings.into())].into_iter().collect();
    if whole {
        members.insert("draft", draft.text.as_str());
    }
    json_text(&members.into())
}

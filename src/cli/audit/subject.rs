//! `portcullis audit subject`: from a person to the handle that stands for them in records.

use crate::admin::SocketAnswer;
use crate::cli::audit::whom::Whom;
use crate::cli::door;
use crate::cli::door::Place;
use crate::cli::output::Ending;
use crate::cli::output::Format;
use crate::cli::output::say;
use crate::diagnostic::Diagnostics;
use crate::model::Ticket;
use crate::pipeline::Act;
use clap::Args;
use std::path::PathBuf;

/// Tells which handle stands for a person, a device or a car in the records, by asking the running gateway.
///
/// It is an act of the role `investigator`, and on record (kind `re-identification`) with its person and ticket before the
/// handle is told. There is no way back from a handle to a person.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  portcullis audit subject --config gateway.yaml --issuer https://id.example --ticket SEC-4711 -\n  portcullis audit subject --socket a.sock --kind car --issuer https://id.example --ticket SEC-1 -"
)]
pub(super) struct Arguments {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    whom: Whom,
    /// Why: the number of a ticket that says it, capital letters, a hyphen and digits. It goes on record, so let the ticket
    /// name nobody in its number
    #[arg(long)]
    ticket: Ticket,
    /// The file whose only line is the identifier; `-` reads it from standard input
    file: PathBuf,
    /// For whom the result is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(super) fn execute(arguments: &Arguments) -> Result<Ending, Diagnostics> {
    let socket = arguments.place.socket()?;
    let act = Act::Subject(arguments.whom.order(&arguments.file)?, arguments.ticket.clone());
    let SocketAnswer::Identified { handle, receipt } = door::ask(&socket, &act, arguments.format)? else {
        return Err(door::beside_the_point());
    };
    if arguments.format == Format::Text {
        say(&format!("handle {handle}, receipt {receipt}\n"));
    }
    Ok(Ending::Done)
}

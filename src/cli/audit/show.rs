//! `portcullis audit show`: the records of a log, for an investigator.

use crate::audit;
use crate::audit::FindFault;
use crate::audit::FoundRecord;
use crate::cli::audit::Place;
use crate::cli::audit::receipt;
use crate::cli::audit::unreadable;
use crate::cli::output::Ending;
use crate::cli::output::Format;
use crate::cli::output::json_text;
use crate::cli::output::plain;
use crate::cli::output::say;
use crate::diagnostic::Diagnostics;
use crate::model::Receipt;
use clap::Args;

/// Shows what stands in an audit log under a receipt, in its order. The log may be one that a gateway is writing.
///
/// Persons stand there as handles. To machines it tells each record as it stands in the log, one a line.
///
/// Exit codes: 0 shown, 1 nothing was found, 2 the log cannot be read.
#[derive(Args)]
#[command(
    after_help = "Example:\n  portcullis audit show --audit audit --receipt r-aebagbafaydqqcikbmga2dqpca --format json"
)]
pub(super) struct Arguments {
    #[command(flatten)]
    place: Place,
    /// Those of this receipt
    #[arg(long, value_name = "ID", value_parser = receipt)]
    receipt: Receipt,
    /// For whom the result is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(super) fn execute(arguments: &Arguments) -> Result<Ending, Diagnostics> {
    let found = match audit::find(&arguments.place.audit, arguments.receipt) {
        Ok(found) => found,
        Err(FindFault::Unknown) => return Ok(Ending::FoundSomething),
        Err(FindFault::Open(fault)) => return Err(unreadable(&fault).into()),
    };
    for record in &found.records {
        say(&match arguments.format {
            Format::Json => json_text(record.value()),
            Format::Text => line(record),
        });
    }
    match found.damaged {
        None => Ok(Ending::Done),
        Some(damage) => Err(unreadable(&damage).into()),
    }
}

fn line(record: &FoundRecord) -> String {
    let text = |name| plain(record.text(name).unwrap_or_default());
    let told = format!("{}  {:<10}  {}  {}", record.time(), record.kind(), text("operation"), text("reason"));
    format!("{}\n", told.trim_end())
}

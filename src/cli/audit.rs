//! `portcullis audit`: reading the audit log, and proving what stands in it.
//!
//! A file per subcommand. They work on the files of a log, also of one that a gateway is writing, and need no gateway; but
//! going from a person to the handle, and erasing a person, are acts on a running one.

mod check_proof;
mod consistency;
mod erase;
mod export;
mod filters;
mod period;
mod place;
mod progress;
mod prove;
mod reading;
mod row;
mod show;
mod stats;
mod subject;
mod verify;
mod whom;

use crate::cli::output::Ending;
use crate::cli::output::plain;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use crate::model::Receipt;
use clap::Args;
use clap::Subcommand;
use std::path::PathBuf;

/// Reads the audit log and proves what stands in it, from its files alone; and acts about the persons in it.
#[derive(Args)]
#[command(after_help = "Example:\n  portcullis audit show --audit audit --receipt r-aebagbafaydqqcikbmga2dqpca")]
pub(super) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    Show(Box<show::Arguments>),
    Stats(stats::Arguments),
    Export(export::Arguments),
    Subject(subject::Arguments),
    Erase(erase::Arguments),
    Verify(verify::Arguments),
    Prove(prove::Arguments),
    CheckProof(check_proof::Arguments),
    Consistency(consistency::Arguments),
}

/// Which log is read.
#[derive(Args)]
struct Place {
    /// The folder of the audit log
    #[arg(long, value_name = "FOLDER")]
    audit: PathBuf,
}

pub(super) fn execute(arguments: &Arguments) -> Result<Ending, Diagnostics> {
    match &arguments.what {
        What::Show(arguments) => show::execute(arguments),
        What::Stats(arguments) => stats::execute(arguments),
        What::Export(arguments) => export::execute(arguments),
        What::Subject(arguments) => subject::execute(arguments),
        What::Erase(arguments) => erase::execute(arguments),
        What::Verify(arguments) => verify::execute(arguments),
        What::Prove(arguments) => prove::execute(arguments),
        What::CheckProof(arguments) => check_proof::execute(arguments),
        What::Consistency(arguments) => consistency::execute(arguments),
    }
}

fn receipt(text: &str) -> Result<Receipt, &'static str> {
    Receipt::parse(text).ok_or("a receipt is `r-` and 26 letters and digits, as `Receipt-Id` has it")
}

/// Why a log cannot be read, or not to its end.
fn unreadable(fault: &dyn std::error::Error) -> Diagnostic {
    let cause = fault.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    Diagnostic::without_file("audit-log", plain(&format!("{fault}{cause}")))
        .help("name the folder of the log with `--audit`; in a damaged log the record may stand behind the damage")
}

//! `portcullis contract`: what contracts let cross, and the first draft of one.

mod import;
mod show;

use crate::cli::output::Ending;
use crate::diagnostic::Diagnostics;
use clap::Args;
use clap::Subcommand;

/// Shows what contracts let cross, and makes the draft of one from a partner's OpenAPI file.
#[derive(Args)]
#[command(after_help = "Examples:\n  portcullis contract show smarthome\n  \
                  portcullis contract import partner.yaml --partner smarthome > draft.yaml")]
pub(super) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    Show(show::Arguments),
    Import(import::Arguments),
}

pub(super) fn execute(arguments: &Arguments) -> Result<Ending, Diagnostics> {
    match &arguments.what {
        What::Show(arguments) => show::execute(arguments),
        What::Import(arguments) => import::execute(arguments),
    }
}

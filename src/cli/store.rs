//! `portcullis store …`: what is done to the store by hand, while no gateway has it.

mod accept_clock;
mod reconcile;

use crate::cli::output::Ending;
use crate::diagnostic::Diagnostics;
use clap::Args;
use clap::Subcommand;

/// Mends the store.
#[derive(Args)]
#[command(after_help = "Example:\n  portcullis store reconcile --config gateway.yaml --dry-run")]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Reconcile(reconcile::Arguments),
    AcceptClock(accept_clock::Arguments),
}

pub(super) fn execute(arguments: &Arguments) -> Result<Ending, Diagnostics> {
    match &arguments.command {
        Command::Reconcile(arguments) => reconcile::execute(arguments),
        Command::AcceptClock(arguments) => accept_clock::execute(arguments),
    }
}

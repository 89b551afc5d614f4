//! `portcullis keys`: the public halves of the gateway's own keys, from the files alone.

mod export;
mod list;

use crate::cli::output::Ending;
use crate::diagnostic::Diagnostics;
use clap::Args;
use clap::Subcommand;

/// Public keys of the gateway.
#[derive(Args)]
#[command(after_help = "Examples:\n  portcullis keys list --config gateway.yaml\n  \
                  portcullis keys export --partner smarthome --config gateway.yaml")]
pub(super) struct Arguments {
    #[command(subcommand)]
    about: About,
}

#[derive(Subcommand)]
enum About {
    List(list::Arguments),
    Export(export::Arguments),
}

pub(super) fn execute(arguments: &Arguments) -> Result<Ending, Diagnostics> {
    match &arguments.about {
        About::List(arguments) => list::execute(arguments),
        About::Export(arguments) => export::execute(arguments),
    }
}

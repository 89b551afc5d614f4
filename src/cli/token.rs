//! `portcullis token`: what is wrong with a token, and tokens for development.
//!
//! A file per subcommand. Both work on files alone and need no gateway.

mod inspect;
mod issue;

use crate::cli::output::Ending;
use crate::diagnostic::Diagnostics;
use clap::Args;
use clap::Subcommand;

/// Says why a token is refused, and issues tokens for development.
#[derive(Args)]
#[command(
    after_help = "Example:\n  portcullis token inspect --config gateway.yaml --certificate pki/backend.pem token.jwt"
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    Inspect(inspect::Arguments),
    Issue(issue::Arguments),
}

pub(super) fn execute(arguments: &Arguments) -> Result<Ending, Diagnostics> {
    match &arguments.what {
        What::Inspect(arguments) => inspect::execute(arguments),
        What::Issue(arguments) => issue::execute(arguments),
    }
}

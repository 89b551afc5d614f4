//! `portcullis run`: the gateway, in the foreground, until it is told to stop.

use std::path::PathBuf;

use clap::Args;

use crate::cli::output::Ending;
use crate::config::Config;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use crate::gateway;
use crate::gateway::Ended;
use crate::telemetry;

/// Runs the gateway until SIGTERM or SIGINT.
///
/// It refuses to start while anything in the configuration, or in a file that it names, is wrong, and says all of it at
/// once. Told to stop, it takes nothing new and waits for what is on its way. Its log is JSON on standard error.
///
/// Exit codes: 0 stopped in order, 1 stopped with exchanges left (the next start marks them unknown), 2 not started, or
/// ended by a fault.
#[derive(Args)]
#[command(after_help = "Example:\n  portcullis run --config gateway.yaml")]
pub(super) struct Arguments {
    /// The configuration
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

pub(super) fn execute(arguments: &Arguments) -> Result<Ending, Diagnostics> {
    let config = Config::load(&arguments.config)?;
    telemetry::start_log().map_err(|fault| Diagnostic::without_file("log", fault.to_string()))?;
    // From here on the log has standard error; only what keeps the gateway from starting is still a diagnostic.
    Ok(match gateway::start(config)?.run_until_signal() {
        Ended::InOrder => Ending::Done,
        Ended::LeftBehind(exchanges) => {
            tracing::error!(exchanges, "stopped with exchanges left; the next start marks them unknown");
            Ending::FoundSomething
        }
        Ended::ThreadDied(thread) => {
            tracing::error!(thread, "ended because one of its threads did");
            Ending::CouldNotRun
        }
    })
}

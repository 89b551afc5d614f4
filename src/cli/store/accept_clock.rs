//! `portcullis store accept-clock`: the way out where the wall clock was far ahead, and is right now.

use crate::cli::backup::unusable;
use crate::cli::output::Ending;
use crate::cli::output::Format;
use crate::cli::output::json_text;
use crate::cli::output::say;
use crate::clock::Clock;
use crate::clock::SystemClock;
use crate::clock::UnixMillis;
use crate::config::Config;
use crate::diagnostic::Diagnostics;
use crate::json::Object;
use crate::json::Value;
use crate::store;
use crate::store::Alone;
use clap::Args;
use std::path::PathBuf;

/// Accepts what the wall clock shows as the time, though it has shown more before. The gateway must be stopped.
///
/// Only where the clock was wrong then and is right now: look at another clock first. A gateway whose clock shows less than it has
/// shown moves nothing until time has caught up (`clock-behind` in `/readyz`). After this the next start goes by the clock as it
/// is, also against later times on record, and puts that on record. What had expired by the wrong clock is good again; what
/// was used once by it stays used.
///
/// Exit codes: 0 accepted; 2 refused, the store is as it was.
#[derive(Args)]
#[command(after_help = "Example:\n  portcullis store accept-clock --config gateway.yaml")]
pub(super) struct Arguments {
    /// The configuration that the gateway runs with
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// For whom the result is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(super) fn execute(arguments: &Arguments) -> Result<Ending, Diagnostics> {
    let config = Config::load(&arguments.config)?;
    let (path, key) = (&config.store.path, &config.store.key);
    let no_store = |error: &dyn std::error::Error| unusable("store", path, error);
    // A gateway that runs would write its own again.
    let alone = Alone::with(path).map_err(|error| no_store(&error))?;
    let now = SystemClock::new().now();
    let before = store::accept_clock(&alone, key, now).map_err(|error| no_store(&error))?;
    say(&match arguments.format {
        Format::Text => text(before, now),
        Format::Json => json_text(&json(before, now)),
    });
    Ok(Ending::Done)
}

fn text(before: Option<UnixMillis>, now: UnixMillis) -> String {
    let known = before.map_or_else(|| "the store knew no time".to_owned(), |before| format!("the store knew {before}"));
    format!("accepted {now}; {known}. The next start goes by the clock, and puts that on record\n")
}

fn json(before: Option<UnixMillis>, now: UnixMillis) -> Value {
    let before = before.map_or(Value::Null, |before| before.to_string().into());
    [("accepted", Value::from(now.to_string())), ("before", before)].into_iter().collect::<Object>().into()
}

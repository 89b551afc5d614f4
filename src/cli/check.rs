//! `portcullis check`: everything that `run` would refuse, without running.

use crate::bundle::Bundle;
use crate::cli::output::Ending;
use crate::cli::output::Format;
use crate::cli::output::complain;
use crate::cli::output::json_text;
use crate::cli::output::plain;
use crate::cli::output::say;
use crate::clock::Clock;
use crate::clock::SystemClock;
use crate::config;
use crate::config::Config;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use crate::gateway;
use crate::json::Object;
use crate::json::Value;
use clap::Args;
use std::path::Path;
use std::path::PathBuf;

/// Finds everything that `run` would refuse: configuration, the files that it names, bundle, directory, store and log.
///
/// Nothing is started and nothing is written, so that a new version, or a new configuration, is checked beside the gateway
/// that runs. That addresses, store and log are in use is therefore no fault. With BUNDLE that folder is checked in the place
/// of the configured one.
///
/// Warnings are what it takes and a later release will refuse; they change no exit code.
///
/// Exit codes: 0 it would start, 1 it would not, 2 it could not be checked.
#[derive(Args)]
#[command(after_help = "Examples:\n  portcullis check --config gateway.yaml\n  \
                  portcullis check --config gateway.yaml --format json policies-next")]
pub(super) struct Arguments {
    /// The configuration
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The folder of another bundle
    #[arg(value_name = "BUNDLE")]
    bundle: Option<PathBuf>,
    /// For whom the result is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(super) fn execute(arguments: &Arguments) -> Result<Ending, Diagnostics> {
    // What cannot be read at all cannot be checked.
    let _there = std::fs::metadata(&arguments.config).map_err(|error| {
        let file = plain(&arguments.config.display().to_string());
        Diagnostic::without_file("unreadable-file", format!("`{file}` cannot be read: {error}"))
            .help("name the configuration with `--config <file>`")
    })?;
    let (found, warnings) = match Config::load(&arguments.config) {
        Ok(mut config) => {
            let warnings = std::mem::take(&mut config.warnings);
            if let Some(bundle) = &arguments.bundle {
                config.policies.clone_from(bundle);
            }
            (gateway::check(&config, SystemClock::new().now()).err().unwrap_or_default(), warnings)
        }
        // What else is wrong cannot all be told without a configuration; the bundle can.
        Err(mut faults) => {
            faults.extend(faults_of_bundle(&arguments.config, arguments.bundle.as_deref()));
            faults.apart()
        }
    };
    match arguments.format {
        Format::Json => say(&json(&found, &warnings)),
        Format::Text => {
            for told in [&warnings, &found].into_iter().filter(|told| !told.is_empty()) {
                complain(told);
            }
            if found.is_empty() {
                say("it would start\n");
            }
        }
    }
    Ok(if found.is_empty() { Ending::Done } else { Ending::FoundSomething })
}

fn faults_of_bundle(config: &Path, other: Option<&Path>) -> Diagnostics {
    let Ok((policies, limits)) = config::policies_of(config) else { return Diagnostics::new() };
    Bundle::load(other.unwrap_or(&policies), &limits).err().unwrap_or_default()
}

fn json(found: &Diagnostics, warnings: &Diagnostics) -> String {
    let one = |fault: &Diagnostic| {
        let file = fault.source.as_ref().map(|source| Value::from(source.path().display().to_string()));
        let place = |number: u32| if number == 0 { Value::Null } else { Value::from(number) };
        let members: [(&str, Value); 6] = [
            ("code", fault.code.into()),
            ("file", file.unwrap_or(Value::Null)),
            ("line", place(fault.place.line)),
            ("column", place(fault.place.column)),
            ("message", fault.message.as_str().into()),
            ("help", fault.help.as_deref().map_or(Value::Null, Value::from)),
        ];
        Value::from(members.into_iter().collect::<Object>())
    };
    let all = |told: &Diagnostics| Value::from(told.iter().map(one).collect::<Vec<Value>>());
    let members: [(&str, Value); 3] =
        [("would_start", found.is_empty().into()), ("faults", all(found)), ("warnings", all(warnings))];
    json_text(&members.into_iter().collect::<Object>().into())
}

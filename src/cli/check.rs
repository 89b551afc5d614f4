//! `portcullis check`: everything that a start would refuse, without running, and what of a bundle somebody should look at.

mod explain;
mod footprint;
mod layout;
mod report;
mod sarif;

use crate::approval::statements;
use crate::bundle::Bundle;
use crate::catalogue::Language;
use crate::cli::check::footprint::Footprint;
use crate::cli::output::Ending;
use crate::cli::output::plain;
use crate::cli::output::say;
use crate::clock::Clock;
use crate::clock::SystemClock;
use crate::clock::UnixMillis;
use crate::config;
use crate::config::Config;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use crate::gateway;
use crate::limits::Limits;
use crate::workbench::Suite;
use clap::Args;
use clap::ValueEnum;
use std::path::Path;
use std::path::PathBuf;

/// Finds everything that `run` would refuse, and in the bundle what somebody should look at.
///
/// Without `--config` the bundle alone is checked, as a gateway with default limits would take it: contracts, Cedar schema,
/// policies, constants, requirements, tests and statements. With it, configuration, the files that it names, directory, store and log too,
/// and whether the configuration undercuts the bundle's requirements. Nothing is started and nothing is written, so that a new
/// version, configuration or bundle is checked beside the gateway that runs. That addresses, store and log are in use is
/// therefore no fault.
///
/// Warnings are what it takes and a later release will refuse. Lints are what it takes and somebody should look at; the file
/// itself says that one is meant, by a comment with `allow(code): why`. Neither changes the exit code, but by `--deny-lints`.
///
/// Exit codes: 0 nothing is wrong, 1 something is, 2 it could not be checked.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  portcullis check\n  portcullis check policies-next --deny-lints --format sarif\n  \
                  portcullis check --config gateway.yaml policies-next\n  portcullis check --footprint\n  portcullis check --fmt=tell\n  \
                  portcullis check --explain soft-class --lang ru"
)]
pub(super) struct Arguments {
    /// The folder of the bundle: `policies`, or with `--config` that of the configuration
    #[arg(value_name = "BUNDLE")]
    bundle: Option<PathBuf>,
    /// The configuration
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// For whom the result is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// In which language findings are explained
    #[arg(long, value_enum, default_value_t = Lang::En)]
    lang: Lang,
    /// Exit with 1 for lints, too
    #[arg(long)]
    deny_lints: bool,
    /// Lay out the policy files of the bundle, or only tell which are not; nothing else is checked
    #[arg(long, value_name = "HOW", value_enum, num_args = 0..=1, require_equals = true, default_missing_value = "write")]
    #[arg(conflicts_with_all = ["config", "format", "deny_lints"])]
    fmt: Option<Fmt>,
    /// Tell besides, per action, which inputs its records will hold: what its policies read, as a value, as a handle, or
    /// withheld because it may speak of a person
    #[arg(long, conflicts_with = "fmt")]
    footprint: bool,
    /// Print what a code means and what to do; without CODE, all codes
    #[arg(long, value_name = "CODE", num_args = 0..=1, conflicts_with_all = ["config", "fmt", "format", "deny_lints", "footprint", "bundle"])]
    explain: Option<Option<String>>,
}

/// For whom a check writes.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// For machines: one JSON object
    Json,
    /// For what shows findings beside the code: SARIF 2.1.0
    Sarif,
}

/// In which language.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Lang {
    /// English
    En,
    /// Russian
    Ru,
}

/// What is done with a file that is not laid out.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Fmt {
    /// Write it anew
    Write,
    /// Only tell it, and exit with 1
    Tell,
}

/// What a check found.
struct Found {
    /// What is refused.
    faults: Diagnostics,
    /// What a later release will refuse.
    warnings: Diagnostics,
    /// What somebody should look at.
    lints: Diagnostics,
    /// Whether a configuration was checked, too.
    whole: bool,
    /// What the records of its decisions will hold, where the bundle compiles.
    footprint: Footprint,
}

pub(super) fn execute(arguments: &Arguments) -> Result<Ending, Diagnostics> {
    let language = match arguments.lang {
        Lang::En => Language::English,
        Lang::Ru => Language::Russian,
    };
    let own = Path::new("policies");
    if let Some(code) = &arguments.explain {
        return explain::execute(code.as_deref(), language);
    }
    if let Some(how) = arguments.fmt {
        return layout::execute(there(arguments.bundle.as_deref().unwrap_or(own))?, how == Fmt::Write);
    }
    let now = SystemClock::new().now();
    let found = match &arguments.config {
        Some(config) => with_configuration(config, arguments.bundle.as_deref(), now)?,
        None => bundle_alone(there(arguments.bundle.as_deref().unwrap_or(own))?, now),
    };
    match arguments.format {
        Format::Json => say(&report::json(&found, language, arguments.footprint)),
        Format::Sarif => say(&sarif::log(&found, language)),
        Format::Text => {
            let told = report::text(&found, language);
            if !told.is_empty() {
                complain_in_words(&told);
            }
            say(report::verdict(&found, language));
            if arguments.footprint {
                say(&footprint::text(&found.footprint));
            }
        }
    }
    let denied = arguments.deny_lints && !found.lints.is_empty();
    Ok(if found.faults.is_empty() && !denied { Ending::Done } else { Ending::FoundSomething })
}

/// The folder, if there is one: what is not there cannot be checked.
fn there(folder: &Path) -> Result<&Path, Diagnostics> {
    match std::fs::metadata(folder) {
        Ok(found) if found.is_dir() => Ok(folder),
        Ok(_) => Err(unreadable(folder, "is no folder").into()),
        Err(error) => Err(unreadable(folder, &format!("cannot be read: {error}")).into()),
    }
}

fn unreadable(folder: &Path, why: &str) -> Diagnostic {
    let fault = Diagnostic::without_file("unreadable-folder", format!("`{}` {why}", folder.display()));
    fault.help("name the bundle's folder: `portcullis check policies`")
}

/// The bundle in a folder, as a gateway with default limits would take it.
fn bundle_alone(folder: &Path, now: UnixMillis) -> Found {
    let (faults, lints, footprint) = look(folder, &Limits::default(), now);
    Found { faults, warnings: Diagnostics::new(), lints, whole: false, footprint }
}

/// The faults of a bundle, or its lints; and what its decisions will put on record.
fn look(folder: &Path, limits: &Limits, now: UnixMillis) -> (Diagnostics, Diagnostics, Footprint) {
    let bundle = match Bundle::load(folder, limits) {
        Ok(bundle) => bundle,
        Err(faults) => return (faults, Diagnostics::new(), Footprint::new()),
    };
    let mut faults = statements(bundle.approvals()).err().unwrap_or_default();
    let lints = match Suite::read(&bundle.tests(), &bundle) {
        Ok(suite) if faults.is_empty() => bundle.lints(now.seconds(), suite.untested(&bundle)),
        Ok(_) => Diagnostics::new(),
        Err(of_tests) => {
            faults.extend(of_tests);
            Diagnostics::new()
        }
    };
    (faults, lints, footprint::of(&bundle))
}

/// The configuration with all that it names, and its bundle or another.
fn with_configuration(config: &Path, other: Option<&Path>, now: UnixMillis) -> Result<Found, Diagnostics> {
    // What cannot be read at all cannot be checked.
    let _there = std::fs::metadata(config).map_err(|error| {
        let file = plain(&config.display().to_string());
        Diagnostic::without_file("unreadable-file", format!("`{file}` cannot be read: {error}"))
            .help("name the configuration with `--config <file>`")
    })?;
    let places = config::policies_of(config).ok();
    let limits_and_folder = places.as_ref().map(|(policies, limits)| (other.unwrap_or(policies), limits));
    let looked = limits_and_folder.map(|(folder, limits)| look(folder, limits, now));
    let (of_bundle, lints, footprint) = looked.unwrap_or_default();
    let (faults, warnings) = match Config::load(config) {
        Ok(mut config) => {
            let warnings = std::mem::take(&mut config.warnings);
            if let Some(bundle) = other {
                config.policies = bundle.to_owned();
            }
            let mut faults = gateway::check(&config, now).err().unwrap_or_default();
            // A gateway does not read the bundle's tests.
            faults.extend(of_bundle.without(&faults));
            (faults, warnings)
        }
        // What else is wrong cannot all be told without a configuration; the bundle can.
        Err(mut faults) => {
            faults.extend(of_bundle);
            faults.apart()
        }
    };
    Ok(Found { faults, warnings, lints, whole: true, footprint })
}

/// Writes what is wrong.
fn complain_in_words(told: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{told}");
}

//! `portcullis test`: the cases of a bundle, played on the gate that serves.

mod json;
mod junit;
mod text;

use crate::bundle::Bundle;
use crate::cli::output::Ending;
use crate::cli::output::Format;
use crate::cli::output::say;
use crate::cli::screen;
use crate::cli::screen::Screen;
use crate::clock::Clock;
use crate::clock::SystemClock;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use crate::limits::Limits;
use crate::workbench;
use crate::workbench::Ran;
use crate::workbench::Stage;
use crate::workbench::Suite;
use clap::Args;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How often `--watch` looks whether a file has changed.
const LOOKS_EVERY: Duration = Duration::from_millis(500);

/// Plays the test cases of a bundle and tells every difference from what they expect.
///
/// A case in `tests/*.yaml` says who asks for what, when, and what must come of it: whether it is let through, the reason, the
/// policies that determine it, what the partner and the caller receive. Cases are played on the gate that serves, with memory
/// for its disk, the case's clock and a partner that answers as the case says: docs/policy-tests.md. No gateway is needed.
///
/// Exit codes: 0 every case came out as it expects, 1 one did not, 2 the bundle or a case is wrong, or there is no case.
#[derive(Args)]
#[command(after_help = "Examples:\n  portcullis test\n  portcullis test policies --filter door --watch\n  \
                  portcullis test policies --junit tests.xml --format json")]
pub(super) struct Arguments {
    /// The folder of the bundle
    #[arg(value_name = "BUNDLE", default_value = "policies")]
    bundle: PathBuf,
    /// Only cases whose names hold this text
    #[arg(long, value_name = "TEXT", default_value = "")]
    filter: String,
    /// Play them again whenever a file of the bundle changes, until Ctrl-C
    #[arg(long, conflicts_with = "junit")]
    watch: bool,
    /// Write the results besides as JUnit XML, which CI systems show
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// For whom the result is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// All cases, played.
struct Results<'c> {
    ran: Vec<Ran<'c>>,
    took: Duration,
}

pub(super) fn execute(arguments: &Arguments) -> Result<Ending, Diagnostics> {
    if arguments.watch {
        return watch(arguments);
    }
    let (told, ending) = played(arguments, true)?;
    say(&told);
    Ok(ending)
}

/// Plays the cases, again whenever something below the bundle's folder has changed.
fn watch(arguments: &Arguments) -> Result<Ending, Diagnostics> {
    let screen = Screen::open(arguments.format == Format::Text);
    let mut before = None;
    screen::repeat(LOOKS_EVERY, || {
        let now = Some(fingerprint(&arguments.bundle));
        if now != before {
            before = now;
            // What is wrong may be mended by the next change.
            let told = played(arguments, false).map_or_else(|faults| format!("{faults}\n"), |(told, _)| told);
            screen.show(&told);
        }
    })?;
    Ok(Ending::Done)
}

/// What is told of all cases, and how it ends.
fn played(arguments: &Arguments, write: bool) -> Result<(String, Ending), Diagnostics> {
    let bundle = Arc::new(Bundle::load(&arguments.bundle, &Limits::default())?);
    let suite = Suite::read(&bundle.tests(), &bundle)?.named(&arguments.filter);
    if suite.cases().is_empty() {
        let fault = Diagnostic::without_file("no-cases", "there is no case to play");
        let help = "cases stand in `tests/*.yaml` of the bundle; `--filter` takes part of a name, as it is written";
        return Err(fault.help(help).into());
    }
    let unable = |fault: workbench::StageFault| Diagnostic::without_file("no-stage", fault.to_string());
    let (stage, clock) = (Stage::of(bundle).map_err(unable)?, SystemClock::new());
    let ran = workbench::run(&stage, suite.cases(), &clock);
    let results = Results { ran, took: clock.steady() };
    if let Some(path) = arguments.junit.as_ref().filter(|_| write) {
        fs::write(path, junit::written(&results)).map_err(|error| {
            let message =
                format!("`{}` cannot be written: {error}", crate::cli::output::plain(&path.display().to_string()));
            Diagnostic::without_file("not-written", message).help("name a file in a folder that is there")
        })?;
    }
    let told = match arguments.format {
        Format::Text => text::written(&results),
        Format::Json => json::written(&results),
    };
    Ok((told, if results.failed() == 0 { Ending::Done } else { Ending::FoundSomething }))
}

impl Results<'_> {
    fn failed(&self) -> usize {
        self.ran.iter().filter(|ran| !ran.passed()).count()
    }
}

/// The files below a folder with their sizes and times of change; two levels, as deep as a bundle is.
fn fingerprint(folder: &Path) -> Vec<(PathBuf, u64, Option<std::time::SystemTime>)> {
    let mut found = Vec::new();
    let mut open = vec![(folder.to_owned(), 0_u8)];
    while let Some((folder, depth)) = open.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let Ok(metadata) = entry.metadata() else { continue };
            if metadata.is_dir() && depth < 2 {
                open.push((entry.path(), depth.saturating_add(1)));
            } else {
                found.push((entry.path(), metadata.len(), metadata.modified().ok()));
            }
        }
    }
    found.sort();
    found
}

#[cfg(test)]
mod tests;

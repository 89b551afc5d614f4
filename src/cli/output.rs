//! What is said to the terminal, or to the machine that reads in its place.
//!
//! Results go to standard output, faults to standard error. That the other end of a pipe is gone is no fault.

use std::io::Write;
use std::process::ExitCode;

use clap::ValueEnum;

use crate::diagnostic::Diagnostics;

/// For whom a result is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(super) enum Format {
    /// For people
    Text,
    /// For machines: one JSON object
    Json,
}

/// How a command ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Ending {
    /// It did what it was asked.
    Done,
    /// It did, and something is wrong.
    FoundSomething,
    /// It could not run, or could not finish; standard error says why.
    CouldNotRun,
}

impl From<Ending> for ExitCode {
    fn from(ending: Ending) -> Self {
        match ending {
            Ending::Done => Self::SUCCESS,
            Ending::FoundSomething => Self::from(1),
            Ending::CouldNotRun => Self::from(2),
        }
    }
}

/// Writes a result; `text` ends its own lines.
pub(super) fn say(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}

/// Writes what is wrong.
pub(super) fn complain(faults: &Diagnostics) {
    let _ = writeln!(std::io::stderr(), "{faults}");
}

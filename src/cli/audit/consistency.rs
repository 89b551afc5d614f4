//! `portcullis audit consistency`: that a log goes on from how it was once signed.

use crate::cli::audit::place;
use crate::cli::audit::place::LogPlace;
use crate::cli::audit::progress;
use crate::cli::audit::prove::unproved;
use crate::cli::backup::unusable;
use crate::cli::output::Ending;
use crate::cli::output::plain;
use crate::cli::output::say;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use crate::evidence;
use crate::evidence::Checkpoint;
use crate::evidence::NOTE_MAX_BYTES;
use crate::evidence::Progress;
use crate::evidence::ProveFault;
use crate::evidence::VerifierKey;
use clap::Args;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

/// Proves from a log's files that a later checkpoint goes on from an earlier one, or says which of the two is not of this log.
///
/// Exit codes: 0 it does, 1 it does not, 2 it could not be found out.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  portcullis audit consistency old-checkpoint audit/checkpoint audit --key log.vkey\n  \
                  portcullis audit consistency old-checkpoint audit/checkpoint audit --key log.vkey --out proof"
)]
pub(super) struct Arguments {
    /// The earlier checkpoint, a file
    #[arg(value_name = "A")]
    first: PathBuf,
    /// The later one
    #[arg(value_name = "B")]
    second: PathBuf,
    #[command(flatten)]
    place: LogPlace,
    /// The log's public key, or a file that holds it; with `--config` the configured one unless it is named
    #[arg(long, value_name = "KEY", required_unless_present = "config")]
    key: Option<String>,
    /// Where the proof goes; `portcullis audit check-proof` checks it without the log
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(super) fn execute(arguments: &Arguments) -> Result<Ending, Diagnostics> {
    let (directory, key) = arguments.place.find_with_key(arguments.key.as_deref())?;
    let mut notes = Vec::new();
    for path in [&arguments.first, &arguments.second] {
        match note(path, &key)? {
            Ok(note) => notes.push(note),
            Err(why) => {
                say(&format!(
                    "NOT PROVED: `{}` is no checkpoint of this log: {why}\n",
                    plain(&path.display().to_string())
                ));
                return Ok(Ending::FoundSomething);
            }
        }
    }
    let [(first_note, first), (second_note, second)] = notes.as_slice() else { return Ok(Ending::CouldNotRun) };
    if first.size == second.size && first.root != second.root {
        let size = first.size;
        say(&format!(
            "NOT PROVED: at {size} records the key has signed two logs; the two files prove that by themselves\n"
        ));
        return Ok(Ending::FoundSomething);
    }
    let progress = Progress::default();
    let proof =
        progress::drawn(&progress, || evidence::prove_consistency(&directory, (first_note, second_note), &progress));
    match proof {
        Ok(proof) => {
            if let Some(path) = &arguments.out {
                fs::write(path, proof.text()).map_err(|error| {
                    let message = format!("`{}` cannot be written: {error}", plain(&path.display().to_string()));
                    Diagnostic::without_file("not-written", message).help("name a file in a folder that is there")
                })?;
            }
            say(&format!("PROVED: the log with {} records goes on from itself with {}\n", second.size, first.size));
            Ok(Ending::Done)
        }
        Err(fault @ (ProveFault::Other { .. } | ProveFault::Shorter { .. } | ProveFault::Backwards { .. })) => {
            say(&format!("NOT PROVED: {fault}\n"));
            Ok(Ending::FoundSomething)
        }
        Err(fault) => Err(unproved(&fault).into()),
    }
}

/// A checkpoint as it stands in a file, and what it says; the inner fault is why it is none of this log's.
fn note(path: &Path, key: &VerifierKey) -> Result<Result<(String, Checkpoint), evidence::NoteFault>, Diagnostic> {
    let bytes = place::file(path, NOTE_MAX_BYTES as u64).map_err(|error| unusable("checkpoint", path, &error))?;
    let checkpoint = Checkpoint::verified(&bytes, key, key.name());
    Ok(checkpoint.map(|checkpoint| (String::from_utf8_lossy(&bytes).into_owned(), checkpoint)))
}

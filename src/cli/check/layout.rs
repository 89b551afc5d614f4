//! Laying policy files out: written anew, or only told.

use crate::bundle::Bundle;
use crate::bundle::Unlaid;
use crate::cli::output::Ending;
use crate::cli::output::complain;
use crate::cli::output::plain;
use crate::cli::output::say;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use std::fs;
use std::io;
use std::io::Write;
use std::path::Path;

/// Lays out the policies of a bundle. What is no Cedar is told and left as it is.
pub(super) fn execute(folder: &Path, write: bool) -> Result<Ending, Diagnostics> {
    let (unlaid, faults) = Bundle::unlaid(folder);
    for file in &unlaid {
        let path = plain(&file.source.path().display().to_string());
        if write {
            exchange(file).map_err(|error| {
                let message = format!("`{path}` cannot be written: {error}");
                Diagnostic::without_file("not-written", message).help("make its folder writable, or use `--fmt=tell`")
            })?;
            say(&format!("{path}: laid out\n"));
        } else {
            say(&format!("{path}: is not laid out\n"));
        }
    }
    if !faults.is_empty() {
        complain(&faults);
    }
    let wrong = !faults.is_empty() || !write && !unlaid.is_empty();
    Ok(if wrong { Ending::FoundSomething } else { Ending::Done })
}

/// The new text in the place of the old one, or the old one as it was: never half of either.
fn exchange(file: &Unlaid) -> io::Result<()> {
    let path = file.source.path();
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut written = tempfile::Builder::new().prefix(".laid-out-").tempfile_in(folder)?;
    written.write_all(file.text.as_bytes())?;
    written.as_file().set_permissions(fs::metadata(path)?.permissions())?;
    written.as_file().sync_all()?;
    written.persist(path)?;
    Ok(())
}

//! `portcullis man`: manual pages, one for each command, from the same list as `--help`.

use crate::cli::entry;
use crate::cli::output::Ending;
use crate::cli::output::say;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use clap::Args;
use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;

/// Writes the manual pages into a folder: `portcullis.1`, and `portcullis-<command>.1` for each command.
///
/// The folder is made where it is not there; pages in it are written anew.
#[derive(Args)]
#[command(after_help = "Example:\n  portcullis man /usr/local/share/man/man1")]
pub(super) struct Arguments {
    /// The folder
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

pub(super) fn execute(arguments: &Arguments) -> Result<Ending, Diagnostics> {
    let folder = &arguments.folder;
    let pages = write(folder).map_err(|error| {
        Diagnostic::without_file("not-written", format!("no page can be written into `{}`: {error}", folder.display()))
            .help("name a folder that you may write, or make")
    })?;
    say(&format!("{pages} pages in {}\n", folder.display()));
    Ok(Ending::Done)
}

/// Writes all pages; how many there are.
fn write(folder: &Path) -> io::Result<usize> {
    fs::create_dir_all(folder)?;
    clap_mangen::generate_to(entry::line(), folder)?;
    Ok(count(&entry::line()))
}

/// A command and all below it.
fn count(command: &clap::Command) -> usize {
    command.get_subcommands().map(count).sum::<usize>().saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// The names of a command and all below it, joined as their pages are.
    fn names(command: &clap::Command, before: &str) -> Vec<String> {
        let name =
            if before.is_empty() { command.get_name().to_owned() } else { format!("{before}-{}", command.get_name()) };
        let below = command.get_subcommands().flat_map(|below| names(below, &name)).collect::<Vec<_>>();
        std::iter::once(name.clone()).chain(below).collect()
    }

    #[test]
    fn each_command_has_its_page_with_its_options_and_an_example() {
        let folder = tempfile::tempdir().unwrap();
        let pages = write(&folder.path().join("man1")).unwrap();
        let wanted: BTreeSet<String> = names(&entry::line(), "").into_iter().map(|name| format!("{name}.1")).collect();
        let entries = fs::read_dir(folder.path().join("man1")).unwrap();
        let found: BTreeSet<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        assert_eq!((&found, pages), (&wanted, wanted.len()));
        assert!(found.contains("portcullis-config-show.1"));
        for name in found {
            let page = fs::read_to_string(folder.path().join("man1").join(&name)).unwrap();
            for part in [".TH ", ".SH NAME", ".SH SYNOPSIS", "Example"] {
                assert!(page.contains(part), "{name} has no {part}: {page}");
            }
        }
        let page = fs::read_to_string(folder.path().join("man1/portcullis-expiries.1")).unwrap();
        assert!(page.contains("within") && page.contains("Exit codes"), "{page}");
    }
}

//! `portcullis init`: a new bundle, small and whole, to begin from.

use crate::cli::output::Ending;
use crate::cli::output::plain;
use crate::cli::output::say;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use crate::model::Name;
use clap::Args;
use std::fs;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

/// Lays out a new bundle: requirements, the schema of the policies, one contract, one policy file, and its tests.
///
/// It is small and whole: one door opens for who lives behind it. Comments in the files say what to change. Nothing is
/// overwritten: DIR is not there yet, or empty.
///
/// Exit codes: 0 laid out, 2 not.
#[derive(Args)]
#[command(after_help = "Examples:\n  portcullis init\n  portcullis init policies --partner smarthome")]
pub(super) struct Arguments {
    /// The folder to make
    #[arg(value_name = "DIR", default_value = "policies")]
    folder: PathBuf,
    /// The partner's name, as under `partners` in gateway.yaml
    #[arg(long, value_name = "NAME", default_value = "smarthome", value_parser = partner)]
    partner: Name,
}

/// What stands for the partner's name in the files below.
const PARTNER: &str = "@PARTNER@";

/// The files of a new bundle; the contract bears the partner's name.
const FILES: [(&str, &str); 5] = [
    ("requirements.yaml", include_str!("init/requirements.yaml")),
    ("cedar/schema.cedarschema", include_str!("init/schema.cedarschema")),
    ("cedar/doors.cedar", include_str!("init/doors.cedar")),
    ("contracts/@PARTNER@.openapi.yaml", include_str!("init/contract.yaml")),
    ("tests/doors.yaml", include_str!("init/tests.yaml")),
];

fn partner(text: &str) -> Result<Name, String> {
    Name::new(text).map_err(|error| error.to_string())
}

pub(super) fn execute(arguments: &Arguments) -> Result<Ending, Diagnostics> {
    let folder = &arguments.folder;
    let shown = plain(&folder.display().to_string());
    if fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) {
        let fault = Diagnostic::without_file("not-empty", format!("`{shown}` is there, and holds something"));
        return Err(fault.help("name a folder that is not there yet: nothing is overwritten").into());
    }
    let mut told = String::new();
    for (name, text) in FILES {
        let name = name.replace(PARTNER, arguments.partner.as_str());
        let path = folder.join(&name);
        write_new(&path, &text.replace(PARTNER, arguments.partner.as_str()))?;
        told.push_str(&format!("{}\n", plain(&path.display().to_string())));
    }
    say(&told);
    Ok(Ending::Done)
}

/// Writes a file that is not there yet, and the folders that it stands in.
fn write_new(path: &Path, text: &str) -> Result<(), Diagnostic> {
    let written = path
        .parent()
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| OpenOptions::new().write(true).create_new(true).open(path)?.write_all(text.as_bytes()));
    written.map_err(|error| {
        let message = format!("`{}` cannot be made: {error}", plain(&path.display().to_string()));
        Diagnostic::without_file("not-written", message).help("name a folder that is not there yet and can be made")
    })
}

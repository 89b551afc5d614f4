//! `portcullis new`: one more operation, policy or test in a bundle, at its place, with every other line as it was.
//!
//! What would make the bundle fail is not written: the whole of it is compiled in memory first, and files are exchanged only then.

mod edit;
mod operation;
mod policy;
mod test;

use crate::bundle::Bundle;
use crate::cli::output::Ending;
use crate::cli::output::plain;
use crate::cli::output::say;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use crate::limits::Limits;
use clap::Args;
use clap::Subcommand;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

/// Adds an operation, a policy or a test case to a bundle, at its place; comments and all other lines stay as they are.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  portcullis new operation openGate --partner smarthome --resource barrier --path /h/{h}/g/{g}\n  \
                  portcullis new policy open-granted-gate --operation openGate --role resident\n  \
                  portcullis new test not-without-right --operation openGate"
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    Operation(operation::Arguments),
    Policy(policy::Arguments),
    Test(test::Arguments),
}

/// The bundle that is added to.
#[derive(Args)]
struct Place {
    /// The folder of the bundle
    #[arg(long, value_name = "DIR", default_value = "policies")]
    bundle: PathBuf,
}

/// A file with what was added to it: its path within the bundle, and its text.
struct Added {
    path: String,
    text: String,
}

pub(super) fn execute(arguments: &Arguments) -> Result<Ending, Diagnostics> {
    let (place, added) = match &arguments.what {
        What::Operation(arguments) => (&arguments.place, operation::add(arguments, &load(&arguments.place)?)?),
        What::Policy(arguments) => (&arguments.place, policy::add(arguments, &load(&arguments.place)?)?),
        What::Test(arguments) => (&arguments.place, test::add(arguments, &load(&arguments.place)?)?),
    };
    say(&exchange(&place.bundle, added)?);
    Ok(Ending::Done)
}

fn load(place: &Place) -> Result<Bundle, Diagnostics> {
    Bundle::load(&place.bundle, &Limits::default())
}

/// Writes the files, if the bundle compiles with them.
fn exchange(folder: &Path, added: Vec<Added>) -> Result<String, Diagnostics> {
    let before = Bundle::load(folder, &Limits::default())?;
    let mut files: Vec<(String, Vec<u8>)> =
        before.files().map(|(path, source)| (path.to_owned(), source.text().as_bytes().to_vec())).collect();
    for one in &added {
        match files.iter_mut().find(|(path, _)| *path == one.path) {
            Some((_, bytes)) => *bytes = one.text.as_bytes().to_vec(),
            None => files.push((one.path.clone(), one.text.as_bytes().to_vec())),
        }
    }
    let after = Bundle::of_files(folder, files, &Limits::default())?;
    crate::workbench::Suite::read(&after.tests(), &after)?;
    let mut told = String::new();
    for one in added {
        let path = folder.join(&one.path);
        write(&path, &one.text)?;
        told.push_str(&format!("{}\n", plain(&path.display().to_string())));
    }
    Ok(told)
}

/// Puts a whole file in the place of one, or makes it: nobody meets half of it.
fn write(path: &Path, text: &str) -> Result<(), Diagnostic> {
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    let written = fs::create_dir_all(folder).and_then(|()| {
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(text.as_bytes())?;
        if let Ok(metadata) = fs::metadata(path) {
            file.as_file().set_permissions(metadata.permissions())?;
        } else {
            use std::os::unix::fs::PermissionsExt;
            file.as_file().set_permissions(fs::Permissions::from_mode(0o644))?;
        }
        file.persist(path).map(|_| ()).map_err(|error| error.error)
    });
    written.map_err(|error| {
        let message = format!("`{}` cannot be written: {error}", plain(&path.display().to_string()));
        Diagnostic::without_file("not-written", message).help("give yourself the right to write there")
    })
}

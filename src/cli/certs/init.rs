//! `portcullis certs init`: the certificates and keys that the sample configuration names.

use crate::cli::certs::MAX_DAYS;
use crate::cli::certs::diagnostic;
use crate::cli::certs::validity;
use crate::cli::output::Ending;
use crate::cli::output::plain;
use crate::cli::output::say;
use crate::devkit::make_pki;
use crate::diagnostic::Diagnostics;
use clap::Args;
use clap::value_parser;
use std::path::PathBuf;

/// Makes the authorities and certificates that the sample gateway.yaml names, each with its key, for development.
///
/// Five authorities that know nothing of each other: of the gateway, of backends, of each partner, of partners that call;
/// certs-example/README.md says which is whose. Keys, those of the authorities too, are readable by you alone, and so is DIR,
/// which is not there yet, or empty. Every subject bears `O=Portcullis development`, by which a gateway outside development
/// refuses it.
///
/// Exit codes: 0 made, 2 not.
#[derive(Args)]
#[command(after_help = "Examples:\n  portcullis certs init\n  portcullis certs init pki --days 7")]
pub(super) struct Arguments {
    /// The folder to make
    #[arg(value_name = "DIR", default_value = "pki")]
    folder: PathBuf,
    /// For how many days all of it is good, at most 397
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = value_parser!(u16).range(1..=MAX_DAYS))]
    days: u16,
}

pub(super) fn execute(arguments: &Arguments) -> Result<Ending, Diagnostics> {
    let names = make_pki(&arguments.folder, validity(arguments.days)).map_err(|fault| diagnostic(&fault))?;
    let path = |name: &String| format!("{}\n", plain(&arguments.folder.join(name).display().to_string()));
    say(&names.iter().map(path).collect::<String>());
    Ok(Ending::Done)
}

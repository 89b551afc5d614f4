//! `portcullis certs revoke`: the revocation list of a development authority.

use crate::cli::certs::MAX_DAYS;
use crate::cli::certs::diagnostic;
use crate::cli::certs::now;
use crate::cli::certs::validity;
use crate::cli::output::Ending;
use crate::cli::output::plain;
use crate::cli::output::say;
use crate::devkit::KeptAuthority;
use crate::diagnostic::Diagnostics;
use clap::Args;
use clap::value_parser;
use std::path::PathBuf;

/// Puts certificates on the revocation list of the development authority that issued them.
///
/// The list lies beside the authority, with the ending `.crl`, for `crl` in gateway.yaml; a gateway that runs takes it up. It
/// names whom it named before, too; without a certificate it is made anew for as long as `--days` says, before it runs out.
/// (`portcullis revoke --kind certificate` does without an authority, at once, at one gateway.)
///
/// Exit codes: 0 the list is made, 2 it is as it was.
#[derive(Args)]
#[command(after_help = "Examples:\n  portcullis certs revoke --ca pki/backend-ca.pem pki/backend-2.pem\n  \
                  portcullis certs revoke --ca pki/backend-ca.pem --days 30")]
pub(super) struct Arguments {
    /// The authority's certificate
    #[arg(long, value_name = "CA")]
    ca: PathBuf,
    /// The certificates, in PEM
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// For how many days the list speaks, at most 397
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = value_parser!(u16).range(1..=MAX_DAYS))]
    days: u16,
}

pub(super) fn execute(arguments: &Arguments) -> Result<Ending, Diagnostics> {
    let authority = KeptAuthority::open(&arguments.ca, now()).map_err(|fault| diagnostic(&fault))?;
    let revoked = authority.revoke(&arguments.files, validity(arguments.days)).map_err(|fault| diagnostic(&fault))?;
    let (list, count) = revoked;
    say(&format!("{}: {count} revoked\n", plain(&list.display().to_string())));
    Ok(Ending::Done)
}

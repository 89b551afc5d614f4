//! `portcullis certs`: certificates for development, and what a certificate says.
//!
//! A file per subcommand. They work on files alone and need neither configuration nor gateway.

mod init;
mod issue;
mod revoke;
mod show;

use crate::cli::output::Ending;
use crate::cli::output::plain;
use crate::clock::Clock;
use crate::clock::SystemClock;
use crate::clock::UnixSeconds;
use crate::devkit::AuthorityFault;
use crate::devkit::PkiError;
use crate::devkit::Validity;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use clap::Args;
use clap::Subcommand;
use std::error::Error;
use std::io;

/// Certificates for development, and what a certificate says.
#[derive(Args)]
#[command(after_help = "Example:\n  portcullis certs init pki")]
pub(super) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    Init(init::Arguments),
    Issue(issue::Arguments),
    Revoke(revoke::Arguments),
    Show(show::Arguments),
}

pub(super) fn execute(arguments: &Arguments) -> Result<Ending, Diagnostics> {
    match &arguments.what {
        What::Init(arguments) => init::execute(arguments),
        What::Issue(arguments) => issue::execute(arguments),
        What::Revoke(arguments) => revoke::execute(arguments),
        What::Show(arguments) => show::execute(arguments),
    }
}

/// For how long a certificate for development may be good, in days: what browsers' rules allow a server at all (CA/Browser Forum,
/// Baseline Requirements §6.3.2).
const MAX_DAYS: i64 = 397;

/// From a minute ago, for machines whose clocks differ a little, for so many days.
fn validity(days: u16) -> Validity {
    let now = now();
    Validity { from: UnixSeconds::new(now.get().saturating_sub(60)), until: now.plus(u64::from(days) * 86_400) }
}

fn now() -> UnixSeconds {
    SystemClock::new().now().seconds()
}

/// What an authority's fault is called, and what to do about it.
fn diagnostic(fault: &AuthorityFault) -> Diagnostic {
    let message = plain(&whole(fault));
    match fault {
        AuthorityFault::Certificate(..) | AuthorityFault::Key(..) | AuthorityFault::List(_) => {
            Diagnostic::without_file("unreadable-input", message).help(
                "name certificates in PEM; the key of an authority lies beside it, in a file that ends with `.key`",
            )
        }
        AuthorityFault::NotOurs(_) => Diagnostic::without_file("no-development-authority", message)
            .help("`portcullis certs init` makes such authorities; others have programs of their own"),
        AuthorityFault::AnothersKey(_) => Diagnostic::without_file("no-development-authority", message)
            .help("the key of `ca.pem` is `ca.key` in the same folder"),
        AuthorityFault::NotNow(_) => Diagnostic::without_file("no-development-authority", message)
            .help("make new ones in another folder: `portcullis certs init DIR`"),
        AuthorityFault::NotIssuedHere(_) => Diagnostic::without_file("no-development-authority", message)
            .help("`portcullis certs show` tells its issuer"),
        AuthorityFault::Pki(error) => of_pki(error, message),
    }
}

fn of_pki(error: &PkiError, message: String) -> Diagnostic {
    match error {
        PkiError::Write(_, why) if is_there(why) => Diagnostic::without_file("not-empty", message)
            .help("nothing is overwritten: take another name, or remove what is there and its `.new`"),
        PkiError::Write(..) => {
            Diagnostic::without_file("not-written", message).help("name a folder that can be written")
        }
        PkiError::Issue(_) | PkiError::Use(_) | PkiError::Read(_) => Diagnostic::without_file("unusable", message)
            .help("names are visible ASCII, and times lie between 1970 and 2049"),
    }
}

fn is_there(why: &io::Error) -> bool {
    matches!(why.kind(), io::ErrorKind::AlreadyExists | io::ErrorKind::DirectoryNotEmpty)
}

/// A fault with what caused it.
fn whole(fault: &AuthorityFault) -> String {
    let mut text = fault.to_string();
    let mut cause = fault.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}

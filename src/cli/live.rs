//! The bundle in force at a running gateway, in place of a folder: what a change is compared with before it goes live.
//!
//! The gateway tells its files over the admin socket; they are compiled here, and their digest is made anew.

use std::path::Path;
use std::path::PathBuf;

use clap::Args;

use crate::admin;
use crate::admin::AskFault;
use crate::admin::SocketAnswer;
use crate::bundle::Bundle;
use crate::cli::door;
use crate::cli::output::plain;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use crate::limits::Limits;
use crate::model::Sha256;
use crate::pipeline::Act;

/// What diagnostics call the folder of its files.
const FOLDER: &str = "bundle-in-force";

/// Whether a running gateway is asked, and where it is. What names a folder instead conflicts with both arguments: clap does
/// not ask for what conflicts with what is there.
#[derive(Args)]
pub(super) struct Live {
    /// Compare with the bundle in force at the running gateway
    #[arg(long, requires = "admin")]
    since_live: bool,
    /// The gateway's admin socket, which `--since-live` asks
    #[arg(long, value_name = "PATH", requires = "since_live")]
    admin: Option<PathBuf>,
}

impl Live {
    /// The bundle in force, if that is what was asked for.
    ///
    /// # Errors
    /// The gateway does not tell it, or what it tells is not what it says it is.
    pub(super) fn bundle(&self) -> Result<Option<Bundle>, Diagnostics> {
        self.admin.as_deref().filter(|_| self.since_live).map(in_force).transpose()
    }
}

fn in_force(socket: &Path) -> Result<Bundle, Diagnostics> {
    match admin::ask(socket, &Act::Bundle).map_err(|fault| untold(&fault, socket))? {
        SocketAnswer::Bundle { digest, files } => of_answer(digest, files),
        SocketAnswer::Refused { refusal, near, receipt } => {
            Err(door::refused(refusal, near.as_deref(), receipt).into())
        }
        _ => Err(untold(&AskFault::Unanswered, socket).into()),
    }
}

/// The bundle that these files are, if they are those of the digest.
fn of_answer(digest: Sha256, files: Vec<(String, String)>) -> Result<Bundle, Diagnostics> {
    let files = files.into_iter().map(|(path, content)| (path, content.into_bytes()));
    let bundle = Bundle::of_files(Path::new(FOLDER), files, &Limits::default())?;
    if bundle.digest() != digest {
        let message = format!("the gateway says that {digest} is in force, and its files are {}", bundle.digest());
        return Err(Diagnostic::without_file("bundle-differs", message)
            .help("is this program of the gateway's version? `portcullis version` tells")
            .into());
    }
    Ok(bundle)
}

/// Why nothing was told. Nothing can have been done, for nothing was ordered.
fn untold(fault: &AskFault, socket: &Path) -> Diagnostic {
    let place = plain(&socket.display().to_string());
    match fault {
        AskFault::Unanswered => {
            Diagnostic::without_file("unanswered", format!("the gateway at `{place}` does not tell its bundle"))
                .help("whom `listeners.admin.roles` does not name is never answered; any role will do")
        }
        AskFault::TooLong => {
            let message = format!("what is told at `{place}` is longer than any bundle");
            Diagnostic::without_file("answer-too-long", message)
                .help("compare with a folder: `portcullis diff OLD NEW`, `portcullis approve --since OLD`")
        }
        fault => door::unanswered(fault, socket),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<(String, String)> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
        let bundle = Bundle::load(&folder, &Limits::default()).unwrap_or_else(|faults| panic!("{faults}"));
        bundle.files().map(|(path, source)| (path.to_owned(), source.text().to_owned())).collect()
    }

    #[test]
    fn files_that_are_not_those_of_the_digest_are_no_bundle_in_force() {
        let digest = of_answer(Sha256::new([0; 32]), sample()).err().unwrap();
        let codes = |faults: &Diagnostics| faults.iter().map(|fault| fault.code).collect::<Vec<_>>();
        assert_eq!(codes(&digest), ["bundle-differs"]);
        let right = Bundle::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("policies"), &Limits::default());
        let right = right.unwrap_or_else(|faults| panic!("{faults}")).digest();
        assert!(of_answer(right, sample()).is_ok());
        let less = sample().into_iter().filter(|(path, _)| path != "cedar/schema.cedarschema").collect();
        assert!(codes(&of_answer(right, less).err().unwrap()).contains(&"missing-file"));
    }

    #[test]
    fn every_fault_says_what_to_do() {
        let socket = Path::new("/run/\u{1b}[2J/admin.sock");
        for (fault, code) in [
            (AskFault::Unanswered, "unanswered"),
            (AskFault::TooLong, "answer-too-long"),
            (AskFault::NotOurs(7), "not-ours"),
            (AskFault::NotReached(std::io::ErrorKind::NotFound.into()), "not-reached"),
        ] {
            let told = Diagnostics::from(untold(&fault, socket)).to_string();
            assert!(told.starts_with(&format!("error[{code}]: ")) && told.contains("help: "), "{told}");
            assert!(!told.contains('\u{1b}') && !told.contains("effective"), "{told}");
        }
    }
}

//! `portcullis audit prove`: what stands under a receipt, as files that convince a stranger.

use crate::cli::audit::place;
use crate::cli::audit::place::LogPlace;
use crate::cli::audit::progress;
use crate::cli::audit::receipt;
use crate::cli::output::Ending;
use crate::cli::output::plain;
use crate::cli::output::say;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use crate::evidence;
use crate::evidence::Progress;
use crate::evidence::Proof;
use crate::evidence::ProveFault;
use crate::model::Receipt;
use clap::Args;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

/// Makes a proof of each record of a receipt: that it stands in the log under the newest checkpoint.
///
/// A proof is one file of text (C2SP tlog-proof) that holds the record, the hashes up to the root, and the signed checkpoint. Who
/// has it and the log's public key checks it without the log: `portcullis audit check-proof`. The record's bytes, with their
/// random salt, are shown to whoever gets the file, and nothing of any other record.
///
/// Exit codes: 0 made, 1 there is nothing to prove, or not yet, 2 it could not be made.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  portcullis audit prove r-aebagbafaydqqcikbmga2dqpca /var/lib/portcullis/audit --out proofs\n  \
                  portcullis audit prove r-aebagbafaydqqcikbmga2dqpca --config gateway.yaml"
)]
pub(super) struct Arguments {
    /// Which receipt
    #[arg(value_name = "RECEIPT", value_parser = receipt)]
    receipt: Receipt,
    #[command(flatten)]
    place: LogPlace,
    /// Where the proofs go: a folder, or a file if there is but one
    #[arg(long, value_name = "PATH", default_value = ".")]
    out: PathBuf,
}

pub(super) fn execute(arguments: &Arguments) -> Result<Ending, Diagnostics> {
    let (directory, _) = arguments.place.find()?;
    let progress = Progress::default();
    let found = progress::drawn(&progress, || evidence::prove(&directory, arguments.receipt, &progress));
    let found = match found {
        Ok(found) => found,
        Err(fault @ (ProveFault::Unknown | ProveFault::NotYet)) => {
            say(&format!("nothing is proved: {fault}\n"));
            return Ok(Ending::FoundSomething);
        }
        Err(fault) => return Err(unproved(&fault).into()),
    };
    for (path, proof) in named(&arguments.out, arguments.receipt, &found.proofs)? {
        fs::write(&path, proof.text()).map_err(|error| {
            let message = format!("`{}` cannot be written: {error}", plain(&path.display().to_string()));
            Diagnostic::without_file("not-written", message).help("name a folder that is there, by `--out`")
        })?;
        say(&format!("record {} is proved by {}\n", proof.index, plain(&path.display().to_string())));
    }
    if found.not_yet > 0 {
        say(&format!(
            "{} further records of this receipt are not signed yet; within a second they are\n",
            found.not_yet
        ));
    }
    Ok(Ending::Done)
}

/// The file of each proof.
fn named<'p>(out: &Path, receipt: Receipt, proofs: &'p [Proof]) -> Result<Vec<(PathBuf, &'p Proof)>, Diagnostic> {
    if out.is_dir() {
        let name = |proof: &Proof| out.join(format!("{receipt}-{}.tlog-proof", proof.index));
        return Ok(proofs.iter().map(|proof| (name(proof), proof)).collect());
    }
    match proofs {
        [one] => Ok(vec![(out.to_owned(), one)]),
        several => {
            let message =
                format!("{} records stand under the receipt, and `{}` is no folder", several.len(), out.display());
            Err(Diagnostic::without_file("not-written", message).help("name a folder that is there, by `--out`"))
        }
    }
}

/// Why no proof could be made.
pub(super) fn unproved(fault: &ProveFault) -> Diagnostic {
    let help = match fault {
        ProveFault::Unreadable(fault) => return place::unreadable(fault),
        ProveFault::Checkpoint { .. } => "a gateway writes `checkpoint` within a second of its first record",
        ProveFault::Gone { .. } => "bring the older segments back from the archive",
        ProveFault::Backwards { .. } => "the earlier checkpoint comes first",
        ProveFault::Unknown | ProveFault::NotYet | ProveFault::TooMany => "is it the right log?",
        ProveFault::NoHeader { .. } | ProveFault::Shorter { .. } | ProveFault::Other { .. } => {
            "`portcullis audit verify` tells what is wrong with the log, and where"
        }
    };
    Diagnostic::without_file("no-proof-made", format!("the log gives no proof: {fault}")).help(help)
}

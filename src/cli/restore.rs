//! `portcullis restore`: a backup in the place of the store, unless that would give somebody rights back.
//!
//! A copy of yesterday does not know whom somebody revoked today. The log does: each revocation is on record. So the log since
//! the backup is read, and a copy that has not seen its newest revocation is refused; or, if it is said so, the revocations
//! and liftings that it has not seen are taken from the log.

use crate::audit;
use crate::audit::HoldsFault;
use crate::audit::RecordedChange;
use crate::audit::SinceFault;
use crate::cli::backup::COPY;
use crate::cli::backup::MANIFEST;
use crate::cli::backup::Manifest;
use crate::cli::backup::unusable;
use crate::cli::output::Ending;
use crate::cli::output::say;
use crate::config::Config;
use crate::crypto;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use crate::store;
use crate::store::MissedChange;
use crate::store::StoreStanding;
use clap::Args;
use std::fs;
use std::path::PathBuf;

/// Puts a backup in the place of the store. The gateway must be stopped.
///
/// It refuses a copy that is not whole, was written under another key, or has not seen a revocation that is on record since:
/// whoever is revoked must stay refused. What was there before stays beside the store, as `<store>.replaced`.
///
/// Exit codes: 0 restored, 2 refused; the store is then as it was.
#[derive(Args)]
#[command(after_help = "Examples:\n  portcullis restore --config gateway.yaml /var/backups/portcullis/2026-11-27\n  \
                  portcullis restore --config gateway.yaml --force --complete /var/backups/portcullis/2026-11-26")]
pub(super) struct Arguments {
    /// The configuration that the gateway is to run with
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Replace the store that is there
    #[arg(long)]
    force: bool,
    /// Take the revocations and liftings that the copy has not seen from the log
    #[arg(long)]
    complete: bool,
    /// The folder that `portcullis backup` made
    #[arg(value_name = "BACKUP")]
    backup: PathBuf,
}

pub(super) fn execute(arguments: &Arguments) -> Result<Ending, Diagnostics> {
    let config = Config::load(&arguments.config)?;
    let (folder, target) = (&arguments.backup, &config.store.path);
    let manifest = Manifest::read(folder).map_err(|error| unusable("backup", &folder.join(MANIFEST), &error))?;
    let copy = folder.join(COPY);
    let bytes = fs::read(&copy).map_err(|error| unusable("copy", &copy, &error))?;
    if crypto::sha256(&bytes) != manifest.digest {
        let message = format!("`{}` is not the copy that was made: its digest is another one", copy.display());
        return Err(Diagnostic::without_file("copy-changed", message).help("take another backup").into());
    }
    let standing = store::examine(&copy, &config.store.key).map_err(|error| unusable("copy", &copy, &error))?;
    if target.exists() && !arguments.force {
        let message = format!("there is a store at `{}`", target.display());
        return Err(Diagnostic::without_file("store-exists", message)
            .help("`--force` replaces it; it stays beside as `.replaced`. Is it really lost?")
            .into());
    }
    if let Some(note) = &manifest.checkpoint {
        let (log, signer) = (&config.audit.directory, &config.audit.signer);
        audit::holds(log, signer, note).map_err(|fault| not_beside(&config, &fault))?;
    }
    let since = audit::since(&config.audit.directory, manifest.position).map_err(|fault| untold(&config, &fault))?;
    let missing = unseen(standing, &since.changes)?;
    if !missing.is_empty() && !arguments.complete {
        return Err(too_old(standing, &missing).into());
    }
    let (revoked, lifted) = counted(&missing);
    let restored = store::put_in_place(&copy, target, &config.store.key, &missing, since.epoch)
        .map_err(|error| unusable("store", target, &error))?;
    say(&format!(
        "restored {} as of {}: {} revocations in force; {revoked} revocations and {lifted} liftings were taken from the log\n",
        target.display(),
        manifest.made,
        restored.revocations,
    ));
    Ok(Ending::Done)
}

/// The recorded changes that a store has not seen: those of an epoch above its own.
pub(super) fn unseen(standing: StoreStanding, changes: &[RecordedChange]) -> Result<Vec<MissedChange>, Diagnostic> {
    let above = changes.iter().filter(|change| change.epoch() > standing.epoch);
    above.map(MissedChange::of).collect::<Option<_>>().ok_or_else(|| {
        Diagnostic::without_file(
            "unknown-revocation",
            "the log holds a revocation of a kind that this version does not know",
        )
        .help("use the version that wrote the log")
    })
}

/// How many revocations and how many liftings.
pub(super) fn counted(missed: &[MissedChange]) -> (usize, usize) {
    let revoked = missed.iter().filter(|change| matches!(change, MissedChange::Revoked(_))).count();
    (revoked, missed.len().saturating_sub(revoked))
}

fn too_old(standing: StoreStanding, missing: &[MissedChange]) -> Diagnostic {
    let newest = missing.iter().map(MissedChange::epoch).max().unwrap_or_default();
    let (revoked, lifted) = counted(missing);
    let message = format!(
        "this backup knows epoch {}, and {revoked} revocations and {lifted} liftings up to epoch {newest} are on record since: \
         it would give their rights back to whom they concern",
        standing.epoch
    );
    Diagnostic::without_file("older-than-revocations", message)
        .help("restore a later backup; or `--complete` takes what is missing from the log")
}

fn not_beside(config: &Config, fault: &HoldsFault) -> Diagnostic {
    let help = "put the log back that was beside this store, or a later copy of it; `backup --with-log` keeps one";
    Diagnostic { help: Some(help.to_owned()), ..unusable("audit log", &config.audit.directory, fault) }
}

pub(super) fn untold(config: &Config, fault: &SinceFault) -> Diagnostic {
    let help = match fault {
        SinceFault::Gone { .. } => "bring back the segments since the backup: one of them could hold a revocation",
        SinceFault::Behind => {
            "put the log back that was beside this store; one that is older cannot tell who was revoked since"
        }
        SinceFault::Open(_) => "what is damaged is restored from a copy of the log",
    };
    Diagnostic { help: Some(help.to_owned()), ..unusable("audit log", &config.audit.directory, fault) }
}

//! `portcullis backup`: the store as it is at one moment, also while the gateway runs, and how far the log had come by then.

mod manifest;

use crate::audit;
use crate::audit::CopiedLog;
use crate::cli::output::Ending;
use crate::cli::output::say;
use crate::clock::Clock;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::crypto;
use crate::diagnostic;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use crate::store;
use clap::Args;
pub(super) use manifest::MANIFEST;
pub(super) use manifest::Manifest;
use std::error::Error;
use std::fs;
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::path::PathBuf;

/// Copies the store, notes how far the log has come, and copies that too if asked to; the gateway may run.
///
/// DEST is a new folder: in it are `store.sqlite`, which is as secret as the store, and `backup.json`. The copy is one moment
/// of every table, found whole, and under the configured key. With `--with-log` the log's segments and checkpoints lie beside it
/// in `audit`. Keys, configuration and bundle are copied by other means (docs/operations.md).
///
/// Exit codes: 0 copied, 2 not copied.
#[derive(Args)]
#[command(after_help = "Examples:\n  portcullis backup --config gateway.yaml /var/backups/portcullis/2026-11-27\n  \
                  portcullis backup --config gateway.yaml --with-log /var/backups/portcullis/2026-11-28")]
pub(super) struct Arguments {
    /// The configuration that the gateway runs with
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Copy the log's segments and checkpoints, too
    #[arg(long)]
    with_log: bool,
    /// The folder to make
    #[arg(value_name = "DEST")]
    destination: PathBuf,
}

/// The name of the log's copy in its folder.
const LOG: &str = "audit";

/// The copy's name in its folder.
pub(super) const COPY: &str = "store.sqlite";

pub(super) fn execute(arguments: &Arguments) -> Result<Ending, Diagnostics> {
    let config = Config::load(&arguments.config)?;
    let folder = &arguments.destination;
    if fs::symlink_metadata(folder).is_ok() {
        let message = format!("`{}` is there already", folder.display());
        return Err(Diagnostic::without_file("destination-exists", message)
            .help("name a folder that is not there")
            .into());
    }
    DirBuilder::new().mode(0o700).create(folder).map_err(|error| unusable("destination", folder, &error))?;
    // The log first: what it held by then, the store holds too.
    let position = audit::position(&config.audit.directory)
        .map_err(|error| unusable("audit log", &config.audit.directory, &error))?;
    let checkpoint = checkpoint(&config).map_err(|error| unusable("audit log", &config.audit.directory, &error))?;
    let copy = folder.join(COPY);
    let standing = store::copy(&config.store.path, &copy, &config.store.key)
        .map_err(|error| unusable("store", &config.store.path, &error))?;
    let bytes = fs::read(&copy).map_err(|error| unusable("copy", &copy, &error))?;
    if let Some(position) = position.filter(|position| position.epoch > standing.epoch) {
        // Without its manifest it is no backup; nor shall it be taken for one.
        let _ = fs::remove_dir_all(folder);
        let message = format!("the log knows epoch {}, and the store {}", position.epoch, standing.epoch);
        return Err(Diagnostic::without_file("not-stored-yet", message)
            .help(
                "a revocation is in force and not stored yet: do it again; if that lasts, `portcullis status` says why",
            )
            .into());
    }
    // Behind the store: it holds all that the copy of the store knows.
    let log = arguments.with_log.then(|| audit::copy(&config.audit.directory, &folder.join(LOG))).transpose();
    let log = log.map_err(|error| unusable("audit log", &config.audit.directory, &error))?;
    let (made, digest) = (SystemClock::new().now(), crypto::sha256(&bytes));
    let manifest = Manifest { made, digest, standing, position, checkpoint };
    manifest.write(folder).map_err(|error| unusable("destination", folder, &error))?;
    let (copied, epoch, revocations) = (bytes.len(), standing.epoch, standing.revocations);
    say(&format!("copied {copied} bytes to {}: epoch {epoch}, {revocations} revocations\n", copy.display()));
    if let Some(CopiedLog { segments, bytes }) = log {
        say(&format!("copied {segments} segments of the log, {bytes} bytes, to {}\n", folder.join(LOG).display()));
    }
    Ok(Ending::Done)
}

/// The log's newest checkpoint, if there is one: the log beside which this is restored must hold what it vouches for.
fn checkpoint(config: &Config) -> io::Result<Option<String>> {
    match fs::read_to_string(config.audit.directory.join("checkpoint")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        read => read.map(Some),
    }
}

/// A file or folder that cannot be used, with everything that the error says.
pub(super) fn unusable(what: &str, path: &Path, error: &dyn Error) -> Diagnostic {
    let why = diagnostic::with_causes(error);
    Diagnostic::without_file("unusable", format!("the {what} `{}` cannot be used: {why}", path.display()))
        .help("run it as the user that the gateway runs as, with the configuration that it runs with")
}

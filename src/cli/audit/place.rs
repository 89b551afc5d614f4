//! Which log a proof is about, and by which key it is held to its word: arguments that several subcommands have.

use crate::cli::backup::unusable;
use crate::cli::output::plain;
use crate::config::Config;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use crate::evidence::VerifierKey;
use clap::Args;
use std::fs::File;
use std::io;
use std::io::Read;
use std::path::Path;
use std::path::PathBuf;

/// The longest file of a key, in bytes; a key has about a hundred.
const KEY_MAX_BYTES: u64 = 4 * 1024;

/// Which log.
#[derive(Args)]
pub(super) struct LogPlace {
    /// The folder of the audit log
    #[arg(value_name = "DIR", required_unless_present = "config")]
    directory: Option<PathBuf>,
    /// The configuration of the gateway whose log it is
    #[arg(long, value_name = "FILE", conflicts_with = "directory")]
    config: Option<PathBuf>,
}

impl LogPlace {
    /// The folder, and the configuration if it was named by that.
    ///
    /// # Errors
    /// What is wrong with the configuration.
    pub(super) fn find(&self) -> Result<(PathBuf, Option<Config>), Diagnostics> {
        match (&self.directory, &self.config) {
            (Some(directory), _) => Ok((directory.clone(), None)),
            (None, Some(path)) => {
                let config = Config::load(path)?;
                Ok((config.audit.directory.clone(), Some(config)))
            }
            (None, None) => {
                let message = "which log is meant is not said";
                Err(Diagnostic::without_file("unusable", message).help("name its folder, or `--config`").into())
            }
        }
    }
}

impl LogPlace {
    /// The folder, and the key by which the log is held to its word: the one that was named, or else the configured one.
    ///
    /// # Errors
    /// What is wrong with the configuration or the key; that neither says it.
    pub(super) fn find_with_key(&self, named: Option<&str>) -> Result<(PathBuf, VerifierKey), Diagnostics> {
        let (directory, config) = self.find()?;
        let key = match (named, &config) {
            (Some(named), _) => key(named)?,
            (None, Some(config)) => configured_key(config)?,
            (None, None) => {
                let message = "by which key the log is verified is not said";
                return Err(Diagnostic::without_file("no-log-key", message).help("name it by `--key`").into());
            }
        };
        Ok((directory, key))
    }
}

/// The key that was named, as it is spelled or in a file.
///
/// # Errors
/// It is none, or the file cannot be read.
pub(super) fn key(text: &str) -> Result<VerifierKey, Diagnostic> {
    let malformed = |what: &str, fault: &dyn std::error::Error| {
        let message = format!("`{}` {what}: {fault}", plain(text));
        Diagnostic::without_file("no-log-key", message)
            .help("it is one line, as `log.vkey` in the log's folder has it; take it from where nobody can change it")
    };
    match VerifierKey::parse(text) {
        Ok(key) => Ok(key),
        Err(fault) if text.contains('+') && !Path::new(text).exists() => Err(malformed("is no key of a log", &fault)),
        Err(_) => {
            let told = file(Path::new(text), KEY_MAX_BYTES).map_err(|error| malformed("cannot be read", &error))?;
            let told = String::from_utf8_lossy(&told);
            let line = told.strip_suffix('\n').unwrap_or(&told);
            VerifierKey::parse(line).map_err(|fault| malformed("holds no key of a log", &fault))
        }
    }
}

/// The public half of the configured key.
///
/// # Errors
/// It is not spelled as a public key must be.
pub(super) fn configured_key(config: &Config) -> Result<VerifierKey, Diagnostic> {
    key(&config.audit.signer.vkey())
}

/// A file that is not longer than `most` bytes.
///
/// # Errors
/// What the system says; that it is longer.
pub(super) fn file(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it is longer than {most} bytes")));
    }
    Ok(bytes)
}

/// Why a file of a log cannot be looked at.
pub(super) fn unreadable(fault: &crate::evidence::ExamineFault) -> Diagnostic {
    unusable("file of the log", &fault.path, &fault.source)
}

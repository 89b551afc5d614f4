//! Why the audit log cannot be opened, in words for the operator: a code for each way in which it is not what it was.

use crate::audit::AuditOpenError;
use crate::diagnostic;
use crate::diagnostic::Diagnostic;
use std::path::Path;

/// What keeps the log in `directory` from being used.
pub(super) fn told(directory: &Path, error: &AuditOpenError) -> Diagnostic {
    let why = diagnostic::with_causes(error);
    let message = format!("the audit log `{}` cannot be used: {why}", directory.display());
    match error {
        AuditOpenError::Shortened { .. } | AuditOpenError::NoCheckpoint { .. } => {
            Diagnostic::without_file("log-shortened", message)
                .help("records are gone that outsiders may know of: bring the whole directory back, the newest copy that there is")
        }
        AuditOpenError::Changed { .. } => Diagnostic::without_file("log-changed", message)
            .help("keep the directory as it is for whoever investigates, and bring it back from a copy"),
        AuditOpenError::OtherVersion { .. } => Diagnostic::without_file("log-of-another-version", message)
            .help("keep the directory as it is, with the program that wrote it, and begin a new log in another directory"),
        AuditOpenError::OtherLog { .. } => Diagnostic::without_file("log-of-another", message)
            .help("a log keeps its name and key: name them, or begin another log in another directory"),
        AuditOpenError::MalformedCheckpoint { .. } => Diagnostic::without_file("malformed-checkpoint", message)
            .help("no crash leaves that: bring `checkpoint` back from a copy of the directory"),
        AuditOpenError::Io { .. }
        | AuditOpenError::InUse { .. }
        | AuditOpenError::Damaged { .. }
        | AuditOpenError::Thread(_) => Diagnostic::without_file("unusable", message)
            .help("one process has it at a time; what is damaged is restored from a backup"),
    }
}

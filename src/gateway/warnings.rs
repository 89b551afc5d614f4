//! Warnings of the configuration, told in the log: at the start, and whenever its files are taken up anew.

use crate::diagnostic::Diagnostics;

/// A line for each.
pub(super) fn log(warnings: &Diagnostics) {
    for warning in warnings.iter() {
        let file = warning.source.as_ref().map(|source| source.path().display().to_string());
        let (line, help) = (warning.place.line, warning.help.as_deref());
        tracing::warn!(code = warning.code, file, line, what = %warning.message, help, "a later release will refuse this");
    }
}

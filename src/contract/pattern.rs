//! Patterns.
pub(super) struct Pattern;

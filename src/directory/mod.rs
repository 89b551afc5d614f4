//! The directory: which houses there are, who manages them, which clocks they go by, which partners act there, and what
//! stands in them. One immutable version at a time; no person is in it, and master data stays with the backend.

mod file;
mod rules;
mod snapshot;

pub use snapshot::Directory;

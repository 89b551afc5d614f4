//! What stands where: houses, their doors and barriers, and the management company of each. Versioned live data of the
//! operator, no persons. One snapshot is immutable; a new file is a new snapshot.

mod compile;

pub use compile::Directory;

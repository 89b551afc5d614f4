//! The bundle: everything under `policies/`, loaded, digested and compiled into one immutable snapshot.
//!
//! Each file is opened and read once, through no link, and the bytes that were digested are the bytes that were compiled.
//! What lies in the folder and has no place there is a fault: nobody approves a file that does nothing. Approvals stand
//! beside the bundle, not in it; they are read in the same pass.
//! An exchange uses one [`Bundle`] from beginning to end.

mod allow;
mod compile;
mod folder;
mod look;
mod real_data;
mod required;
mod required_schema;
mod requirements;
mod rights;
mod stated;
mod traces;
mod tree;

pub use allow::LINTS;
pub use compile::Bundle;
pub use compile::Offered;
pub use look::Unlaid;
pub use required_schema::requirements_schema;
pub use requirements::Requirements;
pub use stated::Authorities;
pub use stated::Stated;
pub use stated::StatedHost;
pub use stated::StatedIssuer;
pub use stated::StatedSoftener;
pub use traces::traces;

#[cfg(test)]
mod tests;

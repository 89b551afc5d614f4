//! The directory: which houses there are, who manages them, which clocks they go by, which partners act there, and what
//! stands in them. One immutable version at a time; no person is in it, and master data stays with the backend.
//!
//! Two readers bring a version: of the file at start ([`Directory::compile`]) and of what the backend sends while the gateway
//! runs ([`Document`]: a whole snapshot, or a delta on the version in force). Both go by one set of rules, and make the same
//! value of the same content. What the backend sends is read only once its signature is verified ([`Signed`]).

mod delta;
mod document;
mod file;
mod memory;
mod rules;
mod settings;
mod signature;
mod snapshot;
mod text;

pub use delta::UpdateFault;
pub use document::Document;
pub use settings::DirectoryStore;
pub use settings::KeepFault;
pub use settings::KeptDirectory;
pub use settings::Settings;
pub use signature::SignatureFault;
pub use signature::Signed;
pub use signature::TYPE;
pub use snapshot::Directory;

#[cfg(test)]
mod tests;

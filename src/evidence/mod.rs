//! Evidence: what a log proves to one who trusts neither the gateway nor whoever keeps its files.
//!
//! The verifier is a stranger: it reads files and public keys, goes by `docs/audit-format.md`, and shares no code with the
//! writer (`audit/`), so that a fault there is not made a second time here. Nothing is written, locked or mended, and a log
//! may be looked at while a gateway writes it.
//!
//! [`Frontier`] and its neighbours are the tree of RFC 6962; [`Note`] and [`Checkpoint`] what a log has signed.

mod note;
mod tree;

pub use note::Checkpoint;
pub use note::KeyFault;
pub use note::NOTE_MAX_BYTES;
pub use note::Note;
pub use note::NoteFault;
pub use note::VerifierKey;
pub use note::base64_of_hash;
pub use note::hash_of_base64;
pub use tree::Frontier;
pub use tree::Gathering;
pub use tree::Node;
pub use tree::Parts;
pub use tree::SIZE_MAX;
pub use tree::consistency;
pub use tree::inclusion;
pub use tree::is_consistent;
pub use tree::is_included;
pub use tree::leaf_hash;
pub use tree::node_hash;
pub use tree::whole;

//! Evidence: what a log proves to one who trusts neither the gateway nor whoever keeps its files.
//!
//! The verifier is a stranger: it reads files and public keys, goes by `docs/audit-format.md`, and shares no code with the
//! writer (`audit/`), so that a fault there is not made a second time here. Nothing is written, locked or mended, and a log
//! may be looked at while a gateway writes it.
//!
//! [`examine`] holds a whole log against its signed checkpoints, and against what outsiders saw of it ([`Seen`]); what is
//! wrong is a [`Finding`]. [`Frontier`] and its neighbours are the tree of RFC 6962; [`Note`] and [`Checkpoint`] what a log
//! has signed.

mod checkpoints;
mod claim;
mod examine;
mod finding;
mod lines;
mod note;
mod proof;
mod prove;
mod record;
mod segment;
mod tiles;
mod tree;

pub use claim::Seen;
pub use claim::SeenFault;
pub use examine::ExamineFault;
pub use examine::Progress;
pub use examine::Question;
pub use examine::Report;
pub use examine::examine;
pub use finding::Finding;
pub use finding::Wrong;
pub use note::Checkpoint;
pub use note::KeyFault;
pub use note::NOTE_MAX_BYTES;
pub use note::Note;
pub use note::NoteFault;
pub use note::VerifierKey;
pub use note::base64_of_hash;
pub use note::hash_of_base64;
pub use proof::ConsistencyProof;
pub use proof::PROOF_MAX_BYTES;
pub use proof::Proof;
pub use proof::ProofFault;
pub use proof::Proved;
pub use prove::ProofsOfReceipt;
pub use prove::ProveFault;
pub use prove::prove;
pub use prove::prove_consistency;
pub use record::RecordFault;
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

#[cfg(test)]
mod tests;

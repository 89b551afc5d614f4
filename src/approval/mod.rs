//! Approval: who must have signed a bundle before it comes into force, and what was in force before it.
//!
//! What is signed is a [`Statement`] (DESIGN of the formats: `docs/approvals.md`), by a person whose key stands in the list of
//! [`Signers`], which lies outside the bundle and belongs to nobody whom the service is. [`judge`] holds bundle, statements,
//! list and [`History`] against one another and does no input or output; [`Cleared::activate`] makes durable that a bundle was
//! activated, and only it makes an [`Approved`], without which no bundle comes into force: at start and at a swap alike.
//!
//! The files of the statements are read by `bundle/`, in the same pass as the bundle's own.

mod approved;
mod counted;
mod data;
mod history;
mod judge;
mod signed;
mod signers;
mod signers_file;
mod statement;
mod succession;

pub use approved::Approved;
pub use approved::Cleared;
pub use approved::approve;
pub use approved::on_stage;
pub use data::data_digest;
pub use data::data_list;
pub use history::Activation;
pub use history::ActivationFault;
pub use history::ActivationStore;
pub use history::History;
pub use history::KnownList;
pub use judge::Terms;
pub use judge::Worth;
pub use judge::judge;
pub use judge::worth;
pub use signed::Signed;
pub use signed::statements;
pub use signers::LIST_NAMESPACE;
pub use signers::Signer;
pub use signers::Signers;
pub use signers_file::Owners;
pub use signers_file::SignersFile;
pub use statement::Evidence;
pub use statement::EvidenceKind;
pub use statement::NAMESPACE;
pub use statement::Statement;
pub use statement::StatementError;

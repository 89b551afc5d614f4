//! The development kit: authorities, certificates and tokens that are worth nothing outside a developer's machine.
//!
//! `portcullis demo` and the tests are its users; no other room imports it, so nothing in the gateway can tell that the
//! world around it is one of ours. What is made here is real (real chains, real signatures), and what is wrong is
//! wrong in one named way.

mod issuer;
mod pki;

pub use issuer::TokenClaims;
pub use issuer::TokenIssuer;
pub use pki::Authority;
pub use pki::BACKEND;
pub use pki::GATEWAY;
pub use pki::Issued;
pub use pki::Leaf;
pub use pki::Pki;
pub use pki::PkiError;
pub use pki::PkiFiles;
pub use pki::Usage;
pub use pki::Validity;

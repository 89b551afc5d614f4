//! May this caller do this, here, now? Cedar policies, compiled strictly at load, indexed, asked once per exchange.
//!
//! The room answers with a proof ([`Permit`], [`PeerPermit`]) or with a fault that carries the same [`Decision`] for the
//! record. Default is deny; a policy that errors denies, where Cedar alone would pass over it. Nothing here reads bytes,
//! headers or a clock: values come from the proofs of the steps before, time is an argument.

mod decide;
mod decision;
mod peer;

pub use decide::Permit;
pub use decide::PolicyFault;
pub use decision::Decision;
pub use decision::Input;
pub use peer::PeerPermit;

//! The guard: is this command neither revoked, nor late, too fast or already done, and is that still so when it leaves?
//!
//! It makes six proofs. [`Paced`], before anybody's token is looked at: the peer is not too fast. [`FirstUse`]: a proof of
//! possession was not used before. [`Admitted`], before a body is read: nothing of the caller is revoked, nor too fast, the
//! command is young enough, and its proof of possession, if it has one, fresh. [`Bound`], once the body is
//! rebuilt: what the idempotency key stands for. [`Placed`], once it is permitted: nothing is stopped where it goes.
//! [`Current`], between the record and the first byte: all of it asked again.
//!
//! The guard decides and does no IO: `now` is an argument, revocations last through [`RevocationStore`], the highest wall time
//! through [`TimeStore`] and client assertions through [`AssertionStore`], which `store/` implements, and idempotency keys through the log's intents. No lock is held across an `.await`, and nothing is ever
//! evicted to make room.

mod admit;
mod age;
mod assertions;
mod bind;
mod current;
mod departures;
mod erasure;
mod event;
mod fault;
mod highest;
mod kind;
mod ledger;
mod lift;
mod nonce;
mod place;
mod rate;
mod replay;
mod revocation;
mod standing;
mod step_up;
mod two_persons;

pub use admit::Admitted;
pub use assertions::AssertionStore;
pub use assertions::AssertionsSeen;
pub use assertions::UsedAssertion;
pub use bind::Bound;
pub use current::Basis;
pub use current::Current;
pub use current::Upheld;
pub use departures::Departure;
pub use erasure::EraseFault;
pub use erasure::ErasureAgreed;
pub use event::EventCurrent;
pub use event::EventRevocable;
pub use fault::GuardFault;
pub use fault::RevokeFault;
pub use fault::Withdrawn;
pub use highest::KeptTime;
pub use highest::TimeStore;
pub use kind::OrderFault;
pub use kind::Revocation;
pub use kind::RevocationKind;
pub use kind::VALUE_MAX_BYTES;
pub use ledger::LedgerEntry;
pub use ledger::Reservation;
pub use ledger::Running;
pub use lift::Agreed;
pub use lift::LiftFault;
pub use lift::Lifting;
pub use place::Placed;
pub use rate::Paced;
pub use rate::RateFault;
pub use rate::RateOf;
pub use replay::FirstUse;
pub use replay::ProofsSeen;
pub use revocation::LiftedRevocation;
pub use revocation::OrderedBy;
pub use revocation::RESERVE;
pub use revocation::RevocationStore;
pub use revocation::StoreFault;
pub use revocation::StoredRevocation;
pub use revocation::StoredRevocations;
pub use standing::Guard;

#[cfg(test)]
mod tests;

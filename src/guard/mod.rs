//! The guard: is this command neither revoked, nor late, too fast or already done, and is that still so when it leaves?
//!
//! It makes four proofs. [`Paced`], before anybody's token is looked at: the peer is not too fast. [`Admitted`], before a
//! body is read: nothing of the caller is revoked, nor too fast, and the command is young enough. [`Bound`], once the body is rebuilt: what the idempotency key stands for. [`Current`], between the record and
//! the first byte: all of it asked again.
//!
//! The guard decides and does no IO: `now` is an argument, revocations last through [`RevocationStore`], which `store/`
//! implements, and idempotency keys through the log's intents. No lock is held across an `.await`, and nothing is ever
//! evicted to make room.

mod admit;
mod age;
mod bind;
mod current;
mod departures;
mod event;
mod fault;
mod ledger;
mod rate;
mod revocation;
mod standing;

pub use admit::Admitted;
pub use bind::Bound;
pub use current::Basis;
pub use current::Current;
pub use departures::Departure;
pub use event::EventCurrent;
pub use event::EventRevocable;
pub use fault::GuardFault;
pub use fault::RevokeFault;
pub use fault::Withdrawn;
pub use ledger::LedgerEntry;
pub use ledger::Reservation;
pub use ledger::Running;
pub use rate::Paced;
pub use rate::RateFault;
pub use rate::RateOf;
pub use revocation::OrderedBy;
pub use revocation::RESERVE;
pub use revocation::Revocation;
pub use revocation::RevocationKind;
pub use revocation::RevocationStore;
pub use revocation::StoreFault;
pub use revocation::StoredRevocation;
pub use revocation::StoredRevocations;
pub use standing::Guard;

#[cfg(test)]
mod tests;

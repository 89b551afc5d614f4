//! Protect: what happens to each field on its way to the partner, and its way back.
//!
//! A contract declares for each leaf that it is kept, dropped, replaced by a pseudonym, or must already be encrypted to
//! the recipient. [`Protector::protect`] makes [`Protected`], the only bytes that may leave; [`Protector::restore`] turns
//! the pseudonyms of an answer back. [`Protector::protect_event`] does for events what both do for commands. Who asks and why it was allowed is no business of this room.

mod event;
mod jwe;
mod protected;
mod protector;
mod pseudonym;

pub use event::ProtectedEvent;
pub use protected::ProtectFault;
pub use protected::Protected;
pub use protected::Restored;
pub use protector::Protector;

#[cfg(test)]
mod tests;

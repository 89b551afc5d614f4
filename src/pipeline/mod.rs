//! The ways through the house, each a straight page: what happens, in which order, and what ends it.
//!
//! A way calls the rooms one after the other and hands each the proofs of those before it; it decides nothing itself. It
//! knows no socket, no file format and no framework: what it needs from outside comes as values ([`Body`], the clock, the
//! partners). `refusal.rs` is the one bridge from the rooms' faults to reason codes and to what a caller is told.

mod act;
mod anew;
mod calls;
mod client_token;
mod courier;
mod delivery;
mod directory;
mod event_in;
mod event_out;
mod exchange;
mod facts;
mod from_partner;
mod gate;
mod health;
mod identify;
mod inbound;
mod known;
mod metadata;
mod operation;
mod own;
mod partner_checkpoint;
mod partner_keys;
mod patience;
mod persons;
mod port;
mod readiness;
mod receipt;
mod refusal;
mod repeat;
mod revocation;
mod room;
mod route;
mod session;
mod trace;
mod trail;

pub use crate::audit::Concluded;
pub use crate::guard::OrderFault;
pub use crate::guard::RevocationKind;
pub use crate::guard::StoredRevocation;
pub use act::Act;
pub use act::ActRefusal;
pub use act::ActReply;
pub use act::Acted;
pub use act::Listed;
pub use act::PAGE_MAX;
pub use calls::Calls;
pub use courier::Courier;
pub use courier::keep;
pub use directory::Updates;
pub use gate::Core;
pub use gate::Gate;
pub use gate::Visitor;
pub use health::Failure;
pub use health::Health;
pub use health::Seen;
pub use persons::PersonFault;
pub use persons::PersonOrder;
pub use port::Body;
pub use port::BodyFault;
pub use readiness::CONDITIONS;
pub use readiness::Condition;
pub use readiness::condition;
pub use refusal::DoorFault;
pub use refusal::Refusal;
pub use revocation::RevocationOrder;
pub use revocation::read as read_order;
pub use room::BodyMemory;
pub use room::HeldMemory;
pub use room::Room;
pub use route::Inward;
pub use route::Route;
pub use route::Snapshot;

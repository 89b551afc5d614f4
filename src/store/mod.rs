//! The store: one SQLite file that holds what must last and is not a record: revocations with the epoch's ceiling, the
//! persons behind handles, the outbox of events, the newest directory, which bundles were activated, how far the log had come,
//! the highest wall time, and which client assertions were used.
//!
//! It implements [`crate::guard::RevocationStore`], [`crate::guard::TimeStore`], [`crate::guard::AssertionStore`], [`crate::audit::HandleStore`], [`crate::webhook::OutboxStore`],
//! [`crate::directory::DirectoryStore`], [`crate::audit::SeenStore`] and [`crate::approval::ActivationStore`], and knows no more of each than how its rows look. One thread owns the connection;
//! what waits for it becomes one transaction, and an answer comes only after that is durable (WAL with `synchronous=FULL`: a
//! commit survives power loss). One process has the file open, held by a lock on a file beside it. Values that name a
//! person are keyed digests, or sealed under the store's key.
//!
//! Not for network file systems: neither WAL nor the lock works there.

mod activations;
mod assertions;
mod copy;
mod directory;
mod handles;
mod log_seen;
mod open;
mod outbox;
mod reconcile;
mod revocations;
mod schema;
mod wall_time;
mod writer;

pub use copy::StoreStanding;
pub use copy::activations;
pub use copy::copy;
pub use copy::examine;
pub use copy::log_seen;
pub use copy::put_in_place;
pub use log_seen::forget_log;
pub use open::Sqlite;
pub use open::StoreOpenError;
pub use reconcile::Alone;
pub use reconcile::MissedChange;
pub use reconcile::reconcile;
pub use wall_time::accept_clock;
pub use writer::BeforeWork;

#[cfg(test)]
mod tests;

//! What the tests stand on: a stage with files, keys and a partner; gateways on it, in this process or in their own; the
//! one client; and the reading of records.

mod client;
mod gateway;
mod records;
mod stage;

pub use client::Command;
pub use client::fresh_key;
pub use gateway::Process;
pub use gateway::Served;
pub use records::Record;
pub use stage::AUTHORITY;
pub use stage::Stage;
pub use stage::now;

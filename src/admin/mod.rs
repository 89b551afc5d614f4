//! The doors for those who run the gateway: health and metrics over HTTP, acts over a Unix socket.
//!
//! - [`serve_ops`] answers `/healthz`, `/readyz`, `/-/status`, `/-/checkpoint` and `/metrics` on the ops listener, which is loopback unless
//!   configured otherwise. It tells states and counts, takes no orders, and knows no request. [`look()`] is the other end, for
//!   commands.
//! - [`AdminSocket`] takes orders, so it answers only to [`Persons`] whom the kernel vouches for: those who are configured,
//!   or the one who owns the process; [`ask`] is the other end, for commands.
//!
//! What an act does is `pipeline/`'s, what is counted is `telemetry/`'s: both come in as [`Acts`] and
//! [`Report`]. Which address or path, `config/` says.

mod answer;
mod client;
mod head;
mod line;
mod look;
mod ops;
mod persons;
mod reading;
mod socket;

pub use answer::Refusal;
pub use answer::SocketAnswer;
pub use client::AskFault;
pub use client::ask;
pub use line::LineFault;
pub use look::LookFault;
pub use look::Looked;
pub use look::look;
pub use ops::Report;
pub use ops::serve_ops;
pub use persons::Persons;
pub use socket::Acts;
pub use socket::AdminSocket;

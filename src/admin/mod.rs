//! The doors for the one who runs the gateway: health and metrics over HTTP, revocations over a Unix socket.
//!
//! - [`serve_ops`] answers `/healthz`, `/readyz`, `/-/status` and `/metrics` on the ops listener, which is loopback unless
//!   configured otherwise. It tells states and counts, takes no orders, and knows no request. [`look()`] is the other end, for
//!   commands.
//! - [`AdminSocket`] takes orders, so it is a file of mode 0600 and answers only to the uid that the gateway runs as;
//!   [`ask`] is the other end, for `portcullis revoke`.
//!
//! What a revocation does is `pipeline/`'s, what is counted is `telemetry/`'s: both come in as [`Revokes`] and
//! [`Report`]. Which address or path, `config/` says.

mod client;
mod head;
mod line;
mod look;
mod ops;
mod reading;
mod socket;

pub use client::AskFault;
pub use client::ask;
pub use line::LineFault;
pub use line::Refusal;
pub use line::SocketAnswer;
pub use look::LookFault;
pub use look::Looked;
pub use look::look;
pub use ops::Report;
pub use ops::serve_ops;
pub use socket::AdminSocket;
pub use socket::Revokes;

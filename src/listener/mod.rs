//! The door for callers: TLS with client certificates, strict heads, HTTP/1.1 and HTTP/2, limits and deadlines.
//!
//! It turns what comes over the wire into a [`crate::model::Head`] and a body that can be read once, hands both to the
//! pipeline, and writes what was concluded. It knows no contract, token, policy or partner.

mod accept;
mod body;
mod connection;
mod head;
mod http1;
mod http2;
mod reply;
mod request;
mod stream;
mod stream_body;

pub use accept::Census;
pub use accept::Door;
pub use accept::Listener;
pub use head::Framing;
pub use head::HeadFault;
pub use head::check_head;

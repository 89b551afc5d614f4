//! One buffered exchange outward: a TLS identity of our own, limits, deadlines, no redirects, no retry.
//!
//! [`Connect`] opens or reuses a connection without sending a byte of application data; [`Connection::exchange`] then
//! sends one request and reads one whole answer. Between the two stands whatever must be asked a last time. A request is
//! sent once: whether bytes may have left is told with every fault. An answer is read strictly (RFC 9112), and a
//! connection goes back to its pool only after exactly one whole answer and not a byte more, and when whoever holds the
//! answer says that it was a valid one ([`Spent::give_back`]).
//!
//! Where the other side answers nothing ([`OneWay`]), bytes are sent over a connection of their own, and count as received only
//! once the other side has closed it after reading the last of them.
//!
//! It does not know what it carries, and reads no clock but for deadlines.

mod answer;
mod chunked;
mod client;
mod document;
mod ends;
mod exchange;
mod fault;
mod one_way;
mod request;
mod said;
mod streams;

#[cfg(test)]
mod tests;

pub use client::Client;
pub use client::ClientError;
pub use client::ClientSettings;
pub use client::Connections;
pub use client::MAX_IDLE;
pub use client::Place;
pub use client::Spent;
pub use document::DocumentFault;
pub use document::document;
pub use ends::Ends;
pub use ends::LastEnds;
pub use exchange::Connect;
pub use exchange::Connection;
pub use exchange::Exchanged;
pub use exchange::Response;
pub use exchange::read_answer;
pub use fault::ConnectFault;
pub use fault::ExchangeFault;
pub use fault::ExchangeFaultKind;
pub use one_way::OneWay;
pub use request::Request;
pub use said::is_of_type;
pub use said::user_agent;
pub use streams::Dial;
pub use streams::Streams;

//! What the tests stand on: a stage with files, keys and a partner; gateways on it, in this process or in their own; the
//! one client, and raw bytes beside it; the fence behind what is hostile; the reading of records, and of the documents.

mod client;
mod disk;
mod gateway;
pub mod hello;
mod inbound;
mod pages;
mod post;
mod raw;
mod records;
mod scene;
mod stage;
mod streams;
mod trickle;

pub use client::Command;
pub use client::Told;
pub use client::fresh_key;
pub use disk::Deeds;
pub use gateway::PATIENCE;
pub use gateway::Process;
pub use gateway::Served;
pub use gateway::ops_page;
pub use gateway::told_by;
pub use gateway::until;
pub use inbound::Event;
pub use inbound::Inbound;
pub use inbound::take_events;
pub use pages::blocks;
pub use pages::inline_code;
pub use pages::page;
pub use pages::pages_in;
pub use pages::shell_blocks;
pub use post::Post;
pub use post::without_mappings;
pub use raw::Fate;
pub use raw::bytes_of;
pub use records::Record;
pub use records::records;
pub use scene::Scene;
pub use stage::Stage;
pub use stage::now;
pub use streams::Streams;
pub use streams::connect_h1;
pub use streams::connect_h2;
pub use streams::whole;
pub use trickle::Trickle;

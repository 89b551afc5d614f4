//! The command line: what people type, what they are told, and with which exit code it ends.
//!
//! A file per command: its arguments, its text and JSON, and a `--help` with an example. Exit codes are 0 (done), 1 (it
//! looked and found something wrong) and 2 (it could not run); what stops a command is a diagnostic on standard error.
//! What a command does is done elsewhere; `clap` stays in this room.

mod approve;
mod audit;
mod backup;
mod certs;
mod check;
mod completions;
mod config;
mod contract;
mod contract_files;
mod coverage;
mod demo;
mod diff;
mod diff_markdown;
mod diff_text;
mod door;
mod entry;
mod expiries;
mod explain;
mod identity_lines;
mod init;
mod keys;
mod lift;
mod live;
mod man;
mod mutate;
mod new;
mod ops;
mod output;
mod panics;
mod restore;
mod revocations;
mod revoke;
mod run;
mod schema;
mod screen;
mod status;
mod store;
mod table;
mod test;
mod token;
mod top;
mod verify;
mod version;
mod who_can;

pub use entry::main;
pub use entry::refuse_to_start;

//! The log as a whole: on real files, and on a disk that fails, hangs and fills up on command.

mod failing;
mod finding;
mod harness;
mod lasting;
mod losing;
mod reading;
mod recording;
mod walking;
mod watching;

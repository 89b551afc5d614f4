//! The log as a whole: on real files, and on a disk that fails, hangs and fills up on command.

mod archived_tiling;
mod archiving;
mod attesting;
mod failing;
mod finding;
pub(super) mod harness;
mod lasting;
mod losing;
mod modelling;
pub(super) mod reading;
mod recording;
mod reopening;
mod reserving;
mod rotating;
mod selecting;
mod tiling;
mod typed;
mod walking;
mod watching;

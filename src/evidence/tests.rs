//! Logs that are written by the format's page alone, and everything that can be done to them.

mod attacks;
mod forge;
mod live;
mod proofs;
mod seen;

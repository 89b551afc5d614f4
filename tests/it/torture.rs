//! What the log must survive, done for real: kill -9 under load ([`kills`]), and file systems that fill up, break or turn
//! read-only under it ([`mounts`]). A few kills in every run of the tests; the rest with `make torture`.

mod kills;
mod mounts;

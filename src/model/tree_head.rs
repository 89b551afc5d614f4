//! How far a log has come, as whoever sees it can hold it against the log later.

use crate::model::Sha256;

/// So many records of a log, and the root of the tree over them (RFC 6962).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TreeHead {
    /// The log's name.
    pub origin: Box<str>,
    /// How many records.
    pub size: u64,
    /// The root.
    pub root: Sha256,
}

//! Segments of the log: their names, and places in them.

/// Where a record lies in the log.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Place {
    pub(super) segment: u64,
    pub(super) offset: u64,
    pub(super) length: u32,
}

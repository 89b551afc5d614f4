//! What became of a command whose idempotency key is known. The log keeps the answers, guard remembers the keys; these
//! are the words between them.

/// Where the log keeps a sealed answer. Only the log fills one in and reads it; others carry it.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct AnswerPlace {
    /// The log's segment.
    pub segment: u64,
    /// Bytes from the segment's beginning.
    pub offset: u64,
    /// Bytes that the answer takes there.
    pub length: u32,
}

/// How the first command of an idempotency key ended.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum PastOutcome {
    /// An answer was given and is on record; the same is given again.
    Answered(AnswerPlace),
    /// Bytes may have left and nobody knows what became of them; so it is said again.
    Unknown,
}

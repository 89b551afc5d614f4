//! Reading the log back at start.

use crate::audit::facts::KeyDigests;
use crate::audit::segment::Place;
use crate::clock::UnixMillis;
use crate::model::Receipt;

/// What opening the log found.
#[derive(Debug, Default)]
pub struct Recovered {
    /// The commands with an idempotency key of the last 24 hours, in the order of their intents.
    pub past: Vec<PastCommand>,
    /// How many intents had no outcome and are marked unknown now.
    pub unknown: usize,
    /// How many bytes of a torn tail were cut off (and kept aside).
    pub cut_bytes: u64,
}

/// A command of the past that has an idempotency key.
#[derive(Clone, Copy, Debug)]
pub struct PastCommand {
    /// The key and what it is bound to.
    pub key: KeyDigests,
    /// The receipt of the first request with this key.
    pub receipt: Receipt,
    /// When its intent was recorded.
    pub at: UnixMillis,
    /// What became of it.
    pub state: PastState,
}

/// What became of a command of the past.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PastState {
    /// It was answered; [`Log::recorded_answer`](crate::audit::Log::recorded_answer) reads the answer there.
    Answered(Place),
    /// Nothing was sent: the command may be given again.
    NotSent,
    /// Nobody knows.
    Unknown,
}

//! What whoever looks at the gateway is told of an issuer: where what verifies its tokens comes from, and how that stands. Nothing
//! of a token is in it, and nobody decides by it.

use crate::clock::UnixSeconds;
use crate::wire::LastEnds;
use std::sync::Arc;
use std::time::Duration;

/// An issuer of sign-in tokens.
#[derive(Clone, Debug)]
pub struct IssuerSeen {
    /// `iss`, as configured.
    pub issuer: Arc<str>,
    /// By what its tokens are verified.
    pub by: VerifiedBy,
}

/// By what an issuer's tokens are verified.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum VerifiedBy {
    /// Keys of a file.
    File {
        /// How many.
        keys: usize,
    },
    /// Keys that it publishes.
    Published(PublishedSeen),
    /// Its own word.
    Asked(AskedSeen),
}

/// The keys that an issuer publishes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PublishedSeen {
    /// How many are in force; none where none came, or the last set is too old.
    pub keys: usize,
    /// When the last good set came.
    pub came: Option<UnixSeconds>,
    /// For how many seconds a set counts.
    pub keep_s: u64,
    /// The next fetch that is due by itself, in steady time.
    pub due: Duration,
    /// How fetches ended.
    pub ends: LastEnds,
}

/// An issuer that is asked about its tokens.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AskedSeen {
    /// For how many seconds an answer is good.
    pub keep_s: u64,
    /// How long a request waits for one.
    pub timeout: Duration,
    /// Questions under way.
    pub under_way: usize,
    /// Answers that are remembered.
    pub remembered: usize,
    /// How questions ended.
    pub ends: LastEnds,
}

impl PublishedSeen {
    /// The first second in which the last set is refused by the wall clock.
    #[must_use]
    pub fn refused_at(&self) -> Option<UnixSeconds> {
        self.came.map(|came| came.plus(self.keep_s).plus(1))
    }
}

//! What the directory needs from outside: whose updates are taken, how old it may grow, and where a version lasts.

use crate::clock::UnixMillis;
use crate::crypto::KeySet;
use async_trait::async_trait;
use std::sync::Arc;

/// How the directory is kept up to date.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The backend's keys that sign updates; `None` where none is taken.
    pub keys: Option<Arc<KeySet>>,
    /// How many seconds old the directory may be while something moves; `None` where it does not matter.
    pub max_age_s: Option<u64>,
}

/// A version as it lasts: its text, which [`Directory::restored`](crate::directory::Directory::restored) reads.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeptDirectory {
    /// The data's revision.
    pub revision: u64,
    /// When it was taken up.
    pub taken_at: UnixMillis,
    /// The whole of it.
    pub text: Vec<u8>,
}

/// Where the newest version that the backend sent lasts.
#[async_trait]
pub trait DirectoryStore: Send + Sync {
    /// The version that was kept last; `None` where there is none.
    ///
    /// # Errors
    /// [`KeepFault`]: whether there is one is not known then.
    async fn last(&self) -> Result<Option<KeptDirectory>, KeepFault>;

    /// Keeps a version in place of the last one; durable when this returns.
    ///
    /// # Errors
    /// [`KeepFault`]. It may still be kept.
    async fn replace(&self, directory: KeptDirectory) -> Result<(), KeepFault>;
}

/// A version could not be kept, or not be read back. The cause is in the log.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the directory cannot be kept in the store, or not be read from it")]
pub struct KeepFault;

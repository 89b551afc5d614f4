//! The log, as the ways use it.
//!
//! **Late records.** An intent whose waiter gives up at the deadline may still become durable. Nothing is sent under it:
//! no [`Recorded`] was handed out. An outcome `not-sent` is queued behind it at once, so that on disk the two follow one
//! another. Should the process die between them, recovery finds an intent without outcome and marks it unknown, which
//! errs to the safe side: the same idempotency key is then never sent a second time.

use crate::audit::facts::Facts;
use crate::audit::fault::AuditFault;
use crate::audit::fault::AuditOpenError;
use crate::audit::fault::RecallFault;
use crate::audit::outcome::Note;
use crate::audit::outcome::Outcome;
use crate::audit::proof::Concluded;
use crate::audit::proof::Noted;
use crate::audit::proof::Recorded;
use crate::audit::recover::Recovered;
use crate::audit::segment::Place;
use crate::audit::storage::Disk;
use crate::clock::Clock;
use crate::clock::UnixMillis;
use crate::crypto::SecretKey;
use crate::model::Reason;
use crate::model::Receipt;
use crate::model::Reply;
use crate::policy::Permit;
use crate::protect::Protected;
use crate::telemetry::Metrics;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Where the log lies and how long a record may take.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The directory of the segments. Made if it is missing; its parent must exist.
    pub directory: PathBuf,
    /// How long a caller waits for a record to become durable.
    pub deadline: Duration,
    /// The size of a segment in bytes.
    pub segment_bytes: u64,
}

/// The audit log. Clones share it.
#[derive(Clone)]
pub struct Log {}

impl Log {
    /// Opens the log, recovers what an earlier process left, and starts the thread that writes.
    ///
    /// # Errors
    /// [`AuditOpenError`] names the file.
    pub fn open(
        settings: Settings,
        key: &SecretKey,
        clock: Arc<dyn Clock>,
        metrics: Arc<Metrics>,
    ) -> Result<(Self, Recovered), AuditOpenError> {
        todo!()
    }

    /// [`open`](Self::open) with another disk behind it, for tests that make it fail.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_on(
        disk: Box<dyn Disk>,
        settings: Settings,
        key: &SecretKey,
        clock: Arc<dyn Clock>,
        metrics: Arc<Metrics>,
    ) -> Result<(Self, Recovered), AuditOpenError> {
        todo!()
    }

    /// The same log with a desk of its own, for one more runtime: a batch wakes each desk once.
    #[must_use]
    pub fn at_own_desk(&self) -> Self {
        todo!()
    }

    /// Makes the intent durable. When this returns, `fdatasync` has succeeded; else nothing may be sent.
    ///
    /// # Errors
    /// [`AuditFault`]; pass it to [`Log::unrecorded`].
    pub async fn intent(
        &self,
        permit: &Permit,
        protected: &Protected,
        facts: &Facts,
        now: UnixMillis,
    ) -> Result<Recorded, AuditFault> {
        todo!()
    }

    /// Makes the outcome durable, then lets the answer go. If it cannot be made durable, the caller is told that the
    /// outcome is unknown: what is not on record did not happen for him.
    pub async fn outcome(&self, recorded: Recorded, outcome: Outcome, reply: Reply, now: UnixMillis) -> Concluded {
        todo!()
    }

    /// Records a refusal, then lets its answer go. If it cannot be recorded: 503, and counted.
    pub async fn refusal(&self, facts: &Facts, reason: Reason, reply: Reply, now: UnixMillis) -> Concluded {
        todo!()
    }

    /// Records that a recorded answer is given again to a repeated command, then lets it go.
    pub async fn repeat(&self, facts: &Facts, first: Receipt, reply: Reply, now: UnixMillis) -> Concluded {
        todo!()
    }

    /// Records what belongs to no outbound operation.
    ///
    /// # Errors
    /// [`AuditFault`].
    pub async fn note(&self, facts: &Facts, note: Note, now: UnixMillis) -> Result<Noted, AuditFault> {
        todo!()
    }

    /// The answer to a request whose record could not be made durable: 503, nothing was done. Counted.
    pub fn unrecorded(&self, facts: &Facts, fault: AuditFault) -> Concluded {
        todo!()
    }

    /// Reads back the answer that an outcome kept. Blocks on a file.
    ///
    /// # Errors
    /// [`RecallFault`]; the outcome then counts as unknown.
    pub fn recorded_answer(&self, place: Place, receipt: Receipt) -> Result<Reply, RecallFault> {
        todo!()
    }

    /// Whether records are taken: `false` once writing has failed.
    #[must_use]
    pub fn is_open(&self) -> bool {
        todo!()
    }
}

//! The archivist: the thread that takes old segments of the log to the archive, and removes them once nothing needs them here.
//!
//! It works at the lowest priority, one segment a round, and never holds up a record. What goes is on record before it goes;
//! without that record it stays. Whatever fails leaves the segments where they are, is told in the log once, and stands as the
//! notice `archive-failed` until a round goes well.
//!
//! Beside that it gives the store the log's newest checkpoint, once a minute.

use crate::audit::Archive;
use crate::audit::ArchiveFault;
use crate::audit::Held;
use crate::audit::Note;
use crate::audit::Oldest;
use crate::audit::SeenStore;
use crate::audit::Standing;
use crate::diagnostic;
use crate::gateway::note;
use crate::pipeline::Gate;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::watch;

/// Between two rounds.
const ROUND_PAUSE: Duration = Duration::from_secs(2);

/// Between two checkpoints that the store is given: for so long an older copy of the log may pass unnoticed.
const SEEN_EVERY: Duration = Duration::from_secs(60);

/// The priority of the thread: whatever else wants the processor goes first.
const NICE: i32 = 19;

/// Which segment the slowest export reads; `None` where there is no export.
pub(super) type Exported = Box<dyn Fn() -> io::Result<Option<u64>> + Send>;

/// Takes segments to the archive.
pub(super) struct Archivist {
    archive: Option<Archive>,
    gate: Gate,
    exported: Exported,
    store: Arc<dyn SeenStore>,
    /// How many records the checkpoint covers that the store has seen.
    seen: u64,
    /// When the store is given another, by the steady clock.
    seen_next: Duration,
    /// What was told last, so that it is told once.
    told: Option<String>,
}

/// Why a round came to nothing.
#[derive(Debug, thiserror::Error)]
enum RoundFault {
    #[error(transparent)]
    Archive(#[from] ArchiveFault),
    #[error("how far the exports have come cannot be read")]
    Exported(#[source] io::Error),
    #[error("that the segment goes cannot be put on record")]
    Record(#[source] crate::audit::AuditFault),
}

impl Archivist {
    pub(super) fn new(archive: Option<Archive>, gate: Gate, exported: Exported, store: Arc<dyn SeenStore>) -> Self {
        let seen_next = gate.core().clock.steady().saturating_add(SEEN_EVERY);
        Self { archive, gate, exported, store, seen: 0, seen_next, told: None }
    }

    /// Works until the gateway ends.
    pub(super) async fn run(mut self, mut until_closed: watch::Receiver<bool>) {
        // On Linux a thread has a priority of its own. Without one it works all the same.
        let _ = rustix::process::setpriority_process(None, NICE);
        while !*until_closed.borrow() {
            self.keep_seen().await;
            let went = self.round().await;
            self.tell(went.err());
            tokio::select! {
                () = tokio::time::sleep(ROUND_PAUSE) => {}
                _ = until_closed.changed() => {}
            }
        }
    }

    /// Gives the store the newest checkpoint, once a minute. What fails is tried again in the next round, and decides nothing.
    async fn keep_seen(&mut self) {
        let now = self.gate.core().clock.steady();
        let Some(checkpoint) = self.gate.log().checkpoint().filter(|_| now >= self.seen_next) else { return };
        if checkpoint.size() > self.seen && self.store.keep_seen(checkpoint.note().to_owned()).await.is_ok() {
            self.seen = checkpoint.size();
            self.seen_next = now.saturating_add(SEEN_EVERY);
        }
    }

    /// One segment is copied, or one is removed.
    async fn round(&mut self) -> Result<(), RoundFault> {
        let Some(archive) = &mut self.archive else { return Ok(()) };
        let core = self.gate.core();
        let attested = self.gate.log().checkpoint().map_or(0, |checkpoint| checkpoint.size());
        if let Some(archived) = archive.copy_next(core.clock.now(), attested)? {
            tracing::info!(segment = archived.segment, records = archived.to, "a segment of the log is in the archive");
            core.metrics.audit_archived();
            return Ok(());
        }
        let exported = (self.exported)().map_err(RoundFault::Exported)?;
        let standing = Standing { attested, exported, stored: core.guard.is_durable() };
        let oldest = archive.oldest(core.clock.now(), standing)?;
        let held = if let Oldest::Held(held) = oldest { Some(held) } else { None };
        Held::ALL.iter().for_each(|one| core.metrics.audit_held(one.word(), held == Some(*one)));
        if let Oldest::MayGo(archived) = oldest {
            note(&self.gate, Note::Archive(archived)).await.map_err(RoundFault::Record)?;
            self.gate.log().segment_goes(&archived);
            archive.remove(&archived)?;
            tracing::info!(segment = archived.segment, "a segment of the log is in the archive only");
            core.metrics.audit_removed();
        }
        Ok(())
    }

    fn tell(&mut self, fault: Option<RoundFault>) {
        self.gate.core().archive_failed.store(fault.is_some(), Ordering::Relaxed);
        let why = fault.map(|fault| diagnostic::with_causes(&fault));
        if let Some(why) = why.as_ref().filter(|_| why != self.told) {
            tracing::error!(why, "segments of the audit log are not archived, and stay where they are");
        }
        self.told = why;
    }
}

//! The archivist: the thread that takes old segments of the log to the archive, and removes them once nothing needs them here.
//!
//! It works at the lowest priority, one segment a round, and never holds up a record. What goes is on record before it goes;
//! without that record it stays. Whatever fails leaves the segments where they are, is told in the log once, and stands as the
//! notice `archive-failed` until a round goes well.

use crate::audit::Archive;
use crate::audit::ArchiveFault;
use crate::audit::Held;
use crate::audit::Note;
use crate::audit::Oldest;
use crate::audit::Standing;
use crate::diagnostic;
use crate::gateway::note;
use crate::pipeline::Gate;
use std::io;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::watch;

/// Between two rounds.
const ROUND_PAUSE: Duration = Duration::from_secs(2);

/// The priority of the thread: whatever else wants the processor goes first.
const NICE: i32 = 19;

/// Which segment the slowest export reads; `None` where there is no export.
pub(super) type Exported = Box<dyn Fn() -> io::Result<Option<u64>> + Send>;

/// Takes segments to the archive.
pub(super) struct Archivist {
    archive: Archive,
    gate: Gate,
    exported: Exported,
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
    pub(super) const fn new(archive: Archive, gate: Gate, exported: Exported) -> Self {
        Self { archive, gate, exported, told: None }
    }

    /// Works until the gateway ends.
    pub(super) async fn run(mut self, mut until_closed: watch::Receiver<bool>) {
        // On Linux a thread has a priority of its own. Without one it works all the same.
        let _ = rustix::process::setpriority_process(None, NICE);
        while !*until_closed.borrow() {
            let went = self.round().await;
            self.tell(went.err());
            tokio::select! {
                () = tokio::time::sleep(ROUND_PAUSE) => {}
                _ = until_closed.changed() => {}
            }
        }
    }

    /// One segment is copied, or one is removed.
    async fn round(&mut self) -> Result<(), RoundFault> {
        let core = self.gate.core();
        let attested = self.gate.log().checkpoint().map_or(0, |checkpoint| checkpoint.size());
        if let Some(archived) = self.archive.copy_next(core.clock.now(), attested)? {
            tracing::info!(segment = archived.segment, records = archived.to, "a segment of the log is in the archive");
            core.metrics.audit_archived();
            return Ok(());
        }
        let exported = (self.exported)().map_err(RoundFault::Exported)?;
        let standing = Standing { attested, exported, stored: core.guard.is_durable() };
        let oldest = self.archive.oldest(core.clock.now(), standing)?;
        let held = if let Oldest::Held(held) = oldest { Some(held) } else { None };
        Held::ALL.iter().for_each(|one| core.metrics.audit_held(one.word(), held == Some(*one)));
        if let Oldest::MayGo(archived) = oldest {
            note(&self.gate, Note::Archive(archived)).await.map_err(RoundFault::Record)?;
            self.gate.log().segment_goes(&archived);
            self.archive.remove(&archived)?;
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

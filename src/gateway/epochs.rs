//! Store and log held against each other before anything is served: a store that is older than its log has forgotten
//! revocations, and a log that is older than its store has forgotten records and idempotency keys. Neither serves.
//!
//! Once a minute the store is given the log's newest checkpoint: a log that does not come up to it is an older copy, or another.
//!
//! Both carry the epoch. Where the log proves that the store once knew more, the start is refused, and `portcullis store
//! reconcile` makes it good. Where the log holds only what the store never took (it failed, and then the process ended),
//! it is replayed here: it was in force when the gateway ran last, and it must be now. A lifting that only the log has is
//! not replayed by a start: what it is about stays in force, which errs to the safe side.

use crate::audit;
use crate::audit::HoldsFault;
use crate::audit::Note;
use crate::audit::RecordedChange;
use crate::audit::SeenStore;
use crate::audit::SinceFault;
use crate::audit::Unseen;
use crate::config::Config;
use crate::diagnostic::Diagnostic;
use crate::gateway::log_fault;
use crate::guard::RESERVE;
use crate::guard::RevocationStore;
use crate::guard::StoreFault;
use crate::guard::StoredRevocation;
use crate::model::Epoch;
use crate::store::MissedChange;
use crate::store::Sqlite;

/// What stands in the way of serving by this store beside this log.
pub(super) enum Uneven {
    /// The diagnostic says what, and what to do.
    Refused(Diagnostic),
    /// The store itself does not work.
    Store(StoreFault),
}

/// Replays in the store what it never took, unless it has forgotten something. Gives what is to be put on record of it.
///
/// # Errors
/// [`Uneven`].
pub(super) async fn evened(config: &Config, store: &Sqlite) -> Result<Option<Note>, Uneven> {
    let note = store.last_seen().await.map_err(|_| Uneven::Store(StoreFault::Failed))?;
    held(config, note.as_deref()).map_err(Uneven::Refused)?;
    let ceiling = store.load().await.map_err(Uneven::Store)?.ceiling;
    let seen = Epoch::new(ceiling.get().saturating_sub(RESERVE));
    let unseen = compare(config, seen).map_err(Uneven::Refused)?;
    let revocations = never_taken(config, &unseen).map_err(Uneven::Refused)?;
    let (count, last) = (revocations.len() as u64, revocations.last().map(|last| last.epoch));
    if unseen.changes.len() as u64 > count {
        tracing::warn!(
            "a lifting on record is not in the store, and what it is about stays in force; lift it once more"
        );
    }
    if unseen.epoch > seen {
        let ceiling = Epoch::new(unseen.epoch.get().saturating_add(RESERVE));
        store.keep(revocations, ceiling).await.map_err(Uneven::Store)?;
    }
    let Some(up_to) = last else { return Ok(None) };
    tracing::warn!(
        revocations = count,
        up_to = up_to.get(),
        "revocations that were never stored were stored from the log"
    );
    Ok(Some(Note::Replayed { revocations: count, up_to }))
}

/// Whether the log has come as far as the checkpoint that the store has seen, and is the same one.
///
/// # Errors
/// It is older, or another.
pub(super) fn held(config: &Config, note: Option<&str>) -> Result<(), Diagnostic> {
    let (source, places) = (&config.source, config.places);
    let Some(note) = note else { return Ok(()) };
    match audit::holds(&config.audit.directory, &config.audit.signer, note) {
        // What the archive has is not asked for, nor what the log's own name and key tell apart.
        Ok(()) | Err(HoldsFault::Gone | HoldsFault::NotOurs) => Ok(()),
        // Opening the log says the same, and more.
        Err(HoldsFault::Open(_)) => Ok(()),
        Err(fault @ (HoldsFault::Older { .. } | HoldsFault::Another { .. })) => {
            let message = format!("the log is older than the store, which has seen more of it: {fault}");
            let told = Diagnostic::without_file("log-older-than-store", message).asked_at(source, places.audit);
            Err(told
                .help("bring the newest copy of the log back; if it is lost, docs/store-and-log.md says how to go on"))
        }
    }
}

/// What the log holds that a store which knows everything up to `seen` does not know.
///
/// # Errors
/// The store is older than the log, or the log cannot tell.
pub(super) fn compare(config: &Config, seen: Epoch) -> Result<Unseen, Diagnostic> {
    let (source, places) = (&config.source, config.places);
    match audit::unseen(&config.audit.directory, seen) {
        Ok(unseen) if unseen.is_forgotten() => {
            let count = unseen.changes.len();
            let message = format!(
                "the store is older than the log: it knows epoch {seen}, and the log {} with {count} revocations and \
                 liftings since; who was revoked since would have their rights back",
                unseen.epoch
            );
            let fault = Diagnostic::without_file("store-older-than-log", message).asked_at(source, places.store);
            Err(fault.help("`portcullis store reconcile` takes from the log what the store does not know"))
        }
        Ok(unseen) => Ok(unseen),
        Err(SinceFault::Open(error)) => {
            Err(log_fault::told(&config.audit.directory, &error).asked_at(source, places.audit))
        }
        Err(fault @ (SinceFault::Gone { .. } | SinceFault::Behind)) => {
            let message = format!(
                "the store knows epoch {seen}, and whether the log holds revocations since cannot be told: {fault}"
            );
            let told = Diagnostic::without_file("store-older-than-log", message).asked_at(source, places.store);
            Err(told.help(
                "bring back the segments since, or a later backup of the store; then `portcullis store reconcile`",
            ))
        }
    }
}

fn never_taken(config: &Config, unseen: &Unseen) -> Result<Vec<StoredRevocation>, Diagnostic> {
    let revoked = unseen.changes.iter().filter(|change| matches!(change, RecordedChange::Revoked(_)));
    let known = revoked.map(|change| match MissedChange::of(change) {
        Some(MissedChange::Revoked(one)) => Some(one),
        _ => None,
    });
    known.collect::<Option<_>>().ok_or_else(|| {
        let message = "the log holds a revocation of a kind that this version does not know";
        let fault = Diagnostic::without_file("unknown-revocation", message);
        fault.asked_at(&config.source, config.places.audit).help("start the version that wrote the log")
    })
}

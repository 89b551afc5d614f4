//! Who looks after the wall clock: whether somebody sets it, whether it shows less than it ever did, and that the next start
//! knows how far it had come.
//!
//! **What lasts.** Every record of the log bears its time and is durable before anything leaves, so the last of them says of
//! everything that had an effect that it was no later. What is missing is time in which nothing happened, and what lay in
//! segments that are gone; for these the store has a row, written once in [`KEEP_EVERY`] while the gateway runs. A start takes
//! the later of the two, and what its clock shows. Between the last writing and a kill, at most that long, a clock can be
//! set back unnoticed by what no record tells: nothing was done then.
//!
//! **An absurd clock** at the start of a machine must not keep its gateway down for good. What the clock shows at a start
//! counts for this run at once, but is written only when it has held for [`FORWARD_HELD`] and is not behind; how it rises from
//! there, [`Rise`] says. So one that a time server mends a moment later is good again after a restart. Where it has held, or
//! its last record bears it, `portcullis store accept-clock` is the way out.

use crate::audit::ClockStanding;
use crate::audit::ClockStands;
use crate::audit::ClockStepped;
use crate::audit::Note;
use crate::clock::UnixMillis;
use crate::gateway::clock_rise::FORWARD_HELD;
use crate::gateway::clock_rise::Rise;
use crate::gateway::clock_watch::ClockWatch;
use crate::gateway::note;
use crate::guard::Guard;
use crate::guard::StoreFault;
use crate::guard::TimeStore;
use crate::pipeline::Gate;
use std::sync::Arc;
use std::time::Duration;

/// How often the highest wall time is written at most, by the steady clock.
const KEEP_EVERY: Duration = Duration::from_secs(10);

/// What a start found of the time before.
#[derive(Default)]
pub(super) struct Recalled {
    /// What is to be put on record of it.
    pub(super) notes: Vec<Note>,
    /// Whether a person has accepted what the clock shows.
    pub(super) accepted: bool,
}

/// What the log tells of the time before a start; `None` where it is empty.
#[derive(Clone, Copy)]
pub(super) struct TimesOnRecord {
    /// The time of its last record.
    pub(super) last: Option<UnixMillis>,
    /// The latest time of any.
    pub(super) latest: Option<UnixMillis>,
}

/// Looks after the wall clock while the gateway runs.
pub(super) struct ClockKeeper {
    gate: Gate,
    store: Arc<dyn TimeStore>,
    watch: ClockWatch,
    rise: Rise,
    behind: bool,
    /// What the store is known to have.
    kept: Option<UnixMillis>,
    /// From when on it may be given more, by the steady clock.
    keep_from: Duration,
}

/// Tells the guard how far the clock had come before this start: by the store, and by the time of the last record. What a person
/// accepts makes the clock right, and nothing fresh again that was used by the wrong one: how far that had come is kept.
///
/// # Errors
/// [`StoreFault`]: without it a clock that was set back would be taken.
pub(super) async fn recall(
    guard: &mut Guard,
    store: &dyn TimeStore,
    TimesOnRecord { last: last_record, latest }: TimesOnRecord,
    now: UnixMillis,
) -> Result<Recalled, StoreFault> {
    let kept = store.kept_time().await?;
    let known = kept.map(|kept| kept.seen);
    if let Some(seen) = known.max(latest) {
        guard.begin_after(seen);
        if known != Some(seen) {
            store.keep_seen(seen).await?;
        }
    }
    let accepted = kept.is_some_and(|kept| kept.accepted);
    let mut notes = Vec::new();
    if accepted {
        let by_ms = last_record.map_or(0, |last| last.get().saturating_sub(now.get()));
        let highest = last_record.unwrap_or(now).max(now);
        tracing::warn!(%highest, by_ms, "what the wall clock shows was accepted by a person");
        notes.push(Note::ClockStands(ClockStands { standing: ClockStanding::Accepted, highest, by_ms }));
    }
    kept.map(|kept| kept.highest)
        .into_iter()
        .chain(last_record.filter(|_| !accepted))
        .for_each(|at| guard.raise_highest_time(at));
    if let Some(by_ms) = guard.clock_behind_ms(now) {
        notes.push(behind(guard.highest_time(), by_ms));
    }
    Ok(Recalled { notes, accepted })
}

fn behind(highest: UnixMillis, by_ms: u64) -> Note {
    tracing::error!(%highest, by_ms, "the wall clock shows less than it has shown before: nothing moves until it has caught up");
    Note::ClockStands(ClockStands { standing: ClockStanding::Behind, highest, by_ms })
}

impl ClockKeeper {
    /// From now on, not from when a thread has begun.
    pub(super) fn begin(gate: Gate, store: Arc<dyn TimeStore>, accepted: bool) -> Self {
        let (now, steady) = (gate.core().clock.now(), gate.core().clock.steady());
        let behind = gate.core().guard.clock_behind_ms(now).is_some();
        let keep_from = if accepted { steady } else { steady.saturating_add(FORWARD_HELD) };
        Self {
            watch: ClockWatch::begin(now, steady),
            rise: Rise::begin(steady),
            gate,
            store,
            behind,
            kept: None,
            keep_from,
        }
    }

    /// Looks at both clocks; once a second.
    pub(super) async fn look(&mut self) {
        let core = Arc::clone(self.gate.core());
        let (now, steady) = (core.clock.now(), core.clock.steady());
        if let Some(stepped) = self.watch.look(now, steady) {
            if stepped.forward {
                // Should it be set back: what is used once from now on may bear this time. The record tells it, too.
                let _ = self.store.keep_seen(now).await;
            }
            self.tell_step(stepped).await;
        }
        let highest = self.rise.look(core.guard.highest_time(), now, steady);
        core.guard.raise_highest_time(highest);
        let by_ms = core.guard.clock_behind_ms(now);
        core.metrics.clock_behind(by_ms.unwrap_or_default());
        if by_ms.is_some() != self.behind {
            self.behind = by_ms.is_some();
            self.tell_standing(highest, by_ms).await;
        }
        if by_ms.is_none() && steady >= self.keep_from && self.kept != Some(highest) {
            // What fails is tried again, and decides nothing: the log bears the time of everything that happens.
            if self.store.keep_time(highest).await.is_ok() {
                self.kept = Some(highest);
            }
            self.keep_from = steady.saturating_add(KEEP_EVERY);
        }
    }

    /// Tells that somebody has set the wall clock: whoever reads times out of records must know.
    async fn tell_step(&self, stepped: ClockStepped) {
        let ClockStepped { expected, forward, by_ms } = stepped;
        self.gate.core().metrics.clock_stepped(forward);
        tracing::warn!(%expected, forward, by_ms, "the wall clock was set");
        // One that cannot be recorded is counted as lost by the log.
        let _ = note(&self.gate, Note::Clock(stepped)).await;
    }

    async fn tell_standing(&self, highest: UnixMillis, by_ms: Option<u64>) {
        let told = match by_ms {
            Some(by_ms) => behind(highest, by_ms),
            None => {
                tracing::info!("the wall clock has caught up");
                Note::ClockStands(ClockStands { standing: ClockStanding::CaughtUp, highest, by_ms: 0 })
            }
        };
        let _ = note(&self.gate, told).await;
    }
}

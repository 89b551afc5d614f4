//! How far each destination has come: for the metrics, the status, the notice, and for whoever removes old segments.
//!
//! Behind are records that may go out (a checkpoint covers them) and have not been taken. By how many seconds says the oldest of
//! them: when it was made. All is told by the gateway's clock, and nobody is asked anything for its sake.

use crate::audit::Cursor;
use crate::audit::Log;
use crate::audit::bytes_from;
use crate::audit::lowest_export_place;
use crate::clock::Clock;
use crate::clock::UnixMillis;
use crate::exporters::fault::ExportFault;
use crate::model::Name;
use crate::telemetry::Metrics;
use parking_lot::Mutex;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// How many seconds a destination may be behind before `/readyz` says so.
pub(super) const BEHIND_NOTICE_S: u64 = 300;

/// One destination, as far as it has come; shared with its exporter.
pub(super) struct Standing {
    name: Name,
    kind: &'static str,
    metrics: Arc<Metrics>,
    state: Mutex<State>,
}

#[derive(Clone, Copy, Debug)]
struct State {
    /// The next record to go out, as it is kept.
    place: Cursor,
    /// When that one was made, as far as it is known.
    oldest: Option<UnixMillis>,
    last_success: Option<UnixMillis>,
    last_failure: Option<(UnixMillis, ExportFault)>,
    /// Since the last success.
    failures: u64,
    records: u64,
}

/// One destination at one moment.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Stand {
    /// Its name.
    pub name: Name,
    /// Its kind: `syslog`, `otlp` or `file`.
    pub kind: &'static str,
    /// The next record to go out.
    pub place: Cursor,
    /// How many records are behind it that may go out.
    pub behind: u64,
    /// How many seconds ago the oldest of them was made; 0 where there is none.
    pub lag_s: u64,
    /// How many records it has taken since the start.
    pub records: u64,
    /// When it took the last batch.
    pub last_success: Option<UnixMillis>,
    /// When it failed last, and the word for it.
    pub last_failure: Option<(UnixMillis, &'static str)>,
    /// Failures since the last success.
    pub failures: u64,
}

/// All destinations of one gateway.
pub struct Exports {
    directory: PathBuf,
    log: Log,
    clock: Arc<dyn Clock>,
    all: Vec<Arc<Standing>>,
}

impl Standing {
    pub(super) fn new(name: Name, kind: &'static str, place: Cursor, metrics: Arc<Metrics>) -> Self {
        metrics.export_begins(&name);
        let state = State { place, oldest: None, last_success: None, last_failure: None, failures: 0, records: 0 };
        Self { name, kind, metrics, state: Mutex::new(state) }
    }

    pub(super) const fn name(&self) -> &Name {
        &self.name
    }

    /// The record at the place was made then.
    pub(super) fn reads(&self, oldest: UnixMillis) {
        self.state.lock().oldest = Some(oldest);
    }

    /// So many records were taken, so many of them rejected for good, and the place is kept; `oldest` is about when the record there
    /// was made, if one is there. Whether it had failed before.
    pub(super) fn took(
        &self,
        (records, rejected): (usize, u64),
        place: Cursor,
        oldest: Option<UnixMillis>,
        now: UnixMillis,
    ) -> bool {
        let mut state = self.state.lock();
        let records = u64::try_from(records).unwrap_or(u64::MAX);
        (state.place, state.oldest, state.last_success) = (place, oldest, Some(now));
        let was_failing = std::mem::take(&mut state.failures) > 0;
        state.records = state.records.saturating_add(records);
        drop(state);
        self.metrics.export_took(&self.name, records, rejected.min(records), now.seconds().get());
        was_failing
    }

    /// A batch was not taken; whether that is news.
    pub(super) fn failed(&self, fault: ExportFault, now: UnixMillis) -> bool {
        let mut state = self.state.lock();
        let before = state.last_failure.filter(|_| state.failures > 0).map(|(_, fault)| fault.word());
        state.failures = state.failures.saturating_add(1);
        state.last_failure = Some((now, fault));
        drop(state);
        self.metrics.export_failed(&self.name);
        before != Some(fault.word())
    }

    /// How it stands with a log whose checkpoint covers so many records.
    fn stand(&self, size: u64, now: UnixMillis) -> Stand {
        let mut state = self.state.lock();
        let behind = size.saturating_sub(state.place.index);
        if behind == 0 {
            state.oldest = None;
        }
        // Until it has been read, it is as old as we have known of it.
        let oldest = if behind == 0 { now } else { *state.oldest.get_or_insert(now) };
        let lag_s = now.seconds().since(oldest.seconds());
        let State { place, last_success, last_failure, failures, records, .. } = *state;
        let last_failure = last_failure.map(|(at, fault)| (at, fault.word()));
        Stand {
            name: self.name.clone(),
            kind: self.kind,
            place,
            behind,
            lag_s,
            records,
            last_success,
            last_failure,
            failures,
        }
    }
}

impl Exports {
    pub(super) const fn new(directory: PathBuf, log: Log, clock: Arc<dyn Clock>, all: Vec<Arc<Standing>>) -> Self {
        Self { directory, log, clock, all }
    }

    /// How each stands now, in the order of the configuration.
    #[must_use]
    pub fn stands(&self) -> Vec<Stand> {
        let size = self.log.checkpoint().map_or(0, |checkpoint| checkpoint.size());
        let now = self.clock.now();
        self.all.iter().map(|standing| standing.stand(size, now)).collect()
    }

    /// Tells the metrics, and whether any destination is behind by more than it may be without a word.
    pub fn tell(&self) -> bool {
        let stands = self.stands();
        for (stand, standing) in stands.iter().zip(&self.all) {
            standing.metrics.export_lags(&stand.name, stand.behind, stand.lag_s);
        }
        stands.iter().any(|stand| stand.lag_s > BEHIND_NOTICE_S)
    }

    /// How many bytes of records are kept for whichever has come least far; none where nobody is behind. Blocks.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn bytes_behind(&self) -> io::Result<u64> {
        let behind = self.stands().into_iter().filter(|stand| stand.behind > 0);
        match behind.map(|stand| stand.place).min_by_key(|place| (place.index, place.segment)) {
            Some(place) => bytes_from(&self.directory, place),
            None => Ok(0),
        }
    }

    /// The place before which every destination has every record, as it is kept on the disk: what lies before it need not be there
    /// for any of them. `None` where there is no destination. Blocks.
    ///
    /// # Errors
    /// A place cannot be read: then nothing may go.
    pub fn lowest_place(&self) -> io::Result<Option<Cursor>> {
        let names: Vec<Name> = self.all.iter().map(|standing| standing.name.clone()).collect();
        lowest_export_place(&self.directory, &names)
    }
}
